//! Parses the command and calls its `run()`.

use std::process::ExitCode;

fn main() -> ExitCode {
    footnote::cli::main()
}
