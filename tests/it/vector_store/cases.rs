//! The cases of the contract.

use std::collections::HashMap;

use footnote::vector_store::VectorStoreError;
use serde_json::json;

use super::*;

pub async fn creating_a_generation_twice_keeps_its_points(backend: &impl Backend) {
    let store = backend.open().await;
    store.create_generation(1, DIMENSION).await.unwrap();
    store.upsert(1, vec![point(1)]).await.unwrap();
    store.create_generation(1, DIMENSION).await.unwrap();
    assert_eq!(store.count(1, None).await.unwrap(), 1);
    store.ping().await.unwrap();
}

pub async fn another_dimension_is_refused(backend: &impl Backend) {
    let store = backend.open().await;
    store.create_generation(1, DIMENSION).await.unwrap();
    let mismatch = |result: Result<(), VectorStoreError>, asked: u32| {
        let error = result.unwrap_err();
        assert!(
            matches!(error, VectorStoreError::DimensionMismatch { generation: 1, expected, found: DIMENSION } if expected == asked),
            "{error}"
        );
    };
    mismatch(store.create_generation(1, 4).await, 4);
    mismatch(store.upsert(1, vec![point(1), Point { dense: vec![1.0, 0.0], ..point(2) }]).await, 2);
    mismatch(store.search(1, query(Ranking::Dense(vec![1.0]), 1)).await.map(drop), 1);
    assert_eq!(store.count(1, None).await.unwrap(), 0, "a refused upsert writes nothing");
    // Also for a process that did not create the generation itself.
    drop(store);
    mismatch(backend.open().await.create_generation(1, 4).await, 4);
}

pub async fn an_upsert_replaces_the_point_of_the_same_chunk(backend: &impl Backend) {
    let store = backend.open().await;
    store.create_generation(1, DIMENSION).await.unwrap();
    store.upsert(1, vec![]).await.unwrap();
    store.upsert(1, vec![Point { metadata: metadata(json!({ "lang": "en" })), ..point(1) }, point(2)]).await.unwrap();
    let replaced = Point {
        dense: at(90.0),
        sparse: sparse(&[(7, 1.0)]),
        metadata: metadata(json!({ "lang": "de" })),
        version: 2,
        ..point(1)
    };
    store.upsert(1, vec![replaced]).await.unwrap();
    assert_eq!(store.count(1, None).await.unwrap(), 2);
    let found = search(&*store, 1, query(Ranking::Dense(at(90.0)), 1)).await;
    assert_close(&found, &[(chunk(1), 1.0)]);
    let by_lang = |lang: &str| VectorQuery {
        filter: Filter { metadata: metadata(json!({ "lang": lang })), ..Filter::default() },
        ..query(Ranking::Dense(at(0.0)), 9)
    };
    assert_eq!(search(&*store, 1, by_lang("en")).await, []);
    assert_eq!(ids(&search(&*store, 1, by_lang("de")).await), [chunk(1)]);
    assert_eq!(search(&*store, 1, query(Ranking::Lexical(sparse(&[(1, 1.0)])), 9)).await, []);
    assert_eq!(ids(&search(&*store, 1, query(Ranking::Lexical(sparse(&[(7, 1.0)])), 9)).await), [chunk(1)]);
}

pub async fn a_replacement_without_terms_is_not_found_by_the_old_ones(backend: &impl Backend) {
    let store = backend.open().await;
    store.create_generation(1, DIMENSION).await.unwrap();
    store.upsert(1, (1..=3).map(point).collect()).await.unwrap();
    let without_terms = Point { sparse: SparseVector::default(), ..point(1) };
    store.upsert(1, vec![without_terms]).await.unwrap();
    assert_eq!(search(&*store, 1, query(Ranking::Lexical(sparse(&[(1, 1.0)])), 9)).await, []);
    assert_eq!(ids(&search(&*store, 1, query(Ranking::Dense(at(1.0)), 1)).await), [chunk(1)]);
    assert_eq!(ids(&search(&*store, 1, query(Ranking::Lexical(sparse(&[(1, 1.0), (2, 1.0)])), 9)).await), [chunk(2)]);
}

