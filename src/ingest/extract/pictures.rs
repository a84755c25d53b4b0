//! Pictures, alone, in documents or as the pages of a PDF: no words are read from them here. What is said of them is
//! enough for the parent of this process to hand them to a text recognition program, if there is one (see [`super::ocr`]).
//!
//! May depend on `structure`.

use super::{ExtractError, structure::one_line};

/// The kinds of pictures that text recognition programs take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PictureKind {
    Png,
    Jpeg,
    Tiff,
}

impl PictureKind {
    pub(super) fn of_extension(extension: &str) -> Option<Self> {
        match extension {
            "png" => Some(Self::Png),
            "jpg" | "jpeg" => Some(Self::Jpeg),
            "tif" | "tiff" => Some(Self::Tiff),
            _ => None,
        }
    }

    /// By the first bytes of the file.
    pub(super) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => Some(Self::Tiff),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Png => "an image (image/png)",
            Self::Jpeg => "an image (image/jpeg)",
            Self::Tiff => "an image (image/tiff)",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Tiff => "tif",
        }
    }
}

/// What a document says of a picture for those who cannot see it. One word alone is a file name or a default, except in
/// writing that has no blanks between words.
pub(super) fn description(text: &str) -> Option<String> {
    /// The radicals of Chinese; what comes behind them is East Asian.
    const FIRST_WITHOUT_BLANKS: char = '\u{2e80}';
    let words = one_line(text);
    let is_one = words.contains(' ') || words.contains(|c: char| c >= FIRST_WITHOUT_BLANKS);
    is_one.then_some(words)
}

/// Why a picture has no text.
pub(super) fn in_place_of_text(kind: PictureKind) -> ExtractError {
    ExtractError::OnlyPictures { what: kind.name().into(), extension: kind.extension().into() }
}

/// The media type of what has such an ending.
pub(super) fn media_type(extension: &str) -> &'static str {
    match extension {
        "png" => "image/png",
        "jpg" => "image/jpeg",
        "tif" => "image/tiff",
        _ => "application/pdf",
    }
}

/// What is lost where these pages hold only pictures and nothing reads them.
pub(super) fn unread_pages(pages: &[u32]) -> String {
    let (noun, verb) = if pages.len() == 1 { ("page", "holds") } else { ("pages", "hold") };
    format!("{noun} {} {verb} only pictures and no words", ranges(pages))
}

/// `3–5, 8`.
fn ranges(pages: &[u32]) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for page in pages {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *page => *last = *page,
            _ => runs.push((*page, *page)),
        }
    }
    let run = |(first, last): &(u32, u32)| {
        if first == last { first.to_string() } else { format!("{first}\u{2013}{last}") }
    };
    runs.iter().map(run).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_no_descriptions() {
        assert_eq!(description(" A red\nbuoy ").as_deref(), Some("A red buoy"));
        assert_eq!(
            description("\u{8d64}\u{3044}\u{30d6}\u{30a4}").as_deref(),
            Some("\u{8d64}\u{3044}\u{30d6}\u{30a4}")
        );
        for none in ["", "  ", "image1.png", "Grafik"] {
            assert_eq!(description(none), None, "{none:?}");
        }
    }

    #[test]
    fn pages_are_named_in_runs() {
        assert_eq!(unread_pages(&[3]), "page 3 holds only pictures and no words");
        assert_eq!(unread_pages(&[1, 3, 4, 5, 8]), "pages 1, 3\u{2013}5, 8 hold only pictures and no words");
    }
}
