//! The life of an index: another embedder without downtime, the way back, and what keeps its vectors.

pub mod embedders;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use footnote::{app::Models, config::Settings, models::locate_embedder};
use reqwest::StatusCode;
use serde_json::{Value, json};

use self::embedders::{Blind, Counting};
use crate::{
    sample,
    test_app::{TestApp, config, file, model_files, models, settings, until},
};

/// A folder with an embedder that wants other prefixes than the one that is fetched: its vectors are others.
async fn other_embedder(dir: &Path) -> PathBuf {
    let fetched = locate_embedder(&model_files().await).unwrap().embedder;
    let folder = dir.join("other-embedder");
    std::fs::create_dir(&folder).unwrap();
    for entry in std::fs::read_dir(fetched).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    let described = json!({
        "name": "other", "dimension": 384, "max_tokens": 256, "pooling": "mean",
        "query_prefix": "query: ", "passage_prefix": "passage: ",
    });
    std::fs::write(folder.join("embedder.json"), described.to_string()).unwrap();
    folder
}

/// The application with the embedder in `folder`, which it loads itself.
async fn started_with(dir: &Path, folder: Option<&Path>) -> TestApp {
    let settings = Settings { embedder: folder.map(Path::to_owned), ingest_concurrency: Some(1), ..settings(dir) };
    let config = config(settings);
    let models = match folder {
        Some(_) => Models::load(&config, true).await.unwrap(),
        None => models().await,
    };
    let mut app = TestApp::idle_with_models(config, models).await;
    app.work();
    app
}

async fn reindexed(app: &TestApp, options: Value) -> Value {
    let (status, started) = app.post("/v1/admin/reindex", options).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{started}");
    app.wait_for_job(started["job"]["id"].as_str().unwrap()).await
}

