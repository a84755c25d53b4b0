//! What a question speaks of: its noun phrases, with what each can be taken up by.
//!
//! May depend on its neighbours.

use super::{
    AUXILIARIES, BASE_FOLLOWS, BE, CLAUSE_WORDS, DETERMINERS, PREPOSITIONS, QUESTION_WORDS, REQUESTS, SUBJECT_PRONOUNS,
    adjectives::is_predicate,
    is_closed_class, is_one_of,
    noun_kinds::{is_class, is_institution, is_person},
    nouns::is_plural,
    verbs,
    words::{Word, words},
};

/// A noun phrase of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NounPhrase {
    /// The phrase as it stands.
    pub text: String,
    /// Its main noun, in lower case.
    pub head: String,
    /// The number of its first word in the text.
    pub first: usize,
    /// One past the number of its last word.
    pub last: usize,
    /// Whether it asks: `which colony`, `how many libraries`.
    pub asks: bool,
    /// Whether a name is in it.
    pub named: bool,
    /// The preposition before it.
    pub after: Option<String>,
}

impl NounPhrase {
    /// Whether `they` can stand for it.
    pub fn is_plural(&self) -> bool {
        let joined = self.text.split_whitespace().any(|word| word == "and" || word == "&");
        // `CYCLADES` is one network, and `MSPs` are several members.
        let capitals = |word: &str| word.len() > 2 && word.ends_with(char::is_uppercase);
        let initials = self.text.split_whitespace().any(|word| capitals(word) && word.to_lowercase() == self.head);
        (joined && !is_institution(&self.head)) || (is_plural(&self.head) && !initials)
    }

    /// Whether `he` or `she` can stand for it: a person, or a name that is no institution's.
    pub fn is_person(&self) -> bool {
        // `al-Masri` is a name as well.
        let capital = |word: &str| word.contains(char::is_uppercase) && word.to_lowercase().starts_with(&self.head);
        is_person(&self.head)
            || (self.named
                && !self.has_institution()
                && !self.text.contains(|c: char| c.is_ascii_digit())
                && self.text.split_whitespace().any(capital))
    }

    /// Whether a word of it names an institution or a place.
    pub fn has_institution(&self) -> bool {
        self.text.split_whitespace().any(|word| is_institution(&word.to_lowercase()))
    }

    /// What a property is one of: `the park` in `the area of the park`; `None` for other phrases and names.
    pub fn bearer(&self) -> Option<&str> {
        let (property, bearer) = self.text.split_once(" of ")?;
        let plain = !property.chars().any(char::is_uppercase) && !is_institution(&self.head) && !is_person(&self.head);
        plain.then_some(bearer)
    }

    /// Whether it is a number, a year or an amount.
    pub fn is_quantity(&self) -> bool {
        let counts = |word: &str| word.chars().next().is_some_and(|c| c.is_ascii_digit() || "$€£".contains(c));
        let count = self.text.split_whitespace().count();
        // `status 429` is one of the statuses.
        let numbered = is_class(&self.head);
        !self.named && (counts(&self.head) || (count <= 2 && !numbered && self.text.split_whitespace().any(counts)))
    }
}

/// The noun phrases of a text, in order.
pub fn noun_phrases(text: &str) -> Vec<NounPhrase> {
    let words = words(text);
    let mut phrases = Vec::new();
    let mut at = 0;
    let mut clause = Clause::default();
    while at < words.len() {
        let word = &words[at];
        let lower = word.lower.as_str();
        if is_one_of(lower, BASE_FOLLOWS) {
            clause.base_due = true;
            clause.subject_seen = lower == "to";
        }
        if is_one_of(lower, SUBJECT_PRONOUNS) {
            clause.subject_seen = true;
        }
        let opens = is_one_of(lower, DETERMINERS) && !matches!(lower, "this" | "that" | "these" | "those")
            || (matches!(lower, "this" | "that" | "these" | "those")
                && words.get(at + 1).is_some_and(|next| !is_closed_class(&next.lower) && !is_verb(next, text)));
        let inside = if opens { at + 1 } else { at };
        let asks_for = at == 0
            && is_one_of(lower, REQUESTS)
            && words.len() > 1
            && is_closed_class(&words[1].lower)
            && words[1].lower != "of";
        // `How do I scale it?`: right after such a subject stands the verb, known or not.
        let before = at.checked_sub(1).map_or("", |at| words[at].lower.as_str());
        let subject = matches!(before, "i" | "we" | "he" | "she" | "they")
            || (clause.base_due && is_one_of(before, SUBJECT_PRONOUNS));
        // `Who can vary the date?`
        let modal = is_one_of(before, &["can", "could", "may", "might", "must", "will", "would", "should"]);
        let asks = at == 2 && is_one_of(&words[0].lower, &["who", "what", "which"]);
        // `Where should a list be cut?`
        let participle = matches!(before, "be" | "been") && verbs::is_participle(lower);
        // `What did Spain cede to Britain?`: after its subject stands the verb, known or not.
        let next = words.get(at + 1).map_or("", |next| next.lower.as_str());
        let unknown = clause.base_due
            && clause.subject_seen
            && phrases.last().is_some_and(|phrase: &NounPhrase| phrase.last == at)
            && !is_closed_class(lower)
            && (next.is_empty() || is_closed_class(next))
            && !base_follows(&words, at);
        let acts = (subject || participle || unknown || (modal && asks && verbs::is_base(lower))) && !opens;
        let end = if asks_for || acts { inside } else { run(&words, text, inside, opens, clause) };
        if end == inside {
            if !is_one_of(lower, BASE_FOLLOWS) && (acts || is_verb(word, text) || verbs::is_base(lower)) {
                clause.base_due = false;
            }
            let passive = is_one_of(before, AUXILIARIES);
            clause.participle_due = is_one_of(lower, BE) || (clause.participle_due && !is_verb(word, text));
            if is_one_of(lower, CLAUSE_WORDS) {
                clause.verb_seen = false;
            } else if matches!(lower, "did" | "does" | "do") || (is_verb(word, text) && !passive) {
                clause.verb_seen = true;
            }
            at += 1;
            continue;
        }
        let end = extend(&words, text, end, clause);
        phrases.push(phrase(&words, text, at, end));
        clause.subject_seen = true;
        at = end;
    }
    phrases
}

