//! Effective dimension, class distances, saturation and autocorrelation.

use concertina_analysis::{Autocorrelation, ClassDistances, EffectiveDimension, Saturation, Timesteps};

use super::algebra::{Matrix, dot, length, singular};
use super::forward::Runner;
use super::ledger::Ledger;
use super::{SMALLEST, Subject, centred, close_to, deviation, mean, rounding, squares};

pub(crate) fn check(subject: &Subject, ledger: &mut Ledger) {
    dimension(subject, ledger);
    distances(subject, ledger);
    saturation(subject, ledger);
    autocorrelation(subject, ledger);
}

/// Computed from the singular values of the centred states.
fn dimension(subject: &Subject, ledger: &mut Ledger) {
    const KIND: &str = "effective dimension";
    let (samples, extend_to) = (subject.case.samples, subject.extend_to);
    let table =
        subject.of(&EffectiveDimension { samples, timesteps: Timesteps::All, extend_to, state: None });
    let found = table.floats("effective_dimension").expect("there");
    for ((_, place, cloud), found) in subject.each_cloud().zip(found) {
        let (_, centred) = centred(cloud);
        let nothing = rounding(cloud).powi(2) * (cloud.len() * cloud[0].len()) as f64;
        if close_to(squares(&centred), nothing) {
            ledger.undecided(KIND);
            continue;
        }
        let expected = (squares(&centred) > nothing).then(|| {
            let variances: Vec<f64> = singular(&centred).iter().map(|(value, _)| value * value).collect();
            variances.iter().sum::<f64>().powi(2) / dot(&variances, &variances)
        });
        ledger.compare(KIND, &place, found, expected, expected.unwrap_or(1.0), 1e-12);
    }
}

fn distances(subject: &Subject, ledger: &mut Ledger) {
    let (samples, extend_to) = (subject.case.samples, subject.extend_to);
    let table = subject.of(&ClassDistances { samples, timesteps: Timesteps::All, extend_to, state: None });
    let column = |name| table.floats(name).expect("there");
    let columns = [("within_class_distance", true), ("across_class_distance", false)];
    for (name, same) in columns {
        for ((_, place, cloud), found) in subject.each_cloud().zip(column(name)) {
            let mut between = Vec::new();
            for (one, label) in subject.samples.labels.iter().enumerate() {
                for (other, second) in subject.samples.labels.iter().enumerate().skip(one + 1) {
                    if (label == second) == same {
                        let difference: Vec<f64> =
                            cloud[one].iter().zip(&cloud[other]).map(|(a, b)| a - b).collect();
                        between.push(length(&difference));
                    }
                }
            }
            let expected = mean(&between);
            ledger.compare("class distances", &place, found, expected, expected.unwrap_or(1.0), 1e-13);
        }
    }
}

fn saturation(subject: &Subject, ledger: &mut Ledger) {
    let (samples, extend_to) = (subject.case.samples, subject.extend_to);
    let table = subject.of(&Saturation { samples, timesteps: Timesteps::All, extend_to });
    let column = |name| table.floats(name).expect("there");
    let found = column("saturation").into_iter().zip(column("saturation_sd"));
    let per_checkpoint = subject.clouds[0].len();
    for ((row, (timestep, place, cloud)), (mean_found, sd_found)) in
        subject.each_cloud().enumerate().zip(found)
    {
        let runner = Runner::new(&subject.case.checkpoints[row / per_checkpoint].1, false);
        let rates: Vec<f64> = cloud.iter().flat_map(|state| runner.rates(state)).map(f64::abs).collect();
        let (mut expected, mut expected_sd) = (None, None);
        if timestep >= 0 {
            let average = rates.iter().sum::<f64>() / rates.len() as f64;
            let squares: f64 = rates.iter().map(|rate| (rate - average).powi(2)).sum();
            (expected, expected_sd) = (Some(average), Some((squares / rates.len() as f64).sqrt()));
        }
        // The rates of a leaky network are computed in f32.
        let scale = expected.unwrap_or(1.0);
        ledger.compare("saturation", &place, mean_found, expected, scale, 3e-7);
        ledger.compare("saturation", &place, sd_found, expected_sd, scale, 3e-7);
    }
}

fn autocorrelation(subject: &Subject, ledger: &mut Ledger) {
    let (samples, extend_to) = (subject.case.samples, subject.extend_to);
    let table = subject.of(&Autocorrelation { samples, timesteps: Timesteps::All, extend_to, state: None });
    let column = |name| table.floats(name).expect("there");
    let found =
        column("autocorrelation").into_iter().zip(column("autocorrelation_sd")).zip(column("samples"));
    let per_checkpoint = subject.clouds[0].len();
    for ((row, (timestep, place, cloud)), ((mean_found, sd_found), count)) in
        subject.each_cloud().enumerate().zip(found)
    {
        let first = &subject.clouds[row / per_checkpoint][1];
        let angles = if timestep < 0 { Vec::new() } else { cosines(cloud, first) };
        ledger.compare("autocorrelation", &place, mean_found, mean(&angles), 1.0, 1e-13);
        ledger.compare("autocorrelation, deviation", &place, sd_found, deviation(&angles), 1.0, 1e-7);
        ledger.compare("autocorrelation, samples", &place, count, Some(angles.len() as f64), 1.0, 0.0);
    }
}

fn cosines(cloud: &Matrix, first: &Matrix) -> Vec<f64> {
    let nothing = 8.0 * SMALLEST * (cloud[0].len() as f64).sqrt();
    let pairs =
        cloud.iter().zip(first).filter(|(state, first)| length(state) > nothing && length(first) > nothing);
    pairs.map(|(state, first)| dot(state, first) / (length(state) * length(first))).collect()
}
