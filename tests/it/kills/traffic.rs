//! Mixed traffic over HTTP: uploads of all kinds, deletes, reindexes and searches, from a seeded generator.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use reqwest::{Client, StatusCode, multipart::Form};
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::ledger::{Asked, Content, Ledger, Promise};
use crate::test_app::file;

/// Senders beside each other; each has names of its own.
const SENDERS: usize = 3;
const NAMES: u64 = 5;

/// A small generator of numbers (SplitMix64): the same numbers for the same seed.
#[derive(Debug, Clone)]
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// How the traffic is mixed.
#[derive(Debug, Clone, Copy)]
pub struct Mix {
    /// One in so many requests begins a reindex.
    pub reindex: u64,
    /// Whether errors of the backends are being injected, so that 503 is a right answer.
    pub faults: bool,
}

/// Traffic that runs until it is stopped. It waits while there is no server.
pub struct Traffic {
    url: watch::Sender<Option<String>>,
    stop: watch::Sender<bool>,
    senders: Vec<JoinHandle<()>>,
}

impl Traffic {
    pub fn start(ledger: &Arc<Mutex<Ledger>>, seed: u64, mix: Mix) -> Self {
        let (url, urls) = watch::channel(None);
        let (stop, stopped) = watch::channel(false);
        footnote::tls::prepare_clients();
        let senders = (0..SENDERS).map(|number| {
            let sender = Sender {
                number,
                ledger: ledger.clone(),
                chance: Chance(seed.wrapping_mul(31).wrapping_add(number as u64)),
                mix,
                urls: urls.clone(),
                stop: stopped.clone(),
                // Connections are not kept: one to a server that was killed would fail a request to the next one.
                client: Client::builder().pool_max_idle_per_host(0).timeout(Duration::from_secs(60)).build().unwrap(),
            };
            tokio::spawn(sender.run())
        });
        Self { senders: senders.collect(), url, stop }
    }

    /// From here on requests go there, or nowhere.
    pub fn to(&self, url: Option<&str>) {
        self.url.send_replace(url.map(str::to_owned));
    }

    /// Lets every request that is under way end, and stops.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for sender in self.senders {
            sender.await.unwrap();
        }
    }
}

struct Sender {
    number: usize,
    ledger: Arc<Mutex<Ledger>>,
    chance: Chance,
    mix: Mix,
    urls: watch::Receiver<Option<String>>,
    stop: watch::Receiver<bool>,
    client: Client,
}

impl Sender {
    async fn run(mut self) {
        loop {
            let url = tokio::select! {
                url = self.urls.wait_for(Option::is_some) => url.unwrap().clone().unwrap(),
                _ = self.stop.wait_for(|stop| *stop) => return,
            };
            if *self.stop.borrow() {
                return;
            }
            self.one(&url).await;
            sleep(Duration::from_millis(20 + self.chance.below(120))).await;
        }
    }

    async fn one(&mut self, url: &str) {
        let name = format!("sender-{}/notice-{}.md", self.number, self.chance.below(NAMES));
        if self.chance.below(self.mix.reindex) == 0 {
            return self.reindex(url).await;
        }
        match self.chance.below(100) {
            0..50 => self.upload_new(url, &name).await,
            50..58 => self.upload_again(url, &name).await,
            58..65 => self.upload_twice(url, &name).await,
            65..83 => self.delete(url, &name).await,
            _ => self.look(url).await,
        }
    }

    async fn upload_new(&mut self, url: &str, name: &str) {
        let content = self.ledger.lock().unwrap().new_content();
        let followed = self.chance.below(2) == 0;
        match self.upload(url, name, content).await {
            Some(promise) if followed => self.follow(url, name, content, &promise).await,
            _ => {}
        }
    }

    /// The same bytes as the last time: whatever became of that, they are there once.
    async fn upload_again(&mut self, url: &str, name: &str) {
        let last = self.ledger.lock().unwrap().last_upload(name);
        if let Some(content) = last {
            self.upload(url, name, content).await;
        }
    }

    async fn upload_twice(&mut self, url: &str, name: &str) {
        let content = self.ledger.lock().unwrap().new_content();
        let (first, second) = tokio::join!(self.upload(url, name, content), self.upload(url, name, content));
        if let (Some(first), Some(second)) = (first, second) {
            let same = (first.document == second.document, first.version == second.version, first.job == second.job);
            if same != (true, true, true) && !self.mix.faults {
                let what = format!("{name}: the same bytes at the same moment: {first:?}, {second:?}");
                self.ledger.lock().unwrap().wrong.doubled.push(what);
            }
        }
    }

    async fn upload(&self, url: &str, name: &str, content: Content) -> Option<Promise> {
        let place = self.ledger.lock().unwrap().ask(name, Asked::Upload(content, None));
        let form = Form::new().part("file", file(name, content.text()));
        let (status, body) = self.send(self.client.post(format!("{url}/v1/documents")).multipart(form)).await?;
        if !status.is_success() {
            self.refused("an upload", status, &body);
            return None;
        }
        let answer = &body["documents"][0];
        let promise = Promise {
            document: answer["document_id"].as_str().unwrap().to_owned(),
            version: answer["version"].as_i64().unwrap(),
            job: answer["job_id"].as_str().unwrap().to_owned(),
        };
        self.ledger.lock().unwrap().promised(name, place, promise.clone());
        Some(promise)
    }

