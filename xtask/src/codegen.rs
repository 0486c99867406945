//! `cargo xtask codegen`: writes the files that are made from the code.
//!
//! What they are and how they are made stands in `harness/tests/generated.rs`, which checks them in every test run; here
//! it is only asked to write.

use std::process::Command;

use anyhow::{Context as _, bail};

use crate::Usage;

pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    if let Some(arg) = args.first() {
        return Err(Usage(format!("codegen takes no argument, and there is `{arg}`")).into());
    }
    let status = Command::new("cargo")
        .args(["test", "--quiet", "-p", "dpop-harness", "--test", "all", "generated::"])
        .env("DPOP_CODEGEN", "1")
        .status()
        .context("can't start cargo")?;
    if !status.success() {
        bail!("the generator failed: {status}");
    }
    Ok(())
}
