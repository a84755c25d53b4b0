//! Opaque paging cursors: the id after which a list goes on, and a mark of the list that it belongs to.
//!
//! Depends on no database. Ids are UUIDv7, so a list in order of ids is a list in order of creation, and a page
//! that starts behind an id is stable however many entries come and go meanwhile.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    AdapterQuery, AuditQuery, ConversationQuery, DocumentQuery, FeedbackQuery, JobQuery, MetadataStoreError,
    StoreResult,
};
use crate::domain::{Access, Allowed};

/// How many hexadecimal digits mark the list.
const MARK: usize = 8;

/// A list that can be paged through: what was asked for, without the page.
pub(super) struct List {
    mark: String,
}

impl List {
    /// The list of documents that `query` asks for.
    pub(super) fn of_documents(query: &DocumentQuery) -> Self {
        let [collections, labels] = readable(&query.access);
        Self::new(&[
            "documents",
            &part(query.collection.as_deref()),
            &part(query.name.as_deref()),
            &collections,
            &labels,
        ])
    }

    /// The list of jobs that `query` asks for.
    pub(super) fn of_jobs(query: &JobQuery) -> Self {
        let document = query.document_id.map(|id| id.to_string());
        let [collections, labels] = readable(&query.access);
        Self::new(&[
            "jobs",
            &part(query.state.map(|state| state.as_str())),
            &part(query.kind.map(|kind| kind.as_str())),
            &part(document.as_deref()),
            &collections,
            &labels,
        ])
    }

    /// The list of adapters that `query` asks for.
    pub(super) fn of_adapters(query: &AdapterQuery) -> Self {
        Self::new(&["adapters", &part(query.role.map(|role| role.as_str()))])
    }

    /// The list of conversations that `query` asks for.
    pub(super) fn of_conversations(query: &ConversationQuery) -> Self {
        let [collections, _] = readable(&query.access);
        Self::new(&["conversations", &part(query.collection.as_deref()), &part(query.owner.as_deref()), &collections])
    }

    /// The list of entries of the audit log that `query` asks for.
    pub(super) fn of_audit(query: &AuditQuery) -> Self {
        let time = |at: Option<DateTime<Utc>>| part(at.map(|at| at.to_rfc3339()).as_deref());
        Self::new(&[
            "audit",
            &part(query.actor.as_deref()),
            &part(query.action.as_deref()),
            &part(query.subject.as_deref()),
            &time(query.from),
            &time(query.until),
        ])
    }

    /// The list of feedback that `query` asks for.
    pub(super) fn of_feedback(query: &FeedbackQuery) -> Self {
        let [collections, labels] = readable(&query.access);
        let verdict = part(query.verdict.map(|verdict| verdict.as_str()));
        Self::new(&["feedback", &part(query.collection.as_deref()), &verdict, &collections, &labels])
    }

    /// The list of API keys.
    pub(super) fn of_keys() -> Self {
        Self::new(&["keys"])
    }

    fn new(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            // The length keeps ("ab", "c") and ("a", "bc") apart.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let mut mark = format!("{:x}", hash.finalize());
        mark.truncate(MARK);
        Self { mark }
    }

    /// The cursor of the page that follows the entry `last`.
    pub(super) fn after(&self, last: Uuid) -> String {
        format!("{}{}", last.simple(), self.mark)
    }

    /// The entry after which the list goes on. A cursor of another list is refused: going on with other filters
    /// would skip entries without a word.
    pub(super) fn read(&self, cursor: Option<&str>) -> StoreResult<Option<Uuid>> {
        let Some(cursor) = cursor else { return Ok(None) };
        let id = cursor
            .is_ascii()
            .then(|| cursor.split_at_checked(32))
            .flatten()
            .and_then(|(id, mark)| Some((Uuid::try_parse(id).ok()?, mark)));
        match id {
            Some((id, mark)) if mark == self.mark => Ok(Some(id)),
            Some((_, mark)) if mark.len() == MARK => Err(MetadataStoreError::Invalid(
                "the cursor belongs to a list with other filters: start again without it".to_owned(),
            )),
            _ => Err(MetadataStoreError::Invalid(
                "not a cursor: give the `next_cursor` of the page before, unchanged".to_owned(),
            )),
        }
    }
}

/// Tells an absent filter from an empty one.
fn part(filter: Option<&str>) -> String {
    filter.map_or_else(|| "-".to_owned(), |text| format!("={text}"))
}

/// What may be read, as parts of a list.
fn readable(access: &Access) -> [String; 2] {
    // As JSON, which keeps ["a,b"] and ["a", "b"] apart.
    let written = |allowed: &Allowed| allowed.as_list().map(|names| serde_json::Value::from(names).to_string());
    [&access.collections, &access.labels].map(|allowed| part(written(allowed).as_deref()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::domain::JobState;

    fn documents(collection: Option<&str>, name: Option<&str>) -> List {
        List::of_documents(&DocumentQuery {
            collection: collection.map(str::to_owned),
            name: name.map(str::to_owned),
            access: Access::everything(),
            cursor: None,
            limit: 10,
        })
    }

    #[test]
    fn a_cursor_of_a_list_with_other_filters_is_refused() {
        let cursor = documents(Some("a"), None).after(Uuid::now_v7());
        for other in [documents(None, None), documents(None, Some("a")), documents(Some("b"), None)] {
            let error = other.read(Some(&cursor)).unwrap_err();
            assert!(error.to_string().contains("other filters"), "{error}");
        }
        let jobs = List::of_jobs(&JobQuery { state: Some(JobState::Failed), ..JobQuery::default() });
        assert!(jobs.read(Some(&cursor)).is_err());
    }

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_the_id_it_was_made_of(id: u128, collection: Option<String>, name: Option<String>) {
            let list = documents(collection.as_deref(), name.as_deref());
            let id = Uuid::from_u128(id);
            prop_assert_eq!(list.read(Some(&list.after(id))).unwrap(), Some(id));
        }

        #[test]
        fn any_other_text_is_refused_and_nothing_panics(text in "\\PC{0,60}") {
            prop_assert!(documents(None, None).read(Some(&text)).is_err());
        }
    }
}
