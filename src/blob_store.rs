//! The original bytes of every upload, and the text that was extracted from it; `folders` are adapters and evaluations.
//!
//! Originals are stored under their SHA-256, so the same bytes are kept once. May depend on `domain` and the
//! `object_store` crate, whose types do not leave this module.

mod folders;
mod inventory;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures::StreamExt;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, local::LocalFileSystem, path::Path as Key};
use tokio::io::AsyncWriteExt;

pub use folders::FolderKind;
pub use inventory::TextName;

use crate::{
    domain::{DocumentId, ExtractedDocument, GenerationNumber},
    faults::{self, Fault},
};

/// How long one operation on the store may take.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How long a whole original may take on its way into the store.
const COPY_TIMEOUT: Duration = Duration::from_secs(600);

/// What went wrong in the blob store.
#[derive(Debug, thiserror::Error)]
pub enum BlobStoreError {
    /// The URL names no store that this program knows.
    #[error("`{0}` is not a blob store: use file:///an/absolute/directory{S3_HINT}")]
    UnknownUrl(String),
    /// There is no such object.
    #[error("the blob store has no `{0}`")]
    NotFound(String),
    /// What is stored is not what was written.
    #[error("the blob store holds a damaged `{0}`: {1}")]
    Damaged(String, String),
    /// The store could not be reached or did not answer in time.
    #[error("the blob store is unavailable: {0}")]
    Unavailable(String),
}

#[cfg(feature = "s3")]
const S3_HINT: &str = " or s3://bucket/prefix";
#[cfg(not(feature = "s3"))]
const S3_HINT: &str = " (s3:// needs a build with the `s3` feature)";

impl From<Fault> for BlobStoreError {
    fn from(fault: Fault) -> Self {
        Self::Unavailable(fault.to_string())
    }
}

impl BlobStoreError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// What is missing by its key: the store's own words have the absolute path, which is nobody's business.
    fn about(self, key: &Key) -> Self {
        match self {
            Self::NotFound(_) => Self::NotFound(key.to_string()),
            other => other,
        }
    }
}

/// A store of originals and extracted texts.
#[derive(Clone)]
pub struct BlobStore {
    store: Arc<dyn ObjectStore>,
    prefix: Key,
    /// The directory, when it is one.
    directory: Option<PathBuf>,
}

impl std::fmt::Debug for BlobStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlobStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl BlobStore {
    /// Opens a directory, and creates it when it does not exist.
    pub fn directory(path: &Path) -> Result<Self, BlobStoreError> {
        let unavailable =
            |error: &dyn std::fmt::Display| BlobStoreError::Unavailable(format!("{}: {error}", path.display()));
        std::fs::create_dir_all(path).map_err(|error| unavailable(&error))?;
        let store = LocalFileSystem::new_with_prefix(path).map_err(|error| unavailable(&error))?.with_fsync(true);
        Ok(Self { store: Arc::new(store), prefix: Key::default(), directory: Some(path.to_owned()) })
    }

    /// A store that lasts as long as the process.
    pub fn in_memory() -> Self {
        Self { store: Arc::new(object_store::memory::InMemory::new()), prefix: Key::default(), directory: None }
    }

