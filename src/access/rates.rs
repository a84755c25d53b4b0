//! How much one caller may ask for in a minute: requests, and tokens that the generator reads and writes.
//!
//! Depends on nothing. Each process counts by itself. A bucket for each caller holds what a minute allows and fills up
//! evenly; tokens are known only after an answer, so they may run into debt, which later requests wait for. That is what
//! a bucket of a library does not do.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// From how many callers on those that have asked for nothing lately are forgotten.
const MOST_BUCKETS: usize = 4_096;
/// A minute, in seconds.
const MINUTE: f64 = 60.0;

/// What every caller with a key may ask for.
#[derive(Debug, Default)]
pub struct Rates {
    requests: Option<u32>,
    tokens: Option<u32>,
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    requests: f64,
    tokens: f64,
    at: Instant,
}

impl Rates {
    /// So many requests and tokens in a minute; `None` for any number.
    pub fn new(requests: Option<u32>, tokens: Option<u32>) -> Self {
        Self { requests, tokens, buckets: Mutex::default() }
    }

    /// Takes a request of `caller`; how long to wait when it has had its share.
    pub fn take_request(&self, caller: &str, now: Instant) -> Result<(), Duration> {
        self.with(caller, now, |bucket| {
            let wait =
                |missing: f64, per_minute: u32| Duration::from_secs_f64(missing * MINUTE / f64::from(per_minute));
            if let Some(per_minute) = self.tokens.filter(|_| bucket.tokens < 0.0) {
                return Err(wait(-bucket.tokens, per_minute));
            }
            match self.requests {
                Some(per_minute) if bucket.requests < 1.0 => Err(wait(1.0 - bucket.requests, per_minute)),
                Some(_) => {
                    bucket.requests -= 1.0;
                    Ok(())
                }
                None => Ok(()),
            }
        })
    }

    /// Counts tokens that were spent on an answer for `caller`.
    pub fn spend_tokens(&self, caller: &str, tokens: u32, now: Instant) {
        self.with(caller, now, |bucket| bucket.tokens -= f64::from(tokens));
    }

    fn with<T>(&self, caller: &str, now: Instant, work: impl FnOnce(&mut Bucket) -> T) -> T {
        let [requests, tokens] = [self.requests, self.tokens].map(|most| most.map_or(0.0, f64::from));
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        // Of keys there are a few; of the subjects of tokens there may be many. A bucket that has stood for a minute is full
        // or pays off a debt: those in debt stay.
        if buckets.len() >= MOST_BUCKETS {
            let minute = Duration::from_secs(60);
            buckets.retain(|_, bucket| bucket.tokens < 0.0 || now.saturating_duration_since(bucket.at) < minute);
        }
        let bucket = buckets.entry(caller.to_owned()).or_insert(Bucket { requests, tokens, at: now });
        let minutes = now.saturating_duration_since(bucket.at).as_secs_f64() / MINUTE;
        bucket.at = bucket.at.max(now);
        bucket.requests = (bucket.requests + requests * minutes).min(requests);
        bucket.tokens = (bucket.tokens + tokens * minutes).min(tokens);
        work(bucket)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_minutes_requests_are_taken_at_once_and_come_back_evenly() {
        let (rates, start) = (Rates::new(Some(6), None), Instant::now());
        let after = |seconds: u64| start + Duration::from_secs(seconds);
        for _ in 0..6 {
            assert_eq!(rates.take_request("one", start), Ok(()));
        }
        let wait = rates.take_request("one", start).unwrap_err();
        assert!((wait.as_secs_f64() - 10.0).abs() < 1e-6, "{wait:?}");
        assert_eq!(rates.take_request("other", start), Ok(()), "each has a share of its own");
        assert_eq!(rates.take_request("one", after(10)), Ok(()));
        assert!(rates.take_request("one", after(19)).is_err());
        for _ in 0..6 {
            assert_eq!(rates.take_request("one", after(10_000)), Ok(()), "never more than a minute's");
        }
        assert!(rates.take_request("one", after(10_000)).is_err());
    }

    #[test]
    fn tokens_are_paid_afterwards_and_waited_for() {
        let (rates, start) = (Rates::new(None, Some(600)), Instant::now());
        assert_eq!(rates.take_request("one", start), Ok(()));
        rates.spend_tokens("one", 900, start);
        let wait = rates.take_request("one", start).unwrap_err();
        assert!((wait.as_secs_f64() - 30.0).abs() < 1e-6, "{wait:?}");
        assert_eq!(rates.take_request("one", start + Duration::from_secs(31)), Ok(()));
    }

    #[test]
    fn without_limits_nobody_waits() {
        let (rates, now) = (Rates::new(None, None), Instant::now());
        rates.spend_tokens("one", u32::MAX, now);
        assert!((0..10_000).all(|_| rates.take_request("one", now).is_ok()));
    }
}
