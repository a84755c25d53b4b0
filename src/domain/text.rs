//! Positions in text. Everything that leaves the process counts Unicode code points, everything that
//! slices a `str` counts bytes; this module is the only place that translates.
//!
//! May depend on nothing.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A half-open range `[start, end)` in Unicode code points of a stored text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct CodePointRange {
    /// The first code point of the range.
    pub start: u32,
    /// One past the last code point of the range.
    pub end: u32,
}

impl CodePointRange {
    /// The number of code points in the range.
    pub fn len(self) -> u32 {
        self.end.saturating_sub(self.start)
    }

    /// Whether the range holds nothing.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// Translates between byte and code point offsets of one text in O(1) per 64 bytes after one pass.
#[derive(Debug)]
pub struct CodePointIndex<'a> {
    text: &'a str,
    /// For every `STRIDE`th byte, the number of code points that start before it.
    before: Vec<u32>,
}

const STRIDE: usize = 64;

impl<'a> CodePointIndex<'a> {
    /// Reads `text` once. Texts are bounded to 4 GiB by the upload limit, so counts fit 32 bits.
    pub fn new(text: &'a str) -> Self {
        let mut before = Vec::with_capacity(text.len() / STRIDE + 1);
        let mut count = 0u32;
        for (position, byte) in text.bytes().enumerate() {
            if position % STRIDE == 0 {
                before.push(count);
            }
            if is_boundary(byte) {
                count += 1;
            }
        }
        if text.len().is_multiple_of(STRIDE) {
            before.push(count);
        }
        Self { text, before }
    }

    /// The number of code points before byte `offset`; `None` past the end or inside a code point.
    pub fn code_point_of(&self, offset: usize) -> Option<u32> {
        if !self.text.is_char_boundary(offset) {
            return None;
        }
        let block = offset / STRIDE;
        let inside = &self.text.as_bytes()[block * STRIDE..offset];
        Some(self.before.get(block)? + inside.iter().filter(|byte| is_boundary(**byte)).count() as u32)
    }

    /// The byte at which code point number `position` starts; the text's length for its count; else `None`.
    pub fn byte_of(&self, position: u32) -> Option<usize> {
        let block = self.before.partition_point(|count| *count <= position).checked_sub(1)?;
        let mut count = self.before[block];
        let bytes = self.text.as_bytes();
        for (offset, byte) in bytes.iter().enumerate().skip(block * STRIDE) {
            if is_boundary(*byte) {
                if count == position {
                    return Some(offset);
                }
                count += 1;
            }
        }
        (count == position).then_some(bytes.len())
    }

    /// The code point range of a byte range; `None` unless both ends are boundaries inside the text.
    pub fn range_of(&self, bytes: std::ops::Range<usize>) -> Option<CodePointRange> {
        Some(CodePointRange { start: self.code_point_of(bytes.start)?, end: self.code_point_of(bytes.end)? })
    }

    /// The text at a code point range; `None` when the range is not inside the text.
    pub fn slice(&self, range: CodePointRange) -> Option<&'a str> {
        self.text.get(self.byte_of(range.start)?..self.byte_of(range.end)?)
    }
}

fn is_boundary(byte: u8) -> bool {
    byte & 0b1100_0000 != 0b1000_0000
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_boundary_translates_both_ways(text in "\\PC{0,300}") {
            let index = CodePointIndex::new(&text);
            let offsets = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            for (position, offset) in offsets.enumerate() {
                prop_assert_eq!(index.code_point_of(offset), Some(position as u32));
                prop_assert_eq!(index.byte_of(position as u32), Some(offset));
            }
            prop_assert_eq!(index.byte_of(text.chars().count() as u32 + 1), None);
        }
    }

    #[test]
    fn an_offset_inside_a_code_point_is_no_position() {
        assert_eq!(CodePointIndex::new("é").code_point_of(1), None);
    }

    #[test]
    fn a_text_that_ends_on_a_stride_has_its_end() {
        let text = "a".repeat(STRIDE);
        let index = CodePointIndex::new(&text);
        assert_eq!(index.code_point_of(STRIDE), Some(STRIDE as u32));
        assert_eq!(index.slice(CodePointRange { start: 60, end: 64 }), Some("aaaa"));
    }
}
