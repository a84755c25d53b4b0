//! One pass over a source: what is there is compared with what is recorded, and what is new or other is taken over.
//!
//! Every item is recorded as it is taken over, in the transaction that registers its upload, so a pass that was killed
//! costs one more listing and nothing else. Deleting is `sweep`, which runs after a listing that was complete and after no
//! other. May depend on `ingest`, the metadata store and the rest of `connectors`.

use std::{collections::HashMap, sync::Arc, time::Duration};

use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::{ConnectorServices, Found, Listed, Read, Source, SourceError, SourceItem, sweep};
use crate::{
    config::Connector,
    domain::{Access, JobPriority, PassOutcome, PassReport},
    faults,
    ingest::{
        IngestError,
        upload::{self, Description, ReceiveError},
    },
    metadata_store::{DocumentQuery, KnownItem, MetadataStore, MetadataStoreError, Pass, SeenItem},
};

/// How many items are compared together.
const TOGETHER: usize = 200;
/// How long one item may take: a sender that drips is not waited for.
const ITEM: Duration = Duration::from_secs(15 * 60);
/// How many items may begin to fail one after another before the source counts as away.
const MOST_TROUBLE: u32 = 10;
/// The longest name of an item that is recorded as it is, in bytes.
const MAX_KEY: usize = 1_024;

/// Why a pass did not reach its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum SyncError {
    /// The source failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The metadata store failed.
    #[error(transparent)]
    Store(#[from] MetadataStoreError),
    /// A document could not be taken in, for reasons that are not its own.
    #[error(transparent)]
    Ingest(#[from] IngestError),
}

impl SyncError {
    /// Whether the next pass may get further although nothing has changed.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Source(error) => error.is_transient(),
            Self::Store(error) => error.is_transient(),
            Self::Ingest(error) => error.is_transient(),
        }
    }
}

/// A pass, and what it works with.
pub(super) struct Work<'a> {
    pub(super) services: &'a ConnectorServices,
    pub(super) connector: &'a Connector,
    pub(super) source: &'a Arc<dyn Source>,
    pub(super) pass: &'a Pass,
    /// The beginning of the fingerprints of what is described as the connector says now.
    described: String,
    /// The end of the fingerprints of what was refused with this configuration.
    configured: String,
}

impl<'a> Work<'a> {
    /// A pass that was begun.
    pub(super) fn new(
        services: &'a ConnectorServices,
        connector: &'a Connector,
        source: &'a Arc<dyn Source>,
        pass: &'a Pass,
    ) -> Self {
        let Connector { collection, prefix, metadata, access, .. } = connector;
        let described = short_sum(&serde_json::json!([collection, prefix, metadata, access]).to_string());
        // No secret is in it.
        let configured = short_sum(&format!("{} {:?}", services.max_upload_bytes, connector.source));
        Self { services, connector, source, pass, described, configured }
    }

    pub(super) fn store(&self) -> &dyn MetadataStore {
        &*self.services.ingest.metadata
    }

    /// Runs the pass. `report` says what was done also when that is not all.
    pub(super) async fn run(&self, report: &mut PassReport) -> Result<PassOutcome, SyncError> {
        let (found, listed) = Found::channel();
        // What was found before a listing failed is taken over; when taking over fails, nobody needs the rest.
        let list = async { Ok::<_, SyncError>(self.source.list(found).await) };
        let (listing, ()) = tokio::try_join!(list, self.take_over(listed, report))?;
        listing?;
        faults::point("connector.listed").await.map_err(MetadataStoreError::from)?;
        sweep::sweep(self, report).await
    }

    async fn take_over(&self, mut listed: mpsc::Receiver<Listed>, report: &mut PassReport) -> Result<(), SyncError> {
        let (mut batch, mut trouble) = (Vec::new(), 0);
        while listed.recv_many(&mut batch, TOGETHER).await > 0 {
            self.compare(batch.drain(..), report, &mut trouble).await?;
        }
        Ok(())
    }

