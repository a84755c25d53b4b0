//! Reading on behalf of a caller: what the caller may read is a condition of each query.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::{Postgres, QueryBuilder};

use super::PostgresStore;
use crate::{
    domain::{
        Access, Allowed, ChunkId, Collection, Conversation, ConversationId, Document, DocumentId, GenerationNumber,
        Job, JobId, RecordedTurn, UnansweredId, UnansweredQuestion,
    },
    metadata_store::{
        AccessStore, ChunkPosition, FoundChunk, StoreResult,
        bounded::{CALL, within},
        checks,
        rows::{self, ConversationRow, DocumentRow, JobRow, UnansweredRow},
    },
};

/// Adds what may be read of the documents `d`.
pub(super) fn push_documents(sql: &mut QueryBuilder<Postgres>, access: &Access) {
    push_collection(sql, "d.collection", &access.collections);
    push_labels(sql, " AND ", &access.labels);
}

/// Adds that the collection in `column` may be read.
pub(super) fn push_collection(sql: &mut QueryBuilder<Postgres>, column: &str, collections: &Allowed) {
    if let Some(collections) = collections.as_list() {
        sql.push(format!(" AND {column} = ANY(")).push_bind(collections).push(")");
    }
}

/// Adds that one of the access labels of the document `d` lets it be read, behind `joined`.
fn push_labels(sql: &mut QueryBuilder<Postgres>, joined: &str, labels: &Allowed) {
    if let Some(labels) = labels.as_list() {
        sql.push(joined).push("(d.access = '[]' OR d.access ?| ").push_bind(labels).push(")");
    }
}

/// Adds what may be read of the rows of `jobs`.
pub(super) fn push_jobs(sql: &mut QueryBuilder<Postgres>, access: &Access) {
    push_collection(sql, "collection", &access.collections);
    if access.labels != Allowed::All {
        // What is not of a document is not of a label either.
        sql.push(" AND document_id IS NOT NULL");
        sql.push(" AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.id = jobs.document_id");
        push_labels(sql, " AND NOT ", &access.labels);
        sql.push(")");
    }
}

#[async_trait]
impl AccessStore for PostgresStore {
    async fn readable_document(&self, id: DocumentId, access: &Access) -> StoreResult<Document> {
        let mut sql = QueryBuilder::new(rows::select_documents!());
        sql.push(" AND d.id = ").push_bind(id.0);
        push_documents(&mut sql, access);
        within(CALL, async {
            let row: Option<DocumentRow<DateTime<Utc>>> = sql.build_query_as().fetch_optional(&self.pool).await?;
            row.ok_or_else(|| rows::not_found("document", id))?.document()
        })
        .await
    }

    async fn readable_collections(
        &self,
        after: Option<&str>,
        limit: u32,
        access: &Access,
    ) -> StoreResult<Vec<Collection>> {
        checks::page_limit(limit)?;
        checks::no_nul("`after`", after.unwrap_or_default())?;
        let mut sql = QueryBuilder::new(rows::select_collections!());
        if let Some(after) = after {
            sql.push(" AND d.collection COLLATE \"C\" > ").push_bind(after);
        }
        push_documents(&mut sql, access);
        sql.push(" GROUP BY d.collection ORDER BY d.collection COLLATE \"C\" LIMIT ").push_bind(i64::from(limit));
        within(CALL, async {
            let found: Vec<(String, i64, i64)> = sql.build_query_as().fetch_all(&self.pool).await?;
            found.into_iter().map(rows::collection).collect()
        })
        .await
    }

    async fn readable_job(&self, id: JobId, access: &Access) -> StoreResult<Job> {
        let mut sql = QueryBuilder::new(concat!("SELECT ", rows::job_columns!(), " FROM jobs WHERE id = "));
        sql.push_bind(id.0);
        push_jobs(&mut sql, access);
        within(CALL, async {
            let row: Option<JobRow<DateTime<Utc>>> = sql.build_query_as().fetch_optional(&self.pool).await?;
            row.ok_or_else(|| rows::not_found("job", id))?.job()
        })
        .await
    }

    async fn readable_chunks(
        &self,
        generation: GenerationNumber,
        ids: &[ChunkId],
        access: &Access,
    ) -> StoreResult<Vec<FoundChunk>> {
        within(CALL, self.read_chunks_by_id(generation, ids, access)).await
    }

    async fn readable_chunks_after(
        &self,
        generation: GenerationNumber,
        after: Option<ChunkPosition>,
        limit: u32,
        access: &Access,
    ) -> StoreResult<Vec<FoundChunk>> {
        checks::page_limit(limit)?;
        within(CALL, self.read_chunks_after(generation, after, limit, access)).await
    }

    async fn readable_conversation(
        &self,
        id: ConversationId,
        owner: Option<&str>,
        access: &Access,
    ) -> StoreResult<Conversation> {
        let mut sql = QueryBuilder::new(rows::select_conversations!());
        sql.push(" AND c.id = ").push_bind(id.0);
        if let Some(owner) = owner {
            sql.push(" AND c.owner = ").push_bind(owner);
        }
        push_collection(&mut sql, "c.collection", &access.collections);
        within(CALL, async {
            let row: Option<ConversationRow<DateTime<Utc>>> = sql.build_query_as().fetch_optional(&self.pool).await?;
            row.ok_or_else(|| rows::not_found("conversation", id))?.conversation()
        })
        .await
    }

    async fn readable_turns(
        &self,
        id: ConversationId,
        after: u32,
        limit: u32,
        access: &Access,
    ) -> StoreResult<Vec<RecordedTurn>> {
        checks::page_limit(limit)?;
        within(CALL, self.read_turns(id, after, limit, access)).await
    }

    async fn readable_question(&self, id: UnansweredId, access: &Access) -> StoreResult<UnansweredQuestion> {
        let mut sql =
            QueryBuilder::new(concat!("SELECT ", rows::unanswered_columns!(), " FROM unanswered WHERE id = "));
        sql.push_bind(id.0);
        push_collection(&mut sql, "collection", &access.collections);
        within(CALL, async {
            let row: Option<UnansweredRow<DateTime<Utc>>> = sql.build_query_as().fetch_optional(&self.pool).await?;
            Ok(row.ok_or_else(|| rows::not_found("unanswered question", id))?.open()?.question)
        })
        .await
    }
}
