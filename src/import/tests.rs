use std::path::{Path, PathBuf};

use super::found::ImportedPairs;
use super::*;
use crate::PredictedKeypoints;
use crate::benchmark::{Benchmark, BenchmarkKind, Image, Pair, Visibility};

/// Two photographs of birds, 200 × 100 and 100 × 200 px, with keypoints "0" and "2", both ways.
fn birds() -> Benchmark {
    let image = |name: &str, size| {
        Image::below(
            "photographs".as_ref(),
            format!("photographs/bird/{name}.jpg").into(),
            Some(size),
        )
    };
    let pair = |id: &str, [source, target]: [usize; 2]| Pair {
        id: id.to_owned(),
        category: "bird".to_owned(),
        source,
        target,
        source_keypoints: vec![[1.0, 1.0]; 2],
        target_keypoints: vec![[1.0, 1.0]; 2],
        keypoint_ids: vec!["0".to_owned(), "2".to_owned()],
        source_box: None,
        target_box: None,
        variation: None,
    };
    Benchmark {
        kind: BenchmarkKind::Spair,
        visibility: Visibility::Unsaid,
        split: "test".to_owned(),
        images: vec![image("a", [200, 100]), image("b", [100, 200])],
        pairs: vec![pair("0-a-b:bird", [0, 1]), pair("1-b-a:bird", [1, 0])],
    }
}

/// Made by `generate.py` beside them.
fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/import/samples").join(name)
}

fn imported(name: &str) -> Result<Vec<(usize, PredictedKeypoints)>, String> {
    let path = fixture(name);
    read(&path, ImportKind::of(&path).unwrap(), &birds()).map_err(|error| error.to_string())
}

fn from_text(name: &str, bytes: &[u8]) -> Result<Vec<(usize, PredictedKeypoints)>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    read(&path, ImportKind::of(&path).unwrap(), &birds()).map_err(|error| error.to_string())
}

#[test]
fn geoaware_points_come_from_the_padded_square_to_original_pixels() {
    // 840 / 200 = 4.2; margins of 210 px. See generate.py for the points.
    let expected = vec![
        (0, vec![Some([10.0, 20.0]), Some([100.0, 200.0])]),
        (1, vec![Some([100.0, 10.0]), Some([0.0, 0.0])]),
    ];
    for protocol in [2, 3, 4, 5] {
        let found = imported(&format!("results-{protocol}.pkl")).unwrap();
        assert_eq!(found, expected, "protocol {protocol}");
    }
}

#[test]
fn a_pickle_that_calls_something_is_refused_and_nothing_is_run() {
    let marker = Path::new("/tmp/hpflow-was-run");
    let error = imported("evil.pkl").unwrap_err();
    assert!(error.contains("posix.system") && error.contains("evil.pkl"), "{error}");
    assert!(!marker.exists());
    assert!(error.contains("dictionaries and NumPy arrays alone"), "{error}");
}

#[test]
fn pickles_that_grow_without_bound_are_refused() {
    // One value, put on the stack for every two bytes, more often than any result is.
    let mut bytes = vec![0x80, 4, b'N', b'q', 0];
    bytes.extend([b'h', 0].repeat(20 << 20));
    bytes.push(b'.');
    let error = from_text("many.pkl", &bytes).unwrap_err();
    assert!(error.contains("more than") && error.contains("many.pkl"), "{error}");
    // A type whose name each instruction would make longer.
    let mut bytes = b"\x80\x04cnumpy\ndtype\n(\x8c\x02f4\x89\x88tR".to_vec();
    bytes.extend(b"(K\x03\x8c\x01<tb".repeat(3));
    bytes.push(b'.');
    let error = from_text("longer.pkl", &bytes).unwrap_err();
    assert!(error.contains("an unknown way"), "{error}");
    // An array of a million axes of length one, made again and again.
    let mut bytes = b"\x80\x04(".to_vec();
    bytes.extend(b"K\x01".repeat(1 << 20));
    bytes.extend(b"tq\x00cnumpy.core.numeric\n_frombuffer\n(C\x01\x00\x8c\x02u1");
    let error = from_text("axes.pkl", &[&bytes[..], b"tR."].concat()).unwrap_err();
    assert!(error.contains("unknown arguments"), "{error}");
    bytes.truncate(bytes.len() - 4);
    bytes.extend(b"cnumpy\ndtype\n\x8c\x02u1\x85Rh\x00\x8c\x01CtR.");
    let error = from_text("axes.pkl", &bytes).unwrap_err();
    assert!(error.contains("a shape that is not made of whole numbers"), "{error}");
}

