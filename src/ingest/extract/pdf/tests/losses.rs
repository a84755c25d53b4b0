//! What a page shows in ways that are easily lost, and what it holds and does not show.
use super::*;

/// What a file with one page has beside the usual.
#[derive(Default)]
struct Parts<'a> {
    catalog: &'a str,
    page: &'a str,
    resources: &'a str,
    /// The keys of the font beside its type, name and widths.
    font: &'a str,
    /// Further objects, from 6 on.
    others: &'a [&'a str],
}

fn file(content: &str, parts: &Parts<'_>) -> Vec<u8> {
    let widths = vec!["600"; 256].join(" ");
    let mut objects = vec![
        format!("<< /Type /Catalog /Pages 2 0 R {} >>", parts.catalog),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R \
             /Resources << /Font << /F1 5 0 R >> {} >> {} >>",
            parts.resources, parts.page
        ),
        stream("", content),
        format!(
            "<< /Type /Font /Subtype /Type1 /BaseFont /Plain /FirstChar 0 /LastChar 255 /Widths [{widths}] {} >>",
            parts.font
        ),
    ];
    objects.extend(parts.others.iter().map(|&other| other.to_owned()));
    assemble(&objects)
}

fn stream(keys: &str, content: &str) -> String {
    format!("<< /Length {} {keys} >>\nstream\n{content}\nendstream", content.len())
}

fn document(content: &str, parts: &Parts<'_>) -> ExtractedDocument {
    let document = read(&file(content, parts), &ExtractLimits::default()).unwrap();
    assert_eq!(check_structure(&document), Ok(()));
    document
}

fn form(content: &str) -> String {
    stream("/Type /XObject /Subtype /Form /BBox [0 0 200 20] /Resources << /Font << /F1 5 0 R >> >>", content)
}

#[test]
fn a_broken_operator_costs_nothing_behind_it() {
    let content = at("F1", 10, 72, 700, "Before it.") + ">> } --5 0 m ) " + &at("F1", 10, 72, 600, "Behind it.");
    let read = document(&content, &Parts::default());
    assert_eq!((read.text.as_str(), read.warnings.len()), ("Before it.\n\nBehind it.\n", 0));
    let endless = at("F1", 10, 72, 700, "Before it.") + "BT /F1 10 Tf (never ending Tj ET";
    let read = document(&endless, &Parts::default());
    assert!(read.text.contains("Before it.") && read.warnings[0].contains("page 1 is damaged"), "{:?}", read.warnings);
}

#[test]
fn layers_that_are_switched_off_are_left_out_and_reported() {
    let layer = |name: &str, text: &str, y: i32| format!("/OC /{name} BDC {} EMC ", at("F1", 10, 72, y, text));
    let content = layer("On", "Seen.", 700) + &layer("Off", "Unseen.", 600) + &layer("Both", "Either.", 500) + "/Fm Do";
    let shown = form(&at("F1", 10, 72, 5, "Drawn unseen.")).replacen("<<", "<< /OC 7 0 R", 1);
    let rule = "<< /Type /OCMD /OCGs [6 0 R 7 0 R] >>";
    let group = "<< /Type /OCG /Name (layer) >>";
    let parts = Parts {
        catalog: "/OCProperties << /OCGs [6 0 R 7 0 R] /D << /OFF [7 0 R] >> >>",
        resources: "/Properties << /On 6 0 R /Off 7 0 R /Both 8 0 R >> /XObject << /Fm 9 0 R >>",
        others: &[group, group, rule, &shown],
        ..Parts::default()
    };
    let read = document(&content, &parts);
    assert_eq!(read.text, "Seen.\n\nEither.\n");
    assert!(read.warnings[0].contains("page 1 has something on a layer"), "{:?}", read.warnings);
}

#[test]
fn a_running_head_that_is_drawn_by_a_form_is_one() {
    let head = form(&at("F1", 10, 72, 5, "Running head"));
    let content = "/Artifact << /Type /Pagination >> BDC /Fm Do EMC ".to_owned() + &at("F1", 10, 72, 700, "Body.");
    let parts = Parts { resources: "/XObject << /Fm 6 0 R >>", others: &[&head], ..Parts::default() };
    assert_eq!(document(&content, &parts).text, "Body.\n");
}

#[test]
fn fields_that_are_filled_in_are_read_where_they_stand() {
    let field = |y: u32, keys: &str| format!("<< /Subtype /Widget /FT /Tx /Rect [172 {y} 372 {}] {keys} >>", y + 20);
    let drawn = field(700, "/V (Jane Doe) /AP << /N 7 0 R >>");
    let look = form("/Tx BMC BT /F1 10 Tf 2 4 Td (Jane Doe) Tj ET EMC");
    let undrawn = field(600, "/V <FEFF014100F30064017A>");
    let hidden = field(500, "/F 2 /V (nobody sees it)");
    let secret = field(400, "/Ff 8192 /V (password)");
    let content = at("F1", 10, 72, 704, "Name:") + &at("F1", 10, 72, 606, "Town:");
    let parts = Parts {
        page: "/Annots [6 0 R 8 0 R 9 0 R 10 0 R]",
        others: &[&drawn, &look, &undrawn, &hidden, &secret],
        ..Parts::default()
    };
    let text = document(&content, &parts).text;
    let found: Vec<&str> = text.split_whitespace().collect();
    assert_eq!(found, ["Name:", "Jane", "Doe", "Town:", "Łódź"]);
}

