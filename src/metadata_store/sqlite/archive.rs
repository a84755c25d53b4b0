//! Everything out of the file and into it. One read transaction sees one moment of a file in WAL mode, whatever is
//! written meanwhile.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use sqlx::{
    AssertSqlSafe, QueryBuilder, Row, Sqlite, SqliteConnection, query_builder::Separated, sqlite::SqliteRow,
    types::Json,
};
use uuid::Uuid;

use super::{SqliteStore, conversations, jobs, now, settle};
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
        rows::{self, Gone, StoredTime, Value, ValueKind},
    },
};

#[async_trait]
impl ArchiveStore for SqliteStore {
    async fn dump(&self, sink: &mut dyn RecordSink) -> StoreResult<()> {
        let mut snapshot = within(CALL, async { Ok(self.readers.begin().await?) }).await?;
        let result = dump(&mut snapshot, sink).await;
        settle(snapshot, result).await
    }

    async fn begin_restore(&self, archive: &str, replace: bool) -> StoreResult<()> {
        within(MIGRATION, async {
            let mut transaction = self.write().await?;
            let result = begin(&mut transaction, archive, replace).await;
            settle(transaction, result).await
        })
        .await
    }

    async fn load(&self, source: &mut dyn RecordSource, reindex: bool) -> StoreResult<()> {
        let mut transaction = within(CALL, self.write()).await?;
        let result = load(&mut transaction, source, reindex).await;
        settle(transaction, result).await
    }

    async fn restore_under_way(&self) -> StoreResult<Option<RestoreUnderWay>> {
        within(CALL, async {
            let found: Option<(String, i64)> =
                sqlx::query_as("SELECT archive, begun_at FROM restores").fetch_optional(&self.readers).await?;
            found.map(|(archive, begun_at)| Ok(RestoreUnderWay { archive, begun_at: begun_at.utc()? })).transpose()
        })
        .await
    }

    async fn known_blobs(&self, candidates: &[String]) -> StoreResult<Vec<String>> {
        within(CALL, async {
            Ok(sqlx::query_scalar(
                "SELECT DISTINCT sha256 FROM versions WHERE sha256 IN (SELECT value FROM json_each(?1)) ORDER BY sha256",
            )
            .bind(Json(candidates))
            .fetch_all(&self.readers)
            .await?)
        })
        .await
    }

    async fn deletions(&self, after: Option<DocumentId>, limit: u32) -> StoreResult<Vec<DeletionRecord>> {
        checks::page_limit(limit)?;
        within(CALL, async {
            let found: Vec<(Uuid, i64)> = sqlx::query_as(
                "SELECT document_id, deleted_at FROM deleted_documents WHERE document_id > ?1 \
                 ORDER BY document_id LIMIT ?2",
            )
            .bind(after.map_or(Uuid::nil(), |after| after.0))
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
            found
                .into_iter()
                .map(|(id, at)| Ok(DeletionRecord { document_id: DocumentId(id), deleted_at: at.utc()? }))
                .collect()
        })
        .await
    }
}

