//! Documents: the trait, and the reads behind it. What writes is in `uploads` and `commit`.

use async_trait::async_trait;
use sqlx::{QueryBuilder, types::Json};

use super::{SqliteStore, access, commit, settle, uploads};
use crate::{
    domain::{Access, Chunk, ChunkId, Document, DocumentId, GenerationNumber, JobId},
    metadata_store::{
        AccessStore, ActiveVersion, ChunkPosition, CommitOutcome, DocumentQuery, DocumentStore, FoundChunk,
        IngestCommit, ListPage, MetadataStoreError, NewUpload, Registered, StoreCounts, StoreResult,
        bounded::{CALL, within},
        checks,
        cursor::List,
        rows::{self, ActiveVersionRow, DocumentRow},
        schema,
    },
};

#[async_trait]
impl DocumentStore for SqliteStore {
    async fn register_upload(&self, upload: NewUpload) -> StoreResult<Registered> {
        checks::upload(&upload)?;
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = async {
                let registered = uploads::register(&mut transaction, &upload, None).await?;
                Ok(registered)
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn document(&self, id: DocumentId) -> StoreResult<Document> {
        self.readable_document(id, &Access::everything()).await
    }

    async fn documents(&self, query: DocumentQuery) -> StoreResult<ListPage<Document>> {
        let limit = checks::page_limit(query.limit)?;
        checks::document_query(&query)?;
        let list = List::of_documents(&query);
        let after = list.read(query.cursor.as_deref())?;
        let mut sql = QueryBuilder::new(rows::select_documents!());
        if let Some(collection) = query.collection {
            sql.push(" AND d.collection = ").push_bind(collection);
        }
        if let Some(name) = query.name {
            sql.push(" AND d.name = ").push_bind(name);
        }
        if let Some(after) = after {
            sql.push(" AND d.id > ").push_bind(after);
        }
        access::push_documents(&mut sql, &query.access);
        sql.push(" ORDER BY d.id LIMIT ").push_bind(i64::from(query.limit) + 1);
        within(CALL, async {
            let found: Vec<DocumentRow<i64>> = sql.build_query_as().fetch_all(&self.readers).await?;
            let found = found.into_iter().map(DocumentRow::document).collect::<StoreResult<Vec<_>>>()?;
            Ok(rows::page(found, limit, |document| list.after(document.id.0)))
        })
        .await
    }

    async fn delete_document(&self, id: DocumentId) -> StoreResult<JobId> {
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = async {
                let purge = commit::delete(&mut transaction, id).await?;
                Ok(purge)
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn forget_document(&self, id: DocumentId) -> StoreResult<()> {
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = async {
                sqlx::query("DELETE FROM documents WHERE id = ?1 AND deleted_at IS NOT NULL")
                    .bind(id.0)
                    .execute(&mut *transaction)
                    .await?;
                let living: Option<i64> = sqlx::query_scalar("SELECT 1 FROM documents WHERE id = ?1")
                    .bind(id.0)
                    .fetch_optional(&mut *transaction)
                    .await?;
                if living.is_some() {
                    return Err(MetadataStoreError::Conflict(format!("document {id} is not deleted")));
                }
                Ok(())
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn referenced_blobs(&self, candidates: &[String]) -> StoreResult<Vec<String>> {
        within(CALL, async {
            Ok(sqlx::query_scalar(
                "SELECT DISTINCT v.sha256 FROM versions v \
                 JOIN documents d ON d.id = v.document_id AND d.deleted_at IS NULL \
                 WHERE v.sha256 IN (SELECT value FROM json_each(?1)) ORDER BY v.sha256",
            )
            .bind(Json(candidates))
            .fetch_all(&self.readers)
            .await?)
        })
        .await
    }

    async fn blobs_of(&self, id: DocumentId) -> StoreResult<Vec<String>> {
        within(CALL, async {
            Ok(sqlx::query_scalar("SELECT DISTINCT sha256 FROM versions WHERE document_id = ?1 ORDER BY sha256")
                .bind(id.0)
                .fetch_all(&self.readers)
                .await?)
        })
        .await
    }

    async fn version_source(&self, id: DocumentId, version: u32) -> StoreResult<ActiveVersion> {
        within(CALL, async {
            let row: Option<ActiveVersionRow> =
                sqlx::query_as(concat!(rows::select_sources!(), "v.document_id = ?1 AND v.version = ?2"))
                    .bind(id.0)
                    .bind(version)
                    .fetch_optional(&self.readers)
                    .await?;
            row.ok_or_else(|| rows::not_found("version", format!("{version} of {id}")))?.source()
        })
        .await
    }

    async fn finish_ingest(&self, job: JobId, token: &str, commit: IngestCommit) -> StoreResult<CommitOutcome> {
        checks::commit(&commit)?;
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = async {
                let outcome = commit::finish(&mut transaction, job, token, &commit).await?;
                Ok(outcome)
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn chunks_by_id(&self, generation: GenerationNumber, ids: &[ChunkId]) -> StoreResult<Vec<FoundChunk>> {
        within(CALL, self.read_chunks_by_id(generation, ids, &Access::everything())).await
    }

    async fn chunks_of(&self, id: DocumentId) -> StoreResult<Vec<Chunk>> {
        within(CALL, self.read_chunks_of(id)).await
    }

    async fn chunks_after(
        &self,
        generation: GenerationNumber,
        after: Option<ChunkPosition>,
        limit: u32,
    ) -> StoreResult<Vec<FoundChunk>> {
        checks::page_limit(limit)?;
        within(CALL, self.read_chunks_after(generation, after, limit, &Access::everything())).await
    }

    async fn counts(&self) -> StoreResult<StoreCounts> {
        within(CALL, async { rows::counts(sqlx::query_as(rows::COUNTS).fetch_one(&self.readers).await?) }).await
    }

    async fn ping(&self) -> StoreResult<()> {
        within(CALL, async { schema::is_ours(sqlx::query_scalar(schema::APPLIED).fetch_one(&self.readers).await?) })
            .await
    }
}
