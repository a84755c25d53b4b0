//! Outcomes are delivered to a real listener: signed, repeated, once, and also after the process has died in between.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2_for_hmac::Sha256;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{sample, test_app::TestApp};

const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// Rules that send what was declined to a webhook, and keep it.
pub fn rules(url: &str) -> String {
    format!(
        "[webhooks.desk]\nurl = \"{url}\"\nsecret = \"whsec_{SECRET}\"\n\
         [[rules]]\nname = \"declined\"\nwhen = {{ outcomes = [\"abstained\"] }}\n\
         then = [{{ webhook = \"desk\" }}, {{ escalate = \"the desk\" }}, {{ record_unanswered = true }}, \
         {{ suggest_documents = 2 }}]\n\
         [[rules]]\nname = \"tagged\"\nwhen = {{ outcomes = [\"answered\"], tags = {{ team = \"red\" }} }}\n\
         then = [{{ related_documents = 5 }}]\n"
    )
}

/// A receiver: what it answers next (200 when nothing is left), and what it has got.
#[derive(Default)]
struct Received {
    answers: Mutex<VecDeque<u16>>,
    requests: Mutex<Vec<(HeaderMap, String)>>,
}

struct Receiver {
    received: Arc<Received>,
    url: String,
    server: JoinHandle<()>,
}

