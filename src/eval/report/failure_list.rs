//! The worst failures of a run, each with what was asked, expected, said and shown.
//!
//! May depend on `eval::failures`, `eval::run` and `eval::report::html`.

use super::{format, html::Html, page_parts::heading};
use crate::{
    eval::{failures::Mistake, prediction::Prediction, run::Run, scoring::golds},
    train::dataset::example::{Example, Expected},
};

/// Of each mistake so many are shown.
const SHOWN: usize = 10;

/// The section, with the most confident of each mistake first: those are the ones that nothing downstream would catch.
pub(super) fn section(body: &mut Html, run: &Run) {
    heading(body, "The worst failures");
    let mut any = false;
    for mistake in Mistake::ALL {
        let mut found: Vec<(&Example, &Prediction)> = run
            .examples
            .iter()
            .zip(&run.predictions)
            .filter(|(_, prediction)| Mistake::of(prediction) == Some(mistake))
            .collect();
        if found.is_empty() {
            continue;
        }
        any = true;
        found.sort_by(|(_, a), (_, b)| b.confidence.total_cmp(&a.confidence));
        body.markup("<h3>").text(title_of(mistake)).markup(" <span>").text(&format::count(found.len()));
        if found.len() > SHOWN {
            body.markup(", the ").integer(SHOWN).markup(" most confident are shown");
        }
        body.markup("</span></h3>\n<div class=\"failures\">\n");
        for (example, prediction) in found.into_iter().take(SHOWN) {
            failure(body, example, prediction);
        }
        body.markup("</div>\n");
    }
    if any {
        body.markup("<p class=\"note\">All of them: <code>footnote eval failures</code>.</p>\n");
    } else {
        body.markup("<p>There are none.</p>\n");
    }
}

fn title_of(mistake: Mistake) -> &'static str {
    match mistake {
        Mistake::FalseAnswer => "False answers",
        Mistake::WrongAnswer => "Wrong answers",
        Mistake::WrongAbstention => "Wrong abstentions",
        Mistake::Failed => "Errors and timeouts",
    }
}

fn failure(body: &mut Html, example: &Example, prediction: &Prediction) {
    body.markup("<article class=\"failure\">\n<p class=\"where\">").text(&prediction.document).markup(" · <code>");
    body.text(&example.id).markup("</code></p>\n<p class=\"question\">").text(&example.question).markup("</p>\n<dl>\n");
    let golds = golds(example);
    let expected = match example.expected {
        Expected::Clarify => "to ask back".to_owned(),
        _ if golds.is_empty() => "to decline".to_owned(),
        _ => golds.join(" / "),
    };
    let said = match (&prediction.error, prediction.given()) {
        (Some(error), _) => error.clone(),
        (None, Some(given)) => given.to_owned(),
        (None, None) => format!("[{}] {}", prediction.outcome.as_str(), prediction.answer),
    };
    let mut lines = vec![("Expected", expected), ("Said", said)];
    if prediction.given().is_some_and(|given| given != prediction.answer) {
        lines.push(("In words", prediction.answer.clone()));
    }
    if prediction.error.is_none() {
        lines.push(("Confidence", format::percent(prediction.confidence)));
    }
    lines.extend(prediction.citations.iter().map(|citation| ("Footnote", citation.quote.clone())));
    for (name, value) in lines {
        body.markup("<dt>").markup(name).markup("</dt><dd>").text(&value).markup("</dd>\n");
    }
    body.markup("</dl>\n");
    if !example.passages.is_empty() {
        body.markup("<details><summary>Passages (").integer(example.passages.len()).markup(")</summary>\n");
        for passage in &example.passages {
            body.markup("<h4>").text(&passage.title).markup("</h4><p>").text(&passage.text).markup("</p>\n");
        }
        body.markup("</details>\n");
    }
    body.markup("</article>\n");
}
