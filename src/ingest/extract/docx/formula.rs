//! Formulas (Office Math, ECMA-376 part 1, section 22.1) on one line, as a person would type them: `x^2`, `(a+b)/c`,
//! `∑_(n=1)^∞ a_n`, `√(x)`. What has more than one part is put in brackets where its end would not be seen otherwise.

use super::body::Body;
use crate::ingest::extract::{ExtractError, xml::Element};

/// The parts of a construct, by the names of their elements, in order.
type Parts = Vec<(String, String)>;

/// What the properties of a construct say about how it looks.
#[derive(Debug, Default)]
struct Signs {
    /// The operator of a sum, the accent of a letter.
    sign: Option<String>,
    begin: Option<String>,
    separator: Option<String>,
    end: Option<String>,
    /// A fraction without a line: one number above another.
    stacked: bool,
}

impl Body<'_> {
    /// Reads the rest of a formula, or of a part of one.
    pub(super) fn formula(&mut self) -> Result<String, ExtractError> {
        let mut text = String::new();
        let mut before = String::new();
        while let Some(element) = self.reader.child()? {
            let part = self.formula_part(&element)?;
            let starts_a_word = part.starts_with(char::is_alphanumeric);
            let follows_a_word = text.ends_with(char::is_alphanumeric);
            // Between the formulas of a paragraph of formulas.
            if element.is("oMath") && !text.is_empty() {
                text.push('\n');
            } else if starts_a_word
                && (matches!(before.as_str(), "f" | "sSup" | "sSub" | "sSubSup") || element.is("f") && follows_a_word)
            {
                // `x^k a` is not `x^ka`, and `n a/b` not `na/b`.
                text.push(' ');
            }
            text.push_str(&part);
            element.name().clone_into(&mut before);
        }
        Ok(text)
    }

    fn formula_part(&mut self, element: &Element<'_>) -> Result<String, ExtractError> {
        match element.name() {
            "t" => self.reader.text_of_current(),
            "br" => self.reader.skip().map(|()| "\n".to_owned()),
            "rPr" | "ctrlPr" | "del" | "moveFrom" | "argPr" | "oMathParaPr" => {
                self.reader.skip().map(|()| String::new())
            }
            "f" | "sSup" | "sSub" | "sSubSup" | "sPre" | "rad" | "nary" | "d" | "func" | "limLow" | "limUpp"
            | "acc" | "m" | "eqArr" => {
                let (signs, parts) = self.parts()?;
                Ok(on_one_line(element.name(), &signs, &parts))
            }
            _ => self.formula(),
        }
    }

    fn parts(&mut self) -> Result<(Signs, Parts), ExtractError> {
        let mut signs = Signs::default();
        let mut parts = Vec::new();
        while let Some(element) = self.reader.child()? {
            if element.name().ends_with("Pr") {
                self.signs(&mut signs)?;
            } else if element.is("mr") {
                let (_, row) = self.parts()?;
                parts.push(("mr".to_owned(), all(&row, "e").join(", ")));
            } else {
                let text = self.formula()?;
                parts.push((element.name().to_owned(), text));
            }
        }
        Ok((signs, parts))
    }

    fn signs(&mut self, signs: &mut Signs) -> Result<(), ExtractError> {
        while let Some(property) = self.reader.child()? {
            let value = property.value();
            match property.name() {
                "chr" => signs.sign = value,
                "begChr" => signs.begin = value,
                "sepChr" => signs.separator = value,
                "endChr" => signs.end = value,
                "type" => signs.stacked = value.as_deref() == Some("noBar"),
                _ => {}
            }
            self.reader.skip()?;
        }
        Ok(())
    }
}

fn on_one_line(kind: &str, signs: &Signs, parts: &Parts) -> String {
    let part = |name: &str| all(parts, name).first().map_or("", |text| text.trim());
    let (base, above, below) = (part("e"), raised("^", part("sup")), raised("_", part("sub")));
    let sign = |default: &str| signs.sign.clone().unwrap_or_else(|| default.to_owned());
    match kind {
        "f" if signs.stacked => format!("{}; {}", part("num"), part("den")),
        "f" => format!("{}/{}", bracketed(part("num")), bracketed(part("den"))),
        "sSup" | "sSub" | "sSubSup" => format!("{}{below}{above}", bracketed(base)),
        "sPre" => format!("{below}{above} {base}"),
        "rad" if part("deg").is_empty() => format!("√({base})"),
        "rad" => format!("√[{}]({base})", part("deg")),
        "nary" => format!("{}{below}{above} {base}", sign("∫")),
        "func" => match bracketed(base) {
            base if base.starts_with(['(', '[', '{', '|']) => format!("{}{base}", part("fName")),
            base => format!("{} {base}", part("fName")),
        },
        "limLow" => format!("{base}{}", raised("_", part("lim"))),
        "limUpp" => format!("{base}{}", raised("^", part("lim"))),
        // Accents are combining characters, which stand behind their letter.
        "acc" => format!("{base}{}", sign("\u{302}")),
        "m" => format!("[{}]", all(parts, "mr").join("; ")),
        "eqArr" => all(parts, "e").join("; "),
        _ => {
            let (begin, end) = (signs.begin.as_deref().unwrap_or("("), signs.end.as_deref().unwrap_or(")"));
            format!("{begin}{}{end}", all(parts, "e").join(signs.separator.as_deref().unwrap_or("|")))
        }
    }
}

fn all<'a>(parts: &'a Parts, name: &str) -> Vec<&'a str> {
    parts.iter().filter(|(part, _)| part == name).map(|(_, text)| text.as_str()).collect()
}

fn raised(sign: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{sign}{}", bracketed(text)) }
}

/// In brackets, unless it is one name, one number, one sign, or stands in brackets that belong together.
fn bracketed(text: &str) -> String {
    let is_name = text.chars().all(|c| c.is_alphabetic() || c == '\'');
    let is_number = text.chars().all(|c| c.is_numeric() || matches!(c, '.' | ','));
    if is_name || is_number || text.chars().count() == 1 || is_in_brackets(text) {
        text.to_owned()
    } else {
        format!("({text})")
    }
}

fn is_in_brackets(text: &str) -> bool {
    let mut open = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => open += 1,
            ')' => open = open.saturating_sub(1),
            _ => {}
        }
        if open == 0 {
            return at > 0 && at + c.len_utf8() == text.len();
        }
    }
    false
}
