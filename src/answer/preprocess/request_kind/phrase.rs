//! Forms of phrases, written so that a list of them can be read at a glance.
//!
//! A form is words separated by spaces, and has to fit a text as a whole: `a|b` is one of the two, a question mark at
//! the end makes the word optional, `_` is any word, `#` a number, `*` any words or none. May depend on nothing.

/// Whether a form fits the words of a text, which are in lower case.
pub fn matches(form: &str, words: &[&str]) -> bool {
    fits(&form.split_whitespace().collect::<Vec<_>>(), words)
}

/// Whether one of the forms fits.
pub fn any(forms: &[&str], words: &[&str]) -> bool {
    forms.iter().any(|form| matches(form, words))
}

/// How many words at the beginning one of the forms fits, at most `most`; the longest beginning counts.
pub fn beginning(forms: &[&str], words: &[&str], most: usize) -> Option<usize> {
    (1..=most.min(words.len())).rev().find(|length| any(forms, &words[..*length]))
}

fn fits(form: &[&str], words: &[&str]) -> bool {
    let Some((part, rest)) = form.split_first() else { return words.is_empty() };
    if *part == "*" {
        return (0..=words.len()).any(|skipped| fits(rest, &words[skipped..]));
    }
    let (part, optional) = part.strip_suffix('?').map_or((*part, false), |part| (part, true));
    if optional && fits(rest, words) {
        return true;
    }
    let Some((word, others)) = words.split_first() else { return false };
    let fitting = match part {
        "_" => true,
        "#" => word.starts_with(|c: char| c.is_ascii_digit()),
        part => part.split('|').any(|part| part == *word),
    };
    fitting && fits(rest, others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_fits_a_text_as_a_whole() {
        let fits = |form: &str, text: &str| matches(form, &text.split(' ').collect::<Vec<_>>());
        assert!(fits("tell me? a joke|story *", "tell a joke about cats"));
        assert!(fits("tell me? a joke|story *", "tell me a story"));
        assert!(!fits("tell me? a joke|story *", "tell me a date"));
        assert!(fits("convert # _ to _", "convert 5 miles to km"));
        assert!(!fits("who are you", "who are you supposed to call"));
    }
}
