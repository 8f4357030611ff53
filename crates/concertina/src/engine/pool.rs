//! A pool of threads that serve one queue of jobs. The longest job is first, and a job may add others.
//!
//! Nothing that a job computes may depend on which thread runs it or when. Results are therefore the same for
//! any number of threads, and the caller puts them in order by an index.

use std::collections::BinaryHeap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Locks a mutex even if it is poisoned: the panic of the thread that held it ends all work anyway.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Jobs that wait for a thread.
#[derive(Debug)]
pub(crate) struct Queue<J> {
    state: Mutex<State<J>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<J> {
    waiting: BinaryHeap<Waiting<J>>,
    /// The number of jobs accepted so far, which orders jobs of equal cost.
    accepted: u64,
    running: usize,
    /// Threads that wait for a job.
    idle: usize,
    stopped: bool,
}

#[derive(Debug)]
struct Waiting<J> {
    cost: f64,
    number: u64,
    job: J,
}

impl<J> PartialEq for Waiting<J> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<J> Eq for Waiting<J> {}

impl<J> PartialOrd for Waiting<J> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<J> Ord for Waiting<J> {
    /// The greatest is taken first: the costliest, or among equals the one that came first.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.cost.total_cmp(&other.cost).then(other.number.cmp(&self.number))
    }
}

impl<J> Queue<J> {
    fn new() -> Self {
        let state = State { waiting: BinaryHeap::new(), accepted: 0, running: 0, idle: 0, stopped: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// No code under the lock can panic halfway through a change, so a poisoned lock can be used like any
    /// other.
    fn lock(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job. `cost` may have any unit that is the same for all jobs.
    pub(crate) fn push(&self, cost: f64, job: J) {
        let mut state = self.lock();
        let number = state.accepted;
        state.accepted += 1;
        state.waiting.push(Waiting { cost, number, job });
        drop(state);
        self.changed.notify_one();
    }

    /// Whether a thread has nothing to do.
    pub(crate) fn a_thread_waits(&self) -> bool {
        let state = self.lock();
        state.idle > 0 && state.waiting.is_empty()
    }

    /// Drops every waiting job. Running jobs are finished.
    pub(crate) fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        state.waiting.clear();
        drop(state);
        self.changed.notify_all();
    }

    /// The next job, or `None` if none is waiting and no running job can add one.
    fn take(&self) -> Option<J> {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            if let Some(next) = state.waiting.pop() {
                state.running += 1;
                return Some(next.job);
            }
            if state.running == 0 {
                return None;
            }
            state.idle += 1;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    fn finished(&self, panicked: bool) {
        let mut state = self.lock();
        state.running -= 1;
        state.stopped |= panicked;
        drop(state);
        self.changed.notify_all();
    }
}

/// Reports the end of a job, even if it panics, so that the other threads do not wait for it.
struct Running<'q, J>(&'q Queue<J>);

impl<J> Drop for Running<'_, J> {
    fn drop(&mut self) {
        self.0.finished(std::thread::panicking());
    }
}

/// The threads that the requests of a study share. However many requests are served at the same time, no more
/// jobs run than a single request may have. Seats are given in the order in which jobs ask, so that a small
/// request does not wait for the end of a large one.
#[derive(Debug)]
pub(crate) struct Seats {
    /// How many seats there are, unless a request asks for more.
    count: usize,
    seating: Mutex<Seating>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Seating {
    taken: usize,
    /// The number of the next job to ask, and of the next to be seated.
    asking: u64,
    next: u64,
}

impl Seats {
    pub(crate) fn new(count: usize) -> Self {
        Self { count, seating: Mutex::default(), changed: Condvar::new() }
    }

    /// Waits for a seat. A request for `jobs` jobs may take as many seats.
    pub(crate) fn take(&self, jobs: usize) -> Seat<'_> {
        let most = self.count.max(jobs).max(1);
        let mut seating = lock(&self.seating);
        let number = seating.asking;
        seating.asking += 1;
        while seating.next != number || seating.taken >= most {
            seating = self.changed.wait(seating).unwrap_or_else(PoisonError::into_inner);
        }
        seating.next += 1;
        seating.taken += 1;
        drop(seating);
        self.changed.notify_all();
        Seat(self)
    }
}

/// A seat that is taken until it is dropped.
#[derive(Debug)]
pub(crate) struct Seat<'s>(&'s Seats);

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        lock(&self.0.seating).taken -= 1;
        self.0.changed.notify_all();
    }
}

/// Runs `jobs`, given as (cost, job), and the jobs that they push, on at most `threads` threads. Returns when
/// all are done.
pub(crate) fn work<J: Send>(
    threads: usize,
    jobs: impl IntoIterator<Item = (f64, J)>,
    run: impl Fn(J, &Queue<J>) + Sync,
) {
    let queue = Queue::new();
    for (cost, job) in jobs {
        queue.push(cost, job);
    }
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while let Some(job) = queue.take() {
                    let running = Running(&queue);
                    run(job, &queue);
                    drop(running);
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::{Seats, work};

    #[test]
    fn one_thread_takes_the_costliest_job_first_and_equals_in_order() {
        let seen = Mutex::new(Vec::new());
        work(1, [(1.0, "a"), (3.0, "b"), (1.0, "c"), (2.0, "d")], |job, _| {
            seen.lock().expect("no job panics").push(job);
        });
        assert_eq!(seen.into_inner().expect("no job panics"), ["b", "d", "a", "c"]);
    }

    #[test]
    fn a_job_that_asks_for_others_is_waited_for() {
        for threads in 1..5 {
            let done = AtomicUsize::new(0);
            work(threads, [(1.0, 6_u32)], |depth, queue| {
                done.fetch_add(1, Ordering::Relaxed);
                if depth > 0 {
                    queue.push(1.0, depth - 1);
                    queue.push(1.0, depth - 1);
                }
            });
            assert_eq!(done.into_inner(), 127);
        }
    }

    #[test]
    fn a_stopped_queue_ends_with_the_running_jobs() {
        let done = AtomicUsize::new(0);
        work(1, (0..10).map(|job| (0.0, job)), |job, queue| {
            done.fetch_add(1, Ordering::Relaxed);
            if job == 3 {
                queue.stop();
            }
        });
        assert_eq!(done.into_inner(), 4);
    }

    #[test]
    fn two_requests_of_a_study_used_twice_its_threads() {
        let (seats, running, most) = (Seats::new(2), AtomicUsize::new(0), AtomicUsize::new(0));
        let request = || {
            work(2, (0..20).map(|job| (0.0, job)), |_, _| {
                let _seat = seats.take(2);
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::sleep(std::time::Duration::from_millis(1));
                running.fetch_sub(1, Ordering::SeqCst);
            });
        };
        std::thread::scope(|scope| {
            (0..3).for_each(|_| drop(scope.spawn(request)));
        });
        assert!((1..=2).contains(&most.into_inner()));
        // a request that may have more gets more
        let held: Vec<_> = (0..3).map(|_| seats.take(3)).collect();
        assert_eq!(held.len(), 3);
    }

    #[test]
    fn a_job_that_panics_does_not_leave_the_others_waiting() {
        let outcome = std::panic::catch_unwind(|| {
            work(2, [(1.0, true), (1.0, false)], |panics, _| {
                assert!(!panics, "planted");
            });
        });
        assert!(outcome.is_err());
    }
}
