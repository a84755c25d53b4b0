//! What is recorded of outcomes.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::{QueryBuilder, SqliteConnection, types::Json};

use super::{SqliteStore, access, now, settle};
use crate::{
    domain::{Access, DocumentId, JobId, JobKind, UnansweredId, UnansweredQuestion, UnansweredState, take_out},
    faults,
    metadata_store::{
        AccessStore, InConversation, NewDelivery, NewUnanswered, OpenQuestion, OutcomeRecord, OutcomeStore,
        StoreResult, UnansweredQuery,
        bounded::{CALL, within},
        checks,
        rows::{self, UnansweredRow},
    },
};

#[async_trait]
impl OutcomeStore for SqliteStore {
    async fn record_outcome(&self, record: OutcomeRecord) -> StoreResult<()> {
        checks::outcome(&record)?;
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = async {
                let gone = gone(&mut transaction, &record.documents).await?;
                if let Some(conversation) = &record.conversation {
                    add_turn(&mut transaction, &record, conversation, &gone).await?;
                }
                if let Some(unanswered) = &record.unanswered {
                    keep_question(&mut transaction, &record, unanswered, &gone).await?;
                }
                if let Some(asked_as) = &record.settles {
                    sqlx::query(
                        "UPDATE unanswered SET state = 'answered', settled_at = ?3 \
                         WHERE state = 'open' AND collection = ?1 AND asked_as = ?2",
                    )
                    .bind(&record.collection)
                    .bind(asked_as)
                    .bind(now())
                    .execute(&mut *transaction)
                    .await?;
                }
                for delivery in &record.deliveries {
                    enqueue(&mut transaction, &record, delivery, &gone).await?;
                }
                Ok(faults::point("tx.outcome.ended").await?)
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn open_questions(&self, query: UnansweredQuery) -> StoreResult<(Vec<OpenQuestion>, u64)> {
        checks::unanswered_query(&query)?;
        let mut sql =
            QueryBuilder::new(concat!("SELECT ", rows::unanswered_columns!(), " FROM unanswered WHERE state = 'open'"));
        let mut count = QueryBuilder::new("SELECT COUNT(*) FROM unanswered WHERE state = 'open'");
        if let Some(collection) = query.collection {
            sql.push(" AND collection = ").push_bind(collection.clone());
            count.push(" AND collection = ").push_bind(collection);
        }
        access::push_collection(&mut sql, "collection", &query.access.collections);
        access::push_collection(&mut count, "collection", &query.access.collections);
        sql.push(" ORDER BY id DESC LIMIT ").push_bind(i64::from(query.limit));
        within(CALL, async {
            let found: Vec<UnansweredRow<i64>> = sql.build_query_as().fetch_all(&self.readers).await?;
            let all = rows::count(count.build_query_scalar().fetch_one(&self.readers).await?)?;
            let found = found.into_iter().map(UnansweredRow::open).collect::<StoreResult<Vec<_>>>()?;
            let more = all.saturating_sub(found.len() as u64);
            Ok((found, more))
        })
        .await
    }

    async fn unanswered_question(&self, id: UnansweredId) -> StoreResult<UnansweredQuestion> {
        self.readable_question(id, &Access::everything()).await
    }

    async fn settle_questions(&self, ids: &[UnansweredId], state: UnansweredState) -> StoreResult<u64> {
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = async {
                let mut settled = 0;
                for id in ids {
                    let changed = sqlx::query(
                        "UPDATE unanswered SET state = ?2, settled_at = ?3 WHERE id = ?1 AND state = 'open'",
                    )
                    .bind(id.0)
                    .bind(state.as_str())
                    .bind(now())
                    .execute(&mut *transaction)
                    .await?;
                    settled += changed.rows_affected();
                }
                Ok(settled)
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn delivery_body(&self, job: JobId) -> StoreResult<Option<String>> {
        within(CALL, async {
            Ok(sqlx::query_scalar(
                "SELECT body FROM deliveries WHERE job_id = ?1 AND NOT EXISTS (SELECT 1 FROM delivery_documents q \
                 WHERE q.job_id = ?1 AND NOT EXISTS \
                 (SELECT 1 FROM documents d WHERE d.id = q.document_id AND d.deleted_at IS NULL))",
            )
            .bind(job.0)
            .fetch_optional(&self.readers)
            .await?)
        })
        .await
    }

    async fn forget_deliveries(&self, before: DateTime<Utc>) -> StoreResult<u64> {
        within(CALL, async {
            let forgotten = sqlx::query(
                "DELETE FROM deliveries WHERE job_id IN \
                 (SELECT id FROM jobs WHERE kind = 'deliver' AND state IN ('failed', 'cancelled') AND updated_at < ?1)",
            )
            .bind(before.timestamp_micros())
            .execute(&self.writer)
            .await?;
            Ok(forgotten.rows_affected())
        })
        .await
    }
}

/// Those of the documents that are deleted.
pub(super) async fn gone(conn: &mut SqliteConnection, documents: &[DocumentId]) -> StoreResult<BTreeSet<DocumentId>> {
    let mut gone = BTreeSet::new();
    for document in documents {
        let living: Option<i64> = sqlx::query_scalar("SELECT 1 FROM documents WHERE id = ?1 AND deleted_at IS NULL")
            .bind(document.0)
            .fetch_optional(&mut *conn)
            .await?;
        if living.is_none() {
            gone.insert(*document);
        }
    }
    Ok(gone)
}

/// Adds a turn at the end of its conversation.
async fn add_turn(
    conn: &mut SqliteConnection,
    record: &OutcomeRecord,
    conversation: &InConversation,
    gone: &BTreeSet<DocumentId>,
) -> StoreResult<()> {
    let id = conversation.id;
    if conversation.begins {
        sqlx::query(
            "INSERT INTO conversations (id, collection, created_at, updated_at, owner) VALUES (?1, ?2, ?3, ?3, ?4)",
        )
        .bind(id.0)
        .bind(&record.collection)
        .bind(now())
        .bind(&conversation.owner)
        .execute(&mut *conn)
        .await?;
    } else {
        let found = sqlx::query("UPDATE conversations SET updated_at = ?2 WHERE id = ?1")
            .bind(id.0)
            .bind(now())
            .execute(&mut *conn)
            .await?;
        if found.rows_affected() == 0 {
            return Err(rows::not_found("conversation", id));
        }
    }
    let last: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(number), 0) FROM turns WHERE conversation_id = ?1")
        .bind(id.0)
        .fetch_one(&mut *conn)
        .await?;
    let (mut turn, mut cited) = (conversation.turn.clone(), conversation.cited.clone());
    take_out(&mut turn, &mut cited, gone);
    sqlx::query(
        "INSERT INTO turns (conversation_id, number, answer_id, turn, cited, confidence, actions, model, asked_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )
    .bind(id.0)
    .bind(last + 1)
    .bind(record.answer_id.0)
    .bind(Json(&turn))
    .bind(Json(&cited))
    .bind(record.confidence)
    .bind(Json(&conversation.actions))
    .bind(Json(&conversation.model))
    .bind(now())
    .execute(&mut *conn)
    .await?;
    for document in record.documents.iter().filter(|document| !gone.contains(document)) {
        sqlx::query(
            "INSERT INTO turn_documents (document_id, conversation_id, number) VALUES (?1, ?2, ?3) \
             ON CONFLICT DO NOTHING",
        )
        .bind(document.0)
        .bind(id.0)
        .bind(last + 1)
        .execute(&mut *conn)
        .await?;
    }
    // A question that was read in the light of the conversation may have taken words from there.
    if turn.interpreted.is_some_and(|interpreted| interpreted != turn.question) {
        sqlx::query(
            "INSERT INTO turn_documents (document_id, conversation_id, number) \
             SELECT DISTINCT document_id, conversation_id, ?2 FROM turn_documents \
             WHERE conversation_id = ?1 AND number < ?2 ON CONFLICT DO NOTHING",
        )
        .bind(id.0)
        .bind(last + 1)
        .execute(conn)
        .await?;
    }
    Ok(())
}

/// Keeps a question for the owners of the documents.
async fn keep_question(
    conn: &mut SqliteConnection,
    record: &OutcomeRecord,
    unanswered: &NewUnanswered,
    gone: &BTreeSet<DocumentId>,
) -> StoreResult<()> {
    sqlx::query(
        "INSERT INTO unanswered (id, answer_id, conversation_id, collection, question, interpreted, asked_as, outcome, \
         confidence, nearest, embedder, vector, state, asked_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 'open', ?13)",
    )
    .bind(unanswered.id.0)
    .bind(record.answer_id.0)
    .bind(record.conversation.as_ref().map(|conversation| conversation.id.0))
    .bind(&record.collection)
    .bind(&unanswered.question)
    .bind(unanswered.interpreted.as_ref().filter(|_| gone.is_empty()))
    .bind(&unanswered.asked_as)
    .bind(unanswered.outcome.as_str())
    .bind(record.confidence)
    .bind(Json(&unanswered.nearest))
    .bind(&unanswered.embedder)
    .bind(rows::stored_vector(&unanswered.vector))
    .bind(now())
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds a delivery to the queue; one that quotes a document that is gone is over before it begins.
async fn enqueue(
    conn: &mut SqliteConnection,
    record: &OutcomeRecord,
    delivery: &NewDelivery,
    gone: &BTreeSet<DocumentId>,
) -> StoreResult<()> {
    let [state, stage] = if gone.is_empty() { ["queued", "waiting"] } else { ["cancelled", "done"] };
    sqlx::query(
        "INSERT INTO jobs (id, kind, webhook, state, stage, progress, attempts, max_attempts, error, due_at, order_at, \
         created_at, updated_at) VALUES (?1, 'deliver', ?2, ?3, ?4, 0, 0, ?5, ?6, ?7, ?7, ?7, ?7)",
    )
    .bind(delivery.job.0)
    .bind(&delivery.webhook)
    .bind(state)
    .bind(stage)
    .bind(rows::max_attempts(JobKind::Deliver))
    .bind((!gone.is_empty()).then_some(rows::QUOTED_DOCUMENT_DELETED))
    .bind(now())
    .execute(&mut *conn)
    .await?;
    if !gone.is_empty() {
        return Ok(());
    }
    sqlx::query("INSERT INTO deliveries (job_id, answer_id, conversation_id, body) VALUES (?1, ?2, ?3, ?4)")
        .bind(delivery.job.0)
        .bind(record.answer_id.0)
        .bind(record.conversation.as_ref().map(|conversation| conversation.id.0))
        .bind(&delivery.body)
        .execute(&mut *conn)
        .await?;
    for document in &record.documents {
        sqlx::query("INSERT INTO delivery_documents (document_id, job_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING")
            .bind(document.0)
            .bind(delivery.job.0)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}
