//! Everything that a store holds but API keys, as records that belong to no dialect: what backups are made of.
//!
//! May depend on `domain`. The records and their columns are described once, here; both backends read and write them by
//! this description, so that what one has dumped the other can load.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use uuid::Uuid;

use super::{
    MetadataStoreError, StoreResult,
    rows::{Field, Value, ValueKind},
};
use crate::domain::{AdapterId, AnswerId, ChunkId, ConversationId, DocumentId, FeedbackId, JobId, UnansweredId};

/// The most records that are handed on together.
pub const RECORDS_PER_PAGE: usize = 500;

/// Bytes, which JSON has no type for: written in base64.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Describes the kinds of records: the table of each, what of it is dumped and in which order, and its columns.
macro_rules! records {
    ($(
        $(#[$doc:meta])*
        $kind:ident($record:ident) in $table:literal, $from:literal {
            $($field:ident: $type:ty),+ $(,)?
        }
    )+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            #[allow(missing_docs, reason = "the migrations say what each column is")]
            pub struct $record {
                $(pub $field: $type,)+
            }
        )+

        /// What a record is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum RecordKind {
            $($(#[$doc])* $kind,)+
        }

        impl RecordKind {
            /// All of them, each after those that it refers to: the order of a dump and of a load.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)+];

            /// The name of its table, which is also its name in an archive.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $table,)+
                }
            }

            /// What is dumped, as it stands behind `FROM`, and in which order.
            pub(super) fn source(self) -> &'static str {
                match self {
                    $(Self::$kind => $from,)+
                }
            }

            /// Its columns and what they hold.
            pub(super) fn columns(self) -> &'static [(&'static str, ValueKind)] {
                match self {
                    $(Self::$kind => &[$((stringify!($field), <$type as Field>::KIND),)+],)+
                }
            }

            /// The record that these values are, in the order of the columns.
            pub(super) fn record(self, values: Vec<Value>) -> StoreResult<Record> {
                let mut values = values.into_iter();
                Ok(match self {
                    $(Self::$kind => Record::$kind($record {
                        $($field: Field::of(stringify!($field), values.next())?,)+
                    }),)+
                })
            }

            /// Reads a record as [`Record::to_json`] writes it.
            pub fn parse(self, json: &str) -> Result<Record, serde_json::Error> {
                Ok(match self {
                    $(Self::$kind => Record::$kind(serde_json::from_str(json)?),)+
                })
            }
        }

        /// A row of a store.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Record {
            $($(#[$doc])* $kind($record),)+
        }

        impl Record {
            /// What it is about.
            pub fn kind(&self) -> RecordKind {
                match self {
                    $(Self::$kind(_) => RecordKind::$kind,)+
                }
            }

            /// Its values, in the order of the columns.
            pub(super) fn values(&self) -> Vec<Value> {
                match self {
                    $(Self::$kind(record) => vec![$(record.$field.value(),)+],)+
                }
            }

            /// One line of JSON.
            pub fn to_json(&self) -> Result<String, serde_json::Error> {
                match self {
                    $(Self::$kind(record) => serde_json::to_string(record),)+
                }
            }
        }
    };
}

