//! Feedback: kept with the trace of its answer, and what is left when documents and conversations go.

use std::collections::BTreeSet;

use chrono::{TimeDelta, Utc};
use footnote::{
    domain::{
        Access, Allowed, AnswerId, AnswerTrace, ChunkId, Citation, ConversationId, DocumentId, Feedback, FeedbackId,
        ModelVersions, Outcome, OutcomeKind, RequestKind, Timings, TracedPassage, UnderstoodQuestion, Usage, Verdict,
        personal_data::PersonalKind, text::CodePointRange,
    },
    metadata_store::{FeedbackQuery, MetadataStore, NewFeedback, NewTrace},
};

use super::{
    Backend,
    conversations::{document, purge, record},
    fixtures::{invalid, not_found},
};

/// An answer with a sentence for each document, cited from it; declined without any.
pub fn trace(question: &str, documents: &[DocumentId]) -> AnswerTrace {
    let (mut answer, mut citations, mut passages) = (String::new(), Vec::new(), Vec::new());
    for (number, document_id) in documents.iter().enumerate() {
        let (start, quote) = (answer.chars().count() as u32, format!("Größe {number}."));
        answer.push_str(&format!("{quote} "));
        let length = quote.chars().count() as u32;
        let chunk_id = ChunkId::derive(*document_id, 1, 1, 0);
        passages.push(TracedPassage {
            chunk_id,
            document_id: *document_id,
            version: 1,
            name: format!("size-{number}.md"),
            heading_path: vec!["Sizes".to_owned()],
            page: Some(2),
            range: CodePointRange { start: 5, end: 5 + length },
            text: quote.clone(),
            score: 0.75,
        });
        citations.push(Citation {
            answer_start: start,
            answer_end: start + length,
            document_id: *document_id,
            name: format!("size-{number}.md"),
            version: 1,
            chunk_id,
            page: Some(2),
            heading: Some("Sizes".to_owned()),
            source_start: 5,
            source_end: 5 + length,
            quote,
        });
    }
    let question = UnderstoodQuestion {
        original: question.to_owned(),
        interpreted: question.to_owned(),
        kind: RequestKind::Question,
        language: Some("eng".to_owned()),
        corrections: vec![],
        parts: vec![],
    };
    let outcome = Outcome {
        id: AnswerId::new(),
        outcome: if documents.is_empty() { OutcomeKind::Abstained } else { OutcomeKind::Answered },
        answer: answer.trim_end().to_owned(),
        wording: None,
        contradicting: false,
        short_answer: None,
        confidence: 0.625,
        citations,
        redacted: BTreeSet::new(),
        question,
        conversation_id: None,
        clarify: None,
        actions: vec![],
        model: ModelVersions {
            reader: Some("reader".to_owned()),
            generator: "generator".to_owned(),
            adapter: Some("adapter".to_owned()),
            embedder: "embedder".to_owned(),
            index: 1,
        },
        usage: Usage { prompt_tokens: 7, ..Usage::default() },
        timings_ms: Timings { total: 12.5, ..Timings::default() },
    };
    AnswerTrace { asked_at: "2026-01-02T03:04:05Z".parse().unwrap(), outcome, passages }
}

pub fn kept(owner: Option<&str>, conversation: Option<ConversationId>, trace: AnswerTrace) -> NewTrace {
    let owner = owner.map(str::to_owned);
    NewTrace { collection: "default".to_owned(), owner, conversation_id: conversation, trace }
}

pub fn said(answer_id: AnswerId, verdict: Verdict) -> NewFeedback {
    NewFeedback {
        answer_id,
        verdict,
        better_answer: (verdict == Verdict::BetterAnswer).then(|| "It is “größer”.".to_owned()),
        comment: Some("as seen in the hall".to_owned()),
        redacted: BTreeSet::from([PersonalKind::Email]),
        given_by: "local".to_owned(),
    }
}

/// Keeps a trace about these documents and says something about it.
pub async fn give(store: &dyn MetadataStore, documents: &[DocumentId], verdict: Verdict) -> Feedback {
    let trace = trace("How large?", documents);
    let answer = trace.outcome.id;
    assert!(store.keep_trace(kept(None, None, trace)).await.unwrap());
    let (feedback, first) = store.give_feedback(said(answer, verdict), None, &Access::everything()).await.unwrap();
    assert!(first);
    feedback
}

async fn read(store: &dyn MetadataStore, id: FeedbackId) -> Feedback {
    store.readable_feedback(id, None, &Access::everything()).await.unwrap()
}

fn all() -> FeedbackQuery {
    FeedbackQuery { limit: 100, ..FeedbackQuery::default() }
}

