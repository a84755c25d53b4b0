//! A question that is to be edited, with what an edit of it must keep clear of.
//!
//! May depend on `reading`, `names`, `numbers`, `words`, and the parent's example and normal form.

use std::{collections::HashSet, ops::Range, rc::Rc};

use super::{
    names::names,
    numbers::numbers,
    reading::{Reading, holds},
    words::{akin, replaced, stem, stems},
};
use crate::{
    domain::text::CodePointIndex,
    train::dataset::{example::Example, normal_form},
};

/// A question with its passages and the sentences that answer it.
pub struct Target<'e> {
    pub example: &'e Example,
    pub readings: Vec<Rc<Reading>>,
    /// Reading and sentence.
    answering: HashSet<(usize, usize)>,
    /// Stems of the titles: they are in every other sentence and tell nothing.
    titles: HashSet<String>,
}

impl<'e> Target<'e> {
    /// `None` when it is not known where the passages answer the question.
    pub fn new(example: &'e Example, readings: Vec<Rc<Reading>>) -> Option<Self> {
        let bare = |answer: &String| !matches!(normal_form::answer(answer).as_str(), "" | "yes" | "no" | "maybe");
        if !example.short_answers.iter().any(bare) {
            return None;
        }
        let mut answering = HashSet::new();
        for (number, (passage, reading)) in example.passages.iter().zip(&readings).enumerate() {
            let index = CodePointIndex::new(&passage.text);
            for span in example.support.iter().filter(|span| span.passage == passage.id) {
                let (start, end) = (index.byte_of(span.start)?, index.byte_of(span.end)?);
                answering.extend(reading.touched(&(start..end)).map(|sentence| (number, sentence)));
            }
        }
        if answering.is_empty() {
            return None;
        }
        // An answer that stands in several sentences may be meant in each.
        for (number, reading) in readings.iter().enumerate() {
            for answer in &example.short_answers {
                answering.extend(reading.sentences_with(answer).into_iter().map(|sentence| (number, sentence)));
            }
        }
        let titles = example.passages.iter().flat_map(|passage| stems(&passage.title)).collect();
        Some(Self { example, readings, answering, titles })
    }

    /// The question.
    pub fn question(&self) -> &str {
        &self.example.question
    }

    /// Whether a text stands in one of the passages.
    pub fn holds(&self, wanted: &str) -> bool {
        self.readings.iter().any(|reading| reading.holds(wanted))
    }

    /// Whether a text stands in a sentence that answers the question.
    pub fn answers_beside(&self, wanted: &str) -> bool {
        let mut answering = self.answering.iter();
        answering.any(|(reading, sentence)| holds(self.readings[*reading].sentence(*sentence), wanted))
    }

    /// Whether a name could stand for `old` without saying the same, naming the topic, or giving the answer away.
    pub fn is_other(&self, new: &str, old: &str) -> bool {
        !akin(new, old)
            && !akin(new, self.question())
            && !self.example.short_answers.iter().any(|answer| akin(new, answer))
            && !self.example.passages.iter().any(|passage| akin(new, &passage.title))
    }

    /// Whether no sentence that holds `new` could answer the question with `new` in the place of `old`: none of them
    /// answers it as it stands, or shares a third of its other words.
    pub fn stays_unanswered(&self, old: &str, new: &str) -> bool {
        let asked = self.asked_beside(old);
        self.readings.iter().enumerate().all(|(number, reading)| {
            reading.sentences_with(new).into_iter().all(|sentence| self.is_unlike(&asked, number, sentence))
        })
    }

    /// The same for a word in whatever form.
    pub fn stays_unanswered_in_any_form(&self, old: &str, new: &str) -> bool {
        let (asked, root) = (self.asked_beside(old), stem(new));
        self.readings.iter().enumerate().all(|(number, reading)| {
            // Some opposed words are function words, which have no stem there.
            let held = |at: &usize| reading.sentences[*at].stems.contains(&root) || holds(reading.sentence(*at), new);
            let mut holding = (0..reading.sentences.len()).filter(held);
            holding.all(|sentence| self.is_unlike(&asked, number, sentence))
        })
    }

    /// What the question asks beside a word of it.
    fn asked_beside(&self, old: &str) -> HashSet<String> {
        let mut asked = stems(&replaced(self.question(), old, " "));
        asked.retain(|stem| !self.titles.contains(stem));
        asked
    }

    /// Whether a sentence speaks of something else than is asked. The next one is taken with it: it may begin with a
    /// pronoun.
    fn is_unlike(&self, asked: &HashSet<String>, reading: usize, sentence: usize) -> bool {
        if self.answering.contains(&(reading, sentence)) {
            return false;
        }
        let sentences = &self.readings[reading].sentences;
        let near = &sentences[sentence..sentences.len().min(sentence + 2)];
        let shared = asked.iter().filter(|stem| near.iter().any(|near| near.stems.contains(*stem))).count();
        shared * 3 < asked.len()
    }

    /// Whether a sentence that answers the question holds another number like the answer, or another name beside it:
    /// the answer to the opposite question may stand in the same sentence, as the end of a war beside its beginning.
    pub fn has_rival(&self) -> bool {
        self.example.short_answers.iter().any(|answer| {
            let (asked_names, shapes) = (!names(&format!("is {answer}")).is_empty(), numbers(answer));
            self.answering.iter().any(|(reading, sentence)| {
                let sentence = self.readings[*reading].sentence(*sentence);
                let rest = replaced(sentence, answer, " ; ");
                let number = numbers(&rest).iter().any(|rival| shapes.iter().any(|own| own.shape == rival.shape));
                let unasked = |rival: Range<usize>| !akin(&rest[rival], self.question());
                number || (asked_names && names(&rest).into_iter().any(|rival| unasked(rival.range)))
            })
        })
    }
}
