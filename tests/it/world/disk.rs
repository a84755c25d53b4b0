//! The disk is full: on a small file system of the test's own, where one can be mounted.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use reqwest::StatusCode;

use super::{check_answers, check_sound, ingest_sample, retries_are_due};
use crate::{
    sample,
    test_app::{TestApp, config, settings, until},
};

/// A file system in memory; unmounted with the value.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, megabytes: usize) -> Result<Self, String> {
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"])
            .arg(at)
            .output()
            .map_err(|error| error.to_string())?;
        match output.status.success() {
            true => Ok(Self(at.to_owned())),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    /// Fills what is left, but for so many bytes, and returns the file that does it.
    fn fill(&self, leave: usize) -> PathBuf {
        use std::io::Write as _;
        let path = self.0.join("ballast");
        let mut file = std::fs::File::create(&path).unwrap();
        let block = vec![7u8; 4096];
        let mut written = 0u64;
        while file.write_all(&block).is_ok() {
            written += block.len() as u64;
        }
        file.set_len(written.saturating_sub(leave as u64)).unwrap();
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the application may hold files for a moment longer.
        let unmounted = Command::new("umount").arg("-l").arg(&self.0).status();
        assert!(std::thread::panicking() || unmounted.is_ok_and(|status| status.success()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let disk = match SmallDisk::mount(dir.path(), 400) {
        Ok(disk) => disk,
        Err(why) => return println!("not run: no file system can be mounted here: {why}"),
    };
    let app = TestApp::start_from(config(settings(dir.path()))).await;
    let mut expected = ingest_sample(&app).await;
    check_answers(&app).await;

    // Room for a little more: some uploads are still taken, and cannot be ingested.
    let mut taken = BTreeMap::new();
    let mut refused = 0;
    let ballast = disk.fill(256 << 10);
    for number in 0..60 {
        let (name, text) = (format!("depot-{number}.md"), sample::long_document(&format!("depot {number}"), 40));
        let (status, body) = app.upload(&name, text.clone()).await;
        match status {
            StatusCode::ACCEPTED => drop(taken.insert(name, text)),
            StatusCode::SERVICE_UNAVAILABLE => refused += 1,
            other => panic!("{other}: {body}"),
        }
    }
    println!("disk full: {} uploads were taken, and {refused} refused with 503", taken.len());
    assert!(refused > 0 && !taken.is_empty());
    // Reading needs no room, and a record of what was asked is not asked for here.
    check_answers(&app).await;
    std::fs::remove_file(ballast).unwrap();
    expected.extend(taken.clone());
    // What failed meanwhile is repeated; what could not be tried often enough says why, and can be retried.
    until("every job has ended", async || {
        retries_are_due(&app, None).await;
        app.app.metadata.counts().await.is_ok_and(|counts| counts.open_jobs == 0)
    })
    .await;
    let failed = app.read("/v1/jobs?state=failed&limit=1000").await;
    for job in failed["jobs"].as_array().unwrap() {
        println!("failed while the disk was full: {}", job["error"]);
        let (status, body) =
            app.post(&format!("/v1/jobs/{}/retry", job["id"].as_str().unwrap()), serde_json::json!({})).await;
        assert_eq!(status, StatusCode::OK, "{body}");
    }
    check_sound(&app, &expected).await;
    check_answers(&app).await;
    let (config, _) = app.stop().await;
    // Everything was written: a new start finds it.
    let app = TestApp::start_from(config).await;
    check_sound(&app, &expected).await;
    app.stop().await;
    drop(disk);
}
