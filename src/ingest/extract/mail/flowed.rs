//! Plain text that flows (RFC 3676, `format=flowed; delsp=yes`): the lines into which a program has broken a paragraph are
//! one again.
//!
//! May depend on nothing.

/// Joins the lines that end with a blank to the next one, without the blank, as far as both are quoted equally deep. Where
/// blanks are kept (`delsp=no`), the lines are as good as joined and stay.
pub(super) fn joined(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // How deep the line before is quoted, where it goes on.
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let bare = line.trim_start_matches('>');
        let depth = line.len() - bare.len();
        // A blank was put before what could be taken for a quotation or the like.
        let bare = bare.strip_prefix(' ').unwrap_or(bare);
        // The line over a signature ends with a blank and never goes on.
        let is_signature = bare == "-- ";
        if open != Some(depth) || is_signature {
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(&line[..depth]);
            if depth > 0 && !bare.is_empty() {
                out.push(' ');
            }
        }
        let words = bare.strip_suffix(' ').filter(|_| !is_signature);
        out.push_str(words.unwrap_or(bare));
        open = words.map(|_| depth);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_go_on_are_joined_without_their_blank() {
        for (text, expected) in [
            ("日本語の \n文章です。\n次。", "日本語の文章です。\n次。"),
            ("one  \ntwo\r\n\r\nthree \r\n", "one two\n\nthree"),
            ("> 引用 \n> 文\n>> 深い \n答え \nです", "> 引用文\n>> 深い\n答えです"),
            (" >no quotation\n From me", ">no quotation\nFrom me"),
            ("end \n-- \nAnn", "end\n-- \nAnn"),
            ("> \n>\nx", ">\n>\nx"),
        ] {
            assert_eq!(joined(text), expected, "{text}");
        }
    }
}
