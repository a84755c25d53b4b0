//! Lists as Python and numpy print them into a cell of a CSV file: `['One.' "It's two."\n 'Three.']`, `[31 7]`.
//!
//! May depend on nothing of this crate.

/// The strings of a printed list: each in single or double quotes, with Python's escapes; commas between them or not.
pub fn strings(list: &str) -> Result<Vec<String>, String> {
    let mut characters = inside(list)?.chars();
    let mut found = Vec::new();
    while let Some(quote) = characters.next() {
        match quote {
            '\'' | '"' => found.push(string(&mut characters, quote)?),
            ',' => {}
            space if space.is_whitespace() => {}
            other => return Err(format!("{other:?} stands between two strings of a list")),
        }
    }
    Ok(found)
}

/// The numbers of a printed list.
pub fn numbers<T: std::str::FromStr>(list: &str) -> Result<Vec<T>, String> {
    let words = inside(list)?.split([' ', ',', '\n']).filter(|word| !word.is_empty());
    words.map(|word| word.parse().map_err(|_| format!("{word:?} is no number of a list"))).collect()
}

fn inside(list: &str) -> Result<&str, String> {
    let inside = list.trim().strip_prefix('[').and_then(|list| list.strip_suffix(']'));
    inside.ok_or_else(|| "it is no list in brackets".to_owned())
}

fn string(characters: &mut std::str::Chars<'_>, quote: char) -> Result<String, String> {
    let mut text = String::new();
    loop {
        match characters.next() {
            Some('\\') => text.push(escaped(characters)?),
            Some(c) if c == quote => return Ok(text),
            Some(c) => text.push(c),
            None => return Err("a string of a list is not closed".to_owned()),
        }
    }
}

fn escaped(characters: &mut std::str::Chars<'_>) -> Result<char, String> {
    let digits = match characters.next() {
        Some('n') => return Ok('\n'),
        Some('t') => return Ok('\t'),
        Some('r') => return Ok('\r'),
        Some(c @ ('\\' | '\'' | '"')) => return Ok(c),
        Some('x') => 2,
        Some('u') => 4,
        Some('U') => 8,
        other => return Err(format!("a list holds the escape {other:?}, which is none of Python's")),
    };
    let code: String = characters.by_ref().take(digits).collect();
    let character = u32::from_str_radix(&code, 16).ok().filter(|_| code.len() == digits).and_then(char::from_u32);
    character.ok_or_else(|| format!("a list holds the escape {code:?}, which is no character"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_printed_list_of_strings_is_read_with_either_quote() {
        let list = "['One\\'s first.' \"It's second.\"\n 'Third \"quoted\".', '\\xb5\\u2009\\U0001f600\\\\\\n']";
        assert_eq!(
            strings(list).unwrap(),
            ["One's first.", "It's second.", "Third \"quoted\".", "\u{b5}\u{2009}\u{1f600}\\\n"]
        );
        assert!(strings("[]").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for list in ["", "'One.'", "['One.", "['One.]", "['One.' ... 'Two.']", "['\\q']", "['\\x4']", "['\\ud800']"] {
            assert!(strings(list).is_err(), "{list}");
        }
    }

    #[test]
    fn numbers_are_read_with_any_space_between_them() {
        assert_eq!(numbers::<u64>("[ 301838 2734421\n 3952288]").unwrap(), [301_838, 2_734_421, 3_952_288]);
        assert_eq!(numbers::<u64>("[1, 9]").unwrap(), [1, 9]);
        assert!(numbers::<u64>("[]").unwrap().is_empty());
        assert!(numbers::<u64>("[a]").is_err() && numbers::<u64>("4").is_err() && numbers::<u64>("[-1]").is_err());
    }
}
