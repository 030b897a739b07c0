//! What the fuzz targets for searches, lists of pairs and files of features assert, over changed seeds:
//! a bounded number of inputs in any run of the tests. `HPFLOW_MUTATIONS` gives another number.

use std::fs;
use std::path::{Path, PathBuf};

use hpflow::testing::benchmark::{Benchmark, BenchmarkKind, BenchmarkOptions};
use hpflow::testing::features::{METADATA, open};
use hpflow::testing::search::State;
use serde_json::{Map, json};

/// How many inputs of each kind are tried.
fn count() -> u64 {
    std::env::var("HPFLOW_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(3000)
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let entries = fs::read_dir(folder).expect("seeds").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = entries.collect();
    files.sort();
    files.into_iter().map(|file| fs::read(file).expect("a seed")).collect()
}

/// Pieces that parsers stumble over.
const PIECES: [&[u8]; 36] = [
    b"\"",
    b"\"\"",
    b",",
    b";",
    b"\t",
    b"\n",
    b"\r",
    b"\r\n",
    b"\0",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xff",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"null",
    b"true",
    b"1e400",
    b"-1",
    b"1.0",
    b"96.0",
    b"18446744073709551616",
    b"{}",
    b"[]",
    b"[",
    b"]",
    b"{",
    b"}",
    b":",
    b"\\",
    b"/",
    b"..",
    b"flip",
    b"\xc3\xa9",
    b"0",
    b" ",
];

/// SplitMix64 (Steele et al., OOPSLA 2014): the same inputs in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below another.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// A seed with a few changes of the kinds that fuzzers make.
fn mutated(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = random.one_of(seeds).clone();
    for _ in 0..=random.below(6) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(13)).min(bytes.len());
        match random.below(7) {
            0 => drop(bytes.drain(at..end)),
            1 if at < bytes.len() => bytes[at] = random.next() as u8,
            2 => {
                let piece = *random.one_of(&PIECES);
                bytes.splice(at..end.min(at + 1), piece.iter().copied());
            }
            3 => {
                let piece = *random.one_of(&PIECES);
                bytes.splice(at..at, piece.iter().copied());
            }
            4 => {
                // A stretch of a seed, once more somewhere else.
                let from = random.one_of(seeds);
                let start = random.below(from.len() + 1);
                let stop = (start + random.below(61)).min(from.len());
                bytes.splice(at..at, from[start..stop].iter().copied());
            }
            5 => bytes.truncate(at),
            _ => {
                // A number in place of one.
                let digits = |byte: &u8| byte.is_ascii_digit();
                if let Some(first) = bytes[at..].iter().position(&digits) {
                    let first = at + first;
                    let length = bytes[first..].iter().take_while(|byte| digits(byte)).count();
                    let number = random.next() >> random.below(64);
                    bytes.splice(first..first + length, number.to_string().into_bytes());
                }
            }
        }
    }
    bytes
}

/// Tries changed seeds of a target; the check says whether an input was read.
fn each(target: &str, check: impl Fn(&[u8]) -> bool) {
    let seeds = seeds(target);
    let mut read = seeds.iter().filter(|seed| check(seed)).count();
    assert!(read > 0, "seeds are read");
    for number in 0..count() {
        let mut random = Random(number);
        let bytes = mutated(&mut random, &seeds);
        let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&bytes)));
        match failed {
            Ok(was_read) => read += usize::from(was_read),
            Err(panic) => {
                eprintln!("input {number}: {:?}", String::from_utf8_lossy(&bytes));
                std::panic::resume_unwind(panic);
            }
        }
    }
    // All refused would show nothing.
    assert!(read as u64 > count() / 100, "{read} inputs were read");
}

#[test]
fn searches_are_read_as_they_were_or_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("search.json");
    // A search is continued with its own settings.
    let again = |state: &State| {
        state.write(&file).expect("a file");
        let read = State::resume(&file, state.settings.clone()).expect("what was written");
        assert!(read == *state);
    };
    each("search", |data| {
        fs::write(&file, data).expect("a file");
        let said = serde_json::from_slice::<State>(data);
        let settings = said.as_ref().map_or_else(|_| Map::new(), |state| state.settings.clone());
        if let Ok(state) = State::resume(&file, settings.clone()) {
            again(&state);
        }
        // The checksum keeps all but a few inputs from what is read behind it.
        let Ok(state) = said else { return false };
        state.write(&file).expect("a file");
        let Ok(state) = State::resume(&file, settings) else { return false };
        again(&state);
        if state.fits(&[2, 3], &[0, 1, 2, 3]).is_ok() {
            let right = |bits: usize, pairs: usize| bits == [0, 2, 5][pairs];
            assert!(state.best.iter().all(|kept| right(kept.right.0.len(), 2)));
            let unfinished = state.unfinished.iter();
            let mut sets = unfinished.flat_map(|one| one.sets.iter().map(|set| (one.pairs, set)));
            assert!(sets.all(|(pairs, kept)| right(kept.right.0.len(), pairs)));
        }
        assert!(state.depths.iter().flatten().all(|entry| entry.scored().is_some()));
        true
    });
}

