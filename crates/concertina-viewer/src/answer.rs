//! What the server answers: JSON, files, streams, refusals.

use std::convert::Infallible;

use bytes::Bytes;
use concertina::{Error, ErrorKind};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use hyper::{Response, StatusCode};
use serde::Serialize;
use serde_json::json;

pub(crate) type Body = BoxBody<Bytes, Infallible>;
pub(crate) type Answer = Response<Body>;
pub(crate) type Result<T, E = Refusal> = std::result::Result<T, E>;

/// Why a request is not answered, and what to do.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    status: StatusCode,
    message: String,
    hint: Option<String>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), hint: None }
    }

    pub(crate) fn forbidden(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("not found: {what}"))
    }

    pub(crate) fn wrong(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The message by itself.
    pub(crate) fn message(&self) -> String {
        self.message.clone()
    }

    pub(crate) fn answer(&self) -> Answer {
        let text = json!({ "error": self.message, "hint": self.hint }).to_string();
        with_type(self.status, "application/json", text)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let status = match (&error, error.kind()) {
            (Error::UnknownRun { .. }, _) => StatusCode::NOT_FOUND,
            (_, ErrorKind::Usage) => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let hint = error.hint().map(|hint| hint.to_string());
        Self { status, message: error.to_string(), hint }
    }
}

impl From<concertina::model::Error> for Refusal {
    fn from(error: concertina::model::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<concertina::analyses::Error> for Refusal {
    fn from(error: concertina::analyses::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<concertina_numerics::Error> for Refusal {
    fn from(error: concertina_numerics::Error) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

pub(crate) fn json(value: &impl Serialize) -> Result<Answer> {
    let text = serde_json::to_vec(value)
        .map_err(|error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok(with_type(StatusCode::OK, "application/json", text))
}

/// Bytes of a media type, not to be kept by the browser.
pub(crate) fn with_type(status: StatusCode, media: &'static str, bytes: impl Into<Bytes>) -> Answer {
    stream(status, media, Full::new(bytes.into()).boxed())
}

/// A body that is sent as it comes.
pub(crate) fn stream(status: StatusCode, media: &'static str, body: Body) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(media));
    headers.insert(CACHE_CONTROL, hyper::header::HeaderValue::from_static("no-store"));
    answer
}

/// The same answer, to be saved and not shown.
pub(crate) fn to_save(mut answer: Answer) -> Answer {
    let attachment = hyper::header::HeaderValue::from_static("attachment");
    answer.headers_mut().insert(CONTENT_DISPOSITION, attachment);
    answer
}
