//! A connector as it is written, and what it may say.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use glob::Pattern;
use serde::Deserialize;
use url::Url;

use super::{Connector, Secret, SourceConfig};
use crate::{
    domain::{ConnectorKind, DEFAULT_COLLECTION, Metadata},
    metadata_store::{check_access_labels, check_connector, check_description},
};

/// How long after a pass the next one begins when the file does not say.
const INTERVAL_SECONDS: u64 = 600;
/// The longest time between two passes: 30 days.
const MAX_INTERVAL_SECONDS: u64 = 30 * 24 * 3_600;
/// The longest time that a site is left alone between two requests: a pass gives each page 15 minutes, the pause included.
const MAX_DELAY_SECONDS: f64 = 600.0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    connectors: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) name: String,
    kind: ConnectorKind,
    collection: Option<String>,
    prefix: Option<String>,
    #[serde(default)]
    include: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
    interval_seconds: Option<u64>,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    access: BTreeSet<String>,
    most_deleted: Option<f64>,
    path: Option<PathBuf>,
    hidden: Option<bool>,
    url: Option<String>,
    endpoint: Option<String>,
    region: Option<String>,
    access_key_env: Option<String>,
    secret_key_env: Option<String>,
    hosts: Option<BTreeSet<String>>,
    delay_seconds: Option<f64>,
    private_network: Option<bool>,
    ask_every_page: Option<bool>,
    branch: Option<String>,
    folder: Option<String>,
    token_env: Option<String>,
}

/// The connectors of a file.
pub(super) fn parse(text: &str) -> Result<Vec<Written>, String> {
    // The message of the parser shows the line, and a line may hold a password.
    let file: File = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| text.get(..span.start).unwrap_or_default().lines().count().max(1));
        format!("line {line}: {}", error.message())
    })?;
    Ok(file.connectors)
}

impl Written {
    /// The connector, if it can be followed.
    pub(super) fn check(self, variable: &impl Fn(&str) -> Option<String>) -> Result<Connector, String> {
        check_connector(&self.name).map_err(|error| error.to_string())?;
        self.check_keys()?;
        let collection = self.collection.clone().unwrap_or_else(|| DEFAULT_COLLECTION.to_owned());
        let prefix = self.prefix.clone().unwrap_or_default();
        check_description(&collection, &format!("{prefix}x"), &self.metadata).map_err(|error| error.to_string())?;
        let access: Vec<String> = self.access.iter().cloned().collect();
        check_access_labels(&access).map_err(|error| error.to_string())?;
        let seconds = self.interval_seconds.unwrap_or(INTERVAL_SECONDS);
        if !(1..=MAX_INTERVAL_SECONDS).contains(&seconds) {
            return Err(format!("interval_seconds must be 1 to {MAX_INTERVAL_SECONDS}, not {seconds}"));
        }
        let most_deleted = self.most_deleted.unwrap_or(0.5);
        if !(most_deleted > 0.0 && most_deleted <= 1.0) {
            return Err(format!("most_deleted must be above 0 and up to 1, not {most_deleted}"));
        }
        Ok(Connector {
            source: self.source(variable)?,
            include: patterns(&self.include)?,
            exclude: patterns(&self.exclude)?,
            interval: Duration::from_secs(seconds),
            name: self.name,
            collection,
            prefix,
            metadata: self.metadata,
            access,
            most_deleted,
        })
    }

    /// Refuses a key of another kind: it would do nothing, and somebody counts on it.
    fn check_keys(&self) -> Result<(), String> {
        use ConnectorKind::{Bucket, Folder, Git, Sitemap};
        let given: [(&str, bool, &[ConnectorKind]); 14] = [
            ("path", self.path.is_some(), &[Folder]),
            ("hidden", self.hidden.is_some(), &[Folder]),
            ("url", self.url.is_some(), &[Bucket, Sitemap, Git]),
            ("endpoint", self.endpoint.is_some(), &[Bucket]),
            ("region", self.region.is_some(), &[Bucket]),
            ("access_key_env", self.access_key_env.is_some(), &[Bucket]),
            ("secret_key_env", self.secret_key_env.is_some(), &[Bucket]),
            ("hosts", self.hosts.is_some(), &[Sitemap]),
            ("delay_seconds", self.delay_seconds.is_some(), &[Sitemap]),
            ("private_network", self.private_network.is_some(), &[Sitemap]),
            ("ask_every_page", self.ask_every_page.is_some(), &[Sitemap]),
            ("branch", self.branch.is_some(), &[Git]),
            ("folder", self.folder.is_some(), &[Git]),
            ("token_env", self.token_env.is_some(), &[Git]),
        ];
        match given.iter().find(|(_, is_given, kinds)| *is_given && !kinds.contains(&self.kind)) {
            Some((key, ..)) => {
                Err(format!("a connector of the kind {} has no `{key}`: leave it out", self.kind.as_str()))
            }
            None => Ok(()),
        }
    }

