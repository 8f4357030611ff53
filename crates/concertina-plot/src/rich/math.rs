//! Mathematics between two `$`: letters in italics, superscripts and subscripts, Greek letters, operators.

use super::{LOWER, RAISE, SCRIPT_SIZE, Span};
use crate::font::Cut;

/// Commands that stand for a character.
const CHARACTERS: [(&str, char); 63] = [
    ("alpha", 'α'),
    ("beta", 'β'),
    ("gamma", 'γ'),
    ("delta", 'δ'),
    ("epsilon", 'ε'),
    ("varepsilon", 'ε'),
    ("zeta", 'ζ'),
    ("eta", 'η'),
    ("theta", 'θ'),
    ("iota", 'ι'),
    ("kappa", 'κ'),
    ("lambda", 'λ'),
    ("mu", 'μ'),
    ("nu", 'ν'),
    ("xi", 'ξ'),
    ("pi", 'π'),
    ("rho", 'ρ'),
    ("sigma", 'σ'),
    ("tau", 'τ'),
    ("upsilon", 'υ'),
    ("phi", 'φ'),
    ("varphi", 'φ'),
    ("chi", 'χ'),
    ("psi", 'ψ'),
    ("omega", 'ω'),
    ("Gamma", 'Γ'),
    ("Delta", 'Δ'),
    ("Theta", 'Θ'),
    ("Lambda", 'Λ'),
    ("Xi", 'Ξ'),
    ("Pi", 'Π'),
    ("Sigma", 'Σ'),
    ("Phi", 'Φ'),
    ("Psi", 'Ψ'),
    ("Omega", 'Ω'),
    ("times", '×'),
    ("cdot", '·'),
    ("pm", '±'),
    ("le", '≤'),
    ("leq", '≤'),
    ("ge", '≥'),
    ("geq", '≥'),
    ("ne", '≠'),
    ("neq", '≠'),
    ("approx", '≈'),
    ("equiv", '≡'),
    ("to", '→'),
    ("rightarrow", '→'),
    ("leftarrow", '←'),
    ("infty", '∞'),
    ("partial", '∂'),
    ("sum", '∑'),
    ("prod", '∏'),
    ("int", '∫'),
    ("sqrt", '√'),
    ("ell", 'ℓ'),
    ("circ", '◦'),
    ("prime", '′'),
    ("ldots", '…'),
    ("dots", '…'),
    ("in", '∈'),
    ("propto", '∝'),
    ("odot", '⊙'),
];
/// Names of functions, which are upright.
const FUNCTIONS: [&str; 15] = [
    "exp", "log", "ln", "sin", "cos", "tan", "tanh", "max", "min", "argmax", "argmin", "dim", "det", "var",
    "rank",
];
/// Characters between two quantities, with space on both sides.
const BETWEEN: &str = "=+−×±≤≥≠≈≡→←<>∈∝⊙◦";
/// The space around them; the typeface has it.
const THIN: char = '\u{2009}';
/// Groups in each other; arbitrary, so that no text can exhaust the stack.
const MOST_GROUPS: usize = 20;
/// Scripts of scripts of scripts are too small to be read.
const DEEPEST: usize = 2;

/// The spans of a formula.
///
/// # Errors
/// What cannot be read, in words.
pub(super) fn spans(formula: &str) -> Result<Vec<Span>, String> {
    let characters: Vec<char> = formula.chars().collect();
    let mut reader = Reader { rest: &characters, spans: Vec::new(), last: None, open: 0 };
    reader.read(Level { scale: 1.0, rise: 0.0, depth: 0 }, None, None)?;
    Ok(reader.spans)
}

/// The size and height of what is read.
#[derive(Clone, Copy)]
struct Level {
    scale: f64,
    rise: f64,
    depth: usize,
}

struct Reader<'a> {
    rest: &'a [char],
    spans: Vec<Span>,
    /// The last character but spaces, which tells a sign from an operation.
    last: Option<char>,
    /// Groups that have begun and not ended.
    open: usize,
}