pub async fn deleting_removes_one_version_or_the_whole_document(backend: &impl Backend) {
    let store = backend.open().await;
    store.create_generation(1, DIMENSION).await.unwrap();
    let of = |number: u128, document_number: u128, version: u32| Point {
        document_id: document(document_number),
        version,
        ..point(number)
    };
    let points = vec![of(1, 1, 1), of(2, 1, 1), of(3, 1, 2), of(4, 2, 1), of(5, 2, 2)];
    store.upsert(1, points).await.unwrap();
    store.delete_document(1, document(1), Some(1)).await.unwrap();
    assert_eq!(store.count(1, Some(document(1))).await.unwrap(), 1);
    assert_eq!(store.count(1, Some(document(2))).await.unwrap(), 2);
    store.delete_document(1, document(2), None).await.unwrap();
    assert_eq!(store.count(1, Some(document(2))).await.unwrap(), 0);
    for (nothing, version) in [(document(9), None), (document(1), Some(9)), (document(2), None)] {
        store.delete_document(1, nothing, version).await.unwrap();
    }
    assert_eq!(ids(&search(&*store, 1, query(Ranking::Dense(at(0.0)), 9)).await), [chunk(3)]);
    assert_eq!(store.count(1, None).await.unwrap(), 1);
}

pub async fn collections_do_not_see_each_other(backend: &impl Backend) {
    let store = backend.open().await;
    store.create_generation(1, DIMENSION).await.unwrap();
    let other = |number| Point { collection: "other".to_owned(), ..point(number) };
    store.upsert(1, vec![point(1), other(2), point(3)]).await.unwrap();
    for ranking in [
        Ranking::Dense(at(2.0)),
        Ranking::Lexical(sparse(&[(1, 1.0), (2, 1.0), (3, 1.0)])),
        Ranking::Hybrid {
            dense: at(2.0),
            sparse: sparse(&[(1, 1.0), (2, 1.0), (3, 1.0)]),
            fusion: fusion(1.0, 1.0, 9),
        },
    ] {
        let here = search(&*store, 1, query(ranking.clone(), 9)).await;
        assert_eq!(sorted(ids(&here)), [chunk(1), chunk(3)], "{ranking:?}");
        let there = VectorQuery { collection: "other".to_owned(), ..query(ranking.clone(), 9) };
        assert_eq!(ids(&search(&*store, 1, there).await), [chunk(2)], "{ranking:?}");
        let nowhere = VectorQuery { collection: "Default".to_owned(), ..query(ranking, 9) };
        assert_eq!(search(&*store, 1, nowhere).await, []);
    }
}

