//! The parameters that a recipe sets and varies, checked when the recipe is read.

use concertina_model::params::Params;
use concertina_plot::syntax::{Place, SyntaxError};

use crate::{Assignment, Recipe, Result, run_set};

impl Recipe {
    /// Checks that these parameters exist, and that they may have these values, given the parameters that are
    /// set before them: first the recipe's own, then those of the set of runs, then the first values of the
    /// preceding axes. Which combinations are valid is known only when seeds and overrides are known.
    pub(crate) fn check_parameters(&self, name: &str, text: &str) -> Result<()> {
        let set = |params: &mut Params, assignments: &[Assignment], section: &[&str], key: Option<&str>| {
            for assignment in assignments {
                params.set(&assignment.name, &assignment.text()).map_err(|error| {
                    let mut path = section.to_vec();
                    path.push(key.unwrap_or(&assignment.name));
                    let (message, hint) = (error.to_string(), error.hint());
                    SyntaxError { message, place: Place::of_key(text, &path), name: name.to_owned(), hint }
                })?;
            }
            Ok::<(), SyntaxError>(())
        };
        let mut base = Params::default();
        set(&mut base, &run_set::assignments(&self.parameters), &["parameters"], None)?;
        for (runs, of_set) in &self.runs {
            let mut before = base.clone();
            let own = run_set::assignments(&of_set.parameters);
            set(&mut before, &own, &["runs", runs, "parameters"], None)?;
            for (axis, points) in of_set.axes() {
                let mut first = None;
                for point in points {
                    let mut params = before.clone();
                    set(&mut params, &point.assignments, &["runs", runs, "sweep"], Some(&axis))?;
                    first.get_or_insert(params);
                }
                before = first.unwrap_or(before);
            }
        }
        Ok(())
    }
}
