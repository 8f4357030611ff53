//! Text with formulas and citations, in Markdown and LaTeX.

use std::fmt::{Display, Write as _};

use concertina_model::params::ValidParams;

/// A piece of text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Block {
    /// Sentences, with formulas in `$`, names in backticks, and citations as `[@key]`.
    Prose(String),
    /// A formula in LaTeX.
    Equation(String),
}

pub(super) fn prose(text: impl Into<String>) -> Block {
    Block::Prose(text.into())
}

pub(super) fn equation(tex: impl Into<String>) -> Block {
    Block::Equation(tex.into())
}

/// The values that runs have, each once, in the order in which they come.
pub(super) fn distinct<T: PartialEq>(runs: &[&ValidParams], value: impl Fn(&ValidParams) -> T) -> Vec<T> {
    let mut all: Vec<T> = Vec::new();
    for params in runs {
        let value = value(params);
        if !all.contains(&value) {
            all.push(value);
        }
    }
    all
}

/// The values that runs have, as in `20 or 250`.
pub(super) fn values<T: Display>(runs: &[&ValidParams], value: impl Fn(&ValidParams) -> T) -> String {
    list(&distinct(runs, |params| value(params).to_string()), "or")
}

/// `a`, `a or b`, `a, b or c`.
pub(super) fn list(items: &[String], last: &str) -> String {
    match items {
        [] => "none".to_owned(),
        [one] => one.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

/// `1 run`, `3 runs`.
pub(super) fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// `0 to 4, 7`.
pub(super) fn ranges(mut seeds: Vec<u64>) -> String {
    seeds.sort_unstable();
    let mut parts: Vec<String> = Vec::new();
    for run in seeds.chunk_by(|a, b| a + 1 == *b) {
        match run {
            [first, _, .., last] => parts.push(format!("{first} to {last}")),
            few => parts.extend(few.iter().map(u64::to_string)),
        }
    }
    parts.join(", ")
}

/// Blocks in Markdown. Formulas of their own stand in `math` fences.
pub(super) fn markdown(blocks: &[Block]) -> String {
    let mut text = String::new();
    for block in blocks {
        // Writing to a string cannot fail.
        let _ = match block {
            Block::Prose(prose) => write!(text, "{prose}\n\n"),
            Block::Equation(tex) => write!(text, "```math\n{tex}\n```\n\n"),
        };
    }
    text
}

/// Blocks in LaTeX, which needs the package `amsmath`.
pub(super) fn latex(blocks: &[Block]) -> String {
    let mut text = String::new();
    for block in blocks {
        let _ = match block {
            Block::Prose(prose) => write!(text, "{}\n\n", latex_prose(prose)),
            Block::Equation(tex) => write!(text, "\\begin{{equation*}}\n{tex}\n\\end{{equation*}}\n\n"),
        };
    }
    text
}

/// Prose in LaTeX: formulas as they are, everything else escaped.
pub(super) fn latex_prose(prose: &str) -> String {
    let mut text = String::new();
    for (place, part) in prose.split('$').enumerate() {
        if place % 2 == 1 {
            let _ = write!(text, "${part}$");
            continue;
        }
        for (place, part) in part.split('`').enumerate() {
            match place % 2 {
                1 => {
                    let _ = write!(text, "\\texttt{{{}}}", escaped(part));
                }
                _ => text.push_str(&cited(&escaped(part))),
            }
        }
    }
    text
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' | '%' | '#' | '_' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            '\\' => out.push_str("\\textbackslash{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '<' => out.push_str("\\textless{}"),
            '>' => out.push_str("\\textgreater{}"),
            c => out.push(c),
        }
    }
    out
}

/// Citations as `\cite{key}`.
fn cited(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("[@") {
        let Some((keys, after)) = after.split_once(']') else { break };
        let _ = write!(out, "{before}\\cite{{{}}}", keys.replace("; @", ",").replace("\\_", "_"));
        rest = after;
    }
    out + rest
}

/// The keys that blocks cite.
pub(super) fn citations(blocks: &[Block]) -> Vec<String> {
    let mut keys = Vec::new();
    for block in blocks {
        let Block::Prose(prose) = block else { continue };
        for part in prose.split("[@").skip(1) {
            let Some((inside, _)) = part.split_once(']') else { continue };
            keys.extend(inside.split("; @").map(str::to_owned));
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::{citations, latex_prose, list, prose, ranges};

    #[test]
    fn prose_becomes_latex() {
        let said = latex_prose(r"As in [@gao2017; @song2016], $a_1 < 2$ at 5% of `task.input_dim` & more.");
        assert_eq!(
            said,
            r"As in \cite{gao2017,song2016}, $a_1 < 2$ at 5\% of \texttt{task.input\_dim} \& more."
        );
        assert_eq!(citations(&[prose("[@a] and [@b; @c]")]), ["a", "b", "c"]);
    }

    #[test]
    fn lists_and_ranges_are_short() {
        assert_eq!(list(&["20".to_owned(), "250".to_owned()], "or"), "20 or 250");
        assert_eq!(ranges(vec![4, 0, 1, 2, 7, 8]), "0 to 2, 4, 7, 8");
        assert_eq!(ranges(vec![3]), "3");
    }
}
