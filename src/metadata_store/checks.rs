//! What the contract asks of its arguments, checked once for every backend and before any database is asked.
//!
//! Depends on `domain` only. The limits are those of the narrower database: Postgres stores no NUL character and
//! indexes no value above 2,704 bytes, so neither backend accepts them.

mod feedback;

use std::{collections::BTreeSet, time::Duration};

pub(super) use feedback::*;
use serde_json::Value;

use super::{
    AuditQuery, ConversationQuery, DocumentQuery, IngestCommit, MetadataStoreError, NewAdapter, NewAuditEntry,
    NewEvaluation, NewKey, NewPromotion, NewUpload, OutcomeRecord, SeenItem, StoreResult, UnansweredQuery,
};
use crate::domain::{Chunk, ChunkId, DocumentId, GenerationNumber, Metadata, Turn};

/// The longest name of a collection, in bytes.
const MAX_COLLECTION: usize = 255;
/// The longest name of a document, in bytes.
const MAX_NAME: usize = 1_024;
/// The longest metadata, in bytes of JSON.
const MAX_METADATA: usize = 65_536;
/// The longest card of a training run, in bytes of JSON.
const MAX_CARD: usize = 1_048_576;
/// The longest reason that somebody gives, in bytes.
const MAX_REASON: usize = 4_096;
/// The most entries on a page.
const MAX_PAGE: u32 = 1_000;
/// The most unanswered questions that are read at once.
const MAX_OPEN_QUESTIONS: u32 = 10_000;
/// The longest lease: a worker that needs longer sends heartbeats.
const MAX_LEASE: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest name of a connector, in bytes.
const MAX_CONNECTOR: usize = 64;
/// The longest time between two passes of a connector.
const MAX_INTERVAL: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// The most access labels of a document.
const MAX_LABELS: usize = 64;

/// The longest report of a job, in bytes of JSON.
const MAX_REPORT: usize = 65_536;

fn invalid<T>(why: impl Into<String>) -> StoreResult<T> {
    Err(MetadataStoreError::Invalid(why.into()))
}

/// An upload that can be recorded.
pub(super) fn upload(upload: &NewUpload) -> StoreResult<()> {
    description(&upload.collection, &upload.name, &upload.metadata)?;
    access_labels(&upload.access)?;
    sum(&upload.sha256)?;
    size(upload.size_bytes).map(drop)
}

/// The name of a connector: it stands in addresses and in names of folders.
pub fn connector(name: &str) -> StoreResult<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match (1..=MAX_CONNECTOR).contains(&name.len()) && name.chars().all(allowed) {
        true => Ok(()),
        false => invalid(format!(
            "the name of a connector is 1 to {MAX_CONNECTOR} letters, digits, `-` and `_` of ASCII, not `{name}`"
        )),
    }
}

/// An item that can be recorded.
pub(super) fn seen_item(seen: &SeenItem) -> StoreResult<()> {
    label("the item", &seen.item, MAX_NAME)?;
    for (what, text) in [("the fingerprint", Some(&seen.fingerprint)), ("the validator", seen.validator.as_ref())] {
        if let Some(text) = text {
            if text.len() > MAX_REASON {
                return invalid(format!("{what} has more than the {MAX_REASON} bytes that are allowed"));
            }
            no_nul(what, text)?;
        }
    }
    match &seen.error {
        Some(error) if error.is_empty() => invalid("a failure has a reason"),
        _ => Ok(()),
    }
}

/// So many items that they can be asked for together.
pub(super) fn some_items(items: &[String]) -> StoreResult<()> {
    match items.len() <= MAX_PAGE as usize {
        true => Ok(()),
        false => invalid(format!("at most {MAX_PAGE} items are asked for together, not {}", items.len())),
    }
}

/// A report that can be recorded.
pub(super) fn report(report: &Value) -> StoreResult<()> {
    if !report.is_object() {
        return invalid("the report of a job is no JSON object");
    }
    if report.to_string().len() > MAX_REPORT {
        return invalid(format!("the report of a job is longer than {MAX_REPORT} bytes"));
    }
    json_without_nul("the report of a job", report)
}

/// An adapter that can be recorded.
pub(super) fn adapter(adapter: &NewAdapter) -> StoreResult<()> {
    label("the name", &adapter.name, MAX_COLLECTION)?;
    sum(&adapter.sha256)?;
    sum(&adapter.base_sha256)?;
    for version in &adapter.data_versions {
        label("a data version", version, MAX_NAME)?;
    }
    if !adapter.run.is_object() {
        return invalid("the card of the run is no JSON object");
    }
    json_without_nul("the card of the run", &adapter.run)?;
    let bytes = adapter.run.to_string().len();
    if bytes > MAX_CARD {
        return invalid(format!("the card of the run has {bytes} bytes, more than the {MAX_CARD} that are allowed"));
    }
    size(adapter.size_bytes).map(drop)
}