#[test]
fn archives_give_points_by_pair_with_nan_for_none() {
    let expected =
        vec![(0, vec![Some([1.5, 2.0]), None]), (1, vec![Some([1.0, 2.0]), Some([3.0, 4.0])])];
    assert_eq!(imported("points.npz").unwrap(), expected);
    for (name, sentence) in [
        (
            "unknown.npz",
            "array 9-x-y:bird.npy: pair 9-x-y:bird is not among the pairs of spair test",
        ),
        ("misshapen.npz", "array 0-a-b:bird.npy: shape [3, 2], expected [2, 2]"),
        ("objects.npz", "values have type `|O`, which hpflow does not read"),
    ] {
        let error = imported(name).unwrap_err();
        assert!(error.contains(sentence) && error.contains(name), "{error}");
    }
    let error = from_text("page.npz", b"<!DOCTYPE html><html></html>").unwrap_err();
    assert!(error.contains("page.npz: this is not a NumPy archive"), "{error}");
}

/// An archive of arrays of 2 × 2 float64, by their names: several of one name too.
fn archive(arrays: &[(&str, [f64; 4])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let stand_in = |at: usize, name: &str| format!("{at}{}", "#".repeat(name.len() - 1));
    for (at, (name, values)) in arrays.iter().enumerate() {
        let mut header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }".to_vec();
        header.resize(117, b' ');
        header.push(b'\n');
        writer.start_file(stand_in(at, name), options).unwrap();
        let array = [&b"\x93NUMPY\x01\x00\x76\x00"[..], &header].concat();
        let values: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        std::io::Write::write_all(&mut writer, &[array, values].concat()).unwrap();
    }
    let mut bytes = writer.finish().unwrap().into_inner();
    for (at, (name, _)) in arrays.iter().enumerate() {
        let from = stand_in(at, name).into_bytes();
        for place in 0..bytes.len() - from.len() {
            if bytes[place..].starts_with(&from) {
                bytes[place..place + from.len()].copy_from_slice(name.as_bytes());
            }
        }
    }
    bytes
}

#[test]
fn arrays_of_one_name_pass_only_where_they_are_the_same() {
    let (one, other) = ([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 5.0]);
    let [first, second] = ["0-a-b:bird.npy", "1-b-a:bird.npy"];
    let points = |values: [f64; 4]| {
        let [a, b, c, d] = values.map(|value| value as f32);
        vec![Some([a, b]), Some([c, d])]
    };
    let expected = vec![(0, points(one)), (1, points(other))];
    let read = |arrays: &[(&str, [f64; 4])]| from_text("p.npz", &archive(arrays));
    assert_eq!(read(&[(first, one), (second, other)]).unwrap(), expected);
    assert_eq!(read(&[(first, one), (second, other), (first, one)]).unwrap(), expected);
    for arrays in [
        [(first, one), (first, other), (second, one)],
        [(first, other), (second, one), (first, one)],
    ] {
        let error = read(&arrays).unwrap_err();
        let sentence = "p.npz: array 0-a-b:bird.npy: the archive has two arrays of this name";
        assert!(error.contains(sentence), "{error}");
    }
    // A program's prefix moves the directory.
    let moved = [&b"#!/bin/sh\n"[..], &archive(&[(second, one), (second, other)])].concat();
    let error = from_text("p.npz", &moved).unwrap_err();
    assert!(error.contains("array 1-b-a:bird.npy: the archive has two"), "{error}");
}

#[test]
fn a_heading_that_names_a_column_twice_is_refused_with_both() {
    for (heading, one, other, column) in [
        ("pair,keypoint,x,X,y", "x", "X", "x"),
        ("pair,keypoint,x,y,x", "x", "x", "x"),
        ("Pair,keypoint, pair ,x,y", "Pair", "pair", "pair"),
        ("pair;keypoint;x;y;Y;note", "y", "Y", "y"),
        ("pair,KEYPOINT,keypoint,x,y", "KEYPOINT", "keypoint", "keypoint"),
    ] {
        let error = from_text("table.csv", format!("{heading}\n").as_bytes()).unwrap_err();
        let sentence =
            format!("line 1: the columns \"{one}\" and \"{other}\" may both be {column}");
        assert!(error.contains(&sentence), "{error}");
    }
    let other = "note,pair,keypoint,x,y,note\n,0-a-b:bird,0,1,2,\n";
    let expected = vec![(0, vec![Some([1.0, 2.0]), None])];
    assert_eq!(from_text("table.csv", other.as_bytes()).unwrap(), expected);
    let error = from_text("table.csv", b"pair,keypoint,x,y\n\n7\n").unwrap_err();
    assert!(error.contains("line 3: 1 field, but the heading has 4"), "{error}");
}

#[test]
fn a_table_has_a_line_for_each_predicted_keypoint() {
    let table = "x,y,pair,keypoint\n3,4.5,1-b-a:bird,2\n,,0-a-b:bird,0\n1, 2 ,0-a-b:bird,2\n";
    let expected = vec![(0, vec![None, Some([1.0, 2.0])]), (1, vec![None, Some([3.0, 4.5])])];
    assert_eq!(from_text("table.csv", table.as_bytes()).unwrap(), expected);
}