/// Lines that are not blank; one of tabs may be a row of empty cells.
fn lines(data: &[u8]) -> usize {
    let lines = data.split(|byte| matches!(byte, b'\n' | b'\r'));
    lines.filter(|line| !String::from_utf8_lossy(line).trim_matches(' ').is_empty()).count()
}

#[test]
fn lists_of_pairs_lose_no_row_and_gain_none() {
    let root = tempfile::tempdir().expect("a folder");
    let annotation = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases/list-quoted/PF-PASCAL/Annotations/aeroplane/im0.mat");
    let annotations = root.path().join("pascal/Annotations/aeroplane");
    fs::create_dir_all(&annotations).expect("a folder");
    fs::create_dir_all(root.path().join("pascal/JPEGImages")).expect("a folder");
    fs::create_dir_all(root.path().join("caltech/101_ObjectCategories")).expect("a folder");
    for image in 0..3 {
        fs::copy(&annotation, annotations.join(format!("im{image}.mat"))).expect("a copy");
    }
    each("lists", |data| {
        let mut was_read = false;
        // UTF-16 has zeros, and quotation marks make several lines of one row.
        let is_plain =
            !data.contains(&0) && !data.contains(&b'"') && !data.starts_with(b"\xff\xfe");
        for (kind, name) in
            [(BenchmarkKind::PfPascal, "pascal"), (BenchmarkKind::Caltech101, "caltech")]
        {
            let folder = root.path().join(name);
            fs::write(folder.join("test_pairs.csv"), data).expect("a list");
            let strict = Benchmark::open(kind, &folder, &BenchmarkOptions::default());
            let going = Benchmark::open_readable(kind, &folder, &BenchmarkOptions::default());
            match (strict, going) {
                (Ok(strict), Ok((going, unreadable))) => {
                    was_read = true;
                    // Nothing was wrong: both read the same.
                    assert!(unreadable.is_empty(), "{unreadable:?}");
                    assert_eq!(strict.pairs, going.pairs);
                    assert!(!is_plain || strict.pairs.len() <= lines(data));
                    let points = |pair: &hpflow::testing::benchmark::Pair| {
                        pair.source_keypoints.iter().flatten().all(|side| side.is_finite())
                    };
                    assert!(strict.pairs.iter().all(points));
                }
                (Ok(_), Err(error)) => panic!("read, and refused with --keep-going: {error}"),
                (Err(error), Ok((going, unreadable))) => {
                    assert!(!unreadable.is_empty(), "nothing is set aside, and yet: {error}");
                    let rows = going.pairs.len() + unreadable.len();
                    assert!(!is_plain || rows <= lines(data), "{rows} rows");
                    assert_eq!(error.to_string().lines().count(), 1, "{error}");
                }
                (Err(error), Err(_)) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
            }
        }
        was_read
    });
}

/// A safetensors file with a tensor `layer0` of two channels, three rows and two columns.
fn with_header(header: &str) -> Vec<u8> {
    let shape = [2, 3, 2];
    let numbers: Vec<u8> = (0..12).flat_map(|at: usize| (at as f32 + 0.5).to_le_bytes()).collect();
    let about = json!({
        "__metadata__": { METADATA: header },
        "layer0": { "dtype": "F32", "shape": shape, "data_offsets": [0, numbers.len()] },
    });
    let about = about.to_string().into_bytes();
    [&(about.len() as u64).to_le_bytes()[..], &about, &numbers].concat()
}

#[test]
fn files_of_features_hold_what_they_say_or_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("input.safetensors");
    each("features", |data| {
        let bytes = match std::str::from_utf8(data) {
            Ok(header) if header.trim_start_matches('\u{feff}').starts_with('{') => {
                with_header(header)
            }
            _ => data.to_vec(),
        };
        fs::write(&file, bytes).expect("a file");
        let mut kept = match open(&file) {
            Ok(kept) => kept,
            Err(error) => {
                assert_eq!(error.to_string().lines().count(), 1, "{error}");
                return false;
            }
        };
        let header = kept.header().clone();
        let (ratio, offset) = (header.ratio(), header.offset());
        for axis in [0, 1] {
            let exact = f64::from(header.original_size[axis]) * f64::from(ratio[axis]);
            let resized = f64::from(header.resized_size[axis]);
            assert!((exact - resized).abs() <= 1.0 + 1e-6 * exact, "{header:?}");
            assert!(offset[axis].is_finite(), "{header:?}");
        }
        for layer in &header.description.layers {
            let Ok(maps) = kept.maps(&[layer.id]) else { continue };
            assert_eq!(maps[0].channels, layer.channels);
            assert_eq!(maps[0].data.len(), layer.channels * maps[0].rows * maps[0].columns);
            assert!(maps[0].data.iter().all(|value| value.is_finite()));
        }
        true
    });
}
