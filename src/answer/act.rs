//! From what was verified to the outcome, and what the application can do about it.
//!
//! May depend on `domain`.

use super::{EndedPart, Passage, PreparedQuestion};
use crate::domain::{
    Action, AnswerId, DocumentId, Filter, ModelVersions, Outcome, OutcomeKind, QuestionPart, Timings,
    UnderstoodQuestion, Usage, Wording,
};

/// What an abstention says.
const ABSTAINS: &str = "The documents do not hold the answer to this question.";
/// What an abstention says to a request that asks several things.
const ABSTAINS_FROM_ALL: &str = "The documents do not hold the answers to these questions.";
/// What is said when there is nothing to look in.
const NOTHING_HERE: &str = "There is no document to answer from: upload some first.";
/// What is said when the filter leaves nothing to look in.
const NOTHING_MATCHES: &str = "No document matches the question's filter: widen it, or ask without one.";
/// How an answer begins that asks which reading is meant; the readings follow, numbered, a line each.
const ASKS_BACK: &str = "The documents answer this for several things. Which one do you mean?";
/// How many near documents an abstention names at most.
const SUGGESTED: usize = 3;

/// Decides the outcome: a part with at least one sentence that has a footnote is answered.
pub fn act(id: AnswerId, question: PreparedQuestion, ended: &[EndedPart], model: ModelVersions) -> Outcome {
    let parts: Vec<QuestionPart> =
        question.parts.iter().zip(ended).map(|(part, ended)| part_of(&part.interpreted, ended)).collect();
    let answered = parts.iter().filter(|part| part.outcome == OutcomeKind::Answered).count();
    let clarifies = || parts.iter().any(|part| part.outcome == OutcomeKind::Clarify);
    let outcome = match answered {
        _ if question.reply.is_some() => OutcomeKind::Blocked,
        0 if clarifies() => OutcomeKind::Clarify,
        0 => OutcomeKind::Abstained,
        all if all == parts.len() => OutcomeKind::Answered,
        _ => OutcomeKind::Partial,
    };
    let empty = ended.iter().all(|part| part.read.evidence.passages.is_empty());
    // One thing is asked back at a time: a reply could not say which part it chooses for.
    let options =
        ended.iter().map(|part| &part.options).find(|options| !options.is_empty()).cloned().unwrap_or_default();
    let (answer, actions) = match (outcome, question.reply) {
        (OutcomeKind::Blocked, Some(reply)) => (reply.to_owned(), Vec::new()),
        (OutcomeKind::Clarify, _) => (asks_back(&options), Vec::new()),
        (OutcomeKind::Abstained, _) if empty && question.filter != Filter::default() => {
            (NOTHING_MATCHES.to_owned(), Vec::new())
        }
        (OutcomeKind::Abstained, _) if empty => (NOTHING_HERE.to_owned(), vec![Action::UploadDocuments]),
        (OutcomeKind::Abstained, _) => {
            let text = if parts.len() > 1 { ABSTAINS_FROM_ALL } else { ABSTAINS };
            (text.to_owned(), vec![near_documents(ended)])
        }
        _ => (ended.iter().map(|part| part.verified.text()).collect(), Vec::new()),
    };
    let quoted = ended.iter().all(|part| part.verified.quoted || part.verified.sentences.is_empty());
    let single = if let [part] = &parts[..] { part.short_answer.clone() } else { None };
    let counted = parts.iter().filter(|part| answered == 0 || part.outcome == OutcomeKind::Answered);
    // A request that is not served has no part, and nothing that could be right.
    let confidence = if parts.is_empty() { 0.0 } else { counted.map(|part| part.confidence).product() };
    Outcome {
        id,
        outcome,
        answer,
        wording: (answered > 0).then_some(if quoted { Wording::Quoted } else { Wording::Generated }),
        short_answer: single,
        confidence,
        citations: ended
            .iter()
            .flat_map(|part| &part.verified.sentences)
            .flat_map(|sentence| sentence.citations.clone())
            .collect(),
        question: UnderstoodQuestion { parts, ..question.understood },
        redacted: ended.iter().flat_map(|part| part.verified.redacted.iter().copied()).collect(),
        conversation_id: None,
        contradicting: ended.iter().any(|part| part.verified.contradicting),
        clarify: (!options.is_empty()).then_some(options),
        actions,
        model,
        usage: ended.iter().fold(Usage::default(), |sum, part| sum + part.usage),
        timings_ms: Timings::default(),
    }
}

fn part_of(question: &str, ended: &EndedPart) -> QuestionPart {
    let answered = !ended.verified.sentences.is_empty();
    QuestionPart {
        question: question.to_owned(),
        outcome: match answered {
            true => OutcomeKind::Answered,
            false if !ended.options.is_empty() => OutcomeKind::Clarify,
            false => OutcomeKind::Abstained,
        },
        answer: answered.then(|| ended.verified.text().trim_start().to_owned()),
        short_answer: ended.verified.short_answer.clone(),
        confidence: ended.verified.confidence,
    }
}

/// The question back.
fn asks_back(options: &[String]) -> String {
    let listed: Vec<String> =
        options.iter().enumerate().map(|(number, option)| format!("{}. {option}", number + 1)).collect();
    format!("{ASKS_BACK}\n{}", listed.join("\n"))
}

/// The readings that were offered, from an answer that asks back: what a caller knows that keeps the words only.
pub fn offered(answer: &str) -> Vec<String> {
    let listed = answer.strip_prefix(ASKS_BACK).into_iter().flat_map(|rest| rest.trim_start().split('\n'));
    let options = (1..).zip(listed).map_while(|(number, line)| line.strip_prefix(&format!("{number}. ")));
    options.map(|option| option.trim().to_owned()).collect()
}

/// The nearest documents of all parts, in turn.
fn near_documents(ended: &[EndedPart]) -> Action {
    let longest = ended.iter().map(|part| part.read.evidence.passages.len()).max().unwrap_or_default();
    let in_turn =
        (0..longest).flat_map(|rank| ended.iter().filter_map(move |part| part.read.evidence.passages.get(rank)));
    Action::SuggestDocuments { document_ids: documents_of(in_turn, SUGGESTED) }
}

/// The first `count` documents of some passages, each once.
pub fn documents_of<'a>(passages: impl Iterator<Item = &'a Passage>, count: usize) -> Vec<DocumentId> {
    let mut documents = Vec::new();
    for passage in passages {
        if documents.len() < count && !documents.contains(&passage.chunk.document_id) {
            documents.push(passage.chunk.document_id);
        }
    }
    documents
}
