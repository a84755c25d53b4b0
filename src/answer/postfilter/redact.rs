//! Personal data and secrets of the sources are blacked out in what leaves the service, by policy.
//!
//! Each character but a space becomes `█`, so that all offsets stay what they are and a quote still equals the stored
//! text everywhere else. What is a secret only by the word before it is found where it stands in its passage, and then
//! blacked out wherever else it is repeated. May depend on `domain`.

use std::collections::BTreeSet;

use crate::{
    answer::Passage,
    domain::personal_data::{PersonalKind, pieces},
};

/// What a character is blacked out by.
const BLACK: char = '█';

/// Blacks out the pieces of some kinds.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    kinds: BTreeSet<PersonalKind>,
    /// What was found in the passages, longest first.
    known: Vec<(PersonalKind, String)>,
}

impl Redactor {
    /// Looks for pieces of these kinds in the passages of a question.
    pub fn new<'a>(kinds: BTreeSet<PersonalKind>, passages: impl Iterator<Item = &'a Passage>) -> Self {
        let mut known = Vec::new();
        if !kinds.is_empty() {
            for passage in passages {
                let text = &passage.chunk.text;
                let found = pieces(text).into_iter().filter(|piece| kinds.contains(&piece.kind));
                known.extend(found.map(|piece| (piece.kind, text[piece.range].to_owned())));
            }
        }
        known.sort_by_key(|(_, text)| std::cmp::Reverse(text.len()));
        known.dedup();
        Self { kinds, known }
    }

    /// The text as it may be shown; what was blacked out goes into `found`.
    pub fn redact(&self, text: &str, found: &mut BTreeSet<PersonalKind>) -> String {
        if self.kinds.is_empty() {
            return text.to_owned();
        }
        let mut ranges = Vec::new();
        for (kind, piece) in &self.known {
            let places = text.match_indices(piece).map(|(start, piece)| (*kind, start..start + piece.len()));
            ranges.extend(places);
        }
        let wanted = pieces(text).into_iter().filter(|piece| self.kinds.contains(&piece.kind));
        ranges.extend(wanted.map(|piece| (piece.kind, piece.range)));
        found.extend(ranges.iter().map(|(kind, _)| *kind));
        let black = |at: usize| ranges.iter().any(|(_, range)| range.contains(&at));
        text.char_indices().map(|(at, c)| if black(at) && !c.is_whitespace() { BLACK } else { c }).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::answer::postfilter::testing::passage;

    fn redacted(kinds: &[PersonalKind], source: &str, text: &str) -> (String, Vec<PersonalKind>) {
        let (source, mut found) = (passage(source), BTreeSet::new());
        let redactor = Redactor::new(kinds.iter().copied().collect(), std::iter::once(&source));
        (redactor.redact(text, &mut found), found.into_iter().collect())
    }

    #[test]
    fn a_secret_is_blacked_out_also_where_the_word_before_it_is_missing() {
        let source = "The password of the kiln is: hunter2-Ä. Write to ada@kiln-works.org.";
        let source = source.replace("of the kiln is", "is");
        let (text, found) = redacted(&[PersonalKind::Secret], &source, "It is hunter2-Ä, says ada@kiln-works.org.");
        assert_eq!(text, "It is █████████, says ada@kiln-works.org.");
        assert_eq!(found, [PersonalKind::Secret]);
    }

    #[test]
    fn spaces_stay_and_what_the_policy_does_not_name_stays() {
        let kinds = [PersonalKind::Card, PersonalKind::Email];
        let (text, found) = redacted(&kinds, "", "Card 4111 1111 1111 1111 of ada@kiln-works.org, +49 30 1234 5678");
        assert_eq!(text, "Card ████ ████ ████ ████ of ██████████████████, +49 30 1234 5678");
        assert_eq!(found, [PersonalKind::Email, PersonalKind::Card]);
        assert_eq!(redacted(&[], "", "Card 4111 1111 1111 1111").0, "Card 4111 1111 1111 1111");
    }

    proptest! {
        #[test]
        fn every_offset_stays(text in "([a-z0-9@.+é :=/_-]|password: a1b2c3d4|me@kiln.org ){0,40}") {
            let (shown, found) = redacted(&PersonalKind::ALL, &text, &text);
            prop_assert_eq!(shown.chars().count(), text.chars().count());
            for (one, other) in shown.chars().zip(text.chars()) {
                prop_assert!(one == other || one == BLACK && !found.is_empty());
            }
        }
    }
}
