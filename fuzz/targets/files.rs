//! The extractors: any bytes under any name become a document that keeps its promises, or a reason.
//!
//! A panic in a crate that parses is none of the things that must not be: the service parses in a process of its own, where
//! it ends one job. One in our code is.

use std::{
    cell::Cell,
    io::{Cursor, Write as _},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{Arc, Once},
};

use footnote::{
    domain::ExtractedDocument,
    ingest::{
        chunk::{Chunker, ChunkerConfig},
        extract::{ExtractError, ExtractLimits, check_structure, extract},
    },
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::chunks;

thread_local! {
    /// Whether the last panic of this thread arose in a crate of the registry.
    static FOREIGN: Cell<bool> = const { Cell::new(false) };
}

/// Lets the panics of other crates pass by whatever is told about panics.
fn tell_panics_apart() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let told = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let foreign = info.location().is_some_and(|at| at.file().replace('\\', "/").contains("/registry/src/"));
            FOREIGN.set(foreign);
            if !foreign {
                told(info);
            }
        }));
    });
}

/// The bounds of the service but for the sizes, which would fill the memory of a machine that tries many files at once.
fn limits() -> ExtractLimits {
    ExtractLimits { max_text_bytes: 8 << 20, max_uncompressed_bytes: 32 << 20, ..ExtractLimits::default() }
}

/// A file under a name that claims its format.
pub fn file(name: &str, bytes: &[u8]) -> Option<ExtractedDocument> {
    tell_panics_apart();
    let read = match catch_unwind(AssertUnwindSafe(|| extract(bytes, name, &limits()))) {
        Ok(read) => read,
        Err(_) if FOREIGN.get() => return None,
        Err(panic) => resume_unwind(panic),
    };
    match read {
        Ok(document) => {
            check_structure(&document).expect("the ranges of the document are in its text and in order");
            assert!(!document.text.contains('\0') && !document.text.trim().is_empty());
            let chunker = Chunker::new(ChunkerConfig::for_embedder(256), Arc::new(chunks::by_word));
            chunks::check(&document, &chunker.chunk(&document, name), 256);
            Some(document)
        }
        Err(error @ (ExtractError::Unavailable { .. } | ExtractError::TimedOut { .. })) => {
            panic!("only a child process may end so: {error}")
        }
        Err(error) => {
            assert!(!error.to_string().trim().is_empty());
            None
        }
    }
}

/// The drawing of a page.
pub const DRAWING: &[u8] = b"BT /F1 12 Tf 72 720 Td (Holidays) Tj 0 -14 TD [(Thir) -20 (ty) -300 (days)] TJ T* ET\n\
    q 1 0 0 1 0 0 cm BT /F1 9 Tf 72 600 Td <416C6C> Tj (\\(x\\)) ' ET Q\n";

/// A PDF as it is, or else the drawing of a page, which is put into one: hardly any change of a whole file gets that far.
pub fn pdf(bytes: &[u8]) {
    if bytes.starts_with(b"%PDF") {
        file("f.pdf", bytes);
    } else {
        file("f.pdf", &page(bytes));
    }
}

/// A PDF of one page that is drawn by `content`.
fn page(content: &[u8]) -> Vec<u8> {
    let mut out = b"%PDF-1.5\n".to_vec();
    let mut places = Vec::new();
    let objects: [&[u8]; 4] = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 5 0 R/Resources<</Font<</F1 4 0 R>>>>>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    ];
    for (number, object) in objects.into_iter().enumerate() {
        places.push(out.len());
        out.extend_from_slice(format!("{} 0 obj\n", number + 1).as_bytes());
        out.extend_from_slice(object);
        out.extend_from_slice(b"\nendobj\n");
    }
    places.push(out.len());
    out.extend_from_slice(format!("5 0 obj\n<</Length {}>>\nstream\n", content.len()).as_bytes());
    out.extend_from_slice(content);
    out.extend_from_slice(b"\nendstream\nendobj\n");
    let table = out.len();
    out.extend_from_slice(b"xref\n0 6\n0000000000 65535 f \n");
    for place in places {
        out.extend_from_slice(format!("{place:010} 00000 n \n").as_bytes());
    }
    out.extend_from_slice(format!("trailer\n<</Size 6/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n").as_bytes());
    out
}

/// Stands between the parts of a document that is no archive yet.
pub const PART_END: &[u8] = b"\n<!--part-->\n";