    async fn compare(
        &self,
        batch: impl Iterator<Item = Listed>,
        report: &mut PassReport,
        trouble: &mut u32,
    ) -> Result<(), SyncError> {
        let mut items: Vec<(String, SourceItem)> = Vec::new();
        for listed in batch {
            match listed {
                Listed::PassedOver => report.passed_over += 1,
                Listed::Item(item) => items.push(recorded(item)),
            }
        }
        let keys: Vec<String> = items.iter().map(|(key, _)| key.clone()).collect();
        let known = self.store().known_items(&self.connector.name, &keys).await?;
        let mut known: HashMap<String, KnownItem> =
            known.into_iter().map(|known| (known.seen.item.clone(), known)).collect();
        let mut unchanged = Vec::new();
        for (key, item) in items {
            report.listed += 1;
            let known = known.remove(&key);
            let same = |known: &KnownItem| {
                let told = self.fingerprint(&item).map(|told| match known.seen.error {
                    None => told,
                    Some(_) => self.refused(&told),
                });
                !item.unsettled && told.is_some_and(|told| told == known.seen.fingerprint)
            };
            match known {
                Some(known) if same(&known) => {
                    *if known.seen.error.is_some() { &mut report.failed } else { &mut report.unchanged } += 1;
                    unchanged.push(key);
                }
                known => self.follow(&key, &item, known, report, trouble).await?,
            }
        }
        Ok(self.store().mark_items(self.pass, &unchanged).await?)
    }

    /// What is recorded of an item whose state is told by the source, and how it is described.
    fn fingerprint(&self, item: &SourceItem) -> Option<String> {
        let of_source = item.fingerprint.as_ref()?;
        Some(format!("{} {}", self.described, hex::encode(Sha256::digest(of_source.as_bytes()))))
    }

    /// What is recorded of an item that is refused in this state: other limits, or another configuration, may take it.
    fn refused(&self, fingerprint: &str) -> String {
        format!("{fingerprint} {}", self.configured)
    }

    /// Takes an item over, or records why not.
    async fn follow(
        &self,
        key: &str,
        item: &SourceItem,
        known: Option<KnownItem>,
        report: &mut PassReport,
        trouble: &mut u32,
    ) -> Result<(), SyncError> {
        let (before, validator) = (known.as_ref().and_then(|known| known.document_id), self.validator(known.as_ref()));
        let failed_before = known.as_ref().is_some_and(|known| known.seen.error.is_some());
        // Of what only reading tells, nothing is known yet but how it is described.
        let fingerprint = self.fingerprint(item).unwrap_or_else(|| self.described.clone());
        let seen = SeenItem { item: key.to_owned(), fingerprint, validator, error: None };
        let worked = tokio::time::timeout(ITEM, self.try_follow(&seen, item, known.as_ref())).await;
        let worked = worked
            .unwrap_or_else(|_| Err(Failure::Later(format!("it was not read within {} minutes", ITEM.as_secs() / 60))));
        if !matches!(worked, Err(Failure::Later(_))) {
            *trouble = 0;
        }
        match worked {
            Ok(Followed::Gone) => report.missing += 1,
            Ok(Followed::AsBefore) => report.unchanged += 1,
            Ok(Followed::New) if before.is_some() => report.changed += 1,
            Ok(Followed::New) => report.added += 1,
            Err(Failure::Item(why)) => {
                report.failed += 1;
                // What is being written is looked at again.
                let fingerprint = if item.unsettled { String::new() } else { self.refused(&seen.fingerprint) };
                self.store().record_item(self.pass, SeenItem { error: Some(why), fingerprint, ..seen }).await?;
            }
            Err(Failure::Later(why)) => {
                report.failed += 1;
                // What only its bytes tell is read in each pass anyway, and then compared with those from before.
                let told = known.filter(|_| item.fingerprint.is_none()).map(|known| known.seen.fingerprint);
                let fingerprint = told.unwrap_or_default();
                self.store().record_item(self.pass, SeenItem { error: Some(why.clone()), fingerprint, ..seen }).await?;
                // What failed before says nothing of the source now: else so many that are broken, and listed one after
                // another, would keep all others away for ever.
                *trouble += u32::from(!failed_before);
                if *trouble == MOST_TROUBLE {
                    let why = format!("{MOST_TROUBLE} items one after another could not be read, the last one: {why}");
                    return Err(SourceError::Unavailable(why).into());
                }
                return Ok(());
            }
            Err(Failure::Taken(why)) => {
                report.failed += 1;
                // Looked at again in each pass: the name may become free without the item changing.
                let fingerprint = String::new();
                self.store().record_item(self.pass, SeenItem { error: Some(why), fingerprint, ..seen }).await?;
                return Ok(());
            }
            Err(Failure::Pass(error)) => return Err(error),
        }
        report.unsettled += u64::from(item.unsettled);
        Ok(())
    }

