//! The gpu engine's test of itself on whatever adapter there is: made-up pairs against the cpu engine,
//! and against themselves under every circumstance that must change no bit. It needs no files.

use std::sync::Arc;
use std::time::Instant;

use super::adapter::AdapterReport;
use super::consensus::GpuConsensus;
use super::engine::GpuEngine;
use super::options::GpuOptions;
use super::preset::Preset;
use super::resident::Residency;
use super::tensor_cores::TensorCores;
use crate::engine::consensus::{ConsensusEngine, ConsensusWeights, Correlation4d};
use crate::engine::contract::{Engine, Examination, Examine, Matches};
use crate::engine::cpu::{CpuConsensus, CpuEngine};
use crate::engine::error::EngineError;
use crate::engine::hough::HoughSpace;
use crate::engine::request::{PairRequest, SetRequest, SetsRequest};
use crate::hyperpixel::{Geometry, Hyperimage, LayerSet, LayerStack, Precision, synthetic};

/// What was found out about the gpu engine on an adapter.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DeviceCheck {
    /// The adapter.
    pub adapter: AdapterReport,
    /// The tile shapes.
    pub preset: Preset,
    /// Seconds until the engine was open.
    pub open_seconds: f64,
    /// Seconds that the first pair took: many drivers compile only then.
    pub first_seconds: f64,
    /// Milliseconds a pair of each stage, for photographs of 300 × 225 pixels under the layer set that
    /// was published for SPair-71k and ResNet-101.
    pub stages: Vec<(&'static str, f64)>,
    /// Milliseconds a pair from request to answer.
    pub matching_ms: f64,
    /// The same of pairs each with its mirror.
    pub mirrors_ms: f64,
    /// The same of the cpu engine.
    pub cpu_ms: f64,
    /// Whether tensor cores are used in half precision.
    pub tensor_cores: TensorCores,
    /// What was checked.
    pub findings: Vec<CheckFinding>,
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckFinding {
    /// What was checked, in a few words.
    pub what: &'static str,
    /// What is wrong; `None` where nothing is.
    pub fault: Option<String>,
}

impl DeviceCheck {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.faults() == 0
    }

    /// How many checks found something wrong.
    #[must_use]
    pub fn faults(&self) -> usize {
        self.findings.iter().filter(|finding| finding.fault.is_some()).count()
    }
}

