//! Everything out of the database and into it. A transaction that may repeat its reads sees one moment, whatever is
//! written meanwhile.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use sqlx::{
    AssertSqlSafe, PgConnection, Postgres, QueryBuilder, Row, Transaction, postgres::PgRow, query_builder::Separated,
    types::Json,
};
use uuid::Uuid;

use super::{PostgresStore, conversations, jobs, settle};
use crate::{
    domain::{DocumentId, JobKind},
    metadata_store::{
        MetadataStoreError, StoreResult,
        archive::{
            ArchiveStore, DeletionRecord, RECORDS_PER_PAGE, Record, RecordKind, RecordSink, RecordSource,
            RestoreUnderWay, no_restore, not_empty,
        },
        bounded::{CALL, MIGRATION, within},
        checks,
        rows::{self, Gone, Value, ValueKind},
    },
};

/// A statement over a whole table takes as long as it takes, and so does whoever takes the records; each single row and
/// each single page is waited for within limits of our own.
const LONG: &str = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = '15min'";

#[async_trait]
impl ArchiveStore for PostgresStore {
    async fn dump(&self, sink: &mut dyn RecordSink) -> StoreResult<()> {
        let mut snapshot = within(CALL, self.snapshot()).await?;
        let result = dump(&mut snapshot, sink).await;
        settle(snapshot, result).await
    }

    async fn begin_restore(&self, archive: &str, replace: bool) -> StoreResult<()> {
        within(MIGRATION, async {
            let mut transaction = self.begin().await?;
            let result = begin(&mut transaction, archive, replace).await;
            settle(transaction, result).await
        })
        .await
    }

    async fn load(&self, source: &mut dyn RecordSource, reindex: bool) -> StoreResult<()> {
        let mut transaction = within(CALL, self.begin()).await?;
        let result = load(&mut transaction, source, reindex).await;
        settle(transaction, result).await
    }

    async fn restore_under_way(&self) -> StoreResult<Option<RestoreUnderWay>> {
        within(CALL, async {
            let found: Option<(String, DateTime<Utc>)> =
                sqlx::query_as("SELECT archive, begun_at FROM restores").fetch_optional(&self.pool).await?;
            Ok(found.map(|(archive, begun_at)| RestoreUnderWay { archive, begun_at }))
        })
        .await
    }

    async fn known_blobs(&self, candidates: &[String]) -> StoreResult<Vec<String>> {
        within(CALL, async {
            Ok(sqlx::query_scalar("SELECT DISTINCT sha256 FROM versions WHERE sha256 = ANY($1) ORDER BY sha256")
                .bind(candidates)
                .fetch_all(&self.pool)
                .await?)
        })
        .await
    }

    async fn deletions(&self, after: Option<DocumentId>, limit: u32) -> StoreResult<Vec<DeletionRecord>> {
        checks::page_limit(limit)?;
        within(CALL, async {
            let found: Vec<(Uuid, DateTime<Utc>)> = sqlx::query_as(
                "SELECT document_id, deleted_at FROM deleted_documents WHERE document_id > $1 \
                 ORDER BY document_id LIMIT $2",
            )
            .bind(after.map_or(Uuid::nil(), |after| after.0))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
            let deletion = |(id, deleted_at)| DeletionRecord { document_id: DocumentId(id), deleted_at };
            Ok(found.into_iter().map(deletion).collect())
        })
        .await
    }
}

impl PostgresStore {
    /// Begins a transaction that sees this moment. In a task of its own, as `begin` says.
    async fn snapshot(&self) -> StoreResult<Transaction<'static, Postgres>> {
        let pool = self.pool.clone();
        let begun =
            tokio::spawn(async move { pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await }).await;
        let mut begun = begun.map_err(|_| MetadataStoreError::Unavailable("the process is ending".to_owned()))??;
        sqlx::raw_sql(LONG).execute(&mut *begun).await?;
        Ok(begun)
    }
}

async fn dump(conn: &mut PgConnection, sink: &mut dyn RecordSink) -> StoreResult<()> {
    let gone = within(CALL, async {
        let turns = sqlx::query_as(rows::GONE).fetch_all(&mut *conn).await?;
        Ok(Gone::new(turns, sqlx::query_as(rows::GONE_OF_FEEDBACK).fetch_all(&mut *conn).await?))
    })
    .await?;
    for kind in RecordKind::ALL.iter().copied() {
        let mut found = sqlx::query(rows::dump_query(kind)).fetch(&mut *conn);
        let mut page = Vec::new();
        while let Some(row) = within(CALL, async { Ok(found.try_next().await?) }).await? {
            page.push(gone.dumped(kind.record(values(kind, &row)?)?)?);
            if page.len() == RECORDS_PER_PAGE {
                sink.take(std::mem::take(&mut page)).await?;
            }
        }
        if !page.is_empty() {
            sink.take(page).await?;
        }
    }
    Ok(())
}

