//! Percentiles of measured times.

use std::time::Duration;

use serde::Serialize;

/// Percentiles in milliseconds, by the nearest rank: each is a time that was measured.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Percentiles {
    /// The median.
    pub p50: f64,
    /// 95 of 100 were not above.
    pub p95: f64,
    /// 99 of 100 were not above.
    pub p99: f64,
}

impl Percentiles {
    /// Of some times; all 0 when there are none.
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        let at = |share: f64| {
            let rank = (share * times.len() as f64).ceil() as usize;
            times.get(rank.saturating_sub(1)).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
        };
        Self { p50: at(0.50), p95: at(0.95), p99: at(0.99) }
    }
}

impl std::fmt::Display for Percentiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "p50 {:.0} ms, p95 {:.0} ms, p99 {:.0} ms", self.p50, self.p95, self.p99)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let times = |count: u64| (1..=count).rev().map(Duration::from_millis).collect::<Vec<_>>();
        assert_eq!(Percentiles::of(times(100)).to_string(), "p50 50 ms, p95 95 ms, p99 99 ms");
        assert_eq!(Percentiles::of(times(3)).to_string(), "p50 2 ms, p95 3 ms, p99 3 ms");
        assert_eq!(Percentiles::of(Vec::new()).to_string(), "p50 0 ms, p95 0 ms, p99 0 ms");
    }
}
