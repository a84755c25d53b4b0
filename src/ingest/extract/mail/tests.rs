#![allow(clippy::unwrap_used)]
use std::io::{Cursor, Write};

use super::*;
use crate::ingest::extract::{ExtractLimits, check_structure, extract};

fn read_as(name: &str, bytes: &[u8]) -> ExtractedDocument {
    let document = extract(bytes, name, &ExtractLimits::default()).unwrap();
    assert_eq!(check_structure(&document), Ok(()));
    document
}

fn eml(source: &str) -> ExtractedDocument {
    read_as("a.eml", source.replace('\n', "\r\n").as_bytes())
}

const HEADERS: &str = "From: Ann Author <ann@example.org>\nTo: bob@example.org, =?utf-8?Q?J=C3=B6rg?= <j@example.org>\n\
    Subject: =?utf-8?B?R3LDvMOfZQ==?=\nDate: Tue, 5 Mar 2024 10:30:00 +0100\nMIME-Version: 1.0\n";
const ABOUT: &str = "# Grüße\n\nFrom: Ann Author <ann@example.org>\nTo: bob@example.org, Jörg <j@example.org>\n\
    Date: 2024-03-05 10:30 +01:00\n";

#[test]
fn a_plain_message_is_its_subject_its_people_and_its_words() {
    let document = eml(&format!("{HEADERS}Content-Type: text/plain; charset=utf-8\n\nHello,\n\n> quoted\n\nBye\n"));
    assert_eq!(document.text, format!("{ABOUT}\nHello,\n\n> quoted\n\nBye\n"));
    assert_eq!((document.title.as_deref(), document.media_type.as_str()), (Some("Grüße"), "message/rfc822"));
    assert_eq!(document.warnings, Vec::<String>::new());
}

fn alternatives(plain: &str, html: &str) -> String {
    let parts = format!(
        "{HEADERS}Content-Type: multipart/alternative; boundary=x\n\n--x\nContent-Type: text/plain\n\n{plain}\n--x\n\
         Content-Type: text/html\n\n{html}\n--x--\n"
    );
    let document = eml(&parts);
    document.text.strip_prefix(ABOUT).unwrap().trim().to_owned()
}

#[test]
fn html_is_taken_for_what_plain_text_loses() {
    assert_eq!(alternatives("The words", "<p>The <b>words</b></p>"), "The words");
    let table = "<p>Prices</p><table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>";
    assert_eq!(alternatives("Prices a b 1 2", table), "Prices\n\n| a | b |\n| --- | --- |\n| 1 | 2 |");
    let quoted = "<p>Yes</p><div class=footer><blockquote>was it?</blockquote></div>";
    assert_eq!(alternatives("See the HTML", quoted), "See the HTML");
    assert_eq!(alternatives("", quoted), "Yes\n\n> was it?");
}

#[test]
fn attachments_stand_under_their_names_or_are_reported() {
    let inner = "From: c@example.org\nSubject: Inner\n\nInner words";
    let source = format!(
        "{HEADERS}Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain\n\nHello\n\
         --x\nContent-Type: text/csv; name=\"p.csv\"\nContent-Disposition: attachment; filename=\"../p.csv\"\n\
         Content-Transfer-Encoding: base64\n\nYSxiCjEsMgo=\n\
         --x\nContent-Type: message/rfc822\n\n{inner}\n\
         --x\nContent-Type: application/octet-stream\nContent-Disposition: attachment; filename=\"t.exe\"\n\nMZ\n\
         --x\nContent-Type: text/html\nContent-Disposition: attachment\n\n<h1>Page</h1>\n--x--\n"
    );
    let document = eml(&source);
    assert_eq!(
        document.text,
        format!(
            "{ABOUT}\nHello\n\n## Attachment p.csv\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n## Attachment Inner\n\n\
             ### Inner\n\nFrom: c@example.org\n\nInner words\n\n## Attachment 4\n\n### Page\n"
        )
    );
    assert_eq!(document.warnings, ["attachment t.exe was left out: a program is not a format that can be read"]);
}

#[test]
fn eight_bits_without_a_charset_are_looked_at() {
    let mut bytes =
        b"From: a@example.org\r\nSubject: x\r\n\r\nD\xe9j\xe0 vu \xe0 la fen\xeatre pr\xe8s de la for\xeat\r\n"
            .to_vec();
    bytes.extend_from_slice(b"L\x92\xe9t\xe9 s\x92ach\xe8ve");
    let document = read_as("a.eml", &bytes);
    assert!(document.text.contains("Déjà vu à la fenêtre près de la forêt"), "{}", document.text);
}

#[test]
fn html_without_a_plain_form_is_kept_beside_plain_text() {
    let footer = "You get this since you are on the list of all who tie knots. Leave it on its page at any time.";
    let source = format!(
        "{HEADERS}Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/html\n\n<p>Yes, <b>do</b>.</p>\n\
         --x\nContent-Type: text/plain\n\n{footer}\n--x--\n"
    );
    assert_eq!(eml(&source).text, format!("{ABOUT}\nYes, do.\n\n{footer}\n"));
}

