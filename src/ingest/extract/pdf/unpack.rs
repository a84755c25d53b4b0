//! Unpacks the streams that draw a page, as far as they can be unpacked: a wrong checksum or a missing end costs no
//! words that are there.
//!
//! May depend on nothing of this crate.

use flate2::{Decompress, FlushDecompress, Status};
use pdf_extract::{Document, Object, Stream};

/// How much room an unpacked stream is given at a time.
const STEP: usize = 64 << 10;

/// The bytes of a stream.
pub(super) struct Unpacked {
    pub(super) bytes: Vec<u8>,
    /// The stream broke off, or is packed in a way that is not known.
    pub(super) is_damaged: bool,
}

/// Unpacks a stream to at most `limit` bytes.
pub(super) fn unpack(document: &Document, stream: &Stream, limit: u64) -> Result<Unpacked, String> {
    let too_much = || "it unpacks to more than is allowed".to_owned();
    let resolve = |object: &Object| document.dereference(object).ok().map(|(_, object)| object.clone());
    let filters = match stream.dict.get(b"Filter").ok().and_then(resolve) {
        Some(Object::Array(filters)) => filters.iter().filter_map(resolve).collect(),
        Some(Object::Null) | None => Vec::new(),
        Some(one) => vec![one],
    };
    let has_parameters = match stream.dict.get(b"DecodeParms").ok().and_then(resolve) {
        Some(Object::Array(all)) => all.iter().filter_map(resolve).any(|one| one != Object::Null),
        Some(Object::Null) | None => false,
        Some(_) => true,
    };
    let mut unpacked = Unpacked { bytes: stream.content.clone(), is_damaged: false };
    if has_parameters {
        match stream.decompressed_content() {
            Ok(bytes) => unpacked.bytes = bytes,
            Err(_) => unpacked.is_damaged = true,
        }
    } else {
        for filter in &filters {
            let input = std::mem::take(&mut unpacked.bytes);
            let (bytes, is_whole) = match filter.as_name().unwrap_or_default() {
                b"FlateDecode" | b"Fl" => inflated(&input, limit).ok_or_else(too_much)?,
                b"LZWDecode" | b"LZW" => unpacked_lzw(input),
                b"ASCII85Decode" | b"A85" => from_base_85(&input),
                b"ASCIIHexDecode" | b"AHx" => from_hexadecimal(&input),
                b"RunLengthDecode" | b"RL" => repeated(&input, limit).ok_or_else(too_much)?,
                b"Crypt" => (input, true),
                _ => (Vec::new(), false),
            };
            unpacked.bytes = bytes;
            unpacked.is_damaged |= !is_whole;
        }
    }
    if unpacked.bytes.len() as u64 > limit { Err(too_much()) } else { Ok(unpacked) }
}

/// What was packed with zlib, and whether it came to its end; `None` for too much. Its checksum is not looked at.
fn inflated(input: &[u8], limit: u64) -> Option<(Vec<u8>, bool)> {
    let body = match input {
        [first, second, body @ ..] if first & 15 == 8 && u16::from_be_bytes([*first, *second]).is_multiple_of(31) => {
            body
        }
        _ => input,
    };
    let mut inflater = Decompress::new(false);
    let mut bytes = Vec::new();
    loop {
        let before = (inflater.total_in(), inflater.total_out());
        bytes.reserve(STEP);
        let rest = body.get(before.0 as usize..).unwrap_or_default();
        let status = inflater.decompress_vec(rest, &mut bytes, FlushDecompress::None);
        if bytes.len() as u64 > limit {
            return None;
        }
        match status {
            Ok(Status::StreamEnd) => return Some((bytes, true)),
            Ok(_) if before != (inflater.total_in(), inflater.total_out()) => {}
            _ => return Some((bytes, input.is_empty())),
        }
    }
}

fn unpacked_lzw(input: Vec<u8>) -> (Vec<u8>, bool) {
    let filter = [(b"Filter".to_vec(), Object::Name(b"LZWDecode".to_vec()))];
    match Stream::new(filter.into_iter().collect(), input).decompressed_content() {
        Ok(bytes) => (bytes, true),
        Err(_) => (Vec::new(), false),
    }
}