/// An evaluation that can be recorded.
pub(super) fn evaluation(evaluation: &NewEvaluation) -> StoreResult<()> {
    label("the name of the run", &evaluation.run, MAX_COLLECTION)?;
    label("the name of the suite", &evaluation.suite, MAX_COLLECTION)?;
    sum(&evaluation.run_sha256)?;
    sum(&evaluation.suite_sha256)?;
    for adapter in evaluation.adapters.reader.iter().chain(&evaluation.adapters.generator) {
        sum(adapter)?;
    }
    for figure in &evaluation.figures.figures {
        label("the name of a figure", &figure.metric, MAX_COLLECTION)?;
        if ![figure.value, figure.low, figure.high].iter().all(|value| value.is_finite()) {
            return invalid(format!("the figure `{}` is not a finite number", figure.metric));
        }
    }
    Ok(())
}

/// A promotion that can be recorded.
pub(super) fn promotion(promotion: &NewPromotion) -> StoreResult<()> {
    if let Some(grounds) = &promotion.grounds {
        let figures = [grounds.serving, grounds.candidate, grounds.difference, grounds.low, grounds.high];
        if !figures.iter().chain([&grounds.p_value]).all(|value| value.is_finite()) {
            return invalid(format!("the comparison of `{}` holds what is not a finite number", grounds.metric));
        }
    }
    let Some(forced) = &promotion.forced else { return Ok(()) };
    if forced.reason.trim().is_empty() {
        return invalid("a promotion is forced with a reason: say why");
    }
    if forced.reason.len() > MAX_REASON {
        return invalid(format!("the reason has more than the {MAX_REASON} bytes that are allowed"));
    }
    no_nul("the reason", &forced.reason)?;
    no_nul("the refusal", &forced.refusal)
}

/// The name of a collection: for whoever wants to know before anything is done.
pub fn collection(name: &str) -> StoreResult<()> {
    label("the collection", name, MAX_COLLECTION)
}

/// What can be recorded of an outcome.
pub(super) fn outcome(record: &OutcomeRecord) -> StoreResult<()> {
    collection(&record.collection)?;
    if !(0.0..=1.0).contains(&record.confidence) {
        return invalid(format!("the confidence {} is not in 0 to 1", record.confidence));
    }
    if let Some(conversation) = &record.conversation {
        turn(&conversation.turn)?;
    }
    if let Some(unanswered) = &record.unanswered {
        label("the embedder", &unanswered.embedder, MAX_NAME)?;
        no_nul("the question", &unanswered.question)?;
        no_nul("the question as it was understood", unanswered.interpreted.as_deref().unwrap_or_default())?;
        no_nul("the question as it is compared", &unanswered.asked_as)?;
        if !unanswered.vector.iter().all(|value| value.is_finite()) {
            return invalid("the question's vector holds what is not a finite number");
        }
    }
    no_nul("the question as it is compared", record.settles.as_deref().unwrap_or_default())?;
    for delivery in &record.deliveries {
        label("the name of a webhook", &delivery.webhook, MAX_COLLECTION)?;
        no_nul("what is delivered", &delivery.body)?;
    }
    Ok(())
}

fn turn(turn: &Turn) -> StoreResult<()> {
    let texts = [Some(&turn.question), turn.interpreted.as_ref(), turn.answer.as_ref(), turn.short_answer.as_ref()];
    let sources = turn.sources.iter().flat_map(|source| [Some(&source.name), source.heading.as_ref()]);
    let mut texts = texts.into_iter().chain(sources).flatten().chain(&turn.clarify);
    texts.try_for_each(|text| no_nul("a turn", text))
}

/// A query for conversations that the databases can be asked.
pub(super) fn conversation_query(query: &ConversationQuery) -> StoreResult<()> {
    no_nul("the collection", query.collection.as_deref().unwrap_or_default())
}

/// A query for unanswered questions that the databases can be asked.
pub(super) fn unanswered_query(query: &UnansweredQuery) -> StoreResult<()> {
    no_nul("the collection", query.collection.as_deref().unwrap_or_default())?;
    if (1..=MAX_OPEN_QUESTIONS).contains(&query.limit) {
        Ok(())
    } else {
        invalid(format!("the limit must be 1 to {MAX_OPEN_QUESTIONS}, not {}", query.limit))
    }
}

