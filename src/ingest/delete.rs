//! Deleting many documents at once: a collection, or what a filter picks in it.
//!
//! Each is deleted by a transaction of its own, which makes it invisible and enqueues its purge. May depend on `domain`
//! and the stores.

use serde::Serialize;
use utoipa::ToSchema;

use super::{IngestError, IngestServices};
use crate::{
    domain::{Access, DocumentId, Filter, JobId},
    metadata_store::{DocumentQuery, MetadataStoreError},
    vector_store,
};

const PAGE: u32 = 500;

/// A document that a request picked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PickedDocument {
    /// The document.
    pub document_id: DocumentId,
    /// Its name.
    pub name: String,
    /// The job that removes its bytes and vectors; absent when it was only looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
}

/// Deletes the documents of a collection that pass the filter and that `access` reads, or only looks for them. When it returns, no search and
/// no answer uses any of them. What is uploaded meanwhile may stay. After an error, what was deleted stays deleted: the
/// same call goes on.
pub async fn delete_matching(
    services: &IngestServices,
    collection: &str,
    filter: &Filter,
    access: &Access,
    look_only: bool,
) -> Result<Vec<PickedDocument>, IngestError> {
    let (mut picked, mut cursor) = (Vec::new(), None);
    loop {
        let query = DocumentQuery {
            collection: Some(collection.to_owned()),
            name: None,
            access: access.clone(),
            cursor,
            limit: PAGE,
        };
        let page = services.metadata.documents(query).await?;
        for document in page.items {
            if !vector_store::matches(filter, document.id, &document.metadata)? {
                continue;
            }
            let job_id = match look_only {
                true => None,
                false => match services.metadata.delete_document(document.id).await {
                    Ok(job) => Some(job),
                    // Somebody else has deleted it.
                    Err(MetadataStoreError::NotFound { .. }) => continue,
                    Err(error) => return Err(error.into()),
                },
            };
            picked.push(PickedDocument { document_id: document.id, name: document.name, job_id });
        }
        services.wake.notify_one();
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(picked);
        }
    }
}
