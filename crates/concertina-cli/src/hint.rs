//! Hints on how to resolve an error, in terms of the command line.

use concertina::Hint;

/// A hint that names commands and options that help.
pub(crate) fn words(hint: &Hint) -> String {
    match hint {
        Hint::GiveParameters => "parameters can be given without a file: `gain=250 seed=0..5`".to_owned(),
        Hint::LeaveOutFile => "without `--out` the table goes to standard output".to_owned(),
        Hint::SelectEpochs { .. } => "`--checkpoints 0,5` selects those before training and after five epochs".to_owned(),
        Hint::ListAnalyses { suggestion } => {
            format!("{suggestion}; `concertina analyses` says what each measures")
        }
        Hint::ListParameters => "`concertina params` lists every parameter".to_owned(),
        Hint::ListRuns => "`concertina runs list` lists the runs".to_owned(),
        Hint::ShowRunOrTrain => {
            "`concertina runs show` lists what exists; `concertina train` computes what is missing".to_owned()
        }
        Hint::GiveSizesOf { run } => {
            format!("give the sizes of that run: `concertina runs show {run}` shows them")
        }
        Hint::VerifyStoreOrRerun => {
            "`concertina store verify` looks for damage; `--rerun` trains the run again and compares".to_owned()
        }
        Hint::VerifyStoreOrCompareMachines => {
            "`concertina store verify` looks for damage; `--rerun` compares with this machine".to_owned()
        }
        Hint::RerunInBothStores => "those that differ were trained by another version or are damaged in a way that checksums do not show: `concertina train ... --rerun` in both stores says which is right".to_owned(),
        Hint::AskAgain => "run the same command again to continue from here".to_owned(),
        Hint::WritePlan => {
            "`--plan FILE` of `train`, `analyse`, `figures`, `reproduce` or `plot` writes a plan".to_owned()
        }
        Hint::NoEngine => {
            "`--engine template` starts workers by other programs, and `concertina worker` starts one here".to_owned()
        }
        Hint::RepairStore => {
            "`concertina store repair` sets damaged files aside; they are computed again when needed".to_owned()
        }
        Hint::RemoveSetAside => {
            "harmless: what they held is computed again when needed; `concertina runs gc --set-aside` removes them".to_owned()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use concertina::{Error, Hint};

    use super::words;

    #[test]
    fn hints_name_commands_here_and_not_in_the_library() {
        let error = Error::UnknownRun { key: "12ab".to_owned() };
        let hint = error.hint().expect("a hint");
        assert_eq!(hint, Hint::ListRuns);
        assert_eq!(words(&hint), "`concertina runs list` lists the runs");
        assert!(!hint.to_string().contains("concertina"));
        assert_eq!(words(&Hint::Text("give more of the key".to_owned())), "give more of the key");
    }

    #[test]
    fn a_hint_about_more_epochs_names_the_parameter() {
        let error = Error::NoSuchEpoch { epoch: 9, last: 4, run: "12ab".to_owned() };
        assert_eq!(
            error.hint().map(|hint| words(&hint)).as_deref(),
            Some("train longer with `train.epochs`")
        );
    }
}
