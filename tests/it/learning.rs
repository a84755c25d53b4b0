//! Data sets, training and evaluation as a user runs them.

use std::path::Path;

use serde_json::{Value, json};

use crate::program::Program;

const LAMP: &str = "The harbour lamp is lit at dawn by the keeper. It is put out at noon, when the boats are back.";
const PIER: &str = "The pier has forty posts of oak. Every tenth post carries a ring for the ferry.";

fn example(id: &str, question: &str, passage: (&str, &str), answer: Option<&str>) -> String {
    let (title, text) = passage;
    let mut line = json!({
        "id": id, "kind": "task", "question": question, "provenance": "written for this test",
        "passages": [{"id": title, "title": title, "text": text}],
        "expected": if answer.is_some() { "answered" } else { "abstained" }, "licence": "Apache-2.0",
    });
    if let Some(answer) = answer {
        let start = text[..text.find(answer).unwrap()].chars().count();
        line["answer"] = json!(format!("It is {answer}."));
        line["short_answers"] = json!([answer]);
        line["support"] =
            json!([{"passage": title, "start": start, "end": start + answer.chars().count(), "role": "answer"}]);
    }
    line.to_string()
}

fn write_set(folder: &Path, lines: &[String]) -> String {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("task.jsonl"), lines.join("\n") + "\n").unwrap();
    folder.to_str().unwrap().to_owned()
}

