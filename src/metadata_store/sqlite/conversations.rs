//! Conversations and their turns.

use std::collections::BTreeSet;

use async_trait::async_trait;
use sqlx::{QueryBuilder, SqliteConnection, types::Json};
use uuid::Uuid;

use super::{SqliteStore, access, feedback, now, settle};
use crate::{
    domain::{Access, Conversation, ConversationId, DocumentId, RecordedTurn},
    metadata_store::{
        ConversationQuery, ConversationStore, ListPage, MetadataStoreError, StoreResult,
        bounded::{CALL, within},
        checks,
        cursor::List,
        rows::{self, ConversationRow, TurnRow},
    },
};

#[async_trait]
impl ConversationStore for SqliteStore {
    async fn create_conversation(&self, collection: &str, owner: Option<&str>) -> StoreResult<Conversation> {
        checks::collection(collection)?;
        let id = ConversationId::new();
        within(CALL, async {
            sqlx::query(
                "INSERT INTO conversations (id, collection, created_at, updated_at, owner) VALUES (?1, ?2, ?3, ?3, ?4)",
            )
            .bind(id.0)
            .bind(collection)
            .bind(now())
            .bind(owner)
            .execute(&self.writer)
            .await?;
            read(&mut *self.readers.acquire().await?, id).await
        })
        .await
    }

    async fn conversation(&self, id: ConversationId) -> StoreResult<Conversation> {
        within(CALL, async { read(&mut *self.readers.acquire().await?, id).await }).await
    }

    async fn conversations(&self, query: ConversationQuery) -> StoreResult<ListPage<Conversation>> {
        let limit = checks::page_limit(query.limit)?;
        checks::conversation_query(&query)?;
        let list = List::of_conversations(&query);
        let before = list.read(query.cursor.as_deref())?;
        let mut sql = QueryBuilder::new(rows::select_conversations!());
        if let Some(collection) = query.collection {
            sql.push(" AND c.collection = ").push_bind(collection);
        }
        if let Some(owner) = query.owner {
            sql.push(" AND c.owner = ").push_bind(owner);
        }
        access::push_collection(&mut sql, "c.collection", &query.access.collections);
        if let Some(before) = before {
            sql.push(" AND c.id < ").push_bind(before);
        }
        sql.push(" ORDER BY c.id DESC LIMIT ").push_bind(i64::from(query.limit) + 1);
        within(CALL, async {
            let found: Vec<ConversationRow<i64>> = sql.build_query_as().fetch_all(&self.readers).await?;
            let found = found.into_iter().map(ConversationRow::conversation).collect::<StoreResult<Vec<_>>>()?;
            Ok(rows::page(found, limit, |conversation| list.after(conversation.id.0)))
        })
        .await
    }

    async fn turns(&self, id: ConversationId, after: u32, limit: u32) -> StoreResult<Vec<RecordedTurn>> {
        checks::page_limit(limit)?;
        within(CALL, self.read_turns(id, after, limit, &Access::everything())).await
    }

    async fn latest_turns(&self, id: ConversationId, limit: u32) -> StoreResult<Vec<RecordedTurn>> {
        let turns = self.conversation(id).await?.turns;
        self.turns(id, turns.saturating_sub(limit), limit).await
    }

