//! Files written by NumPy and PyTorch are read, and other files are refused with a reason.

use std::collections::HashMap;
use std::io::{Cursor, Write};

use concertina_arrays::{
    Error, MAX_BYTES, Member, Npz, Safetensors, read, read_npy, read_npz, read_safetensors,
};
use ndarray::{Array2, ArrayD, Dimension, IxDyn, ShapeBuilder, arr1, arr2};
use ndarray_npy::{NpzReader, NpzWriter, WriteNpyExt};
use proptest::prelude::*;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, serialize};

fn numbers(member: &Member) -> &ArrayD<f64> {
    member.numbers("it").expect("numbers")
}

#[test]
fn npy_of_both_orders_and_widths_is_read() {
    let plain = arr2(&[[1.0_f32, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let mut fortran = Array2::<f32>::zeros((2, 3).f());
    fortran.assign(&plain);
    for array in [&plain, &fortran] {
        let mut bytes = Vec::new();
        array.write_npy(&mut bytes).expect("written");
        assert_eq!(numbers(&read_npy(&bytes).expect("read")), &plain.mapv(f64::from).into_dyn());
    }
    let mut bytes = Vec::new();
    plain.mapv(f64::from).write_npy(&mut bytes).expect("written");
    assert_eq!(numbers(&read_npy(&bytes).expect("read")), &plain.mapv(f64::from).into_dyn());
    let big_endian =
        b"\x93NUMPY\x01\x00\x3a\x00{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }\n\x3f\x80\0\0";
    assert_eq!(numbers(&read_npy(big_endian).expect("read")), &arr1(&[1.0]).into_dyn());
}

#[test]
fn npz_is_read_stored_and_compressed_and_written_for_numpy() {
    for compressed in [false, true] {
        let mut bytes = Cursor::new(Vec::new());
        let mut writer =
            if compressed { NpzWriter::new_compressed(&mut bytes) } else { NpzWriter::new(&mut bytes) };
        writer.add_array("w", &arr2(&[[1.0_f32, 2.0], [3.0, 4.0]])).expect("added");
        writer.add_array("epoch", &arr1(&[0_i64, 12])).expect("added");
        writer.finish().expect("written");
        let arrays = read_npz(bytes.get_ref()).expect("read");
        assert_eq!(numbers(&arrays["w"]).shape(), [2, 2]);
        assert_eq!(arrays["epoch"], Member::Integers(arr1(&[0, 12]).into_dyn()));
        assert!(matches!(arrays["epoch"].numbers("epoch"), Err(Error::Type { .. })));
    }
    let write = || {
        let mut npz = Npz::new();
        npz.array("w", &arr2(&[[1.0_f32, 2.0], [3.0, 4.0]]).into_dyn()).expect("added");
        npz.vector("epoch", &[0_i64, 12]).expect("added");
        npz.text("params.json", "{}").expect("added");
        npz.finish().expect("written")
    };
    let bytes = write();
    assert_eq!(bytes, write(), "the same content gives the same bytes");
    let mut theirs = NpzReader::new(Cursor::new(&bytes)).expect("an archive");
    let w: Array2<f32> = theirs.by_name("w").expect("there");
    assert_eq!(w, arr2(&[[1.0, 2.0], [3.0, 4.0]]));
    let arrays = read_npz(&bytes).expect("read");
    assert_eq!(arrays["params.json"], Member::Other("a member that is not an array".to_owned()));
}

#[test]
fn safetensors_of_every_width_are_read() {
    let (single, double) = (1.5_f32.to_le_bytes(), (-0.1_f64).to_le_bytes());
    let (half, step) = (0x3e00_u16.to_le_bytes(), (-7_i64).to_le_bytes());
    let brain = [0xc0, 0x3f];
    let views = HashMap::from([
        ("single", TensorView::new(Dtype::F32, vec![1, 1], &single).expect("fits")),
        ("double", TensorView::new(Dtype::F64, vec![1], &double).expect("fits")),
        ("half", TensorView::new(Dtype::F16, vec![1], &half).expect("fits")),
        ("brain", TensorView::new(Dtype::BF16, vec![1], &brain).expect("fits")),
        ("step", TensorView::new(Dtype::I64, vec![1], &step).expect("fits")),
        ("bytes", TensorView::new(Dtype::U8, vec![2], &[200, 1]).expect("fits")),
        ("truths", TensorView::new(Dtype::BOOL, vec![2], &[0, 1]).expect("fits")),
        ("eight", TensorView::new(Dtype::F8_E4M3, vec![1], &[7]).expect("fits")),
    ]);
    let arrays = read_safetensors(&serialize(&views, None).expect("written")).expect("read");
    assert_eq!(numbers(&arrays["double"])[0], -0.1);
    for name in ["single", "half", "brain"] {
        assert_eq!(numbers(&arrays[name]).iter().next(), Some(&1.5), "{name}");
    }
    assert_eq!(arrays["step"], Member::Integers(arr1(&[-7]).into_dyn()));
    assert_eq!(arrays["bytes"], Member::Integers(arr1(&[200, 1]).into_dyn()));
    assert_eq!(arrays["truths"], Member::Truths(arr1(&[false, true]).into_dyn()));
    assert!(matches!(&arrays["eight"], Member::Other(_)));
}

#[test]
fn safetensors_that_are_written_are_read_and_have_the_same_bytes_again() {
    let written = || {
        let mut file = Safetensors::default();
        file.array("states", &arr2(&[[1.5_f32, -2.0], [0.1, f32::MAX]]).into_dyn());
        file.array("labels", &arr1(&[3_i64, -1]).into_dyn());
        file.text("description.json", "{}");
        file.finish().expect("written")
    };
    let arrays = read_safetensors(&written()).expect("read");
    assert_eq!(numbers(&arrays["states"])[[1, 0]], f64::from(0.1_f32));
    assert_eq!(arrays["labels"], Member::Integers(arr1(&[3, -1]).into_dyn()));
    assert_eq!(written(), written());
}

#[test]
fn headers_that_claim_too_much_are_refused_without_allocating_it() {
    let npy = |shape: &str| {
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(&[0; 16]);
        bytes
    };
    assert!(read_npy(&npy("(4,)")).is_ok());
    for shape in [
        "(99999999999,)",
        "(18446744073709551615,)",
        "(4294967296, 4294967296)",
        "(0, 9223372036854775807, 9)",
        "(3,)",
        "(-4,)",
        "(4",
        "[4]",
        &format!("({})", "1,".repeat(80)),
    ] {
        assert!(matches!(read_npy(&npy(shape)), Err(Error::Damaged { .. })), "{shape}");
    }
    let mut long = b"\x93NUMPY\x02\x00".to_vec();
    long.extend_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(read_npy(&long), Err(Error::Damaged { .. })));
    let mut header = (u64::MAX - 3).to_le_bytes().to_vec();
    header.extend_from_slice(b"{}");
    assert!(matches!(read_safetensors(&header), Err(Error::Damaged { .. })));
}

#[test]
fn an_archive_that_unpacks_to_too_much_is_refused() {
    // A little over 1 GiB of zeros: about a megabyte compressed.
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    let block = vec![0; 1 << 20];
    for member in 0..3 {
        writer.start_file(format!("w{member}.txt"), options).expect("begun");
        for _ in 0..(MAX_BYTES >> 20) / 3 + 1 {
            writer.write_all(&block).expect("written");
        }
    }
    let bytes = writer.finish().expect("finished").into_inner();
    assert!(bytes.len() < 8 << 20);
    assert!(matches!(read_npz(&bytes), Err(Error::TooLarge { .. })));
}

#[test]
fn files_of_other_kinds_are_refused_with_a_hint() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, b"PK\x03\x04 nothing").expect("written");
        path
    };
    assert!(matches!(read(&path("model.pt")), Err(Error::Damaged { format: "a file of PyTorch", .. })));
    assert!(read(&path("model.pth")).expect_err("cut off").hint().expect("a hint").contains("torch.save"));
    std::fs::write(folder.path().join("plain.pkl"), b"\x80\x04N.").expect("written");
    let pickle = read(&folder.path().join("plain.pkl")).expect_err("a pickle");
    assert!(matches!(&pickle, Error::Pickle) && pickle.hint().expect("a hint").contains("numpy.savez"));
    assert!(matches!(read(&path("weights.h5")), Err(Error::Format { .. })));
    assert!(matches!(read(&path("weights.npz")), Err(Error::Damaged { .. })));
    assert!(matches!(read(&path("weights.safetensors")), Err(Error::Damaged { .. })));
    assert!(matches!(read(&path("weights.npy")), Err(Error::Damaged { .. })));
    assert!(matches!(read(&folder.path().join("none.npz")), Err(Error::Read { .. })));
    assert!(matches!(read(folder.path()), Err(Error::Format { .. })));
    std::fs::create_dir(folder.path().join("folder.npz")).expect("made");
    assert!(matches!(read(&folder.path().join("folder.npz")), Err(Error::Read { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn written_arrays_are_read_back(shape in proptest::collection::vec(0_usize..5, 0..4), seed in any::<u32>()) {
        let array = ArrayD::from_shape_fn(IxDyn(&shape), |place| {
            let mixed = place.slice().iter().fold(seed, |mixed, &axis| mixed.wrapping_mul(31).wrapping_add(axis as u32));
            (mixed as f32).sin()
        });
        let mut npz = Npz::new();
        npz.array("it", &array).expect("added");
        let arrays = read_npz(&npz.finish().expect("written")).expect("read");
        prop_assert_eq!(numbers(&arrays["it"]), &array.mapv(f64::from));
    }

    #[test]
    fn any_bytes_give_a_value_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = (read_npy(&bytes), read_npz(&bytes), read_safetensors(&bytes));
        let npy = [b"\x93NUMPY\x01\x00".as_slice(), &bytes].concat();
        let _ = read_npy(&npy);
    }
}

/// An array as NumPy would write it with this header.
fn raw_npy(version: u8, header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend_from_slice(&[version, 0]);
    match version {
        1 => bytes.extend_from_slice(&(header.len() as u16).to_le_bytes()),
        _ => bytes.extend_from_slice(&(header.len() as u32).to_le_bytes()),
    }
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(data);
    bytes
}

fn header(kind: &str, shape: &str) -> String {
    format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n")
}

/// An archive of members with these bytes.
fn zipped(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in members {
        writer.start_file(*name, stored).expect("begun");
        writer.write_all(bytes).expect("written");
    }
    writer.finish().expect("finished").into_inner()
}

/// The archive, with the member of this name marked as compressed by the method of this number.
fn packed_by(mut bytes: Vec<u8>, name: &str, method: u16) -> Vec<u8> {
    // The places of the method and of the name, in the header before a member and in the directory.
    for (magic, at, name_at) in [(b"PK\x03\x04", 8, 30), (b"PK\x01\x02", 10, 46)] {
        let begins = |place: &usize| {
            bytes[*place..].starts_with(magic) && bytes[*place + name_at..].starts_with(name.as_bytes())
        };
        let last = bytes.len() - name_at - name.len();
        let place = (0..=last).find(begins).expect("the member");
        bytes[place + at..place + at + 2].copy_from_slice(&method.to_le_bytes());
    }
    bytes
}

#[test]
fn a_member_that_was_not_requested_made_the_whole_archive_unreadable() {
    let weights = || ("w.npy", raw_npy(1, &header("<f4", "(1,)"), &1.5_f32.to_le_bytes()));
    let fields: Vec<String> = (0..3000).map(|field| format!("('field_{field:06}', '<f4')")).collect();
    let fields = format!("{{'descr': [{}], 'fortran_order': False, 'shape': (0,), }}\n", fields.join(", "));
    assert!(fields.len() > 75_000);
    let objects = raw_npy(1, &header("|O", "(2,)"), b"\x80\x03not run");
    for (name, content, reason) in [
        (
            "records.npy",
            raw_npy(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }\n", &[0; 4]),
            "a record array",
        ),
        ("long.npy", raw_npy(2, &fields, &[]), "a record array"),
        ("__MACOSX/._w.npy", b"\0\x05\x16\x07resource fork".to_vec(), "a damaged array"),
        ("notes.txt", b"hello".to_vec(), "a member that is not an array"),
        ("objects.npy", objects, "Python objects"),
        ("cut.npy", raw_npy(1, &header("<f4", "(9,)"), &[0; 4]), "a damaged array: shape [9]"),
        ("odd.npy", raw_npy(1, "{'descr': lambda: 0}\n", &[]), "a record array"),
        ("none.npy", Vec::new(), "a damaged array"),
        ("table.npy", raw_npy(1, &header("<U3", "(2, 1)"), &[65; 24]), "text"),
        ("bytes.npy", raw_npy(1, &header("|S4", "(2,)"), b"one two "), "text"),
        ("times.npy", raw_npy(1, &header("<M8[ns]", "(1,)"), &[0; 8]), "something else"),
    ] {
        let arrays = read_npz(&zipped(&[weights(), (name, content)])).expect(name);
        assert_eq!(numbers(&arrays["w"]).iter().next(), Some(&1.5), "{name}");
        let plain = name.strip_suffix(".npy").unwrap_or(name);
        let Member::Other(found) = &arrays[plain] else { panic!("{name} is an array") };
        assert!(found.contains(reason), "{name}: {found}");
        assert!(arrays[plain].numbers(plain).is_err());
    }
    // bzip2, lzma, and a method that does not exist.
    for (method, name) in [(12, "with bzip2"), (14, "with lzma"), (77, "in an unsupported way")] {
        let both = zipped(&[weights(), ("packed.npy", vec![0; 40])]);
        let arrays = read_npz(&packed_by(both, "packed.npy", method)).expect("the rest is read");
        assert_eq!(numbers(&arrays["w"]).iter().next(), Some(&1.5), "{method}");
        assert!(
            matches!(&arrays["packed"], Member::Other(found) if found.contains(&format!("compressed {name}"))),
            "{method}"
        );
    }
}

#[test]
fn a_text_by_itself_is_read_and_any_other_text_is_named_as_such() {
    let coded = |text: &str, width: usize, big_endian: bool| -> Vec<u8> {
        let padded = text.chars().map(u32::from).chain(std::iter::repeat(0)).take(width);
        padded.flat_map(|one| if big_endian { one.to_be_bytes() } else { one.to_le_bytes() }).collect()
    };
    let read = |kind: &str, shape: &str, data: &[u8]| {
        let content = raw_npy(1, &header(kind, shape), data);
        read_npz(&zipped(&[("name.npy", content)])).expect(kind).remove("name").expect("the member")
    };
    for (kind, data, expected) in [
        ("<U4", coded("tanh", 4, false), "'tanh'"),
        (">U4", coded("relu", 4, true), "'relu'"),
        ("<U9", coded("relu", 9, false), "'relu'"),
        ("<U3", coded("τ 1", 3, false), "'τ 1'"),
        ("<U6", coded("it's\n", 6, false), "'it\\'s\\n'"),
        ("<U1", coded("", 1, false), "''"),
        ("<U1000", coded("x", 1000, false), "'x'"),
    ] {
        assert_eq!(read(kind, "()", &data), Member::Plain(expected.to_owned()), "{kind} {expected}");
    }
    for (kind, shape, data) in [
        ("<U4", "(1,)", coded("tanh", 4, false)),
        ("<U4", "()", coded("tanh", 3, false)),
        ("<U4", "()", coded("tanh", 5, false)),
        ("<U1", "()", vec![0, 0, 0x11, 0]),
        (">U4", "()", coded("tanh", 4, false)),
        ("<U1001", "()", coded("x", 1001, false)),
        ("<U9223372036854775807", "()", Vec::new()),
        ("<U", "()", Vec::new()),
        ("|S4", "()", b"tanh".to_vec()),
    ] {
        let found = read(kind, shape, &data);
        assert_eq!(found, Member::Other("text".to_owned()), "{kind} {shape}");
        assert!(found.numbers("name").is_err(), "{kind}");
    }
}

#[test]
fn arrays_of_python_2_of_16_bits_and_without_a_byte_order_were_refused() {
    let one = |kind: &str, shape: &str, data: &[u8]| {
        let member = read_npy(&raw_npy(1, &header(kind, shape), data)).expect(kind);
        numbers(&member).iter().copied().collect::<Vec<f64>>()
    };
    let (single, double) = (1.5_f32.to_le_bytes(), (-0.1_f64).to_le_bytes());
    assert_eq!(one("<f4", "(1L,)", &single), [1.5]);
    assert_eq!(one("<f4", "(1L, 2L)", &[single, single].concat()), [1.5, 1.5]);
    assert_eq!(one("f8", "(1,)", &double), [-0.1]);
    assert_eq!(one("f4", "()", &single), [1.5]);
    assert_eq!(one("float64", "(1,)", &double), [-0.1]);
    assert_eq!(one("<f2", "(2,)", &[0x00, 0x3e, 0x00, 0xc0]), [1.5, -2.0]);
    assert_eq!(one(">f2", "(1,)", &[0x3e, 0x00]), [1.5]);
    assert_eq!(one(">f8", "(1,)", &(-0.1_f64).to_be_bytes()), [-0.1]);
    assert_eq!(one("<f4", "(0, 3)", &[]), [0.0; 0]);
    // How NumPy writes bfloat16: two bytes without a type.
    for kind in ["|V2", "<V2"] {
        let member = read_npy(&raw_npy(1, &header(kind, "(1,)"), &[0xc0, 0x3f])).expect("read");
        assert!(matches!(&member, Member::Guessed(_)), "{kind}: the guess is marked as such");
        assert_eq!(numbers(&member).iter().next(), Some(&1.5));
    }
    for (kind, found) in [("|V7", "bytes without a type"), ("<f16", "numbers of more than 64 bits")] {
        let member = read_npy(&raw_npy(1, &header(kind, "(0,)"), &[])).expect("read");
        assert_eq!(member, Member::Other(found.to_owned()));
    }
}

#[test]
fn integers_of_every_width_and_truth_values_are_read_row_major() {
    let one = |kind: &str, data: &[u8]| {
        let shape = format!("({},)", data.len() / kind[2..].parse::<usize>().expect("a width"));
        read_npy(&raw_npy(1, &header(kind, &shape), data)).expect(kind)
    };
    let integers = |values: &[i64]| Member::Integers(arr1(values).into_dyn());
    assert_eq!(one("|i1", &[0xff, 3]), integers(&[-1, 3]));
    assert_eq!(one("|u1", &[0xff, 3]), integers(&[255, 3]));
    assert_eq!(one("<i2", &[0xfe, 0xff]), integers(&[-2]));
    assert_eq!(one(">i4", &[0xff, 0xff, 0xff, 0xfd]), integers(&[-3]));
    assert_eq!(one("<u4", &[0xfe, 0xff, 0xff, 0xff]), integers(&[4_294_967_294]));
    assert_eq!(one("<i8", &(-7_i64).to_le_bytes()), integers(&[-7]));
    assert_eq!(one("<u8", &7_u64.to_le_bytes()), integers(&[7]));
    assert_eq!(one("<u8", &u64::MAX.to_le_bytes()), Member::Other("integers above 2^63".to_owned()));
    assert_eq!(one("|b1", &[1, 0]), Member::Truths(arr1(&[true, false]).into_dyn()));
    let columns = "{'descr': '|b1', 'fortran_order': True, 'shape': (2, 2), }\n";
    let read = read_npy(&raw_npy(1, columns, &[1, 0, 1, 1])).expect("read");
    assert_eq!(read, Member::Truths(arr2(&[[true, true], [false, true]]).into_dyn()));
    let mut npz = Npz::new();
    npz.array("mask", &arr2(&[[true, false]]).into_dyn()).expect("added");
    let arrays = read_npz(&npz.finish().expect("written")).expect("read");
    assert_eq!(arrays["mask"], Member::Truths(arr2(&[[true, false]]).into_dyn()));
}

#[test]
fn a_file_that_is_missing_was_called_a_pickle() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["none.pt", "none.pth", "none.pkl", "none.bin", "none.npz", "none.h5", "none"] {
        let error = read(&folder.path().join(name)).expect_err(name);
        assert!(matches!(&error, Error::Read { .. }), "{name}: {error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("does not exist")), "{name}");
    }
    std::fs::create_dir(folder.path().join("folder.pt")).expect("made");
    let error = read(&folder.path().join("folder.pt")).expect_err("a folder");
    assert!(error.to_string().contains("it is a folder"), "{error}");
    for name in ["empty.pt", "empty.npz", "empty.npy", "empty.safetensors"] {
        std::fs::write(folder.path().join(name), b"").expect("written");
        assert!(matches!(read(&folder.path().join(name)), Err(Error::Empty)), "{name}");
    }
}

#[test]
fn a_hint_told_users_to_save_the_same_file_again() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["a.npz", "a.npy", "a.safetensors"] {
        std::fs::write(folder.path().join(name), b"PK\x03\x04 nothing").expect("written");
        let hint = read(&folder.path().join(name)).expect_err(name).hint().expect("a hint");
        assert!(!hint.contains("save or copy the file again"), "{hint}");
        assert!(hint.contains("load"), "the hint says how to find out whether it can be read: {hint}");
    }
}
