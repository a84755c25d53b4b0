//! The real program, killed in the middle of passes: the next one goes on, and nothing is done twice or lost.

use std::{collections::BTreeMap, fs, path::Path};

use super::{sha256, write_settled};
use crate::program::{Ended, Program};

const FILES: usize = 60;

fn name(number: usize) -> String {
    format!("{}/{number}.md", number % 4)
}

/// The documents of the program by their names, with the sums of their active versions.
async fn listed(program: &Program) -> BTreeMap<String, String> {
    let ended = program.run(&["documents", "list", "--json"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let documents = ended.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned();
    documents.map(|document| (text(&document["name"]), text(&document["active"]["sha256"]))).collect()
}

fn files(root: &Path) -> BTreeMap<String, String> {
    let names = (0..FILES).map(name).filter(|name| root.join(name).exists());
    names.map(|name| (name.clone(), sha256(&fs::read(root.join(&name)).unwrap()))).collect()
}

async fn killed_at(program: &Program, point: &str) {
    let ended = program.clone().set("FOOTNOTE_FAILPOINTS", point).run(&["sync"]).await;
    assert_eq!(ended.code, None, "the program was not killed at {point}: {ended:?}");
}

fn report(ended: &Ended) -> serde_json::Value {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.json()[0]["report"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pass_that_was_killed_is_gone_on_with() {
    let (data, source) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = source.path().join("docs");
    for number in 0..FILES {
        write_settled(&root.join(name(number)), format!("The file number {number} is new.").as_bytes());
    }
    let file = source.path().join("connectors.toml");
    let described = format!("[[connectors]]\nname = \"one\"\nkind = \"folder\"\npath = \"{}\"\n", root.display());
    fs::write(&file, described).unwrap();
    let program = Program::new(data.path()).await.set("FOOTNOTE_CONNECTORS", &file);

    // While it uploads, twice: what was registered is not read again.
    killed_at(&program, "upload.registered=kill@20").await;
    killed_at(&program, "upload.registered=kill@20").await;
    let went_on = report(&program.run(&["sync", "--json"]).await);
    assert_eq!((went_on["unchanged"].as_u64(), went_on["added"].as_u64()), (Some(40), Some(20)), "{went_on}");
    assert_eq!(listed(&program).await, files(&root));

    // Between listing and deleting, and while it deletes.
    for number in 0..25 {
        fs::remove_file(root.join(name(number))).unwrap();
    }
    killed_at(&program, "connector.listed=kill").await;
    assert_eq!(listed(&program).await.len(), FILES);
    killed_at(&program, "connector.dropped=kill@10").await;
    assert_eq!(listed(&program).await.len(), FILES - 10);
    // What was deleted by then and is there again comes back.
    for number in 0..25 {
        write_settled(&root.join(name(number)), format!("The file number {number} is new.").as_bytes());
    }
    let ended = report(&program.run(&["sync", "--json"]).await);
    assert_eq!((ended["added"].as_u64(), ended["deleted"].as_u64()), (Some(10), Some(0)), "{ended}");
    assert_eq!(listed(&program).await, files(&root));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connector_that_is_not_configured_any_more_is_shown_and_taken_away() {
    let (data, source) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = source.path().join("docs");
    for number in 0..3 {
        write_settled(&root.join(name(number)), format!("The file number {number} is new.").as_bytes());
    }
    let file = source.path().join("connectors.toml");
    let described = format!("[[connectors]]\nname = \"one\"\nkind = \"folder\"\npath = \"{}\"\n", root.display());
    fs::write(&file, described).unwrap();
    let without = Program::new(data.path()).await;
    let with = without.clone().set("FOOTNOTE_CONNECTORS", &file);
    let refused = without.run(&["sync"]).await;
    assert!(refused.code == Some(1) && refused.stderr.contains("FOOTNOTE_CONNECTORS"), "{refused:?}");
    report(&with.run(&["sync", "--json"]).await);
    let shown = with.run(&["connectors", "list"]).await;
    assert!(shown.stdout.contains("3 documents of 3 items") && shown.stdout.contains("docs"), "{shown:?}");
    let refused = with.run(&["connectors", "remove", "one"]).await;
    assert!(refused.code == Some(1) && refused.stderr.contains("configuration"), "{refused:?}");

    let shown = without.run(&["connectors", "list"]).await;
    assert!(shown.stdout.contains("not followed any more"), "{shown:?}");
    assert_eq!(listed(&without).await.len(), 3);
    let removed = without.run(&["connectors", "remove", "one"]).await;
    assert!(removed.code == Some(0) && removed.stdout.contains("3 documents deleted"), "{removed:?}");
    assert!(listed(&without).await.is_empty());
    assert_eq!(without.run(&["connectors", "list"]).await.stdout, "");
}
