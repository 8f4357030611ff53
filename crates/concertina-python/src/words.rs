//! Translates messages from the terms of the command line into those of Python.

use concertina::Hint;
use concertina::model::params::PARAMETERS;

/// Commands that messages and hints of the crates below mention, and the corresponding calls in Python. A
/// test of the package reads the sources of those crates and fails if they mention a command that is not
/// listed here.
const COMMANDS: [(&str, &str); 28] = [
    (
        "this program was built without GPUs; `cargo install --locked --path crates/concertina-cli --features gpu` \
         installs it with them",
        "the package was built without GPUs; `pip install . -C build-args=\"--features gpu\"`, in the folder of \
         the source code, builds it with them",
    ),
    ("`concertina params`", "`concertina.parameters()`"),
    ("`concertina runs import`", "`study.keep(concertina.Network(...))`"),
    ("`concertina plot`", "`study.plot`"),
    ("`concertina store merge`", "`study.merge`"),
    (
        "give it as `task.file=trials.npz`; in Python: `numpy.savez(\"trials.npz\", inputs=x, targets=y)`",
        "give `task=concertina.Trials(inputs, targets)`",
    ),
    ("in Python: `numpy.savez(\"trials.npz\", inputs=x, targets=y)`; a single", "a single"),
    ("in Python: ", ""),
    (
        "as in `gain=20,250` or `seed=0..5`; `0..5` leaves out the 5",
        "as in `gain=[20, 250]` or `seed=range(5)`",
    ),
    ("panel `panel`: ", ""),
    ("`--clear` removes", "`study.remove` removes"),
    ("`--fast` and `--full` choose", "`full=True` of `study.figure` chooses"),
    ("`--jobs` says", "`concertina.Study(jobs=...)` says"),
    ("`--rerun`", "`rerun=True`"),
    ("`--most`", "`most`"),
    ("`--device gpu` trains", "`concertina.Study(device=\"gpu\")` trains"),
    ("`--keep ends` keeps", "`keep=\"ends\"` keeps"),
    (
        "`seed=0..5` trains five realisations, and so does `--seeds 0..5`",
        "`seed=range(5)` trains five realisations",
    ),
    ("`--store` chooses", "`concertina.Study(folder)` chooses"),
    ("`-v` says more, `--quiet` less", "`logging` says more, `concertina.Study(progress=False)` less"),
    ("`--quiet`", "`concertina.Study(progress=False)`"),
    ("`--checkpoints 0,5`", "`at=[0, 5]`"),
    ("import it with them (`--name` says", "make it with them (`names` says"),
    ("or name its arrays with `--name`", "or name its arrays with `names`"),
    ("`--name ", "`"),
    ("`--with ", "`"),
    (
        "or those to validate with as `val_inputs` and `val_targets`",
        "or those to validate with as `validation`",
    ),
    ("or keep some with `keep`", "or keep some with `where`"),
];

/// A text of the crates below, translated into the terms of Python.
pub(crate) fn of_python(text: &str) -> String {
    COMMANDS.iter().fold(text.to_owned(), |text, (command, python)| text.replace(command, python))
}

/// A hint on an error, with the methods of the package that help.
pub(crate) fn hint(hint: &Hint) -> String {
    match hint {
        Hint::GiveParameters => "give parameters as keyword arguments: `gain=250, seed=range(5)`".to_owned(),
        Hint::LeaveOutFile => "`Table.save` writes .csv, .json and .parquet".to_owned(),
        Hint::SetParameter { path: "train.epochs", .. } => "train longer with `epochs`".to_owned(),
        Hint::SelectEpochs { example: [first, second] } => {
            format!("`at=[{first}, {second}]` selects checkpoints by epochs")
        }
        Hint::ListAnalyses { suggestion } => format!("{suggestion}; `concertina.analyses()` lists them"),
        Hint::ListParameters => "`concertina.parameters()` lists every parameter".to_owned(),
        Hint::ListRuns => "`study.table()` lists the runs".to_owned(),
        Hint::ShowRunOrTrain => "`run.checkpoints` lists what exists; `study.train` computes what is missing".to_owned(),
        Hint::GiveSizesOf { run } => format!("give the sizes of that run: `study.run(\"{run}\").params`"),
        Hint::VerifyStoreOrRerun => {
            "`study.verify()` looks for damage; `study.train(..., rerun=True)` trains the run again and compares".to_owned()
        }
        Hint::VerifyStoreOrCompareMachines => {
            "`study.verify()` looks for damage; `study.train(..., rerun=True)` compares with this machine".to_owned()
        }
        Hint::RerunInBothStores => "those that differ were trained by another version or are damaged in a way that checksums do not show: `study.train(..., rerun=True)` in both stores says which is right".to_owned(),
        Hint::RepairStore => {
            "`study.repair()` sets damaged files aside; they are computed again when needed".to_owned()
        }
        Hint::AskAgain => "make the same call again to continue from here".to_owned(),
        other => short(of_python(&other.to_string())),
    }
}

/// A suggestion of a parameter under its keyword name.
fn short(hint: String) -> String {
    let suggested = hint.strip_prefix("did you mean `").and_then(|rest| rest.strip_suffix("`?"));
    let parameter = suggested.and_then(|path| PARAMETERS.iter().find(|parameter| parameter.path == path));
    parameter.map_or(hint.clone(), |parameter| format!("did you mean `{}`?", parameter.name()))
}
