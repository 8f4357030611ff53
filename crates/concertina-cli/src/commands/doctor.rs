//! `concertina doctor`

use concertina::Severity;

use crate::arguments::{Doctor, Everywhere};
use crate::hint;
use crate::output::{Failure, print};

pub(crate) fn run(everywhere: &Everywhere, doctor: &Doctor) -> Result<(), Failure> {
    let diagnosis = concertina::doctor(Some(&everywhere.store), doctor.verify);
    let mut text = match doctor.json {
        true => serde_json::to_string_pretty(&diagnosis).map_err(std::io::Error::from)? + "\n",
        false => diagnosis.to_text(hint::words),
    };
    let unread =
        diagnosis.store.as_ref().is_some_and(|store| store.exists && store.runs.is_some() && !store.verified);
    if unread && !doctor.json {
        text.push_str(
            "\nfiles of the store were not all read: `concertina doctor --verify` reads every one\n",
        );
    }
    print(text.as_bytes())?;
    let wrong = diagnosis.problems.iter().filter(|problem| problem.severity != Severity::Note).count();
    match wrong {
        0 => Ok(()),
        wrong => Err(Failure::Diagnosed { wrong, in_store: diagnosis.store_is_wrong() }),
    }
}
