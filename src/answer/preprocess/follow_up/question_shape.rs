//! The parts of a question: what it asks with, the verb, and the rest.
//!
//! May depend on `english`.

use super::answers::{describes, is_name};
use crate::answer::preprocess::english::{
    AUXILIARIES, BASE_FOLLOWS, BE, PREPOSITIONS, QUESTION_WORDS, is_one_of,
    noun_kinds::is_person,
    noun_phrases::{NounPhrase, noun_phrases},
    verbs::{base_of_past, base_of_third, is_base, is_past},
    words::{Word, words},
};

/// A question taken apart.
#[derive(Debug, Clone)]
pub(super) struct Shape<'a> {
    pub text: &'a str,
    pub words: Vec<Word>,
    /// One past the number of the last word that asks: `In which year`, `How many books`.
    pub asking: usize,
    pub phrases: Vec<NounPhrase>,
}

/// The verb right after the asking words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verb {
    /// `did`, `was`: its subject follows.
    Auxiliary,
    /// `issued` with `did` and `issue`: what asks is the subject.
    Main { at: usize, auxiliary: &'static str, base: String },
}

impl<'a> Shape<'a> {
    pub fn of(text: &'a str) -> Self {
        let words = words(text);
        let phrases = noun_phrases(text);
        let at = words.iter().position(|word| is_one_of(&word.lower, QUESTION_WORDS)).filter(|at| *at <= 1);
        let asking = at.map_or(0, |at| {
            let named = phrases.iter().find(|phrase| phrase.asks && phrase.first > at && phrase.first <= at + 3);
            let measure = words.get(at + 1).is_some_and(|next| {
                words[at].lower == "how" && !is_one_of(&next.lower, AUXILIARIES) && next.lower != "to"
            });
            let end = named.map_or(at + 1 + usize::from(measure), |phrase| phrase.last);
            // `How much of the time`
            let rest = phrases.iter().find(|phrase| phrase.first == end + 1 && phrase.after.as_deref() == Some("of"));
            rest.map_or(end, |rest| rest.last)
        });
        Self { text, words, asking, phrases }
    }

    /// The word that asks: `who`, `which`, `how`; empty for what is no question with such a word.
    pub fn question_word(&self) -> &str {
        let asking = self.words[..self.asking].iter().find(|word| is_one_of(&word.lower, QUESTION_WORDS));
        asking.map_or("", |word| word.lower.as_str())
    }

