//! The adapter registry: what is recorded, what serves, and the way back.

use footnote::{
    domain::{
        Adapter, AdapterId, AdapterPair, AdapterRole, EvaluationFigures, Figure, Forced, Grounds, KindCount, Promotion,
        PromotionAction,
    },
    metadata_store::{AdapterQuery, MetadataStore, MetadataStoreError, NewAdapter, NewEvaluation, NewPromotion},
};
use serde_json::json;

use super::{
    Backend,
    fixtures::{conflict, invalid, not_found, sha256},
};
use AdapterRole::{Generator, Reader};

/// An adapter made of these bytes.
pub fn adapter(role: AdapterRole, bytes: &str) -> NewAdapter {
    NewAdapter {
        role,
        name: format!("{bytes} adapter"),
        sha256: sha256(bytes),
        base_sha256: sha256("base"),
        data_versions: vec!["handbook 3 (sha256 0123456789ab)".to_owned(), "squad 1".to_owned()],
        run: json!({"result": {"best_loss": 0.25, "steps": 40}, "seed": 7, "rate": 1e-4, "name": "Zoë"}),
        size_bytes: 1 << 40,
    }
}

/// The evaluation of a pair of adapters in a run of this name.
pub fn evaluation(run: &str, suite: &str, adapters: &AdapterPair) -> NewEvaluation {
    NewEvaluation {
        run_sha256: sha256(run),
        run: run.to_owned(),
        suite: suite.to_owned(),
        suite_sha256: sha256(suite),
        adapters: adapters.clone(),
        figures: EvaluationFigures {
            deciding: "f1".to_owned(),
            figures: vec![Figure { metric: "f1".to_owned(), value: 0.5, low: 0.25, high: 0.75 }],
            kinds: vec![KindCount { kind: "edge".to_owned(), questions: 8, right: 5 }],
        },
    }
}

pub async fn register(store: &dyn MetadataStore, role: AdapterRole, bytes: &str) -> Adapter {
    let registered = store.register_adapter(adapter(role, bytes)).await.unwrap();
    assert!(!registered.duplicate);
    registered.adapter
}

pub async fn promote(store: &dyn MetadataStore, adapter: AdapterId, after: u32) -> Promotion {
    store.promote_adapter(NewPromotion { adapter, after, forced: None, grounds: None }).await.unwrap()
}

async fn serving(store: &dyn MetadataStore, role: AdapterRole) -> Option<AdapterId> {
    store.serving_adapter(role).await.unwrap().and_then(|entry| entry.adapter)
}

pub async fn an_adapter_comes_back_as_it_was_registered(backend: &Backend) {
    let store = &*backend.store;
    let new = adapter(Reader, "one");
    let registered = register(store, Reader, "one").await;
    assert_eq!(registered.label(), format!("one adapter@{}", &sha256("one")[..12]));
    let found = backend.elsewhere().await.adapter(registered.id).await.unwrap();
    assert_eq!(found, registered);
    assert_eq!(
        (found.role, found.name, found.sha256, found.base_sha256),
        (Reader, new.name, new.sha256, new.base_sha256)
    );
    assert_eq!((found.data_versions, found.run, found.size_bytes), (new.data_versions, new.run, new.size_bytes));
    not_found(store.adapter(AdapterId::new()).await);
}

pub async fn the_same_bytes_are_one_adapter(backend: &Backend) {
    let store = &*backend.store;
    let first = register(store, Reader, "one").await;
    let again = NewAdapter { name: "another name".to_owned(), ..adapter(Reader, "one") };
    let again = store.register_adapter(again).await.unwrap();
    assert!(again.duplicate);
    assert_eq!(again.adapter, first);
}

pub async fn adapters_are_listed_newest_first_in_stable_pages(backend: &Backend) {
    let store = &*backend.store;
    for (number, role) in [Reader, Generator, Reader, Reader].into_iter().enumerate() {
        register(store, role, &number.to_string()).await;
    }
    let query = AdapterQuery { role: Some(Reader), cursor: None, limit: 2 };
    let page = store.adapters(query.clone()).await.unwrap();
    let names = |items: &[Adapter]| items.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&page.items), ["3 adapter", "2 adapter"]);
    register(store, Reader, "4").await;
    let next = store.adapters(AdapterQuery { cursor: page.next_cursor.clone(), ..query.clone() }).await.unwrap();
    assert_eq!((names(&next.items), next.next_cursor), (vec!["0 adapter".to_owned()], None));
    let all = store.adapters(AdapterQuery { limit: 1_000, ..AdapterQuery::default() }).await.unwrap();
    assert_eq!(all.items.len(), 5);
    invalid(store.adapters(AdapterQuery { role: None, cursor: page.next_cursor, limit: 2 }).await);
    invalid(store.adapters(AdapterQuery { limit: 0, ..query }).await);
}

