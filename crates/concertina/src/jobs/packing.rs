//! How much work there is, and into how many tasks it is packed.

use std::time::Duration;

use super::options::JobOptions;

/// Work that a task is given unless the user asks for another amount. Arbitrary: long compared with the time
/// that a task waits and starts, short compared with usual limits of clusters.
const TASK_TIME: Duration = Duration::from_secs(30 * 60);
/// The least time that is asked for. Arbitrary: an estimate may be wrong by minutes.
const LEAST_TIME: Duration = Duration::from_secs(10 * 60);
/// The most time that is asked for unless the user gives more. A task that is not done by then continues as
/// another one.
const MOST_TIME: Duration = Duration::from_secs(24 * 3600);
/// The time asked for, in units of the expected time: nodes differ in speed, and the last tasks wait for the
/// longest runs.
const MARGIN: f64 = 2.0;

/// What the store lacks of a plan, and how long that takes on one core of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct Workload {
    /// The runs of the plan.
    pub runs: usize,
    /// The runs of which something is missing.
    pub missing: usize,
    /// Seconds that all of it takes on one core, estimated from one epoch of every shape of run and from each
    /// analysis once.
    pub seconds: f64,
    /// Seconds that the longest run takes.
    pub longest: f64,
}

/// Tasks of equal size that share some work.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Packing {
    /// How many tasks.
    pub tasks: usize,
    /// Cores of each task. Each core works on one run at a time.
    pub cores: usize,
    /// Seconds that a task is expected to take.
    pub seconds: f64,
    /// The time that each task may take.
    pub time: Duration,
}

impl Packing {
    /// How much work each task is given, if possible.
    pub(super) fn task_time(options: &JobOptions) -> Duration {
        let most = options.time.map_or(TASK_TIME, |time| TASK_TIME.min(time.mul_f64(0.8)));
        options.task_time.unwrap_or(most)
    }

    /// The fewest tasks that give each no more than the time that the options ask for. No core is without a
    /// run.
    pub fn of(work: &Workload, options: &JobOptions) -> Self {
        let cores = options.cpus_per_task.unwrap_or(1).max(1);
        let task_time = Self::task_time(options).as_secs_f64();
        let wanted = (work.seconds / (task_time * cores as f64)).ceil().max(1.0);
        let most = work.missing.div_ceil(cores).max(1);
        // Casting saturates: there are at most as many tasks as runs.
        Self::into_tasks((wanted as usize).min(most), work, options)
    }

    /// So many tasks, whatever the time that the options ask for.
    pub(super) fn into_tasks(tasks: usize, work: &Workload, options: &JobOptions) -> Self {
        let (tasks, cores) = (tasks.max(1), options.cpus_per_task.unwrap_or(1).max(1));
        let seconds = (work.seconds / (tasks * cores) as f64).max(work.longest);
        let asked = Duration::from_secs_f64((MARGIN * seconds).min(MOST_TIME.as_secs_f64()));
        let minutes = asked.max(LEAST_TIME).as_secs().div_ceil(60);
        Self { tasks, cores, seconds, time: options.time.unwrap_or(Duration::from_secs(60 * minutes)) }
    }

    /// How long before the end of its time a task is warned: two minutes, or less if there is little time.
    pub(super) fn warning(&self) -> Duration {
        Duration::from_secs(120).min(self.time / 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(missing: usize, each: f64, options: &JobOptions) -> (usize, u64) {
        let work = Workload { runs: missing, missing, seconds: missing as f64 * each, longest: each };
        let Packing { tasks, time, .. } = Packing::of(&work, options);
        (tasks, time.as_secs() / 60)
    }

    #[test]
    fn tasks_are_as_few_as_give_each_half_an_hour() {
        let usual = JobOptions::default();
        assert_eq!(packed(2000, 1.0, &usual), (2, 34));
        assert_eq!(packed(2000, 0.01, &usual), (1, 10), "a short job asks for minutes");
        assert_eq!(packed(3, 7200.0, &usual), (3, 240), "no task is without a run");
        assert_eq!(packed(3, 90_000.0, &usual), (3, 1440), "and none asks for more than a day");
    }

    #[test]
    fn options_change_how_work_is_packed() {
        let minutes = |minutes: u64| Some(Duration::from_secs(60 * minutes));
        let cores = JobOptions { cpus_per_task: Some(16), ..JobOptions::default() };
        assert_eq!(packed(20_000, 10.0, &cores).0, 7);
        assert_eq!(packed(20, 7200.0, &cores).0, 2, "20 runs occupy two tasks of 16 cores");
        let shorter = JobOptions { task_time: minutes(5), ..JobOptions::default() };
        assert_eq!(packed(2000, 1.0, &shorter).0, 7);
        let limited = JobOptions { time: minutes(10), ..JobOptions::default() };
        assert_eq!(packed(2000, 1.0, &limited), (5, 10), "a task needs less than its time");
    }

    #[test]
    fn a_warning_comes_in_time_even_if_there_is_little() {
        let warning = |minutes: u64| {
            let time = Some(Duration::from_secs(60 * minutes));
            Packing::of(&Workload::default(), &JobOptions { time, ..JobOptions::default() })
                .warning()
                .as_secs()
        };
        assert_eq!([warning(60), warning(4), warning(1)], [120, 60, 15]);
    }
}
