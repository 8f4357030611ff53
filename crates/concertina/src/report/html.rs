//! The report as a page: one self-contained file, for screens, phones and paper.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use concertina_recipe::{Finding, Level, Recipe, Verdict};

use super::contents::{ClaimReport, ComparedPoint, FigureReport, PublishedReport, Report, RunsReport};
use super::drawing::{Drawn, DrawnFigure};
use crate::cite::bibliography;
use crate::error::{Error, Result};

const STYLE: &str = include_str!("style.css");

/// How many points of a published table are shown beside its counts: those that differ most. All are in
/// `report.json`. The number is arbitrary.
const SHOWN_POINTS: usize = 8;

impl Report {
    /// Writes `report.json` and `report.html`, which includes the figures, into a folder. Returns their
    /// paths.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn write(&self, drawn: &Drawn, folder: impl AsRef<Path>) -> Result<[PathBuf; 2]> {
        let folder = folder.as_ref();
        let write = |name: &str, text: String| -> Result<PathBuf> {
            let path = folder.join(name);
            let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, text));
            written.map_err(|source| Error::Write { source, path: path.clone() })?;
            Ok(path)
        };
        Ok([write("report.json", self.to_json())?, write("report.html", self.to_html(drawn))?])
    }

    /// The report as a self-contained page of HTML that includes the drawn figures.
    pub fn to_html(&self, drawn: &Drawn) -> String {
        let mut page = Page::default();
        page.head(self);
        for (number, figure) in self.figures.iter().enumerate() {
            let svg = drawn.figures.iter().find(|one| one.name == figure.figure).and_then(DrawnFigure::svg);
            page.figure(number, figure, svg);
        }
        page.end(self);
        page.0
    }
}

/// Text that is being written. Writing to it cannot fail.
#[derive(Default)]
struct Page(String);

macro_rules! put {
    ($page:expr, $($text:tt)*) => {{
        let _ = writeln!($page.0, $($text)*);
    }};
}

