//! Answers, their footnotes, and everything else that a question gets back.
//!
//! May depend on the other modules of `domain` only.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    AnswerId, ChunkId, ConversationId, DocumentId, GenerationNumber, JobId, UnansweredId, personal_data::PersonalKind,
};

/// How a question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OutcomeKind {
    /// The documents hold the answer, and every sentence of it has a footnote.
    Answered,
    /// Some parts of the question were answered.
    Partial,
    /// The documents do not hold the answer.
    Abstained,
    /// The question has several readings: choose one.
    Clarify,
    /// The request is not one that documents answer: small talk, a command, a question about the world of today.
    Blocked,
}

impl OutcomeKind {
    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Partial => "partial",
            Self::Abstained => "abstained",
            Self::Clarify => "clarify",
            Self::Blocked => "blocked",
        }
    }
}

/// A footnote: a stretch of the answer, and the stretch of a source that carries it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Citation {
    /// Where the cited words of the answer start, in code points of `answer`.
    pub answer_start: u32,
    /// One past their end.
    pub answer_end: u32,
    /// The cited document.
    pub document_id: DocumentId,
    /// Its name.
    pub name: String,
    /// The version that was read.
    pub version: u32,
    /// The passage in which the quote stands.
    pub chunk_id: ChunkId,
    /// The page of the quote, for formats that have pages.
    pub page: Option<u32>,
    /// The nearest heading above the quote.
    pub heading: Option<String>,
    /// Where the quote starts in the document's stored text, in code points.
    pub source_start: u32,
    /// One past its end.
    pub source_end: u32,
    /// The quote: exactly the stored text at these offsets, but for what was blacked out by policy (`redacted`).
    pub quote: String,
}

/// What was understood of a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UnderstoodQuestion {
    /// The question as it was asked.
    pub original: String,
    /// The question as it was understood. The user's own words are searched beside it where the two differ.
    pub interpreted: String,
    /// What kind of request it is.
    pub kind: RequestKind,
    /// The language that it seems to be in, as an ISO 639-3 code; absent where the text is too short to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What was changed between the two, in order.
    pub corrections: Vec<Correction>,
    /// The questions that it was split into, each with how it ended; itself alone when it asks one thing.
    pub parts: Vec<QuestionPart>,
}

/// What kind of request was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    /// A question.
    Question,
    /// Keywords or an unfinished sentence, read as a question.
    Fragment,
    /// A question that leans on what was said before.
    FollowUp,
    /// The choice of one of the readings that were offered.
    Choice,
    /// A greeting, thanks, or the like: nothing is looked up.
    SmallTalk,
    /// Something to be done and not a question: nothing is looked up.
    Command,
    /// A question that no document is asked, such as one about the weather now: nothing is looked up.
    OutOfScope,
}

impl RequestKind {
    /// Whether documents are searched for it.
    pub fn is_served(self) -> bool {
        !matches!(self, Self::SmallTalk | Self::Command | Self::OutOfScope)
    }
}

/// Something that was changed in a question before it was searched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Correction {
    /// Why.
    pub kind: CorrectionKind,
    /// The words as they were.
    pub from: String,
    /// The words as they were understood.
    pub to: String,
}

/// Why words of a question were changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CorrectionKind {
    /// Bytes that were read in a wrong encoding, or letters in an odd form.
    Encoding,
    /// A misspelt word.
    Spelling,
    /// Keywords that were read as a question.
    Fragment,
    /// Words that lean on the conversation.
    FollowUp,
}

/// One of the questions that a request asks, with what it got back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QuestionPart {
    /// The question, standing by itself.
    pub question: String,
    /// How it ended.
    pub outcome: OutcomeKind,
    /// The sentences of the answer that are about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// The words that answer it, exactly as they stand in the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short_answer: Option<String>,
    /// As the `confidence` of an outcome, of this part alone.
    pub confidence: f32,
}

