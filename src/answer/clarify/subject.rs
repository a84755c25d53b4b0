//! What a passage speaks of, by the title of its document and the headings above the answer: whether a question names it,
//! whether two passages speak of the same thing, and what tells them apart.
//!
//! May depend on `models::lexical` and its neighbours `section` and `title`.

use std::collections::HashSet;

use super::{
    candidate::Candidate,
    section::heading_above,
    title::{
        are_of_one_form, is_about_the_whole, is_form_of, names, names_a_kind, names_of_title, stem_of, stems, thing,
        without_number,
    },
};
use crate::{answer::Passage, domain::DocumentId, models::lexical::Lexical};

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

    /// The part of the question's content words that a passage holds, its headings included.
    pub(super) fn coverage(&self, lexical: &Lexical, passage: &Passage) -> f32 {
        let title = passage.title.as_deref().unwrap_or_default();
        let text = format!("{}\n{title}\n{}", passage.name, passage.chunk.indexed_text());
        let held: HashSet<String> = lexical.terms(&text).into_iter().collect();
        let covered = self.terms.iter().filter(|term| held.contains(*term)).count();
        if self.terms.is_empty() { 1.0 } else { covered as f32 / self.terms.len() as f32 }
    }

    /// The part of the question's content words, without those of the title, that a section holds, its heading included.
    pub(super) fn coverage_in_section(&self, lexical: &Lexical, subject: &Subject, section: &str) -> f32 {
        let terms = |text: &str| -> HashSet<String> { lexical.terms(text).into_iter().collect() };
        let held = terms(&format!("{}\n{section}", subject.heading.as_deref().unwrap_or_default()));
        let title = terms(&subject.title);
        let asked: Vec<&String> = self.terms.difference(&title).collect();
        let covered = asked.iter().filter(|term| held.contains(**term)).count();
        if asked.is_empty() { 1.0 } else { covered as f32 / asked.len() as f32 }
    }

    /// The question holds this term.
    pub(super) fn holds(&self, term: &str) -> bool {
        self.terms.contains(term)
    }

    /// Its names, in lower case.
    pub(super) fn names(&self) -> &[String] {
        &self.names
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

    /// Two documents on one thing: their titles differ in the date or the kind of document only, one is about the whole
    /// of it, or the question names the thing and both titles name no other.
    pub(super) fn is_same_thing(&self, other: &Self, asked: &Asked) -> bool {
        if self.document == other.document {
            return false;
        }
        let (mine, theirs) = (thing(&self.title), thing(&other.title));
        if (!mine.is_empty() && mine == theirs)
            || is_about_the_whole(&self.title, &other.title)
            || is_about_the_whole(&other.title, &self.title)
        {
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

    /// Their titles are of one form, or both speak under the same heading: of two documents that are related otherwise,
    /// such as a page on a change of versions and that of one version, either is hardly meant.
    pub(super) fn is_of_one_form_with(&self, lexical: &Lexical, other: &Self) -> bool {
        self.heading.is_some() || are_of_one_form(lexical, &self.title, &other.title)
    }

    /// Another document whose title shares a word that says what it is about.
    pub(super) fn has_title_like(&self, lexical: &Lexical, other: &Self) -> bool {
        self.document != other.document
            && !stems(lexical, &thing(&self.title)).is_disjoint(&stems(lexical, &thing(&other.title)))
    }

    /// The title of its document.
    pub(super) fn title(&self) -> &str {
        &self.title
    }

    /// It stands under a heading that is not the title.
    pub(super) fn is_under_a_heading(&self) -> bool {
        self.heading.is_some()
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
        names_a_kind(&self.title) && names_a_kind(&other.title) && thing(&self.title).is_disjoint(&thing(&other.title))
    }
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
    fn titles_that_differ_in_date_or_kind_speak_of_one_thing() {
        let question = "How long is the leave?";
        assert!(are_one("Leave policy 2024", "Leave policy 2025", question));
        assert!(are_one("Project Aurora: meeting on 4 March", "Project Aurora: meeting on 18 March", question));
        assert!(are_one("Gateway G5: manual", "Gateway G5: data sheet", question));
        assert!(are_one("Rowan Library: borrowing rules", "Rowan Library: questions and answers", question));
        for (a, b) in [
            ("Travel policy: Germany", "Travel policy: Norway"),
            ("Gateway G2: manual", "Gateway G5: manual"),
            ("Importing spreadsheets", "Importing text files"),
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
    fn the_nearest_heading_above_the_answer_is_its_own() {
        let found = subject("Guide", "# Guide\n\n## Warranty\n\nTwo years.\n\n## Reset ##\n\nHold the button.");
        assert_eq!(found.heading.as_deref(), Some("Reset"));
        assert_eq!(subject("Leases", "Two years.").heading, None);
        assert_eq!(subject("20.10. Automatic Vacuuming", "").title, "Automatic Vacuuming");
        assert_eq!(subject(" ", "").title, "guide");
    }

    #[test]
    fn a_section_is_looked_at_without_the_words_of_the_title() {
        let lexical = Lexical::new();
        let found = subject("Proxy", "## Cache\n\nThe size is 64 MB.");
        let coverage = |question: &str| asked(question).coverage_in_section(&lexical, &found, "The size is 64 MB.");
        assert_eq!(coverage("What is the size of the proxy's cache?"), 1.0);
        assert_eq!(coverage("What is the level of the proxy's log?"), 0.0);
        assert_eq!(coverage("Which proxy?"), 1.0);
    }
}