#[test]
fn a_table_may_have_a_byte_order_mark_and_any_line_breaks() {
    let table = "\u{feff}\"pair\",keypoint,x,y\r\n\r\n0-a-b:bird,2,1,2\r\n";
    let expected = vec![(0, vec![None, Some([1.0, 2.0])])];
    assert_eq!(from_text("table.csv", table.as_bytes()).unwrap(), expected);
    let error = from_text("table.csv", table.replace(":bird", ":cat").as_bytes()).unwrap_err();
    assert!(error.contains("line 3: pair 0-a-b:cat is not among"), "{error}");
    let other = table.replace("0-a-b:bird,2,1,2", "0-a-b:bird,2,1,2,3");
    let error = from_text("table.csv", other.as_bytes()).unwrap_err();
    assert!(error.contains("line 3: 5 fields, but the heading has 4"), "{error}");
    let error = from_text("table.csv", "pair|keypoint|x|y".as_bytes()).unwrap_err();
    assert!(error.contains("no column pair in `pair|keypoint|x|y`"), "{error}");
}

#[test]
fn tables_that_do_not_fit_are_refused_with_the_line() {
    for (table, sentence) in [
        ("", "line 1: there is no column pair"),
        ("pair,keypoint,x\n", "line 1: there is no column y"),
        ("pair,keypoint,x,y\nz,0,1,2\n", "line 2: pair z is not among"),
        (
            "pair,keypoint,x,y\n0-a-b:bird,1,1,2\n",
            "line 2: pair 0-a-b:bird has no keypoint `1`, only 0, 2",
        ),
        ("pair,keypoint,x,y\n0-a-b:bird,0,one,2\n", "line 2: `one` is not a number"),
        ("pair,keypoint,x,y\n0-a-b:bird,0,1,\n", "line 2: (1, NaN) is not a point"),
        ("pair,keypoint,x,y\n0-a-b:bird,0,1,1e39\n", "is not a point"),
        ("pair,keypoint,x,y\n0-a-b:bird,0,1,2\n0-a-b:bird,0,1,2\n", "line 3: keypoint 0 of pair"),
        ("pair,keypoint,x,y\n0-a-b:bird,0,1\n", "expected lines of pair,keypoint,x,y"),
    ] {
        let error = from_text("table.csv", table.as_bytes()).unwrap_err();
        assert!(error.contains(sentence) && error.contains("table.csv"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    let endless = format!("pair,keypoint,x,y\n{}", "0".repeat(1 << 20));
    let error = from_text("table.csv", endless.as_bytes()).unwrap_err();
    assert!(error.contains("line 2: it does not end within 65536 bytes"), "{error}");
}

#[test]
fn a_pair_that_comes_twice_with_other_points_is_refused() {
    let benchmark = birds();
    let mut found = ImportedPairs::new(Path::new("file"), &benchmark);
    found.keep(0, vec![None, None], "one").unwrap();
    found.keep(0, vec![None, None], "two").unwrap();
    let error = found.keep(0, vec![Some([1.0, 1.0]), None], "three").unwrap_err();
    assert!(error.to_string().starts_with("file: three: pair 0-a-b:bird came before"), "{error}");
}

#[test]
fn arrays_come_row_by_row_whatever_the_order_they_are_stored_in() {
    // [[1, 2, 3], [4, 5, 6]] column by column.
    let bytes: Vec<u8> = [1u8, 4, 2, 5, 3, 6].to_vec();
    let array = Array::decode("|u1", vec![2, 3], true, &bytes).unwrap();
    assert_eq!(array.values, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let error = Array::decode("<f4", vec![2, 3], false, &bytes).unwrap_err();
    assert_eq!(error, ArrayError::Length { shape: vec![2, 3], expected: 24, found: 6 });
    let error = Array::decode("<f4", vec![usize::MAX, 3], false, &bytes).unwrap_err();
    assert!(matches!(error, ArrayError::TooLarge(_)), "{error}");
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_bytes_make_a_reader_panic(bytes: Vec<u8>) {
            let _ = Array::from_npy(&bytes);
            let mut pickle = vec![0x80, 4];
            pickle.extend(&bytes);
            let _ = crate::pickle::read(&pickle[..]);
        }

        #[test]
        fn no_damage_to_a_pickle_makes_the_reader_panic(at in 0usize..1232, byte: u8) {
            let mut bytes = std::fs::read(fixture("results-5.pkl")).unwrap();
            bytes[at] = byte;
            let _ = crate::pickle::read(&bytes[..]);
        }
    }
}

#[test]
fn an_id_of_two_pairs_is_refused_with_the_photographs_of_both() {
    let mut benchmark = birds();
    benchmark.pairs[1].id = benchmark.pairs[0].id.clone();
    let found = ImportedPairs::new(Path::new("file"), &benchmark);
    let error = found.pair("0-a-b:bird", "line 2").unwrap_err().to_string();
    assert!(error.contains("bird/a.jpg to bird/b.jpg"), "{error}");
    assert!(error.contains("bird/b.jpg to bird/a.jpg"), "{error}");
}