fn harbour() -> Vec<String> {
    vec![
        example("1", "When is the harbour lamp lit?", ("Lamp", LAMP), Some("at dawn")),
        example("2", "How many posts does the pier have?", ("Pier", PIER), Some("forty")),
        example("3", "Who won the chess championship in 1972?", ("Lamp", LAMP), None),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_set_that_was_altered_is_refused_and_so_is_a_leak() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::new(&dir.path().join("data")).await;
    let set = write_set(&dir.path().join("harbour"), &harbour());
    let frozen = dir.path().join("frozen");
    let path = frozen.to_str().unwrap();
    let ended = program.run(&["dataset", "freeze", &set, "--version", "1", "--out", path]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(program.run(&["dataset", "verify", path]).await.code, Some(0));

    let file = frozen.join("task.jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("at dawn by", "at dusk by")).unwrap();
    let recipe = dir.path().join("recipe.toml");
    std::fs::write(&recipe, "seed = 1\n").unwrap();
    let recipe = recipe.to_str().unwrap();
    let out = dir.path().join("out");
    let train = |data: String, validation: String| {
        let out = out.to_str().unwrap().to_owned();
        let arguments = ["train", "reader", "--recipe", recipe, "--data", &data, "--validation", &validation];
        arguments.into_iter().map(str::to_owned).chain(["--out".to_owned(), out]).collect::<Vec<_>>()
    };
    for arguments in [vec!["dataset".to_owned(), "verify".into(), path.into()], train(path.into(), set.clone())] {
        let ended = program.run(&arguments).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("task.jsonl") && ended.stderr.contains("sha256"), "{ended:?}");
    }

    // The same document on both sides.
    let leak = write_set(
        &dir.path().join("leak"),
        &[example("9", "When is the lamp of the harbour put out?", ("Lamp", LAMP), Some("at noon"))],
    );
    let ended = program.run(&["dataset", "lint", &set, "--against", &leak]).await;
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stdout.contains("leak-document"), "{ended:?}");
    let ended = program.run(&train(set, leak)).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("leak-document"), "{ended:?}");
    assert!(!out.exists(), "nothing was trained");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suite_is_run_closed_and_open_compared_and_its_failures_exported() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::new(&dir.path().join("data")).await;
    write_set(&dir.path().join("harbour"), &harbour());
    let mut runs = Vec::new();
    for mode in ["closed", "open"] {
        let suite = dir.path().join(format!("{mode}.toml"));
        std::fs::write(&suite, format!("name = \"harbour\"\nmode = \"{mode}\"\ndata = \"harbour\"\n")).unwrap();
        let run = dir.path().join(format!("run-{mode}"));
        let arguments = ["eval", "run", "--suite", suite.to_str().unwrap(), "--out", run.to_str().unwrap(), "--json"];
        let ended = program.run(&arguments).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let predictions = std::fs::read_to_string(run.join("predictions.jsonl")).unwrap();
        let predictions: Vec<Value> = predictions.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(predictions.len(), 3);
        assert_eq!(predictions[2]["outcome"], "abstained", "{predictions:?}");
        // What is cited lies in the passages of the suite, whichever way they came.
        let cited: Vec<&Value> = predictions.iter().flat_map(|line| line["citations"].as_array().unwrap()).collect();
        // So does what was read.
        for (line, gold) in predictions.iter().zip(["Lamp", "Pier"]) {
            assert!(line["read"].as_array().unwrap().contains(&json!(gold)), "{line}");
            assert_eq!(line["scores"]["gold_passages_read"], true, "{line}");
        }
        assert!(
            !cited.is_empty() && cited.iter().all(|c| c["passage"] == "Lamp" || c["passage"] == "Pier"),
            "{cited:?}"
        );
        assert!(std::fs::read_to_string(run.join("report.html")).unwrap().contains("<svg"));
        runs.push(run.to_str().unwrap().to_owned());
    }
    let same = program.run(&["eval", "compare", &runs[0], &runs[0], "--json"]).await;
    assert_eq!(same.code, Some(0), "{same:?}");
    // Closed and open are two suites: their figures do not compare.
    let other = program.run(&["eval", "compare", &runs[0], &runs[1]]).await;
    assert_eq!(other.code, Some(1), "{other:?}");
    let failures = dir.path().join("failure.jsonl");
    let ended = program.run(&["eval", "failures", &runs[0], "--out", failures.to_str().unwrap()]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for line in std::fs::read_to_string(&failures).unwrap().lines() {
        assert_eq!(serde_json::from_str::<Value>(line).unwrap()["kind"], "failure");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_generator_is_trained_and_its_adapter_answers() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::new(&dir.path().join("data")).await;
    let data = write_set(&dir.path().join("harbour"), &harbour());
    let mill = "The mill has two stones, which grind rye. The miller sharpens them in May.";
    let lines = [
        example("7", "How many stones does the mill have?", ("Mill", mill), Some("two")),
        example("8", "Who built the mill?", ("Mill", mill), None),
    ];
    let validation = write_set(&dir.path().join("mill"), &lines);
    let recipe = dir.path().join("recipe.toml");
    let text = "seed = 1\n[fit]\nepochs = 2\nbatch = 2\nvalidate_every = 2\ncheckpoint_every = 1\n\
                learning_rate = 1e-3\n[lora]\nrank = 4\nmodules = ['q_proj', 'v_proj', 'down_proj']\n\
                [generator]\ntrainable_layers = 2\ncache_trunk = 'f16'\n";
    std::fs::write(&recipe, text).unwrap();
    let out = dir.path().join("run");
    let [recipe, run] = [&recipe, &out].map(|path| path.to_str().unwrap());
    let mut train = vec!["train", "generator", "--recipe", recipe, "--data", &data];
    train.extend(["--validation", &validation, "--out", run]);
    let ended = program.run(&train).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("untrained: validation loss") && ended.stdout.contains("perplexity"), "{ended:?}");

    let metrics = std::fs::read_to_string(out.join("metrics.jsonl")).unwrap();
    let metrics: Vec<Value> = metrics.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(metrics.len(), 4);
    assert!(metrics[3]["perplexity"].as_f64().unwrap() > 1.0 && metrics[2]["perplexity"].is_null(), "{metrics:?}");
    let card: Value = serde_json::from_str(&std::fs::read_to_string(out.join("card.json")).unwrap()).unwrap();
    assert_eq!((&card["training"]["own_answers"], &card["training"]["abstentions"]), (&json!(2), &json!(1)));
    assert!(std::fs::read_to_string(out.join("report.html")).unwrap().contains("Best perplexity"));

    // A folder with a run is not written over, and a run that is over goes nowhere.
    assert_eq!(program.run(&train).await.code, Some(1));
    train.push("--resume");
    assert_eq!(program.run(&train).await.code, Some(0));
    assert_eq!(std::fs::read_to_string(out.join("metrics.jsonl")).unwrap().lines().count(), 4);

    let prompt = dir.path().join("prompt.txt");
    std::fs::write(&prompt, "When is the harbour lamp lit?").unwrap();
    let (prompt, scores) = (prompt.to_str().unwrap().to_owned(), dir.path().join("scores.safetensors"));
    let adapter = out.join("adapter");
    let mut logits = vec!["models", "logits", "--prompt-file", &prompt, "--out", scores.to_str().unwrap()];
    logits.extend(["--max-new-tokens", "3", "--generator-adapter", adapter.to_str().unwrap()]);
    let ended = program.run(&logits).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.json()["adapter"].as_str().unwrap().starts_with("adapter@"), "{ended:?}");
}

