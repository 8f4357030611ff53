//! Tensors in files of PyTorch.

use std::io::{Cursor, Write};

use concertina_arrays::{Error, Member, Npz, read_npz, read_torch};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::tell;

/// A file of PyTorch; then a pickle of these bytes in an archive with two small storages. Tensors that can be
/// read are written and read again as NumPy's.
pub fn torch(bytes: &[u8]) {
    read(bytes);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in
        [("a/data.pkl", bytes), ("a/data/0", &1.5_f32.to_le_bytes().repeat(16)), ("a/data/1", &[7; 64])]
    {
        let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        archive.start_file(name, stored).expect("a member");
        archive.write_all(content).expect("written");
    }
    read(&archive.finish().expect("an archive").into_inner());
}

fn read(bytes: &[u8]) {
    let arrays = match read_torch(bytes) {
        Ok(arrays) => arrays,
        Err(error) => {
            tell(&error);
            assert!(error.hint().is_some() || matches!(error, Error::Read { .. }), "{error}");
            return;
        }
    };
    for (name, member) in &arrays {
        assert!(!member.in_words().is_empty() || matches!(member, Member::Other(_)), "{name}");
        let Ok(array) = member.numbers(name) else { continue };
        let mut npz = Npz::new();
        npz.array("it", array).expect("any array can be written");
        let read = read_npz(&npz.finish().expect("written")).expect("what is written is read");
        let again = read["it"].numbers("it").expect("numbers");
        assert_eq!(again.shape(), array.shape());
        assert!(again.iter().zip(array).all(|(again, number)| again.to_bits() == number.to_bits()));
    }
}
