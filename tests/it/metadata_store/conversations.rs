//! Conversations: what is stored of them, and what is left when they or their documents go.

use footnote::{
    domain::{
        Action, AnswerId, ChunkId, CitedStretch, Conversation, ConversationId, DocumentId, JobKind, JobState,
        ModelVersions, OutcomeKind, RecordedTurn, Turn, TurnSource, UnansweredState,
    },
    metadata_store::{ConversationQuery, InConversation, MetadataStore, OutcomeRecord, UnansweredQuery},
};

use super::{
    Backend,
    fixtures::{conflict, ingest, invalid, lease, not_found},
    outcomes::{delivery, unanswered},
};

/// A turn about these documents: its answer has a sentence for each, cited from it.
fn turn(question: &str, documents: &[DocumentId]) -> (Turn, Vec<CitedStretch>) {
    let (mut answer, mut cited, mut sources) = (String::new(), Vec::new(), Vec::new());
    for (number, document_id) in documents.iter().enumerate() {
        let start = answer.chars().count() as u32;
        answer.push_str(&format!("Sätze {number}."));
        cited.push(CitedStretch { start, end: answer.chars().count() as u32, document_id: *document_id });
        answer.push(' ');
        let chunk_id = ChunkId::derive(*document_id, 1, 1, 0);
        let heading = Some(format!("Heading {number}"));
        sources.push(TurnSource { document_id: *document_id, chunk_id, name: format!("{number}.md"), heading });
    }
    let turn = Turn {
        question: question.to_owned(),
        interpreted: Some(question.to_owned()),
        outcome: Some(OutcomeKind::Answered),
        answer: Some(answer.trim_end().to_owned()),
        short_answer: Some("Sätze".to_owned()),
        sources,
        clarify: vec![],
    };
    (turn, cited)
}

/// What is recorded of a turn of a conversation, which begins with it or exists.
pub fn record(id: ConversationId, begins: bool, question: &str, documents: &[DocumentId]) -> OutcomeRecord {
    let (turn, cited) = turn(question, documents);
    let model = ModelVersions {
        reader: Some("reader".to_owned()),
        generator: "generator".to_owned(),
        adapter: None,
        embedder: "embedder".to_owned(),
        index: 1,
    };
    OutcomeRecord {
        answer_id: AnswerId::new(),
        collection: "default".to_owned(),
        conversation: Some(InConversation {
            id,
            begins,
            owner: None,
            turn,
            cited,
            actions: vec![Action::SuggestDocuments { document_ids: documents.to_vec() }],
            model,
        }),
        documents: documents.to_vec(),
        confidence: 0.625,
        unanswered: None,
        settles: None,
        deliveries: vec![],
    }
}

pub async fn turns(store: &dyn MetadataStore, id: ConversationId) -> Vec<RecordedTurn> {
    store.turns(id, 0, 1_000).await.unwrap()
}

pub async fn document(store: &dyn MetadataStore, name: &str) -> DocumentId {
    ingest(store, name, name, 1).await.document_id
}

/// Deletes a document as its purge does.
pub async fn purge(store: &dyn MetadataStore, document: DocumentId) {
    store.delete_document(document).await.unwrap();
    while store.take_out_document(document).await.unwrap() {}
    store.forget_document(document).await.unwrap();
}

pub async fn turns_come_back_as_they_were_stored_and_in_order(backend: &Backend) {
    let store = &*backend.store;
    let one = document(store, "one.md").await;
    let begun = store.create_conversation("default", None).await.unwrap();
    assert_eq!((begun.collection.as_str(), begun.turns), ("default", 0));
    assert_eq!(turns(store, begun.id).await, []);
    let records = ["First?", "Second?", "Third?"].map(|question| record(begun.id, false, question, &[one]));
    for record in &records {
        store.record_outcome(record.clone()).await.unwrap();
    }
    let found = backend.elsewhere().await.turns(begun.id, 0, 1_000).await.unwrap();
    assert_eq!(found.iter().map(|turn| turn.number).collect::<Vec<_>>(), [1, 2, 3]);
    for (recorded, record) in found.iter().zip(&records) {
        let wanted = record.conversation.clone().unwrap();
        assert_eq!((recorded.answer_id, recorded.confidence), (record.answer_id, 0.625));
        assert_eq!(
            (&recorded.turn, &recorded.actions, &recorded.model),
            (&wanted.turn, &wanted.actions, &wanted.model)
        );
    }
    let now = store.conversation(begun.id).await.unwrap();
    assert_eq!((now.turns, now.created_at), (3, begun.created_at));
    assert!(now.updated_at >= begun.updated_at);
    let questions = |turns: Vec<RecordedTurn>| turns.into_iter().map(|turn| turn.turn.question).collect::<Vec<_>>();
    assert_eq!(questions(store.turns(begun.id, 1, 1).await.unwrap()), ["Second?"]);
    assert_eq!(questions(store.latest_turns(begun.id, 2).await.unwrap()), ["Second?", "Third?"]);
    assert_eq!(questions(store.latest_turns(begun.id, 9).await.unwrap()).len(), 3);
}

