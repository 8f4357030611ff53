//! Linear classifiers by Newton's method on the weights themselves, with Cholesky factorisation.

use super::algebra::{Matrix, dot, solve};

/// The data to be fitted: rows of features that end in a 1, and their classes.
pub(crate) struct Fit<'a> {
    pub(crate) rows: &'a Matrix,
    pub(crate) labels: &'a [u32],
    pub(crate) classes: usize,
    pub(crate) c: f64,
}

/// A function with gradient and second derivative: value, gradient, rows of the second derivative.
type Model<'a> = dyn Fn(&[f64]) -> (f64, Vec<f64>, Matrix) + 'a;

impl Fit<'_> {
    fn width(&self) -> usize {
        self.rows[0].len()
    }

    /// Weights and intercept for each score; `None` if the search does not converge.
    ///
    /// Minimises `|w|²/2 + c Σ ln(1 + exp(-t s))` for two classes. For more classes, minimises
    /// `|W|²/2 - c Σ ln softmax(s)[label]`, with the last intercept fixed at 0.
    pub(crate) fn logistic(&self) -> Option<Matrix> {
        if self.classes == 2 {
            return Some(vec![self.search(self.width(), &|point| self.two_classes(point))?]);
        }
        let width = self.width();
        let free = width * self.classes - 1;
        let mut point = self.search(free, &|point| self.many_classes(point))?;
        point.push(0.0);
        Some(point.chunks(width).map(<[f64]>::to_vec).collect())
    }

    /// Minimises `(|w|² + b²)/2 + c Σ max(0, 1 - t s)²`, each class against the rest.
    pub(crate) fn svm(&self) -> Option<Matrix> {
        let scores = if self.classes == 2 { 1..2 } else { 0..self.classes };
        scores
            .map(|class| self.search(self.width(), &|point| self.squared_hinge(class as u32, point)))
            .collect()
    }

    fn sign(&self, sample: usize, class: u32) -> f64 {
        if self.labels[sample] == class { 1.0 } else { -1.0 }
    }

    fn two_classes(&self, point: &[f64]) -> (f64, Vec<f64>, Matrix) {
        let last = point.len() - 1;
        let mut sums = Sums::of_penalty(point, |entry| entry != last);
        for (sample, row) in self.rows.iter().enumerate() {
            let sign = self.sign(sample, 1);
            let margin = sign * dot(row, point);
            let wrong = 1.0 / (1.0 + margin.exp());
            sums.value +=
                self.c * if margin > 0.0 { (-margin).exp().ln_1p() } else { margin.exp().ln_1p() - margin };
            sums.add(row, -self.c * sign * wrong, self.c * wrong * (1.0 / (1.0 + (-margin).exp())));
        }
        sums.finished()
    }

    fn squared_hinge(&self, class: u32, point: &[f64]) -> (f64, Vec<f64>, Matrix) {
        let mut sums = Sums::of_penalty(point, |_| true);
        for (sample, row) in self.rows.iter().enumerate() {
            let sign = self.sign(sample, class);
            let slack = 1.0 - sign * dot(row, point);
            if slack > 0.0 {
                sums.value += self.c * slack * slack;
                sums.add(row, -2.0 * self.c * sign * slack, 2.0 * self.c);
            }
        }
        sums.finished()
    }

    fn many_classes(&self, point: &[f64]) -> (f64, Vec<f64>, Matrix) {
        let width = self.width();
        let mut sums = Sums::of_penalty(point, |entry| entry % width != width - 1);
        for (row, label) in self.rows.iter().zip(self.labels) {
            let weights = |class: usize| &point[class * width..point.len().min((class + 1) * width)];
            let scores: Vec<f64> = (0..self.classes).map(|class| dot(weights(class), row)).collect(); // last 1 unused
            let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let whole: f64 = scores.iter().map(|score| (score - top).exp()).sum();
            let shares: Vec<f64> = scores.iter().map(|score| (score - top).exp() / whole).collect();
            sums.value += self.c * (whole.ln() + top - scores[*label as usize]);
            for (one, share) in shares.iter().enumerate() {
                let own = f64::from(u8::from(*label as usize == one));
                let filled = weights(one).len();
                for (entry, feature) in (one * width..).zip(&row[..filled]) {
                    sums.gradient[entry] += self.c * (share - own) * feature;
                    for (other, beside) in shares.iter().enumerate().take(one + 1) {
                        let both = self.c * share * (f64::from(u8::from(one == other)) - beside) * feature;
                        for (column, second) in (other * width..=entry).zip(row) {
                            sums.second[entry][column] += both * second;
                        }
                    }
                }
            }
        }
        sums.finished()
    }

    /// The objective of [`svm`](Self::svm) at these weights, summed over the scores.
    pub(crate) fn objective_of_svm(&self, weights: &Matrix) -> f64 {
        let first = u32::from(self.classes == 2);
        (first..).zip(weights).map(|(class, weights)| self.squared_hinge(class, weights).0).sum()
    }

    /// The minimum, found by full or halved Newton steps, when the scores no longer change.
    fn search(&self, size: usize, model: &Model) -> Option<Vec<f64>> {
        let mut point = vec![0.0; size];
        let (mut value, mut gradient, mut second) = model(&point);
        for _ in 0..400 {
            let step = solve(&second, &gradient)?;
            let mut share = 1.0;
            let reached = loop {
                let moved: Vec<f64> =
                    point.iter().zip(&step).map(|(point, step)| point - share * step).collect();
                let found = model(&moved);
                if found.0 <= value * (1.0 + 1e-13) {
                    break Some((moved, found));
                }
                share /= 2.0;
                if share < 1e-12 {
                    break None;
                }
            };
            let (moved, found) = reached?;
            let width = self.width();
            let change = step.chunks(width).flat_map(|step| self.rows.iter().map(|row| dot(row, step).abs()));
            let change = change.fold(0.0, f64::max);
            (point, (value, gradient, second)) = (moved, found);
            if share == 1.0 && change <= 1e-9 {
                return Some(point);
            }
        }
        None
    }
}

/// Sums over the samples of a fit. Of the second derivative, only the lower triangle.
struct Sums {
    value: f64,
    gradient: Vec<f64>,
    second: Matrix,
}

impl Sums {
    fn of_penalty(point: &[f64], penalised: impl Fn(usize) -> bool) -> Self {
        let size = point.len();
        let weight = |entry: usize| f64::from(u8::from(penalised(entry)));
        let mut second = vec![vec![0.0; size]; size];
        (0..size).for_each(|entry| second[entry][entry] = weight(entry));
        Self {
            value: (0..size).map(|entry| weight(entry) * point[entry] * point[entry] / 2.0).sum(),
            gradient: (0..size).map(|entry| weight(entry) * point[entry]).collect(),
            second,
        }
    }

    fn add(&mut self, row: &[f64], slope: f64, curvature: f64) {
        for (entry, feature) in row.iter().enumerate() {
            self.gradient[entry] += slope * feature;
            for (second, other) in self.second[entry].iter_mut().zip(&row[..=entry]) {
                *second += curvature * feature * other;
            }
        }
    }

    fn finished(self) -> (f64, Vec<f64>, Matrix) {
        (self.value, self.gradient, self.second)
    }
}
