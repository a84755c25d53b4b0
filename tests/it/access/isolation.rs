//! The table of isolation: every operation of the OpenAPI document, by every kind of caller.
//!
//! The operations come from the document, so a new one cannot be forgotten: the test fails until it is said here how it
//! is asked and for whom it is. The tools at `/mcp` are not in the document: `tools` has their part of the table.

mod tools;

use chrono::{TimeDelta, Utc};
use footnote::domain::{
    Access, AnswerId, ConversationId, DocumentId, FeedbackId, JobId, KeyId, OutcomeKind, Scope, UnansweredId, Verdict,
};
use footnote::metadata_store::{MetadataStore, NewTrace, NewUnanswered, OutcomeRecord};
use footnote::models::catalog::DEFAULT_EMBEDDER;
use reqwest::{
    Client, Method, StatusCode,
    multipart::{Form, Part},
};
use serde_json::{Value, json};

use super::{Wanted, client_with, make_key};
use crate::{
    metadata_store::feedback,
    sample,
    test_app::{TestApp, client, file},
};

/// Who may reach an operation, beside having its scope.
#[derive(Debug, Clone, Copy, PartialEq)]
enum For {
    /// Whoever may use the collection.
    Collection,
    /// Whoever has the scope: it is about no collection.
    Anyone,
    /// Nobody whose key is for some collections only.
    Unlimited,
}

/// What lies in the collection `a`, which callers of `b` must not see.
struct World {
    document: String,
    name: &'static str,
    job: String,
    conversation: ConversationId,
    unanswered: UnansweredId,
    key: KeyId,
    /// An answer that something can be said about.
    answer: AnswerId,
    /// What was said about another one.
    feedback: FeedbackId,
}

impl World {
    /// Everything that would give it away.
    fn traces(&self) -> [String; 7] {
        let [conversation, unanswered] = [self.conversation.to_string(), self.unanswered.to_string()];
        let [answer, feedback] = [self.answer.to_string(), self.feedback.to_string()];
        [self.document.clone(), self.name.to_owned(), self.job.clone(), conversation, unanswered, answer, feedback]
    }
}

/// An answer of `owner` from the collection `a`, and what was said about another one.
async fn answers(metadata: &dyn MetadataStore, owner: &str) -> (AnswerId, FeedbackId) {
    let mut ids = Vec::new();
    for _ in 0..2 {
        // Of no document, so that it outlives the one that is deleted on the way.
        let trace = feedback::trace("canteen-of-a.md?", &[]);
        ids.push(trace.outcome.id);
        let collection = "a".to_owned();
        let kept = NewTrace { collection, ..feedback::kept(Some(owner), None, trace) };
        assert!(metadata.keep_trace(kept).await.unwrap());
    }
    let said = feedback::said(ids[1], Verdict::Wrong);
    let (given, _) = metadata.give_feedback(said, None, &Access::everything()).await.unwrap();
    (ids[0], given.id)
}

/// An operation as a request to `collection`, where it names one; `owner` is whoever sends it.
struct Asked {
    path: String,
    body: Body,
    reaches: For,
}

