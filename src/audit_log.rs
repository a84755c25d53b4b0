//! Entries of the audit log on their way to the store: whoever is answered does not wait for the disk.
//!
//! A task writes what has gathered, in one transaction. The way has a bound: when the store does not keep up, requests wait
//! for it a little, and an entry for which there is no place then is said in the program's log. What is on its way when the
//! process is killed is lost; an orderly end waits for it. May depend on the metadata store.

use std::{sync::Arc, time::Duration};

use tokio::sync::{mpsc, oneshot};

use crate::metadata_store::{MetadataStore, NewAuditEntry};

/// How many entries may be on their way.
const ON_THEIR_WAY: usize = 4_096;
/// How many are written together.
const TOGETHER: usize = 256;
/// How long a request waits for a place.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often a batch is tried that the store does not take.
const ATTEMPTS: u32 = 5;
/// The wait after the first attempt, doubled after each.
const WAIT: Duration = Duration::from_millis(250);

enum Sent {
    Entry(Box<NewAuditEntry>),
    /// Tell when everything before it has been written.
    Flush(oneshot::Sender<()>),
}

/// Takes entries. Cheap to clone.
#[derive(Clone)]
pub struct AuditLog(Option<mpsc::Sender<Sent>>);

impl AuditLog {
    /// One that writes to this store until the last clone of it is dropped. Must be called within a Tokio runtime.
    pub fn start(metadata: Arc<dyn MetadataStore>) -> Self {
        let (sender, receiver) = mpsc::channel(ON_THEIR_WAY);
        tokio::spawn(write(metadata, receiver));
        Self(Some(sender))
    }

    /// One that keeps nothing.
    pub fn off() -> Self {
        Self(None)
    }

    /// Whether entries are kept.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Sends an entry on its way.
    pub async fn add(&self, entry: NewAuditEntry) {
        let Some(sender) = &self.0 else { return };
        let sent = sender.send_timeout(Sent::Entry(Box::new(entry)), PATIENCE).await;
        if let Err(mpsc::error::SendTimeoutError::Timeout(Sent::Entry(entry))) = sent {
            tracing::error!(?entry, "there was no place for an entry of the audit log: the database does not keep up");
        }
    }

    /// Waits until everything that was sent has been written, or given up.
    pub async fn flush(&self) {
        let Some(sender) = &self.0 else { return };
        let (done, written) = oneshot::channel();
        if sender.send(Sent::Flush(done)).await.is_ok() {
            // The writer is gone only with the runtime.
            let _ = written.await;
        }
    }
}

async fn write(metadata: Arc<dyn MetadataStore>, mut receiver: mpsc::Receiver<Sent>) {
    let mut gathered = Vec::with_capacity(TOGETHER);
    while receiver.recv_many(&mut gathered, TOGETHER).await > 0 {
        let (mut entries, mut waiting) = (Vec::new(), Vec::new());
        for sent in gathered.drain(..) {
            match sent {
                Sent::Entry(entry) => entries.push(*entry),
                Sent::Flush(done) => waiting.push(done),
            }
        }
        write_batch(&*metadata, entries).await;
        for done in waiting {
            // Who has stopped waiting does not hear it.
            let _ = done.send(());
        }
    }
}

async fn write_batch(metadata: &dyn MetadataStore, entries: Vec<NewAuditEntry>) {
    let mut wait = WAIT;
    for attempt in 1..=ATTEMPTS {
        match metadata.add_audit_entries(&entries).await {
            Ok(()) => return,
            Err(error) if error.is_transient() && attempt < ATTEMPTS => {
                tracing::warn!(%error, "entries of the audit log wait for the database");
                tokio::time::sleep(wait).await;
                wait *= 2;
            }
            Err(error) => {
                tracing::error!(%error, ?entries, "entries could not be written to the audit log");
                return;
            }
        }
    }
}