#[test]
fn a_text_in_place_of_glyphs_is_read() {
    let content = "BT /F1 10 Tf 72 700 Td (The e) Tj /Span << /ActualText <FEFF00660066> >> BDC [(\\001)] TJ EMC (ect of ) Tj \
                   /Span << /ActualText (two words) >> BDC (\\002) Tj (\\003) Tj EMC ( here.) Tj ET";
    let read = document(content, &Parts::default());
    assert_eq!((read.text.as_str(), read.warnings.len()), ("The effect of two words here.\n", 0));
}

#[test]
fn the_standard_encoding_and_names_that_say_their_characters_are_read() {
    let show = |font: &str, text: &str| {
        document(&at("F1", 10, 72, 700, text), &Parts { font, ..Parts::default() }).text.trim_end().to_owned()
    };
    for font in ["/Encoding /StandardEncoding", "", "/Encoding << /BaseEncoding /StandardEncoding >>"] {
        assert_eq!(show(font, "It's \\256ne \\257ow"), "It’s fine flow", "{font}");
    }
    let names = "/Encoding << /BaseEncoding /WinAnsiEncoding \
                 /Differences [33 /uni00DF /u00E9 /T_h /A.sc /zero.tnum /uni00660069] >>";
    assert_eq!(show(names, "a!b\"c#d$e%f&g"), "aßbécThdAe0ffig");
}

#[test]
fn every_page_counts() {
    let mut file = String::from_utf8(pdf(&[
        &at("F1", 10, 72, 700, "The first."),
        &at("F1", 10, 72, 700, "The second."),
        &at("F1", 10, 72, 700, "The third."),
    ]))
    .unwrap();
    // Of the same length, so that the table of objects stays right: a page without a type, and one that is none.
    file = file.replacen("/Type /Page /Parent", "/Tipp /Page /Parent", 1).replacen("8 0 R 10 0 R", "9 0 R 10 0 R", 1);
    let read = read(file.as_bytes(), &ExtractLimits::default()).unwrap();
    let page_of = |text: &str| read.page_of(read.text.find(text).unwrap());
    assert_eq!((page_of("The first."), page_of("The third.")), (Some(1), Some(3)));
    assert!(read.warnings.iter().any(|warning| warning.starts_with("page 2 could not be read")), "{:?}", read.warnings);
}

#[test]
fn rows_of_numbers_at_the_edge_of_pages_are_content() {
    let pages: Vec<String> = (0..5)
        .map(|page| {
            let number = |row: i32, column: i32| {
                format!("{}.{}", 100 + (row * 37 + page * 61) % 800, 10 + (row * 7 + column * 3 + page * 29) % 90)
            };
            let cell = |row: i32, column: i32| at("F1", 10, 72 + 120 * column, 720 - 16 * row, &number(row, column));
            let cell = &cell;
            let rows: String = (0..40).flat_map(|row| (0..3).map(move |column| cell(row, column))).collect();
            rows + &at("F1", 10, 72, 750, &format!("Chapter {}, page {}", page / 2 + 1, page + 7))
        })
        .collect();
    let read = extracted(&pages.iter().map(String::as_str).collect::<Vec<_>>());
    let rows = read.text.lines().filter(|line| line.starts_with("| ") && line.contains('.')).count();
    assert_eq!((rows, read.text.contains("Chapter")), (200, false), "{:?}", read.warnings);
}

#[test]
fn a_scan_with_a_stamp_is_a_scan() {
    let scan = "BI /W 1 /H 1 /BPC 8 /CS /G ID x EI\n";
    let words = at("F1", 10, 72, 700, "Words of the first page.");
    let stamp = |number: u32| at("F1", 10, 72, 30, &format!("Copied for exhibit B, sheet {number}"));
    let pages: Vec<String> =
        (1..=4).map(|number| stamp(number) + if number == 1 { words.as_str() } else { scan }).collect();
    let read = extracted(&pages.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((read.text.trim(), read.picture_pages), ("Words of the first page.", vec![2, 3, 4]));
}

#[test]
fn text_without_a_font_costs_nothing_else() {
    let content = "q BT /F1 10 Tf 72 700 Td (Seen.) Tj ET Q BT 72 600 Td (No font.) Tj ET /Fm Do";
    let parts =
        Parts { resources: "/XObject << /Fm 6 0 R >>", others: &[&form("BT (None.) Tj ET")], ..Parts::default() };
    assert_eq!(document(content, &parts).text, "Seen.\n");
}

#[test]
fn fonts_of_east_asia_are_read_by_the_name_of_their_encoding() {
    for (name, written) in [("GBK-EUC-H", "C4E3BAC34142"), ("UniGB-UCS2-H", "4F60597D00410042")] {
        let font = format!(
            "<< /Type /Font /Subtype /Type0 /BaseFont /Song /Encoding /{name} /DescendantFonts \
             [<< /Type /Font /Subtype /CIDFontType0 /BaseFont /Song /DW 1000 >>] >>"
        );
        let parts = Parts { others: &[&font], ..Parts::default() };
        let file = file(&format!("BT /F1 10 Tf 72 700 Td <{written}> Tj ET"), &parts);
        // Of the same length, so that the table of objects stays right.
        let file = String::from_utf8(file).unwrap().replace("/F1 5 0 R", "/F1 6 0 R").into_bytes();
        let read = read(&file, &ExtractLimits::default()).unwrap();
        assert_eq!((read.text.as_str(), read.warnings.len()), ("你好AB\n", 0), "{name}");
    }
}
