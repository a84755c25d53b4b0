//! The plots of a training run.
//!
//! May depend on `eval::report::plot`.

use super::{TrainingRun, lowest};
use crate::eval::report::{
    format::{NumberFormat, number},
    plot::{Axis, Extent, Marks, Plot, Rule, Series, Stroke},
};

/// Fewer losses than this are shown as they are, without a smoothed line.
const FEWEST_TO_SMOOTH: usize = 30;
/// The columns that have plots of their own kind, and those that only say how far the run has come.
const KNOWN: [&str; 9] = [
    "loss",
    "validation_loss",
    "perplexity",
    "learning_rate",
    "tokens_per_second",
    "task_success",
    "epoch",
    "seconds",
    "tokens",
];

/// How well a model that answers does it, on the validation data: the columns and their names.
const ANSWERS: [(&str, &str); 4] = [
    ("validation_f1", "F1"),
    ("validation_exact_match", "exact match"),
    ("validation_has_ans_f1", "F1 where there is an answer"),
    ("validation_no_ans_accuracy", "declined where there is none"),
];

/// All plots that the run has values for; at least that of the loss. A loss that is made of parts has a plot for each
/// part `X_loss`, together with `validation_X_loss`.
pub(super) fn all(run: &TrainingRun) -> Vec<Plot> {
    let mut plots = vec![loss(run, "Loss", "loss")];
    let parts: Vec<&str> = run.columns.iter().map(|column| column.name.as_str()).filter(|name| is_part(name)).collect();
    plots.extend(parts.iter().map(|name| loss(run, &capitalised(name), name)));
    let shown = |name: &str| {
        KNOWN.contains(&name)
            || ANSWERS.iter().any(|answers| answers.0 == name)
            || parts.iter().any(|part| name.trim_start_matches(VALIDATION) == *part)
    };
    let mut add = |name: &str, title: &str, unit: &str, extent: Extent, format: NumberFormat, series: Vec<Series>| {
        if !run.points(name).is_empty() {
            let x = Axis::linear("step", Extent::Data, NumberFormat::Plain);
            let y = Axis::linear(unit, extent, format);
            plots.push(Plot { title: title.to_owned(), x, y, series, rules: vec![], note: None });
        }
    };
    let of = |name: &str| run.points(name);
    let (plain, share) = (NumberFormat::Plain, NumberFormat::Percent);
    let validated = |name: &str| vec![series("", 0, Marks::LineWithPoints(of(name).to_vec()))];
    add("perplexity", "Perplexity on the validation set", "perplexity", Extent::Data, plain, validated("perplexity"));
    add(
        "task_success",
        "Task success on the validation set",
        "success",
        Extent::FromZero,
        share,
        validated("task_success"),
    );
    let answers = ANSWERS.iter().enumerate().filter(|(_, (name, _))| !of(name).is_empty());
    let answers = answers.map(|(at, (name, label))| series(label, at, Marks::LineWithPoints(of(name).to_vec())));
    add(ANSWERS[0].0, "Answers on the validation set", "share", Extent::FromZero, share, answers.collect());
    let rate = vec![series("", 0, Marks::Line(of("learning_rate").to_vec(), Stroke::Solid))];
    add("learning_rate", "Learning rate", "learning rate", Extent::FromZero, plain, rate);
    let speed = noisy("each step", "smoothed", of("tokens_per_second"));
    add("tokens_per_second", "Speed", "tokens per second", Extent::FromZero, plain, speed);
    for column in run.columns.iter().filter(|column| !shown(&column.name)) {
        let series = noisy("each step", "smoothed", &column.points);
        add(&column.name, &capitalised(&column.name), &in_words(&column.name), Extent::Data, plain, series);
    }
    plots
}

/// What a column of the validation set begins with.
const VALIDATION: &str = "validation_";

fn is_part(name: &str) -> bool {
    name.ends_with("_loss") && !name.starts_with(VALIDATION)
}

fn in_words(name: &str) -> String {
    name.replace('_', " ")
}