/// A format that is an archive of parts.
pub struct Archive {
    /// The name of a file of it.
    pub name: &'static str,
    /// The parts that are always the same.
    fixed: &'static [(&'static str, &'static str)],
    /// The parts that are read, in the order in which an input lists them.
    pub parts: &'static [&'static str],
}

/// Word documents.
pub const DOCX: Archive = Archive {
    name: "f.docx",
    fixed: &[(
        "word/_rels/document.xml.rels",
        "<R><R Id=\"c\" Type=\"/chart\" Target=\"c.xml\"/><R Id=\"x\" Type=\"/chartEx\" Target=\"x.xml\"/>\
         <R Id=\"d\" Type=\"/diagramData\" Target=\"d.xml\"/></R>",
    )],
    parts: &[
        "word/document.xml",
        "word/styles.xml",
        "word/numbering.xml",
        "word/footnotes.xml",
        "docProps/core.xml",
        "word/c.xml",
        "word/x.xml",
        "word/d.xml",
    ],
};

/// Presentations.
pub const PPTX: Archive = Archive {
    name: "f.pptx",
    fixed: &[
        ("ppt/presentation.xml", "<p:presentation><p:sldIdLst><p:sldId r:id=\"s\"/></p:sldIdLst></p:presentation>"),
        (
            "ppt/_rels/presentation.xml.rels",
            "<R><R Id=\"s\" Type=\"/slide\" Target=\"s.xml\"/><R Id=\"a\" Type=\"/commentAuthors\" Target=\"a.xml\"/></R>",
        ),
        (
            "ppt/_rels/s.xml.rels",
            "<R><R Id=\"l\" Type=\"/slideLayout\" Target=\"l.xml\"/><R Id=\"c\" Type=\"/chart\" Target=\"c.xml\"/>\
             <R Id=\"d\" Type=\"/diagramData\" Target=\"d.xml\"/><R Id=\"n\" Type=\"/notesSlide\" Target=\"n.xml\"/>\
             <R Id=\"k\" Type=\"/comments\" Target=\"k.xml\"/></R>",
        ),
        ("ppt/_rels/l.xml.rels", "<R><R Id=\"m\" Type=\"/slideMaster\" Target=\"m.xml\"/></R>"),
    ],
    parts: &[
        "ppt/s.xml",
        "ppt/l.xml",
        "ppt/m.xml",
        "ppt/c.xml",
        "ppt/d.xml",
        "ppt/n.xml",
        "ppt/k.xml",
        "ppt/a.xml",
        "docProps/core.xml",
    ],
};

/// Workbooks.
pub const XLSX: Archive = Archive {
    name: "f.xlsx",
    fixed: &[
        ("xl/workbook.xml", "<workbook><sheets><sheet name=\"S\" r:id=\"s\"/></sheets></workbook>"),
        (
            "xl/_rels/workbook.xml.rels",
            "<R><R Id=\"s\" Type=\"/worksheet\" Target=\"s.xml\"/><R Id=\"t\" Type=\"/sharedStrings\" Target=\"t.xml\"/>\
             <R Id=\"y\" Type=\"/styles\" Target=\"y.xml\"/><R Id=\"p\" Type=\"/person\" Target=\"p.xml\"/></R>",
        ),
        (
            "xl/_rels/s.xml.rels",
            "<R><R Id=\"d\" Type=\"/drawing\" Target=\"d.xml\"/><R Id=\"k\" Type=\"/comments\" Target=\"k.xml\"/>\
             <R Id=\"h\" Type=\"/threadedComment\" Target=\"h.xml\"/></R>",
        ),
        ("xl/_rels/d.xml.rels", "<R><R Id=\"c\" Type=\"/chart\" Target=\"c.xml\"/></R>"),
    ],
    parts: &["xl/s.xml", "xl/t.xml", "xl/y.xml", "xl/d.xml", "xl/c.xml", "xl/k.xml", "xl/h.xml", "xl/p.xml"],
};

/// OpenDocument texts.
pub const ODT: Archive = Archive {
    name: "f.odt",
    fixed: &[("mimetype", "application/vnd.oasis.opendocument.text")],
    parts: &["content.xml", "styles.xml", "meta.xml", "Object 1/content.xml", "META-INF/manifest.xml"],
};

/// OpenDocument workbooks.
pub const ODS: Archive = Archive {
    name: "f.ods",
    fixed: &[("mimetype", "application/vnd.oasis.opendocument.spreadsheet")],
    parts: ODT.parts,
};

