//! Personal data and secrets of the sources are blacked out in what leaves the service, by policy.
//!
//! Each character but a space becomes `█`, so that all offsets stay what they are and a quote still equals the stored
//! text everywhere else. What is a secret only by what stands beside it is found where it stands in its passage: a part of
//! the passage is blacked out by its place there, and the words of the secret wherever else they are repeated. May depend
//! on `domain`.

use std::{collections::BTreeSet, ops::Range};

use crate::{
    answer::Passage,
    domain::personal_data::{PersonalKind, pieces},
};

/// What a character is blacked out by.
const BLACK: char = '█';

/// The fewest bytes of a line of a key that is known by itself.
const KEY_LINE: usize = 8;
/// The fewest characters of a part of a piece that is known by itself.
const PART: usize = 4;

/// Blacks out the pieces of some kinds.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    kinds: BTreeSet<PersonalKind>,
    /// What was found in the passages.
    known: Vec<(PersonalKind, String)>,
}

impl Redactor {
    /// Looks for pieces of these kinds in the passages of a question.
    pub fn new<'a>(kinds: BTreeSet<PersonalKind>, passages: impl Iterator<Item = &'a Passage>) -> Self {
        let mut known = Vec::new();
        if !kinds.is_empty() {
            for passage in passages {
                let text = &passage.chunk.text;
                for (kind, range) in found_in(text, &kinds) {
                    let piece = &text[range];
                    known.push((kind, piece.to_owned()));
                    // The lines of a private key are quoted one by one.
                    let lines = piece.lines().skip(1).map(str::trim).filter(|line| line.len() >= KEY_LINE);
                    known.extend(lines.map(|line| (kind, line.to_owned())));
                }
            }
        }
        known.sort();
        known.dedup();
        Self { kinds, known }
    }

    /// Knows a part of a text from now on, as far as it is a piece of it: what is quoted of a piece is told further.
    pub fn know(&mut self, whole: &str, part: &Range<usize>) {
        for (kind, range) in found_in(whole, &self.kinds) {
            let told = whole.get(range.start.max(part.start)..range.end.min(part.end)).map(str::trim);
            self.known.extend(told.filter(|told| told.chars().count() >= PART).map(|told| (kind, told.to_owned())));
        }
    }

    /// The text as it may be shown; what was blacked out goes into `found`.
    pub fn redact(&self, text: &str, found: &mut BTreeSet<PersonalKind>) -> String {
        blacked(text, &self.places(text), found)
    }

    /// A part of a text as it may be shown, also where it holds no more than a part of a piece.
    pub fn redact_part(&self, whole: &str, part: Range<usize>, found: &mut BTreeSet<PersonalKind>) -> String {
        let Some(text) = whole.get(part.clone()) else { return String::new() };
        let mut places = self.places(text);
        for (kind, range) in found_in(whole, &self.kinds) {
            let (start, end) = (range.start.max(part.start), range.end.min(part.end));
            if start < end {
                places.push((kind, start - part.start..end - part.start));
            }
        }
        blacked(text, &places, found)
    }

    fn places(&self, text: &str) -> Vec<(PersonalKind, Range<usize>)> {
        let mut places = found_in(text, &self.kinds);
        for (kind, piece) in &self.known {
            places.extend(text.match_indices(piece).map(|(start, piece)| (*kind, start..start + piece.len())));
        }
        places
    }
}

/// The pieces of these kinds in a text.
fn found_in(text: &str, kinds: &BTreeSet<PersonalKind>) -> Vec<(PersonalKind, Range<usize>)> {
    if kinds.is_empty() {
        return Vec::new();
    }
    let mut found = pieces(text);
    if text.contains('\n') {
        // Numbers go on in the next line where a paragraph wraps. Byte for byte, so that places stay what they are.
        let unwrapped = pieces(&text.replace(['\n', '\r', '\t'], " ")).into_iter();
        let checked = [PersonalKind::Card, PersonalKind::Iban, PersonalKind::NationalId];
        found.extend(unwrapped.filter(|piece| checked.contains(&piece.kind)));
    }
    found.into_iter().filter(|piece| kinds.contains(&piece.kind)).map(|piece| (piece.kind, piece.range)).collect()
}

fn blacked(text: &str, places: &[(PersonalKind, Range<usize>)], found: &mut BTreeSet<PersonalKind>) -> String {
    found.extend(places.iter().map(|(kind, _)| *kind));
    let black = |at: usize| places.iter().any(|(_, range)| range.contains(&at));
    text.char_indices().map(|(at, c)| if black(at) && !c.is_whitespace() { BLACK } else { c }).collect()
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

    #[test]
    fn what_holds_a_part_of_a_piece_only_is_blacked_out_by_its_place() {
        let source = passage("The password is hunter2-Kiln-42. The card 4111 1111\n1111 1111 is theirs.");
        let text = source.chunk.text.as_str();
        let mut redactor = Redactor::new([PersonalKind::Secret, PersonalKind::Card].into(), std::iter::once(&source));
        let place = |part: &str| text.find(part).map(|start| start..start + part.len()).unwrap_or_default();
        let shown = |redactor: &Redactor, part: &str| {
            let mut found = BTreeSet::new();
            (redactor.redact_part(text, place(part), &mut found), found.into_iter().collect::<Vec<_>>())
        };
        assert_eq!(shown(&redactor, "is hunter2"), ("is ███████".to_owned(), vec![PersonalKind::Secret]));
        let wrapped = "The card ████ ████\n████ ████ is theirs.";
        assert_eq!(shown(&redactor, "The card 4111 1111\n1111 1111 is theirs.").0, wrapped);
        assert_eq!(shown(&redactor, "4111 1111"), ("████ ████".to_owned(), vec![PersonalKind::Card]));
        assert_eq!(shown(&redactor, "is theirs"), ("is theirs".to_owned(), vec![]));
        // A draft repeats the words of the span.
        let mut found = BTreeSet::new();
        assert_eq!(redactor.redact("It is hunter2.", &mut found), "It is hunter2.");
        redactor.know(text, &place("is hunter2"));
        assert_eq!(redactor.redact("It is hunter2.", &mut found), "It is ███████.");
    }

    #[test]
    fn a_line_of_a_private_key_is_blacked_out_by_itself() {
        let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQ==\n-----END PRIVATE KEY-----";
        let (text, found) = redacted(&[PersonalKind::Secret], key, "It begins with MIIEvQIBADANBgkqhkiG9w0BAQEFAASC.");
        assert_eq!(text, format!("It begins with {}.", "█".repeat(32)));
        assert_eq!(found, [PersonalKind::Secret]);
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
