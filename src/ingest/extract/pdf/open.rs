//! Opens a PDF and reads its pages one by one, each behind a guard: a page that makes the parser panic is
//! reported, and the next one is read.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pdf_extract::{Dictionary, Document, Error, Object, ObjectId, Stream, decode_text_string};

use super::{
    PDF,
    content::{self, Flat},
    fonts::Fonts,
    glyphs::{Collector, PageGlyphs},
    page_tree::pages,
    repair,
    visibility::Layers,
};
use crate::ingest::extract::{ExtractError, ExtractLimits, structure::one_line};

pub(super) struct Opened {
    document: Document,
    pages: Vec<ObjectId>,
    fonts: Fonts,
    layers: Layers,
    stage: Stage,
    is_repaired: bool,
}

/// The objects of the one-page document that the interpreter is shown: it walks the page tree for each page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stage {
    page: ObjectId,
    content: ObjectId,
}

impl Opened {
    pub(super) fn load(bytes: &[u8], limits: &ExtractLimits) -> Result<Self, ExtractError> {
        let (mut document, is_repaired) = match open(bytes) {
            Ok(document) if has_page(&document) => (document, false),
            Err(error @ ExtractError::Encrypted { .. }) => return Err(error),
            first => {
                let second = repair::rebuilt(bytes).map(|file| open(&file));
                match second {
                    Some(Ok(document)) => (document, true),
                    Some(Err(error @ ExtractError::Encrypted { .. })) => return Err(error),
                    // The first reason is about the file as it is.
                    _ => (first?, false),
                }
            }
        };
        let pages = pages(&document, limits.max_pages.saturating_add(1));
        if pages.len() > limits.max_pages {
            return Err(ExtractError::too_large("the number of pages", limits.max_pages as u64));
        }
        if pages.is_empty() {
            return Err(ExtractError::malformed(PDF, "it has no pages, or the list of its pages is lost"));
        }
        let stage = Stage::build(&mut document)?;
        let layers = Layers::of(&document);
        Ok(Self { document, pages, fonts: Fonts::default(), layers, stage, is_repaired })
    }

    pub(super) fn is_repaired(&self) -> bool {
        self.is_repaired
    }

    pub(super) fn pages(&self) -> u32 {
        self.pages.len() as u32
    }

    /// The glyphs of a page, or why it could not be read.
    pub(super) fn page(&mut self, number: u32, limits: &ExtractLimits) -> Result<PageGlyphs, String> {
        let id = self.pages[number as usize - 1];
        let flat = guard(|| content::flatten(&self.document, &self.layers, id, limits))??;
        let mut resources = Dictionary::new();
        for (name, font) in &flat.fonts {
            let usable = self.fonts.usable(font, &mut self.document, self.stage);
            resources.set(name.as_bytes().to_vec(), Object::Reference(usable));
        }
        self.stage.interpret(&mut self.document, resources, flat)
    }

    /// The title in the document's properties, unless it is a file name that a program put there.
    pub(super) fn title(&self) -> Option<String> {
        let info = self.document.trailer.get(b"Info").ok()?;
        let (_, info) = self.document.dereference(info).ok()?;
        let (_, title) = self.document.dereference(info.as_dict().ok()?.get(b"Title").ok()?).ok()?;
        let title = one_line(&decode_text_string(title).ok()?);
        let lower = title.to_lowercase();
        let is_file_name = [".doc", ".docx", ".indd", ".qxd", ".dvi", ".tex", ".ppt", ".pptx", ".rtf", ".pdf", ".xls"]
            .iter()
            .any(|extension| lower.ends_with(extension));
        let is_default = lower.starts_with("microsoft word") || lower.starts_with("untitled") || lower == "title";
        (!title.is_empty() && !is_file_name && !is_default).then_some(title)
    }
}

impl Stage {
    fn build(document: &mut Document) -> Result<Self, ExtractError> {
        let content = document.add_object(Stream::new(Dictionary::new(), Vec::new()));
        let page = document.new_object_id();
        let pages = document.new_object_id();
        let mut dictionary = Dictionary::new();
        dictionary.set("Type", Object::Name(b"Page".to_vec()));
        dictionary.set("Parent", Object::Reference(pages));
        dictionary.set("Contents", Object::Reference(content));
        dictionary.set("MediaBox", vec![0.into(), 0.into(), 612.into(), 792.into()]);
        document.objects.insert(page, Object::Dictionary(dictionary));
        let mut tree = Dictionary::new();
        tree.set("Type", Object::Name(b"Pages".to_vec()));
        tree.set("Kids", vec![Object::Reference(page)]);
        tree.set("Count", 1);
        document.objects.insert(pages, Object::Dictionary(tree));
        let catalog = document.catalog_mut().map_err(|error| ExtractError::malformed(PDF, error))?;
        catalog.set("Pages", Object::Reference(pages));
        Ok(Self { page, content })
    }

    /// Lets the interpreter read `flat`, with `fonts` under their names.
    pub(super) fn interpret(
        self,
        document: &mut Document,
        fonts: Dictionary,
        flat: Flat,
    ) -> Result<PageGlyphs, String> {
        let content = pdf_extract::content::Content { operations: flat.operations.as_slice() };
        let content = content.encode().map_err(|error| error.to_string())?;
        document.objects.insert(self.content, Object::Stream(Stream::new(Dictionary::new(), content)));
        let mut resources = Dictionary::new();
        resources.set("Font", Object::Dictionary(fonts));
        if let Ok(page) = document.get_dictionary_mut(self.page) {
            page.set("Resources", Object::Dictionary(resources));
        }
        let document = &*document;
        guard(|| {
            let mut collector = Collector::new(flat);
            pdf_extract::output_doc_page(document, &mut collector, 1).map_err(|error| error.to_string())?;
            Ok(collector.finish())
        })?
    }
}

fn open(bytes: &[u8]) -> Result<Document, ExtractError> {
    guard(|| load(bytes)).unwrap_or_else(|reason| Err(ExtractError::malformed(PDF, reason)))
}

fn load(bytes: &[u8]) -> Result<Document, ExtractError> {
    let start = bytes.windows(5).take(1024).position(|window| window == b"%PDF-").unwrap_or(0);
    let loaded = Document::load_mem(bytes).or_else(|error| match start {
        0 => Err(error),
        _ => Document::load_mem(&bytes[start..]),
    });
    let mut document = loaded.map_err(|error| match error {
        Error::InvalidPassword | Error::Decryption(_) => encrypted(),
        error => ExtractError::malformed(PDF, error),
    })?;
    if document.is_encrypted() {
        // Many files are locked with an empty password: anyone may read them.
        document.decrypt("").map_err(|_| encrypted())?;
    }
    // Pictures are never looked at, and take most of the memory.
    for object in document.objects.values_mut() {
        if let Object::Stream(stream) = object
            && stream.dict.get(b"Subtype").and_then(Object::as_name).is_ok_and(|kind| kind == b"Image")
        {
            stream.content = Vec::new();
        }
    }
    Ok(document)
}

/// Whether the list of pages leads to one that is there.
fn has_page(document: &Document) -> bool {
    pages(document, 64).iter().any(|page| document.get_dictionary(*page).is_ok())
}

fn encrypted() -> ExtractError {
    ExtractError::Encrypted { format: PDF.into() }
}

/// Runs third-party code; a panic becomes the reason.
pub(super) fn guard<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let message = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no reason was given");
        let mut message = format!("the parser gave up: {}", one_line(message));
        if let Some((end, _)) = message.char_indices().nth(200) {
            message.truncate(end);
            message.push('…');
        }
        message
    })
}