pub async fn a_conversation_begins_with_a_turn_or_must_exist(backend: &Backend) {
    let store = &*backend.store;
    let unknown = ConversationId::new();
    let mut record = record(unknown, false, "Who?", &[]);
    record.deliveries = vec![delivery("hook")];
    record.unanswered = Some(unanswered("who", &[1.0]));
    not_found(store.record_outcome(record.clone()).await);
    // Nothing of it was recorded.
    assert_eq!(store.counts().await.unwrap().open_jobs, 0);
    let query = UnansweredQuery { limit: 10, ..UnansweredQuery::default() };
    assert_eq!(store.open_questions(query.clone()).await.unwrap(), (vec![], 0));
    not_found(store.conversation(unknown).await);
    not_found(store.turns(unknown, 0, 10).await);
    not_found(store.latest_turns(unknown, 10).await);
    not_found(store.delete_conversation(unknown).await);
    record.conversation.as_mut().unwrap().begins = true;
    store.record_outcome(record.clone()).await.unwrap();
    assert_eq!(store.conversation(unknown).await.unwrap().turns, 1);
    assert_eq!(store.open_questions(query).await.unwrap().0[0].question.conversation_id, Some(unknown));
}

pub async fn conversations_are_listed_newest_first_in_stable_pages(backend: &Backend) {
    let store = &*backend.store;
    let mut ids = Vec::new();
    for collection in ["a", "b", "a", "a"] {
        ids.push(store.create_conversation(collection, None).await.unwrap().id);
    }
    let query = ConversationQuery { collection: Some("a".to_owned()), limit: 2, ..ConversationQuery::default() };
    let listed = |items: &[Conversation]| items.iter().map(|one| one.id).collect::<Vec<_>>();
    let page = store.conversations(query.clone()).await.unwrap();
    assert_eq!(listed(&page.items), [ids[3], ids[2]]);
    store.create_conversation("a", None).await.unwrap();
    let next = store.conversations(ConversationQuery { cursor: page.next_cursor.clone(), ..query.clone() }).await;
    let next = next.unwrap();
    assert_eq!((listed(&next.items), next.next_cursor), (vec![ids[0]], None));
    invalid(
        store
            .conversations(ConversationQuery { cursor: page.next_cursor, limit: 2, ..ConversationQuery::default() })
            .await,
    );
    invalid(store.conversations(ConversationQuery { limit: 0, ..query }).await);
    for name in ["", " ", "a\0b"] {
        invalid(store.create_conversation(name, None).await);
    }
}

pub async fn a_deleted_conversation_takes_everything_with_it(backend: &Backend) {
    let store = &*backend.store;
    let (gone, kept) = (ConversationId::new(), ConversationId::new());
    let mut jobs = Vec::new();
    for (id, asked_as) in [(gone, "gone"), (kept, "kept")] {
        let mut record = record(id, true, asked_as, &[]);
        record.deliveries = vec![delivery("hook")];
        record.unanswered = Some(unanswered(asked_as, &[1.0]));
        jobs.push(record.deliveries[0].job);
        store.record_outcome(record).await.unwrap();
    }
    let running = lease(store, JobKind::Deliver).await;
    assert_eq!(running.job.id, jobs[0]);
    store.delete_conversation(gone).await.unwrap();
    not_found(store.conversation(gone).await);
    not_found(store.turns(gone, 0, 10).await);
    not_found(store.delete_conversation(gone).await);
    let job = store.job(jobs[0]).await.unwrap();
    assert_eq!(job.state, JobState::Cancelled);
    assert!(job.error.unwrap().contains("conversation"));
    assert_eq!(store.delivery_body(jobs[0]).await.unwrap(), None);
    conflict(store.retry_job(jobs[0]).await);
    assert!(store.succeed_job(jobs[0], &running.token).await.is_err());
    // The other one is untouched.
    assert_eq!(turns(store, kept).await.len(), 1);
    assert!(store.delivery_body(jobs[1]).await.unwrap().is_some());
    let query = UnansweredQuery { limit: 10, ..UnansweredQuery::default() };
    let (open, _) = store.open_questions(query).await.unwrap();
    assert_eq!(open.iter().map(|one| one.question.conversation_id).collect::<Vec<_>>(), [Some(kept)]);
    assert_eq!(open[0].question.state, UnansweredState::Open);
}

