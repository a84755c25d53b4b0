//! E-mail addresses.
//!
//! May depend on nothing.

use std::ops::Range;

/// Domains that RFC 2606 reserves for documentation: nobody has an address there.
const RESERVED: [&str; 7] = ["example.com", "example.org", "example.net", "example", "test", "invalid", "localhost"];

/// The addresses in a text (the common part of RFC 5322: no quoted names, no address literals).
pub(super) fn addresses(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    text.match_indices('@').filter_map(|(at, _)| {
        let local = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-');
        let start = text[..at]
            .rfind(|c| !local(c))
            .map_or(0, |before| before + text[before..].chars().next().map_or(1, char::len_utf8));
        let host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        let end = text[at + 1..].find(|c| !host(c)).map_or(text.len(), |length| at + 1 + length);
        let domain = text[at + 1..end].trim_end_matches(['.', '-']);
        let name = text[start..at].trim_start_matches('.');
        (!name.is_empty() && is_domain(domain)).then(|| at - name.len()..at + 1 + domain.len())
    })
}

fn is_domain(domain: &str) -> bool {
    let lower = domain.to_ascii_lowercase();
    let reserved = RESERVED.iter().any(|known| lower == *known || lower.ends_with(&format!(".{known}")));
    let top = lower.rsplit('.').next().unwrap_or_default();
    !reserved
        && lower.contains('.')
        && lower.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
        && top.len() >= 2
        && top.bytes().all(|byte| byte.is_ascii_lowercase())
}
