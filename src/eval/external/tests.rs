#![allow(clippy::unwrap_used, clippy::expect_used)]
use futures::FutureExt as _;

use super::*;
use crate::{
    eval::prediction::PredictedOutcome,
    train::dataset::example::{Exchange, Passage},
};

/// Answers with its process's number, or does what the question says.
const PROGRAM: &str = r#"
import json, os, sys
def say(reply):
    sys.stdout.write(reply if isinstance(reply, str) else json.dumps(reply) + "\n")
    sys.stdout.flush()
documents = {}
for line in sys.stdin:
    line = json.loads(line)
    if "document" in line:
        documents[line["document"]["name"]] = line["document"]["text"]
        continue
    if "documents" in line:
        say({"documents": len(documents)})
        continue
    question, me = line["question"], {"outcome": "answered", "answer": str(os.getpid())}
    if question == "die":
        sys.stderr.write("out of ideas\n")
        sys.exit(3)
    elif question == "noise":
        say("loading the model\n")
    elif question == "endless":
        say("x" * (1 << 20) + "x\n")
    elif question == "half":
        say("{\"outcome\": ")
        sys.exit(0)
    elif question == "field":
        say({**me, "score": 1})
    elif question == "twice":
        say(json.dumps(me) + "\n" + json.dumps(me) + "\n")
    elif question == "hang":
        sys.stdin.read()
    elif question == "decline":
        say({"outcome": "abstained", "answer": "No passage says it."})
    elif question == "cite":
        if documents:
            found = [{"document": name, "start": 7, "end": 11} for name in documents]
        else:
            found = [{"passage": passage["id"], "start": 4, "end": 9} for passage in line["passages"]]
        say({**me, "short_answer": "green", "confidence": 0.25, "citations": found})
    elif question == "both":
        half = {"question": "a", "outcome": "answered", "answer": line["history"][0]["answer"]}
        other = {"question": "b", "outcome": "abstained"}
        say({"outcome": "partial", "answer": "Yes.", "parts": [half, other]})
    elif question == "beyond":
        say({**me, "citations": [{"passage": line["passages"][0]["id"], "start": 4, "end": 900}]})
    elif question == "document":
        say({**me, "citations": [{"document": "x", "start": 0, "end": 1}]})
    else:
        say(me)
"#;

/// The program, and the folder in which it lies.
fn program(corpus: Option<Corpus>) -> (External, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a system.py");
    std::fs::write(&path, PROGRAM).unwrap();
    (External::new(&format!("python3 '{}'", path.display()), corpus.map(Arc::new)).unwrap(), folder)
}

fn asked(question: &str) -> Asked {
    let passage = Passage { id: "p".into(), title: "Hut".into(), text: "Die Hütte ist grün.".into() };
    Asked {
        id: "1".into(),
        history: vec![],
        question: question.into(),
        passages: Some(vec![passage]),
        expected_answer: None,
    }
}

async fn said(external: &External, question: &str) -> String {
    external.answer(&asked(question)).await.unwrap().answer
}

async fn error(external: &External, question: &str) -> String {
    external.answer(&asked(question)).await.unwrap_err().message
}

#[tokio::test]
async fn one_process_answers_every_question() {
    let (external, _folder) = program(None);
    external.prepare().await.unwrap();
    let first = said(&external, "who").await;
    assert_eq!(first, said(&external, "who").await);
    let cited = external.answer(&asked("cite")).await.unwrap();
    assert_eq!((cited.answer, cited.short_answer.as_deref(), cited.confidence), (first, Some("green"), 0.25));
    let [citation] = &cited.citations[..] else { panic!("{:?}", cited.citations) };
    assert_eq!((citation.passage.as_str(), citation.quote.as_str()), ("p", "Hütte"));
    let declined = external.answer(&asked("decline")).await.unwrap();
    assert_eq!((declined.outcome, declined.confidence), (PredictedOutcome::Abstained, 0.0));
}

#[tokio::test]
async fn the_conversation_goes_to_the_program_and_parts_come_back() {
    let (external, _folder) = program(None);
    let said = Exchange { question: "Is it green?".into(), answer: "It is.".into() };
    let reply = external.answer(&Asked { history: vec![said], ..asked("both") }).await.unwrap();
    let [first, second] = &reply.parts[..] else { panic!("{:?}", reply.parts) };
    assert_eq!((reply.outcome, first.answer.as_deref()), (PredictedOutcome::Partial, Some("It is.")));
    assert_eq!((second.outcome, second.confidence), (PredictedOutcome::Abstained, 0.0));
}

