//! Orthogonal compression, beside the readout and beside the class means.

use concertina_analysis::{OrthogonalCompression, Reference, Timesteps};

use super::algebra::{Matrix, dot, length, singular};
use super::components::Components;
use super::forward::rows;
use super::ledger::Ledger;
use super::{Subject, centred, close_to, mean, rounding, squares};

/// A number, which may be null, and the amplification of rounding in it; `None` if rounding decides whether
/// it is null.
type Opinion = Option<(Option<f64>, f64)>;

pub(crate) fn check(subject: &Subject, ledger: &mut Ledger) {
    let readout = last_readout(subject);
    for (reference, kind) in [
        (Reference::Readout, "compression, beside the readout"),
        (Reference::ClassMeans, "compression, beside class means"),
    ] {
        let (samples, extend_to) = (subject.case.samples, subject.extend_to);
        let analysis =
            OrthogonalCompression { samples, timesteps: Timesteps::All, extend_to, reference, state: None };
        let found = subject.of(&analysis).floats("orthogonal_compression").expect("there");
        let per_checkpoint = subject.clouds[0].len();
        for ((row, (timestep, place, later)), found) in subject.each_cloud().enumerate().zip(found) {
            let earlier = &subject.clouds[0][row % per_checkpoint];
            let opinion = match reference {
                Reference::ClassMeans => beside_class_means(subject, later, earlier),
                Reference::Readout if timestep < 0 => Some((None, 1.0)),
                Reference::Readout => beside_readout(subject, later, earlier, &readout),
            };
            match opinion.filter(|(_, amplified)| *amplified < 1e9) {
                None => ledger.undecided(kind),
                Some((expected, amplified)) => {
                    let scale = expected.unwrap_or(1.0).max(1e-3) * amplified;
                    ledger.compare(kind, &place, found, expected, scale, 1e-12);
                }
            }
        }
    }
}

/// The mean readout over the checkpoints of the last epoch among them, with one row per output.
fn last_readout(subject: &Subject) -> Matrix {
    let task = &subject.case.params.task;
    let per_epoch = task.train_samples.div_ceil(subject.case.params.train.batch) as u64;
    let epoch = |update: u64| update.div_ceil(per_epoch);
    let checkpoints = &subject.case.checkpoints;
    let last = checkpoints.iter().map(|(at, _)| epoch(at.update.0)).max().expect("checkpoints");
    let of_last: Vec<Matrix> = checkpoints
        .iter()
        .filter(|(at, _)| epoch(at.update.0) == last)
        .map(|(_, network)| rows(network.weights().readout.columns()))
        .collect();
    let (outputs, units) = (of_last[0].len(), of_last[0][0].len());
    let average = |output: usize, unit: usize| {
        of_last.iter().map(|readout| readout[output][unit]).sum::<f64>() / of_last.len() as f64
    };
    (0..outputs).map(|output| (0..units).map(|unit| average(output, unit)).collect()).collect()
}

/// The coordinates of states and of a vector along the components, and how close they are to a decision of
/// rounding.
struct Along {
    states: Matrix,
    vector: Vec<f64>,
    amplified: f64,
}

fn along(cloud: &Matrix, count: usize, vector: &[f64]) -> Option<Along> {
    let components = Components::of(cloud);
    if count >= vector.len() {
        return Some(Along { states: components.centred, vector: vector.to_vec(), amplified: 1.0 });
    }
    let one = rounding(cloud) * (cloud.len().max(vector.len()) as f64).sqrt();
    let resolved = (cloud.len().max(vector.len()) as f64 * f64::EPSILON).sqrt();
    let largest = components.all.first().map_or(0.0, |(value, _)| *value);
    let threshold = one.max(resolved * largest);
    if components.all.iter().any(|(value, _)| (value / threshold).ln().abs() < 0.7) {
        return None;
    }
    let kept = components.all.iter().take(count).filter(|(value, _)| *value > threshold).count();
    let variance =
        |component: usize| components.all.get(component).map_or(0.0, |(value, _)| (value / largest).powi(2));
    let gap = if kept == 0 { 1.0 } else { variance(kept - 1) - variance(kept) };
    let directions = &components.all[..kept];
    let onto =
        |row: &[f64]| directions.iter().map(|(_, direction)| dot(row, direction)).collect::<Vec<f64>>();
    let states = components.centred.iter().map(|row| onto(row)).collect();
    let seen = onto(vector);
    let share = length(&seen) / length(vector).max(f64::MIN_POSITIVE);
    if kept > 0 && share < 1e-6 && length(vector) > 0.0 {
        return None;
    }
    let amplified = if kept == 0 { 1.0 } else { 1.0 / (gap * share.max(1e-6)) };
    Some(Along { states, vector: seen, amplified })
}

