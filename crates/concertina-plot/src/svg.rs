//! Writes a scene as SVG. The same scene always gives the same bytes.
//!
//! Coordinates are points. Numbers have at most three decimals (a thousandth of a point is far below the
//! precision of printers) and a unique spelling. Text remains text.

use std::fmt::Write as _;

use crate::{
    font::Cut,
    rich::Rich,
    scene::{Anchor, Item, Pen, Point, Rect, Scene, Shape},
    theme::Theme,
};

/// Points per millimetre.
pub(crate) const POINTS_PER_MM: f64 = 72.0 / 25.4;

/// Width of the outline of an open mark, relative to its radius; arbitrary, chosen by eye so that the hole of
/// the smallest mark is still visible.
const OUTLINE: f64 = 0.45;

/// A coordinate with at most three decimals, without trailing zeros and without a minus before zero.
pub(crate) fn number(value: f64) -> String {
    let mut text = format!("{value:.3}");
    if text.contains('.') {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    if text == "-0" { "0".to_owned() } else { text }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
    }
    out
}

/// The scene as an SVG document.
pub(crate) fn write(scene: &Scene, theme: &Theme) -> String {
    let mut writer = Writer { out: String::new(), clips: 0 };
    let (width, height) = (number(scene.width), number(scene.height));
    let scale = theme.page.scale;
    let (page_width, page_height) = (number(scene.width * scale), number(scene.height * scale));
    let _ = writeln!(
        writer.out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{page_width}pt\" height=\"{page_height}pt\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"{}, {}\" xml:space=\"preserve\">",
        escape(&theme.text.family),
        escape(&theme.text.fallback),
    );
    writer.items(&scene.items);
    writer.out.push_str("</svg>\n");
    writer.out
}

struct Writer {
    out: String,
    clips: usize,
}

