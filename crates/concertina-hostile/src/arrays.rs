//! Arrays in foreign files.

use concertina_arrays::{Error, Member, Npz, read_member, read_npy, read_npz, read_safetensors};

use concertina_model::task::TrialArrays;

use crate::tell;

/// A `.npy`, `.npz` or `.safetensors` file. Arrays that can be read are written and read again.
pub fn arrays(bytes: &[u8]) {
    let npy = read_npy(bytes);
    if let Some(array) = npy.as_ref().ok().and_then(|member| member.numbers("it").ok()) {
        let mut npz = Npz::new();
        npz.array("it", array).expect("any array can be written");
        let read = read_npz(&npz.finish().expect("written")).expect("what is written is read");
        let again = read["it"].numbers("it").expect("numbers");
        assert_eq!(again.shape(), array.shape());
        assert!(again.iter().zip(array).all(|(again, number)| again.to_bits() == number.to_bits()));
    }
    if let Ok(Member::Integers(array)) = &npy {
        let mut npz = Npz::new();
        npz.array("it", array).expect("any array can be written");
        let read = read_npz(&npz.finish().expect("written")).expect("what is written is read");
        assert_eq!(read["it"], Member::Integers(array.clone()));
    }
    if let Ok(arrays) = read_npz(bytes)
        && let Err(error) = TrialArrays::of_arrays(&arrays)
    {
        tell(&error);
        assert!(error.hint().is_some(), "{error}");
    }
    let member = read_member(bytes, "params.json");
    let errors = [npy.err(), read_npz(bytes).err(), read_safetensors(bytes).err(), member.err()];
    for error in errors.into_iter().flatten() {
        tell(&error);
        assert!(error.hint().is_some() || matches!(error, Error::Read { .. }), "{error}");
    }
}
