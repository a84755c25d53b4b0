//! The numbers of chapters: headings count by themselves, level by level, as the style of the outline says.

use super::styles::Styles;
use crate::ingest::extract::xml::Element;

/// An outline has ten levels.
const LEVELS: usize = 10;

/// How far the headings of each level have counted, the outermost first.
#[derive(Debug, Default)]
pub(super) struct Chapters(Vec<i64>);

impl Chapters {
    /// Counts a heading of `level`, 1 for the outermost, and returns its label; empty where it shows none.
    pub(super) fn label(&mut self, styles: &Styles, element: &Element<'_>, level: usize) -> String {
        let style = element.attribute("style-name").unwrap_or_default();
        if !(1..=LEVELS).contains(&level) || element.has_flag("is-list-header") || !styles.is_chapter(&style) {
            return String::new();
        }
        let start = |level: usize| styles.chapter(level).map_or(1, |numbers| numbers.start);
        let last = level - 1;
        self.0.truncate(level);
        let number = match self.0.get(last) {
            _ if element.has_flag("restart-numbering") => element.number("start-value").unwrap_or_else(|| start(last)),
            Some(count) => count.saturating_add(1),
            None => start(last),
        };
        // Levels that were left out count as if they were there.
        let missing: Vec<i64> = (self.0.len()..last).map(start).collect();
        self.0.extend(missing);
        self.0.truncate(last);
        self.0.push(number);
        let numbers = self
            .0
            .iter()
            .enumerate()
            .map(|(level, count)| styles.chapter(level).map(|numbers| numbers.number(*count)).unwrap_or_default());
        let mut around: Vec<String> = numbers.collect();
        let own = around.pop().unwrap_or_default();
        styles.chapter(last).map(|numbers| numbers.label_of_heading(&own, &around)).unwrap_or_default()
    }
}
