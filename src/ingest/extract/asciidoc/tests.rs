#![allow(clippy::unwrap_used)]
use super::*;
use crate::ingest::extract::{check_structure, extract};

fn document(source: &str) -> ExtractedDocument {
    let document = extract(source.as_bytes(), "a.adoc", &ExtractLimits::default()).unwrap();
    assert_eq!(check_structure(&document), Ok(()));
    document
}

fn text(source: &str) -> String {
    document(source).text
}

#[test]
fn titles_attributes_and_the_author_are_read() {
    let source = "// a comment\n= The {product} Guide\nAnn Author <ann@example.org>\n:product: Gate\n:version: 2\n\n== First part\n\n{product} {version} {unknown}\n\n=== Inner ===\n////\nnot said\n////\n\n[[anchor]]\n== Last\n\nend\n";
    let document = document(source);
    let headings: Vec<_> = document.headings.iter().map(|heading| (heading.level, heading.title.as_str())).collect();
    assert_eq!(headings, [(1, "The Gate Guide"), (2, "First part"), (3, "Inner"), (2, "Last")]);
    assert!(document.text.contains("\n\nAnn Author <ann@example.org>\n\n"), "{}", document.text);
    assert!(document.text.contains("\n\nGate 2 {unknown}\n\n") && !document.text.contains("said"), "{}", document.text);
}

#[test]
fn words_read_without_their_marks() {
    assert_eq!(
        text(
            "A *b* _c_ `d_e` **f**g https://h.example[the site] link:i.html[j], <<k,l m>> footnote:[n] 10^6^ \"`o`\" \\*p* q_r_s 2 * 3 * 4 +\nhttps://x.example\n"
        ),
        "A b c `d_e` fg the site j, l m  (n) 10^6 \u{201c}o\u{201d} *p* q_r_s 2 * 3 * 4\nhttps://x.example\n"
    );
}

#[test]
fn lists_nest_and_blocks_are_tied_to_items() {
    let source = "* one\n  goes on\n** inner\n* two\n. of two\n\n//-\n\n. first\n. second\n+\n----\ncode\n----\n. third\n\n//-\n\nterm:: meaning\nother::\n  far\n\nend\n";
    assert_eq!(
        text(source),
        "- one goes on\n  - inner\n- two\n  1. of two\n\n1. first\n2. second\n\n```\ncode\n```\n\n3. third\n\n- term\n  meaning\n- other\n  far\n\nend\n"
    );
}

#[test]
fn blocks_of_all_kinds() {
    let source = ".Listing 1\n[source,rust]\n----\nfn f() {}\n----\n\nNOTE: Take care.\n\n[WARNING]\n====\nHot.\n====\n\n[quote,Ann,Book]\n____\nWords.\n____\n\n literal\n\nimage::a.png[A red door]\n\ninclude::b.adoc[]\n\n```python\nx\n```\n";
    let document = document(source);
    assert_eq!(
        document.text,
        "Listing 1\n\n```rust\nfn f() {}\n```\n\nNote: Take care.\n\nWarning:\n\nHot.\n\n> Words.\n\n> \u{2014} Ann, Book\n\n```\n literal\n```\n\n[image: A red door]\n\n```python\nx\n```\n"
    );
    assert_eq!(document.warnings, ["b.adoc is included from another file and is not in the text"]);
}

#[test]
fn tables_have_rows_whatever_their_cells_are_written_like() {
    let expected = "| name | age |\n| --- | --- |\n| Ann | 5 |\n| Bob | 6 |\n";
    for source in [
        "|===\n|name |age\n\n|Ann |5\n|Bob |6\n|===\n",
        "[cols=\"1,2\",options=\"header\"]\n|===\n|name\n|age\n|Ann\n|5\n|Bob\n|6\n|===\n",
        ",===\nname,age\nAnn,5\nBob,6\n,===\n",
    ] {
        let document = document(source);
        assert_eq!((document.text.as_str(), document.tables.len()), (expected, 1), "{source}");
    }
    let spans = "[cols=\"3*\"]\n|===\n|a |b |c\n.2+|x 2+|y\n|z |w\n2*|t |u\\|v\n|===\n";
    assert_eq!(text(spans), "| a | b | c |\n| --- | --- | --- |\n| x | y | |\n| x | z | w |\n| t | t | u\\|v |\n");
}

#[test]
fn columns_may_be_a_number_and_separators_any_sign() {
    let expected = "| a | b |\n| --- | --- |\n| c | d |\n";
    for source in [
        "[cols=2]\n|===\n|a\n|b\n|c\n|d\n|===\n",
        "[cols=\"2\"]\n|===\n|a |b |c |d\n|===\n",
        "[format=csv,separator=;]\n|===\na;b\nc;d\n|===\n",
        "[cols=2*,separator=\u{a6}]\n|===\n\u{a6}a \u{a6}b\n\u{a6}c \u{a6}d\n|===\n",
    ] {
        assert_eq!(text(source), expected, "{source}");
    }
}

#[test]
fn inclusions_and_conditions_are_no_text_wherever_they_stand() {
    let source = ":dir: src\n\n----\ninclude::{dir}/a.rs[tag=x]\nlet a;\n----\n\none\nifdef::x[]\ntwo\nendif::[]\nthree\n\n\
        * item\nifndef::x[]\n  goes on\nendif::[]\n\n////\ninclude::hidden[]\n////\n\n\\include::kept[]\n";
    let document = document(source);
    assert_eq!(document.text, "```\nlet a;\n```\n\none two three\n\n- item goes on\n\ninclude::kept[]\n");
    assert_eq!(document.warnings, ["src/a.rs is included from another file and is not in the text"]);
}

#[test]
fn attributes_may_go_on_below() {
    let source = "= Title\n:about: one \\\n  two \\\n  three\n:x: y\n\n{about} {x}\n";
    assert_eq!(text(source), "# Title\n\none two three y\n");
}

#[test]
fn what_never_ends_is_read_to_the_end() {
    assert_eq!(text("----\ncode\n"), "```\ncode\n```\n");
    assert_eq!(text("|===\n|a |b\n"), "| a | b |\n| --- | --- |\n");
    assert_eq!(text("* item\n+\n"), "- item\n");
    let deep: String = (4..300).map(|length| format!("{}\n", "=".repeat(length))).collect::<String>() + "x\n";
    let refused = extract(deep.as_bytes(), "a.adoc", &ExtractLimits::default());
    assert!(matches!(refused, Err(ExtractError::TooLarge { .. })), "{refused:?}");
}
