//! What happens within a unit, or a layer of units, in a timestep: one diagram per kind of network.

use concertina_table::{Table, Values};

use super::{settings::Settings, shapes};
use crate::{
    Colour, Result, Theme, font,
    rich::Rich,
    scene::{Anchor, Item, Pen, Point, Rect, Scene, Shape},
};

/// The kinds of networks.
const KINDS: [&str; 6] = ["vanilla", "leaky", "rate", "feedforward", "gru", "lstm"];

/// The contents of the drawing.
#[derive(Debug)]
pub(super) struct Cell {
    kind: String,
    /// The name of the transfer function.
    transfer: String,
    /// Whether a leaky network leaks.
    leak: bool,
}

impl Cell {
    pub(super) fn new(settings: Settings<'_>) -> Result<Self> {
        let kind = settings.word("network.kind", "vanilla")?;
        if !KINDS.contains(&kind.as_str()) {
            return settings.unknown("a cell of the network", &kind, &KINDS);
        }
        let transfer = match settings.word("network.nonlinearity", "")?.as_str() {
            "" => "*φ*".to_owned(),
            "relu" => "ReLU".to_owned(),
            "sigmoid" => "*σ*".to_owned(),
            other => other.to_owned(),
        };
        Ok(Self { kind, transfer, leak: settings.flag("network.leak", true)? })
    }

    pub(super) fn data(&self) -> Result<Table> {
        Ok(Table::from_columns([("network", Values::from(vec![self.kind.as_str()]))])?)
    }

