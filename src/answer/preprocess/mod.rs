//! From the question as it was typed to the questions as they are searched.
//!
//! In this order: the request is checked and its text put in order; a reply to readings that were offered is what it
//! chooses; misspelt words are corrected; small talk, commands and requests that no document answers are told apart;
//! what leans on the conversation is made to stand alone; several questions are parted; keywords become questions. Each
//! is a module with a switch (`domain::Stage`), and what it changed stands in the answer's `question`. May depend on
//! `domain` and the vocabulary of the index.

mod clean;
pub(super) mod english;
pub mod follow_up;
pub mod fragment;
mod language;
pub mod parts;
pub mod request_kind;
pub mod spelling;

pub use clean::clean;
pub use language::language;

use super::{
    AnswerError, AnswerServices, clarify,
    conversation::{check_history, check_readings},
    vocabulary::Vocabulary,
};
use crate::domain::{
    Access, Correction, CorrectionKind, DEFAULT_COLLECTION, DEFAULT_TOP_K, Filter, MAX_TOP_K, OutcomeKind, Question,
    RequestKind, Stage, Stages, Turn, TurnSource, UnderstoodQuestion,
};

/// A question that has been checked and is ready to be searched.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedQuestion {
    /// What was understood.
    pub understood: UnderstoodQuestion,
    /// The questions that it asks, each standing by itself; none when it is not one that is served.
    pub parts: Vec<PreparedPart>,
    /// What is said to a request that is not served.
    pub reply: Option<&'static str>,
    /// What the answer rests on that it leans on: the next one may stand there too.
    pub carried: Vec<TurnSource>,
    /// The collection to look in.
    pub collection: String,
    /// Narrows the documents.
    pub filter: Filter,
    /// What may be read for it.
    pub access: Access,
    /// How many passages to read.
    pub top_k: usize,
}

/// One of the questions that a request asks.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedPart {
    /// In the user's own words, after clean-up. Searched as well, where it differs.
    pub asked: String,
    /// As it was understood: what is searched, read and answered.
    pub interpreted: String,
    /// The user's words behind the last question of the conversation, where there is one. Searched as well: what is asked
    /// next often stands near, also where nothing shows that it leans on anything.
    pub after_the_last: Option<String>,
}

/// Checks a question and finds out what it asks.
pub async fn preprocess(services: &AnswerServices, question: Question) -> Result<PreparedQuestion, AnswerError> {
    let top_k = check_top_k(question.top_k)?;
    check_history(question.history.len())?;
    check_readings(&question.history)?;
    let cleaned = clean(&question.question)?;
    let vocabulary =
        if services.stages.has(Stage::Spelling) { services.vocabulary.current(&question.asker.access) } else { None };
    let (stages, history) = (services.stages.clone(), question.history);
    // A long request takes tens of milliseconds of arithmetic.
    let work = move || {
        let mut reader = Understanding::new(&stages, &history, cleaned.text.clone());
        reader.corrections = cleaned.corrections;
        if let Some(vocabulary) = vocabulary {
            reader.spell(&vocabulary);
        }
        let interpreted = reader.understand();
        let parts = reader.parts(&interpreted, &cleaned.text)?;
        let Understanding { kind, corrections, carried, .. } = reader;
        let language = language(&cleaned.text).map(str::to_owned);
        Ok::<_, AnswerError>((interpreted, parts, kind, corrections, carried, language))
    };
    let understood = tokio::task::spawn_blocking(work).await;
    let (interpreted, parts, kind, corrections, carried, language) =
        understood.map_err(|error| AnswerError::Understand(error.to_string()))??;
    let understood = UnderstoodQuestion {
        kind,
        language,
        corrections,
        parts: Vec::new(),
        // Of several questions the request as a whole, of one the question.
        interpreted: if let [part] = &parts[..] { part.interpreted.clone() } else { interpreted.clone() },
        original: question.question,
    };
    Ok(PreparedQuestion {
        understood,
        reply: request_kind::reply(kind, &interpreted),
        parts,
        carried,
        collection: question.collection.unwrap_or_else(|| DEFAULT_COLLECTION.to_owned()),
        filter: question.filter.unwrap_or_default(),
        access: question.asker.access,
        top_k,
    })
}

