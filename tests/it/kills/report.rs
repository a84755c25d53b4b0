//! The table: a line for each point and pair.

use std::time::Duration;

use super::{check::Found, ledger::Wrong, place::Pair};

/// What came of one point on one pair.
#[derive(Debug, Clone)]
pub struct Line {
    pub point: String,
    pub pair: Pair,
    pub kills: usize,
    /// How often the armed point was not reached in time, so that the program was killed at a random moment instead.
    pub missed: usize,
    pub restarts: usize,
    pub found: Found,
    pub wrong: Wrong,
    pub took: Duration,
}

pub fn print_head(seed: u64) {
    println!("seed {seed} (FOOTNOTE_KILLS_SEED={seed} repeats the choices)");
    println!(
        "{:<24} {:<16} {:>5} {:>6} {:>8} {:>8} {:>6} {:>4} {:>7} {:>5} {:>7} {:>8} {:>6}",
        "point",
        "pair",
        "kills",
        "missed",
        "restarts",
        "promised",
        "failed",
        "lost",
        "doubled",
        "stuck",
        "visible",
        "leftover",
        "other"
    );
}

impl Line {
    pub fn print(&self) {
        let wrong = &self.wrong;
        println!(
            "{:<24} {:<16} {:>5} {:>6} {:>8} {:>8} {:>6} {:>4} {:>7} {:>5} {:>7} {:>8} {:>6}  {:.1} s",
            self.point,
            self.pair.name(),
            self.kills,
            self.missed,
            self.restarts,
            self.found.promised,
            self.found.failed,
            wrong.lost.len(),
            wrong.doubled.len(),
            wrong.stuck.len(),
            wrong.visible.len(),
            wrong.leftover.len(),
            wrong.failed.len(),
            self.took.as_secs_f32(),
        );
        if !wrong.is_empty() {
            println!("  {wrong:#?}");
        }
    }
}

/// A last line with the sums.
pub fn print_sum(lines: &[Line]) {
    let sum = |of: fn(&Line) -> usize| lines.iter().map(of).sum::<usize>();
    println!(
        "{} kills, {} restarts, {} uploads promised ({} failed with a reason): {} lost, {} doubled, {} stuck, {} deleted \
         and visible, {} left behind, {} wrong answers; {} points were not reached",
        sum(|line| line.kills),
        sum(|line| line.restarts),
        sum(|line| line.found.promised),
        sum(|line| line.found.failed),
        sum(|line| line.wrong.lost.len()),
        sum(|line| line.wrong.doubled.len()),
        sum(|line| line.wrong.stuck.len()),
        sum(|line| line.wrong.visible.len()),
        sum(|line| line.wrong.leftover.len()),
        sum(|line| line.wrong.failed.len()),
        sum(|line| line.missed),
    );
}
