//! The values of records, between a database's own types and those of the records.
//!
//! Depends on no driver: each backend reads a value of a kind and binds it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::Value as Json;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::corrupt;
use crate::{
    domain::{AnswerTrace, CitedStretch, DocumentId, JobKind, JobStage, JobState, Turn, take_out},
    metadata_store::{
        MetadataStoreError, StoreResult,
        archive::{Bytes, FeedbackRecord, Id, JobRecord, Record, RecordKind, TurnRecord},
    },
};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::metadata_store) enum ValueKind {
    /// An identifier.
    Uuid,
    /// A text.
    Text,
    /// A whole number.
    Int,
    /// A number of 32 bits.
    Real,
    /// JSON.
    Json,
    /// A time.
    Time,
    /// Bytes.
    Bytes,
}

/// A value of a column.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::metadata_store) enum Value {
    /// An identifier.
    Uuid(Option<Uuid>),
    /// A text.
    Text(Option<String>),
    /// A whole number.
    Int(Option<i64>),
    /// A number of 32 bits.
    Real(Option<f32>),
    /// JSON.
    Json(Option<Json>),
    /// A time.
    Time(Option<DateTime<Utc>>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
}

/// A type that a field of a record can have.
pub(in crate::metadata_store) trait Field: Sized {
    /// What its column holds.
    const KIND: ValueKind;

    /// As a value.
    fn value(&self) -> Value;

    /// From a value; `None` when the column is NULL.
    fn read(value: Value) -> StoreResult<Option<Self>>;

    /// From the value of the column `name`.
    fn of(name: &'static str, value: Option<Value>) -> StoreResult<Self> {
        let read = value.map(Self::read).transpose()?.flatten();
        read.ok_or_else(|| corrupt("missing value in the column", name))
    }
}

macro_rules! field {
    ($type:ty, $kind:ident, |$field:ident| $to:expr, |$stored:ident| $from:expr) => {
        impl Field for $type {
            const KIND: ValueKind = ValueKind::$kind;

            fn value(&self) -> Value {
                let $field = self;
                Value::$kind(Some($to))
            }

            fn read(value: Value) -> StoreResult<Option<Self>> {
                match value {
                    Value::$kind(stored) => Ok(stored.map(|$stored| $from)),
                    other => Err(corrupt("value of another kind", format!("{other:?}"))),
                }
            }
        }
    };
}

field!(String, Text, |field| field.clone(), |stored| stored);
field!(i64, Int, |field| *field, |stored| stored);
field!(f32, Real, |field| *field, |stored| stored);
field!(Json, Json, |field| field.clone(), |stored| stored);
field!(DateTime<Utc>, Time, |field| *field, |stored| stored);
field!(Bytes, Bytes, |field| field.0.clone(), |stored| Bytes(stored));

impl<T: Id> Field for T {
    const KIND: ValueKind = ValueKind::Uuid;

    fn value(&self) -> Value {
        Value::Uuid(Some(self.uuid()))
    }

    fn read(value: Value) -> StoreResult<Option<Self>> {
        match value {
            Value::Uuid(stored) => Ok(stored.map(T::from_uuid)),
            other => Err(corrupt("value of another kind", format!("{other:?}"))),
        }
    }
}

impl<T: Field> Field for Option<T> {
    const KIND: ValueKind = T::KIND;

    fn value(&self) -> Value {
        match (self, T::KIND) {
            (Some(field), _) => field.value(),
            (None, ValueKind::Uuid) => Value::Uuid(None),
            (None, ValueKind::Text) => Value::Text(None),
            (None, ValueKind::Int) => Value::Int(None),
            (None, ValueKind::Real) => Value::Real(None),
            (None, ValueKind::Json) => Value::Json(None),
            (None, ValueKind::Time) => Value::Time(None),
            (None, ValueKind::Bytes) => Value::Bytes(None),
        }
    }

    fn read(value: Value) -> StoreResult<Option<Self>> {
        T::read(value).map(Some)
    }

    fn of(_: &'static str, value: Option<Value>) -> StoreResult<Self> {
        value.map(T::read).transpose().map(Option::flatten)
    }
}

/// The query for all records of a kind.
pub(in crate::metadata_store) fn dump_query(kind: RecordKind) -> AssertSqlSafe<String> {
    // Made of constants only.
    AssertSqlSafe(format!("SELECT {} FROM {}", column_names(kind), kind.source()))
}

/// The start of the statement that inserts records of a kind.
pub(in crate::metadata_store) fn insert(kind: RecordKind) -> String {
    format!("INSERT INTO {} ({}) ", kind.as_str(), column_names(kind))
}

fn column_names(kind: RecordKind) -> String {
    kind.columns().iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// The tables that a restore empties, each before those that it refers to. Traces are in no archive, and those that are
/// there are of answers that this store does not hold any more.
pub(in crate::metadata_store) fn emptied() -> impl Iterator<Item = &'static str> {
    ["answer_traces"].into_iter().chain(filled())
}

fn filled() -> impl Iterator<Item = &'static str> {
    let kept = [RecordKind::Counter, RecordKind::Deletion];
    RecordKind::ALL.iter().rev().filter(move |kind| !kept.contains(kind)).map(|kind| kind.as_str())
}