enum Body {
    None,
    Json(Value),
    Upload { collection: &'static str, name: String },
}

fn asked(world: &World, method: &str, path: &'static str, collection: &'static str, fresh: &str) -> Asked {
    let question = json!({"question": sample::DOCUMENTS[0].2, "collection": collection});
    let (id, body, reaches) = match (method, path) {
        ("POST", "/v1/ask" | "/v1/search") => ("", Body::Json(question), For::Collection),
        ("POST", "/v1/chat/completions") => {
            let messages = json!([{"role": "user", "content": sample::DOCUMENTS[0].2}]);
            ("", Body::Json(json!({"model": format!("footnote:{collection}"), "messages": messages})), For::Collection)
        }
        ("POST", "/v1/embeddings") => {
            ("", Body::Json(json!({"model": DEFAULT_EMBEDDER, "input": "the canteen"})), For::Anyone)
        }
        ("GET", "/v1/models") => ("", Body::None, For::Anyone),
        ("GET", "/v1/models/{id}") => ("footnote:a", Body::None, For::Collection),
        ("POST", "/v1/documents") => ("", Body::Upload { collection, name: format!("{fresh}.md") }, For::Collection),
        ("POST", "/v1/documents/delete") => {
            let only = json!({"collection": collection, "look_only": true});
            ("", Body::Json(only), For::Collection)
        }
        (
            "GET",
            "/v1/documents" | "/v1/jobs" | "/v1/conversations" | "/v1/unanswered" | "/v1/collections" | "/v1/feedback",
        ) => ("", Body::None, For::Collection),
        ("POST", "/v1/answers/{id}/feedback") => ("answer", Body::Json(json!({"verdict": "right"})), For::Collection),
        (_, "/v1/feedback/{id}") => ("feedback", Body::None, For::Collection),
        (_, path) if path.starts_with("/v1/admin/reports") => ("a-run", Body::None, For::Unlimited),
        ("POST", "/v1/conversations") => ("", Body::Json(json!({"collection": collection})), For::Collection),
        (_, path) if path.starts_with("/v1/documents/{id}") => (world.document.as_str(), Body::None, For::Collection),
        (_, path) if path.starts_with("/v1/jobs/{id}") => (world.job.as_str(), Body::None, For::Collection),
        (_, "/v1/conversations/{id}") => ("conversation", Body::None, For::Collection),
        ("POST", "/v1/unanswered/{id}/dismiss") => ("unanswered", Body::None, For::Collection),
        ("POST", "/v1/admin/keys") => {
            let body = json!({"name": "x", "scopes": ["admin"], "collections": null, "labels": null});
            ("", Body::Json(body), For::Unlimited)
        }
        (_, "/v1/admin/audit" | "/v1/admin/keys" | "/v1/admin/adapters" | "/v1/admin/backup" | "/v1/admin/reindex") => {
            ("", Body::None, For::Unlimited)
        }
        (_, path) if path.starts_with("/v1/connectors") => ("one", Body::None, For::Unlimited),
        (_, path) if path.starts_with("/v1/admin/keys/{id}") => ("key", Body::None, For::Unlimited),
        ("GET", "/v1/admin/reindex/{id}") => (world.job.as_str(), Body::None, For::Unlimited),
        ("GET", "/v1/admin/adapters/{id}") => ("adapter", Body::None, For::Unlimited),
        ("POST", "/v1/admin/adapters/{id}/promote") => ("adapter", Body::Json(json!({})), For::Unlimited),
        ("POST", "/v1/admin/adapters/{role}/rollback") => ("reader", Body::None, For::Unlimited),
        new => panic!("{new:?} is new: say here how it is asked and for whom it is"),
    };
    let id = match id {
        "conversation" => world.conversation.to_string(),
        "unanswered" => world.unanswered.to_string(),
        "answer" => world.answer.to_string(),
        "feedback" => world.feedback.to_string(),
        "key" => world.key.to_string(),
        "adapter" => format!("adp_{}", "0".repeat(32)),
        id => id.to_owned(),
    };
    Asked { path: path.replace("{id}", &id).replace("{role}", &id).replace("{name}", &id), body, reaches }
}

async fn send(app: &TestApp, client: &Client, method: &str, asked: &Asked) -> (StatusCode, String) {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let request = client.request(method, format!("{}{}", app.url, asked.path));
    let request = match &asked.body {
        Body::None => request,
        Body::Json(body) => request.json(body),
        Body::Upload { collection, name } => {
            let part: Part = file(name, sample::LIBRARY);
            request.multipart(Form::new().part("file", part).text("collection", *collection))
        }
    };
    let response = request.send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}

/// Method, path and scopes of every operation.
fn operations() -> Vec<(String, &'static str, Vec<String>)> {
    let document: &'static Value =
        Box::leak(Box::new(serde_json::to_value(footnote::http::openapi_document()).unwrap()));
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let needs = operation["security"].as_array().unwrap_or_else(|| panic!("{method} {path} names no scope"));
            let scopes = needs.iter().flat_map(|one| one["key"].as_array().unwrap());
            let scopes: Vec<String> = scopes.map(|scope| scope.as_str().unwrap().to_owned()).collect();
            assert!(!scopes.is_empty(), "{method} {path} is open");
            found.push((method.to_uppercase(), path.as_str(), scopes));
        }
    }
    // What removes comes last, so that what it removes is there for the others.
    found.sort_by_key(|(method, path, _)| (method == "DELETE", *path, method.clone()));
    found
}