/// Finding out what a request asks.
struct Understanding<'a> {
    stages: &'a Stages,
    history: &'a [Turn],
    text: String,
    kind: RequestKind,
    corrections: Vec<Correction>,
    carried: Vec<TurnSource>,
}

impl<'a> Understanding<'a> {
    fn new(stages: &'a Stages, history: &'a [Turn], text: String) -> Self {
        let (corrections, carried) = (Vec::new(), Vec::new());
        Self { stages, history, text, kind: RequestKind::Question, corrections, carried }
    }

    /// Corrects what is misspelt.
    fn spell(&mut self, vocabulary: &Vocabulary) {
        let spelled = spelling::correct(&self.text, vocabulary, vocabulary);
        self.text = spelled.text;
        self.corrections.extend(spelled.corrections);
    }

    /// The request as it stands alone.
    fn understand(&mut self) -> String {
        if let Some(chosen) = self.chosen() {
            self.kind = RequestKind::Choice;
            return self.changed(CorrectionKind::FollowUp, chosen);
        }
        if self.stages.has(Stage::RequestKinds) {
            self.kind = request_kind::request_kind(&self.text);
            if !self.kind.is_served() {
                return self.text.clone();
            }
        }
        if self.stages.has(Stage::FollowUps)
            && let Some(found) = follow_up::stand_alone(&self.text, self.history)
        {
            self.kind = RequestKind::FollowUp;
            self.carried = found.carried;
            return self.changed(CorrectionKind::FollowUp, found.question);
        }
        self.text.clone()
    }

    /// The question that a reply to the readings of the last turn chooses.
    fn chosen(&self) -> Option<String> {
        let last = self.history.last().filter(|turn| !turn.clarify.is_empty() && self.stages.has(Stage::Clarify))?;
        let option = last.clarify.get(clarify::choice(&self.text, &last.clarify)?)?;
        Some(clarify::chosen_question(last.interpreted.as_ref().unwrap_or(&last.question), option))
    }

    /// What was asked last, as it was understood, unless it is long enough to hide what comes behind it.
    fn last_question(&self) -> Option<&'a str> {
        let goes_on = self.stages.has(Stage::FollowUps) && self.kind != RequestKind::Choice;
        let last = self.history.iter().rfind(|turn| turn.outcome != Some(OutcomeKind::Blocked)).filter(|_| goes_on)?;
        let question = last.interpreted.as_ref().unwrap_or(&last.question);
        question.split_whitespace().nth(follow_up::MAX_QUESTION_WORDS).is_none().then_some(question.as_str())
    }

    /// The questions of a request, each standing alone; none of one that is not served.
    fn parts(&mut self, interpreted: &str, cleaned: &str) -> Result<Vec<PreparedPart>, AnswerError> {
        if !self.kind.is_served() {
            return Ok(Vec::new());
        }
        let split = |text: &str| -> Result<Vec<String>, AnswerError> {
            if !self.stages.has(Stage::Parts) || self.kind == RequestKind::Choice {
                return Ok(vec![text.to_owned()]);
            }
            Ok(parts::split(text)?)
        };
        let (understood, asked) = (split(interpreted)?, split(cleaned)?);
        // Where the two are not parted in the same way, nobody can say which of the user's words belong to which part.
        let asked = if asked.len() == understood.len() { asked } else { understood.clone() };
        let single = understood.len() == 1;
        let before = self.last_question();
        let parts = understood.into_iter().zip(asked).map(|(interpreted, asked)| {
            let interpreted = self.question_of(interpreted, single);
            let after_the_last = before.map(|before| format!("{before} {asked}"));
            PreparedPart { asked, interpreted, after_the_last }
        });
        Ok(parts.collect())
    }

    /// A part as a question: without what is only polite, and keywords as what they ask.
    fn question_of(&mut self, text: String, single: bool) -> String {
        let text = match self.stages.has(Stage::RequestKinds) {
            true => request_kind::without_politeness(&text).unwrap_or(text),
            false => text,
        };
        let asks = self.stages.has(Stage::Fragments).then(|| fragment::as_question(&text)).flatten();
        let Some(question) = asks else { return text };
        if single && self.kind == RequestKind::Question {
            self.kind = RequestKind::Fragment;
        }
        self.corrections.push(Correction { kind: CorrectionKind::Fragment, from: text, to: question.clone() });
        question
    }

    fn changed(&mut self, kind: CorrectionKind, to: String) -> String {
        if to != self.text {
            self.corrections.push(Correction { kind, from: self.text.clone(), to: to.clone() });
        }
        to
    }
}

