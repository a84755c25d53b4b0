//! E-mails as Outlook stores them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    footnote_fuzz::files::msg(bytes);
});
