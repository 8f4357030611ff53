//! The server: connections, limits, and the headers of every answer.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONNECTION, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpSocket;
use tokio::sync::Semaphore;

use crate::Shared;
use crate::answer::{Answer, Refusal, Result};
use crate::{guard, routes};

/// Connections that are served at a time; further ones wait. A browser opens six.
const CONNECTIONS: usize = 200;
/// Connections that may wait. The operating system forgets those beyond: it resets them when they send.
const WAITING: u32 = 4096;
/// The longest body: a drawing of a page, to be written as PDF.
const LONGEST_BODY: usize = 16 << 20;
/// How long a connection may take to send its next request. Without a limit, idle ones would fill all places.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a body that is too long is read on, so that its client has written it and reads the answer.
const LINGER: Duration = Duration::from_secs(1);
/// How often the flag that stops the server is looked at.
const STOP_INTERVAL: Duration = Duration::from_millis(100);

/// What requests compute takes threads in turn.
pub(crate) struct Server {
    pub(crate) shared: Arc<Shared>,
    pub(crate) work: Arc<Semaphore>,
    /// One for each connection that may be served at a time.
    places: Arc<Semaphore>,
}

/// Listens on a port of the loopback interface; 0 for any that is free.
pub(crate) fn listen(port: u16) -> io::Result<TcpListener> {
    // a socket of tokio's wants a runtime around it, for this moment only
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let _inside = runtime.enter();
    let socket = TcpSocket::new_v4()?;
    if cfg!(unix) {
        socket.set_reuseaddr(true)?;
    }
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    socket.listen(WAITING)?.into_std()
}

/// Answers until `stop` is set.
pub(crate) fn serve(listener: TcpListener, shared: &Arc<Shared>, stop: &AtomicBool) -> io::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(16).build()?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let server = Arc::new(Server {
        shared: Arc::clone(shared),
        work: Arc::new(Semaphore::new(cores.min(6))),
        places: Arc::new(Semaphore::new(CONNECTIONS)),
    });
    let result = runtime.block_on(accept(listener, server, stop));
    shared.playground.stop();
    runtime.shutdown_timeout(Duration::from_secs(2));
    result
}

async fn accept(listener: TcpListener, server: Arc<Server>, stop: &AtomicBool) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    while !stop.load(Ordering::Relaxed) {
        server.shared.playground.sweep();
        let place = Arc::clone(&server.places).acquire_owned();
        let Ok(place) = tokio::time::timeout(STOP_INTERVAL, place).await else { continue };
        let Ok(accepted) = tokio::time::timeout(STOP_INTERVAL, listener.accept()).await else { continue };
        let Ok((connection, _)) = accepted else {
            // Too many open files, or a client that has gone: the next one may do better.
            tokio::time::sleep(STOP_INTERVAL).await;
            continue;
        };
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            let answer = service_fn(|request| answer(&server, request));
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(64 << 10);
            // A client that breaks off harms only itself.
            let _ = builder.serve_connection(TokioIo::new(connection), answer).await;
            drop(place);
        });
    }
    Ok(())
}

async fn answer(server: &Arc<Server>, request: Request<Incoming>) -> Result<Answer, Infallible> {
    let framed = server.shared.framed;
    let mut answer = admitted(server, request).await.unwrap_or_else(|refusal| refusal.answer());
    if server.places.available_permits() == 0 {
        // Others may wait: a client with more to ask connects again, after them.
        answer = closing(answer);
    }
    Ok(protected(answer, framed))
}

async fn admitted(server: &Arc<Server>, request: Request<Incoming>) -> Result<Answer> {
    let (head, body) = request.into_parts();
    let path = guard::admit(&server.shared.token, &head.headers, head.uri.path())?;
    match head.method {
        Method::GET => routes::get(server, path, head.uri.query().unwrap_or_default()).await,
        Method::POST => {
            let body = match read(body).await {
                Ok(body) => body,
                Err(refusal) => return Ok(closing(refusal.answer())),
            };
            routes::post(server, path, body).await
        }
        _ => Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "only GET and POST are answered")),
    }
}

/// Reads a body, and no more of it than allowed.
async fn read(mut body: Incoming) -> Result<Bytes> {
    let too_long = || {
        let most = LONGEST_BODY >> 20;
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a request may have at most {most} MB"))
    };
    if body.size_hint().lower() > LONGEST_BODY as u64 {
        return Err(too_long());
    }
    match tokio::time::timeout(PATIENCE, Limited::new(&mut body, LONGEST_BODY).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let _ = tokio::time::timeout(LINGER, forget(&mut body)).await;
            Err(too_long())
        }
        Ok(Err(error)) => Err(Refusal::wrong(format!("the request broke off: {error}"))),
        Err(_) => Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the request took too long to arrive")),
    }
}

/// Reads the rest of a body, up to the same length again, and keeps nothing of it. A connection that is
/// closed with something unread is reset, and its client may then lose the answer.
async fn forget(body: &mut Incoming) {
    let mut left = LONGEST_BODY;
    while let Some(Ok(frame)) = body.frame().await {
        left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        if left == 0 {
            return;
        }
    }
}

/// The connection ends with this answer: no further request is read, nor what is left of a body.
fn closing(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// Nothing is loaded from elsewhere, nothing tells other sites the token, and only notebooks on this machine
/// may show the pages in a frame, if at all.
fn protected(mut answer: Answer, framed: bool) -> Answer {
    let policy = match framed {
        true => concat!(
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; ",
            "img-src 'self' blob:; base-uri 'none'; form-action 'none'; ",
            "frame-ancestors http://localhost:* http://127.0.0.1:* vscode-webview:"
        ),
        false => concat!(
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; ",
            "img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
    };
    let headers = answer.headers_mut();
    for (name, value) in [
        ("content-security-policy", policy),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    answer
}
