//! The room on the disks that data is written to.
//!
//! May depend on `config`.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::config::{Config, DatabaseUrl, VectorUrl};

/// A directory that data is written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What lies there, in a word: `data`, `database`, `vectors` or `originals`.
    pub name: &'static str,
    /// The directory.
    pub path: PathBuf,
}

/// Where a configuration writes to on disks of this machine. What lies below the data directory is part of it.
pub fn places(config: &Config) -> Vec<Place> {
    let database = match &config.database {
        DatabaseUrl::Sqlite(file) => file.parent().map(Path::to_owned),
        DatabaseUrl::Postgres(_) => None,
    };
    let vectors = match &config.vectors {
        VectorUrl::Edge(directory) => Some(directory.clone()),
        VectorUrl::Server { .. } => None,
    };
    let originals = config.blob_url.strip_prefix("file://").map(PathBuf::from);
    let mut places = vec![Place { name: "data", path: config.data_dir.clone() }];
    for (name, path) in [("database", database), ("vectors", vectors), ("originals", originals)] {
        match path {
            Some(path) if !path.starts_with(&config.data_dir) => places.push(Place { name, path }),
            _ => {}
        }
    }
    places
}

impl Place {
    /// The bytes that are free on its disk for this user. A directory that is not there yet is made on the disk of the
    /// nearest one above it.
    pub fn free(&self) -> io::Result<u64> {
        let there = self.path.ancestors().find(|directory| directory.exists()).unwrap_or(&self.path);
        fs4::available_space(there)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::config::Settings;

    #[test]
    fn a_place_is_told_once_and_one_on_a_server_is_none() {
        let settings = Settings {
            data_dir: Some("/data".into()),
            models_dir: Some("/models".into()),
            vector_url: Some("edge:///fast/vectors".into()),
            ..Settings::default()
        };
        let names = |settings: Settings| {
            let places = places(&Config::resolve(settings).unwrap());
            places.into_iter().map(|place| place.name).collect::<Vec<_>>()
        };
        assert_eq!(names(settings.clone()), ["data", "vectors"]);
        let served = Settings {
            vector_url: Some("http://qdrant:6334".into()),
            database_url: Some("postgres://a:b@c/d".into()),
            blob_url: Some("file:///blobs".into()),
            ..settings
        };
        assert_eq!(names(served), ["data", "originals"]);
    }

    #[test]
    fn the_room_is_that_of_the_nearest_directory_that_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let place = |path: PathBuf| Place { name: "data", path };
        assert!(place(dir.path().join("not/yet")).free().unwrap() > 0);
        assert!(place(dir.path().to_owned()).free().unwrap() > 0);
    }
}
