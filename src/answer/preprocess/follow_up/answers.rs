//! What an answer of the conversation is: a name, an amount, a list, an event, a description.
//!
//! May depend on `english`.

use crate::answer::preprocess::english::{
    AUXILIARIES, DETERMINERS, SUBJECT_PRONOUNS, is_closed_class, is_one_of,
    noun_kinds::{is_event, is_institution, is_person},
    noun_phrases::noun_phrases,
    nouns::{is_people, is_plural},
    verbs::base_of_third,
    words::{Word, words},
};

/// Small words inside names.
const IN_NAMES: &[&str] =
    &["of", "de", "la", "le", "van", "von", "der", "du", "the", "mr", "sir", "commander", "king", "as", "general"];

/// Words with which an amount begins.
const AMOUNTS: &[&str] = &[
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "twenty",
    "thirty",
    "hundred",
    "thousand",
    "million",
    "billion",
    "half",
    "nearly",
    "about",
    "over",
    "approximately",
    "almost",
    "yes",
    "no",
    "none",
];

/// Words that make a text a time.
const TIMES: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "century",
    "today",
];

/// Whether a text is a name: capital letters in front of all but small words.
pub(super) fn is_name(text: &str) -> bool {
    let found = words(text);
    let small = |word: &Word| is_one_of(&word.lower, IN_NAMES);
    !found.is_empty()
        && found.len() <= 8
        && found.iter().any(|word| word.is_capitalised(text))
        && found.iter().all(|word| word.is_capitalised(text) || small(word))
}

/// Whether a word of it names an institution or a place.
pub(super) fn has_institution(text: &str) -> bool {
    text.split_whitespace().any(|word| is_institution(&word.to_lowercase()))
}

/// Whether an answer is what a person is to others: `a mayor`.
pub(super) fn is_role(answer: &str) -> bool {
    head(answer).is_some_and(|head| is_person(&head) && !is_plural(&head))
}

/// Whether an answer is a number, a time or an amount.
pub(super) fn is_quantity(answer: &str) -> bool {
    let found = words(answer);
    let first = found.first().map_or("", |word| word.lower.as_str());
    let identifier = found.iter().any(Word::is_identifier);
    !identifier
        && (first.starts_with(|c: char| c.is_ascii_digit() || "$€£".contains(c)) && !first.contains(':')
            || AMOUNTS.contains(&first)
            || is_time(answer))
}

/// Whether a text is a day, a year or another time.
pub(super) fn is_time(text: &str) -> bool {
    let found = words(text);
    found.iter().any(|word| TIMES.contains(&word.lower.as_str())) || (found.len() == 1 && found[0].is_year())
}

/// Whether an answer names an event: `the abolition of the Caliphate`.
pub(super) fn names_event(answer: &str) -> bool {
    head(answer).is_some_and(|head| {
        is_event(&head) || (answer.contains(" of ") && (head.ends_with("tion") || head.ends_with("sion")))
    })
}

/// Whether an answer is a clause, and names nothing: `it was absorbed`.
pub(super) fn is_clause(answer: &str) -> bool {
    let found = words(answer);
    let opens = found.first().map_or("", |word| word.lower.as_str());
    let object = found.get(1).is_some_and(|word| is_one_of(&word.lower, DETERMINERS));
    // `to decline a question`, `sorts a list`
    opens == "to"
        || (object && base_of_third(opens).is_some())
        || found.iter().any(|word| is_one_of(&word.lower, AUXILIARIES) || is_one_of(&word.lower, SUBJECT_PRONOUNS))
}

/// Whether an answer says what something is, and does not name it: `an enzyme`.
pub(super) fn describes(answer: &str) -> bool {
    let found = words(answer);
    found.first().is_some_and(|word| matches!(word.lower.as_str(), "a" | "an" | "one"))
}

/// Whether an answer lists several things.
pub(super) fn lists(answer: &str) -> bool {
    let commas = answer.matches(',').count();
    answer.contains(" and ") && (commas > 0 || !has_institution(answer)) || commas > 1
}

/// Whether `they` can stand for an answer: plurals, and peoples such as `the French`.
pub(super) fn is_plural_answer(answer: &str) -> bool {
    let found = words(answer);
    let stop = found.iter().position(|word| word.lower == "of").unwrap_or(found.len());
    // `Oliver Evans` is one; `French Huguenots` are several.
    let first = found.first().map_or("", |word| word.lower.as_str());
    let of_people = ["an", "ish", "ese", "ch"].iter().any(|ending| first.ends_with(ending));
    if found.len() > 1 && found.iter().all(|word| word.is_capitalised(answer)) && !of_people {
        return false;
    }
    found[..stop].last().is_some_and(|word| {
        (is_plural(&word.lower) && !word.is_number())
            || (is_people(&word.lower) && found[0].lower == "the" && word.is_capitalised(answer))
    })
}

/// The items of a list.
pub(super) fn items(answer: &str) -> Vec<String> {
    let parts =
        answer.split(',').flat_map(|part| part.split(" and ")).flat_map(|part| part.split(" or ")).map(|part| {
            ["and ", "or ", "as "].iter().fold(part.trim(), |part, word| part.trim_start_matches(word)).trim()
        });
    let items: Vec<String> = parts.filter(|part| !part.is_empty()).map(str::to_owned).collect();
    if items.len() > 1 { items } else { Vec::new() }
}

/// What something is done with: `vaccination` of `through vaccination`.
pub(super) fn instrument(answer: &str) -> Option<&str> {
    ["through ", "by ", "with ", "using "].iter().find_map(|word| answer.strip_prefix(word))
}

/// The main noun of an answer that is one noun phrase.
fn head(answer: &str) -> Option<String> {
    // The first letter of an answer is no sentence's: a word before keeps it from being read as one.
    let text = format!("is {answer}");
    let phrase = noun_phrases(&text).into_iter().next().filter(|phrase| phrase.first == 1 && !is_clause(answer))?;
    (!is_closed_class(&phrase.head)).then_some(phrase.head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        assert!(is_name("Duke William II of Normandy") && !is_name("a mayor"));
        assert!(is_role("a mayor") && !is_role("the mermaid"));
        assert!(is_quantity("55 mph") && is_quantity("the first Thursday in May") && !is_quantity("RFC_9457"));
        assert!(names_event("the abolition of the Ottoman Caliphate") && names_event("the Battle of Hastings"));
        assert!(!names_event("John Harvard"));
        assert!(is_plural_answer("lead plates") && is_plural_answer("the French") && !is_plural_answer("the mermaid"));
        assert_eq!(items("as a closed or an open loop"), ["a closed", "an open loop"]);
        assert_eq!(items("Markdown, HTML and PDF"), ["Markdown", "HTML", "PDF"]);
        assert_eq!(instrument("through vaccination"), Some("vaccination"));
    }
}
