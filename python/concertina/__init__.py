"""Concertina: train many small recurrent networks, and study how their representations form.

>>> import concertina as ct
>>> study = ct.Study(progress=False)                       # `ct.Study("runs")` keeps runs in a folder
>>> runs = study.train(input_dim=10, units=20, epochs=2, gain=[20, 250])
>>> dimension = runs.effective_dimension(samples=100)      # a table: `to_pandas()`, `plot(...)`
>>> states = runs[0].states("last")                        # (trials, time, units)
>>> ct.effective_dimension(states[:, -1]) > 1              # analyses take plain arrays, too
True

See `help(ct.Study)` and `help(ct.effective_dimension)` for more.
"""

from __future__ import annotations

from ._analyses import analyses
from ._arrays.classes import (
    class_distances,
    cluster_holdout,
    decoding,
    manifold_capacity,
    orthogonal_compression,
)
from ._arrays.clouds import (
    PrincipalComponents,
    TwoNN,
    autocorrelation,
    effective_dimension,
    intrinsic_dimension,
    pca_snapshots,
    saturation,
    twonn,
)
from ._arrays.dynamics import (
    FiniteTimeRates,
    covariant_vectors,
    finite_time,
    fixed_points,
    lyapunov,
    spectrum,
)
from ._arrays.learning import kernel, weight_variance
from ._arrays.outputs import accuracy, loss, performance
from ._arrays.similarity import cka, rdm, representation_similarity
from ._core import __version__
from ._doctor import Diagnosis, doctor
from ._errors import ConcertinaWarning, Error, ParameterError, RunFailed, ShapeError, StoreError
from ._figures import Figure, Report
from ._methods import Methods
from ._networks import Network
from ._parameters import Params, Together, parameters, sweep, zip
from ._runs import Run, Runs, States, Weights
from ._study import Study, figures
from ._tables import LyapunovSpectrum, Table
from ._trials import Trials
from ._viewer import Frame, Viewer

__all__ = [
    "ConcertinaWarning",
    "Diagnosis",
    "Error",
    "Figure",
    "FiniteTimeRates",
    "Frame",
    "LyapunovSpectrum",
    "Methods",
    "Network",
    "ParameterError",
    "Params",
    "PrincipalComponents",
    "Report",
    "Run",
    "RunFailed",
    "Runs",
    "ShapeError",
    "States",
    "StoreError",
    "Study",
    "Table",
    "Together",
    "Trials",
    "TwoNN",
    "Viewer",
    "Weights",
    "__version__",
    "accuracy",
    "analyses",
    "autocorrelation",
    "cka",
    "class_distances",
    "cluster_holdout",
    "covariant_vectors",
    "decoding",
    "doctor",
    "effective_dimension",
    "figures",
    "finite_time",
    "fixed_points",
    "intrinsic_dimension",
    "kernel",
    "loss",
    "lyapunov",
    "manifold_capacity",
    "orthogonal_compression",
    "parameters",
    "pca_snapshots",
    "performance",
    "rdm",
    "representation_similarity",
    "saturation",
    "spectrum",
    "sweep",
    "twonn",
    "weight_variance",
    "zip",
]
