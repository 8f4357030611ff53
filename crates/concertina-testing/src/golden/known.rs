//! Which test is responsible for which fixture. This is the one list to edit when a fixture or a test is
//! added.

/// A fixture file, and the parts into which its arrays are divided.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Name of the file without `.npz`.
    pub file: &'static str,
    /// The parts, which together must cover every array. Empty for a file that no test reads yet.
    pub parts: &'static [Part],
    /// Why no test reads the file, for a file without parts.
    pub unread_because: Option<&'static str>,
}

/// Arrays of one file that one test is responsible for.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Name of the part, for [`Fixture::open_part`](super::Fixture::open_part).
    pub name: &'static str,
    /// The crate whose tests read it.
    pub reader: &'static str,
    /// Patterns of array names, with `*` for any run of characters.
    pub arrays: &'static [&'static str],
}

const fn whole(file: &'static str, reader: &'static [Part; 1]) -> Known {
    Known { file, parts: reader, unread_because: None }
}

const fn by(reader: &'static str) -> [Part; 1] {
    [Part { name: "all", reader, arrays: &["*"] }]
}

const NUMERICS: &[Part; 1] = &by("concertina-numerics");
const MODEL: &[Part; 1] = &by("concertina-model");
const ANALYSIS: &[Part; 1] = &by("concertina-analysis");

/// Every fixture file, in alphabetical order.
pub const KNOWN: &[Known] = &[
    whole("classifiers", NUMERICS),
    Known {
        file: "dimension",
        parts: &[
            Part {
                name: "spectrum",
                reader: "concertina-numerics",
                arrays: &["*.eigenvalues", "*.eigenvalues_swapped", "*.rank"],
            },
            Part {
                name: "dimension",
                reader: "concertina-analysis",
                arrays: &[
                    "*.X",
                    "*.dimension",
                    "*.dimension_swapped",
                    "*.dimension_float32",
                    "rnn.*",
                    "rnn_*",
                ],
            },
        ],
        unread_because: None,
    },
    Known {
        file: "distances",
        parts: &[
            Part { name: "pairs", reader: "concertina-analysis", arrays: &["pairs_*"] },
            Part { name: "orthogonal compression", reader: "concertina-analysis", arrays: &["orth_*"] },
        ],
        unread_because: None,
    },
    whole("gamma", NUMERICS),
    whole("init", NUMERICS),
    whole("lyapunov", ANALYSIS),
    whole("pca", NUMERICS),
    whole("schedulers", MODEL),
    whole("train_paper_g20_f32", MODEL),
    whole("train_paper_g20_f64", MODEL),
    whole("train_paper_g20_init", MODEL),
    whole("train_paper_g250_f32", MODEL),
    whole("train_paper_g250_f64", MODEL),
    whole("train_paper_g250_init", MODEL),
    whole("train_small_feedforward_relu_f64", MODEL),
    whole("train_small_feedforward_tanh_f64", MODEL),
    whole("train_small_somp_leak_tanh_f64", MODEL),
    whole("train_small_somp_noleak_tanh_f64", MODEL),
    whole("train_small_vanilla_linear_f64", MODEL),
    whole("train_small_vanilla_relu_f64", MODEL),
    whole("train_small_vanilla_tanh_f32", MODEL),
    whole("train_small_vanilla_tanh_f64", MODEL),
    whole("train_small_variants_f64", MODEL),
];
