//! Ambiguous questions, clear ones and contradicted ones: what is asked back, what is not, and what is reported.
//!
//! Each question is searched and read as a user's would be; `answer::clarify` says what the readings are. What a reading
//! leads to is asked again with the question that goes on. May depend on `answer`, `models::encoder` and `bootstrap`.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::bootstrap::{Estimate, Resampling, Units, interval};
use crate::{
    answer::{
        self, AnswerError, AnswerServices, Passage,
        clarify::{Margins, Reading, Readings, chosen_question, readings},
    },
    domain::{Question, text::CodePointRange},
    models::encoder::{BestSpan, Decision, best_of_all},
};

/// The file of questions in a data set's folder.
const QUESTIONS: &str = "questions.jsonl";
/// The documents of a data set's own, in its folder.
const DOCUMENTS: &str = "documents";
/// The file that names the documents which are not.
const PUBLIC_DOCUMENTS: &str = "public-documents.txt";

/// Why the evaluation could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AmbiguityError {
    /// A file cannot be read.
    #[error("cannot read {0}: {1}")]
    Unreadable(PathBuf, std::io::Error),
    /// A line is no question.
    #[error("{0}, line {1}: {2}")]
    Malformed(PathBuf, usize, serde_json::Error),
    /// Searching or reading failed.
    #[error(transparent)]
    Answer(#[from] AnswerError),
}

impl AmbiguityError {
    /// Whether the same evaluation may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Answer(error) => error.is_transient(),
            Self::Unreadable(..) | Self::Malformed(..) => false,
        }
    }
}

/// Which part of the data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// For tuning.
    Development,
    /// For the figure that is reported.
    Test,
}

/// How a question is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expected {
    /// It is asked back.
    Clarify,
    /// It is answered.
    Answered,
    /// Two sources are reported that contradict each other.
    Conflict,
}

/// A place that answers a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The document's name.
    pub document: String,
    /// The nearest heading, or the subject where a page has no headings.
    pub heading: String,
    /// What it says.
    pub short_answer: String,
}

/// A question of the data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AmbiguityQuestion {
    /// Its identifier.
    pub id: String,
    /// The part that it belongs to.
    pub part: Part,
    /// The question.
    pub question: String,
    /// How it is to end.
    pub expected: Expected,
    /// What a person would offer, or where the answer stands.
    pub readings: Vec<Place>,
    /// The question that this one says more clearly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<String>,
}

/// The questions of a data set.
pub fn questions(folder: &Path) -> Result<Vec<AmbiguityQuestion>, AmbiguityError> {
    let path = folder.join(QUESTIONS);
    let text = read(&path)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            serde_json::from_str(line).map_err(|error| AmbiguityError::Malformed(path.clone(), at + 1, error))
        })
        .collect()
}

/// The documents of a data set, by the names that its questions use: its own, and the public ones below `public`.
pub fn documents(folder: &Path, public: &Path) -> Result<Vec<(String, PathBuf)>, AmbiguityError> {
    let own = folder.join(DOCUMENTS);
    let unreadable = |error| AmbiguityError::Unreadable(own.clone(), error);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&own).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        found.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
    }
    for line in read(&folder.join(PUBLIC_DOCUMENTS))?.lines().filter(|line| !line.trim().is_empty()) {
        found.push((line.trim().to_owned(), public.join(line.trim())));
    }
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> Result<String, AmbiguityError> {
    std::fs::read_to_string(path).map_err(|error| AmbiguityError::Unreadable(path.to_owned(), error))
}

/// What was found and read for a question: enough to judge it again with other margins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// The question.
    pub question: String,
    /// As it was understood.
    pub interpreted: String,
    /// The passages, best first.
    pub passages: Vec<Passage>,
    /// The best span of each: where it stands, and its score.
    pub spans: Vec<Option<(CodePointRange, f32)>>,
}

impl Seen {
    /// The best spans as the reader gave them.
    pub fn spans(&self) -> Vec<Option<BestSpan>> {
        self.spans.iter().map(|span| span.map(|(range, score)| BestSpan { range, score })).collect()
    }
}

/// Searches and reads a question as the service does. Of one that asks several things, the first is looked at.
pub async fn look(services: &AnswerServices, question: &str) -> Result<Seen, AmbiguityError> {
    let parts = answer::read_only(services, Question::new(question)).await?;
    let Some((part, read)) = parts.into_iter().next() else {
        let (question, interpreted) = (question.to_owned(), question.to_owned());
        return Ok(Seen { question, interpreted, passages: Vec::new(), spans: Vec::new() });
    };
    let spans = read.spans.into_iter().map(|span| span.map(|span| (span.range, span.score)));
    Ok(Seen {
        question: question.to_owned(),
        interpreted: part.interpreted,
        passages: read.evidence.passages,
        spans: spans.collect(),
    })
}

