//! Fail points, for tests only: named places at which a test can let the program die, fail or wait.
//!
//! A point does nothing, and costs one atomic load, unless the process was started with `FOOTNOTE_FAILPOINTS`; nobody
//! but a test sets that, and a process that is started with it says so on standard error. They are part of every build,
//! because the tests run the real binary, and a second set of features would compile the crate twice.
//!
//! ```text
//! FOOTNOTE_FAILPOINTS="upload.stored=kill@2; vectors.*=unavailable/3; edge.journal.append=full@1-4; tx.commit.*=sleep(50)"
//! ```
//!
//! `kill` ends the process where it stands, as `kill -9` does: no destructor runs, nothing buffered is written.
//! `unavailable` and `full` are errors of the boundary (what it calls does not answer; the disk is full). `sleep` waits
//! so many milliseconds. `@n` is the n-th time only, `@a-b` from the a-th to the b-th, `/k` every k-th time, all counted
//! for each point by itself; `*` at the end of a name stands for anything.
//!
//! What is behind a call (`….stored`, `….after`) makes it succeed and be answered as an error: half of a success.
//!
//! The crate `fail` is not used: its last release is of 2022, it waits by blocking the executor's thread (its pull
//! request for asynchronous points is open since 2023), it cannot end the process, and it looks each name up in a table
//! behind a lock whether or not anything is armed. Depends on tokio only; everything may depend on it.