impl Reader<'_> {
    /// Reads up to `end`, or to the end of the formula; with `cut`, all letters have that style.
    fn read(&mut self, level: Level, end: Option<char>, cut: Option<Cut>) -> Result<(), String> {
        loop {
            match self.rest.first() {
                None if end.is_none() => return Ok(()),
                None => return Err("a `{` without its `}`".to_owned()),
                Some(first) if Some(*first) == end => {
                    self.rest = &self.rest[1..];
                    return Ok(());
                }
                Some(_) => self.one(level, cut)?,
            }
        }
    }

    /// Reads a character, a command, a script or a group.
    fn one(&mut self, level: Level, cut: Option<Cut>) -> Result<(), String> {
        let Some((&first, rest)) = self.rest.split_first() else { return Ok(()) };
        self.rest = rest;
        match first {
            '^' | '_' => self.script(level, first, cut),
            '{' => self.group(level, cut),
            '}' => Err("a `}` without its `{`".to_owned()),
            '\\' => self.command(level, cut),
            // As in most typesetting systems, spaces have no meaning; in a text they have.
            ' ' if cut.is_none() => Ok(()),
            '-' if cut.is_none() => self.push('−', level, cut),
            '\'' if cut.is_none() => self.push('′', level, cut),
            '*' if cut.is_none() => self.push('·', level, cut),
            other => self.push(other, level, cut),
        }
    }

    /// Reads up to the `}` of the `{` just read.
    fn group(&mut self, level: Level, cut: Option<Cut>) -> Result<(), String> {
        if self.open == MOST_GROUPS {
            return Err(format!("more than {MOST_GROUPS} groups in each other"));
        }
        self.open += 1;
        self.read(level, Some('}'), cut)?;
        self.open -= 1;
        Ok(())
    }

    fn script(&mut self, level: Level, sign: char, cut: Option<Cut>) -> Result<(), String> {
        if level.depth == DEEPEST {
            return Err(format!("more than {DEEPEST} scripts in each other"));
        }
        if matches!(self.rest.first(), None | Some('}' | '^' | '_')) {
            return Err(format!("a `{sign}` with nothing after it"));
        }
        let shift = if sign == '^' { RAISE } else { -LOWER };
        let inner = Level {
            scale: level.scale * SCRIPT_SIZE,
            rise: level.rise + shift * level.scale,
            depth: level.depth + 1,
        };
        // A sign at the start of a script is no operation.
        let before = self.last.replace('(');
        self.one(inner, cut)?;
        self.last = before;
        Ok(())
    }

    fn command(&mut self, level: Level, cut: Option<Cut>) -> Result<(), String> {
        let length = self.rest.iter().take_while(|character| character.is_ascii_alphabetic()).count();
        if length == 0 {
            let Some((&first, rest)) = self.rest.split_first() else {
                return Err("a `\\` with nothing after it".to_owned());
            };
            self.rest = rest;
            return match first {
                ',' | ';' | ' ' => self.space(if first == ',' { THIN } else { ' ' }, level),
                '{' | '}' | '_' | '^' | '%' | '#' | '&' | '$' | '\\' => self.push(first, level, cut),
                '|' => self.push('‖', level, cut),
                other => Err(format!("`\\{other}`, which is no command")),
            };
        }
        let name: String = self.rest[..length].iter().collect();
        self.rest = &self.rest[length..];
        if let Some((_, character)) = CHARACTERS.iter().find(|(known, _)| *known == name) {
            return self.push(*character, level, cut);
        }
        match name.as_str() {
            "quad" => self.space(' ', level),
            "left" | "right" => Ok(()),
            "mathrm" | "text" | "operatorname" | "mathbf" | "mathit" => {
                while self.rest.first() == Some(&' ') {
                    self.rest = &self.rest[1..];
                }
                let Some(('{', rest)) = self.rest.split_first() else {
                    return Err(format!("`\\{name}` without its `{{`"));
                };
                self.rest = rest;
                let cut = match name.as_str() {
                    "mathbf" => Cut::Bold,
                    "mathit" => Cut::Italic,
                    _ => Cut::Regular,
                };
                self.group(level, Some(cut))
            }
            name if FUNCTIONS.contains(&name) => {
                if self.last.is_some_and(|last| last.is_alphanumeric() || last == ')') {
                    self.space(THIN, level)?;
                }
                for letter in name.chars() {
                    self.push(letter, level, Some(Cut::Regular))?;
                }
                match self.rest.iter().find(|character| **character != ' ') {
                    Some('(' | '[' | '_' | '^' | '}') | None => Ok(()),
                    Some(_) => self.space(THIN, level),
                }
            }
            other => Err(format!("`\\{other}`, which is not known")),
        }
    }

    fn space(&mut self, space: char, level: Level) -> Result<(), String> {
        self.add(&space.to_string(), Cut::Regular, level);
        Ok(())
    }

    /// Appends a character: letters in italics, capital Greek letters, digits and signs upright.
    fn push(&mut self, character: char, level: Level, cut: Option<Cut>) -> Result<(), String> {
        let capital = ('Α'..='Ω').contains(&character);
        let usual = if character.is_alphabetic() && !capital { Cut::Italic } else { Cut::Regular };
        let after = self.last.is_some_and(|last| !BETWEEN.contains(last) && !"([{,|".contains(last));
        if cut.is_none() && BETWEEN.contains(character) && after && level.depth == 0 {
            self.add(&format!("{THIN}{character}{THIN}"), Cut::Regular, level);
        } else if cut.is_none() && character == ',' && level.depth == 0 {
            self.add(&format!(",{THIN}"), Cut::Regular, level);
        } else {
            self.add(&character.to_string(), cut.unwrap_or(usual), level);
        }
        self.last = Some(character);
        Ok(())
    }

    fn add(&mut self, text: &str, cut: Cut, level: Level) {
        match self.spans.last_mut() {
            Some(last) if last.cut == cut && last.scale == level.scale && last.rise == level.rise => {
                last.text.push_str(text);
            }
            _ => self.spans.push(Span { text: text.to_owned(), cut, scale: level.scale, rise: level.rise }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(formula: &str) -> String {
        let level = |span: &Span| match span.rise {
            rise if rise > 0.0 => "^",
            rise if rise < 0.0 => "_",
            _ => "",
        };
        let cut = |span: &Span| match span.cut {
            Cut::Italic => "i",
            Cut::Bold => "b",
            Cut::Regular => "r",
        };
        let spans = spans(formula).unwrap_or_else(|reason| panic!("{formula}: {reason}"));
        let written = spans.iter().map(|span| format!("{}{}[{}]", level(span), cut(span), span.text));
        written.collect::<Vec<_>>().join(" ").replace(THIN, "~")
    }

    #[test]
    fn formulas_are_read() {
        assert_eq!(read(r"h_t"), "i[h] _i[t]");
        assert_eq!(read(r"W h_{t-1} + b"), "i[Wh] _i[t] _r[−1] r[~+~] i[b]");
        assert_eq!(read(r"-1.5 \times 10^{-3}"), "r[−1.5~×~10] ^r[−3]");
        assert_eq!(read(r"\tanh(\alpha x^2)"), "r[tanh(] i[αx] ^r[2] r[)]");
        assert_eq!(read(r"\log_2 N"), "r[log] _r[2] i[N]");
        assert_eq!(read(r"\lambda_{\mathrm{max}} \le 1"), "i[λ] _r[max] r[~≤~1]");
        assert_eq!(read(r"\text{rank } r"), "r[rank ] i[r]");
        assert_eq!(read(r"e^{-x^2}"), "i[e] ^r[−] ^i[x] ^r[2]");
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for (formula, reason) in [
            (r"\foo x", "`\\foo`, which is not known"),
            (r"x_", "a `_` with nothing after it"),
            (r"x_{t", "a `{` without its `}`"),
            (r"x}", "a `}` without its `{`"),
            (r"\mathrm x", "`\\mathrm` without its `{`"),
            (r"a^{b^{c^d}}", "more than 2 scripts in each other"),
        ] {
            assert_eq!(spans(formula).map(|_| ()), Err(reason.to_owned()), "{formula}");
        }
        let deep = "{".repeat(100_000);
        assert_eq!(spans(&deep).map(|_| ()), Err("more than 20 groups in each other".to_owned()));
    }

    #[test]
    fn every_character_has_a_glyph_or_is_refused() {
        let lacking: Vec<&str> = CHARACTERS
            .iter()
            .filter(|(_, character)| crate::font::missing(&character.to_string(), Cut::Regular).is_some())
            .map(|(name, _)| *name)
            .collect();
        assert_eq!(lacking, ["in", "propto", "odot"]);
        assert_eq!(crate::font::missing(&THIN.to_string(), Cut::Regular), None);
    }
}
