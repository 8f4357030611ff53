//! Long computations. They run in a separate thread, while the calling thread reports progress to Python and
//! checks for Ctrl-C.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use concertina::{Error, Event, EventKind, Observer, Settings, Tally};
use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError};
use pyo3::prelude::*;

use crate::errors::OrRaise;
use crate::words;

/// How often progress is reported to Python and Ctrl-C is checked. The value is arbitrary: a tenth of a
/// second feels immediate and costs nothing.
const INTERVAL: Duration = Duration::from_millis(100);

/// What happened since the last report to Python.
#[derive(Default)]
struct News {
    tally: Tally,
    /// Messages, each with whether it is a warning.
    messages: Vec<(bool, String)>,
}

/// Collects events for Python.
struct Watch {
    varied: Vec<&'static str>,
    news: Mutex<News>,
}

impl Watch {
    fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Watch {
    fn observe(&self, event: &Event) {
        let mut news = self.news();
        news.tally.observe(event);
        match &event.kind {
            EventKind::Note { message } => news.messages.push((false, words::of_python(message))),
            EventKind::Warning { message } => news.messages.push((true, words::of_python(message))),
            EventKind::Finished { run, .. } => {
                news.messages.push((false, concertina::describe(run, &self.varied)));
            }
            EventKind::Waiting { run } => {
                let line = format!("run {}: another process is training it; waiting", run.short());
                news.messages.push((false, line));
            }
            _ => {}
        }
    }
}

/// Does a job with these settings, without the interpreter's lock. `report` is called from time to time with
/// the share of the work that is done, a description of the progress, and the messages since the last call,
/// each with whether it is a warning. Ctrl-C, and any exception that `report` raises, stop the job at the end
/// of an epoch. Finished work is kept.
pub(crate) fn work<T: Send>(
    py: Python<'_>,
    settings: Settings,
    varied: &[&'static str],
    report: Option<Py<PyAny>>,
    job: impl FnOnce(Settings) -> Result<T, Error> + Send,
) -> PyResult<T> {
    let watch = Arc::new(Watch { varied: varied.to_vec(), news: Mutex::default() });
    let cancel = Arc::new(AtomicBool::new(false));
    let observer: Arc<dyn Observer> = Arc::<Watch>::clone(&watch);
    let settings = settings.observer(observer).cancel(Arc::clone(&cancel));
    let (done, ended) = mpsc::channel::<()>();
    let (told, reporter, cancelled) = (&*watch, report.as_ref(), &*cancel);
    let (result, stopped) = py.detach(move || {
        thread::scope(|scope| {
            let worker = scope.spawn(move || {
                let _ends_with_the_job = done;
                job(settings)
            });
            let mut stopped: Option<PyErr> = None;
            while ended.recv_timeout(INTERVAL) == Err(mpsc::RecvTimeoutError::Timeout) {
                if stopped.is_none() {
                    stopped =
                        Python::attach(|py| py.check_signals().and_then(|()| tell(py, told, reporter))).err();
                    cancelled.store(stopped.is_some(), Ordering::Relaxed);
                }
            }
            (worker.join(), stopped)
        })
    });
    let last = tell(py, &watch, report.as_ref());
    if let Some(stopped) = stopped {
        return Err(stopped);
    }
    let result = result.map_err(|_| {
        PyRuntimeError::new_err("a thread of Concertina ended unexpectedly; please report this")
    })?;
    let value = result.or_raise()?;
    last.map(|()| value)
}

/// Reports to Python what is new.
fn tell(py: Python<'_>, watch: &Watch, report: Option<&Py<PyAny>>) -> PyResult<()> {
    let (fraction, message, messages) = {
        let mut news = watch.news();
        (news.tally.fraction(), news.tally.message(), std::mem::take(&mut news.messages))
    };
    match report {
        Some(report) => report.call1(py, (fraction, message, messages)).map(drop),
        None => Ok(()),
    }
}

/// A stopped job, as Python reports it: `KeyboardInterrupt`.
pub(crate) fn interrupted() -> PyErr {
    PyKeyboardInterrupt::new_err(())
}
