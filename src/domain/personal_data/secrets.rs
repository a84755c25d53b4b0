//! Keys, tokens and passwords: by the form that their makers gave them, or by the word that stands before them.
//!
//! Forms: the documentation of each maker, as secret scanners use them. May depend on nothing.

use std::ops::Range;

/// The beginnings of keys, and how many characters follow at least.
const PREFIXES: [(&str, usize); 17] = [
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 35),
    ("ghp_", 36),
    ("gho_", 36),
    ("ghs_", 36),
    ("github_pat_", 40),
    ("glpat-", 20),
    ("hf_", 30),
    ("npm_", 36),
    ("pypi-", 40),
    ("sk_live_", 20),
    ("rk_live_", 20),
    ("sk-", 20),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("whsec_", 20),
];
/// What stands before a secret, in lower case.
const NAMES: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "api key",
    "api_key",
    "api-key",
    "apikey",
    "secret key",
    "secret_key",
    "access token",
    "access_token",
];
/// What may stand between the two.
const JOINTS: [&str; 6] = [" is: ", " is ", " = ", ": ", "=", ":"];
/// The fewest characters of a secret that is known by the word before it.
const LEAST: usize = 6;

/// Where the secrets of a text stand.
pub(super) fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut found = private_keys(text);
    found.extend(prefixed(text));
    found.extend(json_web_tokens(text));
    found.extend(in_addresses(text));
    found.extend(named(text));
    found
}

/// Blocks of PEM (RFC 7468) that hold a private key; one whose end is missing reaches to the end of the text.
fn private_keys(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(offset) = text[at..].find("-----BEGIN ") {
        let start = at + offset;
        let line = &text[start..];
        let line = &line[..line.find('\n').unwrap_or(line.len())];
        at = start + "-----BEGIN ".len();
        if line.contains("PRIVATE KEY-----") {
            let end = text[at..].find("-----END ").map(|end| at + end);
            let end = end.map(|end| text[end..].find('\n').map_or(text.len(), |length| end + length));
            at = end.unwrap_or(text.len());
            found.push(start..at);
        }
    }
    found
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// Where the run of characters of a key ends that goes on at `from`.
fn end_of_key(text: &str, from: usize) -> usize {
    text.bytes().skip(from).position(|byte| !is_key_byte(byte)).map_or(text.len(), |length| from + length)
}

fn begins_a_word(text: &str, at: usize) -> bool {
    !text.as_bytes()[..at].last().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80)
}

fn prefixed(text: &str) -> Vec<Range<usize>> {
    let places = PREFIXES.iter().flat_map(|(prefix, least)| {
        text.match_indices(prefix).filter_map(move |(start, _)| {
            let end = end_of_key(text, start + prefix.len());
            let tail = &text[start + prefix.len()..end];
            // A word with hyphens is no key: keys hold digits, or capitals in the midst of small letters.
            let random = tail.bytes().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
            (begins_a_word(text, start) && tail.len() >= *least && random).then_some(start..end)
        })
    });
    places.collect()
}

/// Three parts of base64url, of which the first begins as every JSON object with a key does (RFC 7519).
fn json_web_tokens(text: &str) -> Vec<Range<usize>> {
    let places = text.match_indices("eyJ").filter_map(|(start, _)| {
        let mut end = end_of_key(text, start);
        for _ in 0..2 {
            if text.as_bytes().get(end) != Some(&b'.') {
                return None;
            }
            let part = end + 1;
            end = end_of_key(text, part);
            if end - part < 10 {
                return None;
            }
        }
        begins_a_word(text, start).then_some(start..end)
    });
    places.collect()
}

/// The password of `scheme://user:password@host`.
fn in_addresses(text: &str) -> Vec<Range<usize>> {
    let places = text.match_indices("://").filter_map(|(at, mark)| {
        let from = at + mark.len();
        let end = text[from..].find(|c: char| c.is_whitespace() || c == '/').map_or(text.len(), |end| from + end);
        let user = text[from..end].rfind('@').map(|length| from + length)?;
        let start = text[from..user].find(':').map(|colon| from + colon + 1)?;
        (start < user && !is_placeholder(&text[start..user])).then_some(start..user)
    });
    places.collect()
}

/// What follows a word such as `password`, where it looks like nothing that is said of a password.
fn named(text: &str) -> Vec<Range<usize>> {
    // In bytes, so that places stay what they are.
    let lower = text.to_ascii_lowercase();
    let mut found = Vec::new();
    for name in NAMES {
        for (at, _) in lower.match_indices(name) {
            let behind = at + name.len();
            let Some(joint) = JOINTS.iter().find(|joint| lower[behind..].starts_with(**joint)) else { continue };
            let mut start = behind + joint.len();
            let quote = text[start..].chars().next().filter(|c| matches!(c, '"' | '\'' | '`'));
            start += quote.map_or(0, char::len_utf8);
            let ends = |c: char| quote.map_or(c.is_whitespace() || matches!(c, ',' | ';' | ')'), |quote| c == quote);
            let end = text[start..].find(ends).map_or(text.len(), |length| start + length);
            let secret = text[start..end].trim_end_matches(['.', '!', '?']);
            let mixed = secret.chars().any(|c| c.is_ascii_digit())
                && secret.chars().any(char::is_alphabetic)
                && !secret.contains("://");
            if secret.chars().count() >= LEAST && mixed && !is_placeholder(secret) {
                found.push(start..start + secret.len());
            }
        }
    }
    found
}

/// What documentation writes where a secret belongs.
fn is_placeholder(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    text.starts_with(['<', '$', '{', '[', '%'])
        || ["your", "example", "xxxx", "****", "changeme", "password", "secret"].iter().any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        secrets(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn keys_are_known_by_their_form() {
        let key = format!("ghp_{}", "a1B2".repeat(9));
        assert_eq!(found(&format!("use {key}, please")), [key.as_str()]);
        assert_eq!(found("id AKIAIOSFODNN7QXAMPLE1."), ["AKIAIOSFODNN7QXAMPLE1"]);
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w";
        assert_eq!(found(&format!("Bearer {token}")), [token]);
        let block = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----";
        assert_eq!(found(&format!("Key:\n{block}\nEnd")), [block]);
        assert_eq!(found("postgres://ada:k1ln-42@db.internal/app"), ["k1ln-42"]);
    }

    #[test]
    fn what_is_named_a_password_is_one_where_it_looks_so() {
        assert_eq!(found("The password is hunter2-Kiln."), ["hunter2-Kiln"]);
        assert_eq!(found("API_KEY=\"a1b2c3d4e5\" and more"), ["a1b2c3d4e5"]);
        for said in [
            "The password is required and has at least 8 characters.",
            "The password is stored hashed.",
            "password: <your password1>",
            "api_key = $API_KEY1",
            "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
            "postgres://user:password@localhost/db",
            "the task sk-learning-is-a-word-with-hyphens",
            "https://example.com:8642/a@b",
        ] {
            assert!(found(said).is_empty(), "{said}: {:?}", found(said));
        }
    }
}
