//! The numbers of a text with what makes another quantity of them: the sign, `million`, the unit or the month, and whether
//! it is said of more or of less than that.
//!
//! What a sentence leaves out is no contradiction (`60` of `60 seconds`); what it says otherwise is one (`60 minutes`,
//! `18 °C` of `-18 °C`, `less than 60` of `more than 60`). May depend on `domain`.

mod names;

use names::{digit, month, scale, side, spelled, unit, value};
use unicode_segmentation::UnicodeSegmentation;

/// A number as a text states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantity {
    /// Its value, as it compares.
    pub value: String,
    /// It is written as a word.
    pub spelled: bool,
    negative: bool,
    scale: Option<&'static str>,
    unit: Option<&'static str>,
    upwards: Option<bool>,
}

impl Quantity {
    /// The same number, and nothing is said of it in one place that is otherwise in the other.
    pub fn agrees_with(&self, other: &Self) -> bool {
        let same_unit = self.unit.is_none() || other.unit.is_none() || self.unit == other.unit;
        let same_side = self.upwards.is_none() || other.upwards.is_none() || self.upwards == other.upwards;
        self.value == other.value
            && self.negative == other.negative
            && self.scale == other.scale
            && same_unit
            && same_side
    }
}

/// The numbers of a text, in order. The parts of a word with digits, such as `2nd`, are one number.
pub fn quantities(text: &str) -> Vec<Quantity> {
    let words: Vec<(usize, &str)> = text.unicode_word_indices().collect();
    let end_of = |at: usize| words[at].0 + words[at].1.len();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some((start, word)) = words.get(at).copied() {
        let first = at;
        at += 1;
        let (value, spelled) = match (value(word), spelled(word)) {
            (Some(value), _) => (value, false),
            (None, Some(number)) => {
                // `sixty-five`
                let digit = words.get(at).and_then(|(_, next)| digit(next));
                let joined = digit.filter(|_| number >= 20 && matches!(&text[end_of(first)..words[at].0], "-" | " "));
                at += usize::from(joined.is_some());
                ((number + joined.unwrap_or(0)).to_string(), true)
            }
            (None, None) => continue,
        };
        let mut behind = end_of(at - 1);
        let scale = next_word(&text[behind..]).and_then(|(length, word)| Some((length, scale(word)?)));
        if let Some((length, _)) = scale {
            behind += length;
        }
        let before: Vec<String> = words[..first].iter().rev().take(3).map(|(_, word)| word.to_lowercase()).collect();
        found.push(Quantity {
            value,
            spelled,
            negative: is_negative(&text[..start]) || before.first().is_some_and(|word| word == "minus"),
            scale: scale.map(|(_, scale)| scale),
            unit: unit_behind(&text[behind..]).or_else(|| unit_before(&text[..start])),
            upwards: side_before(&before).or_else(|| side_behind(&words[at..])),
        });
    }
    found
}

/// The word that follows with nothing but a space or a hyphen between, and where it ends.
fn next_word(text: &str) -> Option<(usize, &str)> {
    let (start, word) = text.unicode_word_indices().next()?;
    text[..start].chars().all(|c| c == '-' || c.is_whitespace()).then(|| (start + word.len(), word))
}

/// `60 seconds`, `5 %`, `5 €`, `1 May`.
fn unit_behind(text: &str) -> Option<&'static str> {
    let mark = text.trim_start_matches([' ', '\u{a0}', '\u{202f}']).chars().next().map(String::from);
    let marked = mark.filter(|mark| !mark.starts_with(char::is_alphanumeric)).and_then(|mark| unit(&mark));
    marked.or_else(|| next_word(text).and_then(|(_, word)| unit(word).or_else(|| month(word))))
}

/// `$5`, `May 1`.
fn unit_before(text: &str) -> Option<&'static str> {
    let bare = text.trim_end_matches(' ');
    let mark = bare.chars().next_back().filter(|mark| !mark.is_alphanumeric()).map(String::from);
    mark.and_then(|mark| unit(&mark).filter(|_| mark != "%"))
        .or_else(|| month(bare.rsplit(|c: char| !c.is_alphabetic()).next()?))
}

