//! HTML and XHTML: the main content of a page, without its navigation, as Markdown.
//!
//! May depend on `domain` only.

mod blocks;
mod content;
mod inline;
mod table;

use dom_query::Document;

use self::blocks::BlockWriter;
use super::{ExtractError, ExtractLimits, charset, structure::one_line, writer::MarkdownWriter};
use crate::domain::ExtractedDocument;

pub(super) fn read(bytes: &[u8], limits: &ExtractLimits) -> Result<ExtractedDocument, ExtractError> {
    let decoded = charset::decode(bytes, charset::declared_in_markup(bytes));
    let media_type = if decoded.text.contains("http://www.w3.org/1999/xhtml") && decoded.text.starts_with("<?xml") {
        "application/xhtml+xml"
    } else {
        "text/html"
    };
    let mut writer = MarkdownWriter::new(media_type, limits);
    decoded.warnings.into_iter().for_each(|warning| writer.warn(warning));

    let mut blocks = BlockWriter::new(&mut writer, limits.max_depth);
    blocks.write(&content::main_content(&decoded.text).root())?;
    if writer.is_blank() {
        return Err(ExtractError::no_text("the page has no words in it; scripts may write them in a browser"));
    }
    Ok(writer.finish(title_of(&Document::from(decoded.text.as_str()))))
}

/// All of a page that can be seen, as it stands: e-mails have no navigation, and what looks like some is what was written.
pub(super) fn read_all(source: &str, limits: &ExtractLimits) -> Result<ExtractedDocument, ExtractError> {
    let mut writer = MarkdownWriter::new("text/html", limits);
    BlockWriter::new(&mut writer, limits.max_depth).write(&content::everything(source).root())?;
    Ok(writer.finish(None))
}

/// Writes all of a page that is a chapter of a book, where nothing but what is marked as navigation surrounds the text.
pub(super) fn write_chapter(
    source: &str,
    writer: &mut MarkdownWriter,
    limits: &ExtractLimits,
) -> Result<(), ExtractError> {
    BlockWriter::new(writer, limits.max_depth).write(&content::chapter(source).root())
}

/// The `<title>` of a page.
fn title_of(document: &Document) -> Option<String> {
    let title = one_line(&document.select("head > title, title").first().text());
    (!title.is_empty()).then_some(title)
}

#[cfg(test)]
mod tests;
