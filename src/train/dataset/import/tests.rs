#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde_json::json;

use super::*;
use crate::{
    domain::text::{CodePointIndex, CodePointRange},
    train::dataset::{DataSet, Example, Expected, FREE_FORM, SpanRole},
};

struct Imported {
    report: ImportReport,
    examples: Vec<Example>,
}

fn options() -> ImportOptions {
    ImportOptions::default()
}

fn licensed() -> ImportOptions {
    ImportOptions { licence: Some("MIT".to_owned()), ..options() }
}

/// Imports one file with this text.
fn run(format: Format, text: &str, options: &ImportOptions) -> Result<Imported, DatasetError> {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("given.json"), folder.path().join("set"));
    fs::write(&file, text).unwrap();
    let report = import(format, &[file], options, &out)?;
    let set = DataSet::open(&out)?;
    let examples = set.examples().map(|located| located.map(|located| located.example)).collect::<Result<_, _>>()?;
    Ok(Imported { report, examples })
}

fn spans(example: &Example, role: SpanRole) -> Vec<&str> {
    let of_role = example.support.iter().filter(|span| span.role == role);
    of_role
        .map(|span| {
            let passage = example.passages.iter().find(|passage| passage.id == span.passage).unwrap();
            CodePointIndex::new(&passage.text).slice(CodePointRange { start: span.start, end: span.end }).unwrap()
        })
        .collect()
}

fn reasons(imported: &Imported) -> Vec<(Reason, u64)> {
    imported.report.reasons.iter().map(|(reason, count)| (*reason, *count)).collect()
}

fn squad(qas: serde_json::Value) -> String {
    let context = "The é kiln holds forty pots. It is lit at dawn by Ada or Ben.";
    json!({"data": [{"title": "The_kiln", "paragraphs": [{"context": context, "qas": qas}]}]}).to_string()
}

#[test]
fn squad_marks_answers_and_the_sentences_around_them() {
    let text = squad(json!([
        {"id": "q1", "question": " Who lights it? ", "is_impossible": false, "answers": [
            {"text": "Ada or Ben", "answer_start": 50},
            {"text": "Ada", "answer_start": 50},
            {"text": "Ada", "answer_start": 50},
        ]},
        {"id": 2, "question": "Who sells it?", "is_impossible": true, "answers": [],
            "plausible_answers": [{"text": "Ada", "answer_start": 50}]},
    ]));
    let imported = run(Format::Squad, &text, &licensed()).unwrap();
    let [answered, declined] = &imported.examples[..] else { panic!("{:?}", imported.report) };
    assert_eq!((answered.id.as_str(), answered.question.as_str()), ("q1", "Who lights it?"));
    assert_eq!(answered.passages[0].title, "The kiln");
    assert_eq!(answered.answer.as_deref(), Some("Ada"));
    assert_eq!(answered.short_answers, ["Ada", "Ada or Ben"]);
    assert_eq!(spans(answered, SpanRole::Answer), ["Ada", "Ada or Ben"]);
    assert_eq!(spans(answered, SpanRole::Evidence), ["It is lit at dawn by Ada or Ben."]);
    assert_eq!((answered.licence.as_str(), answered.provenance.as_str()), ("MIT", "given.json#q1"));
    assert_eq!((declined.expected, declined.id.as_str()), (Expected::Abstained, "2"));
    assert_eq!(declined.passages[0].id, answered.passages[0].id);
    assert_eq!(imported.report.left_out.values().sum::<u64>(), 1);
}

