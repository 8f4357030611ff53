//! From a name, in any spelling, to its parameter.

use super::parameter::Parameter;
use super::registry::PARAMETERS;
use super::value::Value;
use super::{GradientNoiseTarget, OptimizerKind, Params};
use crate::{Error, Result};

/// What the published code takes and a run here does not, with what stands in for it.
const ELSEWHERE: &[(&str, &str)] = &[
    ("CLEAR_PREVIOUS_RUNS", "`--clear` removes earlier runs"),
    ("FAST_RUN", "`--fast` and `--full` choose the number of realisations"),
    ("LEGEND", "the recipe's `legend` says so"),
    ("USE_ERRORBARS", "the recipe's error bars say so; `lines` draws the realisations"),
    ("device", "`--device` chooses it, and results do not depend on it"),
    ("multiprocess_lock", "leave it out: runs cannot collide here"),
    ("n_cores", "`--jobs` says how many runs train at once, and results do not depend on it"),
    ("rerun", "`--rerun` trains anew and compares"),
    ("save_model_weights", "leave it out: the store keeps them, and `train.saves_per_epoch` says how often"),
    ("seeds", "`seed=0..5` trains five realisations, and so does `--seeds 0..5`"),
    ("table_path", "`--store` chooses where runs are kept"),
    ("verbose", "`-v` says more, `--quiet` less"),
];

/// The parameter with this name: its path, the last part of its path, or a published name.
///
/// # Errors
/// [`Error::UnknownParameter`], with the nearest name as a hint.
pub fn parameter(name: &str) -> Result<&'static Parameter> {
    let name = name.trim();
    let by_path = PARAMETERS.iter().find(|parameter| parameter.path == name || parameter.name() == name);
    by_path
        .or_else(|| PARAMETERS.iter().find(|parameter| parameter.published.contains(&name)))
        .ok_or_else(|| unknown(name))
}

/// The parameter that a section of a file names: by its field, or by a published name.
pub(super) fn parameter_in(section: &str, name: &str) -> Result<&'static Parameter> {
    let here = PARAMETERS.iter().filter(|parameter| parameter.section() == section);
    let mut here = here.filter(|parameter| parameter.name() == name || parameter.published.contains(&name));
    here.next().ok_or_else(|| unknown(&format!("{section}.{name}")))
}

/// Sets what a name, in any spelling, stands for.
///
/// Three published names say more than one thing: `optimizer=sgd_rmsprop_comb_0.3` (also the mix), `grad_noise_type`
/// (target and scaling in one word) and `learning_patience` (a list, or 5_8, with multisteplr).
pub(super) fn assign(params: &mut Params, name: &str, value: &Value) -> Result<()> {
    let text = if let Value::Text(text) = value { text.trim() } else { "" };
    match name.trim() {
        "input_style" if matches!(Value::parse(text), Value::Text(style) if style.eq_ignore_ascii_case("hypercube")) => {
            Ok(())
        }
        "input_style" => Err(Error::Parameter {
            parameter: "input_style".to_owned(),
            expected: "`hypercube`, the only one that the published code has too".to_owned(),
            found: value.to_string(),
            hint: Some("leave it out".to_owned()),
        }),
        "grad_noise_type" => assign_noise_type(params, value),
        "learning_patience" if text.contains('_') => {
            let milestones = text.split('_').map(Value::parse).collect();
            parameter("train.milestones")?.set(params, &Value::List(milestones))
        }
        "learning_patience" if matches!(value.untexted(), Value::List(_)) => {
            parameter("train.milestones")?.set(params, value)
        }
        name => {
            let parameter = self::parameter(name)?;
            match mix_of(text) {
                Some(mix) if parameter.path == "train.optimizer" => {
                    self::parameter("train.mix")?.set(params, &Value::parse(mix))?;
                    params.train.optimizer = OptimizerKind::SgdRmsprop;
                    Ok(())
                }
                _ => parameter.set(params, value),
            }
        }
    }
}

/// The number in `sgd_rmsprop_comb_0.3`.
fn mix_of(text: &str) -> Option<&str> {
    text.trim_matches(['"', '\'']).strip_prefix("sgd_rmsprop_comb_")
}

