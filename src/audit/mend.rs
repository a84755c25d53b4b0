//! Mending what a check found, as far as it is safe.

use super::{AuditError, Depth, Problem, Stores, index};
use crate::ingest::{IngestServices, mend};

/// What became of a problem.
pub type Mended = Result<String, String>;

/// Mends what needs no models: removes what nobody needs. `None` for what is not mended here.
///
/// With other processes at work, an original that nobody names may be one that is being uploaded at this moment, and a
/// text one that is being ingested: those are left alone unless `depth.alone`.
pub async fn mend_stores(stores: Stores<'_>, depth: Depth, problem: &Problem) -> Result<Option<Mended>, AuditError> {
    Ok(match problem {
        Problem::UnknownGeneration(number) => {
            // Asked once more: much may have been looked at since.
            if stores.metadata.generations().await?.iter().any(|generation| generation.number == *number) {
                return Ok(Some(Ok(format!("generation {number} is recorded by now, and stays"))));
            }
            stores.vectors.drop_generation(*number).await?;
            Some(Ok(format!("generation {number} was removed from the vector store")))
        }
        Problem::Orphans(generation, ids) => {
            // Looked up once more: what was committed meanwhile is no orphan.
            let mut removed = 0;
            for ids in ids.chunks(1_000) {
                // In this order: what a job wrote that has ended since is committed, or nobody's.
                if index::writing(stores).await? {
                    return Ok(Some(Err(format!(
                        "{removed} were removed, the others are left as they are: a job is open that may be about to \
                         name them. Run it again when it has ended"
                    ))));
                }
                let known = stores.metadata.chunks_by_id(*generation, ids).await?;
                let orphan = |id: &&_| known.iter().all(|found| found.chunk.id != **id);
                let orphans: Vec<_> = ids.iter().filter(orphan).copied().collect();
                stores.vectors.delete_points(*generation, &orphans).await?;
                removed += orphans.len();
            }
            Some(Ok(format!("{removed} vectors without a passage were removed from generation {generation}")))
        }
        Problem::UnnamedOriginal(_) | Problem::UnnamedText(_) if !depth.alone => Some(Err(
            "left as it is: another process may be about to name it. Stop all others, and say --alone".to_owned(),
        )),
        Problem::UnnamedOriginal(sum) => {
            stores.blobs.delete_original(sum).await?;
            Some(Ok(format!("the original {sum} was removed")))
        }
        Problem::UnnamedText(name) => {
            stores.blobs.delete_text(*name).await?;
            Some(Ok(format!("the text of version {} of {} was removed", name.version, name.document)))
        }
        Problem::UnusableGeneration(..) => Some(Err("run `footnote reindex`".to_owned())),
        Problem::AdapterWithoutFiles(_) => Some(Err("import it again, or restore a backup".to_owned())),
        Problem::Foreign(_) => Some(Err("left as it is".to_owned())),
        Problem::BadOriginal(..) => Some(Err("upload the file again, or restore a backup".to_owned())),
        Problem::WithoutVectors(..) | Problem::BadText(..) => None,
    })
}

/// Mends what is made again with the models. `None` for what is not mended here.
pub async fn mend_with_models(services: &IngestServices, problem: &Problem) -> Option<Mended> {
    match problem {
        Problem::WithoutVectors(indexed, _) => {
            let made = mend::vectors(services, indexed.document, indexed.version, indexed.generation).await;
            Some(made.map(|()| format!("the passages of {indexed} were embedded again")).map_err(|e| e.to_string()))
        }
        Problem::BadText(indexed, _) => {
            match mend::text(services, indexed.document, indexed.version, indexed.generation).await {
                Ok(true) => Some(Ok(format!("the text of {indexed} was extracted again"))),
                Ok(false) => Some(Err(format!(
                    "the text that is extracted from {indexed} now is not what its passages were cut from: run \
                     `footnote reindex`"
                ))),
                Err(error) => Some(Err(error.to_string())),
            }
        }
        _ => None,
    }
}

#[cfg(all(test, feature = "edge"))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{
        blob_store::BlobStore,
        domain::{Access, ChunkId, DocumentId, EmbedderStamp, IndexStamp, JobKind, JobPriority, Metadata},
        metadata_store::{DocumentStore as _, GenerationStore as _, JobStore as _, NewUpload, sqlite::SqliteStore},
        vector_store::{Point, SparseVector, VectorStore as _, qdrant_edge::QdrantEdge},
    };

    const DEPTH: Depth = Depth { deep: false, alone: false };

    fn stamp() -> IndexStamp {
        let embedder = EmbedderStamp {
            name: "test".to_owned(),
            dimension: 2,
            sha256: "0".repeat(64),
            query_prefix: String::new(),
            passage_prefix: String::new(),
            folder: None,
        };
        IndexStamp { embedder, chunker: "test".to_owned(), lexical: "test".to_owned() }
    }

    fn upload() -> NewUpload {
        NewUpload {
            collection: "default".to_owned(),
            name: "a.md".to_owned(),
            metadata: Metadata::new(),
            access: Vec::new(),
            replaces: Access::everything(),
            sha256: "0".repeat(64),
            size_bytes: 1,
            priority: JobPriority::Normal,
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_another_process_has_begun_meanwhile_is_left_to_it() {
        let dir = tempfile::tempdir().unwrap();
        let metadata = SqliteStore::connect(&dir.path().join("footnote.db")).await.unwrap();
        let vectors = QdrantEdge::open(&dir.path().join("vectors")).unwrap();
        let blobs = BlobStore::in_memory();
        let stores = Stores { metadata: &metadata, vectors: &vectors, blobs: &blobs };
        let generation = metadata.active_generation_or_create(&stamp()).await.unwrap().number;
        vectors.create_generation(generation, 2).await.unwrap();
        // As a check sees it that looked before the generation was recorded.
        let unknown = Problem::UnknownGeneration(generation);
        let told = mend_stores(stores, DEPTH, &unknown).await.unwrap().unwrap().unwrap();
        assert!(told.contains("stays"), "{told}");
        assert_eq!(vectors.generations().await.unwrap(), [generation]);

        let document_id = DocumentId::new();
        let chunk_id = ChunkId::derive(document_id, 1, generation, 0);
        let point = Point {
            chunk_id,
            document_id,
            version: 1,
            collection: "default".to_owned(),
            metadata: Metadata::new(),
            access: Vec::new(),
            dense: vec![0.6, 0.8],
            sparse: SparseVector::default(),
        };
        vectors.upsert(generation, vec![point]).await.unwrap();
        let orphans = Problem::Orphans(generation, vec![chunk_id]);
        let job = metadata.register_upload(upload()).await.unwrap().job_id;
        let left = mend_stores(stores, DEPTH, &orphans).await.unwrap().unwrap().unwrap_err();
        assert!(left.contains("a job is open"), "{left}");
        assert_eq!(vectors.count(generation, None).await.unwrap(), 1);

        let leased = metadata.lease_job(&[JobKind::Ingest], std::time::Duration::from_secs(60)).await.unwrap().unwrap();
        metadata.fail_job(job, &leased.token, "it cannot be read", None).await.unwrap();
        let removed = mend_stores(stores, DEPTH, &orphans).await.unwrap().unwrap().unwrap();
        assert!(removed.starts_with("1 vectors"), "{removed}");
        assert_eq!(vectors.count(generation, None).await.unwrap(), 0);
    }
}