impl Receiver {
    async fn answering(answers: &[u16]) -> Self {
        let received =
            Arc::new(Received { answers: Mutex::new(answers.iter().copied().collect()), ..Received::default() });
        async fn take(State(received): State<Arc<Received>>, headers: HeaderMap, body: String) -> (StatusCode, String) {
            received.requests.lock().unwrap().push((headers, body));
            let status = received.answers.lock().unwrap().pop_front().unwrap_or(200);
            (StatusCode::from_u16(status).unwrap(), format!("as told: {status}"))
        }
        let router = Router::new().route("/hook", post(take)).with_state(received.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { received, url, server }
    }

    fn requests(&self) -> Vec<(HeaderMap, String)> {
        self.received.requests.lock().unwrap().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Checks a delivery as a receiver does, and returns what it says.
fn verified(headers: &HeaderMap, body: &str) -> Value {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    assert!((chrono::Utc::now().timestamp() - timestamp.parse::<i64>().unwrap()).abs() < 60);
    let mut mac = Hmac::<Sha256>::new_from_slice(&STANDARD.decode(SECRET).unwrap()).unwrap();
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(header("webhook-signature"), expected);
    assert_eq!(header("content-type"), "application/json");
    serde_json::from_str(body).unwrap()
}

async fn app_with(url: &str) -> (TestApp, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rules.toml");
    std::fs::write(&path, rules(url)).unwrap();
    let app = TestApp::start_with(|settings| settings.rules = Some(path)).await;
    app.ingest_form(sample::form()).await;
    (app, dir)
}

fn delivery_of(outcome: &Value) -> String {
    let actions = outcome["actions"].as_array().unwrap();
    let sent = actions.iter().find(|action| action["type"] == "webhook").unwrap_or_else(|| panic!("{outcome}"));
    assert_eq!(sent["name"], "desk");
    sent["delivery_id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_is_repeated_until_it_arrives_once() {
    let receiver = Receiver::answering(&[500, 500]).await;
    let (mut app, _rules) = app_with(&receiver.url).await;
    let outcome = app.ask(sample::UNRELATED).await;
    let types: Vec<&str> =
        outcome["actions"].as_array().unwrap().iter().map(|action| action["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["webhook", "escalate", "record_unanswered", "suggest_documents"]);
    let id = delivery_of(&outcome);
    let waiting = app.read(&format!("/v1/jobs/{id}")).await;
    assert_eq!(
        (&waiting["kind"], &waiting["state"], &waiting["webhook"]),
        (&json!("deliver"), &json!("queued"), &json!("desk"))
    );
    app.deliver();
    let ended = app.wait_for_job(&id).await;
    assert_eq!((&ended["state"], &ended["attempts"]), (&json!("succeeded"), &json!(3)), "{ended}");
    let requests = receiver.requests();
    assert_eq!(requests.len(), 3);
    for (headers, body) in &requests {
        let said = verified(headers, body);
        assert_eq!(headers["webhook-id"], id.as_str());
        assert_eq!((&said["type"], &said["data"]["answer_id"]), (&json!("footnote.outcome"), &outcome["id"]));
        assert_eq!((&said["data"]["outcome"], &said["data"]["actions"]), (&outcome["outcome"], &outcome["actions"]));
        assert_eq!((&said["data"]["question"], body), (&json!(sample::UNRELATED), &requests[0].1));
    }
    let listed = app.read("/v1/jobs?kind=deliver").await;
    assert_eq!(listed["jobs"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_receiver_refuses_ends_with_its_reason_and_can_be_retried() {
    let receiver = Receiver::answering(&[404, 302]).await;
    let (mut app, _rules) = app_with(&receiver.url).await;
    app.deliver();
    let id = delivery_of(&app.ask(sample::UNRELATED).await);
    for (says, attempts) in [("status 404: as told: 404", 1), ("redirects", 1)] {
        let ended = app.wait_for_job(&id).await;
        assert_eq!((&ended["state"], &ended["attempts"]), (&json!("failed"), &json!(attempts)));
        assert!(ended["error"].as_str().unwrap().contains(says), "{ended}");
        let (status, _) = app.post(&format!("/v1/jobs/{id}/retry"), json!({})).await;
        assert!(status.is_success());
    }
    assert_eq!(app.wait_for_job(&id).await["state"], "succeeded");
    assert_eq!(receiver.requests().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_survives_the_end_of_the_process_before_it_was_sent() {
    let receiver = Receiver::answering(&[]).await;
    let (app, _rules) = app_with(&receiver.url).await;
    let id = delivery_of(&app.ask(sample::UNRELATED).await);
    // The process that took it has died: the lease is there, and nobody works on it.
    let kinds = [footnote::domain::JobKind::Deliver];
    let hour = std::time::Duration::from_secs(3_600);
    let taken = app.app.metadata.lease_job(&kinds, hour).await.unwrap().unwrap();
    assert_eq!(taken.job.id.to_string(), id);
    let mut app = app.restart().await;
    app.deliver();
    let ended = app.wait_for_job(&id).await;
    assert_eq!((&ended["state"], &ended["attempts"]), (&json!("succeeded"), &json!(2)), "{ended}");
    let [(headers, body)] = &receiver.requests()[..] else { panic!("one delivery") };
    verified(headers, body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_about_tags_names_related_documents_without_the_cited_one() {
    let (app, _rules) = app_with("http://127.0.0.1:9/nobody").await;
    let form = reqwest::multipart::Form::new()
        .part("file", crate::test_app::file("tagged.md", sample::CANTEEN.replace("canteen", "cafeteria")))
        .text("metadata", r#"{"team": "red"}"#);
    let tagged = app.ingest_form(form).await.remove(0);
    let outcome = app.ask("When does the staff cafeteria open?").await;
    assert_eq!(outcome["outcome"], "answered", "{outcome}");
    assert_eq!(outcome["citations"][0]["document_id"], json!(tagged), "{outcome}");
    let related = outcome["actions"].as_array().unwrap().iter().find(|action| action["type"] == "related_documents");
    let related = related.unwrap_or_else(|| panic!("{outcome}"))["document_ids"].as_array().unwrap();
    let cited: Vec<&Value> =
        outcome["citations"].as_array().unwrap().iter().map(|citation| &citation["document_id"]).collect();
    assert!(!related.is_empty() && related.iter().all(|id| !cited.contains(&id)), "{outcome}");
    // What is about something else does not ask for it.
    let outcome = app.ask(sample::DOCUMENTS[2].2).await;
    assert_eq!(outcome["actions"], json!([]), "{outcome}");
    // The same outcome, the same actions.
    let again = app.ask("When does the staff cafeteria open?").await;
    assert_eq!(again["actions"].as_array().unwrap().len(), 1);
    assert_eq!(again["actions"][0]["document_ids"].as_array().unwrap(), related);
}
