//! The labels of numbered items and headings, as the program shows them: `2.`, `b)`, `1.3`.

use crate::ingest::extract::{docx::number_in_format, xml::Element};

/// How one level of a list counts (OpenDocument 1.3, 16.34).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) start: i64,
    /// `1`, `a`, `A`, `i` or `I`; figures where it is another one.
    format: String,
    /// After z comes aa and then bb, and not ab.
    in_step: bool,
    before: String,
    behind: String,
    /// How many levels the label shows, this one included.
    levels: usize,
}

impl Numbers {
    /// Reads a `text:list-level-style-number` or a `text:outline-level-style`.
    pub(super) fn of(element: &Element<'_>) -> Self {
        Self {
            start: element.number("start-value").unwrap_or(1),
            format: element.attribute("num-format").unwrap_or_default(),
            in_step: element.has_flag("num-letter-sync"),
            before: element.attribute("num-prefix").unwrap_or_default(),
            behind: element.attribute("num-suffix").unwrap_or_default(),
            levels: element.number("display-levels").unwrap_or(1).max(1),
        }
    }

    /// The number of an item alone.
    pub(super) fn number(&self, number: i64) -> String {
        match self.format.as_str() {
            "i" => number_in_format(number, "lowerRoman"),
            "I" => number_in_format(number, "upperRoman"),
            "a" if self.in_step => number_in_format(number, "lowerLetter"),
            "A" if self.in_step => number_in_format(number, "upperLetter"),
            "a" => letters(number, b'a'),
            "A" => letters(number, b'A'),
            _ => number.to_string(),
        }
    }

    /// The label of an item; `around` are the numbers of the items that it lies in, empty where they have none.
    pub(super) fn label(&self, number: &str, around: &[String]) -> String {
        let label = self.label_of_heading(number, around);
        // A number that stands bare would not be told from the words behind it.
        let is_bare = self.levels == 1 && self.before.is_empty() && self.behind.is_empty();
        if is_bare { format!("{label}.") } else { label }
    }

    /// The label of a heading, which may be a bare number.
    pub(super) fn label_of_heading(&self, number: &str, around: &[String]) -> String {
        let shown = around.len().saturating_sub(self.levels - 1);
        let outer = around.get(shown..).unwrap_or_default().iter().map(String::as_str);
        let numbers = outer.chain([number]).filter(|number| !number.is_empty()).collect::<Vec<_>>().join(".");
        format!("{}{numbers}{}", self.before, self.behind).trim().to_owned()
    }
}

/// After z comes aa, then ab.
pub(super) fn letters(number: i64, first: u8) -> String {
    if number < 1 {
        return number.to_string();
    }
    let mut letters = Vec::new();
    let mut rest = number;
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(first + (rest % 26) as u8));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(format: &str, levels: usize) -> Numbers {
        Numbers { start: 1, format: format.into(), in_step: false, before: "(".into(), behind: ")".into(), levels }
    }

    #[test]
    fn numbers_are_written_in_their_format() {
        for (format, number, expected) in [
            ("1", 12, "12"),
            ("a", 1, "a"),
            ("a", 27, "aa"),
            ("A", 28, "AB"),
            ("a", 0, "0"),
            ("i", 4, "iv"),
            ("I", 9, "IX"),
            ("\u{4e00}", 3, "3"),
        ] {
            assert_eq!(numbers(format, 1).number(number), expected);
        }
        assert_eq!(Numbers { in_step: true, ..numbers("a", 1) }.number(28), "bb");
    }

    #[test]
    fn labels_show_the_levels_that_they_are_told_to() {
        let around = ["2".to_owned(), String::new(), "b".to_owned()];
        assert_eq!(numbers("1", 1).label("7", &around), "(7)");
        assert_eq!(numbers("1", 2).label("7", &around), "(b.7)");
        assert_eq!(numbers("1", 9).label("7", &around), "(2.b.7)");
        let bare = Numbers { before: String::new(), behind: String::new(), ..numbers("1", 1) };
        assert_eq!(bare.label("7", &around), "7.");
        assert_eq!(bare.label_of_heading("7", &around), "7");
    }
}
