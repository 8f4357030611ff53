//! `concertina reproduce`

use concertina::recipe::{Finding, PublishedTables, Verdict};
use concertina::{Error, FigurePlan, Report, Round, WorkPlan, all_recipes, recipes, shell_word};

use super::figures::{asked_seeds, begin, conclude_all};
use crate::arguments::{Everywhere, Reproduce};
use crate::output::{Failure, print, say};

pub(crate) fn run(everywhere: &Everywhere, reproduce: &Reproduce) -> Result<(), Failure> {
    let Reproduce { reference, json, drawing, .. } = reproduce;
    let published = match reference {
        Some(folder) => PublishedTables::in_folder(folder.clone()).map_err(Error::from)?,
        None => PublishedTables::shipped(),
    };
    let mut plan = figure_plan(reproduce)?;
    // A table that cannot be read is reported before hours of training.
    for how in plan.recipes().iter().flat_map(|recipe| &recipe.published) {
        published.read(how.file.as_ref()).map_err(Error::from)?;
    }
    let Some((study, progress)) = begin(everywhere, drawing, &plan)? else { return Ok(()) };
    let computed = study.compute_until_decided(&mut plan, &mut |round| {
        if !everywhere.quiet {
            say(&tell(round));
        }
    });
    let drawn = computed.and_then(|computed| Ok((study.draw(&plan, &computed, &drawing.out)?, computed)));
    progress.finish();
    let (drawn, computed) = drawn?;
    let report = study.judge(&plan, &computed, &drawn, &published, &command())?;
    let paths = report.write(&drawn, &drawing.out)?;
    match json {
        true => print(report.to_json().as_bytes())?,
        false => print(lines(&report).as_bytes())?,
    }
    if !everywhere.quiet {
        for path in paths {
            say(&path.display().to_string());
        }
    }
    for problem in &drawn.problems {
        say(&format!("warning: {problem}"));
    }
    conclude_all(computed, everywhere.quiet)?;
    match (report.passed, report.is_contradicted()) {
        (true, _) => Ok(()),
        (false, true) => Err(Failure::Contradicted(report.counts)),
        (false, false) => Err(Failure::Undecided(report.counts)),
    }
}

/// The figures and claims that are asked for.
fn figure_plan(reproduce: &Reproduce) -> Result<FigurePlan, Failure> {
    let Reproduce { figures, all, until_decided, most, drawing, .. } = reproduce;
    let wanted = match all {
        true => all_recipes()?,
        false => recipes(figures.iter().map(String::as_str))?,
    };
    let set = drawing.set.iter().map(String::as_str);
    let plan = FigurePlan::with_claims(wanted, &asked_seeds(drawing)?, set)?;
    let plan = if *until_decided { plan.until_decided(*most)? } else { plan };
    Ok(plan.with_theme(drawing.size.theme()))
}

/// What the command would train and compute.
pub(super) fn planned(reproduce: &Reproduce) -> Result<WorkPlan, Failure> {
    Ok(WorkPlan::of_figures(&figure_plan(reproduce)?, reproduce.drawing.training.keep())?)
}

/// Realisations that are about to be added: `2 claims are undecided: 6 runs more, 8 realisations`.
fn tell(round: &Round) -> String {
    let claims = if round.undecided == 1 { "claim is" } else { "claims are" };
    let plural = if round.runs == 1 { "" } else { "s" };
    format!(
        "{} {claims} undecided: adding {} run{plural}, up to {} realisations",
        round.undecided, round.runs, round.realisations
    )
}

/// The command as it was typed, so that it can be repeated.
fn command() -> String {
    let words = std::env::args_os().skip(1).map(|word| shell_word(&word.to_string_lossy()));
    // The environment variables are part of it.
    let named = ["CONCERTINA_STORE", "CONCERTINA_REFERENCE"].into_iter().filter_map(|name| {
        let value = std::env::var(name).ok()?;
        Some(format!("{name}={}", shell_word(&value)))
    });
    named.chain(std::iter::once("concertina".to_owned())).chain(words).collect::<Vec<_>>().join(" ")
}

/// One line per claim, one line per published table, and what was too little to decide a claim.
fn lines(report: &Report) -> String {
    let mut rows: Vec<[String; 4]> = Vec::new();
    // What the tests of undecided claims could have found.
    let mut powers: Vec<(String, String, String)> = Vec::new();
    for figure in &report.figures {
        for claim in &figure.claims {
            let verdict = match claim.verdict {
                Verdict::Reproduced => "reproduced",
                Verdict::Contradicted => "CONTRADICTED",
                Verdict::Undecided => "undecided",
            };
            // Of several groups, the one that decided the verdict.
            let decided = claim.findings.iter().filter(|finding| finding.verdict == claim.verdict);
            // The evidence against a claim that is contradicted, and otherwise for it.
            let against = claim.verdict == Verdict::Contradicted;
            let p_of = |finding: &Finding| if against { finding.p_opposite } else { finding.p };
            let decided = decided.max_by(|a, b| {
                let order = p_of(a).unwrap_or(0.0).total_cmp(&p_of(b).unwrap_or(0.0));
                if against { order.reverse() } else { order }
            });
            let numbers = decided.map_or(String::new(), |finding| {
                let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
                let group: Vec<String> =
                    finding.group.iter().map(|level| format!("{} {}", level.column, level.value)).collect();
                let group = if group.is_empty() { String::new() } else { format!(" ({})", group.join(", ")) };
                let p = p_of(finding).map_or(String::new(), |p| match p < 1e-3 {
                    true => ", p < 0.001".to_owned(),
                    false => format!(", p = {p:.3}"),
                });
                format!(
                    "{} [{}, {}]{p}{group}",
                    number(finding.mean),
                    number(finding.low),
                    number(finding.high)
                )
            });
            let most = claim.findings.iter().map(|finding| finding.left_out.len()).max().unwrap_or(0);
            let left_out =
                if most > 0 { format!("; up to {most} realisations left out") } else { String::new() };
            let numbers = format!("{numbers}{left_out}");
            if claim.verdict == Verdict::Undecided {
                powers.extend(
                    claim
                        .power
                        .iter()
                        .map(|power| (figure.figure.clone(), claim.name.clone(), power.clone())),
                );
            }
            rows.push([figure.figure.clone(), claim.name.clone(), verdict.to_owned(), numbers]);
        }
        for table in &figure.published {
            let verdict = match (table.disagree, table.not_compared) {
                (0, 0) => "agrees",
                (0, _) => "undecided",
                _ => "DISAGREES",
            };
            let mut numbers = format!("{} of {} points disagree", table.disagree, table.compared);
            if table.not_compared > 0 {
                numbers.push_str(&format!(", {} with too few realisations", table.not_compared));
            }
            let name = format!("{} ({})", table.file, table.quantities.join(", "));
            rows.push([figure.figure.clone(), name, verdict.to_owned(), numbers]);
        }
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let mut text = String::new();
    for [figure, name, verdict, numbers] in &rows {
        let line =
            format!("{figure:0$}  {name:1$}  {verdict:2$}  {numbers}", widths[0], widths[1], widths[2]);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    for (figure, claim, power) in powers {
        text.push_str(&format!("{figure}, {claim}: {power}\n"));
    }
    text
}