fn from_base_85(input: &[u8]) -> (Vec<u8>, bool) {
    let mut bytes = Vec::with_capacity(input.len());
    let (mut group, mut count) = (0u64, 0u32);
    let mut is_whole = true;
    for byte in input {
        match byte {
            b'~' => break,
            b'z' if count == 0 => bytes.extend([0; 4]),
            b'!'..=b'u' => {
                group = group * 85 + u64::from(byte - b'!');
                count += 1;
                if count == 5 {
                    bytes.extend((group as u32).to_be_bytes());
                    (group, count) = (0, 0);
                }
            }
            byte if byte.is_ascii_whitespace() || *byte == 0 => {}
            _ => is_whole = false,
        }
    }
    if count > 1 {
        for _ in count..5 {
            group = group * 85 + 84;
        }
        bytes.extend(&(group as u32).to_be_bytes()[..count as usize - 1]);
    }
    (bytes, is_whole)
}

fn from_hexadecimal(input: &[u8]) -> (Vec<u8>, bool) {
    let written = input.iter().take_while(|byte| **byte != b'>');
    let mut digits: Vec<u8> =
        written.filter_map(|byte| char::from(*byte).to_digit(16)).map(|digit| digit as u8).collect();
    if digits.len() % 2 == 1 {
        digits.push(0);
    }
    (digits.chunks_exact(2).map(|pair| (pair[0] << 4) | pair[1]).collect(), true)
}

/// Runs of bytes: a length and so many, or a count and what is repeated; `None` for too much.
fn repeated(input: &[u8], limit: u64) -> Option<(Vec<u8>, bool)> {
    let (mut bytes, mut at) = (Vec::new(), 0);
    while let Some(length) = input.get(at).copied() {
        match (usize::from(length), input.get(at + 1)) {
            (128, _) => break,
            (length @ 0..128, _) => {
                let end = (at + 2 + length).min(input.len());
                bytes.extend_from_slice(&input[at + 1..end]);
                at += 2 + length;
            }
            (length, Some(byte)) => {
                bytes.extend(std::iter::repeat_n(*byte, 257 - length));
                at += 2;
            }
            (_, None) => return Some((bytes, false)),
        }
        if bytes.len() as u64 > limit {
            return None;
        }
    }
    let is_whole = at <= input.len();
    Some((bytes, is_whole))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write as _;

    use super::*;

    fn unpacked(filter: &str, content: &[u8]) -> (Vec<u8>, bool) {
        let filter = [(b"Filter".to_vec(), Object::Name(filter.as_bytes().to_vec()))];
        let stream = Stream::new(filter.into_iter().collect(), content.to_vec());
        let unpacked = unpack(&Document::new(), &stream, 1 << 20).unwrap();
        (unpacked.bytes, unpacked.is_damaged)
    }

    #[test]
    fn streams_are_unpacked_as_far_as_they_go() {
        let text: Vec<u8> = (0..20_000u32).flat_map(|number| number.to_string().into_bytes()).collect();
        let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        packer.write_all(&text).unwrap();
        let packed = packer.finish().unwrap();
        assert_eq!(unpacked("FlateDecode", &packed), (text.clone(), false));
        let wrong_sum = [&packed[..packed.len() - 4], b"0000"].concat();
        assert_eq!(unpacked("FlateDecode", &wrong_sum), (text.clone(), false));
        let (half, is_damaged) = unpacked("FlateDecode", &packed[..packed.len() / 2]);
        assert!(is_damaged && half.len() > text.len() / 4 && text.starts_with(&half), "{}", half.len());
        let stream = Stream::new([(b"Filter".to_vec(), Object::Name(b"Fl".to_vec()))].into_iter().collect(), packed);
        assert!(unpack(&Document::new(), &stream, 1000).is_err());
    }

    #[test]
    fn streams_in_letters_are_read() {
        assert_eq!(unpacked("ASCIIHexDecode", b"48 65\n6C6c 6F7>x"), (b"Hellop".to_vec(), false));
        assert_eq!(unpacked("ASCII85Decode", b"87cUR\nD]j7BEbo80~>\n"), (b"Hello world!".to_vec(), false));
        assert_eq!(unpacked("ASCII85Decode", b"87cURDZ~>"), (b"Hello".to_vec(), false));
        assert_eq!(unpacked("RunLengthDecode", b"\x01ab\xfec\x80"), (b"abccc".to_vec(), false));
        assert_eq!(unpacked("JPXDecode", b"abc"), (Vec::new(), true));
    }
}
