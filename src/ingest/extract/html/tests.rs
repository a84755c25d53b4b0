#![allow(clippy::unwrap_used)]
use super::*;
use crate::ingest::extract::check_structure;

fn extracted(source: &str) -> ExtractedDocument {
    let document = read(source.as_bytes(), &ExtractLimits::default()).unwrap();
    assert_eq!(check_structure(&document), Ok(()));
    document
}

fn text(source: &str) -> String {
    extracted(source).text
}

#[test]
fn navigation_goes_and_content_stays() {
    let page = "<html><head><title>Ropes &amp; knots</title><style>p{}</style></head><body>
        <header><nav><a href=/>Home</a></nav></header><div class='site-sidebar'>More <a href=x>pages</a></div>
        <div role=navigation>Skip</div>
        <main><h1>Knots</h1><p>A <b>bowline</b> makes a
        fixed loop.</p><script>ignore()</script></main><footer>© nobody</footer></body></html>";
    let document = extracted(page);
    assert_eq!(document.text, "# Knots\n\nA bowline makes a fixed loop.\n");
    assert_eq!(document.title.as_deref(), Some("Ropes & knots"));
    assert_eq!(document.headings[0].title, "Knots");
}

#[test]
fn a_page_of_navigation_only_is_still_read() {
    assert_eq!(text("<body><nav><p>Chapter one</p></nav></body>"), "Chapter one\n");
    assert_eq!(text("<body><div class=toc><dl><dt>1. Start<dt>2. End</dl></div></body>"), "- 1. Start\n- 2. End\n");
}

#[test]
fn a_section_is_not_navigation_for_its_name() {
    let page = "<body><div class=menu><a href=a>One</a> <a href=b>Two</a></div>
        <div class=section id=SQL-FOR-SHARE><h3>Locking</h3><p>Rows are locked.</p></div>
        <div id=sharing><p>ENOUGH</p></div></body>"
        .replace("ENOUGH", &"Ropes can be shared among many ships. ".repeat(6));
    let text = text(&page);
    assert!(text.contains("Rows are locked.") && text.contains("among many ships") && !text.contains("One"), "{text}");
}

#[test]
fn a_header_with_the_title_is_kept() {
    assert_eq!(text("<body><header><h1>Title</h1><nav>x</nav></header><p>Words.</p></body>"), "# Title\n\nWords.\n");
}

#[test]
fn cluttered_pages_without_marks_are_left_to_readability() {
    let links = "<li><a href=a>some other page of this site</a></li>".repeat(14);
    let prose = "<p>The quick brown fox, as we know, jumps over the lazy dog, and the dog sleeps on.</p>".repeat(12);
    let page = format!("<html><body><ul>{links}</ul><div><h2>Foxes</h2>{prose}</div></body></html>");
    let text = text(&page);
    assert_eq!(text.matches("quick brown fox").count(), 12);
    assert!(!text.contains("some other page"), "{text}");
}

#[test]
fn lists_nest_and_terms_keep_their_meaning() {
    let list = "<ul><li>one<ul><li>inner</li></ul></li><li><p>two</p><p>more</p></li></ul><ol start=3><li>c</ol><p>end";
    assert_eq!(text(list), "- one\n  - inner\n- two\n\n  more\n\n3. c\n\nend\n");
    let terms = "<dl><dt>size</dt><dd>How large.</dd><dt>age</dt><dd><p>How old.</p><p>In years.</p></dd></dl>";
    assert_eq!(text(terms), "- size\n  How large.\n- age\n  How old.\n\n  In years.\n");
}

#[test]
fn lists_in_cells_keep_their_marks_and_numbers_are_those_of_the_page() {
    let table = "<table><tr><th>birds<th>steps<tr><td><ul><li>teal<li>wigeon</ul><td>So: <ol start=4><li>fly<li value=9>land</ol></table>";
    assert_eq!(text(table), "| birds | steps |\n| --- | --- |\n| - teal - wigeon | So: 4. fly 9. land |\n");
    assert_eq!(text("<ol><li>a<li value=5>b<li>c</ol>"), "1. a\n5. b\n6. c\n");
}

#[test]
fn what_stands_between_terms_is_not_lost() {
    let terms =
        "<dl><dt>size</dt><dd>How large.</dd><p>Both count.</p><dl><dt>age</dt><dd>How old.</dd></dl>loose</dl>";
    let text = text(terms);
    for words in ["size", "How large.", "Both count.", "age", "How old.", "loose"] {
        assert_eq!(text.matches(words).count(), 1, "{words}: {text}");
    }
}

#[test]
fn formulas_are_read_once_and_what_is_for_old_browsers_not_at_all() {
    let formula = "<p>So <span class=katex><span class=katex-mathml><math><semantics><mrow><msup><mi>x</mi><mn>2</mn></msup>\
        </mrow><annotation encoding='application/x-tex'>x^2</annotation></semantics></math></span><span class=katex-html \
        aria-hidden=true>x2</span></span> grows.</p><video>No films here.</video>";
    assert_eq!(text(formula), "So x^2 grows.\n");
    assert_eq!(text("<p><math><mi>a</mi><mo>=</mo><mn>1</mn></math></p>"), "a=1\n");
}

