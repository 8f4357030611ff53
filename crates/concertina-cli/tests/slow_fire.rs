//! The store under fire: killed at hundreds of moments, full and read-only file systems, many processes at
//! the same time. The tests are slow and run only when this target is named:
//!
//! ```sh
//! cargo test --release -p concertina-cli --test slow_fire -- --nocapture --test-threads=1
//! ```
//!
//! `CONCERTINA_ROUNDS=10` makes ten times as many rounds. Each test ends with a line that says what it
//! counted.

#![cfg(unix)]
#![allow(clippy::print_stdout, reason = "the counts are what a slow test is run for")]

#[path = "cli/support.rs"]
#[allow(dead_code, unused_imports, unused_macros, reason = "another target uses the rest")]
mod support;

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::{Place, SMALL, assert_same_store};

/// 24 runs of about 30 ms each, with checkpoints within epochs.
const MANY: [&str; 5] = ["gain=20,250", "seed=0..12", "units=32", "epochs=20", "saves_per_epoch=2"];

fn rounds(usual: usize) -> usize {
    let times = std::env::var("CONCERTINA_ROUNDS").ok().and_then(|text| text.parse().ok());
    usual * times.unwrap_or(1)
}

/// Numbers that look random and are the same every time: Lehmer's generator.
struct Moments(u64);

impl Moments {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0 * 48_271 % 2_147_483_647;
        self.0 % below
    }

    fn pause(&mut self) {
        std::thread::sleep(Duration::from_micros(2_000 + self.next(250_000)));
    }
}

fn train<'a>(store: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["train", "--store", store][..], &SMALL, &MANY, more].concat()
}

fn silent(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}

/// Kills a process and all other members of its group.
fn kill_group(child: &mut Child) {
    let group = format!("-{}", child.id());
    let status = Command::new("kill").args(["-9", "--", &group]).status().expect("`kill` exists");
    assert!(status.success(), "its leader has not been waited for yet, so the group exists");
    child.wait().expect("it ends");
}

/// Nothing in the store is damaged, whichever process was killed.
fn assert_whole(place: &Place, store: &str) {
    if place.path(store).join("FORMAT").exists() {
        let said = place.run(&["store", "verify", "-q", "--store", store]);
        assert_eq!(said.status, Some(0), "{}", said.snapshot());
    }
}

/// What a store holds except for what depends on timing: claims and unfinished files of killed processes are
/// removed first.
fn swept(place: &Place, store: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    place.run(&["runs", "gc", "-q", "--store", store]).expect_success();
    place.store(store)
}

#[test]
fn killed_at_hundreds_of_moments_training_ends_with_the_same_bytes() {
    let place = Place::new();
    place.run(&train("whole", &["-q"])).expect_success();
    let whole = place.store("whole");
    let mut moments = Moments(20_221_124);
    let (mut kills, mut stores) = (0, 0);
    while kills < rounds(300) {
        let store = format!("killed{stores}");
        loop {
            let jobs = if moments.next(2) == 0 { "1" } else { "2" };
            let mut child =
                silent(&mut place.command(&train(&store, &["-q", "--jobs", jobs]))).spawn().expect("it runs");
            moments.pause();
            if child.try_wait().expect("asked").is_some_and(|status| status.success()) {
                break;
            }
            child.kill().expect("killed");
            if child.wait().expect("it ends").success() {
                break;
            }
            kills += 1;
            if kills % 10 == 0 {
                assert_whole(&place, &store);
            }
        }
        assert_same_store(&swept(&place, &store), &whole, &format!("after {kills} kills"));
        std::fs::remove_dir_all(place.path(&store)).expect("removed");
        stores += 1;
    }
    println!(
        "counted: {kills} kills of training, {stores} stores, each with the bytes of an uninterrupted one"
    );
}

