//! `footnote bench`: that it measures what it says, and stops with a reason when it cannot.

use std::path::Path;

use serde_json::{Value, json};

use crate::{program::Program, sample};

/// A program that takes passages and answers every question with the same words.
const PEER: &str = r#"
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    said = {"passages": len(asked["passages"])} if "passages" in asked else {"answer": asked["question"] + " Yes."}
    print(json.dumps(said), flush=True)
"#;

/// The sample as a folder, its questions as a file, and the peer.
fn write(root: &Path) -> [String; 3] {
    let docs = root.join("docs");
    std::fs::create_dir_all(&docs).unwrap();
    for (name, content, ..) in sample::DOCUMENTS {
        std::fs::write(docs.join(name), content).unwrap();
    }
    let questions = sample::DOCUMENTS.iter().map(|(_, _, question, _)| *question).chain([sample::UNRELATED]);
    let lines: String = questions.map(|question| format!("{}\n", json!({"question": question, "more": 1}))).collect();
    let [questions, peer] = ["questions.jsonl", "peer.py"].map(|name| root.join(name));
    std::fs::write(&questions, lines).unwrap();
    std::fs::write(&peer, PEER).unwrap();
    [docs, questions, peer].map(|path| path.to_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_are_asked_one_at_a_time_and_many_at_once_beside_a_peer() {
    let dir = tempfile::tempdir().unwrap();
    let [docs, questions, peer] = write(dir.path());
    let program = Program::new(&dir.path().join("data")).await;
    let peer = format!("python3 {peer}");
    let ended = program
        .run(&[
            "bench",
            "ask",
            "--json",
            "--documents",
            &docs,
            "--questions",
            &questions,
            "--concurrency",
            "1,3",
            "--asked",
            "8",
            "--peer",
            &peer,
        ])
        .await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let levels = ended.json();
    for (level, concurrency) in levels.as_array().unwrap().iter().zip([1, 3]) {
        assert_eq!(
            (&level["concurrency"], &level["asked"], &level["answered"]),
            (&json!(concurrency), &json!(8), &json!(6))
        );
        let figure = |pointer: &str| level.pointer(pointer).and_then(Value::as_f64).unwrap();
        assert!(figure("/milliseconds/p50") > 0.0 && figure("/milliseconds/p50") <= figure("/milliseconds/p99"));
        assert!(figure("/first_words/p50") <= figure("/milliseconds/p99") && figure("/questions_per_second") > 0.0);
        assert!(figure("/stages/read") > 0.0 && figure("/stages/generate") > 0.0);
        assert_eq!(level["peer"].is_object(), concurrency == 1);
    }

    for (arguments, word) in [
        (&["ask", "--concurrency", "64"][..], "ask_queue"),
        (&["ask", "--documents", &docs, "--questions", &docs], "docs"),
        (&["ask", "--documents", &docs, "--questions", &questions, "--peer", "python3 -c pass"], "the peer"),
    ] {
        let ended = program.run(&[&["bench"], arguments].concat()).await;
        assert!(ended.code != Some(0) && ended.stderr.contains(word), "{arguments:?}: {ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn searches_are_timed_and_answers_compared_with_plain_ones() {
    let dir = tempfile::tempdir().unwrap();
    let [docs, questions, _] = write(dir.path());
    let program = Program::new(&dir.path().join("data")).await;
    let corpus = ["--documents", &docs, "--questions", &questions];
    let ended = program.run(&[&["bench", "retrieve", "--rounds", "2"], &corpus[..]].concat()).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("8 searches in "), "{ended:?}");
    let exact = ["bench", "exact", "--together", "3", "--answer-tokens", "20"];
    let ended = program.run(&[&exact, &corpus[..]].concat()).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("8 prompts of ") && ended.stdout.contains(" 0 differ, 3 at a time"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_is_asked_at_once_than_is_taken_and_for_a_while() {
    let dir = tempfile::tempdir().unwrap();
    let [docs, questions, _] = write(dir.path());
    let program = Program::new(&dir.path().join("data")).await;
    let overload = ["bench", "overload", "--json", &docs, "--questions", &questions];
    let ended = program.run(&[&overload[..], &["--connections", "60", "--seconds", "3"]].concat()).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report = ended.json();
    assert!(report["right"].as_u64().unwrap() > 0 && report["refused"].as_u64().unwrap() > 0, "{report}");
    assert_eq!((&report["wrong"], &report["other"]), (&json!([]), &json!([])));
    let soak = ["bench", "soak", "--json", &docs, "--questions", &questions, "--minutes", "0", "--every", "1"];
    let ended = program.run(&soak).await;
    // Not a moment is no soak, and says so.
    assert_eq!((ended.code, ended.json()), (Some(4), json!([])), "{ended:?}");
}
