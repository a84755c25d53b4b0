//! The code pages of DOS that no other format here needs: what their bytes from 0x80 on stand for.
//!
//! May depend on nothing.

/// Code page 437, that of the first PCs.
pub(super) const PAGE_437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
    └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// Code page 850, that of Western Europe.
pub(super) const PAGE_850: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐\
    └┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";

/// The characters of `bytes` in a code page.
pub(super) fn decoded(bytes: &[u8], page: &str) -> String {
    let character = |byte: u8| match byte.checked_sub(0x80) {
        Some(place) => page.chars().nth(place.into()).unwrap_or('\u{fffd}'),
        None => char::from(byte),
    };
    bytes.iter().map(|byte| character(*byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_its_character() {
        let all = [0x41, 0x80, 0x81, 0x84, 0xb3, 0xe1, 0xe9, 0xff];
        assert_eq!(decoded(&all, PAGE_437), "AÇüä│ßΘ\u{a0}");
        assert_eq!(decoded(&all, PAGE_850), "AÇüä│ßÚ\u{a0}");
        assert_eq!((PAGE_437.chars().count(), PAGE_850.chars().count()), (128, 128));
    }
}
