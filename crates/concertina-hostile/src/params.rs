//! Parameters in TOML and JSON.

use concertina_model::params::{Params, Sweep, ValidParams};

use crate::tell;

/// Parameters, stored parameters and a sweep in TOML, then checked.
pub fn params_toml(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Params::from_toml(text) {
        Ok(params) => {
            let again = Params::from_toml(&params.to_toml()).expect("what is written is read");
            assert_eq!(again, params);
            checked(params);
        }
        Err(error) => told(&error),
    }
    match Params::from_stored_toml(text) {
        Ok(params) => checked(params),
        Err(error) => told(&error),
    }
    match Sweep::from_toml(text).and_then(Sweep::check) {
        // All runs are made in the same way, so one in a thousand is enough.
        Ok(runs) => runs.iter().step_by(1000).for_each(valid),
        Err(error) => told(&error),
    }
}

/// Parameters as a JSON object, flat or in sections.
pub fn params_json(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Params::from_json(text) {
        Ok(params) => checked(params),
        Err(error) => told(&error),
    }
    if let Ok(params) = serde_json::from_str::<Params>(text) {
        checked(params);
    }
}

fn told(error: &concertina_model::Error) {
    tell(error);
    let _ = error.hint();
}

/// Checks parameters, and that accepted parameters can be used.
pub(crate) fn checked(params: Params) {
    match params.check() {
        Ok(params) => valid(&params),
        Err(error) => told(&error),
    }
}

/// The properties of checked parameters: a stable key, finite numbers, and files that reproduce them.
pub(crate) fn valid(params: &ValidParams) {
    let canonical = params.canonical();
    for line in canonical.lines().skip(1) {
        let (name, value) = line.split_once(" = ").expect("a name and a value on each line");
        assert!(!matches!(value, "inf" | "-inf" | "NaN"), "{name} is {value}");
    }
    let again = params.clone().into_params().check().expect("what is valid stays valid");
    assert_eq!(&again, params, "checking twice changes nothing");
    assert_eq!(again.canonical(), canonical, "the key is stable");
    for text in [params.to_toml(), params.to_annotated_toml()] {
        for read in [Params::from_toml(&text), Params::from_stored_toml(&text)] {
            let read = read.and_then(Params::check).expect("what is written is read");
            assert_eq!(&read, params, "{text}");
        }
    }
    let json = serde_json::to_string(params).expect("plain data");
    let read = Params::from_json(&json).and_then(Params::check).expect("what is written is read");
    assert_eq!(&read, params, "{json}");
    assert!(params.trial_steps() >= 1 && params.outputs() >= 1 && params.val_samples() >= 1);
    let schedule = params.checkpoints();
    let kept: Vec<_> = schedule.iter().take(20).collect();
    assert!(kept.windows(2).all(|pair| pair[0].update < pair[1].update), "{kept:?}");
    for epochs in [0, 3, 1_000_000_000] {
        if let Ok(longer) = params.with_epochs(epochs) {
            assert_eq!(longer.canonical(), canonical, "the length of training is not part of the name");
        }
    }
}
