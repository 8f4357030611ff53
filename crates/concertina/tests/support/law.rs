//! Whether runs on a GPU agree in law with runs on the CPU: Figure 2's effective dimensions and accuracies.

use std::collections::BTreeMap;
use std::path::Path;

use concertina::model::params::{Params, Sweep};
use concertina::prelude::*;
use concertina_numerics::statistics::welch;

/// Realisations of each gain.
const SEEDS: u64 = 10;
/// The probability that an agreement in law is not recognised, over all comparisons.
const LEVEL: f64 = 0.01;

/// The values over the realisations, by gain, epoch, timestep and measure.
type Values = BTreeMap<(String, i64, Option<i64>, &'static str), Vec<f64>>;

fn measured(folder: &Path, device: DeviceChoice, params: &Params) -> Values {
    let sweep = Sweep::of(params.clone()).gain([20.0, 250.0]).seeds(0..SEEDS).check().expect("valid");
    let study = Study::builder(folder).device(device).open().expect("a store");
    let mut values = Values::new();
    let dimension = AnalysisSpec::from(EffectiveDimension { samples: 200, ..Default::default() });
    let accuracy = AnalysisSpec::from(Accuracy { samples: 200 });
    for (measure, question) in [("effective_dimension", dimension), ("accuracy", accuracy)] {
        let table = study.analyse(&sweep, &question, &CheckpointSelection::Ends).expect("analysed").table;
        for row in 0..table.row_count() {
            let cell = |name: &str| table.scalar(row, name);
            let gain = format!("{:?}", cell("gain").expect("a column"));
            let epoch = cell("epoch").expect("a column").as_integer().expect("an epoch");
            let timestep = cell("timestep").ok().and_then(|cell| cell.as_integer());
            let value = cell(measure).expect("a column").as_float().expect("a number");
            values.entry((gain, epoch, timestep, measure)).or_default().push(value);
        }
    }
    values
}

/// Trains on both devices, and compares every measure by Welch's test, corrected for their number.
pub(crate) fn agrees_in_law(params: &Params) {
    let folder = super::support::in_memory();
    let on_gpu = measured(&folder.path().join("gpu"), DeviceChoice::Gpu(None), params);
    let on_cpu = measured(&folder.path().join("cpu"), DeviceChoice::Cpu, params);
    assert_eq!(on_gpu.keys().collect::<Vec<_>>(), on_cpu.keys().collect::<Vec<_>>());
    let p_value = |a: &[f64], b: &[f64]| welch::p_value(a, b, 1e-3).expect("ten numbers each");
    let least = LEVEL / on_cpu.len() as f64;
    let mut trained = 0;
    for (which, expected) in &on_cpu {
        assert_eq!(expected.len() as u64, SEEDS);
        let p = p_value(expected, &on_gpu[which]);
        assert!(p > least, "{which:?}: p = {p:.1e}, {expected:?} and {:?}", on_gpu[which]);
        // training changes some of them by more than the test lets pass
        let before = (which.0.clone(), 0, which.2, which.3);
        trained += usize::from(p_value(&on_cpu[&before], &on_gpu[which]) < least);
    }
    assert!(trained > 0, "the test would not find a difference");
}
