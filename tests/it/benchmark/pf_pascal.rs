//! PF-PASCAL folders, whole and broken.

use std::fs;
use std::path::Path;

use hpflow::testing::benchmark::{Benchmark, BenchmarkError, BenchmarkKind, BenchmarkOptions};
use tempfile::TempDir;

use super::matlab::{doubles, file};

/// Columns of x and y, and a box.
fn annotation(keypoints: &[[f64; 2]], corners: &[f64]) -> Vec<u8> {
    let x = keypoints.iter().map(|point| point[0]);
    let columns: Vec<f64> = x.chain(keypoints.iter().map(|point| point[1])).collect();
    file(&[
        (14, doubles("kps", &[keypoints.len() as i32, 2], &columns)),
        (14, doubles("bbox", &[1, corners.len() as i32], corners)),
    ])
}

const HIDDEN: [f64; 2] = [f64::NAN, f64::NAN];

fn benchmark() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("Annotations/cat")).unwrap();
    fs::create_dir_all(root.join("Annotations/bus")).unwrap();
    fs::create_dir_all(root.join("JPEGImages")).unwrap();
    for (name, keypoints) in [
        ("cat/a", [[1.5, 2.0], HIDDEN, [5.0, 6.0]]),
        ("cat/b", [[10.0, 20.0], [30.0, 40.0], [50.0, 60.0]]),
        ("bus/c", [HIDDEN, [3.0, 4.0], HIDDEN]),
        ("bus/d", [[7.0, 8.0], [9.0, 10.0], HIDDEN]),
    ] {
        let bytes = annotation(&keypoints, &[1.0, 2.0, 31.0, 22.0]);
        fs::write(root.join(format!("Annotations/{name}.mat")), bytes).unwrap();
    }
    let photograph = image::RgbImage::new(40, 30);
    photograph.save_with_format(root.join("JPEGImages/b.jpg"), image::ImageFormat::Png).unwrap();
    fs::write(
        root.join("test_pairs_pf_pascal.csv"),
        "source_image,target_image,class,XA,YA,XB,YB\n\
         PF-dataset-PASCAL/JPEGImages/a.jpg,PF-dataset-PASCAL/JPEGImages/b.jpg,8,1;2,3;4,5;6,7;8\n\
         PF-dataset-PASCAL/JPEGImages/c.jpg,PF-dataset-PASCAL/JPEGImages/d.jpg,6,1,2,3,4\n",
    )
    .unwrap();
    folder
}

fn open(root: &Path, split: &str) -> Result<Benchmark, BenchmarkError> {
    let options = BenchmarkOptions { split: split.to_owned(), ..BenchmarkOptions::default() };
    Benchmark::open(BenchmarkKind::PfPascal, root, &options)
}

#[test]
fn keypoints_are_those_visible_in_both_images() {
    let folder = benchmark();
    let read = open(folder.path(), "test").unwrap();
    assert_eq!(read.name(), "pf-pascal");
    let ids: Vec<&str> = read.pairs.iter().map(|pair| pair.id.as_str()).collect();
    assert_eq!(ids, ["cat/a-b", "bus/c-d"]);
    let pair = &read.pairs[0];
    assert_eq!(pair.source_keypoints, [[1.5, 2.0], [5.0, 6.0]]);
    assert_eq!(pair.target_keypoints, [[10.0, 20.0], [50.0, 60.0]]);
    assert_eq!(pair.keypoint_ids, ["0", "2"]);
    assert_eq!(pair.target_box, Some([1.0, 2.0, 31.0, 22.0]));
    let mut measured = read.clone();
    measured.measure();
    assert_eq!(measured.images[pair.target].size, Some([40, 30]));
    assert_eq!(measured.images[pair.source].size, None, "a.jpg is not there");
    assert_eq!(read.images[pair.source].path, folder.path().join("JPEGImages/a.jpg"));
}

#[test]
fn the_other_lists_are_read_and_mirrored_rows_left_out() {
    let folder = benchmark();
    let list = "source_image,target_image,class,flip\nx/a.jpg,x/b.jpg,8,0\nx/a.jpg,x/b.jpg,8,1\n";
    fs::write(folder.path().join("trn_pairs.csv"), list).unwrap();
    assert_eq!(open(folder.path(), "trn").unwrap().pairs.len(), 1);
    let error = open(folder.path(), "val").unwrap_err().to_string();
    assert!(error.contains("put val_pairs.csv or val_pairs_pf_pascal.csv"), "{error}");
    let error = open(folder.path(), "train").unwrap_err().to_string();
    assert!(error.ends_with("expected one of trn, val, test"), "{error}");
}

#[test]
fn the_folder_above_is_taken() {
    let above = tempfile::tempdir().unwrap();
    fs::rename(benchmark().path(), above.path().join("PF-dataset-PASCAL")).unwrap();
    assert_eq!(open(above.path(), "test").unwrap().pairs.len(), 2);
    let error = open(&above.path().join("PF-dataset-PASCAL/JPEGImages"), "test").unwrap_err();
    assert!(error.to_string().contains("is not the folder of PF-PASCAL"), "{error}");
}

#[test]
fn what_is_broken_is_refused_with_its_file() {
    let corners = [1.0, 2.0, 31.0, 22.0];
    let three = [[1.0, 2.0]; 3];
    let list = |row: &str| format!("source_image,target_image,class\n{row}\n").into_bytes();
    for (name, content, what) in [
        ("Annotations/cat/a.mat", vec![], "a.mat: this is not a MATLAB file"),
        (
            "Annotations/cat/a.mat",
            annotation(&three[..2], &corners),
            "kps of a.jpg has 2 keypoints",
        ),
        ("Annotations/cat/a.mat", annotation(&[HIDDEN; 3], &corners), "no keypoint in common"),
        ("Annotations/cat/a.mat", annotation(&[[1e300, 2.0]; 3], &corners), "kps\" is [1"),
        (
            "Annotations/cat/a.mat",
            annotation(&three, &corners[..3]),
            "bbox\" is an array of [1, 3]",
        ),
        (
            "Annotations/cat/a.mat",
            annotation(&three, &[5.0, 2.0, 5.0, 2.0]),
            "expected xmin < xmax",
        ),
        ("Annotations/cat/a.mat", file(&[(14, doubles("kps", &[3, 1], &[0.0; 3]))]), "2 columns"),
        ("test_pairs_pf_pascal.csv", list(""), "holds no pairs"),
        ("test_pairs_pf_pascal.csv", list("a.jpg,b.jpg"), "csv:2: found \"a.jpg,b.jpg\""),
        ("test_pairs_pf_pascal.csv", list("a.jpg,b.jpg,21"), "class is \"21\": expected 1 to 20"),
        ("test_pairs_pf_pascal.csv", list("a.jpg,b.jpg,0"), "class is \"0\""),
        ("test_pairs_pf_pascal.csv", list("a.jpg,b.jpg,8\na.jpg,b.jpg,8"), "csv:3: the pair is li"),
        ("test_pairs_pf_pascal.csv", list("a.jpg,..,8"), "expected photographs"),
        ("test_pairs_pf_pascal.csv", list("a.jpg,z.jpg,8"), "z.mat is missing"),
    ] {
        let folder = benchmark();
        fs::write(folder.path().join(name), content).unwrap();
        let error = open(folder.path(), "test").unwrap_err().to_string();
        assert!(error.contains(what), "{what}: {error}");
    }
}
