//! Decides which array of a file becomes which: by our names, by those of the published code, by PyTorch's,
//! or as the user said.
//!
//! Nothing is guessed where two arrays could be meant, and arrays that were not used are reported.

use std::collections::BTreeMap;

use concertina_model::network::Weights;
use concertina_model::params::{NetworkKind, Nonlinearity};
use ndarray::{Array1, Array2, ArrayD};

use super::file::{File, before, last_part, shape_of};
use super::rates::Rates;
use super::{Found, Matrix, Vector};
use crate::error::Result;

/// Our names for arrays.
pub(super) const OURS: [&str; 7] = [
    Weights::INPUT,
    Weights::RECURRENT,
    Weights::BIAS,
    Weights::READOUT,
    Weights::READOUT_BIAS,
    Weights::RECURRENT_BIAS,
    Weights::INITIAL_STATE,
];
/// The place among them of the array that only gated networks have.
const RECURRENT_BIAS: usize = 5;
/// The place among them of the state before the first timestep.
const INITIAL_STATE: usize = 6;
/// The published code's names for the same arrays, in the same order. Its vectors are rows, like ours.
const PUBLISHED: [&str; 5] = ["Win", "Wrec", "brec", "Wout", "bout"];
/// The kinds of gated networks, and how many times as many columns as rows their recurrent weights have: one
/// block of columns per current of a unit. Blocks have the order of PyTorch, here as there: r, z, n, and i,
/// f, g, o.
pub(super) const GATED: [(usize, NetworkKind); 2] = [(3, NetworkKind::Gru), (4, NetworkKind::Lstm)];
/// The name that means that the network does not have an array.
const NONE: &str = "none";

/// Names given by the user: from our names to those in the file.
pub(super) type Names = BTreeMap<String, String>;

/// Whose names a file uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Convention {
    Ours,
    Published,
    /// Names of `torch.nn.RNN`, `torch.nn.GRU` and their cells, whose matrices act from the left and are
    /// transposed here.
    Torch,
}

/// A name for the recurrent weights, its convention, and its prefix.
struct Known<'f> {
    name: &'f str,
    convention: Convention,
    prefix: &'f str,
    /// What follows `weight_hh` in PyTorch's names: `_l0`, or nothing.
    suffix: &'static str,
}