/// What has been met of a clause before a word of it.
#[derive(Debug, Clone, Copy, Default)]
struct Clause {
    /// A main verb in its base form is still to come, as after `did`.
    base_due: bool,
    subject_seen: bool,
    /// A participle is still to come, as after `was`.
    participle_due: bool,
    /// The verb was there: what looks like a past form after it is a participle before its noun.
    verb_seen: bool,
}

/// Where a run of nouns, adjectives and names ends that begins at `from`.
fn run(words: &[Word], text: &str, from: usize, opened: bool, clause: Clause) -> usize {
    let mut at = from;
    while let Some(word) = words.get(at) {
        let first = at == from;
        let name = word.is_capitalised(text) && at > 0;
        let ordinal = first && opened && matches!(word.lower.as_str(), "first" | "last" | "most" | "same");
        if is_closed_class(&word.lower)
            && !ordinal
            && !(name && !is_one_of(&word.lower, PREPOSITIONS) && word.lower.len() > 3)
        {
            break;
        }
        // `which acquired condition`: a participle between what asks and its noun.
        let asked = first && at > 0 && matches!(words[at - 1].lower.as_str(), "which" | "whose" | "many");
        let adjectival = (asked || (clause.verb_seen && !word.ends_clause))
            && words.get(at + 1).is_some_and(|next| {
                !is_closed_class(&next.lower) && !next.is_capitalised(text) && !is_verb(next, text)
            });
        let acts = !name && is_verb(word, text) && !adjectival;
        if acts && !(first && opened) {
            break;
        }
        // `Is the key optional?`: what is said of a thing is no part of it.
        let closes = words.get(at + 1).is_none_or(|next| is_closed_class(&next.lower)) || word.ends_clause;
        if !(first && opened) && closes && is_predicate(&word.lower) {
            break;
        }
        let base = !name && verbs::is_base(&word.lower);
        // `When was the centre of Warsaw put on the list?`
        let ends = words.get(at + 1).is_none_or(|next| is_one_of(&next.lower, PREPOSITIONS));
        if base && !first && clause.participle_due && ends && verbs::is_participle(&word.lower) {
            break;
        }
        // `which models lose more`
        let asks = from > 0 && is_one_of(&words[from - 1].lower, &["which", "what", "many"]);
        if base && !first && asks && is_plural(&words[at - 1].lower) {
            break;
        }
        // `which vitamin falls with age`, and not `which city parks are`
        let next = words.get(at + 1).map_or("", |next| next.lower.as_str());
        let acts = verbs::base_of_third(&word.lower).is_some() && !is_plural(&words[at.saturating_sub(1)].lower);
        let object = is_closed_class(next) || words.get(at + 1).is_some_and(|next| next.is_capitalised(text));
        if acts && !name && !first && asks && object && !is_one_of(next, AUXILIARIES) {
            break;
        }
        // `What did Sweden ration?`: the verb may be one that no list knows.
        let unknown = clause.base_due && !name && !first && words[at - 1].is_capitalised(text) && at > 1;
        let closes_clause = next.is_empty() || is_closed_class(next);
        if unknown && closes_clause && !opened && !base_follows(words, at) {
            break;
        }
        if base && clause.base_due && (!first || (clause.subject_seen && !opened)) && !ends_phrase(words, at) {
            break;
        }
        // `What carries the weak force`: right after the question word, a third person is the verb.
        let third = !name && verbs::base_of_third(&word.lower).is_some();
        if third && !(first && opened) && verbs::is_third(&word.lower) {
            break;
        }
        if third && first && !opened && at > 0 && matches!(words[at - 1].lower.as_str(), "who" | "what" | "which") {
            break;
        }
        if third && !first && words.get(at + 1).is_some_and(|next| is_one_of(&next.lower, DETERMINERS)) {
            break;
        }
        at += 1;
        if word.ends_clause {
            break;
        }
    }
    at
}

