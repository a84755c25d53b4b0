//! Who may call which route.
//!
//! The OpenAPI document says which scopes each operation needs, and this is where it is enforced: a route that the document
//! does not have is not reached, and one without a scope is for administrators. Without any key the service listens on
//! loopback only, and pages of other sites that a local browser shows are kept out. May depend on
//! `app`, `access` and `audit`.

use std::{collections::HashMap, sync::Arc, time::Instant};

use axum::{
    extract::{FromRequestParts, MatchedPath, Request, State},
    http::{HeaderMap, Method, header, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use utoipa::openapi::{OpenApi, path::Operation};

use super::{Problem, audit::Actor};
use crate::{
    access::{Caller, Identified},
    app::App,
    domain::Scope,
};

/// The operations, and which scopes a caller needs for each: one of them.
#[derive(Debug, Clone, Default)]
pub struct Permissions(HashMap<(Method, String), Permission>);

#[derive(Debug, Clone)]
struct Permission {
    operation: String,
    scopes: Vec<Scope>,
}

impl Permissions {
    /// What the document says.
    pub fn of_document(document: &OpenApi) -> Self {
        let mut permissions = HashMap::new();
        for (path, item) in &document.paths.paths {
            let methods = [
                (Method::GET, &item.get),
                (Method::POST, &item.post),
                (Method::PUT, &item.put),
                (Method::PATCH, &item.patch),
                (Method::DELETE, &item.delete),
            ];
            for (method, operation) in methods {
                if let Some(operation) = operation {
                    let name = operation.operation_id.clone().unwrap_or_default();
                    let permission = Permission { operation: name, scopes: scopes(operation) };
                    permissions.insert((method, path.clone()), permission);
                }
            }
        }
        Self(permissions)
    }

    /// The scopes that lead to an operation; `None` when there is no such operation.
    fn of(&self, method: &Method, path: &str) -> Option<&[Scope]> {
        // A look at the head of an answer is a look at the answer.
        let method = if *method == Method::HEAD { Method::GET } else { method.clone() };
        self.0.get(&(method, path.to_owned())).map(|permission| permission.scopes.as_slice())
    }

    /// What an operation is called.
    pub fn operation(&self, method: &Method, path: &str) -> Option<&str> {
        self.0.get(&(method.clone(), path.to_owned())).map(|permission| permission.operation.as_str())
    }
}

/// The scopes that an operation names, administrators' when it names none that there is.
fn scopes(operation: &Operation) -> Vec<Scope> {
    let requirements = serde_json::to_value(&operation.security).unwrap_or_default();
    let named = requirements.as_array().into_iter().flatten().filter_map(|requirement| requirement["key"].as_array());
    let scopes: Vec<Scope> =
        named.flatten().filter_map(|scope| scope.as_str().and_then(|scope| scope.parse().ok())).collect();
    if scopes.is_empty() { vec![Scope::Admin] } else { scopes }
}

/// Lets a request through that may reach its route, with its caller.
pub async fn authorize(
    State((app, permissions)): State<(Arc<App>, Arc<Permissions>)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let caller = caller(&app, request.headers()).await?;
    if let Some(actor) = request.extensions().get::<Actor>() {
        actor.is(&caller);
    }
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    let Some(needed) = permissions.of(request.method(), path) else {
        return Err(super::error::method_not_allowed(request.method().clone(), request.uri().clone()).await);
    };
    let mut response = match take(&app, &caller).and_then(|()| check(&caller, needed)) {
        Ok(()) => {
            request.extensions_mut().insert(caller.clone());
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    };
    // For the audit log, which stands outside.
    response.extensions_mut().insert(caller);
    Ok(response)
}

/// Lets whoever is a caller reach what makes requests to the API on its behalf.
pub async fn let_in(State(app): State<Arc<App>>, request: Request, next: Next) -> Result<Response, Problem> {
    caller(&app, request.headers()).await?;
    Ok(next.run(request).await)
}

/// `Ok` when the caller has not had its share of requests.
fn take(app: &App, caller: &Caller) -> Result<(), Problem> {
    // Who needs no key is this machine, and shares with nobody.
    if caller.is_local() {
        return Ok(());
    }
    app.rates.take_request(&caller.actor, Instant::now()).map_err(Problem::limited)
}

/// Who sends these headers.
pub async fn caller(app: &App, headers: &HeaderMap) -> Result<Caller, Problem> {
    // Another scheme, or what is no text, is a key that nobody has.
    let key = headers.get(header::AUTHORIZATION).map(|value| bearer(value.to_str().ok()).unwrap_or_default());
    match app.keys.identify(key).await? {
        Identified::Caller(caller) => Ok(caller),
        Identified::Open if is_local(headers) => Ok(Caller::local()),
        Identified::Open => Err(Problem::foreign()),
    }
}

/// What a bearer sends. The name of the scheme is in capitals or not, and blanks follow it (RFC 9110, 11.1 and 11.4).
fn bearer(value: Option<&str>) -> Option<&str> {
    let (scheme, key) = value?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| key.trim_start_matches(' '))
}

/// `Ok` when the caller has one of these scopes.
pub fn check(caller: &Caller, needed: &[Scope]) -> Result<(), Problem> {
    if needed.iter().any(|scope| caller.scopes.contains(scope)) {
        return Ok(());
    }
    let needed: Vec<String> = needed.iter().map(|scope| format!("`{scope}`")).collect();
    Err(Problem::forbidden(format!("the API key lacks the scope {}", needed.join(" or "))))
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Problem::internal(&"a route was reached without a caller"))
    }
}

