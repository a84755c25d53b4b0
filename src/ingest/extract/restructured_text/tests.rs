#![allow(clippy::unwrap_used)]
use super::*;
use crate::ingest::extract::{check_structure, extract};

fn document(source: &str) -> ExtractedDocument {
    let document = extract(source.as_bytes(), "a.rst", &ExtractLimits::default()).unwrap();
    assert_eq!(check_structure(&document), Ok(()));
    document
}

fn text(source: &str) -> String {
    document(source).text
}

#[test]
fn titles_have_levels_in_the_order_of_their_adornments() {
    let source =
        "=====\nWhole\n=====\n\nPart\n====\n\nwords\n\nInner\n-----\nmore\n\nOther\n====\n\nNo title\n\n----\n\nend\n";
    let document = document(source);
    let headings: Vec<_> = document.headings.iter().map(|heading| (heading.level, heading.title.as_str())).collect();
    assert_eq!(headings, [(1, "Whole"), (2, "Part"), (3, "Inner"), (2, "Other")]);
    assert_eq!(document.title.as_deref(), Some("Whole"));
    assert!(document.text.ends_with("## Other\n\nNo title\n\nend\n"), "{}", document.text);
}

#[test]
fn words_read_without_their_marks() {
    assert_eq!(
        text(
            "A *b* **c** ``d_e`` `f <https://g.example>`_ and :func:`~h.i` see :ref:`j <k>`, l_ [1]_ m\\* 2 * 3 |n| |badge|\n\n.. |badge| image:: x.png\n.. _l: https://x.example\n.. |n| replace:: new\n.. [1] Note\n   goes on\n"
        ),
        "A b c `d_e` f and `h.i` see j, l [1] m* 2 * 3 new\n\n[1] Note goes on\n"
    );
}

#[test]
fn lists_and_definitions_nest() {
    let source = "- one\n  goes on\n\n  * inner\n- two\n\n#. first\n#. second\n\nterm : kind\n    meaning\n\n:field: value\n:other:\n   far\n";
    assert_eq!(
        text(source),
        "- one goes on\n  - inner\n- two\n\n1. first\n2. second\n\n- term: kind\n  meaning\n\nfield: value\nother: far\n"
    );
    assert_eq!(text("- not a list\nbecause it goes on here\n"), "- not a list because it goes on here\n");
    assert_eq!(text("two  words.  End\n\n    - quoted\n"), "two words. End\n\n> - quoted\n");
}

#[test]
fn options_stand_over_what_they_mean() {
    let source = "Use it:\n\n-a, --all  All of\n           them.\n-f FILE, --file=FILE\n    What *to* read.\n\n    More.\n--level=<a b>  How deep.\n\
        /V  Its version.\n-x3  Often.\n\nend\n";
    assert_eq!(
        text(source),
        "Use it:\n\n- `-a, --all`\n  All of them.\n- `-f FILE, --file=FILE`\n  What to read.\n\n  More.\n\
         - `--level=<a b>`\n  How deep.\n- `/V`\n  Its version.\n\n-x3 Often.\n\nend\n"
    );
    assert_eq!(text("-5 degrees and\nmore\n"), "-5 degrees and more\n");
    assert_eq!(text("--all\n"), "--all\n");
}

#[test]
fn code_is_kept_as_it_stands() {
    let source = "Like this::\n\n    *x* = 1\n\n      y\n\n.. code-block:: python\n   :linenos:\n\n   def f():\n       pass\n\n>>> 1 + 1\n2\n\nend\n";
    assert_eq!(
        text(source),
        "Like this:\n\n```\n*x* = 1\n\n  y\n```\n\n```python\ndef f():\n    pass\n```\n\n```python\n>>> 1 + 1\n2\n```\n\nend\n"
    );
}

