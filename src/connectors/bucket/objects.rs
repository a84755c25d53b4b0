//! The objects of a store below a prefix.
//!
//! An object is told from its next state by its entity tag, or by size and time where a store has none. Depends on
//! `object_store`.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _, path::Path as Key};
use tokio_util::io::StreamReader;

use super::names;
use crate::connectors::{Found, Listed, Read, Selection, Source, SourceError, SourceItem};

/// How long one answer of the store may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The objects below a prefix.
pub(super) struct Objects {
    store: Arc<dyn ObjectStore>,
    prefix: Key,
    selection: Selection,
}

impl Objects {
    /// Those of a store; all of them below an empty prefix.
    pub(super) fn new(store: Arc<dyn ObjectStore>, prefix: &str, selection: Selection) -> Result<Self, SourceError> {
        let prefix = Key::parse(prefix).map_err(|error| SourceError::Refused(error.to_string()))?;
        Ok(Self { store, prefix, selection })
    }

    /// What an object is to the connector.
    fn listed(&self, object: &ObjectMeta) -> Listed {
        if let Some(name) = names::original(&object.location) {
            return self.listed_only(&name, object);
        }
        let key = object
            .location
            .prefix_match(&self.prefix)
            .map(|parts| parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/"));
        // Nothing is left of the object that is the prefix itself: a marker for a folder.
        match key.filter(|key| !key.is_empty() && self.selection.takes(key)) {
            None => Listed::PassedOver,
            Some(key) => Listed::Item(SourceItem {
                key,
                fingerprint: Some(fingerprint(object)),
                unsettled: false,
                size: Some(object.size),
                problem: None,
            }),
        }
    }

    /// An object that is there and cannot be asked for.
    fn listed_only(&self, name: &str, object: &ObjectMeta) -> Listed {
        let key = match self.prefix.as_ref() {
            "" => Some(name),
            prefix => name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/')),
        };
        // What shows a folder to people is no document.
        let is_marker = name.ends_with('/') && object.size == 0;
        match key.filter(|key| !is_marker && !key.is_empty() && self.selection.takes(key)) {
            None => Listed::PassedOver,
            Some(key) => Listed::Item(SourceItem {
                key: key.to_owned(),
                fingerprint: Some(fingerprint(object)),
                unsettled: false,
                size: Some(object.size),
                problem: Some(names::problem(name)),
            }),
        }
    }

    fn location(&self, key: &str) -> Result<Key, SourceError> {
        let path = if self.prefix.as_ref().is_empty() { key.to_owned() } else { format!("{}/{key}", self.prefix) };
        Key::parse(path).map_err(|error| SourceError::Refused(error.to_string()))
    }
}

#[async_trait]
impl Source for Objects {
    async fn list(&self, found: Found) -> Result<(), SourceError> {
        let prefix = Some(&self.prefix).filter(|prefix| !prefix.as_ref().is_empty());
        let mut objects = self.store.list(prefix);
        while let Some(object) = bounded(async { objects.next().await.transpose() }).await? {
            found.take(self.listed(&object)).await?;
        }
        Ok(())
    }

