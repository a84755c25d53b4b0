//! Cuts a document at its headings, and joins sections that are too small to stand alone.
//!
//! May depend on `domain`.

use std::ops::Range;

use super::sizes::Sizes;
use crate::domain::{ExtractedDocument, Heading};

/// A stretch of the document that is chunked by itself: one section, or several small ones in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section<'a> {
    pub(super) range: Range<usize>,
    /// The headings above the section's own, outermost first.
    pub(super) above: Vec<&'a str>,
    /// The heading that the section starts with.
    pub(super) own: Option<&'a str>,
}

impl<'a> Section<'a> {
    /// The headings that a passage inside the section stands under.
    pub(super) fn path(&self) -> Vec<&'a str> {
        self.above.iter().copied().chain(self.own).collect()
    }
}

/// The sections of `document`, which tile its text. A section with fewer than `min` tokens takes in those that
/// follow it, up to `max`, as long as they do not stand higher than it: what is above it is then above all of them.
pub(super) fn sections<'a>(
    document: &'a ExtractedDocument,
    sizes: &Sizes<'_>,
    min: usize,
    max: usize,
) -> Vec<Section<'a>> {
    let mut joined: Vec<(Section<'a>, u8)> = Vec::new();
    for (section, level) in split(document) {
        if let Some((last, last_level)) = joined.last_mut()
            && level >= *last_level
            && sizes.of(last.range.clone()) < min
            && sizes.of(last.range.start..section.range.end) <= max
        {
            last.range.end = section.range.end;
            continue;
        }
        joined.push((section, level));
    }
    joined.into_iter().map(|(section, _)| section).collect()
}

/// One section for each heading, with its level; what stands before the first heading has level 0.
fn split(document: &ExtractedDocument) -> Vec<(Section<'_>, u8)> {
    let mut sections: Vec<(Section<'_>, u8)> = Vec::new();
    let mut path: Vec<&Heading> = Vec::new();
    let first = Section { range: 0..document.text.len(), above: Vec::new(), own: None };
    sections.push((first, 0));
    for heading in &document.headings {
        let start = heading.range.start;
        let Some((last, _)) = sections.last_mut() else { break };
        if start < last.range.start
            || start >= document.text.len()
            || !document.text.is_char_boundary(start)
            || in_table(document, start)
        {
            continue;
        }
        while path.last().is_some_and(|above| above.level >= heading.level) {
            path.pop();
        }
        last.range.end = start;
        let above = path.iter().map(|heading| heading.title.as_str()).collect();
        let section = Section { range: start..document.text.len(), above, own: Some(&heading.title) };
        path.push(heading);
        sections.push((section, heading.level));
    }
    sections.retain(|(section, _)| !document.text[section.range.clone()].trim().is_empty());
    sections
}

fn in_table(document: &ExtractedDocument, offset: usize) -> bool {
    let after = document.tables.partition_point(|table| table.range.start < offset);
    after.checked_sub(1).and_then(|at| document.tables.get(at)).is_some_and(|table| offset < table.range.end)
}
