//! Checks whether a run fits into memory. Parameters of any size are valid, but an allocation that fails ends
//! the process.

use std::sync::OnceLock;

use crate::error::{Error, Result};
use crate::params::{NetworkKind, PART, ValidParams};
use crate::task::Target;

/// Refuses a run that certainly does not fit into memory.
///
/// # Errors
/// [`Error::TooLarge`].
pub(crate) fn check(params: &ValidParams) -> Result<()> {
    match machine_memory() {
        Some(found) if least(params) > found as f64 => Err(Error::TooLarge { needed: least(params), found }),
        _ => Ok(()),
    }
}

/// Bytes that a run needs at the very least: for the weights, their gradient and the optimizer's state, the
/// random matrix that the weights are drawn from and its copy for the eigenvalues, the states of a batch, the
/// trials of an epoch, and the centres.
fn least(params: &ValidParams) -> f64 {
    let (task, network) = (&params.task, &params.network);
    let (units, input_dim, steps) =
        (network.units as f64, params.inputs() as f64, params.trial_steps() as f64);
    let layers = if network.kind == NetworkKind::Feedforward { steps } else { 1.0 };
    // those of low rank are trained as their factors
    let recurrent = match network.rank {
        Some(rank) => units * 2.0 * rank as f64,
        None => units * units * layers,
    };
    let weights = recurrent + units * (input_dim + params.outputs() as f64);
    let states = params.train.batch.min(PART) as f64 * steps * units;
    let targets = match params.shape().target {
        Target::Classes(_) => 0.0,
        Target::Real(outputs) => outputs as f64,
    };
    // one stimulus per trial, or inputs and real targets at every timestep
    let trial = if params.has_stimulus() { input_dim } else { steps * (input_dim + targets) };
    let samples = (params.train_samples().max(params.val_samples()) + task.clusters) as f64 * trial;
    let drawn = if network.rank.is_none() || network.random_part { 2.0 * 8.0 } else { 4.0 };
    3.0 * 4.0 * weights + drawn * units * units + 4.0 * (states + samples)
}

/// Bytes of memory of this machine, or of the control group that the process is in; `None` where the system
/// does not report it.
pub fn machine_memory() -> Option<u64> {
    static MEMORY: OnceLock<Option<u64>> = OnceLock::new();
    *MEMORY.get_or_init(|| {
        let text = std::fs::read_to_string("/proc/meminfo").ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        let machine = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)?;
        let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
        let group = group.and_then(|text| text.trim().parse().ok()).unwrap_or(u64::MAX);
        Some(machine.min(group))
    })
}

#[cfg(test)]
mod tests {
    use super::{check, least};
    use crate::error::Error;
    use crate::params::Params;

    fn with(overrides: &[(&str, &str)]) -> crate::params::ValidParams {
        let mut params = Params::default();
        overrides.iter().for_each(|(name, value)| params.set(name, value).expect("in range"));
        params.check().expect("valid")
    }

    #[test]
    fn a_run_too_large_for_memory_is_refused_before_anything_is_allocated() {
        for (name, value) in [
            ("units", "100000"),
            ("delay", "1000000000"),
            ("train_samples", "1000000000"),
            ("input_dim", "1000000000"),
            ("clusters", "1000000000"),
        ] {
            let params = with(&[(name, value)]);
            assert!(least(&params) > 1e11, "{name}: {}", least(&params));
            if super::machine_memory().is_some_and(|found| (found as f64) < 1e11) {
                let refused = crate::task::of(&params).map(drop);
                assert!(matches!(refused, Err(Error::TooLarge { .. })), "{name}");
                assert!(
                    matches!(crate::network::initial::draw(&params), Err(Error::TooLarge { .. })),
                    "{name}"
                );
            }
        }
        let timed = with(&[("task", "flip_flop"), ("train_samples", "20000000"), ("timesteps", "1000")]);
        assert!(least(&timed) > 1e11, "inputs and targets at every timestep: {}", least(&timed));
        assert!(least(&with(&[])) < 1e7, "the paper's run takes a few megabytes");
        assert!(check(&with(&[("units", "2000")])).is_ok());
    }
}
