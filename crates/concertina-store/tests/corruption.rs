//! Every kind of file, damaged in every way: the damage is found, reported and set aside, and affects nothing
//! else.

mod common;

use std::fs;
use std::path::Path;

use common::{contents, finished, fresh, history, id, key, tensors};
use concertina_store::{CheckpointId, FindingKind, Memo, RunFolder, Store};
use serde_json::json;

const FILES: [&str; 6] = [
    "params.toml",
    "checkpoints.safetensors",
    "checkpoints/3_240.safetensors",
    "resume.safetensors",
    "history.parquet",
    "provenance.json",
];

/// True if the file's content can be read.
fn reads(run: &RunFolder, file: &str) -> bool {
    let is_there = |id: CheckpointId| run.read_checkpoint(id).expect("no error").is_some();
    match file {
        "params.toml" => run.params().expect("no error").is_some(),
        "checkpoints.safetensors" => is_there(id(0)) && is_there(id(1)) && is_there(id(2)),
        "checkpoints/3_240.safetensors" => is_there(id(3)),
        "resume.safetensors" => run.read_resume().expect("no error").is_some(),
        "history.parquet" => run.history().expect("no error").is_some(),
        _ => run.provenance().expect("no error").is_some(),
    }
}

/// Damages each kind of file, each in a separate store, and checks what must hold.
fn each_kind_survives(damage: impl Fn(&Path)) {
    for file in FILES {
        let (_folder, store) = fresh();
        let (run, other) = (finished(&store, "a"), finished(&store, "b"));
        let before = contents(&other.path());
        let path = run.path().join(file);
        damage(&path);
        let findings = store.verify().expect("verification continues");
        assert!(
            findings.iter().any(|finding| store.root().join(&finding.path) == path),
            "{file}: {findings:?}"
        );
        assert!(!reads(&run, file), "{file} reads as missing");
        let incidents = store.incidents().expect("listed");
        assert_eq!(incidents.len(), 1, "{file}: {incidents:?}");
        assert_eq!(store.root().join(&incidents[0].path), path);
        let moved = incidents[0].set_aside.as_ref().expect("moved");
        assert!(store.root().join(moved).symlink_metadata().is_ok(), "{file} is kept in set-aside");
        for good in FILES.iter().filter(|&&good| good != file) {
            assert!(reads(&run, good), "{good} beside a damaged {file}");
        }
        finished(&store, "a");
        assert!(reads(&run, file), "{file} is published again");
        assert!(store.verify().expect("verified").is_empty());
        assert_eq!(contents(&other.path()), before, "the rest of the store is untouched");
    }
}

fn rewrite(path: &Path, change: impl Fn(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).expect("it exists");
    change(&mut bytes);
    fs::write(path, bytes).expect("writable");
}

#[test]
fn truncated_files_are_set_aside() {
    for length in [0, 1, 7, 8, 9, 40] {
        each_kind_survives(|path| rewrite(path, |bytes| bytes.truncate(length.min(bytes.len() - 1))));
    }
    each_kind_survives(|path| rewrite(path, |bytes| bytes.truncate(bytes.len() / 2)));
    // The last byte of a pack belongs to an array that all checkpoints share, so all are lost.
    each_kind_survives(|path| rewrite(path, |bytes| bytes.truncate(bytes.len() - 1)));
}

#[test]
fn lengthened_files_are_set_aside() {
    each_kind_survives(|path| rewrite(path, |bytes| bytes.push(b'\n')));
    each_kind_survives(|path| rewrite(path, |bytes| bytes.extend_from_slice(&[0; 5000])));
}

#[test]
fn zeroed_files_are_set_aside() {
    each_kind_survives(|path| rewrite(path, |bytes| bytes.fill(0)));
}

#[test]
fn folders_in_place_of_files_are_set_aside() {
    each_kind_survives(|path| {
        fs::remove_file(path).expect("it exists");
        fs::create_dir(path).expect("free");
        fs::write(path.join("inside"), "x").expect("free");
    });
}

#[cfg(unix)]
#[test]
fn links_to_nothing_and_out_of_the_store_are_set_aside() {
    for target in ["/nowhere/at/all", "/etc/hostname", "/"] {
        each_kind_survives(|path| {
            fs::remove_file(path).expect("it exists");
            std::os::unix::fs::symlink(target, path).expect("free");
        });
    }
}

#[test]
fn files_in_the_wrong_place_are_set_aside() {
    each_kind_survives(|path| {
        // The same file of the other run: undamaged, but not of this run.
        let (_folder, store) = fresh();
        let other = finished(&store, "another");
        let name = path.file_name().expect("a file");
        let from = match path.parent().is_some_and(|folder| folder.ends_with("checkpoints")) {
            true => other.path().join("checkpoints").join(name),
            false => other.path().join(name),
        };
        fs::copy(from, path).expect("copied");
    });
    let (_folder, store) = fresh();
    let run = store.run(&key("a"));
    run.publish_checkpoints(&[(id(1), &tensors(1, 4)), (id(2), &tensors(2, 4))]).expect("loose");
    let folder = run.path().join("checkpoints");
    fs::copy(folder.join("1_80.safetensors"), folder.join("2_160.safetensors")).expect("copied");
    assert_eq!(run.read_checkpoint(id(2)).expect("no error"), None, "another checkpoint of the same run");
}

#[test]
fn every_flipped_bit_of_every_file_is_found() {
    let (_folder, store) = fresh();
    let run = finished(&store, "a");
    for file in FILES {
        let path = run.path().join(file);
        let whole = fs::read(&path).expect("it exists");
        for place in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[place] ^= 1 << (place % 8);
            fs::write(&path, &bytes).expect("writable");
            assert_eq!(store.verify().expect("verified").len(), 1, "{file}, byte {place}");
        }
        fs::write(&path, &whole).expect("writable");
    }
    assert!(store.verify().expect("verified").is_empty());
}

