//! The files that the service is installed with name settings and commands that there are.

use std::{collections::BTreeSet, path::Path};

use footnote::config::{Config, Settings};

use super::{FOLDER, read};
use crate::program::Program;

/// The variables of ours that a text names.
fn variables(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
    words.filter(|word| word.starts_with("FOOTNOTE_")).collect()
}

#[test]
fn units_and_manifests_set_what_can_be_set() {
    let known: BTreeSet<&str> = Settings::KEYS.iter().map(|(_, variable)| *variable).collect();
    let mut named = BTreeSet::new();
    for folder in ["deploy/systemd", "deploy/kubernetes"] {
        for entry in std::fs::read_dir(format!("{FOLDER}/{folder}")).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            named.extend(variables(&text).into_iter().map(str::to_owned));
        }
    }
    assert!(named.len() > 6, "{named:?}");
    for variable in named {
        assert!(known.contains(variable.as_str()), "{variable} is no setting");
    }
}

#[test]
fn the_manifests_belong_together_and_ask_how_the_service_is() {
    let folder = format!("{FOLDER}/deploy/kubernetes");
    let files: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "kustomization.yaml")
        .collect();
    let kustomization = read("deploy/kubernetes/kustomization.yaml");
    let named: BTreeSet<String> = kustomization
        .lines()
        .filter_map(|line| line.strip_prefix("  - "))
        .filter(|name| name.ends_with(".yaml"))
        .map(str::to_owned)
        .collect();
    assert_eq!(named, files);
    for name in ["serve.yaml", "worker.yaml"] {
        let text = read(&format!("deploy/kubernetes/{name}"));
        for line in [
            "livenessProbe:",
            "readinessProbe:",
            "httpGet: {path: /healthz, port: http}",
            "httpGet: {path: /readyz, port: http}",
            "runAsNonRoot: true",
            "readOnlyRootFilesystem: true",
            "allowPrivilegeEscalation: false",
            "drop: [ALL]",
        ] {
            assert!(text.contains(line), "{name} lacks {line}");
        }
    }
}

/// The number behind a word, up to what is no digit.
fn number_after(text: &str, word: &str) -> u64 {
    let (_, rest) = text.split_once(word).unwrap_or_else(|| panic!("no {word}"));
    rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

#[test]
fn who_stops_the_service_waits_for_as_long_as_it_may_take() {
    let directory = Some(Path::new("/data").to_owned());
    let settings = Settings { data_dir: directory.clone(), models_dir: directory, ..Settings::default() };
    let grace = Config::resolve(settings).unwrap().shutdown_grace.as_secs();
    // For requests, then for jobs, and then for the last spans.
    let takes = 2 * grace + 10;
    assert!(number_after(&read("deploy/systemd/footnote.service"), "TimeoutStopSec=") > takes);
    assert!(number_after(&read("docker-compose.yml"), "stop_grace_period: ") > takes);
    for name in ["serve.yaml", "worker.yaml"] {
        let text = read(&format!("deploy/kubernetes/{name}"));
        let before = number_after(&text, "command: [sleep, \"");
        assert!(number_after(&text, "terminationGracePeriodSeconds: ") > takes + before, "{name}");
    }
}

#[test]
fn what_is_installed_is_there_before_it_is_used() {
    let unit = read("deploy/systemd/footnote.service");
    let at = |words: &str| unit.find(words).unwrap_or_else(|| panic!("the unit says nothing of {words}"));
    // The user cannot make the folder in /var/cache, and systemd makes it only when the service starts.
    assert!(at("install -d -m 755 -o footnote -g footnote /var/cache/footnote") < at("footnote models pull"));
    // Connectors of the kind `git` run it.
    let dockerfile = read("Dockerfile");
    assert!(dockerfile.lines().any(|line| line.contains("apt-get install") && line.contains(" git ")), "{dockerfile}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_has_a_manual_page() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("man/man1");
    let program = Program::with_models_in(&dir.path().join("data"), dir.path());
    let ended = program.run(&["man", folder.to_str().unwrap()]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let pages: BTreeSet<String> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    for page in ["footnote.1", "footnote-serve.1", "footnote-worker.1", "footnote-keys-create.1", "footnote-man.1"] {
        assert!(pages.contains(page), "{page} is not among {pages:?}");
    }
    assert!(!pages.iter().any(|page| page.contains("extract-child")), "{pages:?}");
    let serve = std::fs::read_to_string(folder.join("footnote-serve.1")).unwrap();
    assert!(serve.starts_with(".ie") || serve.contains(".TH"), "{serve}");
    assert!(serve.contains("no\\-worker") && serve.contains("FOOTNOTE_LISTEN"), "{serve}");
}