    /// Waits for the job for a while; what has become searchable must then be found.
    async fn follow(&self, url: &str, name: &str, content: Content, promise: &Promise) {
        for _ in 0..60 {
            let request = self.client.get(format!("{url}/v1/jobs/{}", promise.job));
            let Some((status, job)) = self.send(request).await else { return };
            if status == StatusCode::NOT_FOUND {
                self.ledger.lock().unwrap().wrong.lost.push(format!("{name}: the job {} is gone", promise.job));
                return;
            }
            match job["state"].as_str() {
                Some("succeeded") => break,
                Some("queued" | "running") => sleep(Duration::from_millis(30)).await,
                _ => return,
            }
        }
        let Some(found) = self.search(url, content).await else { return };
        let mine = found.contains(&promise.document);
        let request = self.client.get(format!("{url}/v1/jobs/{}", promise.job));
        // Only this sender changes what the name stands for.
        let Some((StatusCode::OK, job)) = self.send(request).await else { return };
        if job["state"] == "succeeded" && !mine {
            let what = format!("{name}: {} has succeeded, and its words are not found", promise.job);
            self.ledger.lock().unwrap().wrong.lost.push(what);
        }
    }

    async fn delete(&self, url: &str, name: &str) {
        let (document, unanswered) = {
            let ledger = self.ledger.lock().unwrap();
            let unanswered = ledger.open_delete(name);
            match unanswered.clone().or_else(|| ledger.document(name)) {
                Some(document) => (document, unanswered.is_some()),
                None => return,
            }
        };
        let place = self.ledger.lock().unwrap().ask(name, Asked::Delete(document.clone(), false));
        let request = self.client.delete(format!("{url}/v1/documents/{document}"));
        let Some((status, body)) = self.send(request).await else { return };
        match status {
            StatusCode::OK => {}
            // The attempt before was cut off, and had been done.
            StatusCode::NOT_FOUND if unanswered => {}
            StatusCode::NOT_FOUND => {
                let what = format!("{name}: {document} was promised, and is not there to be deleted");
                self.ledger.lock().unwrap().wrong.lost.push(what);
            }
            _ => return self.refused("a delete", status, &body),
        }
        self.ledger.lock().unwrap().gone(name, place);
        self.check_gone(url, &document).await;
    }

    /// Looks at something that was deleted, and at something that was uploaded.
    async fn look(&mut self, url: &str) {
        let (gone, content) = {
            let ledger = self.ledger.lock().unwrap();
            let gone = ledger.deleted.len();
            let gone = (gone > 0).then(|| self.chance.below(gone as u64) as usize);
            let contents: Vec<Content> = ledger.contents().collect();
            let content = (!contents.is_empty()).then(|| contents[self.chance.below(contents.len() as u64) as usize]);
            (gone.and_then(|place| ledger.deleted.iter().nth(place).cloned()), content)
        };
        if let Some(gone) = gone {
            self.check_gone(url, &gone).await;
        }
        if let Some(content) = content {
            let before = self.ledger.lock().unwrap().deleted.clone();
            if let Some(found) = self.search(url, content).await {
                for document in found.iter().filter(|document| before.contains(*document)) {
                    self.ledger.lock().unwrap().wrong.visible.push(format!("a search finds {document}"));
                }
            }
        }
    }

    async fn check_gone(&self, url: &str, document: &str) {
        let request = self.client.get(format!("{url}/v1/documents/{document}"));
        let Some((status, body)) = self.send(request).await else { return };
        match status {
            StatusCode::NOT_FOUND => {}
            StatusCode::OK => self.ledger.lock().unwrap().wrong.visible.push(format!("{document} is shown")),
            _ => self.refused("a look at a deleted document", status, &body),
        }
    }

    async fn reindex(&self, url: &str) {
        let Some((status, body)) = self.send(self.client.post(format!("{url}/v1/admin/reindex"))).await else { return };
        match body["job"]["id"].as_str() {
            Some(job) => {
                self.ledger.lock().unwrap().reindexes.insert(job.to_owned());
            }
            None => self.refused("a reindex", status, &body),
        }
    }

    /// The documents that are found by a content's word.
    async fn search(&self, url: &str, content: Content) -> Option<Vec<String>> {
        let body = json!({"question": content.word(), "ranking": "lexical", "top_k": 20});
        let (status, found) = self.send(self.client.post(format!("{url}/v1/search")).json(&body)).await?;
        let Some(results) = found["results"].as_array() else {
            self.refused("a search", status, &found);
            return None;
        };
        let has_word = |passage: &&Value| passage["text"].as_str().is_some_and(|text| text.contains(&content.word()));
        let ids = results.iter().filter(has_word).map(|passage| passage["document_id"].as_str().unwrap().to_owned());
        Some(ids.collect())
    }

    /// The answer, unless it was cut off.
    async fn send(&self, request: reqwest::RequestBuilder) -> Option<(StatusCode, Value)> {
        let answer = timeout(Duration::from_secs(60), async {
            let response = request.send().await.ok()?;
            Some((response.status(), response.json().await.ok()?))
        });
        answer.await.ok()?
    }

    /// With nothing wrong behind it the program answers nothing of the kind.
    fn refused(&self, what: &str, status: StatusCode, body: &Value) {
        let right = self.mix.faults && status == StatusCode::SERVICE_UNAVAILABLE && body["detail"].is_string();
        if !right {
            self.ledger.lock().unwrap().wrong.failed.push(format!("{what} was answered {status}: {body}"));
        }
    }
}
