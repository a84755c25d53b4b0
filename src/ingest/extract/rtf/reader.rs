//! Follows the groups and control words of rich text, and gives its characters to whatever they belong to.

use super::{
    blocks::Blocks,
    dos,
    fonts::{Fonts, Letters},
    state::{Destination, Group, destination_of},
    token::{Token, Tokens},
};
use crate::ingest::extract::{ExtractError, ExtractLimits, writer::MarkdownWriter};

pub(super) struct Reader<'l> {
    limits: &'l ExtractLimits,
    groups: Vec<Group>,
    group: Group,
    fonts: Fonts,
    pub(super) blocks: Blocks,
    /// The paragraph that is being read.
    text: String,
    /// Bytes that are not decoded yet: one character may take two.
    bytes: Vec<u8>,
    /// The first half of a character that takes two numbers.
    surrogate: Option<u16>,
    /// Characters to pass over, which stand in for one that was written by its number.
    to_skip: usize,
    /// Whether a group has just begun, and whether it may be passed over.
    at_start: bool,
    ignorable: bool,
    /// A style that is being read: its number, its level, its name.
    style: (i32, Option<i32>, String),
    note: String,
    pub(super) title: String,
    /// The page that was put into rich text, once it is known that there is one and it is what is wanted.
    pub(super) html: Option<String>,
    wants_html: bool,
}

impl<'l> Reader<'l> {
    pub(super) fn new(limits: &'l ExtractLimits, wants_html: bool) -> Self {
        Self {
            limits,
            groups: Vec::new(),
            group: Group::new(),
            fonts: Fonts::default(),
            blocks: Blocks::new(MarkdownWriter::new("application/rtf", limits)),
            text: String::new(),
            bytes: Vec::new(),
            surrogate: None,
            to_skip: 0,
            at_start: false,
            ignorable: false,
            style: (0, None, String::new()),
            note: String::new(),
            title: String::new(),
            html: None,
            wants_html,
        }
    }

    pub(super) fn run(&mut self, bytes: &[u8]) -> Result<(), ExtractError> {
        let mut tokens = Tokens::new(bytes);
        while let Some(token) = tokens.next() {
            match token {
                Token::Open => self.open()?,
                Token::Close => self.close()?,
                Token::Word(b"bin", length) => tokens.pass_over(usize::try_from(length.unwrap_or(0)).unwrap_or(0)),
                Token::Word(b"u", Some(number)) => self.numbered(number),
                // Every other word and symbol may stand in for a character as well.
                Token::Word(..) | Token::Symbol(_) | Token::Byte(_) if self.to_skip > 0 => {
                    self.to_skip -= 1;
                }
                Token::Word(name, number) => self.word(&String::from_utf8_lossy(name), number)?,
                Token::Symbol(symbol) => self.symbol(symbol)?,
                Token::Byte(byte) => self.byte(byte),
                Token::Text(text) => {
                    let skipped = self.to_skip.min(text.len());
                    self.to_skip -= skipped;
                    text[skipped..].iter().for_each(|byte| self.byte(*byte));
                }
            }
            if self.text.len() + self.note.len() > self.limits.max_text_bytes {
                return Err(ExtractError::too_large("the extracted text in bytes", self.limits.max_text_bytes as u64));
            }
        }
        self.end_paragraph()?;
        self.blocks.end_table()
    }

    fn open(&mut self) -> Result<(), ExtractError> {
        self.decode();
        self.to_skip = 0;
        if self.groups.len() >= self.limits.max_depth {
            return Err(ExtractError::too_large("the depth of groups in each other", self.limits.max_depth as u64));
        }
        self.groups.push(self.group.clone());
        (self.at_start, self.ignorable) = (true, false);
        Ok(())
    }

    fn close(&mut self) -> Result<(), ExtractError> {
        self.decode();
        (self.to_skip, self.at_start, self.ignorable) = (0, false, false);
        let Some(outer) = self.groups.pop() else { return Ok(()) };
        let inner = std::mem::replace(&mut self.group, outer);
        if inner.destination == Destination::Styles && self.group.destination == Destination::Styles {
            self.end_style();
        }
        if inner.destination == Destination::Footnote && self.group.destination != Destination::Footnote {
            let note = std::mem::take(&mut self.note);
            self.blocks.notes.extend(Some(note.trim().to_owned()).filter(|note| !note.is_empty()));
        }
        Ok(())
    }