#[test]
fn squad_refuses_what_does_not_fit_together() {
    let right = json!({"text": "forty pots", "answer_start": 17});
    let text = squad(json!([
        {"id": "right", "question": "How many?", "answers": [right]},
        {"id": "right", "question": "How many again?", "answers": [right]},
        {"id": "shifted", "question": "How many?", "answers": [right, {"text": "forty pots", "answer_start": 18}]},
        {"id": "beyond", "question": "How many?", "answers": [{"text": "forty pots", "answer_start": 900}]},
        {"id": "none", "question": "How many?", "answers": []},
        {"id": "both", "question": "How many?", "answers": [right], "is_impossible": true},
        {"id": "silent", "question": " ", "answers": [right]},
    ]));
    let imported = run(Format::Squad, &text, &licensed()).unwrap();
    assert_eq!(imported.examples.len(), 1);
    assert_eq!(
        reasons(&imported),
        [
            (Reason::EmptyField, 1),
            (Reason::SpanNotAtOffset, 2),
            (Reason::NoAnswer, 1),
            (Reason::AnswerToUnanswerable, 1),
            (Reason::DuplicateId, 1),
        ]
    );
    let file = &imported.report.files[0];
    assert_eq!((file.read, file.taken, file.refused), (7, 1, 6));

    let imported = run(Format::Squad, &text, &ImportOptions { relocate: true, ..licensed() }).unwrap();
    let moved: Vec<&Example> = imported.examples.iter().filter(|e| e.tags == ["relocated"]).collect();
    assert_eq!(moved.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(), ["shifted", "beyond"]);
    assert_eq!(spans(moved[1], SpanRole::Answer), ["forty pots"]);
}

#[test]
fn a_licence_is_demanded_and_checked() {
    let text = squad(json!([]));
    assert!(matches!(run(Format::Squad, &text, &options()), Err(DatasetError::Request(_))));
    let odd = ImportOptions { licence: Some("do what you like".to_owned()), ..options() };
    assert!(matches!(run(Format::Squad, &text, &odd), Err(DatasetError::Request(_))));
    assert!(matches!(run(Format::Squad, &text, &licensed()), Err(DatasetError::NoDataSet(..))), "nothing is taken");
    assert!(matches!(run(Format::Squad, "[]", &licensed()), Err(DatasetError::Format { .. })));
}

#[test]
fn clapnq_has_several_supporting_sentences_or_none() {
    let passages = json!([{"title": "Kilns", "text": "One is hot . Two is cold . Three is warm . "}]);
    let line = |id: &str, output: serde_json::Value| {
        json!({"id": id, "input": "which is hot", "passages": passages, "output": output}).to_string()
    };
    let meta = |skip: bool| json!({"skip": skip});
    let lines = [
        line(
            "a",
            json!([
                {"answer": "", "selected_sentences": [], "meta": meta(true)},
                {"answer": "One and three.", "selected_sentences": ["One is hot .", "Three is warm ."], "meta": meta(false)},
                {"answer": "All.", "selected_sentences": ["Two is cold ."], "meta": meta(false)},
            ]),
        ),
        line("b", json!([{"answer": "", "selected_sentences": [], "meta": meta(false)}])),
        line("c", json!([{"answer": "", "selected_sentences": [], "meta": meta(true)}])),
        line("d", json!([{"answer": "Four.", "selected_sentences": ["Four is new ."], "meta": meta(false)}])),
        "{".to_owned(),
    ];
    let imported = run(Format::Clapnq, &lines.join("\n"), &options()).unwrap();
    assert_eq!(imported.examples.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(), ["clapnq-a", "clapnq-b"]);
    assert_eq!(spans(&imported.examples[0], SpanRole::Evidence), ["One is hot .", "Three is warm ."]);
    assert_eq!(imported.examples[1].expected, Expected::Abstained);
    assert_eq!(reasons(&imported), [(Reason::Malformed, 1), (Reason::EvidenceNotInPassage, 1), (Reason::SetAside, 1)]);
    assert_eq!(imported.report.left_out.values().sum::<u64>(), 1);
}

#[test]
fn natural_questions_marks_answers_in_the_gold_passage() {
    let contexts = json!([
        {"title": "Other", "text": "Ada is a name.", "isgold": false},
        {"title": "Kiln", "text": "The kiln is hot. Ada lit it.", "isgold": true},
    ]);
    let lines = [
        json!({"question": "who lit it", "answers": ["Ada Smith", "Ada"], "ctxs": contexts}).to_string(),
        json!({"question": "who lit it", "answers": ["Ben"], "ctxs": contexts}).to_string(),
        json!({"question": "who lit it", "answers": ["Ada"], "ctxs": []}).to_string(),
    ];
    let imported = run(Format::NaturalQuestions, &lines.join("\n"), &options()).unwrap();
    let [example] = &imported.examples[..] else { panic!("{:?}", imported.report) };
    assert_eq!((example.passages.len(), example.answer.as_deref()), (2, Some("Ada")));
    assert_eq!(example.short_answers, ["Ada Smith", "Ada"]);
    assert_eq!(spans(example, SpanRole::Evidence), ["Ada lit it."]);
    assert_eq!(reasons(&imported), [(Reason::AnswerNotInPassage, 1), (Reason::NoGoldPassage, 1)]);
}

