//! What a passage speaks of, by the title of its document and the headings above the answer: whether a question names it,
//! whether two passages speak of the same thing, and what tells them apart.
//!
//! May depend on `models::lexical`.

use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation;

use super::Candidate;
use crate::{answer::Passage, domain::DocumentId, models::lexical::Lexical};

/// Words that say what kind of document it is and not what it is about. Sorted.
const KINDS: &[&str] = &[
    "answers",
    "article",
    "chapter",
    "data",
    "docs",
    "documentation",
    "draft",
    "edition",
    "faq",
    "guide",
    "handbook",
    "instructions",
    "introduction",
    "manual",
    "meeting",
    "memo",
    "minutes",
    "notes",
    "overview",
    "page",
    "policy",
    "protocol",
    "questions",
    "reference",
    "release",
    "report",
    "revision",
    "rules",
    "runbook",
    "sheet",
    "specification",
    "summary",
    "tutorial",
    "update",
    "version",
];
/// Months, sorted.
const MONTHS: &[&str] = &[
    "april",
    "august",
    "december",
    "february",
    "january",
    "july",
    "june",
    "march",
    "may",
    "november",
    "october",
    "september",
];
/// The least number of content words from which on a question says by itself what it is about.
const SPECIFIC: usize = 4;

/// A question, as subjects are compared with it.
pub(super) struct Asked {
    /// The stems of its content words.
    terms: HashSet<String>,
    /// Its names, in lower case: words with a capital that do not begin it, and words of letters and digits.
    names: Vec<String>,
}

impl Asked {
    pub(super) fn new(lexical: &Lexical, question: &str) -> Self {
        Self { terms: lexical.terms(question).into_iter().collect(), names: names(question) }
    }

    /// The part of the question's content words that a passage holds, its headings included. A name of letters and
    /// digits that it does not hold makes it 0.
    pub(super) fn coverage(&self, lexical: &Lexical, passage: &Passage) -> f32 {
        let title = passage.title.as_deref().unwrap_or_default();
        let text = format!("{}\n{title}\n{}", passage.name, passage.chunk.indexed_text());
        let held: HashSet<String> = lexical.terms(&text).into_iter().collect();
        let covered = self.terms.iter().filter(|term| held.contains(*term)).count();
        if self.terms.is_empty() { 1.0 } else { covered as f32 / self.terms.len() as f32 }
    }

    /// The part of these terms that the question holds.
    pub(super) fn share_of(&self, terms: &HashSet<String>) -> f32 {
        let asked = terms.iter().filter(|term| self.terms.contains(*term)).count();
        if terms.is_empty() { 0.0 } else { asked as f32 / terms.len() as f32 }
    }

    /// The question is so specific, and both sentences hold so much of it, that both answer the same question.
    pub(super) fn is_answered_alike(&self, a: &HashSet<String>, b: &HashSet<String>) -> bool {
        self.terms.len() >= SPECIFIC && self.terms.iter().all(|term| a.contains(term) && b.contains(term))
    }
}

/// How the documents of two answers go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// The same section of documents with titles alike, such as two policies.
    Twins,
    /// Titles alike, or the same section.
    Parallel,
    /// Anything else.
    Any,
}

/// What a passage speaks of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Subject {
    document: DocumentId,
    name: String,
    title: String,
    /// The nearest heading above the answer, unless it is the title.
    heading: Option<String>,
}

impl Subject {
    /// Of the answer that begins at this byte of the passage's text.
    pub(super) fn of(passage: &Passage, start: usize) -> Self {
        let title = passage.title.clone().filter(|title| !title.trim().is_empty());
        let title = without_number(&title.unwrap_or_else(|| stem_of(&passage.name))).to_owned();
        let inside = heading_above(&passage.chunk.text, start);
        let heading = inside.map(str::to_owned).or_else(|| passage.chunk.heading_path.last().cloned());
        Self {
            document: passage.chunk.document_id,
            name: passage.name.clone(),
            heading: heading.map(|heading| without_number(&heading).to_owned()).filter(|heading| *heading != title),
            title,
        }
    }

    /// The same document, and no heading between the two.
    pub(super) fn is_same_place(&self, other: &Self) -> bool {
        self.document == other.document && self.heading == other.heading
    }

    /// The same document.
    pub(super) fn is_in_document_of(&self, other: &Self) -> bool {
        self.document == other.document
    }

