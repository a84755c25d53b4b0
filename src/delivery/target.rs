//! Which addresses a delivery may go to.
//!
//! The one place that every delivery passes right before it is sent. Today every address that an operator wrote into the
//! rules is allowed, also one of this machine or of the network around it: rules are written by whoever runs the program,
//! and never by who asks. May depend on `config`.

use super::DeliveryError;
use crate::config::Webhook;

/// `Ok` when a delivery may be sent there.
pub fn check(webhook: &Webhook) -> Result<(), DeliveryError> {
    match url::Url::parse(&webhook.url) {
        Ok(_) => Ok(()),
        Err(error) => Err(DeliveryError::Address(error.to_string())),
    }
}
