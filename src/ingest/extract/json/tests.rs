#![allow(clippy::unwrap_used)]
use super::*;

fn text(source: &str) -> String {
    read(source.as_bytes(), &ExtractLimits::default()).unwrap().text
}

#[test]
fn flat_objects_become_a_table_in_their_own_order() {
    let source = r#"[{"z": 1.10, "a": "x|y"}, {"z": 12345678901234567890123, "b": [1, "two"]}]"#;
    let expected = "| z | a | b |\n| --- | --- | --- |\n| 1.10 | x\\|y | |\n| 12345678901234567890123 | | 1, two |\n";
    assert_eq!(text(source), expected);
}

#[test]
fn values_with_the_same_key_are_all_kept() {
    let source = r#"[{"a": 1, "b": 2, "a": 3}, {"a": 4, "b": 5}]"#;
    assert_eq!(text(source), "# Record 1\n\n- a: 1\n- b: 2\n- a: 3\n\n# Record 2\n\n- a: 4\n- b: 5\n");
}

#[test]
fn a_character_that_was_cut_in_half_does_not_spoil_the_rest() {
    let source = br#"{"name": "Ann \ud83d", "note": "\ud83d\ude00 kept", "a\udc00b": 1}"#;
    let document = read(source, &ExtractLimits::default()).unwrap();
    assert_eq!(document.text, "- name: Ann \u{fffd}\n- note: \u{1f600} kept\n- a\u{fffd}b: 1\n");
    assert_eq!(document.warnings, ["2 characters are cut in half and were replaced by \u{fffd}"]);
}

#[test]
fn nested_objects_become_sections() {
    let source = r#"{"server": {"port": 80, "tls": {"on": true}}, "title": "Set-up", "none": null}"#;
    assert_eq!(text(source), "- title: Set-up\n\n# server\n\n- port: 80\n\n## tls\n\n- on: true\n");
    let document = read(source.as_bytes(), &ExtractLimits::default()).unwrap();
    assert_eq!(document.title.as_deref(), Some("Set-up"));
    assert_eq!(document.headings.len(), 2);
}

#[test]
fn lines_become_records() {
    let source = b"{\"name\": \"Ann\", \"age\": 3}\n\n{\"age\": 4}\n\"loose\"\n";
    let document = read_lines(source, &ExtractLimits::default()).unwrap();
    assert_eq!(document.text, "## Ann\n\n- name: Ann\n- age: 3\n\n## Record 3\n\n- age: 4\n\nloose\n");
}

#[test]
fn what_is_wrong_and_where_is_said() {
    let limits = ExtractLimits::default();
    let error = read(b"{\"a\": }", &limits).unwrap_err().to_string();
    assert!(error.contains("line 1 column 7"), "{error}");
    let error = read_lines(b"{}\n{\n", &limits).unwrap_err().to_string();
    assert!(error.contains("line 2"), "{error}");
    let error = read(b"{\"a\": 1}\n{\"a\": 2}\n", &limits).unwrap_err().to_string();
    assert!(error.ends_with("upload it under a name that ends in .jsonl"), "{error}");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(read(deep.as_bytes(), &limits), Err(ExtractError::Malformed { .. })));
    assert!(matches!(read(b"[{}, []]", &limits), Err(ExtractError::NoText { .. }) | Ok(_)));
}

#[test]
fn headings_run_out_and_paths_take_over() {
    let mut source = "1".to_owned();
    for key in ["h", "g", "f", "e", "d", "c", "b", "a"] {
        source = format!("{{\"{key}\": {source}}}");
    }
    assert!(text(&source).ends_with("###### f\n\n- g.h: 1\n"), "{}", text(&source));
}