pub async fn what_is_no_adapter_is_refused_and_leaves_nothing(backend: &Backend) {
    let store = &*backend.store;
    type Spoil = fn(&mut NewAdapter);
    let cases: [Spoil; 6] = [
        |one| one.name = " ".to_owned(),
        |one| one.sha256.truncate(63),
        |one| one.base_sha256 = "G".repeat(64),
        |one| one.run = json!([1]),
        |one| one.run = json!({"note": ["\0"]}),
        |one| one.data_versions.push("a\nb".to_owned()),
    ];
    for spoil in cases {
        let mut spoilt = adapter(Reader, "one");
        spoil(&mut spoilt);
        invalid(store.register_adapter(spoilt).await);
    }
    let all = store.adapters(AdapterQuery { limit: 10, ..AdapterQuery::default() }).await.unwrap();
    assert_eq!(all.items, []);
}

pub async fn the_newest_evaluation_of_exactly_these_adapters_is_found(backend: &Backend) {
    let store = &*backend.store;
    let shipped = AdapterPair { reader: None, generator: Some(sha256("g")) };
    let tuned = shipped.clone().with(Reader, Some(sha256("r")));
    let first = store.record_evaluation(evaluation("one", "pinned", &shipped)).await.unwrap();
    assert_eq!((first.adapters.clone(), first.figures.deciding_figure().unwrap().value), (shipped.clone(), 0.5));
    store.record_evaluation(evaluation("two", "pinned", &tuned)).await.unwrap();
    store.record_evaluation(evaluation("three", "other", &shipped)).await.unwrap();
    let latest = store.record_evaluation(evaluation("four", "pinned", &shipped)).await.unwrap();
    // A run that is recorded again is not newer for it.
    assert_eq!(store.record_evaluation(evaluation("one", "pinned", &shipped)).await.unwrap(), first);
    assert_eq!(store.latest_evaluation(&sha256("pinned"), &shipped).await.unwrap(), Some(latest.clone()));
    let none = AdapterPair::default();
    assert_eq!(store.latest_evaluation(&sha256("pinned"), &none).await.unwrap(), None);
    assert_eq!(store.latest_evaluation(&sha256("nothing"), &shipped).await.unwrap(), None);

    let runs = async |role, sum: Option<&str>, limit| {
        let found = store.evaluations_of(role, sum, limit).await.unwrap();
        found.into_iter().map(|one| one.run).collect::<Vec<_>>()
    };
    assert_eq!(runs(Generator, Some(&sha256("g")), 10).await, ["four", "three", "two", "one"]);
    assert_eq!(runs(Reader, None, 2).await, ["four", "three"]);
    assert_eq!(runs(Reader, Some(&sha256("r")), 10).await, ["two"]);
    let mut endless = evaluation("five", "pinned", &shipped);
    endless.figures.figures[0].high = f64::INFINITY;
    invalid(store.record_evaluation(endless).await);
}

pub async fn what_is_promoted_serves_and_the_history_says_why(backend: &Backend) {
    let store = &*backend.store;
    assert_eq!(store.serving_adapter(Reader).await.unwrap(), None);
    let (one, two) = (register(store, Reader, "one").await, register(store, Reader, "two").await);
    let grounds = Grounds {
        suite: "pinned".to_owned(),
        suite_sha256: sha256("pinned"),
        serving_run: sha256("before"),
        candidate_run: sha256("after"),
        metric: "f1".to_owned(),
        serving: 0.5,
        candidate: 0.625,
        difference: 0.125,
        low: 0.0625,
        high: 0.1875,
        p_value: 0.001,
        notes: vec!["the suite holds no edge cases".to_owned()],
    };
    let promotion = NewPromotion { adapter: one.id, after: 0, forced: None, grounds: Some(grounds.clone()) };
    let first = store.promote_adapter(promotion).await.unwrap();
    assert_eq!((first.role, first.number, first.action), (Reader, 1, PromotionAction::Promote));
    assert_eq!((first.adapter, first.replaced, &first.grounds), (Some(one.id), None, &Some(grounds)));
    let forced = Forced { reason: "the pilot needs it".to_owned(), refusal: "it is worse".to_owned() };
    let promotion = NewPromotion { adapter: two.id, after: 1, forced: Some(forced.clone()), grounds: None };
    let second = backend.elsewhere().await.promote_adapter(promotion).await.unwrap();
    assert_eq!((second.replaced, second.forced.as_ref()), (Some(one.id), Some(&forced)));
    assert_eq!(store.serving_adapter(Reader).await.unwrap(), Some(second.clone()));
    assert_eq!(store.serving_adapter(Generator).await.unwrap(), None, "another role is not touched");
    assert_eq!(store.promotions(Reader, 10).await.unwrap(), [second.clone(), first]);
    assert_eq!(store.promotions(Reader, 1).await.unwrap(), [second]);
    not_found(
        store.promote_adapter(NewPromotion { adapter: AdapterId::new(), after: 0, forced: None, grounds: None }).await,
    );
}

