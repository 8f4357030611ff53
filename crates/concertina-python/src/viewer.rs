//! The viewer, which a thread of this process serves.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use concertina_viewer::{Options, Viewer as Server};
use pyo3::prelude::*;

/// A viewer that serves until it is stopped, or collected.
#[pyclass(frozen, module = "concertina._core")]
pub(crate) struct Viewer {
    address: String,
    stop: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<io::Result<()>>>>,
}

#[pymethods]
impl Viewer {
    /// Serves a store on this machine. Port 0 is any that is free.
    #[new]
    fn new(
        store: PathBuf,
        figures: PathBuf,
        port: u16,
        allow_training: bool,
        framed: bool,
    ) -> PyResult<Self> {
        let options = Options { figures, port, allow_training, framed, ..Options::of(store) };
        let server = Server::bind(options)?;
        let address = server.address();
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let thread =
            std::thread::Builder::new().name("viewer".to_owned()).spawn(move || server.serve(&flag))?;
        Ok(Self { address, stop, thread: Mutex::new(Some(thread)) })
    }

    /// The address with its token and a slash at the end.
    fn address(&self) -> &str {
        &self.address
    }

    /// Whether it answers.
    fn is_serving(&self) -> bool {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Stops it, and waits until it has stopped. Networks in training stop with it.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ended = py.detach(|| thread.map(|thread| thread.join()));
        match ended {
            None | Some(Ok(Ok(()))) => Ok(()),
            Some(Ok(Err(error))) => Err(error.into()),
            Some(Err(panic)) => std::panic::resume_unwind(panic),
        }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
