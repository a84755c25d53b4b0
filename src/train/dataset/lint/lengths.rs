//! Texts that are too long to be used, and texts whose length is far from that of the others.
//!
//! May depend on `settings` and `normal_form`.

use super::{
    Code,
    survey::{Place, Side, Survey},
};
use crate::train::dataset::{example::Example, normal_form::word_count, settings::LintSettings};

/// How many quartile distances beyond the quartiles is far out (Tukey 1977), on the logarithm of the length.
const FAR_OUT: f64 = 3.0;
/// Lengths that hardly differ must not make every other one an outlier: a factor of about 1.3 between the quartiles.
const LEAST_DISTANCE: f64 = 0.25;
/// With fewer texts there are no quartiles to speak of.
const LEAST_COUNT: usize = 50;

/// A question that is too long.
pub(super) fn look_at(example: &Example, settings: &LintSettings, found: &mut Vec<(Code, String)>) {
    let words = word_count(&example.question);
    if words > settings.max_question_words {
        let limit = settings.max_question_words;
        found.push((Code::TooLong, format!("the question has {words} words, and the limit is {limit}; shorten it")));
    }
}

/// A passage that is too long.
pub(super) fn look_at_passage(text: &str, limit: usize, found: &mut Vec<(Code, String)>) {
    let words = word_count(text);
    if words > limit {
        let message =
            format!("a passage has {words} words, and the limit is {limit}; cut it, or raise `max_passage_words`");
        found.push((Code::TooLong, message));
    }
}

/// Looks for outliers in each data set.
pub(super) fn look(survey: &mut Survey) {
    let mut found = Vec::new();
    for set in 0..survey.sets.len() {
        let of_set = |place: &Place| {
            let file = &survey.files[place.file as usize];
            file.set == set && file.side != Side::Against
        };
        let questions = survey.own().map(|example| (example.place, word_count(&example.question) as u32));
        let answers = survey.own().filter(|e| e.answer_words > 0).map(|example| (example.place, example.answer_words));
        let passages = survey.passages.iter().map(|passage| (passage.first, passage.words));
        outliers("question", questions.filter(|(place, _)| of_set(place)).collect(), &mut found);
        outliers("answer", answers.filter(|(place, _)| of_set(place)).collect(), &mut found);
        outliers("passage", passages.filter(|(place, _)| of_set(place)).collect(), &mut found);
    }
    for (place, message) in found {
        survey.add(Code::LengthOutlier, place, message);
    }
}

fn outliers(what: &str, lengths: Vec<(Place, u32)>, found: &mut Vec<(Place, String)>) {
    let Some((low, high)) = fences(lengths.iter().map(|(_, words)| *words)) else { return };
    for (place, words) in lengths {
        if f64::from(words) < low || f64::from(words) > high {
            let message = format!(
                "a {what} has {words} words, far from the others, which have {:.0} to {:.0}; look whether it is whole \
                 and the only one",
                low.ceil(),
                high.floor()
            );
            found.push((place, message));
        }
    }
}

/// The lengths beyond which a text is far out.
fn fences(lengths: impl Iterator<Item = u32>) -> Option<(f64, f64)> {
    let mut logarithms: Vec<f64> = lengths.map(|words| f64::from(words.max(1)).ln()).collect();
    if logarithms.len() < LEAST_COUNT {
        return None;
    }
    logarithms.sort_unstable_by(f64::total_cmp);
    let (first, third) = (logarithms[logarithms.len() / 4], logarithms[logarithms.len() * 3 / 4]);
    let distance = (third - first).max(LEAST_DISTANCE);
    Some(((first - FAR_OUT * distance).exp(), (third + FAR_OUT * distance).exp()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn fences_follow_the_spread() {
        let (low, high) = fences((0..100).map(|n| 90 + n % 20)).unwrap();
        assert!(low < 90.0 && low > 30.0 && high > 110.0 && high < 300.0, "{low} {high}");
        assert_eq!(fences((0..49).map(|_| 5)), None);
    }
}