pub async fn feedback_comes_back_with_the_trace_of_its_answer(backend: &Backend) {
    let store = &*backend.store;
    let one = document(store, "one.md").await;
    let trace = trace("How large? \0", &[one]);
    let answer = trace.outcome.id;
    assert!(store.keep_trace(kept(Some("key_a"), None, trace.clone())).await.unwrap());
    let new = said(answer, Verdict::BetterAnswer);
    let (given, first) = store.give_feedback(new.clone(), Some("key_a"), &Access::everything()).await.unwrap();
    assert!(first);
    let mut expected = trace;
    // What the databases cannot hold is written out.
    expected.outcome.question.original = "How large? \\0".to_owned();
    expected.outcome.question.interpreted = "How large? \\0".to_owned();
    assert_eq!(given.trace, expected);
    assert_eq!((given.answer_id, given.verdict, &given.collection[..]), (answer, Verdict::BetterAnswer, "default"));
    assert_eq!(
        (&given.better_answer, &given.comment, &given.redacted),
        (&new.better_answer, &new.comment, &new.redacted)
    );
    assert_eq!((given.given_by.as_str(), given.conversation_id), ("local", None));
    let elsewhere = backend.elsewhere().await;
    assert_eq!(read(&*elsewhere, given.id).await, given);
    assert_eq!(elsewhere.feedback_list(all()).await.unwrap().items, [given]);
}

