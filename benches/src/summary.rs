//! A median and the range of measurements.

use std::fmt;

/// The median, the smallest and the largest of some measurements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The median; of an even number of measurements, the mean of the middle two.
    pub median: f64,
    /// The smallest.
    pub smallest: f64,
    /// The largest.
    pub largest: f64,
}

impl Summary {
    /// The summary of at least one measurement.
    ///
    /// # Panics
    /// If there are no measurements.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        assert!(!values.is_empty(), "a median of no measurements");
        values.sort_by(f64::total_cmp);
        let (half, count) = (values.len() / 2, values.len());
        let median = if count % 2 == 1 { values[half] } else { 0.5 * (values[half - 1] + values[half]) };
        Summary { median, smallest: values[0], largest: values[count - 1] }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(2);
        write!(f, "{:.digits$} [{:.digits$}, {:.digits$}]", self.median, self.smallest, self.largest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(Summary::of([3.0, 1.0, 2.0]), Summary { median: 2.0, smallest: 1.0, largest: 3.0 });
        assert_eq!(Summary::of([4.0, 1.0, 2.0, 3.0]).median, 2.5);
        assert_eq!(format!("{:.1}", Summary::of([1.0])), "1.0 [1.0, 1.0]");
    }
}
