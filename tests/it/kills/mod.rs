//! `kill -9` of the real program under mixed traffic: at random moments, and at every fail point that it has.
//!
//! ```text
//! FOOTNOTE_KILLS=200 cargo test --release --test it kills -- --nocapture --test-threads=1
//! ```
//!
//! kills it so many times at random moments on each pair of backends, and twice at each fail point, and prints a line for
//! each. Without the variable a few kills of both kinds are made, which points is up to the seed. A failure names the seed.

mod check;
mod faulty;
mod late;
mod ledger;
mod outcomes;
mod place;
mod report;
mod traffic;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};

use footnote::faults::POINTS;

use self::{
    check::{Found, check},
    ledger::Ledger,
    place::{PAIRS, Pair, Place},
    report::{Line, print_head, print_sum},
    traffic::{Chance, Mix, Traffic},
};

/// Kills of one program before everything is looked at.
const KILLS_TOGETHER: usize = 20;
/// Kills at each point.
const KILLS_AT_A_POINT: usize = 2;
/// How long an armed point has to be reached.
const REACHED_WITHIN: Duration = Duration::from_secs(12);
/// The same for one that only a reindex passes, or several of them.
const REACHED_BY_REINDEXES_WITHIN: Duration = Duration::from_secs(60);

/// How many random kills are asked for; `None` for the few of every run.
fn asked_for() -> Option<usize> {
    std::env::var("FOOTNOTE_KILLS").ok().map(|kills| kills.parse().expect("FOOTNOTE_KILLS is a number"))
}

fn seed() -> u64 {
    let given = std::env::var("FOOTNOTE_KILLS_SEED").ok().map(|seed| seed.parse().expect("a seed is a number"));
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    given.unwrap_or_else(now)
}

/// The points that the traffic of `pair` passes. The others have tests of their own: what follows from questions needs
/// models that answer, connectors need a source (`connectors/killed.rs`), and an index is optimized by its engine only when it is large.
fn points_of(pair: Pair) -> Vec<&'static str> {
    let elsewhere = |point: &str| {
        ["tx.outcome.", "delivery.", "connector."].iter().any(|group| point.starts_with(group))
            || ["edge.copy.caught_up", "edge.copy.adopted", "edge.copy.swapped"].contains(&point)
            || pair == Pair::Servers && point.starts_with("edge.")
    };
    POINTS.iter().copied().filter(|point| !elsewhere(point)).collect()
}

/// Reindexes pass few points, and seldom.
fn mix_of(point: Option<&str>) -> Mix {
    let rare = ["reindex.", "collect.", "tx.swap.", "edge.drop.", "edge.create.", "edge.current.", "edge.shard."];
    match point.is_some_and(|point| rare.iter().any(|group| point.starts_with(group))) {
        true => Mix { reindex: 12, faults: false },
        false => Mix { reindex: 60, faults: false },
    }
}

/// One program on one pair: its traffic, its ledger and its kills.
struct Run {
    place: Place,
    ledger: Arc<Mutex<Ledger>>,
    traffic: Traffic,
    chance: Chance,
    line: Line,
    started: Instant,
}

impl Run {
    async fn start(point: &str, pair: Pair, seed: u64, mix: Mix) -> Self {
        let (place, ledger) = (Place::new(pair).await, Arc::default());
        let traffic = Traffic::start(&ledger, seed, mix);
        let line = Line {
            point: point.to_owned(),
            pair,
            kills: 0,
            missed: 0,
            restarts: 0,
            found: Found::default(),
            wrong: ledger::Wrong::default(),
            took: Duration::ZERO,
        };
        Self { place, ledger, traffic, chance: Chance(seed), line, started: Instant::now() }
    }

    /// Lets the program run for a random time under traffic, and kills it.
    async fn kill_at_random(&mut self) {
        let server = self.place.serve(None).await.unwrap_or_else(|log| panic!("it does not start: {log}"));
        self.traffic.to(Some(&server.url));
        tokio::time::sleep(Duration::from_millis(50 + self.chance.below(2_400))).await;
        server.kill().await;
        self.killed().await;
    }

    /// Lets the program run until it comes to a point for the n-th time, which kills it.
    async fn kill_at(&mut self, point: &str) {
        let often = mix_of(Some(point)).reindex == mix_of(None).reindex;
        let (most, patience) = if often { (8, REACHED_WITHIN) } else { (1, REACHED_BY_REINDEXES_WITHIN) };
        let nth = 1 + self.chance.below(most);
        match self.place.serve(Some(&format!("{point}=kill@{nth}"))).await {
            Ok(server) => {
                self.traffic.to(Some(&server.url));
                let (by_itself, _) = server.ends_within(patience).await;
                self.line.missed += usize::from(!by_itself);
            }
            // While it started.
            Err(log) => assert!(log.contains("a fail point fires"), "it does not start: {log}"),
        }
        self.killed().await;
    }

    async fn killed(&mut self) {
        self.traffic.to(None);
        self.line.kills += 1;
        self.line.restarts += 1;
        self.place.time_passes().await;
    }

    /// Starts the program once more, lets it finish, and looks at everything.
    async fn end(mut self) -> Line {
        self.traffic.stop().await;
        let server = self.place.serve(None).await.unwrap_or_else(|log| panic!("it does not start: {log}"));
        let mut ledger = std::mem::take(&mut *self.ledger.lock().unwrap());
        self.line.found = check(&self.place, server, &mut ledger).await;
        self.line.wrong = ledger.wrong;
        self.line.took = self.started.elapsed();
        self.line.print();
        self.line
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_stuck_or_visible_when_the_program_is_killed() {
    let seed = seed();
    print_head(seed);
    let mut lines = Vec::new();
    let mut chance = Chance(seed);
    for pair in PAIRS {
        match asked_for() {
            Some(kills) => {
                let mut left = kills;
                while left > 0 {
                    let mut run = Run::start("at random", pair, chance.next(), mix_of(None)).await;
                    for _ in 0..left.min(KILLS_TOGETHER) {
                        run.kill_at_random().await;
                    }
                    left -= left.min(KILLS_TOGETHER);
                    lines.push(run.end().await);
                }
                for point in points_of(pair) {
                    let mut run = Run::start(point, pair, chance.next(), mix_of(Some(point))).await;
                    for _ in 0..KILLS_AT_A_POINT {
                        run.kill_at(point).await;
                    }
                    lines.push(run.end().await);
                }
            }
            None => {
                let mut run = Run::start("some of both", pair, chance.next(), mix_of(None)).await;
                // Those that are passed often: the others take the time of many reindexes.
                let points =
                    points_of(pair).into_iter().filter(|point| mix_of(Some(point)).reindex == mix_of(None).reindex);
                let points: Vec<_> = points.collect();
                for _ in 0..4 {
                    run.kill_at_random().await;
                    let point = points[run.chance.below(points.len() as u64) as usize];
                    run.kill_at(point).await;
                }
                lines.push(run.end().await);
            }
        }
    }
    print_sum(&lines);
    let wrong: Vec<_> = lines.iter().filter(|line| !line.wrong.is_empty()).collect();
    assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}");
    assert!(lines.iter().map(|line| line.found.promised).sum::<usize>() > 0, "no upload was answered");
}