/// Layers of ResNet-50, jump and receptive field, and the sizes of two photographs in pixels: one
/// group, two, three; odd and unequal sizes; a target that is a single column; rows that are long.
type Case = (&'static str, [u32; 2], [u32; 2], [u32; 2]);
const CASES: [Case; 5] = [
    ("0", [4, 11], [61, 45], [50, 67]),
    ("0,9", [4, 11], [97, 66], [75, 101]),
    ("2,7,11", [4, 27], [90, 61], [59, 88]),
    ("1,8", [4, 19], [40, 70], [21, 60]),
    ("0,8", [4, 11], [402, 30], [390, 26]),
];

/// How far floats may be from those of the cpu engine, which adds in another order.
const RELATIVE: f32 = 1e-4;
/// The same of similarities, which are at most 1.
const SIMILARITY: f32 = 1e-5;
/// Repetitions that are timed.
const TIMED: usize = 3;

/// Checks the gpu engine on the adapter that is asked for as in [`GpuOptions`], with the tile shapes
/// of its type of device where none are given. A fault that is found is part of the result.
///
/// # Errors
/// An engine that cannot be opened: no adapter, none of that name, or one that cannot run the kernels.
pub fn check(adapter: Option<&str>, preset: Option<Preset>) -> Result<DeviceCheck, EngineError> {
    let options = |precision| GpuOptions {
        adapter: adapter.map(str::to_owned),
        preset,
        precision,
        ..GpuOptions::default()
    };
    let start = Instant::now();
    let mut engine = GpuEngine::with(&options(Precision::F32))?;
    let open_seconds = start.elapsed().as_secs_f64();
    let mut check = DeviceCheck {
        adapter: engine.0.device.report.clone(),
        preset: engine.0.preset,
        open_seconds,
        first_seconds: 0.0,
        stages: Vec::new(),
        matching_ms: 0.0,
        mirrors_ms: 0.0,
        cpu_ms: 0.0,
        tensor_cores: TensorCores::Absent,
        findings: Vec::new(),
    };
    let small = both_ways(Precision::F32, &CASES[0]);
    let start = Instant::now();
    let first = engine.match_pairs(&small[..1]).map(|_| None);
    check.first_seconds = start.elapsed().as_secs_f64();
    check.found("a pair is matched", first);
    check.of_precision(&mut engine, Precision::F32);
    check.found("layer sets match as they do alone", sets_match_as_alone(&mut engine));
    match GpuEngine::with(&options(Precision::F16)) {
        Ok(mut half) => {
            check.of_precision(&mut half, Precision::F16);
            check.tensor_cores = half.0.tensor_cores;
        }
        Err(error) => check.found("an engine opens, f16", Err(error)),
    }
    let consensus = GpuConsensus::with(ConsensusWeights::untrained(), &options(Precision::F32));
    let filtered = consensus.and_then(|mut engine| consensus_agrees(&mut engine));
    check.found("neighbourhood consensus agrees with the cpu engine", filtered);
    if let Err(error) = check.time(&mut engine) {
        check.found("a pair of usual size is matched", Err(error));
    }
    Ok(check)
}

impl DeviceCheck {
    fn found(&mut self, what: &'static str, fault: Result<Option<String>, EngineError>) {
        let fault = fault.unwrap_or_else(|error| Some(error.to_string()));
        self.findings.push(CheckFinding { what, fault });
    }

    /// What is checked in either precision.
    fn of_precision(&mut self, engine: &mut GpuEngine, precision: Precision) {
        let [agree, batches, memory] = match precision {
            Precision::F32 => [
                "matches and votes agree with the cpu engine, f32",
                "the same bits alone, together and with mirrors, f32",
                "the same bits with next to no memory, f32",
            ],
            Precision::F16 => [
                "matches and votes agree with the cpu engine, f16",
                "the same bits alone, together and with mirrors, f16",
                "the same bits with next to no memory, f16",
            ],
        };
        self.found(agree, agrees_with_cpu(engine, precision));
        let pairs: Vec<PairRequest> =
            CASES.iter().flat_map(|case| both_ways(precision, case)).collect();
        self.found(batches, batches_change_nothing(engine, &pairs));
        self.found(memory, memory_changes_nothing(engine, &pairs));
    }

    /// Times pairs of usual size, as many as go into a submission on hardware.
    fn time(&mut self, engine: &mut GpuEngine) -> Result<(), EngineError> {
        let pairs = timed_pairs(if self.adapter.hardware { self.preset.pairs } else { 1 });
        let milliseconds =
            |engine: &mut dyn Engine, pairs: &[PairRequest]| -> Result<f64, EngineError> {
                engine.match_pairs(pairs)?;
                engine.take_stage_times();
                let start = Instant::now();
                for _ in 0..TIMED {
                    engine.match_pairs(pairs)?;
                }
                Ok(start.elapsed().as_secs_f64() * 1e3 / (TIMED * pairs.len()) as f64)
            };
        self.matching_ms = milliseconds(engine, &pairs)?;
        let times = engine.take_stage_times();
        let each = |(stage, total): (&'static str, f64)| (stage, total / times.pairs.max(1) as f64);
        self.stages = times.milliseconds.into_iter().map(each).collect();
        let both: Vec<PairRequest> = pairs.iter().flat_map(with_mirror).collect();
        self.mirrors_ms = milliseconds(engine, &both)?;
        self.cpu_ms = milliseconds(&mut CpuEngine::new(), &pairs)?;
        Ok(())
    }
}

fn image(
    precision: Precision,
    (backbone, layers, [jump, field]): (&str, &str, [u32; 2]),
    [width, height]: [u32; 2],
    seed: u64,
) -> Arc<Hyperimage> {
    let layers: LayerSet = layers.parse().expect("the layer sets above are ascending");
    let maps = synthetic::feature_maps(backbone, &layers, [width, height], seed);
    let geometry = Geometry::new(jump, field);
    Arc::new(Hyperimage::with_precision(geometry, width, height, [1.0; 2], &maps, precision))
}

/// All hyperpixels of a source.
fn request(source: &Arc<Hyperimage>, target: &Arc<Hyperimage>) -> PairRequest {
    let rows = (0..source.grid.len() as u32).collect();
    PairRequest { source: Arc::clone(source), target: Arc::clone(target), rows }
}

/// A case's pair and its mirror.
fn both_ways(precision: Precision, &(layers, geometry, source, target): &Case) -> [PairRequest; 2] {
    let of = ("resnet50", layers, geometry);
    let (source, target) = (image(precision, of, source, 1), image(precision, of, target, 2));
    [request(&source, &target), request(&target, &source)]
}

/// So many times a pair of photographs of 300 × 225 pixels with about 200 rows, as fifteen keypoints
/// have.
pub(in crate::engine) fn timed_pairs(count: usize) -> Vec<PairRequest> {
    let of = ("resnet101", "0,8,20,21,26,28,29,30", [4, 11]);
    let [source, target] = [1, 2].map(|seed| image(Precision::F32, of, [300, 225], seed));
    let cells = source.grid.len();
    let rows = (0..cells as u32).step_by((cells / 200).max(1)).collect();
    vec![PairRequest { source, target, rows }; count]
}

/// A pair and its mirror, with as many rows.
fn with_mirror(pair: &PairRequest) -> [PairRequest; 2] {
    let mirror = PairRequest {
        source: Arc::clone(&pair.target),
        target: Arc::clone(&pair.source),
        rows: pair.rows.clone(),
    };
    [pair.clone(), mirror]
}

fn agrees_with_cpu(
    engine: &mut GpuEngine,
    precision: Precision,
) -> Result<Option<String>, EngineError> {
    for case in &CASES {
        for pair in both_ways(precision, case) {
            let found = engine.examine(&pair)?;
            let expected = CpuEngine::new().examine(&pair)?;
            if let Some(fault) = difference(&pair, &found, &expected) {
                let sizes =
                    [&pair.source, &pair.target].map(|i| format!("{}x{}", i.width, i.height));
                let layers = case.0;
                let [source, target] = sizes;
                return Ok(Some(format!("layers {layers}, {source} to {target}: {fault}")));
            }
        }
    }
    Ok(None)
}

/// How what was computed of a pair differs from what was expected, by more than rounding.
fn difference(pair: &PairRequest, found: &Examination, expected: &Examination) -> Option<String> {
    let fullest = expected.blurred_votes.iter().copied().fold(0.0, f32::max);
    far("similarity", &found.similarity_rows, &expected.similarity_rows, [SIMILARITY, 0.0])
        .or_else(|| far("votes of bin", &found.votes, &expected.votes, [1e-6 * fullest, RELATIVE]))
        .or_else(|| {
            let of = [&*found.blurred_votes, &*expected.blurred_votes];
            far("blurred votes of bin", of[0], of[1], [1e-6 * fullest, RELATIVE])
        })
        .or_else(|| {
            let of = [&*found.matches.confidence, &*expected.matches.confidence];
            far("confidence of row", of[0], of[1], [0.0, RELATIVE])
        })
        .or_else(|| wrong_target(pair, found, expected))
}

/// The first number that is farther from the expected one than an absolute and a relative part.
fn far(
    what: &str,
    found: &[f32],
    expected: &[f32],
    [absolute, relative]: [f32; 2],
) -> Option<String> {
    if found.len() != expected.len() {
        return Some(format!("{what}: {} numbers instead of {}", found.len(), expected.len()));
    }
    // A number that is none is never near.
    let near = |found: f32, expected: f32| {
        (found - expected).abs() <= absolute + relative * expected.abs()
    };
    let mut pairs = found.iter().zip(expected).enumerate();
    pairs.find(|(_, (found, expected))| !near(**found, **expected)).map(
        |(at, (found, expected))| format!("{what} {at} is {found}, on the processor {expected}"),
    )
}

/// The first row whose target is neither the expected one nor as good.
fn wrong_target(pair: &PairRequest, found: &Examination, expected: &Examination) -> Option<String> {
    let space = HoughSpace::new(&pair.source, &pair.target);
    let [source, target] = [&pair.source.grid, &pair.target.grid];
    let confidence = |nth: usize, best: u32| {
        let (row, best) = (pair.rows[nth] as usize, best as usize);
        let offset = |row: usize, of: usize, len: usize| of + len - 1 - row;
        let columns = [source.columns.len, target.columns.len];
        let x = offset(row % columns[0], best % columns[1], columns[0]);
        let y = offset(row / columns[0], best / columns[1], source.rows.len);
        let [bin_x, bin_y] = [space.bin_of_column_offset[x], space.bin_of_row_offset[y]];
        let votes = expected.blurred_votes[bin_y as usize * space.bins_x + bin_x as usize];
        expected.similarity_rows[nth * target.len() + best] * votes
    };
    let wrong = |&(nth, (&found, &wanted)): &(usize, (&u32, &u32))| {
        let none = found as usize >= target.len();
        found != wanted
            && (none
                || confidence(nth, found) < (1.0 - RELATIVE) * expected.matches.confidence[nth])
    };
    let rows = found.matches.best.iter().zip(&expected.matches.best).enumerate();
    { rows }.find(wrong).map(|(nth, (found, wanted))| {
        format!("row {} goes to target {found}, on the processor to {wanted}", pair.rows[nth])
    })
}

/// The first match whose bits differ.
fn other_bits(found: &[Matches], expected: &[Matches]) -> Option<String> {
    let bits = |matches: &Matches| -> Vec<(u32, u32)> {
        matches.best.iter().copied().zip(matches.confidence.iter().map(|c| c.to_bits())).collect()
    };
    if found.len() != expected.len() {
        return Some(format!("{} pairs instead of {}", found.len(), expected.len()));
    }
    found.iter().zip(expected).enumerate().find_map(|(pair, (found, expected))| {
        let (found, expected) = (bits(found), bits(expected));
        let rows = expected.iter().zip(&found);
        let row = { rows }.position(|(one, other)| one != other);
        let row = row.or_else(|| (found.len() != expected.len()).then_some(found.len()));
        row.map(|row| format!("pair {pair}, row {row} has other bits"))
    })
}

fn batches_change_nothing(
    engine: &mut GpuEngine,
    pairs: &[PairRequest],
) -> Result<Option<String>, EngineError> {
    let together = engine.match_pairs(pairs)?;
    let mut alone = Vec::new();
    for pair in pairs {
        alone.extend(engine.match_pairs(std::slice::from_ref(pair))?);
    }
    let again = engine.match_pairs(pairs)?;
    Ok(other_bits(&alone, &together).or_else(|| other_bits(&again, &together)))
}

fn memory_changes_nothing(
    engine: &mut GpuEngine,
    pairs: &[PairRequest],
) -> Result<Option<String>, EngineError> {
    let expected = engine.match_pairs(pairs)?;
    let usual = std::mem::replace(&mut engine.0.residency, Residency::new(0));
    let found = engine.match_pairs(pairs);
    engine.0.residency = usual;
    Ok(other_bits(&found?, &expected))
}

/// Layer sets of one pair of stacks and its mirror against the same sets as pairs.
fn sets_match_as_alone(engine: &mut GpuEngine) -> Result<Option<String>, EngineError> {
    const SETS: [&[usize]; 6] = [&[0], &[0, 1, 3], &[1], &[1, 2, 3, 4], &[0, 4], &[0, 1, 4]];
    let layers: LayerSet = "0,1,5,9,14".parse().expect("ascending");
    let geometry = |base: usize| Geometry::new(4, [11, 19][base]);
    let stack = |size: [u32; 2], seed| {
        let maps = synthetic::feature_maps("resnet50", &layers, size, seed);
        Arc::new(LayerStack::new(size[0], size[1], [1.0; 2], maps))
    };
    let stacks = [stack([60, 45], 1), stack([50, 56], 2)];
    let asked: Vec<(&[usize], Geometry)> =
        SETS.iter().map(|&set| (set, geometry(set[0]))).collect();
    let requests = [[0, 1], [1, 0]].map(|[source, target]| {
        let [of_source, of_target] = [source, target].map(|side| stacks[side].views(&asked));
        let views = of_source.into_iter().zip(of_target);
        let set = |(&positions, (source, target)): (&&[usize], (_, _))| {
            let (source, target): (Arc<crate::hyperpixel::View>, Arc<_>) =
                (Arc::new(source), Arc::new(target));
            let rows = (0..source.grid.len() as u32).step_by(3).collect();
            SetRequest { positions: positions.into(), source, target, rows }
        };
        SetsRequest {
            source: Arc::clone(&stacks[source]),
            target: Arc::clone(&stacks[target]),
            sets: SETS.iter().zip(views).map(set).collect(),
        }
    });
    let mut alone = Vec::new();
    for request in &requests {
        for set in &request.sets {
            alone.extend(engine.match_pairs(&[request.pair(set)])?);
        }
    }
    for memory in [usize::MAX, 0] {
        let found = engine.match_sets(&requests, memory)?.concat();
        if let Some(fault) = other_bits(&found, &alone) {
            return Ok(Some(fault));
        }
    }
    Ok(None)
}

fn consensus_agrees(engine: &mut GpuConsensus) -> Result<Option<String>, EngineError> {
    let (a, b) = ([6, 5], [5, 7]);
    let data = (0..a[0] * a[1] * b[0] * b[1]).map(|at| ((at * 7919 + 13) % 101) as f32 / 101.0);
    let correlation = Correlation4d { a, b, data: data.collect() };
    let correlation = std::slice::from_ref(&correlation);
    let found = engine.filter(correlation)?.remove(0);
    let expected = CpuConsensus::new(ConsensusWeights::untrained()).filter(correlation)?.remove(0);
    let largest = expected.data.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    Ok(far("match", &found.data, &expected.data, [RELATIVE * largest, RELATIVE]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examined() -> (PairRequest, Examination) {
        let [pair, _] = both_ways(Precision::F32, &CASES[1]);
        let examined = CpuEngine::new().examine(&pair).expect("an examination");
        (pair, examined)
    }

    #[test]
    fn each_kind_of_fault_is_found_and_none_where_there_is_none() {
        let (pair, expected) = examined();
        assert_eq!(difference(&pair, &expected, &expected), None);
        let broken = |breaks: &dyn Fn(&mut Examination)| {
            let mut found = expected.clone();
            breaks(&mut found);
            difference(&pair, &found, &expected).unwrap_or_default()
        };
        let said = broken(&|found| found.similarity_rows[7] += 2e-5);
        assert!(said.starts_with("similarity 7 is"), "{said}");
        let fullest = (0..expected.votes.len())
            .max_by(|&a, &b| expected.votes[a].total_cmp(&expected.votes[b]))
            .expect("bins");
        let said = broken(&|found| found.votes[fullest] *= 1.001);
        assert!(said.starts_with(&format!("votes of bin {fullest} is")), "{said}");
        let said = broken(&|found| found.blurred_votes[fullest] *= 0.999);
        assert!(said.starts_with("blurred votes"), "{said}");
        let said = broken(&|found| found.matches.confidence[3] = f32::NAN);
        assert!(said.starts_with("confidence of row 3 is NaN"), "{said}");
        // Another target with the right confidence, and one that there is not.
        for target in [(expected.matches.best[5] + 1) % pair.target.grid.len() as u32, u32::MAX] {
            let said = broken(&|found| found.matches.best[5] = target);
            assert!(said.starts_with(&format!("row 5 goes to target {target}")), "{said}");
        }
        let said = broken(&|found| found.votes.truncate(1));
        assert!(said.contains("numbers instead of"), "{said}");
    }

    #[test]
    fn other_bits_are_found_however_near() {
        let (_, expected) = examined();
        let one = [expected.matches.clone(), expected.matches.clone()];
        assert_eq!(other_bits(&one, &one), None);
        let mut other = one.clone();
        other[1].confidence[4] = f32::from_bits(other[1].confidence[4].to_bits() + 1);
        assert_eq!(other_bits(&other, &one).as_deref(), Some("pair 1, row 4 has other bits"));
        let mut short = one.clone();
        short[0].best.pop();
        short[0].confidence.pop();
        assert!(other_bits(&short, &one).is_some_and(|said| said.starts_with("pair 0, row")));
        assert!(other_bits(&one[..1], &one).is_some());
    }
}
