#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use tokio::sync::mpsc;

use super::{
    testing::{Scripted, ScriptedPairs, ScriptedReader, question},
    *,
};
use crate::{
    domain::{Action, OutcomeKind, RequestKind, Wording},
    models::encoder::{Decision, ReaderError},
};

const QUESTION: &str = "How long does a lease last?";
/// The second one answers; it says more than that.
const PASSAGES: [&str; 3] = [
    "A lease names its worker. Jobs wait in a queue.",
    "# Über Leases\n\nEach lease lasts sixty seconds and belongs to one worker. A heartbeat makes a lease last a minute.",
    "What a sweep ends lasts no longer.",
];
const SENTENCE: &str = "Each lease lasts sixty seconds and belongs to one worker.";

async fn finding(score: f32, draft: &str) -> Scripted {
    Scripted::new(Some(ScriptedReader::finding("sixty seconds", score)), draft).await
}

#[tokio::test]
async fn what_the_evidence_does_not_hold_is_declined_without_the_generator() {
    let scripted = finding(-1.0, "A lease lasts sixty seconds.").await;
    let outcome = scripted.ask(QUESTION, &PASSAGES).await.unwrap();
    assert_eq!((outcome.outcome, &outcome.wording, &outcome.short_answer), (OutcomeKind::Abstained, &None, &None));
    assert!(scripted.generator.prompts().is_empty() && outcome.citations.is_empty());
    // How likely the best span was right after all.
    assert_eq!(outcome.confidence, Decision::UNFITTED.probability_of(-1.0));
    assert_eq!((outcome.usage.passages_read, outcome.usage.passages_left_out), (0, 3));
    assert!(matches!(&outcome.actions[..], [Action::SuggestDocuments { document_ids }] if document_ids.len() == 3));
    assert_eq!(outcome.model.reader.as_deref(), Some("scripted-reader"));
}

#[tokio::test]
async fn an_answer_is_about_the_span_and_cites_where_it_stands() {
    let scripted = finding(2.0, "A lease lasts sixty seconds. A heartbeat makes it last a minute.").await;
    let outcome = scripted.ask(QUESTION, &PASSAGES).await.unwrap();
    assert_eq!((outcome.outcome, outcome.wording), (OutcomeKind::Answered, Some(Wording::Generated)));
    assert_eq!(outcome.answer, "A lease lasts sixty seconds. A heartbeat makes it last a minute.");
    assert_eq!(outcome.short_answer.as_deref(), Some("sixty seconds"));
    assert_eq!(outcome.confidence, Decision::UNFITTED.probability_of(2.0));
    let quotes: Vec<&str> = outcome.citations.iter().map(|citation| citation.quote.as_str()).collect();
    assert_eq!(quotes, [SENTENCE, "A heartbeat makes a lease last a minute."]);
    // The generator gets what stands around the answer, and the answer.
    let prompts = scripted.generator.prompts();
    let [prompt] = &prompts[..] else { panic!("{prompts:?}") };
    assert!(prompt.contains("Each lease lasts sixty seconds and belongs to one worker. A heartbeat makes"), "{prompt}");
    assert!(prompt.contains("answers it with: sixty seconds\n"), "{prompt}");
    assert!(!prompt.contains(PASSAGES[0]) && !prompt.contains(PASSAGES[2]), "{prompt}");
    assert_eq!((outcome.usage.passages_read, outcome.usage.passages_left_out), (1, 2));
}

#[tokio::test]
async fn of_a_long_passage_only_what_stands_around_the_answer_is_shown() {
    let long = "Über eins. Zwei. Each lease lasts sixty seconds. Drei. Vier.";
    let scripted = finding(2.0, "A lease lasts sixty seconds.").await;
    let outcome = scripted.ask(QUESTION, &[long]).await.unwrap();
    assert_eq!(outcome.citations[0].quote, "Each lease lasts sixty seconds.");
    let prompt = scripted.generator.prompts().remove(0);
    assert!(prompt.contains("\nÜber eins. Zwei. Each lease lasts sixty seconds. Drei.\n"), "{prompt}");
    assert!(!prompt.contains("Vier."), "{prompt}");
}

