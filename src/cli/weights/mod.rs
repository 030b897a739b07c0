//! `hpflow weights`: which weights are known, fetching, converting and checking them.

mod convert;

use hpflow::low_level::backbone::prefixed;
use hpflow::task::{CheckWeightsError, check_weights, fetch_weights, hub_cache, known_weights};
use hpflow::{Progress, WeightsSource};

use super::console::Console;
use super::error::Usage;

/// Arguments of `hpflow weights`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  hpflow weights fetch resnet101")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List the weights known by a short name, and whether they are in the cache.
    #[command(after_help = "Example:\n  hpflow weights list")]
    List,
    /// Download weights from the Hugging Face hub into its cache and print where they are.
    #[command(after_help = "Examples:\n  hpflow weights fetch resnet50\n  \
                            hpflow weights fetch timm/resnet101.tv_in1k@main")]
    Fetch {
        /// A short name of `hpflow weights list`, or OWNER/NAME on the hub; @REVISION pins one.
        #[arg(value_name = "NAME|HUB-ID")]
        source: String,
    },
    /// Turn a checkpoint that PyTorch wrote (.pth, .pth.tar, .pt) into a safetensors file.
    Convert(convert::Args),
    /// Check that weights fit their network, tensor by tensor.
    #[command(after_help = "Examples:\n  hpflow weights check resnet50.safetensors\n  \
                            hpflow weights check resnet101 --backbone resnet101\n\n\
                            Files of CNNGeo, WeakAlign, A2Net and NC-Net are known by their tensors' \
                            names.")]
    Check {
        /// A safetensors file, a short name, OWNER/NAME on the hub, or `untrained`.
        #[arg(value_name = "PATH|NAME|HUB-ID|untrained")]
        source: String,
        /// The network they should fit [default: the one they look like].
        #[arg(long)]
        backbone: Option<String>,
    },
}

/// Runs `hpflow weights`.
///
/// # Errors
/// Weights that cannot be had or do not fit.
pub fn run(args: &Args, quiet: bool) -> anyhow::Result<()> {
    let progress = &Console { quiet }.transfers();
    match &args.action {
        Action::List => list(),
        Action::Fetch { source } => fetch(source, progress),
        Action::Convert(args) => convert::run(args),
        Action::Check { source, backbone } => check(source, backbone.as_deref(), progress),
    }
}

fn list() -> anyhow::Result<()> {
    let known = known_weights()?;
    print_line!("{:<10} {:<24} in the cache", "name", "on the hub");
    for known in known {
        let cached = match known.cached {
            Some(commit) => format!("revision {commit}"),
            None => format!("no; `hpflow weights fetch {}`", known.name),
        };
        print_line!(
            "{:<10} {:<24} {cached}\n{:<10} {}",
            known.name,
            known.repository,
            "",
            known.about
        );
    }
    print_line!("{:<10} {:<24} needs no file", "untrained", "");
    print_line!("{:<10} the same random network everywhere, for tests and a first try", "");
    print_line!(
        "{:<10} {} (HF_HOME or HF_HUB_CACHE sets another)",
        "cache",
        hub_cache()?.display()
    );
    Ok(())
}

fn fetch(source: &str, progress: &Progress) -> anyhow::Result<()> {
    let WeightsSource::Hub(wanted) = parse(source)? else {
        return Err(Usage(format!(
            "'{source}' is not on the Hugging Face hub: give a short name of `hpflow weights \
             list`, or OWNER/NAME"
        ))
        .into());
    };
    let fetched = fetch_weights(&wanted, progress)?;
    print_line!("file      {}", fetched.file.display());
    print_line!("revision  {}", fetched.revision);
    print_line!("sha256    {}", fetched.sha256);
    Ok(())
}

fn check(source: &str, backbone: Option<&str>, progress: &Progress) -> anyhow::Result<()> {
    let source = parse(source)?;
    let checked = check_weights(&source, backbone, progress).map_err(|error| match error {
        CheckWeightsError::NoNetwork { .. } => Usage(error.to_string()).into(),
        CheckWeightsError::AnyNetwork { weights } => {
            Usage(format!("{weights} fits every network; give --backbone")).into()
        }
        CheckWeightsError::Weights(error) => anyhow::Error::from(error),
        error => error.into(),
    })?;
    print_line!("fits      {}", checked.network);
    print_line!("tensors   {} of {} values", checked.tensors, checked.values);
    print_line!("sha256    {}", checked.sha256);
    if !checked.beside.is_empty() {
        print_line!("beside    {}", prefixed(&checked.beside));
    }
    Ok(())
}

fn parse(source: &str) -> anyhow::Result<WeightsSource> {
    source.parse().map_err(|error| {
        let error: hpflow::low_level::backbone::WeightsError = error;
        Usage(error.to_string()).into()
    })
}
