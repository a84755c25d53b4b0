//! The passages of versions in generations.

use sqlx::{PgConnection, QueryBuilder, types::Json};
use uuid::Uuid;

use super::{PostgresStore, access};
use crate::{
    domain::{Access, Chunk, ChunkId, DocumentId, GenerationNumber},
    metadata_store::{
        ChunkPosition, FoundChunk, StoreResult,
        rows::{self, ChunkRow},
    },
};

/// How many chunks go into one statement: few round trips, and no message beyond a few megabytes.
const BATCH: usize = 500;

/// Records that a version has been indexed in a generation, with its chunks, in place of what was recorded before.
pub(super) async fn record(
    conn: &mut PgConnection,
    generation: GenerationNumber,
    document: DocumentId,
    version: u32,
    chunks: &[Chunk],
) -> StoreResult<()> {
    sqlx::query("DELETE FROM generation_versions WHERE generation = $1 AND document_id = $2 AND version = $3")
        .bind(generation)
        .bind(document.0)
        .bind(i64::from(version))
        .execute(&mut *conn)
        .await?;
    sqlx::query(
        "INSERT INTO generation_versions (generation, document_id, version, chunks, tokens) \
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(generation)
    .bind(document.0)
    .bind(i64::from(version))
    .bind(rows::stored_count(chunks.len())?)
    .bind(rows::stored_tokens(chunks))
    .execute(&mut *conn)
    .await?;
    for batch in chunks.chunks(BATCH) {
        let numbers =
            |number: fn(&Chunk) -> u32| batch.iter().map(|chunk| i64::from(number(chunk))).collect::<Vec<_>>();
        sqlx::query(
            "INSERT INTO chunks (id, generation, document_id, version, ordinal, range_start, range_end, text, \
             context, heading_path, page, tokens) \
             SELECT id, $1, $2, $3, ordinal, range_start, range_end, text, context, heading_path, page, tokens \
             FROM unnest($4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[], $9::text[], $10::jsonb[], \
             $11::bigint[], $12::bigint[]) \
             AS c (id, ordinal, range_start, range_end, text, context, heading_path, page, tokens)",
        )
        .bind(generation)
        .bind(document.0)
        .bind(i64::from(version))
        .bind(batch.iter().map(|chunk| chunk.id.0).collect::<Vec<Uuid>>())
        .bind(numbers(|chunk| chunk.ordinal))
        .bind(numbers(|chunk| chunk.range.start))
        .bind(numbers(|chunk| chunk.range.end))
        .bind(batch.iter().map(|chunk| chunk.text.as_str()).collect::<Vec<_>>())
        .bind(batch.iter().map(|chunk| chunk.context.as_str()).collect::<Vec<_>>())
        .bind(batch.iter().map(|chunk| Json(&chunk.heading_path)).collect::<Vec<_>>())
        .bind(batch.iter().map(|chunk| chunk.page.map(i64::from)).collect::<Vec<_>>())
        .bind(numbers(|chunk| chunk.tokens))
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

impl PostgresStore {
    pub(super) async fn read_chunks_by_id(
        &self,
        generation: GenerationNumber,
        ids: &[ChunkId],
        access: &Access,
    ) -> StoreResult<Vec<FoundChunk>> {
        let wanted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let mut sql = QueryBuilder::new(concat!(rows::select_chunks!(), "c.generation = "));
        sql.push_bind(generation).push(" AND c.id = ANY(").push_bind(wanted).push(")");
        access::push_documents(&mut sql, access);
        let found: Vec<ChunkRow> = sql.build_query_as().fetch_all(&self.pool).await?;
        rows::in_order_of(ids, found)
    }

    pub(super) async fn read_chunks_of(&self, id: DocumentId) -> StoreResult<Vec<Chunk>> {
        let found: Vec<ChunkRow> = sqlx::query_as(concat!(
            rows::select_chunks!(),
            "c.generation = (SELECT number FROM generations WHERE state = 'active') AND c.document_id = $1 \
             ORDER BY c.ordinal"
        ))
        .bind(id.0)
        .fetch_all(&self.pool)
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
        sql.push_bind(position.document_id.0).push(", ").push_bind(i64::from(position.version)).push(", ");
        sql.push_bind(i64::from(position.ordinal)).push(")");
        access::push_documents(&mut sql, access);
        sql.push(" ORDER BY c.document_id, c.version, c.ordinal LIMIT ").push_bind(i64::from(limit));
        let found: Vec<ChunkRow> = sql.build_query_as().fetch_all(&self.pool).await?;
        found.into_iter().map(ChunkRow::found).collect()
    }
}
