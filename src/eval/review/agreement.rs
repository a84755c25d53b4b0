//! What the reviewers said: which run they prefer, and how far they agree beyond chance.
//!
//! May depend on `eval::bootstrap` and `eval::review::filled`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    ReviewError,
    filled::{Filled, Preference},
    sheet::Key,
};
use crate::eval::bootstrap::{Estimate, Resampling, Units, interval, mean};

/// How often a reviewer said what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReviewerCounts {
    /// Who.
    pub reviewer: String,
    /// How often the first run was preferred.
    pub first: usize,
    /// How often the second run was.
    pub second: usize,
    /// How often both were equally good.
    pub equal_good: usize,
    /// How often both were equally bad.
    pub equal_bad: usize,
    /// The items that were not judged.
    pub open: usize,
    /// How often A was preferred, whichever run that was.
    pub preferred_a: usize,
    /// How often B was.
    pub preferred_b: usize,
}

/// How two reviewers agree.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairAgreement {
    /// The one.
    pub one: String,
    /// The other.
    pub other: String,
    /// The items that both judged.
    pub items: usize,
    /// The share on which they said the same.
    pub agreement: f64,
    /// Cohen's kappa (Cohen 1960) over the four verdicts: agreement beyond what their habits would bring by chance; 1
    /// is full, 0 is chance. Absent when both said one and the same verdict throughout: chance then explains it all.
    pub kappa: Option<Estimate>,
}

/// The result of a review.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReviewReport {
    /// The first run.
    pub first: String,
    /// The second run.
    pub second: String,
    /// The items of the sheet.
    pub items: usize,
    /// Those that at least one reviewer judged.
    pub judged: usize,
    /// Each reviewer's counts.
    pub reviewers: Vec<ReviewerCounts>,
    /// The mean over the judged items of +1 where the second run is preferred, -1 where the first is, 0 where neither
    /// is, each item the mean of its reviewers; with the interval of drawing items.
    pub preference: Estimate,
    /// The items whose reviewers prefer the first run on balance, and the second.
    pub leaning: (usize, usize),
    /// The two-sided p-value of the exact sign test over those items (Dixon and Mood 1946).
    pub p_value: f64,
    /// Each pair of reviewers with common items.
    pub pairs: Vec<PairAgreement>,
}

/// Sums up filled sheets of one key.
pub fn sum_up(key: &Key, sheets: &[Filled], resampling: &Resampling) -> Result<ReviewReport, ReviewError> {
    let mut names = BTreeSet::new();
    if let Some(again) = sheets.iter().find(|sheet| !names.insert(&sheet.reviewer)) {
        return Err(ReviewError::SameReviewer(again.reviewer.clone()));
    }
    let mut by_item: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for (item, preference) in sheets.iter().flat_map(|sheet| &sheet.verdicts) {
        by_item.entry(*item).or_default().push(towards_second(*preference));
    }
    let balance: Vec<f64> = by_item.values().map(|scores| scores.iter().sum::<f64>() / scores.len() as f64).collect();
    let preference = mean(&balance, &Units::questions(balance.len()), resampling).ok_or(ReviewError::NothingJudged)?;
    let leaning =
        (balance.iter().filter(|score| **score < 0.0).count(), balance.iter().filter(|score| **score > 0.0).count());
    let mut pairs = Vec::new();
    for (at, one) in sheets.iter().enumerate() {
        pairs.extend(sheets[at + 1..].iter().filter_map(|other| pair(one, other, resampling)));
    }
    Ok(ReviewReport {
        first: key.first.clone(),
        second: key.second.clone(),
        items: key.items.len(),
        judged: balance.len(),
        reviewers: sheets.iter().map(counts).collect(),
        preference,
        leaning,
        p_value: sign_test(leaning.0, leaning.1),
        pairs,
    })
}

fn towards_second(preference: Preference) -> f64 {
    match preference {
        Preference::First => -1.0,
        Preference::Second => 1.0,
        Preference::EqualGood | Preference::EqualBad => 0.0,
    }
}

fn counts(sheet: &Filled) -> ReviewerCounts {
    let of = |wanted: Preference| sheet.verdicts.values().filter(|said| **said == wanted).count();
    ReviewerCounts {
        reviewer: sheet.reviewer.clone(),
        first: of(Preference::First),
        second: of(Preference::Second),
        equal_good: of(Preference::EqualGood),
        equal_bad: of(Preference::EqualBad),
        open: sheet.open,
        preferred_a: sheet.sides.0,
        preferred_b: sheet.sides.1,
    }
}

fn pair(one: &Filled, other: &Filled, resampling: &Resampling) -> Option<PairAgreement> {
    let common: Vec<(Preference, Preference)> =
        one.verdicts.iter().filter_map(|(item, said)| Some((*said, *other.verdicts.get(item)?))).collect();
    if common.is_empty() {
        return None;
    }
    let agreed = common.iter().filter(|(a, b)| a == b).count();
    let statistic = |drawn: &[usize]| kappa(drawn.iter().map(|&at| common[at]));
    Some(PairAgreement {
        one: one.reviewer.clone(),
        other: other.reviewer.clone(),
        items: common.len(),
        agreement: agreed as f64 / common.len() as f64,
        kappa: interval(&Units::questions(common.len()), resampling, statistic),
    })
}

