//! What the owners of the documents should look at: the questions that were not answered, those that ask the same
//! together.
//!
//! May depend on `domain` and the metadata store.

mod cluster;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

pub use cluster::{SAME_QUESTION, cluster};

use crate::{
    domain::{Access, DocumentId, UnansweredId, UnansweredQuestion, UnansweredState},
    metadata_store::{MetadataStore, MetadataStoreError, OpenQuestion, StoreResult, UnansweredQuery},
};

/// How many open questions are grouped at once, the newest.
pub const GROUPED: u32 = 2_000;
/// How many questions of a group are shown.
const EXAMPLES: usize = 5;
/// How many documents of a group are shown.
const DOCUMENTS: usize = 5;

/// The open questions of the newest [`GROUPED`], in groups.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct UnansweredGroups {
    /// The groups, the largest first.
    pub groups: Vec<UnansweredGroup>,
    /// How many open questions are older than those that were grouped: they are not shown.
    pub older: u64,
}

/// Questions that ask the same.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct UnansweredGroup {
    /// The first question of the group, which stands for it.
    pub id: UnansweredId,
    /// The collection that was asked.
    pub collection: String,
    /// How many questions it has.
    pub count: usize,
    /// The newest of them, at most 5.
    pub examples: Vec<UnansweredQuestion>,
    /// When the first was asked.
    pub first_asked_at: DateTime<Utc>,
    /// When the last was asked.
    pub last_asked_at: DateTime<Utc>,
    /// The documents that came near most often, at most 5.
    pub nearest: Vec<NearDocument>,
}

/// A document that came near questions of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NearDocument {
    /// The document.
    pub document_id: DocumentId,
    /// Its name; absent when it was deleted since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Near how many of the questions it came.
    pub questions: usize,
}

/// The open questions about collections that `access` reads, in groups, at most `limit` groups.
pub async fn groups(
    metadata: &dyn MetadataStore,
    collection: Option<String>,
    access: &Access,
    limit: usize,
) -> StoreResult<UnansweredGroups> {
    let (grouped, older) = read(metadata, collection, access).await?;
    let mut groups = Vec::new();
    let mut names = BTreeMap::new();
    for group in grouped.iter().take(limit) {
        let mut shown = summarize(group);
        let mut near: Vec<DocumentId> = shown.nearest.iter().map(|near| near.document_id).collect();
        shown.examples.iter().for_each(|one| near.extend(one.nearest.iter().map(|near| near.document_id)));
        for id in near {
            if let std::collections::btree_map::Entry::Vacant(place) = names.entry(id) {
                place.insert(name_of(metadata, id, access).await?);
            }
        }
        shown.nearest.iter_mut().for_each(|near| near.name = names.get(&near.document_id).cloned().flatten());
        if !access.is_everything() {
            // Of what may not be read not even an id is shown.
            let is_named = |id: &DocumentId| names.get(id).is_some_and(Option::is_some);
            shown.nearest.retain(|near| near.name.is_some());
            shown.examples.iter_mut().for_each(|one| one.nearest.retain(|near| is_named(&near.document_id)));
        }
        groups.push(shown);
    }
    Ok(UnansweredGroups { groups, older })
}

/// Dismisses an open question, and those that ask the same. Returns how many were dismissed: none when it is settled
/// already. `NotFound` when there is no such question.
pub async fn dismiss(metadata: &dyn MetadataStore, id: UnansweredId, access: &Access) -> StoreResult<u64> {
    let question = metadata.readable_question(id, access).await?;
    if question.state != UnansweredState::Open {
        return Ok(0);
    }
    let (grouped, _) = read(metadata, Some(question.collection), access).await?;
    let with_it = grouped.into_iter().find(|group| group.iter().any(|one| one.question.id == id));
    // A question that is older than those that are grouped stands alone.
    let ids = with_it.map_or_else(|| vec![id], |group| group.iter().map(|one| one.question.id).collect());
    metadata.settle_questions(&ids, UnansweredState::Dismissed).await
}

/// The open questions in groups, and how many more there are.
async fn read(
    metadata: &dyn MetadataStore,
    collection: Option<String>,
    access: &Access,
) -> StoreResult<(Vec<Vec<OpenQuestion>>, u64)> {
    let query = UnansweredQuery { collection, access: access.clone(), limit: GROUPED };
    let (questions, older) = metadata.open_questions(query).await?;
    let grouped = tokio::task::spawn_blocking(move || {
        let groups = cluster(&questions);
        let of = |group: Vec<usize>| group.into_iter().filter_map(|place| questions.get(place).cloned()).collect();
        groups.into_iter().map(of).collect()
    });
    let grouped = grouped.await.map_err(|error| MetadataStoreError::Failed(format!("a thread failed: {error}")))?;
    Ok((grouped, older))
}

/// What is shown of a group, whose questions are in the order in which they were asked.
fn summarize(group: &[OpenQuestion]) -> UnansweredGroup {
    let questions = || group.iter().map(|one| &one.question);
    let mut near: BTreeMap<DocumentId, usize> = BTreeMap::new();
    for question in questions() {
        let documents: std::collections::BTreeSet<_> = question.nearest.iter().map(|near| near.document_id).collect();
        for document in documents {
            *near.entry(document).or_default() += 1;
        }
    }
    let mut nearest: Vec<NearDocument> =
        near.into_iter().map(|(document_id, questions)| NearDocument { document_id, name: None, questions }).collect();
    nearest.sort_by_key(|near| (std::cmp::Reverse(near.questions), near.document_id));
    nearest.truncate(DOCUMENTS);
    let first = questions().next();
    UnansweredGroup {
        id: first.map_or(UnansweredId(uuid::Uuid::nil()), |first| first.id),
        collection: first.map_or_else(String::new, |first| first.collection.clone()),
        count: group.len(),
        examples: questions().rev().take(EXAMPLES).cloned().collect(),
        first_asked_at: questions().map(|one| one.asked_at).min().unwrap_or_default(),
        last_asked_at: questions().map(|one| one.asked_at).max().unwrap_or_default(),
        nearest,
    }
}

async fn name_of(metadata: &dyn MetadataStore, id: DocumentId, access: &Access) -> StoreResult<Option<String>> {
    match metadata.readable_document(id, access).await {
        Ok(document) => Ok(Some(document.name)),
        Err(MetadataStoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
