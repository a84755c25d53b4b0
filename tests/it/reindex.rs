//! Building the index anew: nobody notices, nothing is lost, and an index of other models is refused by name.

use footnote::{
    app::{App, Purpose},
    blob_store::TextName,
    domain::{ChunkId, GenerationState},
    vector_store::Point,
};
use futures::StreamExt as _;
use reqwest::{StatusCode, multipart::Form};
use serde_json::{Value, json};
use sqlx::Connection as _;

use crate::{
    program::Program,
    sample,
    test_app::{TestApp, config, file, models, settings, until},
};

/// An outcome without what may differ between two generations, or two times of asking.
fn comparable(outcome: &Value) -> Value {
    let mut outcome = outcome.clone();
    for field in ["id", "timings_ms", "model"] {
        outcome.as_object_mut().unwrap().remove(field).unwrap();
    }
    for citation in outcome["citations"].as_array_mut().unwrap() {
        citation.as_object_mut().unwrap().remove("chunk_id").unwrap();
    }
    outcome
}

async fn generations(app: &TestApp) -> Vec<(i64, GenerationState)> {
    let found = app.app.metadata.generations().await.unwrap();
    found.into_iter().map(|generation| (generation.number, generation.state)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reindex_goes_unnoticed_and_takes_in_what_changes_meanwhile() {
    // Two jobs at a time: the reindex, and beside it one after the other what happens meanwhile.
    let app = TestApp::start_with(|settings| settings.ingest_concurrency = Some(2)).await;
    let canteen = app.ingest_form(sample::form()).await.remove(0);
    let filler = (0..25).fold(Form::new(), |form, n| {
        form.part("file", file(&format!("depot-{n}.md"), sample::long_document(&format!("depot {n}"), 4)))
    });
    app.ingest_form(filler).await;
    let doors = app.ingest("doors.md", "# Doors\n\nThe front door has a brass lock.\n").await;
    let gone = app.ingest("gone.md", "# Pool\n\nThe swimming pool is heated to 26 degrees.\n").await;
    // One document answers, so that what comes and goes beside it changes nothing.
    let ask = async || -> Value {
        let body = json!({"question": sample::DOCUMENTS[0].2, "filter": {"document_ids": [canteen]}});
        let (status, outcome) = app.post("/v1/ask", body).await;
        assert_eq!(status, StatusCode::OK, "{outcome}");
        app.check_citations(&outcome).await;
        outcome
    };
    let before = ask().await;
    assert_eq!((&before["outcome"], &before["model"]["index"]), (&json!("answered"), &json!(1)), "{before}");

    // Every vector is computed, so that there is time for what happens meanwhile.
    let all = json!({"embed_all": true});
    let (status, started) = app.post("/v1/admin/reindex", all.clone()).await;
    assert_eq!((status, &started["job"]["kind"]), (StatusCode::ACCEPTED, &json!("reindex")));
    let job = started["job"]["id"].as_str().unwrap();
    // One at a time: a second request gets the one that runs, unless it asks for another.
    let (status, problem) = app.post("/v1/admin/reindex", json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    let (status, second) = app.post("/v1/admin/reindex", all.clone()).await;
    assert_eq!((status, &second["job"]["id"]), (StatusCode::ACCEPTED, &json!(job)));
    // The last documents are deleted, replaced and added before the reindex comes to them.
    until("the new generation holds its first vectors", async || {
        app.app.vectors.count(2, None).await.is_ok_and(|count| count > 0)
    })
    .await;
    let (status, _) = app.delete(&format!("/v1/documents/{gone}")).await;
    assert_eq!(status, StatusCode::OK);
    app.upload("doors.md", "# Doors\n\nThe front door has an electronic lock.\n").await;
    let (_, added) = app.upload("gym.md", "# Gym\n\nThe gym in the cellar is open day and night.\n").await;
    assert_eq!(app.read(&format!("/v1/jobs/{job}")).await["state"], "running", "all of that happened meanwhile");

    let mut asked = 0;
    let mut answered_by_the_old_one = false;
    while app.read(&format!("/v1/jobs/{job}")).await["state"] == "running" {
        for (_, _, question, words) in sample::DOCUMENTS {
            let found = app.search(json!({"question": question, "top_k": 3})).await;
            assert!(found.iter().any(|passage| passage["text"].as_str().unwrap().contains(words)), "{found:?}");
        }
        let outcome = ask().await;
        assert_eq!(comparable(&outcome), comparable(&before));
        answered_by_the_old_one |= outcome["model"]["index"] == 1;
        asked += 1;
    }
    assert!(asked > 0 && answered_by_the_old_one);
    app.settle().await;

    let ended = app.read(&format!("/v1/admin/reindex/{job}")).await;
    assert_eq!((&ended["job"]["state"], &ended["job"]["generation"]), (&json!("succeeded"), &json!(2)), "{ended}");
    assert_eq!(generations(&app).await, [(1, GenerationState::Retired), (2, GenerationState::Active)]);
    let after = ask().await;
    assert_eq!((comparable(&after), &after["model"]["index"]), (comparable(&before), &json!(2)));

    let added = added["documents"][0]["document_id"].as_str().unwrap();
    for (question, id, words, not) in [
        ("When is the gym in the cellar open?", added, "day and night", "26 degrees"),
        ("Which lock does the front door have?", doors.as_str(), "electronic", "brass"),
        ("To how many degrees is the swimming pool heated?", "", "", "26 degrees"),
    ] {
        let found = app.search(json!({"question": question, "top_k": 50})).await;
        let of = found.iter().filter(|passage| passage["document_id"] == id).map(|passage| passage["text"].to_string());
        assert_eq!(of.filter(|text| text.contains(words)).count(), usize::from(!id.is_empty()), "{question}");
        assert!(found.iter().all(|passage| !passage["text"].as_str().unwrap().contains(not)), "{question}");
        assert!(found.iter().all(|passage| passage["document_id"] != gone.as_str()));
    }
    let counts = app.app.metadata.counts().await.unwrap();
    assert_eq!(counts.active_documents, 30 - 1 + 1);
    assert_eq!(app.app.vectors.count(2, None).await.unwrap(), counts.chunks);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reindex_that_fails_says_of_which_document_and_the_old_index_goes_on() {
    let app = TestApp::start().await;
    let ids = app.ingest_form(sample::form()).await;
    let sha256 = app.read(&format!("/v1/documents/{}", ids[1])).await["active"]["sha256"].as_str().unwrap().to_owned();
    let original = app.app.config.data_dir.join("blobs/originals").join(&sha256[..2]).join(&sha256);
    std::fs::remove_file(&original).unwrap();

    let (_, started) = app.post("/v1/admin/reindex", json!({})).await;
    let ended = app.wait_for_job(started["job"]["id"].as_str().unwrap()).await;
    assert_eq!(ended["state"], "failed");
    assert!(ended["error"].as_str().unwrap().contains("parking.md"), "{ended}");
    let active = app.app.metadata.active_generation().await.unwrap().unwrap();
    assert_eq!(active.number, 1);
    for (_, _, question, words) in sample::DOCUMENTS {
        let found = app.search(json!({"question": question, "top_k": 1})).await;
        assert!(found[0]["text"].as_str().unwrap().contains(words), "{found:?}");
    }
    // With the original back in its place, the same job can be done again.
    std::fs::write(&original, sample::PARKING).unwrap();
    let (status, again) = app.post(&format!("/v1/jobs/{}/retry", ended["id"].as_str().unwrap()), json!({})).await;
    assert_eq!(status, StatusCode::OK, "{again}");
    app.settle().await;
    let active = app.app.metadata.active_generation().await.unwrap().unwrap();
    assert_eq!(active.number, 2);
    let counts = app.app.metadata.counts().await.unwrap();
    assert_eq!(app.app.vectors.count(2, None).await.unwrap(), counts.chunks);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_of_another_embedder_is_refused_until_it_is_built_anew() {
    let dir = tempfile::tempdir().unwrap();
    {
        let app = TestApp::start_from(config(settings(dir.path()))).await;
        app.ingest("canteen.md", sample::CANTEEN).await;
        app.stop().await;
    }
    let url = format!("sqlite://{}", dir.path().join("footnote.db").display());
    let mut database = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let changed = "UPDATE generations SET stamp = json_set(stamp, '$.embedder.name', 'another-model')";
    assert_eq!(sqlx::query(changed).execute(&mut database).await.unwrap().rows_affected(), 1);
    database.close().await.unwrap();

    let purpose = Purpose { answers: false, any_index: false };
    let refused =
        App::with_models(config(settings(dir.path())), models().await, purpose).await.unwrap_err().to_string();
    assert!(refused.contains("`footnote reindex`") && refused.contains("another-model"), "{refused}");
    let program = Program::new(dir.path()).await;
    for arguments in [["search", "canteen"].as_slice(), &["ask", "canteen?"], &["serve"]] {
        let ended = program.run(arguments).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
        assert!(ended.stderr.contains("`footnote reindex`") && ended.stderr.contains("another-model"), "{ended:?}");
    }
    let ended = program.run(&["reindex"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("generation 2 answers questions now: 1 documents"), "{ended:?}");
    let found = program.run(&["search", "--json", sample::DOCUMENTS[0].2]).await;
    assert_eq!((found.code, &found.json()["index"]), (Some(0), &json!(2)), "{found:?}");
    assert!(found.stdout.contains(sample::DOCUMENTS[0].3), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_reindex_wrote_of_a_replaced_version_goes_when_it_is_taken_up_again() {
    let app = TestApp::start().await;
    let kept = app.ingest("canteen.md", sample::CANTEEN).await;
    let doors = app.ingest("doors.md", "# Doors\n\nThe front door has a brass lock.\n").await;
    app.upload("doors.md", "# Doors\n\nThe front door has an electronic lock.\n").await;
    app.settle().await;
    // As the killed one left it: text and vectors of the first version, after the purge of that version had run.
    let services = &app.app.ingest;
    let (vectors, blobs) = (&services.vectors, &services.blobs);
    let (kept, doors) = (kept.parse().unwrap(), doors.parse().unwrap());
    let dimension = services.configured.embedder.stamp().dimension;
    vectors.create_generation(2, dimension).await.unwrap();
    let abandoned = Point {
        chunk_id: ChunkId::derive(doors, 1, 2, 0),
        document_id: doors,
        version: 1,
        collection: "default".to_owned(),
        metadata: Default::default(),
        access: Vec::new(),
        dense: (0..dimension).map(|n| if n == 0 { 1.0 } else { 0.0 }).collect(),
        sparse: services.lexical.passage("The front door has a brass lock."),
    };
    vectors.upsert(2, vec![abandoned]).await.unwrap();
    blobs.put_text(doors, 1, 2, &blobs.text(doors, 2, 1).await.unwrap()).await.unwrap();

    let (_, started) = app.post("/v1/admin/reindex", json!({})).await;
    app.wait_for_job(started["job"]["id"].as_str().unwrap()).await;
    let active = app.app.metadata.active_generation().await.unwrap().unwrap();
    assert_eq!(active.number, 2);
    assert_eq!(vectors.count(2, Some(doors)).await.unwrap(), 1);
    assert_eq!(vectors.count(2, None).await.unwrap(), app.app.metadata.counts().await.unwrap().chunks);
    let mut texts: Vec<_> = blobs.texts().map(|text| text.unwrap().unwrap()).collect().await;
    texts.retain(|text| text.generation == 2);
    texts.sort();
    let expected = [(kept, 1), (doors, 2)].map(|(document, version)| TextName { document, version, generation: 2 });
    assert_eq!(texts, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reindex_ends_while_documents_keep_coming() {
    let app = TestApp::start_with(|settings| settings.ingest_concurrency = Some(2)).await;
    app.ingest_form(sample::form()).await;
    let (_, started) = app.post("/v1/admin/reindex", json!({"embed_all": true})).await;
    let path = format!("/v1/jobs/{}", started["job"]["id"].as_str().unwrap());
    let mut came = 0;
    let state = loop {
        app.ingest(&format!("room-{came}.md"), format!("# Room {came}\n\nRoom {came} has {came} chairs.\n")).await;
        came += 1;
        match app.read(&path).await["state"].as_str().unwrap() {
            "queued" | "running" => assert!(came < 1_000, "it does not end"),
            other => break other.to_owned(),
        }
    };
    assert_eq!(state, "succeeded");
    app.settle().await;
    let counts = app.app.metadata.counts().await.unwrap();
    assert_eq!(app.app.vectors.count(2, None).await.unwrap(), counts.chunks, "of {came} that came meanwhile");
}