/// Something that was done about an outcome, or that the application can do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Action {
    /// The caller may ask again in other words, or look at these near passages' documents.
    SuggestDocuments {
        /// The nearest documents, best first.
        document_ids: Vec<DocumentId>,
    },
    /// The collection holds no document at all: upload some.
    UploadDocuments,
    /// The outcome is sent to a webhook.
    Webhook {
        /// The webhook's name in the rules.
        name: String,
        /// The job that sends it, under `/v1/jobs`; also the `webhook-id` that the receiver sees.
        delivery_id: JobId,
    },
    /// A person should look at it.
    Escalate {
        /// Who, as the rule names them.
        target: String,
        /// The rule that says so.
        rule: String,
    },
    /// The question stands in the list of unanswered questions.
    RecordUnanswered {
        /// Its entry.
        id: UnansweredId,
    },
    /// Documents beside the cited ones that are about the same.
    RelatedDocuments {
        /// The documents, nearest first.
        document_ids: Vec<DocumentId>,
    },
}

/// Which models made an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelVersions {
    /// The reader's name, with the beginning of the sum over its files.
    pub reader: Option<String>,
    /// The generator's name.
    pub generator: String,
    /// The adapter's name; absent when the generator runs as it comes.
    pub adapter: Option<String>,
    /// The embedder's name.
    pub embedder: String,
    /// The generation of the index that was searched.
    pub index: GenerationNumber,
}

/// Who worded an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Wording {
    /// The generator, sentence by sentence carried by a source.
    Generated,
    /// The source: no sentence of the generator's draft stood, and the sentence of the source that answers is shown.
    Quoted,
}

/// What an answer cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens that were generated.
    pub completion_tokens: u32,
    /// Passages that the generator read. When the reader has found the answer, it is one, and of that the sentences around
    /// the answer.
    pub passages_read: u32,
    /// Passages that were found but did not fit into the prompt's budget, or were not needed.
    pub passages_left_out: u32,
    /// Sentences that the generator wrote and that are not in the answer, because no source carries them.
    #[serde(default)]
    pub sentences_removed: u32,
}

impl std::ops::Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            prompt_tokens: self.prompt_tokens + other.prompt_tokens,
            completion_tokens: self.completion_tokens + other.completion_tokens,
            passages_read: self.passages_read + other.passages_read,
            passages_left_out: self.passages_left_out + other.passages_left_out,
            sentences_removed: self.sentences_removed + other.sentences_removed,
        }
    }
}

/// The milliseconds that each stage took.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Timings {
    /// Reading the question.
    pub preprocess: f64,
    /// Searching.
    pub retrieve: f64,
    /// Looking for the span that answers.
    pub read: f64,
    /// Writing the draft.
    pub generate: f64,
    /// Checking the draft and its citations.
    pub postfilter: f64,
    /// All of it.
    pub total: f64,
}

/// What a question gets back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Outcome {
    /// The answer's identifier.
    pub id: AnswerId,
    /// How the question ended.
    pub outcome: OutcomeKind,
    /// The answer in words; for an abstention, the sentence that says so.
    pub answer: String,
    /// Who worded the answer; absent for an abstention.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wording: Option<Wording>,
    /// Whether the sources contradict each other: the answer then quotes each of them, and there is no `short_answer`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub contradicting: bool,
    /// The words that answer, exactly as they stand in the source; absent for an abstention, where a question was too
    /// long for the reader, and where a request asks several things: `question.parts` has them then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short_answer: Option<String>,
    /// How well the evidence carries the answer, 0 to 1; of several parts the product, since all of them must be right.
    /// Of one: the probability that the span which the reader found is right;
    /// for an abstention, that of the best span it saw. For a question that was too long for the reader it is no
    /// probability, and it is 0 where nothing was found.
    pub confidence: f32,
    /// The footnotes, in the order of the answer.
    pub citations: Vec<Citation>,
    /// The kinds of personal data and secrets that were blacked out in answer and quotes, each character by `█`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub redacted: BTreeSet<PersonalKind>,
    /// What was understood of the question.
    pub question: UnderstoodQuestion,
    /// The conversation that it belongs to: ask the next question with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    /// The readings to choose from when the outcome is `clarify`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clarify: Option<Vec<String>>,
    /// What the application can do now.
    pub actions: Vec<Action>,
    /// Which models made the answer.
    pub model: ModelVersions,
    /// What it cost.
    pub usage: Usage,
    /// How long it took.
    pub timings_ms: Timings,
}
