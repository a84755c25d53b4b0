use encoding_rs::{BIG5, EUC_KR, GB18030, KOI8_R, SHIFT_JIS, WINDOWS_1251, WINDOWS_1252};

use super::*;

#[test]
fn marks_decide_and_disappear() {
    for bytes in [
        &b"\xef\xbb\xbfaz"[..],
        b"\xff\xfea\0z\0",
        b"\xfe\xff\0a\0z",
        b"\xff\xfe\0\0a\0\0\0z\0\0\0",
        b"\0\0\xfe\xff\0\0\0a\0\0\0z",
    ] {
        assert!(is_text(bytes));
        assert_eq!(decode(bytes, None).text, "az");
    }
}

#[test]
fn wide_encodings_are_seen_without_a_mark() {
    let text = "The rain in Spain stays mainly in the plain.";
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let wide: Vec<u8> = text.chars().flat_map(|c| (c as u32).to_be_bytes()).collect();
    for bytes in [little, big, wide] {
        assert!(is_text(&bytes));
        assert_eq!(decode(&bytes, None).text, text);
    }
}

#[test]
fn legacy_encodings_are_recognised() {
    let cases = [
        (WINDOWS_1252, "Déjà vu à la fenêtre, où l’été s’achève près de la forêt."),
        (WINDOWS_1251, "Съешь же ещё этих мягких французских булок, да выпей чаю."),
        (KOI8_R, "Съешь же ещё этих мягких французских булок, да выпей чаю."),
        (SHIFT_JIS, "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。"),
        (EUC_KR, "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다."),
        (GB18030, "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心。"),
        (BIG5, "人人生而自由,在尊嚴和權利上一律平等。他們賦有理性和良心。"),
    ];
    for (encoding, text) in cases {
        let bytes = encoding.encode(text).0;
        assert_eq!(decode(&bytes, None).text, text, "{}", encoding.name());
    }
}

#[test]
fn line_ends_become_one() {
    assert_eq!(decode(b"a\r\nb\rc\n", None).text, "a\nb\nc\n");
}

#[test]
fn binary_data_is_no_text() {
    let noise: Vec<u8> = (0..4096u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert!(!is_text(&noise));
    assert!(!is_text(&[0; 64]));
    assert!(is_text(b"one \x07 bell in a long line of a log that is otherwise as readable as this one is"));
}

#[test]
fn what_cannot_be_decoded_is_reported() {
    let decoded = decode(b"ab\xff\xfe\xfdcd", Some(UTF_8));
    assert_eq!(decoded.warnings.len(), 1);
}

#[test]
fn markup_declares_its_encoding() {
    assert_eq!(declared_in_markup(b"<meta charset=\"koi8-r\">"), Some(KOI8_R));
    assert_eq!(declared_in_markup(b"<?xml version='1.0' encoding='windows-1251'?>"), Some(WINDOWS_1251));
    assert_eq!(declared_in_markup(b"<p>charset"), None);
}

#[test]
fn a_few_broken_bytes_do_not_spoil_the_rest() {
    let text = "Die Übungen für Anfänger begannen früh und endeten spät. ".repeat(4);
    let mut bytes = text.clone().into_bytes();
    bytes.extend_from_slice(b"caf\xe9 ");
    bytes.extend_from_slice(text.as_bytes());
    let decoded = decode(&bytes, None);
    assert_eq!(decoded.text, format!("{text}caf\u{fffd} {text}"));
    assert_eq!(decoded.warnings, ["1 byte sequences are not valid UTF-8 and were replaced by \u{fffd}"]);
}

#[test]
fn seven_bits_with_shifts_are_japanese() {
    let text = "吾輩は猫である。";
    let bytes = encoding_rs::ISO_2022_JP.encode(text).0;
    assert!(bytes.is_ascii());
    assert_eq!(decode(&bytes, None).text, text);
    assert_eq!(decode(b"\x1b[32mgreen\x1b[0m costs \x1b$B", None).text, "\x1b[32mgreen\x1b[0m costs \x1b$B");
}
