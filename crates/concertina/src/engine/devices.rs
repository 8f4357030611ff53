//! Which runs a GPU trains.

use concertina_model::params::Arithmetic;
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
        failed && placed[*place].is_some() && demands[*place].params.train.arithmetic == Arithmetic::Cpu
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
    let message = format!("{}; all runs are trained on the CPU", crate::device::NOT_COMPILED);
    match settings.device {
        DeviceChoice::Auto => settings.note(&message),
        _ => settings.warn(&message),
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

    use concertina_gpu::{Device, Error as DeviceError, Shape, devices, updates_per_second};
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
        if settings.device == DeviceChoice::Auto {
            let found = devices();
            let reason = match found.first() {
                None => DeviceError::None.to_string(),
                Some(first) if first.software => format!("{} is a software device", first.name),
                Some(_) => String::new(),
            };
            if !reason.is_empty() {
                settings.note(&format!("{reason}; all runs are trained on the CPU"));
                return Ok(nothing());
            }
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
        for (reason, runs) in unsuited {
            let message = format!("{reason}; {} trained on the CPU", counted(runs));
            match settings.device {
                DeviceChoice::Auto => settings.note(&message),
                _ => settings.warn(&message),
            }
        }
        if settings.device == DeviceChoice::Auto {
            choose(store, settings, &device, demands, &mut placed)?;
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
        let [on_gpu, on_cpu] = [params, demands[largest].params].map(short);
        let name = &device.info().name;
        let gpu = match updates_per_second(device, &on_gpu, networks, settings.jobs, MEASURED) {
            Ok(Ok(rate)) => Ok(rate),
            Ok(Err(error)) => Err(format!("{name} cannot be measured: {error}")),
            Err(error) => Err(error.to_string()),
        };
        let runs = counted(open.len());
        let gpu = match gpu {
            Ok(rate) => rate,
            Err(reason) => {
                settings.warn(&format!("{reason}; {runs} trained on the CPU"));
                open.into_iter().for_each(|place| placed[place] = None);
                return Ok(());
            }
        };
        let cpu = cpu_updates_per_second(&on_cpu, settings.jobs.min(open.len()), MEASURED)?;
        let updates = |place: &usize| {
            let params = demands[*place].params;
            (params.train.epochs * params.updates_per_epoch()) as f64
        };
        let updates: f64 = open.iter().map(updates).sum();
        let (on_gpu, on_cpu) = (updates / gpu, updates / cpu);
        if on_gpu + LEAST_SAVED < on_cpu {
            settings.note(&format!(
                "{runs} trained on {name}, which takes about {on_gpu:.0} s, instead of {on_cpu:.0} s on the CPU"
            ));
        } else {
            settings.note(&format!(
                "{runs} trained on the CPU, which takes about {on_cpu:.0} s; {name} would take {on_gpu:.0} s \
                 and the time to start it"
            ));
            open.into_iter().for_each(|place| placed[place] = None);
        }
        Ok(())
    }

    /// The same run with epochs of a few updates, where that is a valid run.
    fn short(params: &ValidParams) -> ValidParams {
        let mut short = params.clone().into_params();
        short.task.train_samples = params.train.batch * 4;
        short.check().unwrap_or_else(|_| params.clone())
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
