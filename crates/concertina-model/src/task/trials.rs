//! Trials: inputs, targets, the timesteps at which the loss counts, and conditions.

use std::borrow::Cow;
use std::ops::Range;

use ndarray::{Array2, Array3, ArrayView2, ArrayView3, Axis, s};

use crate::error::{Error, Result};

/// A type of the numbers in trials.
pub trait Number: Copy {
    /// The nearest number of the type.
    fn rounded(number: f64) -> Self;
}

impl Number for f32 {
    fn rounded(number: f64) -> Self {
        number as f32
    }
}

impl Number for f64 {
    fn rounded(number: f64) -> Self {
        number
    }
}

/// A set of trials of the same length.
#[derive(Clone, Debug, PartialEq)]
pub struct Trials<T = f32> {
    /// The inputs.
    pub inputs: Inputs<T>,
    /// What the outputs are compared with.
    pub targets: Targets<T>,
    /// The timesteps at which the outputs are compared with them.
    pub mask: Mask,
    /// The condition of each trial, a small whole number that groups trials: for the clusters, the cluster.
    pub conditions: Vec<u32>,
}

/// The inputs of trials.
#[derive(Clone, Debug, PartialEq)]
pub enum Inputs<T = f32> {
    /// One stimulus per trial, shown for the first timesteps, and nothing afterwards.
    Held {
        /// (trials, inputs).
        stimuli: Array2<T>,
        /// Number of timesteps for which they are shown.
        hold: usize,
    },
    /// An input at every timestep, (trials, timesteps, inputs).
    Timed(Array3<T>),
}

/// The targets of trials.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets<T = f32> {
    /// One class per trial.
    Class(Vec<u32>),
    /// A class at every timestep, (trials, timesteps).
    ClassAt(Array2<u32>),
    /// Real numbers at every timestep, (trials, timesteps, outputs).
    Real(Array3<T>),
}

/// The timesteps at which the loss counts.
#[derive(Clone, Debug, PartialEq)]
pub enum Mask {
    /// This many timesteps at the end of every trial.
    Last(usize),
    /// The timesteps where this is true, (trials, timesteps).
    At(Array2<bool>),
}

impl<T> Inputs<T> {
    /// Number of inputs at a timestep.
    pub fn dimension(&self) -> usize {
        match self {
            Self::Held { stimuli, .. } => stimuli.ncols(),
            Self::Timed(inputs) => inputs.dim().2,
        }
    }

    /// Number of trials.
    pub fn len(&self) -> usize {
        match self {
            Self::Held { stimuli, .. } => stimuli.nrows(),
            Self::Timed(inputs) => inputs.dim().0,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Timesteps of a trial; `None` for held stimuli, which do not determine it.
    pub fn timesteps(&self) -> Option<usize> {
        match self {
            Self::Held { .. } => None,
            Self::Timed(inputs) => Some(inputs.dim().1),
        }
    }

    /// One stimulus per trial, (trials, inputs); `None` if inputs change with time.
    pub fn stimuli(&self) -> Option<ArrayView2<'_, T>> {
        match self {
            Self::Held { stimuli, .. } => Some(stimuli.view()),
            Self::Timed(_) => None,
        }
    }

    /// Some of the trials.
    pub(crate) fn slice(&self, trials: Range<usize>) -> InputsRef<'_, T> {
        match self {
            Self::Held { stimuli, hold } => {
                InputsRef::Held { stimuli: stimuli.slice(s![trials, ..]), hold: *hold }
            }
            Self::Timed(inputs) => InputsRef::Timed(inputs.slice(s![trials, .., ..])),
        }
    }

    fn view(&self) -> InputsRef<'_, T> {
        self.slice(0..self.len())
    }
}

impl<T> Targets<T> {
    /// Whether the targets are classes, rather than real numbers.
    pub fn are_classes(&self) -> bool {
        !matches!(self, Self::Real(_))
    }