impl Page {
    fn head(&mut self, report: &Report) {
        let counts = &report.counts;
        put!(self, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">");
        put!(self, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
        put!(self, "<title>Reproduction report</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>");
        put!(self, "<h1>Was the paper reproduced?</h1>");
        put!(
            self,
            "<p class=\"soft\">Farrell, Recanatesi, Moore, Lajoie and Shea-Brown, <cite>Gradient-based learning drives robust \
             representations in recurrent neural networks by balancing compression and expansion</cite>, Nature Machine Intelligence \
             4, 564–573 (2022)</p>"
        );
        let (class, answer) = match (report.passed, report.is_contradicted()) {
            (true, _) => {
                ("reproduced", "✓ Yes: every claim is reproduced, and no published table disagrees.")
            }
            (false, false) => {
                ("undecided", "– Open: there are not enough realisations to decide everything.")
            }
            (false, true) => ("contradicted", "✗ Not entirely."),
        };
        put!(self, "<p class=\"lead {class}\"><strong>{answer}</strong></p>");
        put!(
            self,
            "<p>{} claims: {} reproduced, {} contradicted, {} undecided. {} points of published tables compared: {} \
             disagree{}.</p>",
            counts.reproduced + counts.contradicted + counts.undecided,
            counts.reproduced,
            counts.contradicted,
            counts.undecided,
            counts.compared,
            counts.disagree,
            if counts.not_compared > 0 {
                format!("; {} more have too few realisations to compare", counts.not_compared)
            } else {
                String::new()
            }
        );
        put!(
            self,
            "<p class=\"soft\">Made on {} by Concertina {}. A claim is judged over realisations, separately in every group. It is reproduced if there is evidence for it \
             in every group, p &lt; 0.05, and contradicted if there is evidence for the opposite in one of them, p &lt; 0.05 divided by the \
             number of groups. Otherwise it is undecided: the realisations are too few to say. {} Intervals are of the \
             mean, 95%, by Student's t. A point of a published table disagrees if the means over realisations differ by more than the joint sampling \
             error: Welch's test, p-values corrected by Holm's method over all points of this report.</p>",
            escaped(&report.made.when),
            escaped(&report.made.version),
            report.until_decided.map_or(String::new(), |most| format!(
                "Realisations were added to undecided claims, up to {most}, and tested by a group-sequential test, whose p-values \
                 are valid in spite of the repeated looks. Intervals and effect sizes do not take these looks into account."
            ))
        );
        for failure in &report.failures {
            put!(self, "<p class=\"contradicted\">✗ {}</p>", escaped(failure));
        }
        put!(self, "<nav aria-label=\"Figures\"><ul>");
        for figure in &report.figures {
            put!(self, "<li><a href=\"#{0}\">{0}</a></li>", escaped(&figure.figure));
        }
        put!(
            self,
            "<li><a href=\"#made\">Time, versions, how to repeat</a></li></ul></nav>\n</header>\n<main>"
        );
    }

    fn figure(&mut self, number: usize, figure: &FigureReport, svg: Option<&str>) {
        let name = escaped(&figure.figure);
        put!(self, "<section>\n<h2 id=\"{name}\">{name}: {}</h2>", escaped(&figure.title));
        if let Some(source) = &figure.source {
            put!(self, "<p class=\"soft\">{}</p>", escaped(source));
        }
        match svg {
            Some(svg) => put!(
                self,
                "<figure role=\"img\" aria-label=\"{name}: {}\">{}</figure>",
                escaped(&figure.title),
                apart(svg, &format!("f{number}-"))
            ),
            None => put!(self, "<p>The figure is not drawn: some of what it shows failed.</p>"),
        }
        for problem in &figure.problems {
            put!(self, "<p class=\"soft\">{}</p>", escaped(problem));
        }
        if !figure.claims.is_empty() {
            put!(self, "<h3>Claims</h3>");
        }
        figure.claims.iter().for_each(|claim| self.claim(claim));
        if !figure.published.is_empty() {
            put!(self, "<h3>Comparison with the published code</h3>");
        }
        figure.published.iter().for_each(|table| self.published(table));
        self.runs(&figure.runs);
        put!(self, "</section>");
    }

    fn claim(&mut self, claim: &ClaimReport) {
        let (class, sign, words) = spoken(claim.verdict);
        put!(self, "<div class=\"claim is-{class}\">\n<p>{}</p>", escaped(&claim.statement));
        put!(self, "<p><span class=\"verdict {class}\">{sign} {words}</span></p>");
        let detail = claim.source.detail.as_ref().map_or(String::new(), |detail| format!(": {detail}"));
        let from = claim.source.from.words();
        put!(self, "<p class=\"soft\"><small>Source: {}</small></p>", escaped(&format!("{from}{detail}")));
        put!(self, "<p class=\"soft\"><small>{}</small></p>", escaped(&claim.test));
        if let Some(power) = &claim.power {
            put!(self, "<p class=\"soft\"><small>{}</small></p>", escaped(power));
        }
        put!(self, "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>");
        let grouped = claim.findings.iter().any(|finding| !finding.group.is_empty());
        if grouped {
            put!(self, "<th>Group</th>");
        }
        for head in ["Mean", "95% interval", "Effect size", "p", "n"] {
            put!(self, "<th class=\"number\">{head}</th>");
        }
        if !claim.published.is_empty() {
            put!(self, "<th class=\"number\">Published code</th>");
        }
        put!(self, "<th>Verdict</th></tr></thead><tbody>");
        for finding in &claim.findings {
            put!(self, "<tr>");
            if grouped {
                put!(self, "<td>{}</td>", escaped(&levels(&finding.group)));
            }
            self.finding(claim, finding);
            put!(self, "</tr>");
        }
        put!(self, "</tbody></table></div>\n</div>");
    }

    fn finding(&mut self, claim: &ClaimReport, finding: &Finding) {
        let interval = match (finding.low, finding.high) {
            (Some(low), Some(high)) => format!("{} to {}", number(low), number(high)),
            _ => "–".to_owned(),
        };
        // Of a contradicted group, the evidence against the claim.
        let p = match finding.verdict {
            Verdict::Contradicted => finding.p_opposite,
            _ => finding.p,
        };
        let p = p.map_or("–".to_owned(), |p| match p < 1e-3 {
            true => "&lt; 0.001".to_owned(),
            false => format!("{p:.3}"),
        });
        let effect = finding.effect_size.map_or("–".to_owned(), number);
        let mean = finding.mean.map_or("–".to_owned(), number);
        for cell in [mean, interval, effect, p, finding.realisations.len().to_string()] {
            put!(self, "<td class=\"number\">{cell}</td>");
        }
        if !claim.published.is_empty() {
            let theirs = claim.published.iter().find(|value| value.group == finding.group);
            let mean = theirs.and_then(|value| value.mean).map_or("–".to_owned(), number);
            put!(self, "<td class=\"number\">{mean}</td>");
        }
        let (class, sign, words) = spoken(finding.verdict);
        let mut left_out: Vec<String> =
            finding.left_out.iter().map(|one| format!("seed {}: {}", one.seed, one.reason)).collect();
        left_out.truncate(SHOWN_POINTS);
        let left_out = match finding.left_out.len() {
            0 => String::new(),
            count => format!("; {count} left out ({})", left_out.join("; ")),
        };
        put!(self, "<td><span class=\"{class}\">{sign} {words}</span>{}</td>", escaped(&left_out));
    }

    fn published(&mut self, table: &PublishedReport) {
        let folder = table.folder.as_ref().map_or(String::new(), |folder| format!(" in {folder}"));
        let not_compared = match table.not_compared {
            0 => String::new(),
            count => format!("; {count} with too few realisations"),
        };
        let (class, sign) = match (table.disagree, table.not_compared) {
            (0, 0) => ("reproduced", "✓"),
            (0, _) => ("undecided", "–"),
            _ => ("contradicted", "✗"),
        };
        put!(
            self,
            "<p><code>{}{}</code>, {}: <span class=\"{class}\">{sign} {} of {} points disagree{not_compared}</span></p>",
            escaped(&table.file),
            escaped(&folder),
            escaped(&table.quantities.join(", ")),
            table.disagree,
            table.compared
        );
        let mut worst: Vec<&ComparedPoint> =
            table.points.iter().filter(|point| point.comparison.p.is_some()).collect();
        worst.sort_by(|a, b| f64::total_cmp(&a.comparison.p.unwrap_or(1.0), &b.comparison.p.unwrap_or(1.0)));
        worst.truncate(SHOWN_POINTS);
        if worst.is_empty() {
            return;
        }
        put!(
            self,
            "<details><summary>The points that differ most</summary><div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th>Point</th>"
        );
        for head in ["Here", "sd", "n", "Published", "sd", "n", "p", "corrected"] {
            put!(self, "<th class=\"number\">{head}</th>");
        }
        put!(self, "</tr></thead><tbody>");
        for ComparedPoint { comparison, adjusted_p, disagrees } in worst {
            let mark = if *disagrees { " ✗" } else { "" };
            put!(
                self,
                "<tr><td>{}, {}{mark}</td>",
                escaped(&comparison.quantity),
                escaped(&levels(&comparison.point))
            );
            for moments in [&comparison.ours, &comparison.published] {
                for value in [moments.mean, moments.standard_deviation] {
                    put!(self, "<td class=\"number\">{}</td>", value.map_or("–".to_owned(), number));
                }
                put!(self, "<td class=\"number\">{}</td>", moments.realisations);
            }
            for p in [&comparison.p, adjusted_p] {
                put!(self, "<td class=\"number\">{}</td>", p.map_or("–".to_owned(), number));
            }
            put!(self, "</tr>");
        }
        put!(self, "</tbody></table></div></details>");
    }

    fn runs(&mut self, runs: &RunsReport) {
        put!(self, "<details><summary>Its {} runs and their parameters</summary>", runs.count);
        let common: Vec<String> =
            runs.common.iter().map(|level| format!("{} = {}", level.column, level.value)).collect();
        let common = if common.is_empty() { "the defaults".to_owned() } else { common.join(", ") };
        put!(
            self,
            "<p>In all of them: {}; everything else has the paper's defaults.</p>",
            escaped(&common.replace('`', ""))
        );
        put!(
            self,
            "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th>Run</th><th>Key</th><th>Outcome</th><th>Source</th></tr></thead><tbody>"
        );
        for run in &runs.runs {
            let key: String = run.key.chars().take(12).collect();
            put!(
                self,
                "<tr><td>{}</td><td><code>{key}</code></td><td>{}</td><td>{}</td></tr>",
                escaped(&run.label),
                escaped(&run.outcome),
                escaped(&run.source)
            );
        }
        put!(self, "</tbody></table></div></details>");
    }

    fn end(&mut self, report: &Report) {
        let (spent, made) = (&report.spent, &report.made);
        put!(
            self,
            "<section>\n<h2 id=\"made\">Time, versions, how to repeat</h2>\n<h3>Where the time went</h3>"
        );
        put!(
            self,
            "<p>{} runs, {} of them loaded from the store; {} epochs trained. {} s of wall time on {} threads.</p>",
            spent.runs,
            spent.loaded,
            spent.epochs,
            number(spent.wall_seconds),
            made.threads
        );
        put!(
            self,
            "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th>What</th><th class=\"number\">Checkpoints</th><th class=\"number\">Seconds, all threads</th></tr></thead><tbody>"
        );
        put!(
            self,
            "<tr><td>training</td><td class=\"number\"></td><td class=\"number\">{}</td></tr>",
            number(spent.training_seconds)
        );
        for time in &spent.analyses {
            put!(
                self,
                "<tr><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td></tr>",
                escaped(&time.analysis),
                time.checkpoints,
                number(time.seconds)
            );
        }
        put!(self, "</tbody></table></div>\n<h3>Versions</h3>");
        let features = if made.cpu_features.is_empty() {
            String::new()
        } else {
            format!(" with {}", made.cpu_features.join(", "))
        };
        put!(
            self,
            "<p>Concertina {}, {}{} on {}.</p>",
            escaped(&made.version),
            escaped(&made.architecture),
            escaped(&features),
            escaped(&made.operating_system)
        );
        put!(self, "<h3>How to repeat</h3>\n<pre>{}</pre>", escaped(&made.command));
        put!(
            self,
            "<p>The same command gives the same numbers, bit-for-bit, on the same kind of processor. Runs and analyses in the store are loaded; an empty store is filled again. <code>report.json</code> has every number of this page and more.</p>"
        );
        // A user's own recipes have no references here.
        let names = report.figures.iter().map(|figure| figure.figure.as_str());
        let names: Vec<&str> = names.filter(|name| Recipe::shipped(name).is_ok()).collect();
        if let Ok(references) = bibliography(names) {
            put!(
                self,
                "<h3>What to cite</h3>\n<details><summary>BibTeX</summary><pre>{}</pre></details>",
                escaped(references.trim_end())
            );
        }
        put!(self, "</section>\n</main>\n</body>\n</html>");
    }
}

/// The class, the sign and the words of a verdict, so that its meaning does not depend on colour alone.
fn spoken(verdict: Verdict) -> (&'static str, &'static str, &'static str) {
    match verdict {
        Verdict::Reproduced => ("reproduced", "✓", "reproduced"),
        Verdict::Contradicted => ("contradicted", "✗", "contradicted"),
        Verdict::Undecided => ("undecided", "–", "undecided"),
    }
}

/// `gain 250, stage after`.
fn levels(levels: &[Level]) -> String {
    levels.iter().map(|level| format!("{} {}", level.column, level.value)).collect::<Vec<_>>().join(", ")
}

/// A number with three significant digits and a true minus sign.
fn number(value: f64) -> String {
    let text = match value.abs() {
        0.0 => "0".to_owned(),
        size if !(1e-3..1e5).contains(&size) => format!("{value:.2e}"),
        size => {
            let decimals = (2 - size.log10().floor() as i32).clamp(0, 5) as usize;
            format!("{value:.decimals$}")
        }
    };
    text.replace('-', "−")
}

/// Text with the special characters of HTML escaped.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A drawing whose names do not clash with those of others on the page.
fn apart(svg: &str, prefix: &str) -> String {
    let start = svg.find("<svg").unwrap_or(0);
    svg[start..]
        .replace("id=\"", &format!("id=\"{prefix}"))
        .replace("url(#", &format!("url(#{prefix}"))
        .replace("href=\"#", &format!("href=\"#{prefix}"))
}

#[cfg(test)]
mod tests {
    use super::{apart, escaped, number};

    #[test]
    fn numbers_have_three_digits_and_true_minus_signs() {
        let said = [0.0, -28.43, 0.031_25, 1.0, 250.0, 1e-9, -123_456.0].map(number);
        assert_eq!(said, ["0", "−28.4", "0.0312", "1.00", "250", "1.00e−9", "−1.23e5"]);
    }

    #[test]
    fn ids_of_drawings_are_made_unique_and_text_is_escaped() {
        let svg = r##"<?xml version="1.0"?><svg><clipPath id="c1"/><g clip-path="url(#c1)"><use href="#c1"/></g></svg>"##;
        assert_eq!(
            apart(svg, "f0-"),
            r##"<svg><clipPath id="f0-c1"/><g clip-path="url(#f0-c1)"><use href="#f0-c1"/></g></svg>"##
        );
        assert_eq!(escaped("a < b & \"c\""), "a &lt; b &amp; &quot;c&quot;");
    }
}
