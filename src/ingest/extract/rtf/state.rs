//! What holds inside a group and ends with it, and where the words of a group belong.

/// Where words go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Destination {
    /// The text of the document.
    Body,
    /// Nowhere: pictures, bookmarks, what a program keeps for itself.
    Nowhere,
    Fonts,
    Styles,
    /// The properties of the document, of which the title is taken.
    Info,
    Title,
    /// What stands before an item of a list.
    ListMark,
    Footnote,
    /// Markup of a page that was put into rich text ([MS-OXRTFEX]).
    HtmlTag,
}

/// The properties that a group inherits and may change for itself.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) destination: Destination,
    pub(super) font: i32,
    /// How many characters stand in for one that is written by its number.
    pub(super) stand_ins: usize,
    /// Hidden, or deleted by a revision.
    pub(super) unseen: bool,
    /// Only there for programs that do not know that there is a page inside.
    pub(super) not_html: bool,
    pub(super) paragraph: Paragraph,
}

impl Group {
    pub(super) fn new() -> Self {
        Self {
            destination: Destination::Body,
            font: 0,
            stand_ins: 1,
            unseen: false,
            not_html: false,
            paragraph: Paragraph::default(),
        }
    }
}

/// The properties of a paragraph that say what it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Paragraph {
    pub(super) style: Option<i32>,
    /// 0 for a heading of the first level; 9 is body text.
    pub(super) outline: Option<i32>,
    pub(super) in_table: bool,
    pub(super) list_level: usize,
}

/// Groups whose words are no text, although nothing marks them so.
const NO_TEXT: [&str; 37] = [
    "aftncn",
    "aftnsep",
    "aftnsepc",
    "buptim",
    "colortbl",
    "comment",
    "creatim",
    "doccomm",
    "filetbl",
    "fldinst",
    "footer",
    "footerf",
    "footerl",
    "footerr",
    "ftncn",
    "ftnsep",
    "ftnsepc",
    "header",
    "headerf",
    "headerl",
    "headerr",
    "keycode",
    "listtable",
    "nonesttables",
    "nonshppict",
    "objdata",
    "pict",
    "printim",
    "private",
    "revtim",
    "rxe",
    "sp",
    "stextflow",
    "tc",
    "template",
    "txe",
    "xe",
];

/// Groups that are marked as ones to pass over and hold text all the same.
const TEXT: [&str; 3] = ["shpinst", "shptxt", "upr"];

/// The destination that a control word at the beginning of a group names; `None` where it is no destination.
pub(super) fn destination_of(word: &str, ignorable: bool) -> Option<Destination> {
    Some(match word {
        "fonttbl" => Destination::Fonts,
        "stylesheet" => Destination::Styles,
        "info" => Destination::Info,
        "title" => Destination::Title,
        "listtext" | "pntext" => Destination::ListMark,
        "footnote" => Destination::Footnote,
        "htmltag" => Destination::HtmlTag,
        word if NO_TEXT.contains(&word) => Destination::Nowhere,
        word if ignorable && !TEXT.contains(&word) => Destination::Nowhere,
        _ => return None,
    })
}
