//! Lays out what the search for inputs begins with: `seeds TO FOLDER...` takes the files of folders, each for the target that
//! reads its format, and writes what the other targets begin with.

use std::{
    fs,
    io::{Cursor, Read as _},
    path::Path,
};

// Has the counters that everything here is compiled with.
use libfuzzer_sys as _;

use footnote_fuzz::{
    bodies, chunks,
    files::{self, Archive, DOCX, EPUB, ODP, ODS, ODT, PART_END, PPTX, XLSX},
    filters, questions,
};

/// The formats whose files are taken apart.
const ARCHIVES: [&Archive; 7] = [&DOCX, &PPTX, &XLSX, &ODT, &ODS, &ODP, &EPUB];
/// A larger file makes every try slow and teaches no more.
const LARGEST: usize = 256 << 10;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args_os().skip(1);
    let to = arguments.next().ok_or("seeds TO FOLDER...")?;
    let to = Path::new(&to);
    for folder in arguments {
        for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
            let entry = entry?;
            if entry.file_type().is_file() {
                take(to, entry.path())?;
            }
        }
    }
    let own: [(&str, Vec<Vec<u8>>); 6] = [
        ("filter", filters::right()),
        ("question", questions::right()),
        ("bodies", (0..).zip(bodies::right()).map(|(number, body)| [vec![number], body].concat()).collect()),
        ("pdf", vec![files::DRAWING.to_vec()]),
        ("zip", vec![files::FILES.to_vec()]),
        ("msg", vec![files::streams()]),
    ];
    for (target, inputs) in own {
        for (number, input) in inputs.iter().enumerate() {
            write(to, target, &number.to_string(), input)?;
        }
    }
    for (number, (archive, input)) in files::right().iter().enumerate() {
        write(to, archive.name.trim_start_matches("f."), &number.to_string(), input)?;
    }
    Ok(())
}

/// One file, for whatever targets it is an input of.
fn take(to: &Path, path: &Path) -> Result<(), Failure> {
    let bytes = fs::read(path)?;
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let target = match extension.as_str() {
        "pdf" => "pdf",
        "docx" => "docx",
        "pptx" => "pptx",
        "xlsx" => "xlsx",
        "odt" => "odt",
        "ods" => "ods",
        "odp" => "odp",
        "epub" => "epub",
        "html" | "htm" => "html",
        "md" => "markdown",
        "json" => "json",
        "jsonl" => "jsonl",
        "csv" => "csv",
        "tsv" => "tsv",
        "txt" => "text",
        "eml" => "eml",
        "mbox" => "mbox",
        "msg" => "msg",
        "rtf" => "rtf",
        "rst" => "rst",
        "adoc" => "asciidoc",
        "rs" | "py" | "sql" | "toml" => "code",
        "zip" => "zip",
        _ => return Ok(()),
    };
    let archive = ARCHIVES.into_iter().find(|archive| archive.name.strip_prefix("f.") == Some(target));
    if let Some(archive) = archive
        && let Some(parts) = parts(archive, &bytes)
        && parts.len() <= LARGEST
    {
        write(to, target, &format!("{name}.parts"), &parts)?;
    }
    if bytes.len() > LARGEST {
        return Ok(());
    }
    if ["markdown", "text"].contains(&target) {
        write(to, "chunker", &name, &[chunks::PLACES, &bytes].concat())?;
    }
    write(to, target, &name, &bytes)
}

/// The parts of a document, one after the other.
fn parts(format: &Archive, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).ok()?;
    let mut out = Vec::new();
    for name in format.parts {
        if let Ok(mut part) = archive.by_name(name) {
            part.read_to_end(&mut out).ok()?;
        }
        out.extend_from_slice(PART_END);
    }
    Some(out)
}

fn write(to: &Path, target: &str, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    let folder = to.join(target);
    fs::create_dir_all(&folder)?;
    Ok(fs::write(folder.join(name), bytes)?)
}
