//! Parts of e-mails whose end is missing: a message that was cut off when it was sent or stored.
//!
//! mail-parser takes such a part for text as it stands, which in base64 is no text at all.

use mail_parser::{
    MessagePart, MimeHeaders,
    decoders::{base64::base64_decode, quoted_printable::quoted_printable_decode},
};

/// How much of the line at which the next part would begin may be left of a message.
const MAX_REST: usize = 200;

/// What is there of a part that was packed and has no end; `None` for every other part.
pub(super) fn unpacked(part: &MessagePart<'_>, raw: &[u8]) -> Option<Vec<u8>> {
    if !part.is_encoding_problem {
        return None;
    }
    let packed = raw.get(part.offset_body as usize..part.offset_end as usize)?;
    match part.content_transfer_encoding()?.trim() {
        encoding if encoding.eq_ignore_ascii_case("base64") => decoded(packed),
        encoding if encoding.eq_ignore_ascii_case("quoted-printable") => quoted_printable_decode(packed),
        _ => None,
    }
}

/// The bytes of base64 that ends anywhere, or in the middle of a boundary.
fn decoded(packed: &[u8]) -> Option<Vec<u8>> {
    let is_base64 =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'\r' | b'\n' | b' ');
    let end = packed.iter().position(|byte| !is_base64(byte)).unwrap_or(packed.len());
    let (packed, rest) = packed.split_at(end);
    let is_boundary = rest.is_empty() || rest.starts_with(b"-") && rest.len() <= MAX_REST && packed.ends_with(b"\n");
    if !is_boundary {
        return None;
    }
    base64_decode(packed).filter(|bytes| !bytes.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use mail_parser::MessageParser;

    use super::*;

    #[test]
    fn base64_is_decoded_as_far_as_it_goes() {
        for (packed, expected) in [
            ("SGVsbG8s\r\nIHdvcmxk", Some("Hello, world")),
            ("SGVsbG8s\nIHdvcm", Some("Hello, wor")),
            ("SGVsbG8=\n--bound", Some("Hello")),
            ("SGVsbG8s no base64!", None),
            ("SGVs--x", None),
            ("", None),
        ] {
            assert_eq!(decoded(packed.as_bytes()).as_deref(), expected.map(str::as_bytes), "{packed}");
        }
    }

    #[test]
    fn only_parts_without_an_end_are_unpacked_here() {
        let cut = "Subject: x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\
            Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=\r\nn";
        let whole = format!("{cut}\r\n--x--\r\n");
        for (source, expected) in [(cut, Some("Gr\u{fc}n")), (whole.as_str(), None)] {
            let message = MessageParser::default().parse(source.as_bytes()).unwrap();
            let found = unpacked(&message.parts[1], source.as_bytes());
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{source}");
        }
    }
}
