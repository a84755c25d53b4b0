//! What the values of single keys can be: each is read here, or refused with what it can be.
//!
//! May depend on `domain` and the rest of `config`.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    ConfigError, DatabaseUrl, InvalidOcrCommand, JwtIssuer, KeySource, LogFormat, OcrCommand, Secret, VectorUrl,
};
use crate::domain::{InvalidStages, Stages, personal_data::PersonalKind};

/// The longest that anything is waited for: a week.
const MAX_SECONDS: u64 = 7 * 24 * 60 * 60;

/// A share above 0 that `holds`, if one is set.
pub(super) fn share(
    key: &'static str,
    value: Option<f64>,
    holds: fn(f64) -> bool,
    range: &str,
) -> Result<Option<f64>, ConfigError> {
    match value {
        Some(share) if !(share > 0.0 && holds(share)) => {
            Err(invalid(key, share, &format!("give a share above 0 and {range}")))
        }
        share => Ok(share),
    }
}

/// The identity provider: all three keys, or none of them.
pub(super) fn jwt(
    keys: Option<String>,
    issuer: Option<String>,
    audience: Option<String>,
) -> Result<Option<JwtIssuer>, ConfigError> {
    let given = [&keys, &issuer, &audience].into_iter().flatten().count();
    match (keys, issuer, audience) {
        (Some(keys), Some(issuer), Some(audience)) => {
            // As an environment has it in which they are named and not set.
            for (key, value) in [("jwt_keys", &keys), ("jwt_issuer", &issuer), ("jwt_audience", &audience)] {
                if value.trim().is_empty() {
                    return Err(invalid(key, value, "it is empty: give all three, or none"));
                }
            }
            let keys = match keys {
                file if !file.contains("://") => KeySource::File(file.into()),
                address if address.starts_with("https://") => KeySource::Url(address),
                other => return Err(invalid("jwt_keys", other, "give a file, or an https:// address")),
            };
            Ok(Some(JwtIssuer { keys, issuer, audience }))
        }
        _ if given == 0 => Ok(None),
        _ => Err(invalid("jwt_keys", "alone", "give `jwt_keys`, `jwt_issuer` and `jwt_audience` together")),
    }
}

/// The certificate and its key: both, or neither.
pub(super) fn tls(
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
) -> Result<Option<(PathBuf, PathBuf)>, ConfigError> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
        (None, None) => Ok(None),
        (Some(file), None) => Err(invalid("tls_certificate", file.display(), "give `tls_key` with it")),
        (None, Some(file)) => Err(invalid("tls_key", file.display(), "give `tls_certificate` with it")),
    }
}

/// A limit that 0 switches off.
pub(super) fn some_number(number: u32) -> Option<u32> {
    (number > 0).then_some(number)
}

/// How lines of the log are written.
pub(super) fn log_format(word: Option<&str>) -> Result<LogFormat, ConfigError> {
    match word {
        None | Some("text") => Ok(LogFormat::Text),
        Some("json") => Ok(LogFormat::Json),
        Some(other) => Err(invalid("log_format", other, "use `text` or `json`")),
    }
}

/// The collector of traces: the setting, or else what OpenTelemetry's own variable says. Empty is none, as
/// OpenTelemetry has it.
pub(super) fn otlp_endpoint(setting: Option<String>, standard: Option<String>) -> Result<Option<String>, ConfigError> {
    let Some(url) = setting.or(standard).filter(|url| !url.is_empty()) else { return Ok(None) };
    match url::Url::parse(&url) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() => Ok(Some(url)),
        _ => Err(invalid(
            "otlp_endpoint",
            redacted(&url),
            "give an http:// or https:// address, such as http://127.0.0.1:4318",
        )),
    }
}

pub(super) fn absolute(key: &'static str, path: &Path) -> Result<PathBuf, ConfigError> {
    std::path::absolute(path).map_err(|error| invalid(key, path.display(), &error.to_string()))
}

pub(super) fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

pub(super) fn invalid(key: &'static str, value: impl std::fmt::Display, expected: &str) -> ConfigError {
    ConfigError::Invalid { key, value: value.to_string(), expected: expected.to_owned() }
}

