//! How sure a score is: intervals and paired tests by a bootstrap over images.
//!
//! Pairs share photographs: SPair-71k's 12,234 test pairs are made of 481 images, and one hard
//! photograph spoils every pair that it is in. Drawing pairs as if they were independent therefore
//! gives intervals that are too narrow. Here photographs are drawn with replacement, within each
//! category so that the benchmark keeps its make-up, and a pair counts as often as the product of
//! its two photographs' counts (the pigeonhole bootstrap: Owen, "The pigeonhole bootstrap", Annals
//! of Applied Statistics 2007). Drawing pairs is there for comparison.
//!
//! One or two pairs, or pairs of the same two photographs, say nothing of how others would come out:
//! resamples of them differ too little or not at all. Means over so few have no interval
//! ([`TOO_FEW`]). With some more photographs intervals are still too narrow; docs/protocols.md says
//! by how much.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::cells::Breakdown;
use super::ledger::Ledger;
use super::verdict::Verdict;
use crate::benchmark::Benchmark;
use crate::protocol::Protocol;

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bootstrap {
    /// The number of resamples.
    pub resamples: usize,
    /// The same seed gives the same numbers, whatever the number of threads.
    pub seed: u64,
    /// What is drawn.
    pub unit: ResamplingUnit,
}

impl Default for Bootstrap {
    /// Ten thousand resamples of photographs, seed 0.
    fn default() -> Self {
        Self { resamples: 10_000, seed: 0, unit: ResamplingUnit::Images }
    }
}

/// What a resample draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResamplingUnit {
    /// Photographs, within each category.
    Images,
    /// Pairs, within each category, as if they were independent.
    Pairs,
}

/// What stands where there is no interval for want of pairs.
pub const TOO_FEW: &str = "too few pairs";

/// The 2.5 and 97.5 percentiles of the resampled means; `None` where there is no mean, and where there
/// are too few pairs for an interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Interval {
    /// The lower ends.
    pub low: Breakdown,
    /// The upper ends.
    pub high: Breakdown,
}

/// The difference of two files' All, first minus second, in percentage points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paired {
    /// On the pairs that both were scored on.
    pub difference: f64,
    /// The number of those pairs.
    pub pairs: usize,
    /// How sure the difference is; `None` where there are too few pairs to tell.
    pub certainty: Option<Certainty>,
}

/// How sure a difference is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Certainty {
    /// The lower end of the 95 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// Two-sided: twice the share of resamples in which the difference has the other sign or is
    /// zero, counting the data themselves as one resample.
    pub p: f64,
    /// The share of resamples in which the second is ahead.
    pub second_ahead: f64,
}

/// 95 % intervals of every mean.
#[must_use]
pub fn interval(
    benchmark: &Benchmark,
    verdicts: &[Verdict],
    protocol: &Protocol,
    bootstrap: Bootstrap,
) -> Interval {
    let verdicts: Vec<&Verdict> = verdicts.iter().collect();
    let ledger = Ledger::new(benchmark, &verdicts, protocol.average);
    let enough = ledger.enough(benchmark);
    let draws = Draws::new(benchmark, bootstrap);
    let resampled: Vec<Vec<Option<f64>>> = (0..bootstrap.resamples)
        .into_par_iter()
        .map(|resample| ledger.cells(draws.weights(resample)))
        .collect();
    let ends: Vec<Option<[f64; 2]>> = (0..ledger.row().len())
        .map(|cell| {
            let means = || resampled.iter().filter_map(|cells| cells[cell]).collect();
            if enough[cell] { percentiles(means()) } else { None }
        })
        .collect();
    let end = |which: usize| {
        let cells: Vec<Option<f64>> =
            ends.iter().map(|ends| ends.map(|ends| ends[which])).collect();
        ledger.row().breakdown(&cells)
    };
    Interval { low: end(0), high: end(1) }
}

/// Compares two files on the pairs that both were scored on; `None` where there is none.
#[must_use]
pub fn compare(
    benchmark: &Benchmark,
    verdicts: [&[Verdict]; 2],
    protocol: &Protocol,
    bootstrap: Bootstrap,
) -> Option<Paired> {
    let common = |own: usize| {
        let others = verdicts[1 - own].iter().map(|one| one.pair);
        let others: std::collections::BTreeSet<usize> = others.collect();
        verdicts[own].iter().filter(|one| others.contains(&one.pair)).collect::<Vec<_>>()
    };
    let verdicts = [common(0), common(1)];
    let ledgers = [0, 1].map(|own| Ledger::new(benchmark, &verdicts[own], protocol.average));
    let difference = |weight: &dyn Fn(usize) -> f64| {
        Some(ledgers[0].cells(weight)[0]? - ledgers[1].cells(weight)[0]?)
    };
    let found = difference(&|_| 1.0)?;
    if !ledgers[0].enough(benchmark)[0] {
        return Some(Paired { difference: found, pairs: verdicts[0].len(), certainty: None });
    }
    let draws = Draws::new(benchmark, bootstrap);
    let resampled: Vec<f64> = (0..bootstrap.resamples)
        .into_par_iter()
        .filter_map(|resample| difference(&draws.weights(resample)))
        .collect();
    let share = |count: usize| (count + 1) as f64 / (resampled.len() + 1) as f64;
    let below = resampled.iter().filter(|&&difference| difference <= 0.0).count();
    let above = resampled.iter().filter(|&&difference| difference >= 0.0).count();
    let p = f64::min(1.0, 2.0 * share(below.min(above)));
    let ahead = resampled.iter().filter(|&&difference| difference < 0.0).count();
    let second_ahead = ahead as f64 / resampled.len().max(1) as f64;
    let [low, high] = percentiles(resampled)?;
    let certainty = Some(Certainty { low, high, p, second_ahead });
    Some(Paired { difference: found, pairs: verdicts[0].len(), certainty })
}

