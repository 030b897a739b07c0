//! `hpflow dataset download`: a benchmark from its authors' server.

use std::path::PathBuf;

use hpflow::BenchmarkKind;

use super::super::options::listed;

#[cfg(feature = "hub")]
use {
    super::super::console::Console,
    super::super::error::Usage,
    hpflow::low_level::download::DownloadError,
    hpflow::task::{DownloadOptions, download_benchmark},
};

const EXAMPLE: &str = "\
Examples:
  hpflow dataset download spair --out data
  hpflow dataset download pf-willow --out data --keep-archive

A download that broke off is continued by the same command.";

/// Arguments of `hpflow dataset download`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub struct Args {
    #[arg(help = format!("The benchmark: {}", listed(&with_archive(), " or ")))]
    benchmark: BenchmarkKind,
    /// The folder in which the benchmark's own is made.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// Get the archive (.tar.gz or .zip) from here instead of its authors' server.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Keep the archive when it is unpacked.
    #[arg(long)]
    keep_archive: bool,
}

/// The benchmarks whose archive can be had.
fn with_archive() -> Vec<String> {
    let infos = BenchmarkKind::ALL.iter().map(|kind| kind.info());
    infos.filter(|info| info.archive.is_some()).map(|info| info.name.to_owned()).collect()
}

/// Gets, unpacks and looks at the benchmark.
///
/// # Errors
/// Those of fetching and unpacking, and an archive that holds something else.
#[cfg(feature = "hub")]
pub fn run(args: &Args, quiet: bool) -> anyhow::Result<()> {
    let console = Console { quiet };
    if let Some(url) = args.url.as_deref().or(args.benchmark.info().archive) {
        console.note(format!("from {url}"));
    }
    let (progress, bar) = console.work("{msg} {wide_bar} {human_pos}/{human_len} {per_sec}");
    let mut options = DownloadOptions::default();
    options.url.clone_from(&args.url);
    options.keep_archive = args.keep_archive;
    options.progress = progress;
    let root = download_benchmark(args.benchmark, &args.out, &options);
    bar.finish_and_clear();
    let root = root.map_err(explained)?;
    mention_line!(
        "{} is in {}; hpflow dataset check --benchmark {} --root {} looks it over",
        args.benchmark,
        root.display(),
        args.benchmark,
        hpflow::low_level::text::quoted(&root.display().to_string())
    );
    Ok(())
}

/// This build cannot ask servers.
///
/// # Errors
/// Always.
#[cfg(not(feature = "hub"))]
pub fn run(_args: &Args, _quiet: bool) -> anyhow::Result<()> {
    anyhow::bail!(
        "this build of hpflow cannot download: it was built without the feature `hub`; build it with \
         default features, or get the archive by other means and unpack it"
    )
}

/// What stands in the way, with the options that help, and wrong usage as such.
#[cfg(feature = "hub")]
fn explained(error: DownloadError) -> anyhow::Error {
    use DownloadError::{Address, Ask, Exists, NoAddress, NotAnArchive, Other, Refused};
    match error {
        Address { .. } => Usage(format!("--url {error}")).into(),
        NoAddress { .. } => Usage(format!("{error} with --url")).into(),
        Exists { path } => {
            let path = path.display();
            anyhow::anyhow!("{path} exists already: give another folder with --out, or delete it")
        }
        Other { archive, benchmark } => anyhow::anyhow!(
            "{} does not hold {benchmark}; delete it and give another --url",
            archive.display()
        ),
        Ask { .. } | Refused { .. } | NotAnArchive { .. } => anyhow::anyhow!("{error} with --url"),
        error => error.into(),
    }
}