/// OpenDocument presentations.
pub const ODP: Archive = Archive {
    name: "f.odp",
    fixed: &[("mimetype", "application/vnd.oasis.opendocument.presentation")],
    parts: ODT.parts,
};

/// E-books.
pub const EPUB: Archive = Archive {
    name: "f.epub",
    fixed: &[(
        "META-INF/container.xml",
        "<container><rootfiles><rootfile full-path=\"b.opf\"/></rootfiles></container>",
    )],
    parts: &["b.opf", "a.xhtml", "META-INF/encryption.xml"],
};

/// A file of such a format as it is, or else its parts with [`PART_END`] between them, which are put into an archive: a
/// change of an archive is found out by its sums.
pub fn archive(format: &Archive, bytes: &[u8]) {
    if bytes.starts_with(b"PK") {
        file(format.name, bytes);
        return;
    }
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut rest = bytes;
    let mut parts: Vec<_> = format.fixed.iter().map(|(name, content)| (*name, content.as_bytes())).collect();
    for name in format.parts {
        let end = rest.windows(PART_END.len()).position(|window| window == PART_END);
        parts.push((name, &rest[..end.unwrap_or(rest.len())]));
        let Some(end) = end else { break };
        rest = &rest[end + PART_END.len()..];
    }
    for (name, content) in parts {
        archive.start_file(name, stored).expect("in memory");
        archive.write_all(content).expect("in memory");
    }
    file(format.name, archive.finish().expect("in memory").get_ref());
}

