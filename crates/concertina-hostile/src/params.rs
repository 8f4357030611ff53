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
        // All are made alike: one in a thousand shows.
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

/// Checks parameters; what is accepted is fit for use.
pub(crate) fn checked(params: Params) {
    match params.check() {
        Ok(params) => valid(&params),
        Err(error) => told(&error),
    }
}

/// What holds of checked parameters: one key, finite numbers, and files that give them back.
pub(crate) fn valid(params: &ValidParams) {
    let canonical = params.canonical();
    for line in canonical.lines().skip(1) {
        let (name, value) = line.split_once(" = ").expect("a name and a value a line");
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
            assert_eq!(longer.canonical(), canonical, "how long a run is trained does not name it");
        }
    }
}
