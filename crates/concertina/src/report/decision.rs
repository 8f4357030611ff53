//! Adds realisations until claims are decided.

use std::collections::BTreeSet;

use concertina_recipe::Verdict;

use super::computation::Computed;
use super::judgement::Figure;
use super::plan::FigurePlan;
use crate::error::Result;
use crate::study::Study;

/// Realisations that are about to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Round {
    /// Claims that are undecided.
    pub undecided: usize,
    /// The largest number of realisations that a claim will then have.
    pub realisations: usize,
    /// Runs that are added.
    pub runs: usize,
}

impl Study {
    /// Trains and computes what a plan with claims needs, as [`Study::compute`]. If it is to be tested
    /// [until its claims are decided](FigurePlan::until_decided), realisations are then added to the tables
    /// of undecided claims until every claim is decided or has the most realisations. [`Study::judge`] judges
    /// by a group-sequential test, whose error rate stays below its level although it looks again and again.
    /// `told` is called before realisations are added.
    ///
    /// The test is planned before its first look: the most realisations must not depend on what was seen.
    ///
    /// # Errors
    /// As [`Study::compute`] and [`Study::judge`].
    pub fn compute_until_decided(
        &self,
        plan: &mut FigurePlan,
        told: &mut dyn FnMut(&Round),
    ) -> Result<Computed> {
        let mut computed = self.compute(plan)?;
        loop {
            // What failed is reported, and more realisations would not mend it.
            if plan.most.is_none() || computed.is_incomplete() {
                return Ok(computed);
            }
            let (undecided, tables) = undecided(plan, &computed)?;
            let before = plan.runs().len();
            let mut realisations = None;
            for (recipe, requirement) in tables {
                realisations = realisations.max(plan.extend(recipe, requirement)?);
            }
            let Some(realisations) = realisations else { return Ok(computed) };
            told(&Round { undecided, realisations, runs: plan.runs().len() - before });
            let spent = computed.spent;
            computed = self.compute(plan)?;
            computed.spent.add(&spent);
        }
    }
}

/// How many claims are undecided, and their tables: recipe and requirement.
fn undecided(plan: &FigurePlan, computed: &Computed) -> Result<(usize, BTreeSet<(usize, usize)>)> {
    let (mut count, mut tables) = (0, BTreeSet::new());
    for (number, recipe) in plan.recipes().iter().enumerate() {
        let figure = Figure { plan, computed, number };
        for claim in &recipe.claims {
            if figure.judgement(claim)?.verdict == Verdict::Undecided {
                count += 1;
                tables.extend(recipe.requirement_of(claim.table.as_ref()).map(|table| (number, table)));
            }
        }
    }
    Ok((count, tables))
}
