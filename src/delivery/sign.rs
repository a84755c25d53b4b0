//! Signatures as Standard Webhooks has them (<https://www.standardwebhooks.com>): a receiver checks with any of its
//! libraries that a delivery is ours, whole, and not an old one sent again.
//!
//! May depend on `config` for the key.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2_for_hmac::Sha256;

use crate::config::SigningKey;

/// What stands in the header `webhook-signature`: the version of the scheme, and HMAC-SHA-256 over id, time and body.
/// `None` for a key that HMAC cannot take; there is none of those.
pub fn signature(key: &SigningKey, id: &str, timestamp: i64, body: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose()).ok()?;
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body.as_bytes());
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::config::Secret;

    fn key(secret: &str) -> SigningKey {
        SigningKey::read(&Secret::new(secret)).unwrap()
    }

    /// Expected values were computed with Python's hmac module.
    #[test]
    fn the_signature_is_that_of_another_implementation() {
        let key = key("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
        let signature = signature(&key, "job_1", 1_700_000_000, "{\"answer\": \"Zürich\"}").unwrap();
        assert_eq!(signature, "v1,5BFhGyE+eXHiOyDCNQFtMW0XB36ri+smUF3yzjZbOZg=");
    }

    #[test]
    fn id_time_body_and_key_all_count() {
        let one = key("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
        let other = key("whsec_AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
        let signed = [
            signature(&one, "a", 1, "x"),
            signature(&one, "b", 1, "x"),
            signature(&one, "a", 2, "x"),
            signature(&one, "a", 1, "y"),
            signature(&other, "a", 1, "x"),
        ];
        for (place, one) in signed.iter().enumerate() {
            assert!(one.is_some() && !signed[..place].contains(one));
        }
    }
}
