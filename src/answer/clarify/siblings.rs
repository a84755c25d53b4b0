//! The siblings of a passage: the same section of documents with titles alike, or another section of them.
//!
//! May depend on `models::lexical`, `models::encoder` and its neighbour `subject`.

use super::{
    super::Passage,
    subject::{Asked, Relation, Subject},
};
use crate::{
    domain::{DocumentId, text::CodePointIndex},
    models::{encoder::BestSpan, lexical::Lexical},
};

/// So many siblings are read: each costs a pass of the encoder.
const SIBLINGS: usize = 2;

/// What to search for siblings of the best passage with: its title, the heading above its answer and the question. `None`
/// when there is nothing to look for, because a sibling was read already or the question names the document.
pub fn words_of_siblings(
    lexical: &Lexical,
    question: &str,
    read: &[Passage],
    best: usize,
    span: BestSpan,
) -> Option<String> {
    let subject = subject_of(read.get(best)?, span)?;
    let known = read.iter().any(|passage| is_sibling(lexical, passage, &subject));
    if known || subject.is_named_by(lexical, &Asked::new(lexical, question)) {
        return None;
    }
    Some(format!("{} {question}", subject.words()))
}

/// The siblings among the passages that were found, the same section first, one of each document.
pub fn siblings(lexical: &Lexical, read: &[Passage], best: usize, span: BestSpan, found: Vec<Passage>) -> Vec<Passage> {
    let Some(subject) = read.get(best).and_then(|passage| subject_of(passage, span)) else { return Vec::new() };
    let fits = |passage: &Passage| is_sibling(lexical, passage, &subject);
    one_of_each(lexical, &subject, found, Vec::new(), fits).take(SIBLINGS).collect()
}

/// One passage of each document that is not among `documents`: first the twins of the subject, whatever words they hold,
/// because the form of the two documents says already that either may be meant, then the others that fit. Among
/// themselves both stay in their order.
pub(super) fn one_of_each(
    lexical: &Lexical,
    subject: &Subject,
    found: Vec<Passage>,
    mut documents: Vec<DocumentId>,
    fits: impl Fn(&Passage) -> bool,
) -> impl Iterator<Item = Passage> {
    let is_twin = |passage: &Passage| Subject::of(passage, 0).relation(lexical, subject) == Relation::Twins;
    let (twins, others): (Vec<Passage>, Vec<Passage>) = found.into_iter().partition(is_twin);
    twins.into_iter().chain(others.into_iter().filter(fits)).filter(move |passage| {
        let document = passage.chunk.document_id;
        let new = !documents.contains(&document);
        documents.extend(new.then_some(document));
        new
    })
}

fn subject_of(passage: &Passage, span: BestSpan) -> Option<Subject> {
    let start = CodePointIndex::new(&passage.chunk.text).byte_of(span.range.start)?;
    Some(Subject::of(passage, start))
}

/// Another document with a title alike.
fn is_sibling(lexical: &Lexical, passage: &Passage, subject: &Subject) -> bool {
    Subject::of(passage, 0).has_title_like(lexical, subject)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{answer::postfilter::testing::passage, domain::text::CodePointRange};

    const SPAN: BestSpan = BestSpan { range: CodePointRange { start: 0, end: 4 }, score: 3.0 };

    fn titled(title: &str, text: &str) -> Passage {
        Passage { title: Some(title.to_owned()), ..passage(text) }
    }

    fn titles(passages: &[Passage]) -> Vec<&str> {
        passages.iter().filter_map(|passage| passage.title.as_deref()).collect()
    }

    #[test]
    fn siblings_are_looked_for_unless_one_is_known_or_the_question_names_the_document() {
        let lexical = Lexical::new();
        let read = [titled("Travel policy: Germany", "With the next salary."), titled("Leave", "Four weeks.")];
        let words = |question: &str, read: &[Passage]| words_of_siblings(&lexical, question, read, 0, SPAN);
        let expected = "Travel policy: Germany Leases When are expenses paid?";
        assert_eq!(words("When are expenses paid?", &read).as_deref(), Some(expected));
        assert_eq!(words("When are expenses paid in Germany?", &read), None);
        let [germany, leave] = read;
        assert_eq!(words("When are expenses paid?", &[germany, titled("Travel policy: Norway", "Soon."), leave]), None);
        assert_eq!(words("When are expenses paid?", &[]), None);
    }

    #[test]
    fn siblings_are_one_passage_each_of_other_documents_with_titles_alike() {
        let lexical = Lexical::new();
        let read = [titled("Travel policy: Germany", "With the next salary.")];
        let again = Passage { chunk: read[0].chunk.clone(), ..titled("Travel policy: Germany", "") };
        let norway = titled("Travel policy: Norway", "Within five working days.");
        let mut elsewhere = titled("Travel policy: Chile", "Never.");
        elsewhere.chunk.heading_path = vec!["Trains".to_owned()];
        let more_of_norway = Passage { chunk: norway.chunk.clone(), ..titled("Travel policy: Norway", "") };
        let found = vec![again, elsewhere, titled("Leave", "Four weeks."), norway, more_of_norway];
        assert_eq!(
            titles(&siblings(&lexical, &read, 0, SPAN, found)),
            ["Travel policy: Norway", "Travel policy: Chile"]
        );
    }
}
