//! What `Params::check` fills in and resolves.

use super::*;

#[test]
fn the_defaults_are_valid() {
    let params = valid(&[]);
    assert_eq!(
        (params.trial_steps(), params.outputs(), params.val_samples(), params.updates_per_epoch()),
        (10, 2, 100, 80)
    );
}

#[test]
fn validation_samples_default_to_fifteen_per_cent_except_for_the_papers_hundred() {
    for (train, val) in [(800, 100), (400, 60), (1250, 188), (1, 1), (10, 2)] {
        let params = valid(&[&format!("train_samples={train}"), "batch=1"]);
        assert_eq!(params.val_samples(), val, "{train}");
    }
    assert_eq!(valid(&["val_samples=7"]).val_samples(), 7);
}

#[test]
fn a_scalar_readout_has_one_output_and_hold_lengthens_the_trial() {
    let params = valid(&["loss=mse_scalar", "delay=4", "hold=3", "batch=11"]);
    assert_eq!((params.outputs(), params.trial_steps(), params.updates_per_epoch()), (1, 6, 73));
}

#[test]
fn a_onecycle_schedule_takes_its_length_from_the_epochs_and_keeps_it() {
    let short = valid(&["scheduler=onecycle", "epochs=20"]);
    assert_eq!(short.train.cycle_epochs, Some(20));
    let long = short.with_epochs(40).expect("40 epochs are fine");
    assert_eq!((long.train.cycle_epochs, long.train.epochs), (Some(20), 40));
    assert_eq!(long.canonical(), short.canonical());
    assert_eq!(valid(&["epochs=20", "cycle_epochs=5"]).train.cycle_epochs, None);
}

#[test]
fn more_epochs_cut_a_list_of_saves_or_repeat_its_last_entry() {
    let params = valid(&["epochs=3", "saves_per_epoch=[2,1,0.5]"]);
    let saves =
        |epochs| params.with_epochs(epochs).expect("few epochs").get("saves_per_epoch").expect("known");
    assert_eq!(saves(2).to_string(), "[2, 1]");
    assert_eq!(saves(5).to_string(), "[2, 1, 0.5, 0.5, 0.5]");
    assert_eq!(saves(0).to_string(), "[]");
}

#[test]
fn a_run_without_epochs_is_valid() {
    assert_eq!(valid(&["epochs=0"]).checkpoints().iter().count(), 1);
}

#[test]
fn odd_values_of_fields_are_normalised() {
    let mut params = Params::default();
    params.network.unit_noise = -0.0;
    params.train.saves_per_epoch = SavesPerEpoch::Same(SaveRate::EveryEpochs(1));
    let params = params.check().expect("both are fine");
    assert!(params.network.unit_noise.is_sign_positive());
    assert_eq!(params.train.saves_per_epoch, SavesPerEpoch::default());
}

#[test]
fn a_number_that_is_left_open_is_filled_in_and_given_explicitly_it_is_the_same_run() {
    let open = valid(&[]);
    assert_eq!((Params::default().network.gain, open.network.gain, open.gain()), (None, Some(20.0), 20.0));
    for same in [&["gain=none"][..], &["gain=20"], &["gate_bias=0"], &["gate_bias=none", "gain=2e1"]] {
        assert_eq!(valid(same), open, "{same:?}");
    }
    let gated = valid(&["kind=gru", "gate_bias=none"]);
    assert_eq!((gated.gate_bias(), gated.canonical()), (0.0, valid(&["kind=gru"]).canonical()));
    let stored = Params::from_stored_toml(&open.to_toml()).and_then(Params::check).expect("can be read");
    assert_eq!(stored, open);
}
