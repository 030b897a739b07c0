//! `hpflow dataset pairs`: pair annotations from image annotations.

use std::path::PathBuf;

use hpflow::low_level::benchmark::spair::ImageSelection;
use hpflow::task::{MakePairsError, PairsOptions, make_pairs};

use super::super::error::Usage;

const EXAMPLE: &str = "\
Example:
  hpflow dataset pairs --images SPair-71k/ImageAnnotation --split mine --out SPair-71k
  hpflow predict --benchmark spair --root SPair-71k --split mine --backbone hog --out mine.jsonl

Every ordered pair of a category's images that have a visible keypoint in common becomes a pair, \
numbered, ordered, labelled and written as in SPair-71k.";

/// Arguments of `hpflow dataset pairs`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub struct Args {
    /// The folder ImageAnnotation, with a folder a category.
    #[arg(long, value_name = "DIR")]
    images: PathBuf,
    /// The new split's name.
    #[arg(long, value_name = "NAME")]
    split: String,
    /// Where to write `PairAnnotation/<split>` and `Layout/large/<split>.txt`.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Only images of this category (may be repeated).
    #[arg(long, value_name = "NAME")]
    category: Vec<String>,
    /// Only the images of this list: one category/image a line.
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// The number from which pairs are counted.
    #[arg(long, value_name = "N", default_value_t = 0)]
    first_id: u64,
}

/// Builds and writes the pairs, and says how many.
///
/// # Errors
/// Image annotations that cannot be read or contradict each other, a split that is there already,
/// a folder that cannot be written.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let mut options = PairsOptions::default();
    options.selection =
        ImageSelection { categories: args.category.clone(), list: args.list.clone() };
    options.first_id = args.first_id;
    let made = make_pairs(&args.images, &args.split, &args.out, &options);
    let made = made.map_err(|error| match error {
        MakePairsError::Split { .. } => Usage(format!("--{error}")).into(),
        MakePairsError::Images(error) => anyhow::Error::from(error),
        error => error.into(),
    })?;
    mention_line!("{} pairs of {} images in {}", made.pairs, made.images, args.out.display());
    Ok(())
}
