//! Judges claims: from tables to verdicts.

use std::collections::BTreeSet;

use concertina_model::params::{PARAMETERS, Params, ValidParams};
use concertina_numerics::statistics::holm;
use concertina_recipe::{
    Absent, Claim, Evidence, Judgement, PublishedTable, PublishedTables, Recipe, SIGNIFICANCE, Verdict,
    compare,
};
use concertina_table::Table;

use super::computation::Computed;
use super::contents::{
    AnalysisTime, ClaimReport, ComparedPoint, Counts, FigureReport, Made, PublishedReport, PublishedValue,
    Report, RunReport, RunsReport, TimeSpent,
};
use super::drawing::Drawn;
use super::plan::FigurePlan;
use super::words;
use crate::error::Result;
use crate::library::listing::run_label;
use crate::library::provenance;
use crate::record::{Outcome, Source};
use crate::run::Run;
use crate::study::Study;

impl Study {
    /// Judges every claim of the recipes and compares their tables with the published ones.
    ///
    /// The plan must be one [with claims](FigurePlan::with_claims). `command` is the command that repeats the
    /// report, and is shown in it.
    ///
    /// # Errors
    /// [`Error::Recipe`](crate::Error::Recipe) if a published table cannot be read, or a claim is about a
    /// column that does not exist.
    pub fn judge(
        &self,
        plan: &FigurePlan,
        computed: &Computed,
        drawn: &Drawn,
        published: &PublishedTables,
        command: &str,
    ) -> Result<Report> {
        let mut figures = Vec::with_capacity(plan.recipes.len());
        for number in 0..plan.recipes.len() {
            figures.push(Figure { plan, computed, number }.report(drawn, published)?);
        }
        let counts = correct(&mut figures);
        let failed_runs = computed.runs.iter().filter_map(Run::failure);
        let failures: Vec<String> = failed_runs
            .map(|error| error.to_string())
            .chain(computed.failures.iter().map(ToString::to_string))
            .collect();
        let open = counts.contradicted + counts.undecided + counts.disagree + counts.not_compared;
        let judged = counts.reproduced + counts.compared;
        let spent = &computed.spent;
        let analysis_time =
            |(name, (checkpoints, time)): (&&str, &(u64, std::time::Duration))| AnalysisTime {
                analysis: (*name).to_owned(),
                checkpoints: *checkpoints,
                seconds: time.as_secs_f64(),
            };
        Ok(Report {
            layout: 3,
            passed: failures.is_empty() && open == 0 && judged > 0,
            failures,
            until_decided: plan.most,
            counts,
            figures,
            spent: TimeSpent {
                runs: computed.runs.len(),
                loaded: computed.runs.iter().filter(|run| run.source() == Source::Loaded).count(),
                epochs: spent.epochs,
                training_seconds: spent.training.as_secs_f64(),
                analyses: spent.analyses.iter().map(analysis_time).collect(),
                wall_seconds: spent.wall.as_secs_f64(),
            },
            made: Made {
                when: provenance::now(),
                command: command.to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                commit: provenance::commit().map(str::to_owned),
                clean_tree: provenance::clean_tree(),
                architecture: std::env::consts::ARCH.to_owned(),
                cpu_features: provenance::cpu_features().into_iter().map(str::to_owned).collect(),
                operating_system: std::env::consts::OS.to_owned(),
                threads: self.jobs(),
            },
        })
    }
}