#[test]
fn what_a_search_in_the_page_unfolds_is_there() {
    let page = "<h2>Knots</h2><div hidden=until-found><p>A bowline holds.</p></div><div hidden><p>Not shown.</p></div>";
    assert_eq!(text(page), "## Knots\n\nA bowline holds.\n");
}

#[test]
fn code_beside_its_line_numbers_keeps_its_lines() {
    let code = "<table><tr><td><pre>1\n2\n</pre></td><td><pre>if x:\n    y()\n</pre></td></tr></table>";
    assert_eq!(text(code), "```\nif x:\n    y()\n```\n");
    let broken = "<table><tr><td><pre><span>1</span><br><span>2</span></pre><td><pre>a<br>b</pre></table>";
    assert_eq!(text(broken), "```\na\nb\n```\n");
    let values = "<table><tr><th>n<th>call<tr><td>1<td><pre>a()\nb()</pre></table>";
    assert_eq!(text(values), "| n | call |\n| --- | --- |\n| 1 | a() b() |\n");
}

#[test]
fn code_keeps_its_lines_and_markup_in_it_is_text() {
    assert_eq!(text("<pre>a &lt; b\n  <b>c</b><br>```</pre>"), "````\na < b\n  c\n```\n````\n");
}

#[test]
fn tables_are_tables_when_they_hold_data() {
    let table =
        "<table><caption>Sizes</caption><thead><tr><th rowspan=2>Name<th colspan=2>Range<tr><th>from<th>to</thead>
        <tbody><tr><th>a|b<td>1<td>2<tr><td rowspan=2>c<td colspan=2>all<tr><td>5<td>6<br>7</table>";
    let document = extracted(table);
    let expected = "Sizes\n\n| Name | Range / from | Range / to |\n| --- | --- | --- |\n| a\\|b | 1 | 2 |\n| c | all | |\n| c | 5 | 6 7 |\n";
    assert_eq!(document.text, expected);
    assert_eq!(document.tables.len(), 1);
    let layout = "<table role=presentation><tr><td><h2>Left</h2><td><p>Right</table>";
    assert_eq!(text(layout), "## Left\n\nRight\n");
}

#[test]
fn small_headings_and_tables_in_cells_are_values_and_large_ones_are_boxes() {
    let nested = "<table><tr><td>a<td>b<tr><td><table><tr><td>1<td>2<tr><td>3<td>4</table><td>5</table>";
    assert_eq!(text(nested), "| a | b |\n| --- | --- |\n| 1, 2; 3, 4 | 5 |\n");
    let heading = "<table><tr><td><h2>Name</h2><td>Age<tr><td>Ann<td>7</table>";
    assert_eq!(text(heading), "| Name | Age |\n| --- | --- |\n| Ann | 7 |\n");
    let prose = "The keeper lights the lamp at dusk and puts it out at dawn. ".repeat(5);
    let page = format!("<table><tr><td><h2>Lamps</h2><p>{prose}</p><td><h2>Piers</h2><p>Oak.</p></table>");
    assert_eq!(text(&page), format!("## Lamps\n\n{}\n\n## Piers\n\nOak.\n", prose.trim()));
}

#[test]
fn a_note_is_content_whatever_its_class_is_called() {
    let page = "<body><nav>x</nav><div role=note class='hatnote navigation-not-searchable'>See also <a href=b>bears</a>.</div><p>Bees.</p></body>";
    assert_eq!(text(page), "See also bears.\n\nBees.\n");
}

#[test]
fn raised_numbers_and_pictures_are_read_as_a_reader_would() {
    assert_eq!(text("10<sup>6</sup> m<sup>2</sup> word<sup>1</sup><sup><a href=#n>2</a></sup>"), "10^6 m^2 word12\n");
    assert_eq!(text("x <img alt='a red fox'> <img alt=logo> y"), "x [image: a red fox] y\n");
}

#[test]
fn declared_encodings_are_used() {
    let mut page = b"<html><head><meta charset=windows-1251></head><body><p>".to_vec();
    page.extend(encoding_rs::WINDOWS_1251.encode("Привет").0.iter());
    assert_eq!(read(&page, &ExtractLimits::default()).unwrap().text, "Привет\n");
}

#[test]
fn deep_nesting_ends_in_text_not_in_a_crash() {
    let page = format!("{}deep{}", "<div>".repeat(3_000), "</div>".repeat(3_000));
    assert_eq!(text(&page), "deep\n");
}

#[test]
fn a_page_without_words_says_so() {
    let error = read(b"<html><body><script>x()</script></body></html>", &ExtractLimits::default()).unwrap_err();
    assert!(error.to_string().contains("scripts"), "{error}");
}
