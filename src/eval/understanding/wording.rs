//! When two wordings count as the same, and which words of a question carry its content.
//!
//! May depend on nothing.

/// Words that carry no content of a question.
const STOP: &[&str] = &[
    "a", "an", "the", "of", "in", "on", "at", "to", "for", "by", "with", "from", "is", "are", "was", "were", "do",
    "does", "did", "what", "which", "who", "whom", "whose", "when", "where", "why", "how", "many", "much", "it",
    "that", "and", "be", "been", "has", "have", "had", "i", "there", "as", "than", "s",
];

/// Whether two questions differ at most in case, punctuation around words, and articles.
pub(super) fn same(one: &str, other: &str) -> bool {
    plain(one) == plain(other)
}

/// The same of lists of questions.
pub(super) fn same_all(some: &[String], others: &[String]) -> bool {
    some.len() == others.len() && some.iter().zip(others).all(|(one, other)| same(one, other))
}

fn plain(text: &str) -> Vec<String> {
    let words = text.split_whitespace().map(|word| word.trim_matches(|c| "?.!,;:".contains(c)).to_lowercase());
    words.filter(|word| !matches!(word.as_str(), "a" | "an" | "the" | "")).collect()
}

/// The content words of a question, in lower case, without a plural s.
pub(super) fn content(text: &str) -> Vec<String> {
    let parted = text.to_lowercase().replace(['\'', '’', '-', '–'], " ");
    let words = parted.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '_'));
    let kept = words.filter(|word| !word.is_empty() && !STOP.contains(word));
    kept.map(|word| if word.len() > 3 { word.strip_suffix('s').unwrap_or(word) } else { word }.to_owned()).collect()
}

/// The content words that a stand-alone form has beyond the question as it was typed.
pub(super) fn added(question: &str, stand_alone: &str) -> Vec<String> {
    let typed = content(question);
    content(stand_alone).into_iter().filter(|word| !typed.contains(word)).collect()
}

/// The share of `wanted` words that a text has; 1 when none are wanted.
pub(super) fn share_held(wanted: &[String], text: &str) -> f64 {
    let there = content(text);
    let held = wanted.iter().filter(|word| there.contains(word)).count();
    if wanted.is_empty() { 1.0 } else { held as f64 / wanted.len() as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn articles_case_and_punctuation_make_no_difference_and_words_do() {
        assert!(same("What is the default port?", "what is default port"));
        assert!(!same("What is the default port?", "What is the port?"));
        assert_eq!(added("when was it founded?", "When was Harvard founded?"), ["harvard"]);
        assert_eq!(share_held(&content("Harvard's libraries"), "the library of Harvard"), 0.5);
    }
}
