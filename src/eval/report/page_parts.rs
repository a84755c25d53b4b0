//! Parts that both kinds of page have: the head, the tiles with the main figures, tables, and the card.
//!
//! May depend on `eval::report::html`.

use super::html::{Html, page};

/// The style of every page and of every plot.
pub(super) const STYLE: &str = include_str!("report.css");

/// A main figure.
pub(super) struct Tile {
    /// What it is.
    pub(super) label: String,
    /// Its value.
    pub(super) value: String,
    /// Its interval, or what else is needed to judge it.
    pub(super) note: String,
}

/// The head of a page.
pub(super) fn head(body: &mut Html, kicker: &str, title: &str, lines: &[String]) {
    body.markup("<header>\n<p class=\"kicker\">").text(kicker).markup("</p>\n<h1>").text(title).markup("</h1>\n");
    for line in lines {
        body.markup("<p class=\"line\">").text(line).markup("</p>\n");
    }
    body.markup("</header>\n");
}

/// The tiles.
pub(super) fn tiles(body: &mut Html, tiles: &[Tile]) {
    body.markup("<section class=\"tiles\" aria-label=\"Main figures\">\n");
    for tile in tiles {
        body.markup("<div class=\"tile\"><p class=\"tile-label\">").text(&tile.label);
        body.markup("</p><p class=\"tile-value\">").text(&tile.value);
        body.markup("</p><p class=\"tile-note\">").text(&tile.note).markup("</p></div>\n");
    }
    body.markup("</section>\n");
}

/// A heading.
pub(super) fn heading(body: &mut Html, words: &str) {
    body.markup("<h2>").text(words).markup("</h2>\n");
}

/// A table; cells from the column `numbers_from` on are aligned as numbers.
pub(super) fn table(body: &mut Html, head: &[&str], rows: &[Vec<String>], numbers_from: usize) {
    let cell = |body: &mut Html, at: usize, tag: &'static str, end: &'static str, words: &str| {
        body.markup(tag).markup(if at >= numbers_from { " class=\"n\">" } else { ">" }).text(words).markup(end);
    };
    body.markup("<div class=\"scroll\"><table>\n<thead><tr>");
    for (at, words) in head.iter().enumerate() {
        cell(body, at, "<th scope=\"col\"", "</th>", words);
    }
    body.markup("</tr></thead>\n<tbody>\n");
    for row in rows {
        body.markup("<tr>");
        for (at, words) in row.iter().enumerate() {
            cell(body, at, "<td", "</td>", words);
        }
        body.markup("</tr>\n");
    }
    body.markup("</tbody></table></div>\n");
}

/// A card of any shape, one line for each value.
pub(super) fn card(body: &mut Html, card: &serde_json::Value) {
    let mut lines = Vec::new();
    flatten("", card, &mut lines);
    heading(body, "Card");
    body.markup("<dl class=\"card\">\n");
    for (name, value) in lines {
        body.markup("<div><dt>").text(&name).markup("</dt><dd>").text(&value).markup("</dd></div>\n");
    }
    body.markup("</dl>\n");
}

fn flatten(name: &str, value: &serde_json::Value, lines: &mut Vec<(String, String)>) {
    let inner = |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
    match value {
        serde_json::Value::Object(members) if !members.is_empty() => {
            members.iter().for_each(|(part, value)| flatten(&inner(part), value, lines));
        }
        serde_json::Value::Array(members) if members.iter().any(|member| member.is_object() || member.is_array()) => {
            members.iter().enumerate().for_each(|(at, value)| flatten(&inner(&at.to_string()), value, lines));
        }
        serde_json::Value::Array(members) if !members.is_empty() => {
            lines.push((name.to_owned(), members.iter().map(in_words).collect::<Vec<_>>().join(", ")));
        }
        value => lines.push((name.to_owned(), in_words(value))),
    }
}

fn in_words(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "unknown".to_owned(),
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Object(_) | serde_json::Value::Array(_) => "none".to_owned(),
        other => other.to_string(),
    }
}

/// The whole page.
pub(super) fn whole(title: &str, body: &Html) -> String {
    let mut main = Html::new();
    main.markup("<main>\n").html(body).markup("</main>\n");
    page(title, STYLE, None, &main)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_of_any_shape_is_shown_whole() {
        let value = serde_json::json!({
            "seed": 7, "commit": null, "lora": {"rank": 16, "targets": ["q", "v"]}, "files": [{"name": "<a>"}], "none": {}, "empty": []
        });
        let mut lines = Vec::new();
        flatten("", &value, &mut lines);
        let line = |name: &str| lines.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
        assert_eq!(line("seed"), Some("7"));
        assert_eq!(line("commit"), Some("unknown"));
        assert_eq!(line("lora.targets"), Some("q, v"));
        assert_eq!((line("files.0.name"), line("none"), line("empty")), (Some("<a>"), Some("none"), Some("none")));
        let mut body = Html::new();
        card(&mut body, &value);
        assert!(body.as_str().contains("&lt;a&gt;"));
    }
}
