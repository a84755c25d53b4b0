//! How well misspelt words are corrected: a suite's questions with one typo each, corrected by the vocabulary of the
//! suite's passages and compared with the questions as they were; and the questions without a typo, which must stay.
//!
//! Nothing is searched and no model is asked, so that thousands of questions take seconds. May depend on
//! `answer::{preprocess::spelling, vocabulary}`, `eval::{bootstrap, suite}` and `train::dataset`.

use serde::Serialize;

use super::{
    bootstrap::{Estimate, Resampling, Units, mean},
    suite::SuiteQuestion,
};
use crate::{
    answer::{
        preprocess::spelling::{Words, correct},
        vocabulary::{Bounds, Builder, Vocabulary},
    },
    train::dataset::example::Passage,
};

/// What became of a question with a typo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It reads as it did before the typo, but for its capitals.
    Right,
    /// The typo is still there, and nothing was changed.
    Left,
    /// Something was changed, and not to what it was.
    Wrong,
}

/// A question with a typo, and what was made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Corrected {
    /// The id of the example.
    pub id: String,
    /// As it was asked, with the typo.
    pub asked: String,
    /// As it was meant.
    pub meant: String,
    /// As it was read.
    pub read: String,
    /// What this is.
    pub ending: Ending,
    /// Whether each word that is asked is known, so that nothing shows that one is mistyped.
    pub all_known: bool,
}

/// Shares of questions (0 to 1) with their intervals.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpellingFigures {
    /// The questions with a typo.
    pub mistyped: usize,
    /// Of them, those that read as they were meant.
    pub right: Option<Estimate>,
    /// Those that were left.
    pub left: Option<Estimate>,
    /// Those that read as something else.
    pub wrong: Option<Estimate>,
    /// Those whose typo is a word of the index or the language itself.
    pub all_known: Option<Estimate>,
    /// The questions without a typo.
    pub clean: usize,
    /// Of them, those that were changed.
    pub clean_changed: Option<Estimate>,
}

/// A vocabulary of passages, with words of the language, the most frequent first.
pub fn vocabulary(passages: &[Passage], base: &[String]) -> Vocabulary {
    let mut builder = Builder::new(Bounds::default());
    for passage in passages {
        builder.add([passage.text.as_str(), passage.title.as_str()]);
    }
    builder.finish(base.iter().map(String::as_str))
}

/// Corrects the questions; `clean` are the same without typos, in the same order.
pub fn measure(
    mistyped: &[SuiteQuestion],
    clean: &[SuiteQuestion],
    words: &Vocabulary,
    resampling: &Resampling,
) -> (SpellingFigures, Vec<Corrected>) {
    let read = |question: &str| correct(question, words, words).text;
    let is_known = |word: &str| words.is_known(&word.to_lowercase());
    let corrected =
        mistyped.iter().zip(clean).filter(|(asked, meant)| asked.example.question != meant.example.question);
    let corrected: Vec<Corrected> = corrected
        .map(|(asked, meant)| {
            let (asked, meant) = (&asked.example, &meant.example.question);
            let read = read(&asked.question);
            let ending = match () {
                () if read.to_lowercase() == meant.to_lowercase() => Ending::Right,
                () if read == asked.question => Ending::Left,
                () => Ending::Wrong,
            };
            let mut letters = asked.question.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
            let all_known = letters.all(is_known);
            Corrected {
                id: asked.id.clone(),
                asked: asked.question.clone(),
                meant: meant.clone(),
                read,
                ending,
                all_known,
            }
        })
        .collect();
    let changed: Vec<bool> =
        clean.iter().map(|question| read(&question.example.question) != question.example.question).collect();
    let share = |ending: Ending| share(corrected.iter().map(|one| one.ending == ending), resampling);
    let figures = SpellingFigures {
        mistyped: corrected.len(),
        right: share(Ending::Right),
        left: share(Ending::Left),
        wrong: share(Ending::Wrong),
        all_known: self::share(corrected.iter().map(|one| one.all_known), resampling),
        clean: clean.len(),
        clean_changed: self::share(changed.iter().copied(), resampling),
    };
    (figures, corrected)
}

fn share(held: impl Iterator<Item = bool>, resampling: &Resampling) -> Option<Estimate> {
    let held: Vec<f64> = held.map(|held| f64::from(u8::from(held))).collect();
    mean(&held, &Units::questions(held.len()), resampling)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::eval::suite::LEVEL;

    fn question(id: &str, text: &str) -> SuiteQuestion {
        let json = serde_json::json!({
            "id": id, "kind": "task", "question": text, "passages": [], "expected": "abstained",
            "provenance": "test", "licence": "CC0-1.0"
        });
        SuiteQuestion { example: serde_json::from_value(json).unwrap(), document: id.to_owned() }
    }

    #[test]
    fn what_was_meant_what_stayed_and_what_became_another_word_are_told_apart() {
        let text = "The harbour master keeps the lighthouse of Grimsby. The parliament voted on the harbour.";
        let passage = |id: u8| serde_json::json!({"id": id.to_string(), "title": "Harbours", "text": text});
        let passages: Vec<Passage> = (0..4).map(|id| serde_json::from_value(passage(id)).unwrap()).collect();
        let base = ["the", "of", "what", "who", "keeps", "does"].map(str::to_owned);
        let words = vocabulary(&passages, &base);
        let clean =
            ["Who keeps the lighthouse?", "What does the master keeps?", "Who voted on the parliament?", "Who?"];
        let asked =
            ["Who keeps the lighthosue?", "What does the masqzer keeps?", "Who voted on the parliament?", "Who?"];
        let questions =
            |texts: [&str; 4]| texts.iter().map(|text| question(text, text)).collect::<Vec<SuiteQuestion>>();
        let resampling = Resampling::new(100, 1, LEVEL).unwrap();
        let (figures, corrected) = measure(&questions(asked), &questions(clean), &words, &resampling);
        let endings: Vec<Ending> = corrected.iter().map(|one| one.ending).collect();
        assert_eq!(endings, [Ending::Right, Ending::Left]);
        assert_eq!((figures.mistyped, figures.clean), (2, 4));
        assert_eq!(figures.right.unwrap().value, 0.5);
        assert_eq!(figures.clean_changed.unwrap().value, 0.0);
    }
}
