//! What drawing figures will take, before anything long begins.

use super::plan::FigurePlan;
use crate::engine::{Ahead, Pace, wall_seconds};
use crate::error::Result;
use crate::study::Study;

/// What drawing figures will take: what the store has, what is to be trained and computed, and how long that
/// takes here.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Outlook {
    /// All of it, runs that figures share counted once.
    pub total: Share,
    /// Figure by figure; a run that several share is counted with each of them.
    pub figures: Vec<(String, Share)>,
    /// On so many threads.
    pub jobs: usize,
}

/// What some runs will take.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct Share {
    /// Runs.
    pub runs: usize,
    /// Runs of which all that is asked for is in the store.
    pub loaded: usize,
    /// Runs that are to be trained, from the start or further.
    pub trained: usize,
    /// Epochs that are to be trained.
    pub epochs: u64,
    /// Analyses that are to be computed, each at one checkpoint.
    pub analyses: usize,
    /// Seconds on the clock, from a short measurement; drawing not counted.
    pub seconds: f64,
}

impl Study {
    /// Looks at what the store has of what figures need, and measures for a moment how long the rest takes:
    /// an epoch of every shape of run, and each analysis once. Trains and computes nothing that is kept.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the store cannot be read; when an analysis cannot be made of
    /// such runs.
    pub fn outlook(&self, plan: &FigurePlan) -> Result<Outlook> {
        let questions = plan.questions()?;
        let demands = plan.demands(&questions);
        for demand in &demands {
            demand.questions.iter().try_for_each(|question| question.check(demand.params))?;
        }
        let (store, settings) = (&self.context.store, &self.context.settings);
        let ahead: Vec<Ahead> =
            demands.iter().map(|demand| Ahead::of(store, settings, demand)).collect::<Result<_>>()?;
        let pace = Pace::measure(settings.jobs, &demands, &ahead)?;
        let share = |of: &dyn Fn(usize) -> bool,
                     of_question: &dyn Fn(usize, usize) -> bool|
         -> Result<Share> {
            let mut share = Share::default();
            let mut seconds = Vec::new();
            for (run, (demand, ahead)) in demands.iter().zip(&ahead).enumerate().filter(|(run, _)| of(*run)) {
                let mut ahead = ahead.clone();
                ahead.analyses.retain(|question, _| of_question(run, *question));
                share.runs += 1;
                share.loaded += usize::from(ahead.is_nothing());
                share.trained += usize::from(ahead.epochs > 0);
                share.epochs += ahead.epochs;
                share.analyses += ahead.analyses.values().sum::<usize>();
                seconds.push(pace.seconds(demand, &ahead)?);
            }
            share.seconds = wall_seconds(seconds, settings.jobs);
            Ok(share)
        };
        let mut figures = Vec::new();
        for (recipe, needed) in plan.recipes.iter().zip(&plan.needed) {
            let uses =
                |run: usize| needed.iter().any(|needed| needed.parts.iter().any(|part| part.run == run));
            let asks = |run: usize, question: usize| {
                needed.iter().any(|needed| needed.question == plan.asked[run][question])
            };
            figures.push((recipe.figure.clone(), share(&uses, &asks)?));
        }
        Ok(Outlook { total: share(&|_| true, &|_, _| true)?, figures, jobs: settings.jobs })
    }
}
