//! Our own format: every line must be a sound example. Kind, licence and provenance are the example's own; `--tag` and
//! `--id-prefix` are added.
//!
//! May depend on `sink` and on `files`.

use std::path::Path;

use super::{Reason, Sink};
use crate::train::dataset::{
    error::DatasetError,
    files::{lines, parse},
};

/// Reads one file.
pub(super) fn read(path: &Path, sink: &mut Sink<'_>) -> Result<(), DatasetError> {
    for line in lines(path)? {
        let line = line?;
        let name = format!("line {}", line.number);
        match line.text.and_then(|text| parse(&text)) {
            Ok(mut example) => {
                let prefix = sink.options().id_prefix.as_deref().unwrap_or("");
                example.id = format!("{prefix}{}", example.id);
                for tag in &sink.options().tags {
                    if !example.tags.contains(tag) {
                        example.tags.push(tag.clone());
                    }
                }
                sink.finished(name, example)?;
            }
            Err(reason) => sink.refuse(name, Reason::Malformed, reason),
        }
    }
    Ok(())
}
