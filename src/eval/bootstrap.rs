//! Percentile bootstrap (Efron 1979): how far a figure could have come out otherwise with other questions of the same
//! kind, and whether two runs on the same questions differ by more than that.
//!
//! Questions are drawn with replacement; with clusters, whole documents are drawn, because questions over one document
//! are not independent (Cameron, Gelbach and Miller 2008 on what that does with few clusters: below about ten the
//! intervals are still too narrow). The drawing is seeded, and the same seed draws the same questions for every
//! figure of a run.
//!
//! May depend on `train::dataset::split_mix`.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::train::dataset::split_mix::SplitMix64;

/// Why resampling cannot be done as asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BootstrapError {
    /// Too few or too many rounds.
    #[error("{0} resamples cannot be drawn; use 100 to 1000000")]
    Resamples(u32),
    /// Not a level.
    #[error("{0} is no confidence level; use one between 0.5 and 1, for example 0.95")]
    Level(f64),
}

impl BootstrapError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        false
    }
}

/// How often and how to draw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resampling {
    resamples: u32,
    seed: u64,
    level: f64,
}

impl Resampling {
    /// `resamples` rounds (100 to 1,000,000) of the stream `seed`, for intervals that hold `level` (0.5 to 1, both
    /// excluded) of the results.
    pub fn new(resamples: u32, seed: u64, level: f64) -> Result<Self, BootstrapError> {
        if !(100..=1_000_000).contains(&resamples) {
            return Err(BootstrapError::Resamples(resamples));
        }
        if !(level > 0.5 && level < 1.0) {
            return Err(BootstrapError::Level(level));
        }
        Ok(Self { resamples, seed, level })
    }

    /// The rounds.
    pub fn resamples(&self) -> u32 {
        self.resamples
    }

    /// The share of the results that an interval holds.
    pub fn level(&self) -> f64 {
        self.level
    }
}

/// What is drawn: questions, each by itself or in clusters.
#[derive(Debug, Clone, PartialEq)]
pub struct Units {
    members: Vec<Vec<usize>>,
}

impl Units {
    /// `count` questions, each by itself.
    pub fn questions(count: usize) -> Self {
        Self { members: (0..count).map(|question| vec![question]).collect() }
    }

    /// Questions that are drawn together when they have the same label; one label for each question.
    pub fn clusters<'a>(labels: impl IntoIterator<Item = &'a str>) -> Self {
        let mut members: Vec<Vec<usize>> = Vec::new();
        let mut known: HashMap<&str, usize> = HashMap::new();
        for (question, label) in labels.into_iter().enumerate() {
            let at = *known.entry(label).or_insert_with(|| {
                members.push(Vec::new());
                members.len() - 1
            });
            members[at].push(question);
        }
        Self { members }
    }

    /// The units that are drawn.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    fn all(&self) -> Vec<usize> {
        let mut all: Vec<usize> = self.members.iter().flatten().copied().collect();
        all.sort_unstable();
        all
    }

    /// Calls `each` with the questions of every round.
    fn resample(&self, resampling: &Resampling, mut each: impl FnMut(&[usize])) {
        let mut random = SplitMix64::new(resampling.seed);
        let mut drawn = Vec::new();
        for _ in 0..resampling.resamples {
            drawn.clear();
            for _ in 0..self.members.len() {
                drawn.extend_from_slice(&self.members[random.below(self.members.len())]);
            }
            each(&drawn);
        }
    }
}

/// A figure and its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The figure over all questions.
    pub value: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The rounds in which the figure was not defined, for example because no answered question was drawn; the
    /// interval is that of the other rounds.
    pub undefined: u32,
}

/// The interval of `statistic`, which gets the numbers of the drawn questions, some of them several times. `None` when
/// it is not defined over all questions, or in no round.
pub fn interval(
    units: &Units,
    resampling: &Resampling,
    statistic: impl Fn(&[usize]) -> Option<f64>,
) -> Option<Estimate> {
    let value = statistic(&units.all())?;
    let mut results = Vec::with_capacity(resampling.resamples as usize);
    units.resample(resampling, |drawn| results.extend(statistic(drawn)));
    let (low, high) = percentiles(&mut results, resampling.level)?;
    Some(Estimate { value, low, high, undefined: resampling.resamples - results.len() as u32 })
}

/// The interval of the mean of one value for each question.
pub fn mean(values: &[f64], units: &Units, resampling: &Resampling) -> Option<Estimate> {
    interval(units, resampling, |drawn| {
        (!drawn.is_empty()).then(|| drawn.iter().map(|at| values[*at]).sum::<f64>() / drawn.len() as f64)
    })
}

/// How much larger a figure is in the second of two runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The second less the first, over all questions.
    pub value: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The two-sided p-value: twice the smaller share of rounds in which the difference was at most 0 or at least 0,
    /// with one round added on either side so that it is never 0 (Davison and Hinkley 1997, section 4.4). It is below
    /// 1 - level where the interval leaves out 0.
    pub p_value: f64,
    /// The rounds in which either figure was not defined.
    pub undefined: u32,
}

/// The difference of two statistics over the same questions, drawn in pairs: every round draws the same questions for
/// both. `None` as for [`interval`].
pub fn paired(
    units: &Units,
    resampling: &Resampling,
    first: impl Fn(&[usize]) -> Option<f64>,
    second: impl Fn(&[usize]) -> Option<f64>,
) -> Option<Difference> {
    let difference = |drawn: &[usize]| Some(second(drawn)? - first(drawn)?);
    let value = difference(&units.all())?;
    let mut results = Vec::with_capacity(resampling.resamples as usize);
    units.resample(resampling, |drawn| results.extend(difference(drawn)));
    let (low, high) = percentiles(&mut results, resampling.level)?;
    let share = |count: usize| (count + 1) as f64 / (results.len() + 1) as f64;
    let at_most = share(results.iter().filter(|result| **result <= 0.0).count());
    let at_least = share(results.iter().filter(|result| **result >= 0.0).count());
    Some(Difference {
        value,
        low,
        high,
        p_value: (2.0 * at_most.min(at_least)).min(1.0),
        undefined: resampling.resamples - results.len() as u32,
    })
}

fn percentiles(results: &mut [f64], level: f64) -> Option<(f64, f64)> {
    results.sort_by(f64::total_cmp);
    let outside = (1.0 - level) / 2.0;
    Some((quantile(results, outside)?, quantile(results, 1.0 - outside)?))
}

/// The quantile `q` (0 to 1) of sorted values, between neighbours on a straight line (Hyndman and Fan 1996, type 7);
/// `None` without values.
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let (below, part) = place(sorted.len(), q)?;
    let (low, high) = (sorted[below], sorted[(below + 1).min(sorted.len() - 1)]);
    Some(low + (high - low) * part)
}

/// The same of values in any order, without sorting all of them; their order changes.
pub fn quantile_of(values: &mut [f64], q: f64) -> Option<f64> {
    let (below, part) = place(values.len(), q)?;
    let (_, low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let low = *low;
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    Some(low + (high - low) * part)
}

/// The value below the quantile, and how far it lies on the way to the next.
fn place(count: usize, q: f64) -> Option<(usize, f64)> {
    let position = q.clamp(0.0, 1.0) * count.checked_sub(1)? as f64;
    Some((position.floor() as usize, position.fract()))
}

#[cfg(test)]
mod tests;
