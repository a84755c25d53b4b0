//! E-mails as they are sent.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    footnote_fuzz::files::file("f.eml", bytes);
});
