#![allow(clippy::unwrap_used)]
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::{
    domain::ExtractedDocument,
    ingest::extract::{ExtractLimits, check_structure, writer::MarkdownWriter},
};

/// A program that is a few lines of shell; `$1` is the input, `$2` the output.
fn program(folder: &Path, lines: &str) -> OcrCommand {
    let path = folder.join("recognise");
    std::fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    format!("'{}' {{input}} {{output}}", path.display()).parse().unwrap()
}

async fn run(lines: &str, timeout: Duration, most: u64) -> Result<Vec<u8>, OcrError> {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("scan");
    std::fs::write(&input, "a scan").unwrap();
    let ocr = Ocr { max_output_bytes: most, ..Ocr::new(program(folder.path(), lines), timeout) };
    let recognised = ocr.recognise(&input, "png").await?;
    Ok(std::fs::read(&recognised.path).unwrap())
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_program_is_given_a_copy_and_a_place_and_no_secrets() {
    let lines = "{ printf '%%PDF-'; cat \"$1\"; basename \"$1\"; pwd; env; } > \"$2\"; rm \"$1\"";
    let made = String::from_utf8(run(lines, LONG, 1 << 20).await.unwrap()).unwrap();
    assert!(made.starts_with("%PDF-a scaninput.png\n") && made.contains("footnote-ocr-"), "{made}");
    assert!(!made.contains("CARGO"), "{made}");
}

#[tokio::test]
async fn its_folder_goes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("scan");
    std::fs::write(&input, "a scan").unwrap();
    let ocr = Ocr::new(program(folder.path(), "printf '%%PDF-1.4' > \"$2\"; touch more"), LONG);
    let recognised = ocr.recognise(&input, "pdf").await.unwrap();
    let place = recognised.path.parent().unwrap().to_owned();
    assert!(place.join("more").exists());
    drop(recognised);
    assert!(!place.exists());
}

#[tokio::test]
async fn every_failure_has_a_reason() {
    let ended = run("echo no such language >&2; exit 3", LONG, 1 << 20).await.unwrap_err().to_string();
    assert!(ended.contains("exit status: 3; it said: no such language"), "{ended}");
    assert!(matches!(run("true", LONG, 1 << 20).await, Err(OcrError::NoOutput { .. })));
    assert!(matches!(run("echo words > \"$2\"", LONG, 1 << 20).await, Err(OcrError::NoOutput { .. })));
    let swelling = "while :; do cat /dev/zero | head -c 100000 >> \"$2\"; done";
    assert!(matches!(run(swelling, LONG, 1 << 20).await, Err(OcrError::TooLarge { .. })));
    let missing = Ocr::new("/nonexistent/program {input} {output}".parse().unwrap(), LONG);
    assert!(matches!(missing.check().await, Err(OcrError::Start { .. })));
}

#[tokio::test]
async fn what_takes_too_long_is_ended_with_all_that_it_has_started() {
    let folder = tempfile::tempdir().unwrap();
    let id = folder.path().join("id");
    let lines = format!("sleep 1000 & echo $! > '{}'; wait", id.display());
    let stopped = run(&lines, Duration::from_secs(1), 1 << 20).await;
    assert!(matches!(stopped, Err(OcrError::TimedOut { seconds: 1, .. })), "{stopped:?}");
    let id = std::fs::read_to_string(id).unwrap();
    let status = format!("/proc/{}/status", id.trim());
    let lives = || std::fs::read_to_string(&status).is_ok_and(|status| !status.contains("\nState:\tZ"));
    tokio::time::timeout(LONG, async {
        while lives() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn an_empty_page_shows_whether_it_works() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Ocr::new(program(folder.path(), "cp \"$1\" \"$2\""), LONG).check().await.is_ok());
    assert!(Ocr::new(program(folder.path(), "exit 1"), LONG).check().await.is_err());
}

fn pages(texts: &[&str], picture_pages: &[u32]) -> ExtractedDocument {
    let mut writer = MarkdownWriter::new("application/pdf", &ExtractLimits::default());
    for (number, text) in (1..).zip(texts) {
        writer.page(number);
        match text.strip_prefix("# ") {
            Some(title) => writer.heading(1, title).unwrap(),
            None => writer.block(text).unwrap(),
        }
    }
    ExtractedDocument { picture_pages: picture_pages.to_vec(), ..writer.finish(Some("Title".into())) }
}

#[test]
fn recognised_pages_take_the_places_of_pictures_only() {
    let original = pages(&["# One", "", "three", "", ""], &[2, 4]);
    let recognised = pages(&["# Other", "# Two", "other", "", "stray"], &[]);
    let merged = merged(&original, &recognised, &ExtractLimits::default()).unwrap();
    assert_eq!(check_structure(&merged), Ok(()));
    assert_eq!(merged.text.trim_end(), "# One\n\n# Two\n\nthree");
    let on: Vec<_> = merged.pages.iter().map(|page| (page.number, merged.text[page.range.clone()].trim())).collect();
    assert_eq!(on, [(1, "# One"), (2, "# Two"), (3, "three"), (4, ""), (5, "")]);
    assert_eq!(merged.headings.iter().map(|heading| heading.title.as_str()).collect::<Vec<_>>(), ["One", "Two"]);
    assert_eq!(merged.warnings, ["page 4 holds only pictures and no words, and text recognition found none"]);
    assert_eq!((merged.title.as_deref(), merged.picture_pages), (Some("Title"), Vec::new()));
    let fewer = super::merged(&original, &pages(&["x"], &[]), &ExtractLimits::default());
    assert!(fewer.unwrap_err().to_string().contains("5 pages and came back with 1"));
}
