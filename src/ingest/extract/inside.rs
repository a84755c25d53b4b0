//! Files inside a file: what an archive, a mailbox or an e-mail holds becomes a part of its text, each under a heading of its own.
//!
//! All of them together share one allowance, however deep they lie in each other: of files, of bytes that they unpack to,
//! and of text. Going beyond it refuses the whole. A file that cannot be read by itself is left out, and a warning says
//! which one and why.
//!
//! May depend on `domain` only.

use std::{
    cell::Cell,
    io::Read,
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::{ExtractError, ExtractLimits, pictures, read, writer::MarkdownWriter};
use crate::domain::ExtractedDocument;

/// What has been used up of the allowance.
#[derive(Debug, Default)]
pub(super) struct Spent {
    files: Cell<usize>,
    unpacked: Cell<u64>,
    /// Whether it was gone beyond, so that no file around may go on.
    over: Cell<bool>,
}

/// The bounds that a file is read within, and how deep it lies in others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Within<'a> {
    limits: &'a ExtractLimits,
    spent: &'a Spent,
    depth: usize,
}

impl<'a> Within<'a> {
    /// The file that was uploaded.
    pub(super) fn top(limits: &'a ExtractLimits, spent: &'a Spent) -> Self {
        Self { limits, spent, depth: 0 }
    }

    pub(super) fn limits(&self) -> &'a ExtractLimits {
        self.limits
    }

    /// The next file deeper down.
    pub(super) fn deeper(&self) -> Result<Self, ExtractError> {
        if self.depth >= self.limits.max_file_depth {
            return Err(ExtractError::too_large("the depth of files in files", self.limits.max_file_depth as u64));
        }
        Ok(Self { depth: self.depth + 1, ..*self })
    }

    /// Takes note of so many files inside.
    pub(super) fn count(&self, files: usize) -> Result<(), ExtractError> {
        let all = self.spent.files.get().saturating_add(files);
        self.spent.files.set(all);
        if all > self.limits.max_files {
            self.spent.over.set(true);
            return Err(ExtractError::too_large("the number of files and e-mails in it", self.limits.max_files as u64));
        }
        Ok(())
    }

    /// Unpacks a file inside: what it claims to unpack to is not believed. The outer error refuses the whole.
    pub(super) fn unpack(&self, packed: impl Read) -> Result<Result<Vec<u8>, String>, ExtractError> {
        let limit = self.limits.max_uncompressed_bytes;
        let rest = limit.saturating_sub(self.spent.unpacked.get());
        let mut bytes = Vec::new();
        let read = packed.take(rest.saturating_add(1)).read_to_end(&mut bytes);
        let taken = bytes.len() as u64;
        self.spent.unpacked.set(self.spent.unpacked.get().saturating_add(taken));
        if taken > rest {
            self.spent.over.set(true);
            return Err(ExtractError::too_large("the unpacked files in bytes", limit));
        }
        Ok(read.map(|_| bytes).map_err(|error| error.to_string()))
    }

    /// Writes what a file inside says under a heading, or says why not. Only a bound of the whole is an error.
    pub(super) fn write(
        &self,
        writer: &mut MarkdownWriter,
        left_out: &mut LeftOut,
        inner: &Inner<'_>,
    ) -> Result<bool, ExtractError> {
        let document = self.deeper().and_then(|within| within.read(inner.bytes, inner.name));
        match document {
            Ok(document) => {
                match inner.above {
                    Above::Heading(level, heading) => {
                        writer.heading(level, heading)?;
                        writer.append(&document, level)?;
                    }
                    Above::Title(otherwise) => {
                        if document.title.is_none() {
                            writer.heading(1, otherwise)?;
                        }
                        writer.append(&document, 0)?;
                    }
                }
                for warning in &document.warnings {
                    writer.warn(format!("{}: {warning}", inner.label));
                }
                if !document.picture_pages.is_empty() {
                    let unread = pictures::unread_pages(&document.picture_pages);
                    writer.warn(format!("{}: {unread}; {NOT_RECOGNISED}", inner.label));
                }
                Ok(true)
            }
            Err(error) if self.spent.over.get() => Err(error),
            Err(error) => {
                left_out.add(inner.label, &error);
                Ok(false)
            }
        }
    }

    /// Reads a file inside. A parser that panics on it does not take the rest along.
    fn read(&self, bytes: &[u8], name: &str) -> Result<ExtractedDocument, ExtractError> {
        catch_unwind(AssertUnwindSafe(|| read(bytes, name, self)))
            .unwrap_or_else(|_| Err(ExtractError::Crashed { reason: "it panicked".into() }))
    }
}