/// A minus that stands at the number and behind nothing.
fn is_negative(before: &str) -> bool {
    let rest = before.strip_suffix(['-', '\u{2212}']);
    rest.is_some_and(|rest| rest.chars().next_back().is_none_or(|c| c.is_whitespace() || matches!(c, '(' | '[')))
}

/// `more than 60`, `at most 60`, `up to 60`, `no more than 60`: of the words before, the nearest first.
fn side_before(before: &[String]) -> Option<bool> {
    if let [to, up, ..] = before
        && to == "to"
        && up == "up"
    {
        return Some(false);
    }
    let (at, found) = before.iter().take(2).enumerate().find_map(|(at, word)| Some((at, side(word)?)))?;
    let denied = before.get(at + 1).is_some_and(|word| matches!(word.as_str(), "no" | "not"));
    Some(found != denied)
}

/// `60 seconds or more`, `60 at most`.
fn side_behind(behind: &[(usize, &str)]) -> Option<bool> {
    behind.windows(2).take(3).enumerate().find_map(|(at, pair)| {
        let [(_, link), (_, word)] = pair else { return None };
        // `or at least 90` speaks of the number that follows.
        let own = behind.get(at + 2).is_none_or(|(_, next)| value(next).is_none() && spelled(next).is_none());
        (matches!(*link, "or" | "at") && own).then(|| side(word)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every number of the first text is in the second one, and nothing else is said of it.
    fn agree(written: &str, held: &str) -> bool {
        let held = quantities(held);
        quantities(written).iter().all(|one| held.iter().any(|other| one.agrees_with(other)))
    }

    #[test]
    fn the_same_quantity_is_the_same_in_every_writing() {
        for (written, held) in [
            ("It lasts 60 s.", "It lasts sixty seconds."),
            ("It lasts 60.", "It lasts 60 seconds."),
            ("It lasts 65 seconds.", "It lasts sixty-five seconds."),
            ("It costs 5 million dollars.", "It costs $5 million."),
            ("It grew by 5 percent.", "It grew by 5 %."),
            ("It freezes at -18.0 °C.", "It freezes at \u{2212}18 °C."),
            ("It was signed on May 1.", "It was signed on 1 May."),
            ("At most 60 are taken.", "Up to 60 are taken."),
            ("It takes 60 or more.", "It takes at least 60."),
            ("It takes no more than 60.", "It takes at most 60."),
            ("From 10 to 20 seconds.", "From 10-20 seconds."),
            ("60 may be too many.", "In May there were 60 June bugs."),
        ] {
            assert!(agree(written, held), "{written} / {held}");
        }
    }

    #[test]
    fn another_sign_unit_scale_or_side_makes_another_quantity() {
        for (written, held) in [
            ("It lasts 60 minutes.", "It lasts 60 seconds."),
            ("It lasts sixty seconds.", "It lasts sixty-five seconds."),
            ("It costs €5.", "It costs $5."),
            ("It costs 5 million.", "It costs 5 billion."),
            ("It costs 5.", "It costs 5 thousand."),
            ("It freezes at 18 °C.", "It freezes at -18 °C."),
            ("It opens at 9:30 pm.", "It opens at 9:30 am."),
            ("It was signed on 7 May.", "It was begun on 5 May and signed on 7 June."),
            ("It takes less than 60.", "It takes more than 60."),
            ("It takes 60 or less.", "It takes at least 60."),
            ("Send it after 1 May.", "Send it before 1 May."),
            ("It lasts ٦٠ seconds.", "It lasts ٦١ seconds."),
        ] {
            assert!(!agree(written, held), "{written} / {held}");
        }
    }

    proptest! {
        #[test]
        fn a_text_agrees_with_itself(
            text in "(sixty|five|-5|2nd|10:30|\\$|€|%|May|million|seconds|at least|or|less|than|no|[a-zé٦\u{a0} .,-]){0,20}",
        ) {
            prop_assert!(agree(&text, &text));
        }

        #[test]
        fn nothing_panics_whatever_the_text_is(text in "\\PC{0,60}") {
            let _ = quantities(&text);
        }
    }
}
