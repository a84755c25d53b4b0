//! The header of an e-mail, put right where programs write it otherwise than RFC 5322 and RFC 2047 have it: characters of some
//! charset as they are, and encoded words that end in the middle of a character.

use std::borrow::Cow;

use encoding_rs::UTF_8;

use crate::ingest::extract::charset;

/// The e-mail with its header in UTF-8, and with encoded words that belong together as one.
pub(super) fn readable(bytes: &[u8]) -> Cow<'_, [u8]> {
    let ends = |at: &[u8]| at.starts_with(b"\n\n") || at.starts_with(b"\n\r\n");
    let end = bytes.windows(3).position(ends).unwrap_or(bytes.len());
    let (header, rest) = bytes.split_at(end);
    let header = match std::str::from_utf8(header) {
        Ok(header) => Cow::Borrowed(header),
        Err(_) => {
            // The charset of the text is the best guess, unless it is the one that the header is not in.
            let declared = charset::declared_in_markup(header).filter(|declared| *declared != UTF_8);
            Cow::Owned(charset::decode(header, declared).text)
        }
    };
    match (joined(&header), header) {
        (None, Cow::Borrowed(_)) => Cow::Borrowed(bytes),
        (joined, header) => {
            let mut readable = joined.unwrap_or_else(|| header.into_owned()).into_bytes();
            readable.extend_from_slice(rest);
            Cow::Owned(readable)
        }
    }
}

/// `=?utf-8?B?R3LD?=`.
struct Word<'a> {
    /// `=?utf-8?B?`.
    kind: &'a str,
    content: &'a str,
    length: usize,
}

impl<'a> Word<'a> {
    /// The word that a text begins with.
    fn at(text: &'a str) -> Option<Self> {
        let is_end = |c: char| c == '?' || c.is_whitespace();
        let inner = text.strip_prefix("=?")?;
        let charset = inner.find(is_end).filter(|end| *end > 0)?;
        let content = inner[charset..].strip_prefix('?')?.strip_prefix(['b', 'B', 'q', 'Q'])?.strip_prefix('?')?;
        let end = content.find(is_end).filter(|end| content[*end..].starts_with("?="))?;
        let (kind, _) = text.split_at(text.len() - content.len());
        Some(Self { kind, content: &content[..end], length: kind.len() + end + 2 })
    }

    /// Whether the content of another word may stand right behind that of this one.
    fn goes_on_in(&self, next: &Word<'_>) -> bool {
        let is_quoted = self.kind.ends_with("?q?") || self.kind.ends_with("?Q?");
        // In base64 four letters are three bytes, and what is filled up is at its end.
        let is_full = self.content.len().is_multiple_of(4) && !self.content.ends_with('=');
        self.kind.eq_ignore_ascii_case(next.kind) && (is_quoted || is_full)
    }
}

/// The header with encoded words of one kind that follow each other as one word; nothing where there are none.
fn joined(header: &str) -> Option<String> {
    let mut out = String::with_capacity(header.len());
    let mut rest = header;
    let mut any = false;
    while let Some(at) = rest.find("=?") {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let Some(mut word) = Word::at(from) else {
            out.push_str("=?");
            rest = &from[2..];
            continue;
        };
        out.push_str(word.kind);
        out.push_str(word.content);
        rest = &from[word.length..];
        while let Some(next) = Word::at(rest.trim_start())
            && rest.starts_with(char::is_whitespace)
            && word.goes_on_in(&next)
        {
            out.push_str(next.content);
            rest = &rest.trim_start()[next.length..];
            word = next;
            any = true;
        }
        out.push_str("?=");
    }
    out.push_str(rest);
    any.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_one_kind_become_one() {
        for (header, expected) in [
            ("S: =?utf-8?B?R3LD?=\r\n =?UTF-8?b?vMOfZQ==?= x", Some("S: =?utf-8?B?R3LDvMOfZQ==?= x")),
            ("=?utf-8?Q?J=C3?= =?utf-8?Q?=B6?= =?utf-8?Q?rg?=", Some("=?utf-8?Q?J=C3=B6rg?=")),
            ("=?utf-8?B?YQ==?= =?utf-8?B?Yg==?=", None),
            ("=?utf-8?Q?a?= =?iso-8859-1?Q?b?= =? =?x", None),
            ("=?utf-8?Q?a?= b =?utf-8?Q?c?=", None),
        ] {
            assert_eq!(joined(header).as_deref(), expected, "{header}");
        }
    }
}
