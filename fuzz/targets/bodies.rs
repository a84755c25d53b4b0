//! HTTP bodies: whatever an operation is sent, it answers as the OpenAPI document says, and never with 500.

use axum::{
    Router,
    body::Body,
    http::{Request, header},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::Input;

const JSON: &str = "application/json";
const FORM: &str = "multipart/form-data; boundary=x";

/// Method, path and content type of the operations that take a body. Identifiers are of nothing that is there.
pub const OPERATIONS: [(&str, &str, &str); 8] = [
    ("POST", "/v1/ask", JSON),
    ("POST", "/v1/search", JSON),
    ("POST", "/v1/documents/delete", JSON),
    ("POST", "/v1/conversations", JSON),
    ("POST", "/v1/admin/keys", JSON),
    ("POST", "/v1/admin/keys/key_00000000000000000000000000000000/rotate", JSON),
    ("POST", "/v1/admin/adapters/adp_00000000000000000000000000000000/promote", JSON),
    ("POST", "/v1/documents", FORM),
];

/// A right body for each of the operations, in their order.
pub fn right() -> Vec<Vec<u8>> {
    let id = |kind: &str| format!("{kind}_{}", "0".repeat(32));
    let turn = json!({"question": "a?", "answer": "b", "outcome": "answered", "clarify": ["c"],
                      "sources": [{"document_id": id("doc"), "chunk_id": id("chk"), "name": "d", "heading": "e"}]});
    let filter = json!({"document_ids": [id("doc")], "metadata": {"a": ["b", 1, true]}});
    let json = [
        json!({"question": "When does the canteen open?", "collection": "default", "top_k": 3, "filter": filter,
               "history": [turn], "stream": false, "store": false}),
        json!({"question": "canteen", "collection": "default", "top_k": 50, "ranking": "hybrid", "filter": filter}),
        json!({"collection": "other", "look_only": true, "filter": filter}),
        json!({"collection": "default"}),
        json!({"name": "a", "scopes": ["ask", "ingest"], "collections": ["default"], "access": ["hr"],
               "expires_at": "2100-01-01T00:00:00Z"}),
        json!({"overlap_seconds": 60}),
        json!({"force": "a reason"}),
    ];
    let form = "--x\r\ncontent-disposition: form-data; name=\"metadata\"\r\n\r\n{\"a\": [\"b\"], \"n\": 1}\r\n\
                --x\r\ncontent-disposition: form-data; name=\"access\"\r\n\r\n[\"hr\"]\r\n\
                --x\r\ncontent-disposition: form-data; name=\"priority\"\r\n\r\nhigh\r\n\
                --x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.md\"\r\n\r\n# A\n\nText.\n\r\n--x--\r\n";
    json.iter().map(|body| body.to_string().into_bytes()).chain([form.as_bytes().to_vec()]).collect()
}

/// A served application, and the document that describes it.
pub struct Served {
    router: Router,
    document: Value,
    /// A key with every scope.
    key: String,
}

impl Served {
    /// What `router` serves to the holder of `key`.
    pub fn new(router: Router, key: String) -> Self {
        let document = serde_json::to_value(footnote::http::openapi_document()).expect("the document is JSON");
        Self { router, document, key }
    }

    /// Sends an operation a body: the first byte of the input says which, the rest is the body. The status that it got.
    pub async fn body(&self, bytes: &[u8]) -> u16 {
        let mut input = Input(bytes);
        let (method, path, content_type) = OPERATIONS[usize::from(input.byte()) % OPERATIONS.len()];
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, content_type)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key))
            .body(Body::from(input.0.to_vec()))
            .expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("no service of ours fails");
        let status = response.status();
        let said = axum::body::to_bytes(response.into_body(), 16 << 20).await.expect("a body that ends");
        let at = || format!("{method} {path} -> {status} {}", String::from_utf8_lossy(&said));
        assert!(status.as_u16() < 500 || status.as_u16() == 503, "{}", at());
        let described = path
            .split('/')
            .map(|part| if part.contains("_0000") { "{id}" } else { part })
            .collect::<Vec<_>>()
            .join("/");
        let responses = &self.document["paths"][described][method.to_lowercase()]["responses"];
        assert!(responses[status.as_str()].is_object(), "not described: {}", at());
        status.as_u16()
    }
}
