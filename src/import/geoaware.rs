//! `result.pkl` of GeoAware-SC (Zhang et al., "Telling Left from Right", CVPR 2024): what its
//! `pck_train.py` pickles after an evaluation on SPair-71k.
//!
//! A list of results, each a dictionary with the paths of the two photographs (`src_fn`, `trg_fn`),
//! an array of 30 rows with x and y for keypoint "0" to "29" (`src_kpts_pred`), and the side of the
//! square that photographs are padded to (`resize_resolution`).

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::error::ImportError;
use super::found::{ImportedPairs, point};
use crate::Point;
use crate::PredictedKeypoints;
use crate::benchmark::Benchmark;
use crate::numpy::Array;
use crate::pickle::{self, Pickle, PickleError, Value};

/// The most bytes that are read; the results of all test pairs take about 10 MB.
const MAX_FILE: u64 = 1 << 28;

pub(super) fn read(path: &Path, found: &mut ImportedPairs<'_>) -> Result<(), ImportError> {
    let file = File::open(path).map_err(|source| found.unread(source))?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|source| found.unread(source))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(ImportError::TooLarge { file: path.to_owned(), limit: MAX_FILE });
    }
    let values = pickle::read(&bytes[..]).map_err(|error| found.malformed(advised(&error)))?;
    let Value::List(results) = values.root() else {
        return Err(found.malformed("expected a list of results, as GeoAware-SC pickles them"));
    };
    let photographs = Photographs::of(found.benchmark);
    for (at, &result) in results.iter().enumerate() {
        let place = format!("result {at}");
        let result = Result30::new(&values, values.get(result))
            .ok_or_else(|| found.misfit(&place, expected()))?;
        let pair = photographs
            .pair(result.source, result.target)
            .map_err(|what| found.misfit(&place, what))?;
        let points = original(found, pair, &result).map_err(|what| found.misfit(&place, what))?;
        found.keep(pair, points, &place)?;
    }
    Ok(())
}

/// What a pickle cannot be read for, and what to store instead where it asks for too much.
fn advised(error: &PickleError) -> String {
    match error {
        PickleError::Calls(_) | PickleError::Instruction { .. } => {
            format!("{error}; store numbers, texts, lists, dictionaries and NumPy arrays alone")
        }
        _ => error.to_string(),
    }
}

fn expected() -> String {
    "expected a dictionary with src_fn, trg_fn, src_kpts_pred (30 × 2 numbers) and \
     resize_resolution"
        .to_owned()
}

/// One result.
struct Result30<'a> {
    source: &'a str,
    target: &'a str,
    points: &'a Array,
    side: f64,
}

impl<'a> Result30<'a> {
    fn new(values: &'a Pickle, value: &'a Value) -> Option<Self> {
        let Value::Dict(entries) = value else { return None };
        let get = |name: &str| {
            let named = |key: usize| matches!(values.get(key), Value::Text(key) if key == name);
            entries.iter().find(|(key, _)| named(*key)).map(|(_, value)| values.get(*value))
        };
        let text = |name: &str| match get(name)? {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        };
        let Value::Array(points) = get("src_kpts_pred")? else { return None };
        let side = match get("resize_resolution")? {
            Value::Int(side) => *side as f64,
            Value::Float(side) => *side,
            _ => return None,
        };
        let shaped = matches!(points.shape[..], [_, columns] if columns >= 2);
        let fits = shaped && side.is_finite() && side > 0.0;
        fits.then_some(Self { source: text("src_fn")?, target: text("trg_fn")?, points, side })
    }
}

/// A benchmark's photographs and pairs, by what they are known by.
struct Photographs<'a> {
    benchmark: &'a Benchmark,
    /// By [`Image::name`](crate::benchmark::Image::name).
    numbers: HashMap<&'a str, usize>,
    /// Pairs of a source and a target; most often one.
    pairs: HashMap<[usize; 2], Vec<usize>>,
}

impl<'a> Photographs<'a> {
    fn of(benchmark: &'a Benchmark) -> Self {
        let numbers = benchmark.images.iter().enumerate();
        let numbers = numbers.map(|(at, image)| (image.name.as_str(), at)).collect();
        let mut pairs: HashMap<[usize; 2], Vec<usize>> = HashMap::new();
        for (at, pair) in benchmark.pairs.iter().enumerate() {
            pairs.entry([pair.source, pair.target]).or_default().push(at);
        }
        Self { benchmark, numbers, pairs }
    }

    /// The pair from one photograph to another, given by paths on the machine where they were matched.
    fn pair(&self, source: &str, target: &str) -> Result<usize, String> {
        let none = || format!("no pair of the benchmark is from {source} to {target}");
        let (Some(from), Some(to)) = (self.photograph(source)?, self.photograph(target)?) else {
            return Err(none());
        };
        match self.pairs.get(&[from, to]).map(Vec::as_slice) {
            None | Some([]) => Err(none()),
            Some([pair]) => Ok(*pair),
            Some([first, second, ..]) => {
                let [first, second] = [first, second].map(|&at| &self.benchmark.pairs[at].id);
                Err(format!(
                    "{first} and {second} are both pairs from {source} to {target}, and paths do not \
                     tell them apart; import a CSV file or a NumPy archive, where pairs have ids"
                ))
            }
        }
    }

