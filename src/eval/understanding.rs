//! How well requests are understood: the modules of `answer::preprocess` that are rules, on labelled requests
//! (`datasets/understanding`), each with its own figures.
//!
//! May depend on `answer::preprocess`, `bootstrap` and `domain`.

pub mod data;
mod wording;

use std::path::Path;

use clap::ValueEnum;
use serde::Serialize;

use super::bootstrap::{Estimate, Resampling, Units, mean};
use crate::{
    answer::preprocess::{follow_up, fragment, parts, request_kind::request_kind},
    domain::{RequestKind, Turn},
};
use data::{DataError, FollowUp, Fragment, Kind, Parts};

/// Rules are tuned on one part, and measured on the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// What rules are tuned on.
    Dev,
    /// What figures are reported on.
    Test,
}

/// A share of rows (0 to 1), or a mean of shares.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// The module, by the name of its switch.
    pub module: &'static str,
    /// What the figure says.
    pub name: &'static str,
    /// The rows that it is over.
    pub rows: usize,
    /// The figure and its interval; absent when there are no rows.
    pub estimate: Option<Estimate>,
}

/// The figures of all modules.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Which rows were measured.
    pub part: Part,
    /// The figures, module by module.
    pub figures: Vec<Figure>,
}

/// Measures the modules on the rows of `part` in a folder with the four files of `datasets/understanding`.
pub fn measure(folder: &Path, part: Part, resampling: &Resampling) -> Result<Report, DataError> {
    let mut scores = kinds(&data::kinds(folder, part)?);
    scores.extend(fragments(&data::fragments(folder, part)?));
    scores.extend(several(&data::parts(folder, part)?));
    scores.extend(follow_ups(&data::follow_ups(folder, part)?));
    let figures = scores.into_iter().map(|(module, name, scores)| {
        let estimate = mean(&scores, &Units::questions(scores.len()), resampling);
        Figure { module, name, rows: scores.len(), estimate }
    });
    Ok(Report { part, figures: figures.collect() })
}

/// A module, what is measured, and the score of each row.
type Scores = (&'static str, &'static str, Vec<f64>);

fn score(right: bool) -> f64 {
    f64::from(u8::from(right))
}

fn kinds(rows: &[Kind]) -> Vec<Scores> {
    let found: Vec<RequestKind> = rows.iter().map(|row| request_kind(&row.text)).collect();
    let pairs = || rows.iter().zip(&found);
    let questions = || pairs().filter(|(row, _)| row.kind.is_served());
    let others = || pairs().filter(|(row, _)| !row.kind.is_served());
    vec![
        ("request_kinds", "kind right", pairs().map(|(row, found)| score(row.kind == *found)).collect()),
        ("request_kinds", "questions blocked", questions().map(|(_, found)| score(!found.is_served())).collect()),
        ("request_kinds", "others recognised", others().map(|(row, found)| score(row.kind == *found)).collect()),
    ]
}

fn fragments(rows: &[Fragment]) -> Vec<Scores> {
    let (read, left): (Vec<_>, Vec<_>) = rows.iter().partition(|row| !row.questions.is_empty());
    let right = |row: &&Fragment| {
        let found = fragment::as_question(&row.fragment);
        score(found.is_some_and(|found| row.questions.iter().any(|question| wording::same(question, &found))))
    };
    let alone = |row: &&Fragment| score(fragment::as_question(&row.fragment).is_none());
    vec![
        ("fragments", "read right", read.iter().map(right).collect()),
        ("fragments", "left as they are", left.iter().map(alone).collect()),
    ]
}

fn several(rows: &[Parts]) -> Vec<Scores> {
    let right = |row: &Parts| match parts::split(&row.text) {
        Ok(found) => row.divisions.iter().any(|division| wording::same_all(division, &found)),
        Err(_) => row.divisions.is_empty(),
    };
    let whole = |row: &&Parts| row.divisions.first().is_some_and(|division| division.len() == 1);
    let scored = |keep: &dyn Fn(&&Parts) -> bool| rows.iter().filter(keep).map(|row| score(right(row))).collect();
    vec![
        ("parts", "exact", scored(&|_| true)),
        ("parts", "several parts, exact", scored(&|row| !whole(row))),
        ("parts", "one part, left whole", scored(&whole)),
    ]
}

fn follow_ups(rows: &[FollowUp]) -> Vec<Scores> {
    let leaning: Vec<_> = rows.iter().filter(|row| !wording::same(&row.question, &row.stand_alone)).collect();
    let alone = rows.iter().filter(|row| wording::same(&row.question, &row.stand_alone));
    let found: Vec<_> = leaning.iter().map(|row| rewrite(row)).collect();
    let of_rewritten = leaning.iter().zip(&found).filter_map(|(row, found)| {
        let added = wording::added(&row.question, &row.stand_alone);
        found.as_ref().filter(|_| !added.is_empty()).map(|found| wording::share_held(&added, found))
    });
    let complete = leaning.iter().zip(&found).map(|(row, found)| {
        let wanted = wording::content(&row.stand_alone);
        score(found.as_ref().is_some_and(|found| wording::share_held(&wanted, found) >= 1.0))
    });
    vec![
        ("follow_ups", "rewritten at all", found.iter().map(|found| score(found.is_some())).collect()),
        ("follow_ups", "every content word there", complete.collect()),
        ("follow_ups", "added words there, of the rewritten", of_rewritten.collect()),
        ("follow_ups", "standing alone, left as it is", alone.map(|row| score(rewrite(row).is_none())).collect()),
    ]
}

