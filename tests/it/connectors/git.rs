//! What holds for Git repositories alone.

use footnote::domain::PassOutcome;

use super::{
    app_with, complete, documents, pass,
    places::{Place, Repository, git},
    sha256,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_branch_that_was_written_anew_is_followed_as_it_is() {
    let mut repository = Repository::new().await;
    repository.put("a.md", b"one").await;
    repository.put("b.md", b"two").await;
    repository.put("c.md", b"three").await;
    let (app, _dir) = app_with(&repository.connector("branch = \"main\"")).await;
    complete(&app, "one").await;
    // Another history: nothing of the first one is its ancestor.
    let work = repository.work();
    git(&work, &["checkout", "--quiet", "--orphan", "fresh"]);
    std::fs::remove_file(work.join("b.md")).unwrap();
    repository.put("a.md", b"one, rewritten").await;
    git(&work, &["branch", "--force", "main", "fresh"]);
    let ended = complete(&app, "one").await;
    assert_eq!((ended.report.changed, ended.report.deleted, ended.report.unchanged), (1, 1, 1), "{ended:?}");
    let found = documents(&app).await;
    assert_eq!(found["a.md"], sha256(b"one, rewritten"));
    assert_eq!(found.into_keys().collect::<Vec<_>>(), ["a.md", "c.md"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_branch_and_one_folder_are_followed_and_no_other() {
    let mut repository = Repository::new().await;
    repository.put("docs/a.md", b"one").await;
    repository.put("src/b.md", b"two").await;
    let work = repository.work();
    git(&work, &["checkout", "--quiet", "-b", "draft"]);
    repository.put("docs/c.md", b"three").await;
    git(&work, &["checkout", "--quiet", "main"]);
    let (app, _dir) = app_with(&repository.connector("branch = \"main\"\nfolder = \"docs\"")).await;
    complete(&app, "one").await;
    assert_eq!(documents(&app).await.into_keys().collect::<Vec<_>>(), ["a.md"]);

    // A branch that is not there any more is no empty one.
    git(&work, &["checkout", "--quiet", "draft"]);
    git(&work, &["branch", "--quiet", "-D", "main"]);
    let ended = pass(&app, "one").await;
    assert_eq!((ended.outcome, ended.report.deleted), (PassOutcome::Failed, 0), "{ended:?}");
    assert_eq!(documents(&app).await.len(), 1);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_are_not_followed_and_pointers_to_large_files_are_told() {
    let mut repository = Repository::new().await;
    std::os::unix::fs::symlink("/etc/passwd", repository.work().join("link.md")).unwrap();
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n";
    repository.put("large.pdf", pointer).await;
    repository.put("a.md", b"one").await;
    let (app, _dir) = app_with(&repository.connector("")).await;
    let ended = complete(&app, "one").await;
    assert_eq!((ended.report.added, ended.report.failed, ended.report.passed_over), (1, 1, 1), "{ended:?}");
    let shown = app.read("/v1/connectors/one").await;
    assert!(shown["failures"][0]["error"].as_str().unwrap().contains("Git LFS"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_a_killed_program_left_does_not_stop_anything() {
    let mut repository = Repository::new().await;
    repository.put("a.md", b"one").await;
    let (app, _dir) = app_with(&repository.connector("")).await;
    complete(&app, "one").await;
    let mirror = app.app.config.data_dir.join("connectors/one.git");
    std::fs::write(mirror.join("shallow.lock"), "").unwrap();
    repository.put("b.md", b"two").await;
    complete(&app, "one").await;
    assert_eq!(documents(&app).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fetches_that_were_killed_have_left_does_not_pile_up() {
    let mut repository = Repository::new().await;
    repository.put("a.md", b"one").await;
    let (app, _dir) = app_with(&repository.connector("")).await;
    complete(&app, "one").await;
    let unfinished = app.app.config.data_dir.join("connectors/one.git/objects/pack/tmp_pack_aBcDeF");
    std::fs::create_dir_all(unfinished.parent().unwrap()).unwrap();
    std::fs::write(&unfinished, "PACK").unwrap();
    complete(&app, "one").await;
    assert!(!unfinished.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mirror_that_was_killed_while_it_was_made_is_mended() {
    let mut repository = Repository::new().await;
    repository.put("a.md", b"one").await;
    let (app, _dir) = app_with(&repository.connector("")).await;
    let mirror = app.app.config.data_dir.join("connectors/one.git");
    std::fs::create_dir_all(&mirror).unwrap();
    std::fs::write(mirror.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    complete(&app, "one").await;
    assert_eq!(documents(&app).await.len(), 1);
}