records! {
    /// The last number that was given to a generation.
    Counter(CounterRecord) in "generation_counter", "generation_counter t" { last: i64 }

    /// The active generation; what is being built and what was retired can be built again.
    Generation(GenerationRecord) in "generations", "generations t WHERE state = 'active'" {
        number: i64, state: String, stamp: Json, job_id: Option<JobId>, created_at: DateTime<Utc>,
        activated_at: Option<DateTime<Utc>>,
    }

    /// A document that is not deleted.
    Document(DocumentRecord) in "documents", "documents t WHERE deleted_at IS NULL ORDER BY id" {
        id: DocumentId, collection: String, name: String, metadata: Json, access: Json, created_at: DateTime<Utc>,
        updated_at: DateTime<Utc>,
    }

    /// A version of such a document.
    Version(VersionRecord) in "versions",
        "versions t WHERE EXISTS (SELECT 1 FROM documents d WHERE d.id = t.document_id AND d.deleted_at IS NULL) \
         ORDER BY document_id, version" {
        document_id: DocumentId, version: i64, state: String, sha256: String, size_bytes: i64,
        media_type: Option<String>, title: Option<String>, pages: Option<i64>, created_at: DateTime<Utc>,
    }

    /// That a version has been indexed in the active generation.
    Entry(EntryRecord) in "generation_versions",
        "generation_versions t WHERE generation = (SELECT number FROM generations WHERE state = 'active') \
         ORDER BY document_id, version" {
        generation: i64, document_id: DocumentId, version: i64, chunks: i64, tokens: i64,
    }

    /// A passage of the active generation.
    Chunk(ChunkRecord) in "chunks",
        "chunks t WHERE generation = (SELECT number FROM generations WHERE state = 'active') \
         ORDER BY document_id, version, ordinal" {
        id: ChunkId, generation: i64, document_id: DocumentId, version: i64, ordinal: i64, range_start: i64,
        range_end: i64, text: String, context: String, heading_path: Json, page: Option<i64>, tokens: i64,
    }

    /// A job, open or ended; one that runs is dumped as queued.
    Job(JobRecord) in "jobs", "jobs t ORDER BY id" {
        id: JobId, kind: String, document_id: Option<DocumentId>, version: Option<i64>, generation: Option<i64>,
        webhook: Option<String>, state: String, stage: String, progress: f32, attempts: i64, max_attempts: i64,
        error: Option<String>, due_at: DateTime<Utc>, created_at: DateTime<Utc>, updated_at: DateTime<Utc>,
        priority: String, order_at: DateTime<Utc>, options: Option<Json>, report: Option<Json>,
        collection: Option<String>,
    }

    /// A registered adapter.
    Adapter(AdapterRecord) in "adapters", "adapters t ORDER BY id" {
        id: AdapterId, role: String, name: String, sha256: String, base_sha256: String, data_versions: Json, run: Json,
        size_bytes: i64, created_at: DateTime<Utc>,
    }

    /// How adapters were measured.
    Evaluation(EvaluationRecord) in "adapter_evaluations", "adapter_evaluations t ORDER BY run_sha256" {
        run_sha256: String, run: String, suite: String, suite_sha256: String, reader_sha256: Option<String>,
        generator_sha256: Option<String>, figures: Json, created_at: DateTime<Utc>,
    }

    /// Which adapter served when.
    Promotion(PromotionRecord) in "promotions", "promotions t ORDER BY role, number" {
        role: String, number: i64, action: String, adapter_id: Option<AdapterId>, replaced_id: Option<AdapterId>,
        below: Option<i64>, reason: Option<String>, refusal: Option<String>, grounds: Option<Json>,
        promoted_at: DateTime<Utc>,
    }

    /// A conversation.
    Conversation(ConversationRecord) in "conversations", "conversations t ORDER BY id" {
        id: ConversationId, collection: String, created_at: DateTime<Utc>, updated_at: DateTime<Utc>,
        owner: Option<String>,
    }

    /// A turn, without what rests on deleted documents.
    Turn(TurnRecord) in "turns", "turns t ORDER BY conversation_id, number" {
        conversation_id: ConversationId, number: i64, answer_id: AnswerId, turn: Json, cited: Json, confidence: f32,
        actions: Json, model: Json, asked_at: DateTime<Utc>,
    }

    /// A document that a turn's words may come from.
    TurnDocument(TurnDocumentRecord) in "turn_documents",
        "turn_documents t WHERE EXISTS (SELECT 1 FROM documents d WHERE d.id = t.document_id \
         AND d.deleted_at IS NULL) ORDER BY document_id, conversation_id, number" {
        document_id: DocumentId, conversation_id: ConversationId, number: i64,
    }

    /// A question that was kept for the owners of the documents. What was understood of it goes with a document that
    /// the conversation has lost.
    Unanswered(UnansweredRecord) in "unanswered",
        "(SELECT id, answer_id, conversation_id, collection, question, CASE WHEN EXISTS (SELECT 1 FROM turn_documents x \
         WHERE x.conversation_id = u.conversation_id AND NOT EXISTS (SELECT 1 FROM documents d \
         WHERE d.id = x.document_id AND d.deleted_at IS NULL)) THEN NULL ELSE interpreted END AS interpreted, asked_as, \
         outcome, confidence, nearest, embedder, vector, state, asked_at, settled_at FROM unanswered u) t ORDER BY id" {
        id: UnansweredId, answer_id: AnswerId, conversation_id: Option<ConversationId>, collection: String,
        question: String, interpreted: Option<String>, asked_as: String, outcome: String, confidence: f32,
        nearest: Json, embedder: String, vector: Bytes, state: String, asked_at: DateTime<Utc>,
        settled_at: Option<DateTime<Utc>>,
    }

    /// What a delivery sends, unless it quotes a deleted document.
    Delivery(DeliveryRecord) in "deliveries",
        "deliveries t WHERE NOT EXISTS (SELECT 1 FROM delivery_documents q WHERE q.job_id = t.job_id \
         AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.id = q.document_id AND d.deleted_at IS NULL)) \
         ORDER BY job_id" {
        job_id: JobId, answer_id: AnswerId, conversation_id: Option<ConversationId>, body: String,
    }

    /// A document that a delivery quotes.
    DeliveryDocument(DeliveryDocumentRecord) in "delivery_documents",
        "delivery_documents t WHERE NOT EXISTS (SELECT 1 FROM delivery_documents q WHERE q.job_id = t.job_id \
         AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.id = q.document_id AND d.deleted_at IS NULL)) \
         ORDER BY document_id, job_id" {
        document_id: DocumentId, job_id: JobId,
    }

    /// What was said about an answer, without what rests on deleted documents.
    Feedback(FeedbackRecord) in "feedback", "feedback t ORDER BY id" {
        id: FeedbackId, answer_id: AnswerId, conversation_id: Option<ConversationId>, collection: String,
        owner: Option<String>, verdict: String, better_answer: Option<String>, comment: Option<String>, redacted: Json,
        given_by: String, given_at: DateTime<Utc>, trace: Json,
    }

    /// A document that the words of a feedback may come from.
    FeedbackDocument(FeedbackDocumentRecord) in "feedback_documents",
        "feedback_documents t WHERE EXISTS (SELECT 1 FROM documents d WHERE d.id = t.document_id \
         AND d.deleted_at IS NULL) ORDER BY document_id, feedback_id" {
        document_id: DocumentId, feedback_id: FeedbackId,
    }

    /// A connector, without what is about this store alone.
    Connector(ConnectorRecord) in "connectors", "connectors t ORDER BY name" {
        name: String, kind: String, pass: i64, begun_at: Option<DateTime<Utc>>, ended_at: Option<DateTime<Utc>>,
        outcome: Option<String>, error: Option<String>, report: Option<Json>,
    }

    /// What a source was seen to hold, also where its document was deleted here: it must not come back.
    Item(ItemRecord) in "connector_items", "connector_items t ORDER BY connector, item" {
        connector: String, item: String, fingerprint: String, validator: Option<String>,
        document_id: Option<DocumentId>, version: Option<i64>, error: Option<String>, pass: i64,
        changed_at: DateTime<Utc>,
    }

    /// That a document was deleted.
    Deletion(DeletionRecord) in "deleted_documents", "deleted_documents t ORDER BY document_id" {
        document_id: DocumentId, deleted_at: DateTime<Utc>,
    }
}

