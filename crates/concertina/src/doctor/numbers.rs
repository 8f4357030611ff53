//! Whether this machine computes the numbers that every machine computes.
//!
//! Only what is exact on every processor is checked: keyed random streams, and training from weights that are
//! drawn as PyTorch draws them. (The weights of the paper's networks need a factorisation, which may differ
//! in the last bit between kinds of processor.)

use std::collections::BTreeSet;

use concertina_model::params::{InitialWeights, Params};
use concertina_model::trainer::Trainer;
use concertina_numerics::kernels::{Level, with_level};
use concertina_numerics::random::{Purpose, Stream};
use serde::Serialize;

use super::{Problem, Severity};
use crate::hint::Hint;

/// What this machine computes, and what every machine computes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NumberCheck {
    /// What is computed.
    pub quantity: &'static str,
    /// With which instruction set.
    pub instructions: &'static str,
    /// Whether it is right, to the last bit.
    pub right: bool,
    /// The bits that are right, in hexadecimal digits.
    pub expected: String,
    /// The bits that were found.
    pub found: String,
}

/// A uniform number, which `crates/concertina-numerics/tests/random.rs` freezes as well, and the last of a
/// hundred normal numbers after it.
const RANDOM: &str = "3fe4378e0f3fbace be6abbf5";
/// Training and validation loss after two epochs.
const TRAINING: &str = "3fe470c38cffb1bb 3fe24319aeca6120";

/// Computes everything once per instruction set of this processor.
pub(super) fn check(problems: &mut Vec<Problem>) -> Vec<NumberCheck> {
    let mut checks = Vec::new();
    for level in Level::available() {
        let found =
            with_level(level, || [("random numbers", RANDOM, random()), ("training", TRAINING, training())]);
        for (quantity, expected, found) in found {
            let right = found == expected;
            let instructions = level.name();
            if !right {
                let message = format!(
                    "{quantity} with {instructions} instructions: expected {expected}, found {found}"
                );
                let hint = Hint::text(
                    "do not trust numbers of this machine, and send this report to the developers",
                );
                problems.push(Problem { severity: Severity::Numbers, message, hint: Some(hint) });
            }
            checks.push(NumberCheck { quantity, instructions, right, expected: expected.to_owned(), found });
        }
    }
    checks
}

/// The bits of [`RANDOM`].
fn random() -> String {
    let mut stream = Stream::new(0x0123_4567_89ab_cdef, Purpose::new("frozen"), 7);
    let uniform = stream.uniform();
    let mut normal = [0.0; 100];
    stream.fill_normal(&mut normal);
    format!("{:016x} {:08x}", uniform.to_bits(), normal[99].to_bits())
}

/// The bits of [`TRAINING`]; what failed, if it cannot be trained.
fn training() -> String {
    let mut params = Params::default();
    (params.network.units, params.network.init) = (40, InitialWeights::Pytorch);
    (params.task.input_dim, params.task.clusters, params.task.delay) = (6, 8, 4);
    (params.task.train_samples, params.task.val_samples) = (40, Some(20));
    let train = || {
        let mut trainer = Trainer::new(&params.check()?)?;
        trainer.train_epoch(&BTreeSet::new(), &mut |_, _| {})?;
        trainer.train_epoch(&BTreeSet::new(), &mut |_, _| {})
    };
    match train() {
        Ok(record) => {
            format!("{:016x} {:016x}", record.training_loss.to_bits(), record.validation_loss.to_bits())
        }
        Err(error) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn this_machine_computes_the_numbers_that_every_machine_computes() {
        let mut problems = Vec::new();
        let checks = check(&mut problems);
        assert!(problems.is_empty(), "{problems:?}");
        assert!(checks.iter().any(|check| check.instructions == "portable"));
    }
}
