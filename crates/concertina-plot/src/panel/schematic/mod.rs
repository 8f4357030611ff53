//! Schematics: explanatory drawings in vector shapes, with the numbers of a real table.

mod cell;
mod network;
mod settings;
mod shapes;
mod task;
mod traces;
mod trials;
mod weights;

use cell::Cell;
use concertina_table::Table;
use network::Network;
use settings::Settings;
use task::Task;
use trials::Trial;
use weights::Weights;

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
    Trial(Trial),
    Network(Box<Network>),
    Cell(Cell),
    Weights(Weights),
}

impl<'a> SchematicPanel<'a> {
    pub(crate) fn new(
        table: &Table,
        drawing: &'a Drawing,
        theme: &'a Theme,
        context: &Context<'_>,
    ) -> Result<Self> {
        let kept = rows::kept(table, drawing, context.name)?;
        let settings = Settings { table: &kept, panel: context.name };
        let what = match drawing.schematic {
            Some(Schematic::Task) => match settings.word("task.kind", "clusters")?.as_str() {
                "clusters" => What::Task(Task::new(settings, drawing, theme)?),
                kind if trials::KINDS.contains(&kind) => {
                    What::Trial(Trial::of(kind, settings, drawing, theme)?)
                }
                other => {
                    let known: Vec<&str> = ["clusters"].into_iter().chain(trials::KINDS).collect();
                    return settings.unknown("the task", other, &known);
                }
            },
            Some(Schematic::Network) => What::Network(Box::new(Network::new(settings, drawing, theme)?)),
            Some(Schematic::Cell) => What::Cell(Cell::new(settings)?),
            Some(Schematic::Weights) => What::Weights(Weights::new(settings)?),
            None => {
                return Err(Error::Panel {
                    panel: context.name.to_owned(),
                    message: "expected the kind of schematic, found none".to_owned(),
                    hint: Some("schematic = \"task\", \"network\", \"cell\" or \"weights\"".to_owned()),
                });
            }
        };
        Ok(Self { theme, title: context.title.map(Rich::parse), what, letter: context.letter })
    }

    /// The numbers in the drawing, as one row.
    pub(crate) fn data(&self) -> Result<Table> {
        match &self.what {
            What::Task(task) => task.data(),
            What::Trial(trial) => trial.data(),
            What::Network(network) => network.data(),
            What::Cell(cell) => cell.data(),
            What::Weights(weights) => weights.data(),
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
            What::Trial(trial) => trial.draw(scene, place, theme),
            What::Network(network) => network.draw(scene, place, theme),
            What::Cell(cell) => cell.draw(scene, place, theme),
            What::Weights(weights) => weights.draw(scene, place, theme),
        }
    }
}
