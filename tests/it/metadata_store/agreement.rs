//! Both backends do the same: long random sequences of calls, each made on SQLite and on Postgres, must be answered
//! alike and leave the same state, and no state may break what always holds.

use std::fmt::Debug;

use chrono::Utc;
use footnote::{
    domain::{DocumentId, GenerationState, JobId, JobKind, JobStage, ReindexOptions},
    metadata_store::{DocumentQuery, JobQuery, MetadataStore, MetadataStoreError, StoreResult},
};

use super::{
    Backend,
    fixtures::{HOUR, OVER, chunks, commit, fill, stamp, upload},
};

/// How many calls a sequence makes, and after how many the whole state is compared.
const STEPS: usize = 300;
const LOOK: usize = 8;

/// A small generator of numbers that is the same everywhere (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % below
    }
}

/// What one side has seen; the other side has seen the same at the same positions.
struct Side {
    backend: Backend,
    documents: Vec<DocumentId>,
    jobs: Vec<JobId>,
    leases: Vec<(JobId, String, JobKind)>,
    /// The generation that was active, and the newest one, when the last call was made.
    generations: [i64; 2],
}

/// A call, with the positions of what it is about.
#[derive(Debug, Clone, Copy)]
enum Call {
    Upload { name: usize, bytes: usize },
    Delete(usize),
    Forget(usize),
    Lease { kind: JobKind, over: bool },
    Finish { lease: usize, generation: i64, count: u32 },
    Heartbeat(usize),
    Fail { lease: usize, again: bool },
    Release(usize),
    Succeed(usize),
    Cancel(usize),
    Retry(usize),
    Expire,
    Reindex,
    Begin { lease: usize, stamp: usize },
    Record { generation: i64, document: usize, version: u32 },
    Fill(i64),
    Swap { lease: usize, generation: i64 },
    ForgetGeneration(i64),
}

fn call(dice: &mut Dice, side: &Side) -> Call {
    let kinds = [JobKind::Ingest, JobKind::Ingest, JobKind::Purge, JobKind::Reindex];
    let (documents, jobs, leases) = (side.documents.len(), side.jobs.len(), side.leases.len());
    // Recent things are more interesting than old ones.
    let recent = |dice: &mut Dice, of: usize| of - 1 - dice.roll(of.min(4));
    let generation = |dice: &mut Dice| side.generations[dice.roll(2)] - i64::from(dice.roll(8) == 0);
    if leases == 0 {
        return match dice.roll(2) {
            0 => Call::Upload { name: dice.roll(3), bytes: dice.roll(3) },
            _ => Call::Lease { kind: JobKind::Ingest, over: false },
        };
    }
    // Most calls are made by a worker of the right kind; some by one that has the wrong job or an old lease.
    let lease = |dice: &mut Dice, kind: JobKind| match side.leases.iter().rposition(|(_, _, leased)| *leased == kind) {
        Some(newest) if dice.roll(4) > 0 => newest,
        _ => recent(dice, leases),
    };
    use JobKind::{Ingest, Purge, Reindex};
    match dice.roll(36) {
        0..=2 => Call::Upload { name: dice.roll(4), bytes: dice.roll(3) },
        3 => Call::Delete(recent(dice, documents)),
        4 => Call::Forget(dice.roll(documents)),
        5..=11 => Call::Lease { kind: kinds[dice.roll(4)], over: dice.roll(4) == 0 },
        12..=16 => {
            Call::Finish { lease: lease(dice, Ingest), generation: generation(dice), count: dice.roll(3) as u32 }
        }
        17 => Call::Heartbeat(recent(dice, leases)),
        18 => Call::Fail { lease: recent(dice, leases), again: dice.roll(2) == 0 },
        19 => Call::Release(recent(dice, leases)),
        20 => Call::Succeed(lease(dice, Purge)),
        21 => Call::Cancel(recent(dice, jobs)),
        22 => Call::Retry(recent(dice, jobs)),
        23 if dice.roll(4) == 0 => Call::Expire,
        23 => Call::Reindex,
        24..=26 => Call::Begin { lease: lease(dice, Reindex), stamp: dice.roll(8) / 7 },
        27 => Call::Record {
            generation: generation(dice),
            document: recent(dice, documents),
            version: 1 + dice.roll(3) as u32,
        },
        28..=30 => Call::Fill(side.generations[1]),
        31..=34 => Call::Swap { lease: lease(dice, Reindex), generation: side.generations[1] },
        _ => Call::ForgetGeneration(generation(dice)),
    }
}

