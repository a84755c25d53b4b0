//! Text into the windows that the reader sees, `[CLS] question [SEP] title . passage [SEP]`, and tokens back into
//! positions of the passage.
//!
//! A passage that is too long for one window is seen in several that overlap; a title that is too long loses its end,
//! which is counted. A question that is too long is refused. May depend on the tokenizers crate.

use std::{ops::Range, path::Path};

use serde::{Deserialize, Serialize};
use tokenizers::Tokenizer;

use super::{EncoderError, load::refused};

/// How texts are cut into windows, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The most tokens of a window, with everything that belongs to it.
    pub window: usize,
    /// How many tokens of the passage two neighbouring windows share.
    pub overlap: usize,
    /// The most tokens of a question; a longer one is refused.
    pub question: usize,
    /// The most tokens of a title; of a longer one the first are taken.
    pub title: usize,
    /// The most tokens of a span that is read.
    pub span: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { window: 384, overlap: 128, question: 96, title: 24, span: 30 }
    }
}

impl Limits {
    /// Why these limits cannot work, if they cannot.
    pub fn check(&self, positions: usize) -> Result<(), String> {
        let around = self.question + self.title + 4;
        if self.window > positions {
            return Err(format!("a window of {} tokens is more than the model's {positions}", self.window));
        }
        if self.window <= around + self.overlap {
            return Err(format!(
                "a window of {} tokens leaves no room: question, title and marks take up to {around}, the overlap {}",
                self.window, self.overlap
            ));
        }
        if self.question == 0 || self.span == 0 {
            return Err("questions and spans need at least one token".to_owned());
        }
        Ok(())
    }
}

/// The tokens of a text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TextTokens {
    /// The tokens.
    pub ids: Vec<u32>,
    /// Where each lies, `[start, end)` in code points of the text.
    pub offsets: Vec<(u32, u32)>,
}

impl TextTokens {
    /// The first and the last token that share something with `[start, end)`.
    pub fn covering(&self, start: u32, end: u32) -> Option<(usize, usize)> {
        let first = self.offsets.iter().position(|offset| offset.1 > start)?;
        let last = self.offsets.iter().rposition(|offset| offset.0 < end)?;
        (first <= last).then_some((first, last))
    }
}

/// A tokenizer with the marks that frame a window.
#[derive(Debug, Clone)]
pub struct ReaderTokenizer {
    tokenizer: Tokenizer,
    begin: u32,
    separator: u32,
    full_stop: u32,
}

/// One window of a passage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// All tokens, marks included.
    pub tokens: Vec<u32>,
    /// How many of them belong to the question's part (type 0); the others have type 1.
    pub question_part: usize,
    /// Which of them are tokens of the passage.
    pub passage: Range<usize>,
    /// The number, in the passage, of the first of these.
    pub first: usize,
}

/// All windows of a passage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Windows {
    /// The windows, in order.
    pub windows: Vec<Window>,
    /// The tokens of the title that found no room.
    pub title_left_out: usize,
}

impl ReaderTokenizer {
    /// Reads `tokenizer.json`. Its own truncation and padding are not used.
    pub fn load(path: &Path) -> Result<Self, EncoderError> {
        let tokenizer = Tokenizer::from_file(path).map_err(|error| refused(path, error))?;
        Self::new(tokenizer).map_err(|reason| refused(path, reason))
    }

    fn new(mut tokenizer: Tokenizer) -> Result<Self, String> {
        tokenizer.with_truncation(None).map_err(|error| error.to_string())?;
        tokenizer.with_padding(None);
        // A text that spells a mark is a text, not a mark.
        tokenizer.set_encode_special_tokens(true);
        let id = |token: &str| tokenizer.token_to_id(token).ok_or_else(|| format!("it has no token `{token}`"));
        let (begin, separator, full_stop) = (id("[CLS]")?, id("[SEP]")?, id(".")?);
        Ok(Self { tokenizer, begin, separator, full_stop })
    }

    /// The words that are one token each, in the order of their numbers. A WordPiece vocabulary is numbered about by
    /// frequency, so this is a list of the commonest words of the language; parts of words, numbers and marks are left out.
    pub fn whole_words(&self) -> Vec<String> {
        let mut words: Vec<(u32, String)> =
            self.tokenizer.get_vocab(false).into_iter().map(|(word, number)| (number, word)).collect();
        words.retain(|(_, word)| word.chars().nth(1).is_some() && word.chars().all(char::is_alphabetic));
        words.sort_unstable();
        words.into_iter().map(|(_, word)| word).collect()
    }

    /// The tokens of a text, without marks.
    pub fn tokens(&self, text: &str) -> Result<TextTokens, EncoderError> {
        let encoding = self.tokenizer.encode_char_offsets(text, false);
        let encoding = encoding.map_err(|error| EncoderError::Tokenizer(error.to_string()))?;
        let offsets = encoding.get_offsets().iter().map(|(start, end)| (*start as u32, *end as u32)).collect();
        Ok(TextTokens { ids: encoding.get_ids().to_vec(), offsets })
    }