/// The number of passages to read; out of range is refused, never clamped.
pub fn check_top_k(top_k: Option<u32>) -> Result<usize, AnswerError> {
    match top_k.unwrap_or(DEFAULT_TOP_K) {
        top_k @ 1..=MAX_TOP_K => Ok(top_k as usize),
        top_k => Err(AnswerError::Invalid(format!("top_k is {top_k}: give 1 to {MAX_TOP_K}"))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{
        answer::testing::{Scripted, question},
        domain::MAX_QUESTION_CODE_POINTS,
    };

    #[tokio::test]
    async fn white_space_and_invisible_characters_go_and_the_words_stay() {
        let scripted = Scripted::new(None, "").await;
        let asked = question("  what\u{200b} is\n\tRRF\u{a0}? ");
        let prepared = preprocess(&scripted.services, asked.clone()).await.unwrap();
        assert_eq!(prepared.understood.interpreted, "what is RRF ?");
        assert_eq!(prepared.understood.original, asked.question);
        assert_eq!(prepared.collection, "default");
    }

    #[test]
    fn composed_and_decomposed_letters_are_the_same_question() {
        assert_eq!(clean("cafe\u{301}").unwrap(), clean("caf\u{e9}").unwrap());
    }

    #[tokio::test]
    async fn in_a_conversation_the_words_are_searched_behind_the_last_question_too() {
        let mut services = Scripted::new(None, "").await.services;
        let turn = |question: &str, outcome| Turn { question: question.to_owned(), outcome, ..Turn::default() };
        let history = vec![
            turn("How does a steam engine work?", Some(OutcomeKind::Answered)),
            turn("thanks", Some(OutcomeKind::Blocked)),
        ];
        let asked = Question { history, ..question("Where is the water heated?") };
        let prepared = preprocess(&services, asked.clone()).await.unwrap();
        let behind = "How does a steam engine work? Where is the water heated?";
        assert_eq!(prepared.parts[0].after_the_last.as_deref(), Some(behind));
        assert_eq!(preprocess(&services, question("Where?")).await.unwrap().parts[0].after_the_last, None);
        let long = Question { history: vec![turn(&"word ".repeat(41), None)], ..asked.clone() };
        assert_eq!(preprocess(&services, long).await.unwrap().parts[0].after_the_last, None);
        services.stages = services.stages.with(Stage::FollowUps, false);
        assert_eq!(preprocess(&services, asked).await.unwrap().parts[0].after_the_last, None);
    }

    #[tokio::test]
    async fn what_is_out_of_range_is_refused_with_the_range() {
        let services = Scripted::new(None, "").await.services;
        for (top_k, ok) in [(0, false), (1, true), (50, true), (51, false)] {
            let result = preprocess(&services, Question { top_k: Some(top_k), ..question("x") }).await;
            assert_eq!(result.is_ok(), ok, "{top_k}");
        }
        for (readings, ok) in [(20, true), (21, false)] {
            let question_before = "What does it cost?".to_owned();
            let turn =
                Turn { question: question_before, clarify: vec!["Docker".to_owned(); readings], ..Turn::default() };
            let result = preprocess(&services, Question { history: vec![turn], ..question("x") }).await;
            assert_eq!(result.is_ok(), ok, "{readings}");
        }
        for text in ["", " \n", "\u{200b}"] {
            let error = preprocess(&services, question(text)).await.unwrap_err();
            assert!(error.to_string().contains("empty"));
        }
        let long = "é".repeat(MAX_QUESTION_CODE_POINTS + 1);
        let error = preprocess(&services, question(&long)).await.unwrap_err();
        assert!(error.to_string().contains("4001"));
    }
}
