//! `hpflow merge`: one predictions file of the shards that jobs have written.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args as ClapArgs;
use hpflow::task::{MergeError, MergeOptions, Merged, ShardFault, ShardFaultKind, merge};

use super::console::Console;
use super::output::counted;

/// Make one predictions file of the shards that `hpflow predict --shard` wrote.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  hpflow predict --root SPair-71k --out hpf.jsonl --shard 1/2
  hpflow predict --root SPair-71k --out hpf.jsonl --shard 2/2
  hpflow merge hpf.jsonl

The file has the bytes of a run without shards. Shards that are missing are named, with the call that
makes them; merging again does no harm. Scripts for batch systems: docs/cluster.md.")]
pub struct Args {
    /// The file that was given as --out; its shards are in FILE.shards.
    #[arg(value_name = "FILE.jsonl")]
    out: PathBuf,
    /// Write the pairs of the shards that are complete where some are not, for `score --partial`.
    #[arg(long)]
    partial: bool,
    /// Delete FILE.shards when all pairs are in the file.
    #[arg(long)]
    delete: bool,
}

/// Runs the command.
///
/// # Errors
/// Shards that are missing, unfinished, damaged or of another run; a file that cannot be written.
pub fn run(args: &Args, console: Console) -> anyhow::Result<()> {
    let options = MergeOptions { partial: args.partial, delete: args.delete };
    let merged = merge(&args.out, options).map_err(|error| explained(error, &args.out))?;
    let Merged { pairs, complete, of, .. } = merged;
    let out = args.out.display();
    if merged.already {
        console.note(format!(
            "{out}: {}; there are no shards to merge, it stays as it is",
            counted(pairs, "pair")
        ));
        return Ok(());
    }
    console.note(format!("{out}: {} of {complete} of {of} shards", counted(pairs, "pair")));
    if !merged.faults.is_empty() {
        console.note(format!("not in it:\n{}", listed(&merged.faults, of, &args.out)));
    }
    let mut without = Vec::new();
    let mut say = |ids: &[String], what: &str| {
        if !ids.is_empty() {
            without.push(format!("{} {what}:\n  {}", counted(ids.len(), "pair"), ids.join("\n  ")));
        }
    };
    say(&merged.unanswered, "without an answer, because a photograph could not be used");
    say(&merged.left_out, "left out, because its annotation could not be read");
    if without.is_empty() {
        return Ok(());
    }
    bail!(
        "{}\nwhen that is mended, `hpflow predict … --out {out} --resume`, without --shard, predicts them",
        without.join("\n")
    )
}

/// What stands in the way, with the calls that help.
fn explained(error: MergeError, out: &Path) -> anyhow::Error {
    match error {
        MergeError::Incomplete { ref faults, of, .. } => {
            anyhow::anyhow!("{error}\n{}", listed(faults, of, out))
        }
        MergeError::None { .. } => anyhow::anyhow!(
            "{error}; make shards with `hpflow predict … --out {} --shard 1/N` to N/N first",
            out.display()
        ),
        error => error.into(),
    }
}

/// Shards with what is wrong with them, and what mends them.
fn listed(faults: &[ShardFault], of: usize, out: &Path) -> String {
    let mut lines: Vec<String> = Vec::new();
    let not_begun = |fault: &&ShardFault| fault.kind == ShardFaultKind::NotBegun;
    let numbers: Vec<usize> = faults.iter().filter(not_begun).map(|fault| fault.shard).collect();
    if !numbers.is_empty() {
        lines.push(format!("  {}: {}", ranges(&numbers), ShardFaultKind::NotBegun));
    }
    for ShardFault { shard, kind } in faults.iter().filter(|fault| !not_begun(fault)) {
        lines.push(format!("  {shard}: {kind}"));
    }
    let foreign = faults.iter().filter_map(|fault| match &fault.kind {
        ShardFaultKind::Foreign { file, .. } => Some(quoted(file)),
        _ => None,
    });
    let foreign: Vec<String> = foreign.collect();
    if !foreign.is_empty() {
        lines.push(format!("delete those of another run: rm {}", foreign.join(" ")));
    }
    let all: Vec<usize> = faults.iter().map(|fault| fault.shard).collect();
    let again = ranges(&all);
    let each = match all[..] {
        [only] => format!("--shard {only}/{of}"),
        _ => format!("--shard I/{of} for each I of {again}"),
    };
    lines.push(format!(
        "run them again: hpflow predict … --out {} {each} (Slurm: sbatch --array={again} SCRIPT), then merge",
        quoted(out)
    ));
    lines.join("\n")
}

/// Ascending numbers as batch systems take them: `3,7-9`.
pub(super) fn ranges(numbers: &[usize]) -> String {
    let mut runs: Vec<[usize; 2]> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some([_, last]) if *last + 1 >= number => *last = number,
            _ => runs.push([number; 2]),
        }
    }
    let run = |[first, last]: &[usize; 2]| match last - first {
        0 => first.to_string(),
        _ => format!("{first}-{last}"),
    };
    runs.iter().map(run).collect::<Vec<_>>().join(",")
}

/// A path as a shell takes it.
pub(super) fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-@:+=,".contains(c);
    if !path.is_empty() && path.chars().all(plain) {
        return path;
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_batch_systems_take_them() {
        assert_eq!(ranges(&[3]), "3");
        assert_eq!(ranges(&[3, 7, 8, 9, 11, 12]), "3,7-9,11-12");
    }
}
