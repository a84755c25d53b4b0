//! One attempt to deliver: a signed POST, with a limit on everything.
//!
//! With ureq, which the model files are fetched with too: it brings TLS along. May depend on `config` and the other
//! modules of `delivery`.

use std::{io::Read as _, time::Duration};

use chrono::{DateTime, Utc};

use super::{DeliveryError, sign::signature, target};
use crate::config::Webhook;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long all of it may take: less than the lease of the job.
pub const TOTAL: Duration = Duration::from_secs(20);
/// How much of what a receiver says is read: enough for a reason.
const MAX_RESPONSE: u64 = 2_048;
/// How many code points of it an error shows.
const SHOWN: usize = 200;

/// Sends a body, and returns when the receiver has taken it. Blocks: call it where that is allowed.
pub fn send(webhook: &Webhook, id: &str, body: &str) -> Result<(), DeliveryError> {
    target::check(webhook)?;
    let timestamp = Utc::now().timestamp();
    let signature = signature(&webhook.key, id, timestamp, body)
        .ok_or_else(|| DeliveryError::Address("its secret cannot be used to sign".to_owned()))?;
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_connect(Some(CONNECT))
        .timeout_global(Some(TOTAL))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("footnote/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let request = agent
        .post(&webhook.url)
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp.to_string())
        .header("webhook-signature", signature);
    let mut response = request.send(body).map_err(unsent)?;
    let status = response.status().as_u16();
    if (200..300).contains(&status) {
        return Ok(());
    }
    let retry_after = response.headers().get("retry-after").and_then(|value| after(value.to_str().ok()?, Utc::now()));
    let mut said = Vec::new();
    // What it says is of use to a person, and nothing depends on it.
    let _ = response.body_mut().as_reader().take(MAX_RESPONSE).read_to_end(&mut said);
    Err(refusal(status, &String::from_utf8_lossy(&said), retry_after))
}

/// The seconds that a `retry-after` asks for: it is a number of them, or a date (RFC 9110, 10.2.3).
fn after(value: &str, now: DateTime<Utc>) -> Option<u64> {
    let value = value.trim();
    value.parse().ok().or_else(|| {
        let date = DateTime::parse_from_rfc2822(value).ok()?;
        Some(u64::try_from((date.to_utc() - now).num_seconds()).unwrap_or(0))
    })
}

/// What an answer other than 2xx means.
fn refusal(status: u16, said: &str, retry_after: Option<u64>) -> DeliveryError {
    let words = said.split(|character: char| character.is_whitespace() || character.is_control());
    let words = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let reason = words.chars().take(SHOWN).collect();
    match status {
        300..400 => DeliveryError::Redirected(status),
        // A timeout, a lock, and "too early" pass as well as "too many".
        408 | 423 | 425 | 429 | 500.. => DeliveryError::Busy { status, reason, retry_after },
        _ => DeliveryError::Refused { status, reason },
    }
}

/// What an error before any answer means. An address that is none will not become one.
fn unsent(error: ureq::Error) -> DeliveryError {
    match error {
        ureq::Error::BadUri(why) => DeliveryError::Address(why),
        ureq::Error::Http(why) => DeliveryError::Address(why.to_string()),
        other => DeliveryError::Unreachable(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_repeated_and_the_rest_has_a_reason() {
        for status in [408, 425, 429, 500, 502, 503, 599] {
            assert!(refusal(status, "", None).is_transient(), "{status}");
        }
        for status in [301, 302, 307, 400, 401, 404, 410, 422] {
            assert!(!refusal(status, "", None).is_transient(), "{status}");
        }
        let error = refusal(422, "no such\n\u{7} field", None).to_string();
        assert_eq!(error, "the receiver refused it with status 422: no such field");
        assert!(refusal(400, &"é".repeat(1_000), None).to_string().chars().count() < 300);
        assert_eq!(refusal(503, "", Some(7)).retry_after(), Some(7));
    }

    #[test]
    fn a_receiver_that_repeats_what_it_was_sent_does_not_write_it_into_the_log() {
        let echo = "{\"detail\": [{\"input\": {\"question\": \"Where is the kiln?\"}}]}";
        for status in [422, 503] {
            let error = refusal(status, echo, None);
            assert!(error.to_string().contains("kiln"), "{error}");
            let logged = error.for_the_log();
            assert!(logged.contains(&status.to_string()) && !logged.contains("kiln"), "{logged}");
        }
        assert_eq!(DeliveryError::Gone.for_the_log(), DeliveryError::Gone.to_string());
    }

    #[test]
    fn a_receiver_can_ask_for_seconds_and_for_a_date() {
        let now = "1994-11-06T08:49:07Z".parse().unwrap_or_default();
        assert_eq!(after(" 120 ", now), Some(120));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(30));
        assert_eq!(after("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(0), "it has passed");
        assert_eq!(after("soon", now), None);
    }
}
