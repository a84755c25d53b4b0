//! Small folders of files that belong together, each under a sum that its reader can check: adapters, and the runs that
//! measured them.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::StreamExt;
use object_store::{ObjectStoreExt, PutPayload, path::Path as Key};

use super::{BlobStore, BlobStoreError, bounded};

/// What a folder holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FolderKind {
    /// The files of an adapter, under the sum over all of them.
    Adapter,
    /// The files of an evaluation's run, under the sum of its card.
    Evaluation,
}

impl FolderKind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Adapter => "adapters",
            Self::Evaluation => "evaluations",
        }
    }
}

impl BlobStore {
    /// Writes the files of a folder. A folder that was written half is completed by writing it again.
    pub async fn put_folder(
        &self,
        kind: FolderKind,
        sum: &str,
        files: &BTreeMap<String, Bytes>,
    ) -> Result<(), BlobStoreError> {
        for (name, bytes) in files {
            let key = self.folder_key(kind, sum).join(name.as_str());
            bounded(self.store.put(&key, PutPayload::from(bytes.clone()))).await?;
        }
        Ok(())
    }

    /// Reads the files of a folder, by their names. Whether they are those that were written, the caller checks by the
    /// sum.
    pub async fn folder(&self, kind: FolderKind, sum: &str) -> Result<BTreeMap<String, Bytes>, BlobStoreError> {
        let folder = self.folder_key(kind, sum);
        let mut files = BTreeMap::new();
        let mut entries = self.store.list(Some(&folder));
        while let Some(entry) = bounded(async { entries.next().await.transpose() }).await? {
            let Some(name) = entry.location.filename() else { continue };
            let key = entry.location.clone();
            let bytes = bounded(async { self.store.get(&key).await?.bytes().await }).await;
            files.insert(name.to_owned(), bytes.map_err(|error| error.about(&key))?);
        }
        if files.is_empty() { Err(BlobStoreError::NotFound(folder.to_string())) } else { Ok(files) }
    }

    fn folder_key(&self, kind: FolderKind, sum: &str) -> Key {
        self.prefix.clone().join(kind.prefix()).join(sum)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn a_folder_comes_back_and_a_half_written_one_is_completed() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = BlobStore::directory(dir.path()).unwrap();
        let missing = blobs.folder(FolderKind::Adapter, "0123").await.unwrap_err();
        assert!(matches!(&missing, BlobStoreError::NotFound(key) if key == "adapters/0123"), "{missing}");
        let file = |name: &str, bytes: &'static [u8]| (name.to_owned(), Bytes::from_static(bytes));
        let half = BTreeMap::from([file("a.json", b"{}")]);
        let whole = BTreeMap::from([file("a.json", b"{}"), file("b.safetensors", &[0, 255])]);
        blobs.put_folder(FolderKind::Adapter, "0123", &half).await.unwrap();
        blobs.put_folder(FolderKind::Adapter, "0123", &whole).await.unwrap();
        blobs.put_folder(FolderKind::Evaluation, "0123", &half).await.unwrap();
        assert_eq!(blobs.folder(FolderKind::Adapter, "0123").await.unwrap(), whole);
        assert_eq!(blobs.folder(FolderKind::Evaluation, "0123").await.unwrap(), half);
    }
}
