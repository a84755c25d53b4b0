//! The objects of a bucket below a prefix, over the `object_store` crate, whose types do not leave this module.
//!
//! An object is told from its next state by its entity tag, or by size and time where a store has none. Depends on
//! `object_store`; `s3://` needs the feature `s3`.

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _, local::LocalFileSystem, path::Path as Key};
use tokio_util::io::StreamReader;

use super::{Found, Listed, Read, Selection, Source, SourceError, SourceItem};
use crate::config::Secret;

/// How long one answer of the store may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Where a bucket is.
pub(super) struct Place<'a> {
    /// `s3://bucket/prefix`, or `file:///directory`.
    pub(super) url: &'a str,
    /// The address of the service.
    pub(super) endpoint: Option<&'a str>,
    /// The region.
    pub(super) region: Option<&'a str>,
    /// The access key and its secret.
    pub(super) keys: Option<&'a (Secret, Secret)>,
}

/// A bucket.
pub(super) struct BucketSource {
    store: Store,
    prefix: Key,
    selection: Selection,
}

/// Where the objects are.
enum Store {
    /// In a directory, which need not be there yet.
    Directory(PathBuf),
    /// In a service.
    #[cfg_attr(not(feature = "s3"), expect(dead_code, reason = "there is none in this build"))]
    Service(Arc<dyn ObjectStore>),
}

impl Store {
    /// The store, now.
    fn open(&self) -> Result<Arc<dyn ObjectStore>, SourceError> {
        match self {
            Self::Service(store) => Ok(store.clone()),
            Self::Directory(path) => {
                // An empty store and one whose directory is gone would be listed alike.
                let opened = LocalFileSystem::new_with_prefix(path);
                let opened =
                    opened.map_err(|error| SourceError::Unavailable(format!("{}: {error}", path.display())))?;
                Ok(Arc::new(opened))
            }
        }
    }
}

impl BucketSource {
    /// Opens a bucket.
    pub(super) fn open(place: &Place<'_>, selection: Selection) -> Result<Self, SourceError> {
        if let Some(path) = place.url.strip_prefix("file://") {
            return Ok(Self { store: Store::Directory(path.into()), prefix: Key::default(), selection });
        }
        Self::s3(place, selection)
    }

    #[cfg(feature = "s3")]
    fn s3(place: &Place<'_>, selection: Selection) -> Result<Self, SourceError> {
        let (bucket, prefix) =
            place.url.strip_prefix("s3://").map(|rest| rest.split_once('/').unwrap_or((rest, ""))).unwrap_or_default();
        let mut builder = object_store::aws::AmazonS3Builder::from_env().with_bucket_name(bucket);
        if let Some(endpoint) = place.endpoint {
            builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        if let Some(region) = place.region {
            builder = builder.with_region(region);
        }
        if let Some((key, secret)) = place.keys {
            builder = builder.with_access_key_id(key.expose()).with_secret_access_key(secret.expose());
        }
        let store = builder.build().map_err(|error| SourceError::Refused(error.to_string()))?;
        let prefix = Key::parse(prefix).map_err(|error| SourceError::Refused(error.to_string()))?;
        Ok(Self { store: Store::Service(Arc::new(store)), prefix, selection })
    }

    #[cfg(not(feature = "s3"))]
    fn s3(place: &Place<'_>, _: Selection) -> Result<Self, SourceError> {
        let asked = [place.endpoint.is_some(), place.region.is_some(), place.keys.is_some()].contains(&true);
        let with = if asked { ", and so do `endpoint`, `region` and keys" } else { "" };
        Err(SourceError::Refused(format!("`{}` needs a build with the `s3` feature{with}", place.url)))
    }

    /// What an object is to the connector.
    fn listed(&self, object: &ObjectMeta) -> Listed {
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

    fn location(&self, key: &str) -> Result<Key, SourceError> {
        let path = if self.prefix.as_ref().is_empty() { key.to_owned() } else { format!("{}/{key}", self.prefix) };
        Key::parse(path).map_err(|error| SourceError::Refused(error.to_string()))
    }
}

#[async_trait]
impl Source for BucketSource {
    async fn list(&self, found: Found) -> Result<(), SourceError> {
        let store = self.store.open()?;
        let prefix = Some(&self.prefix).filter(|prefix| !prefix.as_ref().is_empty());
        let mut objects = store.list(prefix);
        while let Some(object) = bounded(async { objects.next().await.transpose() }).await? {
            found.take(self.listed(&object)).await?;
        }
        Ok(())
    }

    async fn read(&self, item: &SourceItem, _: Option<&str>) -> Result<Read, SourceError> {
        let location = self.location(&item.key)?;
        let got = match tokio::time::timeout(TIMEOUT, self.store.open()?.get(&location)).await {
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
