//! Text with a little markup: `*italic*` for the symbols of variables, `^{...}` and `_{...}` for raised and lowered parts.

use crate::font::{self, Cut};

/// Size of a raised or lowered part over the size of its surroundings (as most typesetting systems have it).
const SCRIPT_SIZE: f64 = 0.7;
/// How far a superscript rises, as a share of the surrounding size.
const RAISE: f64 = 0.36;
/// How far a subscript sinks, as a share of the surrounding size.
const LOWER: f64 = 0.18;

/// A stretch of text in one cut, on one level.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) text: String,
    pub(crate) cut: Cut,
    /// Size over the surrounding size.
    pub(crate) scale: f64,
    /// Height of its baseline over the line's, as a share of the surrounding size.
    pub(crate) rise: f64,
}

/// A line of text with markup taken apart.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Rich {
    pub(crate) spans: Vec<Span>,
}

impl Rich {
    /// Takes markup apart; a sign without its partner is kept as it stands.
    pub(crate) fn parse(text: &str) -> Self {
        let mut spans = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
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
        Self { spans }
    }

    /// Text without markup, in one cut.
    pub(crate) fn plain(text: &str, cut: Cut) -> Self {
        Self { spans: vec![Span { text: text.to_owned(), cut, scale: 1.0, rise: 0.0 }] }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_taken_apart() {
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
