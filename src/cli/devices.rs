//! `hpflow devices`: the adapters and what each can run.

/// Arguments of `hpflow devices`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Lists the adapters.
///
/// # Errors
/// None so far.
pub fn run(_args: &Args) -> anyhow::Result<()> {
    Ok(())
}