#[test]
fn killed_with_its_whole_process_group_it_ends_with_the_same_bytes() {
    let place = Place::new();
    place.run(&train("whole", &["-q"])).expect_success();
    let whole = place.store("whole");
    let mut moments = Moments(4_212_022);
    let (mut kills, mut stores) = (0, 0);
    while kills < rounds(100) {
        let store = format!("killed{stores}");
        loop {
            // Two at the same time in one group, as a batch system starts them.
            let program = place.command(&train(&store, &["-q", "--jobs", "1"]));
            let words: Vec<String> = std::iter::once(program.get_program())
                .chain(program.get_args())
                .map(|word| format!("'{}'", word.to_string_lossy()))
                .collect();
            let both = format!("{0} & {0}; first=$?; wait $!; exit $((first + $?))", words.join(" "));
            let mut group = Command::new("sh");
            group.args(["-c", &both]).current_dir(place.folder.path()).process_group(0);
            let mut child = silent(&mut group).spawn().expect("it runs");
            moments.pause();
            if let Some(status) = child.try_wait().expect("asked") {
                assert!(status.success());
                break;
            }
            kill_group(&mut child);
            kills += 1;
        }
        assert_whole(&place, &store);
        assert_same_store(&swept(&place, &store), &whole, &format!("after {kills} kills"));
        std::fs::remove_dir_all(place.path(&store)).expect("removed");
        stores += 1;
    }
    println!(
        "counted: {kills} kills of groups of two, {stores} stores, each with the bytes of an uninterrupted one"
    );
}

#[test]
fn killed_while_it_removes_merges_and_collects_nothing_is_damaged() {
    let place = Place::new();
    let first = train("first", &["-q"]);
    place.run(&first).expect_success();
    place.run(&train("second", &["-q", "seed=6..18"])).expect_success();
    place.run(&train("both", &["-q", "seed=0..18"])).expect_success();
    let mut moments = Moments(1_988);
    let mut kills = BTreeMap::<&str, usize>::new();
    for round in 0..rounds(8) {
        let store = format!("store{round}");
        let copied = Command::new("cp").args(["-r"]).args([place.path("first"), place.path(&store)]).status();
        assert!(copied.expect("`cp` exists").success());
        let second = place.path("second").to_string_lossy().into_owned();
        let steps: [(&str, Vec<&str>); 3] = [
            ("merge", vec!["store", "merge", &second, "-q", "--store", &store]),
            ("gc", vec!["runs", "gc", "--checkpoints", "ends", "-q", "--store", &store]),
            ("rm", vec!["runs", "rm", "--where", "gain = 250", "--yes", "-q", "--store", &store]),
        ];
        for (name, arguments) in &steps {
            for attempt in 1.. {
                let mut child = silent(&mut place.command(arguments)).spawn().expect("it runs");
                // Later with every attempt, so that the command finishes on a slow machine too.
                std::thread::sleep(Duration::from_micros(1_000 + moments.next(20_000 * attempt)));
                if child.try_wait().expect("asked").is_some() {
                    break;
                }
                child.kill().expect("killed");
                child.wait().expect("it ends");
                *kills.entry(name).or_default() += 1;
                if attempt % 4 == 0 {
                    assert_whole(&place, &store);
                }
            }
            place.run(arguments).expect_success();
            if *name == "merge" {
                assert_same_store(&swept(&place, &store), &place.store("both"), "merged, killed on the way");
            }
        }
        // What was removed is trained again, and checkpoints that were thinned out are recomputed.
        place.run(&train(&store, &["-q", "seed=0..18"])).expect_success();
        assert_same_store(&swept(&place, &store), &place.store("both"), "removed, and trained again");
        std::fs::remove_dir_all(place.path(&store)).expect("removed");
    }
    println!("counted: kills by command: {kills:?}");
}

/// Runs a script in a separate mount namespace, where it may mount. `None` where the machine does not allow
/// that.
fn in_namespace(place: &Place, script: &str) -> Option<String> {
    let allowed = Command::new("unshare").args(["--map-root-user", "--mount", "true"]).output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-euc", script]).current_dir(place.folder.path());
    command.env("CONCERTINA", assert_cmd::cargo::cargo_bin!("concertina")).env_remove("CONCERTINA_STORE");
    let output = command.output().expect("it ran a moment ago");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    Some(text)
}

