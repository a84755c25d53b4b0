//! Which of several documents or sections a question names.
//!
//! May depend on `models::lexical` and its neighbours `subject` and `title`.

use std::collections::HashSet;

use super::{
    subject::{Asked, Subject},
    title::{abbreviations, is_form_of, names_of_title, stems, thing},
};
use crate::models::lexical::Lexical;

/// So many words of a title more than another one has name its document, whatever they are.
const MANY: usize = 2;

/// What a question says of a subject.
struct Named<'a> {
    subject: &'a Subject,
    /// The words of its title that the question holds.
    title: HashSet<String>,
    /// The same with its heading.
    heading: HashSet<String>,
    /// These of its title are names.
    names: HashSet<String>,
    /// The title holds a name, whether or not the question does.
    has_names: bool,
    /// So many words say what the document is about, where the question holds them all; 0 otherwise.
    wholly: usize,
}

impl<'a> Named<'a> {
    fn new(lexical: &Lexical, asked: &Asked, subject: &'a Subject) -> Self {
        let of_title = names_of_title(subject.title());
        let forms = || asked.names().iter().filter(|asked| of_title.iter().any(|name| is_form_of(asked, name)));
        let held = |text: &str| -> HashSet<String> {
            let terms = lexical.terms(text).into_iter().filter(|term| asked.holds(term));
            terms.chain(forms().cloned()).collect()
        };
        let capitals = abbreviations(subject.title());
        let about = stems(lexical, &thing(subject.title()));
        Self {
            title: held(subject.title()),
            heading: held(&subject.words()),
            names: held(&[of_title.as_slice(), capitals.as_slice()].concat().join(" ")),
            has_names: !of_title.is_empty() || !capitals.is_empty(),
            wholly: if about.iter().all(|term| asked.holds(term)) { about.len() } else { 0 },
            subject,
        }
    }

    /// The question names this one and not the other. A word of its title that is no name tells it from documents with a
    /// title alike only: of two rules on parking, the one called `Parking for residents` is not what `a permit for
    /// residents` means where its title holds the name of a town as well.
    fn is_meant_before(&self, lexical: &Lexical, other: &Self) -> bool {
        if self.subject.is_in_document_of(other.subject) {
            return is_less(&other.heading, &self.heading);
        }
        let alike = || self.subject.has_title_like(lexical, other.subject);
        let more: HashSet<&String> = self.title.difference(&other.title).collect();
        let tells = || match self.has_names {
            true => self.names.iter().any(|name| more.contains(name)),
            false => alike(),
        };
        let names = is_less(&other.title, &self.title) && (self.wholly > 0 || more.len() >= MANY || tells());
        names || (self.wholly >= MANY && other.wholly < MANY && alike())
    }
}

/// Which of the subjects are meant: of one that the question names less than another, none is left.
pub(super) fn named(lexical: &Lexical, asked: &Asked, subjects: &[&Subject]) -> Vec<bool> {
    let named: Vec<Named<'_>> = subjects.iter().map(|subject| Named::new(lexical, asked, subject)).collect();
    named.iter().map(|one| !named.iter().any(|other| other.is_meant_before(lexical, one))).collect()
}

fn is_less(a: &HashSet<String>, b: &HashSet<String>) -> bool {
    a.len() < b.len() && a.is_subset(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{Passage, postfilter::testing::passage};

    fn kept(question: &str, titles: &[&str]) -> Vec<bool> {
        let of = |title: &&str| Subject::of(&Passage { title: Some((*title).to_owned()), ..passage("") }, 0);
        let subjects: Vec<Subject> = titles.iter().map(of).collect();
        let lexical = Lexical::new();
        named(&lexical, &Asked::new(&lexical, question), &subjects.iter().collect::<Vec<_>>())
    }

    #[test]
    fn the_question_leaves_those_that_it_names_best() {
        let policies = ["Travel policy: Germany", "Travel policy: Norway"];
        assert_eq!(kept("What may a hotel cost?", &policies), [true, true]);
        assert_eq!(kept("What may a hotel cost under the travel policy?", &policies), [true, true]);
        assert_eq!(kept("What does the Norwegian company pay for a hotel?", &policies), [false, true]);
        let tools = ["pg_dump", "pg_restore", "vacuumdb"];
        assert_eq!(kept("What does -j of pg_dump do?", &tools), [true, false, false]);
        assert_eq!(kept("What does -j do?", &tools), [true, true, true]);
        let protocols = ["RADIUS Authentication", "Ident Authentication"];
        assert_eq!(kept("What is the RADIUS port?", &protocols), [true, false]);
    }

    #[test]
    fn a_common_word_in_a_title_names_its_document_among_those_with_titles_alike_only() {
        let titles = ["Deploying to staging", "Releasing to production"];
        assert_eq!(kept("How long does a deployment take?", &titles), [true, true]);
        assert_eq!(kept("How long does a deployment to staging take?", &titles), [true, false]);
        assert_eq!(
            kept("How long is the course for sales?", &["A course for sales", "A course for staff"]),
            [true, false]
        );
        // The name tells them apart, and not the other word.
        let towns = ["Resident parking in Ashcombe", "parking dunmere"];
        assert_eq!(kept("What does a parking permit for residents cost?", &towns), [true, true]);
        assert_eq!(kept("What does a parking permit in ashcombe cost?", &towns), [true, false]);
    }

    #[test]
    fn a_title_that_the_question_holds_as_a_whole_is_meant() {
        let pages = ["Importing spreadsheets", "Importing text files"];
        assert_eq!(kept("How large may a file be for the import of a spreadsheet?", &pages), [true, false]);
        assert_eq!(kept("How large may an import be?", &pages), [true, true]);
    }
}
