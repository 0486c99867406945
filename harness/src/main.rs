//! `dpop`, the command line of dpop-harness. Everything is in the library: [`dpop_harness::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    dpop_harness::cli::main()
}
