//! The adapters that ship: the folders of `adapters/`, which travel in the binary.
//!
//! May depend on `models::adapter`.

use include_dir::{Dir, include_dir};

use super::adapter::AdapterFiles;

static ADAPTERS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/adapters");

/// The name of the generator's folder.
pub const GENERATOR: &str = "generator";
/// The name of the reader's folder.
pub const READER: &str = "reader";

/// The files of the adapter that ships under this name, if there is one.
pub fn shipped(name: &str) -> Option<AdapterFiles> {
    let folder = ADAPTERS.get_dir(name)?;
    let files = folder.files().filter_map(|file| Some((file.path().file_name()?.to_str()?, file.contents())));
    Some(AdapterFiles::from_static(files))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::models::adapter::Adapter;

    #[test]
    fn what_does_not_ship_is_not_there_and_what_ships_is_whole() {
        assert_eq!(shipped("no-such-adapter"), None);
        if let Some(generator) = shipped(GENERATOR) {
            assert!(!Adapter::from_files(&generator).unwrap().pairs.is_empty());
        }
        // until adapters/reader ships
        if let Some(reader) = shipped(READER) {
            assert!(reader.get("reader.json").is_some());
        }
    }
}