    /// The equation below the diagram; gated networks have too many.
    fn equation(&self) -> Option<&'static str> {
        match (self.kind.as_str(), self.leak) {
            ("vanilla", _) => Some(r"$h_t = \varphi(h_{t-1} \, W + x_t \, U + b)$"),
            ("leaky", true) => Some(
                r"$h_t = (1 - \Delta t) \, h_{t-1} + \Delta t \, (\varphi(h_{t-1}) \, W + x_t \, U + b)$",
            ),
            ("leaky", false) => Some(r"$h_t = h_{t-1} + \Delta t \, (\varphi(h_{t-1}) \, W + x_t \, U + b)$"),
            ("rate", _) => Some(
                r"$v_t = (1 - \Delta t) \, v_{t-1} + \Delta t \, (r_{t-1} \, W + x_t \, U + b),\quad r_t = \varphi(v_t)$",
            ),
            ("feedforward", _) => Some(r"$h_l = \varphi(h_{l-1} \, W_l + b_l)$"),
            _ => None,
        }
    }

    /// Width and height of the diagram, in units of its grid.
    fn grid(&self) -> (f64, f64) {
        match self.kind.as_str() {
            "vanilla" => (8.6, 2.7),
            "leaky" => (9.8, 2.6),
            "rate" => (11.2, 2.6),
            "feedforward" => (11.2, 1.4),
            "gru" => (9.8, 4.4),
            _ => (10.4, 4.4),
        }
    }

    pub(super) fn draw(&self, scene: &mut Scene, place: Rect, theme: &Theme) {
        let text = if self.equation().is_some() { 2.4 * theme.text.title } else { 0.0 };
        let (wide, high) = self.grid();
        // Half a unit at each side is for texts.
        let (across, down) = ((place.width - 16.0) / wide, (place.height - text - 12.0) / high);
        let down = down.min(26.0);
        let across = across.min(1.7 * down).min(32.0);
        let left = place.left + 0.5 * (place.width - across * wide);
        let top = place.top + 0.5 * (place.height - text - down * high);
        let mut diagram = Diagram {
            scene,
            theme,
            origin: (left, top),
            unit: (across, down),
            scale: (down / 20.0).min(across / 24.0).clamp(0.6, 1.15),
        };
        match self.kind.as_str() {
            "vanilla" => self.vanilla(&mut diagram),
            "leaky" => self.leaky(&mut diagram),
            "rate" => self.rate(&mut diagram),
            "feedforward" => self.feedforward(&mut diagram),
            "gru" => gru(&mut diagram),
            _ => lstm(&mut diagram),
        }
        if let Some(equation) = self.equation() {
            let rich = Rich::parse(equation);
            // Smaller where the panel is narrow.
            let size =
                (theme.text.title * place.width / rich.width(theme.text.title)).clamp(5.0, theme.text.title);
            let middle = (place.left + 0.5 * place.width, place.bottom() - 0.8 * theme.text.title);
            scene.text(middle, rich, size, Anchor::Middle, theme.text.colour);
        }
    }

    fn vanilla(&self, d: &mut Diagram<'_, '_>) {
        d.text((0.0, 1.0), "$x_t$");
        d.wire(Node::Text, &[(0.0, 1.0), (1.4, 1.0)], Node::Block);
        d.wire(Node::Block, &[(1.4, 1.0), (2.9, 1.0)], Node::Sum);
        d.text((2.9, 0.0), "$b$");
        d.wire(Node::Text, &[(2.9, 0.0), (2.9, 1.0)], Node::Sum);
        d.wire(Node::Sum, &[(2.9, 1.0), (4.3, 1.0)], Node::Block);
        d.wire(Node::Block, &[(4.3, 1.0), (7.0, 1.0)], Node::Block);
        d.wire(Node::Block, &[(7.0, 1.0), (8.5, 1.0)], Node::Text);
        d.text((8.5, 1.0), "$y_t$");
        d.dot((5.65, 1.0));
        d.wire(Node::Point, &[(5.65, 1.0), (5.65, 2.4), (4.3, 2.4)], Node::Block);
        d.wire(Node::Block, &[(4.3, 2.4), (2.9, 2.4), (2.9, 1.0)], Node::Sum);
        d.label((5.65, 1.0), "$h_t$", Side::Above);
        d.label((5.65, 2.4), "$h_{t-1}$", Side::Right);
        for (at, name) in [((1.4, 1.0), "*U*"), ((7.0, 1.0), "*R*"), ((4.3, 2.4), "*W*")] {
            d.weights(at, name);
        }
        d.transfer((4.3, 1.0), &self.transfer);
        d.operation((2.9, 1.0), "+");
    }

    fn leaky(&self, d: &mut Diagram<'_, '_>) {
        self.integrator(d, "h");
        d.wire(Node::Sum, &[(5.2, 1.0), (8.3, 1.0)], Node::Block);
        d.dot((7.0, 1.0));
        d.wire(Node::Block, &[(8.3, 1.0), (9.7, 1.0)], Node::Text);
        d.wire(Node::Point, &[(7.0, 1.0), (7.0, 2.4), (5.7, 2.4)], Node::Block);
        d.wire(Node::Block, &[(5.7, 2.4), (4.0, 2.4)], Node::Block);
        d.wire(Node::Block, &[(4.0, 2.4), (2.6, 2.4), (2.6, 1.0)], Node::Sum);
        d.label((7.0, 2.4), "$h_{t-1}$", Side::Right);
        d.text((9.7, 1.0), "$y_t$");
        d.transfer((5.7, 2.4), &self.transfer);
        d.weights((4.0, 2.4), "*W*");
        d.weights((8.3, 1.0), "*R*");
        d.operation((5.2, 1.0), "+");
        d.operation((2.6, 1.0), "+");
    }

    fn rate(&self, d: &mut Diagram<'_, '_>) {
        self.integrator(d, "v");
        d.wire(Node::Sum, &[(5.2, 1.0), (8.0, 1.0)], Node::Block);
        d.dot((7.0, 1.0));
        d.wire(Node::Block, &[(8.0, 1.0), (9.9, 1.0)], Node::Block);
        d.dot((8.95, 1.0));
        d.wire(Node::Block, &[(9.9, 1.0), (11.1, 1.0)], Node::Text);
        d.wire(Node::Point, &[(8.95, 1.0), (8.95, 2.4), (4.0, 2.4)], Node::Block);
        d.wire(Node::Block, &[(4.0, 2.4), (2.6, 2.4), (2.6, 1.0)], Node::Sum);
        d.label((8.95, 1.0), "$r_t$", Side::Above);
        d.label((8.95, 2.4), "$r_{t-1}$", Side::Right);
        d.text((11.1, 1.0), "$y_t$");
        d.transfer((8.0, 1.0), &self.transfer);
        d.weights((4.0, 2.4), "*W*");
        d.weights((9.9, 1.0), "*R*");
        d.operation((5.2, 1.0), "+");
        d.operation((2.6, 1.0), "+");
    }

    /// The left part of a network that integrates its currents.
    fn integrator(&self, d: &mut Diagram<'_, '_>, state: &str) {
        d.text((0.0, 1.0), "$x_t$");
        d.wire(Node::Text, &[(0.0, 1.0), (1.3, 1.0)], Node::Block);
        d.wire(Node::Block, &[(1.3, 1.0), (2.6, 1.0)], Node::Sum);
        d.text((2.6, 0.0), "$b$");
        d.wire(Node::Text, &[(2.6, 0.0), (2.6, 1.0)], Node::Sum);
        d.wire(Node::Sum, &[(2.6, 1.0), (3.9, 1.0)], Node::Block);
        d.wire(Node::Block, &[(3.9, 1.0), (5.2, 1.0)], Node::Sum);
        if self.leak || self.kind == "rate" {
            d.wire(Node::Point, &[(7.0, 1.0), (7.0, 0.0), (6.1, 0.0)], Node::Wide);
            d.wire(Node::Wide, &[(6.1, 0.0), (5.2, 0.0), (5.2, 1.0)], Node::Sum);
            d.wide((6.1, 0.0), r"$1-\Delta t$");
        } else {
            d.wire(Node::Point, &[(7.0, 1.0), (7.0, 0.0), (5.2, 0.0), (5.2, 1.0)], Node::Sum);
        }
        d.label((6.1, 1.0), &format!("${state}_t$"), Side::Below);
        d.weights((1.3, 1.0), "*U*");
        d.plain((3.9, 1.0), r"$\Delta t$");
    }

    fn feedforward(&self, d: &mut Diagram<'_, '_>) {
        d.text((0.0, 0.8), "$x$");
        let row = [(1.2, "*U*"), (3.7, "*W*_{2}"), (7.3, "$W_T$"), (9.9, "*R*")];
        let transfers = [2.4, 4.9, 8.5];
        let mut stops = vec![0.0];
        stops.extend([1.2, 2.4, 3.7, 4.9]);
        for pair in stops.windows(2) {
            let from = if pair[0] == 0.0 { Node::Text } else { Node::Block };
            d.wire(from, &[(pair[0], 0.8), (pair[1], 0.8)], Node::Block);
        }
        d.wire(Node::Block, &[(4.9, 0.8), (6.1, 0.8)], Node::Text);
        d.text((6.1, 0.8), "…");
        d.wire(Node::Text, &[(6.1, 0.8), (7.3, 0.8)], Node::Block);
        d.wire(Node::Block, &[(7.3, 0.8), (8.5, 0.8)], Node::Block);
        d.wire(Node::Block, &[(8.5, 0.8), (9.9, 0.8)], Node::Block);
        d.wire(Node::Block, &[(9.9, 0.8), (11.1, 0.8)], Node::Text);
        d.text((11.1, 0.8), "$y$");
        for (at, name) in [(3.05, "$h_1$"), (5.5, "$h_2$"), (9.2, "$h_T$")] {
            d.label((at, 0.8), name, Side::Above);
        }
        for (at, name) in row {
            d.weights((at, 0.8), name);
        }
        for at in transfers {
            d.transfer((at, 0.8), &self.transfer);
        }
    }
}

