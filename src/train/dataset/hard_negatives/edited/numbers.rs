//! Numbers in a text, sorted by what they look like.
//!
//! May depend on `words` and `names`.

use std::ops::Range;

use super::{
    names::is_month,
    words::{Word, words},
};

/// What a number looks like: a swap stays within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Year,
    /// "1990s".
    Decade,
    /// "20th".
    Ordinal,
    /// The day before or behind the name of a month.
    Day,
    /// The number of a thing with a name, as in "Apollo 11".
    OfName,
    /// So many digits before the point, with a point or not, in percent or not.
    Amount {
        digits: usize,
        point: bool,
        percent: bool,
    },
}

/// A number in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    pub text: String,
    pub shape: Shape,
    /// Where it stands, in bytes.
    pub range: Range<usize>,
}

/// The numbers of a text that are written in digits, each time that they occur.
pub fn numbers(text: &str) -> Vec<Number> {
    let words = words(text);
    let shaped = (0..words.len()).filter_map(|at| Some((at, shape(text, &words, at)?)));
    shaped
        .map(|(at, shape)| Number { text: words[at].text.to_owned(), shape, range: words[at].range.clone() })
        .collect()
}

fn shape(text: &str, words: &[Word<'_>], at: usize) -> Option<Shape> {
    let word = words[at].text;
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return None;
    }
    match &word[digits..] {
        "s" if digits == 4 => return Some(Shape::Decade),
        "st" | "nd" | "rd" | "th" => return Some(Shape::Ordinal),
        rest if !rest.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',')) => return None,
        _ => {}
    }
    let before = at.checked_sub(1).map(|before| &words[before]).filter(|word| {
        // Right before it, with a space between.
        word.range.end + 1 == words[at].range.start
    });
    let after = words.get(at + 1).filter(|word| words[at].range.end + 1 == word.range.start);
    let next_to_month = [before, after].into_iter().flatten().any(|word| is_month(word.text));
    if digits == 4 && word.len() == 4 && ("1000".."2100").contains(&word) {
        return Some(Shape::Year);
    }
    if digits <= 2 && word.len() == digits && next_to_month {
        return Some(Shape::Day);
    }
    if before.is_some_and(|word| word.is_capitalised() && !word.is_function_word()) {
        return Some(Shape::OfName);
    }
    let whole = word.split('.').next().unwrap_or(word);
    let percent = text[words[at].range.end..].starts_with('%')
        || after.is_some_and(|word| matches!(word.text, "percent" | "per" | "percentage"));
    let digits = whole.bytes().filter(u8::is_ascii_digit).count();
    Some(Shape::Amount { digits, point: word.contains('.'), percent })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_told_apart() {
        let text = "On June 5 in 1858, the 20th of 1,200 ships left Apollo 11 with 3.5% of the 1990s and B2.";
        let shapes: Vec<Shape> = numbers(text).into_iter().map(|number| number.shape).collect();
        let amount = |digits, point, percent| Shape::Amount { digits, point, percent };
        assert_eq!(
            shapes,
            [
                Shape::Day,
                Shape::Year,
                Shape::Ordinal,
                amount(4, false, false),
                Shape::OfName,
                amount(1, true, true),
                Shape::Decade
            ]
        );
    }
}
