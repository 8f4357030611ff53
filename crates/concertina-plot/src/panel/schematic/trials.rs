//! Trials of tasks with inputs along time: what goes into the network, and what should come out of it.

use concertina_numerics::random::{Purpose, Stream};
use concertina_table::{Table, Values};

use super::settings::Settings;
use crate::{Colour, Drawing, Result, Theme, panel::look};

/// The tasks with a schematic of their own, next to `clusters`.
pub(super) const KINDS: [&str; 6] = ["flip_flop", "integration", "context", "match", "sine", "trials"];
/// The most timesteps drawn of a trial without periods, so that its pulses can be told apart.
const MOST_TIMESTEPS: usize = 60;
/// The most lines drawn of many that are alike; three dots represent the others.
const MOST_LINES: usize = 3;
/// The random numbers of the drawings.
const PURPOSE: Purpose = Purpose::new("schematic");

/// A curve along time, with gaps where there is nothing.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Curve {
    pub(super) values: Vec<Option<f64>>,
    pub(super) colour: Colour,
    pub(super) shape: Along,
}

/// How the values of a curve are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Along {
    /// Each value is held for a timestep.
    Steps,
    /// A stick for each value that is not zero.
    Pulses,
    /// From value to value.
    Line,
}

/// A line into the network or out of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// Its name, or `None` for the dots that represent further lines.
    pub(super) name: Option<String>,
    pub(super) curves: Vec<Curve>,
}

/// A part of a trial.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Period {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) name: &'static str,
}

/// A trial of a task.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Trial {
    pub(super) kind: String,
    /// Timesteps drawn.
    pub(super) steps: usize,
    /// Timesteps of a trial, if they are known.
    pub(super) whole: Option<usize>,
    pub(super) inputs: Vec<Row>,
    pub(super) outputs: Vec<Row>,
    pub(super) periods: Vec<Period>,
    /// The timesteps in which the loss counts, if not in all.
    pub(super) counted: Option<(usize, usize)>,
    /// The numbers of the task: parameter and value.
    numbers: Vec<(&'static str, f64)>,
}

impl Trial {
    /// The trial of a task of this kind.
    pub(super) fn of(kind: &str, settings: Settings<'_>, drawing: &Drawing, theme: &Theme) -> Result<Self> {
        match kind {
            "flip_flop" => Self::flip_flop(settings, theme),
            "integration" => Self::evidence(settings, drawing, theme, false),
            "context" => Self::evidence(settings, drawing, theme, true),
            "match" => Self::matching(settings, theme),
            "sine" => Self::sine(settings, theme),
            _ => Self::from_file(settings, theme),
        }
    }

    fn flip_flop(settings: Settings<'_>, theme: &Theme) -> Result<Self> {
        let bits = settings.few("task.bits", "3")?;
        let whole = settings.count("task.timesteps", "100")?;
        let rate = settings.number("task.pulse", "0.1")?.unwrap_or(0.1);
        let steps = whole.clamp(1, MOST_TIMESTEPS);
        // About as many pulses as in a trial, but at least a few, so that the memory can be seen.
        let rate = rate.max(3.0 / steps as f64).min(0.25);
        let (mut pulses, mut states) = (Vec::new(), Vec::new());
        for bit in 0..bits.min(MOST_LINES) {
            let mut stream = Stream::new(0, PURPOSE, bit as u64);
            let mut state: Option<f64> = None;
            let (mut count, mut next) = (0, 1 + 2 * bit);
            let colour = theme.palette.categorical[bit % theme.palette.categorical.len().max(1)];
            let (mut in_line, mut out_line) = (Vec::new(), Vec::new());
            for step in 0..steps {
                let pulse = (step == next).then(|| match (count, state) {
                    // The second pulse differs from the first, so that each line shows both.
                    (1, Some(before)) => -before,
                    _ if stream.uniform() < 0.5 => -1.0,
                    _ => 1.0,
                });
                if pulse.is_some() {
                    count += 1;
                    next += 1 + ((0.5 + stream.uniform()) / rate) as usize;
                }
                state = pulse.or(state);
                in_line.push(Some(pulse.unwrap_or(0.0)));
                out_line.push(Some(state.unwrap_or(0.0)));
            }
            let name = Some(format!("Line {}", bit + 1));
            let row =
                |values, shape| Row { name: name.clone(), curves: vec![Curve { values, colour, shape }] };
            pulses.push(row(in_line, Along::Pulses));
            states.push(row(out_line, Along::Steps));
        }
        with_dots(&mut pulses, bits);
        with_dots(&mut states, bits);
        Ok(Self {
            kind: "flip_flop".to_owned(),
            steps,
            whole: Some(whole),
            inputs: pulses,
            outputs: states,
            periods: Vec::new(),
            counted: None,
            numbers: vec![("bits", bits as f64), ("timesteps", whole as f64)],
        })
    }

