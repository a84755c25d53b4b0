//! Feedback, and the traces of answers.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::{QueryBuilder, SqliteConnection, types::Json};
use uuid::Uuid;

use super::{SqliteStore, access, now, outcomes::gone, settle};
use crate::{
    domain::{Access, AnswerId, DocumentId, Feedback, FeedbackId},
    metadata_store::{
        FeedbackQuery, FeedbackStore, ListPage, MetadataStoreError, NewFeedback, NewTrace, StoreResult,
        bounded::{CALL, within},
        checks,
        cursor::List,
        rows::{self, FeedbackRow, TraceRow},
    },
};

#[async_trait]
impl FeedbackStore for SqliteStore {
    async fn keep_trace(&self, new: NewTrace) -> StoreResult<bool> {
        let written = checks::trace(&new)?;
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = keep(&mut transaction, &new, written).await;
            settle(transaction, result).await
        })
        .await
    }

    async fn give_feedback(
        &self,
        feedback: NewFeedback,
        owner: Option<&str>,
        access: &Access,
    ) -> StoreResult<(Feedback, bool)> {
        checks::feedback(&feedback)?;
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = give(&mut transaction, &feedback, owner, access).await;
            settle(transaction, result).await
        })
        .await
    }

    async fn readable_feedback(&self, id: FeedbackId, owner: Option<&str>, access: &Access) -> StoreResult<Feedback> {
        let mut sql = QueryBuilder::new("SELECT id FROM feedback WHERE id = ");
        sql.push_bind(id.0);
        if let Some(owner) = owner {
            sql.push(" AND owner = ").push_bind(owner);
        }
        access::push_collection(&mut sql, "collection", &access.collections);
        within(CALL, async {
            let mut conn = self.readers.acquire().await?;
            let found: Option<Uuid> = sql.build_query_scalar().fetch_optional(&mut *conn).await?;
            let found: Vec<Uuid> = found.into_iter().collect();
            shown(&mut conn, &found, access).await?.pop().ok_or_else(|| rows::not_found("feedback", id))
        })
        .await
    }

    async fn feedback_list(&self, query: FeedbackQuery) -> StoreResult<ListPage<Feedback>> {
        let limit = checks::page_limit(query.limit)?;
        checks::feedback_query(&query)?;
        let list = List::of_feedback(&query);
        let before = list.read(query.cursor.as_deref())?;
        let mut sql = QueryBuilder::new("SELECT id FROM feedback WHERE 1 = 1");
        if let Some(collection) = query.collection {
            sql.push(" AND collection = ").push_bind(collection);
        }
        if let Some(verdict) = query.verdict {
            sql.push(" AND verdict = ").push_bind(verdict.as_str());
        }
        access::push_collection(&mut sql, "collection", &query.access.collections);
        if let Some(before) = before {
            sql.push(" AND id < ").push_bind(before);
        }
        sql.push(" ORDER BY id DESC LIMIT ").push_bind(i64::from(query.limit) + 1);
        within(CALL, async {
            let mut conn = self.readers.acquire().await?;
            let found: Vec<Uuid> = sql.build_query_scalar().fetch_all(&mut *conn).await?;
            let page = rows::page(found, limit, |id| list.after(*id));
            Ok(ListPage { items: shown(&mut conn, &page.items, &query.access).await?, next_cursor: page.next_cursor })
        })
        .await
    }

    async fn delete_feedback(&self, id: FeedbackId) -> StoreResult<()> {
        within(CALL, async {
            let deleted = sqlx::query("DELETE FROM feedback WHERE id = ?1").bind(id.0).execute(&self.writer).await?;
            match deleted.rows_affected() {
                0 => Err(rows::not_found("feedback", id)),
                _ => Ok(()),
            }
        })
        .await
    }

    async fn forget_traces(&self, before: DateTime<Utc>, newest: u32) -> StoreResult<u64> {
        within(CALL, async {
            let forgotten = sqlx::query(
                "DELETE FROM answer_traces WHERE kept_at < ?1 OR answer_id IN \
                 (SELECT answer_id FROM answer_traces ORDER BY kept_at DESC, answer_id DESC LIMIT -1 OFFSET ?2)",
            )
            .bind(before.timestamp_micros())
            .bind(newest)
            .execute(&self.writer)
            .await?;
            Ok(forgotten.rows_affected())
        })
        .await
    }
}

