//! Learning rates compared with PyTorch's schedulers (fixture `schedulers`).

use concertina_model::scheduler::{Cyclic, Multistep, Onecycle, Plateau, Scheduler, Step};
use concertina_testing::compare::assert_relative;
use concertina_testing::golden::Fixture;
use ndarray::Array1;

/// The rates before the first epoch and after each of `count - 1` epochs, given the validation losses.
fn rates(scheduler: &Scheduler, losses: &[f64], count: usize) -> Array1<f64> {
    let mut state = scheduler.start();
    let mut rates = vec![state.learning_rate];
    for epoch in 0..count - 1 {
        scheduler.step(&mut state, losses.get(epoch).copied().unwrap_or(f64::NAN));
        rates.push(state.learning_rate);
    }
    Array1::from(rates)
}

#[test]
fn golden_schedulers() {
    let Some(fixture) = Fixture::open("schedulers") else { return };
    for case in fixture.cases(".lr") {
        let setting = |name: &str| fixture.scalar(&format!("{case}.{name}"));
        let mut losses = Vec::new();
        let mut tolerance = 1e-12;
        let scheduler = if case.contains("float32_means") {
            losses = fixture.f64(&format!("{case}.epoch_means")).into_iter().collect();
            let batches = fixture.f64(&format!("{case}.batch_losses"));
            // a float32 mean of float32 losses near 1 is off by at most an epsilon
            let means = batches.mean_axis(ndarray::Axis(1)).expect("there are batches");
            concertina_testing::compare::assert_close(
                &format!("{case}.epoch_means"),
                means.view(),
                Array1::from(losses.clone()).view(),
                1.5e-7,
            );
            // the settings are those in the README of the fixture
            Scheduler::Plateau(Plateau { learning_rate: 1e-3, factor: 0.5, patience: 5 })
        } else if case.starts_with("plateau_") {
            // plateau_<sequence>_f<factor>_p<patience>
            let sequence = case.rsplitn(3, '_').last().expect("there is always a last part");
            losses = fixture.f64(&format!("{sequence}.val_loss")).into_iter().collect();
            let patience = setting("patience") as u64;
            Scheduler::Plateau(Plateau { learning_rate: setting("lr0"), factor: setting("factor"), patience })
        } else if case.starts_with("steplr") {
            let every = setting("step_size") as u64;
            Scheduler::Step(Step { learning_rate: setting("lr0"), factor: setting("gamma"), every })
        } else if case.starts_with("multisteplr") {
            let milestones =
                fixture.i64(&format!("{case}.milestones")).iter().map(|epoch| *epoch as u64).collect();
            Scheduler::Multistep(Multistep {
                learning_rate: setting("lr0"),
                factor: setting("gamma"),
                milestones,
            })
        } else if case.starts_with("cyclic_") {
            tolerance = 1e-9;
            Scheduler::Cyclic(Cyclic {
                base: setting("base_lr"),
                maximum: setting("max_lr"),
                epochs_up: setting("step_size_up") as u64,
                halving: case.contains("triangular2"),
            })
        } else if case.starts_with("onecycle_") {
            Scheduler::Onecycle(Onecycle {
                maximum: setting("max_lr"),
                total_epochs: setting("total_steps") as u64,
                share_up: setting("pct_start"),
                division: setting("div_factor"),
                final_division: setting("final_div_factor"),
            })
        } else {
            panic!("case `{case}` names no known scheduler");
        };
        let expected = fixture.f64(&format!("{case}.lr"));
        let found = rates(&scheduler, &losses, expected.len());
        assert_relative(&case, found.view(), expected.view(), tolerance);
    }
    fixture.finish();
}