    /// Opens what a URL names: `file:///directory`, or `s3://bucket/prefix` with the `s3` feature.
    pub fn open(url: &str) -> Result<Self, BlobStoreError> {
        if let Some(path) = url.strip_prefix("file://") {
            return Self::directory(Path::new(path));
        }
        #[cfg(feature = "s3")]
        if let Some(rest) = url.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            let store = object_store::aws::AmazonS3Builder::from_env()
                .with_bucket_name(bucket)
                .build()
                .map_err(|error| BlobStoreError::Unavailable(error.to_string()))?;
            return Ok(Self { store: Arc::new(store), prefix: Key::from(prefix), directory: None });
        }
        Err(BlobStoreError::UnknownUrl(url.to_owned()))
    }

    /// Removes what killed processes were writing into a directory and did not finish before `before`: files that are
    /// not under their names yet, which no list shows and no delete finds. Blocks while it looks at every file. In other
    /// stores there is nothing of the kind.
    pub fn remove_unfinished(&self, before: SystemTime) -> Result<usize, BlobStoreError> {
        let Some(directory) = &self.directory else { return Ok(0) };
        let mut removed = 0;
        for entry in walkdir::WalkDir::new(directory).into_iter().filter_map(Result::ok) {
            let name = entry.file_name().to_string_lossy();
            let unfinished =
                name.rsplit_once('#').is_some_and(|(_, n)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
            let old = || entry.metadata().ok()?.modified().ok().map(|modified| modified < before);
            if unfinished && entry.file_type().is_file() && old() == Some(true) {
                std::fs::remove_file(entry.path()).map_err(|error| {
                    BlobStoreError::Unavailable(format!("{} cannot be removed: {error}", entry.path().display()))
                })?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn original_key(&self, sha256: &str) -> Key {
        let shard = sha256.get(..2).unwrap_or("00");
        self.prefix.clone().join("originals").join(shard).join(sha256)
    }

    fn texts_of(&self, document: DocumentId) -> Key {
        self.prefix.clone().join("texts").join(document.to_string())
    }

    /// Each generation has its own text of a version: a reindex may extract it differently, and the citations of the
    /// generation before it still need theirs.
    fn text_key(&self, document: DocumentId, version: u32, generation: GenerationNumber) -> Key {
        self.texts_of(document).join(format!("{version}.{generation}.json"))
    }

    /// Puts a file into the store under its SHA-256, unless these bytes are there already.
    pub async fn put_original(&self, sha256: &str, file: &Path) -> Result<(), BlobStoreError> {
        let key = self.original_key(sha256);
        if bounded(self.store.head(&key)).await.is_ok() {
            return Ok(());
        }
        faults::point("blob.original.before").await?;
        let io = |error: std::io::Error| BlobStoreError::Unavailable(format!("{}: {error}", file.display()));
        let mut source = tokio::fs::File::open(file).await.map_err(io)?;
        let mut target = object_store::buffered::BufWriter::new(self.store.clone(), key);
        let copied = tokio::time::timeout(COPY_TIMEOUT, async {
            tokio::io::copy(&mut source, &mut target).await?;
            target.shutdown().await
        });
        copied
            .await
            .map_err(|_| BlobStoreError::Unavailable("the original was not written in time".to_owned()))?
            .map_err(|error| BlobStoreError::Unavailable(error.to_string()))?;
        Ok(faults::point("blob.original.after").await?)
    }

    /// Reads an original into a file of the caller's, and checks its sum on the way.
    pub async fn fetch_original(&self, sha256: &str, target: &Path) -> Result<(), BlobStoreError> {
        use sha2::{Digest, Sha256};
        let mut stream = self.original(sha256).await?;
        let io = |error: std::io::Error| BlobStoreError::Unavailable(format!("{}: {error}", target.display()));
        let mut file = tokio::fs::File::create(target).await.map_err(io)?;
        let mut hash = Sha256::new();
        loop {
            let next = tokio::time::timeout(TIMEOUT, stream.next());
            let Some(piece) =
                next.await.map_err(|_| BlobStoreError::Unavailable(format!("original {sha256} stalled")))?
            else {
                break;
            };
            let piece = piece?;
            hash.update(&piece);
            file.write_all(&piece).await.map_err(io)?;
        }
        file.flush().await.map_err(io)?;
        let found = hex::encode(hash.finalize());
        if found == sha256 {
            Ok(())
        } else {
            Err(BlobStoreError::Damaged(sha256.to_owned(), format!("its sha256 is now {found}")))
        }
    }

    /// An original as a stream of bytes.
    pub async fn original(
        &self,
        sha256: &str,
    ) -> Result<futures::stream::BoxStream<'static, Result<Bytes, BlobStoreError>>, BlobStoreError> {
        let key = self.original_key(sha256);
        let found = bounded(self.store.get(&key)).await.map_err(|error| error.about(&key))?;
        Ok(found.into_stream().map(|piece| piece.map_err(from_object_store)).boxed())
    }

    /// Removes an original; `Ok` when there is none.
    pub async fn delete_original(&self, sha256: &str) -> Result<(), BlobStoreError> {
        self.delete(&self.original_key(sha256)).await
    }

    /// Writes what extraction made of a version for a generation, in place of what was there.
    pub async fn put_text(
        &self,
        document: DocumentId,
        version: u32,
        generation: GenerationNumber,
        text: &ExtractedDocument,
    ) -> Result<(), BlobStoreError> {
        let key = self.text_key(document, version, generation);
        let body =
            serde_json::to_vec(text).map_err(|error| BlobStoreError::Damaged(key.to_string(), error.to_string()))?;
        faults::point("blob.text.before").await?;
        bounded(self.store.put(&key, PutPayload::from(body))).await?;
        Ok(faults::point("blob.text.after").await?)
    }

    /// Reads what extraction made of a version for a generation.
    pub async fn text(
        &self,
        document: DocumentId,
        version: u32,
        generation: GenerationNumber,
    ) -> Result<ExtractedDocument, BlobStoreError> {
        let key = self.text_key(document, version, generation);
        let read = bounded(async { self.store.get(&key).await?.bytes().await }).await;
        let body = read.map_err(|error| error.about(&key))?;
        serde_json::from_slice(&body).map_err(|error| BlobStoreError::Damaged(key.to_string(), error.to_string()))
    }

    /// Removes the texts of one version of a document, or of all of them, in every generation. Returns how many.
    pub async fn delete_texts(&self, document: DocumentId, version: Option<u32>) -> Result<u64, BlobStoreError> {
        let prefix = version.map_or_else(String::new, |version| format!("{version}."));
        let deleted = self.delete_where(&self.texts_of(document), |name| name.starts_with(&prefix)).await?;
        if let (None, Some(directory)) = (version, &self.directory) {
            // Its folder would stay for ever, and be looked into by every list. One that is not empty stays.
            let _ = tokio::fs::remove_dir(directory.join("texts").join(document.to_string())).await;
        }
        Ok(deleted)
    }

    /// Removes every text of a generation that is no longer searched.
    pub async fn delete_texts_of_generation(&self, generation: GenerationNumber) -> Result<u64, BlobStoreError> {
        let suffix = format!(".{generation}.json");
        self.delete_where(&self.prefix.clone().join("texts"), |name| name.ends_with(&suffix)).await
    }

    async fn delete(&self, key: &Key) -> Result<(), BlobStoreError> {
        faults::point("blob.delete.before").await?;
        ignore_missing(bounded(self.store.delete(key)).await)?;
        Ok(faults::point("blob.delete.after").await?)
    }

    async fn delete_where(&self, folder: &Key, matches: impl Fn(&str) -> bool) -> Result<u64, BlobStoreError> {
        let (mut entries, mut deleted) = (self.store.list(Some(folder)), 0);
        while let Some(entry) = bounded(async { entries.next().await.transpose() }).await? {
            if entry.location.filename().is_some_and(&matches) {
                self.delete(&entry.location).await?;
                deleted += 1;
            }
        }
        Ok(deleted)
    }

    /// `Ok` when the store can be reached.
    pub async fn ping(&self) -> Result<(), BlobStoreError> {
        let key = self.prefix.clone().join("ping");
        ignore_missing(bounded(self.store.head(&key)).await.map(|_| ()))
    }
}

async fn bounded<T>(work: impl Future<Output = object_store::Result<T>>) -> Result<T, BlobStoreError> {
    tokio::time::timeout(TIMEOUT, work)
        .await
        .map_err(|_| BlobStoreError::Unavailable(format!("no answer within {} s", TIMEOUT.as_secs())))?
        .map_err(from_object_store)
}

fn from_object_store(error: object_store::Error) -> BlobStoreError {
    match error {
        object_store::Error::NotFound { path, .. } => BlobStoreError::NotFound(path),
        other => BlobStoreError::Unavailable(other.to_string()),
    }
}

fn ignore_missing(result: Result<(), BlobStoreError>) -> Result<(), BlobStoreError> {
    match result {
        Err(BlobStoreError::NotFound(_)) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    async fn keep(blobs: &BlobStore, scratch: &Path, bytes: &[u8]) -> String {
        use sha2::{Digest, Sha256};
        let (file, sha256) = (scratch.join("in"), hex::encode(Sha256::digest(bytes)));
        std::fs::write(&file, bytes).unwrap();
        blobs.put_original(&sha256, &file).await.unwrap();
        sha256
    }

    #[tokio::test]
    async fn an_original_comes_back_as_it_went_in_and_is_kept_once() {
        let (dir, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let blobs = BlobStore::directory(dir.path()).unwrap();
        let bytes = vec![7u8; 200_000];
        let sha256 = keep(&blobs, scratch.path(), &bytes).await;
        assert_eq!(keep(&blobs, scratch.path(), &bytes).await, sha256);
        let target = scratch.path().join("out");
        blobs.fetch_original(&sha256, &target).await.unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), bytes);
    }

    #[tokio::test]
    async fn a_damaged_original_is_reported_and_a_deleted_one_is_missing() {
        let (dir, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let blobs = BlobStore::directory(dir.path()).unwrap();
        let sha256 = keep(&blobs, scratch.path(), b"hello").await;
        let on_disk = dir.path().join("originals").join(&sha256[..2]).join(&sha256);
        std::fs::write(&on_disk, b"hellO").unwrap();
        let target = scratch.path().join("out");
        let error = blobs.fetch_original(&sha256, &target).await.unwrap_err();
        assert!(matches!(error, BlobStoreError::Damaged(..)), "{error}");
        blobs.delete_original(&sha256).await.unwrap();
        blobs.delete_original(&sha256).await.unwrap();
        let error = blobs.fetch_original(&sha256, &target).await.unwrap_err();
        let key = format!("originals/{}/{sha256}", &sha256[..2]);
        assert!(matches!(&error, BlobStoreError::NotFound(named) if *named == key), "{error}");
    }

    #[tokio::test]
    async fn what_was_not_finished_goes_and_what_is_being_written_stays() {
        let (dir, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let blobs = BlobStore::directory(dir.path()).unwrap();
        let sha256 = keep(&blobs, scratch.path(), b"hello").await;
        let whole = dir.path().join("originals").join(&sha256[..2]).join(&sha256);
        let half = whole.with_file_name(format!("{sha256}#1"));
        std::fs::write(&half, "hel").unwrap();
        assert_eq!(blobs.remove_unfinished(SystemTime::now() - Duration::from_secs(3_600)).unwrap(), 0);
        assert!(half.exists(), "somebody may be writing it");
        assert_eq!(blobs.remove_unfinished(SystemTime::now() + Duration::from_secs(1)).unwrap(), 1);
        assert!(whole.exists() && !half.exists());
        assert_eq!(BlobStore::in_memory().remove_unfinished(SystemTime::now()).unwrap(), 0);
    }

    #[tokio::test]
    async fn texts_of_a_document_go_together() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = BlobStore::directory(dir.path()).unwrap();
        let (document, text) = (DocumentId::new(), ExtractedDocument { text: "é".into(), ..Default::default() });
        for (version, generation) in [(1, 1), (2, 1), (2, 11), (12, 1)] {
            blobs.put_text(document, version, generation, &text).await.unwrap();
        }
        assert_eq!(blobs.text(document, 2, 11).await.unwrap(), text);
        blobs.delete_texts(document, Some(2)).await.unwrap();
        assert!(blobs.text(document, 2, 1).await.is_err() && blobs.text(document, 2, 11).await.is_err());
        assert!(blobs.text(document, 12, 1).await.is_ok());
        blobs.delete_texts_of_generation(1).await.unwrap();
        assert!(blobs.text(document, 1, 1).await.is_err());
        blobs.put_text(document, 1, 2, &text).await.unwrap();
        let folder = dir.path().join("texts").join(document.to_string());
        assert!(folder.is_dir());
        blobs.delete_texts(document, None).await.unwrap();
        assert!(blobs.text(document, 1, 2).await.is_err() && !folder.exists());
        blobs.put_text(document, 1, 2, &text).await.unwrap();
        assert_eq!(blobs.text(document, 1, 2).await.unwrap(), text);
    }

    #[test]
    fn an_unknown_url_names_what_is_known() {
        let error = BlobStore::open("ftp://x").unwrap_err().to_string();
        assert!(error.contains("file:///"), "{error}");
    }
}
