//! The adapters that ship, and the calibration of the models with them: the files of `adapters/`, compiled into the program, so that it needs no other file than
//! those of the base models.
//!
//! May depend on `models::adapter`.

use include_dir::{Dir, include_dir};

use super::adapter::{ADAPTER_CONFIG, AdapterFiles};

static ADAPTERS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/adapters");

/// The folder of the reader.
pub const READER: &str = "reader";
/// The folder of the generator's adapter.
pub const GENERATOR: &str = "generator";
/// The folder of the model that says whether evidence supports a sentence.
pub const SUPPORT: &str = "support";
/// The folder of the model that says whether a passage answers a question.
pub const RERANKER: &str = "reranker";

/// The calibration that ships, for the models that ship: what `footnote eval calibrate` wrote.
pub fn shipped_calibration() -> Option<&'static str> {
    ADAPTERS.get_file("calibration.json")?.contents_utf8()
}

/// The files of the adapter that ships in this folder, if there is one. What is written for people is no part of it.
pub fn shipped(folder: &str) -> Option<AdapterFiles> {
    let folder = ADAPTERS.get_dir(folder)?;
    folder.files().find(|file| file.path().ends_with(ADAPTER_CONFIG))?;
    let named = folder.files().filter_map(|file| Some((file.path().file_name()?.to_str()?, file.contents())));
    Some(AdapterFiles::from_static(named.filter(|(name, _)| *name != "README.md")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::models::adapter::Adapter;

    #[test]
    fn what_does_not_ship_is_not_there_and_what_ships_is_whole() {
        assert_eq!(shipped("no-such-adapter"), None);
        assert!(shipped(READER).unwrap().get("reader.json").is_some());
        for pairs in [SUPPORT, RERANKER] {
            assert!(shipped(pairs).is_none_or(|files| files.get("pairs.json").is_some()), "adapters/{pairs}");
        }
        for folder in ADAPTERS.dirs() {
            let name = folder.path().to_str().unwrap();
            assert!([READER, GENERATOR, SUPPORT, RERANKER].contains(&name), "nothing loads adapters/{name}");
            assert!(!Adapter::from_files(&shipped(name).unwrap()).unwrap().pairs.is_empty());
        }
    }
}
