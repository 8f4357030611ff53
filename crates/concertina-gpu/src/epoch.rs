//! An epoch of a cohort: launches of updates, and the validation after them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use concertina_model::network::{Disturbance, Evaluation, TrainedWeights, evaluate_outputs, score_outputs};
use concertina_model::optimizer::Optimizer;
use concertina_model::task::Trials;
use concertina_model::trainer::{BatchRecord, Course, EpochSums};
use concertina_model::{Checkpoint, Error as ModelError, Update};

use crate::cohort::{Cohort, EpochOutcome, Run};
use crate::device::Device;
use crate::error::Result;
use crate::memory::{Launch, Memory};
use crate::pack::{self, Samples};
use crate::shape::Shape;
use crate::sizes::CONSTANTS;

/// How long a launch may take. Systems that draw on the device, too, reset it after two seconds.
const LAUNCH: Duration = Duration::from_millis(200);

/// A run in the middle of an epoch.
struct Ongoing {
    run: usize,
    trials: Trials,
    sums: EpochSums,
    met: Vec<(Checkpoint, TrainedWeights)>,
    failed: Option<ModelError>,
}

/// Calls a function for every item, on several threads.
fn in_parallel<T: Send>(threads: usize, items: &mut [T], each: impl Fn(usize, &mut T) + Sync) {
    let size = items.len().div_ceil(threads.max(1)).max(1);
    if threads <= 1 || items.len() <= 1 {
        items.iter_mut().enumerate().for_each(|(place, item)| each(place, item));
        return;
    }
    std::thread::scope(|scope| {
        for (chunk, items) in items.chunks_mut(size).enumerate() {
            let each = &each;
            scope.spawn(move || {
                items.iter_mut().enumerate().for_each(|(place, item)| each(chunk * size + place, item));
            });
        }
    });
}

impl Cohort {
    /// Trains the next epoch of each run that has a set of updates, possibly empty, at which its weights are
    /// wanted. A run with `None` is left as it is. The outcomes are in the order of the runs.
    ///
    /// # Errors
    /// [`Error::Lost`](crate::Error::Lost). The cohort can then no longer be used.
    pub fn train_epoch(&mut self, wanted: &[Option<BTreeSet<Update>>]) -> Result<Vec<Option<EpochOutcome>>> {
        let mut trials: Vec<Option<Trials>> = wanted.iter().map(|_| None).collect();
        let runs = &self.runs;
        in_parallel(self.threads, &mut trials, |run, trials| {
            *trials = wanted[run].as_ref().map(|_| runs[run].course.training());
        });
        let ongoing = |(run, trials): (usize, Option<Trials>)| {
            let (sums, met, failed) = (EpochSums::default(), Vec::new(), None);
            Some(Ongoing { run, trials: trials?, sums, met, failed })
        };
        let mut ongoing: Vec<Ongoing> = trials.into_iter().enumerate().filter_map(ongoing).collect();
        let mut done = 0;
        while done < self.shape.updates && ongoing.iter().any(|run| run.failed.is_none()) {
            let count = self.launch_size(done, &ongoing, wanted);
            self.train_updates(done, count, &mut ongoing)?;
            done += count;
            self.take_wanted(&mut ongoing, wanted)?;
        }
        let validations = self.validate(&ongoing)?;
        let mut outcomes: Vec<Option<EpochOutcome>> = wanted.iter().map(|_| None).collect();
        for (run, validation) in ongoing.into_iter().zip(validations) {
            let record = match (run.failed, validation) {
                (Some(error), _) => Err(error),
                (None, Some(Ok(validation))) if validation.loss.is_finite() => {
                    Ok(self.runs[run.run].course.finish_epoch(&run.sums, &validation))
                }
                (None, Some(Ok(validation))) => Err(self.diverged(run.run, validation.loss)?),
                (None, Some(Err(ModelError::NotFinite { .. })) | None) => {
                    Err(self.diverged(run.run, f64::NAN)?)
                }
                (None, Some(Err(error))) => Err(error),
            };
            outcomes[run.run] = Some(EpochOutcome { record, met: run.met });
        }
        Ok(outcomes)
    }

