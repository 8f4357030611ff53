//! Snapshots in the plane of the principal components.

use concertina_analysis::{PcaSnapshots, Timesteps};

use super::algebra::{Matrix, dot, length, singular, transposed};
use super::forward::rows;
use super::ledger::Ledger;
use super::{Subject, centred, close_to, rounding, squares};

/// The principal components of a cloud, including those that are only rounding.
pub(crate) struct Components {
    pub(crate) mean: Vec<f64>,
    pub(crate) centred: Matrix,
    /// Every singular value of the centred states, in decreasing order, with its direction.
    pub(crate) all: Vec<(f64, Vec<f64>)>,
    /// How many of them exceed rounding; `None` if rounding decides that.
    pub(crate) kept: Option<usize>,
}

impl Components {
    pub(crate) fn of(cloud: &Matrix) -> Self {
        let (mean, centred) = centred(cloud);
        let (samples, units) = (cloud.len() as f64, cloud[0].len() as f64);
        let all = singular(&centred);
        let whole = rounding(cloud) * (samples * units).sqrt();
        let one = rounding(cloud) * samples.max(units).sqrt();
        let spread = squares(&centred).sqrt();
        let decided = !close_to(spread, whole) && all.iter().all(|(value, _)| !close_to(*value, one));
        let more = all.iter().filter(|(value, _)| *value > one).count();
        Self { mean, centred, kept: decided.then_some(if spread > whole { more } else { 0 }), all }
    }

    /// The distance between the singular values of this component and its neighbours, divided by the largest
    /// singular value.
    fn gap(&self, component: usize) -> f64 {
        let own = self.all[component].0;
        let before = component.checked_sub(1).map_or(f64::INFINITY, |before| self.all[before].0 - own);
        let after = self.all.get(component + 1).map_or(own, |after| own - after.0);
        before.min(after) / self.all[0].0
    }
}

/// The rows of one timestep: coordinates of samples, of readouts, of the mean, and shares of the variance.
struct Rows<'a> {
    samples: &'a [Vec<Option<f64>>],
    readouts: &'a [Vec<Option<f64>>],
    mean: &'a [Option<f64>],
    ratio: &'a [Option<f64>],
}

pub(crate) fn check(subject: &Subject, ledger: &mut Ledger) {
    let count = subject.case.params.network.units.min(3);
    let (samples, extend_to) = (subject.case.samples, subject.extend_to);
    let analysis = PcaSnapshots {
        samples,
        drawn: samples,
        components: count,
        timesteps: Timesteps::All,
        extend_to,
        state: None,
    };
    let table = subject.of(&analysis);
    let columns: Vec<_> =
        (1..=count).map(|number| table.floats(&format!("pc{number}")).expect("there")).collect();
    let all: Vec<Vec<Option<f64>>> =
        (0..table.row_count()).map(|row| columns.iter().map(|column| column[row]).collect()).collect();
    let mut rest = &all[..];
    let mut before: Option<Matrix> = None;
    let per_checkpoint = subject.clouds[0].len();
    for (row, (timestep, place, cloud)) in subject.each_cloud().enumerate() {
        let network = &subject.case.checkpoints[row / per_checkpoint].1;
        let readouts = transposed(&rows(network.weights().readout.outer_iter()));
        let shown = if timestep < 0 { &[] } else { &readouts[..] };
        let (own, later) = rest.split_at(samples + shown.len() + 2);
        rest = later;
        let (of_samples, of_others) = own.split_at(samples);
        let (of_readouts, last) = of_others.split_at(shown.len());
        let found = Rows { samples: of_samples, readouts: of_readouts, mean: &last[0], ratio: &last[1] };
        if timestep < 0 {
            before = None;
        }
        let components = Components::of(cloud);
        compare(&found, &components, shown, &place, ledger);
        signs(&found, &components, before.as_ref(), &place, ledger);
        before = Some(transposed(&defined(found.samples)));
    }
    assert!(rest.is_empty(), "more rows than expected in {}", subject.case.place);
}

/// Rows with their null coordinates as zeros.
fn defined(rows: &[Vec<Option<f64>>]) -> Matrix {
    rows.iter().map(|row| row.iter().map(|entry| entry.unwrap_or(0.0)).collect()).collect()
}

fn compare(found: &Rows, components: &Components, readouts: &[Vec<f64>], place: &str, ledger: &mut Ledger) {
    let Some(kept) = components.kept else { return ledger.undecided("components, share of variance") };
    let total: f64 = components.all.iter().map(|(value, _)| value * value).sum();
    for (component, ratio) in found.ratio.iter().enumerate() {
        let expected = (component < kept).then(|| components.all[component].0.powi(2) / total);
        ledger.compare("components, share of variance", place, *ratio, expected, 1.0, 1e-13);
        if component >= kept {
            let none = |rows: &[Vec<Option<f64>>]| rows.iter().all(|row| row[component].is_none());
            let null = found.mean[component].is_none() && none(found.samples) && none(found.readouts);
            ledger
                .holds("components, null beyond rounding", place, null, || format!("component {component}"));
            continue;
        }
        let (largest, gap) = (components.all[0].0, components.gap(component));
        if gap < 1e-6 {
            ledger.undecided("components, coordinates");
            continue;
        }
        // Of a component alone only the sign is free; it is as uncertain as it is near to its neighbours.
        let direction = &components.all[component].1;
        let mut entry = |found: Option<f64>, vector: &[f64], scale: f64| {
            let (found, expected) = (found.map(f64::abs), dot(vector, direction).abs());
            ledger.compare("components, coordinates", place, found, Some(expected), scale / gap, 1e-12);
        };
        for (row, state) in found.samples.iter().zip(&components.centred) {
            entry(row[component], state, largest + length(&components.mean) * 1e-3);
        }
        for (row, readout) in found.readouts.iter().zip(readouts) {
            entry(row[component], readout, length(readout));
        }
        entry(found.mean[component], &components.mean, length(&components.mean) + largest);
    }
}

/// Checks that scores correlate with those of the previous timestep, and that at the first timestep the
/// largest entry of a component is positive.
fn signs(found: &Rows, components: &Components, before: Option<&Matrix>, place: &str, ledger: &mut Ledger) {
    let scores = transposed(&defined(found.samples));
    for (component, scores) in scores.iter().enumerate().take(components.kept.unwrap_or(0)) {
        if let Some(before) = before {
            let with = dot(scores, &before[component]);
            let rounding = -1e-12 * length(scores) * length(&before[component]);
            ledger.holds("components, signs", place, with >= rounding, || {
                format!("component {component}: {with}")
            });
            continue;
        }
        let direction = &components.all[component].1;
        let mut entries: Vec<f64> = direction.clone();
        entries.sort_by(|a, b| b.abs().total_cmp(&a.abs()));
        if components.gap(component) < 1e-6
            || entries.get(1).is_some_and(|next| next.abs() > 0.999 * entries[0].abs())
        {
            ledger.undecided("components, signs");
            continue;
        }
        let expected: Vec<f64> =
            components.centred.iter().map(|state| dot(state, direction) * entries[0].signum()).collect();
        let with = dot(scores, &expected);
        ledger.holds("components, signs", place, with > 0.0, || format!("component {component}: {with}"));
    }
}