/// A follow-up, and what was made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rewritten {
    /// The id of the row.
    pub id: String,
    /// As it was asked.
    pub question: String,
    /// As it stands alone, written by a person.
    pub stand_alone: String,
    /// As the rules read it; absent where they leave it.
    pub found: Option<String>,
}

/// Each follow-up of `part`, to see what the rules do.
pub fn rewritten(folder: &Path, part: Part) -> Result<Vec<Rewritten>, DataError> {
    let rows = data::follow_ups(folder, part)?.into_iter();
    Ok(rows
        .map(|row| {
            let found = rewrite(&row);
            Rewritten { id: row.id, question: row.question, stand_alone: row.stand_alone, found }
        })
        .collect())
}

fn rewrite(row: &FollowUp) -> Option<String> {
    let turn = |said: &data::Said| Turn {
        question: said.question.clone(),
        answer: Some(said.answer.clone()),
        ..Turn::default()
    };
    let history: Vec<Turn> = row.history.iter().map(turn).collect();
    follow_up::stand_alone(&row.question, &history).map(|found| found.question)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn folder() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets/understanding")
    }

    #[test]
    fn what_was_promised_of_the_rules_holds_on_the_test_part() {
        let resampling = Resampling::new(100, 1, 0.95).unwrap();
        let report = measure(&folder(), Part::Test, &resampling).unwrap();
        let value = |name: &str| {
            let figure = report.figures.iter().find(|figure| figure.name == name).unwrap();
            assert!(figure.rows > 15, "{name}");
            figure.estimate.unwrap().value
        };
        assert!(value("questions blocked") <= 0.01);
        assert!(value("others recognised") >= 0.9);
        assert!(value("exact") >= 0.85);
        assert!(value("read right") >= 0.85);
        assert!(value("rewritten at all") >= 0.8);
        assert!(value("standing alone, left as it is") >= 0.9);
    }

    #[test]
    fn what_the_rules_do_with_the_follow_ups_that_they_were_made_on_does_not_get_worse() {
        let rows = data::follow_ups(&folder(), Part::Dev).unwrap();
        let (alone, leaning): (Vec<_>, Vec<_>) =
            rows.iter().partition(|row| wording::same(&row.question, &row.stand_alone));
        let complete = |row: &&&FollowUp| {
            rewrite(row).is_some_and(|found| wording::share_held(&wording::content(&row.stand_alone), &found) >= 1.0)
        };
        let missed: Vec<String> = leaning
            .iter()
            .filter(|row| !complete(row))
            .map(|row| format!("{}: {} -> {:?}, not {}", row.id, row.question, rewrite(row), row.stand_alone))
            .collect();
        let share = 1.0 - missed.len() as f64 / leaning.len() as f64;
        assert!(share >= 0.85, "{share:.3} of {} are complete:\n{}", leaning.len(), missed.join("\n"));
        let touched: Vec<&str> = alone.iter().filter(|row| rewrite(row).is_some()).map(|row| row.id.as_str()).collect();
        assert!(alone.len() > 50 && touched.is_empty(), "{touched:?}");
    }

    #[test]
    fn answers_stand_on_the_pages_of_the_handbook_where_the_rows_say() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
        let rows = [Part::Dev, Part::Test].map(|part| data::follow_ups(&folder(), part).unwrap()).concat();
        for row in rows.iter().filter(|row| row.page.is_some()) {
            let page = std::fs::read_to_string(corpus.join(row.page.as_ref().unwrap())).unwrap();
            let length = (row.answer_end - row.answer_start) as usize;
            let there: String = page.chars().skip(row.answer_start as usize).take(length).collect();
            assert_eq!(there, row.short_answers[0], "{}: the page has changed, change the row with it", row.id);
        }
    }

    #[test]
    fn a_folder_without_the_files_and_a_broken_row_say_what_is_wrong() {
        let empty = tempfile::tempdir().unwrap();
        let resampling = Resampling::new(100, 1, 0.95).unwrap();
        let missing = measure(empty.path(), Part::Test, &resampling).unwrap_err();
        assert!(missing.to_string().contains("request-kinds.csv"));
        std::fs::write(empty.path().join("request-kinds.csv"), "part,kind,text\ntest,rant,x\n").unwrap();
        let broken = measure(empty.path(), Part::Test, &resampling).unwrap_err();
        assert!(broken.to_string().contains("rant"), "{broken}");
    }
}
