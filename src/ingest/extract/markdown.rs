//! Markdown: the text stays as it was written (decoded, line ends unified to `\n`); a parse finds its
//! headings, tables and title.
//!
//! May depend on `domain` only.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::{ExtractError, charset, structure::one_line};
use crate::domain::{ExtractedDocument, Heading, Table, TextSyntax};

pub(super) fn read(bytes: &[u8]) -> Result<ExtractedDocument, ExtractError> {
    let decoded = charset::decode(bytes, None);
    let mut document = ExtractedDocument {
        syntax: TextSyntax::Markdown,
        media_type: "text/markdown".into(),
        warnings: decoded.warnings,
        ..ExtractedDocument::default()
    };
    let front = front_matter(&decoded.text);
    let begin = front.map_or(0, |(_, end)| end);
    let mut open: Option<Heading> = None;
    for (event, range) in Parser::new_ext(&decoded.text[begin..], options()).into_offset_iter() {
        let range = begin + range.start..begin + range.end;
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                let end = range.start + decoded.text[range.clone()].trim_end().len();
                open = Some(Heading { level: level as u8, title: String::new(), range: range.start..end });
            }
            Event::End(TagEnd::Heading(_)) => {
                let heading = open.take().map(|heading| Heading { title: one_line(&heading.title), ..heading });
                document.headings.extend(heading.filter(|heading| !heading.title.is_empty()));
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut open {
                    heading.title.push_str(&text);
                }
            }
            Event::SoftBreak | Event::HardBreak => {
                if let Some(heading) = &mut open {
                    heading.title.push(' ');
                }
            }
            Event::Start(Tag::Table(_)) => document.tables.extend(table_at(&decoded.text, range)),
            _ => {}
        }
    }
    let first = document.headings.iter().find(|heading| heading.level == 1);
    let named = front.and_then(|(block, _)| title_in_front_matter(block));
    document.title = named.or_else(|| first.map(|heading| heading.title.clone()));
    document.text = decoded.text;
    Ok(document)
}

fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
}

/// The header of a table is its first two lines: the names and the delimiter row.
fn table_at(text: &str, range: std::ops::Range<usize>) -> Option<Table> {
    let whole = text[range.clone()].trim_end();
    let mut ends = whole.match_indices('\n').map(|(at, _)| at).chain([whole.len()]);
    let header_end = ends.nth(1)?;
    Some(Table { range: range.start..range.start + whole.len(), header: range.start..range.start + header_end })
}

/// What stands between two lines `---` or `+++` at the very beginning, and where it ends. The parser would take any two such
/// lines for it, and the headings between them would be lost.
fn front_matter(text: &str) -> Option<(&str, usize)> {
    let start = text.len() - text.trim_start_matches('\n').len();
    let mut lines = text[start..].split_inclusive('\n');
    let first = lines.next()?;
    let mark = first.trim_end();
    if !matches!(mark, "---" | "+++") {
        return None;
    }
    let begin = start + first.len();
    let mut at = begin;
    for line in lines {
        let bare = line.trim_end();
        if bare == mark || mark == "---" && bare == "..." {
            let block = &text[begin..at];
            // Two lines across the page may have anything between them.
            return block.lines().any(has_key).then_some((block, at + line.len()));
        }
        if at == begin && bare.is_empty() {
            return None;
        }
        at += line.len();
    }
    None
}

/// `name: …` or `name = …`.
fn has_key(line: &str) -> bool {
    line.split_once([':', '=']).is_some_and(|(key, _)| {
        let key = key.trim();
        !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '"' | '\''))
    })
}

/// The value of `title: …` (YAML) or `title = …` (TOML) at the start of a line.
fn title_in_front_matter(block: &str) -> Option<String> {
    let mut lines = block.lines();
    while let Some(line) = lines.next() {
        let value = line.strip_prefix("title").map(str::trim_start).and_then(|rest| rest.strip_prefix([':', '=']));
        let Some(value) = value.map(str::trim) else { continue };
        // YAML may put it on the lines below, indented.
        if matches!(value, ">" | ">-" | ">+" | "|" | "|-" | "|+") {
            let below = lines.by_ref().take_while(|line| line.starts_with([' ', '\t']) || line.trim().is_empty());
            return Some(one_line(&below.collect::<Vec<_>>().join(" "))).filter(|title| !title.is_empty());
        }
        let bare = value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'))
            .or_else(|| value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')))
            .unwrap_or(value);
        if !bare.trim().is_empty() {
            return Some(bare.trim().to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn headings_tables_and_title_are_found_where_they_stand() {
        let source = "---\ntitle: \"The *real* one\"\n---\n# First `code`\n\ntext\n\nSecond\nline\n---\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\n# no heading\n| x |\n|---|\n```\n";
        let document = read(source.as_bytes()).unwrap();
        assert_eq!(document.text, source);
        assert_eq!(document.title.as_deref(), Some("The *real* one"));
        let titles: Vec<_> = document.headings.iter().map(|h| (h.level, h.title.as_str())).collect();
        assert_eq!(titles, [(1, "First code"), (2, "Second line")]);
        assert_eq!(&source[document.headings[0].range.clone()], "# First `code`");
        assert_eq!(document.tables.len(), 1);
        assert_eq!(&source[document.tables[0].header.clone()], "| a | b |\n|---|---|");
        assert_eq!(&source[document.tables[0].range.clone()], "| a | b |\n|---|---|\n| 1 | 2 |");
    }

    #[test]
    fn lines_across_the_page_are_no_front_matter() {
        let source = "---\ntags: x\ntitle: >-\n  A long\n  title\nweight: 1\n---\n\n# One\n\ntext\n\n---\n## Two\n\n| a |\n|---|\n| 1 |\n\n---\n\n## Three\n";
        let document = read(source.as_bytes()).unwrap();
        assert_eq!(document.title.as_deref(), Some("A long title"));
        let found: Vec<_> = document.headings.iter().map(|h| &source[h.range.clone()]).collect();
        assert_eq!(found, ["# One", "## Two", "## Three"]);
        assert_eq!(document.tables.len(), 1);
        let page = read(b"---\n# One\n\n---\n\n## Two\n").unwrap();
        assert_eq!(page.headings.len(), 2);
    }

    #[test]
    fn the_first_top_heading_is_the_title_when_nothing_else_is() {
        let document = read(b"\xef\xbb\xbf## Part\r\n\r\n# Whole\r\n").unwrap();
        assert_eq!(document.title.as_deref(), Some("Whole"));
        assert_eq!(document.text, "## Part\n\n# Whole\n");
    }
}