#[test]
fn qed_takes_the_sentence_that_the_annotators_chose() {
    let record = |kind: &str, more: serde_json::Value| {
        let mut annotation = json!({"explanation_type": kind});
        annotation.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({
            "example_id": kind.len(), "title_text": "Kiln", "question_text": "who lit it",
            "paragraph_text": "It is hot. Ada lit it. Ben came, Cy left.",
            "original_nq_answers": [[{"start": 11, "end": 14, "string": "Ada"}],
                [{"start": 23, "end": 26, "string": "Ben"}, {"start": 33, "end": 35, "string": "Cy"}]],
            "annotation": annotation,
        })
        .to_string()
    };
    let single = json!({"selected_sentence": {"start": 11, "end": 23, "string": "Ada lit it. "},
        "answer": [{"paragraph_reference": {"start": 11, "end": 14, "string": "Ada"}}]});
    let lines = [record("single_sentence", single), record("multi_sentence", json!({})), record("none", json!({}))];
    let imported = run(Format::Qed, &lines.join("\n"), &options()).unwrap();
    let [one, several] = &imported.examples[..] else { panic!("{:?}", imported.report) };
    assert_eq!((spans(one, SpanRole::Answer), spans(one, SpanRole::Evidence)), (vec!["Ada"], vec!["Ada lit it."]));
    assert_eq!(one.short_answers, ["Ada"]);
    assert!(spans(several, SpanRole::Evidence).is_empty() && several.tags == ["multi-sentence"]);
    assert_eq!(reasons(&imported), [(Reason::NotExplained, 1)]);
}

#[test]
fn pubmedqa_and_sleepqa_become_examples() {
    let text = json!({"7": {"QUESTION": "Is it hot?", "CONTEXTS": ["We lit it.", "It was hot."],
        "LONG_ANSWER": "The kiln was hot.", "final_decision": "yes"}});
    let imported = run(Format::PubmedQa, &text.to_string(), &options()).unwrap();
    let example = &imported.examples[0];
    assert_eq!((example.id.as_str(), example.short_answers.join(",")), ("pubmedqa-7", "yes".to_owned()));
    assert_eq!(example.passages[0].text, "We lit it.\n\nIt was hot.");
    assert_eq!(example.tags, [FREE_FORM]);

    let right = json!([{"title": "kiln", "text": "ada lit it. it was hot."}]);
    let text = json!([
        {"question": "who lit it?", "answers": ["ada"], "positive_ctxs": right, "negative_ctxs": right},
        {"question": "who lit it?", "answers": ["ben"], "ctxs": [{"title": "t", "text": "no", "has_answer": true}]},
    ]);
    let imported = run(Format::SleepQa, &text.to_string(), &options()).unwrap();
    assert_eq!(spans(&imported.examples[0], SpanRole::Evidence), ["ada lit it."]);
    assert_eq!(reasons(&imported), [(Reason::AnswerNotInPassage, 1)]);
    assert_eq!(imported.report.left_out.values().sum::<u64>(), 1);
}

