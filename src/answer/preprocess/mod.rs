//! From the question as it was typed to the question as it is searched.
//!
//! Today: the request is checked, and Unicode and white space are put in order. May depend on `domain`.

use unicode_normalization::UnicodeNormalization;

use super::AnswerError;
use crate::domain::{
    DEFAULT_COLLECTION, DEFAULT_TOP_K, Filter, MAX_QUESTION_CODE_POINTS, MAX_TOP_K, Question, UnderstoodQuestion,
};

/// A question that has been checked and is ready to be searched.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedQuestion {
    /// What was understood.
    pub understood: UnderstoodQuestion,
    /// The collection to look in.
    pub collection: String,
    /// Narrows the documents.
    pub filter: Filter,
    /// How many passages to read.
    pub top_k: usize,
}

/// Checks a question and puts its text in order.
pub fn preprocess(question: Question) -> Result<PreparedQuestion, AnswerError> {
    let top_k = check_top_k(question.top_k)?;
    let interpreted = clean(&question.question)?;
    let understood = UnderstoodQuestion {
        corrections: Vec::new(),
        parts: vec![interpreted.clone()],
        interpreted,
        original: question.question,
    };
    Ok(PreparedQuestion {
        understood,
        collection: question.collection.unwrap_or_else(|| DEFAULT_COLLECTION.to_owned()),
        filter: question.filter.unwrap_or_default(),
        top_k,
    })
}

/// The number of passages to read; out of range is refused, never clamped.
pub fn check_top_k(top_k: Option<u32>) -> Result<usize, AnswerError> {
    match top_k.unwrap_or(DEFAULT_TOP_K) {
        top_k @ 1..=MAX_TOP_K => Ok(top_k as usize),
        top_k => Err(AnswerError::Invalid(format!("top_k is {top_k}: give 1 to {MAX_TOP_K}"))),
    }
}

/// The text in Unicode's composed form, without control and format characters, with single spaces.
pub fn clean(text: &str) -> Result<String, AnswerError> {
    let length = text.chars().count();
    if length > MAX_QUESTION_CODE_POINTS {
        return Err(AnswerError::Invalid(format!(
            "the question has {length} characters: shorten it to {MAX_QUESTION_CODE_POINTS}"
        )));
    }
    // Zero-width characters and direction marks come with copied text, and part words that look whole.
    let visible = text.nfc().map(|c| if c.is_whitespace() || c.is_control() { ' ' } else { c }).filter(
        |c| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}'),
    );
    let cleaned = visible.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ");
    if cleaned.is_empty() {
        return Err(AnswerError::Invalid("the question is empty: ask something".to_owned()));
    }
    Ok(cleaned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn question(text: &str) -> Question {
        Question { question: text.to_owned(), collection: None, filter: None, top_k: None, stream: false }
    }

    #[test]
    fn white_space_and_invisible_characters_go_and_the_words_stay() {
        let prepared = preprocess(question("  what\u{200b} is\n\tRRF\u{a0}? ")).unwrap();
        assert_eq!(prepared.understood.interpreted, "what is RRF ?");
        assert_eq!(prepared.understood.original, "  what\u{200b} is\n\tRRF\u{a0}? ");
        assert_eq!(prepared.collection, "default");
    }

    #[test]
    fn composed_and_decomposed_letters_are_the_same_question() {
        assert_eq!(clean("cafe\u{301}").unwrap(), clean("caf\u{e9}").unwrap());
    }

    #[test]
    fn what_is_out_of_range_is_refused_with_the_range() {
        for (top_k, ok) in [(0, false), (1, true), (50, true), (51, false)] {
            let result = preprocess(Question { top_k: Some(top_k), ..question("x") });
            assert_eq!(result.is_ok(), ok, "{top_k}");
        }
        for text in ["", " \n", "\u{200b}"] {
            assert!(preprocess(question(text)).unwrap_err().to_string().contains("empty"));
        }
        let long = "é".repeat(MAX_QUESTION_CODE_POINTS + 1);
        assert!(preprocess(question(&long)).unwrap_err().to_string().contains("4001"));
    }
}
