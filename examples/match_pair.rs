//! Finds keypoints of one photograph in another.
//!
//! ```text
//! cargo run --release --example match_pair -- source.jpg target.jpg 120,80 240,96.5
//! ```

use std::error::Error;
use std::path::PathBuf;

use hpflow::{BackboneKind, Hpf, Point};

fn main() -> Result<(), Box<dyn Error>> {
    run(std::env::args().skip(1)).map(drop)
}

/// What it finds, in pixels of the target; `None` where no hyperpixel is near a keypoint.
pub fn run(arguments: impl Iterator<Item = String>) -> Result<Vec<Option<Point>>, Box<dyn Error>> {
    let arguments: Vec<String> = arguments.collect();
    let [source, target, keypoints @ ..] = &*arguments else {
        return Err("expected two photographs, and keypoints of the first as X,Y".into());
    };
    let keypoints = keypoints.iter().map(|text| point(text)).collect::<Result<Vec<_>, _>>()?;

    // Histograms of gradients need no weights; BackboneKind::ResNet101 is the published network.
    let mut hpf = Hpf::builder().backbone(BackboneKind::Hog).build()?;
    let source = hpf.prepare(&PathBuf::from(source))?;
    let target = hpf.prepare(&PathBuf::from(target))?;
    let found = hpf.transfer(&source, &target, &keypoints)?;

    for (keypoint, found) in keypoints.iter().zip(&found) {
        println!("{keypoint:?} is at {found:?}");
    }
    Ok(found)
}

fn point(text: &str) -> Result<Point, Box<dyn Error>> {
    let (x, y) = text.split_once(',').ok_or_else(|| format!("{text}: expected X,Y"))?;
    Ok([x.trim().parse()?, y.trim().parse()?])
}