#[tokio::test]
async fn a_draft_about_something_else_gives_way_to_the_sentence_of_the_span() {
    for draft in [
        // Carried by another sentence, by the sentence of the span itself, by another passage, by nothing, and refused.
        "A heartbeat makes a lease last a minute.",
        "A lease belongs to one worker.",
        "A lease names its worker.",
        "A lease lasts seventy seconds.",
        "The passages do not say.",
        "",
    ] {
        let outcome = finding(2.0, draft).await.ask(QUESTION, &PASSAGES).await.unwrap();
        assert_eq!((outcome.answer.as_str(), outcome.wording), (SENTENCE, Some(Wording::Quoted)), "{draft}");
        assert_eq!(outcome.short_answer.as_deref(), Some("sixty seconds"), "{draft}");
        let [citation] = &outcome.citations[..] else { panic!("{draft}: {outcome:?}") };
        assert_eq!(citation.quote, SENTENCE);
        assert_eq!((citation.source_start, citation.answer_start), (15, 0));
        assert_eq!(outcome.confidence, Decision::UNFITTED.probability_of(2.0));
    }
    // What comes before the sentence about the span is not shown, and that sentence is.
    let outcome = finding(2.0, "A heartbeat makes a lease last a minute. It lasts sixty seconds.").await;
    let outcome = outcome.ask(QUESTION, &PASSAGES).await.unwrap();
    assert_eq!((outcome.answer.as_str(), outcome.wording), ("It lasts sixty seconds.", Some(Wording::Generated)));
}

#[tokio::test]
async fn a_sentence_with_the_words_of_the_span_from_elsewhere_cites_both_places() {
    let passages = ["Each lease lasts sixty seconds. The sweep, at sixty seconds, ends every lease of the queue."];
    let scripted = finding(2.0, "The sweep at sixty seconds ends every lease of the queue.").await;
    let outcome = scripted.ask(QUESTION, &passages).await.unwrap();
    assert_eq!(outcome.wording, Some(Wording::Generated));
    let quotes: Vec<&str> = outcome.citations.iter().map(|citation| citation.quote.as_str()).collect();
    assert_eq!(
        quotes,
        ["Each lease lasts sixty seconds.", "The sweep, at sixty seconds, ends every lease of the queue."]
    );
    assert_eq!(outcome.citations[0].answer_end, outcome.citations[1].answer_end);
}

#[tokio::test]
async fn a_question_that_is_too_long_for_the_reader_is_judged_by_the_words() {
    let too_long = || ScriptedReader::new(|_, _| Err(ReaderError::QuestionTooLong { tokens: 97, max: 96 }));
    let scripted = Scripted::new(Some(too_long()), "A lease lasts sixty seconds.").await;
    let outcome = scripted.ask(QUESTION, &PASSAGES).await.unwrap();
    assert_eq!((outcome.outcome, &outcome.short_answer), (OutcomeKind::Answered, &None));
    assert_eq!(outcome.citations[0].quote, SENTENCE);
    assert!(scripted.generator.prompts()[0].contains(PASSAGES[2]), "all passages are in the prompt");
    let asked_before = scripted.generator.prompts().len();
    let outcome = scripted.ask("Which metal has the highest melting temperature?", &PASSAGES).await.unwrap();
    assert_eq!((outcome.outcome, outcome.confidence), (OutcomeKind::Abstained, 0.0));
    assert_eq!(scripted.generator.prompts().len(), asked_before);
}

#[tokio::test]
async fn a_reader_that_fails_is_an_error_and_no_abstention() {
    let broken = ScriptedReader::new(|_, _| Err(ReaderError::Failed("as told".to_owned())));
    let scripted = Scripted::new(Some(broken), "A lease lasts sixty seconds.").await;
    let error = scripted.ask(QUESTION, &PASSAGES).await.unwrap_err();
    assert!(matches!(error, AnswerError::Read(ReaderError::Failed(_))), "{error:?}");
    assert!(scripted.generator.prompts().is_empty());
}

#[tokio::test]
async fn nobody_writes_for_a_caller_that_left_while_the_passages_were_read() {
    let (sender, receiver) = mpsc::channel(16);
    let listener = Mutex::new(Some(receiver));
    let found = ScriptedReader::new(move |_, passages| {
        drop(listener.lock().unwrap().take());
        Ok(vec![None; passages.len()])
    });
    let scripted = Scripted::new(Some(found), "A lease lasts sixty seconds.").await;
    let evidence = scripted.evidence(QUESTION, &PASSAGES).await;
    let error = scripted.ask_over(QUESTION, evidence, Some(sender)).await.unwrap_err();
    assert!(matches!(error, AnswerError::CallerLeft), "{error:?}");
    assert!(scripted.generator.prompts().is_empty());
}

