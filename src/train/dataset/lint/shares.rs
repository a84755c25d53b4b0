//! The shares of unanswerable and of synthetic examples.
//!
//! May depend on `settings`.

use std::collections::BTreeMap;

use super::{Code, survey::Survey};
use crate::train::dataset::files::Split;

/// With fewer examples a share says nothing.
const LEAST_COUNT: u64 = 20;

#[derive(Default)]
struct Counts {
    examples: u64,
    unanswerable: u64,
    synthetic: u64,
}

/// Looks at each split of each data set.
pub(super) fn look(survey: &mut Survey) {
    let mut counted: BTreeMap<(usize, Option<Split>), Counts> = BTreeMap::new();
    for example in survey.own() {
        let file = &survey.files[example.place.file as usize];
        let counts = counted.entry((file.set, file.split)).or_default();
        counts.examples += 1;
        counts.unanswerable += u64::from(example.abstained);
        counts.synthetic += u64::from(example.synthetic);
    }
    for ((set, split), counts) in counted {
        let settings = survey.sets[set].settings.clone();
        let whose = split.map_or_else(String::new, |split| format!("of {split}, "));
        let percent = |part: u64| 100.0 * part as f64 / counts.examples as f64;
        let unanswerable = percent(counts.unanswerable);
        let (least, most) = (100.0 * settings.min_unanswerable, 100.0 * settings.max_unanswerable);
        if counts.examples >= LEAST_COUNT && !(least..=most).contains(&unanswerable) {
            let remedy = if unanswerable < least {
                "add some, e.g. with `footnote dataset negatives`"
            } else {
                "add answerable ones"
            };
            let message = format!(
                "{whose}{unanswerable:.1} % are unanswerable, and the band is {least:.1} to {most:.1} %; {remedy}"
            );
            survey.add_to_set(Code::UnanswerableShare, set, message);
        }
        let (synthetic, cap) = (percent(counts.synthetic), 100.0 * settings.max_synthetic);
        if synthetic > cap {
            let message = format!(
                "{whose}{synthetic:.1} % are synthetic, and the cap is {cap:.1} %; leave some out, or raise `max_synthetic`"
            );
            survey.add_to_set(Code::SyntheticShare, set, message);
        }
    }
}
