//! A question turned into its negation.
//!
//! May depend on `words`.

use super::words::words;

/// Auxiliary verbs with their negative forms, short and long.
const AUXILIARIES: &[(&str, &str, &str)] = &[
    ("did", "didn't", "did not"),
    ("does", "doesn't", "does not"),
    ("do", "don't", "do not"),
    ("was", "wasn't", "was not"),
    ("were", "weren't", "were not"),
    ("is", "isn't", "is not"),
    ("are", "aren't", "are not"),
    ("can", "can't", "cannot"),
    ("could", "couldn't", "could not"),
    ("will", "won't", "will not"),
    ("would", "wouldn't", "would not"),
    ("should", "shouldn't", "should not"),
];
const NEGATIVE: &[&str] = &["not", "no", "never", "cannot", "nor", "neither", "without", "none", "or"];

/// The question with its only auxiliary verb negated, the short form where `short`; `None` when it has none or several,
/// or is negative already. With the verb as it was and as it is.
pub fn negated(question: &str, short: bool) -> Option<(String, &'static str, &'static str)> {
    let words = words(question);
    if words.iter().any(|word| NEGATIVE.contains(&word.text) || word.text.ends_with("n't")) {
        return None;
    }
    let mut auxiliaries = words.iter().filter_map(|word| {
        let forms = AUXILIARIES.iter().find(|forms| forms.0 == word.text)?;
        Some((word, forms))
    });
    let (word, forms) = auxiliaries.next()?;
    if auxiliaries.next().is_some() {
        return None;
    }
    let negative = if short { forms.1 } else { forms.2 };
    let changed = format!("{}{negative}{}", &question[..word.range.start], &question[word.range.end..]);
    Some((changed, forms.0, negative))
}

/// Whether a question asks for yes or no: it begins with its verb, and no edit of it is without an answer.
pub fn is_decision(question: &str) -> bool {
    words(question).first().is_some_and(|word| {
        let lower = word.text.to_lowercase();
        AUXILIARIES.iter().any(|forms| forms.0 == lower) || matches!(lower.as_str(), "has" | "have" | "had" | "am")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_auxiliary_is_negated_once() {
        let negated = |question, short| negated(question, short).map(|(changed, ..)| changed);
        assert_eq!(negated("When did Ada sing?", true).as_deref(), Some("When didn't Ada sing?"));
        assert_eq!(negated("What can burn?", false).as_deref(), Some("What cannot burn?"));
        assert_eq!(negated("Who did not sing?", true), None);
        assert_eq!(negated("Who sang?", true), None);
        assert_eq!(negated("What was it that is lit?", true), None);
    }

    #[test]
    fn questions_for_yes_or_no_are_told() {
        assert!(is_decision("Was the kiln lit?") && !is_decision("When was the kiln lit?"));
    }
}
