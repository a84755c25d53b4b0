//! Parses the command and calls its `run()`.

use std::process::ExitCode;

/// Also the allocator of the libraries that are loaded: `override_allocator_on_supported_platforms`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    footnote::cli::main()
}
