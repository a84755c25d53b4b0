//! Adapters, evaluations and promotions.

use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use super::{StoredTime, corrupt, count, number, word};
use crate::{
    domain::{
        Adapter, AdapterEvaluation, AdapterId, AdapterPair, AdapterRole, EvaluationFigures, Forced, Grounds, Promotion,
        PromotionAction,
    },
    metadata_store::{MetadataStoreError, NewPromotion, StoreResult},
};

/// The columns of [`AdapterRow`], of `adapters`.
macro_rules! adapter_columns {
    () => {
        "id, role, name, sha256, base_sha256, data_versions, run, size_bytes, created_at"
    };
}
pub(in crate::metadata_store) use adapter_columns;

/// An adapter.
#[derive(FromRow)]
pub(in crate::metadata_store) struct AdapterRow<At> {
    id: Uuid,
    role: String,
    name: String,
    sha256: String,
    base_sha256: String,
    data_versions: Json<Vec<String>>,
    run: Json<serde_json::Value>,
    size_bytes: i64,
    created_at: At,
}

impl<At: StoredTime> AdapterRow<At> {
    /// The adapter.
    pub(in crate::metadata_store) fn adapter(self) -> StoreResult<Adapter> {
        Ok(Adapter {
            id: AdapterId(self.id),
            role: role(&self.role)?,
            name: self.name,
            sha256: self.sha256,
            base_sha256: self.base_sha256,
            data_versions: self.data_versions.0,
            run: self.run.0,
            size_bytes: count(self.size_bytes)?,
            created_at: self.created_at.utc()?,
        })
    }
}

/// The columns of [`EvaluationRow`], of `adapter_evaluations`.
macro_rules! evaluation_columns {
    () => {
        "run_sha256, run, suite, suite_sha256, reader_sha256, generator_sha256, figures, created_at"
    };
}
pub(in crate::metadata_store) use evaluation_columns;

/// An evaluation.
#[derive(FromRow)]
pub(in crate::metadata_store) struct EvaluationRow<At> {
    run_sha256: String,
    run: String,
    suite: String,
    suite_sha256: String,
    reader_sha256: Option<String>,
    generator_sha256: Option<String>,
    figures: Json<EvaluationFigures>,
    created_at: At,
}

impl<At: StoredTime> EvaluationRow<At> {
    /// The evaluation.
    pub(in crate::metadata_store) fn evaluation(self) -> StoreResult<AdapterEvaluation> {
        Ok(AdapterEvaluation {
            run_sha256: self.run_sha256,
            run: self.run,
            suite: self.suite,
            suite_sha256: self.suite_sha256,
            adapters: AdapterPair { reader: self.reader_sha256, generator: self.generator_sha256 },
            figures: self.figures.0,
            created_at: self.created_at.utc()?,
        })
    }
}

/// The columns of [`PromotionRow`], of `promotions`.
macro_rules! promotion_columns {
    () => {
        "role, number, action, adapter_id, replaced_id, below, reason, refusal, grounds, promoted_at"
    };
}
pub(in crate::metadata_store) use promotion_columns;

/// An entry of the history of a role.
#[derive(FromRow)]
pub(in crate::metadata_store) struct PromotionRow<At> {
    role: String,
    pub(in crate::metadata_store) number: i64,
    action: String,
    pub(in crate::metadata_store) adapter_id: Option<Uuid>,
    replaced_id: Option<Uuid>,
    /// The entry that a rollback goes back to.
    pub(in crate::metadata_store) below: Option<i64>,
    reason: Option<String>,
    refusal: Option<String>,
    grounds: Option<Json<Grounds>>,
    promoted_at: At,
}

impl<At: StoredTime> PromotionRow<At> {
    /// The entry.
    pub(in crate::metadata_store) fn promotion(self) -> StoreResult<Promotion> {
        let action = word(
            "action",
            &self.action,
            &[PromotionAction::Promote, PromotionAction::Rollback],
            PromotionAction::as_str,
        )?;
        Ok(Promotion {
            role: role(&self.role)?,
            number: number("number of a promotion", self.number)?,
            action,
            adapter: self.adapter_id.map(AdapterId),
            replaced: self.replaced_id.map(AdapterId),
            forced: self.reason.zip(self.refusal).map(|(reason, refusal)| Forced { reason, refusal }),
            grounds: self.grounds.map(|grounds| grounds.0),
            promoted_at: self.promoted_at.utc()?,
        })
    }
}

/// An entry that is about to be added.
pub(in crate::metadata_store) struct NextPromotion {
    pub(in crate::metadata_store) number: i64,
    pub(in crate::metadata_store) action: PromotionAction,
    pub(in crate::metadata_store) adapter: Option<Uuid>,
    pub(in crate::metadata_store) replaced: Option<Uuid>,
    pub(in crate::metadata_store) below: Option<i64>,
    pub(in crate::metadata_store) forced: Option<Forced>,
    pub(in crate::metadata_store) grounds: Option<Grounds>,
}

/// The entry that a promotion adds after `last`.
pub(in crate::metadata_store) fn next_promotion<At>(
    promotion: NewPromotion,
    last: Option<&PromotionRow<At>>,
) -> StoreResult<NextPromotion> {
    let number = last.map_or(0, |last| last.number);
    if number != i64::from(promotion.after) {
        return conflict("another adapter was promoted or rolled back since this was decided: look again".to_owned());
    }
    let replaced = last.and_then(|last| last.adapter_id);
    if replaced == Some(promotion.adapter.0) {
        return conflict(format!("adapter {} serves already", promotion.adapter));
    }
    Ok(NextPromotion {
        number: number + 1,
        action: PromotionAction::Promote,
        adapter: Some(promotion.adapter.0),
        replaced,
        // What ships is the ground: nothing lies below an entry that replaced it.
        below: last.filter(|last| last.adapter_id.is_some()).map(|last| last.number),
        forced: promotion.forced,
        grounds: promotion.grounds,
    })
}

/// The entry that a rollback adds after `last`, whose `below` is the entry `target`.
pub(in crate::metadata_store) fn next_rollback<At>(
    role: AdapterRole,
    last: Option<&PromotionRow<At>>,
    target: Option<&PromotionRow<At>>,
) -> StoreResult<NextPromotion> {
    let Some(last) = last.filter(|last| last.adapter_id.is_some()) else {
        return conflict(format!("the {role} that ships with the program serves: there is nothing to go back to"));
    };
    if last.below.is_some() != target.is_some() {
        return Err(corrupt("promotion", last.number));
    }
    Ok(NextPromotion {
        number: last.number + 1,
        action: PromotionAction::Rollback,
        adapter: target.and_then(|target| target.adapter_id),
        replaced: last.adapter_id,
        below: target.and_then(|target| target.below),
        forced: None,
        grounds: None,
    })
}

/// The role that is stored as `found`.
fn role(found: &str) -> StoreResult<AdapterRole> {
    word("role", found, &AdapterRole::ALL, AdapterRole::as_str)
}

fn conflict<T>(why: String) -> StoreResult<T> {
    Err(MetadataStoreError::Conflict(why))
}