#[test]
fn fairytaleqa_joins_questions_and_sections() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        (
            "questions/val/the-kiln-questions.csv",
            "question_id,local-or-sum,cor_section,attribute1,attribute2,question,ex-or-im1,answer1,answer4\n\
             1,local,1,action,,Who lit it?,explicit,old ada.,\n\
             2,summary,\"1, 2\",feeling,,Why?,implicit,They were cold.,Cold.\n\
             3,local,9,action,,Who?,explicit,Ada,\n",
        ),
        (
            "section-stories/val/the-kiln-story.csv",
            "section,text\n1,\"Old\nAda lit it.\n\nIt was hot.\"\n2,Ben slept.\n",
        ),
    ] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let out = folder.path().join("set");
    let report = import(Format::FairytaleQa, &[folder.path().to_owned()], &options(), &out).unwrap();
    let set = DataSet::open(&out).unwrap();
    let examples: Vec<Example> = set.examples().map(|located| located.unwrap().example).collect();
    assert_eq!(
        examples.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(),
        ["fairytaleqa-the-kiln-1", "fairytaleqa-the-kiln-2"]
    );
    assert_eq!(spans(&examples[0], SpanRole::Answer), ["Old Ada"]);
    assert_eq!(spans(&examples[0], SpanRole::Evidence), ["Old Ada lit it."]);
    assert_eq!((examples[1].passages.len(), examples[1].answer.as_deref()), (2, Some("They were cold.")));
    assert!(examples[1].tags.contains(&FREE_FORM.to_owned()) && examples[1].short_answers.is_empty());
    assert_eq!(report.reasons.into_iter().collect::<Vec<_>>(), [(Reason::Malformed, 1)]);
}

#[test]
fn scifact_joins_claims_and_the_abstracts_that_they_cite() {
    let folder = tempfile::tempdir().unwrap();
    let claims = "id,claim,evidence_doc_id,evidence_label,evidence_sentences,cited_doc_ids\n\
        1,Kilns are lit at dawn.,70,SUPPORT,[2],[80 70]\n\
        1,Kilns are lit at dawn.,70,SUPPORT,[0 3],[80 70]\n\
        1,Kilns are lit at dawn.,80,SUPPORT,[0],[80 70]\n\
        2,Kilns are cold.,70,CONTRADICT,[3],[70]\n\
        3,Kilns are blue.,,,[],[70]\n\
        4,Kilns are old.,70,SUPPORT,[9],[70]\n\
        5,Kilns are new.,80,SUPPORT,[0],[70]\n\
        6,Kilns are big.,70,PERHAPS,[0],[70]\n\
        7,Kilns are far.,,,[],[90]\n\
        8,Kilns are dry.,70,SUPPORT,[],[70]\n";
    let corpus = "doc_id,title,abstract,structured\n\
        70,On kilns,\"['We saw kilns.\\n' 'Some.'\n \"\"It's Ada who lights them.\"\" 'At \\xb5 they are hot.']\",False\n\
        80,On dawn,['Ada rises early.'],False\n";
    fs::write(folder.path().join("claims_made.csv"), claims).unwrap();
    fs::write(folder.path().join("corpus_made.csv"), corpus).unwrap();
    let out = folder.path().join("set");
    let report = import(Format::SciFact, &[folder.path().to_owned()], &options(), &out).unwrap();
    let set = DataSet::open(&out).unwrap();
    let examples: Vec<Example> = set.examples().map(|located| located.unwrap().example).collect();
    let [lit, cold, blue] = &examples[..] else { panic!("{report:?}") };
    assert_eq!((lit.id.as_str(), lit.question.as_str()), ("scifact-1", "Kilns are lit at dawn."));
    assert_eq!(lit.passages.iter().map(|p| p.title.as_str()).collect::<Vec<_>>(), ["On dawn", "On kilns"]);
    assert_eq!(lit.passages[1].text, "We saw kilns. Some. It's Ada who lights them. At \u{b5} they are hot.");
    let marked = ["Ada rises early.", "It's Ada who lights them.", "We saw kilns.", "At \u{b5} they are hot."];
    assert_eq!(spans(lit, SpanRole::Evidence), marked);
    assert_eq!((lit.answer.as_deref(), lit.short_answers.len()), (Some("It's Ada who lights them."), 0));
    assert_eq!((lit.tags.join(","), cold.tags.join(",")), ("support".to_owned(), "contradict".to_owned()));
    assert_eq!(spans(cold, SpanRole::Evidence), ["At \u{b5} they are hot."]);
    assert_eq!((blue.expected, blue.tags.len(), blue.passages.len()), (Expected::Abstained, 0, 1));
    assert_eq!(
        (blue.licence.as_str(), blue.passages[0].id.as_str()),
        ("CC-BY-4.0 AND ODC-By-1.0", &*cold.passages[0].id)
    );
    assert_eq!(
        report.reasons.into_iter().collect::<Vec<_>>(),
        [(Reason::Malformed, 3), (Reason::EvidenceNotInPassage, 1), (Reason::NotExplained, 1)]
    );

    // One file of claims, whose abstracts lie beside it.
    let file = folder.path().join("claims_made.csv");
    let report = import(Format::SciFact, &[file], &options(), &folder.path().join("again")).unwrap();
    assert_eq!(report.taken(), 3);
    fs::remove_file(folder.path().join("corpus_made.csv")).unwrap();
    let file = folder.path().join("claims_made.csv");
    let alone = import(Format::SciFact, &[file], &options(), &folder.path().join("alone")).unwrap_err();
    assert!(alone.to_string().contains("corpus_made.csv"), "{alone}");
    let other = folder.path().join("other.csv");
    assert!(matches!(
        import(Format::SciFact, &[other], &options(), &folder.path().join("other")),
        Err(DatasetError::Format { .. })
    ));
}

