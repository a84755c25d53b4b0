//! The page of an ablation: one table, and what is found of each stage.
//!
//! May depend on `eval::ablation` and its siblings.

use super::{
    format,
    html::Html,
    page_parts::{head, heading, table, whole},
};
use crate::eval::{
    ablation::{Ablation, FIGURES, FREE_MS, Finding, Row, Sight},
    compare::{ComparedMetric, Verdict},
};

/// The page.
pub fn page(ablation: &Ablation) -> String {
    let mut body = Html::new();
    let models: Vec<String> = ablation.models.iter().map(|(part, name)| format!("{part} {name}")).collect();
    let lines = [models.join(" · "), format!("On where nothing is switched: {}.", ablation.base.join(", "))];
    head(&mut body, "Ablation", "What each stage brings and costs", &lines);
    heading(&mut body, "Stage by stage");
    let titles = FIGURES.map(|metric| metric.label());
    let columns: Vec<&str> = ["Stage", "Default", "Suite", "Questions changed"].into_iter().chain(titles).collect();
    let rows: Vec<Vec<String>> = ablation.rows.iter().map(cells).collect();
    table(&mut body, &columns, &rows, 3);
    body.markup("<p class=\"note\">Every figure is the one with the stage less the one without it, shares in points, with the interval of a paired bootstrap; * marks what is significant.</p>\n");
    heading(&mut body, "What is found");
    let found: Vec<Vec<String>> = ablation
        .judgements
        .iter()
        .map(|judged| {
            let advice = if judged.default_is_wrong { "the default should be the other one" } else { "" };
            let row = [judged.stage.as_str(), on_or_off(judged.default), judged.finding.as_str(), advice];
            row.map(str::to_owned).to_vec()
        })
        .collect();
    table(&mut body, &["Stage", "Default", "Finding", ""], &found, 4);
    body.markup("<p class=\"note\">").text(&rule()).markup("</p>\n");
    whole("Ablation", &body)
}

/// The rule of the findings, in words.
pub fn rule() -> String {
    format!(
        "A stage {} when task success is significantly better with it on a suite that shows what it is for, and \
         significantly worse on none. Where neither is so, it is free when the median of the latency rises by no more than \
         {FREE_MS} ms or than between two runs of the same stages (the rows without a stage), and else {}.",
        Finding::Earns.as_str(),
        Finding::DoesNotEarn.as_str()
    )
}

/// A row of the table, as a page and a terminal show it.
pub fn cells(row: &Row) -> Vec<String> {
    let (stage, default) = match row.stage {
        Some(stage) => (stage.as_str(), on_or_off(stage.is_default())),
        None => ("(the same again)", ""),
    };
    let mut cells = vec![stage.to_owned(), default.to_owned(), row.suite.clone()];
    match row.sight {
        Sight::Nothing(why) => cells.push(format!("not measured: {why}")),
        Sight::HarmOnly(why) => cells.push(format!("{} of {}; harm only: {why}", row.changed, row.questions)),
        Sight::Whole => cells.push(format!("{} of {}", row.changed, row.questions)),
    }
    cells.extend(FIGURES.into_iter().map(|metric| row.get(metric).map_or_else(String::new, cell)));
    cells
}

/// A difference with its interval; a star where it is significant.
fn cell(compared: &ComparedMetric) -> String {
    let unit = compared.metric.unit();
    let [value, low, high] =
        [compared.difference, compared.low, compared.high].map(|number| format::difference(number, unit));
    let star = if compared.verdict == Verdict::NotSignificant { "" } else { "*" };
    format!("{value}{star} [{low}, {high}]")
}

/// The word for a default.
pub fn on_or_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        domain::{Stage, Stages},
        eval::{
            ablation::{SuiteRuns, ablation},
            suite::Mode,
            testing::small_run,
        },
    };

    #[test]
    fn the_page_has_every_stage_and_says_what_was_not_measured() {
        let mut without = small_run();
        without.predictions[6].answer = "<i>212</i>".into();
        let suite = SuiteRuns {
            mode: Mode::Closed,
            default: small_run(),
            switched: vec![(Stage::Literal, without)],
            again: small_run(),
        };
        let page = page(&ablation(&Stages::default(), &[suite]).unwrap());
        for stage in Stage::ALL {
            assert!(page.contains(stage.as_str()), "{stage}");
        }
        for words in ["no question goes on with a conversation", "1 of 8", "harbour", "(the same again)", "+0.0 ["] {
            assert!(page.contains(words), "{words}");
        }
        assert!(!page.contains("<script") && !page.contains("http:") && !page.contains("https:"));
    }
}
