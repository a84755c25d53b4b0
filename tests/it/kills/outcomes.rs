//! The program is killed while it records what follows from an answer, and while it delivers it: turn and delivery are
//! there together or not at all, and what was answered is delivered.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, extract::State, http::HeaderMap, routing::post};
use reqwest::multipart::Form;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::place::{PAIRS, Place};
use crate::{
    sample,
    test_app::{client, file, until},
};

/// The deliveries that have arrived, by the ids of their jobs.
type Arrived = Arc<Mutex<Vec<String>>>;

async fn receiver() -> (String, Arrived) {
    async fn take(State(arrived): State<Arrived>, headers: HeaderMap) {
        arrived.lock().unwrap().push(headers["webhook-id"].to_str().unwrap().to_owned());
    }
    let arrived = Arrived::default();
    let router = Router::new().route("/hook", post(take)).with_state(arrived.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, arrived)
}

async fn read(url: &str, path: &str) -> Value {
    client().get(format!("{url}{path}")).send().await.unwrap().json().await.unwrap()
}

/// Asks something that is declined and kept; the answer, unless the program died first.
async fn ask(url: &str) -> Option<Value> {
    let body = json!({"question": sample::UNRELATED, "store": true});
    let sent = client().post(format!("{url}/v1/ask")).json(&body).send().await.ok()?;
    assert_eq!(sent.status(), 200);
    sent.json().await.ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_from_an_answer_survives_a_kill() {
    for pair in PAIRS {
        let (hook, arrived) = receiver().await;
        let mut place = Place::new(pair).await;
        let rules = place.data_dir().join("rules.toml");
        std::fs::write(&rules, crate::api::webhooks::rules(&hook)).unwrap();
        place.program = place.program.set("FOOTNOTE_RULES", rules);

        let server = place.serve_answering(None).await.unwrap();
        let form = Form::new().part("file", file("canteen.md", sample::CANTEEN));
        let sent = client().post(format!("{}/v1/documents", server.url)).multipart(form).send().await.unwrap();
        assert_eq!(sent.status(), 202);
        until("the document is active", async || {
            read(&server.url, "/v1/documents").await["documents"][0]["active"].is_object()
        })
        .await;
        server.kill().await;

        let mut promised = Vec::new();
        // The second time of the second one is after what the first one left has been sent again.
        for point in ["delivery.sent=kill@1", "delivery.sending=kill@2", "tx.outcome.ended=kill@1"] {
            let server = place.serve_answering(Some(point)).await.unwrap();
            promised.extend(ask(&server.url).await);
            let (by_itself, log) = server.ends_within(Duration::from_secs(30)).await;
            assert!(by_itself, "{point} was not reached: {log}");
            place.time_passes().await;
        }
        let server = place.serve_answering(None).await.unwrap();
        until("everything is delivered", async || {
            let jobs = read(&server.url, "/v1/jobs?kind=deliver").await;
            jobs["jobs"].as_array().unwrap().iter().all(|job| job["state"] == "succeeded")
        })
        .await;
        let jobs = read(&server.url, "/v1/jobs?kind=deliver").await;
        let delivered: BTreeSet<String> =
            jobs["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect();
        let arrived = arrived.lock().unwrap().clone();
        assert_eq!(
            arrived.iter().cloned().collect::<BTreeSet<_>>(),
            delivered,
            "what is recorded arrives, and no more"
        );
        // A turn and its delivery were recorded together.
        let conversations = read(&server.url, "/v1/conversations").await;
        assert_eq!(conversations["conversations"].as_array().unwrap().len(), delivered.len(), "{conversations}");
        // The last kill was before the commit, and its question was not answered.
        assert_eq!(delivered.len(), 2);
        for outcome in promised {
            let actions = outcome["actions"].as_array().unwrap();
            let sent = actions.iter().find(|action| action["type"] == "webhook").unwrap();
            assert!(delivered.contains(sent["delivery_id"].as_str().unwrap()), "{outcome}");
            let conversation = outcome["conversation_id"].as_str().unwrap();
            let kept = read(&server.url, &format!("/v1/conversations/{conversation}")).await;
            assert_eq!((&kept["turns"], kept["history"].as_array().map(Vec::len)), (&json!(1), Some(1)), "{kept}");
        }
        println!(
            "{}: {} deliveries, {} of them arrived again",
            pair.name(),
            delivered.len(),
            arrived.len() - delivered.len()
        );
        server.kill().await;
    }
}