#[tokio::test]
async fn what_is_no_reply_fails_with_its_reason_and_the_next_question_gets_a_fresh_process() {
    let (external, _folder) = program(None);
    let mut before = said(&external, "who").await;
    for (question, words) in [
        ("die", &["exit status: 3", "out of ideas"][..]),
        ("noise", &["\"loading the model\"", "no reply"]),
        ("endless", &["1048576 bytes"]),
        ("half", &["exit status: 0"]),
        ("field", &["unknown field `score`"]),
    ] {
        let error = error(&external, question).await;
        assert!(words.iter().all(|word| error.contains(word)), "{question}: {error}");
        let after = said(&external, "who").await;
        assert_ne!(before, after, "{question}");
        before = after;
    }
}

#[tokio::test]
async fn a_line_too_many_is_not_taken_for_the_next_reply() {
    let (external, _folder) = program(None);
    let first = said(&external, "twice").await;
    assert!(error(&external, "who").await.contains("nothing had been asked"));
    assert_ne!(said(&external, "who").await, first);
}

#[tokio::test]
async fn a_question_that_is_given_up_ends_the_process() {
    let (external, _folder) = program(None);
    let first = said(&external, "who").await;
    assert!(external.answer(&asked("hang")).now_or_never().is_none());
    assert_ne!(said(&external, "who").await, first);
}

#[tokio::test]
async fn a_wrong_footnote_costs_the_question_and_no_process() {
    let (external, _folder) = program(None);
    let first = said(&external, "who").await;
    assert!(error(&external, "beyond").await.contains("from 4 to 900 in `p`, which has 19 code points"));
    assert!(error(&external, "document").await.contains("must have `passage`"));
    assert_eq!(said(&external, "who").await, first);
}

#[tokio::test]
async fn a_program_that_never_answers_is_given_up() {
    let external = External::new("python3 -c 'import sys; sys.exit(\"no model\")'", None).unwrap();
    for _ in 0..STARTS {
        assert!(error(&external, "who").await.contains("no model"));
    }
    for _ in 0..2 {
        assert!(external.prepare().await.unwrap_err().message.contains("not started again"));
    }
}

#[tokio::test]
async fn a_program_may_end_after_every_answer() {
    let once = "import sys; sys.stdin.readline(); print('{\"outcome\": \"abstained\"}')";
    let external = External::new(&shlex::try_join(["python3", "-c", once]).unwrap(), None).unwrap();
    for _ in 0..=STARTS {
        // Whether it is gone yet when the next question comes is its own affair: a fresh one must not depend on it.
        while external.state.lock().await.process.as_mut().is_some_and(Process::is_alive) {
            tokio::task::yield_now().await;
        }
        external.prepare().await.unwrap();
        assert_eq!(external.answer(&asked("who")).await.unwrap().outcome, PredictedOutcome::Abstained);
    }
}

fn harbour() -> Corpus {
    let passage = |id: &str, text: &str| Passage { id: id.into(), title: "Pier".into(), text: text.into() };
    Corpus::of(&[passage("a", "Grün."), passage("b", "Long.")]).unwrap()
}

#[tokio::test]
async fn an_open_suite_gives_documents_and_places_what_is_cited_in_passages() {
    let (external, _folder) = program(Some(harbour()));
    let open = |question: &str| Asked { passages: None, ..asked(question) };
    let cited = external.answer(&open("cite")).await.unwrap();
    let places: Vec<(&str, u32, u32, &str)> =
        cited.citations.iter().map(|c| (c.passage.as_str(), c.start, c.end, c.quote.as_str())).collect();
    assert_eq!(places, [("b", 0, 4, "Long")]);
    // A fresh process gets the documents again.
    external.answer(&open("die")).await.unwrap_err();
    assert_eq!(external.answer(&open("cite")).await.unwrap().citations.len(), 1);
    let wrong = external.answer(&open("document")).await.unwrap_err().message;
    assert!(wrong.contains("the document `x`, which was not given"), "{wrong}");
}

#[tokio::test]
async fn documents_that_are_not_taken_are_an_error() {
    let start = async |script: &str| {
        let command = shlex::try_join(["python3", "-c", script]).unwrap();
        let mut external = External::new(&command, Some(Arc::new(harbour()))).unwrap();
        if script.contains("read()") {
            external.documents_timeout = Duration::from_millis(1);
        }
        external.prepare().await.unwrap_err().message
    };
    assert!(start("import sys; sys.stdin.read()").await.contains("within 1ms"));
    assert!(start("print('{\"documents\": 7}', flush=True); input(); input(); input()").await.contains("no reply"));
    assert!(start("pass").await.contains("exit status: 0"));
}

#[test]
fn what_is_no_command_is_refused() {
    for command in ["", "  ", "python3 'x"] {
        assert!(matches!(External::new(command, None), Err(ExternalError::NoCommand(_))), "{command:?}");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let missing = External::new("no-such-program --flag", None).unwrap();
    let error = runtime.block_on(missing.prepare()).unwrap_err().message;
    assert!(error.contains("cannot start `no-such-program --flag`"), "{error}");
}
