//! Deleting what a source does not hold any more, after a pass has seen everything that it holds.
//!
//! May depend on the rest of `connectors`. A source that lost much at once has more often lost its disk than its documents,
//! so a pass deletes no more than a share of them by itself.

use super::sync::{SyncError, Work};
use crate::{
    domain::{PassOutcome, PassReport},
    faults,
    metadata_store::{MetadataStoreError, Vanished},
};

/// How many items are deleted between two looks.
const TOGETHER: u32 = 200;
/// So many documents are never too many, as long as others are left.
const FEW: u64 = 10;

/// Deletes the documents of the items that the pass has not seen, unless they are too many.
pub(super) async fn sweep(work: &Work<'_>, report: &mut PassReport) -> Result<PassOutcome, SyncError> {
    let vanished = work.store().vanished(work.pass).await?;
    if !work.pass.confirmed && are_too_many(vanished, work.connector.most_deleted) {
        report.held_back = vanished.documents;
        return Ok(PassOutcome::HeldBack);
    }
    loop {
        let items = work.store().vanished_items(work.pass, TOGETHER).await?;
        if items.is_empty() {
            return Ok(PassOutcome::Complete);
        }
        for item in items {
            if work.store().drop_item(work.pass, &item).await?.is_some() {
                report.deleted += 1;
                work.services.ingest.wake.notify_one();
            }
            faults::point("connector.dropped").await.map_err(MetadataStoreError::from)?;
        }
    }
}

/// Whether so many documents go at once that somebody should look first: all of them, or more than the share.
fn are_too_many(vanished: Vanished, share: f64) -> bool {
    let Vanished { documents, of } = vanished;
    documents > 0 && (documents == of || documents > FEW && documents as f64 > share * of as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_them_or_more_than_the_share_are_too_many() {
        let too_many = |documents, of, share| are_too_many(Vanished { documents, of }, share);
        for (documents, of, share) in [(1, 1, 1.0), (11, 20, 0.5), (1_000, 1_000, 1.0), (51, 100, 0.5)] {
            assert!(too_many(documents, of, share), "{documents} of {of}");
        }
        for (documents, of, share) in [(0, 0, 0.5), (0, 5, 0.5), (9, 10, 0.5), (50, 100, 0.5), (99, 100, 1.0)] {
            assert!(!too_many(documents, of, share), "{documents} of {of}");
        }
    }
}
