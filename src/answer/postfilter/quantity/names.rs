//! Words that stand for numbers, and words that stand beside them.
//!
//! May depend on `domain`.

use crate::domain::MONTHS;

/// The numbers that are written as one word, but for the tens and the large ones.
const SMALL: [&str; 20] = [
    "zero",
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
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const SCALES: [&str; 5] = ["hundred", "thousand", "million", "billion", "trillion"];
/// Units, each with the ways in which it is written. `m` is left out: it may be metres, minutes or millions.
const UNITS: [&[&str]; 34] = [
    &["ms", "millisecond", "milliseconds"],
    &["s", "sec", "secs", "second", "seconds"],
    &["min", "mins", "minute", "minutes"],
    &["h", "hr", "hrs", "hour", "hours"],
    &["day", "days"],
    &["week", "weeks"],
    &["month", "months"],
    &["year", "years"],
    &["am", "a.m"],
    &["pm", "p.m"],
    &["%", "percent"],
    &["byte", "bytes"],
    &["kb", "kilobyte", "kilobytes"],
    &["kib", "kibibyte", "kibibytes"],
    &["mb", "megabyte", "megabytes"],
    &["mib", "mebibyte", "mebibytes"],
    &["gb", "gigabyte", "gigabytes"],
    &["gib", "gibibyte", "gibibytes"],
    &["tb", "terabyte", "terabytes"],
    &["mm", "millimetre", "millimetres", "millimeter", "millimeters"],
    &["cm", "centimetre", "centimetres", "centimeter", "centimeters"],
    &["metre", "metres", "meter", "meters"],
    &["km", "kilometre", "kilometres", "kilometer", "kilometers"],
    &["mile", "miles"],
    &["inch", "inches"],
    &["foot", "feet"],
    &["mg", "milligram", "milligrams"],
    &["g", "gram", "grams"],
    &["kg", "kilogram", "kilograms"],
    &["ton", "tons", "tonne", "tonnes"],
    &["$", "usd", "dollar", "dollars"],
    &["€", "eur", "euro", "euros"],
    // Of money and of weight.
    &["£", "gbp", "pound", "pounds"],
    &["¥", "jpy", "yen"],
];
const UPWARDS: [&str; 10] =
    ["more", "least", "over", "above", "exceeding", "greater", "longer", "after", "since", "minimum"];
const DOWNWARDS: [&str; 10] =
    ["less", "fewer", "most", "under", "below", "shorter", "before", "until", "within", "maximum"];

/// A word with a digit, as it compares: without separators of thousands, zeros at the ends and the endings of ordinals.
pub fn value(word: &str) -> Option<String> {
    if !word.chars().any(char::is_numeric) {
        return None;
    }
    let lower = word.to_lowercase();
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|ending| lower.strip_suffix(ending)).unwrap_or(&lower);
    let plain = if is_grouped(digits) { digits.replace(',', "") } else { digits.to_owned() };
    if !plain.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Some(plain);
    }
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") })
}

/// `1,234,567.8`: groups of three behind the first.
fn is_grouped(text: &str) -> bool {
    let whole = text.split('.').next().unwrap_or_default();
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    whole.contains(',') && (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3)
}

/// A number that is written as a word.
pub fn spelled(word: &str) -> Option<usize> {
    let lower = word.to_lowercase();
    let small = SMALL.iter().position(|known| *known == lower);
    small.or_else(|| TENS.iter().position(|known| *known == lower).map(|tens| 10 * (tens + 2)))
}

/// From one to nine.
pub fn digit(word: &str) -> Option<usize> {
    spelled(word).filter(|number| (1..10).contains(number))
}

/// What a number is multiplied by.
pub fn scale(word: &str) -> Option<&'static str> {
    known(&SCALES, word)
}

fn known(list: &[&'static str], word: &str) -> Option<&'static str> {
    list.iter().find(|known| known.eq_ignore_ascii_case(word)).copied()
}

/// The unit with this name or mark.
pub fn unit(word: &str) -> Option<&'static str> {
    UNITS.iter().find(|names| known(names, word).is_some()).and_then(|names| names.first().copied())
}

/// A month, with its capital: `60 may be too many`.
pub fn month(word: &str) -> Option<&'static str> {
    MONTHS.iter().find(|month| **month == word).copied()
}

/// Whether a word says more than a number (`true`) or less.
pub fn side(word: &str) -> Option<bool> {
    if UPWARDS.contains(&word) {
        return Some(true);
    }
    DOWNWARDS.contains(&word).then_some(false)
}
