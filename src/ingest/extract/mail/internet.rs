//! E-mails as they are sent: RFC 5322 and MIME, taken apart by mail-parser.

use std::borrow::Cow;

use mail_parser::{
    Address, DateTime, Encoding, Message, MessageParser, MessagePart, MimeHeaders, PartType,
    decoders::{base64::base64_decode, quoted_printable::quoted_printable_decode},
};

use super::{
    Attachment, Content, Letter,
    body::{Body, Part},
    cut, flowed,
};
use crate::ingest::extract::{
    ExtractError, charset,
    inside::{Within, shown},
};

const FORMAT: &str = "EML";
const ENCRYPTED: &str = "it is encrypted, or signed so that only a mail program can open it";
const SIGNATURES: [&str; 3] =
    ["application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"];
const PGP_MESSAGE: &[u8] = b"-----BEGIN PGP MESSAGE-----";

pub(super) fn letter<'a>(bytes: &'a [u8], within: &Within<'_>) -> Result<Letter<'a>, ExtractError> {
    let message = MessageParser::default().parse(bytes).filter(|message| !message.parts.is_empty());
    let message =
        message.ok_or_else(|| ExtractError::malformed(FORMAT, "it does not begin with the headers of an e-mail"))?;
    if message.parts.iter().take(1).all(|part| part.headers.is_empty()) {
        return Err(ExtractError::malformed(FORMAT, "it does not begin with the headers of an e-mail"));
    }
    Ok(letter_of(message, within.limits().max_file_depth))
}

