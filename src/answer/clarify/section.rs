//! The sections of a text: the heading above a place, and what stands under it.
//!
//! May depend on nothing.

/// The nearest heading of a text at or above a byte: an answer may begin inside the heading itself. What looks like one
/// in a block of code is a comment.
pub(super) fn heading_above(text: &str, start: usize) -> Option<&str> {
    let (mut heading, mut in_code, mut at) = (None, false, 0);
    for line in text.split_inclusive('\n').take_while(|line| {
        let begins = at;
        at += line.len();
        begins <= start
    }) {
        in_code ^= line.trim_start().starts_with("```");
        if !in_code {
            heading = heading_of(line.trim_end_matches(['\r', '\n'])).or(heading);
        }
    }
    heading
}

/// The words of a heading line of Markdown.
fn heading_of(line: &str) -> Option<&str> {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    let words = line.get(level..)?.strip_prefix(' ')?;
    (1..=6).contains(&level).then(|| words.trim().trim_end_matches('#').trim_end())
}

/// The section around a byte of a text, from the heading above it to the next one.
pub(super) fn section_around(text: &str, start: usize) -> &str {
    let (mut from, mut to, mut in_code, mut at) = (0, text.len(), false, 0);
    for line in text.split_inclusive('\n') {
        in_code ^= line.trim_start().starts_with("```");
        if !in_code && heading_of(line.trim_end_matches(['\r', '\n'])).is_some() {
            if at > start {
                to = at;
                break;
            }
            from = at;
        }
        at += line.len();
    }
    &text[from..to]
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "Before.\n\n## Fill the topic\n\n```sh\n# Load the events.\ngunzip\n```\n\n## Clean ##\n\nAll of it.\n";

    #[test]
    fn the_heading_above_a_place_is_that_of_its_section() {
        let at = |words: &str| TEXT.find(words).unwrap_or_default();
        assert_eq!(heading_above(TEXT, 0), None);
        // A comment in code is no heading, and an answer may begin inside its heading.
        assert_eq!(heading_above(TEXT, at("gunzip")), Some("Fill the topic"));
        assert_eq!(heading_above(TEXT, at("the topic")), Some("Fill the topic"));
        assert_eq!(heading_above(TEXT, at("All")), Some("Clean"));
    }

    #[test]
    fn a_section_goes_from_its_heading_to_the_next() {
        let around = |words: &str| section_around(TEXT, TEXT.find(words).unwrap_or_default());
        assert_eq!(around("Before"), "Before.\n\n");
        assert!(around("gunzip").starts_with("## Fill") && around("gunzip").ends_with("```\n\n"));
        assert_eq!(around("All"), "## Clean ##\n\nAll of it.\n");
        assert_eq!(section_around("", 0), "");
    }
}