/// Corrects the p-values of all comparisons of a report, by Holm's method, and counts everything.
fn correct(figures: &mut [FigureReport]) -> Counts {
    let mut counts = Counts::default();
    for claim in figures.iter().flat_map(|figure| &figure.claims) {
        *match claim.verdict {
            Verdict::Reproduced => &mut counts.reproduced,
            Verdict::Contradicted => &mut counts.contradicted,
            Verdict::Undecided => &mut counts.undecided,
        } += 1;
    }
    let tables = || figures.iter().flat_map(|figure| &figure.published);
    let p: Vec<f64> =
        tables().flat_map(|table| &table.points).filter_map(|point| point.comparison.p).collect();
    let mut adjusted = holm::adjusted(&p).into_iter();
    for table in figures.iter_mut().flat_map(|figure| &mut figure.published) {
        for point in &mut table.points {
            point.adjusted_p = point.comparison.p.and_then(|_| adjusted.next());
            point.disagrees = point.adjusted_p.is_some_and(|p| p < SIGNIFICANCE);
        }
        table.compared = table.points.iter().filter(|point| point.adjusted_p.is_some()).count();
        table.disagree = table.points.iter().filter(|point| point.disagrees).count();
        table.not_compared = table.points.len() - table.compared;
        counts.compared += table.compared;
        counts.disagree += table.disagree;
        counts.not_compared += table.not_compared;
    }
    counts
}

/// A figure of a plan.
pub(super) struct Figure<'a> {
    pub(super) plan: &'a FigurePlan,
    pub(super) computed: &'a Computed,
    pub(super) number: usize,
}

