//! Whether two words are forms of one English word, by their endings and prefixes.
//!
//! May depend on nothing of this crate.

/// The endings of right forms, beside nothing at all.
const ENDINGS: [&str; 27] = [
    "s", "es", "d", "ed", "ing", "er", "ers", "r", "rs", "or", "ors", "ly", "y", "ies", "ied", "al", "ally", "ic",
    "ical", "ist", "ists", "ism", "ize", "ized", "izes", "ation", "ations",
];
/// What may stand behind a stem of a word that is known.
const KNOWN_ENDINGS: [&str; 3] = ["", "e", "n"];
/// What may stand before a word that is known.
const PREFIXES: [&str; 16] = [
    "a", "anti", "co", "counter", "de", "dis", "in", "inter", "non", "over", "pre", "re", "semi", "sub", "un", "under",
];
/// The fewest letters of a stem.
const STEM: usize = 4;

/// Whether `typed` reads as a form of the word that `known` is a form of (`formulate`, `formulated`; `analyzes`,
/// `analyse`). A word with a slip in its ending (`formulatde`) does not.
pub fn are_forms(typed: &str, known: &str) -> bool {
    let (american, other) = (typed, known);
    let (typed, known) = (british(typed), british(known));
    if typed == known {
        return american != other;
    }
    let stem = typed
        .char_indices()
        .zip(known.chars())
        .find(|((_, a), b)| a != b)
        .map_or(typed.len().min(known.len()), |((at, _), _)| at);
    // A stem that ends within a letter is none: then the shorter word ended there.
    let (Some(typed_end), Some(known_end)) = (typed.get(stem..), known.get(stem..)) else { return false };
    // A letter typed twice (`theoryy`, `generallly`) makes no ending of it.
    let mut end = typed.chars().rev();
    let doubled =
        matches!((end.next(), end.next()), (Some(last), Some(before)) if last == before && known.ends_with(last));
    if stem < STEM
        || doubled
        || (typed_end == "s" && typed.ends_with("ss"))
        // `normaly` is no form of `normal`: it lacks a letter.
        || (typed_end == "y" && known_end.is_empty() && known.ends_with('l'))
        || typed.contains("lll")
        || (typed_end, known_end) == ("es", "rs")
    {
        return false;
    }
    let right = |ending: &str| ENDINGS.contains(&ending);
    (right(typed_end) && (right(known_end) || KNOWN_ENDINGS.contains(&known_end)))
        // The bare word, of which a form is known; "determin" is not bare, so an `e` that is missing is missed.
        || (typed_end.is_empty() && right(known_end) && !known_end.starts_with('y'))
        || (typed_end == "e" && matches!(known_end, "ing" | "ation" | "ations" | "al" | "able"))
}

/// Whether a word is a right prefix before a rest of which `is_known` holds.
pub fn is_prefixed(word: &str, is_known: impl Fn(&str) -> bool) -> bool {
    let rests = PREFIXES.iter().filter_map(|prefix| word.strip_prefix(prefix));
    rests.filter(|rest| rest.chars().nth(STEM).is_some()).any(is_known)
}

/// American spelling as British: both are right.
fn british(word: &str) -> String {
    let mut word = word.to_owned();
    for (american, british) in
        [("ize", "ise"), ("izi", "isi"), ("iza", "isa"), ("yze", "yse"), ("yzi", "ysi"), ("color", "colour")]
    {
        if word.contains(american) && word.len() > american.len() {
            word = word.replace(american, british);
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms_of_one_word_are_told_from_slips() {
        for (typed, known) in [
            ("formulate", "formulated"),
            ("attaches", "attached"),
            ("classifies", "classified"),
            ("scrutinize", "scrutinise"),
            ("analyzes", "analyse"),
            ("rotations", "rotation"),
            ("evaded", "evade"),
            ("colorize", "colourise"),
        ] {
            assert!(are_forms(typed, known), "{typed} {known}");
        }
        for (typed, known) in [
            ("parliment", "parliament"),
            ("determin", "determine"),
            ("formulatde", "formulated"),
            ("doess", "does"),
            ("ahnd", "hand"),
            ("parliamentt", "parliament"),
            ("theoryy", "theory"),
            ("generallly", "generally"),
            ("electoes", "electors"),
            ("normaly", "normal"),
            ("", "a"),
        ] {
            assert!(!are_forms(typed, known), "{typed} {known}");
        }
    }

    #[test]
    fn a_prefix_before_a_known_word_is_seen() {
        let is_known = |word: &str| ["modified", "till", "funded"].contains(&word);
        assert!(is_prefixed("unmodified", is_known) && is_prefixed("defunded", is_known));
        assert!(!is_prefixed("untill", is_known) && !is_prefixed("modified", is_known) && !is_prefixed("", is_known));
    }

    proptest! {
        #[test]
        fn nothing_panics_whatever_the_words_are(one in "\\PC{0,12}", other in "\\PC{0,12}") {
            let _ = are_forms(&one, &other);
            let _ = are_forms(&other, &one);
        }
    }
}
