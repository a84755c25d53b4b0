//! Lists: items, numbered items, terms with their meanings, callouts.

use super::{Parser, blocks::delimited};
use crate::ingest::extract::ExtractError;

/// A mark at the beginning of a line: what it is, how deep it lies, and the words after it.
struct Mark<'a> {
    kind: Kind,
    depth: usize,
    words: &'a str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bullet,
    Number,
    Callout,
    Term,
}

fn mark(line: &str) -> Option<Mark<'_>> {
    let bare = line.trim_start();
    let (first, words) = bare.split_once(' ').unwrap_or((bare, ""));
    let all = |c: char| !first.is_empty() && first.chars().all(|found| found == c);
    if !words.is_empty() {
        for (c, kind) in [('*', Kind::Bullet), ('.', Kind::Number)] {
            if all(c) && first.len() <= 6 {
                return Some(Mark { kind, depth: first.len(), words });
            }
        }
        if first == "-" {
            // It stands beside `*`, and lies in it.
            return Some(Mark { kind: Kind::Bullet, depth: 0, words });
        }
        let number =
            first.strip_suffix('.').filter(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
        if number.is_some() {
            return Some(Mark { kind: Kind::Number, depth: 1, words });
        }
        let callout = first.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
        if callout.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit() || b == b'.')) {
            return Some(Mark { kind: Kind::Callout, depth: 1, words });
        }
    }
    let (_, meaning) = bare.split_once("::").filter(|(term, _)| !term.is_empty() && !term.contains("//"))?;
    let more = meaning.bytes().take_while(|byte| *byte == b':').count();
    let meaning = &meaning[more..];
    let is_term = (meaning.is_empty() || meaning.starts_with(' ')) && !line.starts_with([' ', '\t']);
    is_term.then_some(Mark { kind: Kind::Term, depth: 1 + more, words: bare })
}

pub(super) fn is_marked(line: &str) -> bool {
    mark(line).is_some()
}

impl Parser {
    /// Reads a list, if the lines begin with one, and returns how many lines it has.
    pub(super) fn list(&mut self, lines: &[&str]) -> Result<Option<usize>, ExtractError> {
        match mark(lines[0]) {
            Some(first) => self.items(lines, (first.kind, first.depth), &mut Vec::new()).map(Some),
            None => Ok(None),
        }
    }

    /// Items of one kind and depth; `around` are those that it lies in.
    fn items(
        &mut self,
        lines: &[&str],
        here: (Kind, usize),
        around: &mut Vec<(Kind, usize)>,
    ) -> Result<usize, ExtractError> {
        let mut at = 0;
        let mut number = 0;
        self.flow.begin_list();
        while let Some(line) = lines.get(at) {
            if line.is_empty() {
                // Blank lines part items, and end a list before anything else, a comment too.
                let next = lines[at..].iter().find(|line| !line.is_empty());
                if next.and_then(|next| mark(next)).is_none() {
                    break;
                }
                at += 1;
                continue;
            }
            let Some(found) = mark(line) else { break };
            if (found.kind, found.depth) != here {
                break;
            }
            number += 1;
            at += self.item(&lines[at..], &found, number, here, around)?;
        }
        self.flow.end_list();
        Ok(at.max(1))
    }

    fn item(
        &mut self,
        lines: &[&str],
        found: &Mark<'_>,
        number: usize,
        here: (Kind, usize),
        around: &mut Vec<(Kind, usize)>,
    ) -> Result<usize, ExtractError> {
        let shown = match found.kind {
            Kind::Bullet | Kind::Term => "- ".to_owned(),
            Kind::Number | Kind::Callout => format!("{number}. "),
        };
        let outer = self.flow.begin_item(&shown)?;
        let mut at = 1;
        let mut words = vec![found.words];
        if found.kind == Kind::Term {
            let (term, meaning) = found.words.split_once("::").unwrap_or((found.words, ""));
            let term = self.text(term.trim());
            self.flow.paragraph(&term)?;
            self.flow.follow_closely();
            words = vec![meaning.trim_start_matches(':').trim()];
            // The meaning may stand below a blank line.
            if words[0].is_empty() {
                let blanks = lines[at..].iter().take_while(|line| line.is_empty()).count();
                let next =
                    lines.get(at + blanks).filter(|next| mark(next).is_none() && !next.starts_with(['=', '[', '+']));
                at += if next.is_some() { blanks } else { 0 };
            }
        }
        while let Some(line) = lines.get(at) {
            let ends = line.is_empty() || *line == "+" || mark(line).is_some() || delimited(&lines[at..]).is_some();
            if ends || line.starts_with('[') && line.ends_with(']') {
                break;
            }
            if !line.starts_with("//") {
                words.push(line.trim());
            }
            at += 1;
        }
        let words = self.text(&words.join(" "));
        self.flow.paragraph(&words)?;
        loop {
            // `+` ties the next block to the item.
            if lines.get(at) == Some(&"+") {
                at += 1;
                while lines.get(at).is_some_and(|line| !line.is_empty()) {
                    let is_about = lines[at].starts_with('[') || lines[at].starts_with('.');
                    at += self.block(&lines[at..])?;
                    if !is_about {
                        break;
                    }
                }
                at = at.min(lines.len());
                continue;
            }
            let blanks = lines[at.min(lines.len())..].iter().take_while(|line| line.is_empty()).count();
            let Some(next) = lines.get(at + blanks).and_then(|line| mark(line)) else { break };
            let inner = (next.kind, next.depth);
            if inner == here || around.contains(&inner) {
                break;
            }
            around.push(here);
            at += blanks;
            at += self.items(&lines[at..], inner, around)?;
            around.pop();
        }
        self.flow.end_item(outer);
        Ok(at)
    }
}