    /// The windows of one passage for one question.
    pub fn windows(
        &self,
        question: &TextTokens,
        title: &TextTokens,
        passage: &TextTokens,
        limits: &Limits,
    ) -> Result<Windows, EncoderError> {
        if question.ids.len() > limits.question {
            return Err(EncoderError::QuestionTooLong { tokens: question.ids.len(), max: limits.question });
        }
        let title_tokens = title.ids.len().min(limits.title);
        let mut head = vec![self.begin];
        head.extend(&question.ids);
        head.push(self.separator);
        let question_part = head.len();
        if title_tokens > 0 {
            head.extend(&title.ids[..title_tokens]);
            head.push(self.full_stop);
        }
        let room = limits.window - head.len() - 1;
        let step = room - limits.overlap;
        let count = passage.ids.len();
        let mut windows = Vec::new();
        let mut first = 0;
        loop {
            let part = first..(first + room).min(count);
            let mut tokens = head.clone();
            tokens.extend(&passage.ids[part.clone()]);
            tokens.push(self.separator);
            windows.push(Window { passage: head.len()..head.len() + part.len(), tokens, question_part, first });
            if part.end == count {
                break;
            }
            first += step;
        }
        Ok(Windows { windows, title_left_out: title.ids.len() - title_tokens })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use std::str::FromStr;

    use proptest::prelude::*;

    use super::*;

    /// Every letter is a token.
    pub fn letters() -> ReaderTokenizer {
        let mut vocabulary = vec!["[PAD]".to_owned(), "[CLS]".into(), "[SEP]".into(), "[UNK]".into(), ".".into()];
        vocabulary.extend(('a'..='z').map(String::from));
        vocabulary.extend(('a'..='z').map(|letter| format!("##{letter}")));
        let vocabulary: serde_json::Map<_, _> =
            vocabulary.into_iter().enumerate().map(|(id, token)| (token, id.into())).collect();
        let json = serde_json::json!({
            "version": "1.0",
            "truncation": {"max_length": 8, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
            "padding": null,
            "added_tokens": [{"id": 2, "content": "[SEP]", "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true}],
            "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                "strip_accents": null, "lowercase": true},
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": null,
            "decoder": null,
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100, "vocab": vocabulary},
        });
        ReaderTokenizer::new(Tokenizer::from_str(&json.to_string()).unwrap()).unwrap()
    }

    #[test]
    fn a_window_is_framed_and_offsets_are_code_points() {
        let tokenizer = letters();
        let passage = tokenizer.tokens("é bc").unwrap();
        assert_eq!(passage.offsets, [(0, 1), (2, 3), (3, 4)]);
        let (question, title) = (tokenizer.tokens("q").unwrap(), tokenizer.tokens("t").unwrap());
        let windows = tokenizer.windows(&question, &title, &passage, &Limits::default()).unwrap();
        let [window] = &windows.windows[..] else { panic!("{windows:?}") };
        let id = |token: &str| tokenizer.tokenizer.token_to_id(token).unwrap();
        let wanted = [1, id("q"), 2, id("t"), id("."), id("e"), id("b"), id("##c"), 2];
        assert_eq!(window.tokens, wanted);
        assert_eq!((window.question_part, window.passage.clone()), (3, 5..8));
        assert_eq!(passage.covering(2, 4), Some((1, 2)));
        assert_eq!(passage.covering(1, 2), None);
    }

    #[test]
    fn whole_words_are_in_order_and_no_parts() {
        let vocabulary = serde_json::json!({
            "[PAD]": 0, "[CLS]": 1, "[SEP]": 2, "[UNK]": 3, ".": 4, "the": 9, "of": 6, "##ing": 7, "a": 8, "1904": 5, "café": 10,
        });
        let json = serde_json::json!({"version": "1.0", "added_tokens": [], "model": {"type": "WordPiece",
            "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": vocabulary}});
        let tokenizer = ReaderTokenizer::new(Tokenizer::from_str(&json.to_string()).unwrap()).unwrap();
        assert_eq!(tokenizer.whole_words(), ["of", "the", "café"]);
    }

    #[test]
    fn a_text_that_spells_a_mark_is_a_text() {
        assert!(!letters().tokens("a [SEP] b").unwrap().ids.contains(&2));
    }

    #[test]
    fn long_questions_are_refused_and_long_titles_counted() {
        let tokenizer = letters();
        let long = tokenizer.tokens(&"a".repeat(100)).unwrap();
        let short = tokenizer.tokens("b").unwrap();
        let limits = Limits::default();
        assert!(matches!(
            tokenizer.windows(&long, &short, &short, &limits),
            Err(EncoderError::QuestionTooLong { tokens: 100, max: 96 })
        ));
        assert_eq!(tokenizer.windows(&short, &long, &short, &limits).unwrap().title_left_out, 76);
    }

    proptest! {
        #[test]
        fn every_token_of_a_passage_is_in_a_window_and_spans_up_to_the_overlap_are_whole_in_one(
            length in 0usize..300, question in 1usize..8, title in 0usize..6, overlap in 0usize..20, from in 0usize..300,
        ) {
            let tokenizer = letters();
            let tokens = |count: usize| TextTokens {
                ids: (0..count as u32).map(|id| 5 + id % 26).collect(),
                offsets: (0..count as u32).map(|at| (at, at + 1)).collect(),
            };
            let limits = Limits { window: 40, overlap, question: 8, title: 4, span: 9 };
            prop_assume!(limits.check(64).is_ok());
            let passage = tokens(length);
            let all = tokenizer.windows(&tokens(question), &tokens(title), &passage, &limits).unwrap().windows;
            let whole = |span: Range<usize>| all.iter().any(|w| w.first <= span.start && span.end <= w.first + w.passage.len());
            for window in &all {
                prop_assert!(window.tokens.len() <= 40);
                prop_assert_eq!(&window.tokens[window.passage.clone()], &passage.ids[window.first..window.first + window.passage.len()]);
            }
            for at in 0..length {
                prop_assert!(whole(at..at + 1));
            }
            if from + overlap <= length {
                prop_assert!(whole(from..from + overlap));
            }
        }
    }
}