pub async fn filters_match_by_type_and_value(backend: &impl Backend) {
    let store = backend.open().await;
    store.create_generation(1, DIMENSION).await.unwrap();
    let with = |number, value| Point { metadata: metadata(value), ..point(number) };
    let points = vec![
        with(1, json!({ "year": 2020, "draft": true, "lang": "en", "tags": ["a", "b"], "a.b[\"c\"]": "odd" })),
        with(2, json!({ "year": "2020", "draft": false, "lang": "de", "tags": ["b"], "ratio": 0.25 })),
        with(3, json!({ "year": 2021, "draft": "true", "lang": "EN", "tags": [], "ratio": 1 })),
        with(4, json!({ "long": "x".repeat(2_000) })),
    ];
    store.upsert(1, points).await.unwrap();
    for (filter, expected) in [
        (json!({ "year": 2020 }), vec![1]),
        (json!({ "year": 2020.0 }), vec![1]),
        (json!({ "year": "2020" }), vec![2]),
        (json!({ "year": [2020, 2021] }), vec![1, 3]),
        (json!({ "year": ["2020", 2021] }), vec![2, 3]),
        (json!({ "draft": true }), vec![1]),
        (json!({ "draft": "true" }), vec![3]),
        (json!({ "draft": false }), vec![2]),
        (json!({ "lang": "en" }), vec![1]),
        (json!({ "lang": ["en", "EN", "fr"] }), vec![1, 3]),
        (json!({ "tags": "b" }), vec![1, 2]),
        (json!({ "tags": ["a", "c"] }), vec![1]),
        (json!({ "ratio": 0.25 }), vec![2]),
        (json!({ "ratio": 1.0 }), vec![3]),
        (json!({ "ratio": 0.250_000_1 }), vec![]),
        (json!({ "a.b[\"c\"]": "odd" }), vec![1]),
        (json!({ "long": "x".repeat(2_000) }), vec![4]),
        (json!({ "long": "x".repeat(1_999) }), vec![]),
        (json!({ "absent": "en" }), vec![]),
    ] {
        let filtered = VectorQuery {
            filter: Filter { metadata: metadata(filter.clone()), ..Filter::default() },
            ..query(Ranking::Dense(at(0.0)), 9)
        };
        let expected: Vec<_> = expected.into_iter().map(chunk).collect();
        assert_eq!(sorted(ids(&search(&*store, 1, filtered).await)), expected, "{filter}");
    }
}

pub async fn filters_of_several_members_must_all_hold(backend: &impl Backend) {
    let store = backend.open().await;
    store.create_generation(1, DIMENSION).await.unwrap();
    let with = |number: u128, lang: &str| Point {
        metadata: metadata(json!({ "lang": lang, "n": number as u64 % 2 })),
        ..point(number)
    };
    store.upsert(1, vec![with(1, "en"), with(2, "en"), with(3, "de"), with(4, "de")]).await.unwrap();
    let terms = sparse(&[(1, 1.0), (2, 1.0), (3, 1.0), (4, 1.0)]);
    for ranking in [
        Ranking::Dense(at(0.0)),
        Ranking::Lexical(terms.clone()),
        Ranking::Hybrid { dense: at(0.0), sparse: terms.clone(), fusion: fusion(1.0, 2.0, 1) },
    ] {
        let filter = Filter {
            document_ids: vec![document(1), document(2), document(3), document(77)],
            metadata: metadata(json!({ "lang": ["en", "fr"], "n": 0 })),
        };
        let found = search(&*store, 1, VectorQuery { filter, ..query(ranking.clone(), 9) }).await;
        assert_eq!(ids(&found), [chunk(2)], "{ranking:?}: a prefetch is filtered before its depth is cut");
    }
    let documents = Filter { document_ids: vec![document(4), document(1)], ..Filter::default() };
    let found = search(&*store, 1, VectorQuery { filter: documents, ..query(Ranking::Dense(at(0.0)), 9) }).await;
    assert_eq!(ids(&found), [chunk(1), chunk(4)]);
}

pub async fn a_caller_finds_what_has_no_access_label_or_one_of_the_callers(backend: &impl Backend) {
    let store = backend.open().await;
    store.create_generation(1, DIMENSION).await.unwrap();
    let with = |number: u128, labels: &[&str]| Point {
        access: labels.iter().map(|label| (*label).to_owned()).collect(),
        ..point(number)
    };
    // A label may be called as the word that the store writes for none.
    let points = vec![with(1, &[]), with(2, &["hr"]), with(3, &["board", "hr"]), with(4, &["everyone"])];
    store.upsert(1, points).await.unwrap();
    let terms = sparse(&[(1, 1.0), (2, 1.0), (3, 1.0), (4, 1.0)]);
    for (labels, expected) in [
        (None, vec![1, 2, 3, 4]),
        (Some(vec![]), vec![1]),
        (Some(vec!["hr"]), vec![1, 2, 3]),
        (Some(vec!["board", "no such"]), vec![1, 3]),
        (Some(vec!["everyone"]), vec![1, 4]),
        (Some(vec!["label:hr"]), vec![1]),
    ] {
        let labels = Allowed::from_list(labels.map(|labels| labels.into_iter().map(str::to_owned)));
        let expected: Vec<_> = expected.into_iter().map(chunk).collect();
        for ranking in [
            Ranking::Dense(at(0.0)),
            Ranking::Lexical(terms.clone()),
            Ranking::Hybrid { dense: at(0.0), sparse: terms.clone(), fusion: fusion(1.0, 1.0, 9) },
        ] {
            let found = search(&*store, 1, VectorQuery { labels: labels.clone(), ..query(ranking, 9) }).await;
            assert_eq!(sorted(ids(&found)), expected, "{labels:?}");
        }
    }
    // Who may read a document can change with its next version.
    store.upsert(1, vec![with(2, &["board"])]).await.unwrap();
    let labels = Allowed::from_list(Some(["hr".to_owned()]));
    let found = search(&*store, 1, VectorQuery { labels, ..query(Ranking::Dense(at(0.0)), 9) }).await;
    assert_eq!(sorted(ids(&found)), [chunk(1), chunk(3)]);
}

