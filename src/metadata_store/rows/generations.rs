//! Generations of the index.

use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use super::{StoredTime, generation_state};
use crate::{
    domain::{Generation, GenerationNumber, GenerationState, IndexStamp, JobId},
    metadata_store::{MetadataStoreError, StoreResult},
};

/// The columns of [`GenerationRow`], of `generations`.
macro_rules! generation_columns {
    () => {
        "number, state, stamp, created_at, activated_at"
    };
}
pub(in crate::metadata_store) use generation_columns;

/// A generation.
#[derive(FromRow)]
pub(in crate::metadata_store) struct GenerationRow<At> {
    number: i64,
    state: String,
    stamp: Json<IndexStamp>,
    created_at: At,
    activated_at: Option<At>,
}

impl<At: StoredTime> GenerationRow<At> {
    /// The generation.
    pub(in crate::metadata_store) fn generation(self) -> StoreResult<Generation> {
        Ok(Generation {
            number: self.number,
            state: generation_state(&self.state)?,
            stamp: self.stamp.0,
            created_at: self.created_at.utc()?,
            activated_at: self.activated_at.map(StoredTime::utc).transpose()?,
        })
    }
}

/// The condition on `versions v` that a generation has no entry for: to be closed with the generation's parameter.
macro_rules! missing {
    () => {
        "v.state = 'active' AND NOT EXISTS (SELECT 1 FROM generation_versions e \
         WHERE e.document_id = v.document_id AND e.version = v.version"
    };
}
pub(in crate::metadata_store) use missing;

/// How many versions of a generation are forgotten in one transaction.
pub(in crate::metadata_store) const FORGET_PIECE: i64 = 200;

/// `Ok` when a generation may be filled.
pub(in crate::metadata_store) fn check_building(generation: GenerationNumber, state: &str) -> StoreResult<()> {
    match generation_state(state)? {
        GenerationState::Building => Ok(()),
        _ => conflict(format!("generation {generation} is not being built: it is {state}")),
    }
}

/// `Ok` when `job` may activate a generation.
pub(in crate::metadata_store) fn check_builder(
    generation: GenerationNumber,
    state: &str,
    builder: Option<Uuid>,
    job: JobId,
) -> StoreResult<()> {
    check_building(generation, state)?;
    if builder == Some(job.0) { Ok(()) } else { conflict(format!("generation {generation} is not built by job {job}")) }
}

/// `Ok` when a generation may be forgotten.
pub(in crate::metadata_store) fn check_retired(generation: GenerationNumber, state: &str) -> StoreResult<()> {
    match generation_state(state)? {
        GenerationState::Retired => Ok(()),
        _ => conflict(format!("generation {generation} is {state}: only a retired one can be forgotten")),
    }
}

/// Why there is no rollback.
pub(in crate::metadata_store) fn nothing_to_go_back_to() -> MetadataStoreError {
    MetadataStoreError::Conflict("there is no generation before the active one to go back to".to_owned())
}

/// Why nothing can be committed before the service has started once.
pub(in crate::metadata_store) fn no_active_generation() -> MetadataStoreError {
    MetadataStoreError::Conflict("there is no active generation of the index yet".to_owned())
}

fn conflict(why: String) -> StoreResult<()> {
    Err(MetadataStoreError::Conflict(why))
}
