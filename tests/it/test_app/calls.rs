//! What tests ask of a running application, over HTTP as a user would.

use reqwest::{StatusCode, multipart};
use serde_json::{Value, json};

use super::{TestApp, events, file};

impl TestApp {
    /// Uploads a file and returns the status and the body.
    pub async fn upload(&self, name: &str, bytes: impl Into<Vec<u8>>) -> (StatusCode, Value) {
        self.upload_form(multipart::Form::new().part("file", file(name, bytes))).await
    }

    /// Uploads a form.
    pub async fn upload_form(&self, form: multipart::Form) -> (StatusCode, Value) {
        let response = self.client.post(format!("{}/v1/documents", self.url)).multipart(form).send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    /// Uploads a file, waits until it has been ingested, and returns the document's id.
    pub async fn ingest(&self, name: &str, bytes: impl Into<Vec<u8>>) -> String {
        self.ingest_form(multipart::Form::new().part("file", file(name, bytes))).await.remove(0)
    }

    /// Uploads a form, waits until all of it has been ingested, and returns the documents' ids.
    pub async fn ingest_form(&self, form: multipart::Form) -> Vec<String> {
        let (status, body) = self.upload_form(form).await;
        assert!(status.is_success(), "{body}");
        let mut ids = Vec::new();
        for document in body["documents"].as_array().unwrap() {
            let job = self.wait_for_job(document["job_id"].as_str().unwrap()).await;
            assert_eq!(job["state"], "succeeded", "{}: {job}", document["name"]);
            ids.push(document["document_id"].as_str().unwrap().to_owned());
        }
        ids
    }

    /// Waits until a job has ended, by following its events.
    pub async fn wait_for_job(&self, id: &str) -> Value {
        self.job_events(id).await.pop().expect("a job has at least one event")
    }

    /// What the events of a job say, up to its end.
    pub async fn job_events(&self, id: &str) -> Vec<Value> {
        let response = self.client.get(format!("{}/v1/jobs/{id}/events", self.url)).send().await.unwrap();
        assert!(response.status().is_success(), "{id}");
        let named = |(name, job): (String, Value)| {
            assert_eq!(name, "job");
            job
        };
        events(&response.text().await.unwrap()).into_iter().map(named).collect()
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        let response = self.client.get(format!("{}{path}", self.url)).send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    /// What a path answers when all is well.
    pub async fn read(&self, path: &str) -> Value {
        let (status, body) = self.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    pub async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let response = self.client.post(format!("{}{path}", self.url)).json(&body).send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    pub async fn delete(&self, path: &str) -> (StatusCode, Value) {
        let response = self.client.delete(format!("{}{path}", self.url)).send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    pub async fn ask(&self, question: &str) -> Value {
        let (status, body) = self.post("/v1/ask", json!({"question": question})).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    }

    /// The events of a streamed answer.
    pub async fn ask_streamed(&self, question: &str) -> Vec<(String, Value)> {
        let body = json!({"question": question, "stream": true});
        let response = self.client.post(format!("{}/v1/ask", self.url)).json(&body).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        events(&response.text().await.unwrap())
    }

    /// The passages that a search finds.
    pub async fn search(&self, body: Value) -> Vec<Value> {
        let (status, body) = self.post("/v1/search", body).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body["results"].as_array().unwrap().clone()
    }

    /// Waits until no job is open, by following each that is.
    pub async fn settle(&self) {
        loop {
            let mut open = Vec::new();
            for state in ["queued", "running"] {
                let page = self.read(&format!("/v1/jobs?state={state}")).await;
                open.extend(page["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()));
            }
            // A job that ended between the two looks may have put another one into the queue.
            if open.is_empty() && self.app.metadata.counts().await.unwrap().open_jobs == 0 {
                return;
            }
            for id in open {
                self.wait_for_job(&id).await;
            }
        }
    }

    /// Checks that every quote of an outcome stands at its offsets of the stored text.
    pub async fn check_citations(&self, outcome: &Value) {
        let answer: Vec<char> = outcome["answer"].as_str().unwrap().chars().collect();
        for citation in outcome["citations"].as_array().unwrap() {
            let text = self.read(&format!("/v1/documents/{}/text", citation["document_id"].as_str().unwrap())).await;
            let text: Vec<char> = text["text"].as_str().unwrap().chars().collect();
            let at = |key: &str| citation[key].as_u64().unwrap() as usize;
            let quote: String = text[at("source_start")..at("source_end")].iter().collect();
            assert_eq!(quote, citation["quote"].as_str().unwrap());
            assert!(at("answer_start") < at("answer_end") && at("answer_end") <= answer.len());
        }
    }
}