/// Attached e-mails may be attached `deeper` levels down.
fn letter_of(message: Message<'_>, deeper: usize) -> Letter<'_> {
    let mut about = Vec::new();
    for (field, address) in
        [("From", message.from()), ("To", message.to()), ("Cc", message.cc()), ("Bcc", message.bcc())]
    {
        about.extend(address.map(addresses).filter(|value| !value.is_empty()).map(|value| (field, value)));
    }
    let date = message.date().filter(|date| date.is_valid());
    about.extend(date.map(|date| ("Date", time(date))));
    let subject = message.subject().map(str::trim).filter(|subject| !subject.is_empty()).map(str::to_owned);

    let mut warnings = Vec::new();
    let raw = message.raw_message.clone();
    let (html_body, text_body, attached) = (&message.html_body, &message.text_body, &message.attachments);
    let is_in = |list: &[u32], index: usize| u32::try_from(index).is_ok_and(|index| list.contains(&index));
    let places: Vec<[bool; 3]> =
        (0..message.parts.len()).map(|part| [html_body, text_body, attached].map(|list| is_in(list, part))).collect();
    let mut body = Body::default();
    let mut attachments = Vec::new();
    for (part, [in_html, in_text, is_attached]) in message.parts.into_iter().zip(places) {
        if !in_html && !in_text && !is_attached {
            continue;
        }
        match &part.body {
            // In both forms, or in the one that it is.
            PartType::Html(_) if in_html || in_text => {
                body.is_only_rich |= in_text;
                body.rich.push(Part::Html(text_of(part, &raw, &mut warnings)));
            }
            PartType::Text(_) if in_html || in_text => {
                let flows = flows(&part);
                let text = text_of(part, &raw, &mut warnings);
                let text = if flows { Cow::Owned(flowed::joined(&text)) } else { text };
                if in_html {
                    body.rich.push(Part::Plain(text.clone()));
                }
                if in_text {
                    body.plain.push(text);
                }
            }
            _ if is_attached => attachments.push(attachment(part, &raw, deeper, &mut warnings)),
            _ => {}
        }
    }
    Letter { subject, about, body, attachments, warnings }
}

/// Whether lines are to be joined without the blanks at their ends. Those that keep them read the same either way.
fn flows(part: &MessagePart<'_>) -> bool {
    part.content_type().is_some_and(|kind| {
        let says = |name: &str, value: &str| kind.attribute(name).is_some_and(|said| said.eq_ignore_ascii_case(value));
        says("format", "flowed") && says("delsp", "yes")
    })
}

/// The words of a part. Some programs declare no charset for 8-bit text: then the bytes themselves are looked at.
fn text_of<'a>(part: MessagePart<'a>, raw: &Cow<'a, [u8]>, warnings: &mut Vec<String>) -> Cow<'a, str> {
    let declares = part.content_type().and_then(|kind| kind.attribute("charset")).is_some_and(is_charset);
    let is_page = matches!(part.body, PartType::Html(_));
    let range = part.offset_body as usize..part.offset_end as usize;
    if let Some(bytes) = cut::unpacked(&part, raw) {
        let label = part.content_type().and_then(|kind| kind.attribute("charset"));
        let declared = label.and_then(|label| encoding_rs::Encoding::for_label(label.as_bytes()));
        let decoded = charset::decode(&bytes, declared);
        warnings.extend(decoded.warnings);
        warnings.push("the e-mail ends in the middle of its text; what is there was read".into());
        return Cow::Owned(decoded.text);
    }
    let (PartType::Text(text) | PartType::Html(text)) = part.body else { return Cow::Borrowed("") };
    if !declares
        && !text.is_ascii()
        && let Some(bytes) = raw.get(range).and_then(|packed| unpacked(packed, part.encoding))
    {
        let declared = if is_page { charset::declared_in_markup(&bytes) } else { None };
        let decoded = charset::decode(&bytes, declared);
        warnings.extend(decoded.warnings);
        return Cow::Owned(decoded.text);
    }
    let broken = text.matches('\u{fffd}').count();
    if broken > 0 {
        warnings.push(format!(
            "{broken} characters of the e-mail are not what its charset says and were replaced by \u{fffd}"
        ));
    }
    text
}

/// Whether a charset is one that says what 8-bit text means. ASCII has no such text, and some programs call all text so.
fn is_charset(label: &str) -> bool {
    let is_ascii = ["us-ascii", "ascii"].into_iter().any(|ascii| label.trim().eq_ignore_ascii_case(ascii));
    !is_ascii && encoding_rs::Encoding::for_label(label.as_bytes()).is_some()
}

/// The bytes of a part as they were before they were sent.
fn unpacked(packed: &[u8], encoding: Encoding) -> Option<Vec<u8>> {
    match encoding {
        Encoding::None => Some(packed.to_vec()),
        Encoding::Base64 => base64_decode(packed),
        Encoding::QuotedPrintable => quoted_printable_decode(packed),
    }
}

fn attachment<'a>(
    part: MessagePart<'a>,
    raw: &Cow<'a, [u8]>,
    deeper: usize,
    warnings: &mut Vec<String>,
) -> Attachment<'a> {
    let name = part.attachment_name().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
    let kind = part.content_type().map(|kind| {
        let subtype = kind.subtype().unwrap_or_default();
        format!("{}/{subtype}", kind.ctype()).to_ascii_lowercase()
    });
    let kind = kind.unwrap_or_default();
    let extension = extension_of(&kind);
    let unfinished = if kind.starts_with("text/") { None } else { cut::unpacked(&part, raw) };
    if unfinished.is_some() {
        let label =
            name.as_deref().map_or_else(|| "an attachment".into(), |name| format!("attachment {}", shown(name)));
        warnings.push(format!("the e-mail ends in the middle of {label}; what is there was read"));
    }
    let content = match part.body {
        _ if kind.ends_with("pkcs7-mime") || kind == "application/pgp-encrypted" => Content::Unread(ENCRYPTED.into()),
        _ if SIGNATURES.contains(&kind.as_str()) => Content::Unread("it is a signature and holds no words".into()),
        PartType::Message(inner) if inner.parts.is_empty() => Content::Unread("there is nothing in it".into()),
        PartType::Message(inner) if deeper > 0 => Content::Letter(Box::new(letter_of(inner, deeper - 1))),
        PartType::Message(_) => Content::Unread("it lies too deep in other e-mails".into()),
        // A file that is no text was taken for one.
        PartType::Text(_) if unfinished.is_some() => Content::File(Cow::Owned(unfinished.unwrap_or_default())),
        PartType::Text(_) | PartType::Html(_) => {
            let part = MessagePart { headers: part.headers, ..part };
            match text_of(part, raw, warnings) {
                Cow::Borrowed(text) => Content::File(Cow::Borrowed(text.as_bytes())),
                Cow::Owned(text) => Content::File(Cow::Owned(text.into_bytes())),
            }
        }
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => Content::File(bytes),
        PartType::Multipart(_) => Content::Unread("there is nothing in it".into()),
    };
    let content = match content {
        Content::File(bytes) if bytes.trim_ascii_start().starts_with(PGP_MESSAGE) => Content::Unread(ENCRYPTED.into()),
        other => other,
    };
    let name = match &content {
        // It is often called like its subject, which claims no format.
        Content::Letter(letter) => name.or_else(|| letter.subject.clone()),
        _ => name,
    };
    Attachment { name, extension, content }
}

pub(super) fn extension_of(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "text/plain" => "txt",
        "text/html" => "html",
        "text/markdown" => "md",
        "text/csv" => "csv",
        "text/rtf" | "application/rtf" => "rtf",
        "message/rfc822" | "message/global" => "eml",
        "application/mbox" => "mbox",
        "application/pdf" => "pdf",
        "application/json" => "json",
        "application/xml" | "text/xml" => "xml",
        "application/zip" | "application/x-zip-compressed" => "zip",
        _ => return None,
    })
}

fn addresses(address: &Address<'_>) -> String {
    let one = |name: Option<&str>, address: Option<&str>| match (name.map(str::trim), address) {
        (Some(name), Some(address)) if !name.is_empty() && name != address => format!("{name} <{address}>"),
        (_, Some(address)) => address.to_owned(),
        (name, None) => name.unwrap_or_default().to_owned(),
    };
    let all = address.iter().map(|found| one(found.name(), found.address())).filter(|one| !one.is_empty());
    all.collect::<Vec<_>>().join(", ")
}

/// The time as it was where it was sent.
fn time(date: &DateTime) -> String {
    let DateTime { year, month, day, hour, minute, tz_before_gmt, tz_hour, tz_minute, .. } = date;
    let sign = if *tz_before_gmt { '-' } else { '+' };
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} {sign}{tz_hour:02}:{tz_minute:02}")
}