pub(super) fn at_least<T: Copy + PartialOrd + std::fmt::Display>(
    key: &'static str,
    value: Option<T>,
    default: T,
    least: T,
) -> Result<T, ConfigError> {
    match value {
        Some(value) if value < least => Err(invalid(key, value, &format!("the least is {least}"))),
        Some(value) => Ok(value),
        None => Ok(default),
    }
}

/// A number from 1 on that something is made of or reckoned with: one too many zeros is an error here, and not a panic or
/// all of the memory later.
pub(super) fn some_of<T: Copy + PartialOrd + From<u8> + std::fmt::Display>(
    key: &'static str,
    value: Option<T>,
    default: T,
    most: T,
) -> Result<T, ConfigError> {
    match value {
        Some(value) if value < T::from(1) || value > most => Err(invalid(key, value, &format!("give 1 to {most}"))),
        value => Ok(value.unwrap_or(default)),
    }
}

pub(super) fn seconds(key: &'static str, value: Option<u64>, default: u64) -> Result<Duration, ConfigError> {
    some_of(key, value, default, MAX_SECONDS).map(Duration::from_secs)
}

pub(super) fn stages(switches: &str) -> Result<Stages, ConfigError> {
    switches.parse().map_err(|error: InvalidStages| invalid("stages", switches, &error.to_string()))
}

/// A command line, or `none`.
pub(super) fn ocr_command(line: Option<&str>) -> Result<Option<OcrCommand>, ConfigError> {
    match line.map(str::trim) {
        None | Some("none") => Ok(None),
        Some(line) => line.parse().map(Some).map_err(|error: InvalidOcrCommand| {
            let example = "such as `ocrmypdf --skip-text {input} {output}`, or `none`";
            invalid("ocr_command", line, &format!("{error}, {example}"))
        }),
    }
}

/// Names with commas. Addresses and telephone numbers are what many questions ask for, so they are not hidden unasked.
pub(super) fn redact(kinds: Option<&str>) -> Result<BTreeSet<PersonalKind>, ConfigError> {
    let Some(text) = kinds else {
        return Ok([PersonalKind::Secret, PersonalKind::Card, PersonalKind::Iban, PersonalKind::NationalId].into());
    };
    if text.trim() == "none" {
        return Ok(BTreeSet::new());
    }
    let names = PersonalKind::ALL.map(PersonalKind::as_str).join(", ");
    let kind = |name: &str| {
        let known = PersonalKind::ALL.into_iter().find(|kind| kind.as_str() == name.trim());
        known.ok_or_else(|| invalid("redact", text, &format!("give `none`, or some of {names}, with commas")))
    };
    text.split(',').map(kind).collect()
}

pub(super) fn database(url: Option<&str>, data_dir: &Path) -> Result<DatabaseUrl, ConfigError> {
    match url {
        None => Ok(DatabaseUrl::Sqlite(data_dir.join("footnote.db"))),
        Some(url) => match url.split_once("://") {
            Some(("sqlite", path)) if !path.is_empty() => Ok(DatabaseUrl::Sqlite(PathBuf::from(path))),
            Some(("postgres" | "postgresql", _)) => Ok(DatabaseUrl::Postgres(Secret::new(url))),
            _ => Err(invalid(
                "database_url",
                redacted(url),
                "use sqlite://FILE or postgres://USER:PASSWORD@HOST/DATABASE",
            )),
        },
    }
}

pub(super) fn vectors(
    url: Option<&str>,
    api_key: Option<String>,
    prefix: String,
    data_dir: &Path,
) -> Result<VectorUrl, ConfigError> {
    if prefix.is_empty() || !prefix.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
        return Err(invalid("vector_prefix", prefix, "use letters, digits, `_` and `-`"));
    }
    match url {
        None => Ok(VectorUrl::Edge(data_dir.join("vectors"))),
        Some(url) => match url.split_once("://") {
            Some(("edge", path)) if !path.is_empty() => Ok(VectorUrl::Edge(PathBuf::from(path))),
            Some(("http" | "https", host)) if !host.is_empty() => {
                Ok(VectorUrl::Server { url: url.to_owned(), api_key: api_key.map(Secret::new), prefix })
            }
            _ => Err(invalid("vector_url", redacted(url), "use edge://DIRECTORY or http://HOST:6334")),
        },
    }
}

/// A URL without what stands before an `@`: that may be a password.
fn redacted(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://***@{host}"),
        _ => url.to_owned(),
    }
}
