//! `hpflow weights convert`: a checkpoint that PyTorch wrote becomes a safetensors file, and one
//! network of a safetensors file a file of its own.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;

use hpflow::low_level::checkpoint::{CheckpointFormat, ConvertOptions, Converted, ENTRY, convert};
use hpflow::task::describe_weights;

use super::super::output::counted;

/// Arguments of `hpflow weights convert`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hpflow weights convert ncnet_pfpascal.pth.tar --out ncnet_pfpascal.safetensors
  hpflow weights convert resnet101-5d3b4d8f.pth --out resnet101.safetensors
  hpflow weights convert fcn.safetensors --prefix backbone. --out backbone.safetensors

Both formats of torch.save are read, PyTorch's own (from 1.6) and the stream of older ones, and nothing \
that the file asks for is run: what is more than tensors, numbers, texts, lists, dictionaries, arrays \
and argparse.Namespace is refused by its name. The entries beside the tensors become metadata \
(`checkpoint.epoch`, `checkpoint.args.ncons_channels`), as JSON. Counters of batches and the optimiser's \
state are left out; `FeatureExtraction.vgg` becomes `FeatureExtraction.model`, and DataParallel's \
`module.` goes. Of a safetensors file --prefix takes the tensors of one network.")]
pub struct Args {
    /// The checkpoint, or with --prefix a safetensors file.
    #[arg(value_name = "OLD.pth.tar")]
    file: PathBuf,
    /// The safetensors file to write.
    #[arg(long, value_name = "NEW.safetensors")]
    out: PathBuf,
    /// The entry that holds the tensors [default: state_dict or another usual one, or the top].
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    key: Option<String>,
    /// Take only the tensors whose names begin with this, such as `backbone.`, and take it off them.
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    prefix: Option<String>,
    /// Replace a file that is there already.
    #[arg(long)]
    force: bool,
}

/// Runs the command.
///
/// # Errors
/// A checkpoint that cannot be converted, or an output that cannot be written.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let options =
        ConvertOptions { key: args.key.clone(), prefix: args.prefix.clone(), force: args.force };
    let converted = convert(&args.file, &args.out, &options)?;
    let Converted { format, key, shapes, numbers, renamed, left_out, metadata, sha256 } =
        &converted;
    mention_line!(
        "format    {}",
        match format {
            CheckpointFormat::Stream => "stream of pickles (PyTorch before 1.6)",
            CheckpointFormat::Archive => "zip archive (PyTorch 1.6 and later)",
            CheckpointFormat::Safetensors => "safetensors",
        }
    );
    let place = if key.is_empty() { "at the top".to_owned() } else { format!("in {key}") };
    mention_line!("tensors   {} of {numbers} values, {place}", shapes.len());
    for (what, count) in renamed {
        mention_line!("renamed   {what} ({})", counted(*count, "tensor"));
    }
    for what in left_out {
        mention_line!("left out  {what}");
    }
    let entries: Vec<String> = metadata
        .iter()
        .filter_map(|(name, _)| name.strip_prefix(ENTRY).map(hpflow::low_level::text::shortened))
        .collect();
    if !entries.is_empty() {
        mention_line!("metadata  {}", entries.join(", "));
    }
    mention_line!("network   {}", describe_weights(&args.out, shapes));
    mention_line!("file      {}", args.out.display());
    mention_line!("sha256    {sha256}");
    Ok(())
}
