//! The parameters of runs as columns, from which schematics take their numbers.

use std::{borrow::Cow, collections::BTreeMap};

use concertina_model::params::{PARAMETERS, Params, Value};
use concertina_plot::Drawing;
use concertina_table::{Scalar, Table};

use crate::{Point, Requirement};

/// The table with a column for each parameter of the task and the network that has one value in all runs
/// that are drawn. A column has the whole name of its parameter, `task.delay`, so that no column of an
/// analysis has its name. `task.inputs` and `task.outputs` are the sizes that follow from the others.
pub(crate) fn with_parameters<'t>(
    table: Cow<'t, Table>,
    requirement: &Requirement,
    drawing: &Drawing,
) -> Cow<'t, Table> {
    let mut found: Option<BTreeMap<String, Option<Scalar>>> = None;
    for point in requirement.points().iter().filter(|point| is_kept(point, drawing)) {
        let Some(values) = values(point) else { continue };
        match &mut found {
            None => found = Some(values.into_iter().map(|(name, value)| (name, Some(value))).collect()),
            // What differs, or is without effect in some of the runs, has no column.
            Some(known) => {
                for (name, value) in known.iter_mut() {
                    if values.get(name) != value.as_ref() {
                        *value = None;
                    }
                }
            }
        }
    }
    let mut table = table.into_owned();
    for (name, value) in found.unwrap_or_default() {
        if let Some(value) = value.filter(|_| !table.has_column(&name)) {
            table.set_constant(&name, value);
        }
    }
    Cow::Owned(table)
}

/// The values of the parameters that have an effect; `None` for parameters that are not valid, which are
/// reported where runs are planned.
fn values(point: &Point) -> Option<BTreeMap<String, Scalar>> {
    let mut params = Params::default();
    for assignment in &point.assignments {
        params.set(&assignment.name, &assignment.text()).ok()?;
    }
    let mut values = BTreeMap::new();
    for parameter in PARAMETERS.iter().filter(|parameter| ["task", "network"].contains(&parameter.section()))
    {
        let cell = match parameter.value(&params) {
            _ if !parameter.applies(&params) => continue,
            Value::Boolean(flag) => Scalar::Boolean(flag),
            Value::Integer(number) => Scalar::Integer(i64::try_from(number).ok()?),
            Value::Real(number) => Scalar::Float(number),
            Value::Text(word) => Scalar::Text(word),
            Value::None | Value::List(_) | Value::Trials(_) => continue,
        };
        values.insert(parameter.path.to_owned(), cell);
    }
    if let Ok(valid) = params.check() {
        for (name, count) in [("task.inputs", valid.inputs()), ("task.outputs", valid.outputs())] {
            values.insert(name.to_owned(), Scalar::Integer(count as i64));
        }
    }
    Some(values)
}

/// Whether the drawing keeps the rows of these runs, as far as `keep` names values of the sweep's columns.
fn is_kept(point: &Point, drawing: &Drawing) -> bool {
    let Some(lists) = drawing.keep.lists() else { return true };
    lists.iter().all(|(column, values)| {
        let label =
            point.columns.iter().rev().find(|(name, _)| name == column).map(|(_, label)| label.clone());
        // A later assignment overrides an earlier one.
        let last = |name: &str| name.rsplit('.').next() == Some(column);
        let assigned = || {
            let found = point.assignments.iter().rev().find(|assignment| last(&assignment.name));
            found.map(crate::Assignment::text)
        };
        let Some(word) = label.or_else(assigned) else { return true };
        let key = Scalar::of_word(&word).key();
        values.iter().any(|value| value.key() == key)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Recipe;

    /// The columns of parameters that a schematic of this set of runs gets.
    fn columns(runs: &str, keep: &str) -> Vec<String> {
        let text = format!(
            "figure = \"mine\"\n[runs.all]\nseeds = [0]\n{runs}\n[[panels]]\nletter = \"a\"\nruns = \"all\"\n\
             analysis = {{ analysis = \"accuracy\" }}\n[panels.draw]\nkind = \"schematic\"\n\
             schematic = \"network\"\n{keep}\n"
        );
        let recipe = Recipe::from_toml("mine.toml", &text).unwrap_or_else(|error| panic!("{error}"));
        let requirement = recipe.requirements().remove(0);
        let table =
            Table::from_columns([("seed", concertina_table::Values::from(vec![0]))]).expect("one row");
        let table = with_parameters(Cow::Borrowed(&table), &requirement, &recipe.panels[0].draw);
        let shown = ["task.kind", "task.bits", "task.inputs", "task.outputs", "task.input_dim"];
        let shown =
            shown.into_iter().chain(["network.kind", "network.units", "network.rank", "network.gain"]);
        let cell = |name: &str| {
            table.has_column(name).then(|| format!("{name} {}", table.scalar(0, name).expect("one row")))
        };
        shown.filter_map(cell).collect()
    }

    #[test]
    fn parameters_with_one_value_become_columns() {
        let runs =
            "parameters = { task.kind = \"flip_flop\", task.bits = 2, network.rank = 3, network.units = 40 }";
        let expected = [
            "task.kind flip_flop",
            "task.bits 2",
            "task.inputs 2",
            "task.outputs 2",
            "network.kind vanilla",
            "network.units 40",
            "network.rank 3",
        ];
        assert_eq!(columns(runs, ""), expected);
    }

    #[test]
    fn a_recipe_draws_its_task_and_its_network() {
        let text = r#"
figure = "mine"
[runs.all]
seeds = [0]
parameters = { task.kind = "context", network.kind = "lstm", network.units = 30, network.gain = 1 }
"#;
        let panel = |letter: &str, what: &str| {
            format!(
                "[[panels]]\nletter = \"{letter}\"\nruns = \"all\"\nanalysis = {{ analysis = \"accuracy\" }}\n\
                 [panels.draw]\nkind = \"schematic\"\nschematic = \"{what}\"\n"
            )
        };
        let panels = [("a", "task"), ("b", "network"), ("c", "cell"), ("d", "weights")];
        let panels: String = panels.iter().map(|(letter, what)| panel(letter, what)).collect();
        let recipe = Recipe::from_toml("mine.toml", &format!("{text}{panels}"))
            .unwrap_or_else(|error| panic!("{error}"));
        let table =
            Table::from_columns([("seed", concertina_table::Values::from(vec![0]))]).expect("one row");
        let figure = recipe.draw(&concertina_plot::Theme::default(), &[table]).expect("drawn");
        let texts: Vec<String> = figure.text_boxes().into_iter().map(|one| one.text).collect();
        for text in ["Evidence 2", "35 timesteps", "30 units", "2 outputs", "ot", "30 × 30"] {
            assert!(texts.iter().any(|one| one == text), "{text}: {texts:?}");
        }
    }

    #[test]
    fn what_differs_between_runs_has_no_column_unless_one_is_kept() {
        let runs = "sweep = { network = [{ label = \"small\", network.units = 20 }, \
                    { label = \"gated\", network.kind = \"gru\", network.units = 50, network.gain = 1 }] }";
        let both = columns(runs, "");
        assert!(!both.iter().any(|column| column.starts_with("network.")), "{both:?}");
        let gated = columns(runs, "keep = { network = \"gated\" }");
        assert!(gated.contains(&"network.kind gru".to_owned()), "{gated:?}");
        assert!(gated.contains(&"network.units 50".to_owned()), "{gated:?}");
    }
}
