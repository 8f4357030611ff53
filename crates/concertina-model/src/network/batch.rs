//! A batch of trials in the layout that the loop over time uses.

use std::ops::Range;

use concertina_numerics::kernels::{Rows, RowsRef};
use ndarray::{ArrayView2, ArrayView3, Axis};

use super::Equations;
use crate::error::{Error, Result};
use crate::task::{InputsRef, MaskRef, TargetsRef, TrialsRef};

/// The trials of a batch, or of a part of one, in time-major order: all samples of a timestep are adjacent.
///
/// Which timesteps have an input, and at which the loss counts, is determined once per batch, so that no
/// products are computed for the others. Nothing is allocated after the first batch of a size.
#[derive(Debug)]
pub(crate) struct Batch {
    count: usize,
    steps: usize,
    /// Held stimuli, (samples, inputs), or timed inputs, (steps × samples, inputs).
    inputs: Rows,
    /// Number of timesteps for which the stimulus is held; `None` if there is an input at every timestep.
    hold: Option<usize>,
    /// The timesteps with a timed input that is not entirely zero.
    shown: Vec<Range<usize>>,
    /// The timesteps at which the loss counts for any sample, and their number.
    evaluated: Vec<Range<usize>>,
    evaluated_count: usize,
    /// Classes: one per sample, or one per evaluated timestep and sample.
    classes: Vec<u32>,
    /// Real targets: one row per evaluated timestep and sample.
    reals: Vec<f32>,
    outputs: usize,
    /// Whether the loss counts, for each evaluated timestep and sample. If it is empty, all count.
    counted: Vec<bool>,
}

/// What an output is compared with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TargetRef<'a> {
    Class(u32),
    Real(&'a [f32]),
}

impl<'a> TargetRef<'a> {
    /// The real numbers; `None` for a class.
    pub(crate) fn real(self) -> Option<&'a [f32]> {
        match self {
            Self::Class(_) => None,
            Self::Real(target) => Some(target),
        }
    }
}

impl Batch {
    /// A buffer for stimuli of up to `capacity` samples. For timed inputs it grows when the first are loaded.
    pub(crate) fn new(inputs: usize, capacity: usize) -> Self {
        Batch {
            count: 0,
            steps: 0,
            inputs: Rows::zeros(capacity, inputs),
            hold: None,
            shown: Vec::new(),
            evaluated: Vec::new(),
            evaluated_count: 0,
            classes: Vec::new(),
            reals: Vec::new(),
            outputs: 0,
            counted: Vec::new(),
        }
    }

    /// Loads these trials, for a network with these equations.
    ///
    /// # Errors
    /// [`Error::Lacks`] without input weights; [`Error::Shape`].
    pub(crate) fn load(&mut self, equations: &Equations, trials: TrialsRef<'_>) -> Result<()> {
        self.load_inputs(equations.steps, trials.inputs)?;
        self.load_compared(equations.steps, trials)
    }

    /// Loads only targets and mask, of trials with this many timesteps.
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub(crate) fn load_compared(&mut self, steps: usize, trials: TrialsRef<'_>) -> Result<()> {
        (self.count, self.steps) = (trials.len(), steps);
        self.load_mask(trials.mask)?;
        self.load_targets(trials.targets)
    }

    /// Loads only inputs, to be shown for this many timesteps. After their last timestep, inputs are zero.
    ///
    /// # Errors
    /// As [`Batch::load`].
    pub(crate) fn load_inputs(&mut self, steps: usize, inputs: InputsRef<'_>) -> Result<()> {
        let dimension = self.inputs.column_count();
        if dimension == 0 {
            return Err(Error::Lacks { what: "input weights" });
        }
        if inputs.shape().last() != Some(&dimension) {
            let (mut expected, found) = (inputs.shape().to_vec(), inputs.shape().to_vec());
            expected.pop();
            expected.push(dimension);
            return Err(Error::Shape { what: "inputs".to_owned(), expected, found });
        }
        (self.count, self.steps) = (inputs.len(), steps);
        self.shown.clear();
        match inputs {
            InputsRef::Held { stimuli, hold } => {
                self.reserve(self.count);
                self.hold = Some(hold);
                self.inputs.rows_mut(0..self.count).copy_from_array(stimuli);
            }
            InputsRef::Timed(inputs) => {
                self.reserve(steps * self.count);
                self.hold = None;
                self.load_timed(inputs);
            }
        }
        Ok(())
    }

    fn reserve(&mut self, rows: usize) {
        if self.inputs.row_count() < rows {
            self.inputs = Rows::zeros(rows, self.inputs.column_count());
        }
    }

    fn load_timed(&mut self, inputs: ArrayView3<'_, f32>) {
        for step in 0..self.steps.min(inputs.dim().1) {
            let at_step = inputs.index_axis(Axis(1), step);
            let rows = step * self.count..(step + 1) * self.count;
            self.inputs.rows_mut(rows).copy_from_array(at_step);
            if at_step.iter().any(|input| *input != 0.0) {
                extend(&mut self.shown, step);
            }
        }
    }

