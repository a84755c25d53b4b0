//! E-mails, as they are sent (EML, RFC 5322 and MIME) and as Outlook stores them (MSG): the subject is the heading, below it
//! stand who wrote to whom and when, what was written, and each attachment that can be read under a heading of its own. A
//! mailbox (MBOX) is many of them.
//!
//! Of a message that comes as plain text and as HTML, the plain text is taken: it is what the sender's program made for
//! reading, with `>` before what is quoted. The HTML is taken where it has tables, headings or code, which plain text
//! loses, or says more. Quoted messages stay.
//!
//! May depend on `domain` only.

mod body;
mod compressed;
mod cut;
mod flowed;
mod header;
mod internet;
mod mailbox;
mod outlook;
mod properties;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub(super) use self::mailbox::{begins_a_mailbox, read as read_mailbox};

use self::body::Body;
use super::{
    ExtractError,
    inside::{Above, Inner, LeftOut, Within, shown},
    structure::one_line,
    writer::MarkdownWriter,
};
use crate::domain::ExtractedDocument;

/// Reads an e-mail as it was sent.
pub(super) fn read(bytes: &[u8], within: &Within<'_>) -> Result<ExtractedDocument, ExtractError> {
    let bytes = header::readable(bytes);
    write(&internet::letter(&bytes, within)?, "message/rfc822", within)
}

/// Reads an e-mail as Outlook stores it.
pub(super) fn read_outlook(bytes: &[u8], within: &Within<'_>) -> Result<ExtractedDocument, ExtractError> {
    write(&outlook::letter(bytes, within)?, "application/vnd.ms-outlook", within)
}

/// An e-mail, whatever it was stored as.
#[derive(Debug, Default)]
struct Letter<'a> {
    subject: Option<String>,
    /// `From`, `To`, `Cc`, `Bcc` and `Date` with what stands there, in this order.
    about: Vec<(&'static str, String)>,
    body: Body<'a>,
    attachments: Vec<Attachment<'a>>,
    warnings: Vec<String>,
}

#[derive(Debug)]
struct Attachment<'a> {
    /// The file's name, if it has one.
    name: Option<String>,
    /// The ending that its declared type has, for one without a name.
    extension: Option<&'static str>,
    content: Content<'a>,
}

#[derive(Debug)]
enum Content<'a> {
    File(Cow<'a, [u8]>),
    Letter(Box<Letter<'a>>),
    /// It is not read, and why.
    Unread(String),
}

fn write(letter: &Letter<'_>, media_type: &str, within: &Within<'_>) -> Result<ExtractedDocument, ExtractError> {
    let mut writer = MarkdownWriter::new(media_type, within.limits());
    letter.write(1, &mut writer, within)?;
    if writer.is_blank() {
        return Err(ExtractError::no_text("the e-mail has neither a sender nor a subject nor any words"));
    }
    Ok(writer.finish(letter.subject.clone()))
}

impl Letter<'_> {
    fn write(&self, level: usize, writer: &mut MarkdownWriter, within: &Within<'_>) -> Result<(), ExtractError> {
        if let Some(subject) = &self.subject {
            writer.heading(level, subject)?;
        }
        let about: Vec<String> =
            self.about.iter().map(|(field, value)| format!("{field}: {}", one_line(value))).collect();
        writer.block(&about.join("\n"))?;
        self.warnings.iter().for_each(|warning| writer.warn(warning.clone()));
        self.body.write(level, writer, within.limits())?;
        within.count(self.attachments.len())?;
        let mut left_out = LeftOut::default();
        for (number, attachment) in self.attachments.iter().enumerate() {
            attachment.write(number + 1, level, writer, &mut left_out, within)?;
        }
        left_out.warnings().into_iter().for_each(|warning| writer.warn(warning));
        Ok(())
    }
}

impl Attachment<'_> {
    fn write(
        &self,
        number: usize,
        level: usize,
        writer: &mut MarkdownWriter,
        left_out: &mut LeftOut,
        within: &Within<'_>,
    ) -> Result<(), ExtractError> {
        let label = match &self.name {
            Some(name) => format!("attachment {}", shown(name)),
            None => format!("attachment {number}"),
        };
        let heading = format!("A{}", &label[1..]);
        match &self.content {
            Content::Unread(reason) => left_out.add_reason(&label, reason.clone()),
            Content::Letter(letter) => match within.deeper() {
                Ok(within) => {
                    writer.heading(level + 1, &heading)?;
                    letter.write(level + 2, writer, &within)?;
                }
                Err(error) => left_out.add(&label, &error),
            },
            Content::File(bytes) => {
                let ending = self.extension.map(|extension| format!("attachment.{extension}"));
                let name = self.name.as_deref().or(ending.as_deref()).unwrap_or("attachment");
                let inner = Inner { bytes, name, above: Above::Heading(level + 1, &heading), label: &label };
                within.write(writer, left_out, &inner)?;
            }
        }
        Ok(())
    }
}
