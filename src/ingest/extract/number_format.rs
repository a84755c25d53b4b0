//! How spreadsheets show numbers: as dates, times, percentages, amounts of money, or with fewer digits.
//!
//! Number formats are those of ECMA-376 part 1, 18.8.30 and 18.8.31. Dates are written as ISO 8601 has them and no
//! number has separators of thousands: what is shown differs by the language of the program that shows it. Words beside
//! a number, such as its unit, are kept.
//!
//! May depend on nothing.

mod moments;
mod words;

use self::{
    moments::{duration, moment},
    words::{Words, has_words, parts_of},
};

/// What a number format makes of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NumberFormat {
    /// As it is.
    General,
    /// With at most this many digits after the point.
    Fixed(usize),
    /// The same with zeros in front, up to so many digits: `00000` of a postal code.
    Padded { whole: usize, digits: usize },
    /// Times a hundred, with this many digits after the point.
    Percent(usize),
    /// An amount, with the sign of its currency in front or behind.
    Currency { sign: String, in_front: bool, digits: usize },
    /// A day, a time of day, or both; and whether seconds are shown.
    Moment { date: bool, time: bool, seconds: bool },
    /// Hours that go on beyond a day.
    Duration,
    /// Another form with words around it: those for all numbers, or for positive, negative and zero.
    Worded { form: Box<Self>, words: Vec<Words> },
}

const CURRENCIES: [char; 10] = ['$', '€', '£', '¥', '₹', '₽', '₩', '₺', '₪', '₴'];
/// Currencies that are written in letters.
const CURRENCY_WORDS: [&str; 11] = ["kr", "kr.", "zł", "Kč", "Ft", "lei", "лв", "лв.", "Fr.", "SFr.", "R"];
/// The digits that a spreadsheet keeps of a number.
const MOST_DIGITS: usize = 15;

impl NumberFormat {
    /// The formats that have a number and no code.
    pub(super) fn built_in(id: u32) -> Self {
        let moment = |date, time, seconds| Self::Moment { date, time, seconds };
        match id {
            // Those with a currency do not say which one: it is that of the program.
            1 | 3 | 5 | 6 | 37 | 38 | 41 | 42 => Self::Fixed(0),
            2 | 4 | 7 | 8 | 39 | 40 | 43 | 44 => Self::Fixed(2),
            9 => Self::Percent(0),
            10 => Self::Percent(2),
            14..=17 | 27..=31 | 36 | 50..=54 | 57 | 58 => moment(true, false, false),
            18 | 20 | 32 | 34 | 55 => moment(false, true, false),
            19 | 21 | 33 | 35 | 45 | 47 | 56 => moment(false, true, true),
            22 => moment(true, true, false),
            46 => Self::Duration,
            _ => Self::General,
        }
    }

    /// Reads the code of a format, such as `yyyy-mm-dd` or `0.00%`. What it says about negative numbers is not asked.
    pub(super) fn parse(code: &str) -> Self {
        let form = Self::of_number(code);
        if matches!(form, Self::Moment { .. } | Self::Duration) {
            return form;
        }
        let words = Words::of(code, is_money);
        if words.is_empty() { form } else { Self::Worded { form: Box::new(form), words } }
    }

    fn of_number(code: &str) -> Self {
        let code = Code::read(code);
        let has = |wanted: &[char]| code.letters.iter().any(|letter| wanted.contains(letter));
        if code.is_duration {
            return Self::Duration;
        }
        let time = has(&['h', 's']);
        let date = has(&['y', 'd']) || has(&['m']) && !time;
        if (date || time) && !code.is_general {
            return Self::Moment { date, time, seconds: has(&['s']) };
        }
        if code.is_percent {
            return Self::Percent(code.digits);
        }
        if let Some((sign, in_front)) = code.currency {
            return Self::Currency { sign, in_front, digits: code.digits };
        }
        // A half that is shown as 1/2 has no digits after the point.
        if !code.has_places || code.is_scientific || code.is_fraction {
            return Self::General;
        }
        match code.whole {
            0 | 1 => Self::Fixed(code.digits),
            whole => Self::Padded { whole, digits: code.digits },
        }
    }

    /// The number as it is shown. `from_1904` says whether days are counted from 1904 on.
    pub(super) fn show(&self, value: f64, from_1904: bool) -> String {
        match self {
            Self::General => plain(value),
            Self::Fixed(digits) => fixed(value, *digits),
            Self::Padded { whole, digits } => padded(&fixed(value, *digits), *whole),
            Self::Percent(digits) => format!("{}%", exactly(value * 100.0, *digits)),
            Self::Currency { sign, in_front, digits } => {
                let amount = exactly(value, *digits);
                match (in_front, amount.strip_prefix('-')) {
                    (true, Some(amount)) => format!("-{sign}{amount}"),
                    (true, None) => format!("{sign}{amount}"),
                    (false, _) => format!("{amount} {sign}"),
                }
            }
            Self::Moment { date, time, seconds } => {
                moment(value, *date, *time, *seconds, from_1904).unwrap_or_else(|| plain(value))
            }
            Self::Duration => duration(value).unwrap_or_else(|| plain(value)),
            Self::Worded { form, words } => {
                let at = if value < 0.0 { 1 } else { 2 * usize::from(value == 0.0) };
                let own = words.get(at);
                let value = if at == 1 && own.is_some_and(Words::replace_sign) { -value } else { value };
                let number = form.show(value, from_1904);
                match own.or(words.first()) {
                    Some(words) => words.around(number),
                    None => number,
                }
            }
        }
    }
}