/// The answer without what differs by nature: ids, times, and the wording of errors.
fn answer<T: Debug>(result: StoreResult<T>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(MetadataStoreError::NotFound { what, .. }) => format!("no {what}"),
        Err(MetadataStoreError::Conflict(_)) => "conflict".to_owned(),
        Err(MetadataStoreError::Invalid(_)) => "invalid".to_owned(),
        Err(MetadataStoreError::LeaseLost(_)) => "lease lost".to_owned(),
        Err(error) => panic!("{error}"),
    }
}

impl Side {
    fn new(backend: Backend) -> Self {
        Self { backend, documents: Vec::new(), jobs: Vec::new(), leases: Vec::new(), generations: [1; 2] }
    }

    /// The position of an id among those seen, which is new at the end.
    fn position<T: PartialEq>(seen: &mut Vec<T>, id: T) -> usize {
        seen.iter().position(|known| *known == id).unwrap_or_else(|| {
            seen.push(id);
            seen.len() - 1
        })
    }

    async fn make(&mut self, call: Call) -> String {
        let store = self.backend.store.clone();
        let lease = |position: usize| self.leases[position].clone();
        match call {
            Call::Upload { name, bytes } => {
                let result = store.register_upload(upload(&format!("{name}.md"), &format!("{bytes}"))).await;
                answer(result.map(|registered| {
                    let document = Self::position(&mut self.documents, registered.document_id);
                    let job = Self::position(&mut self.jobs, registered.job_id);
                    (document, registered.version, job, registered.job_state, registered.duplicate)
                }))
            }
            Call::Delete(document) => {
                let result = store.delete_document(self.documents[document]).await;
                answer(result.map(|job| Self::position(&mut self.jobs, job)))
            }
            Call::Forget(document) => answer(store.forget_document(self.documents[document]).await),
            Call::Lease { kind, over } => {
                let result = store.lease_job(&[kind], if over { OVER } else { HOUR }).await;
                answer(result.map(|leased| {
                    leased.map(|leased| {
                        self.leases.push((leased.job.id, leased.token, kind));
                        (Self::position(&mut self.jobs, leased.job.id), leased.job.attempts)
                    })
                }))
            }
            Call::Finish { lease: position, generation, count } => {
                let (job, token, _) = lease(position);
                let Some((document, version)) =
                    store.job(job).await.map(|job| job.document_id.zip(job.version)).unwrap()
                else {
                    return "not an ingestion".to_owned();
                };
                answer(store.finish_ingest(job, &token, commit(document, version, generation, count)).await)
            }
            Call::Heartbeat(position) => {
                let (job, token, _) = lease(position);
                answer(store.heartbeat(job, &token, HOUR, JobStage::Embed, 0.5).await)
            }
            Call::Fail { lease: position, again } => {
                let (job, token, _) = lease(position);
                answer(store.fail_job(job, &token, "broken", again.then(Utc::now)).await)
            }
            Call::Release(position) => {
                let (job, token, _) = lease(position);
                answer(store.release_job(job, &token).await)
            }
            Call::Succeed(position) => {
                let (job, token, _) = lease(position);
                answer(store.succeed_job(job, &token).await)
            }
            Call::Cancel(position) => answer(store.cancel_job(self.jobs[position]).await.map(|job| job.state)),
            Call::Retry(position) => answer(store.retry_job(self.jobs[position]).await.map(|job| job.state)),
            Call::Expire => answer(store.expire_leases().await),
            Call::Reindex => answer(
                store.enqueue_reindex(ReindexOptions::default()).await.map(|job| Self::position(&mut self.jobs, job)),
            ),
            Call::Begin { lease: position, stamp: name } => {
                let (job, token, _) = lease(position);
                let result = store.begin_generation(job, &token, &stamp(&format!("{name}"))).await;
                answer(result.map(|generation| (generation.number, generation.state)))
            }
            Call::Record { generation, document, version } => {
                let document = self.documents[document];
                answer(
                    store.record_chunks(generation, document, version, chunks(document, version, generation, 2)).await,
                )
            }
            // Only what is being built misses anything.
            Call::Fill(generation) if missing(&*store, generation).await > 0 => {
                fill(&*store, generation).await.to_string()
            }
            Call::Fill(_) => "nothing to fill".to_owned(),
            Call::Swap { lease: position, generation } => {
                let (job, token, _) = lease(position);
                answer(store.swap_generation(job, &token, generation).await)
            }
            Call::ForgetGeneration(generation) => answer(store.forget_generation(generation).await),
        }
    }