    /// What the source is told of an item, if its document is what the source gave then and is described as now.
    fn validator(&self, known: Option<&KnownItem>) -> Option<String> {
        let known = known.filter(|known| known.document_id.is_some() && known.seen.error.is_none())?;
        known.seen.validator.clone().filter(|_| known.seen.fingerprint.starts_with(&self.described))
    }

    async fn try_follow(
        &self,
        seen: &SeenItem,
        item: &SourceItem,
        known: Option<&KnownItem>,
    ) -> Result<Followed, Failure> {
        if let Some(problem) = &item.problem {
            return Err(Failure::Item(problem.clone()));
        }
        let max_bytes = self.services.max_upload_bytes;
        if item.size.is_some_and(|size| size > max_bytes) {
            return Err(Failure::Item(ReceiveError::TooLarge(max_bytes).to_string()));
        }
        let name = format!("{}{}", self.connector.prefix, item.key);
        self.check_name(&name, known).await?;
        let read = self.source.read(item, seen.validator.as_deref()).await;
        let (mut reader, size, validator) = match read {
            Ok(Read::Gone) => return Ok(Followed::Gone),
            Ok(Read::Unchanged) => {
                // Where only the bytes tell, they are those that were told before.
                let told = known.filter(|_| item.fingerprint.is_none()).map(|known| known.seen.fingerprint.clone());
                let fingerprint = told.unwrap_or_else(|| seen.fingerprint.clone());
                return self.as_before(SeenItem { fingerprint, ..seen.clone() }).await;
            }
            Ok(Read::Bytes { reader, size, validator }) => (reader, size, validator),
            Err(error) if error.is_transient() => return Err(Failure::Later(error.to_string())),
            Err(error) => return Err(Failure::Item(error.to_string())),
        };
        let received = upload::receive(&self.services.ingest, &mut reader, max_bytes).await.map_err(not_received)?;
        if size.is_some_and(|size| size != received.size_bytes()) {
            return Err(Failure::Later("the source broke off before its end".to_owned()));
        }
        let fingerprint = match &item.fingerprint {
            _ if item.unsettled => String::new(),
            Some(_) => seen.fingerprint.clone(),
            None => format!("{} {}", self.described, received.sha256()),
        };
        let read = SeenItem { fingerprint, validator, ..seen.clone() };
        // It has its document, or had one that was deleted here, or could not be ingested: only another state is news.
        if item.fingerprint.is_none() && known.is_some_and(|known| is_same(known, &read.fingerprint)) {
            return self.as_before(read).await;
        }
        self.register(&name, read, &received).await
    }

    async fn as_before(&self, seen: SeenItem) -> Result<Followed, Failure> {
        self.store().record_item(self.pass, seen).await.map_err(SyncError::from)?;
        Ok(Followed::AsBefore)
    }

    async fn register(&self, name: &str, seen: SeenItem, received: &upload::Received) -> Result<Followed, Failure> {
        let Connector { collection, metadata, access, .. } = self.connector;
        let description = Description {
            collection: collection.clone(),
            metadata: metadata.clone(),
            access: access.clone(),
            replaces: Access::everything(),
        };
        // Behind what people upload while they wait for it.
        let (services, priority) = (&self.services.ingest, JobPriority::Low);
        let registered = upload::register_item(services, name, description, priority, received, self.pass, seen).await;
        match registered {
            Ok(registered) if registered.duplicate => Ok(Followed::AsBefore),
            Ok(_) => Ok(Followed::New),
            Err(IngestError::Metadata(MetadataStoreError::Conflict(why))) => {
                // Or is it that the pass is no longer ours?
                self.store().keep_pass(self.pass, super::follow::LEASE).await.map_err(SyncError::from)?;
                Err(Failure::Taken(why))
            }
            Err(IngestError::Metadata(error @ MetadataStoreError::Invalid(_))) => Err(Failure::Item(error.to_string())),
            Err(error) => Err(Failure::Pass(error.into())),
        }
    }

