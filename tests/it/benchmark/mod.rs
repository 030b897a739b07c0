//! Benchmarks are read as they are distributed, and pairs are built as they were.

use std::fs;
use std::path::{Path, PathBuf};

use hpflow::testing::benchmark::spair::annotation::{ImageAnnotation, PairAnnotation};
use hpflow::testing::benchmark::spair::pairs;

use crate::shared::shared;

mod masks_and_flow;
pub mod matlab;
mod pf_pascal;
mod pf_willow;
mod spair;
mod spair_json;

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn image_annotations(category: &Path) -> Vec<ImageAnnotation> {
    files(category)
        .iter()
        .map(|file| ImageAnnotation::parse(&fs::read(file).unwrap()).unwrap())
        .collect()
}

#[test]
#[cfg_attr(not(present = "spair-sample"), ignore = "needs HPFLOW_SHARED/data/SPair-71k-sample")]
fn the_real_pair_files_are_written_back_byte_for_byte() {
    let folder = shared("data/SPair-71k-sample/PairAnnotation/test");
    let files = files(&folder);
    assert_eq!(files.len(), 62);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let pair = PairAnnotation::parse(text.as_bytes()).unwrap();
        assert_eq!(pair.to_json().unwrap(), text, "{}", file.display());
        assert_eq!(file.file_stem().unwrap().to_str(), Some(pair.filename.as_str()));
    }
}

#[test]
#[cfg_attr(not(present = "spair-sample"), ignore = "needs HPFLOW_SHARED/data/SPair-71k-sample")]
fn the_real_image_annotations_are_written_back_but_for_a_last_line_break() {
    let folder = shared("data/SPair-71k-sample/ImageAnnotation");
    for file in files(&folder).iter().flat_map(|category| files(category)) {
        let text = fs::read_to_string(&file).unwrap();
        let image = ImageAnnotation::parse(text.as_bytes()).unwrap();
        let without_break = text.strip_suffix('\n').unwrap_or(&text); // a few files have one
        assert_eq!(image.to_json().unwrap(), without_break, "{}", file.display());
    }
}

/// Ids, order, labels and bytes of two categories: 690 aeroplane pairs from id 0 and 862 potted
/// plant pairs from id 9629 (Table 2 of the SPair-71k paper has the same counts).
#[test]
#[cfg_attr(not(present = "spair-sample"), ignore = "needs HPFLOW_SHARED/data/SPair-71k-sample")]
fn the_real_pairs_follow_from_the_real_image_annotations() {
    let sample = shared("data/SPair-71k-sample");
    let mut layout = String::new();
    let mut compared = 0;
    for (category, first_id, count) in [("aeroplane", 0, 690), ("pottedplant", 9629, 862)] {
        let mut images = image_annotations(&sample.join("ImageAnnotation").join(category));
        images.reverse(); // the order given must not matter
        let pairs = pairs::build(&images, first_id).unwrap();
        assert_eq!(pairs.len(), count, "{category}");
        for pair in &pairs {
            layout += &format!("{}\n", pair.filename);
            let file = sample.join(format!("PairAnnotation/test/{}.json", pair.filename));
            if let Ok(real) = fs::read_to_string(file) {
                assert_eq!(pair.to_json().unwrap(), real);
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 62);
    assert_eq!(layout, fs::read_to_string(sample.join("Layout/large/test.txt")).unwrap());
}