pub async fn a_decision_on_what_no_longer_serves_changes_nothing(backend: &Backend) {
    let store = &*backend.store;
    let (one, two) = (register(store, Reader, "one").await, register(store, Reader, "two").await);
    promote(store, one.id, 0).await;
    let stale = NewPromotion { adapter: two.id, after: 0, forced: None, grounds: None };
    conflict(store.promote_adapter(stale.clone()).await);
    // What serves already is not promoted again.
    conflict(store.promote_adapter(NewPromotion { adapter: one.id, after: 1, ..stale.clone() }).await);
    let forced = Some(Forced { reason: " ".to_owned(), refusal: "it is worse".to_owned() });
    invalid(store.promote_adapter(NewPromotion { after: 1, forced, ..stale }).await);
    assert_eq!(store.promotions(Reader, 10).await.unwrap().len(), 1);
    assert_eq!(serving(store, Reader).await, Some(one.id));
}

pub async fn rollbacks_go_back_step_by_step_to_what_ships(backend: &Backend) {
    let store = &*backend.store;
    conflict(store.roll_back_adapter(Reader).await);
    let (one, two) = (register(store, Reader, "one").await, register(store, Reader, "two").await);
    promote(store, one.id, 0).await;
    promote(store, two.id, 1).await;
    let back = store.roll_back_adapter(Reader).await.unwrap();
    assert_eq!((back.number, back.action), (3, PromotionAction::Rollback));
    assert_eq!((back.adapter, back.replaced), (Some(one.id), Some(two.id)));
    // A promotion on top of a rollback, and both ways back: not to and fro between two of them.
    promote(store, two.id, 3).await;
    assert_eq!(store.roll_back_adapter(Reader).await.unwrap().adapter, Some(one.id));
    let shipped = store.roll_back_adapter(Reader).await.unwrap();
    assert_eq!((shipped.adapter, shipped.replaced), (None, Some(one.id)));
    conflict(store.roll_back_adapter(Reader).await);
    assert_eq!(serving(store, Reader).await, None);
    // From the ground up again.
    promote(store, two.id, 6).await;
    assert_eq!(store.roll_back_adapter(Reader).await.unwrap().adapter, None);
    assert_eq!(store.promotions(Reader, 100).await.unwrap().len(), 8);
}

pub async fn of_promotions_at_the_same_moment_one_wins(backend: &Backend) {
    let stores = [backend.store.clone(), backend.elsewhere().await];
    let mut ids = Vec::new();
    for number in 0..12 {
        ids.push(register(&*backend.store, Generator, &number.to_string()).await.id);
    }
    let mut tasks = tokio::task::JoinSet::new();
    for (number, id) in ids.into_iter().enumerate() {
        let store = stores[number % 2].clone();
        tasks.spawn(async move {
            store.promote_adapter(NewPromotion { adapter: id, after: 0, forced: None, grounds: None }).await
        });
    }
    let ended = tasks.join_all().await;
    let won: Vec<_> = ended.iter().flatten().collect();
    assert_eq!(won.len(), 1);
    for lost in ended.iter().filter_map(|result| result.as_ref().err()) {
        assert!(matches!(lost, MetadataStoreError::Conflict(_)), "{lost:?}");
    }
    assert_eq!(serving(&*backend.store, Generator).await, won[0].adapter);
}

pub async fn of_the_same_bytes_at_the_same_moment_one_is_new(backend: &Backend) {
    let stores = [backend.store.clone(), backend.elsewhere().await];
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..12 {
        let store = stores[number % 2].clone();
        tasks.spawn(async move { store.register_adapter(adapter(Reader, "one")).await.unwrap() });
    }
    let all = tasks.join_all().await;
    assert_eq!(all.iter().filter(|registered| !registered.duplicate).count(), 1);
    assert!(all.iter().all(|registered| registered.adapter.id == all[0].adapter.id));
}
