//! What requests leave in the audit log: who did what to what, and how it ended.
//!
//! Every operation that is not just a look is recorded, also when it was refused to a known caller; requests of nobody are
//! counted, not recorded, since anybody could fill the log with them. A handler adds [`Details`] to its response. A request
//! whose client leaves is recorded as well: what it asked for may have been done. May depend on `app`, `access` and `auth`.

use std::{
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{Method, StatusCode},
    middleware::Next,
    response::Response,
};
use chrono::Utc;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::{auth::Permissions, error::CALLER_LEFT};
use crate::{access::Caller, app::App, metadata_store::NewAuditEntry};

/// How often old entries are looked for.
const SWEEP: Duration = Duration::from_secs(60 * 60);

/// What a handler knows of what it has done, in its response's extensions.
#[derive(Debug, Clone, Default)]
pub struct Details(pub Map<String, Value>);

impl Details {
    /// Of the members of an object.
    pub fn of(object: Value) -> Self {
        match object {
            Value::Object(members) => Self(members),
            _ => Self::default(),
        }
    }
}

/// In the extensions of a response whose end is recorded later.
#[derive(Debug, Clone, Copy)]
pub struct RecordedLater;

/// What is known of a request before it is carried out.
#[derive(Debug, Clone)]
pub struct Asked {
    action: String,
    subject: Option<String>,
    address: Option<String>,
    request_id: Option<String>,
    /// Whether it was told: that is done once, whoever comes first.
    told: Arc<AtomicBool>,
}

/// Who sends a request, as soon as that is known; in the request's extensions.
#[derive(Debug, Clone, Default)]
pub struct Actor(Arc<OnceLock<String>>);

impl Actor {
    /// It is known.
    pub fn is(&self, caller: &Caller) {
        self.0.get_or_init(|| caller.actor.clone());
    }
}

/// A request that is being carried out. Where its client leaves, what carries it out is dropped at any of its steps, also
/// after a change was made: it is told then with what is known.
struct Underway {
    app: Arc<App>,
    asked: Option<Asked>,
    actor: Actor,
}

impl Drop for Underway {
    fn drop(&mut self) {
        let (Some(asked), Some(actor)) = (self.asked.take(), self.actor.0.get().cloned()) else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let app = self.app.clone();
            runtime.spawn(async move { asked.record(&app, &actor, CALLER_LEFT, Details::default()).await });
        }
    }
}

impl Asked {
    fn of(request: &Request, permissions: &Permissions) -> Option<Self> {
        let path = request.extensions().get::<MatchedPath>()?.as_str();
        let action = permissions.operation(request.method(), path)?.to_owned();
        let named = path.split('/').zip(request.uri().path().split('/'));
        let subject = named.filter(|(pattern, _)| pattern.starts_with('{')).map(|(_, part)| part.to_owned()).next();
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let request_id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok());
        Some(Self {
            action,
            subject,
            address: peer.map(|ConnectInfo(peer)| peer.ip().to_string()),
            request_id: request_id.map(str::to_owned),
            told: Arc::default(),
        })
    }

    /// Sends on its way to the log how it ended.
    pub async fn record(self, app: &App, actor: &str, status: u16, details: Details) {
        let Self { action, subject, address, request_id, told } = self;
        if told.load(Ordering::Relaxed) {
            return;
        }
        let (at, actor, details) = (Utc::now(), actor.to_owned(), details.0);
        app.audit.add(NewAuditEntry { at, actor, action, subject, status, address, request_id, details }).await;
        // Not before: who waits for this may leave too.
        told.store(true, Ordering::Relaxed);
    }
}

/// Removes what is older than it may be, now and every hour until `stop` is cancelled.
pub async fn forget_old(app: Arc<App>, stop: CancellationToken) {
    let Some(kept) = app.config.audit_kept else { return };
    let mut looks = tokio::time::interval(SWEEP);
    while stop.run_until_cancelled(looks.tick()).await.is_some() {
        match app.metadata.forget_audit_entries(Utc::now() - kept).await {
            Ok(0) => {}
            Ok(forgotten) => tracing::info!(forgotten, "old entries of the audit log are gone"),
            Err(error) => tracing::warn!(%error, "cannot look for old entries of the audit log"),
        }
    }
}

/// Records what is done. Stands outside of `auth::authorize`, so that what is refused is recorded too.
pub async fn record(
    State((app, permissions)): State<(Arc<App>, Arc<Permissions>)>,
    mut request: Request,
    next: Next,
) -> Response {
    let is_a_look = matches!(*request.method(), Method::GET | Method::HEAD);
    let asked = match app.audit.is_on() && !is_a_look {
        true => Asked::of(&request, &permissions),
        false => None,
    };
    let Some(asked) = asked else { return next.run(request).await };
    let actor = Actor::default();
    request.extensions_mut().insert(asked.clone());
    request.extensions_mut().insert(actor.clone());
    let mut underway = Underway { app: app.clone(), asked: Some(asked.clone()), actor };
    let mut response = next.run(request).await;
    let later = response.extensions_mut().remove::<RecordedLater>().is_some();
    let details = response.extensions_mut().remove::<Details>().unwrap_or_default();
    // Who has had its share could fill the log with what it is refused.
    let is_told = !later && response.status() != StatusCode::TOO_MANY_REQUESTS;
    if let Some(caller) = response.extensions_mut().remove::<Caller>()
        && is_told
    {
        asked.record(&app, &caller.actor, response.status().as_u16(), details).await;
    }
    underway.asked = None;
    response
}
