//! Archives that are not what was written, and restores that do not end.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use footnote::{
    app::{App, OpenStores, Purpose},
    archive::{self, BackupOptions, Chain, RestoreOptions},
};
use tempfile::TempDir;

use super::{answers, back_up, embedded, restore};
use crate::{
    program::Program,
    sample,
    test_app::{TestApp, models},
};

/// A backup of the sample, and where its members lie: the place of the first byte and the size, by name.
async fn sample_backup() -> (TempDir, PathBuf, BTreeMap<String, (usize, usize)>) {
    let app = TestApp::start().await;
    app.ingest_form(sample::form()).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("backup.tar");
    back_up(&app, &path, &BackupOptions::default()).await;
    let members = members(&std::fs::read(&path).unwrap());
    (dir, path, members)
}

/// Walked as any program walks a tar file.
fn members(bytes: &[u8]) -> BTreeMap<String, (usize, usize)> {
    let (mut at, mut found) = (0, BTreeMap::new());
    while bytes[at] != 0 {
        let name = |range: std::ops::Range<usize>| {
            let field = &bytes[at + range.start..at + range.end];
            String::from_utf8(field.split(|byte| *byte == 0).next().unwrap().to_vec()).unwrap()
        };
        let (prefix, short) = (name(345..500), name(0..100));
        let size = usize::from_str_radix(name(124..136).trim(), 8).unwrap();
        let name = if prefix.is_empty() { short } else { format!("{prefix}/{short}") };
        found.insert(name, (at + 512, size));
        at += 512 + size.div_ceil(512) * 512;
    }
    found
}

/// The folder of a member, or its name where it has none.
fn kind(name: &str) -> &str {
    name.split('/').next().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_as_it_was_written_is_refused_before_anything_changes() {
    let (dir, path, members) = sample_backup().await;
    let bytes = std::fs::read(&path).unwrap();
    archive::verify(&path).await.unwrap();
    let mut kinds: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (name, place) in members.iter().filter(|(_, (_, size))| *size > 0) {
        kinds.entry(kind(name)).or_insert(*place);
    }
    for wanted in ["footnote-archive.json", "records", "originals", "texts", "vectors", "manifest.jsonl", "end.json"] {
        assert!(kinds.contains_key(wanted), "{wanted} in {kinds:?}");
    }
    let broken = dir.path().join("broken.tar");
    let refused = async |what: &str, bytes: &[u8]| {
        std::fs::write(&broken, bytes).unwrap();
        archive::verify(&broken).await.expect_err(what).to_string()
    };
    for (kind, (start, size)) in &kinds {
        // In the content, in the head before it, in the zeros behind it.
        let mut places = vec![*start, start + size / 2, start + size - 1, start - 512, start - 400, start - 1];
        if size % 512 != 0 {
            places.push(start + size);
        }
        for place in places {
            let mut flipped = bytes.clone();
            flipped[place] ^= 0x20;
            refused(&format!("{kind}, byte {}", place as i64 - *start as i64), &flipped).await;
        }
    }
    for length in [0, 100, 512, bytes.len() / 2, bytes.len() - 1, bytes.len() - 512, bytes.len() - 1024] {
        refused(&format!("cut off at {length}"), &bytes[..length]).await;
    }
    refused("something behind it", &[&bytes[..], &[0; 512]].concat()).await;
    // A member taken out, another one twice.
    let (start, size) = kinds["originals"];
    let member = start - 512..start + size.div_ceil(512) * 512;
    let without = [&bytes[..member.start], &bytes[member.end..]].concat();
    refused("an original is missing", &without).await;
    refused("an original is there twice", &[&bytes[..member.end], &bytes[member.start..]].concat()).await;
    let error = refused("another file", b"not an archive at all").await;
    assert!(error.contains("no archive"), "{error}");

    // And the program changes nothing then.
    let mut flipped = bytes.clone();
    flipped[kinds["vectors"].0 + 5] ^= 1;
    std::fs::write(&broken, &flipped).unwrap();
    let there = dir.path().join("there");
    let program = Program::new(&there).await;
    let ended = program.run(&["restore", broken.to_str().unwrap()]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("vectors/") && ended.stderr.contains("not as it was written"), "{ended:?}");
    assert_eq!(std::fs::read_dir(&there).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_is_an_ordinary_tar_file() {
    let (dir, path, members) = sample_backup().await;
    let listed = std::process::Command::new("tar").arg("-tf").arg(&path).output().unwrap();
    assert!(listed.status.success(), "{listed:?}");
    let mut listed: Vec<String> = String::from_utf8(listed.stdout).unwrap().lines().map(str::to_owned).collect();
    listed.sort();
    assert_eq!(listed, members.keys().cloned().collect::<Vec<_>>());
    drop(dir);
}

/// A moment of a restore, as it is seen from outside.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// The database says that it has begun.
    Begun,
    /// There is a file below this folder of the blob store.
    Blob(&'static str),
    /// The generation is there.
    Generation,
}

/// Starts a restore and drops it at a moment; false when it had ended by then.
async fn cut_off(path: &Path, there: &Path, moment: Moment) -> bool {
    let chain = Chain::verify(path, &[]).await.unwrap();
    let config = embedded(there);
    let stores = OpenStores::open(&config).await.unwrap();
    let options = RestoreOptions::default();
    let seen = async || match moment {
        Moment::Begun => stores.installation.metadata.restore_under_way().await.unwrap().is_some(),
        Moment::Blob(folder) => {
            let files = walkdir::WalkDir::new(config.data_dir.join("blobs").join(folder)).into_iter();
            files.filter_map(Result::ok).any(|entry| entry.file_type().is_file())
        }
        Moment::Generation => !stores.installation.vectors.generations().await.unwrap().is_empty(),
    };
    let come = async {
        while !seen().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        () = come => true,
        ended = archive::restore(&chain, &stores.installation, &options) => {
            ended.unwrap();
            false
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_that_did_not_end_says_so_and_is_begun_again() {
    let (dir, path, _) = sample_backup().await;
    let mut seen = 0;
    let moments = [Moment::Begun, Moment::Generation, Moment::Blob("originals"), Moment::Blob("texts")];
    for (number, moment) in moments.into_iter().enumerate() {
        let there = dir.path().join(format!("there-{number}"));
        if cut_off(&path, &there, moment).await {
            let config = embedded(&there);
            let begun = {
                let stores = OpenStores::open(&config).await.unwrap();
                stores.installation.metadata.restore_under_way().await.unwrap()
            };
            let purpose = Purpose { answers: false, any_index: false };
            let started = App::with_models(config.clone(), models().await, purpose).await;
            match begun {
                Some(_) => {
                    seen += 1;
                    let error = started.map(drop).unwrap_err().to_string();
                    assert!(error.contains("footnote restore"), "{error}");
                }
                // Before its first step or after its last one.
                None => drop(started.unwrap()),
            }
            let program = Program::new(&there).await;
            if begun.is_some() {
                let checked = program.run(&["doctor"]).await;
                assert!(checked.stdout.contains("footnote restore"), "{checked:?}");
            }
            restore(&path, &[], &config, &RestoreOptions { replace: begun.is_none(), ..RestoreOptions::default() })
                .await;
        }
        let app = TestApp::start_from(embedded(&there)).await;
        assert_eq!(answers(&app).await.len(), 16);
        super::check_clean(&app).await;
    }
    assert!(seen > 0, "no restore was cut off in the middle");
}