    pub(crate) fn view(&self) -> TargetsRef<'_, T> {
        match self {
            Self::Class(labels) => TargetsRef::Class(labels),
            Self::ClassAt(classes) => TargetsRef::ClassAt(classes.view()),
            Self::Real(targets) => TargetsRef::Real(targets.view()),
        }
    }
}

impl Mask {
    /// The timesteps from one on, in this many trials.
    pub(super) fn from_step(first: usize, trials: usize, timesteps: usize) -> Self {
        Self::At(Array2::from_shape_fn((trials, timesteps), |(_, timestep)| timestep >= first))
    }

    pub(crate) fn view(&self) -> MaskRef<'_> {
        match self {
            Self::Last(timesteps) => MaskRef::Last(*timesteps),
            Self::At(mask) => MaskRef::At(mask.view()),
        }
    }
}

impl<T: Clone> Trials<T> {
    /// The trials at these places, in this order. A place past the last trial panics.
    pub fn select(&self, places: &[usize]) -> Self {
        let inputs = match &self.inputs {
            Inputs::Held { stimuli, hold } => {
                Inputs::Held { stimuli: stimuli.select(Axis(0), places), hold: *hold }
            }
            Inputs::Timed(inputs) => Inputs::Timed(inputs.select(Axis(0), places)),
        };
        let targets = match &self.targets {
            Targets::Class(labels) => Targets::Class(places.iter().map(|&place| labels[place]).collect()),
            Targets::ClassAt(classes) => Targets::ClassAt(classes.select(Axis(0), places)),
            Targets::Real(targets) => Targets::Real(targets.select(Axis(0), places)),
        };
        let mask = match &self.mask {
            Mask::Last(timesteps) => Mask::Last(*timesteps),
            Mask::At(mask) => Mask::At(mask.select(Axis(0), places)),
        };
        let of = |conditions: &[u32]| places.iter().map(|&place| conditions[place]).collect();
        let conditions = if self.conditions.is_empty() { Vec::new() } else { of(&self.conditions) };
        Trials { inputs, targets, mask, conditions }
    }
}

impl<T> Trials<T> {
    /// Number of trials.
    pub fn len(&self) -> usize {
        self.inputs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// The class of each trial. If a trial has a class at every timestep, it is that of the last timestep at
    /// which the loss counts, or of the last timestep if it counts nowhere. `None` if targets are real
    /// numbers.
    pub fn labels(&self) -> Option<Cow<'_, [u32]>> {
        match &self.targets {
            Targets::Class(labels) => Some(Cow::Borrowed(labels)),
            Targets::ClassAt(classes) => {
                let last = |(trial, classes): (usize, ndarray::ArrayView1<'_, u32>)| {
                    let counted = match &self.mask {
                        Mask::Last(_) => None,
                        Mask::At(mask) => mask.row(trial).iter().rposition(|counts| *counts),
                    };
                    classes[counted.unwrap_or(classes.len() - 1)]
                };
                Some(classes.outer_iter().enumerate().map(last).collect())
            }
            Targets::Real(_) => None,
        }
    }

    /// As [`TrialsRef::check`].
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub(crate) fn check(&self) -> Result<()>
    where
        T: Copy,
    {
        self.view().check()
    }

    /// All trials, in the form that networks take.
    pub(crate) fn view(&self) -> TrialsRef<'_, T> {
        TrialsRef { inputs: self.inputs.view(), targets: self.targets.view(), mask: self.mask.view() }
    }

    /// Some of the trials.
    pub(crate) fn slice(&self, trials: Range<usize>) -> TrialsRef<'_, T>
    where
        T: Copy,
    {
        self.view().slice(trials)
    }
}

/// A view of some trials.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TrialsRef<'a, T = f32> {
    pub(crate) inputs: InputsRef<'a, T>,
    pub(crate) targets: TargetsRef<'a, T>,
    pub(crate) mask: MaskRef<'a>,
}

