//! Text with simple markup: `*italic*` for the symbols of variables, `^{...}` and `_{...}` for superscripts
//! and subscripts, and formulas between two `$`.

mod math;

use crate::font::{self, Cut};

/// Size of a superscript or subscript, relative to the surrounding text (as in most typesetting systems).
const SCRIPT_SIZE: f64 = 0.7;
/// How far a superscript rises, as a share of the surrounding size.
const RAISE: f64 = 0.36;
/// How far a subscript sinks, as a share of the surrounding size.
const LOWER: f64 = 0.18;

/// A stretch of text in one style, on one level.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) text: String,
    pub(crate) cut: Cut,
    /// Size, relative to the surrounding text.
    pub(crate) scale: f64,
    /// Height of its baseline above the line's, as a share of the surrounding size.
    pub(crate) rise: f64,
}

/// Superscript characters of Unicode, which few typefaces have completely, and the characters that are raised
/// instead.
const RAISED: [(char, char); 18] = [
    ('\u{2070}', '0'),
    ('\u{b9}', '1'),
    ('\u{b2}', '2'),
    ('\u{b3}', '3'),
    ('\u{2074}', '4'),
    ('\u{2075}', '5'),
    ('\u{2076}', '6'),
    ('\u{2077}', '7'),
    ('\u{2078}', '8'),
    ('\u{2079}', '9'),
    ('\u{207a}', '+'),
    ('\u{207b}', '\u{2212}'),
    ('\u{207c}', '='),
    ('\u{207d}', '('),
    ('\u{207e}', ')'),
    ('\u{207f}', 'n'),
    ('\u{2071}', 'i'),
    ('\u{1d40}', 'T'),
];

/// Subscript characters, and the characters that are lowered instead.
const LOWERED: [(char, char); 24] = [
    ('\u{2080}', '0'),
    ('\u{2081}', '1'),
    ('\u{2082}', '2'),
    ('\u{2083}', '3'),
    ('\u{2084}', '4'),
    ('\u{2085}', '5'),
    ('\u{2086}', '6'),
    ('\u{2087}', '7'),
    ('\u{2088}', '8'),
    ('\u{2089}', '9'),
    ('\u{208a}', '+'),
    ('\u{208b}', '\u{2212}'),
    ('\u{208c}', '='),
    ('\u{208d}', '('),
    ('\u{208e}', ')'),
    ('\u{2090}', 'a'),
    ('\u{2091}', 'e'),
    ('\u{2092}', 'o'),
    ('\u{2093}', 'x'),
    ('\u{1d62}', 'i'),
    ('\u{2c7c}', 'j'),
    ('\u{2096}', 'k'),
    ('\u{2099}', 'n'),
    ('\u{209c}', 't'),
];

/// The replacement of a character in one of the tables above.
fn partner(table: &[(char, char)], character: char) -> Option<char> {
    table.iter().find(|(known, _)| *known == character).map(|(_, partner)| *partner)
}

impl Span {
    /// The span, with superscript and subscript characters of Unicode as separate spans of letters and digits
    /// that the typeface has.
    fn drawable(self) -> Vec<Self> {
        let mut spans: Vec<Self> = Vec::new();
        for character in self.text.chars() {
            let (raised, lowered) = (partner(&RAISED, character), partner(&LOWERED, character));
            // What is raised already is not raised again.
            let (scale, rise) = match (raised, lowered) {
                (Some(_), _) if self.scale == 1.0 => (SCRIPT_SIZE, RAISE),
                (_, Some(_)) if self.scale == 1.0 => (SCRIPT_SIZE, -LOWER),
                _ => (self.scale, self.rise),
            };
            let drawn = raised.or(lowered).unwrap_or(character);
            match spans.last_mut() {
                Some(last) if last.scale == scale && last.rise == rise => last.text.push(drawn),
                _ => spans.push(Self { text: drawn.to_string(), cut: self.cut, scale, rise }),
            }
        }
        spans
    }
}

/// A line of text with its markup parsed.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Rich {
    pub(crate) spans: Vec<Span>,
    /// The first formula that cannot be read, and why.
    pub(crate) unread: Option<(String, String)>,
}