fn capitalised(name: &str) -> String {
    let words = in_words(name);
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn series(name: &str, colour: usize, marks: Marks) -> Series {
    Series { name: name.to_owned(), colour, marks }
}

/// Values that jump from step to step, with the line through their middle where there are many.
fn noisy(name: &str, smooth_name: &str, points: &[(f64, f64)]) -> Vec<Series> {
    if points.len() < FEWEST_TO_SMOOTH {
        return vec![series(name, 0, Marks::Line(points.to_vec(), Stroke::Solid))];
    }
    let smooth = series(smooth_name, 0, Marks::Line(smoothed(points), Stroke::Solid));
    vec![series(name, 0, Marks::Line(points.to_vec(), Stroke::Faint)), smooth]
}

fn loss(run: &TrainingRun, title: &str, name: &str) -> Plot {
    let (training, validation) = (run.points(name), run.points(&format!("{VALIDATION}{name}")));
    let mut all = noisy("training", "training, smoothed", training);
    if !validation.is_empty() {
        all.push(series("validation", 1, Marks::LineWithPoints(validation.to_vec())));
    }
    let best = lowest(validation).map(|(step, _)| Rule { at: step, label: format!("best, step {}", number(step)) });
    Plot {
        title: title.to_owned(),
        x: Axis::linear("step", Extent::Data, NumberFormat::Plain),
        y: Axis::linear("nats", Extent::Data, NumberFormat::Plain),
        series: all,
        rules: best.into_iter().collect(),
        note: (training.len() >= FEWEST_TO_SMOOTH)
            .then(|| "Smoothed lines are means over a thirtieth of the run round each step.".to_owned()),
    }
}

/// The mean of the values round each point, over a thirtieth of all points; values that are no finite numbers are left
/// out of it.
fn smoothed(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let half = (points.len() / 60).max(1);
    let window = |at: usize| &points[at.saturating_sub(half)..(at + half + 1).min(points.len())];
    let mean = |at: usize| {
        let finite = window(at).iter().map(|point| point.1).filter(|value| value.is_finite());
        let (sum, count) = finite.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
        sum / count
    };
    points.iter().enumerate().map(|(at, (step, _))| (*step, mean(at))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::eval::report::training::Column;

    #[test]
    fn the_parts_of_a_loss_are_shown_with_their_validation() {
        let names =
            ["loss", "start_loss", "epoch", "validation_loss", "validation_start_loss", "validation_other_loss"];
        let columns = names.map(|name| Column { name: name.to_owned(), points: vec![(1.0, 2.0), (2.0, 1.0)] }).to_vec();
        let run = TrainingRun { name: String::new(), card: serde_json::Value::Null, columns };
        let plots = all(&run);
        let shown: Vec<(&str, usize)> = plots.iter().map(|plot| (plot.title.as_str(), plot.series.len())).collect();
        assert_eq!(shown, [("Loss", 2), ("Start loss", 2), ("Validation other loss", 1)]);
    }

    #[test]
    fn the_figures_of_answers_are_one_plot() {
        let names = ["loss", "validation_f1", "validation_no_ans_accuracy", "validation_threshold"];
        let columns = names.map(|name| Column { name: name.to_owned(), points: vec![(1.0, 0.5)] }).to_vec();
        let plots = all(&TrainingRun { name: String::new(), card: serde_json::Value::Null, columns });
        let shown: Vec<(&str, usize)> = plots.iter().map(|plot| (plot.title.as_str(), plot.series.len())).collect();
        assert_eq!(shown, [("Loss", 1), ("Answers on the validation set", 2), ("Validation threshold", 1)]);
    }

    #[test]
    fn smoothing_leaves_a_straight_line_as_it_is() {
        let flat: Vec<(f64, f64)> = (0..90).map(|step| (f64::from(step), 2.5)).collect();
        assert!(smoothed(&flat).iter().all(|(_, value)| (value - 2.5).abs() < 1e-12));
        let rising: Vec<(f64, f64)> = (0..90).map(|step| (f64::from(step), f64::from(step))).collect();
        assert_eq!(smoothed(&rising)[45], (45.0, 45.0), "it lags behind");
    }

    proptest! {
        #[test]
        fn smoothed_values_lie_between_the_extremes(values in prop::collection::vec(0.0_f64..10.0, 1..200)) {
            let points: Vec<(f64, f64)> = values.iter().enumerate().map(|(at, value)| (at as f64, *value)).collect();
            let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
            prop_assert!(smoothed(&points).iter().all(|(_, v)| *v >= low - 1e-9 && *v <= high + 1e-9));
        }
    }
}
