//! About how long a benchmark takes, and how much memory: measured with a few of its pairs.

use std::fs;
use std::io;
use std::time::{Duration, Instant};

use super::partition::{categories, with_pairs};
use super::predict::{PredictError, PredictOptions, predict};
use crate::benchmark::Benchmark;
use crate::method::Method;
use crate::predictions::PredictionsError;

/// Photographs that are tried.
const PHOTOGRAPHS: usize = 6;

/// Pairs that are tried, at most.
const PAIRS: usize = 20;

/// What a benchmark takes on this machine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// About how long.
    pub time: Duration,
    /// About how many bytes of the machine's memory at most; `None` where the system does not say what
    /// a process has.
    pub memory: Option<u64>,
    /// How many pairs were tried.
    pub tried: usize,
    /// How long that took.
    pub took: Duration,
}

/// What a trial showed.
#[derive(Debug, Clone, Copy, Default)]
struct Trial {
    photographs: f64,
    pairs: f64,
    seconds: f64,
    bytes: Option<f64>,
}

/// Tries a few pairs of a benchmark and says about what all of them take. Nothing is left of it.
///
/// # Errors
/// Those of [`predict`].
pub fn estimate(
    benchmark: &Benchmark,
    method: &mut dyn Method,
    options: &PredictOptions,
) -> Result<Estimate, PredictError> {
    let all = categories(benchmark);
    let largest = all.iter().max_by_key(|pairs| pairs.len()).map_or(&[][..], |pairs| pairs);
    let most = with_pairs(benchmark, largest).images.len();
    let few = first(benchmark, largest, 2);
    let more = first(benchmark, largest, PHOTOGRAPHS);
    let begun = Instant::now();
    // What is made once for a run is made by the first trial, which is not counted.
    try_pairs(benchmark, &few, method, options)?;
    let one = try_pairs(benchmark, &few, method, options)?;
    let other = try_pairs(benchmark, &more, method, options)?;
    let [a_photograph, a_pair] = costs(one, other);
    let (photographs, pairs) = (benchmark.images.len() as f64, benchmark.pairs.len() as f64);
    let memory = one.bytes.zip(other.bytes).map(|(before, after)| {
        let another = (after - before).max(0.0) / (other.photographs - one.photographs).max(1.0);
        (after + another * (most as f64 - other.photographs).max(0.0)) as u64
    });
    Ok(Estimate {
        time: Duration::from_secs_f64(photographs * a_photograph + pairs * a_pair),
        memory,
        tried: 2 * few.len() + more.len(),
        took: begun.elapsed(),
    })
}

/// The first pairs of the first so many photographs of a category.
fn first(benchmark: &Benchmark, category: &[usize], photographs: usize) -> Vec<usize> {
    let mut known: Vec<usize> = Vec::new();
    for &pair in category {
        for image in [benchmark.pairs[pair].source, benchmark.pairs[pair].target] {
            if known.len() < photographs && !known.contains(&image) {
                known.push(image);
            }
        }
    }
    let among = |pair: &&usize| {
        let pair = &benchmark.pairs[**pair];
        known.contains(&pair.source) && known.contains(&pair.target)
    };
    category.iter().filter(among).take(PAIRS).copied().collect()
}

fn try_pairs(
    benchmark: &Benchmark,
    pairs: &[usize],
    method: &mut dyn Method,
    options: &PredictOptions,
) -> Result<Trial, PredictError> {
    let failed = |source: io::Error| {
        let file = std::env::temp_dir();
        PredictError::File(PredictionsError::Write { file, source })
    };
    let folder = tempfile::tempdir().map_err(failed)?;
    let part = with_pairs(benchmark, pairs);
    let options = PredictOptions { resume: false, shard: None, ..options.clone() };
    let begun = Instant::now();
    let out = folder.path().join("tried.jsonl");
    predict((&part, &[]), method, &out, &options, &mut |_| {})?;
    Ok(Trial {
        photographs: part.images.len() as f64,
        pairs: pairs.len() as f64,
        seconds: begun.elapsed().as_secs_f64(),
        bytes: peak_memory(),
    })
}

/// Seconds for a photograph and for a pair, from two trials that have them in other proportions.
fn costs(one: Trial, other: Trial) -> [f64; 2] {
    let all = other.photographs + other.pairs;
    let even = if all > 0.0 { other.seconds / all } else { 0.0 };
    let determinant = one.photographs * other.pairs - other.photographs * one.pairs;
    if determinant.abs() < 1.0 {
        return [even, even];
    }
    let solved = [
        (one.seconds * other.pairs - other.seconds * one.pairs) / determinant,
        (one.photographs * other.seconds - other.photographs * one.seconds) / determinant,
    ];
    // Trials that noise makes contradict each other.
    if solved.iter().all(|cost| *cost >= 0.0) { solved } else { [even, even] }
}

/// The most bytes that this process has had in memory.
fn peak_memory() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(1024.0 * kib)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_those_that_both_trials_show() {
        let trial = |photographs: f64, pairs: f64, seconds| Trial {
            photographs,
            pairs,
            seconds,
            bytes: None,
        };
        // Half a second a photograph, a tenth a pair.
        let [photograph, pair] = costs(trial(2.0, 2.0, 1.2), trial(6.0, 20.0, 5.0));
        assert!((photograph - 0.5).abs() < 1e-9 && (pair - 0.1).abs() < 1e-9);
        // Trials that no costs explain, or that do not differ: all is taken to cost the same.
        assert_eq!(costs(trial(2.0, 2.0, 9.0), trial(6.0, 14.0, 2.0)), [0.1; 2]);
        assert_eq!(costs(trial(2.0, 2.0, 0.3), trial(2.0, 2.0, 0.4)), [0.1; 2]);
        assert_eq!(costs(Trial::default(), Trial::default()), [0.0; 2]);
    }
}
