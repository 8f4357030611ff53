//! Times of the analyses at the paper's size, on one thread: `cargo bench -p concertina-analysis`.
//!
//! Each line is the shortest of some runs, which on a shared machine says most about the code. Targets are in
//! `performance.md`: 11 effective dimensions under 5 ms, 1000 timesteps of the Lyapunov spectrum under 0.5 s.
#![expect(clippy::print_stdout, reason = "the output of a benchmark is its text")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use concertina_analysis::lyapunov::{Autonomous, Orbits, Stopping, initial_states};
use concertina_analysis::{
    Accuracy, Analysis, AnalysisSpec, Autocorrelation, ClassDistances, ClusterHoldout, EffectiveDimension,
    Lyapunov, OrthogonalCompression, PcaSnapshots, Reference, Saturation, Spectrum, Subject, Timesteps,
    VaryingWeights, WeightVariance, effective_dimension,
};
use concertina_model::Checkpoint;
use concertina_model::network::Network;
use concertina_model::params::Params;
use concertina_model::task::Task;
use concertina_model::trainer::Trainer;
use ndarray::{Array2, Axis, s};

fn main() {
    let params = Params::default().check().expect("the defaults are valid");
    let task = Task::new(&params).expect("the clusters fit");
    let untrained = Network::initial(&params).expect("finite weights");
    let mut trainer = Trainer::new(&params).expect("the clusters fit");
    for _ in 0..3 {
        trainer.train_epoch(&Default::default(), &mut |_, _| {}).expect("it does not diverge");
    }
    let trained = Network::new(&params, trainer.weights()).expect("finite weights");

    let samples = task.analysis_samples(500);
    let states = untrained.states(samples.inputs.view(), 10).expect("shapes agree");
    report("states of 500 samples, 10 timesteps", 20, || {
        black_box(untrained.states(samples.inputs.view(), 10).expect("shapes agree"));
    });
    report("effective dimension of 500 states and of 10 x 500 more", 20, || {
        black_box(effective_dimension(samples.inputs.view()).expect("finite"));
        for timestep in states.axis_iter(Axis(1)) {
            black_box(effective_dimension(timestep).expect("finite"));
        }
    });

    let system = Autonomous::of(&untrained).expect("finite weights").expect("recurrent");
    let frame: Array2<f64> = Array2::eye(system.units());
    let starts = initial_states(0, 10, system.units());
    report("lyapunov: 1000 timesteps, 10 exponents, 10 initial conditions", 3, || {
        let mut orbits =
            Orbits::new(&system, starts.view(), frame.slice(s![..10, ..])).expect("shapes agree");
        for _ in 0..1000 {
            black_box(orbits.step());
        }
    });

    let one_timestep = Timesteps::these([9]);
    let analyses: [(&str, AnalysisSpec); 15] = [
        ("effective_dimension", EffectiveDimension::default().into()),
        (
            "effective_dimension at the last timestep",
            EffectiveDimension { timesteps: Timesteps::Last, ..EffectiveDimension::default() }.into(),
        ),
        ("accuracy", Accuracy::default().into()),
        (
            "pca_snapshots at one timestep",
            PcaSnapshots { timesteps: one_timestep, ..PcaSnapshots::default() }.into(),
        ),
        ("pca_snapshots", PcaSnapshots::default().into()),
        ("lyapunov, converged", Lyapunov::default().into()),
        ("lyapunov, paper", Lyapunov { stopping: Stopping::Paper, ..Lyapunov::default() }.into()),
        ("cluster_holdout", ClusterHoldout::default().into()),
        ("saturation", Saturation::default().into()),
        ("class_distances", ClassDistances::default().into()),
        ("orthogonal_compression", OrthogonalCompression::default().into()),
        (
            "orthogonal_compression beside class means",
            OrthogonalCompression { reference: Reference::ClassMeans, ..OrthogonalCompression::default() }
                .into(),
        ),
        (
            "weight_variance of the product, one checkpoint",
            WeightVariance { of: VaryingWeights::Product, ..WeightVariance::default() }.into(),
        ),
        ("autocorrelation", Autocorrelation::default().into()),
        ("spectrum", Spectrum::default().into()),
    ];
    for (stage, network) in [("before", untrained), ("after", trained)] {
        let checkpoints = [(Checkpoint::START, network)];
        let subject = Subject { params: &params, task: &task, checkpoints: &checkpoints };
        for (name, analysis) in &analyses {
            report(&format!("{name}, {stage} training"), 3, || {
                black_box(analysis.run(&subject).expect("it applies"));
            });
        }
    }
}

fn report(what: &str, times: usize, mut run: impl FnMut()) {
    let shortest = (0..times).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed()
    });
    let shortest = shortest.min().unwrap_or(Duration::ZERO);
    println!("{:>10.2} ms  {what}", 1e3 * shortest.as_secs_f64());
}
