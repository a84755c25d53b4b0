//! Names of objects that `object_store` cannot ask for, such as `a//b`.
//!
//! It refuses the whole page of a list that holds one of them, so that one object would keep all others from being
//! followed. Others it takes for a neighbour: it drops a slash or a space at either end. So the answers of the
//! service are read before it reads them, and such a name is written in a way that it takes, which [`original`] undoes.
//! Depends on `object_store` and `quick_xml`, on the network not at all.

use object_store::path::Path as Key;

/// What a name begins with that stands for another one.
const MARK: &str = "footnote-cannot-ask-for-";

/// The answer to a list request, with all names in a way that `object_store` takes. What is no such answer is left as it
/// is.
pub(super) fn askable(answer: &str) -> String {
    let mut all = String::with_capacity(answer.len());
    let mut rest = answer;
    // In XML no `<` stands in a text, so this is where names are and nowhere else.
    while let Some((before, (name, after))) =
        rest.split_once("<Key>").and_then(|(before, from)| Some((before, from.split_once("</Key>")?)))
    {
        all.push_str(before);
        all.push_str("<Key>");
        match quick_xml::escape::unescape(name) {
            Ok(key) if !can_ask_for(&key) => {
                all.push_str(MARK);
                all.push_str(&hex::encode(key.as_bytes()));
            }
            _ => all.push_str(name),
        }
        all.push_str("</Key>");
        rest = after;
    }
    all.push_str(rest);
    all
}

/// The name that another one stands for, if it does.
pub(super) fn original(name: &Key) -> Option<String> {
    String::from_utf8(hex::decode(name.as_ref().strip_prefix(MARK)?).ok()?).ok()
}

/// Why an object is not followed.
pub(super) fn problem(key: &str) -> String {
    format!(
        "the object `{}` cannot be asked for: no part of its name between slashes may be empty, `.` or `..`, no space may \
         begin or end it, and no control character may be in it: give it another name",
        key.escape_debug()
    )
}

/// Whether this very name comes out of a list, and leads to the object when it is asked for. What begins like a name
/// that stands for another one is treated as one, so that no object can pass for it.
fn can_ask_for(key: &str) -> bool {
    // Of white space, XML knows besides these only control characters, which `parse` refuses.
    let trimmed = key.trim_matches(' ');
    trimmed == key && !key.starts_with(MARK) && Key::parse(key).is_ok_and(|parsed| parsed.as_ref() == key)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_that_cannot_be_asked_for_come_back_and_all_others_are_left_alone() {
        let of = |keys: &[&str]| {
            let contents: String = keys.iter().map(|key| format!("<Contents><Key>{key}</Key></Contents>")).collect();
            format!("<ListBucketResult><Name>b</Name>{contents}<IsTruncated>false</IsTruncated></ListBucketResult>")
        };
        let fine = of(&["docs/a.md", "a &amp; b.md", "ä/&#x4e2d;.md", "..a", "a\u{a0}", ""]);
        assert_eq!(askable(&fine), fine);
        let marked = format!("{MARK}6162");
        for key in ["a//b", "a/../b", "./a", "/a", "a/", "a/ ", " a", marked.as_str()] {
            let answer = askable(&of(&["before", key, "behind"]));
            let names: Vec<&str> = answer.split("<Key>").skip(1).map(|at| at.split_once("</Key>").unwrap().0).collect();
            assert_eq!((names.len(), names[0], names[2]), (3, "before", "behind"), "{key}: {answer}");
            let taken = Key::parse(names[1]).unwrap();
            assert_eq!((taken.as_ref(), original(&taken).as_deref()), (names[1], Some(key)));
        }
        let escaped = askable(&of(&["a//b &lt;c&gt;"]));
        let name = escaped.split_once("<Key>").unwrap().1.split_once("</Key>").unwrap().0;
        assert_eq!(original(&Key::parse(name).unwrap()).unwrap(), "a//b <c>");
        assert_eq!(original(&Key::parse("docs/a.md").unwrap()), None);
        assert_eq!(askable("<Error><Key>a//b"), "<Error><Key>a//b", "cut off, and not ours to judge");
    }
}