impl Rich {
    /// Parses markup; a sign without its partner is kept as it is.
    pub(crate) fn parse(text: &str) -> Self {
        let mut spans = Vec::new();
        let mut unread = None;
        let mut plain = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if first == '$'
                && let Some(end) = rest[1..].find('$').filter(|&end| is_formula(&rest[1..=end]))
            {
                Self::flush(&mut plain, &mut spans);
                let formula = &rest[1..=end];
                match math::spans(formula) {
                    Ok(read) => spans.extend(read),
                    Err(reason) => unread = unread.or_else(|| Some((formula.to_owned(), reason))),
                }
                rest = &rest[end + 2..];
                continue;
            }
            if let Some(literal) = rest.strip_prefix("\\$") {
                plain.push('$');
                rest = literal;
                continue;
            }
            let marked = match first {
                '*' => rest[1..].find('*').filter(|&end| end > 0).map(|end| {
                    let span =
                        Span { text: rest[1..=end].to_owned(), cut: Cut::Italic, scale: 1.0, rise: 0.0 };
                    (span, end + 2)
                }),
                '^' | '_' if rest[1..].starts_with('{') => rest.find('}').map(|end| {
                    let rise = if first == '^' { RAISE } else { -LOWER };
                    let span =
                        Span { text: rest[2..end].to_owned(), cut: Cut::Regular, scale: SCRIPT_SIZE, rise };
                    (span, end + 1)
                }),
                _ => None,
            };
            if let Some((span, length)) = marked {
                Self::flush(&mut plain, &mut spans);
                spans.push(span);
                rest = &rest[length..];
            } else {
                plain.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        Self::flush(&mut plain, &mut spans);
        Self { spans: spans.into_iter().flat_map(Span::drawable).collect(), unread }
    }

    /// Text without markup, in one style.
    pub(crate) fn plain(text: &str, cut: Cut) -> Self {
        let spans = vec![Span { text: text.to_owned(), cut, scale: 1.0, rise: 0.0 }];
        Self { spans, unread: None }
    }

    fn flush(plain: &mut String, spans: &mut Vec<Span>) {
        if !plain.is_empty() {
            spans.push(Span { text: std::mem::take(plain), cut: Cut::Regular, scale: 1.0, rise: 0.0 });
        }
    }

    /// Width at `size`, in the unit of `size`.
    pub(crate) fn width(&self, size: f64) -> f64 {
        self.spans.iter().map(|span| font::width(&span.text, span.cut, size * span.scale)).sum()
    }

    /// The text without its markup.
    pub(crate) fn text(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }

    /// The first character without a glyph.
    pub(crate) fn missing(&self) -> Option<char> {
        self.spans.iter().find_map(|span| font::missing(&span.text, span.cut))
    }
}

/// Whether the text between two `$` is a formula: as in Pandoc's rule, it neither starts nor ends with a
/// space, so that "$5 and $6" is a price.
fn is_formula(text: &str) -> bool {
    !text.is_empty() && !text.starts_with(' ') && !text.ends_with([' ', '\\'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_read_and_never_printed_as_they_are() {
        let rich = Rich::parse(r"Overlap, $\kappa_1$ ($10^{-2}$)");
        assert_eq!(rich.text(), "Overlap, κ1 (10−2)");
        assert_eq!(rich.unread, None);
        let (formula, reason) = Rich::parse(r"a $\wrong$ formula").unread.expect("no such command");
        assert_eq!((formula.as_str(), reason.as_str()), (r"\wrong", r"`\wrong`, which is not known"));
        for (text, printed) in [("$5 and $6", "$5 and $6"), (r"\$x\$", "$x$"), ("5 $", "5 $")] {
            let rich = Rich::parse(text);
            assert_eq!((rich.text().as_str(), rich.unread), (printed, None));
        }
    }

    #[test]
    fn markup_is_parsed() {
        let rich = Rich::parse("Timestep, *t* (10^{3})");
        assert_eq!(rich.text(), "Timestep, t (103)");
        assert_eq!(rich.spans.len(), 5);
        assert_eq!(rich.spans[1].cut, Cut::Italic);
        assert!(rich.spans[3].rise > 0.0);
    }

    #[test]
    fn signs_without_a_partner_stay() {
        for text in ["a * b", "5^2", "x_{", "**", "*"] {
            assert_eq!(Rich::parse(text).text(), text);
        }
    }
}
