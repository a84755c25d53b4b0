//! Lists in each other: the marks of their items, and how far they have counted.

use super::{body::Body, lines_of, styles::Mark};
use crate::ingest::extract::{ExtractError, writer::MarkdownWriter, xml::Element};

/// Lists are nested at most as deep as this in what is written.
const MAX_LEVEL: usize = 8;

/// Where in a list a paragraph stands.
#[derive(Debug, Clone)]
pub(super) struct Place {
    list: String,
    level: usize,
    /// The numbers of the items that it lies in, the outermost first; empty where they have none.
    numbers: Vec<String>,
    /// The label that the item has as a heading; `None` in a list that is not known, such as that of the chapters.
    label: Option<String>,
}

impl Body<'_> {
    /// Writes a list; an inner one has the marks of the outer one unless it says otherwise, and goes on with the one before
    /// it where the item that it lies in does.
    pub(super) fn list(
        &mut self,
        element: &Element<'_>,
        outer: Option<&Place>,
        goes_on: bool,
        writer: &mut MarkdownWriter,
    ) -> Result<(), ExtractError> {
        let list = element.attribute("style-name").or_else(|| outer.map(|outer| outer.list.clone()));
        let level = outer.map_or(0, |outer| outer.level + 1);
        let mut place = Place { list: list.unwrap_or_default(), level, numbers: Vec::new(), label: None };
        let around = outer.map(|outer| outer.numbers.as_slice()).unwrap_or_default();
        let goes_on = goes_on
            || element.attribute("continue-numbering").as_deref() == Some("true")
            || element.attribute("continue-list").is_some();
        let mut count = self.count(&place).filter(|_| goes_on);
        if !goes_on && let Some(counts) = self.counts.get_mut(&place.list) {
            counts.truncate(place.level);
        }
        while let Some(item) = self.reader.child()? {
            let first = self.reader.child()?;
            // An item of nothing but a list is a deeper level of the item before it.
            let is_deeper = first.as_ref().is_some_and(|first| first.is("list")) && count.is_some();
            let (number, label, mark) = match self.styles.mark(&place.list, place.level) {
                _ if item.is("list-header") => (String::new(), None, String::new()),
                Mark::Nothing => (String::new(), None, String::new()),
                Mark::Sign => (String::new(), None, "- ".to_owned()),
                Mark::Number(numbers) => {
                    let next = match count {
                        Some(count) if is_deeper => count,
                        Some(count) => count.saturating_add(1),
                        None => numbers.start,
                    };
                    let next = item.number("start-value").unwrap_or(next);
                    count = Some(next);
                    self.keep_count(&place, next);
                    let number = numbers.number(next);
                    let label = numbers.label_of_heading(&number, around);
                    let mark = format!("{} ", numbers.label(&number, around));
                    (number, Some(label), mark)
                }
            };
            place.numbers = around.iter().cloned().chain([number]).collect();
            // A heading in a list counts as the list does, and not as a chapter.
            place.label = label.or_else(|| self.styles.has_list(&place.list).then(String::new));
            self.item(&place, &mark, first, is_deeper, writer)?;
        }
        Ok(())
    }

    fn count(&self, place: &Place) -> Option<i64> {
        self.counts.get(&place.list)?.get(place.level).copied()?
    }

    /// Keeps how far a list has counted. What lies below an earlier item has ended, unless it is still this one.
    fn keep_count(&mut self, place: &Place, count: i64) {
        let is_same = self.count(place) == Some(count);
        let counts = self.counts.entry(place.list.clone()).or_default();
        if !is_same || counts.len() <= place.level {
            counts.resize(place.level + 1, None);
        }
        if let Some(kept) = counts.get_mut(place.level) {
            *kept = Some(count);
        }
    }

    /// Writes an item that begins with `first`.
    fn item(
        &mut self,
        place: &Place,
        mark: &str,
        first: Option<Element<'_>>,
        goes_on: bool,
        writer: &mut MarkdownWriter,
    ) -> Result<(), ExtractError> {
        let indent = "  ".repeat(place.level.min(MAX_LEVEL));
        let blank = " ".repeat(mark.chars().count());
        let below = format!("\n{indent}{blank}");
        let mut is_first = true;
        let mut next = first;
        while let Some(element) = next {
            match element.name() {
                "p" => {
                    let paragraph = self.paragraph()?;
                    let text = lines_of(&paragraph.text).replace('\n', &below);
                    if mark.is_empty() {
                        writer.block(&text)?;
                    } else if !text.is_empty() {
                        let mark = if is_first { mark } else { blank.as_str() };
                        writer.line_of_list(&format!("{indent}{mark}{text}"))?;
                        is_first = false;
                    }
                    self.hanging(paragraph, writer)?;
                }
                "h" => self.heading(&element, place.label.as_deref(), writer)?,
                "list" => self.list(&element, Some(place), goes_on, writer)?,
                _ => self.block(&element, writer)?,
            }
            next = self.reader.child()?;
        }
        Ok(())
    }
}
