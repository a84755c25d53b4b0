#![allow(clippy::unwrap_used)]
use super::*;
use crate::ingest::extract::{ExtractLimits, check_structure, extract};

const FIRST: &str = "From ann@example.org Tue Mar  5 10:30:00 2024\nFrom: Ann <ann@example.org>\nSubject: Prices\n\n\
    Hello,\n>From the shop: ten.\n>>From before\n\n";

fn read_as(name: &str, bytes: &[u8]) -> ExtractedDocument {
    let document = extract(bytes, name, &ExtractLimits::default()).unwrap();
    assert_eq!(check_structure(&document), Ok(()));
    document
}

/// An e-mail with attachments, each with its headers and its content, as it stands in a mailbox.
fn with_attachments(headers: &str, boundary: &str, attachments: &[(&str, &str)]) -> String {
    let attachments: String =
        attachments.iter().map(|(headers, content)| format!("--{boundary}\n{headers}\n\n{content}\n")).collect();
    format!(
        "From - Wed Mar 06 08:00:00 +0100 2024\n{headers}Content-Type: multipart/mixed; boundary={boundary}\n\n--{boundary}\n\
         Content-Type: text/plain\n\nWords\n{attachments}--{boundary}--\n\n"
    )
}

/// Text as it stands in an e-mail of a mailbox.
fn marked_lines(text: &str) -> String {
    text.lines()
        .map(
            |line| {
                if line.trim_start_matches('>').starts_with("From ") {
                    format!(">{line}\n")
                } else {
                    format!("{line}\n")
                }
            },
        )
        .collect()
}

#[test]
fn each_email_stands_under_its_subject_like_one_that_was_sent() {
    let csv =
        "Content-Type: text/csv\nContent-Disposition: attachment; filename=p.csv\nContent-Transfer-Encoding: base64";
    let program = "Content-Type: application/octet-stream\nContent-Disposition: attachment; filename=t.exe";
    let second = with_attachments("From: bob@example.org\n", "x", &[(csv, "YSxiCjEsMgo="), (program, "MZ")]);
    let mailbox = format!("{FIRST}{second}");
    let expected = "# Prices\n\nFrom: Ann <ann@example.org>\n\nHello,\nFrom the shop: ten.\n>From before\n\n# E-mail 2\n\n\
        From: bob@example.org\n\nWords\n\n## Attachment p.csv\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n";
    for (name, bytes) in [
        ("a.mbox", mailbox.clone()),
        ("Inbox", mailbox.clone()),
        ("a.MBOX", mailbox.replace('\n', "\r\n")),
        ("a.mbox", format!("\u{feff}{}", mailbox.trim_end())),
    ] {
        let document = read_as(name, bytes.as_bytes());
        assert_eq!(document.text, expected, "{name}");
        assert_eq!((document.title, document.media_type.as_str()), (None, "application/mbox"));
        let warning = "e-mail 2: attachment t.exe was left out: a program is not a format that can be read";
        assert_eq!(document.warnings, [warning]);
    }
}

#[test]
fn times_as_in_headers_begin_an_email_too() {
    let other = FIRST.replace("Tue Mar  5 10:30:00 2024", "Tue, 05 Mar 2024 10:30:00 +0000");
    let document =
        read_as("a.mbox", format!("{other}From here on Tue, 05 Mar 2024 it is\nNote: cold.\n\n{other}").as_bytes());
    assert_eq!(document.headings.len(), 2);
    assert!(
        document.text.contains("\n\nFrom here on Tue, 05 Mar 2024 it is\nNote: cold.\n\n# Prices\n"),
        "{}",
        document.text
    );
    let no_weekday = FIRST.replace("Tue Mar  5 10:30:00 2024", "05 Mar 2024 10:30:00 +0000");
    assert!(extract(no_weekday.as_bytes(), "a.mbox", &ExtractLimits::default()).is_err());
}