    /// All that can be seen, and a check of what always holds.
    async fn state(&mut self) -> String {
        let store = self.backend.store.clone();
        let mut lines = Vec::new();
        let mut active = 0;
        for document in store.documents(DocumentQuery { limit: 1_000, ..DocumentQuery::default() }).await.unwrap().items
        {
            let versions = document.active.iter().chain([&document.latest]);
            let versions: Vec<_> = versions.map(|version| (version.version, version.state, version.chunks)).collect();
            let chunks = store.chunks_of(document.id).await.unwrap();
            assert_eq!(document.active.as_ref().map_or(0, |active| active.chunks.unwrap()), chunks.len() as u32);
            active += u64::from(document.active.is_some());
            lines.push(format!("{} {} {versions:?}", Self::position(&mut self.documents, document.id), document.name));
        }
        for job in store.jobs(JobQuery { limit: 1_000, ..JobQuery::default() }).await.unwrap().items {
            let document = job.document_id.map(|id| Self::position(&mut self.documents, id));
            // Jobs of one call are made in one order on both sides, so their positions agree.
            let about = (job.kind, document, job.version, job.generation);
            lines.push(format!("{about:?} {:?} {:?} {} {:?}", job.state, job.stage, job.attempts, job.error));
        }
        let generations = store.generations().await.unwrap();
        let of_state = |state| generations.iter().filter(|generation| generation.state == state).count();
        assert_eq!(of_state(GenerationState::Active), 1);
        assert!(of_state(GenerationState::Building) <= 1);
        for generation in &generations {
            let missing = missing(&*store, generation.number).await;
            assert!(generation.state != GenerationState::Active || missing == 0, "the active generation is incomplete");
            lines.push(format!("{} {:?} {missing}", generation.number, generation.state));
        }
        let counts = store.counts().await.unwrap();
        assert_eq!(counts.active_documents, active);
        lines.push(format!("{counts:?}"));
        lines.join("\n")
    }
}

async fn missing(store: &dyn MetadataStore, generation: i64) -> usize {
    store.missing_versions(generation, 1_000).await.unwrap().len()
}

async fn agree(seed: u64) -> Vec<String> {
    let mut dice = Dice(seed);
    let mut sqlite = Side::new(Backend::sqlite().await);
    let mut postgres = Side::new(Backend::postgres().await);
    let mut history = Vec::new();
    for step in 0..STEPS {
        let call = call(&mut dice, &sqlite);
        let (one, other) = (sqlite.make(call).await, postgres.make(call).await);
        history.push(format!("{call:?} -> {one}"));
        let generations = sqlite.backend.store.generations().await.unwrap();
        let active = generations.iter().find(|generation| generation.state == GenerationState::Active);
        sqlite.generations = [active.unwrap().number, generations.last().unwrap().number];
        let recent = || history[history.len().saturating_sub(12)..].join("\n");
        assert_eq!(one, other, "seed {seed}, step {step}, after\n{}", recent());
        if step % LOOK == 0 || step + 1 == STEPS {
            let (one, other) = (sqlite.state().await, postgres.state().await);
            assert_eq!(one, other, "seed {seed}, step {step}, after\n{}", recent());
        }
    }
    history
}

#[tokio::test]
async fn random_calls_are_answered_alike() {
    let mut history = Vec::new();
    for seed in [1, 0x5eed, 0xf007_0e7e] {
        history.extend(agree(seed).await);
    }
    // The sequences must have gone deep, or they have tested nothing.
    let expected =
        ["-> Active", "Overtaken", "WrongGeneration", "Swapped", "Incomplete", "true)", "lease lost", "conflict"];
    let missing: Vec<_> =
        expected.iter().filter(|&&expected| !history.iter().any(|line| line.contains(expected))).collect();
    assert!(missing.is_empty(), "never answered: {missing:?}");
}
