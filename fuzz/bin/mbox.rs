//! Mailboxes of many e-mails.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    footnote_fuzz::files::file("f.mbox", bytes);
});