/// The lengths of rows minus their parts along orthonormal directions.
fn rest(rows: &Matrix, directions: &[Vec<f64>]) -> Vec<f64> {
    let beside = |row: &Vec<f64>| {
        let mut left = row.clone();
        for direction in directions {
            let part = dot(row, direction);
            left.iter_mut().zip(direction).for_each(|(entry, along)| *entry -= part * along);
        }
        length(&left)
    };
    rows.iter().map(beside).collect()
}

fn beside_readout(subject: &Subject, later: &Matrix, earlier: &Matrix, readout: &Matrix) -> Opinion {
    let count = subject.case.params.task.input_dim;
    let nothing = rounding(earlier) * (earlier[0].len() as f64).sqrt();
    let mut ratios = Vec::new();
    let mut amplified = 1.0_f64;
    for (output, vector) in (0_u32..).zip(readout) {
        let both = [along(later, count, vector)?, along(earlier, count, vector)?];
        let lengths = both.each_ref().map(|cloud| {
            let whole = length(&cloud.vector);
            let direction: Vec<f64> = cloud.vector.iter().map(|entry| entry / whole).collect();
            rest(&cloud.states, if whole > 0.0 { std::slice::from_ref(&direction) } else { &[] })
        });
        let own: Vec<usize> = (0..later.len())
            .filter(|sample| readout.len() == 1 || subject.samples.labels[*sample] == output)
            .collect();
        let widest = both[1].states.iter().map(|row| length(row)).fold(0.0, f64::max);
        let (ratio, by) = ratio(&own, &lengths[0], &lengths[1], nothing, widest)?;
        amplified = amplified.max(by * both[0].amplified.max(both[1].amplified));
        ratios.push(ratio);
    }
    let expected = ratios.into_iter().collect::<Option<Vec<f64>>>().and_then(|ratios| mean(&ratios));
    Some((expected, amplified))
}

/// The mean ratio over some samples, and how large a state is compared with the smallest of the earlier
/// lengths.
fn ratio(own: &[usize], later: &[f64], earlier: &[f64], nothing: f64, widest: f64) -> Opinion {
    if own.iter().any(|sample| close_to(earlier[*sample], nothing)) {
        return None;
    }
    if own.is_empty() || own.iter().any(|sample| earlier[*sample] <= nothing) {
        return Some((None, 1.0));
    }
    let least = own.iter().map(|sample| earlier[*sample]).fold(f64::INFINITY, f64::min);
    let ratios: Vec<f64> = own.iter().map(|sample| later[*sample] / earlier[*sample]).collect();
    Some((mean(&ratios), (widest / least).max(1.0)))
}

fn beside_class_means(subject: &Subject, later: &Matrix, earlier: &Matrix) -> Opinion {
    let labels = &subject.samples.labels;
    let mut classes = labels.clone();
    classes.sort_unstable();
    classes.dedup();
    if classes.len() < 2 {
        return Some((None, 1.0));
    }
    let units = later[0].len();
    let mean_of = |class: &u32| {
        let own: Vec<&Vec<f64>> =
            later.iter().zip(labels).filter(|(_, label)| *label == class).map(|(row, _)| row).collect();
        (0..units).map(|unit| own.iter().map(|row| row[unit]).sum::<f64>() / own.len() as f64).collect()
    };
    let (_, differences) = centred(&classes.iter().map(mean_of).collect());
    let apart = singular(&differences);
    let nothing = rounding(later) * (units as f64).sqrt();
    let whole = (squares(later) / later.len() as f64).sqrt();
    let resolved = classes.len().max(units) as f64 * f64::EPSILON * whole;
    // With one direction per class the last is rounding, because the differences from the mean add up to
    // zero.
    let apart = &apart[..apart.len().min(classes.len() - 1)];
    if apart
        .iter()
        .any(|(value, _)| (value / nothing).ln().abs() < 0.7 || (*value > nothing && *value < 1e3 * resolved))
    {
        return None;
    }
    let directions: Vec<Vec<f64>> =
        apart.iter().filter(|(value, _)| *value > nothing).map(|(_, direction)| direction.clone()).collect();
    let least =
        apart.iter().map(|(value, _)| *value).filter(|value| *value > nothing).fold(f64::INFINITY, f64::min);
    let widest = earlier.iter().map(|row| length(row)).fold(0.0, f64::max);
    let nothing = rounding(earlier) * (units as f64).sqrt();
    let own: Vec<usize> = (0..later.len()).collect();
    let (expected, amplified) =
        ratio(&own, &rest(later, &directions), &rest(earlier, &directions), nothing, widest)?;
    Some((expected, amplified * (whole / least).max(1.0)))
}