impl Writer {
    fn items(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Lines { strokes, pen } => self.lines(strokes, pen),
                Item::Area { outline, colour, opacity } => {
                    let _ = writeln!(
                        self.out,
                        "<path d=\"{}Z\" fill=\"{colour}\"{}/>",
                        polyline(outline),
                        opacity_attribute("fill-opacity", *opacity)
                    );
                }
                Item::Marks { centres, shape: Shape::Disc, radius, colour } => {
                    self.discs(centres, *radius, &colour.to_string());
                }
                Item::Marks { centres, shape, radius, colour } => {
                    self.outlines(centres, *shape, *radius, &colour.to_string());
                }
                Item::Text { place, rich, size, anchor, upright, colour } => {
                    self.text(*place, rich, *size, *anchor, *upright, &colour.to_string());
                }
                Item::Clipped { window, items } => self.clipped(*window, items),
            }
        }
    }

    fn lines(&mut self, strokes: &[Vec<Point>], pen: &Pen) {
        let path: String =
            strokes.iter().filter(|stroke| stroke.len() > 1).map(|stroke| polyline(stroke)).collect();
        if path.is_empty() {
            return;
        }
        let dash = if pen.dash.is_empty() {
            String::new()
        } else {
            let parts: Vec<String> = pen.dash.iter().map(|&part| number(part)).collect();
            format!(" stroke-dasharray=\"{}\"", parts.join(" "))
        };
        let join =
            if strokes.iter().any(|stroke| stroke.len() > 2) { " stroke-linejoin=\"round\"" } else { "" };
        let _ = writeln!(
            self.out,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\"{join}{dash}{}/>",
            pen.colour,
            number(pen.width),
            opacity_attribute("stroke-opacity", pen.opacity)
        );
    }

    /// Draws discs as the round ends of very short strokes, which needs a tenth of the bytes of as many
    /// circles.
    fn discs(&mut self, centres: &[Point], radius: f64, colour: &str) {
        if centres.is_empty() {
            return;
        }
        let mut path = String::new();
        for &(x, y) in centres {
            let _ = write!(path, "M{} {}h.001", number(x), number(y));
        }
        let _ = writeln!(
            self.out,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{}\" stroke-linecap=\"round\"/>",
            number(2.0 * radius)
        );
    }

    /// Draws rings, squares and other shapes: the outline is stroked inside the radius, and filled unless the
    /// shape is open.
    fn outlines(&mut self, centres: &[Point], shape: Shape, radius: f64, colour: &str) {
        if centres.is_empty() {
            return;
        }
        let width = OUTLINE * radius;
        let inner = radius - 0.5 * width;
        let mut path = String::new();
        for &(x, y) in centres {
            if shape.corners().is_empty() {
                let (r, left, across) = (number(inner), number(x - inner), number(2.0 * inner));
                let _ =
                    write!(path, "M{left} {}a{r} {r} 0 1 0 {across} 0a{r} {r} 0 1 0 -{across} 0Z", number(y));
            } else {
                let corners: Vec<Point> = shape
                    .corners()
                    .iter()
                    .map(|(right, down)| (x + inner * right, y + inner * down))
                    .collect();
                path.push_str(&polyline(&corners));
                path.push('Z');
            }
        }
        let fill = if shape.is_open() { "none" } else { colour };
        let _ = writeln!(
            self.out,
            "<path d=\"{path}\" fill=\"{fill}\" stroke=\"{colour}\" stroke-width=\"{}\" stroke-linejoin=\"miter\"/>",
            number(width)
        );
    }

    fn text(&mut self, place: Point, rich: &Rich, size: f64, anchor: Anchor, upright: bool, colour: &str) {
        let (x, y) = (number(place.0), number(place.1));
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let turn = if upright { format!(" transform=\"rotate(-90 {x} {y})\"") } else { String::new() };
        let _ = write!(
            self.out,
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\" fill=\"{colour}\"{anchor}{turn}",
            number(size)
        );
        match rich.spans.as_slice() {
            [only] if only.scale == 1.0 && only.rise == 0.0 => {
                let _ = write!(self.out, "{}>{}", cut_attribute(only.cut), escape(&only.text));
            }
            spans => {
                self.out.push('>');
                let mut height = 0.0;
                for span in spans {
                    let rise = span.rise * size;
                    let shift = if rise == height {
                        String::new()
                    } else {
                        format!(" dy=\"{}\"", number(height - rise))
                    };
                    let scale = if span.scale == 1.0 {
                        String::new()
                    } else {
                        format!(" font-size=\"{}\"", number(size * span.scale))
                    };
                    let _ = write!(
                        self.out,
                        "<tspan{}{scale}{shift}>{}</tspan>",
                        cut_attribute(span.cut),
                        escape(&span.text)
                    );
                    height = rise;
                }
            }
        }
        self.out.push_str("</text>\n");
    }

    fn clipped(&mut self, window: Rect, items: &[Item]) {
        self.clips += 1;
        let id = self.clips;
        let _ = writeln!(
            self.out,
            "<clipPath id=\"c{id}\"><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/></clipPath>\n<g clip-path=\"url(#c{id})\">",
            number(window.left),
            number(window.top),
            number(window.width),
            number(window.height)
        );
        self.items(items);
        self.out.push_str("</g>\n");
    }
}

fn cut_attribute(cut: Cut) -> &'static str {
    match cut {
        Cut::Regular => "",
        Cut::Bold => " font-weight=\"bold\"",
        Cut::Italic => " font-style=\"italic\"",
    }
}

fn opacity_attribute(name: &str, opacity: f64) -> String {
    if opacity >= 1.0 { String::new() } else { format!(" {name}=\"{}\"", number(opacity)) }
}

fn polyline(points: &[Point]) -> String {
    let mut path = String::new();
    for (index, &(x, y)) in points.iter().enumerate() {
        let _ = write!(path, "{}{} {}", if index == 0 { "M" } else { "L" }, number(x), number(y));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_spelling() {
        assert_eq!(number(-0.0001), "0");
        assert_eq!(number(1.0), "1");
        assert_eq!(number(-1.5), "-1.5");
        assert_eq!(number(1234.567891), "1234.568");
        assert_eq!(number(100.0), "100");
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(escape("a < b & \"c\""), "a &lt; b &amp; &quot;c&quot;");
    }
}
