//! Deliveries from a real queue to a real listener.

#![allow(clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Mutex,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;
use crate::{
    config::{Secret, SigningKey, Webhook},
    domain::{AnswerId, Job, JobState},
    metadata_store::{NewDelivery, OutcomeRecord, sqlite::SqliteStore},
};

const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// Answers each connection with the next of these, 200 when none is left, and keeps the requests.
async fn listener(answers: Vec<&'static str>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (requests, mut answers) = (Arc::new(Mutex::new(Vec::new())), VecDeque::from(answers));
    let kept = requests.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = String::new();
            while !request.ends_with("\r\n\r\n{\"a\": 1}") {
                let mut bytes = [0; 1_024];
                let read = stream.read(&mut bytes).await.unwrap();
                request.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
            }
            kept.lock().unwrap().push(request.to_lowercase());
            let head = answers.pop_front().unwrap_or("200 OK\r\n");
            stream.write_all(format!("HTTP/1.1 {head}content-length: 0\r\n\r\n").as_bytes()).await.unwrap();
        }
    });
    (url, requests)
}

struct Queue {
    services: DeliveryServices,
    _dir: TempDir,
}

impl Queue {
    async fn to(url: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::connect(&dir.path().join("footnote.db")).await.unwrap();
        let key = SigningKey::read(&Secret::new(SECRET)).unwrap();
        let webhooks = BTreeMap::from([("desk".to_owned(), Webhook { url: url.to_owned(), key })]);
        let rules = Arc::new(Rules { rules: Vec::new(), webhooks });
        let metrics = Arc::default();
        Self {
            services: DeliveryServices { metadata: Arc::new(store), rules, wake: Arc::default(), metrics },
            _dir: dir,
        }
    }

    async fn send(&self, webhook: &str) -> JobId {
        let job = JobId::new();
        let record = OutcomeRecord {
            answer_id: AnswerId::new(),
            collection: "default".to_owned(),
            conversation: None,
            documents: Vec::new(),
            confidence: 0.5,
            unanswered: None,
            settles: None,
            deliveries: vec![NewDelivery { job, webhook: webhook.to_owned(), body: "{\"a\": 1}".to_owned() }],
        };
        self.services.metadata.record_outcome(record).await.unwrap();
        job
    }

    fn worker(&self) -> DeliveryWorker {
        DeliveryWorker::new(self.services.clone()).waiting(Duration::ZERO)
    }

    async fn drained(&self, job: JobId) -> Job {
        self.worker().drain(CancellationToken::new()).await;
        self.services.metadata.job(job).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_is_sent_again_under_the_same_id_until_it_arrives() {
    let (url, requests) = listener(vec!["500 Oops\r\n", "503 Busy\r\n"]).await;
    let queue = Queue::to(&url).await;
    let job = queue.send("desk").await;
    let ended = queue.drained(job).await;
    assert_eq!((ended.state, ended.attempts), (JobState::Succeeded, 3), "{ended:?}");
    let requests = requests.lock().unwrap();
    assert_eq!(requests.len(), 3);
    for request in requests.iter() {
        assert!(request.starts_with("post /hook http/1.1\r\n"), "{request}");
        assert!(request.contains(&format!("\r\nwebhook-id: {job}\r\n")), "{request}");
        assert!(
            request.contains("\r\nwebhook-signature: v1,") && request.contains("\r\nwebhook-timestamp: "),
            "{request}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_and_a_redirect_end_it_with_a_reason() {
    let (url, requests) = listener(vec!["404 Nobody\r\n", "302 Found\r\nlocation: /elsewhere\r\n"]).await;
    let queue = Queue::to(&url).await;
    for says in ["status 404", "redirects (status 302)"] {
        let job = queue.send("desk").await;
        let ended = queue.drained(job).await;
        assert_eq!((ended.state, ended.attempts), (JobState::Failed, 1));
        assert!(ended.error.as_deref().unwrap().contains(says), "{ended:?}");
    }
    assert_eq!(requests.lock().unwrap().len(), 2);
    let ended = queue.drained(queue.send("sales").await).await;
    assert!(ended.state == JobState::Failed && ended.error.unwrap().contains("no webhook `sales`"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_away_is_asked_so_often_and_then_given_up() {
    let url = {
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/hook", nobody.local_addr().unwrap())
    };
    let queue = Queue::to(&url).await;
    let ended = queue.drained(queue.send("desk").await).await;
    assert_eq!((ended.state, ended.attempts), (JobState::Failed, ended.max_attempts));
    assert!(ended.error.unwrap().contains("could not be reached"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wait_doubles_up_to_hours_and_follows_the_receiver() {
    let queue = Queue::to("http://127.0.0.1:9/").await;
    let worker = DeliveryWorker::new(queue.services.clone());
    let waits: Vec<u64> = [1, 2, 3, 10, 40].map(|attempts| worker.wait(attempts, None).as_secs()).to_vec();
    assert_eq!(waits, [30, 60, 120, 15_360, 21_600]);
    assert_eq!(worker.wait(1, Some(90)).as_secs(), 90);
    assert_eq!(worker.wait(1, Some(u64::MAX)), LONGEST_WAIT);
}
