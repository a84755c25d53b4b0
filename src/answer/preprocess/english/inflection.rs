//! Other forms of a word: the singular of a noun, the past and the third person of a verb.
//!
//! May depend on its neighbours.

use super::{nouns::is_plural, verbs::past_of_irregular};

/// The singular of a noun in lower case; a noun that is no plural stays as it is.
pub fn singular(noun: &str) -> String {
    let irregular = match noun {
        "people" => "person",
        "men" => "man",
        "women" => "woman",
        "children" => "child",
        "criteria" => "criterion",
        "movies" => "movie",
        "cookies" => "cookie",
        _ if !is_plural(noun) => noun,
        _ => "",
    };
    if !irregular.is_empty() {
        return irregular.to_owned();
    }
    let without = |ending: &str, put: &str| noun.strip_suffix(ending).map(|stem| format!("{stem}{put}"));
    let hisses = ["sses", "shes", "ches", "xes", "zes", "tuses", "ruses"].iter().any(|ending| noun.ends_with(ending));
    let found = match noun {
        _ if noun.ends_with("ies") && noun.len() > 4 => without("ies", "y"),
        _ if hisses => without("es", ""),
        _ => without("s", ""),
    };
    found.unwrap_or_else(|| noun.to_owned())
}

/// The past of a verb by its base: `win` gives `won`, `ban` gives `banned`.
pub fn past_of(base: &str) -> String {
    /// Verbs of several syllables that are stressed on the last.
    const STRESSED: &[&str] = &[
        "admit", "commit", "compel", "confer", "control", "defer", "equip", "expel", "infer", "occur", "omit",
        "permit", "prefer", "refer", "regret", "submit", "transfer",
    ];
    if let Some(past) = past_of_irregular(base) {
        return past.to_owned();
    }
    let letters: Vec<char> = base.chars().collect();
    let Some((&last, before)) = letters.split_last() else { return String::new() };
    let vowel = |at: usize| before.len() > at && is_vowel(before[before.len() - 1 - at]);
    if last == 'e' {
        return format!("{base}d");
    }
    if last == 'y' && !vowel(0) {
        return format!("{}ied", &base[..base.len() - 1]);
    }
    let closed = vowel(0) && !vowel(1) && !is_vowel(last) && !matches!(last, 'w' | 'x' | 'y');
    let syllables = base.split(|c| !is_vowel(c)).filter(|vowels| !vowels.is_empty()).count();
    if closed && (syllables == 1 || STRESSED.contains(&base)) { format!("{base}{last}ed") } else { format!("{base}ed") }
}

/// The third person of a verb by its base: `look` gives `looks`, `carry` gives `carries`.
pub fn third_of(base: &str) -> String {
    let consonant_y = base.strip_suffix('y').filter(|stem| !stem.ends_with(is_vowel));
    match base {
        "have" => "has".to_owned(),
        "be" => "is".to_owned(),
        _ if consonant_y.is_some() => format!("{}ies", consonant_y.unwrap_or_default()),
        _ if ["s", "sh", "ch", "x", "z", "o"].iter().any(|ending| base.ends_with(ending)) => format!("{base}es"),
        _ => format!("{base}s"),
    }
}

fn is_vowel(letter: char) -> bool {
    matches!(letter, 'a' | 'e' | 'i' | 'o' | 'u')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_and_verbs_change_their_ending() {
        for (plural, one) in [
            ("classes", "class"),
            ("countries", "country"),
            ("keys", "key"),
            ("people", "person"),
            ("status", "status"),
        ] {
            assert_eq!(singular(plural), one);
        }
        for (base, past, third) in [
            ("win", "won", "wins"),
            ("ban", "banned", "bans"),
            ("open", "opened", "opens"),
            ("carry", "carried", "carries"),
            ("use", "used", "uses"),
            ("permit", "permitted", "permits"),
            ("go", "went", "goes"),
            ("look", "looked", "looks"),
        ] {
            assert_eq!((past_of(base).as_str(), third_of(base).as_str()), (past, third));
        }
    }
}
