//! The machine on which a benchmark ran.

use std::fs;
use std::thread;

use concertina_numerics::kernels::Level;
use serde::Serialize;

/// The properties of a machine that affect results.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// The processor, as its maker names it; empty if the system does not tell.
    pub processor: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// The widest instruction set that the kernels use.
    pub instructions: &'static str,
    /// Operating system and architecture.
    pub system: String,
}

impl Machine {
    /// This machine.
    pub fn this() -> Self {
        let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processor = processor
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
            .map_or_else(String::new, |(_, name)| name.trim().to_owned());
        Machine {
            processor,
            cores: thread::available_parallelism().map_or(1, usize::from),
            instructions: Level::best().name(),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        }
    }
}