#[test]
fn a_full_disk_is_reported_and_nothing_is_lost() {
    let place = Place::new();
    place.run(&train("whole", &["-q"])).expect_success();
    let whole = place.store("whole");
    std::fs::create_dir(place.path("disk")).expect("made");
    let words = train("disk/store", &["-q", "--jobs", "2"]).join(" ");
    let mut full = 0;
    for kilobytes in (16..700).step_by(17 / rounds(1).min(8) + 1) {
        let script = format!(
            "mount -t tmpfs -o size={kilobytes}k none disk
             status=0; \"$CONCERTINA\" {words} > /dev/null 2> disk.err || status=$?
             echo $status
             if [ $status != 0 ]; then
                 \"$CONCERTINA\" store verify -q --store disk/store > verify.out 2>&1 || [ ! -e disk/store/FORMAT ]
             fi
             mount -o remount,size=64m disk
             \"$CONCERTINA\" {words} > /dev/null
             \"$CONCERTINA\" runs gc -q --store disk/store > /dev/null
             rm -rf copy; cp -r disk/store copy"
        );
        let Some(said) = in_namespace(&place, &script) else {
            println!("not counted: this machine does not allow mounting");
            return;
        };
        if said.trim() != "0" {
            let errors = std::fs::read_to_string(place.path("disk.err")).expect("written");
            assert_eq!(said.trim(), "3", "{kilobytes} kB: {errors}");
            assert!(errors.contains("disk is full") && errors.contains("hint: free some space"), "{errors}");
            full += 1;
        }
        assert_same_store(&place.store("copy"), &whole, &format!("after a disk of {kilobytes} kB was full"));
    }
    assert!(full > 5, "{full}");
    println!("counted: {full} sizes of a disk that was full at some moment, each store completed later");
}

#[test]
fn a_file_system_that_becomes_read_only_is_reported_and_can_still_be_read() {
    let place = Place::new();
    place.run(&train("whole", &["-q"])).expect_success();
    let whole = place.store("whole");
    std::fs::create_dir(place.path("disk")).expect("made");
    let words = train("disk/store", &["-q"]).join(" ");
    let few = train("disk/store", &["-q", "seed=0..3"]).join(" ");
    let script = format!(
        "mount -t tmpfs -o size=64m none disk
         \"$CONCERTINA\" {few} > /dev/null
         mount -o remount,ro disk
         status=0; \"$CONCERTINA\" {words} > /dev/null 2> disk.err || status=$?
         echo status $status
         \"$CONCERTINA\" runs list --csv --store disk/store | wc -l
         \"$CONCERTINA\" {few} --csv | wc -l
         \"$CONCERTINA\" store verify -q --store disk/store > /dev/null && echo whole
         mount -o remount,rw disk
         \"$CONCERTINA\" {words} > /dev/null
         rm -rf copy; cp -r disk/store copy"
    );
    let Some(said) = in_namespace(&place, &script) else {
        println!("not counted: this machine does not allow mounting");
        return;
    };
    let errors = std::fs::read_to_string(place.path("disk.err")).expect("written");
    assert_eq!(said, "status 3\n7\n7\nwhole\n", "{errors}");
    assert!(errors.contains("file system is read-only") && errors.contains("hint:"), "{errors}");
    assert_same_store(&place.store("copy"), &whole, "after it was read-only");
    println!("counted: 1 file system that became read-only");
}

