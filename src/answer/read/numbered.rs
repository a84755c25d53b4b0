//! Passages about another one of a kind that is told apart by numbers: `file 250` is asked, and the passage stands under
//! `File 252`.
//!
//! The reader looks at how a passage answers, and reads over whose passage it is: of pages that say the same of each item
//! it takes any. May depend on `preprocess::english`.

use unicode_segmentation::UnicodeSegmentation as _;

use crate::answer::{Passage, preprocess::english::is_closed_class};

/// Whether a passage is about another one than the question names: its headings, its title or its name have the same word
/// with another number, and it says the asked number nowhere. A number that goes on (`4` and `4.2`) is no other one.
pub(super) fn is_of_another(question: &str, passage: &Passage) -> bool {
    let asked = numbered(question);
    if asked.is_empty() {
        return false;
    }
    let chunk = &passage.chunk;
    let places = chunk.heading_path.iter().chain(&passage.title).chain([&passage.name]);
    let named: Vec<(String, String)> = places.clone().flat_map(|place| numbered(place)).collect();
    let says = |number: &str| {
        places.clone().chain([&chunk.text]).any(|text| text.unicode_words().any(|word| is_part(number, word)))
    };
    asked.iter().any(|(word, number)| {
        let is_other = |(kind, other): &(String, String)| kind == word && !is_part(number, other);
        named.iter().any(is_other) && !says(number)
    })
}

/// The numbers of a text that stand behind a word of their kind, both in lower case.
fn numbered(text: &str) -> Vec<(String, String)> {
    let words: Vec<&str> = text.unicode_words().collect();
    let pairs = words.windows(2).filter_map(|pair| match pair {
        [word, number] if number.starts_with(|c: char| c.is_ascii_digit()) => Some((word.to_lowercase(), *number)),
        _ => None,
    });
    // `in 1944`, `than 60`: these count or date something.
    let kinds = pairs.filter(|(word, _)| word.chars().all(char::is_alphabetic) && !is_closed_class(word));
    kinds.map(|(word, number)| (word, number.to_lowercase())).collect()
}

/// Whether two numbers are the same, or one goes on where the other ends: a section and its parts.
fn is_part(one: &str, other: &str) -> bool {
    let other = other.to_lowercase();
    let goes_on = |long: &str, short: &str| long.strip_prefix(short).is_some_and(|rest| rest.starts_with('.'));
    one == other || goes_on(one, &other) || goes_on(&other, one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::postfilter::testing::passage;

    fn under(heading: &str, text: &str) -> Passage {
        let mut passage = passage(text);
        passage.chunk.heading_path = vec![heading.to_owned()];
        passage
    }

    #[test]
    fn a_passage_under_another_number_of_the_same_kind_is_not_about_the_asked_one() {
        let of_another = |question: &str, heading: &str, text: &str| is_of_another(question, &under(heading, text));
        for (question, heading) in [
            ("What is the number of file 250?", "File 252"),
            ("How long is the notice under article 5?", "Article 6: Notice"),
            ("What changed in version 1.2?", "Version 1.3"),
            ("How heavy is the Model 7b?", "Model 7c"),
        ] {
            assert!(of_another(question, heading, "It is forty."), "{question} under {heading}");
        }
        for (question, heading, text) in [
            ("What is the number of file 250?", "File 250", "It is forty."),
            // Said in the text, under whatever heading.
            ("What is the number of file 250?", "File 252", "For file 250 it is forty."),
            ("What does section 4 say?", "Section 4.2", "It is forty."),
            ("What does section 4.2 say?", "Section 4", "It is forty."),
            // Another kind, none, and numbers that count or date.
            ("What is the number of file 250?", "Folder 252", "It is forty."),
            ("How many files are there?", "File 252", "It is forty."),
            ("What happened in 1944?", "The war in 1945", "It is forty."),
            ("Who waited more than 60 days?", "Longer than 30 days", "It is forty."),
        ] {
            assert!(!of_another(question, heading, text), "{question} under {heading}");
        }
    }

    #[test]
    fn the_name_of_a_file_tells_its_number_too() {
        let mut passage = passage("The number of this file is 9324.");
        passage.name = "0/file 252.md".to_owned();
        assert!(is_of_another("the number of file 250", &passage));
        assert!(!is_of_another("the number of file 252", &passage));
    }
}
