//! Data sets as source code: examples as JSON lines, one file per kind; brought in by `import`, checked by `lint`, cut
//! by `split`, made harder by `hard_negatives`, and frozen under a manifest.
//!
//! May depend on `domain` and `models::lexical`.

pub mod bm25;
pub mod diff;
pub mod error;
pub mod example;
pub mod files;
pub mod freeze;
pub mod from_feedback;
pub mod hard_negatives;
pub mod import;
pub mod lint;
pub mod manifest;
mod min_hash;
pub mod normal_form;
pub mod pairs;
pub mod settings;
pub mod split;
pub mod split_mix;
pub mod stats;
pub mod validate;

pub use error::DatasetError;
pub use example::{Example, ExamplePart, Exchange, Expected, Kind, Passage, Span, SpanRole};
pub use files::{DataSet, Split};

use sha2::{Digest, Sha256};

/// The tag of an example that a program built, in numbers and not one by one.
pub const SYNTHETIC: &str = "synthetic";
/// The tag of a question that was paired with near but wrong passages.
pub const HARD_NEGATIVE: &str = "hard-negative";
/// The tag of an example whose answer is a decision (yes, no, maybe) or otherwise in none of the passages.
pub const FREE_FORM: &str = "free-form";

/// An id for a passage that is the same for the same text, in whatever example it stands.
pub fn passage_id(text: &str) -> String {
    format!("p{}", hex::encode(&Sha256::digest(text.as_bytes())[..8]))
}
