//! `hpflow dataset download`: a benchmark from its authors' server.

use std::path::PathBuf;

use crate::cli::options::listed;
use hpflow::low_level::benchmark::BenchmarkKind;

#[cfg(feature = "hub")]
use {
    crate::cli::Usage,
    crate::cli::console::Console,
    anyhow::Context as _,
    hpflow::low_level::download::{DownloadError, fetch, unpack},
    hpflow::low_level::files,
    indicatif::ProgressStyle,
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
    let url = args.url.as_deref().or_else(|| args.benchmark.info().archive).ok_or_else(|| {
        Usage(format!(
            "no archive of {} is known, only of {}; give its address with --url",
            args.benchmark,
            with_archive().join(", ")
        ))
    })?;
    let name = archive_name(url)?;
    if let Ok(path) = args.benchmark.folder(&args.out) {
        return Err(DownloadError::Exists { path }.into());
    }
    std::fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot create the folder {}", args.out.display()))?;
    // What is fetched, and deleted in the end, is where a link leads.
    let archive = args.out.join(name);
    let archive = files::regular(&archive).with_context(|| format!("{}", archive.display()))?;
    let console = Console { quiet };

    console.note(format!("from {url}"));
    let bar = console.progress(0, "downloading");
    if let Ok(style) = ProgressStyle::with_template(
        "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta} left",
    ) {
        bar.set_style(style);
    }
    let fetched = fetch(url, &archive, &mut |have, total| {
        bar.set_length(total.unwrap_or(have));
        bar.set_position(have);
    });
    bar.finish_and_clear();
    fetched?;

    let bar = console.progress(0, "unpacking");
    let unpacked = unpack::<anyhow::Error>(
        &archive,
        &args.out,
        &mut |entries| {
            bar.set_length(entries as u64);
            bar.set_position(entries as u64);
        },
        |folder| {
            args.benchmark.folder(folder).map(drop).map_err(|_| {
                let (archive, wanted) = (archive.display(), args.benchmark);
                anyhow::anyhow!(
                    "{archive} does not hold {wanted}; delete it and give another --url"
                )
            })
        },
    );
    bar.finish_and_clear();
    unpacked?;
    if !args.keep_archive {
        std::fs::remove_file(&archive)
            .with_context(|| format!("cannot delete {}", archive.display()))?;
    }
    let root = args.benchmark.folder(&args.out)?;
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

/// The last part of the address, which names the archive.
#[cfg(feature = "hub")]
fn archive_name(url: &str) -> Result<&str, Usage> {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let scheme = ["http://", "https://"].iter().find_map(|scheme| path.strip_prefix(scheme));
    match scheme.and_then(|rest| rest.rsplit_once('/')) {
        Some((_, name)) if !matches!(name, "" | "." | "..") && !name.contains('\\') => Ok(name),
        _ => Err(Usage(format!(
            "--url {url}: expected http:// or https:// and a path that ends in the archive's name"
        ))),
    }
}
