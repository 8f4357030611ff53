//! Times of the analyses at the paper's size, on one thread.

use std::hint::black_box;

use anyhow::Result;
use concertina::analyses::finite_time::Method;
use concertina::analyses::lyapunov::{Autonomous, Drive, Orbits, Stopping, initial_states};
use concertina::analyses::{
    Accuracy, Analysis, AnalysisSpec, Autocorrelation, Between, ClassDistances, ClusterHoldout,
    CovariantVectors, Decoding, EffectiveDimension, FiniteTime, FixedPoints, IntrinsicDimension, Kernel,
    Lyapunov, OrthogonalCompression, PcaSnapshots, Reference, RepresentationSimilarity, Saturation,
    SimilarityMeasure, Spectrum, Subject, Timesteps, VaryingWeights, WeightVariance, effective_dimension,
    manifold_capacity,
};
use concertina::model::Checkpoint;
use concertina::model::network::Network;
use concertina::model::params::Params;
use concertina::model::task::{self, Ask};
use concertina::model::trainer::Trainer;
use concertina_benches::{Session, Work};
use concertina_numerics::random::{Purpose, Stream};
use ndarray::{Array2, Axis, s};

fn main() -> Result<()> {
    let params = Params::default().check().expect("the defaults are valid");
    let task = task::of(&params).expect("the clusters fit");
    let untrained = Network::initial(&params).expect("finite weights");
    let mut trainer = Trainer::new(&params).expect("the clusters fit");
    for _ in 0..3 {
        trainer.train_epoch(&Default::default(), &mut |_, _| {}).expect("it does not diverge");
    }
    let trained = Network::new(&params, trainer.weights()).expect("finite weights");

    let samples = task.trials(Ask::Analysis { count: 500 });
    let states = untrained.states(&samples.inputs, 10).expect("shapes agree");
    let system = Autonomous::of(&untrained).expect("finite weights").expect("recurrent");
    let frame: Array2<f64> = Array2::eye(system.units());
    let starts = initial_states(0, 10, system.units());
    let one_timestep = Timesteps::these([9]);
    let timesteps = RepresentationSimilarity { between: Between::Timestep, ..Default::default() };
    let analyses: [(&str, AnalysisSpec); 25] = [
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
        ("fixed_points", FixedPoints::default().into()),
        ("representation_similarity between timesteps", timesteps.clone().into()),
        (
            "cka between timesteps",
            RepresentationSimilarity { measure: SimilarityMeasure::Cka, ..timesteps }.into(),
        ),
        ("intrinsic_dimension", IntrinsicDimension::default().into()),
        ("decoding", Decoding::default().into()),
        ("kernel", Kernel::default().into()),
        ("finite_time", FiniteTime::default().into()),
        ("finite_time, qr", FiniteTime { method: Method::Qr, ..FiniteTime::default() }.into()),
        ("covariant_vectors", CovariantVectors::default().into()),
        ("lyapunov, driven", Lyapunov { drive: Some(Drive::Input), ..Lyapunov::default() }.into()),
    ];
    let sixty: Vec<_> =
        (0..60).map(|number| (Checkpoint::new(number, 20 * number), untrained.clone())).collect();
    let stages =
        [("before", [(Checkpoint::START, untrained.clone())]), ("after", [(Checkpoint::START, trained)])];

    let mut session = Session::from_args("analyses")?;
    session.case("states of 500 samples, 10 timesteps", Work::Whole, || {
        black_box(untrained.states(&samples.inputs, 10).expect("shapes agree"));
    });
    session.case("cka of 60 checkpoints with the first, 11 timesteps", Work::Whole, || {
        let subject = Subject { params: &params, task: &*task, checkpoints: &sixty };
        let alignment = RepresentationSimilarity { measure: SimilarityMeasure::Cka, ..Default::default() };
        black_box(alignment.run(&subject).expect("it applies"));
    });
    session.case("effective dimension over 11 timesteps, 500 samples", Work::Whole, || {
        black_box(effective_dimension(samples.inputs.stimuli().expect("held")).expect("finite"));
        for timestep in states.axis_iter(Axis(1)) {
            black_box(effective_dimension(timestep).expect("finite"));
        }
    });

    session.case("lyapunov: 1000 timesteps, 10 exponents, 10 initial conditions", Work::Whole, || {
        let mut orbits =
            Orbits::new(&system, starts.view(), frame.slice(s![..10, ..])).expect("shapes agree");
        for _ in 0..1000 {
            black_box(orbits.step());
        }
    });

    let members: Vec<u32> = (0..1000).map(|sample| sample % 20).collect();
    let mut cloud = Stream::new(0, Purpose::new("capacity cloud"), 0);
    let mut clouds = Array2::<f64>::from_shape_simple_fn((1000, 200), || cloud.normal());
    for (label, mut state) in members.iter().zip(clouds.outer_iter_mut()) {
        state[*label as usize] += 20.0;
    }
    session.case("manifold_capacity: 20 manifolds of 50 points, 300 directions", Work::Whole, move || {
        black_box(manifold_capacity(clouds.view(), &members, 300, 0).expect("finite"));
    });

    for (stage, checkpoints) in &stages {
        for (name, analysis) in &analyses {
            let subject = Subject { params: &params, task: &*task, checkpoints };
            session.case(format!("{name}, {stage} training"), Work::Whole, move || {
                black_box(analysis.run(&subject).expect("it applies"));
            });
        }
    }
    session.finish()
}