/// Weights, and how they were obtained.
pub(super) struct Read {
    pub(super) weights: Weights,
    pub(super) arrays: Vec<(&'static str, String)>,
    /// If the names say that it is a network of rates: its step in time constants, if the file says that.
    pub(super) step_of_rates: Option<Option<f64>>,
    /// φ, if the file names it.
    pub(super) nonlinearity: Option<Nonlinearity>,
    pub(super) not_used: Vec<String>,
    pub(super) not_read: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// The weights of one network, under names that do not say its equations, or those of a program that has one
/// kind of network.
enum OneNetwork {
    Arrays(Weights, Vec<(&'static str, String)>),
    Rates(Rates),
}

/// The arrays of one network.
struct Reading<'a> {
    file: &'a File<'a>,
    names: &'a Names,
}

/// Whether the name of a linear layer suggests that it is the readout.
fn sounds_like_readout(module: &str) -> bool {
    let last = last_part(module.trim_end_matches('.')).to_ascii_lowercase();
    ["out", "fc", "linear", "dec", "head", "class", "logit", "pred", "h2o"]
        .iter()
        .any(|word| last.contains(word))
}

fn sounds_like_before(module: &str) -> bool {
    let module = module.to_ascii_lowercase();
    let last = last_part(module.trim_end_matches('.'));
    let parts = ["in", "i2h", "x2h"];
    ["emb", "enc", "input"].iter().any(|word| module.contains(word))
        || last.split('_').any(|part| parts.contains(&part))
}

/// Whether the name is that of an initial state.
fn is_state(name: &str) -> bool {
    let last = last_part(name).to_ascii_lowercase();
    matches!(&*last, "h0" | "h_0" | "h" | "c0" | "c_0") || last.contains("init") || last.contains("state")
}

/// Reads the weights in a file, and reports which array became which.
pub(super) fn weights(file: File<'_>, names: &Names) -> Result<Read> {
    let reading = Reading { file: &file, names };
    let (weights, arrays, step_of_rates, nonlinearity) = match reading.weights()? {
        OneNetwork::Arrays(weights, arrays) => (weights, arrays, None, None),
        OneNetwork::Rates(rates) => {
            rates.notes().into_iter().for_each(|note| file.note(note));
            let arrays = rates.origins();
            (rates.weights, arrays, Some(rates.alpha), rates.nonlinearity)
        }
    };
    for (name, array) in file.left() {
        let module = before(name, "weight").unwrap_or_default();
        let leads_to_input = weights.has_input() && array.shape().contains(&weights.input.nrows());
        if sounds_like_before(module) && array.ndim() == 2 && leads_to_input {
            file.note(format!(
                "`{name}` is not used: it may lead into the network, whose inputs here are those behind it"
            ));
        }
        if is_state(name) && array.iter().any(|number| *number != 0.0) {
            let start = match weights.initial_state {
                None => "trials start from a state of zeros",
                Some(_) => "trials start from another state",
            };
            file.note(format!("`{name}` is not used: {start}"));
        }
    }
    let (not_used, not_read) = file.not_used();
    Ok(Read { weights, arrays, step_of_rates, nonlinearity, not_used, not_read, notes: file.into_notes() })
}

impl<'a> Reading<'a> {
    fn weights(&self) -> Result<OneNetwork> {
        if let Some(unknown) = self.names.keys().find(|name| !OURS.contains(&name.as_str())) {
            return Err(self.file.wrong(
                format!("expected one of `{}`, found `{unknown}`", OURS.join("`, `")),
                &format!("as in {}", self.file.naming(Weights::RECURRENT, "h2h.weight.T")),
            ));
        }
        self.one_layer()?;
        let known = self.known_recurrent()?;
        let recurrent = match (self.said(Weights::RECURRENT), &known) {
            (Some((NONE, _)), _) => {
                return Err(self.file.wrong(
                    "expected recurrent weights, found `recurrent_weights=none`".to_owned(),
                    "a network without them is not recurrent: leave out `recurrent_weights=none`",
                ));
            }
            (Some((name, transposed)), _) => self.file.matrix(name, transposed)?,
            (None, Some(known)) => self.file.matrix(known.name, known.convention == Convention::Torch)?,
            (None, None) => match Rates::of(self.file)? {
                Some(rates) => return Ok(OneNetwork::Rates(rates)),
                None => return Err(self.no_recurrent()),
            },
        };
        let (units, columns) = (recurrent.array.nrows(), self.columns(&recurrent)?);
        self.warn_of_psychrnn();
        let input = self.input(known.as_ref(), columns)?;
        let biases = match columns == units {
            true => vec![self.bias(known.as_ref(), units)?],
            false => self.gated_biases(known.as_ref(), columns)?,
        };
        let (readout, readout_bias) = self.readout(known.as_ref(), units, input.array.nrows())?;
        self.same(Weights::INPUT, columns, input.array.ncols(), &input.origin)?;
        for (name, bias) in [Weights::BIAS, Weights::RECURRENT_BIAS].into_iter().zip(&biases) {
            self.same(name, columns, bias.array.len(), &bias.origin)?;
        }
        self.same(Weights::READOUT, units, readout.array.nrows(), &readout.origin)?;
        if readout_bias.array.len() != readout.array.ncols() {
            return Err(self.file.wrong(
                format!(
                    "`{}`: expected {} outputs, found {} ({})",
                    Weights::READOUT_BIAS,
                    readout.array.ncols(),
                    readout_bias.array.len(),
                    readout_bias.origin
                ),
                "the readout's weights and bias belong together",
            ));
        }
        let initial_state = self.initial_state(known.as_ref(), units, columns)?;
        let mut origins =
            vec![&input.origin, &recurrent.origin, &biases[0].origin, &readout.origin, &readout_bias.origin];
        origins.extend(biases.get(1).map(|bias| &bias.origin));
        let mut arrays: Vec<_> = OURS.into_iter().zip(origins.into_iter().cloned()).collect();
        arrays.extend(initial_state.iter().map(|state| (Weights::INITIAL_STATE, state.origin.clone())));
        let weights = Weights {
            input: input.array,
            recurrent: vec![recurrent.array],
            biases: biases.into_iter().map(|bias| bias.array).collect(),
            readout: readout.array,
            readout_bias: readout_bias.array,
            initial_state: initial_state.map(|state| state.array),
        };
        Ok(OneNetwork::Arrays(weights, arrays))
    }

    /// Refuses networks of several layers or in two directions, which have other equations.
    fn one_layer(&self) -> Result<()> {
        let (file, mut names) = (self.file, Vec::new());
        for kind in ["weight_ih_l", "weight_hh_l"] {
            for layer in 0..10 {
                for direction in ["", "_reverse"] {
                    if (layer, direction) != (0, "") {
                        names.extend(file.ending(&format!("{kind}{layer}{direction}")));
                    }
                }
            }
        }
        match names.first() {
            Some(name) => Err(file.wrong(
                format!("expected one layer in one direction, found `{name}`"),
                "networks of several layers, or in two directions, cannot be imported",
            )),
            None => Ok(()),
        }
    }

    fn same(&self, what: &str, expected: usize, found: usize, origin: &str) -> Result<()> {
        match expected == found {
            true => Ok(()),
            false => Err(self.file.wrong(
                format!("`{what}`: expected {expected} units, found {found} ({origin})"),
                &self.transposes(Weights::INPUT, "w_in.T"),
            )),
        }
    }

    fn transposes(&self, ours: &str, theirs: &str) -> String {
        format!("`.T` after an array's name transposes it: {}", self.file.naming(ours, theirs))
    }

    /// The columns of the recurrent weights: as many as units, or three times as many in a GRU and four
    /// times as many in an LSTM.
    fn columns(&self, recurrent: &Matrix) -> Result<usize> {
        let (rows, columns) = recurrent.array.dim();
        let is_gated = |(currents, _): &(usize, NetworkKind)| columns == currents * rows;
        if rows > 0 && (columns == rows || GATED.iter().any(is_gated)) {
            return Ok(columns);
        }
        let found = format!("{:?} ({})", (rows, columns), recurrent.origin);
        Err(self.file.wrong(
            format!(
                "expected square recurrent weights, or those of a GRU, (units, 3 × units), or of an LSTM, (units, 4 × units), found {found}"
            ),
            &self.transposes(Weights::RECURRENT, "w.T"),
        ))
    }

    /// What the user said about an array of ours: its name in the file or `none`, and whether it is to be
    /// transposed.
    fn said(&self, ours: &str) -> Option<(&'a str, bool)> {
        let name = self.names.get(ours)?;
        match name.strip_suffix(".T") {
            Some(plain) if !self.file.has(name) => Some((plain, true)),
            _ => Some((name, false)),
        }
    }

    /// The recurrent weights under a known name. If several could be meant, that is an error, unless the user
    /// said which.
    fn known_recurrent(&self) -> Result<Option<Known<'a>>> {
        let file = self.file;
        let mut known: Vec<Known<'a>> = Vec::new();
        for (convention, last, suffix) in [
            (Convention::Ours, Weights::RECURRENT, ""),
            (Convention::Published, PUBLISHED[1], ""),
            (Convention::Torch, "weight_hh_l0", "_l0"),
            (Convention::Torch, "weight_hh", ""),
        ] {
            let names = file.ending(last).into_iter().filter_map(|name| Some((name, before(name, last)?)));
            known.extend(names.map(|(name, prefix)| Known { name, convention, prefix, suffix }));
        }
        let said = self.said(Weights::RECURRENT).map(|(name, _)| name);
        match known.len() {
            _ if said.is_some() => Ok(known.into_iter().find(|known| Some(known.name) == said)),
            0 | 1 => Ok(known.pop()),
            _ => {
                let names: Vec<&str> = known.iter().map(|known| known.name).collect();
                Err(file.wrong(
                    format!("expected one network, found `{}`", names.join("`, `")),
                    file.either(
                        "save the one network alone, or name its arrays with `--name`",
                        "give the one network alone, or name its arrays in `names`",
                    ),
                ))
            }
        }
    }

    /// The name of another array of the network, given the name of its recurrent weights. If the user named
    /// the recurrent weights, these need not have a known name, and then every known name may be meant.
    fn known(&self, known: Option<&Known<'_>>, ours: usize, torch: &str) -> Result<Option<(&'a str, bool)>> {
        let file = self.file;
        // An array next to other recurrent weights in PyTorch's names belongs to another network.
        let is_anothers = |name: &str, last: &str| {
            let prefix = before(name, last).unwrap_or_default();
            ["weight_hh_l0", "weight_hh"].iter().any(|end| file.has(&format!("{prefix}{end}")))
        };
        let find = |convention: Convention, last: &str| -> Vec<(&'a str, bool)> {
            let is_torch = convention == Convention::Torch;
            let fits = |name: &&str| match known {
                Some(known) if known.convention == convention => before(name, last) == Some(known.prefix),
                Some(_) => convention == Convention::Ours && *name == last,
                None => !(is_torch && is_anothers(name, last)),
            };
            file.ending(last).into_iter().filter(fits).map(|name| (name, is_torch)).collect()
        };
        let mut found = find(Convention::Ours, OURS[ours]);
        found.extend(PUBLISHED.get(ours).into_iter().flat_map(|last| find(Convention::Published, last)));
        if !torch.is_empty() {
            match known {
                Some(known) => found.extend(find(Convention::Torch, &format!("{torch}{}", known.suffix))),
                None => ["_l0", ""]
                    .iter()
                    .for_each(|end| found.extend(find(Convention::Torch, &format!("{torch}{end}")))),
            }
        }
        match found.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(*one)),
            several => {
                let names: Vec<&str> = several.iter().map(|(name, _)| *name).collect();
                Err(file.wrong(
                    format!("expected one array for `{}`, found `{}`", OURS[ours], names.join("`, `")),
                    &format!("say which: {}", file.naming(OURS[ours], names[0])),
                ))
            }
        }
    }

