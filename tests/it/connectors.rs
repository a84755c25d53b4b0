//! Connectors: documents kept in step with folders, buckets, websites and Git repositories.

mod broken;
mod contract;
mod folder;
mod git;
mod killed;
mod places;
mod sitemap;
mod told;

use std::{collections::BTreeMap, path::Path};

use footnote::{
    connectors::{Follower, PassEnded},
    domain::PassOutcome,
    metadata_store::DocumentQuery,
};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::test_app::TestApp;

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// An application whose connectors are described by this text; it takes no jobs.
pub async fn app_with(connectors: &str) -> (TestApp, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("connectors.toml");
    std::fs::write(&file, connectors).unwrap();
    let mut app = TestApp::idle_with(|settings| settings.connectors = Some(file)).await;
    app.leaves_jobs();
    (app, dir)
}

/// Follows a connector of the application's configuration.
pub fn follower(app: &TestApp, name: &str) -> Follower {
    let connector = app.app.config.connectors.get(name).expect("it is configured").clone();
    Follower::new(app.app.connectors.clone(), connector).unwrap()
}

/// One pass of a connector.
pub async fn pass(app: &TestApp, name: &str) -> PassEnded {
    follower(app, name).once(false, &CancellationToken::new()).await.unwrap().expect("nobody stops it")
}

/// One pass that reaches its end.
pub async fn complete(app: &TestApp, name: &str) -> PassEnded {
    let ended = pass(app, name).await;
    assert_eq!((ended.outcome, &ended.error), (PassOutcome::Complete, &None), "{ended:?}");
    ended
}

/// The documents by their names, with the sums of their newest versions.
pub async fn documents(app: &TestApp) -> BTreeMap<String, String> {
    let (mut found, mut cursor) = (BTreeMap::new(), None);
    loop {
        let query = DocumentQuery { cursor, limit: 1_000, ..DocumentQuery::default() };
        let page = app.app.metadata.documents(query).await.unwrap();
        found.extend(page.items.into_iter().map(|document| (document.name, document.latest.sha256)));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return found;
        }
    }
}

/// Writes a file whose time of change lies some time ago, as that of most files does.
pub fn write_settled(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
    let past = std::time::SystemTime::now() - std::time::Duration::from_secs(3_600);
    std::fs::File::options().write(true).open(path).unwrap().set_modified(past).unwrap();
}
