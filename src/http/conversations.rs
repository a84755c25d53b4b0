//! `/v1/conversations`: questions that follow each other, stored because somebody asked for it.

use std::sync::Arc;

use axum::{Extension, Json as Body, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem,
    audit::Details,
    auth::check_collection,
    extract::{Json, Path, Query},
};
use crate::{
    access::Caller,
    app::App,
    domain::{Conversation, ConversationId, DEFAULT_COLLECTION, RecordedTurn},
    metadata_store::ConversationQuery,
};

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, delete))
}

/// What a conversation is begun with.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewConversation {
    /// The collection that it asks; `default` when absent.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 255)]
    collection: Option<String>,
}

/// Begin a conversation
///
/// Its questions name it as `conversation_id`, and are stored with their outcomes until it is deleted.
#[utoipa::path(
    post, path = "/v1/conversations", operation_id = "create_conversation", tag = "conversations", security(("key" = ["ask"])),
    request_body = NewConversation, responses((status = CREATED, body = Conversation))
)]
async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(request): Json<NewConversation>,
) -> Result<(StatusCode, Extension<Details>, Body<Conversation>), Problem> {
    let collection = request.collection.as_deref().unwrap_or(DEFAULT_COLLECTION);
    check_collection(&caller, collection)?;
    let owner = caller.asker.owner.as_deref();
    let begun = app.metadata.create_conversation(collection, owner).await?;
    let details = Details::of(json!({"collection": collection, "conversation_id": begun.id}));
    Ok((StatusCode::CREATED, Extension(details), Body(begun)))
}

/// Which conversations to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ConversationsQuery {
    /// Only of this collection.
    collection: Option<String>,
    /// Where to go on: the `next_cursor` of the page before.
    #[param(pattern = "^[0-9a-f]{40}$")]
    cursor: Option<String>,
    /// At most so many, 1 to 1,000; 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// A page of conversations.
#[derive(Debug, Serialize, ToSchema)]
struct ConversationList {
    /// The conversations, newest first.
    conversations: Vec<Conversation>,
    /// Give this as `cursor` to get the next page; absent on the last.
    next_cursor: Option<String>,
}

/// List conversations
///
/// Those that were begun with the same API key; all of them for administrators and without keys.
#[utoipa::path(
    get, path = "/v1/conversations", operation_id = "list_conversations", tag = "conversations", security(("key" = ["ask"]), ("key" = ["admin"])),
    params(ConversationsQuery), responses((status = OK, body = ConversationList))
)]
async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ConversationsQuery>,
) -> Result<Body<ConversationList>, Problem> {
    let query = ConversationQuery {
        collection: query.collection,
        owner: caller.conversations_of().map(str::to_owned),
        access: caller.access().clone(),
        cursor: query.cursor,
        limit: query.limit.unwrap_or(100),
    };
    let page = app.metadata.conversations(query).await?;
    Ok(Body(ConversationList { conversations: page.items, next_cursor: page.next_cursor }))
}

/// Which turns to show.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TurnsQuery {
    /// Only turns after this number; from the first on when absent.
    #[param(minimum = 0, maximum = 4_294_967_295_u32)]
    after: Option<u32>,
    /// At most so many, 1 to 1,000; 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// A conversation with its turns.
#[derive(Debug, Serialize, ToSchema)]
struct ConversationDetails {
    /// The conversation.
    #[serde(flatten)]
    conversation: Conversation,
    /// The turns, in order. Of a document that was deleted, or that the caller may not read, only the ids are left, and of
    /// an answer what other documents carry.
    history: Vec<RecordedTurn>,
    /// Give this as `after` to get the next turns; absent after the last.
    next_after: Option<u32>,
}

/// Show a conversation
#[utoipa::path(
    get, path = "/v1/conversations/{id}", operation_id = "show_conversation", tag = "conversations", security(("key" = ["ask"]), ("key" = ["admin"])),
    params(("id" = ConversationId, Path), TurnsQuery),
    responses(
        (status = OK, body = ConversationDetails),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<ConversationId>,
    Query(query): Query<TurnsQuery>,
) -> Result<Body<ConversationDetails>, Problem> {
    // The turns first: one that is added meanwhile then shows in the count, and the last page says that there is more.
    let (after, limit, access) = (query.after.unwrap_or(0), query.limit.unwrap_or(100), caller.access());
    let history = app.metadata.readable_turns(id, after, limit, access).await?;
    let conversation = app.metadata.readable_conversation(id, caller.conversations_of(), access).await?;
    let next_after = history.last().map(|turn| turn.number).filter(|last| *last < conversation.turns);
    Ok(Body(ConversationDetails { conversation, history, next_after }))
}

/// A conversation that was deleted.
#[derive(Debug, Serialize, ToSchema)]
struct DeletedConversation {
    /// Its identifier.
    conversation_id: ConversationId,
}

/// Delete a conversation
///
/// With everything that came of it: its turns, its unanswered questions, and what is on its way to webhooks. What a webhook
/// has received is the receiver's.
#[utoipa::path(
    delete, path = "/v1/conversations/{id}", operation_id = "delete_conversation", tag = "conversations", security(("key" = ["ask"]), ("key" = ["admin"])),
    params(("id" = ConversationId, Path)),
    responses(
        (status = OK, body = DeletedConversation),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<ConversationId>,
) -> Result<Body<DeletedConversation>, Problem> {
    app.metadata.readable_conversation(id, caller.conversations_of(), caller.access()).await?;
    app.metadata.delete_conversation(id).await?;
    Ok(Body(DeletedConversation { conversation_id: id }))
}
