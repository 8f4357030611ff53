//! Finds the parameter that a name refers to, in any spelling.

use super::elsewhere::{instead_of, known_elsewhere, passed_over};
use super::parameter::Parameter;
use super::registry::PARAMETERS;
use super::value::Value;
use super::{GradientNoiseTarget, OptimizerKind, Params};
use crate::error::at_line;
use crate::{Error, Result};
use concertina_names::nearest;

/// The parameter with this name: its path, the last part of its path, or a published name.
///
/// # Errors
/// [`Error::UnknownParameter`], with the nearest name as a hint.
pub fn parameter(name: &str) -> Result<&'static Parameter> {
    let name = name.trim();
    // only paths have a full stop: without this, a store of very many runs takes longer to list
    let short = !name.contains('.');
    let is_named = |parameter: &&Parameter| parameter.path == name || (short && parameter.name() == name);
    let by_path = PARAMETERS.iter().find(is_named);
    by_path
        .or_else(|| PARAMETERS.iter().find(|parameter| parameter.published.contains(&name)))
        .ok_or_else(|| unknown(name))
}

/// The parameter of a section of a file, by its field or by a published name.
pub(super) fn parameter_in(section: &str, name: &str) -> Result<&'static Parameter> {
    let is_in = |path: &str| path.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'));
    let here = PARAMETERS.iter().filter(|parameter| is_in(parameter.path));
    let mut here = here.filter(|parameter| {
        [parameter.field(), parameter.name()].contains(&name) || parameter.published.contains(&name)
    });
    here.next().ok_or_else(|| unknown(&format!("{section}.{name}")))
}

/// Sets the parameter that a name, in any spelling, refers to. An argument that is not a parameter and whose
/// value requests nothing has no effect.
///
/// Three published names set more than one parameter: `optimizer=sgd_rmsprop_comb_0.3` (also the mix),
/// `grad_noise_type` (target and scaling in one word) and `learning_patience` (a list, or 5_8, with
/// multisteplr).
pub(super) fn assign(params: &mut Params, name: &str, value: &Value) -> Result<()> {
    let text = if let Value::Text(text) = value { text.trim() } else { "" };
    match name.trim() {
        "input_style" if matches!(Value::parse(text), Value::Text(style) if style.eq_ignore_ascii_case("hypercube")) => {
            Ok(())
        }
        "input_style" => Err(Error::Parameter {
            parameter: "input_style".to_owned(),
            expected: "`hypercube`, which is also the only one in the published code".to_owned(),
            found: value.to_string(),
            hint: Some("leave it out".to_owned()),
        }),
        name if passed_over(name, value).is_some() => Ok(()),
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

/// A value that its parameter cannot have. It is an error unless the parameter turns out to have no effect.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refused {
    name: String,
    value: Value,
    line: Option<usize>,
    /// The parameter, and the one that refused the value: a published name may set more than one parameter.
    paths: [&'static str; 2],
}

impl Refused {
    /// Whether it is a value of this parameter.
    pub(super) fn is_of(&self, path: &str) -> bool {
        self.paths.contains(&path)
    }

    /// # Errors
    /// If the parameter has an effect with these parameters, so that the value is an error after all.
    pub(super) fn check(&self, params: &Params) -> Result<()> {
        let applies = |parameter: &&Parameter| self.is_of(parameter.path) && parameter.applies(params);
        match PARAMETERS.iter().any(|parameter| applies(&parameter)) {
            true => assign(&mut params.clone(), &self.name, &self.value).map_err(at_line(self.line)),
            false => Ok(()),
        }
    }
}

/// As [`assign`], except that a refused value of a parameter that may have no effect is returned, to be
/// checked once it is known whether the parameter has one.
pub(super) fn assign_or_hold(
    params: &mut Params,
    name: &str,
    value: &Value,
    line: Option<usize>,
) -> Result<Option<Refused>> {
    let error = match assign(params, name, value) {
        Ok(()) => return Ok(None),
        Err(error) => error,
    };
    if let (Error::Parameter { parameter: path, .. }, Ok(named)) = (&error, parameter(name))
        && named.condition.is_some_and(|condition| !condition.is_usual)
        && let Ok(refusing) = parameter(path)
    {
        let (name, value) = (name.to_owned(), value.clone());
        return Ok(Some(Refused { name, value, line, paths: [named.path, refusing.path] }));
    }
    Err(at_line(line)(error))
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

/// The error for a name that no parameter has.
pub(super) fn unknown(name: &str) -> Error {
    if let Some(instead) = instead_of(name) {
        return Error::NotAParameter { name: name.to_owned(), hint: instead.to_owned() };
    }
    if let Some(instead) = known_elsewhere(name) {
        return Error::UnknownParameter { name: name.to_owned(), hint: instead.to_owned() };
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

/// A name that is right except for its section, or for upper and lower case.
fn exact(name: &str) -> Option<&'static str> {
    PARAMETERS.iter().find_map(|parameter| {
        let mut names = parameter.published.iter().copied().chain([parameter.name()]);
        names.find(|found| found.eq_ignore_ascii_case(name))
    })
}

impl Params {
    /// Sets a parameter by name: its path (`network.gain`), the last part of it (`gain`), or the published
    /// code's name (`g_radius`); the text may be spelled as in Python (`True`, `None`, `'tanh'`).
    ///
    /// A value that the parameter cannot have is ignored while the parameter has no effect with the others
    /// (`momentum` with `optimizer = adam`). Arguments of the published code that are not parameters of a run
    /// are ignored if their value requests nothing (`rerun=False`).
    ///
    /// # Errors
    /// [`Error::UnknownParameter`], [`Error::NotAParameter`], or [`Error::Parameter`] if the text is not a
    /// value of the right type or is out of range; the parameters are then unchanged.
    pub fn set(&mut self, name: &str, text: &str) -> Result<()> {
        self.set_value(name, &Value::Text(text.to_owned()))
    }

    /// Sets a parameter by name to a value that is not text.
    ///
    /// # Errors
    /// As [`Params::set`].
    pub fn set_value(&mut self, name: &str, value: &Value) -> Result<()> {
        match assign_or_hold(self, name, value, None)? {
            Some(refused) => refused.check(self),
            None => Ok(()),
        }
    }

    /// The value of a parameter, by any of its names.
    ///
    /// # Errors
    /// [`Error::UnknownParameter`].
    pub fn get(&self, name: &str) -> Result<Value> {
        Ok(parameter(name)?.value(self))
    }
}