fn gru(d: &mut Diagram<'_, '_>) {
    let (top, gates, hidden, input) = (0.3, 2.7, 3.6, 4.1);
    d.text((0.0, top), "$h_{t-1}$");
    d.wire(Node::Text, &[(0.0, top), (4.6, top)], Node::Sum);
    d.wire(Node::Sum, &[(4.6, top), (7.6, top)], Node::Sum);
    d.wire(Node::Sum, &[(7.6, top), (9.6, top)], Node::Text);
    d.text((9.6, top), "$h_t$");
    // The state and the input go to the gates; of the candidate, only the input does so directly.
    d.dot((1.0, top));
    d.line(&[(1.0, top), (1.0, hidden), (4.45, hidden)]);
    d.text((0.0, input), "$x_t$");
    d.line(&[(0.45, input), (6.6, input)]);
    for gate in [2.0, 4.6] {
        d.wire(Node::Point, &[(gate - 0.15, hidden), (gate - 0.15, gates)], Node::Block);
        d.wire(Node::Point, &[(gate + 0.15, input), (gate + 0.15, gates)], Node::Block);
    }
    d.dot((1.85, hidden));
    d.dot((2.15, input));
    d.dot((4.75, input));
    d.wire(Node::Point, &[(6.6, input), (6.6, gates)], Node::Block);
    // The reset gate.
    d.dot((1.0, 1.8));
    d.wire(Node::Point, &[(1.0, 1.8), (2.0, 1.8)], Node::Sum);
    d.wire(Node::Block, &[(2.0, gates), (2.0, 1.8)], Node::Sum);
    d.wire(Node::Sum, &[(2.0, 1.8), (5.6, 1.8), (5.6, gates), (6.6, gates)], Node::Block);
    // The update gate.
    d.wire(Node::Block, &[(4.6, gates), (4.6, top)], Node::Sum);
    d.dot((4.6, 1.1));
    d.wire(Node::Point, &[(4.6, 1.1), (6.1, 1.1)], Node::Block);
    d.wire(Node::Block, &[(6.1, 1.1), (7.6, 1.1)], Node::Sum);
    d.wire(Node::Block, &[(6.6, gates), (7.6, gates), (7.6, 1.1)], Node::Sum);
    d.wire(Node::Sum, &[(7.6, 1.1), (7.6, top)], Node::Sum);
    d.plain((6.1, 1.1), "1 −");
    for (at, name, label) in [(2.0, "*σ*", "$r_t$"), (4.6, "*σ*", "$z_t$")] {
        d.gate((at, gates), name);
        d.label((at, gates - 0.55), label, Side::Right);
    }
    d.transfer((6.6, gates), "tanh");
    d.label((7.6, 1.95), "$n_t$", Side::Right);
    for (at, sign) in [((2.0, 1.8), "×"), ((4.6, top), "×"), ((7.6, 1.1), "×"), ((7.6, top), "+")] {
        d.operation(at, sign);
    }
}

