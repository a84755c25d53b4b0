//! Asking a website for pages: one request at a time, with a pause, and only of the hosts that are followed.
//!
//! Depends on `reqwest`. Redirects are followed by hand, because each of them has to be allowed.

use std::{collections::BTreeSet, io::Read as _, sync::Arc, time::Duration};

use futures::TryStreamExt as _;
use reqwest::{Response, StatusCode, header, redirect};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, ReadBuf},
    sync::{Mutex, OwnedMutexGuard},
    time::Instant,
};
use tokio_util::io::StreamReader;
use url::{Host, Url};

use super::address::{PublicAddresses, is_public, refusal};
use crate::connectors::SourceError;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a site may say nothing.
const SILENT: Duration = Duration::from_secs(30);
/// How many redirects are followed.
const MAX_REDIRECTS: usize = 5;
/// The largest sitemap, in bytes: what the protocol allows.
const MAX_SITEMAP: u64 = 50 * 1024 * 1024;

/// The variables that name a proxy.
const PROXIES: [&str; 6] = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// How a site is treated.
#[derive(Debug, Clone, Copy)]
pub(in crate::connectors) struct Manners {
    /// The pause between two requests.
    pub(in crate::connectors) delay: Duration,
    /// Whether addresses of private networks may be asked.
    pub(in crate::connectors) private_network: bool,
}

/// A site, which is asked one thing at a time.
pub(super) struct Site {
    client: reqwest::Client,
    hosts: BTreeSet<String>,
    /// The port of the sitemap: others than it and the usual ones are other services.
    port: Option<u16>,
    manners: Manners,
    /// When the last answer had been read; held while one is.
    turn: Arc<Mutex<Option<Instant>>>,
}

/// What a site answers.
pub(super) enum Answer {
    /// The page is as it was.
    NotModified,
    /// There is no such page.
    Gone,
    /// The page.
    Found(Page),
}

/// What a page is asked with again.
#[derive(Serialize, Deserialize)]
struct Validator {
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
}

/// A page that is being sent; nothing else is asked of the site meanwhile.
pub(super) struct Page {
    response: Response,
    turn: Turn,
}

/// The right to ask. The pause begins when it ends.
pub(super) struct Turn(OwnedMutexGuard<Option<Instant>>);

impl Drop for Turn {
    fn drop(&mut self) {
        *self.0 = Some(Instant::now());
    }
}

impl Site {
    /// The site of a sitemap.
    pub(super) fn new(sitemap: &Url, hosts: &BTreeSet<String>, manners: Manners) -> Result<Self, SourceError> {
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .read_timeout(SILENT)
            .redirect(redirect::Policy::none())
            .pool_max_idle_per_host(1)
            .user_agent(concat!("footnote/", env!("CARGO_PKG_VERSION"), " (connector)"));
        if !manners.private_network {
            // A proxy of the environment would look the names up itself, and reach what it likes.
            builder = builder.dns_resolver(Arc::new(PublicAddresses)).no_proxy();
        }
        let client = builder.build().map_err(|error| SourceError::Refused(chain(&error)))?;
        let own = sitemap.host_str().map(str::to_owned);
        let hosts = hosts.iter().cloned().chain(own).collect();
        Ok(Self { client, hosts, port: sitemap.port(), manners, turn: Arc::default() })
    }

    /// Whether an address is one of this site.
    pub(super) fn allows(&self, url: &Url) -> bool {
        matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some_and(|host| self.hosts.contains(host))
            && (url.port().is_none() || url.port() == self.port)
            && url.username().is_empty()
            && url.password().is_none()
    }

    fn check(&self, url: &Url) -> Result<(), SourceError> {
        if !self.allows(url) {
            return Err(SourceError::Refused(format!("{url} is on another host: name it in `hosts`")));
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            _ => None,
        };
        match literal {
            Some(address) if !self.manners.private_network && !is_public(address) => {
                Err(SourceError::Refused(refusal(&address.to_string())))
            }
            _ => Ok(()),
        }
    }

    /// Waits until it is our turn, and the pause is over: as long as the page before takes, and no request.
    pub(super) async fn turn(&self) -> Turn {
        let turn = Turn(self.turn.clone().lock_owned().await);
        if let Some(last) = *turn.0 {
            tokio::time::sleep_until(last + self.manners.delay).await;
        }
        turn
    }

    /// Asks for a page; with a validator only for one that has changed.
    pub(super) async fn get(&self, turn: Turn, url: &Url, validator: Option<&str>) -> Result<Answer, SourceError> {
        let mut url = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            self.check(&url)?;
            let response = self.send(&url, validator).await?;
            match response.status() {
                StatusCode::NOT_MODIFIED if validator.is_some() => return Ok(Answer::NotModified),
                StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(Answer::Gone),
                status if status.is_redirection() => {
                    let to = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
                    let to = to.and_then(|to| url.join(to).ok());
                    url = to.ok_or_else(|| SourceError::Refused(format!("{url} redirects to nowhere ({status})")))?;
                }
                StatusCode::OK => return Ok(Answer::Found(Page { response, turn })),
                status => return Err(unexpected(&url, status)),
            }
        }
        Err(SourceError::Refused(format!("{url} redirects more than {MAX_REDIRECTS} times")))
    }

    async fn send(&self, url: &Url, validator: Option<&str>) -> Result<Response, SourceError> {
        let mut request = self.client.get(url.clone());
        // What this program wrote and cannot read any more is not asked with: the page is read again.
        if let Some(known) = validator.and_then(|text| serde_json::from_str::<Validator>(text).ok()) {
            let fields = [(header::IF_NONE_MATCH, known.etag), (header::IF_MODIFIED_SINCE, known.last_modified)];
            for (name, value) in fields.into_iter().filter_map(|(name, value)| Some((name, value?))) {
                request = request.header(name, value);
            }
        }
        let sent = tokio::time::timeout(CONNECT + SILENT, request.send()).await;
        let sent = sent.map_err(|_| SourceError::Unavailable(format!("{url} did not answer")))?;
        sent.map_err(|error| SourceError::Unavailable(chain(&error) + self.without_proxy(&error)))
    }

    /// What to say of a connection that failed where a proxy is set and not used.
    fn without_proxy(&self, error: &reqwest::Error) -> &'static str {
        let is_set = || PROXIES.iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
        match error.is_connect() && !self.manners.private_network && is_set() {
            true => {
                " (the proxy of the environment is used with `private_network = true` only: what it reaches is not known here)"
            }
            false => "",
        }
    }
}