    /// Two documents on one thing: their titles differ in the date or the kind of document only, or the question names
    /// the thing and both titles name no other.
    pub(super) fn is_same_thing(&self, other: &Self, asked: &Asked) -> bool {
        if self.document == other.document {
            return false;
        }
        let (mine, theirs) = (thing(&self.title), thing(&other.title));
        if !mine.is_empty() && mine == theirs {
            return true;
        }
        let (mine, theirs) = (names_of_title(&self.title), names_of_title(&other.title));
        mine == theirs && mine.iter().any(|name| asked.names.iter().any(|asked| is_form_of(asked, name)))
    }

    /// How two documents go beside each other, by their titles and by their headings.
    pub(super) fn relation(&self, lexical: &Lexical, other: &Self) -> Relation {
        let heading = |subject: &Self| subject.heading.as_deref().map(str::to_lowercase);
        let same_section = heading(self) == heading(other);
        match (self.document != other.document, self.has_title_like(lexical, other), same_section) {
            (true, true, true) => Relation::Twins,
            (true, true, false) => Relation::Parallel,
            (true, false, true) if self.heading.is_some() => Relation::Parallel,
            _ => Relation::Any,
        }
    }

    /// Another document whose title shares a word that says what it is about.
    pub(super) fn has_title_like(&self, lexical: &Lexical, other: &Self) -> bool {
        self.document != other.document
            && !stems(lexical, &thing(&self.title)).is_disjoint(&stems(lexical, &thing(&other.title)))
    }

    /// The question holds a name of the title: what tells it from its siblings.
    pub(super) fn is_named_by(&self, lexical: &Lexical, asked: &Asked) -> bool {
        let names = names_of_title(&self.title);
        let named = names.iter().any(|name| asked.names.iter().any(|asked| is_form_of(asked, name)));
        let words = stems(lexical, &thing(&self.title));
        named || (!words.is_empty() && words.is_subset(&asked.terms))
    }

    /// Its title and its heading.
    pub(super) fn words(&self) -> String {
        self.heading.as_ref().map_or_else(|| self.title.clone(), |heading| format!("{} {heading}", self.title))
    }

    /// The stems of its heading that are not those of its title.
    pub(super) fn heading_terms(&self, lexical: &Lexical) -> HashSet<String> {
        let title: HashSet<String> = lexical.terms(&self.title).into_iter().collect();
        let heading = lexical.terms(self.heading.as_deref().unwrap_or_default());
        heading.into_iter().filter(|term| !title.contains(term)).collect()
    }

    /// A user can choose between the two: two documents, or two sections of one that go beside each other.
    pub(super) fn can_be_told_from(&self, lexical: &Lexical, other: &Self) -> bool {
        let words = |subject: &Self| stems(lexical, &thing(subject.heading.as_deref().unwrap_or_default()));
        self.document != other.document || !words(self).is_disjoint(&words(other))
    }

    /// Both are documents of a kind, such as a handbook, on different fields.
    pub(super) fn are_fields(&self, other: &Self) -> bool {
        let of_a_kind = |title: &str| words(title).any(|word| KINDS.binary_search(&word.as_str()).is_ok());
        of_a_kind(&self.title) && of_a_kind(&other.title) && thing(&self.title).is_disjoint(&thing(&other.title))
    }

    /// What the question says of it, by its words; with the headings among subjects of one document.
    fn named_by(&self, lexical: &Lexical, asked: &Asked, headings: bool) -> HashSet<String> {
        let heading = self.heading.as_deref().filter(|_| headings).unwrap_or_default();
        let own = format!("{} {heading}", self.title);
        let terms: HashSet<String> = lexical.terms(&own).into_iter().collect();
        let mut named: HashSet<String> = asked.terms.intersection(&terms).cloned().collect();
        for name in names_of_title(&self.title) {
            named.extend(asked.names.iter().filter(|asked| is_form_of(asked, &name)).cloned());
        }
        named
    }
}

/// Which of the subjects are meant: of one that the question names by fewer words than another, none is left.
pub(super) fn named(lexical: &Lexical, asked: &Asked, subjects: &[&Subject]) -> Vec<bool> {
    let of_all = |headings| subjects.iter().map(|subject| subject.named_by(lexical, asked, headings)).collect();
    let (titles, headings): (Vec<HashSet<String>>, Vec<HashSet<String>>) = (of_all(false), of_all(true));
    let less = |a: &HashSet<String>, b: &HashSet<String>| a.len() < b.len() && a.is_subset(b);
    (0..subjects.len())
        .map(|at| {
            !(0..subjects.len()).any(|other| match subjects[at].document == subjects[other].document {
                true => less(&headings[at], &headings[other]),
                false => less(&titles[at], &titles[other]),
            })
        })
        .collect()
}