/// Whether a verb in its base form stands later in the clause.
fn base_follows(words: &[Word], at: usize) -> bool {
    let clause = words[at + 1..].iter().take_while(|word| !is_one_of(&word.lower, CLAUSE_WORDS));
    clause.into_iter().any(|word| verbs::is_base(&word.lower))
}

/// Whether a base form at `at` is rather the noun at the end of a phrase: `did the attack fail` has its verb later.
fn ends_phrase(words: &[Word], at: usize) -> bool {
    words.get(at + 1).is_some_and(|next| !is_closed_class(&next.lower) && verbs::is_base(&next.lower))
}

fn is_verb(word: &Word, text: &str) -> bool {
    !word.is_capitalised(text) && verbs::is_past(&word.lower)
}

/// Takes in what belongs to a phrase after its noun: `of` and another phrase, `and` before a name, particles of names.
fn extend(words: &[Word], text: &str, mut end: usize, clause: Clause) -> usize {
    while let Some(link) = words.get(end).filter(|_| !words[end - 1].ends_clause) {
        let joins_names =
            matches!(link.lower.as_str(), "de" | "la" | "le" | "du" | "von" | "van" | "der" | "and" | "v")
                && words[end - 1].is_capitalised(text)
                && words.get(end + 1).is_some_and(|next| next.is_capitalised(text));
        // `Richard the Lion-hearted`
        let capital = |at: usize| words.get(at).is_some_and(|word| word.is_capitalised(text));
        let surname = link.lower == "the" && capital(end - 1) && capital(end + 1) && !capital(end + 2);
        let surname = surname && words.get(end + 2).is_none_or(|next| next.lower != "of");
        if surname {
            end += 2;
            continue;
        }
        if link.lower != "of" && !joins_names {
            break;
        }
        let mut inside = end + 1;
        let opened = words.get(inside).is_some_and(|word| is_one_of(&word.lower, DETERMINERS));
        inside += usize::from(opened);
        let next = run(words, text, inside, opened, Clause { subject_seen: true, ..clause });
        if next == inside {
            break;
        }
        end = next;
    }
    end
}

fn phrase(words: &[Word], text: &str, first: usize, last: usize) -> NounPhrase {
    let stop = words[first..last].iter().position(|word| word.lower == "of").map_or(last, |of| first + of);
    let last_of_head = stop.max(first + 1) - 1;
    // `exit code 3`
    let numbered = words[last_of_head].is_number() && last_of_head > first;
    let head = &words[last_of_head - usize::from(numbered)];
    let mut before = first;
    while before > 0 && matches!(words[before - 1].lower.as_str(), "many" | "much" | "how" | "which" | "what" | "whose")
    {
        before -= 1;
    }
    let asks = before < first && is_one_of(&words[before].lower, QUESTION_WORDS);
    let preposition =
        before.checked_sub(1).map(|at| words[at].lower.clone()).filter(|word| is_one_of(word, PREPOSITIONS));
    NounPhrase {
        text: text[words[first].start..words[last - 1].end].to_owned(),
        head: head.lower.clone(),
        first,
        last,
        asks,
        named: words[first..last].iter().enumerate().any(|(at, word)| {
            (first + at > 0 && word.is_capitalised(text) && !is_closed_class(&word.lower)) || word.is_identifier()
        }),
        after: preposition,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        noun_phrases(text).into_iter().map(|phrase| phrase.text).collect()
    }

    #[test]
    fn phrases_end_at_verbs_and_closed_words() {
        assert_eq!(
            texts("Who led the Norman Huguenots that went to Florida in 1564?"),
            ["the Norman Huguenots", "Florida", "1564"]
        );
        assert_eq!(texts("When did the royal army besiege Montpellier?"), ["the royal army", "Montpellier"]);
        assert_eq!(texts("Who issued the Edict of Nantes?"), ["the Edict of Nantes"]);
        assert_eq!(texts("How many villes de sûreté did the edict grant?"), ["villes de sûreté", "the edict"]);
        assert_eq!(texts("What is the default of ask_queue?"), ["the default of ask_queue"]);
        assert_eq!(texts("when was harvard formed"), ["harvard"]);
    }

    #[test]
    fn phrases_say_what_can_stand_for_them() {
        let phrases = noun_phrases("Which footballer sued the clubs of Belgium?");
        assert!(phrases[0].asks && phrases[0].is_person());
        assert!(phrases[1].is_plural() && phrases[1].named && phrases[1].head == "clubs");
    }
}
