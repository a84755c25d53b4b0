//! The passages of versions in generations.

use sqlx::{QueryBuilder, Sqlite, SqliteConnection, types::Json};
use uuid::Uuid;

use super::{SqliteStore, access};
use crate::{
    domain::{Access, Chunk, ChunkId, DocumentId, GenerationNumber},
    metadata_store::{
        ChunkPosition, FoundChunk, StoreResult,
        rows::{self, ChunkRow},
    },
};

/// The query for chunks of a generation by their ids, of documents that may be read. One parameter however many ids there
/// are: SQLite has no arrays, but reads JSON. The plus keeps it from going through every chunk of the generation, by the
/// index that begins with that column.
fn by_id(generation: GenerationNumber, ids: &[ChunkId], access: &Access) -> QueryBuilder<Sqlite> {
    let wanted: Vec<String> = ids.iter().map(|id| id.0.simple().to_string()).collect();
    let mut sql = QueryBuilder::new(concat!(rows::select_chunks!(), "+c.generation = "));
    sql.push_bind(generation).push(" AND c.id IN (SELECT unhex(value) FROM json_each(");
    sql.push_bind(Json(wanted)).push("))");
    access::push_documents(&mut sql, access);
    sql
}

/// Records that a version has been indexed in a generation, with its chunks, in place of what was recorded before.
pub(super) async fn record(
    conn: &mut SqliteConnection,
    generation: GenerationNumber,
    document: DocumentId,
    version: u32,
    chunks: &[Chunk],
) -> StoreResult<()> {
    sqlx::query("DELETE FROM generation_versions WHERE generation = ?1 AND document_id = ?2 AND version = ?3")
        .bind(generation)
        .bind(document.0)
        .bind(version)
        .execute(&mut *conn)
        .await?;
    sqlx::query(
        "INSERT INTO generation_versions (generation, document_id, version, chunks, tokens) \
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )
    .bind(generation)
    .bind(document.0)
    .bind(version)
    .bind(rows::stored_count(chunks.len())?)
    .bind(rows::stored_tokens(chunks))
    .execute(&mut *conn)
    .await?;
    for chunk in chunks {
        sqlx::query(
            "INSERT INTO chunks (id, generation, document_id, version, ordinal, range_start, range_end, text, \
             context, heading_path, page, tokens) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )
        .bind(chunk.id.0)
        .bind(generation)
        .bind(document.0)
        .bind(version)
        .bind(chunk.ordinal)
        .bind(chunk.range.start)
        .bind(chunk.range.end)
        .bind(&chunk.text)
        .bind(&chunk.context)
        .bind(Json(&chunk.heading_path))
        .bind(chunk.page)
        .bind(chunk.tokens)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

impl SqliteStore {
    pub(super) async fn read_chunks_by_id(
        &self,
        generation: GenerationNumber,
        ids: &[ChunkId],
        access: &Access,
    ) -> StoreResult<Vec<FoundChunk>> {
        let found: Vec<ChunkRow> = by_id(generation, ids, access).build_query_as().fetch_all(&self.readers).await?;
        rows::in_order_of(ids, found)
    }

    pub(super) async fn read_chunks_of(&self, id: DocumentId) -> StoreResult<Vec<Chunk>> {
        let found: Vec<ChunkRow> = sqlx::query_as(concat!(
            rows::select_chunks!(),
            "c.generation = (SELECT number FROM generations WHERE state = 'active') AND c.document_id = ?1 \
             ORDER BY c.ordinal"
        ))
        .bind(id.0)
        .fetch_all(&self.readers)
        .await?;
        found.into_iter().map(|row| Ok(row.found()?.chunk)).collect()
    }

    pub(super) async fn read_chunks_after(
        &self,
        generation: GenerationNumber,
        after: Option<ChunkPosition>,
        limit: u32,
        access: &Access,
    ) -> StoreResult<Vec<FoundChunk>> {
        // No document has the id of zeros: the position in front of all.
        let position = after.unwrap_or(ChunkPosition { document_id: DocumentId(Uuid::nil()), version: 0, ordinal: 0 });
        let mut sql = QueryBuilder::new(concat!(rows::select_chunks!(), "c.generation = "));
        sql.push_bind(generation).push(" AND (c.document_id, c.version, c.ordinal) > (");
        sql.push_bind(position.document_id.0).push(", ").push_bind(position.version).push(", ");
        sql.push_bind(position.ordinal).push(")");
        access::push_documents(&mut sql, access);
        sql.push(" ORDER BY c.document_id, c.version, c.ordinal LIMIT ").push_bind(i64::from(limit));
        let found: Vec<ChunkRow> = sql.build_query_as().fetch_all(&self.readers).await?;
        found.into_iter().map(ChunkRow::found).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::domain::Allowed;

    #[tokio::test]
    async fn chunks_are_found_by_their_ids_and_not_by_going_through_the_generation() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::connect(&dir.path().join("footnote.db")).await.unwrap();
        let labels = Allowed::from_list(Some(["hr".to_owned()]));
        let limited = Access { collections: labels.clone(), labels };
        for access in [Access::everything(), limited] {
            is_found_by_its_id(&store, &access).await;
        }
    }

    async fn is_found_by_its_id(store: &SqliteStore, access: &Access) {
        let query = by_id(1, &[], access).into_sql();
        let explained = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", query.as_str()));
        let mut plan = sqlx::query_as(explained).bind(1).bind("[]");
        if !access.is_everything() {
            plan = plan.bind("[]").bind("[]");
        }
        let plan: Vec<(i64, i64, i64, String)> = plan.fetch_all(&store.readers).await.unwrap();
        let steps: Vec<&str> = plan.iter().map(|(_, _, _, step)| step.as_str()).collect();
        let searched = |table: &str| steps.iter().find(|step| step.starts_with(&format!("SEARCH {table} "))).unwrap();
        assert!(searched("c").ends_with("(id=?)"), "{steps:?}");
        assert!(searched("d").ends_with("(id=?)") && searched("v").contains("(document_id=?"), "{steps:?}");
    }
}