    /// A heading is what its style calls so, or what its style puts into the outline.
    fn end_style(&mut self) {
        let (number, outline, name) = std::mem::take(&mut self.style);
        let name = name.trim().trim_end_matches(';').trim().to_lowercase();
        let by_name = name.strip_prefix("heading ").and_then(|level| level.parse::<usize>().ok());
        let by_outline = outline.and_then(|outline| usize::try_from(outline).ok()).filter(|outline| *outline < 9);
        if let Some(level) = by_name.or(by_outline.map(|outline| outline + 1)).or((name == "title").then_some(1)) {
            self.blocks.heading_styles.insert(number, level);
        }
    }

    fn word(&mut self, name: &str, number: Option<i32>) -> Result<(), ExtractError> {
        self.decode();
        let (at_start, ignorable) = (std::mem::take(&mut self.at_start), std::mem::take(&mut self.ignorable));
        if at_start && let Some(destination) = destination_of(name, ignorable) {
            let inside = self.group.destination;
            // What lies in a group that goes nowhere goes nowhere.
            if inside != Destination::Nowhere {
                self.group.destination = destination;
            }
            return Ok(());
        }
        let is_on = number != Some(0);
        match name {
            "ansicpg" => {
                if let Some(letters) = number.and_then(Letters::of_code_page) {
                    self.fonts.default = letters;
                }
            }
            "mac" => self.fonts.default = Letters::Encoded(encoding_rs::MACINTOSH),
            "pc" => self.fonts.default = Letters::Dos(dos::PAGE_437),
            "pca" => self.fonts.default = Letters::Dos(dos::PAGE_850),
            "deff" => {
                self.fonts.default_font = number.unwrap_or(0);
                self.group.font = self.fonts.default_font;
            }
            "fromhtml" if is_on && self.wants_html => self.html = Some(String::new()),
            "htmlrtf" => self.group.not_html = is_on,
            "f" => self.group.font = number.unwrap_or(0),
            "fcharset" => self.fonts.set_charset(self.group.font, number.unwrap_or(0)),
            "cpg" => self.fonts.set_code_page(self.group.font, number.unwrap_or(0)),
            "uc" => self.group.stand_ins = usize::try_from(number.unwrap_or(1)).unwrap_or(1),
            "v" | "deleted" => self.group.unseen = is_on,
            "plain" => (self.group.font, self.group.unseen) = (self.fonts.default_font, false),
            "pard" => self.group.paragraph = Default::default(),
            "s" if self.group.destination == Destination::Styles => self.style.0 = number.unwrap_or(0),
            "s" => self.group.paragraph.style = number,
            "outlinelevel" if self.group.destination == Destination::Styles => self.style.1 = number,
            "outlinelevel" => self.group.paragraph.outline = number,
            "intbl" => self.group.paragraph.in_table = is_on,
            "ilvl" => self.group.paragraph.list_level = usize::try_from(number.unwrap_or(0)).unwrap_or(0),
            _ => self.characters(name)?,
        }
        Ok(())
    }

    /// Words that stand for characters or end something.
    fn characters(&mut self, name: &str) -> Result<(), ExtractError> {
        let is_body = self.group.destination == Destination::Body && self.html.is_none();
        match name {
            "par" | "sect" | "page" if is_body => self.end_paragraph()?,
            "par" | "sect" | "page" | "line" => self.put("\n"),
            "cell" if is_body => {
                let text = std::mem::take(&mut self.text);
                self.blocks.end_cell(text);
            }
            "row" if is_body => self.blocks.end_row(),
            "trowd" if is_body => self.blocks.continued.clear(),
            "clvmrg" if is_body => self.blocks.continues = true,
            "cellx" if is_body => self.blocks.end_cell_definition(),
            "nestcell" | "nestrow" => self.put("\n"),
            "tab" => self.put("\t"),
            "emdash" => self.put("\u{2014}"),
            "endash" => self.put("\u{2013}"),
            "lquote" => self.put("\u{2018}"),
            "rquote" => self.put("\u{2019}"),
            "ldblquote" => self.put("\u{201c}"),
            "rdblquote" => self.put("\u{201d}"),
            "bullet" => self.put("\u{2022}"),
            "emspace" | "enspace" | "qmspace" => self.put(" "),
            _ => {}
        }
        Ok(())
    }