    /// How many updates to make in the next launch, after `done` of the epoch: up to the next at which
    /// weights are wanted, and no more than fit into the buffers and the time of a launch.
    fn launch_size(&self, done: usize, ongoing: &[Ongoing], wanted: &[Option<BTreeSet<Update>>]) -> usize {
        let next = |run: &Ongoing| {
            let now = self.checkpoint(run.run).update;
            let next = wanted[run.run].as_ref()?.range(Update(now.0 + 1)..).next()?;
            Some((next.0 - now.0) as usize)
        };
        let wanted = ongoing.iter().filter(|run| run.failed.is_none()).filter_map(next).min();
        let in_time = match self.pace {
            None => 1,
            Some(pace) => (LAUNCH.as_secs_f64() / pace.as_secs_f64().max(1e-9)) as usize,
        };
        let left = self.shape.updates - done;
        let active = ongoing.len().max(1);
        left.min(wanted.unwrap_or(left)).min(in_time).min(self.memory.updates(active)).max(1)
    }

    /// Makes some updates of all runs that have not failed, in one launch.
    fn train_updates(&mut self, done: usize, count: usize, ongoing: &mut [Ongoing]) -> Result<()> {
        let shape = &self.shape;
        let active: Vec<&mut Ongoing> = ongoing.iter_mut().filter(|run| run.failed.is_none()).collect();
        let per_part = 4 * shape.part_vectors();
        let per_run = count * shape.parts() * per_part;
        let mut data = vec![0.0_f32; active.len() * per_run];
        let mut drawn = vec![0.0_f32; active.len() * count * shape.drawn()];
        let mut control = Vec::with_capacity(active.len() * 4 * (CONSTANTS + count));
        let mut borrowed: Vec<Option<&mut Run>> = self.runs.iter_mut().map(Some).collect();
        let mut drawn_parts = drawn.chunks_mut((count * shape.drawn()).max(1));
        let mut work = Vec::with_capacity(active.len());
        for (ongoing, data) in active.iter().zip(data.chunks_mut(per_run)) {
            let run = borrowed[ongoing.run].take().expect("a run is trained once in an epoch");
            control.extend(constants(ongoing.run, run));
            for update in 0..count {
                control.extend(rates(run, update as u64 + 1));
            }
            work.push((run, &ongoing.trials, data, drawn_parts.next().unwrap_or_default()));
        }
        in_parallel(self.threads, &mut work, |_, (run, trials, data, drawn)| {
            let now = run.course.checkpoint().update.0;
            for update in 0..count {
                let first = (done + update) * shape.batch;
                let samples = trials.len().saturating_sub(first).min(shape.batch);
                if let Some(disturbance) = &mut run.disturbance {
                    disturbance.draw(now + update as u64, shape.steps * samples);
                }
                for part in 0..shape.parts() {
                    let samples = Samples { trials, first, count: samples, part };
                    let into = &mut data[(update * shape.parts() + part) * per_part..][..per_part];
                    let (inputs, into) = into.split_at_mut(4 * shape.input_vectors());
                    pack::inputs(shape, samples, inputs);
                    let compared = 4 * (shape.target_vectors() + shape.evaluated * shape.lanes());
                    let (compared, disturbed) = into.split_at_mut(compared);
                    pack::targets(shape, samples, pack::share(samples), compared);
                    if let Some(disturbance) = &run.disturbance {
                        pack::disturbances(shape, samples, disturbance, disturbed);
                    }
                }
                if let Some(noise) = &mut run.noise {
                    let into = &mut drawn[update * shape.drawn()..][..shape.drawn()];
                    noise.draw(now + update as u64, |array, values| {
                        let array = &shape.arrays[array];
                        let into = into[array.offset..][..array.len()].iter_mut();
                        into.zip(values).for_each(|(into, value)| *into = *value);
                    });
                }
            }
        });
        drop(work);
        let networks = active.len();
        let begin = Instant::now();
        let results = self.memory.launch(
            &self.device,
            &self.kernels.train,
            Launch {
                networks,
                count,
                data: &data,
                part: shape.part_vectors(),
                drawn: &drawn,
                control: &control,
                results: count * shape.result_vectors(),
            },
        )?;
        self.pace = Some(begin.elapsed() / count as u32);
        let per_run = 4 * count * shape.result_vectors();
        let mut scored: Vec<(Launched<'_>, Vec<(BatchRecord, bool)>)> = active
            .iter()
            .zip(results.chunks(per_run))
            .map(|(ongoing, results)| (Launched { trials: &ongoing.trials, results }, Vec::new()))
            .collect();
        let loss = shape.loss;
        in_parallel(self.threads, &mut scored, |_, (ongoing, records)| {
            for (update, results) in ongoing.results.chunks(4 * shape.result_vectors()).enumerate() {
                let first = (done + update) * shape.batch;
                let last = (first + shape.batch).min(ongoing.trials.len());
                let outputs = pack::outputs(shape, last - first, results);
                let mut record = score_outputs(outputs.view(), ongoing.trials, first..last, loss)
                    .expect("outputs have the shape of the trials");
                let [squared_norm, halted, ..] = results[results.len() - 4..] else { unreachable!() };
                record.gradient_norm = f64::from(squared_norm).sqrt();
                records.push((record, halted != 0.0 || !record.loss.is_finite()));
            }
        });
        let scored: Vec<_> = scored.into_iter().map(|(_, records)| records).collect();
        for (ongoing, records) in active.into_iter().zip(scored) {
            for (record, stopped) in records {
                ongoing.sums.add(&record);
                self.runs[ongoing.run].course.advance();
                if stopped {
                    ongoing.failed = Some(diverged(
                        &self.memory,
                        &self.device,
                        &self.shape,
                        ongoing.run,
                        &self.runs[ongoing.run].course,
                        record.loss,
                    )?);
                    break;
                }
            }
        }
        Ok(())
    }

    fn diverged(&self, run: usize, loss: f64) -> Result<ModelError> {
        diverged(&self.memory, &self.device, &self.shape, run, &self.runs[run].course, loss)
    }

    /// Gives the runs the weights that are wanted at the updates they have come to.
    fn take_wanted(&self, ongoing: &mut [Ongoing], wanted: &[Option<BTreeSet<Update>>]) -> Result<()> {
        let wants = |run: &&mut Ongoing| {
            let now = self.checkpoint(run.run).update;
            run.failed.is_none() && wanted[run.run].as_ref().is_some_and(|wanted| wanted.contains(&now))
        };
        let wanting: Vec<&mut Ongoing> = ongoing.iter_mut().filter(wants).collect();
        let runs: Vec<usize> = wanting.iter().map(|run| run.run).collect();
        for (run, weights) in wanting.into_iter().zip(self.all_weights(&runs)?) {
            run.met.push((self.checkpoint(run.run), weights));
        }
        Ok(())
    }

    /// The performance on the validation samples of the runs that have not failed.
    fn validate(&mut self, ongoing: &[Ongoing]) -> Result<Vec<Evaluated>> {
        let shape = &self.shape;
        let mut sets: Vec<Option<Trials>> = ongoing.iter().map(|_| None).collect();
        let runs = &self.runs;
        in_parallel(self.threads, &mut sets, |place, set| {
            let run = &ongoing[place];
            *set = run.failed.is_none().then(|| runs[run.run].course.validation());
        });
        let active: Vec<(usize, &Trials)> =
            ongoing.iter().zip(&sets).filter_map(|(run, set)| Some((run.run, set.as_ref()?))).collect();
        let mut outputs: Vec<Vec<f32>> = active.iter().map(|_| Vec::new()).collect();
        let parts = shape.validation_parts();
        let mut done = 0;
        while done < parts && !active.is_empty() {
            let in_time = match self.pace {
                None => 1,
                Some(pace) => (LAUNCH.as_secs_f64() / pace.as_secs_f64().max(1e-9)) as usize,
            };
            let count = (parts - done).min(in_time.max(1)).min(self.memory.validation_parts(active.len()));
            let per_part = 4 * shape.input_vectors();
            let mut data = vec![0.0_f32; active.len() * count * per_part];
            let mut work: Vec<_> = active.iter().zip(data.chunks_mut(count * per_part)).collect();
            in_parallel(self.threads, &mut work, |_, ((_, trials), data)| {
                for part in 0..count {
                    let samples = Samples { trials, first: 0, count: trials.len(), part: done + part };
                    pack::inputs(shape, samples, &mut data[part * per_part..][..per_part]);
                }
            });
            let control: Vec<f32> =
                active.iter().flat_map(|(run, _)| constants(*run, &self.runs[*run])).collect();
            let results = self.memory.launch(
                &self.device,
                &self.kernels.evaluate,
                Launch {
                    networks: active.len(),
                    count,
                    data: &data,
                    part: shape.input_vectors(),
                    drawn: &[],
                    control: &control,
                    results: count * shape.output_vectors(),
                },
            )?;
            let per_run = 4 * count * shape.output_vectors();
            for (outputs, results) in outputs.iter_mut().zip(results.chunks(per_run)) {
                outputs.extend_from_slice(results);
            }
            done += count;
        }
        let mut evaluated: Vec<(&Trials, &[f32], Evaluated)> =
            active.iter().zip(&outputs).map(|((_, trials), outputs)| (*trials, &outputs[..], None)).collect();
        in_parallel(self.threads, &mut evaluated, |_, (trials, outputs, evaluation)| {
            let outputs = pack::outputs(shape, trials.len(), outputs);
            *evaluation = Some(evaluate_outputs(outputs.view(), &trials.targets, &trials.mask, shape.loss));
        });
        let mut evaluated = evaluated.into_iter().map(|(_, _, evaluation)| evaluation);
        Ok(sets.iter().map(|set| set.as_ref().and_then(|_| evaluated.next().flatten())).collect())
    }
}

/// The performance of a run, once it is known.
type Evaluated = Option<Result<Evaluation, ModelError>>;

/// The trials of a run, and the results of a launch.
struct Launched<'a> {
    trials: &'a Trials,
    results: &'a [f32],
}

