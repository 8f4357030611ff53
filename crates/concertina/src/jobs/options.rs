//! How a job is run: options by Slurm's names, with defaults from the user's file `concertina.toml`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::engine::EngineKind;
use super::words::parse_duration;
use crate::error::{Error, Result};

/// The name of the file with the user's defaults.
const FILE: &str = "concertina.toml";

/// How a job is run. What is not given is left to the engine, or follows from the work.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct JobOptions {
    /// What starts the workers.
    pub engine: Option<EngineKind>,
    /// The script that [`EngineKind::Template`] fills in and runs.
    pub template: Option<PathBuf>,
    /// How much work each task is given, if possible.
    #[serde(deserialize_with = "duration")]
    pub task_time: Option<Duration>,
    /// The time that each task may take.
    #[serde(deserialize_with = "duration")]
    pub time: Option<Duration>,
    /// Cores of each task, each of which works on one run at a time.
    pub cpus_per_task: Option<usize>,
    /// Memory of each task.
    pub mem: Option<String>,
    /// The partition.
    pub partition: Option<String>,
    /// The account to charge.
    pub account: Option<String>,
    /// The quality of service.
    pub qos: Option<String>,
    /// Features that nodes must have.
    pub constraint: Option<String>,
    /// The most tasks that run at the same time.
    pub array_parallelism: Option<usize>,
    /// Further options of `sbatch`, as they are typed.
    pub sbatch: Option<String>,
    /// A folder on a local disk of the nodes to work in, which may name environment variables: `$TMPDIR`.
    pub scratch: Option<String>,
}

/// The file as a whole.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    submit: JobOptions,
}

fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(from)?;
    parse_duration(&text)
        .map(Some)
        .map_err(|expected| serde::de::Error::custom(format!("{expected}, found `{text}`")))
}

impl JobOptions {
    /// These options, and those of `defaults` where these are not given.
    #[must_use]
    pub fn or(self, defaults: Self) -> Self {
        Self {
            engine: self.engine.or(match self.template.is_some() {
                true => Some(EngineKind::Template),
                false => defaults.engine,
            }),
            template: self.template.or(defaults.template),
            task_time: self.task_time.or(defaults.task_time),
            time: self.time.or(defaults.time),
            cpus_per_task: self.cpus_per_task.or(defaults.cpus_per_task),
            mem: self.mem.or(defaults.mem),
            partition: self.partition.or(defaults.partition),
            account: self.account.or(defaults.account),
            qos: self.qos.or(defaults.qos),
            constraint: self.constraint.or(defaults.constraint),
            array_parallelism: self.array_parallelism.or(defaults.array_parallelism),
            sbatch: self.sbatch.or(defaults.sbatch),
            scratch: self.scratch.or(defaults.scratch),
        }
    }

    /// What starts the workers: Slurm unless a template is given.
    pub fn engine(&self) -> EngineKind {
        let usual = if self.template.is_some() { EngineKind::Template } else { EngineKind::Slurm };
        self.engine.unwrap_or(usual)
    }

    /// Reads the section `[submit]` of a file.
    ///
    /// # Errors
    /// [`Error::Job`] if the file cannot be read, or has other sections, options or values.
    pub fn read(path: &Path) -> Result<Self> {
        let wrong = |reason: String| Error::Job {
            reason: format!("{}: in {}", reason.trim_end(), path.display()),
            hint: None,
        };
        let text = std::fs::read_to_string(path).map_err(|error| wrong(format!("cannot read: {error}")))?;
        let File { submit } = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        // A template lies beside the file that names it.
        let template = submit.template.map(|template| match path.parent() {
            Some(folder) => folder.join(template),
            None => template,
        });
        Ok(Self { template, ..submit })
    }
}

/// The user's defaults: the file `concertina.toml` in the folder that `XDG_CONFIG_HOME` names, or in
/// `~/.config` (on Windows in `%APPDATA%`). Without such a file there are none.
///
/// # Errors
/// As [`JobOptions::read`].
pub fn user_defaults() -> Result<JobOptions> {
    let named = |variable| std::env::var_os(variable).filter(|name| !name.is_empty()).map(PathBuf::from);
    let usual = || match cfg!(windows) {
        true => named("APPDATA"),
        false => std::env::home_dir().map(|home| home.join(".config")),
    };
    let path = named("XDG_CONFIG_HOME").or_else(usual).map(|folder| folder.join(FILE));
    match path.filter(|path| path.exists()) {
        Some(path) => JobOptions::read(&path),
        None => Ok(JobOptions::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<JobOptions> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(FILE);
        std::fs::write(&path, text).expect("written");
        JobOptions::read(&path)
    }

    #[test]
    fn what_is_given_goes_before_the_users_defaults() {
        let file =
            "[submit]\npartition = \"short\"\naccount = \"lab\"\ntask-time = \"20m\"\ncpus-per-task = 4\n";
        let defaults = read(file).expect("valid");
        assert_eq!(defaults.task_time, Some(Duration::from_secs(1200)));
        let given = JobOptions { partition: Some("long".to_owned()), ..JobOptions::default() }.or(defaults);
        assert_eq!((given.partition.as_deref(), given.account.as_deref()), (Some("long"), Some("lab")));
        assert_eq!((given.cpus_per_task, given.engine()), (Some(4), EngineKind::Slurm));
    }

    #[test]
    fn a_template_that_is_given_goes_before_an_engine_of_the_file() {
        let defaults = read("[submit]\nengine = \"slurm\"\n").expect("valid");
        let given = JobOptions { template: Some("my.sh".into()), ..JobOptions::default() }.or(defaults);
        assert_eq!(given.engine(), EngineKind::Template);
    }

    #[test]
    fn a_misspelt_option_and_a_wrong_value_are_named_with_their_file() {
        for (text, named) in [
            ("[submit]\npartitoin = \"short\"\n", "partitoin"),
            ("[sumbit]\n", "sumbit"),
            ("[submit]\ntask-time = \"soon\"\n", "expected a time as in `55m`"),
            ("[submit]\nengine = \"pbs\"\n", "pbs"),
        ] {
            let error = read(text).expect_err(text).to_string();
            assert!(error.contains(named) && error.contains(FILE), "{error}");
        }
    }
}
