//! Which runs a GPU trains.

#[cfg(not(feature = "gpu"))]
use concertina_model::params::ValidParams;
use concertina_store::Store;

use super::question::{Answered, Demand};
use crate::device::DeviceChoice;
use crate::error::Result;
use crate::hint::Hint;
use crate::record::Outcome;
use crate::settings::Settings;

/// Serves demands with the device of the settings: those that a GPU trains get its arithmetic, and what the
/// GPU fails to train is trained on the CPU.
pub(super) fn on_devices(
    store: &Store,
    settings: &Settings,
    demands: &[Demand<'_>],
    serve: impl Fn(&[Demand<'_>]) -> Result<Vec<Answered>>,
) -> Result<Vec<Answered>> {
    if settings.device == DeviceChoice::Cpu {
        return serve(demands);
    }
    let placed = placed(store, settings, demands)?;
    let moved: Vec<Demand<'_>> = demands
        .iter()
        .zip(&placed)
        .map(|(demand, placed)| Demand {
            params: placed.as_ref().unwrap_or(demand.params),
            questions: demand.questions.clone(),
            ..*demand
        })
        .collect();
    let mut answered = serve(&moved)?;
    let failed_on_gpu = |place: &usize| {
        let outcome = &answered[*place].run.outcome;
        let failed = matches!(outcome, Outcome::Failed { hint: Some(Hint::TrainOnCpu), .. });
        failed && placed[*place].is_some()
    };
    let failed: Vec<usize> = (0..demands.len()).filter(failed_on_gpu).collect();
    let Some(Outcome::Failed { message, .. }) = failed.first().map(|place| &answered[*place].run.outcome)
    else {
        return Ok(answered);
    };
    settings.warn(&format!("{message}; {} trained on the CPU", counted(failed.len())));
    let again: Vec<Demand<'_>> = failed
        .iter()
        .map(|&place| Demand { questions: demands[place].questions.clone(), ..demands[place] })
        .collect();
    for (place, answer) in failed.into_iter().zip(serve(&again)?) {
        answered[place] = answer;
    }
    Ok(answered)
}

fn counted(runs: usize) -> String {
    if runs == 1 { "1 run is".to_owned() } else { format!("{runs} runs are") }
}

#[cfg(not(feature = "gpu"))]
fn placed(_: &Store, settings: &Settings, demands: &[Demand<'_>]) -> Result<Vec<Option<ValidParams>>> {
    if settings.device != DeviceChoice::Auto {
        settings.warn(&format!("{}; all runs are trained on the CPU", crate::device::NOT_COMPILED));
    }
    Ok(demands.iter().map(|_| None).collect())
}

#[cfg(feature = "gpu")]
pub(super) use self::gpu::cohorts;

#[cfg(feature = "gpu")]
use self::gpu::placed;

#[cfg(feature = "gpu")]
mod gpu {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;

    use concertina_gpu::{Device, Shape, devices, updates_per_second};
    use concertina_model::params::ValidParams;
    use concertina_store::{RunKey, Store};

    use super::counted;
    use crate::device::{DeviceChoice, cpu_updates_per_second};
    use crate::engine::question::Demand;
    use crate::engine::training::{RunRequest, epochs_left};
    use crate::error::Result;
    use crate::settings::Settings;

    /// How long each device is measured for the choice between them.
    const MEASURED: Duration = Duration::from_millis(250);
    /// What a GPU must save to be chosen, in seconds: about as long as opening it and compiling the kernels.
    const LEAST_SAVED: f64 = 2.0;

    /// For each demand, its parameters with the arithmetic of a GPU if a GPU is to train it.
    pub(super) fn placed(
        store: &Store,
        settings: &Settings,
        demands: &[Demand<'_>],
    ) -> Result<Vec<Option<ValidParams>>> {
        let nothing = || demands.iter().map(|_| None).collect();
        if settings.device == DeviceChoice::Auto && !devices().iter().any(|device| !device.software) {
            return Ok(nothing());
        }
        let device = match Device::open(settings.device.number()) {
            Ok(device) => device,
            Err(error) => {
                settings.warn(&format!("{error}; all runs are trained on the CPU"));
                return Ok(nothing());
            }
        };
        let mut placed = Vec::with_capacity(demands.len());
        let mut unsuited: BTreeMap<String, usize> = BTreeMap::new();
        for Demand { params, .. } in demands {
            let reason = match params.unsuited_to_gpu() {
                _ if params.network.weights.is_some() => None, // it is not trained
                None => {
                    let params = params.on_gpu()?;
                    if device.capacity(&Shape::of(&params)) > 0 {
                        placed.push(Some(params));
                        continue;
                    }
                    Some(format!("{} has too little memory", device.info().name))
                }
                Some(reason) => Some(format!("the kernels for GPUs do not compute {reason}")),
            };
            placed.push(None);
            reason.into_iter().for_each(|reason| *unsuited.entry(reason).or_default() += 1);
        }
        if settings.device == DeviceChoice::Auto {
            choose(store, settings, &device, demands, &mut placed)?;
        } else {
            for (reason, runs) in unsuited {
                settings.warn(&format!("{reason}; {} trained on the CPU", counted(runs)));
            }
        }
        Ok(placed)
    }

    /// Leaves on the GPU what is stored with its arithmetic, and the rest if it is expected to be faster
    /// there.
    fn choose(
        store: &Store,
        settings: &Settings,
        device: &Arc<Device>,
        demands: &[Demand<'_>],
        placed: &mut [Option<ValidParams>],
    ) -> Result<()> {
        let is_stored = |params: &ValidParams| -> Result<bool> {
            let request = RunRequest { train: true, ..RunRequest::of(params, settings) };
            Ok(epochs_left(&store.run(&RunKey::of(&params.canonical())), &request)?.is_none())
        };
        let mut open: Vec<usize> = Vec::new();
        for (place, demand) in demands.iter().enumerate() {
            let Some(params) = &placed[place] else { continue };
            if is_stored(params)? {
                continue;
            }
            if is_stored(demand.params)? {
                placed[place] = None;
            } else {
                open.push(place);
            }
        }
        let Some(&largest) = open.iter().max_by(|a, b| {
            super::super::cost(demands[**a].params).total_cmp(&super::super::cost(demands[**b].params))
        }) else {
            return Ok(());
        };
        let Some(params) = &placed[largest] else { return Ok(()) };
        let shape = Shape::of(params);
        let networks = open.len().min(device.capacity(&shape)).max(1);
        let mut short = params.clone().into_params();
        short.task.train_samples = short.train.batch * 4;
        let (Ok(on_gpu), on_cpu) = (short.clone().check(), demands[largest].params) else { return Ok(()) };
        let gpu = match updates_per_second(device, &on_gpu, networks, settings.jobs, MEASURED) {
            Ok(Ok(rate)) => rate,
            Ok(Err(_)) | Err(_) => 0.0,
        };
        let cpu = cpu_updates_per_second(on_cpu, settings.jobs.min(open.len()), MEASURED)?;
        let updates: f64 = open
            .iter()
            .map(|place| {
                let params = demands[*place].params;
                (params.train.epochs * params.updates_per_epoch()) as f64
            })
            .sum();
        let (on_gpu, on_cpu) = (updates / gpu.max(1e-9), updates / cpu);
        let name = &device.info().name;
        if on_gpu + LEAST_SAVED < on_cpu {
            settings.warn(&format!(
                "{} trained on {name}: about {on_gpu:.0} s, instead of {on_cpu:.0} s on the CPU",
                counted(open.len())
            ));
        } else {
            settings.warn(&format!(
                "{} trained on the CPU: about {on_cpu:.0} s, and {on_gpu:.0} s on {name}",
                counted(open.len())
            ));
            open.into_iter().for_each(|place| placed[place] = None);
        }
        Ok(())
    }

    /// Groups of runs that are trained together: those of one shape, and no more than the device takes.
    pub(in crate::engine) fn cohorts(
        settings: &Settings,
        groups: Vec<(Vec<usize>, &ValidParams)>,
    ) -> Vec<Vec<Vec<usize>>> {
        let mut shapes: Vec<(Shape, Vec<Vec<usize>>)> = Vec::new();
        for (group, params) in groups {
            let shape = Shape::of(params);
            match shapes.iter_mut().find(|(other, _)| *other == shape) {
                Some((_, groups)) => groups.push(group),
                None => shapes.push((shape, vec![group])),
            }
        }
        let device = Device::open(settings.device.number());
        let mut cohorts = Vec::new();
        for (shape, groups) in shapes {
            let capacity = device.as_ref().map_or(1, |device| device.capacity(&shape)).max(1);
            cohorts.extend(groups.chunks(capacity).map(<[Vec<usize>]>::to_vec));
        }
        cohorts
    }
}
