//! The sheet as one HTML page that works from a file: buttons for each question, and a download of what was chosen.
//! What is chosen is kept in the browser until then.
//!
//! May depend on `eval::review::sheet` and `eval::report::html`.

use super::sheet::{Sheet, SheetItem, Shown};
use crate::eval::report::html::{Html, page};

/// The buttons: what is stored, what is shown, and the key that presses it.
const VERDICTS: [(&str, &str, &str); 4] = [
    ("better_a", "A is better", "1"),
    ("better_b", "B is better", "2"),
    ("equal_good", "Both good", "3"),
    ("equal_bad", "Both bad", "4"),
];

/// The page of a sheet.
pub fn render(sheet: &Sheet) -> String {
    let mut body = Html::new();
    body.markup("<main data-sheet=\"")
        .text(&sheet.id)
        .markup("\">\n<header>\n<p class=\"kicker\">Blind review · suite ");
    body.text(&sheet.suite).markup(" · sheet ").text(&sheet.id).markup("</p>\n<h1>Which answer is better?</h1>\n");
    body.markup(INSTRUCTIONS);
    body.markup(
        "<label class=\"name\">Your name <input id=\"reviewer\" autocomplete=\"name\" maxlength=\"80\"></label>\n",
    );
    body.markup("</header>\n<ol id=\"items\">\n");
    for item in &sheet.items {
        render_item(&mut body, item, sheet.items.len());
    }
    body.markup("</ol>\n<footer>\n<div class=\"bar\"><span id=\"bar\"></span></div>\n");
    body.markup("<p id=\"status\" role=\"status\">0 of ").integer(sheet.items.len()).markup(" judged</p>\n");
    body.markup("<button type=\"button\" id=\"next\">Next open</button>\n");
    body.markup("<button type=\"button\" id=\"download\">Download CSV</button>\n</footer>\n</main>\n");
    page("Which answer is better?", include_str!("sheet.css"), Some(include_str!("sheet.js")), &body)
}

const INSTRUCTIONS: &str = "<p>Each question was answered twice. Judge whether the answer is right by the passages, and \
whether its footnotes carry it; not how long or how polished it is. Declining is right when the passages do not hold \
the answer. The two answers come from two systems, and which one is A changes from question to question.</p>\n\
<p class=\"hint\">Choose a button, or press <kbd>1</kbd> to <kbd>4</kbd>; <kbd>j</kbd> and <kbd>k</kbd> move. Your \
choices stay in this browser until you download them; send the file back.</p>\n";

fn render_item(body: &mut Html, item: &SheetItem, all: usize) {
    body.markup("<li class=\"item\" data-item=\"")
        .integer(item.number)
        .markup("\" tabindex=\"-1\">\n<p class=\"number\">");
    body.integer(item.number).markup(" of ").integer(all).markup("</p>\n<h2>").text(&item.question).markup("</h2>\n");
    body.markup("<div class=\"sides\">\n");
    for (name, shown) in [("A", &item.a), ("B", &item.b)] {
        render_side(body, name, shown);
    }
    body.markup("</div>\n");
    if !item.passages.is_empty() {
        body.markup("<details><summary>The passages (").integer(item.passages.len()).markup(")</summary>\n");
        for passage in &item.passages {
            body.markup("<h4>").text(&passage.title).markup("</h4>\n<p class=\"passage\">").text(&passage.text);
            body.markup("</p>\n");
        }
        body.markup("</details>\n");
    }
    body.markup("<fieldset><legend>Question ").integer(item.number).markup("</legend>\n");
    for (value, label, key) in VERDICTS {
        body.markup("<label class=\"choice\"><input type=\"radio\" name=\"v").integer(item.number);
        body.markup("\" value=\"").markup(value).markup("\"><span>").markup(label).markup(" <kbd>").markup(key);
        body.markup("</kbd></span></label>\n");
    }
    body.markup(
        "</fieldset>\n<input class=\"comment\" aria-label=\"Comment\" placeholder=\"Comment (optional)\">\n</li>\n",
    );
}

fn render_side(body: &mut Html, name: &'static str, shown: &Shown) {
    body.markup("<section class=\"side\">\n<h3>").markup(name).markup("</h3>\n");
    if let Some(ended) = shown.ended {
        body.markup("<p class=\"ended\">").markup(ended).markup("</p>\n");
    }
    body.markup("<p class=\"answer\">").text(&shown.answer).markup("</p>\n");
    if let Some(short) = &shown.short_answer {
        body.markup("<p class=\"short\"><span>In short</span> ").text(short).markup("</p>\n");
    }
    for (at, quote) in shown.quotes.iter().enumerate() {
        body.markup("<blockquote><sup>").integer(at + 1).markup("</sup> ").text(quote).markup("</blockquote>\n");
    }
    body.markup("</section>\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::dataset::example::Passage;

    #[test]
    fn the_page_names_no_run_and_escapes_everything() {
        let hostile = "</script><img src=x onerror=alert(1)>\"'";
        let shown = Shown {
            ended: Some("declined"),
            answer: hostile.into(),
            short_answer: Some(hostile.into()),
            quotes: vec![hostile.into()],
        };
        let passage = Passage { id: "p".into(), title: hostile.into(), text: hostile.into() };
        let item =
            SheetItem { number: 1, question: hostile.into(), passages: vec![passage], a: shown.clone(), b: shown };
        let page = render(&Sheet { id: "abc".into(), suite: hostile.into(), items: vec![item] });
        assert!(!page.contains("<img"), "a text became markup");
        assert_eq!(page.matches("&lt;/script&gt;&lt;img").count(), 10);
        assert_eq!(page.matches("type=\"radio\"").count(), 4);
        assert!(!page.contains("http:") && !page.contains("https:"), "the page needs something from elsewhere");
    }

    #[test]
    fn the_stored_verdicts_are_those_that_are_read() {
        let script = include_str!("sheet.js");
        for column in ["\"sheet\"", "\"item\"", "\"verdict\"", "\"comment\"", "\"reviewer\""] {
            assert!(script.contains(column), "{column}");
        }
    }
}
