//! Runs of one shape that are trained together.

use std::sync::Arc;
use std::time::Duration;

use concertina_model::network::{Disturbance, Equations, TrainedWeights};
use concertina_model::optimizer::Optimizer;
use concertina_model::params::ValidParams;
use concertina_model::trainer::{Course, EpochRecord, GradientNoise, TrainingState};
use concertina_model::{Checkpoint, Error as ModelError};
use ndarray::{Array1, Array2, ArrayD};

use crate::device::{Device, Kernels};
use crate::error::Result;
use crate::memory::Memory;
use crate::shape::Shape;

/// A run that begins, or that continues from a state.
#[derive(Debug)]
pub struct Beginning<'a> {
    /// Its parameters.
    pub params: &'a ValidParams,
    /// The state from which it continues.
    pub state: Option<TrainingState>,
}

/// Runs of one shape that are trained together on a device. The bits of a run do not depend on the others.
#[derive(Debug)]
pub struct Cohort {
    pub(crate) device: Arc<Device>,
    pub(crate) kernels: Arc<Kernels>,
    pub(crate) shape: Shape,
    pub(crate) memory: Memory,
    pub(crate) runs: Vec<Run>,
    /// Threads that prepare trials.
    pub(crate) threads: usize,
    /// How long an update of the last launch took.
    pub(crate) pace: Option<Duration>,
}

#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) course: Course,
    pub(crate) optimizer: Optimizer,
    pub(crate) disturbance: Option<Disturbance>,
    pub(crate) noise: Option<GradientNoise>,
    pub(crate) kept: f32,
}

/// The outcome of an epoch of one run.
#[derive(Debug)]
pub struct EpochOutcome {
    /// The record of the epoch, or why the run cannot continue.
    pub record: Result<EpochRecord, ModelError>,
    /// The weights that were wanted, as far as training got.
    pub met: Vec<(Checkpoint, TrainedWeights)>,
}

impl Cohort {
    /// A cohort of these runs, which have the same [`Shape`], with buffers for all of them. `threads` draw
    /// their trials.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory) and [`Error::Lost`](crate::Error::Lost). The inner
    /// result has the place of the first run that cannot be begun, and the reason.
    ///
    /// # Panics
    /// If there are no runs.
    pub fn new(
        device: Arc<Device>,
        beginnings: Vec<Beginning<'_>>,
        threads: usize,
    ) -> Result<Result<Self, (usize, ModelError)>> {
        let shape = Shape::of(beginnings[0].params);
        let kernels = device.kernels(&shape)?;
        let memory = Memory::allocate(&device, &kernels, &shape, beginnings.len())?;
        let mut cohort = Self { device, kernels, shape, memory, runs: Vec::new(), threads, pace: None };
        for Beginning { params, state } in beginnings {
            match cohort.begin(params, state) {
                Ok(run) => cohort.runs.push(run),
                Err(error) => return Ok(Err((cohort.runs.len(), error))),
            }
        }
        cohort.device.check()?;
        Ok(Ok(cohort))
    }

    fn begin(&self, params: &ValidParams, state: Option<TrainingState>) -> Result<Run, ModelError> {
        let (shape, slot) = (&self.shape, self.runs.len());
        let (mut means, mut squares) = (Vec::new(), Vec::new());
        let (course, weights) = match state {
            None => (Course::new(params)?, TrainedWeights::draw(params)?),
            Some(mut state) => {
                let metadata = std::mem::take(&mut state.metadata);
                let weights = TrainedWeights::from_tensors(params, |name| state.find(name))?;
                for array in &shape.arrays {
                    let kinds = [
                        ("mean", shape.keeps_mean, &mut means),
                        ("square", shape.keeps_square, &mut squares),
                    ];
                    for (kind, kept, into) in kinds {
                        match kept {
                            true if array.trained => {
                                let name = format!("{kind}/{}", array.name);
                                into.extend(state.buffer(&name, (array.rows, array.columns))?);
                            }
                            true => into.resize(into.len() + array.len(), 0.0),
                            false => {}
                        }
                    }
                }
                (Course::resume(params, metadata)?, weights)
            }
        };
        means.append(&mut squares);
        means.resize(shape.moments(), 0.0);
        self.memory.write(&self.device, &self.memory.weights, slot, &packed(shape, &weights));
        self.memory.write(&self.device, &self.memory.moments, slot, &means);
        Ok(Run {
            course,
            optimizer: Optimizer::from_params(&params.train),
            disturbance: Disturbance::from_params(params),
            noise: GradientNoise::new(params, &weights),
            kept: if params.network.kind == concertina_model::params::NetworkKind::Rate {
                (1.0 - params.network.dt) as f32
            } else {
                Equations::new(params).kept() as f32
            },
        })
    }