pub async fn of_one_answer_the_last_feedback_stands(backend: &Backend) {
    let store = &*backend.store;
    let one = document(store, "one.md").await;
    let first = give(store, &[one], Verdict::Right).await;
    let again = said(first.answer_id, Verdict::Wrong);
    let (second, is_first) = store.give_feedback(again, None, &Access::everything()).await.unwrap();
    assert_eq!((second.id, second.verdict, is_first), (first.id, Verdict::Wrong, false));
    assert_eq!(second.trace, first.trace);
    assert!(second.given_at >= first.given_at);
    assert_eq!(store.feedback_list(all()).await.unwrap().items, [second]);
    // Of two at the same moment one is the first.
    let trace = trace("Both?", &[]);
    let answer = trace.outcome.id;
    store.keep_trace(kept(None, None, trace)).await.unwrap();
    let elsewhere = backend.elsewhere().await;
    let everything = Access::everything();
    let (one, two) = tokio::join!(
        store.give_feedback(said(answer, Verdict::Right), None, &everything),
        elsewhere.give_feedback(said(answer, Verdict::Wrong), None, &everything),
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!((one.0.id == two.0.id, one.1 != two.1), (true, true));
}

pub async fn only_who_asked_says_something_about_an_answer(backend: &Backend) {
    let store = &*backend.store;
    let one = document(store, "one.md").await;
    let trace = trace("How large?", &[one]);
    let answer = trace.outcome.id;
    store.keep_trace(kept(Some("key_a"), None, trace)).await.unwrap();
    let everything = Access::everything();
    let elsewhere = Access { collections: Allowed::from_list(Some(["other".to_owned()])), ..Access::everything() };
    not_found(store.give_feedback(said(answer, Verdict::Right), Some("key_b"), &everything).await);
    not_found(store.give_feedback(said(answer, Verdict::Right), Some("key_a"), &elsewhere).await);
    not_found(store.give_feedback(said(AnswerId::new(), Verdict::Right), None, &everything).await);
    let (given, _) = store.give_feedback(said(answer, Verdict::Right), Some("key_a"), &everything).await.unwrap();
    for (owner, access) in [(Some("key_b"), &everything), (Some("key_a"), &elsewhere), (None, &elsewhere)] {
        not_found(store.readable_feedback(given.id, owner, access).await);
        not_found(store.give_feedback(said(answer, Verdict::Wrong), owner, access).await);
    }
    assert_eq!(store.readable_feedback(given.id, Some("key_a"), &everything).await.unwrap(), given);
    let query = FeedbackQuery { access: elsewhere, ..all() };
    assert_eq!(store.feedback_list(query).await.unwrap().items, []);
}

pub async fn feedback_is_listed_newest_first_by_verdict_and_collection(backend: &Backend) {
    let store = &*backend.store;
    let mut given = Vec::new();
    for verdict in [Verdict::Right, Verdict::Wrong, Verdict::Right] {
        given.push(give(store, &[], verdict).await.id);
    }
    let mut other = kept(None, None, trace("Elsewhere?", &[]));
    other.collection = "other".to_owned();
    let answer = other.trace.outcome.id;
    store.keep_trace(other).await.unwrap();
    let (elsewhere, _) = store.give_feedback(said(answer, Verdict::Right), None, &Access::everything()).await.unwrap();
    let ids = async |query: FeedbackQuery| {
        let page = store.feedback_list(query).await.unwrap();
        (page.items.iter().map(|one| one.id).collect::<Vec<_>>(), page.next_cursor)
    };
    assert_eq!(ids(all()).await.0, [elsewhere.id, given[2], given[1], given[0]]);
    let right = FeedbackQuery { verdict: Some(Verdict::Right), limit: 2, ..FeedbackQuery::default() };
    let (first, cursor) = ids(right.clone()).await;
    assert_eq!(first, [elsewhere.id, given[2]]);
    assert_eq!(ids(FeedbackQuery { cursor: cursor.clone(), ..right.clone() }).await, (vec![given[0]], None));
    let of_other = FeedbackQuery { collection: Some("other".to_owned()), ..all() };
    assert_eq!(ids(of_other.clone()).await.0, [elsewhere.id]);
    invalid(store.feedback_list(FeedbackQuery { cursor, ..of_other }).await);
    invalid(store.feedback_list(FeedbackQuery { limit: 0, ..all() }).await);
    store.delete_feedback(given[1]).await.unwrap();
    not_found(store.delete_feedback(given[1]).await);
    not_found(store.readable_feedback(given[1], None, &Access::everything()).await);
    assert_eq!(ids(all()).await.0, [elsewhere.id, given[2], given[0]]);
}

pub async fn a_deleted_document_leaves_its_ids_in_feedback_only(backend: &Backend) {
    let store = &*backend.store;
    let (one, two) = (document(store, "one.md").await, document(store, "two.md").await);
    let both = give(store, &[one, two], Verdict::BetterAnswer).await;
    let alone = give(store, &[two], Verdict::Right).await;
    let waiting = trace("Not yet said?", &[one]);
    store.keep_trace(kept(None, None, waiting.clone())).await.unwrap();
    store.delete_document(one).await.unwrap();
    let check = async |what: &str| {
        let now = read(store, both.id).await;
        assert_eq!(now.trace.outcome.answer, "Größe 1.", "{what}");
        assert_eq!((&now.better_answer, &now.comment, now.verdict), (&None, &None, Verdict::BetterAnswer), "{what}");
        let [lost, kept] = &now.trace.passages[..] else { panic!("{what}: {now:?}") };
        assert_eq!(
            (lost.document_id, lost.text.as_str(), lost.name.as_str(), lost.score),
            (one, "", "", 0.75),
            "{what}"
        );
        assert_eq!(kept, &both.trace.passages[1], "{what}");
        assert!(!serde_json::to_string(&now).unwrap().contains("Größe 0"), "{what}: {now:?}");
        assert_eq!(store.feedback_list(all()).await.unwrap().items, [alone.clone(), now], "{what}");
    };
    // Before the purge it is only not shown; after it, it is not there.
    check("deleted").await;
    while store.take_out_document(one).await.unwrap() {}
    check("taken out").await;
    store.forget_document(one).await.unwrap();
    check("forgotten").await;
    not_found(store.give_feedback(said(waiting.outcome.id, Verdict::Right), None, &Access::everything()).await);
    purge(store, two).await;
    let text: String = store.feedback_list(all()).await.unwrap().items.iter().map(|one| format!("{one:?}")).collect();
    assert!(!text.contains("Größe") && text.contains("How large?"), "{text}");
}

pub async fn more_feedback_than_a_purge_changes_at_once_is_all_taken_out(backend: &Backend) {
    let store = &*backend.store;
    let one = document(store, "one.md").await;
    for _ in 0..120 {
        give(store, &[one], Verdict::Right).await;
    }
    purge(store, one).await;
    let found = store.feedback_list(FeedbackQuery { limit: 1_000, ..FeedbackQuery::default() }).await.unwrap().items;
    assert_eq!(found.len(), 120);
    assert!(found.iter().all(|one| one.trace.outcome.answer.is_empty() && one.trace.passages[0].text.is_empty()));
}

pub async fn of_a_document_that_may_not_be_read_feedback_shows_its_ids_only(backend: &Backend) {
    let store = &*backend.store;
    let mut upload = super::fixtures::upload("closed.md", "closed");
    upload.access = vec!["board".to_owned()];
    let registered = store.register_upload(upload).await.unwrap();
    let given = give(store, &[registered.document_id], Verdict::Right).await;
    let nobody = Access { labels: Allowed::none(), ..Access::everything() };
    let board = Access { labels: Allowed::from_list(Some(["board".to_owned()])), ..Access::everything() };
    let shown = store.readable_feedback(given.id, None, &nobody).await.unwrap();
    assert_eq!((shown.trace.outcome.answer.as_str(), &shown.comment), ("", &None));
    assert!(!format!("{shown:?}").contains("Größe"), "{shown:?}");
    assert_eq!(store.readable_feedback(given.id, None, &board).await.unwrap(), given);
    let query = FeedbackQuery { access: nobody, ..all() };
    assert_eq!(store.feedback_list(query).await.unwrap().items, [shown]);
}

pub async fn what_was_deleted_while_the_answer_was_made_leaves_no_trace(backend: &Backend) {
    let store = &*backend.store;
    let one = document(store, "one.md").await;
    store.delete_document(one).await.unwrap();
    assert!(!store.keep_trace(kept(None, None, trace("How large?", &[one]))).await.unwrap());
    let gone = kept(None, Some(ConversationId::new()), trace("How large?", &[]));
    let answer = gone.trace.outcome.id;
    assert!(!store.keep_trace(gone).await.unwrap());
    not_found(store.give_feedback(said(answer, Verdict::Right), None, &Access::everything()).await);
}

pub async fn a_deleted_conversation_takes_its_feedback_and_its_traces(backend: &Backend) {
    let store = &*backend.store;
    let one = document(store, "one.md").await;
    let id = ConversationId::new();
    store.record_outcome(record(id, true, "One?", &[one])).await.unwrap();
    let mut answers = Vec::new();
    for _ in 0..2 {
        let trace = trace("And its size?", &[]);
        answers.push(trace.outcome.id);
        assert!(store.keep_trace(kept(None, Some(id), trace)).await.unwrap());
    }
    let everything = Access::everything();
    let (given, _) = store.give_feedback(said(answers[0], Verdict::Right), None, &everything).await.unwrap();
    assert_eq!(given.conversation_id, Some(id));
    // The question may have taken words from what was said before.
    store.delete_document(one).await.unwrap();
    assert_eq!(read(store, given.id).await.comment, None);
    store.delete_conversation(id).await.unwrap();
    not_found(store.readable_feedback(given.id, None, &everything).await);
    not_found(store.give_feedback(said(answers[1], Verdict::Right), None, &everything).await);
}

pub async fn traces_that_are_old_or_too_many_are_forgotten(backend: &Backend) {
    let store = &*backend.store;
    let mut answers = Vec::new();
    for _ in 0..4 {
        let trace = trace("How large?", &[]);
        answers.push(trace.outcome.id);
        store.keep_trace(kept(None, None, trace)).await.unwrap();
    }
    let everything = Access::everything();
    let long_ago = Utc::now() - TimeDelta::hours(1);
    assert_eq!(store.forget_traces(long_ago, 10).await.unwrap(), 0);
    assert_eq!(store.forget_traces(long_ago, 3).await.unwrap(), 1);
    not_found(store.give_feedback(said(answers[0], Verdict::Right), None, &everything).await);
    let (given, _) = store.give_feedback(said(answers[1], Verdict::Right), None, &everything).await.unwrap();
    assert_eq!(store.forget_traces(Utc::now() + TimeDelta::hours(1), 10).await.unwrap(), 2);
    not_found(store.give_feedback(said(answers[3], Verdict::Right), None, &everything).await);
    // What was said about has moved and stays.
    assert_eq!(read(store, given.id).await, given);
}

pub async fn what_cannot_be_said_is_refused_and_leaves_the_trace(backend: &Backend) {
    let store = &*backend.store;
    let trace = trace("How large?", &[]);
    let answer = trace.outcome.id;
    store.keep_trace(kept(None, None, trace)).await.unwrap();
    let right = || said(answer, Verdict::Right);
    let wrong = [
        NewFeedback { better_answer: Some("Better.".to_owned()), ..right() },
        NewFeedback { comment: Some(" ".to_owned()), ..right() },
        NewFeedback { comment: Some("a\0b".to_owned()), ..right() },
        NewFeedback { comment: Some("ä".repeat(4_001)), ..right() },
        NewFeedback { better_answer: None, ..said(answer, Verdict::BetterAnswer) },
        // It was declined.
        said(answer, Verdict::ShouldHaveAbstained),
        said(answer, Verdict::WrongSource),
    ];
    for wrong in wrong {
        invalid(store.give_feedback(wrong, None, &Access::everything()).await);
    }
    let longest = NewFeedback { comment: Some("ä".repeat(4_000)), ..right() };
    assert!(store.give_feedback(longest, None, &Access::everything()).await.unwrap().1);
    invalid(store.give_feedback(said(answer, Verdict::WrongSource), None, &Access::everything()).await);
}