async fn world(app: &TestApp) -> World {
    let form = Form::new().part("file", file("canteen-of-a.md", sample::CANTEEN)).text("collection", "a");
    let (_, body) = app.upload_form(form).await;
    let [document, job] = ["document_id", "job_id"].map(|id| body["documents"][0][id].as_str().unwrap().to_owned());
    app.wait_for_job(&job).await;
    let unanswered = UnansweredId::new();
    let kept = NewUnanswered {
        id: unanswered,
        question: "a question about the canteen-of-a.md".to_owned(),
        interpreted: None,
        asked_as: "a".to_owned(),
        outcome: OutcomeKind::Abstained,
        nearest: vec![],
        embedder: "none".to_owned(),
        vector: vec![1.0],
    };
    let record = OutcomeRecord {
        answer_id: footnote::domain::AnswerId::new(),
        collection: "a".to_owned(),
        conversation: None,
        documents: vec![],
        confidence: 0.5,
        unanswered: Some(kept),
        settles: None,
        deliveries: vec![],
    };
    app.app.metadata.record_outcome(record).await.unwrap();
    let conversation = app.app.metadata.create_conversation("a", Some("key_of_somebody")).await.unwrap().id;
    let (answer, feedback) = answers(&*app.app.metadata, "key_of_somebody").await;
    World { document, name: "canteen-of-a.md", job, conversation, unanswered, key: KeyId::new(), answer, feedback }
}

/// Clients that are nobody's, and what each sends.
async fn strangers(app: &TestApp, root: &str) -> Vec<(&'static str, Client)> {
    let expired = Utc::now() - TimeDelta::seconds(1);
    let expired = make_key(&app.app, Wanted { expires_at: Some(expired), ..Wanted::EVERYTHING }).await;
    let revoked = make_key(&app.app, Wanted::EVERYTHING).await;
    let query = footnote::metadata_store::KeyQuery { cursor: None, limit: 10 };
    let all = app.app.metadata.keys(query).await.unwrap().items;
    app.app.metadata.revoke_key(all[0].id).await.unwrap();
    vec![
        ("no key", client()),
        ("a key that nobody made", client_with(footnote::access::draw().unwrap().key.expose())),
        ("half a key", client_with(&root[..40])),
        ("the key's sum", client_with(&footnote::access::sha256(root))),
        ("an expired key", client_with(&expired)),
        ("a revoked key", client_with(&revoked)),
    ]
}