/// Inputs of the office formats that are right, each with its format.
pub fn right() -> Vec<(&'static Archive, Vec<u8>)> {
    let joined = |parts: &[&str]| parts.iter().map(|part| part.as_bytes()).collect::<Vec<_>>().join(PART_END);
    vec![
        (
            &DOCX,
            joined(&[
                r#"<w:document><w:body><w:p><w:pPr><w:pStyle w:val="H"/></w:pPr><w:r><w:t>A</w:t></w:r></w:p><w:tbl><w:tr><w:tc>
                   <w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc></w:tr></w:tbl></w:body></w:document>"#,
                r#"<w:styles><w:style w:styleId="H"><w:name w:val="heading 1"/></w:style></w:styles>"#,
            ]),
        ),
        (
            &DOCX,
            joined(&[
                r#"<w:document><w:body><w:p><w:r><c:chart r:id="c"/></w:r><mc:AlternateContent><mc:Choice><cx:chart r:id="x"/></mc:Choice>
                   </mc:AlternateContent><w:r><dgm:relIds r:dm="d"/></w:r></w:p></w:body></w:document>"#,
                "",
                "",
                "",
                "",
                r#"<c:chartSpace><c:chart><c:plotArea><c:pieChart><c:ser><c:val><c:numLit><c:pt idx="0"><c:v>2</c:v></c:pt></c:numLit></c:val>
                   </c:ser></c:pieChart></c:plotArea></c:chart></c:chartSpace>"#,
                r#"<cx:chartSpace><cx:chartData><cx:data id="0"><cx:strDim type="cat"><cx:lvl><cx:pt idx="0">a</cx:pt></cx:lvl><cx:lvl>
                   <cx:pt idx="0">b</cx:pt></cx:lvl></cx:strDim><cx:numDim type="size"><cx:lvl formatCode="0%"><cx:pt idx="0">0.5</cx:pt>
                   </cx:lvl></cx:numDim></cx:data></cx:chartData><cx:chart><cx:title><cx:tx><cx:txData><cx:v>T</cx:v></cx:txData></cx:tx>
                   </cx:title><cx:plotArea><cx:plotAreaRegion><cx:series layoutId="treemap"><cx:dataId val="0"/></cx:series>
                   </cx:plotAreaRegion></cx:plotArea></cx:chart></cx:chartSpace>"#,
                r#"<dgm:dataModel><dgm:ptLst><dgm:pt modelId="0" type="doc"/><dgm:pt modelId="1"><dgm:t><a:p><a:r><a:t>p</a:t></a:r></a:p></dgm:t>
                   </dgm:pt></dgm:ptLst><dgm:cxnLst><dgm:cxn srcId="0" destId="1"/></dgm:cxnLst></dgm:dataModel>"#,
            ]),
        ),
        (
            &PPTX,
            joined(&[
                r#"<p:sld><p:cSld><p:spTree><p:sp><p:nvSpPr><p:nvPr><p:ph type="title"/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:r><a:t>T</a:t>
                   </a:r></a:p></p:txBody></p:sp><p:sp><p:nvSpPr><p:nvPr><p:ph idx="1"/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:pPr lvl="1"/>
                   <a:r><a:t>b</a:t></a:r></a:p></p:txBody></p:sp><p:graphicFrame><a:tbl><a:tr><a:tc gridSpan="2"><a:txBody><a:p><a:r><a:t>c</a:t>
                   </a:r></a:p></a:txBody></a:tc><a:tc hMerge="1"/></a:tr></a:tbl></p:graphicFrame><p:graphicFrame><c:chart r:id="c"/>
                   </p:graphicFrame><p:graphicFrame><dgm:relIds r:dm="d"/></p:graphicFrame></p:spTree></p:cSld></p:sld>"#,
                r#"<p:sldLayout><p:cSld><p:spTree><p:sp><p:nvPr><p:ph idx="1" type="body"/></p:nvPr></p:sp></p:spTree></p:cSld></p:sldLayout>"#,
                r#"<p:sldMaster><p:bodyStyle><a:lvl2pPr><a:buAutoNum startAt="3"/></a:lvl2pPr></p:bodyStyle></p:sldMaster>"#,
                r#"<c:chartSpace><c:chart><c:plotArea><c:barChart><c:ser><c:cat><c:strLit><c:pt idx="0"><c:v>x</c:v></c:pt></c:strLit></c:cat><c:val>
                   <c:numLit><c:pt idx="0"><c:v>2</c:v></c:pt></c:numLit></c:val></c:ser></c:barChart></c:plotArea></c:chart></c:chartSpace>"#,
                r#"<dgm:dataModel><dgm:ptLst><dgm:pt modelId="0" type="doc"/><dgm:pt modelId="1"><dgm:t><a:p><a:r><a:t>p</a:t></a:r></a:p></dgm:t>
                   </dgm:pt></dgm:ptLst><dgm:cxnLst><dgm:cxn srcId="0" destId="1" srcOrd="0"/></dgm:cxnLst></dgm:dataModel>"#,
            ]),
        ),
        (
            &XLSX,
            joined(&[
                r#"<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" s="1"><v>45292.5</v></c></row><row><c><v>1.5</v></c>
                   </row></sheetData><mergeCells><mergeCell ref="A1:B2"/></mergeCells><drawing r:id="d"/></worksheet>"#,
                "<sst><si><t>a_x000D_b</t></si></sst>",
                r#"<styleSheet><numFmts><numFmt numFmtId="164" formatCode="yyyy-mm-dd h:mm"/></numFmts><cellXfs><xf/><xf numFmtId="164"/></cellXfs>
                   </styleSheet>"#,
                r#"<wsDr><graphicFrame><c:chart r:id="c"/></graphicFrame></wsDr>"#,
            ]),
        ),
        (
            &ODT,
            joined(&[
                r#"<d><office:body><office:text><text:h text:outline-level="2">H</text:h><text:list text:style-name="L"><text:list-item><text:p>i
                   <text:note><text:note-body><text:p>n</text:p></text:note-body></text:note></text:p></text:list-item></text:list><table:table>
                   <table:table-row><table:table-cell table:number-columns-spanned="2"><text:p>c</text:p></table:table-cell>
                   <table:covered-table-cell/></table:table-row></table:table></office:text></office:body></d>"#,
                r#"<d><office:styles><text:list-style style:name="L"><text:list-level-style-number text:level="1" style:num-format="1"/>
                   </text:list-style></office:styles></d>"#,
            ]),
        ),
        (
            &ODS,
            joined(&[
                r#"<d><office:body><office:spreadsheet><table:table table:name="S"><table:table-row table:number-rows-repeated="2">
                <table:table-cell office:value-type="float" office:value="1.5" table:number-columns-repeated="3"><text:p>1.5</text:p></table:table-cell>
                </table:table-row></table:table></office:spreadsheet></office:body></d>"#,
            ]),
        ),
        (
            &ODP,
            joined(&[
                r#"<d><office:body><office:presentation><draw:page><draw:frame presentation:class="title"><draw:text-box><text:p>T</text:p>
                </draw:text-box></draw:frame><presentation:notes><draw:frame presentation:class="notes"><draw:text-box><text:p>n</text:p>
                </draw:text-box></draw:frame></presentation:notes></draw:page></office:presentation></office:body></d>"#,
            ]),
        ),
        (
            &EPUB,
            joined(&[
                r#"<package><metadata><dc:title>T</dc:title><dc:creator>A</dc:creator></metadata><manifest><item id="a" href="a.xhtml"
                   media-type="application/xhtml+xml"/></manifest><spine><itemref idref="a"/></spine></package>"#,
                r#"<html><head><title/></head><body><h1>H</h1><p><a id="x"/>p<br/>q</p></body></html>"#,
            ]),
        ),
    ]
}