#[test]
fn packed_text_without_a_charset_is_looked_at_as_well() {
    let mut wide = vec![0xff, 0xfe];
    wide.extend("name,city\nAnn,Köln\n".encode_utf16().flat_map(u16::to_le_bytes));
    // base64 of the bytes above, without a charset, as spreadsheets are sent.
    let packed = base64_of(&wide);
    let source = format!(
        "{HEADERS}Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain; charset=us-ascii\n\
         Content-Transfer-Encoding: quoted-printable\n\nGr=C3=BC=C3=9Fe aus K=C3=B6ln\n\
         --x\nContent-Type: text/csv; name=\"p.csv\"\nContent-Transfer-Encoding: base64\n\n{packed}\n--x--\n"
    );
    let document = eml(&source);
    let table = "| name | city |\n| --- | --- |\n| Ann | Köln |";
    assert_eq!(document.text, format!("{ABOUT}\nGrüße aus Köln\n\n## Attachment p.csv\n\n{table}\n"));
    assert_eq!(document.warnings, Vec::<String>::new());
}

fn base64_of(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let number = (0..3).fold(0u32, |number, at| number << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
        for place in 0..4 {
            let letter = LETTERS[(number >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= group.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

#[test]
fn headers_in_eight_bits_are_looked_at() {
    let mut bytes = b"From: J\xf6rg <j@example.org>\r\nSubject: Gr\xfc\xdfe\r\n".to_vec();
    bytes.extend_from_slice(b"Content-Type: text/plain; charset=iso-8859-1\r\n\r\nSch\xf6n\r\n");
    assert_eq!(read_as("a.eml", &bytes).text, "# Grüße\n\nFrom: Jörg <j@example.org>\n\nSchön\n");
}

#[test]
fn encoded_words_may_end_in_the_middle_of_a_character() {
    let source = "Subject: =?utf-8?B?R3LD?=\n =?UTF-8?B?vMOfZQ==?=\nFrom: =?utf-8?Q?J=C3?= =?utf-8?Q?=B6rg?= \
        <j@example.org>\n\nwords\n";
    assert_eq!(eml(source).text, "# Grüße\n\nFrom: Jörg <j@example.org>\n\nwords\n");
}

#[test]
fn signatures_and_encrypted_parts_are_no_words() {
    let source = format!(
        "{HEADERS}Content-Type: multipart/signed; boundary=x\n\n--x\nContent-Type: text/plain\n\nHello\n\
         --x\nContent-Type: application/pgp-signature\n\n-----BEGIN PGP SIGNATURE-----\niQEz\n-----END PGP SIGNATURE-----\n\
         --x\nContent-Type: application/octet-stream\n\n-----BEGIN PGP MESSAGE-----\nhQEM\n-----END PGP MESSAGE-----\n--x--\n"
    );
    let document = eml(&source);
    assert_eq!(document.text, format!("{ABOUT}\nHello\n"));
    assert_eq!(
        document.warnings,
        [
            "attachment 1 was left out: it is a signature and holds no words",
            "attachment 2 was left out: it is encrypted, or signed so that only a mail program can open it"
        ]
    );
}

#[test]
fn what_is_no_mail_is_refused() {
    for source in ["no headers at all\n\nwords", "\n\nwords"] {
        let refused = extract(source.as_bytes(), "a.eml", &ExtractLimits::default());
        assert!(matches!(refused, Err(ExtractError::Malformed { .. })), "{source:?}: {refused:?}");
    }
}

#[test]
fn mails_in_mails_end_somewhere() {
    let mut source = "Subject: 0\n\nwords".to_owned();
    for number in 1..20 {
        source = format!(
            "Subject: {number}\nContent-Type: multipart/mixed; boundary=x{number}\n\n--x{number}\nContent-Type: \
             message/rfc822\n\n{source}\n--x{number}--\n"
        );
    }
    let document = eml(&source);
    assert!(document.text.starts_with("# 19\n") && !document.text.contains("words"), "{}", document.text);
    assert!(document.warnings.iter().any(|warning| warning.contains("too deep")), "{:?}", document.warnings);
}

#[test]
fn base64_that_is_cut_off_is_read_as_far_as_it_goes() {
    let cut = |headers: &str, bytes: &[u8]| {
        eml(&format!(
            "{HEADERS}Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain\n\nHello\n--x\n{headers}\n\
             Content-Transfer-Encoding: base64\n\n{}",
            base64_of(bytes)
        ))
    };
    let document = cut("Content-Type: text/csv\nContent-Disposition: attachment; filename=p.csv", b"a,b\n1,2\n3,4\n");
    let table = "| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |";
    assert_eq!(document.text, format!("{ABOUT}\nHello\n\n## Attachment p.csv\n\n{table}\n"));
    assert_eq!(document.warnings, ["the e-mail ends in the middle of its text; what is there was read"]);
    let document =
        cut("Content-Type: application/rtf\nContent-Disposition: attachment; filename=n.rtf", b"{\\rtf1 words}");
    assert_eq!(document.text, format!("{ABOUT}\nHello\n\n## Attachment n.rtf\n\nwords\n"));
    assert_eq!(document.warnings, ["the e-mail ends in the middle of attachment n.rtf; what is there was read"]);
}

#[test]
fn text_that_flows_is_joined() {
    let kind = "Content-Type: text/plain; charset=utf-8; format=flowed; delsp=yes";
    let document = eml(&format!("{HEADERS}{kind}\n\n日本語の \n文章です。\n\n> 引用 \n> 文\n"));
    assert_eq!(document.text, format!("{ABOUT}\n日本語の文章です。\n\n> 引用文\n"));
}

/// A message as Outlook stores it: texts in streams, short values in a table.
struct Msg(cfb::CompoundFile<Cursor<Vec<u8>>>);

impl Msg {
    fn new() -> Self {
        let mut msg = Self(cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap());
        msg.0.create_storage("/__nameid_version1.0").unwrap();
        msg
    }

    fn stream(&mut self, path: &str, bytes: &[u8]) {
        self.0.create_stream(path).unwrap().write_all(bytes).unwrap();
    }

    fn text(&mut self, storage: &str, id: u16, text: &str) {
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        self.stream(&format!("{storage}__substg1.0_{id:04X}001F"), &bytes);
    }

    fn values(&mut self, storage: &str, header: usize, values: &[(u32, u64)]) {
        let mut bytes = vec![0; header];
        for (tag, value) in values {
            bytes.extend_from_slice(&tag.to_le_bytes());
            bytes.extend_from_slice(&6u32.to_le_bytes());
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        self.stream(&format!("{storage}__properties_version1.0"), &bytes);
    }

    fn finish(mut self) -> Vec<u8> {
        self.0.flush().unwrap();
        self.0.into_inner().into_inner()
    }
}

#[test]
fn a_message_of_outlook_is_read_like_any_other() {
    let mut msg = Msg::new();
    // 2024-03-05 09:30 UTC in units of 100 ns since 1601.
    let sent = (1_709_631_000 + 11_644_473_600_u64) * 10_000_000;
    msg.values("/", 32, &[(0x0039_0040, sent), (0x3ffd_0003, 1252)]);
    msg.text("/", 0x0037, "Prices");
    msg.text("/", 0x0c1a, "Ann");
    msg.text("/", 0x5d01, "ann@example.org");
    msg.stream("/__substg1.0_1000001E", b"Caf\xe9 a b 1 2");
    msg.stream(
        "/__substg1.0_10130102",
        b"<p>Caf&eacute;</p><table><tr><td>a</td><td>b</td></tr><tr><td>1</td><td>2</td></tr></table>",
    );
    for (number, (kind, name)) in [(2, "Cy"), (0x1000_0001, "Bob")].into_iter().enumerate() {
        let storage = format!("/__recip_version1.0_#{number:08X}/");
        msg.0.create_storage(&storage).unwrap();
        msg.values(&storage, 8, &[(0x0c15_0003, kind)]);
        msg.text(&storage, 0x3001, name);
    }
    let storage = "/__attach_version1.0_#00000000/";
    msg.0.create_storage(storage).unwrap();
    msg.values(storage, 8, &[]);
    msg.text(storage, 0x3707, "notes.txt");
    msg.stream(&format!("{storage}__substg1.0_37010102"), b"Some notes");
    let storage = "/__attach_version1.0_#00000001/";
    msg.0.create_storage(storage).unwrap();
    msg.values(storage, 8, &[]);
    msg.text(storage, 0x3001, "Re: Older");
    let inner = format!("{storage}__substg1.0_3701000D/");
    msg.0.create_storage(&inner).unwrap();
    msg.values(&inner, 24, &[]);
    msg.text(&inner, 0x0037, "Older");
    msg.text(&inner, 0x1000, "Older words");
    let document = read_as("a.msg", &msg.finish());
    assert_eq!(
        document.text,
        "# Prices\n\nFrom: Ann <ann@example.org>\nTo: Bob\nCc: Cy\nDate: 2024-03-05 09:30 +00:00\n\nCaf\u{e9}\n\n\
         | a | b |\n| --- | --- |\n| 1 | 2 |\n\n## Attachment notes.txt\n\nSome notes\n\n## Attachment Re: Older\n\n\
         ### Older\n\nOlder words\n"
    );
    assert_eq!((document.warnings, document.media_type.as_str()), (Vec::new(), "application/vnd.ms-outlook"));
}