#[test]
fn lines_of_a_text_begin_no_email() {
    let body = "From the kitchen at 10:30 in 2024\nNote: bring a spoon.\n\nFrom ann Tue Mar  5 10:30:00 2024\nand no header\n\n\
        From Tue Mar 5\nX: y";
    let document = read_as("a.mbox", format!("{FIRST}{body}\n\n{FIRST}").as_bytes());
    assert!(document.text.contains(&format!(">From before\n\n{body}\n\n# Prices\n")), "{}", document.text);
    assert_eq!(document.headings.len(), 2);
}

#[test]
fn what_does_not_begin_like_a_mailbox_is_refused() {
    for source in
        ["words", "From a@example.org", "From: a@example.org\n\nwords", "From a Tue Mar  5 10:30:00 2024\n\nwords"]
    {
        let refused = extract(source.as_bytes(), "a.mbox", &ExtractLimits::default()).unwrap_err().to_string();
        assert!(refused.starts_with("the MBOX file is damaged: it does not begin with the line `From`"), "{refused}");
    }
}

#[test]
fn an_email_that_cannot_be_read_does_not_take_the_others_along() {
    let broken = "From - Tue Mar  5 10:30:00 2024\n>From here\n\nwords\n\n";
    let document = read_as("a.mbox", format!("{FIRST}{broken}{FIRST}").as_bytes());
    assert_eq!(document.headings.len(), 2);
    assert!(
        document.warnings[0].starts_with("e-mail 2 was left out: the EML file is damaged"),
        "{:?}",
        document.warnings
    );
    let refused = extract(broken.as_bytes(), "a.mbox", &ExtractLimits::default()).unwrap_err();
    assert!(
        matches!(&refused, ExtractError::NoText { reason } if reason.contains("e-mail 1 was left out")),
        "{refused}"
    );
}

#[test]
fn thousands_of_emails_are_read_and_too_many_are_refused() {
    let document = read_as("a.mbox", FIRST.repeat(3_000).as_bytes());
    assert_eq!(document.headings.len(), 3_000);
    let refused = extract(FIRST.repeat(10_001).as_bytes(), "a.mbox", &ExtractLimits::default()).unwrap_err();
    let expected = "the file is too large: the number of files and e-mails in it is over the limit of 10000";
    assert_eq!(refused.to_string(), expected);
    // What is attached counts as well.
    let limits = ExtractLimits { max_files: 5, ..ExtractLimits::default() };
    let notes = ("Content-Type: text/plain\nContent-Disposition: attachment", "notes");
    let one = with_attachments("Subject: x\n", "x", &[notes]);
    assert!(extract(one.repeat(2).as_bytes(), "a.mbox", &limits).is_ok());
    let refused = extract(one.repeat(3).as_bytes(), "a.mbox", &limits);
    assert!(matches!(refused, Err(ExtractError::TooLarge { limit: 5, .. })), "{refused:?}");
}

#[test]
fn a_mailbox_that_is_attached_is_read_and_mailboxes_in_mailboxes_end_somewhere() {
    let named = "Content-Type: application/octet-stream; name=old.mbox\nContent-Disposition: attachment";
    let typed = "Content-Type: application/mbox\nContent-Disposition: attachment";
    for (headers, label) in [(named, "old.mbox"), (typed, "1")] {
        let mail = with_attachments("Subject: Old ones\n", "x", &[(headers, FIRST)]);
        let (_, mail) = mail.split_once('\n').unwrap();
        let document = read_as("a.eml", mail.as_bytes());
        let expected =
            format!("# Old ones\n\nWords\n\n## Attachment {label}\n\n### Prices\n\nFrom: Ann <ann@example.org>\n");
        assert!(document.text.starts_with(&expected), "{}", document.text);
    }
    let mut mailbox = FIRST.to_owned();
    for number in 0..9 {
        let boundary = format!("b{number}e");
        mailbox = with_attachments("Subject: Old ones\n", &boundary, &[(named, &marked_lines(&mailbox))]);
    }
    let document = read_as("a.mbox", mailbox.as_bytes());
    let depth = |warning: &String| warning.contains("the depth of files in files");
    assert!(document.warnings.iter().any(depth), "{:?}", document.warnings);
}