fn lstm(d: &mut Diagram<'_, '_>) {
    let (top, gates, hidden, input) = (0.3, 2.7, 3.6, 4.1);
    d.text((0.0, top), "$c_{t-1}$");
    d.wire(Node::Text, &[(0.0, top), (1.9, top)], Node::Sum);
    d.wire(Node::Sum, &[(1.9, top), (5.1, top)], Node::Sum);
    d.wire(Node::Sum, &[(5.1, top), (10.2, top)], Node::Text);
    d.text((10.2, top), "$c_t$");
    d.text((0.0, hidden), "$h_{t-1}$");
    d.text((0.0, input), "$x_t$");
    d.line(&[(0.65, hidden), (6.55, hidden)]);
    d.line(&[(0.45, input), (6.85, input)]);
    for gate in [1.9, 3.5, 5.1, 6.7] {
        d.wire(Node::Point, &[(gate - 0.15, hidden), (gate - 0.15, gates)], Node::Block);
        d.wire(Node::Point, &[(gate + 0.15, input), (gate + 0.15, gates)], Node::Block);
        if gate < 6.0 {
            d.dot((gate - 0.15, hidden));
            d.dot((gate + 0.15, input));
        }
    }
    d.wire(Node::Block, &[(1.9, gates), (1.9, top)], Node::Sum);
    d.wire(Node::Block, &[(3.5, gates), (3.5, 1.4), (5.1, 1.4)], Node::Sum);
    d.wire(Node::Block, &[(5.1, gates), (5.1, 1.4)], Node::Sum);
    d.wire(Node::Sum, &[(5.1, 1.4), (5.1, top)], Node::Sum);
    d.dot((8.3, top));
    d.wire(Node::Point, &[(8.3, top), (8.3, 1.15)], Node::Block);
    d.wire(Node::Block, &[(8.3, 1.15), (8.3, 2.1)], Node::Sum);
    d.wire(Node::Block, &[(6.7, gates), (6.7, 2.1), (8.3, 2.1)], Node::Sum);
    d.wire(Node::Sum, &[(8.3, 2.1), (10.2, 2.1)], Node::Text);
    d.text((10.2, 2.1), "$h_t$");
    for (at, name) in [(1.9, "$f_t$"), (3.5, "$i_t$"), (6.7, "$o_t$")] {
        d.gate((at, gates), "*σ*");
        let side = if at > 6.0 { Side::Left } else { Side::Right };
        d.label((at, gates - 0.55), name, side);
    }
    d.transfer((5.1, gates), "tanh");
    d.label((5.1, gates - 0.55), "$g_t$", Side::Right);
    d.transfer((8.3, 1.15), "tanh");
    for (at, sign) in [((1.9, top), "×"), ((5.1, 1.4), "×"), ((5.1, top), "+"), ((8.3, 2.1), "×")] {
        d.operation(at, sign);
    }
}

