//! `hpflow weights`: which weights are known, fetching, converting and checking them.

mod convert;

use std::path::PathBuf;

use anyhow::Context;

use super::Usage;
use super::console::Console;
use hpflow::Progress;
use hpflow::low_level::backbone::WeightsSource;
use hpflow::low_level::backbone::weights::{self, HubFile, Weights, hub, manifest};
use hpflow::low_level::backbone::{ARCHITECTURES, Architecture};

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
    let settings = hub::Settings::from_environment()?;
    print_line!("{:<10} {:<24} in the cache", "name", "on the hub");
    for known in manifest::known() {
        let file = HubFile {
            repository: known.repository.clone(),
            revision: hub::DEFAULT_REVISION.to_owned(),
            file: known.file,
        };
        let cached = match hub::cached(&settings, &file) {
            Some(fetched) => format!("revision {}", fetched.commit),
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
        settings.cache.display()
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
    let settings = hub::Settings::from_environment()?;
    let fetched = hub::fetch(&settings, &wanted, hub::Freshness::Current, progress)?;
    print_line!("file      {}", fetched.path.display());
    print_line!("revision  {}", fetched.commit);
    print_line!("sha256    {}", weights::sha256(&fetched.path)?);
    Ok(())
}

fn check(source: &str, backbone: Option<&str>, progress: &Progress) -> anyhow::Result<()> {
    let source = local(parse(source)?, progress)?;
    if let (WeightsSource::File(path), None) = (&source, backbone)
        && let Some((baseline, weights)) = weights::load_baseline(path)?
    {
        return report(&baseline.to_string(), &weights);
    }
    let architecture = match backbone {
        Some(name) => named(name)?,
        None => guess(&source)?,
    };
    report(architecture.name, &weights::load(&source, &architecture, progress)?)?;
    if let WeightsSource::File(path) = &source {
        let beside = weights::prefixes_beside(path)?;
        if !beside.is_empty() {
            print_line!("beside    {}", weights::prefixed(&beside));
        }
    }
    Ok(())
}

fn report(network: &str, weights: &Weights) -> anyhow::Result<()> {
    let values: usize = weights.values.values().map(Vec::len).sum();
    print_line!("fits      {network}");
    print_line!("tensors   {} of {values} values", weights.values.len());
    print_line!("sha256    {}", weights.identity.sha256);
    Ok(())
}

fn parse(source: &str) -> anyhow::Result<WeightsSource> {
    source.parse().map_err(|error: weights::WeightsError| Usage(error.to_string()).into())
}

/// The source with what is on the hub replaced by its file in the cache.
fn local(source: WeightsSource, progress: &Progress) -> anyhow::Result<WeightsSource> {
    let WeightsSource::Hub(wanted) = source else { return Ok(source) };
    let settings = hub::Settings::from_environment()?;
    let fetched = hub::fetch(&settings, &wanted, hub::Freshness::Cached, progress)?;
    Ok(WeightsSource::File(fetched.path))
}

fn named(name: &str) -> anyhow::Result<Architecture> {
    let unknown = || Usage(format!("hpflow has no weights for '{name}'; give {}", names()));
    Ok(Architecture::named(name).ok_or_else(unknown)?)
}

fn guess(source: &WeightsSource) -> anyhow::Result<Architecture> {
    let path: PathBuf = match source {
        WeightsSource::File(path) => path.clone(),
        _ => return Err(Usage(format!("{source} fits every network; give --backbone")).into()),
    };
    let found = weights::network_of(&path)?.unwrap_or_else(|| "no network hpflow knows".to_owned());
    Architecture::named(&found).with_context(|| {
        format!(
            "{}: looks like the weights of {found}; give the weights of {}, or of a learned baseline",
            path.display(),
            names()
        )
    })
}

fn names() -> String {
    ARCHITECTURES.map(|architecture| architecture.name).join(" or ")
}