pub async fn metadata_that_no_filter_could_match_is_refused(backend: &impl Backend) {
    let store = backend.open().await;
    store.create_generation(1, DIMENSION).await.unwrap();
    for value in [json!(null), json!({ "b": 1 }), json!([null])] {
        let refused = Point { metadata: metadata(json!({ "a": value.clone() })), ..point(1) };
        let error = store.upsert(1, vec![point(2), refused]).await.unwrap_err();
        assert!(matches!(error, VectorStoreError::Invalid(_)), "{error}");
        let filter = Filter { metadata: metadata(json!({ "a": value })), ..Filter::default() };
        let error = store.search(1, VectorQuery { filter, ..query(Ranking::Dense(at(0.0)), 1) }).await.unwrap_err();
        assert!(matches!(error, VectorStoreError::Invalid(_)), "{error}");
    }
    let unsorted = Point { sparse: sparse(&[(2, 1.0), (1, 1.0)]), ..point(1) };
    assert!(matches!(store.upsert(1, vec![unsorted]).await, Err(VectorStoreError::Invalid(_))));
    assert_eq!(store.count(1, None).await.unwrap(), 0);
}

pub async fn dense_results_are_ordered_by_cosine(backend: &impl Backend) {
    let store = backend.open().await;
    store.create_generation(1, DIMENSION).await.unwrap();
    store.upsert(1, [80, 10, 50, 30].map(point).to_vec()).await.unwrap();
    let found = search(&*store, 1, query(Ranking::Dense(at(32.0)), 3)).await;
    let cosine = |degrees: f32| degrees.to_radians().cos();
    assert_close(&found, &[(chunk(30), cosine(2.0)), (chunk(50), cosine(18.0)), (chunk(10), cosine(22.0))]);
}

pub async fn lexical_results_are_ordered_by_bm25_with_document_frequency(backend: &impl Backend) {
    let store = backend.open().await;
    store.create_generation(1, DIMENSION).await.unwrap();
    let with = |number, terms: &[(u32, f32)]| Point { sparse: sparse(terms), ..point(number) };
    // Term 100 is in all five passages, term 200 in one, whose weight for it is lower.
    let points = vec![
        with(1, &[(100, 2.0)]),
        with(2, &[(100, 0.5), (200, 1.0)]),
        with(3, &[(100, 1.0)]),
        with(4, &[(100, 0.25)]),
        with(5, &[(100, 0.1), (300, 1.0)]),
    ];
    store.upsert(1, points).await.unwrap();
    let found = search(&*store, 1, query(Ranking::Lexical(sparse(&[(100, 1.0), (200, 1.0), (999, 1.0)])), 3)).await;
    let idf = |documents: f32, with_term: f32| ((documents - with_term + 0.5) / (with_term + 0.5) + 1.0).ln();
    let common = idf(5.0, 5.0);
    let rare = idf(5.0, 1.0);
    assert_close(&found, &[(chunk(2), 0.5 * common + rare), (chunk(1), 2.0 * common), (chunk(3), common)]);
    // A passage without any of the terms is no result at all.
    let found = search(&*store, 1, query(Ranking::Lexical(sparse(&[(200, 1.0)])), 9)).await;
    assert_eq!(ids(&found), [chunk(2)]);
}