/// What is in the first section of a format's code, without what it shows as it stands.
#[derive(Debug, Default)]
struct Code {
    letters: Vec<char>,
    is_general: bool,
    is_duration: bool,
    is_percent: bool,
    is_scientific: bool,
    is_fraction: bool,
    has_places: bool,
    /// How many digits there are at least before the point.
    whole: usize,
    digits: usize,
    currency: Option<(String, bool)>,
}

impl Code {
    fn read(code: &str) -> Self {
        let mut found = Self { is_general: code.eq_ignore_ascii_case("general"), ..Self::default() };
        let mut in_digits = false;
        let mut rest = code.chars();
        while let Some(c) = rest.next() {
            match c {
                ';' => break,
                '"' => {
                    let quoted: String = rest.by_ref().take_while(|c| *c != '"').collect();
                    found.money(quoted.trim());
                }
                '[' => {
                    let inner: String = rest.by_ref().take_while(|c| *c != ']').collect();
                    found.bracket(&inner);
                }
                '\\' | '_' | '*' => {
                    if let Some(next) = rest.next().filter(|_| c == '\\') {
                        found.money(next.encode_utf8(&mut [0; 4]));
                    }
                }
                '0' | '#' | '?' => {
                    found.has_places = true;
                    found.digits += usize::from(in_digits);
                    found.whole += usize::from(c == '0' && !in_digits);
                }
                '/' => found.is_fraction = found.has_places,
                '.' => in_digits = found.has_places || found.letters.is_empty(),
                '%' => found.is_percent = true,
                'E' => found.is_scientific = true,
                c if CURRENCIES.contains(&c) => found.money(c.encode_utf8(&mut [0; 4])),
                c => found.letters.extend(c.to_lowercase().filter(|c| matches!(c, 'y' | 'm' | 'd' | 'h' | 's'))),
            }
        }
        (found.whole, found.digits) = (found.whole.min(MOST_DIGITS), found.digits.min(MOST_DIGITS));
        found
    }

    /// `[h]` counts on beyond a day, `[$€-407]` is a currency; colours and conditions say nothing of the number.
    fn bracket(&mut self, inner: &str) {
        if let Some(sign) = inner.strip_prefix('$') {
            // Whatever stands here is a currency: `[$kr-41D]`.
            let sign = sign.split('-').next().unwrap_or_default().trim();
            if self.currency.is_none() && !sign.is_empty() {
                self.currency = Some((sign.to_owned(), !self.has_places));
            }
        } else if !inner.is_empty() && inner.chars().all(|c| matches!(c.to_ascii_lowercase(), 'h' | 'm' | 's')) {
            self.is_duration = true;
        }
    }

    fn money(&mut self, text: &str) {
        if self.currency.is_none() && is_money(text) {
            self.currency = Some((text.to_owned(), !self.has_places));
        }
    }
}

fn is_money(text: &str) -> bool {
    let is_code = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    is_code || CURRENCY_WORDS.contains(&text) || text.chars().any(|c| CURRENCIES.contains(&c))
}

/// A number without the noise of its binary form: 15 digits are what a spreadsheet keeps.
pub(super) fn plain(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return if value.is_finite() { "0".into() } else { value.to_string() };
    }
    let rounded: f64 = format!("{value:.14e}").parse().unwrap_or(value);
    if (1e-7..1e16).contains(&rounded.abs()) { rounded.to_string() } else { format!("{rounded:e}") }
}

/// A number with as many digits after the point as are displayed of it, in whichever language that is, and with the words
/// that are displayed beside it; as it is where it is displayed in another form.
pub(super) fn as_displayed(value: f64, displayed: &str) -> String {
    let displayed = displayed.trim();
    // Words can be displayed instead of a number.
    if has_words(displayed) && !displayed.contains(char::is_numeric) {
        return displayed.to_owned();
    }
    if let Some((before, number, behind)) = parts_of(displayed) {
        let has_sign = displayed.contains(['-', '(', '\u{2212}']);
        let shown = if has_sign { value } else { value.abs() };
        if let Some(number) = with_digits_of(shown, number) {
            return format!("{before}{number}{behind}");
        }
    }
    with_digits_of(value, displayed).unwrap_or_else(|| plain(value))
}

/// A number with as many digits after the point as make it the digits of a text; `None` where they are those of another.
fn with_digits_of(value: f64, text: &str) -> Option<String> {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let wanted = digits(text);
    let mut places = 0..wanted.len().min(MOST_DIGITS);
    places.find(|places| digits(&exactly(value, *places)) == wanted).map(|places| fixed(value, places))
}

/// At most so many digits after the point, and no zeros at the end that the number does not have.
fn fixed(value: f64, digits: usize) -> String {
    let text = plain(value);
    match text.split_once('.') {
        Some((_, fraction)) if fraction.len() > digits && !text.contains('e') => exactly(value, digits),
        _ => text,
    }
}

/// Zeros in front of the digits before the point, up to `whole` of them.
fn padded(number: &str, whole: usize) -> String {
    if number.contains(|c: char| c.is_alphabetic()) {
        return number.to_owned();
    }
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("-", digits));
    let has = digits.find('.').unwrap_or(digits.len());
    format!("{sign}{}{digits}", "0".repeat(whole.saturating_sub(has)))
}

/// Rounded as a person rounds the decimal number, not the binary one.
fn exactly(value: f64, digits: usize) -> String {
    if value.abs() >= 1e15 || !value.is_finite() {
        return plain(value);
    }
    let scale = 10f64.powi(i32::try_from(digits).unwrap_or(0));
    let scaled: f64 = plain(value * scale).parse().unwrap_or(value * scale);
    let text = format!("{:.digits$}", scaled.round() / scale);
    if text.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.')) { text.trim_start_matches('-').into() } else { text }
}

#[cfg(test)]
mod tests;
