//! Which path is answered by what.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use concertina::{StoredRun, Study};
use hyper::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::json as object;

use crate::answer::{Answer, Refusal, Result, json, to_save, with_type};
use crate::events::{BREATH, breathe, events, in_parts, send};
use crate::playground::{Command, Wanted};
use crate::run_page::Album;
use crate::server::Server;
use crate::shelf::Look;
use crate::{Shared, assets, figures, run_page, runs_page};

/// What stands behind the question mark of an address.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(BTreeMap<String, String>);

impl Query {
    fn of(text: &str) -> Result<Self> {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let decoded = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?.into_owned(), decode(value)?.into_owned()))
        });
        Ok(Self(decoded.collect::<Result<_>>()?))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// Text from its form in an address: `%20` and `+` are spaces.
fn decode(text: &str) -> Result<Cow<'_, str>> {
    if !text.contains(['%', '+']) {
        return Ok(Cow::Borrowed(text));
    }
    let wrong = || Refusal::wrong("the address is not encoded as UTF-8 text");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit =
                    || rest.next().and_then(|byte| char::from(byte).to_digit(16)).ok_or_else(wrong);
                (digit()? * 16 + digit()?) as u8
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| wrong())
}

impl Server {
    /// Computes on another thread, in turn. The turn ends with the computation: a client that reads its
    /// answer slowly keeps no one waiting.
    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let turn = Arc::clone(&self.work).acquire_owned().await.map_err(|_| stopping())?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await.map_err(|_| uncomputed())
    }

    /// Computes an answer on another thread, in turn.
    async fn compute(&self, work: impl FnOnce(&Shared) -> Result<Answer> + Send + 'static) -> Result<Answer> {
        let shared = Arc::clone(&self.shared);
        self.in_turn(move || work(&shared)).await?
    }

    /// Trains the network of the playground into the store. This takes as long as it takes, and no turn.
    async fn keep(&self, id: String) -> Result<Answer> {
        let shared = Arc::clone(&self.shared);
        let done = tokio::task::spawn_blocking(move || {
            let kept = shared.playground.keep(&id);
            shared.shelf.changed();
            json(&kept?)
        });
        done.await.map_err(|_| uncomputed())?
    }

    async fn with_look(&self, work: impl FnOnce(&Look) -> Result<Answer> + Send + 'static) -> Result<Answer> {
        let shelf = Arc::clone(&self.shared.shelf);
        // It may have to wait for the store, and so takes no turn.
        let look = match shelf.fresh() {
            Some(found) => found?,
            None => tokio::task::spawn_blocking(move || shelf.look()).await.map_err(|_| stopping())??,
        };
        self.compute(move |_| work(&look)).await
    }

    /// Answers about one run, without a look at the others.
    async fn with_run(
        &self,
        key: &str,
        work: impl FnOnce(&Study, &StoredRun) -> Result<Answer> + Send + 'static,
    ) -> Result<Answer> {
        let key = key.to_owned();
        self.compute(move |shared| {
            let study = shared.shelf.study()?;
            work(&study, &run_page::stored(&study, &key)?)
        })
        .await
    }
}

/// Answers a request that changes nothing.
pub(crate) async fn get(server: &Arc<Server>, path: &str, query: &str) -> Result<Answer> {
    let Some(path) = path.strip_prefix("api/") else { return assets::file(path) };
    let query = Query::of(query)?;
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["info"] => server.compute(|shared| json(&info(shared))).await,
        ["events"] => Ok(watch_store(server)),
        ["runs"] => server.with_look(move |look| json(&runs_page::runs(look, &query)?)).await,
        ["columns"] => server.with_look(|look| json(&runs_page::all_columns(look))).await,
        ["values"] => server.with_look(move |look| json(&runs_page::values(look, &query)?)).await,
        ["run", key] => server.with_run(key, |_, run| json(&run_page::describe(run))).await,
        ["run", key, "spectrum"] => {
            server.with_run(key, move |study, run| json(&run_page::spectrum(study, run, &query)?)).await
        }
        ["run", key, "lyapunov"] => {
            server.with_run(key, move |study, run| json(&run_page::lyapunov(study, run, &query)?)).await
        }
        ["run", key, "fixed_points"] => {
            server.with_run(key, |study, run| json(&run_page::fixed_points(study, run)?)).await
        }
        ["run", key, "clouds"] => clouds(server, (*key).to_owned(), query).await,
        ["figures"] => server.compute(|shared| json(&figures::list(&shared.figures))).await,
        ["figures", name] => {
            let (name, save) = (decode(name)?.into_owned(), query.get("save").is_some());
            server.compute(move |shared| figures::file(&shared.figures, &name, save)).await
        }
        ["playground", id, "pictures"] => show_network(server, id),
        _ => Err(Refusal::not_found("the viewer has no such page")),
    }
}

