//! The random choices that the tasks with drawn trials have in common.

use concertina_numerics::random::{Purpose, Stream};

use super::Ask;
use crate::params::ValidParams;

/// How many trials a task draws for each purpose, and from which streams.
#[derive(Clone, Debug)]
pub(super) struct Draws {
    training: Purpose,
    validation: Purpose,
    analysis: Purpose,
    train_samples: usize,
    val_samples: usize,
    frozen: bool,
    seed: u64,
}

impl Draws {
    /// The draws of a realisation, from streams for training, validation and analyses.
    pub(super) fn new(params: &ValidParams, [training, validation, analysis]: [Purpose; 3]) -> Self {
        Self {
            training,
            validation,
            analysis,
            train_samples: params.task.train_samples,
            val_samples: params.val_samples(),
            frozen: params.task.frozen,
            seed: params.seed,
        }
    }

    /// The stream of a request, and the number of trials. Every epoch has its own stream, unless samples are
    /// frozen.
    pub(super) fn stream(&self, ask: Ask) -> (Stream, usize) {
        let of_epoch = |epoch: u64| if self.frozen { 0 } else { epoch };
        let (purpose, index, count) = match ask {
            Ask::Training(epoch) => (self.training, of_epoch(epoch), self.train_samples),
            Ask::Validation(epoch) => (self.validation, of_epoch(epoch), self.val_samples),
            Ask::Analysis { count } => (self.analysis, count as u64, count),
        };
        (Stream::new(self.seed, purpose, index), count)
    }
}

/// Spreads trials over conditions: each condition `⌊count / conditions⌋` times, and the rest drawn without
/// replacement, in shuffled order.
pub(super) fn evenly_spread(stream: &mut Stream, count: usize, conditions: usize) -> Vec<u32> {
    let rest = count % conditions;
    let mut chosen: Vec<u32> = (0..conditions as u32).cycle().take(count - rest).collect();
    chosen.extend(stream.choose(conditions, rest).into_iter().map(|condition| condition as u32));
    stream.shuffle(&mut chosen);
    chosen
}

/// The conditions of requested trials: spread evenly for an analysis, drawn uniformly otherwise.
pub(super) fn conditions(stream: &mut Stream, ask: Ask, count: usize, conditions: usize) -> Vec<u32> {
    match ask {
        Ask::Analysis { .. } => evenly_spread(stream, count, conditions),
        _ => (0..count).map(|_| stream.below(conditions as u32)).collect(),
    }
}