#[test]
fn drawn_tables_become_tables() {
    let grid = "+------+-----------+\n| name | note      |\n+======+===========+\n| Ann  | two       |\n|      | lines     |\n+------+-----------+\n| both of them     |\n+------+-----------+\n";
    assert_eq!(text(grid), "| name | note |\n| --- | --- |\n| Ann | two lines |\n| both of them | |\n");
    let spanned = "+---+---+\n| a | b |\n+===+===+\n| x | 1 |\n|   +---+\n|   | 2 |\n+---+---+\n";
    assert_eq!(text(spanned), "| a | b |\n| --- | --- |\n| x | 1 |\n| x | 2 |\n");
    let simple = "====  =====\nname  note\n====  =====\nAnn   first\n      second\nBob   | x\n====  =====\n\nend\n";
    let document = document(simple);
    assert_eq!(document.text, "| name | note |\n| --- | --- |\n| Ann | first second |\n| Bob | \\| x |\n\nend\n");
    assert_eq!(document.tables.len(), 1);
}

#[test]
fn cells_that_span_columns_are_not_cut() {
    let simple = "=====  =====  ======\n   Inputs     Output\n------------  ------\n  A      B    A or B\n=====  =====  ======\n\
        False  False  False\n=====  =====  ======\n";
    assert_eq!(text(simple), "| Inputs / A | B | Output / A or B |\n| --- | --- | --- |\n| False | False | False |\n");
}

#[test]
fn wide_characters_take_two_places() {
    let expected = "| 名前 | 色 |\n| --- | --- |\n| 猫 | 黒と白 |\n";
    let grid = "+------+--------+\n| 名前 | 色     |\n+======+========+\n| 猫   | 黒と白 |\n+------+--------+\n";
    let narrow = "+----+-----+\n| 名前 | 色  |\n";
    let simple = "====  ======\n名前  色\n====  ======\n猫    黒と白\n====  ======\n";
    assert_eq!(text(grid), expected);
    assert_eq!(text(simple), expected);
    assert!(text(narrow).contains("名前"));
    let by_count = "+----+-----+\n| 名前 | 色   |\n+====+=====+\n| 猫  | 黒と白 |\n+----+-----+\n";
    assert!(text(by_count).contains("黒と白"));
}

#[test]
fn substitutions_go_on_below_and_classes_are_no_words() {
    let source =
        ".. |long| replace:: one\n   two\n\n.. class:: special\n\n|long| three\n\n.. only:: html\n\n   inside\n";
    assert_eq!(text(source), "one two three\n\ninside\n");
}

#[test]
fn tables_of_directives_become_tables() {
    let expected = "Prices\n\n| fruit | price |\n| --- | --- |\n| apple | 1 |\n| pear | 2, or 3 |\n";
    let values = ".. csv-table:: Prices\n   :header: fruit,price\n\n   apple,1\n   pear,\"2, or 3\"\n";
    let list = ".. list-table:: Prices\n   :header-rows: 1\n\n   * - fruit\n     - price\n   * - apple\n     - 1\n   * - pear\n     - 2,\n       or 3\n";
    assert_eq!(text(values), expected);
    assert_eq!(text(list), expected);
}

#[test]
fn directives_say_what_they_say_and_no_more() {
    let source = ".. note:: Take care\n   of this.\n\n.. toctree::\n   :maxdepth: 2\n\n   a\n   b\n\n.. a comment\n   of two lines\n\n.. image:: x.png\n   :alt: A red door\n\n.. py:function:: f(x)\n\n   Does it.\n\n.. include:: other.txt\n";
    let document = document(source);
    assert_eq!(document.text, "Note: Take care of this.\n\n[image: A red door]\n\nf(x)\n\nDoes it.\n");
    assert_eq!(document.warnings, ["other.txt is included from another file and is not in the text"]);
}

#[test]
fn depth_is_bounded() {
    let deep: String = (0..300).map(|level| format!("{}* x\n\n", "  ".repeat(level))).collect();
    let refused = extract(deep.as_bytes(), "a.rst", &ExtractLimits::default());
    assert!(matches!(refused, Err(ExtractError::TooLarge { .. })), "{refused:?}");
}
