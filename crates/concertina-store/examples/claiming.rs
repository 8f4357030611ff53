//! How many workers can share one folder: workers claim runs in a real store, in turns, by a simulated clock.
//!
//! `cargo run --release -p concertina-store --example claiming -- FOLDER RUNS WORKERS SECONDS LOOK`
//!
//! SECONDS is how long a run takes, and LOOK how long a worker looks at a run to see that it is done; both are
//! times of the simulated clock. Claims are files in FOLDER. The program prints how often workers looked and
//! claimed for each run, how long they searched for the next one, how many files there were, and how many
//! claims per second the folder took in real time.
//!
//! Two orders are compared. In the first, every worker goes through all runs in an order of its own, so it
//! looks at each run once. In the second, runs are in portions, and each worker goes through the portions in
//! an order of its own. A worker that finds a portion done leaves a note, and the others pass over it.
#![allow(clippy::print_stdout, reason = "prints a table")]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use concertina_store::{Claim, Claimed, Durability, RunKey, Store, StoreOptions};

/// Seconds of the simulated clock between two signs of life of a claim, and at most between two attempts at
/// runs that others hold.
const HEARTBEAT: f64 = 10.0;
const PATIENCE: f64 = 1.0;

/// The numbers below `count` in an order that depends on `seed`.
#[derive(Clone, Copy)]
struct Order {
    count: u64,
    step: u64,
    start: u64,
}

impl Order {
    fn new(count: u64, seed: u64) -> Self {
        let mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31);
        let coprime = |step: &u64| {
            let (mut a, mut b) = (*step, count);
            while b > 0 {
                (a, b) = (b, a % b);
            }
            a == 1
        };
        let step = (mixed % count.max(1)..).find(|step| *step > 0 && coprime(step)).unwrap_or(1);
        Self { count, step, start: (mixed >> 20) % count.max(1) }
    }

    fn at(&self, place: u64) -> u64 {
        (self.start + place % self.count * (self.step % self.count)) % self.count
    }
}

/// A run that a worker found, if there was one, and the simulated time that the search took.
type Next = (Option<(u64, Claim)>, f64);

struct Worker {
    portions: Order,
    seed: u64,
    /// The portion it is in, its place in it, and whether all runs before that place were done.
    portion: u64,
    place: u64,
    all_done: bool,
    /// The order of the runs in that portion.
    order: Order,
    /// The run it works on.
    run: Option<(u64, Claim)>,
    /// Runs that others held.
    held: Vec<u64>,
}

/// What happened.
#[derive(Default)]
struct Counts {
    looks: u64,
    tried: u64,
    claimed: u64,
    beats: u64,
    searched: f64,
    longest: f64,
    claiming: Duration,
    most_files: usize,
    end: f64,
}

struct Simulation<'s> {
    store: &'s Store,
    keys: Vec<RunKey>,
    done: Vec<bool>,
    /// Portions that a worker found done.
    noted: Vec<bool>,
    portions: u64,
    seconds: f64,
    look: f64,
    counts: Counts,
}