async fn begin(conn: &mut PgConnection, archive: &str, replace: bool) -> StoreResult<()> {
    sqlx::raw_sql(LONG).execute(&mut *conn).await?;
    // The first statement that writes: of two restores the second waits here.
    let before: Option<bool> = sqlx::query_scalar("SELECT true FROM restores").fetch_optional(&mut *conn).await?;
    sqlx::query(
        "INSERT INTO restores (one, archive) VALUES (1, $1) ON CONFLICT (one) DO UPDATE \
         SET archive = excluded.archive, begun_at = now()",
    )
    .bind(archive)
    .execute(&mut *conn)
    .await?;
    if !replace && before.is_none() {
        for table in rows::occupied() {
            let query = AssertSqlSafe(format!("SELECT EXISTS (SELECT 1 FROM {table})"));
            if sqlx::query_scalar::<_, bool>(query).fetch_one(&mut *conn).await? {
                return Err(not_empty(table));
            }
        }
    }
    for table in rows::emptied() {
        sqlx::query(AssertSqlSafe(format!("DELETE FROM {table}"))).execute(&mut *conn).await?;
    }
    Ok(())
}

async fn load(conn: &mut PgConnection, source: &mut dyn RecordSource, reindex: bool) -> StoreResult<()> {
    sqlx::raw_sql(LONG).execute(&mut *conn).await?;
    let ended = sqlx::query("DELETE FROM restores").execute(&mut *conn).await?;
    if ended.rows_affected() == 0 {
        return Err(no_restore());
    }
    while let Some(page) = source.next().await? {
        within(CALL, insert(conn, page)).await?;
    }
    within(MIGRATION, settle_references(conn)).await?;
    if reindex {
        let open: Option<bool> =
            sqlx::query_scalar("SELECT true FROM jobs WHERE kind = 'reindex' AND state IN ('queued', 'running')")
                .fetch_optional(&mut *conn)
                .await?;
        if open.is_none() {
            jobs::enqueue(conn, JobKind::Reindex, None, None).await?;
        }
    }
    Ok(())
}

async fn insert(conn: &mut PgConnection, page: Vec<Record>) -> StoreResult<()> {
    let Some(kind) = page.first().map(Record::kind) else { return Ok(()) };
    if let [Record::Counter(counter)] = page.as_slice() {
        sqlx::query("UPDATE generation_counter SET last = GREATEST(last, $1)").bind(counter.last).execute(conn).await?;
        return Ok(());
    }
    let mut sql: QueryBuilder<Postgres> = QueryBuilder::new(rows::insert(kind));
    sql.push_values(page, |mut tuple, record| record.values().into_iter().for_each(|value| bind(&mut tuple, value)));
    if kind == RecordKind::Deletion {
        sql.push(" ON CONFLICT DO NOTHING");
    }
    sql.build().execute(conn).await?;
    Ok(())
}

/// Takes out what refers to documents that were left out of the load, as their purge would have.
async fn settle_references(conn: &mut PgConnection) -> StoreResult<()> {
    let lost: Vec<Uuid> = sqlx::query_scalar(rows::LOST).fetch_all(&mut *conn).await?;
    for document in lost.into_iter().map(DocumentId) {
        while conversations::take_out_next(conn, document).await? {}
    }
    sqlx::query(
        "UPDATE jobs SET state = 'cancelled', stage = 'done', error = $1, updated_at = now() \
         WHERE kind = 'ingest' AND state IN ('queued', 'running') AND NOT EXISTS (SELECT 1 FROM versions v \
         WHERE v.document_id = jobs.document_id AND v.version = jobs.version)",
    )
    .bind(rows::DOCUMENT_DELETED)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "UPDATE jobs SET state = 'cancelled', stage = 'done', error = $1, updated_at = now() \
         WHERE kind = 'deliver' AND state IN ('queued', 'running') \
         AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.job_id = jobs.id)",
    )
    .bind(rows::QUOTED_DOCUMENT_DELETED)
    .execute(&mut *conn)
    .await?;
    // There is nothing of the document here that would have to be removed.
    sqlx::query(
        "UPDATE jobs SET state = 'succeeded', stage = 'done', progress = 1, updated_at = now() \
         WHERE kind = 'purge' AND state IN ('queued', 'running') \
         AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.id = jobs.document_id)",
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn values(kind: RecordKind, row: &PgRow) -> StoreResult<Vec<Value>> {
    let read = |(place, (_, kind)): (usize, &(&str, ValueKind))| {
        Ok(match kind {
            ValueKind::Uuid => Value::Uuid(row.try_get(place)?),
            ValueKind::Text => Value::Text(row.try_get(place)?),
            ValueKind::Int => Value::Int(row.try_get(place)?),
            ValueKind::Real => Value::Real(row.try_get(place)?),
            ValueKind::Json => {
                let stored: Option<Json<serde_json::Value>> = row.try_get(place)?;
                Value::Json(stored.map(|json| json.0))
            }
            ValueKind::Time => Value::Time(row.try_get(place)?),
            ValueKind::Bytes => Value::Bytes(row.try_get(place)?),
        })
    };
    kind.columns().iter().enumerate().map(read).collect::<Result<_, MetadataStoreError>>()
}

fn bind(tuple: &mut Separated<'_, Postgres, &'static str>, value: Value) {
    match value {
        Value::Uuid(value) => tuple.push_bind(value),
        Value::Text(value) => tuple.push_bind(value),
        Value::Int(value) => tuple.push_bind(value),
        Value::Real(value) => tuple.push_bind(value),
        Value::Json(value) => tuple.push_bind(value.map(Json)),
        Value::Time(value) => tuple.push_bind(value),
        Value::Bytes(value) => tuple.push_bind(value),
    };
}