/// Answers a request that changes something, or has a body.
pub(crate) async fn post(server: &Arc<Server>, path: &str, body: Bytes) -> Result<Answer> {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["api", "pdf"] => {
            server
                .compute(move |_| {
                    let svg = std::str::from_utf8(&body).map_err(|_| Refusal::wrong("expected SVG"))?;
                    let pdf = concertina::plot::pdf_of_svg(svg)
                        .map_err(|error| Refusal::wrong(error.to_string()))?;
                    Ok(to_save(with_type(StatusCode::OK, "application/pdf", pdf)))
                })
                .await
        }
        ["api", "playground"] => {
            let wanted: Wanted = read(&body)?;
            server.compute(move |shared| json(&shared.playground.start(&wanted)?)).await
        }
        ["api", "playground", id] => {
            let (id, command): (_, Command) = ((*id).to_owned(), read(&body)?);
            server.compute(move |shared| json(&shared.playground.tell(&id, command)?)).await
        }
        ["api", "playground", id, "keep"] => server.keep((*id).to_owned()).await,
        _ => Err(Refusal::not_found("the viewer has no such page")),
    }
}

fn stopping() -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the viewer is stopping")
}

fn uncomputed() -> Refusal {
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "this could not be computed")
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal::wrong(format!("the request cannot be read: {error}")))
}

fn info(shared: &Shared) -> serde_json::Value {
    object!({
        "version": env!("CARGO_PKG_VERSION"),
        "store": shared.shelf.folder(),
        "may_keep": shared.playground.may_keep(),
        "training": shared.playground.count(),
    })
}

/// Tells a page whenever the runs in the store have changed.
fn watch_store(server: &Arc<Server>) -> Answer {
    let (mut parts, answer) = events();
    let server = Arc::clone(server);
    tokio::spawn(async move {
        let mut told = 0;
        loop {
            let shared = Arc::clone(&server.shared);
            let looked = tokio::task::spawn_blocking(move || shared.shelf.look()).await;
            let there = match looked {
                Ok(Ok(look)) if look.version == told => breathe(&mut parts).await,
                Ok(Ok(look)) => {
                    told = look.version;
                    let runs = look.table.row_count();
                    let text = object!({ "version": told, "runs": runs, "unread": look.unread });
                    send(&mut parts, &text.to_string()).await
                }
                Ok(Err(refusal)) => {
                    send(&mut parts, &object!({ "problem": refusal.message() }).to_string()).await
                }
                Err(_) => false,
            };
            if !there {
                return;
            }
            tokio::time::sleep(BREATH).await;
        }
    });
    answer
}

/// The clouds of a run, checkpoint by checkpoint, as they are computed.
async fn clouds(server: &Arc<Server>, key: String, query: Query) -> Result<Answer> {
    let shared = Arc::clone(&server.shared);
    let opened = server.in_turn(move || {
        let study = shared.shelf.study()?;
        let run = run_page::stored(&study, &key)?;
        Album::open(study, run, &query)
    });
    let (mut album, head) = opened.await??;
    let (mut parts, answer) = in_parts("application/octet-stream");
    let server = Arc::clone(server);
    tokio::spawn(async move {
        if parts.send_data(head).await.is_err() {
            return;
        }
        loop {
            let made = server.in_turn(move || {
                let next = album.next();
                (album, next)
            });
            let Ok((back, Some(next))) = made.await else { return };
            album = back;
            if parts.send_data(next).await.is_err() {
                return;
            }
        }
    });
    Ok(answer)
}

/// The pictures of a network in training, as they are made.
fn show_network(server: &Arc<Server>, id: &str) -> Result<Answer> {
    let (mut pictures, looker) = server.shared.playground.session(id)?.look();
    let (mut parts, answer) = events();
    tokio::spawn(async move {
        let _looker = looker;
        pictures.mark_changed();
        loop {
            let there = match tokio::time::timeout(BREATH, pictures.changed()).await {
                Ok(Ok(())) => {
                    let picture = Arc::clone(&pictures.borrow_and_update());
                    picture.is_empty() || send(&mut parts, &picture).await
                }
                Ok(Err(_)) => false,
                Err(_) => breathe(&mut parts).await,
            };
            if !there {
                return;
            }
        }
    });
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_decoded_and_wrong_ones_refused() {
        let query = Query::of("where=gain+%3E%3D%2020&from=3&&empty").expect("right");
        assert_eq!(query.get("where"), Some("gain >= 20"));
        assert_eq!((query.get("from"), query.get("empty")), (Some("3"), Some("")));
        for wrong in ["a=%", "a=%2", "a=%zz", "a=%ff"] {
            assert!(Query::of(wrong).is_err(), "{wrong}");
        }
    }
}
