//! `hpflow dataset demo`: a drawn benchmark.

use std::path::PathBuf;

#[cfg(feature = "demo")]
use {
    super::super::console::Console,
    super::super::error::Usage,
    hpflow::low_level::benchmark::demo::{DemoError, DemoOptions, Size, USUAL_CATEGORIES},
    hpflow::task::draw_benchmark,
};

/// Arguments of `hpflow dataset demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    hpflow dataset demo demo/data\n  \
    hpflow dataset demo demo/large --images 20 --category car,horse\n  \
    hpflow dataset demo demo/like-spair --like spair")]
pub struct Args {
    /// The folder to make: new, empty, or holding a demo benchmark.
    folder: PathBuf,
    /// Another seed gives other images.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Make as many images and pairs as a published benchmark has.
    #[arg(long, value_enum, conflicts_with_all = ["images", "category"])]
    like: Option<Like>,
    /// Test images a category; training has half as many, validation a third.
    #[arg(long, default_value_t = 6, value_name = "N")]
    images: usize,
    /// Categories, separated by commas [default: eight of SPair-71k's].
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    category: Vec<String>,
    /// Replace another demo benchmark in the folder.
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Like {
    /// SPair-71k: 18 categories, 1,800 images, 70,958 pairs.
    Spair,
}

/// Makes the folder and says what is in it.
///
/// # Errors
/// Wrong usage, a folder with other files, files that cannot be written.
#[cfg(feature = "demo")]
pub fn run(args: &Args, quiet: bool) -> anyhow::Result<()> {
    let categories = if args.category.is_empty() {
        USUAL_CATEGORIES.map(str::to_owned).to_vec()
    } else {
        args.category.clone()
    };
    let size = match args.like {
        Some(Like::Spair) => Size::LikeSpair,
        None => Size::Small { images: args.images, categories },
    };
    let options = DemoOptions { seed: args.seed, size };
    let (progress, bar) = Console { quiet }.work("{msg:>16} {bar:32} {pos}/{len} {eta}");
    let made = draw_benchmark(&args.folder, &options, args.force, &progress);
    bar.finish_and_clear();
    let summary = made.map_err(|error| match error {
        DemoError::Category { .. } | DemoError::TooFew { .. } => Usage(error.to_string()).into(),
        DemoError::Present { .. } => anyhow::anyhow!("{error} with --force"),
        other => anyhow::Error::from(other),
    })?;
    let [train, validation, test] = summary.pairs;
    let folder = args.folder.display();
    let what = if summary.unchanged {
        "already made".to_owned()
    } else {
        format!("{} images", summary.images)
    };
    mention_line!("{folder}: {what}; pairs: {train} trn, {validation} val, {test} test");
    Ok(())
}

/// This build cannot draw.
///
/// # Errors
/// Always.
#[cfg(not(feature = "demo"))]
pub fn run(_args: &Args, _quiet: bool) -> anyhow::Result<()> {
    anyhow::bail!(
        "this build of hpflow cannot draw a benchmark: it was built without the feature `demo`; build \
         it with default features"
    )
}
