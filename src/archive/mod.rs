//! Backups: one portable file with everything an installation holds, whatever backends it runs on.
//!
//! An archive is a plain tar file, so that it can be looked into with any tar. Its members, in this order:
//!
//! ```text
//! footnote-archive.json                        what it is: format, time, program, stamp of the index, the one before it
//! records/<table>.<piece>.jsonl                the metadata of one moment, one record a line
//! originals/<sha256>                           the bytes that were uploaded
//! texts/<document>/<version>.<generation>.json the extracted texts that citations index
//! vectors/<document>/<version>.<generation>.<piece>  16 bytes of a passage's id, its dense vector as 32-bit numbers,
//!                                              little-endian; the sparse ones are made again from the passages
//! adapters/<sha256>/<file>, evaluations/<sha256>/<file>
//! left-out.jsonl                               versions that were replaced while the archive was written
//! deletions.jsonl                              every document that was ever deleted, as of the end
//! manifest.jsonl                               every member before it with its size and SHA-256
//! end.json                                     the number of members, and the SHA-256 of the manifest: the archive's name
//! ```
//!
//! `backup` writes one from a store that serves, `verify` reads every byte of one, and `restore` fills an empty store from
//! it. An incremental archive leaves out what an earlier one holds and names that one; a `chain` is both together.
//! Memory does not grow with the number of documents: everything is walked in the order of its names. May depend on
//! `domain`, the stores, the blob store and `models::lexical`.

use std::{path::PathBuf, sync::Arc};

use crate::{blob_store::BlobStore, metadata_store::MetadataStore, vector_store::VectorStore};

mod backup;
mod chain;
mod deletions;
mod error;
mod manifest;
mod reader;
mod records;
mod restore;
mod verify;
mod writer;

pub use backup::{BackupOptions, BackupSummary, backup};
pub use chain::Chain;
pub use deletions::{export_deletions, read_deletions};
pub use error::ArchiveError;
pub use manifest::Header;
pub use restore::{RestoreOptions, RestoreSummary, restore};
pub use verify::{Verified, verify};

/// What is backed up, or restored into.
#[derive(Clone)]
pub struct Installation {
    /// Documents, jobs, conversations, adapters.
    pub metadata: Arc<dyn MetadataStore>,
    /// Vectors.
    pub vectors: Arc<dyn VectorStore>,
    /// Originals, texts, folders.
    pub blobs: BlobStore,
    /// A directory for what is on its way; there must be room for the metadata.
    pub scratch: PathBuf,
}

/// The format that this program writes and reads.
pub const FORMAT: u32 = 2;