/// A client for the collection `a` with each of the scopes, and the key that it has.
async fn scoped(app: &TestApp) -> Vec<(&'static str, String, Client)> {
    let mut scoped = Vec::new();
    for scope in Scope::ALL {
        let wanted = Wanted { scopes: &[scope], collections: Some(&["a"]), ..Wanted::EVERYTHING };
        let key = make_key(&app.app, wanted).await;
        let sum = footnote::access::sha256(&key);
        let owner = app.app.metadata.key_by_sha256(&sum, Utc::now()).await.unwrap().unwrap().id;
        scoped.push((scope.as_str(), owner.to_string(), client_with(&key)));
    }
    scoped
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_by_every_kind_of_caller() {
    let mut app = TestApp::start().await;
    let mut world = world(&app).await;
    // From the first key on, every request needs one.
    let root = make_key(&app.app, Wanted::EVERYTHING).await;
    app.client = client_with(&root);
    let app = app;
    let metadata = &app.app.metadata;

    let nobody = strangers(&app, &root).await;
    let elsewhere = Wanted { collections: Some(&["b"]), ..Wanted::EVERYTHING };
    let elsewhere = client_with(&make_key(&app.app, elsewhere).await);
    let scoped = scoped(&app).await;

    let mut rows = 0;
    for (method, path, scopes) in operations() {
        let at = format!("{method} {path}");
        for (who, client) in &nobody {
            let (status, body) = send(&app, client, &method, &asked(&world, &method, path, "a", "nobody")).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{at} with {who}: {body}");
            assert!(body.contains("urn:footnote:problem:unauthorized"), "{at} with {who}: {body}");
            rows += 1;
        }
        // The right scopes for another collection: nothing of `a` is seen, changed, or confirmed to exist.
        let request = asked(&world, &method, path, "a", "elsewhere");
        let (status, body) = send(&app, &elsewhere, &method, &request).await;
        let listed = method == "GET" && !path.contains('{') && request.reaches == For::Collection;
        match (listed, status) {
            (true, StatusCode::OK) => {
                let trace = world.traces().into_iter().find(|trace| body.contains(trace));
                assert_eq!(trace, None, "{at} for another collection: {body}");
            }
            (false, StatusCode::OK) if request.reaches == For::Anyone => {
                let trace = world.traces().into_iter().find(|trace| body.contains(trace));
                assert!(trace.is_none() && !body.contains("footnote:a"), "{at} for another collection: {body}");
            }
            (false, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND) if request.reaches != For::Anyone => {}
            _ => panic!("{at} for another collection: {status} {body}"),
        }
        rows += 1;
        // The right collection, with each of the scopes.
        for (scope, owner, client) in &scoped {
            if path.contains("conversations/{id}") {
                let owner = Some(owner.as_str());
                world.conversation = metadata.create_conversation("a", owner).await.unwrap().id;
            }
            if path.contains("feedback") {
                (world.answer, world.feedback) = answers(&**metadata, owner).await;
            }
            let request = asked(&world, &method, path, "a", scope);
            let (status, body) = send(&app, client, &method, &request).await;
            let allowed = scopes.iter().any(|needed| needed == scope) && request.reaches != For::Unlimited;
            match allowed {
                true => assert!(
                    status.is_success() || status == StatusCode::CONFLICT,
                    "{at} with the scope {scope}: {status} {body}"
                ),
                false => {
                    assert_eq!(status, StatusCode::FORBIDDEN, "{at} with the scope {scope}: {body}");
                    assert!(body.contains("urn:footnote:problem:forbidden"), "{at}: {body}");
                }
            }
            rows += 1;
        }
    }
    println!("{rows} rows of the table hold");
    // What the other's key was refused has not happened.
    let id: DocumentId = world.document.parse().unwrap();
    assert!(metadata.readable_document(id, &Access::everything()).await.is_err(), "the right key has deleted it");
    let job: JobId = world.job.parse().unwrap();
    assert_eq!(metadata.job(job).await.unwrap().state.as_str(), "succeeded");
    app.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_in_the_document_is_not_reached_and_what_was_counted_is_for_administrators() {
    let mut app = TestApp::idle().await;
    let root = make_key(&app.app, Wanted::EVERYTHING).await;
    let asks = make_key(&app.app, Wanted { scopes: &[Scope::Ask], ..Wanted::EVERYTHING }).await;
    let metrics = async |client: &Client| client.get(format!("{}/metrics", app.url)).send().await.unwrap().status();
    assert_eq!(metrics(&client()).await, StatusCode::UNAUTHORIZED);
    assert_eq!(metrics(&client_with(&asks)).await, StatusCode::FORBIDDEN);
    assert_eq!(metrics(&client_with(&root)).await, StatusCode::OK);
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        let status = client().get(format!("{}{path}", app.url)).send().await.unwrap().status();
        assert_eq!(status, StatusCode::OK, "{path}");
    }
    app.client = client_with(&asks);
    let put = app.client.put(format!("{}/v1/ask", app.url)).send().await.unwrap();
    assert_eq!(put.status(), StatusCode::METHOD_NOT_ALLOWED);
    let head = app.client.head(format!("{}/v1/documents", app.url)).send().await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    let head = app.client.head(format!("{}/v1/unanswered", app.url)).send().await.unwrap();
    assert_eq!(head.status(), StatusCode::FORBIDDEN);
}
