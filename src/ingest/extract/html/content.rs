//! Which part of a page is its content.
//!
//! First the page is taken at its word: `<main>`, a lone `<article>` or the body, less everything marked as
//! navigation, header, footer, aside, form or hidden. Where a page marks any of these, that is the content.
//! A page that marks none and has many links between its prose is cluttered, and the readability algorithm is
//! asked, which knows an article by its density of prose. Elsewhere that algorithm does harm: it drops tables
//! of contents, lists and short sections, so it is believed only while it keeps the prose.

use dom_query::{Document, NodeRef};
use dom_smoothie::Readability;

/// Readability is asked when links are this part of the words: fewer are references, more are an index.
const CLUTTER: std::ops::Range<f64> = 0.25..0.60;
/// Readability is not believed when it drops more than this part of the prose.
const MAX_LOST_PROSE: f64 = 0.10;
/// A `<main>` or lone `<article>` with less than this part of the words is a teaser, not the content.
const MIN_MAIN_SHARE: f64 = 0.25;

/// Never content, wherever it stands.
///
/// What stands in a film or a sound is for browsers that cannot play it, and KaTeX writes each formula twice.
const NOISE: &str = "script, style, noscript, template, svg, canvas, iframe, object, embed, video, audio, link, meta, \
     head > *, .katex-html, button, select, input, textarea, dialog, [hidden]:not([hidden=until-found]), \
     [aria-hidden=true][class*=icon], [role=dialog], [role=alertdialog], [style*='display:none'], [style*='display: none']";
/// Marked as something beside the content.
const BESIDE: &str = "nav, aside, [role=navigation], [role=search], [role=complementary], [role=menu], \
     [role=menubar], [role=toolbar]";
/// Parts of the page; inside an article they belong to the article.
const FRAME: &str = "header, footer, [role=banner], [role=contentinfo]";
/// Words of `class` and `id` that mean navigation when they stand alone between separators. A name is no
/// proof (a section on sharing may be called `share`): what is called so must look like it, too.
const BESIDE_WORDS: [&str; 24] = [
    "nav",
    "navbar",
    "navheader",
    "navfooter",
    "navigation",
    "navlinks",
    "navbox",
    "menu",
    "menubar",
    "sidebar",
    "breadcrumb",
    "breadcrumbs",
    "masthead",
    "footer",
    "pagination",
    "pager",
    "skiplink",
    "skip",
    "cookie",
    "cookies",
    "share",
    "sharing",
    "social",
    "advertisement",
];

/// Something beside the content is links for at least this part of its words, or has next to no prose.
const BESIDE_LINKS: f64 = 0.5;
const BESIDE_PROSE: usize = 150;

/// The content of a page, as a document of its own.
pub(super) fn main_content(source: &str) -> Document {
    let (marked, is_marked) = marked_content(source);
    let words = Words::of(&marked.root());
    if words.all == 0 {
        // Everything was marked as something else: better all of the page than none.
        return everything(source);
    }
    if !is_marked
        && CLUTTER.contains(&words.link_share())
        && let Some(readable) = readable_content(source)
        && Words::of(&readable.root()).keep_prose_of(&words)
    {
        return readable;
    }
    marked
}

/// The whole page but for what is not shown.
pub(super) fn everything(source: &str) -> Document {
    let whole = Document::from(source);
    whole.select(NOISE).remove();
    whole
}

/// A page of a book less what no reader of it reads. Notes are hidden where they stand, and shown where they are asked for.
pub(super) fn chapter(source: &str) -> Document {
    let whole = Document::from(source);
    whole.select("aside[hidden]").remove_attr("hidden");
    whole.select(NOISE).remove();
    whole.select("nav").remove();
    whole
}

/// The content as the page marks it, and whether it marks anything.
fn marked_content(source: &str) -> (Document, bool) {
    let document = Document::from(source);
    document.select(NOISE).remove();
    let whole = Words::of(&document.root()).all;
    for selector in ["main, [role=main]", "article"] {
        let found = document.select(selector);
        if found.length() != 1 {
            continue;
        }
        let part = Document::fragment(found.first().html());
        remove_what_is_beside(&part);
        if Words::of(&part.root()).all as f64 >= whole as f64 * MIN_MAIN_SHARE {
            return (part, true);
        }
    }
    let is_marked = remove_what_is_beside(&document);
    (document, is_marked)
}

fn readable_content(source: &str) -> Option<Document> {
    let article = Readability::new(source, None, None).ok()?.parse().ok()?;
    Some(Document::fragment(article.content))
}

/// Whether there was anything to remove.
fn remove_what_is_beside(document: &Document) -> bool {
    let beside = document.select(BESIDE);
    let mut removed = beside.length() > 0;
    beside.remove();
    for node in document.select(FRAME).nodes() {
        let in_article = node.ancestors_it(None).any(|above| above.has_name("article") || above.has_name("section"));
        let holds_the_title = node.has_name("header") && node.descendants_it().any(|below| below.has_name("h1"));
        if !in_article && !holds_the_title {
            removed = true;
            node.remove_from_parent();
        }
    }
    for node in document.select("[class], [id]").nodes() {
        if !matches!(node.node_name().as_deref(), Some("html" | "body" | "main" | "article")) && is_called_beside(node)
        {
            removed = true;
            node.remove_from_parent();
        }
    }
    removed
}

fn is_called_beside(node: &NodeRef<'_>) -> bool {
    let is_called = [node.attr("class"), node.attr("id")].into_iter().flatten().any(|names| {
        names.to_ascii_lowercase().split(|c: char| !c.is_ascii_alphanumeric()).any(|word| BESIDE_WORDS.contains(&word))
    });
    // A note says something about the content: that the page has a namesake, where there is more.
    is_called && node.attr("role").as_deref() != Some("note") && looks_beside(node)
}

fn looks_beside(node: &NodeRef<'_>) -> bool {
    let words = Words::of(node);
    let is_heading = |name: &str| matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6");
    let is_section = || node.descendants_it().any(|below| below.node_name().is_some_and(|name| is_heading(&name)));
    words.link_share() >= BESIDE_LINKS || (words.prose() <= BESIDE_PROSE && !is_section())
}

/// How many characters a part of a page has, and how many of them are links.
#[derive(Debug, Clone, Copy)]
struct Words {
    all: usize,
    linked: usize,
}

impl Words {
    fn of(node: &NodeRef<'_>) -> Self {
        let count = |node: &NodeRef<'_>| node.text().split_whitespace().map(str::len).sum::<usize>();
        let linked = node.descendants_it().filter(|below| below.has_name("a")).map(|link| count(&link)).sum();
        Self { all: count(node), linked }
    }

    fn prose(self) -> usize {
        self.all.saturating_sub(self.linked)
    }

    fn link_share(self) -> f64 {
        self.linked as f64 / self.all.max(1) as f64
    }

    fn keep_prose_of(self, whole: &Self) -> bool {
        self.prose() as f64 >= whole.prose() as f64 * (1.0 - MAX_LOST_PROSE)
    }
}
