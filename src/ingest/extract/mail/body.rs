//! What was written in an e-mail: which of its forms is taken.

use std::borrow::Cow;

use crate::{
    domain::ExtractedDocument,
    ingest::extract::{ExtractError, ExtractLimits, html, writer::MarkdownWriter},
};

/// The forms in which a message comes, as far as it has them.
#[derive(Debug, Default)]
pub(super) struct Body<'a> {
    /// The parts of the plain text.
    pub(super) plain: Vec<Cow<'a, str>>,
    /// The parts of the HTML form, which may have plain ones between them.
    pub(super) rich: Vec<Part<'a>>,
    /// Whether something was written as HTML only: then the plain text is not all of it.
    pub(super) is_only_rich: bool,
    /// A form that was read already, for want of the others.
    pub(super) read: Option<ExtractedDocument>,
}

#[derive(Debug)]
pub(super) enum Part<'a> {
    Html(Cow<'a, str>),
    Plain(Cow<'a, str>),
}

impl Body<'_> {
    pub(super) fn write(
        &self,
        level: usize,
        writer: &mut MarkdownWriter,
        limits: &ExtractLimits,
    ) -> Result<(), ExtractError> {
        let plain = self.plain.iter().map(|part| letters(part)).sum::<usize>();
        if self.rich.iter().any(|part| matches!(part, Part::Html(_))) {
            let mut rich = MarkdownWriter::new("text/html", limits);
            for part in &self.rich {
                match part {
                    Part::Html(source) => rich.append(&html::read_all(source, limits)?, 0)?,
                    Part::Plain(text) => rich.block(&unified(text))?,
                }
            }
            let rich = rich.finish(None);
            let said = letters(&rich.text);
            let says_more = has_structure(&rich) && said * 5 >= plain * 4 || said > plain * 2;
            if said > 0 && (self.is_only_rich || plain == 0 || says_more) {
                return writer.append(&rich, level);
            }
        }
        if plain > 0 {
            return self.plain.iter().try_for_each(|part| writer.block(&unified(part)));
        }
        match &self.read {
            Some(document) => {
                document.warnings.iter().for_each(|warning| writer.warn(warning.clone()));
                writer.append(document, level)
            }
            None => Ok(()),
        }
    }
}

/// What plain text would lose.
fn has_structure(document: &ExtractedDocument) -> bool {
    !document.tables.is_empty() || !document.headings.is_empty() || document.text.contains("```")
}

fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphanumeric()).count()
}

fn unified(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}