impl Page {
    /// What the page is asked with next time; `None` where the site gives nothing for it.
    pub(super) fn validator(&self) -> Option<String> {
        let field = |name| self.response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let validator = Validator { etag: field(header::ETAG), last_modified: field(header::LAST_MODIFIED) };
        let any = validator.etag.is_some() || validator.last_modified.is_some();
        serde_json::to_string(&validator).ok().filter(|_| any)
    }

    /// Its bytes.
    pub(super) fn into_reader(self) -> Box<dyn AsyncRead + Unpin + Send> {
        let bytes = self.response.bytes_stream().map_err(|error| std::io::Error::other(chain(&error)));
        Box::new(Body { bytes: StreamReader::new(Box::pin(bytes)), _turn: self.turn })
    }

    /// Its text, unpacked where it is packed with gzip.
    pub(super) async fn text(self) -> Result<String, SourceError> {
        let mut bytes = Vec::new();
        let read = self.into_reader().take(MAX_SITEMAP + 1).read_to_end(&mut bytes).await;
        read.map_err(|error| SourceError::Unavailable(error.to_string()))?;
        let unpacked = tokio::task::spawn_blocking(move || unpack(bytes)).await;
        unpacked.unwrap_or_else(|error| Err(SourceError::Unavailable(error.to_string())))
    }
}

fn unpack(bytes: Vec<u8>) -> Result<String, SourceError> {
    let bytes = match bytes.starts_with(&[0x1f, 0x8b]) {
        false => bytes,
        true => {
            let mut unpacked = Vec::new();
            let read =
                flate2::read::MultiGzDecoder::new(bytes.as_slice()).take(MAX_SITEMAP + 1).read_to_end(&mut unpacked);
            read.map_err(|error| SourceError::Unavailable(format!("it cannot be unpacked: {error}")))?;
            unpacked
        }
    };
    if bytes.len() as u64 > MAX_SITEMAP {
        return Err(SourceError::Refused(format!("it is larger than {MAX_SITEMAP} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| SourceError::Refused("it is not UTF-8".to_owned()))
}

/// A body that is read while nothing else is asked.
struct Body<R> {
    bytes: R,
    _turn: Turn,
}

impl<R: AsyncRead + Unpin> AsyncRead for Body<R> {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.bytes).poll_read(context, buffer)
    }
}

/// What a status means that is no page.
fn unexpected(url: &Url, status: StatusCode) -> SourceError {
    let why = format!("{url} was answered with {status}");
    match status.as_u16() {
        408 | 425 | 429 | 500.. => SourceError::Unavailable(why),
        _ => SourceError::Refused(why),
    }
}

/// An error with what caused it: the outermost one says only that something failed.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text += &format!(": {inner}");
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Write as _;

    use super::*;

    fn site(private_network: bool) -> Site {
        crate::tls::prepare_clients();
        let manners = Manners { delay: Duration::ZERO, private_network };
        let hosts = BTreeSet::from(["www.example.org".to_owned()]);
        Site::new(&"https://example.org:8443/sitemap.xml".parse().unwrap(), &hosts, manners).unwrap()
    }

    #[test]
    fn only_the_site_itself_is_asked() {
        let site = site(false);
        for allowed in ["https://example.org:8443/a", "http://example.org/a", "https://www.example.org/"] {
            assert!(site.allows(&allowed.parse().unwrap()), "{allowed}");
        }
        for other in ["https://example.com/", "ftp://example.org/", "https://example.org:22/", "https://a@example.org/"]
        {
            assert!(!site.allows(&other.parse().unwrap()), "{other}");
        }
    }

    #[tokio::test]
    async fn this_machine_is_asked_only_when_that_is_allowed() {
        crate::tls::prepare_clients();
        let url: Url = "http://127.0.0.1:9/".parse().unwrap();
        let manners = |private_network| Manners { delay: Duration::ZERO, private_network };
        let site = |private_network| Site::new(&url, &BTreeSet::new(), manners(private_network)).unwrap();
        let (closed, open) = (site(false), site(true));
        let refused = closed.get(closed.turn().await, &url, None).await.err().unwrap();
        assert!(refused.to_string().contains("private_network"), "{refused}");
        let tried = open.get(open.turn().await, &url, None).await.err().unwrap();
        assert!(tried.is_transient(), "{tried}");
    }

    #[test]
    fn what_is_packed_is_unpacked_and_no_more_than_is_allowed() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(b"<urlset/>").unwrap();
        assert_eq!(unpack(packed.finish().unwrap()).unwrap(), "<urlset/>");
        let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let zeros = vec![b' '; 1024 * 1024];
        for _ in 0..60 {
            bomb.write_all(&zeros).unwrap();
        }
        assert!(unpack(bomb.finish().unwrap()).unwrap_err().to_string().contains("larger"));
        assert!(unpack(vec![0xff]).unwrap_err().to_string().contains("UTF-8"));
    }
}