    /// The error for a file without a known name of recurrent weights.
    fn no_recurrent(&self) -> crate::Error {
        let file = self.file;
        let square: Vec<&str> = file
            .left()
            .into_iter()
            .filter(|(_, array)| matches!(array.shape(), [rows, columns] if rows == columns))
            .map(|(name, _)| name)
            .collect();
        let like = match square.as_slice() {
            [one] => format!("; `{one}` is the only square array"),
            _ => String::new(),
        };
        file.wrong(
            format!(
                "expected an array `recurrent_weights`, `weight_hh_l0`, `weight_hh` or `Wrec`, found {}",
                file.listed()
            ),
            &format!(
                "say which it is: {}, or `ARRAY.T` if its rows are the targets of the connections, as in PyTorch{like}",
                file.naming(Weights::RECURRENT, "ARRAY")
            ),
        )
    }

    /// Warns that masks of PsychRNN are left out if the user named its recurrent weights.
    fn warn_of_psychrnn(&self) {
        let said = |name: &str| self.names.values().any(|said| said.trim_end_matches(".T") == name);
        if said("W_rec") && self.file.has("Dale_rec") {
            self.file.note(
                "these are arrays of PsychRNN: `W_rec` is taken as it is, without its masks `rec_connectivity` and `Dale_rec`, which gives another network unless these are all ones"
                    .to_owned(),
            );
        }
    }

