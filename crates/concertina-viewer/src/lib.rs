//! A store in the browser: what runs there are, what each did, and a playground where a network trains.
//!
//! [`Viewer::bind`] listens on this machine only, at an address with a random token. Every request must carry
//! the token, name this machine as its host and, where browsers say so, come from the viewer's own pages. The
//! store is read and never written, unless [`Options::allow_training`] lets the playground keep a run.

mod answer;
mod assets;
mod cloud;
mod events;
mod figures;
mod guard;
mod playground;
mod routes;
mod run_page;
mod runs_page;
mod server;
mod shelf;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::guard::Token;
use crate::playground::Playground;
use crate::shelf::Shelf;

/// What to show, and to whom.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of the store. It may not exist yet.
    pub store: PathBuf,
    /// The folder into which figures and reports are drawn. It may not exist yet.
    pub figures: PathBuf,
    /// The port to listen on; 0 for any that is free.
    pub port: u16,
    /// Whether the playground may keep its network as a run in the store.
    pub allow_training: bool,
    /// Whether pages of other servers on this machine may show the viewer in a frame, as notebooks do.
    pub framed: bool,
}

impl Options {
    /// The viewer of a store on any free port, for reading only.
    pub fn of(store: impl Into<PathBuf>) -> Self {
        Self {
            store: store.into(),
            figures: PathBuf::from("figures"),
            port: 0,
            allow_training: false,
            framed: false,
        }
    }
}

/// What the threads of the server share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) token: Token,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) playground: Playground,
    pub(crate) figures: PathBuf,
    pub(crate) framed: bool,
}

/// A viewer that is about to serve.
#[derive(Debug)]
pub struct Viewer {
    listener: TcpListener,
    local: SocketAddr,
    shared: Arc<Shared>,
}

impl Viewer {
    /// Listens on the loopback interface.
    ///
    /// # Errors
    /// When the port is taken, or the operating system gives no random numbers for the token.
    pub fn bind(options: Options) -> io::Result<Self> {
        let listener = server::listen(options.port).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot listen on port {}: {error}", options.port))
        })?;
        let local = listener.local_addr()?;
        let shared = Arc::new(Shared {
            token: Token::random()?,
            playground: Playground::new(options.store.clone(), options.allow_training),
            shelf: Arc::new(Shelf::new(options.store)),
            figures: options.figures,
            framed: options.framed,
        });
        Ok(Self { listener, local, shared })
    }

    /// The address to open, with its token and a slash at the end.
    pub fn address(&self) -> String {
        format!("http://{}/{}/", self.local, self.shared.token)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.local.port()
    }

    /// Answers requests until `stop` is set. Networks in training stop with it.
    ///
    /// # Errors
    /// When the operating system refuses to serve.
    pub fn serve(self, stop: &AtomicBool) -> io::Result<()> {
        server::serve(self.listener, &self.shared, stop)
    }
}
