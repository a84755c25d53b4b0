//! Without a network: everything works once the models are there, and before that the error names the command.

use std::time::{Duration, Instant};

use crate::{program::Program, sample};

/// Cuts a program off from every source of models: no Python, no hub, and proxies that nobody answers at.
fn cut_off(program: Program, empty: &std::path::Path) -> Program {
    let unreachable = "http://127.0.0.1:1";
    ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "HF_ENDPOINT"]
        .into_iter()
        .fold(program, |program, name| program.set(name, unreachable))
        .set("NO_PROXY", "")
        .set("no_proxy", "")
        .set("PATH", empty)
        .set("HF_HOME", empty)
        .set("HF_HUB_CACHE", empty)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_models_every_command_names_the_one_that_gets_them() {
    let dir = tempfile::tempdir().unwrap();
    let [data, models, empty] = ["data", "models", "empty"].map(|name| dir.path().join(name));
    std::fs::create_dir(&empty).unwrap();
    let page = dir.path().join("page.md");
    std::fs::write(&page, sample::CANTEEN).unwrap();
    let program = cut_off(Program::with_models_in(&data, &models), &empty);
    for offline in ["0", "1"] {
        let program = program.clone().set("HF_HUB_OFFLINE", offline);
        let page = page.to_str().unwrap();
        for arguments in [["ask", "Why?"].as_slice(), &["search", "Why?"], &["ingest", page], &["serve"], &["reindex"]]
        {
            let started = Instant::now();
            let ended = program.run(arguments).await;
            assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{arguments:?}: {ended:?}");
            assert!(ended.stderr.contains("footnote models pull"), "{arguments:?}: {ended:?}");
            assert!(started.elapsed() < Duration::from_secs(10), "{arguments:?} took {:?}", started.elapsed());
        }
    }
    let listed = program.run(&["models", "list"]).await;
    assert_eq!(listed.code, Some(4), "{listed:?}");
    assert!(listed.stdout.contains("missing: run `footnote models pull`"), "{listed:?}");
    let doctor = program.run(&["doctor"]).await;
    assert_eq!(doctor.code, Some(1), "{doctor:?}");
    assert!(doctor.stdout.contains("PROBLEM") && doctor.stdout.contains("footnote models pull"), "{doctor:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_that_reaches_nothing_says_so_quickly_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let [data, models, empty] = ["data", "models", "empty"].map(|name| dir.path().join(name));
    std::fs::create_dir(&empty).unwrap();
    let program = cut_off(Program::with_models_in(&data, &models), &empty);
    for offline in ["0", "1"] {
        let started = Instant::now();
        let ended = program.clone().set("HF_HUB_OFFLINE", offline).run(&["models", "pull"]).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("could not be fetched"), "{ended:?}");
        assert!(ended.stderr.to_lowercase().contains("python"), "{ended:?}");
        assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    }
    let left: Vec<_> = walkdir::WalkDir::new(&models)
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.is_file() && path.extension().is_none_or(|extension| extension != "lock"))
        .collect();
    assert_eq!(left, Vec::<std::path::PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_models_everything_works_without_a_network() {
    let dir = tempfile::tempdir().unwrap();
    let [data, empty] = ["data", "empty"].map(|name| dir.path().join(name));
    std::fs::create_dir(&empty).unwrap();
    let page = dir.path().join("canteen.md");
    std::fs::write(&page, sample::CANTEEN).unwrap();
    let program = cut_off(Program::new(&data).await, &empty).set("HF_HUB_OFFLINE", "1");
    let ended = program.run(&["ingest", page.to_str().unwrap()]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let (_, _, question, words) = sample::DOCUMENTS[0];
    let ended = program.run(&["ask", question]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // A person reads the answer with its footnote under it: where it stands, and the quote.
    assert!(ended.stdout.contains("[1] canteen.md") && ended.stdout.contains(words), "{ended:?}");
    let pulled = program.run(&["models", "pull"]).await;
    assert_eq!(pulled.code, Some(0), "{pulled:?}");
}