    /// The arrays that have not been used so far, of the same state dict as the recurrent weights: a
    /// checkpoint may hold several.
    fn left(&self, known: Option<&Known<'_>>) -> Vec<(&'a str, &'a ArrayD<f64>)> {
        let state_dict = known.and_then(|known| known.name.split_once('.')).map(|(first, _)| first);
        let state_dict = state_dict.filter(|first| first.ends_with("state_dict"));
        let is_within = |name: &str| {
            state_dict.is_none_or(|first| name.split_once('.').is_some_and(|(other, _)| other == first))
        };
        self.file.left().into_iter().filter(|(name, _)| is_within(name)).collect()
    }

    /// Unused arrays that could be a matrix between the units and something else.
    fn possible(
        &self,
        known: Option<&Known<'_>>,
        units: usize,
        except: impl Fn(&str, &ArrayD<f64>) -> bool,
    ) -> Vec<String> {
        let fits = |array: &ArrayD<f64>| matches!(*array.shape(), [a, b] if (a == units) != (b == units));
        let left = self.left(known).into_iter();
        let possible = left.filter(|(name, array)| fits(array) && !is_state(name) && !except(name, array));
        possible.map(|(name, array)| format!("`{name}` {}", shape_of(array))).collect()
    }

    /// The error if it is not clear whether an array is meant, and which.
    fn which(&self, ours: &str, possible: &[String]) -> crate::Error {
        self.file.wrong(
            format!("`{ours}`: expected an array with a known name, found {}", possible.join(", ")),
            &format!(
                "say which it is: {} (`ARRAY.T` transposes it), or that there is none: {}",
                self.file.naming(ours, "ARRAY"),
                self.file.naming(ours, NONE)
            ),
        )
    }