/// Gives each reading what tells it from the others: the title, the heading where one document has several, or the file.
pub(super) fn label(found: &mut [Candidate]) {
    let titles: Vec<String> = found.iter().map(|candidate| candidate.subject.title.to_lowercase()).collect();
    let is_shared = |at: usize| titles.iter().filter(|title| **title == titles[at]).count() > 1;
    let all_of_one = titles.iter().all(|title| *title == titles[0]);
    let mut labels: Vec<String> = Vec::new();
    for (at, Candidate { subject, .. }) in found.iter().enumerate() {
        labels.push(match &subject.heading {
            Some(heading) if all_of_one => heading.clone(),
            Some(heading) if is_shared(at) => format!("{}: {heading}", subject.title),
            _ => subject.title.clone(),
        });
    }
    for (at, candidate) in found.iter_mut().enumerate() {
        let twice = labels.iter().filter(|label| **label == labels[at]).count() > 1;
        candidate.reading.label =
            if twice { format!("{} ({})", labels[at], candidate.subject.name) } else { labels[at].clone() };
    }
}

/// The words of a title that say what it is about, without its date and the kind of document.
fn thing(title: &str) -> HashSet<String> {
    let words: Vec<String> = words(title).collect();
    let is_date = |at: usize| {
        let number = |word: &String| word.bytes().all(|byte| byte.is_ascii_digit());
        let month = |at: usize| words.get(at).is_some_and(|word| MONTHS.binary_search(&word.as_str()).is_ok());
        let beside_month = month(at + 1) || at.checked_sub(1).is_some_and(month);
        let year = words[at].len() == 4 && (words[at].starts_with("19") || words[at].starts_with("20"));
        month(at) || (number(&words[at]) && (year || beside_month))
    };
    let is_kind = |word: &String| KINDS.binary_search(&word.as_str()).is_ok();
    let kept = words.iter().enumerate().filter(|(at, word)| !is_date(*at) && !is_kind(word) && !is_small(word));
    kept.map(|(_, word)| word.clone()).collect()
}

/// The names in a title, in lower case: its dates are none.
fn names_of_title(title: &str) -> Vec<String> {
    let about = thing(title);
    let mut names: Vec<String> = names(title).into_iter().filter(|name| about.contains(name)).collect();
    names.sort();
    names.dedup();
    names
}

/// Words with a capital first that do not begin the text, and words of letters and digits; an abbreviation in capitals
/// is a kind of thing more often than the name of one.
fn names(text: &str) -> Vec<String> {
    let words = text.unicode_words().enumerate().filter(|(at, word)| {
        let mixed = word.chars().any(|c| c.is_ascii_digit()) && word.chars().any(char::is_alphabetic);
        let capital = *at > 0 && word.starts_with(char::is_uppercase) && word.chars().any(char::is_lowercase);
        mixed || capital
    });
    words.map(|(_, word)| word.to_lowercase()).collect()
}

/// One is the other, or both are forms of one name, as `Norway` and `Norwegian` are.
fn is_form_of(a: &str, b: &str) -> bool {
    let shared = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let shorter = a.chars().count().min(b.chars().count());
    a == b || (shared >= 4 && 5 * shared >= 3 * shorter)
}

fn stems(lexical: &Lexical, words: &HashSet<String>) -> HashSet<String> {
    words.iter().flat_map(|word| lexical.terms(word)).collect()
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.unicode_words().map(str::to_lowercase)
}

fn is_small(word: &str) -> bool {
    matches!(
        word,
        "a" | "an" | "and" | "at" | "by" | "for" | "from" | "in" | "of" | "on" | "or" | "the" | "to" | "with"
    )
}

/// The nearest heading of a text at or above a byte: an answer may begin inside the heading itself. What looks like one
/// in a block of code is a comment.
fn heading_above(text: &str, start: usize) -> Option<&str> {
    let (mut heading, mut in_code, mut at) = (None, false, 0);
    for line in text.split_inclusive('\n').take_while(|line| {
        let begins = at;
        at += line.len();
        begins <= start
    }) {
        in_code ^= line.trim_start().starts_with("```");
        if !in_code {
            heading = heading_of(line.trim_end_matches(['\r', '\n'])).or(heading);
        }
    }
    heading
}

