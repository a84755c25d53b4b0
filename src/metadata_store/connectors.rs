//! Connectors: whose turn it is to look at a source, what it was seen to hold, and which document each item became.
//!
//! May depend on `domain`. A document that a connector made belongs to it: nobody else uploads under its name, and the
//! connector touches no other. Both are decided in the transaction that registers an upload.

use std::time::Duration;

use async_trait::async_trait;

use super::{NewUpload, Registered, StoreResult};
use crate::domain::{ConnectorKind, ConnectorState, DocumentId, ItemFailure, JobId, LastPass, PassOutcome};

/// A pass over a source that a process has begun, and proof that it is the one that runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    /// The connector.
    pub connector: String,
    /// The number of the pass.
    pub number: u64,
    /// Proves the lease.
    pub token: String,
    /// Somebody has confirmed that it may delete as much as has vanished.
    pub confirmed: bool,
}

/// When a pass is to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassWhen {
    /// When the interval is over, or somebody has asked for one.
    IfDue,
    /// Now.
    Now,
}

/// How a pass ended.
#[derive(Debug, Clone, PartialEq)]
pub struct PassEnd {
    /// How.
    pub outcome: PassOutcome,
    /// Why not as it should.
    pub error: Option<String>,
    /// What it did.
    pub report: crate::domain::PassReport,
    /// In how long the next one is due.
    pub again_in: Duration,
}

/// An item of a source as a pass found it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeenItem {
    /// What the source calls it: 1 to 1,024 bytes.
    pub item: String,
    /// What it is; empty when it is to be read again.
    pub fingerprint: String,
    /// What the source wants to be told when it is asked for it again.
    pub validator: Option<String>,
    /// Why it was not taken over.
    pub error: Option<String>,
}

/// An item as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownItem {
    /// What was seen.
    pub seen: SeenItem,
    /// The document that it became, which may have been deleted since.
    pub document_id: Option<DocumentId>,
}

/// How much a pass did not see of what earlier ones saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Vanished {
    /// Documents that are there and whose items it did not see.
    pub documents: u64,
    /// Documents of the connector that are there.
    pub of: u64,
}

/// Connectors and what they follow.
#[async_trait]
pub trait ConnectorStore: Send + Sync + 'static {
    /// Makes a connector known, so that it is listed and a pass can be asked for. `Conflict` when one of that name
    /// followed a source of another kind, whose documents are still there.
    async fn add_connector(&self, name: &str, kind: ConnectorKind) -> StoreResult<()>;

    /// Begins a pass of a known connector, which holds it for `lease`; `None` while another one holds it, or when it is
    /// not due. `NotFound` when the connector is not known.
    async fn begin_pass(&self, connector: &str, when: PassWhen, lease: Duration) -> StoreResult<Option<Pass>>;

    /// Extends the lease. `Conflict` when it is no longer the caller's.
    async fn keep_pass(&self, pass: &Pass, lease: Duration) -> StoreResult<()>;

    /// Ends a pass and its lease. `Conflict` when it is no longer the caller's.
    async fn end_pass(&self, pass: &Pass, end: PassEnd) -> StoreResult<()>;

    /// Asks for a pass, which begins when the one that runs has ended; with `confirmed` it deletes whatever has
    /// vanished. `NotFound` when the connector is not known.
    async fn request_pass(&self, connector: &str, confirmed: bool) -> StoreResult<()>;

    /// Makes every connector free at once, for the embedded database: see
    /// [`JobStore::expire_leases`](super::JobStore::expire_leases).
    async fn expire_passes(&self) -> StoreResult<u64>;

    /// All connectors that were ever known, by name.
    async fn connectors(&self) -> StoreResult<Vec<ConnectorState>>;

    /// The last pass of each of them, by name. Items are not counted, so this may be asked often.
    async fn last_passes(&self) -> StoreResult<Vec<LastPass>>;

    /// What is recorded of those of `items` (1,000 at most) that are known, in no order.
    async fn known_items(&self, connector: &str, items: &[String]) -> StoreResult<Vec<KnownItem>>;

    /// Records that a pass has seen items as they are recorded. `Conflict` when the pass is no longer the caller's, here
    /// and below.
    async fn mark_items(&self, pass: &Pass, items: &[String]) -> StoreResult<()>;

    /// Records what a pass has found out about an item; the document that it has become stays its own.
    async fn record_item(&self, pass: &Pass, seen: SeenItem) -> StoreResult<()>;

    /// Records an upload and that it is this item's, in one transaction: otherwise as
    /// [`DocumentStore::register_upload`](super::DocumentStore::register_upload). A document that the item was under another
    /// name, or in another collection, is deleted with it: an item is one document, and never none in between. `Conflict`
    /// when the name is that of a document that is not this item's.
    async fn register_item(&self, pass: &Pass, seen: SeenItem, upload: NewUpload) -> StoreResult<Registered>;

    /// How much this pass has not seen.
    async fn vanished(&self, pass: &Pass) -> StoreResult<Vanished>;

    /// The first `limit` (1 to 1,000) items that this pass has not seen.
    async fn vanished_items(&self, pass: &Pass, limit: u32) -> StoreResult<Vec<String>>;

    /// Forgets an item that this pass has not seen and deletes its document, if it is there, in one transaction: an item
    /// is never without its document by half. Returns the purge job of the document. `Conflict` when the pass has seen it.
    async fn drop_item(&self, pass: &Pass, item: &str) -> StoreResult<Option<JobId>>;

    /// Up to `limit` (1 to 1,000) failures behind `after`, in the order of their items: what was not taken over, and
    /// what was and whose newest version failed.
    async fn failures(&self, connector: &str, after: Option<&str>, limit: u32) -> StoreResult<Vec<ItemFailure>>;

    /// Forgets a connector and its items. Documents that are still there become like those that were uploaded by hand.
    /// `Conflict` while a pass runs; `NotFound` when it is not known.
    async fn forget_connector(&self, connector: &str) -> StoreResult<()>;
}
