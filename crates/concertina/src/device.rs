//! Devices that train runs: the choice of one, and what there is.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use concertina_model::params::{Params, ValidParams};
use concertina_model::trainer::Trainer;
use concertina_store::RunKey;
use concertina_table::{Scalar, Table};
use serde::Serialize;

use crate::error::Result;
use crate::params_table;

/// What a build without GPUs says.
#[cfg(not(feature = "gpu"))]
pub(crate) const NOT_COMPILED: &str = "this program was built without GPUs; `cargo install --locked --path crates/concertina-cli --features gpu` installs it with them";

/// How long a device is measured for [`devices`].
const MEASURED: Duration = Duration::from_secs(1);
/// Networks that are trained together in that measurement, on a GPU and on a software device.
#[cfg(feature = "gpu")]
const NETWORKS: [usize; 2] = [256, 4];

/// The device that trains runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// A GPU if there is one and the runs are expected to be trained sooner with it; otherwise the CPU.
    Auto,
    /// The CPU.
    #[default]
    Cpu,
    /// The GPU with this number, or the first. What it cannot train is trained on the CPU.
    Gpu(Option<usize>),
}

impl DeviceChoice {
    /// The number of the GPU, if one was chosen by its number.
    #[cfg(feature = "gpu")]
    pub(crate) fn number(self) -> Option<usize> {
        match self {
            Self::Gpu(number) => number,
            Self::Auto | Self::Cpu => None,
        }
    }
}

impl DeviceChoice {
    /// The keys that a run with these parameters has if this device trains it: one, or both of a run on the
    /// CPU and a run on a GPU if the choice is left open.
    pub fn keys_of(self, params: &ValidParams) -> Vec<RunKey> {
        let key = |params: &ValidParams| RunKey::of(&params.canonical());
        let own = key(params);
        match (self, params.on_gpu()) {
            (Self::Gpu(_), Ok(on_gpu)) => vec![key(&on_gpu)],
            (Self::Auto, Ok(on_gpu)) => vec![own, key(&on_gpu)],
            (Self::Cpu, _) | (_, Err(_)) => vec![own],
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Gpu(None) => f.write_str("gpu"),
            Self::Gpu(Some(number)) => write!(f, "gpu:{number}"),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "gpu" => Ok(Self::Gpu(None)),
            _ => match text.strip_prefix("gpu:").map(str::parse) {
                Some(Ok(number)) => Ok(Self::Gpu(Some(number))),
                _ => Err("expected `auto`, `cpu`, `gpu` or `gpu:N`".to_owned()),
            },
        }
    }
}

/// The devices of this machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DevicesReport {
    /// Whether this program was built with GPUs.
    pub built_with_gpus: bool,
    /// The CPU.
    pub cpu: CpuReport,
    /// The GPUs, in the order of their numbers.
    pub gpus: Vec<GpuReport>,
}

/// The CPU.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CpuReport {
    /// How many runs are trained side by side.
    pub cores: usize,
    /// Updates per second at the paper's size, with one run per core; `None` if it was not measured.
    pub updates_per_second: Option<f64>,
}

/// A GPU.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct GpuReport {
    /// Its number.
    pub number: usize,
    /// Its name.
    pub name: String,
    /// The interface: `vulkan`, `metal` or `dx12`.
    pub backend: String,
    /// The driver and its version.
    pub driver: String,
    /// Whether the processor plays the device.
    pub software: bool,
    /// Updates per second at the paper's size, over all networks that are trained together; `None` if it was
    /// not measured, or does not work.
    pub updates_per_second: Option<f64>,
    /// Why it does not work.
    pub error: Option<String>,
}

/// Runs of the paper's size, with short epochs.
fn sample() -> Result<ValidParams> {
    let mut params = Params::default();
    (params.task.train_samples, params.task.val_samples) = (100, Some(10));
    Ok(params.check()?)
}