    fn load_mask(&mut self, mask: MaskRef<'_>) -> Result<()> {
        self.evaluated.clear();
        self.counted.clear();
        match mask {
            MaskRef::Last(timesteps) if timesteps > self.steps => {
                let (expected, found) = (vec![self.steps], vec![timesteps]);
                return Err(Error::Shape { what: "mask".to_owned(), expected, found });
            }
            MaskRef::Last(timesteps) => self.evaluated.push(self.steps - timesteps..self.steps),
            MaskRef::At(mask) => {
                self.check("mask", mask.dim())?;
                for (step, counted) in mask.columns().into_iter().enumerate() {
                    if counted.iter().any(|counts| *counts) {
                        extend(&mut self.evaluated, step);
                        self.counted.extend(counted);
                    }
                }
            }
        }
        self.evaluated_count = self.evaluated.iter().map(ExactSizeIterator::len).sum();
        Ok(())
    }

    fn load_targets(&mut self, targets: TargetsRef<'_>) -> Result<()> {
        self.classes.clear();
        self.reals.clear();
        match targets {
            TargetsRef::Class(labels) if labels.len() != self.count => {
                let (expected, found) = (vec![self.count], vec![labels.len()]);
                return Err(Error::Shape { what: "targets".to_owned(), expected, found });
            }
            TargetsRef::Class(labels) => self.classes.extend_from_slice(labels),
            TargetsRef::ClassAt(classes) => self.load_classes(classes)?,
            TargetsRef::Real(targets) => {
                self.check("targets", (targets.dim().0, targets.dim().1))?;
                self.outputs = targets.dim().2;
                for step in self.evaluated.iter().cloned().flatten() {
                    for target in targets.index_axis(Axis(1), step).outer_iter() {
                        self.reals.extend(target);
                    }
                }
            }
        }
        Ok(())
    }

    fn load_classes(&mut self, classes: ArrayView2<'_, u32>) -> Result<()> {
        self.check("targets", classes.dim())?;
        for step in self.evaluated.iter().cloned().flatten() {
            self.classes.extend(classes.column(step));
        }
        Ok(())
    }

    fn check(&self, what: &str, found: (usize, usize)) -> Result<()> {
        if found == (self.count, self.steps) {
            return Ok(());
        }
        let (expected, found) = (vec![self.count, self.steps], vec![found.0, found.1]);
        Err(Error::Shape { what: what.to_owned(), expected, found })
    }

    /// Number of samples.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Timesteps of the trial.
    pub(crate) fn steps(&self) -> usize {
        self.steps
    }

    /// The input at a step, (samples, inputs); `None` where nothing is shown.
    pub(crate) fn input_at(&self, step: usize) -> Option<RowsRef<'_>> {
        match self.hold {
            Some(hold) => (step < hold).then(|| self.stimulus()),
            None => self
                .shown
                .iter()
                .any(|steps| steps.contains(&step))
                .then(|| self.inputs_at(&(step..step + 1))),
        }
    }

    /// Number of timesteps for which a stimulus is held; 0 if inputs are timed.
    pub(crate) fn hold(&self) -> usize {
        self.hold.unwrap_or(0)
    }

    /// The stimuli, (samples, inputs), if they are held.
    pub(crate) fn stimulus(&self) -> RowsRef<'_> {
        self.inputs.rows(0..self.count)
    }

    /// Whether there is an input at every timestep.
    pub(crate) fn is_timed(&self) -> bool {
        self.hold.is_none()
    }

    /// The ranges of timesteps with a timed input.
    pub(crate) fn timed(&self) -> &[Range<usize>] {
        &self.shown
    }

    /// The timed inputs of some timesteps, (timesteps × samples, inputs).
    pub(crate) fn inputs_at(&self, steps: &Range<usize>) -> RowsRef<'_> {
        self.inputs.rows(steps.start * self.count..steps.end * self.count)
    }

    /// The ranges of timesteps at which the loss counts for any sample.
    pub(crate) fn evaluated(&self) -> &[Range<usize>] {
        &self.evaluated
    }

    /// Number of timesteps at which the loss counts for any sample.
    pub(crate) fn evaluated_count(&self) -> usize {
        self.evaluated_count
    }

    /// The index of a step among those at which the loss counts.
    pub(crate) fn evaluated_index(&self, step: usize) -> Option<usize> {
        let mut before = 0;
        for steps in &self.evaluated {
            if steps.contains(&step) {
                return Some(before + step - steps.start);
            }
            before += steps.len();
        }
        None
    }

    /// What the output of a sample is compared with at an evaluated timestep; `None` if its loss does not
    /// count there.
    pub(crate) fn target(&self, evaluated: usize, sample: usize) -> Option<TargetRef<'_>> {
        let at = evaluated * self.count + sample;
        if self.counted.get(at) == Some(&false) {
            return None;
        }
        if self.reals.is_empty() {
            let one_per_sample = self.classes.len() == self.count;
            return Some(TargetRef::Class(self.classes[if one_per_sample { sample } else { at }]));
        }
        Some(TargetRef::Real(&self.reals[at * self.outputs..][..self.outputs]))
    }

    /// Whether the predicted class at an evaluated timestep counts towards the accuracy. With a mask, every
    /// evaluated timestep counts; otherwise only the last.
    pub(crate) fn is_judged(&self, evaluated: usize) -> bool {
        !self.counted.is_empty() || evaluated + 1 == self.evaluated_count
    }
}

/// Appends a step to ranges of earlier steps.
fn extend(runs: &mut Vec<Range<usize>>, step: usize) {
    match runs.last_mut() {
        Some(last) if last.end == step => last.end += 1,
        _ => runs.push(step..step + 1),
    }
}