pub async fn a_lexical_query_without_terms_finds_nothing(backend: &impl Backend) {
    let store = backend.open().await;
    store.create_generation(1, DIMENSION).await.unwrap();
    store.upsert(1, vec![point(1)]).await.unwrap();
    assert_eq!(search(&*store, 1, query(Ranking::Lexical(SparseVector::default()), 9)).await, []);
}

pub async fn hybrid_scores_are_the_weighted_reciprocal_ranks(backend: &impl Backend) {
    let store = backend.open().await;
    store.create_generation(1, DIMENSION).await.unwrap();
    // By angle: 1, 2, 3, 4, 5. By term 9: 4, 3, 6; 1, 2 and 5 do not have it.
    let with = |number, weight: f32| Point { sparse: sparse(&[(9, weight)]), ..point(number) };
    let points =
        vec![point(1), point(2), with(3, 2.0), with(4, 3.0), point(5), Point { dense: at(170.0), ..with(6, 1.0) }];
    store.upsert(1, points).await.unwrap();
    for (k, dense_weight, lexical_weight) in [(60, 1.0, 1.0), (60, 1.0, 2.0), (2, 3.0, 0.5), (0, 1.0, 1.7)] {
        let fusion = Fusion { k, dense_weight, lexical_weight, depth: 5 };
        let ranking = Ranking::Hybrid { dense: at(0.0), sparse: sparse(&[(9, 1.0)]), fusion };
        let found = search(&*store, 1, query(ranking, 9)).await;
        let mut expected: HashMap<ChunkId, f32> = HashMap::new();
        for (weight, order) in [(dense_weight, vec![1, 2, 3, 4, 5]), (lexical_weight, vec![4, 3, 6])] {
            for (position, number) in order.into_iter().enumerate() {
                *expected.entry(chunk(number)).or_default() += 1.0 / (k as f32 + (position + 1) as f32 / weight);
            }
        }
        let mut expected: Vec<_> = expected.into_iter().collect();
        expected.sort_by(|a, b| b.1.total_cmp(&a.1));
        let order = |scored: &[(ChunkId, f32)]| scored.iter().map(|(id, _)| *id).collect::<Vec<_>>();
        assert!(expected.windows(2).all(|pair| pair[0].1 - pair[1].1 > 1e-6), "a tie in {:?}", order(&expected));
        assert_close(&found, &expected);
    }
}

pub async fn a_hybrid_query_without_terms_ranks_by_the_dense_vector(backend: &impl Backend) {
    let store = backend.open().await;
    store.create_generation(1, DIMENSION).await.unwrap();
    store.upsert(1, (1..=4).map(point).collect()).await.unwrap();
    let without_terms =
        Ranking::Hybrid { dense: at(0.0), sparse: SparseVector::default(), fusion: fusion(1.0, 2.0, 9) };
    let found = search(&*store, 1, query(without_terms, 2)).await;
    assert_close(&found, &[(chunk(1), 1.0 / 61.0), (chunk(2), 1.0 / 62.0)]);
    // A weight of 0 leaves a ranking out altogether.
    let lexical_only = Ranking::Hybrid { dense: at(0.0), sparse: sparse(&[(3, 1.0)]), fusion: fusion(0.0, 1.0, 9) };
    assert_close(&search(&*store, 1, query(lexical_only, 9)).await, &[(chunk(3), 1.0 / 61.0)]);
}