/// A restore that was begun and has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreUnderWay {
    /// SHA-256 of the archive's manifest.
    pub archive: String,
    /// When it was begun.
    pub begun_at: DateTime<Utc>,
}

/// Takes the records of a dump.
#[async_trait]
pub trait RecordSink: Send {
    /// Takes some records of one kind, at most [`RECORDS_PER_PAGE`].
    async fn take(&mut self, records: Vec<Record>) -> StoreResult<()>;
}

/// Gives the records of a load.
#[async_trait]
pub trait RecordSource: Send {
    /// The next records, all of one kind, at most [`RECORDS_PER_PAGE`]; kinds come in the order of [`RecordKind::ALL`].
    async fn next(&mut self) -> StoreResult<Option<Vec<Record>>>;
}

/// What backups, restores and checks need.
#[async_trait]
pub trait ArchiveStore: Send + Sync + 'static {
    /// Hands everything to `sink` as it is at one moment, whatever is written meanwhile: kind after kind in the order of
    /// [`RecordKind::ALL`], each in the order of its keys. Of deleted documents there is nothing but their deletion,
    /// also before their purge has run.
    async fn dump(&self, sink: &mut dyn RecordSink) -> StoreResult<()>;

    /// Empties the store for a restore, and records that it is under way; the deletions and the last number of a
    /// generation stay. `Conflict` when the store holds anything, unless it may be replaced, or what it holds is an
    /// earlier restore that has not ended.
    async fn begin_restore(&self, archive: &str, replace: bool) -> StoreResult<()>;

    /// Fills the store from `source`, ends the restore, and enqueues a reindex where one is asked for: all in one
    /// transaction. `Conflict` when no restore was begun. What refers to documents that are not there is taken out of
    /// conversations, feedback and deliveries, and open ingestions of them are cancelled.
    async fn load(&self, source: &mut dyn RecordSource, reindex: bool) -> StoreResult<()>;

    /// The restore that was begun and has not ended.
    async fn restore_under_way(&self) -> StoreResult<Option<RestoreUnderWay>>;

    /// The SHA-256 sums that any version refers to, of documents that wait for their purge too, out of `candidates`. All
    /// other originals are nobody's.
    async fn known_blobs(&self, candidates: &[String]) -> StoreResult<Vec<String>>;

    /// The documents that were ever deleted, behind `after` in the order of their ids, at most `limit` (1 to 1,000).
    async fn deletions(&self, after: Option<DocumentId>, limit: u32) -> StoreResult<Vec<DeletionRecord>>;
}

/// Why a store is not filled.
pub(super) fn not_empty(table: &str) -> MetadataStoreError {
    MetadataStoreError::Conflict(format!(
        "the database holds something already (`{table}`): restore into an empty one, or say that this one may be \
         replaced"
    ))
}

/// Why nothing is loaded.
pub(super) fn no_restore() -> MetadataStoreError {
    MetadataStoreError::Conflict("no restore was begun".to_owned())
}

/// An identifier that a record can hold.
pub(super) trait Id: Sized {
    /// From a UUID.
    fn from_uuid(uuid: Uuid) -> Self;
    /// As a UUID.
    fn uuid(&self) -> Uuid;
}

macro_rules! ids {
    ($($name:ident),+) => {
        $(impl Id for $name {
            fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            fn uuid(&self) -> Uuid {
                self.0
            }
        })+
    };
}

ids!(AdapterId, AnswerId, ChunkId, ConversationId, DocumentId, FeedbackId, JobId, UnansweredId);