    fn input(&self, known: Option<&Known<'_>>, units: usize) -> Result<Matrix> {
        let none = || Matrix { array: Array2::zeros((0, units)), origin: "none".to_owned() };
        if let Some((name, transposed)) = self.said(Weights::INPUT) {
            return if name == NONE { Ok(none()) } else { self.file.matrix(name, transposed) };
        }
        if let Some((name, transposed)) = self.known(known, 0, "weight_ih")? {
            return self.file.matrix(name, transposed);
        }
        // An array that the user named as the readout is not the input.
        let readout = self.said(Weights::READOUT).map(|(name, _)| name);
        let is_readout = |name: &str| {
            Some(name) == readout
                || [Weights::READOUT, PUBLISHED[3]].iter().any(|last| before(name, last).is_some())
        };
        let possible = self.possible(known, units, |name, array| {
            is_readout(name) || (readout.is_none() && self.is_linear_readout(name, array, units))
        });
        if possible.is_empty() { Ok(none()) } else { Err(self.which(Weights::INPUT, &possible)) }
    }

    /// Whether an array holds the weights of a PyTorch `Linear` that reads the units.
    fn is_linear_readout(&self, name: &str, array: &ArrayD<f64>, units: usize) -> bool {
        let module = before(name, "weight").filter(|module| !module.is_empty());
        module.is_some_and(sounds_like_readout) && array.ndim() == 2 && array.shape()[1] == units
    }

    /// The bias. PyTorch has two, which are added. Without any, it is zero.
    fn bias(&self, known: Option<&Known<'_>>, units: usize) -> Result<Vector> {
        let file = self.file;
        let none = || Vector { array: Array1::zeros(units), origin: "none: zero".to_owned() };
        if let Some((name, _)) = self.said(Weights::BIAS) {
            return if name == NONE { Ok(none()) } else { file.vector(name) };
        }
        let input = self.known(known, 2, "bias_ih")?.map(|(name, _)| name);
        let recurrent = self.known(known, 2, "bias_hh")?.map(|(name, _)| name);
        match (input, recurrent) {
            (Some(input), Some(recurrent)) if input != recurrent => {
                let ((a, first), (b, second)) = (file.array(input)?, file.array(recurrent)?);
                if a.shape() != b.shape() {
                    return Err(file.wrong(
                        format!(
                            "expected `{input}` and `{recurrent}` of one shape, found {:?} and {:?}",
                            a.shape(),
                            b.shape()
                        ),
                        file.either("save the network again", "give both biases of one network"),
                    ));
                }
                // They are added as they are, and rounded once.
                let array = file.as_vector(input, &(a + b))?;
                Ok(Found { array, origin: format!("{first} + {second}") })
            }
            (Some(name), _) | (None, Some(name)) => file.vector(name),
            (None, None) => Ok(none()),
        }
    }

    /// The state before the first timestep, if there is one; without it, it is zero. That of an LSTM is `h`,
    /// followed by `c`.
    fn initial_state(
        &self,
        known: Option<&Known<'_>>,
        units: usize,
        columns: usize,
    ) -> Result<Option<Vector>> {
        let name = match self.said(Weights::INITIAL_STATE) {
            Some((NONE, _)) => return Ok(None),
            Some((name, _)) => Some(name),
            None => self.known(known, INITIAL_STATE, "")?.map(|(name, _)| name),
        };
        let states = if columns == 4 * units { 2 } else { 1 };
        name.map(|name| self.file.state(name, &[states * units])).transpose()
    }

    /// The two biases of gated networks, which are not added. Without any, they are zero.
    fn gated_biases(&self, known: Option<&Known<'_>>, columns: usize) -> Result<Vec<Vector>> {
        let of = |ours: usize, torch: &str| {
            let name = match self.said(OURS[ours]) {
                Some((NONE, _)) => None,
                Some((name, _)) => Some(name),
                None => self.known(known, ours, torch)?.map(|(name, _)| name),
            };
            match name {
                Some(name) => self.file.vector(name),
                None => Ok(Vector { array: Array1::zeros(columns), origin: "none: zero".to_owned() }),
            }
        };
        Ok(vec![of(2, "bias_ih")?, of(RECURRENT_BIAS, "bias_hh")?])
    }

