//! Sentence boundaries, in running text, lists and tables.
//!
//! Boundaries follow UAX #29; a break after an abbreviation or inside Markdown is put right. May depend on
//! `unicode-segmentation` only.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// Words after which a full stop does not end a sentence.
const ABBREVIATIONS: &[&str] = &[
    "e.g.", "i.e.", "etc.", "cf.", "vs.", "no.", "fig.", "dr.", "mr.", "mrs.", "ms.", "prof.", "st.", "approx.",
    "sec.", "al.", "inc.", "ltd.", "co.", "jr.", "sr.", "u.s.", "p.", "pp.", "ca.", "z.b.", "d.h.",
];

/// The sentences of a passage of Markdown or plain text, as byte ranges without surrounding white space.
///
/// Headings and the delimiter rows of tables carry no sentence; each list item and each table row stands alone.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for block in blocks(text) {
        let mut start = block.start;
        for piece in text[block.clone()].split_sentence_bounds() {
            let end = piece.as_ptr() as usize - text.as_ptr() as usize + piece.len();
            if (ends_in_abbreviation(&text[start..end]) || wraps(piece)) && end < block.end {
                continue;
            }
            found.push(trimmed(text, start..end));
            start = end;
        }
        if start < block.end {
            found.push(trimmed(text, start..block.end));
        }
    }
    found.retain(|range| text[range.clone()].chars().any(char::is_alphanumeric));
    found
}

/// The sentences that a range of bytes touches, as one range from the first to the last of them; `None` where it touches
/// none, as in a heading.
pub fn around(sentences: &[Range<usize>], range: &Range<usize>) -> Option<Range<usize>> {
    let touched = sentences.iter().filter(|sentence| sentence.start < range.end && range.start < sentence.end);
    touched.fold(None, |all: Option<Range<usize>>, sentence| {
        let start = all.map_or(sentence.start, |all| all.start);
        Some(start..sentence.end)
    })
}

/// The length of the first sentence of a text that is still growing, once it is certain where that ends: when
/// something follows it.
pub fn complete_sentence(text: &str) -> Option<usize> {
    let mut end = 0;
    for piece in text.split_sentence_bounds() {
        end += piece.len();
        if end == text.len() {
            return None;
        }
        if !ends_in_abbreviation(&text[..end]) && text[..end].chars().any(char::is_alphanumeric) {
            return Some(end);
        }
    }
    None
}

/// A line that ends in the middle of a sentence: UAX #29 takes every line break for the end of a paragraph.
fn wraps(piece: &str) -> bool {
    let line = piece.trim_end_matches(['\n', '\r']);
    let closed = line.trim_end().trim_end_matches(['"', '\'', ')', ']', '”', '’', '*', '_', '`']);
    line.len() < piece.len() && !closed.ends_with(['.', '!', '?', '…', '。', '！', '？'])
}

fn ends_in_abbreviation(text: &str) -> bool {
    let last = text.split_whitespace().next_back().unwrap_or_default().trim_start_matches(['(', '[', '"', '“']);
    ABBREVIATIONS.contains(&last.to_lowercase().as_str())
        // An initial: `J. Smith`.
        || (last.len() == 2 && last.ends_with('.') && last.starts_with(char::is_uppercase))
}

/// Paragraphs (whose lines are joined), list items, table rows and lines of code.
fn blocks(text: &str) -> Vec<Range<usize>> {
    let mut blocks: Vec<Range<usize>> = Vec::new();
    let (mut open, mut fenced) = (false, false);
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let range = offset..offset + line.len();
        offset = range.end;
        let bare = line.trim();
        let fence = bare.starts_with("```") || bare.starts_with("~~~");
        if fence {
            fenced = !fenced;
        }
        if bare.is_empty() || fence || (!fenced && is_heading(bare)) || is_delimiter_row(bare) {
            open = false;
        } else if fenced || bare.starts_with('|') || starts_item(bare) {
            blocks.push(range);
            open = starts_item(bare) && !fenced;
        } else if open {
            if let Some(last) = blocks.last_mut() {
                last.end = range.end;
            }
        } else {
            blocks.push(range);
            open = true;
        }
    }
    blocks
}

fn is_heading(line: &str) -> bool {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    (1..=6).contains(&level) && line[level..].starts_with(' ')
}

fn is_delimiter_row(line: &str) -> bool {
    line.contains('-') && line.bytes().all(|byte| matches!(byte, b'|' | b'-' | b':' | b' ' | b'='))
}

fn starts_item(line: &str) -> bool {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    ["- ", "* ", "+ "].iter().any(|mark| line.starts_with(mark))
        || ((1..=3).contains(&digits) && [". ", ") "].iter().any(|mark| line[digits..].starts_with(mark)))
}

/// The range without white space and list marks around it.
fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let piece = &text[range.clone()];
    let start = range.start + (piece.len() - piece.trim_start().len());
    let start = match text[start..range.end].strip_prefix(['-', '*', '+']) {
        Some(rest) if rest.starts_with(' ') => range.end - rest.trim_start().len(),
        _ => start,
    };
    start..(start + text[start..range.end.max(start)].trim_end().len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn running_text_lists_and_tables_are_told_apart() {
        let text = "# Leases\n\nA lease lasts\na minute, e.g. 60 s. It is extended.\n\n- First item. With two.\n- Second\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";
        assert_eq!(
            split(text),
            [
                "A lease lasts\na minute, e.g. 60 s.",
                "It is extended.",
                "First item.",
                "With two.",
                "Second",
                "| a | b |",
                "| 1 | 2 |"
            ]
        );
    }

    #[test]
    fn addresses_numbers_and_initials_do_not_end_a_sentence() {
        assert_eq!(
            split("It binds 127.0.0.1:8642. J. Smith chose 3.5 s."),
            ["It binds 127.0.0.1:8642.", "J. Smith chose 3.5 s."]
        );
    }

    #[test]
    fn a_growing_text_gives_a_sentence_when_the_next_one_begins() {
        assert_eq!(complete_sentence("It binds 127.0.0.1:8642."), None);
        assert_eq!(complete_sentence("It binds 127.0.0.1:8642. T"), Some("It binds 127.0.0.1:8642. ".len()));
        assert_eq!(complete_sentence(""), None);
    }

    #[test]
    fn what_crosses_a_boundary_lies_in_two_sentences() {
        let text = "# Kilns\n\nThe kiln burns. It is hot. It is old.";
        let all = sentences(text);
        let place = |part: &str| text.find(part).map(|start| start..start + part.len()).unwrap_or_default();
        let found = |part: &str| around(&all, &place(part)).map(|range| &text[range]);
        assert_eq!(found("hot"), Some("It is hot."));
        assert_eq!(found("burns. It"), Some("The kiln burns. It is hot."));
        assert_eq!(found("Kilns"), None);
    }

    proptest! {
        #[test]
        fn sentences_are_in_order_inside_the_text_and_lose_no_word(text in "([A-Za-zé.!?| \n#-]|e\\.g\\. ){0,200}") {
            let mut end = 0;
            for range in sentences(&text) {
                prop_assert!(range.start >= end && range.end <= text.len() && range.start < range.end);
                prop_assert!(text.is_char_boundary(range.start) && text.is_char_boundary(range.end));
                end = range.end;
            }
        }
    }
}