fn columns(said: &[&str]) -> ImportOptions {
    let mut columns = Columns::default();
    for said in said {
        columns.add(said).unwrap();
    }
    ImportOptions { columns, ..licensed() }
}

#[test]
fn csv_is_read_by_named_columns() {
    let text = "Frage,Text,Antwort,Ende\n\
        Who?,\"Ada lit it. It was hot.\",Ada,answered\n\
        Why?,\"Ada lit it. It was hot.\",For the pots,answered\n\
        When?,\"Ada lit it. It was hot.\",,abstained\n\
        Where?,\"Ada lit it. It was hot.\",,\n\
        Which?,,Ada,answered\n";
    let given = columns(&["question=Frage", "passage=Text", "answer=Antwort", "expected=Ende"]);
    let imported = run(Format::Csv, text, &given).unwrap();
    let [who, why, when] = &imported.examples[..] else { panic!("{:?}", imported.report) };
    assert_eq!(spans(who, SpanRole::Evidence), ["Ada lit it."]);
    assert_eq!((why.tags.join(","), why.short_answers.len()), (FREE_FORM.to_owned(), 0));
    assert_eq!((when.expected, who.passages[0].title.clone()), (Expected::Abstained, why.passages[0].title.clone()));
    assert_eq!(reasons(&imported), [(Reason::EmptyField, 1), (Reason::NoAnswer, 1)]);
}

#[test]
fn csv_offsets_and_evidence_are_verified() {
    let text = "q,p,a,s,e\n1?,Ada saw Ada. Hot.,Ada,8,\n2?,Ada saw Ada. Hot.,Ada,7,\n3?,Ada saw Ada. Hot.,Ada,0,Hot.\n\
        4?,Ada saw Ada. Hot.,Ada,0,Cold.\n5?,Ada saw Ada. Hot.,Ada,x,\n";
    let given = columns(&["question=q", "passage=p", "answer=a", "answer_start=s", "evidence=e"]);
    let imported = run(Format::Csv, text, &given).unwrap();
    let [one, three] = &imported.examples[..] else { panic!("{:?}", imported.report) };
    assert_eq!((one.support[0].start, spans(one, SpanRole::Evidence)), (8, vec!["Ada saw Ada."]));
    assert_eq!((three.support[0].start, spans(three, SpanRole::Evidence)), (0, vec!["Hot."]));
    assert_eq!(
        reasons(&imported),
        [(Reason::Malformed, 1), (Reason::SpanNotAtOffset, 1), (Reason::EvidenceNotInPassage, 1)]
    );
}

#[test]
fn columns_that_are_not_there_are_errors() {
    let unknown = columns(&["question=q", "passage=p", "answer=nowhere"]);
    assert!(matches!(run(Format::Csv, "q,p,a\n1,2,3\n", &unknown), Err(DatasetError::Format { .. })));
    let few = columns(&["question=q", "passage=p"]);
    assert!(matches!(run(Format::Csv, "q,p\n1,2\n", &few), Err(DatasetError::Request(_))));
    let mut columns = Columns::default();
    assert!(columns.add("colour=x").is_err() && columns.add("question").is_err());
    columns.add("id=x").unwrap();
    assert!(columns.add("id=y").is_err());
}