    /// Number of runs.
    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// Whether there are none; there always are.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// How far a run has been trained.
    pub fn checkpoint(&self, run: usize) -> Checkpoint {
        self.runs[run].course.checkpoint()
    }

    /// The history of a run.
    pub fn history(&self, run: usize) -> &[EpochRecord] {
        self.runs[run].course.history()
    }

    /// The current weights of a run.
    ///
    /// # Errors
    /// [`Error::Lost`](crate::Error::Lost).
    pub fn weights(&self, run: usize) -> Result<TrainedWeights> {
        Ok(self.all_weights(&[run])?.remove(0))
    }

    pub(crate) fn all_weights(&self, runs: &[usize]) -> Result<Vec<TrainedWeights>> {
        let values = self.memory.read(&self.device, &self.memory.weights, runs)?;
        Ok(runs.iter().zip(values).map(|(run, values)| self.unpacked(*run, &values)).collect())
    }

    fn unpacked(&self, run: usize, values: &[f32]) -> TrainedWeights {
        let tensors = self.tensors(values);
        let find =
            |name: &str| tensors.iter().find(|(other, _)| other == name).map(|(_, array)| array.clone());
        TrainedWeights::from_tensors(self.runs[run].course.params(), find)
            .expect("the arrays of the shape are those of the parameters")
    }

    /// The arrays of weights, or of their gradient, with their names.
    fn tensors(&self, values: &[f32]) -> Vec<(String, ArrayD<f32>)> {
        let array = |array: &crate::shape::Array| {
            let part = values[array.offset..array.offset + array.len()].to_vec();
            let shaped = match array.rows {
                1 if array.name.ends_with("bias") => Array1::from_vec(part).into_dyn(),
                _ => Array2::from_shape_vec((array.rows, array.columns), part)
                    .expect("as many numbers as the shape has")
                    .into_dyn(),
            };
            (array.name.clone(), shaped)
        };
        self.shape.arrays.iter().map(array).collect()
    }

    /// The gradient of the last batch of a run, without noise and decay; undefined for arrays that are not
    /// trained.
    ///
    /// # Errors
    /// [`Error::Lost`](crate::Error::Lost).
    pub fn gradient(&self, run: usize) -> Result<Vec<(String, ArrayD<f32>)>> {
        let values = self.memory.read(&self.device, &self.memory.gradient, &[run])?;
        Ok(self.tensors(&values[0]))
    }

    /// The state from which a run can be resumed.
    ///
    /// # Errors
    /// [`Error::Lost`](crate::Error::Lost).
    pub fn state(&self, run: usize) -> Result<TrainingState> {
        let shape = &self.shape;
        let weights = self.weights(run)?;
        let mut tensors = weights.tensors();
        if shape.moments() > 0 {
            let moments = self.memory.read(&self.device, &self.memory.moments, &[run])?.remove(0);
            for array in shape.arrays.iter().filter(|array| array.trained) {
                let mut first = array.offset;
                for (kind, kept) in [("mean", shape.keeps_mean), ("square", shape.keeps_square)] {
                    if kept {
                        let part = moments[first..first + array.len()].to_vec();
                        let matrix = Array2::from_shape_vec((array.rows, array.columns), part)
                            .expect("as many numbers as the shape has");
                        tensors.push((format!("{kind}/{}", array.name), matrix.into_dyn()));
                        first += shape.parameters();
                    }
                }
            }
        }
        Ok(self.runs[run].course.state(tensors))
    }
}

/// The weights in the order of the kernels, and the recurrent weights transposed.
fn packed(shape: &Shape, weights: &TrainedWeights) -> Vec<f32> {
    let mut values = Vec::with_capacity(shape.weights());
    for (_, array) in weights.tensors() {
        values.extend(array.iter());
    }
    let recurrent = shape.array(concertina_model::network::Weights::RECURRENT);
    for column in 0..recurrent.columns {
        for row in 0..recurrent.rows {
            values.push(values[recurrent.offset + row * recurrent.columns + column]);
        }
    }
    values
}
