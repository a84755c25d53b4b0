//! Mailboxes of many e-mails, one after the other (MBOX, RFC 4155): where each begins, and what was written to keep lines of
//! its text from looking like a beginning.
//!
//! The reader of mail-parser takes every line that begins with `From ` for the beginning of an e-mail. Many programs do not
//! mark such lines in a text, and the rest of the e-mail would be lost. Here the line must also have the time that programs
//! write there, and the header of an e-mail must follow.

use std::borrow::Cow;

use crate::{
    domain::ExtractedDocument,
    ingest::extract::{
        ExtractError,
        inside::{Above, Inner, LeftOut, Within},
        writer::MarkdownWriter,
    },
};

const FORMAT: &str = "MBOX";
/// What a line begins with that begins an e-mail.
const FROM: &[u8] = b"From ";
/// A longer line begins no e-mail.
const LONGEST_LINE: usize = 1_000;
const WEEKDAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
const MONTHS: [&[u8]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// Reads a mailbox: its e-mails in their order, each under its subject.
pub(in crate::ingest::extract) fn read(bytes: &[u8], within: &Within<'_>) -> Result<ExtractedDocument, ExtractError> {
    let mut writer = MarkdownWriter::new("application/mbox", within.limits());
    let mut left_out = LeftOut::default();
    let mut any = false;
    for (number, email) in (1..).zip(emails(bytes, within)?) {
        let (label, heading) = (format!("e-mail {number}"), format!("E-mail {number}"));
        let inner = Inner { bytes: &email, name: "e-mail.eml", above: Above::Title(&heading), label: &label };
        any |= within.write(&mut writer, &mut left_out, &inner)?;
    }
    let warnings = left_out.warnings();
    if !any {
        return Err(ExtractError::no_text(&warnings.join("; ")));
    }
    warnings.into_iter().for_each(|warning| writer.warn(warning));
    // Its first e-mail is not what the mailbox is called.
    Ok(ExtractedDocument { title: None, ..writer.finish(None) })
}

/// Whether a file begins like a mailbox.
pub(in crate::ingest::extract) fn begins_a_mailbox(bytes: &[u8]) -> bool {
    let bytes = without_mark(bytes);
    let line = line_of(bytes);
    begins_an_email(line, &bytes[line.len()..])
}

/// The e-mails of a mailbox, each as it was sent. Each counts as a file inside.
fn emails<'a>(bytes: &'a [u8], within: &Within<'_>) -> Result<Vec<Cow<'a, [u8]>>, ExtractError> {
    if !begins_a_mailbox(bytes) {
        let reason = "it does not begin with the line `From`, with a sender and a time, that is over each e-mail";
        return Err(ExtractError::malformed(FORMAT, reason));
    }
    let mut rest = without_mark(bytes);
    let mut emails = Vec::new();
    while !rest.is_empty() {
        within.count(1)?;
        // The line over the e-mail is no part of it.
        let begin = line_of(rest).len();
        let mut end = begin;
        let mut is_marked = false;
        while end < rest.len() {
            let line = line_of(&rest[end..]);
            if begins_an_email(line, &rest[end + line.len()..]) {
                break;
            }
            is_marked |= marked(line).is_some();
            end += line.len();
        }
        let email = &rest[begin..end];
        emails.push(if is_marked { Cow::Owned(unmarked(email)) } else { Cow::Borrowed(email) });
        rest = &rest[end..];
    }
    Ok(emails)
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// The first line with its end.
fn line_of(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
    &bytes[..end]
}

/// Whether a line begins an e-mail: `From`, a sender and a time such as `Tue Jul 23 19:39:23 2002`, with the time zone where
/// it may be, or one such as `Tue, 23 Jul 2002 19:39:23 +0200`; and then a header.
fn begins_an_email(line: &[u8], next: &[u8]) -> bool {
    let Some(about) = line.strip_prefix(FROM).filter(|about| about.len() <= LONGEST_LINE) else { return false };
    let words: Vec<&[u8]> = about.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
    let is_number = |word: &[u8], lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&word.len()) && word.iter().all(u8::is_ascii_digit)
    };
    let is_time = |word: &&[u8]| {
        let mut parts = word.split(|byte| *byte == b':');
        let [hour, minute] = [parts.next(), parts.next()];
        hour.is_some_and(|hour| is_number(hour, 1..=2)) && minute.is_some_and(|minute| is_number(minute, 2..=2))
    };
    // The first word is of the sender, or stands for one.
    let is_day = |words: &[&[u8]]| match words {
        [weekday, month, day] if WEEKDAYS.contains(weekday) => MONTHS.contains(month) && is_number(day, 1..=2),
        // As in the header of an e-mail (RFC 5322), which some programs take the time from.
        [weekday, day, month] => {
            let weekday = weekday.strip_suffix(b",").unwrap_or_default();
            WEEKDAYS.contains(&weekday) && is_number(day, 1..=2) && MONTHS.contains(month)
        }
        _ => false,
    };
    let day = words.windows(3).skip(1).position(is_day);
    let Some(clock) = day.map(|at| &words[at + 4..]) else { return false };
    clock.iter().any(is_time) && clock.iter().any(|word| is_number(word, 4..=4)) && begins_with_a_header(next)
}

/// The name of a field at the beginning of a line; or another line that once began the e-mail, marked.
fn begins_with_a_header(bytes: &[u8]) -> bool {
    let name = bytes.iter().position(|byte| !byte.is_ascii_graphic() || *byte == b':').unwrap_or(0);
    name > 0 && bytes.get(name) == Some(&b':') || marked(line_of(bytes)).is_some()
}

/// What a line was before a `>` was put before it.
fn marked(line: &[u8]) -> Option<&[u8]> {
    let line = line.strip_prefix(b">")?;
    let first = line.iter().position(|byte| *byte != b'>')?;
    line[first..].starts_with(FROM).then_some(line)
}

/// The e-mail with its lines as they were.
fn unmarked(email: &[u8]) -> Vec<u8> {
    let mut lines = email;
    let mut out = Vec::with_capacity(email.len());
    while !lines.is_empty() {
        let line = line_of(lines);
        out.extend_from_slice(marked(line).unwrap_or(line));
        lines = &lines[line.len()..];
    }
    out
}

#[cfg(test)]
mod tests;
