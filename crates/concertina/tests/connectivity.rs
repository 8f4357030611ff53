//! Networks with restricted recurrent weights from end to end: trained, interrupted, stored, exported,
//! imported, analysed.

mod support;

use concertina::analyses::Analysis as _;
use concertina::model::Checkpoint;
use concertina::model::network::{TrainedWeights, Weights};
use concertina::model::params::{NetworkKind, Params, Sweep};
use concertina::model::trainer::Trainer;
use concertina::{CheckpointSelection, Import, Outcome, Run, Source};
use support::{assert_same_store, in_memory, one, open, small, without_seal};

/// Each restriction, on a network that allows it.
const RESTRICTIONS: [&str; 7] = [
    "rank=2",
    "kind=leaky rank=1 random_part=true gain=1.2 dt=0.2",
    "kind=gru rank=2 random_part=true gain=1.2",
    "kind=gru density=0.4 gain=1.2",
    "density=0.3 weight_decay=0.01",
    "excitatory=0.75 excitatory_readout=true density=0.6 gradient_noise=0.01",
    "train_recurrent=false",
];

fn restricted(changes: &str) -> Params {
    let mut params = small();
    for change in changes.split_whitespace() {
        let (name, value) = change.split_once('=').expect("name=value");
        params.set(name, value).expect("in range");
    }
    params
}

fn weights(run: &Run, at: Checkpoint) -> Weights {
    run.weights(at).expect("it exists")
}

#[test]
fn training_is_extended_bit_for_bit_with_any_number_of_jobs() {
    let folder = in_memory();
    let [whole, parts] = ["whole", "parts"].map(|name| folder.path().join(name));
    let sweep = |epochs: u64| {
        let all = RESTRICTIONS.map(|changes| {
            let mut params = restricted(changes);
            params.train.epochs = epochs;
            params
        });
        all.map(|params| Sweep::of(params).vary("seed", [0_u64, 1]).check().expect("valid"))
    };
    for sweep in sweep(6) {
        let runs = open(&whole, 2).train(&sweep).expect("trains");
        assert!(runs.iter().all(|run| *run.outcome() == Outcome::Complete));
    }
    for epochs in [2, 6] {
        for sweep in sweep(epochs) {
            open(&parts, 1).train(&sweep).expect("trains");
        }
    }
    for changes in RESTRICTIONS {
        let (long, short) = (open(&whole, 1), open(&parts, 1));
        let params = one(restricted(changes));
        let runs = [long, short].map(|study| study.train(&params).expect("loads").first().clone());
        for at in runs[0].checkpoints() {
            assert!(weights(&runs[0], at) == weights(&runs[1], at), "{changes}: {at}");
        }
        assert_eq!(format!("{:?}", runs[0].history()), format!("{:?}", runs[1].history()), "{changes}");
    }
}

#[test]
fn analyses_see_the_recurrent_weights_whether_they_are_made_during_training_or_later() {
    let folder = in_memory();
    for (number, changes) in RESTRICTIONS.into_iter().enumerate() {
        let sweep = one(restricted(changes));
        let [passing, later] =
            ["passing", "later"].map(|name| open(&folder.path().join(format!("{number} {name}")), 1));
        let run = later.train(&sweep).expect("trains").first().clone();
        for name in
            ["spectrum", "effective_dimension", "accuracy", "loss", "lyapunov", "fixed_points", "kernel"]
        {
            let settings: &[&str] = match name {
                "fixed_points" => &["starts=5", "max_iterations=20"],
                "kernel" => &["samples=20"],
                "lyapunov" => &["burn_in=5", "max_iterations=60", "initial_conditions=2", "exponents=2"],
                _ => &[],
            };
            let analysis = concertina::analysis(name, settings.iter().copied()).expect("an analysis");
            if analysis.check(run.params()).is_err() {
                continue; // it says that it does not apply
            }
            let selection = CheckpointSelection::Ends;
            let of = |study: &concertina::Study| {
                study.analyse(&sweep, &analysis, &selection).expect("it applies").table
            };
            assert_eq!(of(&passing), of(&later), "{changes}: {name}");
        }
        // the weights are those that the trainer had
        let mut trainer = Trainer::new(run.params()).expect("it begins");
        assert!(weights(&run, Checkpoint::START) == trainer.weights(), "{changes}");
        for _ in 0..6 {
            trainer.train_epoch(&Default::default(), &mut |_, _| {}).expect("it does not diverge");
        }
        assert!(weights(&run, run.last_checkpoint()) == trainer.weights(), "{changes}");
        // losses of the products with factors and of the recurrent matrix agree
        let loss = concertina::analysis("loss", []).expect("an analysis");
        let loss = later.analyse(&sweep, &loss, &CheckpointSelection::Last).expect("it applies").table;
        assert!(loss.floats("loss").expect("numbers")[0].is_some_and(f64::is_finite));
    }
}