#[tokio::test]
async fn a_listener_hears_the_very_answer() {
    for (score, draft) in [
        (2.0, "A lease lasts sixty seconds. A heartbeat makes it last a minute."),
        (2.0, "A lease names its worker."),
        (-2.0, "A lease lasts sixty seconds."),
    ] {
        let scripted = finding(score, draft).await;
        let evidence = scripted.evidence(QUESTION, &PASSAGES).await;
        let plain = scripted.ask_over(QUESTION, evidence.clone(), None).await.unwrap();
        let (sender, mut receiver) = mpsc::channel(64);
        let streamed = scripted.ask_over(QUESTION, evidence, Some(sender)).await.unwrap();
        let (mut stages, mut text, mut cited) = (Vec::new(), String::new(), Vec::new());
        while let Some(event) = receiver.recv().await {
            match event {
                AnswerEvent::Stage { stage } => stages.push(stage),
                AnswerEvent::Sentence { text: sentence, citations } => {
                    text.push_str(&sentence);
                    cited.extend(citations);
                }
            }
        }
        assert_eq!(stages, ["preprocess", "retrieve", "read", "generate", "act"]);
        assert_eq!(cited, streamed.citations);
        assert!(streamed.outcome == OutcomeKind::Abstained || text == streamed.answer, "{streamed:?}");
        let same = Outcome { id: plain.id, timings_ms: plain.timings_ms, ..streamed };
        assert_eq!(same, plain);
    }
}

#[tokio::test]
async fn a_document_that_goes_while_its_answer_is_made_is_not_answered_from() {
    let scripted = finding(2.0, "A lease lasts sixty seconds.").await;
    let evidence = scripted.evidence(QUESTION, &PASSAGES).await;
    scripted.services.blobs.delete_texts(evidence.passages[1].chunk.document_id, None).await.unwrap();
    let outcome = scripted.ask_over(QUESTION, evidence, None).await.unwrap();
    assert_eq!((outcome.outcome, &outcome.short_answer), (OutcomeKind::Abstained, &None));
    assert_eq!((outcome.confidence, outcome.citations.len()), (0.0, 0));
}

#[tokio::test]
async fn given_passages_take_the_same_way() {
    let scripted = finding(2.0, "A lease lasts sixty seconds.").await;
    let given: Vec<GivenPassage> = PASSAGES
        .iter()
        .enumerate()
        .map(|(at, text)| GivenPassage { name: at.to_string(), title: "Guide".to_owned(), text: (*text).to_owned() })
        .collect();
    let counter = scripted.services.retrieve.embedders.serving().token_counter();
    let outcome = answer_given(&scripted.services, &counter, question(QUESTION), &given).await.unwrap();
    assert_eq!((outcome.short_answer.as_deref(), outcome.citations[0].name.as_str()), (Some("sixty seconds"), "1"));
    assert!(outcome.timings_ms.read >= 0.0 && outcome.timings_ms.read <= outcome.timings_ms.total);
}

#[tokio::test]
async fn a_sentence_that_the_model_of_support_turns_down_goes() {
    let draft = "A lease lasts sixty seconds. A heartbeat makes it last a minute.";
    let mut scripted = finding(2.0, draft).await;
    let scorer = ScriptedPairs::new(&["supported", "contradicted"], |sentence, evidence| {
        assert!(evidence.contains("lease"), "{evidence}");
        if sentence.contains("heartbeat") { vec![0.2, 0.8] } else { vec![0.9, 0.1] }
    });
    scripted.services.support = Some(std::sync::Arc::new(scorer));
    let outcome = scripted.ask(QUESTION, &PASSAGES).await.unwrap();
    assert_eq!(outcome.answer, "A lease lasts sixty seconds.");
    scripted.services.stages = scripted.services.stages.with(Stage::Support, false);
    assert_eq!(scripted.ask(QUESTION, &PASSAGES).await.unwrap().answer, draft);
}

#[tokio::test]
async fn two_questions_are_answered_one_by_one() {
    let scripted = finding(2.0, "A lease lasts sixty seconds.").await;
    let asked = "How long does a lease last? Which metal has the highest melting temperature?";
    let outcome = scripted.ask(asked, &PASSAGES).await.unwrap();
    let parts = &outcome.question.parts;
    assert_eq!(parts.len(), 2, "{parts:?}");
    assert_eq!((outcome.outcome, parts[0].outcome), (OutcomeKind::Answered, OutcomeKind::Answered));
    assert_eq!(parts[0].short_answer.as_deref(), Some("sixty seconds"));
    assert_eq!(outcome.short_answer, None);
    // Footnotes of the second part lie where its sentences lie in the whole answer.
    let last = outcome.citations.last().unwrap();
    let cited: String = outcome
        .answer
        .chars()
        .skip(last.answer_start as usize)
        .take((last.answer_end - last.answer_start) as usize)
        .collect();
    assert_eq!(outcome.answer.len(), last.answer_end as usize);
    assert!(outcome.answer.ends_with(&cited) && last.answer_start > 0, "{outcome:?}");
}