impl Simulation<'_> {
    fn size(&self, portion: u64) -> u64 {
        let runs = self.keys.len() as u64;
        (portion + 1) * runs / self.portions - portion * runs / self.portions
    }

    fn first(&self, portion: u64) -> u64 {
        portion * self.keys.len() as u64 / self.portions
    }

    /// Tries to claim a run, in the real folder.
    fn claim(&mut self, run: u64) -> Result<Option<Claim>, Box<dyn Error>> {
        let begin = Instant::now();
        let claimed = self.store.run(&self.keys[run as usize]).claim()?;
        self.counts.claiming += begin.elapsed();
        self.counts.tried += 1;
        Ok(match claimed {
            Claimed::Mine(claim) => Some(claim),
            Claimed::Held(_) => None,
        })
    }

    /// The next run of a worker, and the simulated time that it took to find it; no run if there is none, or
    /// others hold all that are left.
    fn next(&mut self, worker: &mut Worker) -> Result<Next, Box<dyn Error>> {
        let mut time = 0.0;
        while worker.portion < self.portions {
            let portion = worker.portions.at(worker.portion);
            let size = self.size(portion);
            if worker.place == size || self.noted[portion as usize] {
                time += self.look;
                self.noted[portion as usize] |= self.portions > 1 && worker.all_done && worker.place == size;
                (worker.portion, worker.place, worker.all_done) = (worker.portion + 1, 0, true);
                continue;
            }
            if worker.place == 0 {
                worker.order = Order::new(size, worker.seed ^ portion);
            }
            let run = self.first(portion) + worker.order.at(worker.place);
            worker.place += 1;
            time += self.look;
            self.counts.looks += 1;
            if self.done[run as usize] {
                continue;
            }
            match self.claim(run)? {
                Some(claim) => return Ok((Some((run, claim)), time)),
                None => {
                    worker.held.push(run);
                    worker.all_done = false;
                }
            }
        }
        let held = std::mem::take(&mut worker.held);
        for run in held {
            time += self.look;
            self.counts.looks += 1;
            if !self.done[run as usize] {
                worker.held.push(run);
            }
        }
        // One attempt in a while: the process that holds the run may have died.
        if let Some(&run) = worker.held.first()
            && let Some(claim) = self.claim(run)?
        {
            return Ok((Some((run, claim)), time));
        }
        Ok((None, time))
    }

    fn run(&mut self, workers: u64) -> Result<(), Box<dyn Error>> {
        let mut all: Vec<Worker> = (0..workers)
            .map(|seed| Worker {
                portions: Order::new(self.portions, seed + 1),
                seed: seed + 1,
                portion: 0,
                place: 0,
                all_done: true,
                order: Order::new(1, 0),
                run: None,
                held: Vec::new(),
            })
            .collect();
        // Times in microseconds. A job's tasks start within seconds.
        let mut events: BinaryHeap<Reverse<(u64, u64)>> =
            (0..workers).map(|worker| Reverse((worker * 10_000, worker))).collect();
        while let Some(Reverse((now, number))) = events.pop() {
            let worker = &mut all[number as usize];
            if let Some((run, mut claim)) = worker.run.take() {
                let beats = (self.seconds / HEARTBEAT) as u64;
                let begin = Instant::now();
                for _ in 0..beats {
                    claim.beat()?;
                }
                self.done[run as usize] = true;
                drop(claim);
                self.counts.claiming += begin.elapsed();
                self.counts.beats += beats;
            }
            let (found, time) = self.next(worker)?;
            let now = now as f64 / 1e6;
            match found {
                Some((run, claim)) => {
                    self.counts.claimed += 1;
                    self.counts.searched += time;
                    self.counts.longest = self.counts.longest.max(time);
                    if self.counts.claimed.is_multiple_of(1000) {
                        let files = std::fs::read_dir(self.store.root().join("claims"))?.count();
                        self.counts.most_files = self.counts.most_files.max(files);
                    }
                    // Between half and one and a half times as long.
                    let length = self.seconds * (0.5 + (run * 7919 % 1000) as f64 / 1000.0);
                    worker.run = Some((run, claim));
                    events.push(Reverse((((now + time + length) * 1e6) as u64, number)));
                }
                None if worker.held.is_empty() => self.counts.end = self.counts.end.max(now + time),
                None => events.push(Reverse((((now + time + PATIENCE) * 1e6) as u64, number))),
            }
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = PathBuf::from(arguments.first().ok_or("expected a folder")?);
    let number =
        |place: usize, usual: f64| arguments.get(place).map_or(Ok(usual), |text| text.parse::<f64>());
    let (runs, workers) = (number(1, 1e5)? as u64, number(2, 1000.0)? as u64);
    let (seconds, look) = (number(3, 10.0)?, number(4, 2e-3)?);
    println!("{runs} runs of {seconds} s, {workers} workers, {look} s to look at a run");
    println!(
        "order     looks/run  tries/run  search s  longest s  time/ideal  files  claims/s (real)  ms/claim"
    );
    for (name, portions) in [("runs", 1), ("portions", (runs / 400).max(1))] {
        // Claims are refreshed by the simulated clock, and none times out by the real one.
        let options =
            StoreOptions::new().durability(Durability::Process).claim_timeout(Duration::from_secs(86_400));
        let store = options.open(folder.join(name))?;
        let keys = (0..runs).map(|run| RunKey::of(&run.to_string())).collect();
        let (done, noted) = (vec![false; runs as usize], vec![false; portions as usize]);
        let counts = Counts::default();
        let mut simulation = Simulation { store: &store, keys, done, noted, portions, seconds, look, counts };
        simulation.run(workers)?;
        let left = simulation.done.iter().filter(|done| !**done).count();
        assert_eq!((left, simulation.counts.claimed), (0, runs), "every run is done, and none twice");
        let Counts { looks, tried, claimed, searched, longest, claiming, most_files, end, .. } =
            simulation.counts;
        let per_run = |count: u64| count as f64 / runs as f64;
        let ideal = runs as f64 * seconds / workers as f64;
        let real = claiming.as_secs_f64();
        println!(
            "{name:9} {:9.1}  {:9.2}  {:8.3}  {longest:9.1}  {:10.2}  {most_files:5}  {:15.0}  {:8.3}",
            per_run(looks),
            per_run(tried),
            searched / claimed as f64,
            end / ideal,
            tried as f64 / real,
            1e3 * real / tried as f64,
        );
    }
    Ok(())
}
