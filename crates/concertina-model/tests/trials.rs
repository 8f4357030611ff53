//! Arrays that are not trials, and the error for each.

use concertina_arrays::{Arrays, Member, Npz, read_npz};
use concertina_model::params::{Params, TaskKind, TrialSource};
use concertina_model::task::{Inputs, Mask, Targets, TrialArrays, Trials};
use ndarray::{Array1, Array2, Array3, ArrayD, IxDyn};

fn numbers(shape: &[usize]) -> Member {
    Member::Numbers(ArrayD::from_elem(IxDyn(shape), 0.5))
}

fn integers(shape: &[usize]) -> Member {
    let count = shape.iter().product::<usize>() as i64;
    let values = (0..count).map(|place| place % 2).collect();
    Member::Integers(ArrayD::from_shape_vec(IxDyn(shape), values).expect("as many"))
}

/// Twenty trials of three timesteps, with some arrays in place of the usual ones.
fn arrays(changes: impl IntoIterator<Item = (&'static str, Member)>) -> Arrays {
    let mut arrays = Arrays::from([
        ("inputs".to_owned(), numbers(&[20, 3, 2])),
        ("targets".to_owned(), integers(&[20, 3])),
    ]);
    arrays.extend(changes.into_iter().map(|(name, member)| (name.to_owned(), member)));
    arrays
}

/// The message and the hint, as a user reads them.
fn refusal(arrays: &Arrays) -> String {
    let error = TrialArrays::of_arrays(arrays).expect_err("they are not trials");
    format!("{error}\nhint: {}\n\n", error.hint().expect("what to do"))
}

#[test]
fn arrays_that_are_not_trials_are_refused_with_what_to_do() {
    let nan = |shape: &[usize], place: &[usize]| {
        let mut array = ArrayD::zeros(IxDyn(shape));
        array[place] = f64::NAN;
        Member::Numbers(array)
    };
    let of = |shape: &[usize], number: i64| Member::Integers(ArrayD::from_elem(IxDyn(shape), number));
    let cases: Vec<Arrays> = vec![
        Arrays::new(),
        Arrays::from([("x".to_owned(), numbers(&[20, 3, 2])), ("y".to_owned(), integers(&[20, 3]))]),
        arrays([("inputs", numbers(&[20, 3]))]),
        arrays([("inputs", numbers(&[20, 0, 2])), ("targets", integers(&[20, 0]))]),
        arrays([("inputs", nan(&[20, 3, 2], &[4, 1, 0]))]),
        arrays([("inputs", Member::Numbers(ArrayD::from_elem(IxDyn(&[20, 3, 2]), 1e300)))]),
        arrays([("targets", numbers(&[20, 3]))]),
        arrays([("targets", integers(&[3, 20]))]),
        arrays([("targets", of(&[20, 3], -1))]),
        arrays([("targets", of(&[20, 3], 1_000_001))]),
        arrays([("targets", of(&[20, 3], 0))]),
        arrays([("targets", nan(&[20, 3, 1], &[0, 2, 0]))]),
        arrays([("targets", Member::Other("text".to_owned()))]),
        arrays([("mask", numbers(&[20, 3]))]),
        arrays([("mask", integers(&[20, 3, 1]))]),
        arrays([("mask", of(&[20, 3], 0))]),
        arrays([("masks", integers(&[20, 3]))]),
        arrays([("condition", numbers(&[20]))]),
        arrays([("condition", of(&[20], -3))]),
        arrays([("val_inputs", numbers(&[5, 3, 2]))]),
        arrays([("val_inputs", numbers(&[5, 4, 2])), ("val_targets", integers(&[5, 4]))]),
        arrays([("val_inputs", numbers(&[5, 3, 2])), ("val_targets", numbers(&[5, 3, 1]))]),
        arrays([
            ("condition", integers(&[20])),
            ("val_inputs", numbers(&[5, 3, 2])),
            ("val_targets", integers(&[5, 3])),
        ]),
        arrays([("inputs", numbers(&[1, 3, 2])), ("targets", integers(&[1, 3]))]),
    ];
    insta::assert_snapshot!(cases.iter().map(refusal).collect::<String>(), @r#"
`inputs`: expected numbers (trials, timesteps, inputs), found no array
hint: in Python: `numpy.savez("trials.npz", inputs=x, targets=y)`; a single input needs an axis too: `x[..., None]`

`inputs`: expected numbers (trials, timesteps, inputs), found no such array, only `x`, `y`
hint: in Python: `numpy.savez("trials.npz", inputs=x, targets=y)`; a single input needs an axis too: `x[..., None]`

`inputs`: expected numbers (trials, timesteps, inputs), found numbers (20, 3)
hint: in Python: `numpy.savez("trials.npz", inputs=x, targets=y)`; a single input needs an axis too: `x[..., None]`

`inputs`: expected numbers (trials, timesteps, inputs), at least one of each, found (17, 0, 2)
hint: check the shape of the array

`inputs`: expected finite numbers in single precision, found NaN at (4, 1, 0)
hint: replace missing values with 0, and exclude their timesteps with `mask`

`inputs`: expected finite numbers in single precision, found inf at (0, 0, 0)
hint: replace missing values with 0, and exclude their timesteps with `mask`

`targets`: expected integers (20) or (20, 3) for classes, or numbers (20, 3, outputs), found numbers (20, 3)
hint: in Python: `targets.astype(int)` if they are classes, `targets[..., None]` if they are one real number at each timestep

`targets`: expected integers (20) or (20, 3) for classes, or numbers (20, 3, outputs), found integers (3, 20)
hint: in Python: `targets.astype(int)` if they are classes, `targets[..., None]` if they are one real number at each timestep

`targets`: expected integers from 0 to 1000000, found -1 at (0, 0)
hint: number the classes from 0; exclude timesteps without a class with `mask`

`targets`: expected integers from 0 to 1000000, found 1000001 at (0, 0)
hint: number the classes from 0; exclude timesteps without a class with `mask`

`targets`: expected at least two classes, numbered from 0, found only class 0
hint: if they are real numbers, give them an axis of outputs: `targets[..., None].astype("float32")`

`targets`: expected finite numbers in single precision, found NaN at (0, 2, 0)
hint: replace missing values with 0, and exclude their timesteps with `mask`

`targets`: expected integers (20) or (20, 3) for classes, or numbers (20, 3, outputs), found text
hint: in Python: `targets.astype(int)` if they are classes, `targets[..., None]` if they are one real number at each timestep

`mask`: expected truth values, or only 0 and 1, (20, 3) as (trials, timesteps), found numbers (20, 3)
hint: in Python: `mask.astype(bool)`; the loss counts where it is true, with the same weight everywhere

`mask`: expected truth values, or only 0 and 1, (20, 3) as (trials, timesteps), found integers (20, 3, 1)
hint: in Python: `mask.astype(bool)`; the loss counts where it is true, with the same weight everywhere

`mask`: expected at least one timestep at which the loss counts, found none in any trial
hint: set it to true where the network should respond

`mask`: expected `mask`, or no array of a similar name, found `masks`
hint: rename `masks` to `mask`, or to another name if it is something else

`condition`: expected integers (20), one per trial, found numbers (20)
hint: number the conditions: `numpy.unique(conditions, return_inverse=True)[1]`

`condition`: expected integers from 0 to 1000000, found -3 at (0)
hint: number the conditions: `numpy.unique(conditions, return_inverse=True)[1]`

`val_targets`: expected integers (5) or (5, 3) for classes, or numbers (5, 3, outputs), found no such array, only `inputs`, `targets`, `val_inputs`
hint: in Python: `targets.astype(int)` if they are classes, `targets[..., None]` if they are one real number at each timestep

`val_inputs`: expected 3 timesteps and 2 inputs, as in `inputs`, found 4 and 2
hint: pad shorter trials with zeros, and exclude the padding with `mask`

`val_targets`: expected targets of the same type and width as `targets`, found a different type or width
hint: save `targets` and `val_targets` with the same type and the same number of outputs

`val_condition`: expected an array, because `condition` is given, found none
hint: give both `condition` and `val_condition`, or neither

`inputs`: expected at least two trials, one to train on and one to validate with, found 1
hint: give more trials, or those to validate with as `val_inputs` and `val_targets`
"#);
}

#[test]
fn masks_and_classes_of_every_type_mean_the_same() {
    let name = |changes: Vec<(&'static str, Member)>| {
        TrialArrays::of_arrays(&arrays(changes)).expect("trials").name()
    };
    let last = |step: usize| step == 2;
    let truths = Array2::from_shape_fn((20, 3), |(_, step)| last(step)).into_dyn();
    let whole = truths.mapv(i64::from);
    let real = truths.mapv(|truth| if truth { 1.0 } else { 0.0 });
    let masked = name(vec![("mask", Member::Truths(truths))]);
    assert_eq!(masked, name(vec![("mask", Member::Integers(whole))]));
    assert_eq!(masked, name(vec![("mask", Member::Numbers(real))]));
    assert_ne!(masked, name(vec![]));
    assert_eq!(name(vec![]), name(vec![("mask", Member::Truths(ArrayD::from_elem(IxDyn(&[20, 3]), true)))]));
    let Member::Integers(classes) = integers(&[20, 3]) else { panic!("integers") };
    assert_eq!(name(vec![]), name(vec![("targets", Member::Truths(classes.mapv(|class| class == 1)))]));
    // an array with an unrelated name is ignored
    assert_eq!(name(vec![]), name(vec![("dt", numbers(&[1]))]));
}

#[test]
fn trials_read_back_from_the_form_in_which_stores_keep_them() {
    let real = arrays([("targets", numbers(&[20, 3, 2])), ("condition", integers(&[20]))]);
    for arrays in [arrays([]), arrays([("targets", integers(&[20]))]), real] {
        let trials = TrialArrays::of_arrays(&arrays).expect("trials");
        let again = TrialArrays::from_tensors(&trials.to_tensors()).expect("kept");
        assert_eq!((again.name(), again.shape()), (trials.name(), trials.shape()));
        assert_eq!((again.training(), again.validation()), (trials.training(), trials.validation()));
        let mut lost = trials.to_tensors();
        lost.remove("val_targets");
        TrialArrays::from_tensors(&lost).expect_err("an array is lost");
    }
}

#[test]
fn trials_in_memory_that_do_not_fit_together_are_refused() {
    let trials = || Trials {
        inputs: Inputs::Timed(Array3::zeros((4, 3, 1))),
        targets: Targets::Class(vec![0, 1, 0, 1]),
        mask: Mask::Last(1),
        conditions: Vec::new(),
    };
    let wrong = [
        Trials { inputs: Inputs::Held { stimuli: Array2::zeros((4, 1)), hold: 1 }, ..trials() },
        Trials { targets: Targets::Class(vec![0, 1]), ..trials() },
        Trials { targets: Targets::Real(Array3::zeros((4, 3, 0))), ..trials() },
        Trials { mask: Mask::Last(4), ..trials() },
        Trials { mask: Mask::Last(0), ..trials() },
        Trials { mask: Mask::At(Array2::from_elem((3, 3), true)), ..trials() },
        Trials { conditions: vec![1], ..trials() },
    ];
    for trials in wrong {
        TrialArrays::new(trials.clone(), Some(trials)).expect_err("they do not fit");
    }
    TrialArrays::new(trials(), None).expect("they fit");
}

#[test]
fn unreadable_files_and_names_without_a_store_are_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let refusal = |file: Option<TrialSource>| {
        let mut params = Params::default();
        (params.task.kind, params.task.file) = (TaskKind::Trials, file);
        let error = params.check().expect_err("no trials");
        format!("{error}\nhint: {}", error.hint().expect("what to do"))
    };
    let none = refusal(None);
    assert!(none.contains("expected a file of trials with `task.kind = trials`, found none"), "{none}");
    let missing = refusal(Some(TrialSource::File(folder.path().join("missing.npz"))));
    assert!(missing.contains("missing.npz: cannot read") && missing.contains("check the path"), "{missing}");
    let named = refusal(Some("trials-00112233445566778899aabbccddeeff".parse().expect("a name")));
    assert!(named.contains("found `trials-0011") && named.contains("the store that has them"), "{named}");
    let path = folder.path().join("flat.npz");
    let mut npz = Npz::new();
    npz.array("inputs", &Array1::<f32>::zeros(3).into_dyn()).expect("added");
    let bytes = npz.finish().expect("written");
    assert!(read_npz(&bytes).is_ok());
    std::fs::write(&path, bytes).expect("written");
    let flat = refusal(Some(TrialSource::File(path)));
    assert!(
        flat.contains("flat.npz, `inputs`: expected numbers (trials, timesteps, inputs), found numbers (3)"),
        "{flat}"
    );
    // a file without effect is not read
    let mut params = Params::default();
    params.task.file = Some(TrialSource::File(folder.path().join("missing.npz")));
    assert_eq!(params.check().expect("valid"), Params::default().check().expect("valid"));
}
