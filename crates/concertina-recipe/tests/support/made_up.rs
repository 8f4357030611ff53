//! Made-up tables for any recipe, based on what it needs: the columns of the analyses, with numbers of the
//! right magnitude.

use std::collections::BTreeMap;

use concertina_analysis::Analysis as _;
use concertina_model::selection::CheckpointSelection;
use concertina_numerics::random::Stream;
use concertina_recipe::{Point, Recipe, Requirement, SeedChoice};
use concertina_table::{Scalar, Table};

use super::{Rows, stream};

/// One table per requirement of the recipe.
pub fn tables(recipe: &Recipe, seeds: &SeedChoice) -> Vec<Table> {
    recipe.requirements().iter().map(|requirement| table(recipe, requirement, seeds)).collect()
}

/// A run of a requirement: its parameters, and the first columns of its rows.
struct Run {
    parameters: BTreeMap<String, Scalar>,
    columns: Vec<(String, Scalar)>,
    epochs: i64,
}

impl Run {
    fn of(requirement: &Requirement, point: &Point, seed: u64) -> Self {
        let last = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
        let parameters: BTreeMap<String, Scalar> =
            point.assignments.iter().map(|a| (last(&a.name), scalar(&a.value))).collect();
        let swept = requirement.runs.columns();
        let mut columns: Vec<(String, Scalar)> = parameters
            .iter()
            .filter(|(name, _)| swept.contains(*name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        columns
            .extend(point.columns.iter().map(|(name, label)| (name.clone(), Scalar::from(label.as_str()))));
        columns.push(("seed".to_owned(), Scalar::Integer(seed as i64)));
        let mut run = Self { parameters, columns, epochs: 0 };
        run.epochs = run.number("epochs", 12.0) as i64;
        run
    }

    fn number(&self, name: &str, otherwise: f64) -> f64 {
        self.parameters.get(name).and_then(Scalar::as_float).unwrap_or(otherwise)
    }

    fn text(&self, name: &str) -> &str {
        self.parameters.get(name).and_then(Scalar::as_text).unwrap_or_default()
    }

    fn chaotic(&self) -> f64 {
        self.number("gain", 20.0) / 250.0
    }

    /// Epoch, update and stage of the requested checkpoints.
    fn checkpoints(&self, which: &CheckpointSelection) -> Vec<(i64, i64, &'static str)> {
        let updates = (800.0 / self.number("batch", 10.0)).ceil() as i64;
        let saves = self.number("saves_per_epoch", 1.0);
        let all = (self.epochs as f64 * saves).round() as i64;
        let at = |share: f64| (share * (self.epochs * updates) as f64).round() as i64;
        let of_epoch = |epoch: &i64| (*epoch, epoch * updates);
        let found: Vec<(i64, i64)> = match which {
            CheckpointSelection::Last => vec![of_epoch(&self.epochs)],
            CheckpointSelection::First => vec![(0, 0)],
            CheckpointSelection::Ends => [0, self.epochs].iter().map(of_epoch).collect(),
            CheckpointSelection::Epochs(epochs) => {
                epochs.iter().map(|&epoch| of_epoch(&(epoch as i64))).collect()
            }
            CheckpointSelection::All | CheckpointSelection::LastOf(_) | CheckpointSelection::Every(_) => {
                let last =
                    if let CheckpointSelection::LastOf(count) = which { *count as i64 } else { all + 1 };
                let first = (all + 1 - last).max(0);
                (first..=all).map(|save| at(save as f64 / all as f64)).map(|u| (u / updates, u)).collect()
            }
        };
        let stage = |update: i64| match update {
            0 => "before",
            _ if update == self.epochs * updates => "after",
            _ => "during",
        };
        found.into_iter().map(|(epoch, update)| (epoch, update, stage(update))).collect()
    }
}

fn scalar(value: &toml::Value) -> Scalar {
    match value {
        toml::Value::Integer(value) => Scalar::Integer(*value),
        toml::Value::Float(value) => Scalar::Float(*value),
        toml::Value::Boolean(value) => Scalar::Boolean(*value),
        toml::Value::String(value) => Scalar::Text(value.clone()),
        other => Scalar::Text(other.to_string()),
    }
}

fn table(recipe: &Recipe, requirement: &Requirement, seeds: &SeedChoice) -> Table {
    let analysis = requirement.analysis.name();
    let settings = toml::Table::try_from(&requirement.analysis).expect("plain data");
    let mut all = Table::new();
    let mut index = 0;
    for point in requirement.points() {
        for seed in requirement.runs.seeds.resolve(seeds, &recipe.seeds) {
            let run = Run::of(requirement, &point, seed);
            index += 1;
            let mut rows = Rows::default();
            let mut stream = stream(10_000 + index);
            for (epoch, update, stage) in run.checkpoints(&requirement.checkpoints) {
                let learnt = 1.0 - (-6.0 * epoch as f64 / run.epochs as f64).exp();
                let mut front = run.columns.clone();
                front.push(("stage".to_owned(), stage.into()));
                front.push(("epoch".to_owned(), epoch.into()));
                front.push(("update".to_owned(), update.into()));
                observe(analysis, &settings, &run, learnt, &mut stream, &mut |cells| {
                    let mut row = front.clone();
                    row.extend(cells.iter().map(|(name, cell)| ((*name).to_owned(), cell.clone())));
                    rows.push_owned(row);
                });
            }
            all.append(&rows.table()).expect("columns of one kind");
        }
    }
    all
}

/// Receives the cells of a row.
type Push<'a> = &'a mut dyn FnMut(&[(&str, Scalar)]);

/// The rows of one checkpoint; `learnt` goes from 0 to 1 during training.
fn observe(
    analysis: &str,
    settings: &toml::Table,
    run: &Run,
    learnt: f64,
    stream: &mut Stream,
    push: Push<'_>,
) {
    let end = settings.get("extend_to").and_then(toml::Value::as_integer);
    let end = end.unwrap_or_else(|| run.number("delay", 10.0) as i64 - 1);
    let timesteps: Vec<i64> = match settings.get("timesteps") {
        Some(toml::Value::String(last)) if last == "last" => vec![end],
        Some(toml::Value::Array(list)) => list.iter().filter_map(toml::Value::as_integer).collect(),
        _ => (-1..=end).collect(),
    };
    let cap = run.number("input_dim", 200.0).min(46.0);
    match analysis {
        "effective_dimension" => {
            for t in timesteps {
                let time = (t + 1) as f64;
                let untrained =
                    cap * (1.0 + 0.3 * (1.0 - (-time * run.chaotic()).exp())) * (-0.03 * time).exp();
                let trained = 1.0 + (cap - 1.0) * (-(0.6 - 0.3 * run.chaotic()) * time).exp();
                let batch = 1.0 + run.number("batch", 10.0).ln();
                let frozen = if run.parameters.get("train_readout") == Some(&Scalar::Boolean(false)) {
                    0.3
                } else {
                    0.0
                };
                let share = learnt.powf(batch.sqrt() / (1.0 + 3.0 * run.number("gradient_noise", 0.3)));
                let share =
                    share * (1.0 - frozen) * if run.text("nonlinearity") == "linear" { 0.9 } else { 1.0 };
                let noise = 1.0 + 0.03 * stream.normal();
                let dimension = (untrained + share * (trained - untrained)) * noise;
                push(&[("timestep", t.into()), ("effective_dimension", dimension.max(1.0).into())]);
            }
        }
        "cluster_holdout" => {
            for t in timesteps {
                let up = 0.5 + 0.5 * learnt * (1.0 - (-0.5 * (t + 1) as f64).exp());
                let testing = (up + 0.03 * stream.normal()).clamp(0.2, 1.0);
                push(&[
                    ("timestep", t.into()),
                    ("training_accuracy", up.max(0.75 + 0.01 * stream.normal()).min(1.0).into()),
                    ("testing_accuracy", testing.into()),
                ]);
            }
        }
        "saturation" => {
            for t in timesteps {
                let mean = (t >= 0).then(|| 0.2 + 0.6 * (1.0 - (-0.4 * t as f64 * (0.3 + learnt)).exp()));
                push(&[
                    ("timestep", t.into()),
                    ("saturation", mean.map(|m| m + 0.01 * stream.normal()).into()),
                ]);
            }
        }
        "accuracy" => {
            let accuracy = (0.5 + 0.5 * learnt + 0.02 * stream.normal()).min(1.0);
            push(&[("accuracy", accuracy.into())]);
        }
        "loss" => {
            push(&[("loss", (0.5 * (-9.0 * learnt).exp() * (1.0 + 0.1 * stream.normal())).abs().into())])
        }
        "weight_variance" => {
            let variance = 1e-7 * (3.0 * stream.uniform()).exp() / run.number("batch", 10.0);
            push(&[("weight_variance", (learnt > 0.1).then_some(variance).into())]);
        }
        "lyapunov" => {
            for index in 1..=10_i64 {
                let exponent = 0.3 * run.chaotic() - 0.8 * learnt - 0.02 * index as f64 * (1.0 + learnt);
                push(&[("index", index.into()), ("exponent", exponent.into())]);
            }
        }
        "pca_snapshots" => snapshots(&timesteps, learnt, stream, push),
        other => panic!("no made-up table for `{other}`"),
    }
}

/// Clusters in a square that separate by class, the more, the more has been learnt.
fn snapshots(timesteps: &[i64], learnt: f64, stream: &mut Stream, push: Push<'_>) {
    let centres: Vec<(f64, f64)> =
        (0..60).map(|_| (4.0 * stream.uniform() - 2.0, 4.0 * stream.uniform() - 2.0)).collect();
    for &t in timesteps {
        let apart = 2.0 * learnt * (1.0 - (-0.3 * (t + 1) as f64).exp());
        for sample in 0..300_usize {
            let (cluster, class) = (sample % 60, (sample % 2) as i64);
            let side = if class == 0 { -apart } else { apart };
            let near = 1.0 - 0.4 * apart;
            push(&[
                ("timestep", t.into()),
                ("kind", "sample".into()),
                ("class", class.into()),
                ("pc1", (side + near * centres[cluster].0 + 0.02 * stream.normal()).into()),
                ("pc2", (near * centres[cluster].1 + 0.02 * stream.normal()).into()),
            ]);
        }
        for class in 0..if t < 0 { 0 } else { 2_i64 } {
            push(&[
                ("timestep", t.into()),
                ("kind", "readout".into()),
                ("class", class.into()),
                ("pc1", (class as f64 - 0.5).into()),
                ("pc2", 0.1.into()),
            ]);
        }
    }
}