pub async fn hybrid_depth_and_limits_bound_the_results(backend: &impl Backend) {
    let store = backend.open().await;
    store.create_generation(1, DIMENSION).await.unwrap();
    store.upsert(1, (1..=20).map(point).collect()).await.unwrap();
    let hybrid =
        |depth| Ranking::Hybrid { dense: at(0.0), sparse: sparse(&[(20, 1.0)]), fusion: fusion(1.0, 0.3, depth) };
    assert_eq!(ids(&search(&*store, 1, query(hybrid(3), 9)).await), [1, 2, 3, 20].map(chunk));
    assert_eq!(search(&*store, 1, query(hybrid(20), 9)).await.len(), 9);
    assert_eq!(search(&*store, 1, query(Ranking::Dense(at(0.0)), 100)).await.len(), 20);
    for refused in [query(Ranking::Dense(at(0.0)), 0), query(hybrid(0), 9)] {
        let error = store.search(1, refused).await.unwrap_err();
        assert!(matches!(error, VectorStoreError::Invalid(_)), "{error}");
    }
}

pub async fn dense_vectors_come_back_of_the_points_that_exist(backend: &impl Backend) {
    let store = backend.open().await;
    store.create_generation(1, DIMENSION).await.unwrap();
    store.upsert(1, (1..=700).map(point).collect()).await.unwrap();
    let wanted: Vec<ChunkId> = (0..=701).map(chunk).collect();
    let mut found = store.dense_vectors(1, &wanted).await.unwrap();
    found.sort_by_key(|(id, _)| *id);
    assert_eq!(found.iter().map(|(id, _)| *id).collect::<Vec<_>>(), wanted[1..=700]);
    for (number, (_, vector)) in (1..).zip(&found) {
        let close = vector.iter().zip(at(number as f32)).all(|(found, written)| (found - written).abs() < 1e-6);
        assert!(close && vector.len() == DIMENSION as usize, "{number}: {vector:?}");
    }
    assert_eq!(store.dense_vectors(1, &[]).await.unwrap(), []);
    let error = store.dense_vectors(2, &[chunk(1)]).await.unwrap_err();
    assert!(matches!(error, VectorStoreError::NoSuchGeneration(2)), "{error}");
}

pub async fn a_missing_generation_is_named_in_the_error(backend: &impl Backend) {
    let store = backend.open().await;
    store.create_generation(1, DIMENSION).await.unwrap();
    let missing = |result: Result<(), VectorStoreError>| {
        let error = result.unwrap_err();
        assert!(matches!(error, VectorStoreError::NoSuchGeneration(7)), "{error}");
    };
    missing(store.upsert(7, vec![point(1)]).await);
    missing(store.upsert(7, vec![]).await);
    missing(store.delete_document(7, document(1), None).await);
    missing(store.search(7, query(Ranking::Dense(at(0.0)), 1)).await.map(drop));
    missing(store.count(7, None).await.map(drop));
    missing(store.optimize(7).await);
    store.drop_generation(7).await.unwrap();
}

pub async fn generations_are_listed_and_dropped(backend: &impl Backend) {
    let store = backend.open().await;
    assert_eq!(store.generations().await.unwrap(), Vec::<GenerationNumber>::new());
    for generation in [12, 3, 1_000_000] {
        store.create_generation(generation, DIMENSION).await.unwrap();
        store.upsert(generation, vec![point(1)]).await.unwrap();
    }
    assert_eq!(store.generations().await.unwrap(), [3, 12, 1_000_000]);
    store.drop_generation(12).await.unwrap();
    store.drop_generation(12).await.unwrap();
    assert_eq!(store.generations().await.unwrap(), [3, 1_000_000]);
    assert!(matches!(store.count(12, None).await, Err(VectorStoreError::NoSuchGeneration(12))));
    assert_eq!(store.count(3, None).await.unwrap(), 1);
    // The number can be used again, with another dimension, and is empty.
    store.create_generation(12, 5).await.unwrap();
    assert_eq!(store.count(12, None).await.unwrap(), 0);
    store.upsert(12, vec![Point { dense: vec![0.0, 0.0, 0.0, 0.0, 1.0], ..point(1) }]).await.unwrap();
    drop(store);
    let store = backend.open().await;
    assert_eq!(store.generations().await.unwrap(), [3, 12, 1_000_000]);
    assert_eq!(store.count(12, None).await.unwrap(), 1);
}

