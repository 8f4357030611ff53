//! Names derived from content are frozen: a change here renames every run of every user.

use concertina_store::{CheckpointId, MemoKey, RunKey};

#[test]
fn run_keys_are_the_blake3_of_the_canonical_text() {
    for (text, key) in [
        ("", "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
        ("abc", "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"),
    ] {
        assert_eq!(RunKey::of(text).to_string(), key, "published test vectors of BLAKE3");
        assert_eq!(key.parse::<RunKey>().expect("64 digits"), RunKey::of(text));
        assert_eq!(RunKey::of(text).short(), key[..12]);
    }
}

#[test]
fn memo_keys_are_frozen_and_depend_on_every_part() {
    let run = RunKey::of("abc");
    let ids = [CheckpointId { epoch: 0, update: 0 }, CheckpointId { epoch: 12, update: 960 }];
    let base = MemoKey::of(&run, &ids, "effective_dimension", 1, r#"{"samples":500}"#);
    assert_eq!(base.to_string(), "66d4f7c11023a47dd315302e264f96de5a582b913cd7a35de47486ee760b33a1");
    for other in [
        MemoKey::of(&RunKey::of("abd"), &ids, "effective_dimension", 1, r#"{"samples":500}"#),
        MemoKey::of(&run, &ids[1..], "effective_dimension", 1, r#"{"samples":500}"#),
        MemoKey::of(&run, &ids, "effective_dimension1", 1, r#"{"samples":500}"#),
        MemoKey::of(&run, &ids, "effective_dimension", 2, r#"{"samples":500}"#),
        MemoKey::of(&run, &ids, "effective_dimension", 1, r#"{"samples":501}"#),
    ] {
        assert_ne!(base, other);
    }
}

#[test]
fn texts_that_are_not_keys_are_refused() {
    let good = RunKey::of("abc").to_string();
    for text in [&good[..63], &good.to_uppercase(), &format!("{good}0"), "../../etc", "", &"é".repeat(32)] {
        assert!(text.parse::<RunKey>().is_err(), "{text}");
    }
}

#[test]
fn checkpoints_have_one_spelling_and_are_ordered_by_update() {
    let id: CheckpointId = "12_960".parse().expect("plain");
    assert_eq!((id.epoch, id.update, id.to_string().as_str()), (12, 960, "12_960"));
    for text in ["12", "012_960", "+12_960", "12_960_1", "_", "12_", "a_b", "12_99999999999999999999"] {
        assert!(text.parse::<CheckpointId>().is_err(), "{text}");
    }
    assert!(CheckpointId { epoch: 9, update: 10 } < CheckpointId { epoch: 0, update: 11 });
}