use std::{
    collections::HashMap,
    io,
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

/// The variable that arms fail points.
pub const VARIABLE: &str = "FOOTNOTE_FAILPOINTS";

/// Every fail point.
pub const POINTS: &[&str] = &[
    // An upload: all bytes have arrived; the original lies in the blob store; it is registered; just before the answer.
    "upload.received",
    "upload.stored",
    "upload.registered",
    "upload.answering",
    // Inside the transaction that registers: before the version, before the job, before the commit.
    "tx.register.version",
    "tx.register.job",
    "tx.register.ended",
    // A job was leased; its worker is about to give a sign of life, and its lease about to be extended.
    "job.leased",
    "job.heartbeat",
    "tx.heartbeat",
    // An ingestion, stage by stage.
    "ingest.extract",
    "ingest.extracted",
    "ingest.text_stored",
    "ingest.window",
    "ingest.commit.before",
    "ingest.commit.after",
    // Around each call that writes or removes vectors.
    "vectors.upsert.before",
    "vectors.upsert.after",
    "vectors.delete.before",
    "vectors.delete.after",
    // Inside the metadata commit: the version before is out; the new one is active; its chunks are recorded.
    "tx.commit.superseded",
    "tx.commit.activated",
    "tx.commit.recorded",
    "tx.commit.ended",
    // Inside the transaction that deletes a document: it is hidden; its jobs are cancelled; before the commit. Then,
    // before the answer.
    "tx.delete.hidden",
    "tx.delete.cancelled",
    "tx.delete.ended",
    "delete.answering",
    // A purge, after each of its steps.
    "purge.vectors",
    "purge.texts",
    "purge.taken_out",
    "purge.originals",
    "purge.rows",
    // A reindex: its generation is known, and made; a version is written, and recorded; around what ends it.
    "reindex.begun",
    "reindex.created",
    "reindex.written",
    "reindex.recorded",
    "reindex.optimize",
    "reindex.swap.before",
    "reindex.swap.after",
    "tx.swap.retired",
    "tx.swap.activated",
    // Collecting an old generation, after each of its steps.
    "collect.vectors",
    "collect.texts",
    "collect.rows",
    // The blob store, around each write and removal.
    "blob.original.before",
    "blob.original.after",
    "blob.text.before",
    "blob.text.after",
    "blob.delete.before",
    "blob.delete.after",
    // Qdrant Edge: around the journal's write, and its sync; around a flush of the engine.
    "edge.journal.write",
    "edge.journal.sync",
    "edge.journal.synced",
    "edge.flush",
    "edge.flushed",
    // A generation: its directory is there; it is named by `current`; no longer named; gone.
    "edge.create.made",
    "edge.current.written",
    "edge.drop.unnamed",
    "edge.drop.removed",
    // Optimizing: the copy is there; it has caught up; it is durable and named; the original may go; it has.
    "edge.copy.made",
    "edge.copy.caught_up",
    "edge.copy.adopted",
    "edge.copy.swapped",
    "edge.shard.removed",
    // What follows from an outcome: before the commit of what is recorded. A delivery: before it is sent, and after.
    "tx.outcome.ended",
    "delivery.sending",
    "delivery.sent",
    // A pass of a connector: its source is listed; an item that has vanished is forgotten and its document deleted.
    "connector.listed",
    "connector.dropped",
];

/// An error that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// What is called does not answer.
    #[error("it does not answer (fail point `{0}`)")]
    Unavailable(&'static str),
    /// The disk is full.
    #[error("no space left on device (fail point `{0}`)")]
    StorageFull(&'static str),
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        let kind = match fault {
            Fault::Unavailable(_) => io::ErrorKind::ConnectionAborted,
            Fault::StorageFull(_) => io::ErrorKind::StorageFull,
        };
        Self::new(kind, fault)
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Action {
    Kill,
    Unavailable,
    Full,
    Sleep(Duration),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum When {
    Always,
    Between(u32, u32),
    Every(u32),
}

#[derive(Debug, Clone, PartialEq)]
struct Rule {
    pattern: String,
    action: Action,
    when: When,
}

struct Armed {
    rules: Vec<Rule>,
    passed: Mutex<HashMap<&'static str, u32>>,
}

static ARMED: OnceLock<Armed> = OnceLock::new();

/// Arms what the environment asks for. Called once, when the program starts.
pub fn arm_from_environment() -> Result<(), String> {
    let Ok(text) = std::env::var(VARIABLE) else { return Ok(()) };
    let rules = parse(&text).map_err(|why| format!("{VARIABLE}: {why}"))?;
    eprintln!("fail points are armed, which is for tests only: {text}");
    let armed = Armed { rules, passed: Mutex::default() };
    ARMED.set(armed).map_err(|_| "fail points are armed already".to_owned())
}

/// Passes a point of asynchronous code.
pub async fn point(name: &'static str) -> Result<(), Fault> {
    match ARMED.get().and_then(|armed| armed.pass(name)) {
        None => Ok(()),
        Some(Action::Sleep(time)) => {
            tokio::time::sleep(time).await;
            Ok(())
        }
        Some(action) => action.carry_out(name),
    }
}

/// Passes a point of code that runs on a thread of its own.
pub fn blocking_point(name: &'static str) -> Result<(), Fault> {
    match ARMED.get().and_then(|armed| armed.pass(name)) {
        None => Ok(()),
        Some(action) => action.carry_out(name),
    }
}

impl Armed {
    fn pass(&self, name: &'static str) -> Option<Action> {
        let rule = self.rules.iter().find(|rule| rule.covers(name))?;
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        let time = passed.entry(name).or_default();
        *time += 1;
        rule.when.includes(*time).then_some(rule.action)
    }
}

impl Action {
    fn carry_out(self, name: &'static str) -> Result<(), Fault> {
        tracing::warn!(point = name, action = ?self, "a fail point fires");
        match self {
            // Nothing runs after it: no destructor, no handler of `exit`, and no buffer is written.
            Self::Kill => std::process::abort(),
            Self::Unavailable => Err(Fault::Unavailable(name)),
            Self::Full => Err(Fault::StorageFull(name)),
            Self::Sleep(time) => {
                std::thread::sleep(time);
                Ok(())
            }
        }
    }
}

impl When {
    fn includes(self, time: u32) -> bool {
        match self {
            Self::Always => true,
            Self::Between(first, last) => (first..=last).contains(&time),
            Self::Every(step) => time.is_multiple_of(step),
        }
    }
}

impl Rule {
    fn covers(&self, name: &str) -> bool {
        match self.pattern.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == self.pattern,
        }
    }
}

fn parse(text: &str) -> Result<Vec<Rule>, String> {
    text.split(';').map(str::trim).filter(|rule| !rule.is_empty()).map(parse_rule).collect()
}

fn parse_rule(text: &str) -> Result<Rule, String> {
    let unreadable = || format!("`{text}` is not NAME=ACTION[@n|@a-b|/k]");
    let number = |text: &str| text.trim().parse::<u32>().ok().filter(|n| *n > 0).ok_or_else(unreadable);
    let (pattern, rest) = text.split_once('=').ok_or_else(unreadable)?;
    let (action, when) = match rest.find(['@', '/']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let when = match when.split_at_checked(1) {
        None => When::Always,
        Some(("/", step)) => When::Every(number(step)?),
        Some((_, times)) => match times.split_once('-') {
            Some((first, last)) => When::Between(number(first)?, number(last)?),
            None => When::Between(number(times)?, number(times)?),
        },
    };
    let action = match action.trim() {
        "kill" => Action::Kill,
        "unavailable" => Action::Unavailable,
        "full" => Action::Full,
        sleep => {
            let time = sleep.strip_prefix("sleep(").and_then(|rest| rest.strip_suffix(')')).ok_or_else(unreadable)?;
            Action::Sleep(Duration::from_millis(number(time)?.into()))
        }
    };
    let rule = Rule { pattern: pattern.trim().to_owned(), action, when };
    match POINTS.iter().any(|point| rule.covers(point)) {
        true => Ok(rule),
        false => Err(format!("there is no fail point `{}`", rule.pattern)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn what_is_written_is_what_is_armed() {
        let rules =
            parse("upload.stored=kill@2; vectors.*=unavailable/3;edge.flush=full@1-4 ; tx.*=sleep(50);").unwrap();
        let written: Vec<_> = rules.iter().map(|rule| (rule.pattern.as_str(), rule.action, rule.when)).collect();
        assert_eq!(
            written,
            [
                ("upload.stored", Action::Kill, When::Between(2, 2)),
                ("vectors.*", Action::Unavailable, When::Every(3)),
                ("edge.flush", Action::Full, When::Between(1, 4)),
                ("tx.*", Action::Sleep(Duration::from_millis(50)), When::Always),
            ]
        );
        for wrong in ["upload.stored", "upload.stored=die", "upload.stored=kill@0", "upload.stored=kill@x", "a=sleep(5"]
        {
            assert!(parse(wrong).unwrap_err().contains("is not NAME=ACTION"), "{wrong}");
        }
        for unknown in ["upload.gone=kill", "uploads.*=kill"] {
            assert!(parse(unknown).unwrap_err().contains("no fail point"), "{unknown}");
        }
    }

    #[test]
    fn a_point_fires_at_the_times_that_were_asked_for_and_counts_for_itself() {
        let armed =
            Armed { rules: parse("tx.commit.*=full@2-3; tx.*=unavailable/2").unwrap(), passed: Mutex::default() };
        let passes = |name| (0..4).map(|_| armed.pass(name)).collect::<Vec<_>>();
        assert_eq!(passes("tx.commit.ended"), [None, Some(Action::Full), Some(Action::Full), None]);
        let other = [None, Some(Action::Unavailable), None, Some(Action::Unavailable)];
        assert_eq!(passes("tx.delete.ended"), other);
        assert_eq!(passes("tx.delete.hidden"), other);
        assert_eq!(passes("job.leased"), [None; 4]);
    }

    #[test]
    fn a_fault_is_the_error_that_the_world_would_give() {
        let full = io::Error::from(Fault::StorageFull("x"));
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        assert_eq!(io::Error::from(Fault::Unavailable("x")).kind(), io::ErrorKind::ConnectionAborted);
    }

    /// The list is what the tests go through, so it must be complete, and name nothing that is not there.
    #[test]
    fn the_list_names_exactly_the_points_of_the_sources() {
        let mut found = BTreeSet::new();
        for entry in walkdir::WalkDir::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")) {
            let path = entry.unwrap().into_path();
            if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("faults.rs") {
                let source = std::fs::read_to_string(&path).unwrap();
                let calls = source.split("faults::").skip(1);
                let named = calls.filter_map(|call| {
                    let argument = call.strip_prefix("point(").or_else(|| call.strip_prefix("blocking_point("))?;
                    Some(argument.trim_start().strip_prefix('"')?.split('"').next()?.to_owned())
                });
                found.extend(named);
            }
        }
        let listed: BTreeSet<String> = POINTS.iter().map(|point| (*point).to_owned()).collect();
        assert_eq!(listed.len(), POINTS.len(), "a point is listed twice");
        assert_eq!(found, listed);
    }
}