/// The results of one query of each kind, without and with a filter. Lexical scores come without their values: a
/// store may count passages that were replaced or deleted in its document frequencies until it tidies up.
async fn results(store: &dyn VectorStore, generation: GenerationNumber) -> Vec<Vec<(ChunkId, f32)>> {
    let terms = sparse(&[(3, 1.0), (5, 0.5), (8, 2.0)]);
    let mut all = Vec::new();
    for ranking in [
        Ranking::Dense(at(41.3)),
        Ranking::Lexical(terms.clone()),
        Ranking::Hybrid { dense: at(3.2), sparse: terms, fusion: fusion(1.0, 1.7, 7) },
    ] {
        for filter in [Filter::default(), Filter { metadata: metadata(json!({ "odd": true })), ..Filter::default() }] {
            let found = search(store, generation, VectorQuery { filter, ..query(ranking.clone(), 10) }).await;
            assert!(!found.is_empty());
            let lexical = matches!(ranking, Ranking::Lexical(_));
            all.push(found.iter().map(|f| (f.chunk_id, if lexical { 0.0 } else { f.score })).collect());
        }
    }
    all
}

#[track_caller]
fn assert_same(before: &[Vec<(ChunkId, f32)>], after: &[Vec<(ChunkId, f32)>]) {
    let ids = |found: &[(ChunkId, f32)]| found.iter().map(|(id, _)| *id).collect::<Vec<_>>();
    for (before, after) in before.iter().zip(after) {
        assert_eq!(ids(before), ids(after));
        assert!(before.iter().zip(after).all(|((_, a), (_, b))| (a - b).abs() < 1e-5), "{before:?} {after:?}");
    }
}

/// A few hundred points, of which some were replaced and some deleted.
async fn fill(store: &dyn VectorStore, generation: GenerationNumber) {
    store.create_generation(generation, DIMENSION).await.unwrap();
    let odd = |number: u128| Point { metadata: metadata(json!({ "odd": number % 2 == 1 })), ..point(number) };
    for numbers in [1..=150, 100..=300] {
        store.upsert(generation, numbers.map(odd).collect()).await.unwrap();
    }
    let shifted =
        (1..=20).map(|number| Point { sparse: sparse(&[(number as u32 % 10, 1.5 + number as f32)]), ..odd(number) });
    store.upsert(generation, shifted.collect()).await.unwrap();
    for number in (200..=300).step_by(3) {
        store.delete_document(generation, document(number), Some(1)).await.unwrap();
    }
}

pub async fn reopening_keeps_everything(backend: &impl Backend) {
    let store = backend.open().await;
    fill(&*store, 1).await;
    let before = results(&*store, 1).await;
    let count = store.count(1, None).await.unwrap();
    assert_eq!(count, 300 - 34);
    drop(store);
    let store = backend.open().await;
    assert_eq!(store.count(1, None).await.unwrap(), count);
    assert_same(&before, &results(&*store, 1).await);
    // And it goes on from there: a write after reopening counts as newer than those before.
    store.upsert(1, vec![Point { sparse: sparse(&[(8, 100.0)]), ..point(3) }]).await.unwrap();
    let found = search(&*store, 1, query(Ranking::Lexical(sparse(&[(8, 1.0)])), 1)).await;
    assert_eq!(ids(&found), [chunk(3)]);
    store.delete_document(1, document(3), None).await.unwrap();
    assert_eq!(store.count(1, None).await.unwrap(), count - 1);
}

pub async fn optimizing_changes_no_result(backend: &impl Backend) {
    let store = backend.open().await;
    fill(&*store, 1).await;
    let before = results(&*store, 1).await;
    store.optimize(1).await.unwrap();
    assert_same(&before, &results(&*store, 1).await);
    store.optimize(1).await.unwrap();
    store.upsert(1, vec![point(1_000)]).await.unwrap();
    store.delete_document(1, document(1_000), None).await.unwrap();
    assert_same(&before, &results(&*store, 1).await);
    assert_eq!(store.count(1, None).await.unwrap(), 300 - 34);
}