async fn keep(conn: &mut SqliteConnection, new: &NewTrace, written: serde_json::Value) -> StoreResult<bool> {
    let (answer, documents) = (new.trace.outcome.id.0, new.trace.documents());
    if !gone(conn, &documents).await?.is_empty() {
        return Ok(false);
    }
    if let Some(conversation) = new.conversation_id {
        let living: Option<i64> = sqlx::query_scalar("SELECT 1 FROM conversations WHERE id = ?1")
            .bind(conversation.0)
            .fetch_optional(&mut *conn)
            .await?;
        if living.is_none() {
            return Ok(false);
        }
    }
    sqlx::query(
        "INSERT INTO answer_traces (answer_id, collection, owner, conversation_id, trace, kept_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )
    .bind(answer)
    .bind(&new.collection)
    .bind(&new.owner)
    .bind(new.conversation_id.map(|id| id.0))
    .bind(Json(written))
    .bind(now())
    .execute(&mut *conn)
    .await?;
    for document in documents {
        sqlx::query("INSERT INTO trace_documents (document_id, answer_id) VALUES (?1, ?2)")
            .bind(document.0)
            .bind(answer)
            .execute(&mut *conn)
            .await?;
    }
    // A question that was read in the light of the conversation may have taken words from there.
    sqlx::query(
        "INSERT INTO trace_documents (document_id, answer_id) \
         SELECT DISTINCT document_id, ?2 FROM turn_documents WHERE conversation_id = ?1 ON CONFLICT DO NOTHING",
    )
    .bind(new.conversation_id.map(|id| id.0))
    .bind(answer)
    .execute(conn)
    .await?;
    Ok(true)
}

async fn give(
    conn: &mut SqliteConnection,
    feedback: &NewFeedback,
    owner: Option<&str>,
    access: &Access,
) -> StoreResult<(Feedback, bool)> {
    let (first, id) = match kept(conn, feedback.answer_id, owner, access).await? {
        Some(trace) => (true, first(conn, feedback, trace).await?),
        None => (false, again(conn, feedback, owner, access).await?),
    };
    let shown = shown(conn, &[id.0], access).await?.pop();
    Ok((shown.ok_or_else(|| rows::not_found("feedback", id))?, first))
}

/// The trace of an answer, where it may be seen.
async fn kept(
    conn: &mut SqliteConnection,
    answer: AnswerId,
    owner: Option<&str>,
    access: &Access,
) -> StoreResult<Option<TraceRow>> {
    let mut sql =
        QueryBuilder::new("SELECT collection, owner, conversation_id, trace FROM answer_traces WHERE answer_id = ");
    sql.push_bind(answer.0);
    if let Some(owner) = owner {
        sql.push(" AND owner = ").push_bind(owner);
    }
    access::push_collection(&mut sql, "collection", &access.collections);
    Ok(sql.build_query_as().fetch_optional(conn).await?)
}

/// The first that is said about an answer: its trace moves.
async fn first(conn: &mut SqliteConnection, feedback: &NewFeedback, mut row: TraceRow) -> StoreResult<FeedbackId> {
    feedback.verdict.check(row.trace.outcome.outcome).map_err(MetadataStoreError::Invalid)?;
    let documents: Vec<Uuid> = sqlx::query_scalar("SELECT document_id FROM trace_documents WHERE answer_id = ?1")
        .bind(feedback.answer_id.0)
        .fetch_all(&mut *conn)
        .await?;
    let documents: Vec<DocumentId> = documents.into_iter().map(DocumentId).collect();
    let gone = gone(conn, &documents).await?;
    row.trace.take_out(&gone);
    let id = FeedbackId::new();
    sqlx::query(
        "INSERT INTO feedback (id, answer_id, conversation_id, collection, owner, verdict, better_answer, comment, \
         redacted, given_by, given_at, trace) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )
    .bind(id.0)
    .bind(feedback.answer_id.0)
    .bind(row.conversation_id)
    .bind(&row.collection)
    .bind(&row.owner)
    .bind(feedback.verdict.as_str())
    .bind(&feedback.better_answer)
    .bind(&feedback.comment)
    .bind(Json(&feedback.redacted))
    .bind(&feedback.given_by)
    .bind(now())
    .bind(Json(&row.trace.0))
    .execute(&mut *conn)
    .await?;
    for document in documents.iter().filter(|document| !gone.contains(document)) {
        sqlx::query("INSERT INTO feedback_documents (document_id, feedback_id) VALUES (?1, ?2)")
            .bind(document.0)
            .bind(id.0)
            .execute(&mut *conn)
            .await?;
    }
    sqlx::query("DELETE FROM answer_traces WHERE answer_id = ?1").bind(feedback.answer_id.0).execute(conn).await?;
    Ok(id)
}

/// Takes the place of what was said before.
async fn again(
    conn: &mut SqliteConnection,
    feedback: &NewFeedback,
    owner: Option<&str>,
    access: &Access,
) -> StoreResult<FeedbackId> {
    let mut sql = QueryBuilder::new(concat!("SELECT ", rows::feedback_columns!(), " FROM feedback WHERE answer_id = "));
    sql.push_bind(feedback.answer_id.0);
    if let Some(owner) = owner {
        sql.push(" AND owner = ").push_bind(owner);
    }
    access::push_collection(&mut sql, "collection", &access.collections);
    let row: Option<FeedbackRow<i64>> = sql.build_query_as().fetch_optional(&mut *conn).await?;
    let before = row.ok_or_else(|| rows::not_found("kept answer", feedback.answer_id))?.feedback()?;
    feedback.verdict.check(before.trace.outcome.outcome).map_err(MetadataStoreError::Invalid)?;
    sqlx::query(
        "UPDATE feedback SET verdict = ?2, better_answer = ?3, comment = ?4, redacted = ?5, given_by = ?6, given_at = ?7 \
         WHERE id = ?1",
    )
    .bind(before.id.0)
    .bind(feedback.verdict.as_str())
    .bind(&feedback.better_answer)
    .bind(&feedback.comment)
    .bind(Json(&feedback.redacted))
    .bind(&feedback.given_by)
    .bind(now())
    .execute(conn)
    .await?;
    Ok(before.id)
}

/// Feedback in the order of its ids, newest first, without what rests on documents that are deleted or may not be read.
async fn shown(conn: &mut SqliteConnection, ids: &[Uuid], access: &Access) -> StoreResult<Vec<Feedback>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // First what is gone: what is deleted after this look was there when the feedback was asked for.
    let mut sql =
        QueryBuilder::new("SELECT f.feedback_id, f.document_id FROM feedback_documents f WHERE f.feedback_id IN (");
    push_ids(&mut sql, ids);
    sql.push(") AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.id = f.document_id AND d.deleted_at IS NULL");
    access::push_documents(&mut sql, access);
    sql.push(")");
    let gone: Vec<(Uuid, Uuid)> = sql.build_query_as().fetch_all(&mut *conn).await?;
    let mut sql = QueryBuilder::new(concat!("SELECT ", rows::feedback_columns!(), " FROM feedback WHERE id IN ("));
    push_ids(&mut sql, ids);
    sql.push(") ORDER BY id DESC");
    let found: Vec<FeedbackRow<i64>> = sql.build_query_as().fetch_all(conn).await?;
    rows::shown_feedback(found, &gone)
}

fn push_ids(sql: &mut QueryBuilder<sqlx::Sqlite>, ids: &[Uuid]) {
    let mut listed = sql.separated(", ");
    for id in ids {
        listed.push_bind(*id);
    }
}

/// Forgets the traces that a document is part of, and takes it out of some feedback; whether there may be more to do.
pub(super) async fn take_out_next(conn: &mut SqliteConnection, document: DocumentId) -> StoreResult<bool> {
    sqlx::query(
        "DELETE FROM answer_traces WHERE answer_id IN (SELECT answer_id FROM trace_documents WHERE document_id = ?1)",
    )
    .bind(document.0)
    .execute(&mut *conn)
    .await?;
    let found: Vec<FeedbackRow<i64>> = sqlx::query_as(concat!(
        "SELECT ",
        rows::feedback_columns!(),
        " FROM feedback WHERE id IN (SELECT feedback_id FROM feedback_documents WHERE document_id = ?1) LIMIT ?2"
    ))
    .bind(document.0)
    .bind(rows::FEEDBACK_AT_ONCE)
    .fetch_all(&mut *conn)
    .await?;
    let more = found.len() as i64 == rows::FEEDBACK_AT_ONCE;
    for row in found {
        let mut feedback = row.feedback()?;
        feedback.take_out(&BTreeSet::from([document]));
        sqlx::query("UPDATE feedback SET trace = ?2, better_answer = ?3, comment = ?4 WHERE id = ?1")
            .bind(feedback.id.0)
            .bind(Json(&feedback.trace))
            .bind(&feedback.better_answer)
            .bind(&feedback.comment)
            .execute(&mut *conn)
            .await?;
        sqlx::query("DELETE FROM feedback_documents WHERE document_id = ?1 AND feedback_id = ?2")
            .bind(document.0)
            .bind(feedback.id.0)
            .execute(&mut *conn)
            .await?;
    }
    Ok(more)
}