async fn dump(conn: &mut SqliteConnection, sink: &mut dyn RecordSink) -> StoreResult<()> {
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

async fn begin(conn: &mut SqliteConnection, archive: &str, replace: bool) -> StoreResult<()> {
    let under_way: Option<i64> = sqlx::query_scalar("SELECT 1 FROM restores").fetch_optional(&mut *conn).await?;
    if !replace && under_way.is_none() {
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
    sqlx::query(
        "INSERT INTO restores (one, archive, begun_at) VALUES (1, ?1, ?2) ON CONFLICT (one) DO UPDATE \
                 SET archive = excluded.archive, begun_at = excluded.begun_at",
    )
    .bind(archive)
    .bind(now())
    .execute(conn)
    .await?;
    Ok(())
}

async fn load(conn: &mut SqliteConnection, source: &mut dyn RecordSource, reindex: bool) -> StoreResult<()> {
    let ended = sqlx::query("DELETE FROM restores").execute(&mut *conn).await?;
    if ended.rows_affected() == 0 {
        return Err(no_restore());
    }
    while let Some(page) = source.next().await? {
        within(CALL, insert(conn, page)).await?;
    }
    within(MIGRATION, settle_references(conn)).await?;
    if reindex {
        let open: Option<i64> =
            sqlx::query_scalar("SELECT 1 FROM jobs WHERE kind = 'reindex' AND state IN ('queued', 'running')")
                .fetch_optional(&mut *conn)
                .await?;
        if open.is_none() {
            jobs::enqueue(conn, JobKind::Reindex, None, None, now()).await?;
        }
    }
    Ok(())
}

async fn insert(conn: &mut SqliteConnection, page: Vec<Record>) -> StoreResult<()> {
    let Some(kind) = page.first().map(Record::kind) else { return Ok(()) };
    if let [Record::Counter(counter)] = page.as_slice() {
        sqlx::query("UPDATE generation_counter SET last = MAX(last, ?1)").bind(counter.last).execute(conn).await?;
        return Ok(());
    }
    let mut sql: QueryBuilder<Sqlite> = QueryBuilder::new(rows::insert(kind));
    sql.push_values(page, |mut tuple, record| record.values().into_iter().for_each(|value| bind(&mut tuple, value)));
    if kind == RecordKind::Deletion {
        sql.push(" ON CONFLICT DO NOTHING");
    }
    sql.build().execute(conn).await?;
    Ok(())
}

/// Takes out what refers to documents that were left out of the load, as their purge would have.
async fn settle_references(conn: &mut SqliteConnection) -> StoreResult<()> {
    let lost: Vec<Uuid> = sqlx::query_scalar(rows::LOST).fetch_all(&mut *conn).await?;
    for document in lost.into_iter().map(DocumentId) {
        while conversations::take_out_next(conn, document).await? {}
    }
    sqlx::query(
        "UPDATE jobs SET state = 'cancelled', stage = 'done', error = ?1, updated_at = ?2 \
         WHERE kind = 'ingest' AND state IN ('queued', 'running') AND NOT EXISTS (SELECT 1 FROM versions v \
         WHERE v.document_id = jobs.document_id AND v.version = jobs.version)",
    )
    .bind(rows::DOCUMENT_DELETED)
    .bind(now())
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "UPDATE jobs SET state = 'cancelled', stage = 'done', error = ?1, updated_at = ?2 \
         WHERE kind = 'deliver' AND state IN ('queued', 'running') \
         AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.job_id = jobs.id)",
    )
    .bind(rows::QUOTED_DOCUMENT_DELETED)
    .bind(now())
    .execute(&mut *conn)
    .await?;
    // There is nothing of the document here that would have to be removed.
    sqlx::query(
        "UPDATE jobs SET state = 'succeeded', stage = 'done', progress = 1, updated_at = ?1 \
         WHERE kind = 'purge' AND state IN ('queued', 'running') \
         AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.id = jobs.document_id)",
    )
    .bind(now())
    .execute(conn)
    .await?;
    Ok(())
}

fn values(kind: RecordKind, row: &SqliteRow) -> StoreResult<Vec<Value>> {
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
            ValueKind::Time => {
                let stored: Option<i64> = row.try_get(place)?;
                Value::Time(stored.map(StoredTime::utc).transpose()?)
            }
            ValueKind::Bytes => Value::Bytes(row.try_get(place)?),
        })
    };
    kind.columns().iter().enumerate().map(read).collect::<Result<_, MetadataStoreError>>()
}

fn bind(tuple: &mut Separated<'_, Sqlite, &'static str>, value: Value) {
    match value {
        Value::Uuid(value) => tuple.push_bind(value),
        Value::Text(value) => tuple.push_bind(value),
        Value::Int(value) => tuple.push_bind(value),
        Value::Real(value) => tuple.push_bind(value),
        Value::Json(value) => tuple.push_bind(value.map(Json)),
        Value::Time(value) => tuple.push_bind(value.map(|time: DateTime<Utc>| time.timestamp_micros())),
        Value::Bytes(value) => tuple.push_bind(value),
    };
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use super::*;

    /// What is in no record, and why.
    const NOT_DUMPED: &[(&str, &str)] = &[
        ("documents.deleted_at", "deleted documents are dumped as deletions"),
        ("jobs.lease_token", "a lease ends with the process"),
        ("jobs.lease_expires_at", "a lease ends with the process"),
        ("generation_counter.one", "a constant"),
        ("restores.one", "about this store alone"),
        ("restores.archive", "about this store alone"),
        ("restores.begun_at", "about this store alone"),
        ("connectors.due_at", "after a restore the source is looked at at once"),
        ("connectors.succeeded_before", "after a restore the source is looked at at once"),
        ("connectors.requested", "asked of this store"),
        ("connectors.lease_token", "a lease ends with the process"),
        ("connectors.lease_expires_at", "a lease ends with the process"),
    ];

    /// Tables that are in no record, and why.
    const NOT_DUMPED_TABLES: &[(&str, &str)] = &[
        ("api_keys", "a restore must not bring back a key that was revoked since"),
        ("audit_log", "it tells what was done to this store"),
        ("answer_traces", "kept for hours only: nothing of it is meant to stay"),
        ("trace_documents", "as the traces"),
    ];

    #[tokio::test]
    async fn every_column_is_in_a_record_or_has_a_reason_not_to_be() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::connect(&dir.path().join("footnote.db")).await.unwrap();
        let found: Vec<(String, String)> = sqlx::query_as(
            "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\'",
        )
        .fetch_all(&store.readers)
        .await
        .unwrap();
        let there: BTreeSet<String> = found.into_iter().map(|(table, column)| format!("{table}.{column}")).collect();
        let described = RecordKind::ALL
            .iter()
            .flat_map(|kind| kind.columns().iter().map(|(column, _)| format!("{}.{column}", kind.as_str())));
        let whole =
            |column: &&String| NOT_DUMPED_TABLES.iter().any(|(table, _)| column.starts_with(&format!("{table}.")));
        let excused =
            NOT_DUMPED.iter().map(|(column, _)| (*column).to_owned()).chain(there.iter().filter(whole).cloned());
        assert_eq!(there, described.chain(excused).collect());
    }
}
