//! Estimates what drawing figures will take, before long work begins.

use super::plan::FigurePlan;
use crate::engine::{Ahead, Pace, wall_seconds};
use crate::error::Result;
use crate::study::Study;

/// What drawing figures will take: what the store has, what is to be trained and computed, and how long that
/// takes on this machine.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Outlook {
    /// The total. Runs that figures share are counted once.
    pub total: Share,
    /// Figure by figure. A run that several figures share is counted for each of them.
    pub figures: Vec<(String, Share)>,
    /// The number of threads.
    pub jobs: usize,
}

/// What a group of runs will take.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct Share {
    /// The number of runs.
    pub runs: usize,
    /// Runs of which the store has everything that is asked for.
    pub loaded: usize,
    /// Runs that are to be trained, from the start or from a later state.
    pub trained: usize,
    /// Epochs that are to be trained.
    pub epochs: u64,
    /// Analyses that are to be computed, each at one checkpoint.
    pub analyses: usize,
    /// Wall time in seconds, estimated from a short measurement, without drawing.
    pub seconds: f64,
}

impl Study {
    /// Looks up how much of what figures need is in the store, and estimates from a short measurement how
    /// long the rest takes: it times one epoch of every shape of run, and each analysis once. Nothing that it
    /// trains or computes is kept.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the store cannot be read; also if an analysis does not apply
    /// to the runs.
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