/// The error of a run whose loss or weights are not finite. The kernels have left its weights as they were.
fn diverged(
    memory: &Memory,
    device: &Device,
    shape: &Shape,
    run: usize,
    course: &Course,
    loss: f64,
) -> Result<ModelError> {
    let values = memory.read(device, &memory.weights, &[run])?.remove(0);
    let size = |weight: &f32| if weight.is_nan() { f64::INFINITY } else { f64::from(weight.abs()) };
    let largest = values[..shape.parameters()].iter().map(size).fold(0.0, f64::max);
    Ok(course.diverged(loss, largest))
}

/// The constants of a network: where it is, and the numbers of its equations and of its optimizer.
fn constants(slot: usize, run: &Run) -> [f32; 4 * CONSTANTS] {
    let train = &run.course.params().train;
    let noise = run.disturbance.as_ref().map_or(0.0, Disturbance::noise_size);
    [
        slot as f32,
        run.course.params().network.dt as f32,
        run.kept,
        noise,
        train.weight_decay as f32,
        train.momentum as f32,
        train.gradient_noise as f32,
        0.0,
    ]
}

/// The rates of the `ahead`-th update from now: of the step and, by optimizer, of the plain gradient, or the
/// scale of the root of the second moment.
fn rates(run: &Run, ahead: u64) -> [f32; 4] {
    let rate = run.course.learning_rate();
    let update = run.course.checkpoint().update.0 + ahead;
    let (first, second) = match &run.optimizer {
        Optimizer::Sgd(_) | Optimizer::Rmsprop(_) => (rate, 0.0),
        Optimizer::SgdRmsprop(mixture) => (rate * mixture.mix, rate * (1.0 - mixture.mix)),
        Optimizer::Adam(adam) => {
            let correction = |memory: f64| 1.0 - memory.powi(i32::try_from(update).unwrap_or(i32::MAX));
            (rate / correction(adam.mean_memory), correction(adam.square_memory).sqrt())
        }
    };
    [first as f32, second as f32, 0.0, 0.0]
}
