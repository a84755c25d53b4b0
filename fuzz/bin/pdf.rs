//! PDF files, and drawings of pages.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    footnote_fuzz::files::pdf(bytes);
});
