//! The clock, and who can reach the service.
//!
//! May depend on `config`, the metadata store and `tls`.

use chrono::{DateTime, Datelike, Utc};

use super::findings::{Finding, Findings};
use crate::{
    config::Config,
    metadata_store::{JobQuery, MetadataStore, MetadataStoreError},
    tls::Tls,
};

/// No machine that runs this program is older.
const FIRST_YEAR: i32 = 2026;
/// How far two clocks may be apart before it is told, in seconds.
const APART: i64 = 60;

/// Whether time passes here as the stores have seen it.
pub async fn clock(metadata: &dyn MetadataStore, findings: &mut Findings) -> Result<(), MetadataStoreError> {
    let now = Utc::now();
    let newest = metadata.jobs(JobQuery { limit: 1, ..JobQuery::default() }).await?;
    let seen = newest.items.first().map(|job| job.created_at.max(job.updated_at));
    findings.0.push(time_of(now, seen));
    Ok(())
}

fn time_of(now: DateTime<Utc>, seen: Option<DateTime<Utc>>) -> Finding {
    let mut findings = Findings::default();
    let remedy = "set the clock, and keep it right with NTP";
    match seen {
        _ if now.year() < FIRST_YEAR => findings.bad(
            "clock",
            format!("it is {} by the clock of this machine", now.format("%Y-%m-%d")),
            "certificates are refused, and times that are shown are wrong",
            remedy,
        ),
        Some(seen) if (seen - now).num_seconds() > APART => findings.bad(
            "clock",
            format!("the newest job is of {}, which is later than now", seen.format("%Y-%m-%d %H:%M:%S UTC")),
            "the clock was turned back, or that of the database is another: jobs are begun all the same, and waits are off",
            remedy,
        ),
        _ => findings.ok("clock", format!("it is {}", now.format("%Y-%m-%d %H:%M UTC"))),
    }
    findings.0.remove(0)
}

/// Who can reach the service, and whether they need a key.
pub async fn reach(
    config: &Config,
    metadata: &dyn MetadataStore,
    findings: &mut Findings,
) -> Result<(), MetadataStoreError> {
    let has_key = config.api_key.is_some() || config.jwt.is_some() || metadata.has_keys().await?;
    let listen = config.listen;
    match (config.listens_to_the_network(), has_key) {
        (true, false) => findings.bad(
            "keys",
            format!("the service would listen on {listen}, and there is no key"),
            "`footnote serve` refuses to start: everybody on the network could read the documents",
            "make a key with `footnote keys create`, set FOOTNOTE_API_KEY, or listen on 127.0.0.1",
        ),
        (true, true) => findings.ok("keys", format!("the service listens on {listen}, and requests need a key")),
        (false, true) => findings.ok("keys", format!("the service listens on {listen} only, and requests need a key")),
        (false, false) => {
            findings.ok(
                "keys",
                format!("the service listens on {listen} only, for programs of this machine, without a key"),
            );
        }
    }
    match &config.tls {
        Some((certificate, key)) => match Tls::read(certificate, key) {
            Ok(_) => findings.ok("tls", "certificate and key can be used"),
            Err(error) => findings.bad(
                "tls",
                error.to_string(),
                "the service cannot start",
                "look at `tls_certificate` and `tls_key`: both are files in PEM that this user can read",
            ),
        },
        None if config.listens_to_the_network() => findings.note(
            "tls",
            "the service speaks plain HTTP to the network",
            "whoever is on the way can read keys, questions and answers",
            "set `tls_certificate` and `tls_key`, or put a proxy with TLS in front of it",
        ),
        None => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_clock_that_was_turned_back_is_told() {
        let now: DateTime<Utc> = "2026-11-01T10:00:00Z".parse().unwrap();
        assert!(time_of(now, None).ok && time_of(now, Some(now + TimeDelta::seconds(30))).ok);
        let turned = time_of(now, Some(now + TimeDelta::hours(2)));
        assert!(!turned.ok && turned.what.contains("12:00:00"), "{turned:?}");
        assert!(!time_of("1970-01-01T00:00:10Z".parse().unwrap(), None).ok);
    }
}
