//! Answering from passages that are given with the question, without an index: what a closed evaluation asks.
//!
//! Everything after retrieval is the same code as for a question to the service, citations and their check included.
//! May depend on `domain`, the blob store and `models`.

use super::{AnswerError, AnswerServices, Evidence, Passage, Searched, answer_over, preprocess};
use crate::{
    domain::{
        Chunk, ChunkId, DocumentId, ExtractedDocument, GenerationNumber, Outcome, Question, text::CodePointRange,
    },
    models::embedder::TokenCounter,
};

/// The generation under which the given passages are kept while a question is answered.
const GENERATION: GenerationNumber = 1;

/// A passage that is given with a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenPassage {
    /// What citations will name.
    pub name: String,
    /// The title of its source.
    pub title: String,
    /// The text.
    pub text: String,
}

/// Answers a question from these passages, best first. The services' blob store keeps their texts meanwhile: it should
/// be one in memory. A citation's `name` is that of the passage, and its offsets count from the passage's beginning.
pub async fn answer_given(
    services: &AnswerServices,
    count_tokens: &TokenCounter,
    question: Question,
    given: &[GivenPassage],
) -> Result<Outcome, AnswerError> {
    // Before anything is stored: what fails here leaves nothing behind.
    let question_vector =
        services.retrieve.embedders.serving().embed_question(preprocess::clean(&question.question)?.text).await?;
    let mut passages = Vec::new();
    for (number, passage) in given.iter().enumerate() {
        let document_id = DocumentId::new();
        let stored = ExtractedDocument { text: passage.text.clone(), ..ExtractedDocument::default() };
        services.blobs.put_text(document_id, 1, GENERATION, &stored).await?;
        let (context, text) = (passage.title.clone(), passage.text.clone());
        passages.push(Passage {
            chunk: Chunk {
                id: ChunkId::derive(document_id, 1, GENERATION, 0),
                document_id,
                version: 1,
                ordinal: 0,
                range: CodePointRange { start: 0, end: text.chars().count() as u32 },
                tokens: count_tokens(&text) as u32,
                text,
                context,
                heading_path: Vec::new(),
                page: None,
            },
            name: passage.name.clone(),
            title: Some(passage.title.clone()),
            score: 1.0 / (number + 1) as f32,
        });
    }
    let documents: Vec<DocumentId> = passages.iter().map(|passage| passage.chunk.document_id).collect();
    let evidence = Evidence { generation: GENERATION, passages, question_vector };
    let outcome = answer_over(services, question, &Searched::Given(evidence), &None).await;
    for document in documents {
        services.blobs.delete_texts(document, None).await?;
    }
    outcome.map(|(outcome, _)| outcome)
}