#[test]
fn damage_to_one_checkpoint_of_a_pack_does_not_affect_the_others() {
    let (_folder, store) = fresh();
    let run = finished(&store, "a");
    let path = run.path().join("checkpoints.safetensors");
    // The values of checkpoint 0 come first after the header.
    rewrite(&path, |bytes| {
        let header = u64::from_le_bytes(bytes[..8].try_into().expect("eight")) as usize;
        bytes[8 + header] ^= 1;
    });
    let ids = [id(0), id(1), id(2), id(3)];
    let read = run.read_checkpoints(&ids).expect("no error");
    assert_eq!(read.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true, true, true]);
    assert_eq!(store.incidents().expect("listed").len(), 1);
    assert_eq!(run.checkpoint_ids().expect("ids"), &ids[1..]);
    run.publish_packed(&[(id(0), &tensors(0, 4))]).expect("retrained");
    assert_eq!(run.checkpoint_ids().expect("ids"), ids);
    assert!(store.verify().expect("verified").is_empty());
}

#[test]
fn repair_sets_aside_what_verify_finds_and_keeps_the_rest() {
    let (_folder, store) = fresh();
    let run = finished(&store, "a");
    let memo = Memo::of(run.key(), &[id(1)], "accuracy", 1, "{}");
    store.publish_memo(&memo, history(), "epoch").expect("memo");
    rewrite(&run.path().join("params.toml"), |bytes| bytes[0] ^= 1);
    fs::write(run.path().join("notes.txt"), "mine").expect("writable");
    let found = store.verify().expect("verified");
    assert_eq!(store.repair().expect("repaired"), found);
    assert_eq!(
        found.iter().map(|finding| finding.kind).collect::<Vec<_>>(),
        [FindingKind::Foreign, FindingKind::Damaged]
    );
    let left = store.verify().expect("verified");
    assert_eq!(left.len(), 1, "the user's own file stays");
    assert!(store.memo(memo.key()).expect("no error").is_some());
}

#[test]
fn a_damaged_memo_can_be_computed_again() {
    let (_folder, store) = fresh();
    let memo = Memo::of(&key("a"), &[id(1)], "accuracy", 1, "{}");
    assert_eq!(store.memo(memo.key()).expect("no error"), None);
    store.publish_memo(&memo, history(), "epoch").expect("memo");
    let text = memo.key().to_string();
    let path = store.root().join("analyses").join(&text[..2]).join(format!("{text}.parquet"));
    rewrite(&path, |bytes| bytes[20] ^= 4);
    assert_eq!(store.memo(memo.key()).expect("no error"), None);
    store.publish_memo(&memo, history(), "epoch").expect("again");
    assert_eq!(store.memo(memo.key()).expect("no error"), Some(history()));
}

#[test]
fn publishing_replaces_a_damaged_file_even_if_it_was_never_read() {
    let (_folder, store) = fresh();
    let run = finished(&store, "a");
    rewrite(&run.path().join("params.toml"), |bytes| bytes[0] ^= 1);
    rewrite(&run.path().join("checkpoints/3_240.safetensors"), |bytes| bytes.truncate(10));
    run.publish_params("gain = 20.0\nseed = 1\n").expect("again");
    run.publish_checkpoints(&[(id(3), &tensors(3, 4))]).expect("again");
    assert!(store.verify().expect("verified").is_empty());
    assert_eq!(store.incidents().expect("listed").len(), 2);
}

#[test]
fn a_store_opened_for_reading_leaves_damage_where_it_is() {
    let (_folder, store) = fresh();
    let run = finished(&store, "a");
    rewrite(&run.path().join("params.toml"), |bytes| bytes[0] ^= 1);
    let before = contents(store.root());
    let reader = Store::read_only(store.root()).expect("a store");
    assert_eq!(reader.run(&key("a")).params().expect("no error"), None);
    assert_eq!(reader.incidents().expect("listed")[0].set_aside, None);
    assert!(reader.run(&key("a")).publish_provenance(&json!(1)).is_err());
    assert_eq!(contents(store.root()), before);
}

#[test]
fn an_unreadable_incident_note_does_not_hide_other_incidents() {
    let (_folder, store) = fresh();
    let run = finished(&store, "a");
    fs::write(run.path().join("params.toml"), "cut").expect("written");
    assert!(run.params().expect("no error").is_none());
    let note = store.root().join("set-aside/0123456789abcdef/incident.json");
    fs::create_dir_all(note.parent().expect("a folder")).expect("made");
    for bytes in [&b"\xff\xfe"[..], b"", b"{}", &[b'['; 100_000]] {
        fs::write(&note, bytes).expect("written");
        assert_eq!(store.incidents().expect("an unreadable note is not an error").len(), 1);
    }
}

#[test]
fn a_memo_that_is_too_large_is_counted_without_being_read() {
    let (_folder, store) = fresh();
    let memo = Memo::of(&key("a"), &[], "accuracy", 1, "{}");
    store.publish_memo(&memo, history(), "epoch").expect("kept");
    let path = store.root().join(format!("analyses/{}/{}.parquet", &memo.key().to_string()[..2], memo.key()));
    // The file is a hole of 64 GB that takes no space.
    fs::File::options().write(true).open(path).and_then(|file| file.set_len(1 << 36)).expect("a hole");
    let usage = store.usage().expect("no error");
    assert!(usage.iter().any(|usage| usage.kind == "other" && usage.bytes == 1 << 36), "{usage:?}");
    assert_eq!(store.verify().expect("no error").len(), 1);
}
