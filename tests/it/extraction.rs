//! `footnote eval extraction` over a folder of the test's own, beside a peer of the test's own.

use serde_json::Value;

use crate::program::Program;

/// Reads `.txt` and `.html` as they are, tags and all, and nothing else.
const PEER: &str = r#"
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    said = {}
    if asked["file"].endswith((".txt", ".html")):
        with open(asked["file"]) as file, open(asked["output"], "w") as output:
            output.write(file.read().replace("gale", "storm"))
    else:
        said = {"error": "no reader for this"}
    print(json.dumps(said), flush=True)
"#;

const PAGE: &str = "<html><body><h1>Winds</h1><p>A gale is force eight.</p>\
    <table><tr><th>force</th><th>name</th></tr><tr><td>8</td><td>gale</td></tr></table></body></html>";
const PAGE_TRUTH: &str = "# Winds\n\nA gale is force eight.\n\n| force | name |\n|-------|------|\n| 8     | gale |\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn extraction_is_measured_beside_a_peer() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("files");
    for (path, text) in [
        ("html/sources/winds.html", PAGE),
        ("html/groundtruth/winds.html.md", PAGE_TRUTH),
        ("text/sources/calm.txt", "The sea is calm.\n"),
        ("text/groundtruth/calm.md", "The sea is calm.\n"),
        ("text/sources/torn.pdf", "%PDF-1.7 torn"),
        ("text/groundtruth/torn.md", "Torn.\n"),
        ("text/sources/unknown.txt", "Nobody knows.\n"),
    ] {
        let path = data.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let script = dir.path().join("peer.py");
    std::fs::write(&script, PEER).unwrap();
    // No model is needed.
    let program = Program::with_models_in(&dir.path().join("data"), &dir.path().join("models"));
    let (json, kept) = (dir.path().join("figures.json"), dir.path().join("kept"));
    let peer = format!("copier=python3 '{}'", script.display());
    let mut arguments = vec!["eval", "extraction", "--data", data.to_str().unwrap(), "--peer", &peer, "--show"];
    arguments.extend(["--json", json.to_str().unwrap(), "--keep", kept.to_str().unwrap()]);
    let ended = program.run(&arguments).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for expected in [
        "3 files with a ground truth, 1 without one",
        "text/torn.pdf by copier: no reader for this",
        "text/torn.pdf by footnote: ",
        "html/winds.html  (10 words, 1 tables)",
    ] {
        assert!(ended.stdout.contains(expected), "{expected}: {ended:?}");
    }

    let figures: Value = serde_json::from_str(&std::fs::read_to_string(&json).unwrap()).unwrap();
    assert_eq!(figures["without_truth"], serde_json::json!(["text/unknown.txt"]));
    let page = &figures["files"][0];
    assert_eq!((&page["file"], &page["tables"]), (&"winds.html".into(), &1.into()));
    // Ten words, of which the peer has changed two; of the four cells it has changed one.
    let of = |system: usize| ["text", "words", "tables"].map(|score| page["systems"][system][score].as_f64().unwrap());
    assert_eq!(of(0), [1.0; 3]);
    assert!(of(1).iter().zip([0.8, 0.8, 0.75]).all(|(got, due)| (got - due).abs() < 1e-9), "{page}");
    let all = &figures["formats"][2];
    assert_eq!((&all["format"], &all["files"], &all["systems"][1]["read"]), (&"all".into(), &3.into(), &2.into()));
    assert!((all["systems"][0]["text"]["value"].as_f64().unwrap() - 2.0 / 3.0).abs() < 1e-9, "{all}");

    let written = std::fs::read_to_string(kept.join("footnote/html/winds.html.md")).unwrap();
    assert!(written.starts_with("# Winds\n") && written.contains("| 8 | gale |"), "{written}");
    assert!(kept.join("copier/text/calm.txt.md").is_file() && !kept.join("copier/text/torn.pdf.md").exists());

    for (wrong, word) in [
        (vec!["--data", "nowhere"], "nowhere"),
        (vec!["--data", data.to_str().unwrap(), "--peer", "footnote=true"], "a name of its own"),
        (vec!["--data", data.to_str().unwrap(), "--formats", "odt"], "FORMAT/sources/FILE"),
    ] {
        let ended = program.run(&[vec!["eval", "extraction"], wrong].concat()).await;
        assert!(ended.code == Some(1) && ended.stderr.contains(word), "{ended:?}");
    }
}