/// What can be drawn, and which of it a pair depends on.
struct Draws {
    seed: u64,
    /// First number and count of each stratum; numbers run through the strata.
    strata: Vec<(usize, usize)>,
    /// For each pair of the benchmark the numbers of what it depends on.
    pairs: Vec<[usize; 2]>,
    unit: ResamplingUnit,
}

impl Draws {
    fn new(benchmark: &Benchmark, bootstrap: Bootstrap) -> Self {
        // The pair's category says which stratum a photograph is in; a photograph that is in two
        // categories is two.
        let mut strata: BTreeMap<&str, BTreeMap<usize, usize>> = BTreeMap::new();
        for (place, pair) in benchmark.pairs.iter().enumerate() {
            let stratum = strata.entry(pair.category.as_str()).or_default();
            match bootstrap.unit {
                ResamplingUnit::Images => stratum.extend([(pair.source, 0), (pair.target, 0)]),
                ResamplingUnit::Pairs => stratum.extend([(place, 0)]),
            }
        }
        let mut next = 0;
        let mut ranges = Vec::with_capacity(strata.len());
        for stratum in strata.values_mut() {
            ranges.push((next, stratum.len()));
            for number in stratum.values_mut() {
                *number = next;
                next += 1;
            }
        }
        let pairs = benchmark.pairs.iter().enumerate().map(|(place, pair)| {
            let stratum = &strata[pair.category.as_str()];
            match bootstrap.unit {
                ResamplingUnit::Images => [stratum[&pair.source], stratum[&pair.target]],
                ResamplingUnit::Pairs => [stratum[&place]; 2],
            }
        });
        let pairs = pairs.collect();
        Self { seed: bootstrap.seed, strata: ranges, pairs, unit: bootstrap.unit }
    }

    /// How often a pair counts in a resample.
    fn weights(&self, resample: usize) -> impl Fn(usize) -> f64 + '_ {
        let mut random = SplitMix::new(self.seed, resample as u64);
        let count = self.strata.last().map_or(0, |(first, count)| first + count);
        let mut counts = vec![0u32; count];
        for &(first, count) in &self.strata {
            for _ in 0..count {
                counts[first + random.below(count)] += 1;
            }
        }
        move |pair| {
            let [one, other] = self.pairs[pair].map(|number| f64::from(counts[number]));
            match self.unit {
                ResamplingUnit::Images => one * other,
                ResamplingUnit::Pairs => one,
            }
        }
    }
}

/// The generator splitmix64 (Steele, Lea and Flood, OOPSLA 2014), one stream a resample.
struct SplitMix(u64);

impl SplitMix {
    fn new(seed: u64, stream: u64) -> Self {
        let start = Self(seed).next();
        Self(Self(start ^ stream).next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `count`, uniform up to 2⁻⁶⁴ · count.
    fn below(&mut self, count: usize) -> usize {
        ((u128::from(self.next()) * count as u128) >> 64) as usize
    }
}

/// The 2.5 and 97.5 percentiles, interpolated linearly between order statistics.
fn percentiles(mut values: Vec<f64>) -> Option<[f64; 2]> {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    Some([0.025, 0.975].map(|share| {
        let place = share * last as f64;
        let below = place.floor() as usize;
        let above = usize::min(below + 1, last);
        values[below] + (values[above] - values[below]) * (place - below as f64)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_lie_between_order_statistics() {
        assert_eq!(percentiles(Vec::new()), None);
        assert_eq!(percentiles(vec![3.0]), Some([3.0, 3.0]));
        let ends = percentiles((0..=1000).rev().map(f64::from).collect()).unwrap();
        assert_eq!(ends, [25.0, 975.0]);
        let ends = percentiles(vec![0.0, 10.0]).unwrap();
        assert!((ends[0] - 0.25).abs() < 1e-12 && (ends[1] - 9.75).abs() < 1e-12);
    }

    #[test]
    fn the_generator_is_splitmix64() {
        // The first outputs for seed 0, as in the generator's published test values.
        let mut random = SplitMix(0);
        let outputs = [random.next(), random.next(), random.next()];
        assert_eq!(outputs, [0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4, 0x06C4_5D18_8009_454F]);
        let mut random = SplitMix::new(7, 1);
        let mut counts = [0; 5];
        for _ in 0..5000 {
            counts[random.below(5)] += 1;
        }
        assert!(counts.iter().all(|&count| (850..1150).contains(&count)), "{counts:?}");
    }
}