#[tokio::test]
async fn of_several_questions_one_is_asked_back_and_the_choice_goes_on_with_it() {
    let services = Scripted::new(None, "").await.services;
    let asked = question("How long does a lease last? Which metal has the highest melting temperature?");
    let prepared = preprocess::preprocess(&services, asked).await.unwrap();
    assert_eq!(prepared.parts.len(), 2);
    let ended = |options: &[&str]| EndedPart {
        read: ReadEvidence {
            evidence: Evidence { generation: 1, passages: Vec::new(), question_vector: Vec::new() },
            verdict: Verdict::NotRead,
            spans: Vec::new(),
        },
        verified: Verified::default(),
        options: options.iter().map(|option| (*option).to_owned()).collect(),
        usage: Usage::default(),
    };
    let second = prepared.parts[1].interpreted.clone();
    let cases: [([&[&str]; 2], usize); 2] =
        [([&["Red kiln", "Blue kiln"], &["Iron", "Lead"]], 0), ([&[], &["Iron", "Lead"]], 1)];
    for (options, of) in cases {
        let ended = options.map(ended);
        let outcome = act::act(AnswerId::new(), prepared.clone(), &ended, services.models());
        assert_eq!((outcome.outcome, outcome.clarify.as_ref()), (OutcomeKind::Clarify, Some(&ended[of].options)));
        let history = vec![conversation::turn_of(&outcome)];
        let chosen = Question { history, ..question("the second one") };
        let chosen = preprocess::preprocess(&services, chosen).await.unwrap();
        assert_eq!((chosen.understood.kind, chosen.parts.len()), (RequestKind::Choice, 1));
        if of == 1 {
            assert_eq!(chosen.understood.interpreted, clarify::chosen_question(&second, "Lead"));
        } else {
            assert_eq!(chosen.understood.interpreted, "How long does a lease last (Blue kiln)?");
        }
    }
}

#[tokio::test]
async fn small_talk_is_not_looked_up() {
    let scripted = finding(2.0, "A lease lasts sixty seconds.").await;
    let outcome = scripted.ask("Hello there!", &PASSAGES).await.unwrap();
    assert_eq!((outcome.outcome, outcome.question.kind), (OutcomeKind::Blocked, RequestKind::SmallTalk));
    assert!(outcome.citations.is_empty() && outcome.question.parts.is_empty() && !outcome.answer.is_empty());
    // No rule that asks for sure answers may take it for one.
    assert_eq!(outcome.confidence, 0.0);
    assert!(scripted.generator.prompts().is_empty());
}

#[tokio::test]
async fn what_the_policy_names_is_blacked_out_in_answer_and_quote() {
    let mut scripted = finding(2.0, "A lease lasts sixty seconds.").await;
    scripted.services.redact = [PersonalKind::Email].into();
    let passages = ["Each lease lasts sixty seconds, says ada@kiln-works.org."];
    let outcome = scripted.ask(QUESTION, &passages).await.unwrap();
    assert_eq!(outcome.citations[0].quote, "Each lease lasts sixty seconds, says ██████████████████.");
    assert_eq!(outcome.redacted, [PersonalKind::Email].into());
    scripted.services.stages = scripted.services.stages.with(Stage::Redact, false);
    let outcome = scripted.ask(QUESTION, &passages).await.unwrap();
    assert_eq!((outcome.citations[0].quote.as_str(), outcome.redacted.len()), (passages[0], 0));
}

#[tokio::test]
async fn a_part_of_a_secret_is_blacked_out_wherever_it_is_repeated() {
    let mut scripted = Scripted::new(Some(ScriptedReader::finding("hunter2", 2.0)), "The old one is hunter2.").await;
    scripted.services.redact = [PersonalKind::Secret].into();
    let passages = ["The password is hunter2-Kiln-42, and it is an old one."];
    let outcome = scripted.ask("What opens the kiln?", &passages).await.unwrap();
    assert_eq!(outcome.citations[0].quote, "The password is ███████████████, and it is an old one.");
    assert_eq!(outcome.short_answer.as_deref(), Some("███████"), "{outcome:?}");
    assert!(!outcome.answer.contains("hunter2"), "{outcome:?}");
}
