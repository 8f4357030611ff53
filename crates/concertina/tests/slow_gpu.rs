//! Figure 2 on a GPU, at the paper's size: its effective dimensions and accuracies agree in law with those of
//! the CPU.

#[path = "support/law.rs"]
mod law;
mod support;

use concertina::prelude::*;

#[test]
fn figure_2_agrees_in_law_with_that_of_the_cpu() {
    let mut params = Params::default();
    (params.task.input_dim, params.train.epochs) = (200, 12);
    law::agrees_in_law(&params);
}
