//! Why a delivery did not arrive.
//!
//! May depend on the errors of what a delivery calls.

use crate::metadata_store::MetadataStoreError;

/// Why a delivery did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The rules of this process know no such webhook.
    #[error("the rules have no webhook `{0}`: describe it again and retry the job, or leave it")]
    UnknownWebhook(String),
    /// What was to be sent is not there any more.
    #[error("there is nothing to send: the conversation or a document that it quotes was deleted")]
    Gone,
    /// The receiver answered that it does not take it.
    #[error("the receiver refused it with status {status}{}", said(.reason))]
    Refused {
        /// The status.
        status: u16,
        /// The beginning of what it said.
        reason: String,
    },
    /// The receiver sent us elsewhere, and redirects are not followed: the body would go to somebody who was not named.
    #[error("the receiver redirects (status {0}): write the final address into the rules")]
    Redirected(u16),
    /// The receiver failed, or has too much to do.
    #[error("the receiver answered with status {status}{}", said(.reason))]
    Busy {
        /// The status.
        status: u16,
        /// The beginning of what it said.
        reason: String,
        /// In how many seconds it wants to be asked again.
        retry_after: Option<u64>,
    },
    /// The receiver could not be reached, or did not answer in time.
    #[error("the receiver could not be reached: {0}")]
    Unreachable(String),
    /// The address cannot be used.
    #[error("the webhook's address cannot be used: {0}")]
    Address(String),
    /// The metadata store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataStoreError),
    /// A thread of this process died.
    #[error("a background thread failed: {0}")]
    Thread(String),
}

impl DeliveryError {
    /// Whether the same delivery may arrive later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::Unreachable(_) => true,
            Self::Metadata(error) => error.is_transient(),
            Self::UnknownWebhook(_) | Self::Gone | Self::Refused { .. } | Self::Redirected(_) => false,
            Self::Address(_) | Self::Thread(_) => false,
        }
    }

    /// The same for the log, without the words of the receiver: many repeat what they were sent, and that is a question and
    /// its answer.
    pub fn for_the_log(&self) -> String {
        match self {
            Self::Refused { status, .. } => Self::Refused { status: *status, reason: String::new() }.to_string(),
            Self::Busy { status, retry_after, .. } => {
                Self::Busy { status: *status, reason: String::new(), retry_after: *retry_after }.to_string()
            }
            other => other.to_string(),
        }
    }

    /// In how many seconds the receiver wants to be asked again.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Busy { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

fn said(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}