/// What is at the end of a wire, which keeps clear of it.
#[derive(Clone, Copy, PartialEq)]
enum Node {
    Point,
    Text,
    Block,
    Wide,
    Sum,
}

/// The side of a point on which its label is.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Above,
    Below,
    Left,
    Right,
}

/// A diagram on a grid.
struct Diagram<'s, 't> {
    scene: &'s mut Scene,
    theme: &'t Theme,
    origin: Point,
    /// Width and height of a unit of the grid, in points.
    unit: Point,
    /// Size of blocks and circles, relative to their usual size.
    scale: f64,
}

impl Diagram<'_, '_> {
    fn at(&self, (x, y): Point) -> Point {
        (self.origin.0 + self.unit.0 * x, self.origin.1 + self.unit.1 * y)
    }

    fn pen(&self) -> Pen {
        Pen::solid(self.theme.colour.neutral, self.theme.line.readout)
    }

    /// Half the width and height of a node.
    fn half(&self, node: Node) -> Point {
        let (wide, high) = match node {
            Node::Point => (0.0, 0.0),
            Node::Text => (8.0, 6.0),
            Node::Block => (9.0, 6.0),
            Node::Wide => (12.0, 6.0),
            Node::Sum => (4.4, 4.4),
        };
        (self.scale * wide, self.scale * high)
    }

    /// A path from a node to a node, with an arrow at its end.
    fn wire(&mut self, from: Node, path: &[Point], to: Node) {
        let mut points: Vec<Point> = path.iter().map(|&point| self.at(point)).collect();
        let count = points.len();
        let clear = |point: Point, towards: Point, (wide, high): Point| {
            if (towards.0 - point.0).abs() > (towards.1 - point.1).abs() {
                (point.0 + wide.copysign(towards.0 - point.0), point.1)
            } else {
                (point.0, point.1 + high.copysign(towards.1 - point.1))
            }
        };
        let (first, last) = (self.half(from), self.half(to));
        points[0] = clear(points[0], points[1], first);
        points[count - 1] = clear(points[count - 1], points[count - 2], last);
        let pen = self.pen();
        shapes::path_arrow(self.scene, &points, &pen);
    }

    fn line(&mut self, path: &[Point]) {
        let stroke = path.iter().map(|&point| self.at(point)).collect();
        let pen = self.pen();
        self.scene.items.push(Item::Lines { strokes: vec![stroke], pen });
    }

