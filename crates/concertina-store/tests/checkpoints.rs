//! Loose and packed checkpoints are read as they were published.

mod common;

use std::collections::BTreeSet;
use std::fs;

use common::{contents, finished, fresh, id, key, tensors};
use concertina_store::{CheckpointId, Keep, Tensors};
use ndarray::{Array2, ShapeBuilder};
use proptest::prelude::*;

#[test]
fn a_finished_run_has_six_kinds_of_files_and_all_are_read_back() {
    let (_folder, store) = fresh();
    let run = finished(&store, "a");
    run.pack(Keep::All).expect("packed");
    assert_eq!(fs::read_dir(run.path()).expect("the run's folder").count(), 5);
    assert_eq!(run.checkpoint_ids().expect("ids"), [id(0), id(1), id(2), id(3)]);
    for epoch in 0..4 {
        assert_eq!(run.read_checkpoint(id(epoch)).expect("read"), Some(tensors(epoch, 4)));
    }
    assert_eq!(run.read_checkpoint(id(9)).expect("read"), None);
    assert_eq!(run.params().expect("read").as_deref(), Some("gain = 20.0\nseed = 1\n"));
    assert_eq!(run.history().expect("read"), Some(common::history()));
    assert_eq!(run.read_resume().expect("read"), Some(tensors(3, 4)));
    assert_eq!(run.provenance().expect("read").expect("it exists")["version"], "0.1.0");
    assert_eq!(store.keys().expect("keys"), [key("a")]);
    assert!(store.incidents().expect("none").is_empty());
    assert!(store.verify().expect("whole").is_empty());
}

#[test]
fn checkpoints_packed_later_have_the_bytes_of_those_packed_immediately() {
    let (_folder, store) = fresh();
    let (one, two) = (store.run(&key("a")), tensors(1, 8));
    one.publish_checkpoints(&[(id(0), &tensors(0, 8)), (id(1), &two)]).expect("loose");
    one.publish_packed(&[(id(2), &tensors(2, 8))]).expect("packed");
    let first = contents(&one.path());
    let (_folder, store) = fresh();
    let other = store.run(&key("a"));
    let all = [0, 1, 2].map(|epoch| tensors(epoch, 8));
    let all: Vec<_> = (0..).map(id).zip(&all).collect();
    other.publish_packed(&all).expect("packed");
    assert_eq!(contents(&other.path()), first);
}

#[test]
fn the_first_publisher_wins() {
    let (_folder, store) = fresh();
    let run = store.run(&key("a"));
    run.publish_checkpoints(&[(id(0), &tensors(0, 4))]).expect("first");
    let published = run.publish_checkpoints(&[(id(0), &tensors(7, 4))]).expect("second");
    assert_eq!((published.written, published.already_there), (0, 1));
    run.publish_packed(&[(id(0), &tensors(8, 4)), (id(1), &tensors(1, 4))]).expect("packed");
    let published = run.publish_checkpoints(&[(id(0), &tensors(9, 4))]).expect("third");
    assert_eq!((published.written, published.already_there), (0, 1));
    assert_eq!(run.read_checkpoint(id(0)).expect("read"), Some(tensors(0, 4)));
    run.publish_params("a = 1").expect("first");
    run.publish_params("a = 2").expect("second");
    assert_eq!(run.params().expect("read").as_deref(), Some("a = 1\n"));
}

#[test]
fn loose_and_packed_files_left_by_a_crash_during_packing_read_the_same() {
    let (_folder, store) = fresh();
    let run = store.run(&key("a"));
    run.publish_checkpoints(&[(id(0), &tensors(0, 4)), (id(1), &tensors(1, 4))]).expect("loose");
    let folder = run.path().join("checkpoints");
    let loose = contents(&folder);
    run.pack(Keep::All).expect("packed");
    assert!(!folder.exists());
    fs::create_dir(&folder).expect("as before");
    for (name, bytes) in loose {
        fs::write(folder.join(name), bytes).expect("as before");
    }
    assert_eq!(run.checkpoint_ids().expect("ids"), [id(0), id(1)]);
    assert_eq!(run.read_checkpoint(id(1)).expect("read"), Some(tensors(1, 4)));
    let before = fs::read(run.path().join("checkpoints.safetensors")).expect("pack");
    run.pack(Keep::All).expect("packed again");
    assert!(!folder.exists(), "the next packing tidies up");
    assert_eq!(fs::read(run.path().join("checkpoints.safetensors")).expect("pack"), before);
}

#[test]
fn packing_keeps_only_what_is_asked_for() {
    let (_folder, store) = fresh();
    let run = finished(&store, "a");
    run.pack(Keep::Only(&BTreeSet::from([id(1), id(3), id(8)]))).expect("thinned");
    assert_eq!(run.checkpoint_ids().expect("ids"), [id(1), id(3)]);
    assert_eq!(run.read_checkpoint(id(3)).expect("read"), Some(tensors(3, 4)));
    let before = contents(store.root());
    assert_eq!(run.pack(Keep::All).expect("nothing to do").written, 0);
    assert_eq!(contents(store.root()), before);
}

#[test]
fn the_safetensors_crate_reads_both_and_finds_constant_tensors_once() {
    let (_folder, store) = fresh();
    let run = finished(&store, "a");
    let bytes = fs::read(run.path().join("checkpoints.safetensors")).expect("pack");
    let read = safetensors::SafeTensors::deserialize(&bytes).expect("a plain safetensors file");
    let mut names = read.names();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "0_0/recurrent_bias",
            "0_0/recurrent_weights",
            "1_80/recurrent_bias",
            "1_80/recurrent_weights",
            "2_160/recurrent_bias",
            "2_160/recurrent_weights",
            "all/input_weights",
        ]
    );
    let view = read.tensor("1_80/recurrent_weights").expect("it exists");
    assert_eq!(view.shape(), [4, 4]);
    let values: Vec<f32> =
        view.data().chunks_exact(4).map(|quad| f32::from_le_bytes(quad.try_into().expect("four"))).collect();
    assert_eq!(values, tensors(1, 4).arrays["recurrent_weights"].iter().copied().collect::<Vec<_>>());
    let loose = fs::read(run.path().join("checkpoints/3_240.safetensors")).expect("loose");
    assert_eq!(safetensors::SafeTensors::deserialize(&loose).expect("plain").len(), 3);
}