/// How a question ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// The question.
    #[serde(flatten)]
    pub question: AmbiguityQuestion,
    /// How it ended; `None` for one that is declined.
    pub got: Option<Expected>,
    /// The readings that were offered, or the sources that were reported, with what they say.
    pub offered: Vec<(String, String)>,
    /// Which of these a person would offer.
    pub right: Vec<bool>,
    /// So many of the readings that a person would offer are among them.
    pub found: usize,
    /// For each right reading, whether the question that goes on with it is answered from its document.
    pub followed: Vec<bool>,
}

/// Judges a question by what was seen for it; `followed` is left empty.
pub fn judge(
    question: &AmbiguityQuestion,
    seen: &Seen,
    decision: Decision,
    margins: Margins,
) -> (Judged, Vec<Reading>) {
    let (spans, lexical) = (seen.spans(), crate::models::lexical::Lexical::new());
    let (got, offered) = match readings(&lexical, &seen.interpreted, &seen.passages, &spans, decision, margins) {
        Some(Readings::Ambiguous(offered)) => (Some(Expected::Clarify), offered),
        Some(Readings::Conflict(offered)) => (Some(Expected::Conflict), offered),
        None => {
            let found = best_of_all(&spans).is_some_and(|(_, best)| decision.is_found(best.score));
            (found.then_some(Expected::Answered), Vec::new())
        }
    };
    let places: Vec<Option<usize>> = offered.iter().map(|reading| place_of(question, seen, reading)).collect();
    let judged = Judged {
        question: question.clone(),
        got,
        right: places.iter().map(Option::is_some).collect(),
        found: places.iter().flatten().collect::<HashSet<_>>().len(),
        offered: offered.iter().map(|reading| (reading.label.clone(), reading.text.clone())).collect(),
        followed: Vec::new(),
    };
    (judged, offered)
}

/// The reading of the data set that an offered one is: the same document, and of several in one document the one whose
/// answer shares most words with what the span says.
fn place_of(question: &AmbiguityQuestion, seen: &Seen, reading: &Reading) -> Option<usize> {
    let passage = &seen.passages[reading.passage];
    let of_document: Vec<usize> =
        (0..question.readings.len()).filter(|at| question.readings[*at].document == passage.name).collect();
    let words = |text: &str| -> HashSet<String> {
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
    };
    let said = words(&reading.text);
    let shared = |at: &usize| words(&question.readings[*at].short_answer).intersection(&said).count();
    match of_document.as_slice() {
        [] => None,
        [one] => Some(*one),
        several => several.iter().copied().max_by_key(shared).filter(|at| shared(at) > 0),
    }
}

/// Whether the question that goes on with a reading is answered from the reading's document.
pub async fn follow(
    services: &AnswerServices,
    decision: Decision,
    seen: &Seen,
    reading: &Reading,
) -> Result<bool, AmbiguityError> {
    let again = look(services, &chosen_question(&seen.question, &reading.label)).await?;
    let best = best_of_all(&again.spans()).filter(|(_, best)| decision.is_found(best.score));
    Ok(best.is_some_and(|(at, _)| again.passages[at].name == seen.passages[reading.passage].name))
}

/// The figures of a part, each with its interval; absent where there is no such question.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AmbiguityReport {
    /// The questions: ambiguous, clear, contradicted.
    pub questions: [usize; 3],
    /// The share of ambiguous questions that are asked back.
    pub clarified: Option<Estimate>,
    /// Of these, the share with at least two readings that a person would offer.
    pub two_right: Option<Estimate>,
    /// The share of offered readings that a person would offer.
    pub options_right: Option<Estimate>,
    /// The share of right readings whose question is then answered from their document.
    pub followed: Option<Estimate>,
    /// The share of clear questions that are asked back.
    pub clear_clarified: Option<Estimate>,
    /// The share of clear questions for which a contradiction is reported.
    pub clear_conflicts: Option<Estimate>,
    /// The share of contradicted questions that are reported with both sources.
    pub conflicts: Option<Estimate>,
    /// The share of contradicted questions that are asked back instead.
    pub conflicts_clarified: Option<Estimate>,
}

