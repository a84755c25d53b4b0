#![allow(clippy::unwrap_used, clippy::expect_used)]
use proptest::prelude::*;

use super::*;

fn mean_of(values: &[f64]) -> impl Fn(&[usize]) -> Option<f64> {
    let values = values.to_vec();
    move |drawn| (!drawn.is_empty()).then(|| drawn.iter().map(|&at| values[at]).sum::<f64>() / drawn.len() as f64)
}

fn resampling(seed: u64) -> Resampling {
    Resampling::new(2_000, seed, 0.95).unwrap()
}

#[test]
fn a_share_has_about_its_textbook_interval() {
    // 320 of 400: 0.8 give or take 1.96 standard errors of 0.02.
    let values: Vec<f64> = (0..400).map(|at| f64::from(u8::from(at % 5 != 0))).collect();
    let found = interval(&Units::questions(400), &resampling(1), mean_of(&values)).unwrap();
    assert_eq!((found.value, found.undefined), (0.8, 0));
    assert!((found.low - 0.7608).abs() < 0.006 && (found.high - 0.8392).abs() < 0.006, "{found:?}");
    assert_eq!(interval(&Units::questions(400), &resampling(1), mean_of(&values)), Some(found));
}

#[test]
fn clusters_of_equal_questions_widen_the_interval() {
    // Ten documents, each wholly right or wholly wrong: in truth there are ten cases, not two hundred.
    let values: Vec<f64> = (0..200).map(|at| f64::from(u8::from(at / 20 < 6))).collect();
    let labels: Vec<String> = (0..200).map(|at| (at / 20).to_string()).collect();
    let apart = interval(&Units::questions(200), &resampling(2), mean_of(&values)).unwrap();
    let together =
        interval(&Units::clusters(labels.iter().map(String::as_str)), &resampling(2), mean_of(&values)).unwrap();
    assert_eq!(apart.value, together.value);
    let (narrow, wide) = (apart.high - apart.low, together.high - together.low);
    assert!(wide > 3.5 * narrow && wide < 5.5 * narrow, "{narrow} {wide}");
}

#[test]
fn pairs_see_a_small_difference_that_single_runs_hide() {
    // The second run is right on 12 more of 300 questions, and wrong on none of the others.
    let first: Vec<f64> = (0..300).map(|at| f64::from(u8::from(at % 2 == 0))).collect();
    let second: Vec<f64> = (0..300).map(|at| f64::from(u8::from(at % 2 == 0 || at % 25 == 1))).collect();
    let units = Units::questions(300);
    let found = paired(&units, &resampling(3), mean_of(&first), mean_of(&second)).unwrap();
    let gained = second.iter().sum::<f64>() - first.iter().sum::<f64>();
    assert!((found.value - gained / 300.0).abs() < 1e-12);
    assert!(found.low > 0.0 && found.p_value < 0.01, "{found:?}");
    let (one, other) = (
        interval(&units, &resampling(3), mean_of(&first)).unwrap(),
        interval(&units, &resampling(3), mean_of(&second)).unwrap(),
    );
    assert!(one.high > other.low, "unpaired, the intervals overlap");
}

#[test]
fn the_test_rejects_equal_systems_about_as_often_as_it_says() {
    // Two systems that are right by the throw of a coin: at a level of 0.9 one comparison in ten is a false alarm.
    let mut random = SplitMix64::new(11);
    let settings = Resampling::new(400, 5, 0.9).unwrap();
    let rejected = (0..300)
        .filter(|_| {
            let mut run = || -> Vec<f64> { (0..60).map(|_| random.below(2) as f64).collect() };
            let (first, second) = (run(), run());
            paired(&Units::questions(60), &settings, mean_of(&first), mean_of(&second)).unwrap().p_value < 0.1
        })
        .count();
    assert!((12..=50).contains(&rejected), "{rejected} of 300");
}

#[test]
fn the_same_run_twice_does_not_differ() {
    let values = [1.0, 0.0, 1.0, 1.0];
    let found = paired(&Units::questions(4), &resampling(4), mean_of(&values), mean_of(&values)).unwrap();
    assert_eq!((found.value, found.low, found.high, found.p_value), (0.0, 0.0, 0.0, 1.0));
}

#[test]
fn rounds_without_the_figure_are_counted() {
    // Only question 0 counts; some rounds do not draw it.
    let only_first = |drawn: &[usize]| drawn.contains(&0).then_some(1.0);
    let found = interval(&Units::questions(3), &resampling(5), only_first).unwrap();
    // (2/3)^3 of the rounds, 593 of 2,000.
    assert!((500..700).contains(&found.undefined), "{found:?}");
    assert_eq!(interval(&Units::questions(3), &resampling(5), |_| None), None);
    assert_eq!(interval(&Units::questions(0), &resampling(5), mean_of(&[])), None);
}

#[test]
fn settings_that_mean_nothing_are_refused() {
    assert_eq!(Resampling::new(99, 0, 0.95), Err(BootstrapError::Resamples(99)));
    assert_eq!(Resampling::new(1_000, 0, 1.0), Err(BootstrapError::Level(1.0)));
    assert!(Resampling::new(1_000, 0, f64::NAN).is_err());
}

#[test]
fn quantiles_lie_between_their_neighbours() {
    let values = [1.0, 2.0, 4.0, 8.0];
    assert_eq!(quantile(&values, 0.0), Some(1.0));
    assert_eq!(quantile(&values, 0.5), Some(3.0));
    assert_eq!(quantile(&values, 1.0), Some(8.0));
    assert_eq!((quantile(&[], 0.5), quantile(&[3.0], 0.95)), (None, Some(3.0)));
}

proptest! {
    #[test]
    fn sorting_is_not_needed_for_a_quantile(mut values in prop::collection::vec(-1e3_f64..1e3, 0..50), q in 0.0_f64..=1.0) {
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        prop_assert_eq!(quantile_of(&mut values, q), quantile(&sorted, q));
    }

    #[test]
    fn swapping_the_runs_turns_the_difference_round(
        pairs in prop::collection::vec((0.0_f64..1.0, 0.0_f64..1.0), 2..30), seed: u64,
    ) {
        let (first, second): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
        let (units, settings) = (Units::questions(first.len()), Resampling::new(200, seed, 0.9).unwrap());
        let one = paired(&units, &settings, mean_of(&first), mean_of(&second)).unwrap();
        let other = paired(&units, &settings, mean_of(&second), mean_of(&first)).unwrap();
        prop_assert!((one.value + other.value).abs() < 1e-12 && (one.p_value - other.p_value).abs() < 1e-12);
        prop_assert!((one.low + other.high).abs() < 1e-9 && one.low <= one.high);
    }
}
