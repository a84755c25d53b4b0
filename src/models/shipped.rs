//! The adapters that ship: compiled into the program, so that it needs no other file than the base model's.
//!
//! May depend on `adapter`.

use include_dir::{Dir, include_dir};

use super::adapter::{ADAPTER_CONFIG, AdapterFiles};

static GENERATOR: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/adapters/generator");

/// What a shipped adapter is called.
pub const SHIPPED: &str = "shipped";

/// The generator's adapter; `None` as long as none ships.
pub fn generator() -> Option<AdapterFiles> {
    files(&GENERATOR)
}

fn files(dir: &'static Dir<'static>) -> Option<AdapterFiles> {
    dir.get_file(ADAPTER_CONFIG)?;
    let named = dir.files().filter_map(|file| Some((file.path().file_name()?.to_str()?, file.contents())));
    Some(AdapterFiles::from_static(named.filter(|(name, _)| *name != "README.md")))
}