/// A file inside.
pub(super) struct Inner<'a> {
    pub(super) bytes: &'a [u8],
    /// The name that claims its format.
    pub(super) name: &'a str,
    pub(super) above: Above<'a>,
    /// What warnings call it.
    pub(super) label: &'a str,
}

/// What stands above the text of a file inside.
pub(super) enum Above<'a> {
    /// A heading of this level, with those of the file below it.
    Heading(usize, &'a str),
    /// The title with which its text begins; this where it has none.
    Title(&'a str),
}

/// Why pictures inside are not read.
const NOT_RECOGNISED: &str = "text recognition (OCR) takes only files that are uploaded by themselves";
/// How many files a warning names.
const NAMED: usize = 20;

/// The files inside that are left out, by the reason.
#[derive(Debug, Default)]
pub(super) struct LeftOut(Vec<(String, Vec<String>)>);

impl LeftOut {
    pub(super) fn add(&mut self, label: &str, error: &ExtractError) {
        let reason = match error {
            // What to convert it to would be said again for each.
            ExtractError::UnsupportedFormat { found } => format!("{found} is not a format that can be read"),
            ExtractError::OnlyPictures { what, .. } => {
                format!("{what} has only pictures and no words; {NOT_RECOGNISED}")
            }
            other => other.to_string(),
        };
        self.add_reason(label, reason);
    }

    pub(super) fn add_reason(&mut self, label: &str, reason: String) {
        match self.0.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, labels)) => labels.push(label.to_owned()),
            None => self.0.push((reason, vec![label.to_owned()])),
        }
    }

    /// One warning for each reason.
    pub(super) fn warnings(&self) -> Vec<String> {
        let warning = |(reason, labels): &(String, Vec<String>)| {
            let names = labels.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
            match labels.len() {
                1 => format!("{names} was left out: {reason}"),
                count if count > NAMED => format!("{names} and {} more were left out: {reason}", count - NAMED),
                _ => format!("{names} were left out: {reason}"),
            }
        };
        self.0.iter().map(warning).collect()
    }
}

/// A name as it may be shown: no control characters, nothing that turns the direction of writing, `/` between folders,
/// and no way up or to the root.
pub(super) fn shown(name: &str) -> String {
    let is_hidden = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let clean: String = name.chars().map(|c| if is_hidden(c) { '\u{fffd}' } else { c }).collect();
    let parts = clean.split(['/', '\\']).map(str::trim).filter(|part| !matches!(*part, "" | "." | ".."));
    let shown = parts.collect::<Vec<_>>().join("/");
    if shown.is_empty() { "a file without a name".into() } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shown_without_tricks() {
        for (name, expected) in [
            ("../../etc/passwd", "etc/passwd"),
            ("C:\\mail\\a.txt", "C:/mail/a.txt"),
            ("a\u{202e}txt.exe", "a\u{fffd}txt.exe"),
            ("a\nb", "a\u{fffd}b"),
            ("//", "a file without a name"),
        ] {
            assert_eq!(shown(name), expected);
        }
    }

    #[test]
    fn a_reason_is_said_once_for_all_files_that_have_it() {
        let mut left_out = LeftOut::default();
        for number in 0..23 {
            left_out.add_reason(&format!("{number}.png"), "an image".into());
        }
        left_out.add("x", &ExtractError::Empty);
        let warnings = left_out.warnings();
        assert_eq!(warnings.len(), 2);
        assert!(
            warnings[0].starts_with("0.png, 1.png, ")
                && warnings[0].ends_with("19.png and 3 more were left out: an image")
        );
        assert_eq!(warnings[1], "x was left out: the file is empty");
    }

    #[test]
    fn the_allowance_is_one_for_all() {
        let limits =
            ExtractLimits { max_uncompressed_bytes: 10, max_files: 3, max_file_depth: 1, ..Default::default() };
        let spent = Spent::default();
        let top = Within::top(&limits, &spent);
        assert_eq!(top.unpack(&b"123456"[..]), Ok(Ok(b"123456".to_vec())));
        let deeper = top.deeper();
        assert!(
            deeper
                .as_ref()
                .is_ok_and(|deeper| matches!(deeper.unpack(&b"12345"[..]), Err(ExtractError::TooLarge { .. })))
        );
        assert!(deeper.is_ok_and(|deeper| deeper.deeper().is_err()));
        assert_eq!(top.count(3), Ok(()));
        assert!(top.count(1).is_err());
    }
}