    /// Words from one number to another, as they stand.
    pub fn cut(&self, from: usize, to: usize) -> &'a str {
        if from >= to.min(self.words.len()) {
            return "";
        }
        &self.text[self.words[from].start..self.words[to.min(self.words.len()) - 1].end]
    }

    /// The verb after the asking words.
    pub fn verb(&self) -> Option<Verb> {
        let mut at = self.asking;
        while self
            .words
            .get(at)
            .is_some_and(|word| matches!(word.lower.as_str(), "never" | "also" | "still" | "first" | "not"))
        {
            at += 1;
        }
        let word = self.words.get(at)?;
        if is_one_of(&word.lower, AUXILIARIES) {
            return Some(Verb::Auxiliary);
        }
        // `Which models lose more`
        if self.asked_noun().is_some_and(NounPhrase::is_plural) && is_base(&word.lower) {
            return Some(Verb::Main { at, auxiliary: "do", base: word.lower.clone() });
        }
        // `Which treaty of 2004 never came`: the verb may come after more than the asking noun.
        let at = (at..self.words.len().min(at + 5)).find(|at| {
            let lower = self.words[*at].lower.as_str();
            is_past(lower) || base_of_third(lower).is_some()
        })?;
        let word = self.words[at].lower.as_str();
        if is_past(word) {
            return Some(Verb::Main { at, auxiliary: "did", base: base_of_past(word)? });
        }
        Some(Verb::Main { at, auxiliary: "does", base: base_of_third(word)? })
    }

    /// The noun after the word that asks: `colony` in `which colony`.
    pub fn asked_noun(&self) -> Option<&NounPhrase> {
        self.phrases.iter().find(|phrase| phrase.asks && phrase.last <= self.asking)
    }

    /// Whether a person is asked for.
    pub fn asks_person(&self) -> bool {
        matches!(self.question_word(), "who" | "whom" | "whose")
            || self.asked_noun().is_some_and(|phrase| is_person(&phrase.head))
            || self.text.to_lowercase().contains("the name of")
    }

    /// Whether one who acted is asked for: a person, or an organisation with `who`.
    pub fn asks_agent(&self) -> bool {
        self.question_word() == "who" || self.asks_person()
    }

    /// Whether an amount, a time or a reason is asked for, and no thing.
    pub fn asks_circumstance(&self) -> bool {
        matches!(self.question_word(), "when" | "why" | "how" | "whether" | "")
            || self.asked_noun().is_some_and(|phrase| {
                matches!(
                    phrase.head.as_str(),
                    "year" | "century" | "day" | "date" | "month" | "time" | "share" | "percentage" | "age" | "number"
                )
            })
    }

    /// Whether what is asked for is only said of the thing that is the subject: `Which metal is the mace made of?`.
    pub fn asks_attribute(&self) -> bool {
        let Some(subject) = self.phrases.iter().find(|phrase| phrase.first == self.asking + 1 && !phrase.is_plural())
        else {
            return false;
        };
        let rest: Vec<&str> = self.words[subject.last..].iter().map(|word| word.lower.as_str()).collect();
        let identifier = self.words[subject.first..subject.last].iter().any(Word::is_identifier);
        let thing = !subject.is_person() || subject.text.to_lowercase().starts_with("the ");
        self.asks_thing()
            && ((identifier && matches!(rest.as_slice(), [_]))
                || (thing && matches!(rest.as_slice(), ["have"] | ["weigh" | "cost"]))
                || (thing && matches!(rest.as_slice(), [verb, link] if is_past(verb) && is_one_of(link, PREPOSITIONS))))
    }

    /// Whether a time is asked for.
    pub fn asks_time(&self) -> bool {
        let noun = self.asked_noun().map_or("", |noun| noun.head.as_str());
        self.question_word() == "when" || matches!(noun, "year" | "century" | "day" | "date" | "month" | "time")
    }

    /// Whether a thing is asked for, or several, and no amount.
    pub fn asks_thing(&self) -> bool {
        matches!(self.question_word(), "what" | "which") && !self.asks_circumstance()
    }

    /// Where what was asked for belongs in the words behind what asks: at the end after a preposition, or right after a
    /// verb that has nothing behind it but a preposition and its phrase, as in `What did Spain cede to Britain?`.
    pub fn gap(&self) -> Option<usize> {
        let asks = matches!(self.question_word(), "what" | "which" | "who" | "whom" | "whose");
        let (count, auxiliary) = (self.words.len(), self.words.get(self.asking)?.lower.as_str());
        if !asks || !is_one_of(auxiliary, AUXILIARIES) {
            return None;
        }
        let preposition = |at: usize| self.words.get(at).is_some_and(|word| is_one_of(&word.lower, PREPOSITIONS));
        let phrase = |at: usize| self.phrases.iter().any(|phrase| phrase.first == at);
        if preposition(count - 1) {
            return Some(count);
        }
        let subject = self.phrases.iter().find(|phrase| phrase.first == self.asking + 1)?;
        let supported = matches!(auxiliary, "did" | "do" | "does") || is_one_of(auxiliary, BASE_FOLLOWS);
        let after = subject.last + 1;
        match supported && !phrase(subject.last) && subject.last < count {
            true if after == count || (preposition(after) && phrase(after + 1)) => Some(after),
            // `What did he look for in 1990?`
            true if preposition(after) && preposition(after + 1) => Some(after + 1),
            _ => None,
        }
    }

    /// Whether a phrase only says what the subject is: `her symbol` of `Since when has the mermaid been her symbol?`.
    pub fn is_said_of_subject(&self, phrase: &NounPhrase) -> bool {
        let subject = self.phrases.iter().find(|subject| subject.first == self.asking + 1);
        let auxiliary = self.words.get(self.asking).map_or("", |word| word.lower.as_str());
        subject.is_some_and(|subject| {
            (is_one_of(auxiliary, BE) && phrase.first == subject.last)
                || (phrase.first == subject.last + 1 && self.words[subject.last].lower == "been")
        })
    }

    /// What is asked about with `what is` or `who was`, where nothing else is asked: `the symbol of Warsaw`.
    pub fn predicate(&self) -> Option<&'a str> {
        self.words.get(self.asking).filter(|word| is_one_of(&word.lower, BE))?;
        let first = self.phrases.iter().find(|phrase| phrase.first == self.asking + 1)?;
        let mut to = first.last;
        // `the barriers in the gut`
        while let Some(next) = self.phrases.iter().find(|next| next.first == to + 1 && next.after.is_some()) {
            to = next.last;
        }
        let asks = matches!(self.question_word(), "what" | "who" | "which");
        (asks && to == self.words.len()).then(|| self.cut(first.first, to))
    }

    /// Whether the answer says what something is, and does not name it: `What is a lease?`, `What is CSNET short for?`.
    /// What is spoken of next is the thing, and not what was said of it.
    pub fn defines(&self, answer: &str) -> bool {
        let last = self.words.last().map_or("", |word| word.lower.as_str());
        let before = self.words.len().checked_sub(2).map_or("", |at| self.words[at].lower.as_str());
        if matches!((before, last), ("short" | "stand", "for")) {
            return true;
        }
        let whole =
            self.phrases.iter().any(|phrase| phrase.first == self.asking + 1 && phrase.last == self.words.len());
        self.predicate().filter(|_| whole).is_some_and(|predicate| {
            let first = self.words[self.asking + 1].lower.as_str();
            let definite = matches!(first, "the" | "its" | "his" | "her" | "their");
            let identifies = is_name(answer) || predicate.contains(" of ") || predicate.contains("'s ");
            describes(answer) || !(definite || identifies)
        })
    }
}
