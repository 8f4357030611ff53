//! Server-sent events: what is live.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use http_body_util::channel::{Channel, Sender};
use hyper::StatusCode;

use crate::answer::{Answer, stream};

/// The sender of a body in parts. Sending fails once the client has gone.
pub(crate) type Parts = Sender<Bytes>;

/// An answer whose body is sent in parts.
pub(crate) fn in_parts(media: &'static str) -> (Parts, Answer) {
    let (sender, body) = Channel::new(4);
    (sender, stream(StatusCode::OK, media, body.boxed()))
}

/// An answer that is a stream of events.
pub(crate) fn events() -> (Parts, Answer) {
    in_parts("text/event-stream")
}

/// Sends an event; `false` once the client has gone. `text` has a single line.
pub(crate) async fn send(parts: &mut Parts, text: &str) -> bool {
    parts.send_data(Bytes::from(format!("data: {text}\n\n"))).await.is_ok()
}

/// Sends a comment, which shows whether the client is still there.
pub(crate) async fn breathe(parts: &mut Parts) -> bool {
    parts.send_data(Bytes::from_static(b":\n\n")).await.is_ok()
}

/// How often a silent stream breathes.
pub(crate) const BREATH: Duration = Duration::from_secs(2);