#[test]
fn our_own_lines_are_validated() {
    let good = serde_json::to_string(&crate::train::dataset::validate::tests::sound("a")).unwrap();
    let text = format!("{good}\n{good}\n\n{}\n", good.replace("\"end\":25", "\"end\":2500"));
    let prefixed = ImportOptions { id_prefix: Some("x-".to_owned()), tags: vec!["t".to_owned()], ..options() };
    let imported = run(Format::Jsonl, &text, &prefixed).unwrap();
    assert_eq!((imported.examples.len(), imported.examples[0].id.as_str()), (1, "x-a"));
    assert_eq!(imported.examples[0].tags, ["t"]);
    assert_eq!(reasons(&imported), [(Reason::Malformed, 1), (Reason::DuplicateId, 1), (Reason::Unsound, 1)]);
}

#[test]
fn follow_ups_are_taken_as_typed_or_standing_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("corpus")).unwrap();
    fs::write(folder.path().join("corpus/kiln.md"), "# Kiln\n\nIt is swept by Ben.\n").unwrap();
    fs::write(folder.path().join("squad.json"), squad(json!([]))).unwrap();
    let said = json!([{"question": "What is lit at dawn?", "answer": "the kiln"}]);
    let row = |id: &str, part: &str, place: serde_json::Value, answer: &str, start: u32| {
        let mut row = json!({
            "id": id, "part": part, "history": said, "question": "by whom?", "stand_alone": "Who lights the kiln?",
            "short_answers": [answer], "answer_start": start, "answer_end": start + answer.chars().count() as u32,
        });
        row.as_object_mut().unwrap().extend(place.as_object().unwrap().clone());
        format!("{row}\n")
    };
    let (first, page) = (json!({"article": "The_kiln", "paragraph": 0}), json!({"page": "kiln.md"}));
    let text = [
        row("one", "dev", first.clone(), "Ada or Ben", 50),
        row("two", "test", page.clone(), "Ben", 23),
        row("shifted", "test", page, "Ben", 24),
        row("far", "test", json!({"article": "The_kiln", "paragraph": 7}), "Ben", 1),
        row("out", "test", json!({"page": "../squad.json"}), "Ben", 1),
        row("nowhere", "test", json!({}), "Ben", 1),
    ]
    .concat();
    let options = |stand_alone| ImportOptions {
        follow_ups: FollowUpSources {
            squad: Some(folder.path().join("squad.json")),
            corpus: Some(folder.path().join("corpus")),
            stand_alone,
        },
        ..options()
    };
    let imported = run(Format::FollowUps, &text, &options(false)).unwrap();
    let [typed, swept] = &imported.examples[..] else { panic!("{:?}", imported.report) };
    assert_eq!((typed.question.as_str(), typed.history[0].answer.as_str()), ("by whom?", "the kiln"));
    assert_eq!(spans(typed, SpanRole::Evidence), ["It is lit at dawn by Ada or Ben."]);
    assert_eq!((swept.passages[0].title.as_str(), swept.licence.as_str()), ("kiln.md", "Apache-2.0"));
    assert!(!typed.is_trainable());
    let files: Vec<(&str, u64)> = imported.report.written.iter().map(|(file, count)| (file.as_str(), *count)).collect();
    assert_eq!(files, [("test/task.jsonl", 1), ("validation/task.jsonl", 1)]);
    let refused: Vec<(&str, Reason)> =
        imported.report.refused.iter().map(|refused| (refused.record.as_str(), refused.reason)).collect();
    let expected = [
        ("shifted", Reason::SpanNotAtOffset),
        ("far", Reason::NoPassage),
        ("out", Reason::NoPassage),
        ("nowhere", Reason::Malformed),
    ];
    assert_eq!(refused, expected);

    let alone = run(Format::FollowUps, &text, &options(true)).unwrap();
    assert_eq!(alone.examples[0].question, "Who lights the kiln?");
    assert!(alone.examples.iter().all(|example| example.history.is_empty()));
    assert_eq!(alone.examples[0].id, imported.examples[0].id);
    let nothing = run(Format::FollowUps, &text, &ImportOptions::default()).err().unwrap().to_string();
    assert!(nothing.contains("--squad"), "{nothing}");
    let elsewhere = run(Format::Squad, &text, &ImportOptions { licence: Some("MIT".to_owned()), ..options(true) });
    assert!(elsewhere.err().unwrap().to_string().contains("--stand-alone"));
}
