//! Whether one more question is taken in: by how many are open, and by how long it would wait behind them.
//!
//! Depends on nothing. The number alone would be a guess at how fast a machine and a model are: a queue of 32 is gone in four
//! seconds here and in minutes there. So the time between two answers is measured while there is work, and a question that
//! would wait longer than users are prepared to is refused at once instead, with how long to stay away.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// So many questions are taken in however long each takes: with a slow model nobody could ask at all.
const ALWAYS: usize = 4;
/// What the newest answer counts for in the mean of the times between answers.
const NEWEST: f64 = 0.1;

/// The questions that are open, and how fast they are answered.
#[derive(Debug)]
pub struct Admission {
    most: usize,
    longest_wait: Duration,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    questions: usize,
    /// The last answer, or the beginning of the work; `None` while there is none.
    since: Option<Instant>,
    /// The mean time between two answers while there is work, in seconds.
    interval: Option<f64>,
}

/// Why a question is not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// So many are open.
    Full(usize),
    /// It would wait so long; after the second time it would wait no longer than is allowed.
    Late(Duration, Duration),
}

impl Refused {
    /// The reason in a word.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Full(_) => "full",
            Self::Late(..) => "late",
        }
    }
}

/// A question that was taken in. Dropping it makes room.
#[derive(Debug)]
pub struct Admitted(Arc<Mutex<Open>>);

impl Admission {
    /// At most `most` questions, and none that would wait for longer than `longest_wait`.
    pub fn new(most: usize, longest_wait: Duration) -> Self {
        Self { most, longest_wait, open: Arc::default() }
    }

    /// How many questions are open.
    pub fn open(&self) -> usize {
        lock(&self.open).questions
    }

    /// Takes a question in, or says why not.
    pub fn admit(&self, now: Instant) -> Result<Admitted, Refused> {
        let mut open = lock(&self.open);
        if open.questions >= self.most {
            return Err(Refused::Full(open.questions));
        }
        let interval = open.interval.unwrap_or(0.0);
        let wait = Duration::from_secs_f64(open.questions as f64 * interval);
        if open.questions >= ALWAYS && wait > self.longest_wait {
            return Err(Refused::Late(wait, wait - self.longest_wait));
        }
        open.questions += 1;
        open.since = open.since.or(Some(now));
        Ok(Admitted(self.open.clone()))
    }
}

impl Admitted {
    /// Counts the answer, and makes room.
    pub fn answered(self, now: Instant) {
        let mut open = lock(&self.0);
        if let Some(since) = open.since {
            let seconds = now.saturating_duration_since(since).as_secs_f64();
            open.interval = Some(open.interval.map_or(seconds, |mean| mean + NEWEST * (seconds - mean)));
            open.since = Some(now);
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut open = lock(&self.0);
        open.questions = open.questions.saturating_sub(1);
        if open.questions == 0 {
            open.since = None;
        }
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Answers one question after `milliseconds`.
    fn answer(admission: &Admission, now: &mut Instant, milliseconds: u64) {
        let admitted = admission.admit(*now).unwrap();
        *now += Duration::from_millis(milliseconds);
        admitted.answered(*now);
    }

    #[test]
    fn the_number_is_bounded_before_anything_is_known_of_the_time() {
        let (admission, now) = (Admission::new(5, Duration::from_secs(1)), Instant::now());
        let open: Vec<Admitted> = (0..5).map(|_| admission.admit(now).unwrap()).collect();
        assert_eq!(admission.admit(now).unwrap_err(), Refused::Full(5));
        drop(open);
        admission.admit(now).unwrap();
    }

    #[test]
    fn no_question_is_taken_in_that_would_wait_too_long() {
        let (admission, mut now) = (Admission::new(1_000, Duration::from_secs(4)), Instant::now());
        answer(&admission, &mut now, 250);
        let mut open: Vec<Admitted> = (0..17).map(|_| admission.admit(now).unwrap()).collect();
        let Err(Refused::Late(wait, away)) = admission.admit(now) else { panic!("17 wait 4.25 s") };
        assert_eq!((wait, away), (Duration::from_millis(4_250), Duration::from_millis(250)));
        // What ends without an answer makes room, and says nothing about how fast answers are.
        drop(open.pop());
        open.push(admission.admit(now).unwrap());
        // Two at a time: the time between two answers counts, and not what each takes.
        for _ in 0..200 {
            now += Duration::from_millis(125);
            open.remove(0).answered(now);
            open.push(admission.admit(now).unwrap());
        }
        open.extend((0..14).map(|_| admission.admit(now).unwrap()));
        assert!(admission.admit(now).is_ok(), "31 wait less than four seconds");
    }

    #[test]
    fn a_slow_model_can_be_asked_all_the_same() {
        let (admission, mut now) = (Admission::new(1_000, Duration::from_secs(4)), Instant::now());
        answer(&admission, &mut now, 20_000);
        let open: Vec<Admitted> = (0..ALWAYS).map(|_| admission.admit(now).unwrap()).collect();
        assert!(matches!(admission.admit(now), Err(Refused::Late(..))));
        drop(open);
        // Time without work is not time between answers.
        now += Duration::from_secs(1_000);
        for _ in 0..200 {
            answer(&admission, &mut now, 100);
        }
        let open: Vec<Admitted> = (0..40).map(|_| admission.admit(now).unwrap()).collect();
        assert_eq!(open.len(), 40);
    }
}
