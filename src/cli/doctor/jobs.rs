//! Jobs that have failed or wait, grouped by their reasons.
//!
//! May depend on the metadata store.

use std::collections::BTreeMap;

use super::findings::Findings;
use crate::{
    domain::{Job, JobKind, JobState},
    metadata_store::{JobQuery, MetadataStore, MetadataStoreError},
};

/// So many jobs are read at a time.
const PAGE: u32 = 1_000;
/// So many failed jobs are looked at; of more the newest.
const AT_MOST: usize = 10_000;
/// So many documents of a group are named.
const NAMED: usize = 3;
/// A job that nobody has begun for so long has no worker, in seconds.
const LONG: f64 = 600.0;

/// What has failed, what is tried again without success, and what nobody begins.
pub async fn check(
    metadata: &dyn MetadataStore,
    alone: bool,
    findings: &mut Findings,
) -> Result<(), MetadataStoreError> {
    let (failed, more) = all(metadata, JobQuery { state: Some(JobState::Failed), ..JobQuery::default() }).await?;
    for jobs in groups(failed) {
        report(metadata, &jobs, findings).await;
    }
    if more {
        findings.note(
            "jobs",
            format!("more than {AT_MOST} jobs have failed, of which the newest were looked at"),
            "older reasons are not told here",
            "GET /v1/jobs?state=failed lists them all",
        );
    }
    let waiting = JobQuery { state: Some(JobState::Queued), kind: Some(JobKind::Deliver), ..JobQuery::default() };
    let (waiting, _) = all(metadata, waiting).await?;
    let retried: Vec<Job> = waiting.into_iter().filter(|job| job.error.is_some()).collect();
    for jobs in groups(retried) {
        let (webhook, reason) = (jobs.first().and_then(|job| job.webhook.as_deref()).unwrap_or("?"), reason(&jobs));
        findings.note(
            "webhooks",
            format!("{} deliveries to the webhook {webhook} have not arrived yet: {reason}", jobs.len()),
            "they are sent again, at longer and longer intervals",
            "look at the receiver, and at the webhook's address in the file of rules",
        );
    }
    for queued in metadata.queue().await? {
        let (kind, due, age) = (queued.kind.as_str(), queued.due, queued.oldest_due_seconds);
        let what = format!("{due} jobs of kind {kind} could be begun, the oldest for {:.0} minutes", age / 60.0);
        match age > LONG {
            true if alone => findings.ok("queue", format!("{what}: the service begins them when it is started")),
            true => findings.bad(
                "queue",
                what,
                "no worker takes them, or all are busy with others",
                "start `footnote worker`, or more of them; their logs say what they do",
            ),
            false => {}
        }
    }
    Ok(())
}

/// The jobs that fit, and whether there are more than are looked at.
async fn all(metadata: &dyn MetadataStore, query: JobQuery) -> Result<(Vec<Job>, bool), MetadataStoreError> {
    let (mut jobs, mut cursor) = (Vec::new(), None);
    loop {
        let page = metadata.jobs(JobQuery { cursor: cursor.take(), limit: PAGE, ..query.clone() }).await?;
        jobs.extend(page.items);
        match page.next_cursor {
            None => return Ok((jobs, false)),
            Some(_) if jobs.len() >= AT_MOST => return Ok((jobs, true)),
            next => cursor = next,
        }
    }
}

/// What jobs have in common: kind, webhook and reason.
type Group = (&'static str, Option<String>, String);

/// The jobs of each group, where reasons that differ in their numbers only are one.
fn groups(jobs: Vec<Job>) -> Vec<Vec<Job>> {
    let mut groups: BTreeMap<Group, Vec<Job>> = BTreeMap::new();
    for job in jobs {
        let reason = without_numbers(job.error.as_deref().unwrap_or_default());
        groups.entry((job.kind.as_str(), job.webhook.clone(), reason)).or_default().push(job);
    }
    groups.into_values().collect()
}

fn without_numbers(reason: &str) -> String {
    let mut kept = String::new();
    for character in reason.chars() {
        match character.is_ascii_digit() {
            true if kept.ends_with('#') => {}
            true => kept.push('#'),
            false => kept.push(character),
        }
    }
    kept
}

fn reason(jobs: &[Job]) -> &str {
    jobs.first().and_then(|job| job.error.as_deref()).unwrap_or("no reason was recorded")
}

/// Tells a group of failed jobs.
async fn report(metadata: &dyn MetadataStore, jobs: &[Job], findings: &mut Findings) {
    let Some(first) = jobs.first() else { return };
    let (kind, webhook) = (first.kind, first.webhook.as_deref());
    let mut names = Vec::new();
    for id in jobs.iter().filter_map(|job| job.document_id) {
        if names.len() == NAMED {
            break;
        }
        // Without a name it has been deleted meanwhile.
        let name = metadata.document(id).await.map_or_else(|_| id.to_string(), |document| document.name);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let first = first.id;
    let of = match (names.is_empty(), webhook) {
        (_, Some(webhook)) => format!(" to the webhook {webhook}"),
        (true, None) => String::new(),
        (false, None) => {
            format!(" of {}{}", names.join(", "), if jobs.len() > names.len() { " and others" } else { "" })
        }
    };
    let many = if jobs.len() == 1 { "job" } else { "jobs" };
    let what = format!("{} {} {many}{of} failed: {} (job {first})", jobs.len(), kind.as_str(), reason(jobs));
    let retry = format!("mend the cause, and POST /v1/jobs/{first}/retry");
    match kind {
        JobKind::Ingest => findings.bad(
            "jobs",
            what,
            "this version is not searched; an earlier one goes on answering, if there is one",
            format!("{retry}, or upload the file again; one that cannot be read can be deleted"),
        ),
        JobKind::Purge => findings.bad(
            "jobs",
            what,
            "what was deleted is not found any more, but its bytes have not all been removed",
            retry,
        ),
        JobKind::Reindex => {
            findings.bad("jobs", what, "the index before goes on answering", format!("{retry}, or `footnote reindex`"));
        }
        JobKind::Deliver => findings.bad(
            "webhooks",
            what,
            "the receiver has not heard of these outcomes, and they are not sent again by themselves",
            format!("{retry} within thirty days"),
        ),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use chrono::Utc;

    use super::*;
    use crate::domain::{JobId, JobPriority, JobStage};

    fn failed(kind: JobKind, webhook: Option<&str>, error: &str) -> Job {
        Job {
            id: JobId::new(),
            kind,
            document_id: None,
            version: None,
            generation: None,
            webhook: webhook.map(str::to_owned),
            priority: JobPriority::Normal,
            options: None,
            state: JobState::Failed,
            stage: JobStage::Waiting,
            progress: 0.0,
            attempts: 3,
            max_attempts: 3,
            error: Some(error.to_owned()),
            report: None,
            created_at: Utc::now(),
            updated_at: Utc::now(),
        }
    }

    #[test]
    fn reasons_that_differ_in_their_numbers_are_one_group() {
        let jobs = vec![
            failed(JobKind::Ingest, None, "page 12 of 400 cannot be read"),
            failed(JobKind::Ingest, None, "page 7 of 8 cannot be read"),
            failed(JobKind::Ingest, None, "it has a password"),
            failed(JobKind::Deliver, Some("desk"), "it answers 500"),
            failed(JobKind::Deliver, Some("crm"), "it answers 503"),
        ];
        let sizes: Vec<usize> = groups(jobs).iter().map(Vec::len).collect();
        assert_eq!(sizes, [1, 1, 1, 2]);
        assert_eq!(without_numbers("a 12 b 3c"), "a # b #c");
    }
}