/// A caller from whom nothing is kept: what concerns the whole installation is for nobody else.
pub struct Unlimited;

impl<S: Send + Sync> FromRequestParts<S> for Unlimited {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Caller::from_request_parts(parts, state).await?.access().is_everything() {
            true => Ok(Self),
            false => Err(Problem::forbidden("this needs an API key for all collections and all access labels")),
        }
    }
}

/// `Ok` when the caller may use a collection.
pub fn check_collection(caller: &Caller, collection: &str) -> Result<(), Problem> {
    match caller.access().collections.allows(collection) {
        true => Ok(()),
        false => Err(Problem::forbidden(format!("the API key is not for the collection `{collection}`"))),
    }
}

/// Whether a request was addressed to this machine by a name of loopback (a page could otherwise let its own name
/// point here), and comes from no other site's page.
fn is_local(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    let name =
        host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())).map_or(host, |(n, _)| n);
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let loopback = bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    loopback
        && text(header::ORIGIN)
            .is_none_or(|origin| ["http", "https"].iter().any(|scheme| origin == format!("{scheme}://{host}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_sites_and_names_that_point_here_are_kept_out() {
        let headers = |host: &'static str, origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, axum::http::HeaderValue::from_static(host));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, axum::http::HeaderValue::from_static(origin));
            }
            headers
        };
        for host in ["localhost:8642", "127.0.0.1:8642", "[::1]:8642", "127.0.0.1"] {
            assert!(is_local(&headers(host, None)), "{host}");
        }
        assert!(is_local(&headers("localhost:8642", Some("http://localhost:8642"))));
        assert!(!is_local(&headers("localhost:8642", Some("https://example.org"))));
        assert!(!is_local(&headers("localhost:8642", Some("null"))));
        assert!(!is_local(&headers("example.org:8642", None)));
        assert!(!is_local(&HeaderMap::new()));
    }

    #[test]
    fn the_scheme_of_a_key_is_known_however_it_is_written() {
        for value in ["Bearer fnk_1", "bearer fnk_1", "BEARER  fnk_1"] {
            assert_eq!(bearer(Some(value)), Some("fnk_1"), "{value}");
        }
        for value in ["Basic fnk_1", "Bearerfnk_1", "Bearer", ""] {
            assert_eq!(bearer(Some(value)), None, "{value}");
        }
    }

    #[test]
    fn every_operation_says_which_scopes_it_needs() {
        let document = crate::http::openapi_document();
        for (path, item) in &document.paths.paths {
            for operation in [&item.get, &item.post, &item.put, &item.patch, &item.delete].into_iter().flatten() {
                assert!(operation.security.is_some(), "{path} names no scope");
            }
        }
        let permissions = Permissions::of_document(&document);
        assert_eq!(permissions.of(&Method::POST, "/v1/ask"), Some(&[Scope::Ask][..]));
        assert_eq!(permissions.of(&Method::HEAD, "/v1/documents/{id}"), Some(&[Scope::Ask, Scope::Ingest][..]));
        assert_eq!(permissions.of(&Method::PUT, "/v1/ask"), None);
    }

    #[test]
    fn an_operation_that_names_no_scope_is_for_administrators() {
        assert_eq!(scopes(&Operation::new()), [Scope::Admin]);
    }
}