/// The words of a heading line of Markdown.
fn heading_of(line: &str) -> Option<&str> {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    let words = line.get(level..)?.strip_prefix(' ')?;
    (1..=6).contains(&level).then(|| words.trim().trim_end_matches('#').trim_end())
}

/// A title without the number of its section.
fn without_number(title: &str) -> &str {
    let rest = title.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').trim_start();
    if title.contains('.') && !rest.is_empty() && rest.len() < title.len() { rest } else { title }
}

/// The name of a file without its folders and its ending.
fn stem_of(name: &str) -> String {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.rsplit_once('.').map_or(file, |(stem, _)| stem).replace(['-', '_'], " ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::answer::postfilter::testing::passage;

    fn subject(title: &str, text: &str) -> Subject {
        let mut passage = passage(text);
        passage.title = Some(title.to_owned());
        Subject::of(&passage, text.len())
    }

    fn asked(question: &str) -> Asked {
        Asked::new(&Lexical::new(), question)
    }

    fn are_one(a: &str, b: &str, question: &str) -> bool {
        subject(a, "").is_same_thing(&subject(b, ""), &asked(question))
    }

    #[test]
    fn the_lists_are_sorted() {
        assert!(KINDS.is_sorted() && MONTHS.is_sorted());
    }

    #[test]
    fn titles_that_differ_in_date_or_kind_speak_of_one_thing() {
        let question = "How long is the leave?";
        assert!(are_one("Leave policy 2024", "Leave policy 2025", question));
        assert!(are_one("Project Aurora: meeting on 4 March", "Project Aurora: meeting on 18 March", question));
        assert!(are_one("Gateway G5: manual", "Gateway G5: data sheet", question));
        for (a, b) in [
            ("Travel policy: Germany", "Travel policy: Norway"),
            ("Gateway G2: manual", "Gateway G5: manual"),
            ("Version 14", "Version 15"),
            ("pg_dump", "pg_restore"),
            ("Handbook", "Guide"),
        ] {
            assert!(!are_one(a, b, question), "{a} and {b}");
        }
    }

    #[test]
    fn a_name_that_both_titles_and_the_question_hold_makes_them_one() {
        let (policy, expenses) = ("Travel policy: Germany", "Expenses in Germany: questions and answers");
        assert!(are_one(policy, expenses, "What may a hotel cost in Germany?"));
        assert!(!are_one(policy, expenses, "What may a hotel cost?"));
        assert!(!are_one(policy, "Expenses in Norway", "What may a hotel cost in Germany?"));
        // An abbreviation names a kind of thing.
        assert!(!are_one("Orders API", "Inventory API", "Which port does the API use?"));
    }

    #[test]
    fn the_question_leaves_those_that_it_names_best() {
        let kept = |question: &str, titles: &[&str]| -> Vec<bool> {
            let subjects: Vec<Subject> = titles.iter().map(|title| subject(title, "")).collect();
            named(&Lexical::new(), &asked(question), &subjects.iter().collect::<Vec<_>>())
        };
        let policies = ["Travel policy: Germany", "Travel policy: Norway"];
        assert_eq!(kept("What may a hotel cost?", &policies), [true, true]);
        assert_eq!(kept("What may a hotel cost under the travel policy?", &policies), [true, true]);
        assert_eq!(kept("What does the Norwegian company pay for a hotel?", &policies), [false, true]);
        let tools = ["pg_dump", "pg_restore", "vacuumdb"];
        assert_eq!(kept("What does -j of pg_dump do?", &tools), [true, false, false]);
        assert_eq!(kept("What does -j do?", &tools), [true, true, true]);
    }

    #[test]
    fn the_nearest_heading_above_the_answer_is_its_own() {
        let found = subject("Guide", "# Guide\n\n## Warranty\n\nTwo years.\n\n## Reset ##\n\nHold the button.");
        assert_eq!(found.heading.as_deref(), Some("Reset"));
        assert_eq!(subject("Leases", "Two years.").heading, None);
        assert_eq!(subject("20.10. Automatic Vacuuming", "").title, "Automatic Vacuuming");
        assert_eq!(subject(" ", "").title, "guide");
        // A comment in code is no heading, and an answer may begin inside its heading.
        let code = "## Fill the topic\n\n```sh\n# Load the events.\ngunzip";
        assert_eq!(subject("Kafka", code).heading.as_deref(), Some("Fill the topic"));
        assert_eq!(heading_above(code, 8), Some("Fill the topic"));
    }
}