#[test]
fn an_archive_has_the_recurrent_weights_and_the_arrays_that_are_trained() {
    let folder = in_memory();
    let study = open(&folder.path().join("store"), 1);
    let other = open(&folder.path().join("other"), 1);
    for (number, changes) in RESTRICTIONS.into_iter().enumerate() {
        let run = study.train(&one(restricted(changes))).expect("trains").first().clone();
        let file = folder.path().join(format!("{number}.npz"));
        study.export(run.key(), &CheckpointSelection::All, &file).expect("exported");

        let arrays = concertina_arrays::read(&file).expect("an archive");
        assert!(arrays.contains_key(Weights::RECURRENT), "{changes}");
        let trained = TrainedWeights::draw(run.params()).expect("drawn");
        for (name, array) in trained.tensors() {
            let Some(concertina_arrays::Member::Numbers(stack)) = arrays.get(&name) else {
                panic!("{changes}: `{name}` is missing")
            };
            assert_eq!(&stack.shape()[1..], array.shape(), "{changes}: {name}");
        }

        // Without the arrays that only Concertina needs, it is the same network, but not the same run.
        let plain = folder.path().join(format!("{number} plain.npz"));
        without_seal(&file, &plain);
        let imported = other.import(&Import::of(&plain)).expect("imported");
        assert_ne!(imported.run, *run.key(), "{changes}");
        assert!(imported.assumed.is_empty(), "{changes}: {:?}", imported.assumed);
        let sweep = other.stored_sweep([imported.run.to_string().as_str()]).expect("it exists");
        let loaded = other.train(&sweep).expect("loads").first().clone();
        assert_eq!(loaded.source(), Source::Loaded);
        for at in [Checkpoint::START, run.last_checkpoint()] {
            assert!(weights(&loaded, at) == weights(&run, at), "{changes}: {at}");
        }
    }
}

/// Merging stores takes runs over unchanged.
#[test]
fn stores_with_restricted_networks_are_merged_unchanged() {
    let folder = in_memory();
    let [from, into] = ["from", "into"].map(|name| folder.path().join(name));
    for changes in RESTRICTIONS {
        let mut params = restricted(changes);
        params.train.epochs = 1;
        open(&from, 1).train(&one(params)).expect("trains");
    }
    let study = open(&into, 1);
    study.merge(&open(&from, 1)).expect("merged");
    assert_same_store(&from, &into, "merged");
}

#[test]
fn a_network_of_low_rank_that_diverges_is_reported_before_its_recurrent_weights_overflow() {
    let folder = in_memory();
    let mut params = restricted("rank=1 learning_rate=1e22");
    params.network.kind = NetworkKind::Leaky;
    let runs = open(folder.path(), 1).train(&one(params)).expect("the store works");
    assert!(matches!(runs.first().outcome(), Outcome::Diverged(_)), "{:?}", runs.first().outcome());
}
