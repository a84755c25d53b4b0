//! The commands, beside a server that follows them.

use std::{collections::BTreeMap, path::Path};

use footnote::models::{
    adapter::{Adapter, AdapterConfig, LowRank, Precision},
    locate_generator,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    program::Program,
    test_app::{client, model_files, until},
};

/// The folder of an adapter for the generator, with the card of its run: one pair, which changes nothing when `b` is 0.
fn write_adapter(folder: &Path, models_dir: &Path, inputs: usize, b: f32) -> String {
    let module = "model.layers.0.self_attn.q_proj";
    let pair = LowRank { rank: 1, inputs, outputs: 576, a: vec![0.5; inputs], b: vec![b; 576], scale: 1.0 };
    let adapter = Adapter {
        config: AdapterConfig::new(1, 1.0, 0.0, vec!["q_proj".to_owned()]),
        pairs: BTreeMap::from([(module.to_owned(), pair)]),
        whole: BTreeMap::new(),
    };
    adapter.to_files(Precision::F32).unwrap().write(folder).unwrap();
    let base = std::fs::read(locate_generator(models_dir).unwrap()).unwrap();
    let card = json!({
        "base_sha256": hex::encode(Sha256::digest(base)),
        "training_files": [{"path": "sets/harbour/task.jsonl", "sha256": "0", "examples": 3, "version": "harbour 2"}],
        "result": {"best_loss": 0.5},
    });
    std::fs::write(folder.join("card.json"), card.to_string()).unwrap();
    folder.to_str().unwrap().to_owned()
}

/// Two questions that no passage speaks about, so that they are declined at once.
fn write_suite(folder: &Path) -> String {
    let lines = ["Who won the chess championship in 1972?", "How deep is the ocean?"].iter().enumerate();
    let lines = lines.map(|(id, question)| {
        json!({
            "id": id.to_string(), "kind": "task", "question": question, "expected": "abstained",
            "passages": [{"id": "p", "title": "Lamp", "text": "The harbour lamp is lit at dawn by the keeper."}],
            "provenance": "written for this test", "licence": "Apache-2.0",
        })
    });
    let lines: Vec<String> = lines.map(|line| line.to_string()).collect();
    std::fs::create_dir_all(folder.join("set")).unwrap();
    std::fs::write(folder.join("set/task.jsonl"), lines.join("\n") + "\n").unwrap();
    let suite = folder.join("pinned.toml");
    std::fs::write(&suite, "name = \"pinned\"\nmode = \"closed\"\ndata = \"set\"\n").unwrap();
    suite.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_work_beside_a_server_that_follows_them() {
    let dir = tempfile::tempdir().unwrap();
    let models_dir = model_files().await;
    let program = Program::new(&dir.path().join("data")).await;
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let ok = async |program: &Program, arguments: &[&str]| {
        let ended = program.run(&[&["adapters"][..], arguments].concat()).await;
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
        ended
    };
    let refused = async |program: &Program, arguments: &[&str], says: &str| {
        let ended = program.run(&[&["adapters"][..], arguments].concat()).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(says), "{arguments:?}: {ended:?}");
    };
    let served = program.serve().await;

    let folder = write_adapter(&dir.path().join("tuned"), &models_dir, 576, 0.0);
    let added = ok(&program, &["add", &folder, "--json"]).await.json();
    assert_eq!((&added["role"], &added["name"]), (&json!("generator"), &json!("tuned")));
    assert_eq!(added["data_versions"], json!(["harbour 2"]));
    let id = added["id"].as_str().unwrap();
    assert!(ok(&program, &["add", &folder]).await.stdout.contains("was registered before"));
    let narrow = write_adapter(&dir.path().join("narrow"), &models_dir, 32, 0.0);
    refused(&program, &["add", &narrow], "does not work with this adapter").await;
    std::fs::remove_file(dir.path().join("narrow/card.json")).unwrap();
    refused(&program, &["add", &narrow], "card.json").await;
    assert!(ok(&program, &["list"]).await.stdout.contains("not evaluated"));

    refused(&program, &["promote", id], "FOOTNOTE_PINNED_SUITE").await;
    let pinned = program.clone().set("FOOTNOTE_PINNED_SUITE", write_suite(dir.path()));
    refused(&pinned, &["promote", id], "footnote adapters evaluate serving --out").await;
    let (serving, candidate) = (at("serving"), at("candidate"));
    ok(&pinned, &["evaluate", "serving", "--out", &serving]).await;
    let recorded = ok(&pinned, &["evaluate", id, "--out", &candidate, "--json"]).await.json();
    assert_eq!(recorded["adapters"]["generator"], added["sha256"]);
    // A run that was made before: the same one is the same evaluation, and one of another adapter is refused.
    assert_eq!(ok(&pinned, &["evaluate", id, "--from", &candidate, "--json"]).await.json(), recorded);
    refused(&pinned, &["evaluate", id, "--from", &serving], "and not with").await;
    refused(&pinned, &["promote", id], "not significantly better").await;
    let entry = ok(&pinned, &["promote", id, "--force", "to see it swap", "--json"]).await.json();
    assert_eq!((&entry["number"], &entry["grounds"]["candidate_run"]), (&json!(1), &recorded["run_sha256"]));

    let client = client();
    let loaded = async || {
        let listed: Value =
            client.get(format!("{}/v1/admin/adapters", served.url)).send().await.unwrap().json().await.unwrap();
        listed["loaded"].as_array().unwrap().iter().find(|one| one["role"] == "generator").unwrap().clone()
    };
    until("the server follows", async || loaded().await["number"] == 1).await;
    assert_eq!((&loaded().await["adapter"], loaded().await.get("failure")), (&json!(id), None));
    let shown = ok(&pinned, &["show", id]).await.stdout;
    for words in ["generator adapter tuned, serving", "harbour 2", "to see it swap", "evaluation `candidate`"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let listed = ok(&pinned, &["list"]).await.stdout;
    assert!(listed.contains(&format!("* {id}")) && listed.contains("F1 100.0%"), "{listed}");
    ok(&pinned, &["rollback", "generator"]).await;
    until("the server goes back", async || loaded().await["number"] == 2).await;
    refused(&pinned, &["rollback", "generator"], "nothing to go back to").await;
    let fixed = pinned.clone().set("FOOTNOTE_GENERATOR_ADAPTER", "none");
    refused(&fixed, &["promote", id, "--force", "x"], "generator_adapter").await;
    let (code, log) = served.terminate(std::time::Duration::from_secs(60)).await;
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("another adapter answers from now on"), "{log}");
}