    /// Weights and bias of the readout: those with a known name, or those of the only `torch.nn.Linear` that
    /// can be the readout.
    fn readout(&self, known: Option<&Known<'_>>, units: usize, input_dim: usize) -> Result<(Matrix, Vector)> {
        let file = self.file;
        let none = || {
            let weights = Matrix { array: Array2::zeros((units, 0)), origin: "none".to_owned() };
            (weights, Vector { array: Array1::zeros(0), origin: "none".to_owned() })
        };
        let (name, transposed) = match self.said(Weights::READOUT) {
            Some((NONE, _)) => return Ok(none()),
            Some(said) => said,
            None => match self.known(known, 3, "")? {
                Some(known) => known,
                None => match self.linear(known, units, input_dim)? {
                    Some(name) => (name, true),
                    None => return Ok(none()),
                },
            },
        };
        let weights = file.matrix(name, transposed)?;
        let outputs = weights.array.ncols();
        let theirs = name.strip_suffix("weight").map(|module| format!("{module}bias"));
        let zero = || Vector { array: Array1::zeros(outputs), origin: "none: zero".to_owned() };
        let bias = match (self.said(Weights::READOUT_BIAS), theirs.filter(|name| file.has(name))) {
            (Some((NONE, _)), _) => zero(),
            (Some((name, _)), _) => file.vector(name)?,
            (None, Some(name)) => file.vector(&name)?,
            (None, None) => match self.known(known, 4, "")? {
                Some((name, _)) => file.vector(name)?,
                None => zero(),
            },
        };
        Ok((weights, bias))
    }

    /// The linear layer that is the readout. Layers before the network (embeddings, projections of the input)
    /// are not. Where a layer could be either, its name has to say which it is.
    fn linear(&self, known: Option<&Known<'_>>, units: usize, input_dim: usize) -> Result<Option<&'a str>> {
        let file = self.file;
        let mut readouts: Vec<(&str, &ArrayD<f64>)> = Vec::new();
        let mut unclear = Vec::new();
        let mut others = Vec::new();
        for name in file.unusable("weight") {
            // This array may be the readout, so it has to be readable.
            if !sounds_like_before(before(name, "weight").unwrap_or_default()) {
                file.array(name)?;
            }
        }
        for (name, array) in self.left(known) {
            let Some(module) = before(name, "weight") else { continue };
            let [rows, columns] = *array.shape() else { continue };
            let is_embedding = columns == input_dim && !file.has(&format!("{module}bias"));
            let leads_to_input = rows == input_dim || is_embedding;
            let (before, after) = (sounds_like_before(module), sounds_like_readout(module));
            match columns == units {
                true if after && !before => readouts.push((name, array)),
                true if before || (leads_to_input && input_dim > 0) => unclear.push((name, array)),
                true => readouts.push((name, array)),
                false if leads_to_input => {}
                false => others.push((name, array)),
            }
        }
        let listed = |arrays: &[(&str, &ArrayD<f64>)]| -> Vec<String> {
            arrays.iter().map(|(name, array)| format!("`{name}` {}", shape_of(array))).collect()
        };
        match readouts.as_slice() {
            [(name, array)] if unclear.is_empty() => {
                // A layer with as many inputs as this one has outputs may follow it.
                let after: Vec<_> =
                    others.into_iter().filter(|(_, next)| next.shape()[1] == array.shape()[0]).collect();
                match after.is_empty() {
                    true => Ok(Some(*name)),
                    false => Err(file.wrong(
                        format!(
                            "expected a readout of one layer, found `{name}` followed by {}",
                            listed(&after).join(", ")
                        ),
                        &format!(
                            "say which it is: {}, or that there is none: {}",
                            file.naming(Weights::READOUT, "ARRAY.T"),
                            file.naming(Weights::READOUT, NONE)
                        ),
                    )),
                }
            }
            [] if unclear.is_empty() => {
                let is_layer = |name: &str, _: &ArrayD<f64>| before(name, "weight").is_some();
                let possible = self.possible(known, units, is_layer);
                if possible.is_empty() { Ok(None) } else { Err(self.which(Weights::READOUT, &possible)) }
            }
            _ => {
                readouts.append(&mut unclear);
                Err(file.wrong(
                    format!("expected one readout, found {}", listed(&readouts).join(", ")),
                    &format!(
                        "say which: {} and {}, or that there is none: {}",
                        file.naming(Weights::READOUT, "linear.weight.T"),
                        file.naming(Weights::READOUT_BIAS, "linear.bias"),
                        file.naming(Weights::READOUT, NONE)
                    ),
                ))
            }
        }
    }
}
