//! `--plan FILE` of several commands

use std::path::Path;

use concertina::WorkPlan;

use crate::arguments::Everywhere;
use crate::output::{Failure, say};

/// Writes a plan to a new file.
pub(super) fn write(everywhere: &Everywhere, plan: &WorkPlan, path: &Path) -> Result<(), Failure> {
    everywhere.builder().open()?.write_plan(plan, path)?;
    if !everywhere.quiet {
        let runs = if plan.len() == 1 { "1 run".to_owned() } else { format!("{} runs", plan.len()) };
        let analyses = match plan.analyses() {
            0 => String::new(),
            1 => ", 1 analysis".to_owned(),
            many => format!(", {many} analyses"),
        };
        say(&format!("{}: {runs}{analyses}", path.display()));
    }
    Ok(())
}
