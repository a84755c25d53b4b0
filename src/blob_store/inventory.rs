//! What lies in the store, for those who copy or check all of it: sizes, names, and texts as the bytes that they are.

use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, path::Path as Key};

use super::{BlobStore, BlobStoreError, TIMEOUT, bounded, from_object_store, ignore_missing};
use crate::domain::{DocumentId, GenerationNumber};

/// Which text of which version it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TextName {
    /// The document.
    pub document: DocumentId,
    /// The version.
    pub version: u32,
    /// The generation whose citations index it.
    pub generation: GenerationNumber,
}

impl BlobStore {
    /// The size of an original in bytes; `NotFound` when there is none.
    pub async fn original_size(&self, sha256: &str) -> Result<u64, BlobStoreError> {
        let key = self.original_key(sha256);
        Ok(bounded(self.store.head(&key)).await.map_err(|error| error.about(&key))?.size)
    }

    /// An original as a stream of bytes none of which is waited for without end.
    pub async fn read_original(
        &self,
        sha256: &str,
    ) -> Result<BoxStream<'static, Result<Bytes, BlobStoreError>>, BlobStoreError> {
        Ok(in_time(self.original(sha256).await?))
    }

    /// Whether a text is there.
    pub async fn has_text(&self, name: TextName) -> Result<bool, BlobStoreError> {
        match bounded(self.store.head(&self.text_key(name.document, name.version, name.generation))).await {
            Ok(_) => Ok(true),
            Err(BlobStoreError::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A text as it is stored.
    pub async fn text_bytes(&self, name: TextName) -> Result<Bytes, BlobStoreError> {
        let key = self.text_key(name.document, name.version, name.generation);
        bounded(async { self.store.get(&key).await?.bytes().await }).await.map_err(|error| error.about(&key))
    }

    /// Writes a text as `text_bytes` read it, in place of what was there.
    pub async fn put_text_bytes(&self, name: TextName, bytes: Bytes) -> Result<(), BlobStoreError> {
        let key = self.text_key(name.document, name.version, name.generation);
        bounded(self.store.put(&key, PutPayload::from(bytes))).await.map(drop)
    }

    /// Removes one text; `Ok` when there is none.
    pub async fn delete_text(&self, name: TextName) -> Result<(), BlobStoreError> {
        let key = self.text_key(name.document, name.version, name.generation);
        ignore_missing(bounded(self.store.delete(&key)).await)
    }

    /// The names of all originals, in no particular order. What is not named as this program names it is reported by
    /// its key.
    pub fn originals(&self) -> BoxStream<'static, Result<Result<String, String>, BlobStoreError>> {
        self.names("originals", |parts| match parts {
            [_, sum] if sum.len() == 64 => Some((*sum).to_owned()),
            _ => None,
        })
    }

    /// The names of all texts, likewise.
    pub fn texts(&self) -> BoxStream<'static, Result<Result<TextName, String>, BlobStoreError>> {
        self.names("texts", |parts| {
            let [document, file] = parts else { return None };
            let (version, generation) = file.strip_suffix(".json")?.split_once('.')?;
            Some(TextName {
                document: document.parse().ok()?,
                version: version.parse().ok()?,
                generation: generation.parse().ok()?,
            })
        })
    }

    fn names<T: Send + 'static>(
        &self,
        folder: &str,
        name: fn(&[&str]) -> Option<T>,
    ) -> BoxStream<'static, Result<Result<T, String>, BlobStoreError>> {
        let folder: Key = self.prefix.clone().join(folder);
        let depth = folder.parts().count();
        let entries = self.store.list(Some(&folder));
        in_time(entries.map(|entry| entry.map_err(from_object_store)).boxed())
            .map(move |entry| {
                let key = entry?.location;
                let parts: Vec<String> = key.parts().skip(depth).map(|part| part.as_ref().to_owned()).collect();
                let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                Ok(name(&parts).ok_or_else(|| key.to_string()))
            })
            .boxed()
    }
}

/// A stream whose next item is waited for as long as any operation on the store.
fn in_time<T: Send + 'static>(
    stream: BoxStream<'static, Result<T, BlobStoreError>>,
) -> BoxStream<'static, Result<T, BlobStoreError>> {
    let late = |_| BlobStoreError::Unavailable(format!("no answer within {} s", TIMEOUT.as_secs()));
    tokio_stream::StreamExt::timeout(stream, TIMEOUT).map(move |item| item.map_err(late)?).boxed()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use futures::TryStreamExt;

    use super::*;
    use crate::domain::ExtractedDocument;

    #[tokio::test]
    async fn everything_is_listed_by_its_name_and_what_is_foreign_by_its_key() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = BlobStore::directory(dir.path()).unwrap();
        assert!(blobs.originals().try_collect::<Vec<_>>().await.unwrap().is_empty());
        let name = TextName { document: DocumentId::new(), version: 12, generation: 3 };
        blobs.put_text(name.document, 12, 3, &ExtractedDocument::default()).await.unwrap();
        std::fs::write(dir.path().join("texts/stray.txt"), b"?").unwrap();
        let mut texts = blobs.texts().try_collect::<Vec<_>>().await.unwrap();
        texts.sort();
        assert_eq!(texts, [Ok(name), Err("texts/stray.txt".to_owned())]);
        let file = dir.path().join("file");
        std::fs::write(&file, b"bytes").unwrap();
        let sum = "ab".repeat(32);
        blobs.put_original(&sum, &file).await.unwrap();
        assert_eq!(blobs.originals().try_collect::<Vec<_>>().await.unwrap(), [Ok(sum.clone())]);
        assert_eq!(blobs.original_size(&sum).await.unwrap(), 5);
        assert!(blobs.has_text(name).await.unwrap());
        let bytes = blobs.text_bytes(name).await.unwrap();
        blobs.delete_text(name).await.unwrap();
        assert!(!blobs.has_text(name).await.unwrap());
        assert!(matches!(blobs.text_bytes(name).await, Err(BlobStoreError::NotFound(_))));
        blobs.put_text_bytes(name, bytes).await.unwrap();
        assert_eq!(blobs.text(name.document, 12, 3).await.unwrap(), ExtractedDocument::default());
    }
}