pub async fn writes_and_searches_go_on_together(backend: &impl Backend) {
    let store = backend.open().await;
    store.create_generation(1, DIMENSION).await.unwrap();
    store.upsert(1, vec![point(0)]).await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..4u128 {
        let store = Arc::clone(&store);
        writers.spawn(async move {
            for batch in 0..5u128 {
                let first = 1_000 * writer + 10 * batch + 1;
                let of_writer = |number| Point { document_id: document(writer), ..point(number) };
                store.upsert(1, (first..first + 10).map(of_writer).collect()).await.unwrap();
                // What was answered is seen by the next search, whoever else is writing.
                let newest = VectorQuery {
                    filter: Filter { document_ids: vec![document(writer)], ..Filter::default() },
                    ..query(Ranking::Lexical(sparse(&[((first + 9) as u32, 1.0)])), 1)
                };
                assert_eq!(ids(&search(&*store, 1, newest).await), [chunk(first + 9)]);
            }
            if writer == 3 {
                store.delete_document(1, document(writer), None).await.unwrap();
            }
        });
    }
    let optimizer = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.optimize(1).await }
    });
    while let Some(done) = writers.join_next().await {
        done.unwrap();
        assert!(!search(&*store, 1, query(Ranking::Dense(at(0.0)), 5)).await.is_empty());
    }
    optimizer.await.unwrap().unwrap();
    for (writer, expected) in [(0, 51), (1, 50), (2, 50), (3, 0)] {
        assert_eq!(store.count(1, Some(document(writer))).await.unwrap(), expected, "writer {writer}");
    }
}

pub async fn a_large_upsert_is_taken_whole(backend: &impl Backend) {
    let store = backend.open().await;
    store.create_generation(1, DIMENSION).await.unwrap();
    store.upsert(1, (0..1_234).map(point).collect()).await.unwrap();
    assert_eq!(store.count(1, None).await.unwrap(), 1_234);
}

pub async fn ids_are_listed_in_order_and_points_removed_one_by_one(backend: &impl Backend) {
    let store = backend.open().await;
    store.create_generation(1, DIMENSION).await.unwrap();
    assert_eq!(store.point_ids(1, None, 10).await.unwrap(), []);
    store.upsert(1, (0..25).rev().map(point).collect()).await.unwrap();
    let (mut listed, mut after): (Vec<ChunkId>, _) = (Vec::new(), None);
    loop {
        let page = store.point_ids(1, after, 10).await.unwrap();
        listed.extend(&page);
        let Some(last) = page.last().filter(|_| page.len() == 10) else { break };
        after = Some(*last);
    }
    assert_eq!(listed, (0..25).map(chunk).collect::<Vec<_>>());
    let last = ChunkId(uuid::Uuid::max());
    assert_eq!(store.point_ids(1, Some(last), 10).await.unwrap(), []);
    for limit in [0, 10_001] {
        let refused = store.point_ids(1, None, limit).await;
        assert!(matches!(refused, Err(VectorStoreError::Invalid(_))), "{refused:?}");
    }
    store.delete_points(1, &[chunk(3), chunk(24), chunk(99)]).await.unwrap();
    store.delete_points(1, &[]).await.unwrap();
    assert_eq!(store.count(1, None).await.unwrap(), 23);
    assert!(!store.point_ids(1, None, 100).await.unwrap().contains(&chunk(3)));
    let missing = store.point_ids(7, None, 1).await;
    assert!(matches!(missing, Err(VectorStoreError::NoSuchGeneration(7))), "{missing:?}");
    let missing = store.delete_points(7, &[chunk(1)]).await;
    assert!(matches!(missing, Err(VectorStoreError::NoSuchGeneration(7))), "{missing:?}");
}