/// The figures over judged questions.
pub fn report(judged: &[Judged], resampling: &Resampling) -> AmbiguityReport {
    let of = |expected: Expected| -> Vec<&Judged> {
        judged.iter().filter(|judged| judged.question.expected == expected).collect()
    };
    let share = |judged: &[&Judged], count: &dyn Fn(&Judged) -> (usize, usize)| -> Option<Estimate> {
        interval(&Units::questions(judged.len()), resampling, |drawn| {
            let (mut part, mut whole) = (0, 0);
            for at in drawn {
                let (good, all) = count(judged[*at]);
                part += good;
                whole += all;
            }
            (whole > 0).then(|| part as f64 / whole as f64)
        })
    };
    let ended = |got: Expected| move |judged: &Judged| (usize::from(judged.got == Some(got)), 1);
    let trues = |list: &[bool]| (list.iter().filter(|right| **right).count(), list.len());
    let (ambiguous, clear, conflicts) = (of(Expected::Clarify), of(Expected::Answered), of(Expected::Conflict));
    let asked_back: Vec<&Judged> =
        ambiguous.iter().copied().filter(|judged| judged.got == Some(Expected::Clarify)).collect();
    AmbiguityReport {
        questions: [ambiguous.len(), clear.len(), conflicts.len()],
        clarified: share(&ambiguous, &ended(Expected::Clarify)),
        two_right: share(&asked_back, &|judged| (usize::from(judged.found >= 2), 1)),
        options_right: share(&asked_back, &|judged| trues(&judged.right)),
        followed: share(&asked_back, &|judged| trues(&judged.followed)),
        clear_clarified: share(&clear, &ended(Expected::Clarify)),
        clear_conflicts: share(&clear, &ended(Expected::Conflict)),
        conflicts: share(&conflicts, &|judged| {
            (usize::from(judged.got == Some(Expected::Conflict) && judged.found >= 2), 1)
        }),
        conflicts_clarified: share(&conflicts, &ended(Expected::Clarify)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// The questions of a folder of the repository, of which each reading was looked up in its document.
    fn checked(folder: &str) -> Vec<AmbiguityQuestion> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let questions = questions(&folder).unwrap();
        let documents = documents(&folder, Path::new("/nowhere")).unwrap();
        let ids: HashSet<&str> = questions.iter().map(|question| question.id.as_str()).collect();
        let asked: HashSet<&str> = questions.iter().map(|question| question.question.as_str()).collect();
        assert_eq!([ids.len(), asked.len()], [questions.len(); 2]);
        for question in &questions {
            if question.expected != Expected::Answered {
                assert!(question.readings.len() >= 2, "{}", question.id);
            }
            assert!(question.pair.as_deref().is_none_or(|pair| ids.contains(pair)), "{}", question.id);
            for place in &question.readings {
                let (_, path) = documents.iter().find(|(name, _)| *name == place.document).unwrap();
                if path.starts_with(&folder) {
                    let text = std::fs::read_to_string(path).unwrap().to_lowercase();
                    assert!(text.contains(&place.short_answer.to_lowercase()), "{}: {place:?}", question.id);
                }
            }
        }
        questions
    }

    fn counts(questions: &[AmbiguityQuestion], part: Part) -> [usize; 3] {
        [Expected::Clarify, Expected::Answered, Expected::Conflict].map(|expected| {
            questions.iter().filter(|question| question.part == part && question.expected == expected).count()
        })
    }

    #[test]
    fn the_data_set_is_whole() {
        let questions = checked("datasets/ambiguity");
        assert_eq!(counts(&questions, Part::Development), [50, 82, 12]);
        assert_eq!(counts(&questions, Part::Test), [70, 120, 17]);
        let more = checked("datasets/ambiguity/second-development");
        assert_eq!(counts(&more, Part::Development), [104, 180, 12]);
        assert_eq!(counts(&more, Part::Test), [0, 0, 0]);
    }

    #[test]
    fn a_report_counts_each_kind_of_question_by_itself() {
        let judged = |expected: Expected, got: Option<Expected>, found: usize| Judged {
            question: AmbiguityQuestion {
                id: String::new(),
                part: Part::Test,
                question: String::new(),
                expected,
                readings: Vec::new(),
                pair: None,
            },
            got,
            offered: Vec::new(),
            right: vec![true; found],
            found,
            followed: vec![true, false],
        };
        let clarify = Some(Expected::Clarify);
        let all = [
            judged(Expected::Clarify, clarify, 2),
            judged(Expected::Clarify, None, 0),
            judged(Expected::Answered, clarify, 0),
            judged(Expected::Conflict, Some(Expected::Conflict), 1),
        ];
        let report = report(&all, &Resampling::new(100, 1, 0.95).unwrap());
        let value = |estimate: Option<Estimate>| estimate.unwrap().value;
        assert_eq!(report.questions, [2, 1, 1]);
        assert_eq!((value(report.clarified), value(report.two_right)), (0.5, 1.0));
        assert_eq!((value(report.clear_clarified), value(report.followed)), (1.0, 0.5));
        // Both sources are to be reported.
        assert_eq!(value(report.conflicts), 0.0);
    }
}
