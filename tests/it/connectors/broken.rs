//! A fault of the program inside a pass: it ends that pass, and not the following of its source.

use std::sync::Arc;

use async_trait::async_trait;
use footnote::{
    connectors::{Found, Read, Source, SourceError, SourceItem, run_pass},
    domain::PassOutcome,
    metadata_store::PassWhen,
};
use tokio_util::sync::CancellationToken;

use super::{app_with, complete, write_settled};

/// A source whose program has a fault.
struct Broken;

#[async_trait]
impl Source for Broken {
    async fn list(&self, _: Found) -> Result<(), SourceError> {
        panic!("a fault that a test has made");
    }

    async fn read(&self, _: &SourceItem, _: Option<&str>) -> Result<Read, SourceError> {
        Ok(Read::Gone)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_in_a_pass_ends_the_pass_and_costs_nothing() {
    let source = tempfile::tempdir().unwrap();
    let root = source.path().join("docs");
    write_settled(&root.join("a.md"), b"one");
    let described = format!("[[connectors]]\nname = \"one\"\nkind = \"folder\"\npath = \"{}\"\n", root.display());
    let (app, _dir) = app_with(&described).await;
    complete(&app, "one").await;

    let lease = std::time::Duration::from_secs(60);
    let pass = app.app.metadata.begin_pass("one", PassWhen::Now, lease).await.unwrap().expect("nobody holds it");
    let connector = app.app.config.connectors.get("one").unwrap();
    let broken: Arc<dyn Source> = Arc::new(Broken);
    let ended = run_pass(&app.app.connectors, connector, &broken, &pass, &CancellationToken::new()).await.unwrap();
    assert_eq!(ended.outcome, PassOutcome::Failed, "{ended:?}");
    assert!(ended.error.as_ref().unwrap().contains("a fault in this program"), "{ended:?}");

    // Nothing was deleted, the connector is free again, and the next pass goes on.
    write_settled(&root.join("b.md"), b"two");
    let next = complete(&app, "one").await;
    assert_eq!((next.report.added, next.report.unchanged, next.report.deleted), (1, 1, 0), "{next:?}");
}
