//! Predictions survive the file between predicting and scoring, and a killed run.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::Path;

use hpflow::testing::predictions::{
    Header, HeaderField, MAX_LINE, Prediction, PredictionsError, Reader, Writer,
};
use proptest::prelude::*;
use serde_json::json;

fn header() -> Header {
    let method = json!({"method": "hpf", "layers": [0, 9, 10], "engine": "cpu"});
    Header::new("spair", "test", method.as_object().unwrap().clone())
}

fn predictions() -> Vec<Prediction> {
    let pair = |id: &str, keypoints| Prediction { pair: id.to_owned(), keypoints };
    vec![
        pair("000001-a-b:cat", vec![Some([36.5, 148.25]), None]),
        pair("000002-b-a:cat", vec![Some([0.1, -7.0])]),
        pair("000003-a-\"é:cat", vec![]),
    ]
}

fn read(bytes: &[u8]) -> Result<(Header, Vec<Prediction>), PredictionsError> {
    let reader = Reader::new(Cursor::new(bytes), Path::new("p.jsonl"))?;
    let header = reader.header().clone();
    Ok((header, reader.collect::<Result<_, _>>()?))
}

fn written(path: &Path) -> Vec<u8> {
    let mut writer = Writer::create(path, &header()).unwrap();
    predictions().iter().for_each(|p| writer.write(p).unwrap());
    writer.finish().unwrap();
    fs::read(path).unwrap()
}

#[test]
fn the_bytes_of_a_file_are_these() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.jsonl");
    let text = String::from_utf8(written(&path)).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        text,
        format!(
            r#"{{"format":"hpflow-predictions","version":1,"benchmark":"spair","split":"test","method":{{"method":"hpf","layers":[0,9,10],"engine":"cpu"}},"created_by":"hpflow {version}","arithmetic":3}}
{{"pair":"000001-a-b:cat","keypoints":[[36.5,148.25],null]}}
{{"pair":"000002-b-a:cat","keypoints":[[0.1,-7]]}}
{{"pair":"000003-a-\"é:cat","keypoints":[]}}
"#
        )
    );
    assert_eq!(read(text.as_bytes()).unwrap(), (header(), predictions()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing partial is left");
}

#[test]
fn a_coordinate_that_is_no_number_is_written_as_no_prediction() {
    let keypoints = vec![Some([f32::NAN, 1.0]), Some([1.0, f32::INFINITY]), Some([1.0, 2.0])];
    let prediction = Prediction { pair: "a".to_owned(), keypoints };
    assert_eq!(prediction.to_line(), r#"{"pair":"a","keypoints":[null,null,[1,2]]}"#);
}

/// A run killed after any byte is continued to the bytes of an uninterrupted run.
#[test]
fn a_run_killed_at_any_byte_is_continued_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.jsonl");
    let whole = written(&path);
    fs::remove_file(&path).unwrap();
    let partial = folder.path().join("p.jsonl.partial");
    for length in 0..=whole.len() {
        fs::write(&partial, &whole[..length]).unwrap();
        let (mut writer, done) = Writer::resume(&path, &header()).unwrap();
        let lines = whole[..length].iter().filter(|&&byte| byte == b'\n').count();
        assert_eq!(done.len(), lines.saturating_sub(1));
        let missing = predictions();
        missing[done.len()..].iter().for_each(|p| writer.write(p).unwrap());
        writer.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), whole, "killed after {length} bytes");
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_finished_file_is_continued_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.jsonl");
    let whole = written(&path);
    let (writer, done) = Writer::resume(&path, &header()).unwrap();
    assert_eq!(done.len(), 3);
    writer.finish().unwrap();
    assert_eq!(fs::read(&path).unwrap(), whole);
}

#[test]
fn predictions_are_replaced_in_their_place_and_the_rest_follows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.jsonl");
    let whole = written(&path);
    fs::remove_file(&path).unwrap();
    let mut first = predictions();
    first[0].keypoints = vec![None, None];
    let mut writer = Writer::create(&path, &header()).unwrap();
    first[..2].iter().for_each(|p| writer.write(p).unwrap());
    drop(writer);
    let (mut writer, done) = Writer::resume(&path, &header()).unwrap();
    assert_eq!(done.iter().map(|one| one.answered).collect::<Vec<_>>(), [false, true]);
    writer.amend(&BTreeMap::from([(0, predictions().remove(0))])).unwrap();
    let second = Writer::resume(&path, &header()).unwrap_err().to_string();
    assert!(second.contains("another run is writing it"), "{second}");
    writer.write(&predictions()[2]).unwrap();
    writer.finish().unwrap();
    assert_eq!(fs::read(&path).unwrap(), whole);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
}

#[test]
fn an_unfinished_file_of_another_run_is_refused_with_the_field_that_differs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.jsonl");
    drop(Writer::create(&path, &header()).unwrap());
    let mut other = header();
    let layers = HeaderField::new("layers");
    other.method = other.method.with(layers, &json!([2, 7]));
    let error = Writer::resume(&path, &other).unwrap_err().to_string();
    assert!(error.contains("its method.layers is [0,9,10], this run's is [2,7]"), "{error}");
    let error = Writer::create(&path, &header()).unwrap_err().to_string();
    assert!(error.contains("continue it with option `resume`"), "{error}");
    let error = Reader::open(&path).unwrap_err().to_string();
    assert!(error.contains("unfinished run"), "{error}");
}

