//! Backends that are slow, fail, half-succeed or break off under the same traffic, and then are well again: ingestion,
//! purges and reindexes end right, on both pairs.

use std::time::Duration;

use super::{
    Run, asked_for,
    place::PAIRS,
    report::{Line, print_head, print_sum},
    seed,
    traffic::{Chance, Mix},
};

/// How long the fault lasts.
const FAULTY: Duration = Duration::from_secs(4);

/// What goes wrong, and by which fail points.
const FAULTS: [(&str, &str); 9] = [
    ("everything is slow", "vectors.*=sleep(150); tx.*=sleep(15); blob.*=sleep(40); job.leased=sleep(100)"),
    ("vectors fail", "vectors.*=unavailable/3; reindex.created=unavailable/2"),
    ("half of an upsert", "vectors.upsert.after=unavailable/2; ingest.window=unavailable/4"),
    ("lost answers, vectors", "vectors.upsert.after=unavailable/3; vectors.delete.after=unavailable/2"),
    (
        "lost answers, database",
        "upload.registered=unavailable/3; ingest.commit.after=unavailable/2; \
                                delete.answering=unavailable/2; reindex.swap.after=unavailable/2; purge.rows=unavailable/2",
    ),
    ("transactions break off", "tx.*=unavailable/4"),
    ("the blob store fails", "blob.*=unavailable/4"),
    (
        "the disk is full",
        "blob.original.before=full/3; blob.text.before=full/3; edge.journal.*=full/4; tx.*=full/6; \
                          edge.create.made=full@1; edge.current.written=full@2",
    ),
    (
        "steps fail",
        "purge.*=unavailable/2; reindex.*=unavailable/3; collect.*=unavailable/2; edge.drop.*=unavailable/2",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_backends_do_wrong_for_a_while_leaves_nothing_wrong() {
    let seed = seed();
    print_head(seed);
    let mut chance = Chance(seed);
    let mut lines: Vec<Line> = Vec::new();
    for pair in PAIRS {
        // One of them in every run, all of them when many kills are asked for.
        let one = chance.below(FAULTS.len() as u64) as usize;
        for (number, &(name, points)) in FAULTS.iter().enumerate() {
            if asked_for().is_none() && number != one {
                continue;
            }
            let mut run = Run::start(name, pair, chance.next(), Mix { reindex: 15, faults: true }).await;
            let server = run.place.serve(Some(points)).await.unwrap_or_else(|log| panic!("{name}: {log}"));
            run.traffic.to(Some(&server.url));
            tokio::time::sleep(FAULTY).await;
            run.traffic.to(None);
            let (_, log) = server.terminate(Duration::from_secs(60)).await;
            assert!(name.contains("slow") || log.contains("a fail point fires"), "{name}: nothing went wrong: {log}");
            run.line.restarts += 1;
            run.place.time_passes().await;
            lines.push(run.end().await);
        }
    }
    print_sum(&lines);
    let wrong: Vec<_> = lines.iter().filter(|line| !line.wrong.is_empty()).collect();
    assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}");
}