    /// A branch of a wire.
    fn dot(&mut self, at: Point) {
        let (centres, colour) = (vec![self.at(at)], self.theme.colour.neutral);
        self.scene.items.push(Item::Marks { centres, shape: Shape::Disc, radius: 1.1 * self.scale, colour });
    }

    fn size(&self) -> f64 {
        self.theme.text.legend.max(self.theme.text.title * self.scale.min(1.0))
    }

    fn text(&mut self, at: Point, text: &str) {
        let (x, y) = self.at(at);
        let size = self.size();
        let place = (x, y + 0.5 * font::CAP_HEIGHT * size);
        self.scene.text(place, Rich::parse(text), size, Anchor::Middle, self.theme.text.colour);
    }

    /// A name next to a wire.
    fn label(&mut self, at: Point, text: &str, side: Side) {
        let (x, y) = self.at(at);
        let size = self.theme.text.legend;
        let (place, anchor) = match side {
            Side::Above => ((x, y - 3.5), Anchor::Middle),
            Side::Below => ((x, y + 2.5 + font::ASCENT * size), Anchor::Middle),
            Side::Left => ((x - 2.5, y + 0.5 * font::CAP_HEIGHT * size), Anchor::End),
            Side::Right => ((x + 2.5, y + 0.5 * font::CAP_HEIGHT * size), Anchor::Start),
        };
        self.scene.text(place, Rich::parse(text), size, anchor, self.theme.text.colour);
    }

    fn block(&mut self, at: Point, text: &str, node: Node, filling: Colour) {
        let (x, y) = self.at(at);
        let (wide, high) = self.half(node);
        let pen = self.pen();
        shapes::framed(self.scene, Rect::new(x - wide, y - high, 2.0 * wide, 2.0 * high), filling, &pen);
        let rich = Rich::parse(text);
        let size = (self.theme.text.legend).min(1.9 * wide / rich.width(1.0));
        let place = (x, y + 0.5 * font::CAP_HEIGHT * size);
        self.scene.text(place, rich, size, Anchor::Middle, self.theme.text.colour);
    }

    fn tint(&self, index: usize) -> Colour {
        let colours = &self.theme.palette.categorical;
        let colour = colours.get(index).copied().unwrap_or(self.theme.colour.neutral);
        colour.towards(Colour::WHITE, 0.72)
    }

    fn weights(&mut self, at: Point, text: &str) {
        let filling = self.theme.colour.reference.towards(Colour::WHITE, 0.7);
        self.block(at, text, Node::Block, filling);
    }

    fn plain(&mut self, at: Point, text: &str) {
        self.block(at, text, Node::Block, Colour::WHITE);
    }

    fn wide(&mut self, at: Point, text: &str) {
        self.block(at, text, Node::Wide, Colour::WHITE);
    }

    fn transfer(&mut self, at: Point, text: &str) {
        self.block(at, text, Node::Block, self.tint(1));
    }

    fn gate(&mut self, at: Point, text: &str) {
        self.block(at, text, Node::Block, self.tint(0));
    }

    fn operation(&mut self, at: Point, sign: &str) {
        let centre = self.at(at);
        let radius = self.half(Node::Sum).0;
        let pen = self.pen();
        shapes::circle(self.scene, centre, radius, Colour::WHITE, &pen);
        let arm = 0.55 * radius;
        // Signs are drawn, so that they are in the middle of their circles.
        let arms = if sign == "+" {
            [((-arm, 0.0), (arm, 0.0)), ((0.0, -arm), (0.0, arm))]
        } else {
            let arm = 0.8 * arm;
            [((-arm, -arm), (arm, arm)), ((-arm, arm), (arm, -arm))]
        };
        let of = |(x, y): Point| (centre.0 + x, centre.1 + y);
        let strokes = arms.map(|(from, to)| vec![of(from), of(to)]).to_vec();
        self.scene.items.push(Item::Lines { strokes, pen });
    }
}