/// Answers from the first text that it was given, and dies when it is asked for chess.
const ANOTHER_SYSTEM: &str = r#"
import json, sys
documents = []
for line in sys.stdin:
    line = json.loads(line)
    if "document" in line:
        documents.append(line["document"])
        continue
    if "documents" in line:
        print(json.dumps({"documents": len(documents)}), flush=True)
        continue
    if "chess" in line["question"]:
        sys.exit("I play no chess")
    named, texts = ("passage", line["passages"]) if "passages" in line else ("document", documents)
    source = texts[0].get("id") or texts[0]["name"]
    start = texts[0]["text"].find("at dawn")
    found = [{named: source, "start": start, "end": start + 7}] if start >= 0 else []
    print(json.dumps({"outcome": "answered", "answer": "at dawn", "citations": found}), flush=True)
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_program_is_measured_on_the_same_suite() {
    let dir = tempfile::tempdir().unwrap();
    // No model is needed.
    let program = Program::with_models_in(&dir.path().join("data"), &dir.path().join("models"));
    write_set(&dir.path().join("harbour"), &harbour());
    let script = dir.path().join("another.py");
    std::fs::write(&script, ANOTHER_SYSTEM).unwrap();
    let command = format!("python3 '{}'", script.display());
    for mode in ["closed", "open"] {
        let suite = dir.path().join(format!("{mode}.toml"));
        std::fs::write(&suite, format!("name = \"harbour\"\nmode = \"{mode}\"\ndata = \"harbour\"\n")).unwrap();
        let (suite, run) = (suite.to_str().unwrap(), dir.path().join(format!("run-{mode}")));
        let out = run.to_str().unwrap();
        let ended = program.run(&["eval", "run", "--suite", suite, "--out", out, "--command", &command]).await;
        assert_eq!(ended.code, Some(4), "a question failed: {ended:?}");
        let predictions = std::fs::read_to_string(run.join("predictions.jsonl")).unwrap();
        let predictions: Vec<Value> = predictions.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(predictions[0]["scores"]["exact_match"], 1.0, "{predictions:?}");
        assert_eq!(predictions[0]["citations"][0]["quote"], "at dawn");
        assert_eq!(predictions[0]["citations"][0]["passage"], "Lamp", "{predictions:?}");
        assert_eq!(predictions[2]["outcome"], "failed");
        assert!(predictions[2]["error"].as_str().unwrap().contains("I play no chess"), "{predictions:?}");
        let card: Value = serde_json::from_str(&std::fs::read_to_string(run.join("card.json")).unwrap()).unwrap();
        assert_eq!(card["configuration"]["command"], command);
    }
    let suite = dir.path().join("closed.toml");
    let arguments = |out: &str, more: &[&str]| {
        let out = dir.path().join(out);
        let fixed = ["eval", "run", "--suite", suite.to_str().unwrap(), "--out", out.to_str().unwrap()];
        fixed.iter().chain(more).map(|argument| (*argument).to_owned()).collect::<Vec<_>>()
    };
    let missing = program.run(&arguments("none", &["--command", "no-such-program"])).await;
    assert_eq!(missing.code, Some(1), "{missing:?}");
    assert!(missing.stderr.contains("no-such-program") && !dir.path().join("none").exists(), "{missing:?}");
    let several = program.run(&arguments("none", &["--command", &command, "--concurrency", "2"])).await;
    assert_eq!(several.code, Some(2), "{several:?}");
}