/// An archive as it is, or else the files of one: each with its name in its first line, and [`PART_END`] between them.
pub fn zip(bytes: &[u8]) {
    if bytes.starts_with(b"PK") {
        file("f.zip", bytes);
        return;
    }
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut rest = Some(bytes);
    while let Some(part) = rest {
        let end = part.windows(PART_END.len()).position(|window| window == PART_END);
        rest = end.map(|end| &part[end + PART_END.len()..]);
        let part = &part[..end.unwrap_or(part.len())];
        let (name, content) = part.split_at(part.iter().position(|byte| *byte == b'\n').unwrap_or(part.len()));
        // A name that is there already, or is too long, is refused by the writer.
        if archive.start_file(String::from_utf8_lossy(name), stored).is_ok() {
            archive.write_all(content.get(1..).unwrap_or_default()).expect("in memory");
        }
    }
    file("f.zip", archive.finish().expect("in memory").get_ref());
}

/// The files of an archive, as an input lists them.
pub const FILES: &[u8] =
    b"a/notes.txt\nwords\n<!--part-->\nb.md\n# Title\n\n| a |\n|---|\n| 1 |\n\n<!--part-->\nc.eml\n\
    From: a@example.org\nSubject: x\n\nwords\n<!--part-->\nd.rtf\n{\\rtf1 words\\par}";

/// The streams of an Outlook message that are read, in the order in which an input lists them.
const STREAMS: [&str; 8] = [
    "/__properties_version1.0",
    "/__substg1.0_0037001F",
    "/__substg1.0_1000001E",
    "/__substg1.0_10130102",
    "/__substg1.0_10090102",
    "/__attach_version1.0_#00000000/__properties_version1.0",
    "/__attach_version1.0_#00000000/__substg1.0_3707001E",
    "/__attach_version1.0_#00000000/__substg1.0_37010102",
];

/// An Outlook message as it is, or else its streams with [`PART_END`] between them, which are put into a compound file.
pub fn msg(bytes: &[u8]) {
    if bytes.starts_with(&[0xd0, 0xcf]) {
        file("f.msg", bytes);
        return;
    }
    let mut compound = cfb::CompoundFile::create(Cursor::new(Vec::new())).expect("in memory");
    compound.create_storage("/__nameid_version1.0").expect("in memory");
    compound.create_storage("/__attach_version1.0_#00000000").expect("in memory");
    let mut rest = bytes;
    for name in STREAMS {
        let end = rest.windows(PART_END.len()).position(|window| window == PART_END);
        let mut stream = compound.create_stream(name).expect("in memory");
        stream.write_all(&rest[..end.unwrap_or(rest.len())]).expect("in memory");
        drop(stream);
        let Some(end) = end else { break };
        rest = &rest[end + PART_END.len()..];
    }
    compound.flush().expect("in memory");
    file("f.msg", compound.into_inner().get_ref());
}

/// The streams of a message, as an input lists them: short values, subject, plain text, HTML, rich text, an attachment.
pub fn streams() -> Vec<u8> {
    let mut values = vec![0; 32];
    values.extend_from_slice(&0x3ffd_0003_u32.to_le_bytes());
    values.extend_from_slice(&[0, 0, 0, 0, 0xe4, 4, 0, 0, 0, 0, 0, 0]);
    let subject: Vec<u8> = "Prices".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let rich = b"\x20\0\0\0\x10\0\0\0MELA\0\0\0\0{\\rtf1 words\\par}";
    let table = b"<p>Prices</p><table><tr><td>a</td><td>b</td></tr><tr><td>1</td><td>2</td></tr></table>";
    let parts: [&[u8]; 8] = [&values, &subject, b"Prices", table, rich, &[0; 8], b"n.txt", b"notes"];
    parts.join(PART_END)
}