impl Figure<'_> {
    pub(super) fn recipe(&self) -> &Recipe {
        &self.plan.recipes[self.number]
    }

    fn report(&self, drawn: &Drawn, published: &PublishedTables) -> Result<FigureReport> {
        let recipe = self.recipe();
        let tables = recipe.published.iter().map(|how| published.read(how.file.as_ref()));
        let tables: Vec<PublishedTable> = tables.collect::<Result<_, _>>()?;
        let claims = recipe.claims.iter().map(|claim| self.claim(claim, &tables)).collect::<Result<_>>()?;
        let mut compared = Vec::with_capacity(tables.len());
        for (how, PublishedTable { table, path }) in recipe.published.iter().zip(&tables) {
            let points = self.with_evidence(how.table.as_ref(), |ours| Ok(compare(how, ours, table)?))?;
            let point = |comparison| ComparedPoint { comparison, adjusted_p: None, disagrees: false };
            compared.push(PublishedReport {
                file: how.file.as_ref().clone(),
                quantities: how.values.keys().cloned().collect(),
                folder: path.as_ref().and_then(|path| Some(path.parent()?.display().to_string())),
                compared: 0,
                disagree: 0,
                not_compared: 0,
                points: points.into_iter().map(point).collect(),
            });
        }
        let beginning = format!("{}, ", recipe.figure);
        let of_figure = |problem: &&String| {
            problem.starts_with(&beginning) || problem.starts_with(&format!("{} ", recipe.figure))
        };
        Ok(FigureReport {
            figure: recipe.figure.clone(),
            title: recipe.title.clone(),
            source: recipe.source.clone(),
            claims,
            published: compared,
            runs: self.runs(),
            problems: drawn.problems.iter().filter(of_figure).cloned().collect(),
        })
    }

    /// Passes on what is known of a table: the runs that should be in it, and those that do not count.
    fn with_evidence<T>(&self, table: &str, look: impl FnOnce(&Evidence<'_>) -> Result<T>) -> Result<T> {
        let empty = Table::new();
        // Recipes are checked: the table exists, unless the plan was made without claims.
        let place = self.recipe().requirement_of(table).unwrap_or(usize::MAX);
        let ours = self.computed.tables(self.number).get(place).unwrap_or(&empty);
        let parts = self.plan.needed[self.number].get(place).map_or(&[][..], |needed| &needed.parts);
        let mut seeds = BTreeSet::new();
        let mut absent = Vec::new();
        for part in parts {
            let run = &self.computed.runs[part.run];
            seeds.insert(run.params().seed);
            if let Some(reason) = why_absent(run) {
                absent.push(Absent { cells: part.columns.clone(), reason });
            }
        }
        let seeds: Vec<u64> = seeds.into_iter().collect();
        look(&Evidence { table: ours, seeds: &seeds, absent: &absent })
    }

    /// The judgement of a claim, at the looks that the plan has for its table.
    pub(super) fn judgement(&self, claim: &Claim) -> Result<Judgement> {
        let place = self.recipe().requirement_of(claim.table.as_ref());
        let looks = place.map_or_else(Vec::new, |place| self.plan.looks(self.number, place));
        self.with_evidence(claim.table.as_ref(), |evidence| {
            // Rows that a claim names may be missing because a run or an analysis failed, which is reported
            // elsewhere.
            match self.computed.is_incomplete() {
                true => Ok(Judgement::from(claim.findings_at(evidence, &looks)?)),
                false => Ok(claim.judge_at(evidence, &looks)?),
            }
        })
    }

    fn claim(&self, claim: &Claim, published: &[PublishedTable]) -> Result<ClaimReport> {
        let judgement = self.judgement(claim)?;
        let mut values = Vec::new();
        // Two panels may be drawn from the same table.
        let computed = |table: &String| self.recipe().requirement_of(table);
        let same_table = self.recipe().published.iter().zip(published).find(|(how, there)| {
            computed(how.table.as_ref()) == computed(claim.table.as_ref()) && claim.applies_to(&there.table)
        });
        if let Some((_, PublishedTable { table, .. })) = same_table {
            let seeds: BTreeSet<u64> = table
                .integers("seed")?
                .into_iter()
                .flatten()
                .filter_map(|seed| seed.try_into().ok())
                .collect();
            let seeds: Vec<u64> = seeds.into_iter().collect();
            // The published table need not have every group.
            let theirs = claim.findings(&Evidence { table, seeds: &seeds, absent: &[] })?;
            let there = theirs.into_iter().filter(|finding| !finding.realisations.is_empty());
            values.extend(there.map(|finding| PublishedValue {
                group: finding.group,
                mean: finding.mean,
                realisations: finding.realisations.len(),
            }));
        }
        Ok(ClaimReport {
            name: claim.name.as_ref().clone(),
            statement: claim.statement.as_ref().clone(),
            source: claim.source.clone(),
            verdict: judgement.verdict,
            test: words::test(claim),
            power: words::power(&judgement.findings),
            findings: judgement.findings,
            published: values,
        })
    }

    fn runs(&self) -> RunsReport {
        let places: BTreeSet<usize> = self.plan.needed[self.number]
            .iter()
            .flat_map(|needed| &needed.parts)
            .map(|part| part.run)
            .collect();
        let runs: Vec<&Run> = places.into_iter().map(|place| &self.computed.runs[place]).collect();
        let varied = concertina_model::params::varied(runs.iter().map(|run| run.params()));
        let common = runs.first().map_or_else(Vec::new, |run| not_default(run.params(), &varied));
        let report = |run: &&Run| RunReport {
            key: run.key().to_string(),
            label: run_label(run.params(), &varied),
            outcome: run.outcome().name().to_owned(),
            source: run.source().name().to_owned(),
        };
        RunsReport {
            count: runs.len(),
            common,
            varied: varied.iter().map(|path| (*path).to_owned()).collect(),
            runs: runs.iter().map(report).collect(),
        }
    }
}

/// Why a run does not count.
fn why_absent(run: &Run) -> Option<String> {
    match run.outcome() {
        Outcome::Complete => None,
        Outcome::Failed { message, .. } => Some(format!("failed: {message}")),
        Outcome::Diverged(divergence) => Some(divergence.to_string()),
        outcome @ Outcome::Interrupted => Some(outcome.name().to_owned()),
    }
}

/// Parameters that differ from the defaults but do not vary.
fn not_default(params: &ValidParams, varied: &[&'static str]) -> Vec<concertina_recipe::Level> {
    let Ok(usual) = Params::default().check() else { return Vec::new() };
    PARAMETERS
        .iter()
        .filter(|parameter| {
            !varied.contains(&parameter.path) && parameter.value(params) != parameter.value(&usual)
        })
        .map(|parameter| concertina_recipe::Level {
            column: parameter.path.to_owned(),
            value: parameter.value(params).to_string(),
        })
        .collect()
}