    /// Sees to it that the name is the item's own, before anything is read for it.
    async fn check_name(&self, name: &str, known: Option<&KnownItem>) -> Result<(), Failure> {
        let collection = &self.connector.collection;
        if let Some(document) = known.and_then(|known| known.document_id) {
            match self.store().document(document).await {
                Ok(document) if document.name == *name && document.collection == *collection => return Ok(()),
                // It was deleted here, or the connector was given another prefix or collection: what has the old name goes
                // when there is something to take its place.
                Ok(_) | Err(MetadataStoreError::NotFound { .. }) => {}
                Err(error) => return Err(Failure::Pass(error.into())),
            }
        }
        let (collection, name_of) = (Some(collection.clone()), Some(name.to_owned()));
        let query = DocumentQuery { collection, name: name_of, limit: 1, ..DocumentQuery::default() };
        match self.store().documents(query).await {
            Ok(page) if page.items.is_empty() => Ok(()),
            Ok(_) => Err(Failure::Taken(format!(
                "the name `{name}` is taken by a document that is not this item's: delete that one, or give the connector \
                 another `prefix` or `collection`"
            ))),
            Err(error @ MetadataStoreError::Invalid(_)) => Err(Failure::Item(error.to_string())),
            Err(error) => Err(Failure::Pass(error.into())),
        }
    }
}

/// Whether an item became a document when it was in the state that this tells.
fn is_same(known: &KnownItem, fingerprint: &str) -> bool {
    known.document_id.is_some() && known.seen.fingerprint == fingerprint
}

/// What became of an item.
enum Followed {
    /// A document, or another version of it.
    New,
    /// Its document holds it already.
    AsBefore,
    /// It is not there.
    Gone,
}

/// Why an item did not become a document.
enum Failure {
    /// Because of what it is: it is tried again when it changes, or the configuration does.
    Item(String),
    /// Because the source did not give it: it is tried again in the next pass.
    Later(String),
    /// Because its name is taken.
    Taken(String),
    /// Because nothing goes on.
    Pass(SyncError),
}

impl From<SyncError> for Failure {
    fn from(error: SyncError) -> Self {
        Self::Pass(error)
    }
}

fn not_received(error: ReceiveError) -> Failure {
    match error {
        ReceiveError::Empty | ReceiveError::TooLarge(_) => Failure::Item(error.to_string()),
        ReceiveError::Broken(_) | ReceiveError::Stalled => Failure::Later(error.to_string()),
        ReceiveError::Scratch(error) => Failure::Pass(IngestError::Scratch(error).into()),
    }
}

/// The beginning of a sum: enough to tell one configuration from the next.
fn short_sum(text: &str) -> String {
    hex::encode(&Sha256::digest(text.as_bytes())[..8])
}

/// An item with the name that it is recorded under: its own, unless no store takes it.
fn recorded(item: SourceItem) -> (String, SourceItem) {
    if item.key.len() <= MAX_KEY && !item.key.trim().is_empty() && !item.key.chars().any(char::is_control) {
        return (item.key.clone(), item);
    }
    let shown: String = item.key.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(100).collect();
    let sum = hex::encode(Sha256::digest(item.key.as_bytes()));
    let problem = item.problem.clone().unwrap_or_else(|| {
        format!("its name is empty, longer than {MAX_KEY} bytes, or holds control characters: give it another name")
    });
    (format!("{shown}… {}", &sum[..16]), SourceItem { problem: Some(problem), ..item })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(key: &str) -> SourceItem {
        SourceItem { key: key.to_owned(), ..SourceItem::default() }
    }

    #[test]
    fn what_no_store_takes_is_recorded_under_a_name_of_its_own() {
        assert_eq!(recorded(item("a/b.md")), ("a/b.md".to_owned(), item("a/b.md")));
        let long = "é".repeat(600);
        let (key, listed) = recorded(item(&long));
        assert!(key.len() < MAX_KEY && key.starts_with('é') && listed.problem.is_some(), "{key}");
        assert_ne!(key, recorded(item(&(long + "x"))).0);
        let (key, listed) = recorded(item("a\nb"));
        assert!(key.starts_with("a\u{fffd}b") && listed.problem.is_some(), "{key}");
    }
}