    async fn delete_conversation(&self, id: ConversationId) -> StoreResult<()> {
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = async {
                sqlx::query(
                    "UPDATE jobs SET state = 'cancelled', stage = 'done', error = ?2, updated_at = ?3 \
                     WHERE state IN ('queued', 'running') \
                     AND id IN (SELECT job_id FROM deliveries WHERE conversation_id = ?1)",
                )
                .bind(id.0)
                .bind(rows::CONVERSATION_DELETED)
                .bind(now())
                .execute(&mut *transaction)
                .await?;
                let deleted = sqlx::query("DELETE FROM conversations WHERE id = ?1")
                    .bind(id.0)
                    .execute(&mut *transaction)
                    .await?;
                match deleted.rows_affected() {
                    0 => Err(rows::not_found("conversation", id)),
                    _ => Ok(()),
                }
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn take_out_document(&self, id: DocumentId) -> StoreResult<bool> {
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = async {
                let living: Option<i64> =
                    sqlx::query_scalar("SELECT 1 FROM documents WHERE id = ?1 AND deleted_at IS NULL")
                        .bind(id.0)
                        .fetch_optional(&mut *transaction)
                        .await?;
                if living.is_some() {
                    return Err(MetadataStoreError::Conflict(format!("document {id} is not deleted")));
                }
                take_out_next(&mut transaction, id).await
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }
}

impl SqliteStore {
    /// The turns, without what rests on documents that are deleted or that may not be read.
    pub(super) async fn read_turns(
        &self,
        id: ConversationId,
        after: u32,
        limit: u32,
        access: &Access,
    ) -> StoreResult<Vec<RecordedTurn>> {
        let mut conn = self.readers.acquire().await?;
        read(&mut conn, id).await?;
        // First what is gone: what is deleted after this look was there when the turns were asked for.
        let gone = gone(&mut conn, id, access).await?;
        let found: Vec<TurnRow<i64>> = sqlx::query_as(concat!(
            "SELECT ",
            rows::turn_columns!(),
            " FROM turns WHERE conversation_id = ?1 AND number > ?2 ORDER BY number LIMIT ?3"
        ))
        .bind(id.0)
        .bind(i64::from(after))
        .bind(i64::from(limit))
        .fetch_all(&mut *conn)
        .await?;
        rows::shown_turns(found, &gone)
    }
}

async fn read(conn: &mut SqliteConnection, id: ConversationId) -> StoreResult<Conversation> {
    let row: Option<ConversationRow<i64>> = sqlx::query_as(concat!(rows::select_conversations!(), " AND c.id = ?1"))
        .bind(id.0)
        .fetch_optional(conn)
        .await?;
    row.ok_or_else(|| rows::not_found("conversation", id))?.conversation()
}

/// The documents that turns of a conversation name and that are deleted or may not be read: the turn's number and the
/// document.
async fn gone(conn: &mut SqliteConnection, id: ConversationId, access: &Access) -> StoreResult<Vec<(i64, Uuid)>> {
    let mut sql = QueryBuilder::new("SELECT t.number, t.document_id FROM turn_documents t WHERE t.conversation_id = ");
    sql.push_bind(id.0);
    sql.push(" AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.id = t.document_id AND d.deleted_at IS NULL");
    access::push_documents(&mut sql, access);
    sql.push(")");
    Ok(sql.build_query_as().fetch_all(conn).await?)
}

/// Cancels the deliveries that quote a document, and removes what they would send.
async fn cancel_deliveries(conn: &mut SqliteConnection, document: DocumentId) -> StoreResult<()> {
    sqlx::query(
        "UPDATE jobs SET state = 'cancelled', stage = 'done', error = ?2, updated_at = ?3 \
         WHERE state IN ('queued', 'running') \
         AND id IN (SELECT job_id FROM delivery_documents WHERE document_id = ?1)",
    )
    .bind(document.0)
    .bind(rows::QUOTED_DOCUMENT_DELETED)
    .bind(now())
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "DELETE FROM deliveries WHERE job_id IN (SELECT job_id FROM delivery_documents WHERE document_id = ?1)",
    )
    .bind(document.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a document that is not there out of the deliveries, of some feedback and of one conversation; whether there may
/// be more to do.
pub(super) async fn take_out_next(conn: &mut SqliteConnection, document: DocumentId) -> StoreResult<bool> {
    cancel_deliveries(conn, document).await?;
    let more = feedback::take_out_next(conn, document).await?;
    let next: Option<Uuid> = sqlx::query_scalar(
        "SELECT conversation_id FROM turn_documents WHERE document_id = ?1 ORDER BY conversation_id LIMIT 1",
    )
    .bind(document.0)
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(conversation) = next {
        take_out(conn, conversation, document).await?;
    }
    Ok(more || next.is_some())
}

/// Takes a document out of the turns of one conversation that name it.
async fn take_out(conn: &mut SqliteConnection, conversation: Uuid, document: DocumentId) -> StoreResult<()> {
    let found: Vec<TurnRow<i64>> = sqlx::query_as(concat!(
        "SELECT ",
        rows::turn_columns!(),
        " FROM turns WHERE conversation_id = ?1 AND number IN \
         (SELECT number FROM turn_documents WHERE conversation_id = ?1 AND document_id = ?2) ORDER BY number"
    ))
    .bind(conversation)
    .bind(document.0)
    .fetch_all(&mut *conn)
    .await?;
    for row in found {
        let row = row.without(&BTreeSet::from([document]));
        sqlx::query("UPDATE turns SET turn = ?3, cited = ?4 WHERE conversation_id = ?1 AND number = ?2")
            .bind(conversation)
            .bind(row.number)
            .bind(Json(&row.turn.0))
            .bind(Json(&row.cited.0))
            .execute(&mut *conn)
            .await?;
    }
    // A question that leaned on the conversation may have taken words from there.
    sqlx::query("UPDATE unanswered SET interpreted = NULL WHERE conversation_id = ?1")
        .bind(conversation)
        .execute(&mut *conn)
        .await?;
    sqlx::query("DELETE FROM turn_documents WHERE conversation_id = ?1 AND document_id = ?2")
        .bind(conversation)
        .bind(document.0)
        .execute(conn)
        .await?;
    Ok(())
}
