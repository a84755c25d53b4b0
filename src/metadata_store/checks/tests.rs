#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::{Access, JobPriority, text::CodePointRange};

fn valid() -> NewUpload {
    NewUpload {
        collection: "default".to_owned(),
        name: "a/b.md".to_owned(),
        metadata: json!({"team": "ops", "year": 2024, "draft": false, "tags": ["a", "b"]})
            .as_object()
            .cloned()
            .unwrap(),
        access: vec!["board".to_owned(), "hr".to_owned()],
        replaces: Access::everything(),
        sha256: "0".repeat(64),
        size_bytes: 1,
        priority: JobPriority::Normal,
    }
}

#[test]
fn an_ordinary_upload_is_accepted() {
    upload(&valid()).unwrap();
}

#[test]
fn what_a_database_could_not_hold_is_refused_with_a_reason() {
    type Case = (fn(&mut NewUpload), &'static str);
    let cases: Vec<Case> = vec![
        (|u| u.collection = " ".to_owned(), "the collection is empty"),
        (|u| u.name = "a\0b".to_owned(), "control character"),
        (|u| u.name = "n".repeat(1_025), "1025 bytes"),
        (|u| u.sha256 = "AB".repeat(32), "lower-case"),
        (|u| u.sha256.truncate(63), "64"),
        (|u| u.size_bytes = u64::MAX, "beyond"),
        (|u| u.access.push("board".to_owned()), "not sorted, or one is given twice"),
        (|u| u.access = vec![" ".to_owned()], "an access label is empty"),
        (|u| u.access = (100..200).map(|n| n.to_string()).collect(), "more than the 64"),
        (|u| drop(u.metadata.insert("deep".to_owned(), json!({"a": 1}))), "`deep` must be"),
        (|u| drop(u.metadata.insert("null".to_owned(), Value::Null)), "`null` must be"),
        (|u| drop(u.metadata.insert("mixed".to_owned(), json!(["a", 1]))), "`mixed` must be"),
        (|u| drop(u.metadata.insert("nul".to_owned(), json!(["\0"]))), "NUL"),
        (|u| drop(u.metadata.insert(String::new(), json!(1))), "a metadata key is empty"),
        (|u| drop(u.metadata.insert("big".to_owned(), json!("x".repeat(70_000)))), "65536"),
    ];
    for (spoil, expected) in cases {
        let mut spoilt = valid();
        spoil(&mut spoilt);
        let error = upload(&spoilt).unwrap_err();
        assert!(matches!(error, MetadataStoreError::Invalid(_)), "{error:?}");
        assert!(error.to_string().contains(expected), "{error} does not say {expected}");
    }
}

#[test]
fn chunks_of_something_else_are_refused() {
    let document = DocumentId::new();
    let chunk = |generation, version, ordinal| Chunk {
        id: ChunkId::derive(document, version, generation, ordinal),
        document_id: document,
        version,
        ordinal,
        range: CodePointRange { start: 0, end: 4 },
        text: "text".to_owned(),
        context: String::new(),
        heading_path: Vec::new(),
        page: None,
        tokens: 1,
    };
    chunks(1, document, 1, &[chunk(1, 1, 0), chunk(1, 1, 1)]).unwrap();
    for wrong in [
        vec![chunk(2, 1, 0)],
        vec![chunk(1, 2, 0)],
        vec![chunk(1, 1, 1)],
        vec![chunk(1, 1, 0), chunk(1, 1, 0)],
        vec![Chunk { text: "\0".to_owned(), ..chunk(1, 1, 0) }],
    ] {
        assert!(matches!(chunks(1, document, 1, &wrong), Err(MetadataStoreError::Invalid(_))), "{wrong:?}");
    }
}

#[test]
fn limits_leases_and_progress_are_never_clamped() {
    for wrong in [0, 1_001, u32::MAX] {
        assert!(page_limit(wrong).is_err());
    }
    for wrong in [-0.1, 1.1, f32::NAN, f32::INFINITY] {
        assert!(progress(wrong).is_err());
    }
    assert!(lease(Duration::MAX).is_err());
    assert_eq!(lease(Duration::ZERO).unwrap(), 0);
}

proptest! {
    #[test]
    fn a_recorded_reason_has_no_nul_and_loses_no_other_character(text: String) {
        let recorded = reason(&text);
        prop_assert!(!recorded.contains('\0'));
        prop_assert_eq!(recorded.replace("\\0", ""), text.replace('\0', "").replace("\\0", ""));
    }
}
