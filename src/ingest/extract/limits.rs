//! The bounds that one file is read within.
//!
//! May depend on nothing.

use serde::{Deserialize, Serialize};

/// What one file may cost. A file beyond a bound is refused whole, never cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtractLimits {
    /// The most bytes of extracted text.
    pub max_text_bytes: usize,
    /// The most pages of a PDF, and slides of a presentation.
    pub max_pages: usize,
    /// The most bytes that the parts of one archive may unpack to together, and one stream of a PDF alone.
    pub max_uncompressed_bytes: u64,
    /// The most cells of one workbook that hold something, or that a table of it needs between those.
    pub max_cells: usize,
    /// How deep elements, objects and form streams may be nested.
    pub max_depth: usize,
    /// The most files and e-mails that an archive, a mailbox or an e-mail may hold, those in what it holds included.
    pub max_files: usize,
    /// How deep archives, mailboxes and e-mails may lie in each other; a file that lies deeper is left out and reported.
    pub max_file_depth: usize,
}

impl Default for ExtractLimits {
    fn default() -> Self {
        Self {
            max_text_bytes: 64 << 20,
            max_pages: 10_000,
            max_uncompressed_bytes: 512 << 20,
            max_cells: 4 << 20,
            max_depth: 256,
            max_files: 10_000,
            max_file_depth: 4,
        }
    }
}
