//! A second look, before a question is answered: the best passage may have a sibling that the search did not find.
//!
//! A question that names no thing is answered by the passage whose words are nearest, and the same section of a document
//! with a title alike (the policy of the other country, the manual of the other device) may use other words. So it is
//! looked for by the title and the heading of the best passage, and read. May depend on `domain`, the stores and `models`.

use super::{
    AnswerError, AnswerServices, PreparedPart, PreparedQuestion, ReadEvidence,
    clarify::{self, Margins},
    read, retrieve,
};
use crate::{domain::Stage, models::encoder::best_of_all};

/// So many passages are searched for a sibling.
const DEPTH: usize = 16;

/// Reads siblings of the best passage, where none was among those that were read.
pub async fn second_look(
    services: &AnswerServices,
    question: &PreparedQuestion,
    part: &PreparedPart,
    read: ReadEvidence,
) -> Result<ReadEvidence, AnswerError> {
    let Some(reader) = services.reader.as_deref().filter(|_| services.stages.has(Stage::Clarify)) else {
        return Ok(read);
    };
    let least = reader.decision().threshold + Margins::TUNED.best;
    let Some((best, span)) = best_of_all(&read.spans).filter(|(_, span)| span.score >= least) else { return Ok(read) };
    let lexical = &services.retrieve.lexical;
    let Some(words) = clarify::words_of_siblings(lexical, &part.interpreted, &read.evidence.passages, best, span)
    else {
        return Ok(read);
    };
    let found = retrieve::by_words(&services.retrieve, question, read.evidence.generation, &words, DEPTH).await?;
    let siblings = clarify::siblings(lexical, &read.evidence.passages, best, span, found);
    if siblings.is_empty() { Ok(read) } else { read::read_more(reader, part, read, siblings).await }
}

#[cfg(test)]
mod tests;
