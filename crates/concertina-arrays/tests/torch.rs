//! Files of PyTorch: their tensors are read, and what is not data is refused by its name, without being run.

use std::time::Instant;

use concertina_arrays::{Arrays, Error, Member, Program, read, read_torch};
use concertina_testing::torch::{self, Value, dict, storage, tensor, text, whole, wholes};
use ndarray::{ArrayD, IxDyn};
use proptest::prelude::*;

/// An archive of a pickle of these instructions, with a storage of these numbers as float32.
fn archive(instructions: &[&[u8]], numbers: &[f32]) -> Vec<u8> {
    let pickle = [b"\x80\x02".to_vec(), instructions.concat(), b".".to_vec()].concat();
    torch::archive(&pickle, &[numbers.iter().flat_map(|number| number.to_le_bytes()).collect()])
}

fn numbers(arrays: &Arrays, name: &str) -> ArrayD<f64> {
    arrays[name].numbers(name).expect("numbers").clone()
}

fn plain(arrays: &Arrays, name: &str) -> String {
    match &arrays[name] {
        Member::Plain(words) => words.clone(),
        other => panic!("{name}: {other:?}"),
    }
}

/// The kind of what was refused, and the message.
fn refused(bytes: &[u8]) -> (Program, String) {
    let error = read_torch(bytes).expect_err("it is refused");
    assert!(error.hint().is_some(), "{error}");
    match error {
        Error::Program { kind, .. } => (kind, error.to_string()),
        other => panic!("{other}"),
    }
}

fn damaged(bytes: &[u8]) -> String {
    let error = read_torch(bytes).expect_err("it is damaged");
    assert!(matches!(error, Error::Damaged { .. }) && error.hint().is_some(), "{error}");
    error.to_string()
}