#[test]
fn a_store_of_another_user_is_reported_and_can_still_be_read() {
    let place = Place::new();
    place.run(&train("theirs", &["-q", "seed=0..2"])).expect_success();
    std::process::Command::new("chmod")
        .args(["755"])
        .arg(place.folder.path())
        .status()
        .expect("`chmod` exists");
    let as_nobody = |arguments: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        command
            .arg(assert_cmd::cargo::cargo_bin!("concertina"))
            .args(arguments)
            .current_dir(place.folder.path());
        command.output()
    };
    match as_nobody(&["--version"]) {
        Ok(output) if output.status.success() => {}
        _ => {
            println!("not counted: this user cannot become another");
            return;
        }
    }
    let list = as_nobody(&["runs", "list", "--csv", "--store", "theirs"]).expect("runs");
    assert_eq!(String::from_utf8_lossy(&list.stdout).lines().count(), 5);
    let trained = as_nobody(&train("theirs", &["-q"])).expect("runs");
    let errors = String::from_utf8_lossy(&trained.stderr);
    assert_eq!(trained.status.code(), Some(3), "{errors}");
    assert!(errors.contains("permission denied") && errors.contains("hint: ask the owner"), "{errors}");
    let loaded = as_nobody(&train("theirs", &["-q", "seed=0..2", "--csv"])).expect("runs");
    assert_eq!(loaded.status.code(), Some(0), "{}", String::from_utf8_lossy(&loaded.stderr));
    println!("counted: 1 store of another user");
}

#[test]
fn sixteen_processes_at_fifty_runs_train_each_once_while_others_read() {
    let place = Place::new();
    let fifty = ["gain=20,250", "seed=0..25", "units=32", "epochs=20"];
    let words = |store: &'static str| {
        [&["train", "--store", store, "-q", "--csv", "--jobs", "1"][..], &SMALL, &fifty].concat()
    };
    place.run(&words("one")).expect_success();
    let one = place.store("one");
    let (mut reads, mut twice, mut trained) = (0, 0, 0);
    let races = rounds(5);
    for race in 0..races {
        let mut writers: Vec<Child> = (0..16)
            .map(|_| {
                let mut command = place.command(&words("many"));
                command
                    .stdin(Stdio::null())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .expect("it runs")
            })
            .collect();
        let readers: [&[&str]; 4] = [
            &["runs", "list", "--csv", "--store", "many"],
            &["store", "verify", "-q", "--store", "many"],
            &["runs", "du", "--store", "many"],
            &["analyse", "accuracy", "-q", "--csv", "--checkpoints", "first", "--store", "many"],
        ];
        while writers.iter_mut().any(|child| child.try_wait().expect("asked").is_none()) {
            for reader in readers {
                let is_analysis = reader[0] == "analyse";
                let said = if is_analysis {
                    place.run(&[reader, &SMALL, &fifty, &["--jobs", "1"]].concat())
                } else {
                    place.run(reader)
                };
                // Until the first writer has created it, there is no store to read.
                let not_yet = said.stderr.contains("no store at");
                assert!(said.status == Some(0) || not_yet, "{}", said.snapshot());
                reads += usize::from(!not_yet);
            }
        }
        let mut sources = BTreeMap::<String, usize>::new();
        for child in writers {
            let output = child.wait_with_output().expect("it ends");
            let errors = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{errors}");
            for line in
                String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.contains(",trained,"))
            {
                *sources.entry(line.split(',').next().unwrap_or_default().to_owned()).or_default() += 1;
            }
        }
        twice += sources.values().map(|times| times - 1).sum::<usize>();
        trained += sources.len();
        let listed = place.run(&["runs", "list", "--csv", "--store", "many"]).expect_success().stdout;
        assert_eq!(listed.lines().count(), 51);
        place
            .run(
                &["analyse", "accuracy", "-q", "--checkpoints", "first", "--store", "many"]
                    .iter()
                    .chain(&SMALL)
                    .chain(&fifty)
                    .copied()
                    .collect::<Vec<_>>(),
            )
            .expect_success();
        let mut many = swept(&place, "many");
        many.retain(|path, _| !path.starts_with("analyses"));
        assert_same_store(&many, &one, &format!("race {race}"));
        let table = |store: &Path| std::fs::read_to_string(store.join("runs.csv")).expect("it exists");
        assert_eq!(table(&place.path("many")), table(&place.path("one")), "the run table");
        std::fs::remove_dir_all(place.path("many")).expect("removed");
    }
    println!(
        "counted: {races} races of 16 processes at 50 runs; {trained} runs trained, {twice} of them twice; {reads} reads meanwhile"
    );
}