    fn symbol(&mut self, symbol: u8) -> Result<(), ExtractError> {
        if symbol == b'*' && self.at_start {
            self.ignorable = true;
            return Ok(());
        }
        self.at_start = false;
        match symbol {
            b'{' | b'}' | b'\\' => self.byte(symbol),
            b'~' => self.character("\u{a0}"),
            b'_' => self.character("\u{2011}"),
            b'\r' | b'\n' => {
                self.decode();
                self.characters("par")?;
            }
            _ => {}
        }
        Ok(())
    }

    fn character(&mut self, text: &str) {
        self.decode();
        self.put(text);
    }

    fn byte(&mut self, byte: u8) {
        self.at_start = false;
        self.bytes.push(byte);
    }

    /// A character by its number, which may be half of one.
    fn numbered(&mut self, number: i32) {
        self.decode();
        self.at_start = false;
        self.to_skip = self.group.stand_ins;
        // Written as a signed number of 16 bits, and by some programs as what it is.
        let unit = if number < 0 { number + 0x1_0000 } else { number };
        match (self.surrogate.take(), u16::try_from(unit)) {
            (_, Ok(high)) if (0xd800..0xdc00).contains(&high) => self.surrogate = Some(high),
            (high, Ok(unit)) => {
                let units: Vec<u16> = high.into_iter().chain([unit]).collect();
                // Symbols of fonts lie in an area of their own, with the byte at the end.
                let sign = self.fonts.sign(self.group.font, unit.into()).filter(|_| unit >= 0xf000);
                match (sign, unit) {
                    (Some(sign), _) => self.put(sign.encode_utf8(&mut [0; 4])),
                    (None, 0xf0b7 | 0xf0a7 | 0xf0d8) => self.put("\u{2022}"),
                    _ => self.put(&String::from_utf16_lossy(&units)),
                }
            }
            (_, Err(_)) => {
                if let Some(c) = u32::try_from(number).ok().and_then(char::from_u32) {
                    self.put(c.encode_utf8(&mut [0; 4]));
                }
            }
        }
    }

    /// Turns the bytes that have gathered into characters.
    fn decode(&mut self) {
        if self.bytes.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.bytes);
        let font = self.group.font;
        let text = match self.fonts.letters(font) {
            Letters::Encoded(encoding) => encoding.decode_without_bom_handling(&bytes).0.into_owned(),
            Letters::Dos(page) => dos::decoded(&bytes, page),
            Letters::Signs => {
                // What the signs of another font look like is not known.
                let bare = |byte: u8| if byte < 0x80 { char::from(byte) } else { '\u{2022}' };
                bytes.iter().map(|byte| self.fonts.sign(font, (*byte).into()).unwrap_or_else(|| bare(*byte))).collect()
            }
        };
        self.put(&text);
    }

    fn put(&mut self, text: &str) {
        if let Some(html) = &mut self.html {
            let is_page = match self.group.destination {
                Destination::HtmlTag => true,
                Destination::Body => !self.group.not_html,
                _ => false,
            };
            if is_page {
                html.push_str(text);
            }
            return;
        }
        if self.group.unseen {
            return;
        }
        match self.group.destination {
            Destination::Body => self.text.push_str(text),
            Destination::ListMark => self.blocks.mark.push_str(text),
            Destination::Footnote => self.note.push_str(text),
            Destination::Styles => self.style.2.push_str(text),
            Destination::Title => self.title.push_str(text),
            Destination::Fonts => self.fonts.add_to_name(self.group.font, text),
            Destination::Nowhere | Destination::Info | Destination::HtmlTag => {}
        }
    }

    fn end_paragraph(&mut self) -> Result<(), ExtractError> {
        self.decode();
        let text = std::mem::take(&mut self.text);
        self.blocks.paragraph(text, self.group.paragraph)
    }
}
