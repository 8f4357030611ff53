//! What the crates below say in the words of the command line, in Python's.

use concertina::Hint;

/// Commands that messages and hints of the crates below name, and what is called for the same in Python. A test of the package
/// reads their sources: none names another.
const COMMANDS: [(&str, &str); 10] = [
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
    ("or keep some with `keep`", "or keep some with `where`"),
];

/// A text of the crates below, with the words of Python.
pub(crate) fn of_python(text: &str) -> String {
    COMMANDS.iter().fold(text.to_owned(), |text, (command, python)| text.replace(command, python))
}

/// What can be done about an error, with the methods of the package that help.
pub(crate) fn hint(hint: &Hint) -> String {
    match hint {
        Hint::GiveParameters => "give parameters as keyword arguments: `gain=250, seed=range(5)`".to_owned(),
        Hint::LeaveOutFile => "`Table.save` writes .csv, .json and .parquet".to_owned(),
        Hint::SetParameter { path: "train.epochs", .. } => "train longer with `epochs`".to_owned(),
        Hint::SelectEpochs { example: [first, second] } => {
            format!("`at=[{first}, {second}]` chooses checkpoints by epochs")
        }
        Hint::ListAnalyses { suggestion } => format!("{suggestion}; `concertina.analyses()` lists them"),
        Hint::ListParameters => "`concertina.parameters()` lists every parameter".to_owned(),
        Hint::ListRuns => "`study.table()` lists the runs".to_owned(),
        Hint::ShowRunOrTrain => "`run.checkpoints` lists what there is; `study.train` computes what is missing".to_owned(),
        Hint::GiveSizesOf { run } => format!("give the sizes that it has: `study.run(\"{run}\").params`"),
        Hint::VerifyStoreOrRerun => {
            "`study.verify()` looks for damage; `study.train(..., rerun=True)` trains the run again and compares".to_owned()
        }
        Hint::VerifyStoreOrCompareMachines => {
            "`study.verify()` looks for damage; `study.train(..., rerun=True)` compares with this machine".to_owned()
        }
        Hint::RerunInBothStores => "those that differ were trained by another version or are damaged in a way checksums do not show: `study.train(..., rerun=True)` in both stores says which is right".to_owned(),
        Hint::AskAgain => "the same call again goes on from here".to_owned(),
        other => of_python(&other.to_string()),
    }
}