/// Every question about the sample is answered from its document, with the index of this number.
async fn check_answers(app: &TestApp, index: i64, embedder: &str) {
    for (_, _, question, words) in sample::DOCUMENTS {
        let outcome = app.ask(question).await;
        assert_eq!(outcome["outcome"], "answered", "{outcome}");
        let model = &outcome["model"];
        assert_eq!((&model["index"], &model["embedder"]), (&json!(index), &json!(embedder)));
        assert!(outcome["citations"][0]["quote"].as_str().unwrap().contains(words), "{outcome}");
        app.check_citations(&outcome).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_embedder_is_one_reindex_and_the_way_back_another_and_questions_are_answered_throughout() {
    let dir = tempfile::tempdir().unwrap();
    let folder = other_embedder(dir.path()).await;
    let fetched = {
        let app = started_with(dir.path(), None).await;
        app.ingest_form(sample::form()).await;
        let filler = (0..12).fold(reqwest::multipart::Form::new(), |form, n| {
            form.part("file", file(&format!("depot-{n}.md"), sample::long_document(&format!("depot {n}"), 3)))
        });
        app.ingest_form(filler).await;
        let fetched = app.ask(sample::DOCUMENTS[0].2).await["model"]["embedder"].as_str().unwrap().to_owned();
        app.stop().await;
        fetched
    };
    // Another embedder is configured: the index is searched with its own until it is built anew, also for what is
    // uploaded before.
    let app = started_with(dir.path(), Some(&folder)).await;
    check_answers(&app, 1, &fetched).await;
    let bike = app.ingest("bike.md", "# Bicycles\n\nBicycles are repaired on Tuesdays by Mr Okafor.\n").await;

    let stop = Arc::new(AtomicBool::new(false));
    let (asked, failed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let asking = {
        let (stop, asked, failed) = (stop.clone(), asked.clone(), failed.clone());
        let (client, url) = (app.client.clone(), app.url.clone());
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let body = json!({"question": sample::DOCUMENTS[1].2, "top_k": 3});
                let answer = client.post(format!("{url}/v1/search")).json(&body).send().await.unwrap();
                let right = answer.status() == StatusCode::OK && answer.text().await.unwrap().contains("four hours");
                asked.fetch_add(1, Ordering::Relaxed);
                failed.fetch_add(u64::from(!right), Ordering::Relaxed);
            }
        })
    };
    let ended = reindexed(&app, json!({})).await;
    assert_eq!(ended["state"], "succeeded", "{ended}");
    let report = &ended["report"];
    assert_eq!((&report["embedder"], &report["vectors_kept"]), (&json!("other"), &json!(0)), "{report}");
    assert_eq!(report["verified"]["documents"], 16, "{report}");
    assert_eq!(report["verified"]["chunks"], report["vectors_computed"], "{report}");
    assert!(report["canaries"]["sentences"]["asked"].as_u64().unwrap() > 10, "{report}");
    check_answers(&app, 2, "other").await;

    // Back, without another start: what was uploaded since the swap is taken along.
    app.ingest("gym.md", "# Gym\n\nThe gym in the cellar is open day and night.\n").await;
    let ended = reindexed(&app, json!({"rollback": true})).await;
    assert_eq!(ended["state"], "succeeded", "{ended}");
    assert_eq!((&ended["generation"], &ended["report"]["versions"]), (&json!(1), &json!(1)), "{ended}");
    stop.store(true, Ordering::Relaxed);
    asking.await.unwrap();
    assert!(asked.load(Ordering::Relaxed) > 10);
    assert_eq!(failed.load(Ordering::Relaxed), 0, "of {} searches", asked.load(Ordering::Relaxed));
    check_answers(&app, 1, &fetched).await;
    for (question, words) in [("When is the gym open?", "day and night"), ("Who repairs bicycles?", "Okafor")] {
        let found = app.search(json!({"question": question, "top_k": 1})).await;
        assert!(found[0]["text"].as_str().unwrap().contains(words), "{found:?}");
    }
    let (status, _) = app.delete(&format!("/v1/documents/{bike}")).await;
    assert_eq!(status, StatusCode::OK);
    app.settle().await;
    let counts = app.app.metadata.counts().await.unwrap();
    assert_eq!(app.app.vectors.count(1, None).await.unwrap(), counts.chunks);
    app.stop().await;

    // The index names where its embedder lies: a start without it in the configuration still finds it.
    let app = started_with(dir.path(), Some(&folder)).await;
    assert_eq!(reindexed(&app, json!({"rollback": true})).await["state"], "succeeded");
    app.stop().await;
    let app = started_with(dir.path(), None).await;
    check_answers(&app, 2, "other").await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_finds_less_is_not_activated_unless_that_is_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let canaries = dir.path().join("canaries.jsonl");
    let lines = sample::DOCUMENTS.map(|(name, _, question, _)| json!({"question": question, "document": name}));
    let gone = json!({"question": "Where is it?", "document": "gone.md"});
    let lines: Vec<String> = lines.iter().chain([&gone]).map(Value::to_string).collect();
    std::fs::write(&canaries, lines.join("\n")).unwrap();
    // Of the new index's texts nothing is known to an embedder that sees the same in all of them; the words still are.
    let blind = Models { embedder: Arc::new(Blind(models().await.embedder)), ..models().await };
    let settings = || Settings { canaries: Some(canaries.clone()), ..settings(dir.path()) };
    {
        let mut app = TestApp::idle_from(config(settings())).await;
        app.work();
        app.ingest_form(sample::form()).await;
        let filler = (0..15).fold(reqwest::multipart::Form::new(), |form, n| {
            form.part("file", file(&format!("depot-{n}.md"), sample::long_document(&format!("depot {n}"), 4)))
        });
        app.ingest_form(filler).await;
        app.stop().await;
    }
    let mut app = TestApp::idle_with_models(config(settings()), blind).await;
    app.work();
    let ended = reindexed(&app, json!({})).await;
    assert_eq!(ended["state"], "failed", "{ended}");
    let error = ended["error"].as_str().unwrap();
    assert!(error.contains("sentences of the documents") && error.contains("--accept-worse"), "{error}");
    let canaries = &ended["report"]["canaries"];
    assert_eq!(canaries["questions"], json!({"asked": 3, "found_before": 3, "found_after": 3}), "{canaries}");
    assert_eq!(canaries["without_document"], json!(["gone.md"]));
    assert_eq!(app.app.metadata.active_generation().await.unwrap().unwrap().number, 1);
    // What was built is accepted: nothing is built again.
    let ended = reindexed(&app, json!({"accept_worse": true})).await;
    assert_eq!((&ended["state"], &ended["generation"]), (&json!("succeeded"), &json!(2)), "{ended}");
    assert_eq!((&ended["report"]["versions"], &ended["report"]["vectors_computed"]), (&json!(0), &json!(0)), "{ended}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vector_or_a_text_that_is_missing_from_a_new_index_keeps_it_from_being_activated() {
    let app = TestApp::start().await;
    let ids = app.ingest_form(sample::form()).await;
    assert_eq!(reindexed(&app, json!({})).await["state"], "succeeded");
    // The generation before the active one is damaged, and then gone back to.
    let document = ids[1].parse().unwrap();
    app.app.vectors.delete_document(1, document, None).await.unwrap();
    let ended = reindexed(&app, json!({"rollback": true})).await;
    assert_eq!(ended["state"], "failed");
    let error = ended["error"].as_str().unwrap();
    assert!(error.contains("parking.md") && error.contains("no vector"), "{error}");
    assert_eq!(app.app.metadata.active_generation().await.unwrap().unwrap().number, 2);
    check_answers(&app, 2, &app.app.ingest.configured.embedder.stamp().name.clone()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passages_whose_text_did_not_change_keep_their_vectors() {
    let mut app = TestApp::idle().await;
    let counting = Arc::new(Counting { inner: models().await.embedder, texts: AtomicU64::new(0) });
    let dir = tempfile::tempdir().unwrap();
    {
        let models = Models { embedder: counting.clone(), ..models().await };
        app = {
            app.stop().await;
            let mut app = TestApp::idle_with_models(config(settings(dir.path())), models).await;
            app.work();
            app
        };
    }
    let first = sample::long_document("the depot", 60);
    let id = app.ingest("depot.md", first.clone()).await;
    let chunks = app.app.metadata.counts().await.unwrap().chunks;
    let embedded = counting.texts.swap(0, Ordering::Relaxed);
    assert!(chunks > 10 && embedded == chunks, "{embedded} of {chunks}");
    // One word of one shelf changes.
    let second = first.replace("weighs 1121 grams", "weighs 1122 grams");
    assert_ne!(first, second);
    let (_, body) = app.upload("depot.md", second).await;
    let job = app.wait_for_job(body["documents"][0]["job_id"].as_str().unwrap()).await;
    let report = &job["report"];
    assert_eq!(report["vectors_computed"].as_u64().unwrap(), counting.texts.swap(0, Ordering::Relaxed));
    assert_eq!(report["vectors_computed"], 1, "{report}");
    assert_eq!(report["vectors_kept"], chunks - 1, "{report}");
    app.settle().await;
    let document = id.parse().unwrap();
    assert_eq!(app.app.vectors.count(1, Some(document)).await.unwrap(), chunks);
    let found = app.search(json!({"question": "Which box weighs 1122 grams?", "top_k": 3})).await;
    assert!(found.iter().any(|passage| passage["text"].as_str().unwrap().contains("1122 grams")), "{found:?}");

    // A reindex with the same embedder computes none, unless it is asked to.
    let ended = reindexed(&app, json!({})).await;
    assert_eq!((&ended["report"]["vectors_computed"], &ended["report"]["vectors_kept"]), (&json!(0), &json!(chunks)));
    assert_eq!(counting.texts.swap(0, Ordering::Relaxed), 0);
    let ended = reindexed(&app, json!({"embed_all": true})).await;
    assert_eq!(ended["report"]["vectors_computed"], json!(chunks), "{ended}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_upload_does_not_wait_behind_a_load_nor_for_a_reindex() {
    let mut app = TestApp::idle_with(|settings| settings.ingest_concurrency = Some(1)).await;
    for batch in 0..2 {
        let load = (0..20).fold(reqwest::multipart::Form::new(), |form, n| {
            form.part("file", file(&format!("load-{batch}-{n}.md"), sample::long_document(&format!("{batch} {n}"), 8)))
        });
        let (status, body) = app.upload_form(load).await;
        assert_eq!(status, StatusCode::ACCEPTED);
        let job = app.read(&format!("/v1/jobs/{}", body["documents"][0]["job_id"].as_str().unwrap())).await;
        assert_eq!(job["priority"], "low");
    }
    let (_, reindex) = app.post("/v1/admin/reindex", json!({})).await;
    let (_, body) = app.upload("note.md", "# Note\n\nThe lift is out of order until Friday.\n").await;
    app.work();
    let job = app.wait_for_job(body["documents"][0]["job_id"].as_str().unwrap()).await;
    assert_eq!((&job["state"], &job["priority"]), (&json!("succeeded"), &json!("normal")));
    let open = app.app.metadata.counts().await.unwrap().open_jobs;
    assert!(open >= 38, "{open} are open: the load was not done first");
    app.settle().await;
    let job = app.read(&format!("/v1/jobs/{}", reindex["job"]["id"].as_str().unwrap())).await;
    assert_eq!(job["state"], "succeeded");
    let form = reqwest::multipart::Form::new().part("file", file("x.md", "# X\n")).text("priority", "urgent");
    let (status, problem) = app.upload_form(form).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("high, normal or low"), "{problem}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collection_or_what_a_filter_picks_is_deleted_and_the_purges_report() {
    let app = TestApp::start().await;
    let upload = async |name: &str, collection: &str, site: &str| {
        let form = reqwest::multipart::Form::new()
            .part("file", file(name, format!("# {name}\n\nThe lamp of {name} in {collection} is green.\n")))
            .text("collection", collection.to_owned())
            .text("metadata", json!({"site": site}).to_string());
        app.ingest_form(form).await.remove(0)
    };
    let (a, b) = (upload("a.md", "plans", "north").await, upload("b.md", "plans", "south").await);
    let other = upload("a.md", "default", "north").await;
    let pick = json!({"collection": "plans", "filter": {"metadata": {"site": "north"}}});
    let mut look = pick.clone();
    look["look_only"] = json!(true);
    let (status, body) = app.post("/v1/documents/delete", look).await;
    assert_eq!((status, &body), (StatusCode::OK, &json!({"documents": [{"document_id": a, "name": "a.md"}]})));
    assert_eq!(app.get(&format!("/v1/documents/{a}")).await.0, StatusCode::OK);

    let (status, body) = app.post("/v1/documents/delete", pick).await;
    assert_eq!((status, &body["documents"][0]["document_id"]), (StatusCode::OK, &json!(a)), "{body}");
    assert_eq!(app.get(&format!("/v1/documents/{a}")).await.0, StatusCode::NOT_FOUND);
    let found = app.search(json!({"question": "Which lamp is green?", "collection": "plans", "top_k": 9})).await;
    assert_eq!(found.iter().map(|passage| passage["document_id"].as_str().unwrap()).collect::<Vec<_>>(), [&b]);
    let purged = app.wait_for_job(body["documents"][0]["job_id"].as_str().unwrap()).await;
    let expected = json!({"vectors": 1, "texts": 1, "originals": 1, "conversations": 0});
    assert_eq!((&purged["state"], &purged["report"]), (&json!("succeeded"), &expected), "{purged}");

    let (_, body) = app.post("/v1/documents/delete", json!({"collection": "plans"})).await;
    assert_eq!(body["documents"].as_array().unwrap().len(), 1);
    assert_eq!(app.get(&format!("/v1/documents/{b}")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(app.get(&format!("/v1/documents/{other}")).await.0, StatusCode::OK);
    let (status, _) = app.post("/v1/documents/delete", json!({"filter": {}})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "nothing is deleted without a collection");
    app.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_elsewhere_hears_of_a_job_at_once() {
    let database = crate::postgres::database().await;
    let store = footnote::metadata_store::postgres::PostgresStore::connect(&database.url).await.unwrap();
    let elsewhere = footnote::metadata_store::postgres::PostgresStore::connect(&database.url).await.unwrap();
    use footnote::metadata_store::{DocumentStore as _, JobStore as _, NewUpload};
    let signal = elsewhere.job_signal().await;
    let upload = |name: &str| NewUpload {
        collection: "default".to_owned(),
        name: name.to_owned(),
        metadata: footnote::domain::Metadata::new(),
        access: Vec::new(),
        replaces: footnote::domain::Access::everything(),
        sha256: "0".repeat(64),
        size_bytes: 1,
        priority: footnote::domain::JobPriority::Normal,
    };
    // The listener connects in the background: jobs come until one is heard of.
    let mut heard = false;
    let mut number = 0;
    until("a job is heard of", async || {
        number += 1;
        store.register_upload(upload(&format!("{number}.md"))).await.unwrap();
        heard = heard || tokio::time::timeout(std::time::Duration::from_millis(200), signal.heard()).await.is_ok();
        heard
    })
    .await;
    // From then on each is heard of.
    store.register_upload(upload("next.md")).await.unwrap();
    tokio::time::timeout(std::time::Duration::from_secs(30), signal.heard()).await.expect("it is heard of");
}
