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
    let mut front_matter = None;
    let mut open: Option<Heading> = None;
    let mut in_front_matter = false;
    for (event, range) in Parser::new_ext(&decoded.text, options()).into_offset_iter() {
        match event {
            Event::Start(Tag::MetadataBlock(_)) => in_front_matter = true,
            Event::End(TagEnd::MetadataBlock(_)) => in_front_matter = false,
            Event::Text(text) if in_front_matter => {
                front_matter = front_matter.or_else(|| title_in_front_matter(&text));
            }
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
    document.title = front_matter.or_else(|| first.map(|heading| heading.title.clone()));
    document.text = decoded.text;
    Ok(document)
}

fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
        | Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS
}

/// The header of a table is its first two lines: the names and the delimiter row.
fn table_at(text: &str, range: std::ops::Range<usize>) -> Option<Table> {
    let whole = text[range.clone()].trim_end();
    let mut ends = whole.match_indices('\n').map(|(at, _)| at).chain([whole.len()]);
    let header_end = ends.nth(1)?;
    Some(Table { range: range.start..range.start + whole.len(), header: range.start..range.start + header_end })
}

/// The value of `title: …` (YAML) or `title = …` (TOML) at the start of a line.
fn title_in_front_matter(block: &str) -> Option<String> {
    block.lines().find_map(|line| {
        let value = line.strip_prefix("title")?.trim_start();
        let value = value.strip_prefix([':', '='])?.trim();
        let bare = value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'))
            .or_else(|| value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')))
            .unwrap_or(value);
        (!bare.trim().is_empty()).then(|| bare.trim().to_owned())
    })
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
    fn the_first_top_heading_is_the_title_when_nothing_else_is() {
        let document = read(b"\xef\xbb\xbf## Part\r\n\r\n# Whole\r\n").unwrap();
        assert_eq!(document.title.as_deref(), Some("Whole"));
        assert_eq!(document.text, "## Part\n\n# Whole\n");
    }
}
