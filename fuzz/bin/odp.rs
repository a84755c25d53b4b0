//! OpenDocument presentations, and their parts.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    footnote_fuzz::files::archive(&footnote_fuzz::files::ODP, bytes);
});
