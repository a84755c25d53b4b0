//! The API key: when one is configured, every request of the API carries it. Without one the service listens on
//! loopback only, and pages of other sites that a local browser shows are kept out.
//!
//! May depend on `app` and `config`.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::Response,
};
use sha2::{Digest, Sha256};

use super::Problem;
use crate::app::App;

/// Lets a request through when no key is configured (then the service listens on loopback only), or when it
/// carries the key.
pub async fn require_key(State(app): State<Arc<App>>, request: Request, next: Next) -> Result<Response, Problem> {
    if let Some(key) = &app.config.api_key {
        let given = request
            .headers()
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .unwrap_or_default();
        if !same(given, key.expose()) {
            return Err(Problem::unauthorized());
        }
    } else if !is_local(request.headers()) {
        return Err(Problem::foreign());
    }
    Ok(next.run(request).await)
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
    loopback && text(header::ORIGIN).is_none_or(|origin| origin == format!("http://{host}"))
}

/// Compares digests, so that the time it takes says nothing about how much of a guess was right.
fn same(a: &str, b: &str) -> bool {
    Sha256::digest(a) == Sha256::digest(b)
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
    fn only_the_same_key_is_the_same() {
        assert!(same("0123456789abcdef", "0123456789abcdef"));
        assert!(!same("", "0123456789abcdef"));
        assert!(!same("0123456789abcdeg", "0123456789abcdef"));
    }
}
