//! The pages of a website that its sitemap lists (sitemaps.org 0.9), also through an index of sitemaps.
//!
//! A page whose `lastmod` is as it was is not asked for; others are asked whether they have changed (RFC 9110, conditional
//! requests). One request at a time, with a pause between two, of the site's own host and of no other.

mod address;
mod fetch;
mod xml;

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use url::Url;

pub(super) use self::fetch::Manners;
use self::{
    fetch::{Answer, Site},
    xml::Sitemap,
};
use super::{Found, Listed, Read, Selection, Source, SourceError, SourceItem};

/// How many sitemaps an index may list: what the protocol allows.
const MAX_SITEMAPS: usize = 50_000;
/// How long reading one sitemap may take.
const SITEMAP: Duration = Duration::from_secs(300);

/// A website.
pub(super) struct SitemapSource {
    url: Url,
    site: Site,
    ask_every_page: bool,
    selection: Selection,
}

impl SitemapSource {
    /// The website with a sitemap at `url`, and the other hosts whose pages are followed.
    pub(super) fn new(
        url: Url,
        hosts: &BTreeSet<String>,
        manners: Manners,
        ask_every_page: bool,
        selection: Selection,
    ) -> Result<Self, SourceError> {
        Ok(Self { site: Site::new(&url, hosts, manners)?, url, ask_every_page, selection })
    }

    /// Reads a sitemap. `limit` is for the reading; it begins when it is our turn.
    async fn sitemap(&self, url: &Url, limit: Duration) -> Result<Sitemap, SourceError> {
        let about = |error: SourceError| SourceError::Unavailable(format!("the sitemap {url}: {error}"));
        let turn = self.site.turn().await;
        let read = async {
            match self.site.get(turn, url, None).await? {
                Answer::Found(page) => page.text().await,
                Answer::Gone => Err(SourceError::Unavailable("it is not there".to_owned())),
                Answer::NotModified => Err(SourceError::Unavailable("nothing was answered".to_owned())),
            }
        };
        let text = tokio::time::timeout(limit, read).await;
        let text = text
            .unwrap_or_else(|_| Err(SourceError::Unavailable(format!("it was not read within {} s", limit.as_secs()))));
        let text = text.map_err(about)?;
        let parsed = tokio::task::spawn_blocking(move || xml::parse(&text)).await;
        let parsed = parsed.unwrap_or_else(|error| Err(error.to_string()));
        parsed.map_err(|why| about(SourceError::Unavailable(why)))
    }

    /// What an entry of a sitemap is to the connector.
    fn listed(&self, entry: xml::Entry, seen: &mut HashSet<[u8; 32]>) -> Option<Listed> {
        let Ok(mut url) = self.url.join(&entry.location) else { return Some(Listed::PassedOver) };
        url.set_fragment(None);
        let path = url.path().trim_start_matches('/');
        if !self.site.allows(&url) || !self.selection.takes(path) {
            return Some(Listed::PassedOver);
        }
        // An item is listed once, also where two sitemaps name it.
        if !seen.insert(Sha256::digest(url.as_str()).into()) {
            return None;
        }
        let fingerprint = entry.last_modified.filter(|_| !self.ask_every_page);
        Some(Listed::Item(SourceItem { key: url.into(), fingerprint, ..SourceItem::default() }))
    }
}

#[async_trait]
impl Source for SitemapSource {
    async fn list(&self, found: Found) -> Result<(), SourceError> {
        let (mut waiting, mut seen) = (vec![self.url.clone()], HashSet::new());
        let mut first_error = None;
        let mut is_first = true;
        while let Some(url) = waiting.pop() {
            match (self.sitemap(&url, SITEMAP).await, is_first) {
                (Err(error), true) => return Err(error),
                // The pages of the others are followed all the same.
                (Err(error), false) => {
                    first_error.get_or_insert(error);
                }
                (Ok(Sitemap::Pages(pages)), _) => {
                    for listed in pages.into_iter().filter_map(|page| self.listed(page, &mut seen)) {
                        found.take(listed).await?;
                    }
                }
                (Ok(Sitemap::Index(sitemaps)), true) => {
                    if sitemaps.len() > MAX_SITEMAPS {
                        let why = format!("the index lists more than {MAX_SITEMAPS} sitemaps");
                        return Err(SourceError::Refused(why));
                    }
                    for location in sitemaps.into_iter().rev() {
                        match self.url.join(&location).ok().filter(|url| self.site.allows(url)) {
                            Some(url) => waiting.push(url),
                            None => {
                                let why = format!("the sitemap {location} is on another host: name it in `hosts`");
                                first_error.get_or_insert(SourceError::Refused(why));
                            }
                        }
                    }
                }
                (Ok(Sitemap::Index(_)), false) => {
                    let why = format!("{url} is an index of sitemaps in an index, which the protocol does not allow");
                    first_error.get_or_insert(SourceError::Refused(why));
                }
            }
            is_first = false;
        }
        first_error.map_or(Ok(()), Err)
    }

    async fn read(&self, item: &SourceItem, validator: Option<&str>) -> Result<Read, SourceError> {
        let url = Url::parse(&item.key).map_err(|error| SourceError::Refused(error.to_string()))?;
        Ok(match self.site.get(self.site.turn().await, &url, validator).await? {
            Answer::NotModified => Read::Unchanged,
            Answer::Gone => Read::Gone,
            Answer::Found(page) => {
                let validator = page.validator();
                Read::Bytes { reader: page.into_reader(), size: None, validator }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn waiting_for_a_page_that_is_slow_costs_a_sitemap_no_time() {
        crate::tls::prepare_clients();
        // Nothing listens there.
        let url: Url = "http://127.0.0.1:9/sitemap.xml".parse().unwrap();
        let manners = Manners { delay: Duration::ZERO, private_network: true };
        let source = SitemapSource::new(url.clone(), &BTreeSet::new(), manners, false, Selection::default()).unwrap();
        let page = source.site.turn().await;
        let mut read = std::pin::pin!(source.sitemap(&url, Duration::ZERO));
        let early = tokio::time::timeout(Duration::from_millis(100), &mut read).await;
        assert!(early.is_err(), "it waits for its turn, and its time has not begun");
        drop(page);
        assert!(read.await.is_err());
    }
}