/// `recurrent`, `output_scaled`, `scaled`, `None`: target and scaling in any order.
fn assign_noise_type(params: &mut Params, value: &Value) -> Result<()> {
    let parameter = parameter("train.gradient_noise_on")?;
    let mut changed = params.clone();
    changed.train.gradient_noise_scaled = false;
    match value.untexted() {
        Value::None => changed.train.gradient_noise_on = GradientNoiseTarget::default(),
        Value::Text(text) => {
            let words = text.split(['_', '-', ' ', ',']).filter(|word| !word.is_empty());
            let (scaled, target): (Vec<&str>, Vec<&str>) =
                words.partition(|word| word.eq_ignore_ascii_case("scaled"));
            changed.train.gradient_noise_scaled = !scaled.is_empty();
            changed.train.gradient_noise_on = GradientNoiseTarget::default();
            if !target.is_empty() {
                parameter.set(&mut changed, &Value::Text(target.join("_")))?;
            }
        }
        other => parameter.set(&mut changed, &other)?,
    }
    *params = changed;
    Ok(())
}

/// The error of a name that no parameter has.
pub(super) fn unknown(name: &str) -> Error {
    if let Some((_, instead)) = ELSEWHERE.iter().find(|(elsewhere, _)| *elsewhere == name) {
        return Error::NotAParameter { name: name.to_owned(), hint: (*instead).to_owned() };
    }
    let ours = PARAMETERS.iter().flat_map(|parameter| [parameter.path, parameter.name()]);
    let published = PARAMETERS.iter().flat_map(|parameter| parameter.published.iter().copied());
    let last = name.rsplit('.').next().unwrap_or(name);
    let nearest =
        exact(last).or_else(|| nearest(name, ours.clone())).or_else(|| nearest(last, ours.chain(published)));
    let hint = match nearest.and_then(|found| parameter(found).ok().map(|parameter| (found, parameter.path)))
    {
        Some((found, path)) if found == path || path.ends_with(&format!(".{found}")) => {
            format!("did you mean `{path}`?")
        }
        Some((found, path)) => format!("did you mean `{found}`, here `{path}`?"),
        None => "`concertina params` lists every parameter".to_owned(),
    };
    Error::UnknownParameter { name: name.to_owned(), hint }
}

/// A name that is right but for its section, or for upper and lower case.
fn exact(name: &str) -> Option<&'static str> {
    PARAMETERS.iter().find_map(|parameter| {
        let mut names = parameter.published.iter().copied().chain([parameter.name()]);
        names.find(|found| found.eq_ignore_ascii_case(name))
    })
}

/// The candidate most like a name, if any is near enough.
pub(super) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const NEAR: f64 = 0.65; // arbitrary: `gian` is `gain` (0.75), `lr` is nothing
    let name = name.to_ascii_lowercase();
    let likeness =
        |candidate: &str| strsim::normalized_damerau_levenshtein(&name, &candidate.to_ascii_lowercase());
    // As unlike as their lengths are, at least: whoever is too long need not be compared, in time and room of both lengths' product.
    let length = name.chars().count() as f64;
    let rated = candidates
        .filter(|candidate| candidate.chars().count() as f64 >= NEAR * length)
        .map(|candidate| (likeness(candidate), candidate))
        .filter(|(likeness, _)| *likeness >= NEAR);
    // The first of the best, so that the answer does not depend on how ties are broken.
    rated
        .fold(None, |best: Option<(f64, &str)>, rated| match best {
            Some(best) if best.0 >= rated.0 => Some(best),
            _ => Some(rated),
        })
        .map(|(_, candidate)| candidate)
}

impl Params {
    /// Sets a parameter by name: its path (`network.gain`), the last part of it (`gain`), or the published code's
    /// name (`g_radius`); the text may be spelled as in Python (`True`, `None`, `'tanh'`).
    ///
    /// # Errors
    /// [`Error::UnknownParameter`], [`Error::NotAParameter`], or [`Error::Parameter`] if the text is no such value or
    /// out of range; the parameters are then as they were.
    pub fn set(&mut self, name: &str, text: &str) -> Result<()> {
        self.set_value(name, &Value::Text(text.to_owned()))
    }

    /// Sets a parameter by name to a value that is not text.
    ///
    /// # Errors
    /// As [`Params::set`].
    pub fn set_value(&mut self, name: &str, value: &Value) -> Result<()> {
        assign(self, name, value)
    }

    /// The value of a parameter, by any of its names.
    ///
    /// # Errors
    /// [`Error::UnknownParameter`].
    pub fn get(&self, name: &str) -> Result<Value> {
        Ok(parameter(name)?.value(self))
    }
}
