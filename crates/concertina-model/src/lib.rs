//! What a run is and does: parameters, task, networks, losses, optimizers, schedulers, training.
