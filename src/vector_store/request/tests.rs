//! How requests are checked, labelled and planned.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::Filter;

fn metadata(value: Value) -> Metadata {
    value.as_object().unwrap().clone()
}

fn query(ranking: Ranking) -> VectorQuery {
    VectorQuery {
        collection: "default".into(),
        filter: Filter::default(),
        labels: crate::domain::Allowed::All,
        ranking,
        limit: 5,
    }
}

fn fusion() -> Fusion {
    Fusion { k: 60, dense_weight: 1.0, lexical_weight: 2.0, depth: 50 }
}

fn terms() -> SparseVector {
    SparseVector { indices: vec![3, 9], values: vec![1.0, 2.0] }
}

#[test]
fn a_label_keeps_the_type_of_its_value_and_one_form_of_a_number() {
    let of = |value: Value| labels(&metadata(json!({ "field": value }))).unwrap();
    assert_eq!(of(json!("1")), [r#"["field","1"]"#]);
    assert_eq!(of(json!(1)), [r#"["field",1]"#]);
    assert_eq!(of(json!(1.0)), of(json!(1)));
    assert_eq!(of(json!(-0.0)), of(json!(0)));
    assert_eq!(of(json!(true)), [r#"["field",true]"#]);
    assert_eq!(of(json!(["a", "b"])), [r#"["field","a"]"#, r#"["field","b"]"#]);
    assert_eq!(of(json!([])), Vec::<String>::new());
    assert_ne!(of(json!(u64::MAX)), of(json!(u64::MAX - 1)));
    assert_eq!(of(json!(1e19)), of(json!(10_000_000_000_000_000_000_u64)));
    assert_ne!(of(json!(0.1)), of(json!(0.100_000_000_000_000_02)));
}

#[test]
fn a_field_name_cannot_pose_as_another_field_and_value() {
    let one = labels(&metadata(json!({ "a\",\"b": "c" }))).unwrap();
    let other = labels(&metadata(json!({ "a": "b\",\"c" }))).unwrap();
    assert_ne!(one, other);
}

#[test]
fn a_long_value_is_labelled_by_its_digest() {
    let long = |end: &str| labels(&metadata(json!({ "text": format!("{}{end}", "x".repeat(500)) }))).unwrap();
    assert!(long("a")[0].starts_with("sha256:") && long("a")[0].len() == 71);
    assert_ne!(long("a"), long("b"));
}

#[test]
fn null_objects_and_nested_lists_are_refused_with_the_field() {
    for value in [json!(null), json!({}), json!([[1]]), json!([null])] {
        let error = labels(&metadata(json!({ "field": value.clone() }))).unwrap_err();
        assert!(matches!(&error, VectorStoreError::Invalid(text) if text.contains("`field`")), "{error}");
        let filter = Filter { metadata: metadata(json!({ "field": value })), ..Filter::default() };
        let query = VectorQuery { filter, ..query(Ranking::Dense(vec![1.0])) };
        assert!(matches!(Search::new(1, 1, query), Err(VectorStoreError::Invalid(_))));
    }
}

#[test]
fn a_filter_becomes_one_condition_per_member() {
    let document = DocumentId::new();
    let filter = Filter { document_ids: vec![document], metadata: metadata(json!({ "lang": ["en", "de"], "n": 2 })) };
    let search = Search::new(1, 1, VectorQuery { filter, ..query(Ranking::Dense(vec![1.0])) }).unwrap();
    assert_eq!(
        search.conditions,
        [
            Condition::AnyKeyword(COLLECTION, vec!["default".into()]),
            Condition::AnyKeyword(DOCUMENT, vec![document.0.to_string()]),
            Condition::AnyKeyword(LABELS, vec![r#"["lang","en"]"#.into(), r#"["lang","de"]"#.into()]),
            Condition::AnyKeyword(LABELS, vec![r#"["n",2]"#.into()]),
        ]
    );
}

#[test]
fn an_empty_list_in_a_filter_is_refused() {
    let filter = Filter { metadata: metadata(json!({ "lang": [] })), ..Filter::default() };
    let error = Search::new(1, 1, VectorQuery { filter, ..query(Ranking::Dense(vec![1.0])) }).unwrap_err();
    assert!(error.to_string().contains("`lang` lists no value"), "{error}");
}

#[test]
fn rankings_that_cannot_say_anything_are_left_out() {
    let plan = |sparse: SparseVector, fusion: Fusion| {
        Search::new(1, 1, query(Ranking::Hybrid { dense: vec![1.0], sparse, fusion })).unwrap().plan
    };
    let dense = Nearest::Dense(vec![1.0]);
    let both =
        Plan::Fused { qdrant_k: 61, depth: 50, rankings: vec![(dense.clone(), 1.0), (Nearest::Sparse(terms()), 2.0)] };
    assert_eq!(plan(terms(), fusion()), both);
    let dense_only = Plan::Fused { qdrant_k: 61, depth: 50, rankings: vec![(dense, 1.0)] };
    assert_eq!(plan(SparseVector::default(), fusion()), dense_only);
    assert_eq!(plan(terms(), Fusion { lexical_weight: 0.0, ..fusion() }), dense_only);
    assert_eq!(plan(SparseVector::default(), Fusion { dense_weight: 0.0, ..fusion() }), Plan::Nothing);
    let lexical = Search::new(1, 1, query(Ranking::Lexical(SparseVector::default()))).unwrap();
    assert_eq!(lexical.plan, Plan::Nothing);
}

#[test]
fn what_the_contract_does_not_allow_is_refused() {
    let refused = |ranking: Ranking| {
        let error = Search::new(1, 2, query(ranking)).unwrap_err();
        assert!(matches!(error, VectorStoreError::Invalid(_)), "{error}");
    };
    refused(Ranking::Dense(vec![1.0, f32::NAN]));
    refused(Ranking::Lexical(SparseVector { indices: vec![1], values: vec![] }));
    refused(Ranking::Lexical(SparseVector { indices: vec![2, 1], values: vec![1.0, 1.0] }));
    refused(Ranking::Lexical(SparseVector { indices: vec![1, 1], values: vec![1.0, 1.0] }));
    for fusion in [
        Fusion { dense_weight: -1.0, ..fusion() },
        Fusion { lexical_weight: f32::INFINITY, ..fusion() },
        Fusion { dense_weight: 0.0, lexical_weight: 0.0, ..fusion() },
        Fusion { depth: 0, ..fusion() },
        Fusion { k: u32::MAX, ..fusion() },
    ] {
        refused(Ranking::Hybrid { dense: vec![1.0, 0.0], sparse: terms(), fusion });
    }
    let no_limit = VectorQuery { limit: 0, ..query(Ranking::Dense(vec![1.0, 0.0])) };
    assert!(matches!(Search::new(1, 2, no_limit), Err(VectorStoreError::Invalid(_))));
    assert!(matches!(
        Search::new(7, 2, query(Ranking::Dense(vec![1.0]))),
        Err(VectorStoreError::DimensionMismatch { generation: 7, expected: 1, found: 2 })
    ));
}

proptest! {
    #[test]
    fn different_fields_or_values_have_different_labels(
        a in (".{0,8}", ".{0,8}"), b in (".{0,8}", ".{0,8}"),
    ) {
        prop_assume!(a != b);
        prop_assert_ne!(label(&a.0, &json!(a.1)).unwrap(), label(&b.0, &json!(b.1)).unwrap());
    }

    #[test]
    fn equal_numbers_have_equal_labels(number in any::<i32>()) {
        let float = label("n", &json!(f64::from(number))).unwrap();
        prop_assert_eq!(float, label("n", &json!(number)).unwrap());
    }
    /// Found by `fuzz/run`: 9149627007149627370496 is read as another number once it has been written.
    #[test]
    fn a_number_means_the_same_after_it_was_written_and_read_again(
        text in prop_oneof!["[1-9][0-9]{0,24}\\.[0-9]{1,20}", "[1-9][0-9]{18,30}", Just("9149627007149627370496".to_owned())],
    ) {
        let read: Value = serde_json::from_str(&text).unwrap();
        let mut again = read.clone();
        for _ in 0..3 {
            again = serde_json::from_str(&again.to_string()).unwrap();
            prop_assert_eq!(label("n", &again).unwrap(), label("n", &read).unwrap());
        }
    }
}

#[test]
fn the_size_of_a_point_grows_with_its_labels() {
    let point = |metadata: Value| Point {
        chunk_id: ChunkId::derive(DocumentId::new(), 1, 1, 0),
        document_id: DocumentId::new(),
        version: 1,
        collection: "default".to_owned(),
        metadata: metadata.as_object().unwrap().clone(),
        access: vec!["hr".to_owned()],
        dense: vec![0.0; 384],
        sparse: SparseVector::default(),
    };
    let small = size(&point(json!({}))).unwrap();
    assert!((384 * 4..4_096).contains(&small), "{small}");
    let tags: Vec<String> = (0..10_000).map(|n| format!("{n:04}")).collect();
    let large = size(&point(json!({ "tags": tags }))).unwrap();
    assert!(large > small + 10_000 * r#"["tags","0000"]"#.len(), "{large}");
}