#[test]
fn every_file_is_read_or_refused_by_name_and_nothing_runs() {
    let Some(folder) = concertina_testing::files::folder() else { return };
    let place = tempfile::tempdir().expect("a folder");
    for name in concertina_testing::files::of_pytorch() {
        let path = place.path().join(format!("{name}.pt"));
        std::fs::copy(folder.join("pytorch").join(format!("{name}.pt")), &path).expect("copied");
        let (kind, found) = match name.as_str() {
            "whole_module" => (Program::Object, "an object of the class `__main__."),
            "torchscript" => (Program::Script, "TorchScript"),
            "malicious_reduce" => (Program::Call, "`posix.system`"),
            "malicious_eval" => (Program::Call, "`__builtin__.eval`"),
            _ => {
                let arrays = read(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
                let unread = |member: &Member| matches!(member, Member::Other(_));
                assert!(arrays.len() > 2 && !arrays.values().any(unread), "{name}: {arrays:?}");
                continue;
            }
        };
        let error = read(&path).expect_err(&name);
        assert!(error.to_string().contains(found), "{name}: {error}");
        assert!(matches!(error, Error::Program { kind: of, .. } if of == kind), "{name}: {error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("state_dict()")), "{name}");
    }
    // The commands of the malicious files write into the folder they run in.
    let left: Vec<_> = std::fs::read_dir(place.path())
        .expect("listed")
        .map(|entry| entry.expect("it exists").path())
        .collect();
    assert!(left.iter().all(|path| path.extension().is_some_and(|ending| ending == "pt")), "{left:?}");
}

#[test]
fn a_pickle_that_runs_a_command_does_not_run_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let there = folder.path().join("ran");
    let command = format!("touch '{}'", there.display());
    for (instructions, named) in [
        ([b"cposix\nsystem\n".to_vec(), text(&command), b"\x85R".to_vec()].concat(), "`posix.system`"),
        ([b"cos\nsystem\n(".to_vec(), text(&command), b"tR".to_vec()].concat(), "`os.system`"),
        (
            [text("os"), text("system"), b"\x93".to_vec(), text(&command), b"\x85R".to_vec()].concat(),
            "`os.system`",
        ),
        (
            [b"csubprocess\nPopen\n".to_vec(), text(&command), b"\x85\x81".to_vec()].concat(),
            "`subprocess.Popen`",
        ),
        (
            [b"csubprocess\nPopen\n".to_vec(), text(&command), b"\x85}\x92".to_vec()].concat(),
            "`subprocess.Popen`",
        ),
        ([b"(".to_vec(), text(&command), b"ios\nsystem\n".to_vec()].concat(), "the instruction INST"),
        ([b"(cos\nsystem\n".to_vec(), text(&command), b"o".to_vec()].concat(), "the instruction OBJ"),
        (b"\x82\x01".to_vec(), "the instruction EXT1"),
        // Named, but not called.
        (b"cos\nsystem\n0}".to_vec(), "`os.system`"),
        ([b"}".to_vec(), text("a"), b"cos\nsystem\ns".to_vec()].concat(), "`os.system`"),
        ([b"(".to_vec(), text("storage"), b"cos\nsystem\ntQ".to_vec()].concat(), "`os.system`"),
        ([b"cos\nsystem\n}b".to_vec()].concat(), "`os.system`"),
        (b"Pos.system\n".to_vec(), "the instruction PERSID"),
        (b"ctorch.hub\nload\n)R".to_vec(), "`torch.hub.load`"),
        (b"ctorch\nload\n)R".to_vec(), "`torch.load`"),
        (b"ctorch.storage\n_load_from_bytes\n)R".to_vec(), "`torch.storage._load_from_bytes`"),
        (b"cnumpy.core.multiarray\n_reconstruct\n)R".to_vec(), "`numpy.core.multiarray._reconstruct`"),
    ] {
        let (_, message) = refused(&archive(&[&instructions], &[]));
        assert!(message.contains(named) && message.contains("nothing was run"), "{message}");
    }
    assert!(!there.exists());
}

#[test]
fn views_of_a_storage_are_read_by_their_strides_and_offsets() {
    let count = |row: &[f32]| row.iter().map(|number| f64::from(*number)).collect::<Vec<f64>>();
    let all: Vec<f32> = (0..12).map(|number| number as f32).collect();
    let shared = storage("torch\nFloatStorage", 0, 12);
    let entry = |name: &str, offset, shape: &[i32], strides: &[i32]| {
        [text(name), tensor(&shared, offset, shape, strides)].concat()
    };
    let bytes = archive(
        &[
            b"}(",
            &entry("whole", 0, &[3, 4], &[4, 1]),
            &entry("transposed", 0, &[4, 3], &[1, 4]),
            &entry("view", 5, &[2, 2], &[4, 1]),
            &entry("last", 11, &[], &[]),
            &entry("repeated", 2, &[3, 2], &[0, 1]),
            &entry("empty", 12, &[0, 4], &[4, 1]),
            &entry("one", 3, &[1, 1], &[i32::MAX, i32::MAX]),
            b"u",
        ],
        &all,
    );
    let arrays = read_torch(&bytes).expect("read");
    let array = |name: &str| numbers(&arrays, name);
    assert_eq!(array("whole").into_raw_vec_and_offset().0, count(&all));
    assert_eq!(array("transposed"), array("whole").reversed_axes());
    assert_eq!(array("view").iter().copied().collect::<Vec<_>>(), [5.0, 6.0, 9.0, 10.0]);
    assert_eq!((array("last").ndim(), array("last").sum()), (0, 11.0));
    assert_eq!(array("repeated").iter().copied().collect::<Vec<_>>(), [2.0, 3.0, 2.0, 3.0, 2.0, 3.0]);
    assert_eq!((array("empty").shape(), array("one").sum()), (&[0, 4][..], 3.0));
}

#[test]
fn a_tensor_outside_its_storage_is_not_read_and_the_others_are() {
    let shared = storage("torch\nFloatStorage", 0, 12);
    for (offset, shape, strides) in [
        (0, vec![13], vec![1]),
        (1, vec![12], vec![1]),
        (12, vec![], vec![]),
        (0, vec![3, 4], vec![5, 1]),
        (-1, vec![2], vec![1]),
        (11, vec![3], vec![-1]),
        (0, vec![-3], vec![1]),
        (0, vec![3], vec![4, 1]),
        (0, vec![i32::MAX, i32::MAX, i32::MAX, i32::MAX], vec![0, 0, 0, 0]),
        (0, vec![2, 2], vec![i32::MAX, i32::MAX]),
        (0, vec![1; 65], vec![1; 65]),
    ] {
        let good = [text("good"), tensor(&shared, 0, &[12], &[1])].concat();
        let bad = [text("bad"), tensor(&shared, offset, &shape, &strides)].concat();
        let arrays = read_torch(&archive(&[b"}(", &good, &bad, b"u"], &[0.5; 12])).expect("read");
        assert_eq!(numbers(&arrays, "good").sum(), 6.0);
        let Member::Other(reason) = &arrays["bad"] else { panic!("{shape:?} {strides:?} is read") };
        assert!(reason.starts_with("a damaged tensor: "), "{reason}");
    }
    // The pickle says that the storage is larger than it is, or refers to one that is not there.
    for (key, held) in [(0, 20), (7, 12)] {
        let elsewhere = storage("torch\nFloatStorage", key, held);
        let arrays = read_torch(&archive(
            &[b"}", &text("bad"), &tensor(&elsewhere, 0, &[held], &[1]), b"s"],
            &[0.5; 12],
        ));
        let arrays = arrays.expect("read");
        assert!(
            matches!(&arrays["bad"], Member::Other(reason) if reason.contains("storage `")),
            "{arrays:?}"
        );
    }
}

#[test]
fn elements_of_every_type_are_read() {
    let of = |kind: &str, bytes: &[u8], count: i32| {
        let pickle =
            [b"\x80\x02".to_vec(), tensor(&storage(kind, 0, count), 0, &[count], &[1]), b".".to_vec()]
                .concat();
        read_torch(&torch::archive(&pickle, &[bytes.to_vec()]))
            .expect(kind)
            .remove("tensor")
            .expect("one tensor")
    };
    let real = |values: &[f64]| {
        Member::Numbers(ArrayD::from_shape_vec(IxDyn(&[values.len()]), values.to_vec()).expect("a vector"))
    };
    let integers = |values: &[i64]| {
        Member::Integers(ArrayD::from_shape_vec(IxDyn(&[values.len()]), values.to_vec()).expect("a vector"))
    };
    assert_eq!(of("torch\nDoubleStorage", &(-0.1_f64).to_le_bytes(), 1), real(&[-0.1]));
    assert_eq!(of("torch\nFloatStorage", &1.5_f32.to_le_bytes(), 1), real(&[1.5]));
    assert_eq!(of("torch.cuda\nHalfStorage", &[0x00, 0x3e, 0x00, 0xc0], 2), real(&[1.5, -2.0]));
    assert_eq!(of("torch\nBFloat16Storage", &[0xc0, 0x3f], 1), real(&[1.5]));
    assert_eq!(of("torch\nLongStorage", &(-7_i64).to_le_bytes(), 1), integers(&[-7]));
    assert_eq!(of("torch\nIntStorage", &(-7_i32).to_le_bytes(), 1), integers(&[-7]));
    assert_eq!(of("torch\nShortStorage", &(-7_i16).to_le_bytes(), 1), integers(&[-7]));
    assert_eq!(of("torch\nCharStorage", &[0xff, 3], 2), integers(&[-1, 3]));
    assert_eq!(of("torch\nByteStorage", &[0xff, 3], 2), integers(&[255, 3]));
    let truths = ArrayD::from_shape_vec(IxDyn(&[2]), vec![true, false]).expect("a vector");
    assert_eq!(of("torch\nBoolStorage", &[1, 0], 2), Member::Truths(truths));
    for (kind, words) in [("ComplexFloat", "complex numbers"), ("QInt8", "quantised numbers")] {
        assert_eq!(of(&format!("torch\n{kind}Storage"), &[0; 8], 1), Member::Other(words.to_owned()));
    }
    // Types without a storage of their own are named beside the tensor.
    let untyped = storage("torch.storage\nUntypedStorage", 0, 4);
    let typed = |dtype: &str| {
        let hooks = b"\x89ccollections\nOrderedDict\n)R".to_vec();
        let dtype = format!("ctorch\n{dtype}\n").into_bytes();
        let parts = [untyped.clone(), whole(0), wholes(&[2]), wholes(&[1]), hooks, dtype, b"tR".to_vec()];
        [b"ctorch._utils\n_rebuild_tensor_v3\n(".to_vec(), parts.concat()].concat()
    };
    for (dtype, expected) in [
        ("uint16", integers(&[1, 0xff02])),
        ("bfloat16", real(&[f64::from(f32::from_bits(1 << 16)), f64::from(f32::from_bits(0xff02 << 16))])),
        ("float8_e5m2", Member::Other("numbers of 8 bits".to_owned())),
    ] {
        let pickle = [b"\x80\x02".to_vec(), typed(dtype), b".".to_vec()].concat();
        let arrays = read_torch(&torch::archive(&pickle, &[vec![1, 0, 2, 0xff]])).expect(dtype);
        assert_eq!(arrays["tensor"], expected, "{dtype}");
    }
}

#[test]
fn nested_containers_have_joined_names_and_values_are_kept_in_words() {
    let small = || Value::Tensor(vec![2], vec![1.0, 2.0]);
    let file = torch::file(&dict([
        ("epoch", Value::Whole(7)),
        (
            "model_state_dict",
            dict([("rnn.weight_hh_l0", Value::Tensor(vec![2, 2], vec![1.0, 2.0, 3.0, 4.0]))]),
        ),
        ("optimizer", dict([("state", dict([("0", dict([("exp_avg", small())]))]))])),
        ("list", Value::List(vec![small(), Value::None])),
        ("history", Value::List(vec![Value::Real(0.5), Value::Real(1e-9)])),
        ("nested", Value::List(vec![Value::List(vec![Value::Whole(1)])])),
        ("note", Value::Text("it's \"a\" word".to_owned())),
        ("long", Value::Text("é".repeat(500))),
        ("nothing", Value::None),
        ("empty", dict([])),
        ("a.b", Value::Whole(1)),
        ("a", dict([("b", Value::Whole(2))])),
    ]));
    let arrays = read_torch(&file).expect("read");
    assert_eq!(numbers(&arrays, "model_state_dict.rnn.weight_hh_l0").shape(), [2, 2]);
    assert_eq!(numbers(&arrays, "optimizer.state.0.exp_avg").sum(), 3.0);
    assert_eq!(numbers(&arrays, "list.0").sum(), 3.0);
    for (name, words) in [
        ("epoch", "7"),
        ("history", "[0.5, 1e-9]"),
        ("nested.0", "[1]"),
        ("nothing", "None"),
        ("list.1", "None"),
        ("note", r#"'it\'s \"a\" word'"#),
    ] {
        assert_eq!(plain(&arrays, name), words);
    }
    assert!(plain(&arrays, "long").chars().count() < 80);
    assert!(matches!(&arrays["a.b"], Member::Other(reason) if reason.contains("two entries")));
    assert!(!arrays.contains_key("empty") && arrays.contains_key("epoch"));
    // A tensor by itself.
    assert_eq!(numbers(&read_torch(&torch::file(&small())).expect("read"), "tensor").sum(), 3.0);
}

#[test]
fn pickles_of_later_protocols_are_read() {
    let short = |text: &str| {
        [b"\x8c".to_vec(), vec![text.len() as u8], text.as_bytes().to_vec(), b"\x94".to_vec()].concat()
    };
    let global = |module: &str, name: &str| [short(module), short(name), b"\x93\x94".to_vec()].concat();
    let mut body =
        [b"}\x94(".to_vec(), short("w"), global("torch._utils", "_rebuild_tensor_v2"), b"(".to_vec()]
            .concat();
    body.extend(
        [
            b"(".to_vec(),
            short("storage"),
            global("torch", "FloatStorage"),
            short("0"),
            short("cpu"),
            b"K\x02t\x94Q".to_vec(),
        ]
        .concat(),
    );
    body.extend(b"K\x00K\x02\x85\x94K\x01\x85\x94\x89}\x94t\x94R\x94");
    body.extend(
        [
            short("bytes"),
            b"C\x03abc\x94".to_vec(),
            short("large"),
            b"\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x01".to_vec(),
        ]
        .concat(),
    );
    body.extend(
        [short("negative"), b"\x8a\x01\xff".to_vec(), short("set"), b"\x8f\x94(K\x01K\x02\x90".to_vec()]
            .concat(),
    );
    body.extend(
        [short("frozen"), b"(K\x03\x91\x94".to_vec(), short("same"), b"h\x02".to_vec(), b"u.".to_vec()]
            .concat(),
    );
    for protocol in [4, 5] {
        let frame = (body.len() as u64).to_le_bytes();
        let pickle = [vec![0x80, protocol, 0x95], frame.to_vec(), body.clone()].concat();
        let arrays = read_torch(&torch::archive(
            &pickle,
            &[[1.0_f32, 2.0].iter().flat_map(|x| x.to_le_bytes()).collect()],
        ));
        let arrays = arrays.expect("read");
        assert_eq!(numbers(&arrays, "w").sum(), 3.0);
        assert_eq!((plain(&arrays, "bytes").as_str(), plain(&arrays, "negative").as_str()), ("bytes", "-1"));
        assert!(plain(&arrays, "large").contains("beyond 64 bits"));
        assert_eq!((plain(&arrays, "set").as_str(), plain(&arrays, "frozen").as_str()), ("{1, 2}", "{3}"));
    }
    let error = damaged(&torch::archive(b"\x80\x06N.", &[]));
    assert!(error.contains("protocol 6"), "{error}");
}

#[test]
fn damaged_pickles_and_archives_are_refused() {
    for (instructions, reason) in [
        (&b"R"[..], "not there"),
        (b"t", "a mark"),
        (b"(K\x01\x85", "stops within"),
        (b"K\x01(\x85", "not there"),
        (b"h\x07", "did not keep"),
        (b"X\xff\xff\xff\xff", "cut off"),
        (b"}K\x01a", "appends to a dict"),
        (b"]K\x01K\x01s", "sets entries of a list"),
        (b"}(K\x01u", "a key without a value"),
        (b"K\x01K\x01R", "calls a number"),
        (b"ccollections\nOrderedDict\nK\x01R", "without arguments"),
        (b"ctorch._utils\n_rebuild_tensor_v2\n)R", "wrong arguments for `torch._utils._rebuild_tensor_v2`"),
        (b"K\x01Q", "not a storage"),
        (b"\xfe", "unknown instruction"),
        (b"cos", "cut off"),
    ] {
        let error = damaged(&archive(&[instructions], &[]));
        assert!(error.contains(reason), "{error}");
    }
    assert!(damaged(&torch::archive(b"\x80\x02N", &[])).contains("cut off"));
    assert!(damaged(b"PK\x03\x04 nothing").contains("not a file of PyTorch"));
    assert!(damaged(b"a text").contains("begins neither"));
    assert!(matches!(read_torch(b"\x80\x04N."), Err(Error::Pickle)), "a pickle by another program");
    let long = [b"c".to_vec(), vec![b'a'; 2000], b"\nb\n".to_vec()].concat();
    assert!(damaged(&archive(&[&long], &[])).contains("more than 1000 bytes"));
    // Of other archives it says what they are.
    let mut npz = concertina_arrays::Npz::new();
    npz.vector("w", &[1.0_f32]).expect("added");
    assert!(damaged(&npz.finish().expect("written")).contains("call it .npz"));
    let whole = torch::file(&dict([("w", Value::Tensor(vec![64], vec![1.0; 64]))]));
    for length in 0..whole.len() {
        assert!(read_torch(&whole[..length]).is_err(), "{length}");
    }
}

#[test]
fn values_that_contain_themselves_or_many_others_end_quickly() {
    let began = Instant::now();
    // A list in itself, a dict in itself.
    assert!(damaged(&archive(&[b"]q\x00h\x00a"], &[])).contains("depth"));
    assert!(damaged(&archive(&[b"}q\x00", &text("a"), b"h\x00s"], &[])).contains("depth"));
    // Every list holds the one before twice: 2^30 lists.
    let doubled = b"]q\x00K\x01a"
        .iter()
        .copied()
        .chain((0..30).flat_map(|_| *b"0]h\x00ah\x00aq\x00"))
        .collect::<Vec<u8>>();
    damaged(&archive(&[&doubled], &[]));
    let deep = vec![b']'; 100_000];
    assert!(read_torch(&archive(&[&deep, &vec![b'a'; 99_999]], &[])).is_err());
    let marks = vec![b'('; 100_000];
    assert!(read_torch(&archive(&[&marks, b"N"], &[])).is_err());
    // One storage that a thousand tensors repeat, and a tensor that repeats one element.
    let shared = storage("torch\nFloatStorage", 0, 4);
    let huge = tensor(&shared, 0, &[i32::MAX, 1], &[0, 1]);
    let error = damaged(&archive(&[&huge], &[1.0; 4]));
    assert!(error.contains("too often"), "{error}");
    let many = [tensor(&shared, 0, &[10_000], &[0]), b"q\x00".to_vec(), b"h\x00".repeat(1000)].concat();
    assert!(damaged(&archive(&[b"](", &many, b"e"], &[1.0; 4])).contains("too often"));
    // A long tuple as the arguments of many calls, and as the shape of many tensors.
    let long = [b"(".to_vec(), b"K\x01".repeat(100_000), b"tq\x000".to_vec()].concat();
    let calls =
        [b"](".to_vec(), b"ccollections\nOrderedDict\nq\x010".to_vec(), b"h\x01h\x00R".repeat(100_000)]
            .concat();
    damaged(&archive(&[&long, &calls, b"e"], &[]));
    let pairs = [b"](".to_vec(), b"N\x85".repeat(1000), b"eq\x00\x85q\x020".to_vec()].concat();
    damaged(&archive(
        &[&pairs, &calls[..2], b"ccollections\nOrderedDict\nq\x010", &b"h\x01h\x02R".repeat(100_000), b"e"],
        &[],
    ));
    damaged(&archive(&[&b"N0".repeat(2_000_000), b"N"], &[]));
    // A long text as the name of many values, and as the key of many storages; a long list in many places.
    let long = "a".repeat(1 << 20);
    let named = [text(&long), b"q\x000](".to_vec(), b"}h\x00Ns".repeat(5000), b"e".to_vec()].concat();
    assert!(damaged(&archive(&[&named], &[])).contains("a name of more than 1000 bytes"));
    let keyed = [
        b"(".to_vec(),
        text("storage"),
        b"ctorch\nFloatStorage\n".to_vec(),
        text(&long),
        text("cpu"),
        b"K\x01tQ".to_vec(),
    ]
    .concat();
    assert!(damaged(&archive(&[&tensor(&keyed, 0, &[1], &[1])], &[])).contains("not a storage"));
    let listed =
        [b"](".to_vec(), b"N".repeat(100_000), b"eq\x000](".to_vec(), b"h\x00".repeat(9000), b"e".to_vec()]
            .concat();
    assert!(damaged(&archive(&[&listed], &[])).contains("lists of more than"));
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

#[test]
fn files_from_before_pytorch_1_6_are_read() {
    let pickle = |instructions: &[u8]| [b"\x80\x02".to_vec(), instructions.to_vec(), b".".to_vec()].concat();
    let legacy = |main: Vec<u8>, keys: &[&str], storages: &[&[f32]]| {
        let mut bytes = pickle(b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19");
        bytes.extend(pickle(b"M\xe9\x03"));
        bytes.extend(pickle(&[b"}(".to_vec(), text("little_endian"), b"\x88u".to_vec()].concat()));
        bytes.extend(pickle(&main));
        let keys: Vec<u8> = keys.iter().flat_map(|key| text(key)).collect();
        bytes.extend(pickle(&[b"](".to_vec(), keys, b"e".to_vec()].concat()));
        for storage in storages {
            bytes.extend((storage.len() as u64).to_le_bytes());
            bytes.extend(storage.iter().flat_map(|number| number.to_le_bytes()));
        }
        bytes
    };
    let of = |key: &str, count: i32, part: &[u8]| {
        let kind = b"ctorch\nFloatStorage\n".to_vec();
        [
            b"(".to_vec(),
            text("storage"),
            kind,
            text(key),
            text("cpu"),
            whole(count),
            part.to_vec(),
            b"tQ".to_vec(),
        ]
        .concat()
    };
    let part = |start: i32, count: i32| {
        [b"(".to_vec(), text("view"), whole(start), whole(count), b"t".to_vec()].concat()
    };
    let main = |part: &[u8], offset: i32| {
        let (a, b) =
            (tensor(&of("a", 4, b"N"), 0, &[2, 2], &[1, 2]), tensor(&of("b", 3, part), offset, &[2], &[1]));
        [b"}(".to_vec(), text("x"), a, text("y"), b, b"u".to_vec()].concat()
    };
    let storages: [&[f32]; 2] = [&[1.0, 2.0, 3.0, 4.0], &[5.0, 6.0, 7.0]];
    let whole_file = legacy(main(b"N", 1), &["a", "b"], &storages);
    let arrays = read_torch(&whole_file).expect("read");
    assert_eq!(numbers(&arrays, "x").iter().copied().collect::<Vec<_>>(), [1.0, 3.0, 2.0, 4.0]);
    assert_eq!(numbers(&arrays, "y").iter().copied().collect::<Vec<_>>(), [6.0, 7.0]);
    for length in 0..whole_file.len() {
        assert!(read_torch(&whole_file[..length]).is_err(), "{length}");
    }
    // A storage that is part of another one.
    let viewed =
        |part: &[u8], offset| read_torch(&legacy(main(part, offset), &["a", "b"], &storages)).expect("read");
    let arrays = viewed(&part(1, 2), 0);
    assert_eq!(numbers(&arrays, "y").iter().copied().collect::<Vec<_>>(), [6.0, 7.0]);
    for (part, offset) in [(part(1, 2), 1), (part(2, 2), 0), (part(-1, 3), 0), (part(i32::MAX, i32::MAX), 0)]
    {
        assert!(matches!(&viewed(&part, offset)["y"], Member::Other(_)), "it is outside");
    }
    let (kind, message) = refused(&legacy(b"cos\nsystem\n)R".to_vec(), &[], &[]));
    assert!(kind == Program::Call && message.contains("`os.system`"), "{message}");
    let module = [
        b"(".to_vec(),
        text("module"),
        b"c__main__\nNet\n".to_vec(),
        text("net.py"),
        text("class Net"),
        b"tQ".to_vec(),
    ]
    .concat();
    assert!(refused(&legacy(module, &[], &[])).1.contains("`__main__.Net`"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn any_instructions_give_a_value_or_an_error(
        codes in proptest::collection::vec(
            prop_oneof![
                4 => proptest::sample::select(b"(0]})tuaesRQbqhN\x85\x86\x94\x8f\x90K2".to_vec()),
                1 => any::<u8>(),
            ],
            0..200,
        )
    ) {
        let _ = read_torch(&archive(&[&codes], &[1.0; 4]));
        let shared = storage("torch\nFloatStorage", 0, 4);
        let made = tensor(&shared, 0, &[2, 2], &[2, 1]);
        let _ = read_torch(&archive(&[b"}q\x00]q\x01", &made, b"q\x02", &codes], &[1.0; 4]));
    }

    #[test]
    fn tensors_that_are_written_are_read(shape in proptest::collection::vec(0_usize..4, 0..4), seed in any::<u16>()) {
        let count: usize = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|place| (place as f32 + f32::from(seed)).sin()).collect();
        let arrays = read_torch(&torch::file(&dict([("it", Value::Tensor(shape.clone(), values.clone()))]))).expect("read");
        let array = numbers(&arrays, "it");
        prop_assert_eq!(array.shape(), &shape[..]);
        prop_assert!(array.iter().zip(&values).all(|(read, written)| *read == f64::from(*written)));
    }
}

/// A scalar of NumPy in protocol 2, where bytes are text in Latin-1.
fn scalar(module: &str, code: &str, order: &str, bytes: &[u8]) -> Vec<u8> {
    let latin: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    [
        format!("c{module}\nscalar\n").into_bytes(),
        b"(cnumpy\ndtype\n(".to_vec(),
        text(code),
        b"\x89\x88tR(K\x03".to_vec(),
        text(order),
        b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb".to_vec(),
        b"c_codecs\nencode\n(".to_vec(),
        text(&latin),
        text("latin1"),
        b"tRtR".to_vec(),
    ]
    .concat()
}

/// They stand beside the tensors of many checkpoints.
#[test]
fn numpys_scalars_and_namespaces_made_a_whole_checkpoint_unreadable() {
    let real = scalar("numpy.core.multiarray", "f8", "<", &0.125_f64.to_le_bytes());
    let whole_number = scalar("numpy._core.multiarray", "i8", ">", &(-7_i64).to_be_bytes());
    let truth = scalar("numpy.core.multiarray", "b1", "|", &[1]);
    let words = scalar("numpy.core.multiarray", "U2", "<", &[97, 0, 0, 0, 98, 0, 0, 0]);
    let namespace =
        [b"cargparse\nNamespace\n)\x81}(".to_vec(), text("lr"), real.clone(), text("units"), whole(5)]
            .concat();
    let simple = [b"ctypes\nSimpleNamespace\n)R}".to_vec(), text("seed"), whole(3)].concat();
    let shared = storage("torch\nFloatStorage", 0, 2);
    let bytes = archive(
        &[
            b"}(",
            &[text("weights"), tensor(&shared, 0, &[2], &[1])].concat(),
            &[text("loss"), real].concat(),
            &[text("epoch"), whole_number].concat(),
            &[text("done"), truth].concat(),
            &[text("name"), words].concat(),
            &[text("args"), namespace, b"ub".to_vec()].concat(),
            &[text("more"), simple, b"sb".to_vec()].concat(),
            b"u",
        ],
        &[1.0, 2.0],
    );
    let arrays = read_torch(&bytes).expect("it is read");
    assert_eq!(numbers(&arrays, "weights").as_slice(), Some(&[1.0, 2.0][..]));
    let found =
        ["loss", "epoch", "done", "args.lr", "args.units", "more.seed"].map(|name| plain(&arrays, name));
    assert_eq!(found, ["0.125", "-7", "True", "0.125", "5", "3"]);
    assert_eq!(plain(&arrays, "name"), "a scalar of NumPy that is not a number");
    // What is called in the place of arguments is still refused.
    let hidden = [b"cargparse\nNamespace\n)\x81}".to_vec(), text("a"), b"cos\nsystem\nsb".to_vec()].concat();
    assert!(refused(&archive(&[&hidden], &[])).1.contains("`os.system`"));
    for wrong in
        [&b"cargparse\nNamespace\n)\x81]b"[..], b"cnumpy\ndtype\n)R", b"cnumpy.core.multiarray\nscalar\n)R"]
    {
        damaged(&archive(&[wrong], &[]));
    }
}