    /// The photograph whose path below the benchmark's photographs is the end of a path, with either
    /// kind of slash.
    fn photograph(&self, path: &str) -> Result<Option<usize>, String> {
        let path = path.replace('\\', "/");
        let ends = path.match_indices('/').map(|(at, _)| &path[at + 1..]);
        let known = |end: &str| self.numbers.get(end).map(|&at| (end.to_owned(), at));
        let mut found = std::iter::once(&*path).chain(ends).filter_map(known);
        match (found.next(), found.next()) {
            (Some((first, _)), Some((second, _))) => Err(format!(
                "{path} may be the benchmark's photograph {first} or its {second}; import a CSV file \
                 or NumPy archive, which name pairs by their id"
            )),
            (one, _) => Ok(one.map(|(_, at)| at)),
        }
    }
}

/// The predicted points of a pair's keypoints in original pixels of the target.
fn original(
    found: &ImportedPairs<'_>,
    pair: usize,
    result: &Result30<'_>,
) -> Result<PredictedKeypoints, String> {
    let pair = &found.benchmark.pairs[pair];
    let size = found.benchmark.images[pair.target].size;
    let size = size.ok_or_else(|| format!("the size of {} is not annotated", result.target))?;
    let columns = result.points.shape[1];
    let point_of = |name: &String| {
        let row: usize = name.parse().map_err(|_| format!("keypoint {name} is not a number"))?;
        let row = result.points.values.chunks_exact(columns).nth(row);
        let row = row.ok_or_else(|| format!("there is no row for keypoint {name}"))?;
        let [x, y] = unpadded([row[0], row[1]], size, result.side);
        point(x, y)
    };
    pair.keypoint_ids.iter().map(point_of).collect::<Result<Vec<Option<Point>>, String>>()
}

/// A point of the padded square in original pixels: the longer side fills the square, the shorter
/// is rounded (half to even) and centred, with the odd pixel behind it (GeoAware-SC,
/// `utils_dataset.py`).
fn unpadded(point: [f64; 2], size: [u32; 2], side: f64) -> [f64; 2] {
    let size = size.map(f64::from);
    let longer = f64::max(size[0], size[1]);
    [0, 1].map(|axis| {
        let filled = (side * size[axis] / longer).round_ties_even();
        let margin = ((side - filled) / 2.0).trunc();
        (point[axis] - margin) * longer / side
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::benchmark::{BenchmarkKind, Image, Pair, Visibility};

    /// Pairs from one photograph to another, of photographs below `photographs`.
    fn benchmark(names: &[&str], pairs: &[[usize; 2]]) -> Benchmark {
        let folder = Path::new("photographs");
        let pair = |(at, &[source, target]): (usize, &[usize; 2])| Pair {
            id: format!("{at}"),
            category: "car".to_owned(),
            source,
            target,
            source_keypoints: vec![[1.0, 1.0]],
            target_keypoints: vec![[1.0, 1.0]],
            keypoint_ids: vec!["0".to_owned()],
            source_box: None,
            target_box: None,
            variation: None,
        };
        Benchmark {
            kind: BenchmarkKind::SpairJson,
            visibility: Visibility::Unsaid,
            split: "test".to_owned(),
            images: names
                .iter()
                .map(|name| Image::below(folder, folder.join(name), None))
                .collect(),
            pairs: pairs.iter().enumerate().map(pair).collect(),
        }
    }

    #[test]
    fn photographs_of_one_folder_and_name_are_told_apart() {
        let names = ["cats/1/a.jpg", "cats/1/b.jpg", "dogs/1/a.jpg", "dogs/1/b.jpg"];
        let benchmark = benchmark(&names, &[[0, 1], [2, 3]]);
        let photographs = Photographs::of(&benchmark);
        let pair = |source: &str, target: &str| photographs.pair(source, target);
        assert_eq!(pair("/data/x/JPEGImages/cats/1/a.jpg", "cats/1/b.jpg"), Ok(0));
        assert_eq!(pair("D:\\x\\dogs\\1\\a.jpg", "/y/dogs/1/b.jpg"), Ok(1));
        for (source, target) in [
            ("/x/1/a.jpg", "/x/1/b.jpg"),
            ("/x/cats/1/a.jpg", "/x/dogs/1/b.jpg"),
            ("/x/mycats/1/a.jpg", "/x/cats/1/b.jpg"),
        ] {
            let error = pair(source, target).unwrap_err();
            assert!(error.contains("no pair of the benchmark is from"), "{error}");
        }
    }

    #[test]
    fn what_may_be_two_photographs_or_two_pairs_is_refused_by_both_names() {
        let ambiguous = benchmark(&["a.jpg", "1/a.jpg", "b.jpg"], &[[0, 2], [1, 2]]);
        let error = Photographs::of(&ambiguous).pair("/x/1/a.jpg", "/x/b.jpg").unwrap_err();
        assert!(error.contains("photograph 1/a.jpg or its a.jpg"), "{error}");
        let twice = benchmark(&["a.jpg", "b.jpg"], &[[0, 1], [1, 0], [0, 1]]);
        let photographs = Photographs::of(&twice);
        assert_eq!(photographs.pair("b.jpg", "a.jpg"), Ok(1));
        let error = photographs.pair("a.jpg", "b.jpg").unwrap_err();
        assert!(error.contains("0 and 2 are both pairs"), "{error}");
    }
}
