//! A worker that was away so long that another one has done its job: it leaves what that one made.

use std::time::Duration;

use footnote::domain::DocumentId;
use reqwest::multipart::Form;
use serde_json::Value;

use super::place::{Pair, Place};
use crate::{
    sample,
    test_app::{client, file, until},
};

/// No worker gives a sign of life, and whoever comes to its commit first stands there for a while.
const AWAY: &str = "job.heartbeat=sleep(600000); ingest.commit.before=sleep(8000)@1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_comes_back_late_takes_nothing_away() {
    let (place, client) = (Place::new(Pair::Embedded).await, client());
    let server = place.serve(Some(AWAY)).await.unwrap_or_else(|log| panic!("it does not start: {log}"));
    let form = Form::new().part("file", file("late.md", sample::long_document("late", 4)));
    let sent = client.post(format!("{}/v1/documents", server.url)).multipart(form).send().await.unwrap();
    let sent: Value = sent.json().await.unwrap();
    let id = sent["documents"][0]["document_id"].as_str().unwrap_or_else(|| panic!("{sent}")).to_owned();
    // The first worker has begun with the vectors; now its lease runs out, and the second takes the job.
    let texts = place.data_dir().join("blobs/texts").join(&id);
    until("the text is stored", async || texts.exists()).await;
    place.time_passes().await;

    let ended = async |result: &str| {
        let text = client.get(format!("{}/metrics", server.url)).send().await.unwrap().text().await.unwrap();
        let series = format!("footnote_jobs_ended_total{{kind=\"ingest\",result=\"{result}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&series)).unwrap().parse::<u64>().unwrap()
    };
    until("both have ended", async || {
        let mut all = 0;
        for result in ["succeeded", "failed", "retried", "postponed", "dropped"] {
            all += ended(result).await;
        }
        all == 2
    })
    .await;
    assert_eq!((ended("succeeded").await, ended("dropped").await), (1, 1));
    let (_, log) = server.terminate(Duration::from_secs(60)).await;

    let (stores, id): (_, DocumentId) = (place.open().await, id.parse().unwrap());
    let passages = stores.metadata.chunks_of(id).await.unwrap().len() as u64;
    assert!(passages > 0, "{log}");
    assert_eq!(stores.vectors.count(1, Some(id)).await.unwrap(), passages, "a passage has no vector: {log}");
}