/// [`Inputs`] of some trials.
#[derive(Clone, Copy, Debug)]
pub(crate) enum InputsRef<'a, T = f32> {
    Held { stimuli: ArrayView2<'a, T>, hold: usize },
    Timed(ArrayView3<'a, T>),
}

/// [`Targets`] of some trials.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TargetsRef<'a, T = f32> {
    Class(&'a [u32]),
    ClassAt(ArrayView2<'a, u32>),
    Real(ArrayView3<'a, T>),
}

/// [`Mask`] of some trials.
#[derive(Clone, Copy, Debug)]
pub(crate) enum MaskRef<'a> {
    Last(usize),
    At(ArrayView2<'a, bool>),
}

impl<'a, T: Copy> InputsRef<'a, T> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Held { stimuli, .. } => stimuli.nrows(),
            Self::Timed(inputs) => inputs.dim().0,
        }
    }

    /// (trials, inputs), or (trials, timesteps, inputs).
    pub(crate) fn shape(&self) -> &[usize] {
        match self {
            Self::Held { stimuli, .. } => stimuli.shape(),
            Self::Timed(inputs) => inputs.shape(),
        }
    }

    pub(crate) fn slice(&self, trials: Range<usize>) -> InputsRef<'a, T> {
        match *self {
            Self::Held { stimuli, hold } => Self::Held { stimuli: stimuli.slice_move(s![trials, ..]), hold },
            Self::Timed(inputs) => Self::Timed(inputs.slice_move(s![trials, .., ..])),
        }
    }
}

impl<'a, T: Copy> TrialsRef<'a, T> {
    pub(crate) fn len(&self) -> usize {
        self.inputs.len()
    }

    /// Checks that there are as many targets and rows of the mask as inputs.
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub(crate) fn check(&self) -> Result<()> {
        let count = self.len();
        let targets = match self.targets {
            TargetsRef::Class(labels) => labels.len(),
            TargetsRef::ClassAt(classes) => classes.nrows(),
            TargetsRef::Real(targets) => targets.dim().0,
        };
        let mask = match self.mask {
            MaskRef::Last(_) => count,
            MaskRef::At(mask) => mask.nrows(),
        };
        for (what, found) in [("targets", targets), ("mask", mask)] {
            if found != count {
                let (expected, found) = (vec![count], vec![found]);
                return Err(Error::Shape { what: what.to_owned(), expected, found });
            }
        }
        Ok(())
    }

    /// Some of the trials.
    pub(crate) fn slice(&self, trials: Range<usize>) -> TrialsRef<'a, T> {
        let targets = match self.targets {
            TargetsRef::Class(labels) => TargetsRef::Class(&labels[trials.clone()]),
            TargetsRef::ClassAt(classes) => TargetsRef::ClassAt(classes.slice_move(s![trials.clone(), ..])),
            TargetsRef::Real(targets) => TargetsRef::Real(targets.slice_move(s![trials.clone(), .., ..])),
        };
        let mask = match self.mask {
            MaskRef::Last(timesteps) => MaskRef::Last(timesteps),
            MaskRef::At(mask) => MaskRef::At(mask.slice_move(s![trials.clone(), ..])),
        };
        TrialsRef { inputs: self.inputs.slice(trials), targets, mask }
    }

    /// The weight of a mean over these trials in a mean over more trials. It is the number of trials if all
    /// count equally, or the number of (trial, timestep) pairs at which the loss counts if there is a mask.
    pub(crate) fn weight(&self) -> usize {
        match self.mask {
            MaskRef::Last(_) => self.len(),
            MaskRef::At(mask) => mask.iter().filter(|counts| **counts).count(),
        }
    }

    /// The weight of one (trial, timestep) pair in the mean loss; 0 if none counts.
    pub(crate) fn share(&self) -> f64 {
        let pairs = match self.mask {
            MaskRef::Last(timesteps) => self.len() * timesteps,
            MaskRef::At(_) => self.weight(),
        };
        if pairs == 0 { 0.0 } else { 1.0 / pairs as f64 }
    }
}
