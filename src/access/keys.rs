//! Drawing keys, and what is stored of them.
//!
//! Depends on the operating system's random numbers. A key is `fnk_` and 64 hexadecimal digits: it can be found by tools
//! that look for secrets, selected with a double click, and passed on a command line without quotes.

use sha2::{Digest, Sha256};

use crate::config::Secret;

/// What every key starts with.
const START: &str = "fnk_";
/// How many characters of a key are shown: too few to help with a guess at the rest.
const PREFIX_LENGTH: usize = START.len() + 8;

/// A key that was just drawn.
#[derive(Debug, Clone)]
pub struct DrawnKey {
    /// The key: shown once, stored nowhere.
    pub key: Secret,
    /// How it begins.
    pub prefix: String,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

/// Draws a key of 256 bits. Fails when the operating system has no random numbers.
pub fn draw() -> Result<DrawnKey, getrandom::Error> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes)?;
    let key = format!("{START}{}", hex::encode(bytes));
    Ok(DrawnKey { prefix: key[..PREFIX_LENGTH].to_owned(), sha256: sha256(&key), key: Secret::new(key) })
}

/// The SHA-256 of a key, in hexadecimal: what it is found by.
pub fn sha256(key: &str) -> String {
    hex::encode(digest(key))
}

/// The SHA-256 of a key.
pub(super) fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn keys_differ_and_are_found_by_their_sum() {
        let (one, other) = (draw().unwrap(), draw().unwrap());
        assert_ne!(one.key, other.key);
        assert_eq!((one.key.expose().len(), &one.key.expose()[..12]), (68, one.prefix.as_str()));
        assert_eq!((sha256(one.key.expose()), one.sha256.len()), (one.sha256.clone(), 64));
        assert!(!format!("{one:?}").contains(one.key.expose()), "Debug shows no key");
    }
}