#[test]
fn two_runs_cannot_write_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.jsonl");
    let _writer = Writer::create(&path, &header()).unwrap();
    let error = Writer::resume(&path, &header()).unwrap_err().to_string();
    assert!(error.contains("another run is writing it"), "{error}");
}

#[test]
fn an_output_that_cannot_be_written_is_refused_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no/such/p.jsonl");
    let error = Writer::create(&missing, &header()).unwrap_err().to_string();
    assert!(error.contains("a folder that exists"), "{error}");
    let error = Writer::create(folder.path(), &header()).unwrap_err().to_string();
    assert!(error.contains("it is a folder"), "{error}");
    #[cfg(unix)]
    {
        let error = Writer::create(Path::new("/dev/null"), &header()).unwrap_err().to_string();
        assert!(error.contains("not a regular file"), "{error}");
    }
}

#[test]
fn a_bad_line_is_refused_with_file_line_and_what_was_found() {
    let first = r#"{"format":"hpflow-predictions","version":1,"benchmark":"spair","split":"test"}"#;
    for (line, what) in [
        (r#"{"pair":"a","keypoints":[[1,2,3]]}"#, "p.jsonl:3: "),
        (r#"{"pair":"a","keypoints":[[1]]}"#, "found a list of 1 where a list of 2 is expected"),
        (r#"{"pair":"a","keypoints":[[1,1e999]]}"#, "a number is too large"),
        (r#"{"pair":"a","keypoints":[[1,-1e39]]}"#, "a number is too large"),
        (r#"{"pair":"a","keypoints":[[1,3.5e38]]}"#, "a number is too large"),
        (r#"{"pair":"a","keypoints":[[1,"2"]]}"#, "found the text \"2\" where a number"),
        (r#"{"pair":"a","keypoints":[[1,NaN]]}"#, "one coordinate of a point is null or NaN"),
        (r#"{"pair":"a"}"#, "the field \"keypoints\" is missing"),
        (r#"{"keypoints":[]}"#, "the field \"pair\" is missing"),
        (r#"{"pair":"a","keypoints":[["#, "it ends inside a list"),
        ("[]", "p.jsonl:3: "),
        ("\u{0}", "p.jsonl:3: "),
    ] {
        let error = read(format!("{first}\n\n{line}\n").as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("p.jsonl:3: ") && error.contains(what), "{line}: {error}");
    }
    for (line, what) in [
        ("", "the file is empty"),
        ("<!DOCTYPE html>", "found no value"),
        (r#"{"pair":"a","keypoints":[]}"#, "this is not a predictions file"),
        (r#"{"format":"other"}"#, "the format is \"other\""),
        (r#"{"format":"hpflow-predictions","version":2}"#, "version 2 is not known, only 1"),
        (r#"{"format":"hpflow-predictions","version":1}"#, "the field \"benchmark\" is missing"),
    ] {
        let error = read(line.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("p.jsonl:1: ") && error.contains(what), "{line}: {error}");
    }
}

#[test]
fn a_byte_order_mark_is_passed_over_at_the_beginning_alone() {
    let folder = tempfile::tempdir().unwrap();
    let plain = written(&folder.path().join("p.jsonl"));
    let marked = [b"\xEF\xBB\xBF", &plain[..]].concat();
    assert_eq!(read(&marked).unwrap(), read(&plain).unwrap());
    let twice = [b"\xEF\xBB\xBF\xEF\xBB\xBF", &plain[..]].concat();
    assert!(read(&twice).is_err(), "one mark is one");
}

#[cfg(unix)]
#[test]
fn a_stream_is_refused_in_words() {
    let error = Reader::open(Path::new("/dev/null")).unwrap_err().to_string();
    assert!(error.contains("/dev/null") && error.contains("write them to a file"), "{error}");
}

#[test]
fn a_line_without_end_is_refused_at_a_bounded_length() {
    use std::io::{BufReader, Read, repeat};
    let endless = BufReader::new(repeat(b'x').take(MAX_LINE * 40));
    let error = Reader::new(endless, Path::new("p.jsonl")).unwrap_err().to_string();
    assert!(error.contains("longer than"), "{error}");
}

proptest! {
    #[test]
    fn every_prediction_survives_its_line(
        pair in ".*",
        keypoints in prop::collection::vec(
            prop::option::of([prop::num::f32::NORMAL | prop::num::f32::SUBNORMAL
                | prop::num::f32::ZERO, prop::num::f32::NORMAL].prop_map(|p| p)),
            0..20,
        ),
    ) {
        let prediction = Prediction { pair, keypoints };
        let head = serde_json::to_string(&header()).unwrap();
        let text = format!("{head}\n{}\n", prediction.to_line());
        let (_, read) = read(text.as_bytes()).unwrap();
        prop_assert_eq!(read, vec![prediction]);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes);
        let head = serde_json::to_string(&header()).unwrap();
        let _ = read(&[head.as_bytes(), b"\n", &bytes].concat());
    }

    #[test]
    fn arbitrary_json_never_panics(text in "[\\[\\]{}\",:0-9a-z.nul\\-e \n]{0,200}") {
        let _ = read(text.as_bytes());
        let head = serde_json::to_string(&header()).unwrap();
        let _ = read(format!("{head}\n{{\"pair\":\"a\",\"keypoints\":{text}}}").as_bytes());
    }
}