/// A SHA-256 sum as everything here writes it.
fn sum(sha256: &str) -> StoreResult<()> {
    let lowercase_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if sha256.len() == 64 && sha256.bytes().all(lowercase_hex) {
        Ok(())
    } else {
        invalid("a sha256 must be 64 lower-case hexadecimal digits")
    }
}

fn json_without_nul(what: &str, value: &Value) -> StoreResult<()> {
    match value {
        Value::String(text) => no_nul(what, text),
        Value::Array(items) => items.iter().try_for_each(|item| json_without_nul(what, item)),
        Value::Object(entries) => entries.iter().try_for_each(|(key, value)| {
            no_nul(what, key)?;
            json_without_nul(what, value)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// What a user says about an upload can be recorded: for whoever wants to know before the bytes are stored.
pub fn description(collection: &str, name: &str, metadata: &Metadata) -> StoreResult<()> {
    label("the collection", collection, MAX_COLLECTION)?;
    label("the name", name, MAX_NAME)?;
    flat_metadata(metadata)
}

/// Access labels can be recorded: each once, in order, so that the same ones are the same value.
pub fn access_labels(labels: &[String]) -> StoreResult<()> {
    if labels.len() > MAX_LABELS {
        return invalid(format!(
            "there are {} access labels, more than the {MAX_LABELS} that are allowed",
            labels.len()
        ));
    }
    if !labels.is_sorted_by(|one, next| one < next) {
        return invalid("the access labels are not sorted, or one is given twice");
    }
    labels.iter().try_for_each(|name| label("an access label", name, MAX_COLLECTION))
}

/// A query for entries of the audit log that the databases can be asked.
pub(super) fn audit_query(query: &AuditQuery) -> StoreResult<()> {
    [&query.actor, &query.action, &query.subject].into_iter().flatten().try_for_each(|text| no_nul("a filter", text))
}

/// An entry of the audit log as it can be recorded: it is not refused for what a request says of itself.
pub(super) fn audit_entry(entry: NewAuditEntry) -> NewAuditEntry {
    let text = |text: String| {
        let text = reason(&text);
        let end = text.floor_char_boundary(MAX_NAME);
        text[..end].to_owned()
    };
    let details = entry.details.into_iter().map(|(key, value)| (text(key), without_nul(value))).collect();
    NewAuditEntry {
        at: entry.at,
        actor: text(entry.actor),
        action: text(entry.action),
        subject: entry.subject.map(text),
        status: entry.status,
        address: entry.address.map(text),
        request_id: entry.request_id.map(text),
        details,
    }
}

fn without_nul(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(reason(&text)),
        Value::Array(items) => items.into_iter().map(without_nul).collect(),
        Value::Object(entries) => entries.into_iter().map(|(key, value)| (reason(&key), without_nul(value))).collect(),
        other => other,
    }
}

/// A key that can be recorded.
pub(super) fn key(key: &NewKey) -> StoreResult<()> {
    label("the name of the key", &key.name, MAX_COLLECTION)?;
    secret(&key.prefix, &key.sha256)?;
    if key.scopes.is_empty() {
        return invalid("a key needs at least one scope: `ask`, `ingest` or `admin`");
    }
    if key.collections.as_ref().is_some_and(BTreeSet::is_empty) {
        return invalid("a key needs at least one collection");
    }
    let names = key.collections.iter().flatten().map(|name| ("a collection", name));
    let names = names.chain(key.labels.iter().flatten().map(|name| ("an access label", name)));
    names.into_iter().try_for_each(|(what, name)| label(what, name, MAX_COLLECTION))
}

/// What is stored of a key's secret.
pub(super) fn secret(prefix: &str, sha256: &str) -> StoreResult<()> {
    label("the beginning of the key", prefix, MAX_COLLECTION)?;
    sum(sha256)
}

/// A size as the databases store it.
pub(super) fn size(bytes: u64) -> StoreResult<i64> {
    i64::try_from(bytes).or_else(|_| invalid("the size is beyond what can be recorded"))
}

fn label(what: &str, text: &str, limit: usize) -> StoreResult<()> {
    if text.trim().is_empty() {
        return invalid(format!("{what} is empty"));
    }
    if text.len() > limit {
        return invalid(format!("{what} has {} bytes, more than the {limit} that are allowed", text.len()));
    }
    if text.chars().any(char::is_control) {
        return invalid(format!("{what} contains a control character"));
    }
    Ok(())
}

/// A flat object of strings, numbers, booleans or arrays of strings.
fn flat_metadata(metadata: &Metadata) -> StoreResult<()> {
    for (key, value) in metadata {
        label("a metadata key", key, MAX_COLLECTION)?;
        let strings: &[Value] = match value {
            Value::Number(_) | Value::Bool(_) => &[],
            Value::String(_) => std::slice::from_ref(value),
            Value::Array(items) if items.iter().all(Value::is_string) => items,
            _ => {
                return invalid(format!(
                    "metadata `{key}` must be a string, a number, a boolean or an array of strings"
                ));
            }
        };
        for text in strings.iter().filter_map(Value::as_str) {
            no_nul(&format!("metadata `{key}`"), text)?;
        }
    }
    let size = serde_json::to_vec(metadata).map_or(usize::MAX, |json| json.len());
    if size > MAX_METADATA {
        return invalid(format!("the metadata has {size} bytes, more than the {MAX_METADATA} that are allowed"));
    }
    Ok(())
}

/// A text that the databases can hold.
pub(super) fn no_nul(what: &str, text: &str) -> StoreResult<()> {
    if text.contains('\0') { invalid(format!("{what} contains a NUL character")) } else { Ok(()) }
}

/// The number of entries on a page.
pub(super) fn page_limit(limit: u32) -> StoreResult<usize> {
    if (1..=MAX_PAGE).contains(&limit) {
        Ok(limit as usize)
    } else {
        invalid(format!("the limit must be 1 to {MAX_PAGE}, not {limit}"))
    }
}

/// A query for documents that the databases can be asked.
pub(super) fn document_query(query: &DocumentQuery) -> StoreResult<()> {
    no_nul("the collection", query.collection.as_deref().unwrap_or_default())?;
    no_nul("the name", query.name.as_deref().unwrap_or_default())
}

/// What `finish_ingest` is given.
pub(super) fn commit(commit: &IngestCommit) -> StoreResult<()> {
    commit.report.as_ref().map_or(Ok(()), report)?;
    no_nul("the media type", &commit.media_type)?;
    no_nul("the title", commit.title.as_deref().unwrap_or_default())?;
    chunks(commit.generation, commit.document_id, commit.version, &commit.chunks)
}

/// Chunks that are of this version and generation, complete and in order.
///
/// That the ids are the derived ones is checked too: chunks that were made for another generation would otherwise
/// be recorded under ids whose vectors lie elsewhere.
pub(super) fn chunks(
    generation: GenerationNumber,
    document: DocumentId,
    version: u32,
    chunks: &[Chunk],
) -> StoreResult<()> {
    for (chunk, ordinal) in chunks.iter().zip(0u32..) {
        if chunk.document_id != document || chunk.version != version {
            return invalid(format!("chunk {} is not of version {version} of {document}", chunk.id));
        }
        if chunk.ordinal != ordinal {
            return invalid(format!("chunk {} has ordinal {}, expected {ordinal}", chunk.id, chunk.ordinal));
        }
        if chunk.id != ChunkId::derive(document, version, generation, ordinal) {
            return invalid(format!(
                "chunk {} has not the id of ordinal {ordinal} in generation {generation}",
                chunk.id
            ));
        }
        no_nul("a chunk's text", &chunk.text)?;
        no_nul("a chunk's context", &chunk.context)?;
        for heading in &chunk.heading_path {
            no_nul("a chunk's heading", heading)?;
        }
    }
    Ok(())
}

/// The part of a job's work that is done.
pub(super) fn progress(progress: f32) -> StoreResult<f32> {
    if (0.0..=1.0).contains(&progress) {
        Ok(progress)
    } else {
        invalid(format!("progress {progress} is not in 0 to 1"))
    }
}

/// The length of a lease in microseconds, which is what both databases count in.
pub(super) fn lease(lease: Duration) -> StoreResult<i64> {
    match i64::try_from(lease.as_micros()) {
        Ok(micros) if lease <= MAX_LEASE => Ok(micros),
        _ => invalid(format!("a lease may last {} seconds at most", MAX_LEASE.as_secs())),
    }
}

/// The time until the next pass of a connector, in microseconds.
pub(super) fn interval(interval: Duration) -> StoreResult<i64> {
    match i64::try_from(interval.as_micros()) {
        Ok(micros) if interval <= MAX_INTERVAL => Ok(micros),
        _ => invalid("the next pass of a connector may be due in a year at most"),
    }
}

/// A reason as it is recorded. A NUL character is written out: a job must be able to fail whatever its parser said.
pub(super) fn reason(text: &str) -> String {
    text.replace('\0', "\\0")
}

#[cfg(test)]
mod tests;