/// The tables of which one row says that a store is not empty: a generation is made by every start, and so are connectors.
pub(in crate::metadata_store) fn occupied() -> impl Iterator<Item = &'static str> {
    let made = [RecordKind::Generation, RecordKind::Connector];
    filled().filter(move |table| made.iter().all(|kind| kind.as_str() != *table))
}

/// What turns and feedback name and is deleted: few, and only until their purge.
#[derive(Default)]
pub(in crate::metadata_store) struct Gone {
    /// By conversation and number.
    turns: BTreeMap<(Uuid, i64), BTreeSet<DocumentId>>,
    /// By feedback.
    feedback: BTreeMap<Uuid, BTreeSet<DocumentId>>,
}

/// The query for [`Gone`] of turns: conversation, number, document.
pub(in crate::metadata_store) const GONE: &str = "SELECT t.conversation_id, t.number, t.document_id \
    FROM turn_documents t WHERE NOT EXISTS (SELECT 1 FROM documents d WHERE d.id = t.document_id \
    AND d.deleted_at IS NULL)";

/// The query for [`Gone`] of feedback: feedback, document.
pub(in crate::metadata_store) const GONE_OF_FEEDBACK: &str = "SELECT f.feedback_id, f.document_id \
    FROM feedback_documents f WHERE NOT EXISTS (SELECT 1 FROM documents d WHERE d.id = f.document_id \
    AND d.deleted_at IS NULL)";

/// The documents that something refers to and that are not there.
pub(in crate::metadata_store) const LOST: &str = "SELECT DISTINCT document_id FROM \
    (SELECT document_id FROM turn_documents UNION SELECT document_id FROM delivery_documents \
    UNION SELECT document_id FROM feedback_documents UNION SELECT document_id FROM trace_documents) r \
    WHERE NOT EXISTS (SELECT 1 FROM documents d WHERE d.id = r.document_id AND d.deleted_at IS NULL) \
    ORDER BY document_id";

impl Gone {
    /// What [`GONE`] and [`GONE_OF_FEEDBACK`] found.
    pub(in crate::metadata_store) fn new(turns: Vec<(Uuid, i64, Uuid)>, feedback: Vec<(Uuid, Uuid)>) -> Self {
        let mut gone = Self::default();
        for (conversation, number, document) in turns {
            gone.turns.entry((conversation, number)).or_default().insert(DocumentId(document));
        }
        for (feedback, document) in feedback {
            gone.feedback.entry(feedback).or_default().insert(DocumentId(document));
        }
        gone
    }

    /// The record as it is dumped: no lease is carried over, and nothing of what was deleted.
    pub(in crate::metadata_store) fn dumped(&self, record: Record) -> StoreResult<Record> {
        Ok(match record {
            Record::Job(job) => Record::Job(at_rest(job)),
            Record::Turn(turn) => match self.turns.get(&(turn.conversation_id.0, turn.number)) {
                Some(gone) => Record::Turn(without(turn, gone)?),
                None => Record::Turn(turn),
            },
            Record::Feedback(feedback) => match self.feedback.get(&feedback.id.0) {
                Some(gone) => Record::Feedback(feedback_without(feedback, gone)?),
                None => Record::Feedback(feedback),
            },
            other => other,
        })
    }
}

/// A job that nobody works on. The attempt that is under way has not failed, and is made again. What a reindex has built so
/// far is not dumped: it begins anew.
fn at_rest(mut job: JobRecord) -> JobRecord {
    if job.state == JobState::Running.as_str() {
        job.state = JobState::Queued.as_str().to_owned();
        job.stage = JobStage::Waiting.as_str().to_owned();
        job.progress = 0.0;
        job.attempts = job.attempts.saturating_sub(1);
    }
    if job.state == JobState::Queued.as_str() && job.kind == JobKind::Reindex.as_str() {
        job.generation = None;
    }
    job
}

fn without(mut record: TurnRecord, gone: &BTreeSet<DocumentId>) -> StoreResult<TurnRecord> {
    let unreadable = |error: serde_json::Error| corrupt("turn", error);
    let mut turn: Turn = serde_json::from_value(record.turn).map_err(unreadable)?;
    let mut cited: Vec<CitedStretch> = serde_json::from_value(record.cited).map_err(unreadable)?;
    take_out(&mut turn, &mut cited, gone);
    let unwritable = |error: serde_json::Error| MetadataStoreError::Failed(format!("a turn: {error}"));
    record.turn = serde_json::to_value(turn).map_err(unwritable)?;
    record.cited = serde_json::to_value(cited).map_err(unwritable)?;
    Ok(record)
}

/// As [`crate::domain::Feedback::take_out`] leaves it.
fn feedback_without(mut record: FeedbackRecord, gone: &BTreeSet<DocumentId>) -> StoreResult<FeedbackRecord> {
    let mut trace: AnswerTrace =
        serde_json::from_value(record.trace).map_err(|error| corrupt("trace of an answer", error))?;
    trace.take_out(gone);
    let written = serde_json::to_value(trace);
    record.trace = written.map_err(|error| MetadataStoreError::Failed(format!("a trace: {error}")))?;
    (record.better_answer, record.comment) = (None, None);
    Ok(record)
}
