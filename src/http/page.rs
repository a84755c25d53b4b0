//! `GET /`: the web page. Its files lie in `web/` and are compiled in; they hold no data, so nobody needs a key for them.
//!
//! What the page shows it asks of the API, with the key that its user has typed. May depend on `error` and `extract`.

use axum::{
    Router,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use include_dir::{Dir, include_dir};

use super::{Problem, extract::Path};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/web");

/// What a browser lets the page do: load its own files, and talk to this server. Nothing that a document says can run.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page and its files.
pub fn router() -> Router {
    Router::new().route("/", get(|| async { file("index.html") })).route("/web/{file}", get(named))
}

async fn named(Path(name): Path<String>) -> Response {
    file(&name)
}

fn file(name: &str) -> Response {
    let Some(found) = FILES.get_file(name) else {
        let detail = format!("the page has no file `{name}`: what is served stands in /openapi.json");
        return Problem::not_found(detail).into_response();
    };
    let kind = match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let mut response = found.contents().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::{
        body::Body,
        http::{Request, StatusCode},
    };
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_name_that_is_no_text_is_a_problem_like_any_other() {
        for (path, status) in [("/web/%FF", StatusCode::BAD_REQUEST), ("/web/nothing.js", StatusCode::NOT_FOUND)] {
            let response = router().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
            assert_eq!(response.status(), status, "{path}");
            assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json", "{path}");
        }
    }

    #[test]
    fn every_file_has_its_type_and_the_policy() {
        for found in FILES.files() {
            let response = file(found.path().to_str().unwrap());
            assert_ne!(response.headers()[header::CONTENT_TYPE], "application/octet-stream", "{:?}", found.path());
            assert_eq!(response.headers()[header::CONTENT_SECURITY_POLICY], POLICY);
        }
        assert_eq!(file("../Cargo.toml").status(), StatusCode::NOT_FOUND);
    }

    /// What is loaded is among the files, and nothing comes from elsewhere or stands in the page itself.
    #[test]
    fn the_page_loads_its_own_files_only() {
        let page = FILES.get_file("index.html").unwrap().contents_utf8().unwrap();
        for rest in page.split("/web/").skip(1) {
            let name = rest.split('"').next().unwrap();
            assert!(FILES.get_file(name).is_some(), "{name}");
        }
        assert!(!page.contains("style=") && !page.contains("<style") && !page.contains("onclick="));
        for script in FILES.files().filter(|file| file.path().extension().is_some_and(|kind| kind == "js")) {
            let text = script.contents_utf8().unwrap();
            assert!(!text.contains("innerHTML") && !text.contains("https://"), "{:?}", script.path());
            for rest in text.split("from \"./").skip(1) {
                let name = rest.split('"').next().unwrap();
                assert!(FILES.get_file(name).is_some(), "{name}");
            }
        }
    }
}
