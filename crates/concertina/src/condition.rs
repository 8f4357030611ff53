//! The columns of the run table, for conditions on runs.

use concertina_table::{Columns, Scalar};

use crate::error::{Error, Result};
use crate::library::columns;

/// The columns of the run table, for [`Condition::parse`](concertina_table::Condition::parse): names and
/// values may be spelled as elsewhere (`g_radius = 2.5e2`, `loss = cce`), and a key may be cut short.
///
/// An unknown name is [`Error::UnknownColumn`].
#[derive(Debug, Clone, Copy, Default)]
pub struct RunColumns;

impl Columns for RunColumns {
    type Error = Error;

    fn column(&self, name: &str) -> Result<String> {
        columns::run_table_column(name)
    }

    fn value(&self, column: &str, text: &str, quoted: bool) -> Result<Scalar, String> {
        columns::column_value(column, text, quoted)
    }

    fn is_ordered(&self, column: &str) -> bool {
        columns::is_ordered(column)
    }

    fn may_be_cut(&self, column: &str) -> bool {
        column == "key"
    }
}

#[cfg(test)]
mod tests {
    use concertina_table::Condition;

    use super::RunColumns;

    #[test]
    fn values_of_runs_are_read_as_elsewhere_and_refused_where_a_column_cannot_have_them() {
        let text =
            |condition: &str| format!("{:?}", Condition::parse(condition, &RunColumns).expect("right"));
        assert_eq!(text("loss = cce"), text("train.loss = cross_entropy"));
        assert_eq!(text("network != Sompolinsky"), text("kind != leaky"));
        assert_eq!(text("frozen = True"), text("frozen = 1"));
        assert_eq!(text("milestones = '[30,60]'"), text("milestones = '[30, 60]'"));
        assert!(text("key = 123456789012").contains("Begins, value: Text(\"123456789012\")"));
        for (wrong, expected) in [
            ("gain > high", "expected a number or `none` for `network.gain`, found `high`"),
            ("seed = '3'", "expected a number or `none` for `seed`, found `3`"),
            ("validation_accuracy > good", "expected a number or `none` for `validation_accuracy`"),
            ("loss = crossentropy", "expected one of `cross_entropy`, `mse`"),
            ("loss < mse", "expected `=` or `!=` with `train.loss`, found `<`"),
            ("frozen = perhaps", "expected `true` or `false` for `task.frozen`, found `perhaps`"),
            (
                "status = completed",
                "expected `complete`, `diverged`, `unfinished` for `status`, found `completed`",
            ),
            ("key = xyz", "expected a key or the beginning of one for `key`"),
            ("gain > none", "expected `=` or `!=` with `none`, found `>`"),
        ] {
            let error = Condition::parse(wrong, &RunColumns).expect_err(wrong).to_string();
            assert!(error.starts_with(expected), "{wrong}: {error}");
        }
        for right in
            ["gain < -1", "dt = 7", "val_samples = none", "finished > 2026-11-27", "wall_seconds >= 0.5"]
        {
            Condition::parse(right, &RunColumns).expect(right);
        }
    }
}