    /// Noisy evidence in one line, or in two with a cue.
    fn evidence(settings: Settings<'_>, drawing: &Drawing, theme: &Theme, cued: bool) -> Result<Self> {
        let stimulus = settings.few("task.stimulus", "20")?;
        let delay = settings.few("task.delay", "5")?;
        let response = settings.few("task.response", "5")?;
        let steps = stimulus + delay + response;
        let classes = class_colours(drawing, theme);
        let noisy = |stream: u64, mean: f64, colour: Colour| {
            let mut stream = Stream::new(1, PURPOSE, stream);
            let value = |step: usize| {
                let noise = 0.3 * stream.normal().clamp(-2.0, 2.0);
                Some(if step < stimulus { mean + noise } else { 0.0 })
            };
            Curve { values: (0..steps).map(value).collect(), colour, shape: Along::Line }
        };
        let answer = |value: f64, colour: Colour| {
            let at = |step: usize| (step >= stimulus + delay).then_some(value);
            Curve { values: (0..steps).map(at).collect(), colour, shape: Along::Steps }
        };
        let row = |name: &str, curves| Row { name: Some(name.to_owned()), curves };
        let (inputs, outputs) = if cued {
            let grey = theme.colour.reference;
            let cue = |value: f64, colour: Colour| {
                vec![Curve { values: vec![Some(value); steps], colour, shape: Along::Steps }]
            };
            let inputs = vec![
                row("Evidence 1", vec![noisy(0, 0.45, classes[1])]),
                row("Evidence 2", vec![noisy(1, -0.45, grey)]),
                row("Cue 1", cue(1.0, classes[1])),
                row("Cue 2", cue(0.0, grey)),
            ];
            (inputs, vec![row("Choice", vec![answer(1.0, classes[1])])])
        } else {
            let both = [(1_u64, -1.0, classes[0]), (0, 1.0, classes[1])];
            let evidence = both.map(|(stream, sign, colour)| noisy(stream, 0.45 * sign, colour)).to_vec();
            let choices = both.map(|(_, sign, colour)| answer(sign, colour)).to_vec();
            (vec![row("Evidence", evidence)], vec![row("Choice", choices)])
        };
        let periods = vec![
            Period { from: 0, to: stimulus, name: "Stimulus" },
            Period { from: stimulus, to: stimulus + delay, name: "Delay" },
            Period { from: stimulus + delay, to: steps, name: "Response" },
        ];
        Ok(Self {
            kind: if cued { "context" } else { "integration" }.to_owned(),
            steps,
            whole: Some(steps),
            inputs,
            outputs,
            periods,
            counted: Some((stimulus + delay, steps)),
            numbers: vec![
                ("stimulus", stimulus as f64),
                ("delay", delay as f64),
                ("response", response as f64),
                ("timesteps", steps as f64),
            ],
        })
    }

    fn matching(settings: Settings<'_>, theme: &Theme) -> Result<Self> {
        let stimuli = settings.few("task.stimuli", "4")?;
        let sample = settings.few("task.sample", "5")?;
        let delay = settings.few("task.delay", "5")?;
        let test = settings.few("task.test", "5")?;
        let steps = sample + delay + test;
        let shown = stimuli.min(MOST_LINES + 1);
        // The first item drawn is shown twice: they are the same.
        let line = |item: usize| {
            let colour = theme.palette.categorical[item % theme.palette.categorical.len().max(1)];
            let at = |step: usize| {
                let on = item == 1.min(shown - 1) && (step < sample || step >= sample + delay);
                Some(if on { 1.0 } else { 0.0 })
            };
            let curve = Curve { values: (0..steps).map(at).collect(), colour, shape: Along::Steps };
            Row { name: Some(format!("Item {}", item + 1)), curves: vec![curve] }
        };
        let mut inputs: Vec<Row> = (0..shown).map(line).collect();
        with_dots(&mut inputs, stimuli);
        let answer = |name: &str, value: f64, colour: Colour| {
            let at = |step: usize| (step >= sample + delay).then_some(value);
            let curve = Curve { values: (0..steps).map(at).collect(), colour, shape: Along::Steps };
            Row { name: Some(name.to_owned()), curves: vec![curve] }
        };
        Ok(Self {
            kind: "match".to_owned(),
            steps,
            whole: Some(steps),
            inputs,
            outputs: vec![
                answer("Different", 0.0, theme.colour.neutral),
                answer("Same", 1.0, theme.colour.neutral),
            ],
            periods: vec![
                Period { from: 0, to: sample, name: "Sample" },
                Period { from: sample, to: sample + delay, name: "Delay" },
                Period { from: sample + delay, to: steps, name: "Test" },
            ],
            counted: Some((sample + delay, steps)),
            numbers: vec![
                ("stimuli", stimuli as f64),
                ("sample", sample as f64),
                ("delay", delay as f64),
                ("test", test as f64),
                ("timesteps", steps as f64),
            ],
        })
    }

