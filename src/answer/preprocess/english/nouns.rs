//! The form of nouns: which are plurals.
//!
//! May depend on its neighbours.

use super::{noun_kinds::is_institution, verbs::is_third};

/// Plural nouns that do not end in s, and nouns in s that are no plural.
pub fn is_plural(word: &str) -> bool {
    if matches!(
        word,
        "people" | "men" | "women" | "children" | "data" | "criteria" | "media" | "clergy" | "police" | "mps"
    ) {
        return true;
    }
    let ends = |ending: &str| word.ends_with(ending);
    ends("s")
        && !is_third(word)
        && word.len() > 3
        && !ends("ss")
        && !ends("us")
        && !ends("is")
        && !ends("'s")
        && !matches!(
            word,
            "physics"
                | "mathematics"
                | "news"
                | "politics"
                | "economics"
                | "gas"
                | "bias"
                | "atlas"
                | "lens"
                | "series"
                | "species"
        )
}

/// Whether a lower-case word names a people after `the`: `the French`, `the Chinese`.
pub fn is_people(word: &str) -> bool {
    word.len() > 4 && ["sh", "ch", "ese"].iter().any(|ending| word.ends_with(ending)) && !is_institution(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_do_not_make_a_plural_alone() {
        for word in ["formats", "people", "hours"] {
            assert!(is_plural(word), "{word}");
        }
        for word in ["status", "class", "basis", "physics", "port"] {
            assert!(!is_plural(word), "{word}");
        }
    }
}