    async fn read(&self, item: &SourceItem, _: Option<&str>) -> Result<Read, SourceError> {
        let location = self.location(&item.key)?;
        let got = match tokio::time::timeout(TIMEOUT, self.store.get(&location)).await {
            Err(_) => return Err(no_answer()),
            Ok(Err(object_store::Error::NotFound { .. })) => return Ok(Read::Gone),
            Ok(got) => got.map_err(|error| from_store(&error))?,
        };
        let size = Some(got.meta.size);
        let bytes = got.into_stream().map_err(std::io::Error::other);
        Ok(Read::Bytes { reader: Box::new(StreamReader::new(bytes)), size, validator: None })
    }
}

/// Tells one state of an object from another.
fn fingerprint(object: &ObjectMeta) -> String {
    match &object.e_tag {
        Some(tag) => format!("{} {tag}", object.size),
        None => format!("{} {}", object.size, object.last_modified.to_rfc3339()),
    }
}

async fn bounded<T>(work: impl Future<Output = object_store::Result<T>>) -> Result<T, SourceError> {
    let answered = tokio::time::timeout(TIMEOUT, work).await.map_err(|_| no_answer())?;
    answered.map_err(|error| from_store(&error))
}

fn no_answer() -> SourceError {
    SourceError::Unavailable(format!("the bucket gave no answer within {} s", TIMEOUT.as_secs()))
}

fn from_store(error: &object_store::Error) -> SourceError {
    use object_store::Error::{InvalidPath, PermissionDenied, Unauthenticated};
    match error {
        InvalidPath { .. } => SourceError::Refused(error.to_string()),
        // Rights are given back, and keys are renewed: it is asked again.
        PermissionDenied { .. } | Unauthenticated { .. } => {
            SourceError::Unavailable(format!("the bucket refuses the keys: {error}"))
        }
        other => SourceError::Unavailable(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use object_store::memory::InMemory;
    use tokio::io::AsyncReadExt as _;

    use super::*;

    async fn listed(objects: &Objects) -> Vec<Listed> {
        let (found, mut listed) = Found::channel();
        objects.list(found).await.unwrap();
        let mut all = Vec::new();
        while let Some(one) = listed.recv().await {
            all.push(one);
        }
        all
    }

    fn item(listed: &Listed) -> &SourceItem {
        let Listed::Item(item) = listed else { panic!("{listed:?} is no item") };
        item
    }

    #[tokio::test]
    async fn objects_below_the_prefix_are_listed_and_read_and_told_from_their_next_states() {
        let store = Arc::new(InMemory::new());
        let put = async |key: &str, bytes: &'static str| store.put(&Key::from(key), bytes.into()).await.unwrap();
        put("docs/a.md", "one").await;
        put("docs/x/b c.md", "two").await;
        put("docs-of-others/d.md", "three").await;
        let objects = Objects::new(store.clone(), "docs/", Selection::default()).unwrap();
        let first = listed(&objects).await;
        let [a, b] = &first[..] else { panic!("{first:?}") };
        assert_eq!((item(a).key.as_str(), item(b).key.as_str(), item(b).size), ("a.md", "x/b c.md", Some(3)));
        let Read::Bytes { mut reader, size, .. } = objects.read(item(b), None).await.unwrap() else {
            panic!("it is there")
        };
        let mut text = String::new();
        reader.read_to_string(&mut text).await.unwrap();
        assert_eq!((text.as_str(), size), ("two", Some(3)));

        assert_eq!(listed(&objects).await, first);
        put("docs/a.md", "six").await;
        let second = listed(&objects).await;
        assert_ne!(item(&second[0]).fingerprint, item(a).fingerprint, "of the same size");
        store.delete(&Key::from("docs/a.md")).await.unwrap();
        assert!(matches!(objects.read(item(a), None).await.unwrap(), Read::Gone));
        assert_eq!(listed(&Objects::new(store, "", Selection::default()).unwrap()).await.len(), 2);
    }

    #[tokio::test]
    async fn an_object_that_cannot_be_asked_for_is_named_and_the_others_are_followed() {
        let listing = names::askable("<Key>docs//b.md</Key><Key>docs/x/</Key><Key>docs/a.md</Key>");
        let keys: Vec<&str> = listing.split("<Key>").skip(1).map(|at| at.split_once("</Key>").unwrap().0).collect();
        let object = |key: &str, size| ObjectMeta {
            location: Key::parse(key).unwrap(),
            last_modified: chrono::DateTime::UNIX_EPOCH,
            size,
            e_tag: Some("tag".to_owned()),
            version: None,
        };
        for (prefix, cut) in [("docs", "/b.md"), ("", "docs//b.md")] {
            let objects = Objects::new(Arc::new(InMemory::new()), prefix, Selection::default()).unwrap();
            let one = objects.listed(&object(keys[0], 1));
            assert_eq!(item(&one).key, cut);
            assert!(item(&one).problem.as_ref().unwrap().contains("`docs//b.md`"), "{one:?}");
            assert_eq!(objects.listed(&object(keys[1], 0)), Listed::PassedOver, "the marker of a folder");
            assert!(item(&objects.listed(&object(keys[1], 1))).problem.is_some());
            assert_eq!(item(&objects.listed(&object(keys[2], 1))).problem, None);
        }
    }
}