/// Cohen's kappa of pairs of verdicts; `None` without pairs, or when chance alone explains full agreement.
pub fn kappa(pairs: impl Iterator<Item = (Preference, Preference)>) -> Option<f64> {
    let (mut count, mut agreed) = (0.0, 0.0);
    let (mut ones, mut others) = ([0.0; 4], [0.0; 4]);
    for (one, other) in pairs {
        count += 1.0;
        agreed += f64::from(u8::from(one == other));
        ones[one as usize] += 1.0;
        others[other as usize] += 1.0;
    }
    let by_chance: f64 = ones.iter().zip(others).map(|(one, other)| one * other).sum::<f64>() / (count * count);
    let observed = agreed / count;
    (count > 0.0 && by_chance < 1.0).then(|| (observed - by_chance) / (1.0 - by_chance))
}

/// The two-sided p-value of the exact sign test: how likely a split at least this uneven is when both signs are
/// equally likely.
pub fn sign_test(minus: usize, plus: usize) -> f64 {
    let all = minus + plus;
    let mut log_choose = 0.0;
    let mut tail = 0.0;
    for successes in 0..=minus.min(plus) {
        if successes > 0 {
            log_choose += ((all - successes + 1) as f64 / successes as f64).ln();
        }
        tail += (log_choose - all as f64 * std::f64::consts::LN_2).exp();
    }
    (2.0 * tail).min(1.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::eval::review::sheet::KeyItem;

    use Preference::{EqualBad, EqualGood, First, Second};

    fn sheet(reviewer: &str, verdicts: &[(usize, Preference)]) -> Filled {
        let verdicts = verdicts.iter().copied().collect();
        Filled { reviewer: reviewer.into(), verdicts, open: 0, sides: (0, 0) }
    }

    fn key(items: usize) -> Key {
        let item = |number| KeyItem { number, example: number.to_string(), a_is_first: true };
        let items = (1..=items).map(item).collect();
        Key { sheet: "abc".into(), first: "base".into(), second: "tuned".into(), seed: 1, items }
    }

    fn settings() -> Resampling {
        Resampling::new(1_000, 3, 0.95).unwrap()
    }

    #[test]
    fn kappa_by_hand() {
        // Cohen's arithmetic on two verdicts: 20 and 15 agreed of 50, marginals 25/25 and 30/20: (0.7 - 0.5) / 0.5.
        let pairs = [(First, First, 20), (First, Second, 5), (Second, First, 10), (Second, Second, 15)];
        let all = pairs.iter().flat_map(|&(one, other, count)| std::iter::repeat_n((one, other), count));
        assert!((kappa(all).unwrap() - 0.4).abs() < 1e-12);
        assert_eq!(kappa([(EqualGood, EqualGood); 3].into_iter()), None);
        assert_eq!(kappa(std::iter::empty()), None);
        assert_eq!(kappa([(First, Second), (Second, First)].into_iter()), Some(-1.0));
    }

    #[test]
    fn the_sign_test_by_hand() {
        // Of ten, at most two on one side: (1 + 10 + 45) / 1024, twice.
        assert!((sign_test(2, 8) - 112.0 / 1024.0).abs() < 1e-12);
        assert!((sign_test(8, 2) - sign_test(2, 8)).abs() < 1e-15);
        assert_eq!((sign_test(0, 0), sign_test(5, 5)), (1.0, 1.0));
        assert!(sign_test(0, 2_000) >= 0.0 && sign_test(900, 1_100) < 1e-4);
    }

    #[test]
    fn a_clear_preference_is_reported_with_its_interval() {
        let verdicts: Vec<(usize, Preference)> =
            (1..=40).map(|item| (item, if item % 5 == 0 { First } else { Second })).collect();
        let report = sum_up(&key(50), &[sheet("Ann", &verdicts)], &settings()).unwrap();
        assert_eq!((report.judged, report.items, report.leaning), (40, 50, (8, 32)));
        assert!((report.preference.value - 0.6).abs() < 1e-12 && report.preference.low > 0.2);
        assert!(report.p_value < 0.001 && report.pairs.is_empty());
        assert_eq!((report.reviewers[0].first, report.reviewers[0].second), (8, 32));
    }

    #[test]
    fn an_item_counts_once_however_many_judged_it() {
        let one = sheet("Ann", &[(1, First), (2, EqualBad), (3, Second)]);
        let other = sheet("Bob", &[(1, Second), (2, EqualBad), (4, Second)]);
        let report = sum_up(&key(4), &[one, other], &settings()).unwrap();
        // The items 1 to 4 lean by 0, 0, 1 and 1.
        assert_eq!((report.preference.value, report.leaning), (0.5, (0, 2)));
        assert_eq!((report.pairs[0].items, report.pairs[0].agreement), (2, 0.5));
    }

    #[test]
    fn sheets_that_say_nothing_new_are_refused() {
        let same = [sheet("Ann", &[(1, First)]), sheet("Ann", &[(1, First)])];
        assert!(matches!(sum_up(&key(1), &same, &settings()), Err(ReviewError::SameReviewer(_))));
        assert!(matches!(sum_up(&key(1), &[sheet("Ann", &[])], &settings()), Err(ReviewError::NothingJudged)));
    }

    proptest! {
        #[test]
        fn kappa_is_one_for_full_agreement_and_never_more(pairs in prop::collection::vec((0_usize..4, 0_usize..4), 1..40)) {
            let pairs: Vec<_> = pairs.into_iter().map(|(one, other)| (Preference::ALL[one], Preference::ALL[other])).collect();
            prop_assert!(kappa(pairs.iter().copied()).is_none_or(|found| found <= 1.0 + 1e-12));
            let same = kappa(pairs.iter().map(|(one, _)| (*one, *one)));
            prop_assert!(same.is_none_or(|found| (found - 1.0).abs() < 1e-12));
        }
    }
}