pub async fn a_deleted_document_leaves_its_ids_only(backend: &Backend) {
    let store = &*backend.store;
    let (one, two) = (document(store, "one.md").await, document(store, "two.md").await);
    let id = ConversationId::new();
    store.record_outcome(record(id, true, "Both?", &[one, two])).await.unwrap();
    store.record_outcome(record(id, false, "One?", &[one])).await.unwrap();
    let mut later = record(id, false, "And it?", &[two]);
    later.conversation.as_mut().unwrap().turn.interpreted = Some("And Sätze 0?".to_owned());
    store.record_outcome(later).await.unwrap();
    let before = turns(store, id).await;

    conflict(store.take_out_document(one).await);
    store.delete_document(one).await.unwrap();
    let check = async |what: &str| {
        let now = turns(store, id).await;
        let [both, alone, leaning] = &now[..] else { panic!("{what}: {now:?}") };
        assert_eq!(both.turn.answer.as_deref(), Some("Sätze 1."), "{what}");
        assert_eq!((&both.turn.short_answer, &both.turn.sources[1]), (&None, &before[0].turn.sources[1]), "{what}");
        let source = &both.turn.sources[0];
        assert_eq!((source.document_id, source.name.as_str(), &source.heading), (one, "", &None), "{what}");
        assert_eq!((alone.turn.question.as_str(), &alone.turn.answer), ("One?", &None), "{what}");
        // It leans on what was said before, and may hold words of the document.
        assert_eq!((&leaning.turn.interpreted, &leaning.turn.answer), (&None, &before[2].turn.answer), "{what}");
        assert_eq!(now, store.latest_turns(id, 10).await.unwrap());
    };
    // Before the purge it is only not shown; after it, it is not there.
    check("deleted").await;
    while store.take_out_document(one).await.unwrap() {}
    check("taken out").await;
    store.forget_document(one).await.unwrap();
    check("forgotten").await;
    purge(store, two).await;
    let now = turns(store, id).await;
    assert!(now.iter().all(|turn| turn.turn.answer.is_none()));
    assert!(now.iter().flat_map(|turn| &turn.turn.sources).all(|source| source.name.is_empty()));
    assert_eq!(now.iter().map(|turn| turn.turn.sources.len()).collect::<Vec<_>>(), [2, 1, 1]);
}

pub async fn what_was_deleted_while_the_answer_was_made_is_not_stored(backend: &Backend) {
    let store = &*backend.store;
    let (one, two) = (document(store, "one.md").await, document(store, "two.md").await);
    purge(store, one).await;
    let id = ConversationId::new();
    let mut late = record(id, true, "Both?", &[one, two]);
    late.deliveries = vec![delivery("hook")];
    let job = late.deliveries[0].job;
    store.record_outcome(late).await.unwrap();
    let stored = turns(store, id).await.remove(0).turn;
    assert_eq!((stored.answer.as_deref(), stored.sources[0].name.as_str()), (Some("Sätze 1."), ""));
    let job = store.job(job).await.unwrap();
    assert_eq!((job.state, job.webhook.as_deref()), (JobState::Cancelled, Some("hook")));
    assert_eq!(store.delivery_body(job.id).await.unwrap(), None);
}

pub async fn turns_at_the_same_moment_get_numbers_of_their_own(backend: &Backend) {
    let id = backend.store.create_conversation("default", None).await.unwrap().id;
    let elsewhere = backend.elsewhere().await;
    let add = |number: usize| {
        let store = if number.is_multiple_of(2) { backend.store.clone() } else { elsewhere.clone() };
        async move { store.record_outcome(record(id, false, &format!("{number}?"), &[])).await }
    };
    for added in futures::future::join_all((0..10).map(add)).await {
        added.unwrap();
    }
    let numbers: Vec<u32> = turns(&*backend.store, id).await.iter().map(|turn| turn.number).collect();
    assert_eq!(numbers, (1..=10).collect::<Vec<u32>>());
}
