//! Schematics: explanatory drawings in vector shapes, with the numbers of a real table.

mod network;
mod shapes;
mod task;

use concertina_table::Table;
use network::Network;
use task::Task;

use crate::{
    Drawing, Error, Result, Theme,
    drawing::Schematic,
    panel::{Context, rows},
    rich::Rich,
    scene::{Anchor, Rect, Scene},
};

/// A schematic with its numbers, ready to be drawn.
#[derive(Debug)]
pub(crate) struct SchematicPanel<'a> {
    theme: &'a Theme,
    title: Option<Rich>,
    what: What,
    letter: bool,
}

#[derive(Debug)]
enum What {
    Task(Task),
    Network(Network),
}

impl<'a> SchematicPanel<'a> {
    pub(crate) fn new(
        table: &Table,
        drawing: &'a Drawing,
        theme: &'a Theme,
        context: &Context<'_>,
    ) -> Result<Self> {
        let kept = rows::kept(table, drawing, context.name)?;
        let what = match drawing.schematic {
            Some(Schematic::Task) => What::Task(Task::new(&kept, drawing, theme, context.name)?),
            Some(Schematic::Network) => What::Network(Network::new(&kept, drawing, theme, context.name)?),
            None => {
                return Err(Error::Panel {
                    panel: context.name.to_owned(),
                    message: "expected the kind of schematic, found none".to_owned(),
                    hint: Some("schematic = \"task\" or \"network\"".to_owned()),
                });
            }
        };
        Ok(Self { theme, title: context.title.map(Rich::parse), what, letter: context.letter })
    }

    /// The numbers in the drawing, as one row.
    pub(crate) fn data(&self) -> Result<Table> {
        match &self.what {
            What::Task(task) => task.data(),
            What::Network(network) => network.data(),
        }
    }

    pub(crate) fn draw(&self, scene: &mut Scene, outer: Rect) {
        let theme = self.theme;
        let left = if self.letter { 1.25 * theme.text.letter } else { 0.0 };
        let top = if self.title.is_some() { 1.5 * theme.text.title } else { 0.0 };
        let place =
            Rect::new(outer.left + left, outer.top + top, outer.width - left, (outer.height - top).max(1.0));
        if let Some(title) = &self.title {
            let middle = (place.left + place.width / 2.0, outer.top + theme.text.title);
            scene.text(middle, title.clone(), theme.text.title, Anchor::Middle, theme.text.colour);
        }
        match &self.what {
            What::Task(task) => task.draw(scene, place, theme),
            What::Network(network) => network.draw(scene, place, theme),
        }
    }
}

/// The largest number of things that are drawn one by one: arbitrary, more than fit on a page.
const MOST_DRAWN: usize = 1000;

/// [`count`] for things that are drawn one by one.
fn few(table: &Table, column: &str, example: &str, panel: &str) -> Result<usize> {
    match count(table, column, example, panel)? {
        found if found > MOST_DRAWN => Err(Error::Panel {
            panel: panel.to_owned(),
            message: format!("`{column}`: expected at most {MOST_DRAWN} for a schematic, found {found}"),
            hint: Some("draw the schematic of smaller runs".to_owned()),
        }),
        found => Ok(found),
    }
}

/// The value of a column that has a single value, as a count; `example` sets the column in a recipe.
fn count(table: &Table, column: &str, example: &str, panel: &str) -> Result<usize> {
    let wrong = |message: String| {
        Err(Error::Panel {
            panel: panel.to_owned(),
            message,
            hint: Some(format!("make it an axis of the sweep with one value, as in sweep = {{ {example} }}")),
        })
    };
    if !table.has_column(column) {
        return wrong(format!("expected a column `{column}` for the schematic, found none"));
    }
    let values = table.distinct(column)?;
    match values.as_slice() {
        [value] => match value.parse() {
            Ok(count) => Ok(count),
            Err(_) => wrong(format!("expected a count in column `{column}`, found `{value}`")),
        },
        several => {
            wrong(format!("expected one value of `{column}` for the schematic, found {}", several.len()))
        }
    }
}

/// `10 timesteps`, `1 timestep`.
fn counted(count: usize, one: &str, several: &str) -> String {
    let number = crate::ticks::plain(count as f64);
    format!("{number} {}", if count == 1 { one } else { several })
}
