//! The objects of a bucket below a prefix, over the `object_store` crate, whose types do not leave this module.
//!
//! A bucket needs a build with the feature `s3`. One that is a directory is followed by `folder`: what this crate lists of
//! a directory leads over links to anywhere, and leaves out what cannot be looked at as if it were not there.

#[cfg(feature = "s3")]
mod answers;
#[cfg(any(feature = "s3", test))]
mod names;
#[cfg(any(feature = "s3", test))]
mod objects;

use std::sync::Arc;

use super::{Selection, Source, SourceError};
use crate::config::Secret;

/// Where a bucket is.
pub(super) struct Place<'a> {
    /// `s3://bucket/prefix`.
    pub(super) url: &'a str,
    /// The address of the service.
    pub(super) endpoint: Option<&'a str>,
    /// The region.
    pub(super) region: Option<&'a str>,
    /// The access key and its secret.
    pub(super) keys: Option<&'a (Secret, Secret)>,
}

/// Opens a bucket.
#[cfg(feature = "s3")]
pub(super) fn open(place: &Place<'_>, selection: Selection) -> Result<Arc<dyn Source>, SourceError> {
    let (bucket, prefix) =
        place.url.strip_prefix("s3://").map(|rest| rest.split_once('/').unwrap_or((rest, ""))).unwrap_or_default();
    let mut builder =
        object_store::aws::AmazonS3Builder::from_env().with_bucket_name(bucket).with_http_connector(answers::Connector);
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
    Ok(Arc::new(objects::Objects::new(Arc::new(store), prefix, selection)?))
}

/// There is none in this build.
#[cfg(not(feature = "s3"))]
pub(super) fn open(place: &Place<'_>, _: Selection) -> Result<Arc<dyn Source>, SourceError> {
    let asked = [place.endpoint.is_some(), place.region.is_some(), place.keys.is_some()].contains(&true);
    let with = if asked { ", and so do `endpoint`, `region` and keys" } else { "" };
    Err(SourceError::Refused(format!("`{}` needs a build with the `s3` feature{with}", place.url)))
}
