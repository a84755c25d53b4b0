//! Builds HTML that holds other people's text. Markup is what the program's source says, so only texts that are
//! compiled in can be markup; everything else is escaped on its way in, and numbers are written as numbers.
//!
//! May depend on nothing of the crate.

use std::fmt::Write as _;

/// A piece of HTML.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Html(String);

impl Html {
    /// An empty piece.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds markup of the program's own.
    pub fn markup(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Adds text: escaped, so that it is text in an element and in a quoted attribute. Characters that HTML does not
    /// allow become U+FFFD, so that they can be seen.
    pub fn text(&mut self, text: &str) -> &mut Self {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\n' | '\t' => self.0.push(character),
                c if c.is_control() => self.0.push('\u{fffd}'),
                c => self.0.push(c),
            }
        }
        self
    }

    /// Adds a whole number.
    pub fn integer(&mut self, number: usize) -> &mut Self {
        let _ = write!(self.0, "{number}");
        self
    }

    /// Adds a coordinate with one decimal. A number that is not finite is 0: the plots leave those out beforehand.
    pub fn coordinate(&mut self, number: f64) -> &mut Self {
        let tenths = if number.is_finite() { (number * 10.0).round() / 10.0 } else { 0.0 };
        // Without the sign of a negative zero.
        let _ = write!(self.0, "{}", tenths + 0.0);
        self
    }

    /// Adds another piece.
    pub fn html(&mut self, other: &Html) -> &mut Self {
        self.0.push_str(&other.0);
        self
    }

    /// The HTML as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The HTML as text.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// A whole page that needs nothing from elsewhere and lets nothing of elsewhere in: no script but `script`, no request.
pub fn page(title: &str, style: &'static str, script: Option<&'static str>, body: &Html) -> String {
    let mut page = Html::new();
    page.markup("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
        .markup("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
        .markup("<meta name=\"color-scheme\" content=\"light dark\">\n")
        .markup("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'")
        .markup(if script.is_some() { "; script-src 'unsafe-inline'" } else { "" })
        .markup("\">\n<title>")
        .text(title)
        .markup("</title>\n<style>\n")
        .markup(style)
        .markup("</style>\n</head>\n<body>\n")
        .html(body);
    if let Some(script) = script {
        page.markup("<script>\n").markup(script).markup("</script>\n");
    }
    page.markup("</body>\n</html>\n");
    page.into_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        let mut html = Html::new();
        html.markup("<p title=\"").text("\"><script>alert('&')</script>").markup("\">");
        let escaped = "<p title=\"&quot;&gt;&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;\">";
        assert_eq!(html.as_str(), escaped);
        let mut control = Html::new();
        control.text("a\u{0}b\u{1b}c\nd");
        assert_eq!(control.as_str(), "a\u{fffd}b\u{fffd}c\nd");
    }

    #[test]
    fn coordinates_are_short() {
        let mut html = Html::new();
        for number in [1.0, 2.04, 2.06, -0.01, f64::NAN, 1234.56] {
            html.coordinate(number).markup(" ");
        }
        assert_eq!(html.as_str(), "1 2 2.1 0 0 1234.6 ");
    }

    #[test]
    fn a_page_without_a_script_allows_none() {
        let mut body = Html::new();
        body.markup("<p>").text("Hi").markup("</p>");
        assert!(!page("a & b", "", None, &body).contains("script"));
        assert!(page("a & b", "", None, &body).contains("<title>a &amp; b</title>"));
        assert!(page("", "", Some("let x;"), &body).contains("script-src 'unsafe-inline'"));
    }

    proptest! {
        #[test]
        fn nothing_that_opens_a_tag_or_ends_an_attribute_is_left(text in "\\PC{0,60}|[<>&\"'a]{0,20}") {
            let mut html = Html::new();
            html.text(&text);
            prop_assert!(!html.as_str().contains(['<', '>', '"', '\'']));
            let back = html.as_str().replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
            prop_assert_eq!(back.replace("&#39;", "'").replace("&amp;", "&"), text);
        }
    }
}
