//! `--shard`: one of N parts of a command's work, for a job of a batch system. The first and the last
//! line of its log say which part, how much, and where.

use std::path::Path;

use anyhow::Context as _;
use hpflow::low_level::benchmark::{Benchmark, Unreadable};
use hpflow::low_level::method::Method;
use hpflow::low_level::predictions::MethodHeader;
use hpflow::task::{
    Estimate, Part, PredictEvent, PredictOptions, Predicted, Shard, ShardEvent, host, predict_shard,
};

use super::console::Console;
use super::lines::LogLines;
use super::output::counted;

/// The most categories that are named.
const NAMED: usize = 3;

/// The work of a shard of pairs, and where it is done.
pub fn about(part: &Part) -> String {
    let categories = part.categories();
    let of = match categories.len() {
        0 => String::new(),
        1..=NAMED => format!("{}, ", categories.join(", ")),
        more => format!("{}, ", categories_of(more)),
    };
    format!(
        "{of}{}, {}, on {}",
        counted(part.positions.len(), "pair"),
        counted(part.benchmark.images.len(), "photograph"),
        host()
    )
}

fn categories_of(number: usize) -> String {
    if number == 1 { "1 category".to_owned() } else { format!("{number} categories") }
}

/// Predicts a shard, with its log; `begun` says what there is to say of a run that is continued. The
/// photographs that could not be used.
pub fn predict(
    (part, unreadable): (&Part, &[Unreadable]),
    method: &mut dyn Method,
    (out, options): (&Path, &PredictOptions),
    console: Console,
    notes: &dyn Fn(&PredictEvent) -> Vec<String>,
    explained: &dyn Fn(hpflow::task::PredictShardError) -> anyhow::Error,
) -> anyhow::Result<Predicted> {
    let (shard, about) = (part.shard, about(part));
    let progress = console.progress(part.positions.len(), "pairs");
    let lines = LogLines::of(&progress, console);
    let engine = engine(&*method);
    let (mut kept, mut held) = (None, Vec::new());
    let predicted =
        predict_shard((part, unreadable), method, out, options, &mut |event| match event {
            // What is said of earlier runs follows the first line, as it is known before.
            ShardEvent::NotUsed { file, why } => {
                held.push(format!("{}: not used: {why}", file.display()));
            }
            ShardEvent::Kept(pairs) => {
                kept = Some(pairs);
                progress.suspend(|| {
                    let kept = counted(pairs, "pair");
                    console.note(format!("shard {shard}: {about}, {kept} kept from before"));
                    engine.iter().chain(&held).for_each(|note| console.note(note));
                });
                held.clear();
                // Not while the bar is suspended, which holds its lock.
                progress.set_position(pairs as u64);
                progress.reset_eta();
            }
            ShardEvent::Predict(event) => {
                if let PredictEvent::Advanced { done, .. } = event {
                    progress.set_position(done as u64);
                }
                held.extend(notes(&event));
                if kept.is_some() {
                    progress.suspend(|| held.drain(..).for_each(|note| console.note(note)));
                }
            }
            _ => {}
        });
    drop(lines);
    progress.finish_and_clear();
    let so_far = kept
        .map_or_else(String::new, |pairs| format!(", {} kept from before", counted(pairs, "pair")));
    let of_shard = || format!("shard {shard}: {about}{so_far}");
    let done = predicted.map_err(explained).with_context(of_shard)?;
    held.iter().for_each(|note| console.note(note));
    let what = if done.already { "complete already, it stays as it is" } else { "complete" };
    console.note(format!(
        "{}: {}: {what}; {} of {} shards are complete",
        of_shard(),
        done.file.display(),
        done.complete,
        shard.of()
    ));
    Ok(done.predicted)
}

/// What the method computes with, where it says so.
fn engine(method: &dyn Method) -> Option<String> {
    let about = method.header();
    let engine = about.get(MethodHeader::ENGINE)?;
    let adapter = about.get(MethodHeader::ADAPTER)?;
    Some(format!("engine: {engine} ({adapter})"))
}

/// The photographs that a shard must have: its own, and where it has none the first of all, which says
/// what kept features are of.
pub fn photographs<'a>(
    part: &'a Part,
    benchmark: &'a Benchmark,
) -> &'a [hpflow::low_level::benchmark::Image] {
    match &*part.benchmark.images {
        [] => &benchmark.images[..benchmark.images.len().min(1)],
        own => own,
    }
}

/// The first line of a shard of photographs.
pub fn about_photographs(shard: Shard, photographs: usize, there: usize) -> String {
    format!(
        "shard {shard}: {}, on {}, {there} of them there already",
        counted(photographs, "photograph"),
        host()
    )
}

/// How often photographs pass the backbone.
pub fn passes(part: &Part, benchmark: &Benchmark, backbone: &str) -> String {
    let own = format!("{} through {backbone}", part.benchmark.images.len());
    let of = part.shard.of();
    if of == 1 {
        return own;
    }
    let shards = (1..=of).filter_map(|index| Shard::new(index, of).ok());
    let all: usize = shards.map(|shard| Part::of(benchmark, shard).benchmark.images.len()).sum();
    format!("{own}; {all} in all {of} shards, {} without shards", benchmark.images.len())
}

/// Bytes as a job is asked for them.
pub fn memory(bytes: Option<u64>) -> String {
    match bytes {
        Some(bytes) => format!("about {:.1} GB, without what is on a GPU", bytes as f64 / 1e9),
        None => "not known on this system".to_owned(),
    }
}

/// A time as a job is asked for it.
pub fn time(estimate: &Estimate) -> String {
    let minutes = (estimate.time.as_secs_f64() / 60.0).ceil();
    let time = match minutes {
        _ if estimate.time.as_secs_f64() < 60.0 => "less than a minute".to_owned(),
        minutes if minutes < 120.0 => format!("about {minutes} min"),
        minutes => format!("about {:.1} h", minutes / 60.0),
    };
    let (pairs, took) = (counted(estimate.tried, "pair"), estimate.took.as_secs_f64());
    format!("{time} on this machine, {}: {pairs} took {took:.1} s", host())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_and_memory_are_said_as_a_job_is_asked_for_them() {
        let said = |seconds| {
            let time_of = Duration::from_secs(seconds);
            time(&Estimate { time: time_of, memory: None, tried: 9, took: Duration::from_secs(2) })
        };
        assert!(said(59).starts_with("less than a minute on this machine, "));
        assert!(
            said(61).starts_with("about 2 min on") && said(61).ends_with(": 9 pairs took 2.0 s")
        );
        assert!(said(9000).starts_with("about 2.5 h on"));
        assert_eq!(memory(Some(1_940_000_000)), "about 1.9 GB, without what is on a GPU");
    }
}
