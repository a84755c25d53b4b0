//! Taking bytes in: they are received, then stored and registered, with their job, before the caller is told so.
//!
//! May depend on `domain`, the stores and the other modules of `ingest`.

use std::time::Duration;

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use super::{IngestError, IngestServices};
use crate::{
    domain::{Access, JobPriority, Metadata},
    faults,
    metadata_store::{NewUpload, Pass, Registered, SeenItem, check_access_labels, check_description},
};

/// How long a sender may send nothing.
const STALLED: Duration = Duration::from_secs(60);

/// Bytes that have arrived, in a scratch file that goes when this is dropped.
#[derive(Debug)]
pub struct Received {
    file: NamedTempFile,
    sha256: String,
    size_bytes: u64,
}

impl Received {
    /// How many bytes there are.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Their SHA-256, in lower-case hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

/// Why bytes were not received.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The file is larger than what is taken.
    #[error("the file is larger than {0} bytes, the most that is taken (max_upload_bytes)")]
    TooLarge(u64),
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// The sender broke off.
    #[error("the upload broke off: {0}")]
    Broken(std::io::Error),
    /// The sender sent nothing for a minute.
    #[error("the upload sent nothing for {} s", STALLED.as_secs())]
    Stalled,
    /// The scratch directory failed.
    #[error("cannot write to the scratch directory: {0}")]
    Scratch(std::io::Error),
}

impl ReceiveError {
    /// Whether the same upload may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Broken(_) | Self::Stalled | Self::Scratch(_))
    }
}

/// Reads bytes to their end. Memory does not grow with them, and nothing is left when they break off.
pub async fn receive(
    services: &IngestServices,
    reader: &mut (dyn AsyncRead + Unpin + Send),
    max_bytes: u64,
) -> Result<Received, ReceiveError> {
    let file = NamedTempFile::new_in(&services.scratch).map_err(ReceiveError::Scratch)?;
    let mut writer = tokio::fs::File::from_std(file.reopen().map_err(ReceiveError::Scratch)?);
    let (mut hash, mut size_bytes) = (Sha256::new(), 0u64);
    let mut buffer = vec![0u8; 64 * 1024];
    loop {
        let read = tokio::time::timeout(STALLED, reader.read(&mut buffer))
            .await
            .map_err(|_| ReceiveError::Stalled)?
            .map_err(ReceiveError::Broken)?;
        if read == 0 {
            break;
        }
        size_bytes += read as u64;
        if size_bytes > max_bytes {
            return Err(ReceiveError::TooLarge(max_bytes));
        }
        hash.update(&buffer[..read]);
        writer.write_all(&buffer[..read]).await.map_err(ReceiveError::Scratch)?;
    }
    writer.flush().await.map_err(ReceiveError::Scratch)?;
    if size_bytes == 0 {
        return Err(ReceiveError::Empty);
    }
    Ok(Received { file, sha256: hex::encode(hash.finalize()), size_bytes })
}

/// What is said about files that are uploaded together.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// The collection.
    pub collection: String,
    /// What filters can name.
    pub metadata: Metadata,
    /// Who may read them: see [`Document::access`](crate::domain::Document::access).
    pub access: Vec<String>,
    /// What their uploader may read.
    pub replaces: Access,
}

impl Description {
    /// Files of which nothing else is said, uploaded by the program itself.
    pub fn of(collection: impl Into<String>) -> Self {
        let (metadata, access) = (Metadata::new(), Vec::new());
        Self { collection: collection.into(), metadata, access, replaces: Access::everything() }
    }
}

/// Stores and registers what was received. When this returns `Ok`, the upload survives `kill -9`: the bytes lie in
/// the blob store, and the version and its job were committed together.
pub async fn register(
    services: &IngestServices,
    name: &str,
    description: Description,
    priority: JobPriority,
    received: &Received,
) -> Result<Registered, IngestError> {
    store_and_register(services, name, description, priority, received, None).await
}

/// The same for an item of a connector, which is recorded in the same transaction.
pub async fn register_item(
    services: &IngestServices,
    name: &str,
    description: Description,
    priority: JobPriority,
    received: &Received,
    pass: &Pass,
    seen: SeenItem,
) -> Result<Registered, IngestError> {
    store_and_register(services, name, description, priority, received, Some((pass, seen))).await
}

async fn store_and_register(
    services: &IngestServices,
    name: &str,
    description: Description,
    priority: JobPriority,
    received: &Received,
    item: Option<(&Pass, SeenItem)>,
) -> Result<Registered, IngestError> {
    let Description { collection, metadata, access, replaces } = description;
    // Before the bytes are stored: of an upload that is refused nothing stays.
    check_description(&collection, name, &metadata)?;
    check_access_labels(&access)?;
    faults::point("upload.received").await?;
    let _originals = services.originals.read().await;
    services.blobs.put_original(&received.sha256, received.file.path()).await?;
    faults::point("upload.stored").await?;
    let upload = NewUpload {
        collection,
        name: name.to_owned(),
        metadata,
        access,
        replaces,
        sha256: received.sha256.clone(),
        size_bytes: received.size_bytes,
        priority,
    };
    let registered = match item {
        None => services.metadata.register_upload(upload).await?,
        Some((pass, seen)) => services.metadata.register_item(pass, seen, upload).await?,
    };
    faults::point("upload.registered").await?;
    // A purge on another machine may have removed the bytes between the two calls, when nothing referred to them yet.
    services.blobs.put_original(&received.sha256, received.file.path()).await?;
    services.wake.notify_one();
    faults::point("upload.answering").await?;
    Ok(registered)
}
