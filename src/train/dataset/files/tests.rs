#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;

use super::*;
use crate::train::dataset::{example::Example, validate::tests::sound};

fn written(examples: &[(Option<Split>, Example)]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("set");
    let mut writer = Writer::create(&out).unwrap();
    for (split, example) in examples {
        writer.write(*split, example).unwrap();
    }
    writer.finish().unwrap();
    (folder, out)
}

fn ids(set: &DataSet) -> Vec<String> {
    set.examples().map(|located| located.unwrap().example.id).collect()
}

#[test]
fn what_is_written_is_read_again_by_kind_and_split() {
    let edge = Example { kind: Kind::Edge, ..sound("e") };
    let (_folder, out) = written(&[(None, sound("a")), (None, edge), (None, sound("b"))]);
    let set = DataSet::open(&out).unwrap();
    assert_eq!(ids(&set), ["a", "b", "e"]);
    assert_eq!((set.splits(), set.name()), (vec![None], "set".to_owned()));
    assert!(!out.join("failure.jsonl").exists());

    let (_folder, out) = written(&[(Some(Split::Test), sound("t")), (Some(Split::Train), sound("a"))]);
    assert_eq!(ids(&DataSet::open(&out).unwrap()), ["a", "t"]);
    let test = DataSet::open(&out.join("test")).unwrap();
    assert_eq!((ids(&test), test.splits()), (vec!["t".to_owned()], vec![Some(Split::Test)]));
}

#[test]
fn an_unfinished_data_set_leaves_nothing_and_an_existing_one_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("set");
    let mut writer = Writer::create(&out).unwrap();
    writer.write(None, &sound("a")).unwrap();
    drop(writer);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    fs::create_dir(&out).unwrap();
    assert!(matches!(Writer::create(&out), Err(DatasetError::Exists(_))));
}

#[test]
fn a_wrong_line_is_named_and_ends_the_reading() {
    let (_folder, out) = written(&[(None, sound("a"))]);
    let path = out.join("task.jsonl");
    let good = fs::read_to_string(&path).unwrap();
    for (bad, says) in [
        ("\n", "empty"),
        ("{\"id\": \"x\"}\n", "missing field"),
        ("{\"nonsense\n", "no example"),
        (&*good.replace("\"task\"", "\"edge\""), "edge.jsonl"),
        (&*good.replace("Apache-2.0", ""), "licence"),
        (&*good.replace("\"id\":\"a\"", "\"id\":\"a\",\"note\":\"\""), "unknown field"),
    ] {
        fs::write(&path, format!("{good}{bad}{good}")).unwrap();
        let set = DataSet::open(&out).unwrap();
        let read: Vec<_> = set.examples().collect();
        assert_eq!(read.len(), 2, "{bad}");
        let error = read.into_iter().next_back().unwrap().unwrap_err().to_string();
        assert!(error.contains("task.jsonl:2: ") && error.contains(says), "{error}");
    }
}

#[test]
fn lines_that_are_no_text_or_too_long_are_counted_and_passed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("task.jsonl");
    let mut bytes = vec![0xff, b'\n'];
    bytes.extend(vec![b'x'; MAX_LINE_BYTES + 5]);
    bytes.extend(b"\nlast\r\n");
    fs::write(&path, bytes).unwrap();
    let read: Vec<RawLine> = lines(&path).unwrap().map(Result::unwrap).collect();
    assert_eq!(read.iter().map(|line| line.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(read[0].text.is_err() && read[1].text.is_err());
    assert_eq!(read[2].text.as_deref(), Ok("last"));
}

#[test]
fn what_would_be_passed_over_is_refused() {
    let (_folder, out) = written(&[(Some(Split::Train), sound("a"))]);
    fs::create_dir(out.join("dev")).unwrap();
    fs::copy(out.join("train/task.jsonl"), out.join("dev/task.jsonl")).unwrap();
    assert!(DataSet::open(&out).unwrap_err().to_string().contains("dev"));

    let (_folder, out) = written(&[(Some(Split::Train), sound("a"))]);
    fs::copy(out.join("train/task.jsonl"), out.join("task.jsonl")).unwrap();
    assert!(DataSet::open(&out).unwrap_err().to_string().contains("both"));

    let (_folder, out) = written(&[(None, sound("a"))]);
    fs::copy(out.join("task.jsonl"), out.join("tasks.jsonl")).unwrap();
    assert!(DataSet::open(&out).unwrap_err().to_string().contains("tasks.jsonl"));

    let empty = tempfile::tempdir().unwrap();
    assert!(DataSet::open(empty.path()).is_err());
}

#[test]
fn a_byte_order_mark_before_the_first_line_is_no_part_of_it() {
    let (_folder, out) = written(&[(None, sound("a")), (None, sound("b"))]);
    let path = out.join("task.jsonl");
    let lines = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("\u{feff}{lines}").replace('\n', "\r\n")).unwrap();
    let set = DataSet::open(&out).unwrap();
    assert_eq!(ids(&set), ["a", "b"]);
    assert!(set.examples().all(|located| located.unwrap().raw.starts_with('{')));
    // Before another line it is a mistake.
    fs::write(&path, lines.replacen('\n', "\n\u{feff}", 1)).unwrap();
    assert!(DataSet::open(&out).unwrap().examples().any(|located| located.is_err()));
}
