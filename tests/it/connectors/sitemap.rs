//! What holds for websites alone.

use std::time::Duration;

use axum::http::StatusCode;
use footnote::{
    connectors::Follower,
    domain::{JobKind, PassOutcome},
    metadata_store::DocumentQuery,
};
use tokio_util::sync::CancellationToken;

use super::{
    app_with, complete, documents, pass,
    places::{Place, Website},
    sha256,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_are_asked_whether_they_changed_and_not_at_all_where_the_sitemap_says_so() {
    let mut site = Website::new().await;
    for page in ["a", "b"] {
        site.put(page, page.as_bytes()).await;
    }
    site.pages.lock().unwrap().last_modified.insert("b".to_owned(), "2026-01-01".to_owned());
    let (app, _dir) = app_with(&site.connector("")).await;
    complete(&app, "one").await;
    assert_eq!(site.answered(), [("a".to_owned(), 200), ("b".to_owned(), 200)]);
    complete(&app, "one").await;
    assert_eq!(site.answered(), [("a".to_owned(), 304)]);
    // The sitemap says that it changed, and the page that it did not.
    site.pages.lock().unwrap().last_modified.insert("b".to_owned(), "2026-01-02".to_owned());
    let ended = complete(&app, "one").await;
    assert_eq!(site.answered(), [("a".to_owned(), 304), ("b".to_owned(), 304)]);
    assert_eq!(ended.report.unchanged, 2);
    complete(&app, "one").await;
    assert_eq!(site.answered(), [("a".to_owned(), 304)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_is_listed_and_not_there_is_gone() {
    let mut site = Website::new().await;
    for page in ["a", "b", "c"] {
        site.put(page, page.as_bytes()).await;
    }
    let (app, _dir) = app_with(&site.connector("")).await;
    complete(&app, "one").await;
    site.remove("b").await;
    site.pages.lock().unwrap().listed_only.push("b".to_owned());
    let ended = complete(&app, "one").await;
    assert_eq!((ended.report.missing, ended.report.deleted), (1, 1), "{ended:?}");
    assert_eq!(documents(&app).await.into_keys().collect::<Vec<_>>(), [site.url("a"), site.url("c")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sitemap_that_is_none_costs_no_document() {
    let mut site = Website::new().await;
    for page in ["a", "b"] {
        site.put(page, page.as_bytes()).await;
    }
    let (app, _dir) = app_with(&site.connector("")).await;
    complete(&app, "one").await;
    for (status, body, expected) in [
        (StatusCode::INTERNAL_SERVER_ERROR, "", "500"),
        (StatusCode::NOT_FOUND, "", "not there"),
        (StatusCode::OK, "<html><body>We are moving</body></html>", "no sitemap"),
        (StatusCode::OK, "<urlset><url><loc>http://127.0.0.1/a</loc>", "middle"),
    ] {
        site.pages.lock().unwrap().sitemap = Some((status, body.to_owned()));
        let ended = pass(&app, "one").await;
        assert_eq!((ended.outcome, ended.report.deleted), (PassOutcome::Failed, 0), "{ended:?}");
        assert!(ended.error.as_ref().unwrap().contains(expected), "{ended:?}");
        assert_eq!(documents(&app).await.len(), 2);
    }
    // One that lists nothing is complete, and not believed.
    site.pages.lock().unwrap().sitemap = Some((StatusCode::OK, "<urlset/>".to_owned()));
    assert_eq!(pass(&app, "one").await.outcome, PassOutcome::HeldBack);
    assert_eq!(documents(&app).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_other_host_is_asked() {
    let (mut site, mut other) = (Website::new().await, Website::new().await);
    other.put("secret", b"of another service").await;
    site.put("a", b"one").await;
    let to = [("away".to_owned(), other.url("secret")), ("b".to_owned(), site.url("a"))];
    site.pages.lock().unwrap().redirects.extend(to);
    let (app, _dir) = app_with(&site.connector("")).await;
    let ended = complete(&app, "one").await;
    assert_eq!((ended.report.added, ended.report.failed), (2, 1), "{ended:?}");
    let shown = app.read("/v1/connectors/one").await;
    assert!(shown["failures"][0]["error"].as_str().unwrap().contains("another host"), "{shown}");
    assert_eq!(other.answered(), []);
    let found = documents(&app).await;
    assert_eq!(found[&site.url("b")], sha256(b"one"), "a redirect in the site is followed");
    assert!(!found.values().any(|sum| *sum == sha256(b"of another service")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_network_is_asked_only_when_that_is_allowed() {
    let mut site = Website::new().await;
    site.put("a", b"one").await;
    let connector = site.connector("").replace("private_network = true", "private_network = false");
    let (app, _dir) = app_with(&connector).await;
    let ended = pass(&app, "one").await;
    assert_eq!(ended.outcome, PassOutcome::Failed, "{ended:?}");
    assert!(ended.error.unwrap().contains("private_network = true"));
    assert_eq!(site.answered(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_that_goes_away_in_the_middle_ends_the_pass() {
    let mut site = Website::new().await;
    for page in 0..30 {
        site.put(&format!("{page:02}"), format!("page {page}").as_bytes()).await;
    }
    let (app, _dir) = app_with(&site.connector("ask_every_page = true")).await;
    complete(&app, "one").await;
    site.answered();
    site.pages.lock().unwrap().broken = true;
    let ended = pass(&app, "one").await;
    assert_eq!((ended.outcome, ended.report.deleted), (PassOutcome::Failed, 0), "{ended:?}");
    assert!(ended.error.as_ref().unwrap().contains("503"), "{ended:?}");
    assert_eq!(site.answered().len(), 10, "it is not asked for all of them in vain");
    assert_eq!(documents(&app).await.len(), 30);
    site.pages.lock().unwrap().broken = false;
    let ended = complete(&app, "one").await;
    assert_eq!((ended.report.failed, ended.report.changed, ended.report.unchanged), (0, 0, 30), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_that_get_another_name_keep_the_old_one_until_they_can_be_read() {
    let mut site = Website::new().await;
    for page in ["a", "b"] {
        site.put(page, page.as_bytes()).await;
    }
    let (app, _dir) = app_with(&site.connector("")).await;
    complete(&app, "one").await;
    let before = documents(&app).await;
    let mut connector = app.app.config.connectors.get("one").unwrap().clone();
    connector.prefix = "site/".to_owned();
    let renamed = Follower::new(app.app.connectors.clone(), connector).unwrap();
    let look = async || renamed.once(false, &CancellationToken::new()).await.unwrap().unwrap();
    site.pages.lock().unwrap().broken = true;
    assert_eq!(look().await.report.failed, 2);
    assert_eq!(documents(&app).await, before, "nothing goes because a site is away");
    site.pages.lock().unwrap().broken = false;
    assert_eq!(look().await.report.changed, 2);
    let names = ["a", "b"].map(|page| format!("site/{}", site.url(page)));
    assert_eq!(documents(&app).await.into_keys().collect::<Vec<_>>(), names);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_which_nothing_tells_whether_it_changed_is_news_only_when_its_bytes_are() {
    let mut site = Website::new().await;
    site.pages.lock().unwrap().without_tags = true;
    for page in ["a", "b"] {
        site.put(page, page.as_bytes()).await;
    }
    let (app, _dir) = app_with(&site.connector("")).await;
    complete(&app, "one").await;
    let metadata = &app.app.metadata;
    // One of them cannot be ingested, and the other is deleted here.
    let leased = metadata.lease_job(&[JobKind::Ingest], Duration::from_secs(3_600)).await.unwrap().unwrap();
    metadata.fail_job(leased.job.id, &leased.token, "no text", None).await.unwrap();
    let failed = leased.job.document_id.unwrap();
    let query = DocumentQuery { limit: 10, ..DocumentQuery::default() };
    let all = metadata.documents(query).await.unwrap().items;
    let other = all.into_iter().find(|document| document.id != failed).unwrap();
    metadata.delete_document(other.id).await.unwrap();
    // Also when the site was away in between.
    for broken in [false, true, false, false] {
        site.pages.lock().unwrap().broken = broken;
        let ended = complete(&app, "one").await;
        let expected = if broken { (0, 2) } else { (2, 0) };
        assert_eq!((ended.report.unchanged, ended.report.failed), expected, "{ended:?}");
        assert_eq!(metadata.document(failed).await.unwrap().latest.version, 1, "it is not tried for ever");
        assert_eq!(documents(&app).await.len(), 1, "what was deleted here stays away");
    }
    for page in ["a", "b"] {
        site.put(page, format!("{page}, changed").as_bytes()).await;
    }
    assert_eq!(complete(&app, "one").await.report.changed, 2);
    assert_eq!(metadata.document(failed).await.unwrap().latest.version, 2);
    assert_eq!(documents(&app).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_that_are_always_broken_keep_the_others_away_once() {
    let mut site = Website::new().await;
    for page in 0..15 {
        let page = format!("{page:02}");
        site.put(&page, page.as_bytes()).await;
        if page.as_str() < "12" {
            site.pages.lock().unwrap().broken_pages.insert(page);
        }
    }
    let (app, _dir) = app_with(&site.connector("")).await;
    assert_eq!(pass(&app, "one").await.outcome, PassOutcome::Failed);
    let ended = complete(&app, "one").await;
    assert_eq!((ended.report.failed, ended.report.added), (12, 3), "{ended:?}");
}