    fn source(&self, variable: &impl Fn(&str) -> Option<String>) -> Result<SourceConfig, String> {
        let url = || self.url.clone().ok_or_else(|| "it needs a `url`".to_owned());
        match self.kind {
            ConnectorKind::Folder => {
                let path = self.path.clone().ok_or("it needs a `path`: the folder")?;
                if !path.is_absolute() {
                    return Err(format!("its `path` must be absolute, not `{}`", path.display()));
                }
                Ok(SourceConfig::Folder { path, hidden: self.hidden.unwrap_or(false) })
            }
            ConnectorKind::Bucket => self.bucket(url()?, variable),
            ConnectorKind::Sitemap => self.sitemap(&url()?),
            ConnectorKind::Git => self.git(url()?, variable),
        }
    }

    fn bucket(&self, url: String, variable: &impl Fn(&str) -> Option<String>) -> Result<SourceConfig, String> {
        if !url.starts_with("s3://") && !url.starts_with("file:///") {
            return Err("its `url` must be s3://bucket/prefix or file:///directory".to_owned());
        }
        let keys = match (&self.access_key_env, &self.secret_key_env) {
            (Some(key), Some(secret)) => Some((secret_of(key, variable)?, secret_of(secret, variable)?)),
            (None, None) => None,
            _ => return Err("give `access_key_env` and `secret_key_env` together".to_owned()),
        };
        Ok(SourceConfig::Bucket { url, endpoint: self.endpoint.clone(), region: self.region.clone(), keys })
    }

    fn sitemap(&self, url: &str) -> Result<SourceConfig, String> {
        let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = parsed.ok_or("its `url` must start with http:// or https://")?;
        without_password(&url)?;
        if !url.username().is_empty() {
            return Err("its `url` must not hold a user name: pages behind a login are not followed".to_owned());
        }
        let hosts: BTreeSet<String> = self.hosts.iter().flatten().map(|name| host(name)).collect::<Result<_, _>>()?;
        let delay = self.delay_seconds.unwrap_or(1.0);
        if !(0.0..=MAX_DELAY_SECONDS).contains(&delay) {
            return Err(format!("delay_seconds must be 0 to {MAX_DELAY_SECONDS}, not {delay}"));
        }
        Ok(SourceConfig::Sitemap {
            url,
            hosts,
            delay: Duration::from_secs_f64(delay),
            private_network: self.private_network.unwrap_or(false),
            ask_every_page: self.ask_every_page.unwrap_or(false),
        })
    }

    fn git(&self, url: String, variable: &impl Fn(&str) -> Option<String>) -> Result<SourceConfig, String> {
        let parsed =
            Url::parse(&url).ok().filter(|url| matches!(url.scheme(), "https" | "http" | "ssh" | "git" | "file"));
        let parsed = parsed.ok_or("its `url` must start with https://, http://, ssh://, git:// or file://")?;
        without_password(&parsed)?;
        if matches!(parsed.scheme(), "http" | "https") && !parsed.username().is_empty() {
            return Err(
                "its `url` must not hold a user name: many hosts take a token there, and it is shown in logs; name \
                        the variable with the token in `token_env`, or the user in git's `credential.username`"
                    .to_owned(),
            );
        }
        if let Some(branch) = &self.branch
            && !is_branch(branch)
        {
            return Err(format!("`{branch}` cannot be the name of a branch"));
        }
        let folder = self.folder.as_deref().unwrap_or_default().trim_matches('/').to_owned();
        if folder.split('/').any(|part| matches!(part, "." | "..")) || folder.chars().any(char::is_control) {
            return Err(format!("its `folder` must be a path in the repository, not `{folder}`"));
        }
        if self.token_env.is_some() && parsed.scheme() != "https" {
            return Err("a token is sent to https:// only".to_owned());
        }
        let token = self.token_env.as_ref().map(|name| secret_of(name, variable)).transpose()?;
        Ok(SourceConfig::Git { url, branch: self.branch.clone(), folder, token })
    }
}

/// The address is shown in logs and errors.
fn without_password(url: &Url) -> Result<(), String> {
    match url.password().is_some() {
        true => Err("its `url` must not hold a password: it is shown in logs".to_owned()),
        false => Ok(()),
    }
}

/// The name of a host as addresses have it: any other spelling would match none.
fn host(name: &str) -> Result<String, String> {
    let parsed = url::Host::parse(name).map_err(|error| {
        format!("`{name}` in `hosts` is no name of a host ({error}): give it without scheme, port and path")
    });
    Ok(parsed?.to_string())
}

fn secret_of(name: &str, variable: &impl Fn(&str) -> Option<String>) -> Result<Secret, String> {
    let value = variable(name).filter(|value| !value.is_empty());
    value.map(Secret::new).ok_or_else(|| format!("the variable {name} that holds its secret is not set"))
}

fn patterns(written: &[String]) -> Result<Vec<Pattern>, String> {
    written.iter().map(|text| Pattern::new(text).map_err(|error| format!("the pattern `{text}`: {error}"))).collect()
}

/// What `git check-ref-format` asks of a branch, and no option.
fn is_branch(name: &str) -> bool {
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    !name.starts_with('-')
        && !name.ends_with('.')
        && !name.contains("..")
        && !name.contains("@{")
        && name != "@"
        && name.split('/').all(part)
        && !name.chars().any(|c| c.is_control() || " ~^:?*[\\".contains(c))
}
