//! The compressed rich text of an Outlook message: [MS-OXRTFCP].

use crate::ingest::extract::ExtractLimits;

/// What the dictionary holds before the first byte is unpacked (2.1.3.1.3 of the specification).
const BEGINNING: &[u8] =
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \
    \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \
    \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
const DICTIONARY: usize = 4096;
const COMPRESSED: &[u8] = b"LZFu";
const AS_IT_IS: &[u8] = b"MELA";

/// The rich text, or why there is none.
pub(super) fn unpacked(packed: &[u8], limits: &ExtractLimits) -> Result<Vec<u8>, String> {
    let (Some(size), Some(kind), Some(content)) = (packed.get(4..8), packed.get(8..12), packed.get(16..)) else {
        return Err("it is shorter than its own header".into());
    };
    let size = size.iter().rev().fold(0usize, |size, byte| size << 8 | usize::from(*byte));
    if size as u64 > limits.max_uncompressed_bytes {
        return Err(format!("it claims to unpack to {size} bytes"));
    }
    match kind {
        AS_IT_IS => Ok(content[..content.len().min(size)].to_vec()),
        COMPRESSED => Ok(inflated(content, size)),
        _ => Err("it is packed in a way that is not known".into()),
    }
}

/// Up to `size` bytes; fewer where the content ends early.
fn inflated(content: &[u8], size: usize) -> Vec<u8> {
    let mut dictionary = [0u8; DICTIONARY];
    dictionary[..BEGINNING.len()].copy_from_slice(BEGINNING);
    let mut end = BEGINNING.len();
    let mut out = Vec::new();
    let mut rest = content.iter().copied();
    let put = |byte: u8, end: &mut usize, dictionary: &mut [u8; DICTIONARY], out: &mut Vec<u8>| {
        dictionary[*end] = byte;
        *end = (*end + 1) % DICTIONARY;
        out.push(byte);
    };
    while let Some(control) = rest.next() {
        for bit in 0..8 {
            if out.len() >= size {
                return out;
            }
            let Some(first) = rest.next() else { return out };
            if control >> bit & 1 == 0 {
                put(first, &mut end, &mut dictionary, &mut out);
                continue;
            }
            let Some(second) = rest.next() else { return out };
            let reference = usize::from(first) << 8 | usize::from(second);
            let (from, length) = (reference >> 4, (reference & 15) + 2);
            if from == end {
                return out;
            }
            for step in 0..length {
                let byte = dictionary[(from + step) % DICTIONARY];
                put(byte, &mut end, &mut dictionary, &mut out);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_specification_unpack() {
        assert_eq!(BEGINNING.len(), 207);
        // 3.1.1 and 3.2.1 of [MS-OXRTFCP].
        let simple = [
            0x2d, 0, 0, 0, 0x2b, 0, 0, 0, 0x4c, 0x5a, 0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0, 0x0a, 0, 0x72, 0x63,
            0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0a, 0xf3, 0x20, 0x68, 0x65, 0x6c, 0x09, 0, 0x20, 0x62, 0x77,
            0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f, 0xa0,
        ];
        let limits = ExtractLimits::default();
        assert_eq!(
            unpacked(&simple, &limits).as_deref(),
            Ok(&b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"[..])
        );
        let overlapping = [
            0x1a, 0, 0, 0, 0x1c, 0, 0, 0, 0x4c, 0x5a, 0x46, 0x75, 0xe2, 0xd4, 0x4b, 0x51, 0x41, 0, 0x04, 0x20, 0x57,
            0x58, 0x59, 0x5a, 0x0d, 0x6e, 0x7d, 0x01, 0x0e, 0xb0,
        ];
        assert_eq!(unpacked(&overlapping, &limits).as_deref(), Ok(&b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"[..]));
        assert!(unpacked(&simple[..10], &limits).is_err());
        assert!(unpacked(b"0000\x01\0\0\0what0000", &limits).is_err());
    }
}
