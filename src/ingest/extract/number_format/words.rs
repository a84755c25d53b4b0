//! The words that stand beside a number: the unit in `0.0 "kg"`, or what is shown instead of it.
//!
//! May depend on nothing.

/// The most sections of a format that are for numbers: positive, negative, zero.
const SECTIONS: usize = 3;

/// The words of one section of a format.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::ingest::extract) struct Words {
    before: String,
    behind: String,
    /// Whether it shows the number at all.
    has_number: bool,
    /// Whether it shows that the number is negative.
    has_sign: bool,
}

impl Words {
    /// The words of the sections of a format that shows any. None where its sections are for numbers of another kind than
    /// those of one sign, where words stand between digits, and where thousands or millions are shown: the number is
    /// written in full then, and its unit would be another one.
    pub(super) fn of(code: &str, is_money: impl Fn(&str) -> bool) -> Vec<Self> {
        let mut done = Vec::new();
        let mut section = Section::default();
        let mut rest = code.chars();
        while let Some(c) = rest.next() {
            match c {
                ';' => done.push(std::mem::take(&mut section)),
                '"' => {
                    let quoted: String = rest.by_ref().take_while(|c| *c != '"').collect();
                    if !is_money(quoted.trim()) {
                        section.literal(&quoted);
                    }
                }
                '[' => {
                    let inner: String = rest.by_ref().take_while(|c| *c != ']').collect();
                    section.is_odd |= inner.starts_with(['<', '>', '=']);
                }
                '\\' => {
                    let escaped: String = rest.next().into_iter().collect();
                    if !is_money(&escaped) {
                        section.literal(&escaped);
                    }
                }
                // As wide as the next character, or filled up with it.
                '_' | '*' => drop(rest.next()),
                '0' | '#' | '?' | '@' => section.place(),
                'G' | 'g' if rest.as_str().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("eneral")) => {
                    rest.nth(5);
                    section.place();
                }
                ',' => section.is_scaled |= section.is_behind_place,
                ' ' | '-' | '(' => section.literal(c.encode_utf8(&mut [0; 4])),
                _ => section.is_behind_place = false,
            }
        }
        done.push(section);
        if done.iter().any(|section| section.is_odd || section.is_scaled) {
            return Vec::new();
        }
        let words: Vec<Self> = done.into_iter().take(SECTIONS).map(|section| section.words.trimmed()).collect();
        if words.iter().any(Self::say_something) { words } else { Vec::new() }
    }

    fn trimmed(self) -> Self {
        let keep = |text: String| if has_words(&text) { text } else { String::new() };
        let (before, behind) = (keep(self.before), keep(self.behind));
        Self { before: before.trim_start().to_owned(), behind: behind.trim_end().to_owned(), ..self }
    }

    fn say_something(&self) -> bool {
        !self.before.is_empty() || !self.behind.is_empty()
    }

    /// Whether they are all that is seen of a negative number's sign: `0" up";0" down"`.
    pub(super) fn replace_sign(&self) -> bool {
        self.say_something() && !self.has_sign
    }

    /// The number with its words, or they alone.
    pub(super) fn around(&self, number: String) -> String {
        match (self.say_something(), self.has_number) {
            (false, _) => number,
            (true, false) => self.before.trim().to_owned(),
            (true, true) => format!("{}{number}{}", self.before, self.behind),
        }
    }
}

/// A section as it is read.
#[derive(Debug, Default)]
struct Section {
    words: Words,
    /// Whether it has a condition of its own, or words between its digits.
    is_odd: bool,
    /// Whether it divides the number by thousands.
    is_scaled: bool,
    is_behind_place: bool,
}

impl Section {
    fn literal(&mut self, text: &str) {
        self.is_behind_place = false;
        self.words.has_sign |= text.contains(['-', '(', '\u{2212}']);
        let side = if self.words.has_number { &mut self.words.behind } else { &mut self.words.before };
        // What stands between two pieces may have been read as something else.
        side.push_str(if side.ends_with(' ') { text.trim_start_matches(' ') } else { text });
    }

    /// The place of a digit.
    fn place(&mut self) {
        self.is_odd |= has_words(&self.words.behind);
        self.words.behind.clear();
        self.words.has_number = true;
        (self.is_scaled, self.is_behind_place) = (false, true);
    }
}

/// What is displayed before a number, of it, and behind it, where words are.
pub(super) fn parts_of(displayed: &str) -> Option<(&str, &str, &str)> {
    let start = displayed.find(|c: char| c.is_ascii_digit())?;
    let (before, rest) = displayed.split_at(start);
    let mut end = 0;
    let mut last = '0';
    for (at, c) in rest.char_indices() {
        match c {
            '0'..='9' => end = at + 1,
            // One sign may stand between two digits.
            '.' | ',' | '\'' | '\u{2019}' | ' ' | '\u{a0}' | '\u{202f}' if last.is_ascii_digit() => {}
            _ => break,
        }
        last = c;
    }
    let (number, behind) = rest.split_at(end);
    let is_exponent = behind.strip_prefix(['E', 'e']).is_some_and(|power| power.starts_with(['+', '-']));
    let is_fraction = behind.starts_with('/');
    let behind = if before.contains('(') { behind.trim_end_matches(')') } else { behind };
    let before = if has_words(before) { before.trim_start() } else { "" };
    let behind = if has_words(behind) { behind.trim_end() } else { "" };
    let has_any = !before.is_empty() || !behind.is_empty();
    (has_any && !is_exponent && !is_fraction).then_some((before, number, behind))
}

/// Whether there is more than signs for negative numbers, blanks and marks.
pub(super) fn has_words(text: &str) -> bool {
    let is_dash = |c: char| matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}');
    let is_unseen = |c: char| c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{feff}');
    text.chars().any(|c| c.is_alphanumeric() || c == '%' || !c.is_ascii() && !is_dash(c) && !is_unseen(c))
}