#[test]
fn reading_one_checkpoint_reads_little_of_a_large_pack() {
    let (_folder, store) = fresh();
    let run = store.run(&key("a"));
    let all: Vec<_> = (0..60).map(|epoch| (id(epoch), tensors(epoch, 100))).collect();
    let all: Vec<_> = all.iter().map(|(id, tensors)| (*id, tensors)).collect();
    run.publish_packed(&all).expect("packed");
    let path = run.path().join("checkpoints.safetensors");
    // Damage in a checkpoint is not noticed while other checkpoints are read.
    let mut bytes = fs::read(&path).expect("pack");
    let end = bytes.len() - 1000;
    bytes[end] ^= 1;
    fs::write(&path, &bytes).expect("damage");
    assert_eq!(run.read_checkpoint(id(1)).expect("read"), Some(tensors(1, 100)));
    assert!(store.incidents().expect("none").is_empty());
}

#[test]
fn the_file_does_not_depend_on_the_memory_layout() {
    let rows = Array2::from_shape_fn((3, 5), |(i, j)| (10 * i + j) as f32);
    let mut columns = Array2::zeros((3, 5).f());
    columns.assign(&rows);
    let file = |array: Array2<f32>| {
        let mut tensors = Tensors::default();
        tensors.arrays.insert("x".to_owned(), array.into_dyn());
        tensors.to_safetensors("test")
    };
    assert_eq!(file(rows), file(columns));
}

#[test]
fn awkward_shapes_and_values_survive() {
    let (_folder, store) = fresh();
    let run = store.run(&key("a"));
    let mut odd = Tensors::default();
    let values = vec![f32::NAN, f32::INFINITY, -0.0, f32::MIN_POSITIVE / 2.0];
    let bits: Vec<_> = values.iter().map(|value| value.to_bits()).collect();
    odd.arrays.insert("a/b \"c\" é".to_owned(), ndarray::Array1::from(values).into_dyn());
    odd.arrays.insert("empty".to_owned(), ndarray::ArrayD::zeros(vec![3, 0, 2]));
    odd.arrays.insert("scalar".to_owned(), ndarray::ArrayD::from_elem(vec![], 1.5));
    run.publish_packed(&[(id(0), &odd), (id(1), &Tensors::default())]).expect("packed");
    let read = run.read_checkpoint(id(0)).expect("read").expect("it exists");
    assert_eq!(read.arrays["empty"].shape(), [3, 0, 2]);
    assert_eq!(read.arrays["scalar"].shape(), [0_usize; 0]);
    assert_eq!(read.arrays["a/b \"c\" é"].iter().map(|value| value.to_bits()).collect::<Vec<_>>(), bits);
    assert_eq!(run.read_checkpoint(id(1)).expect("read"), Some(Tensors::default()));
    odd.arrays.insert("__metadata__".to_owned(), ndarray::ArrayD::zeros(vec![1]));
    assert!(run.publish_resume(&odd).is_err(), "the format reserves this name");
}

#[test]
fn a_batch_publishes_many_runs_together() {
    let (_folder, store) = fresh();
    let all: Vec<_> = (0..3).map(|epoch| (id(epoch), tensors(epoch, 4))).collect();
    let all: Vec<_> = all.iter().map(|(id, tensors)| (*id, tensors)).collect();
    let runs = ["a", "b", "c"].map(|name| store.run(&key(name)));
    let mut batch = store.batch();
    for run in &runs {
        batch.params(run, "gain = 1.0\n");
        batch.history(run, &common::history()).expect("small");
        batch.resume(run, all[2].1).expect("plain");
        batch.packed(run, &all, Keep::All);
    }
    assert_eq!(batch.publish().expect("published").written, 12);
    for run in &runs {
        assert_eq!(run.checkpoint_ids().expect("ids").len(), 3);
        assert!(run.read_resume().expect("read").is_some());
    }
}

proptest! {
    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), header in any::<u64>()) {
        prop_assert!(Tensors::from_safetensors(&bytes, "test").is_err());
        let mut with_length = header.to_le_bytes().to_vec();
        with_length.extend_from_slice(&bytes);
        prop_assert!(Tensors::from_safetensors(&with_length, "test").is_err());
    }

    #[test]
    fn any_flipped_bit_is_found(place in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut bytes = tensors(1, 3).to_safetensors("test");
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        prop_assert!(Tensors::from_safetensors(&bytes, "test").is_err());
    }
}

#[test]
fn hostile_headers_are_refused_cheaply() {
    let file = |header: &str| {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes
    };
    for header in [
        r#"{"__metadata__":{"concertina":"{}"},"x":{"dtype":"F32","shape":[4611686018427387904,8],"data_offsets":[0,0]}}"#,
        r#"{"__metadata__":{"concertina":"{}"},"x":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}"#,
        r#"{"x":{"dtype":"F64","shape":[0],"data_offsets":[0,0]}}"#,
        "{}",
        "null",
        &"[".repeat(10_000),
    ] {
        assert!(Tensors::from_safetensors(&file(header), "test").is_err(), "{header}");
    }
    assert_eq!(CheckpointId { epoch: 1, update: 2 }.to_string(), "1_2");
}