/// Updates per second of this many threads, each of which trains a run on the CPU for this long.
pub(crate) fn cpu_updates_per_second(params: &ValidParams, threads: usize, time: Duration) -> Result<f64> {
    let one = || -> Result<f64> {
        let mut trainer = Trainer::new(params)?;
        let begin = Instant::now();
        loop {
            trainer.train_epoch(&Default::default(), &mut |_, _| {})?;
            if begin.elapsed() >= time {
                return Ok(trainer.checkpoint().update.0 as f64 / begin.elapsed().as_secs_f64());
            }
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(one)).collect();
        let rates = threads.into_iter().map(|thread| match thread.join() {
            Ok(rate) => rate,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        rates.sum()
    })
}

/// Lists the devices of this machine. If `measure`, each of them trains for a second.
///
/// # Errors
/// If the CPU cannot train, which does not happen.
pub fn devices(measure: bool) -> Result<DevicesReport> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let sample = sample()?;
    let updates_per_second = match measure {
        true => Some(cpu_updates_per_second(&sample, cores, MEASURED)?),
        false => None,
    };
    let cpu = CpuReport { cores, updates_per_second };
    Ok(DevicesReport { built_with_gpus: cfg!(feature = "gpu"), cpu, gpus: gpus(measure, &sample, cores) })
}

#[cfg(not(feature = "gpu"))]
fn gpus(_measure: bool, _sample: &ValidParams, _threads: usize) -> Vec<GpuReport> {
    Vec::new()
}

#[cfg(feature = "gpu")]
fn gpus(measure: bool, sample: &ValidParams, threads: usize) -> Vec<GpuReport> {
    use concertina_gpu::{Device, DeviceInfo};
    let report = |info: DeviceInfo| {
        let DeviceInfo { number, name, driver, backend, software } = info;
        let measured = || {
            let device = Device::open(Some(number)).map_err(|error| error.to_string())?;
            let networks = NETWORKS[usize::from(software)];
            match concertina_gpu::updates_per_second(
                &device,
                &sample.on_gpu().map_err(|e| e.to_string())?,
                networks,
                threads,
                MEASURED,
            ) {
                Ok(Ok(rate)) => Ok(rate),
                Ok(Err(error)) => Err(error.to_string()),
                Err(error) => Err(error.to_string()),
            }
        };
        let (updates_per_second, error) = match measure.then(measured) {
            None => (None, None),
            Some(Ok(rate)) => (Some(rate), None),
            Some(Err(error)) => (None, Some(error)),
        };
        GpuReport { number, name, backend, driver, software, updates_per_second, error }
    };
    concertina_gpu::devices().into_iter().map(report).collect()
}

/// The devices as a table: `device`, as it is chosen; `name`; `driver`; `updates_per_second`; `note`.
///
/// # Errors
/// None in practice: all rows have the same columns.
pub fn devices_table(report: &DevicesReport) -> Result<Table> {
    let row = |device: String, name: String, driver: Scalar, rate: Option<f64>, note: Scalar| {
        params_table::row([
            ("device".to_owned(), Scalar::Text(device)),
            ("name".to_owned(), Scalar::Text(name)),
            ("driver".to_owned(), driver),
            ("updates_per_second".to_owned(), rate.map_or(Scalar::Null, |rate| Scalar::Float(rate.round()))),
            ("note".to_owned(), note),
        ])
    };
    let DevicesReport { built_with_gpus, cpu, gpus } = report;
    let note = match built_with_gpus {
        true => Scalar::Null,
        false => Scalar::Text("this program was built without GPUs".to_owned()),
    };
    let cores = format!("{} cores", cpu.cores);
    let mut rows = vec![row("cpu".to_owned(), cores, Scalar::Null, cpu.updates_per_second, note)?];
    for gpu in gpus {
        let note = match (&gpu.error, gpu.software) {
            (Some(error), _) => Scalar::Text(error.clone()),
            (None, true) => Scalar::Text("software: slower than the CPU itself".to_owned()),
            (None, false) => Scalar::Null,
        };
        let device = DeviceChoice::Gpu(Some(gpu.number)).to_string();
        let driver = Scalar::Text(format!("{} {}", gpu.backend, gpu.driver));
        rows.push(row(device, gpu.name.clone(), driver, gpu.updates_per_second, note)?);
    }
    params_table::stack(rows)
}

#[cfg(test)]
mod tests {
    use super::DeviceChoice;

    #[test]
    fn a_device_is_chosen_by_kind_and_number() {
        for (text, choice) in [
            ("auto", DeviceChoice::Auto),
            ("cpu", DeviceChoice::Cpu),
            ("gpu", DeviceChoice::Gpu(None)),
            ("gpu:2", DeviceChoice::Gpu(Some(2))),
        ] {
            assert_eq!(text.parse(), Ok(choice));
            assert_eq!(choice.to_string(), text);
        }
        for wrong in ["", "cuda", "gpu:", "gpu:-1", "gpu:x", "GPU"] {
            assert!(wrong.parse::<DeviceChoice>().is_err(), "{wrong}");
        }
    }
}