    fn sine(settings: Settings<'_>, theme: &Theme) -> Result<Self> {
        let frequencies = settings.count("task.frequencies", "51")?;
        let whole = settings.count("task.timesteps", "100")?;
        let steps = whole.clamp(1, 2 * MOST_TIMESTEPS);
        let last = frequencies.saturating_sub(1).max(1) as f64;
        // A low and a middle frequency, as far apart as can be seen.
        let (mut levels, mut waves) = (Vec::new(), Vec::new());
        for (share, colour) in [(0.0, 0), (0.45, 1)] {
            let colour = theme.palette.categorical[colour % theme.palette.categorical.len().max(1)];
            let condition = (share * last).round();
            let omega = 0.1 + 0.5 * condition / last;
            let level = (condition + 1.0) / frequencies.max(1) as f64 + 0.25;
            // Input lines are drawn up to 1.25, their largest value.
            let held = vec![Some(level / 1.25); steps];
            levels.push(Curve { values: held, colour, shape: Along::Steps });
            let wave = (0..steps).map(|step| Some((omega * step as f64).sin())).collect();
            waves.push(Curve { values: wave, colour, shape: Along::Line });
        }
        Ok(Self {
            kind: "sine".to_owned(),
            steps,
            whole: Some(whole),
            inputs: vec![Row { name: Some("Frequency".to_owned()), curves: levels }],
            outputs: vec![Row { name: Some("Sine".to_owned()), curves: waves }],
            periods: Vec::new(),
            counted: None,
            numbers: vec![("frequencies", frequencies as f64), ("timesteps", whole as f64)],
        })
    }

    /// Trials from a file: their numbers of inputs and outputs, as far as columns have them.
    fn from_file(settings: Settings<'_>, theme: &Theme) -> Result<Self> {
        let inputs = settings.count_if_any("task.inputs", "2")?;
        let outputs = settings.count_if_any("task.outputs", "1")?;
        let whole = settings.count_if_any("task.timesteps", "100")?;
        let steps = whole.unwrap_or(MOST_TIMESTEPS).clamp(2, 2 * MOST_TIMESTEPS);
        let rows = |name: &str, count: Option<usize>, first: u64| {
            let shown = count.unwrap_or(2).clamp(1, MOST_LINES);
            let line = |index: usize| {
                let mut stream = Stream::new(2, PURPOSE, first + index as u64);
                let mut phase = || std::f64::consts::TAU * stream.uniform();
                let (slow, fast) = (phase(), phase());
                let at = |step: usize| {
                    let share = std::f64::consts::TAU * step as f64 / steps as f64;
                    Some(0.6 * (share + slow).sin() + 0.35 * (3.0 * share + fast).sin())
                };
                let colour = theme.colour.neutral;
                let curve = Curve { values: (0..steps).map(at).collect(), colour, shape: Along::Line };
                Row { name: Some(format!("{name} {}", index + 1)), curves: vec![curve] }
            };
            let mut rows: Vec<Row> = (0..shown).map(line).collect();
            with_dots(&mut rows, count.unwrap_or(usize::MAX));
            rows
        };
        let known = [("inputs", inputs), ("outputs", outputs), ("timesteps", whole)];
        let numbers = known.into_iter().filter_map(|(name, count)| Some((name, count? as f64)));
        Ok(Self {
            kind: "trials".to_owned(),
            steps,
            whole,
            inputs: rows("Input", inputs, 0),
            outputs: rows("Target", outputs, 100),
            periods: Vec::new(),
            counted: None,
            numbers: numbers.collect(),
        })
    }

    /// The numbers in the drawing, as one row.
    pub(super) fn data(&self) -> Result<Table> {
        let kind = ("task", Values::from(vec![self.kind.as_str()]));
        let number = |&(name, value): &(&'static str, f64)| (name, Values::Integer(vec![Some(value as i64)]));
        Ok(Table::from_columns([kind].into_iter().chain(self.numbers.iter().map(number)))?)
    }
}

/// Puts dots before the last line, if there are more lines than are drawn. The last one gets the last number.
fn with_dots(rows: &mut Vec<Row>, count: usize) {
    if count <= rows.len() {
        return;
    }
    if let Some(mut last) = rows.pop() {
        let number = if count == usize::MAX { "*n*".to_owned() } else { count.to_string() };
        last.name = last.name.map(|name| match name.rsplit_once(' ') {
            Some((what, _)) => format!("{what} {number}"),
            None => name,
        });
        rows.push(Row { name: None, curves: Vec::new() });
        rows.push(last);
    }
}

/// The colours of the two classes.
fn class_colours(drawing: &Drawing, theme: &Theme) -> [Colour; 2] {
    let coloured = Drawing { hue: Some("class".to_owned()), ..drawing.clone() };
    let classes = ["0", "1"].map(|class| Some(class.to_owned()));
    let colours = look::colours(theme, &coloured, &classes, None);
    [colours.first().copied(), colours.get(1).copied()].map(|colour| colour.unwrap_or(theme.colour.neutral))
}
