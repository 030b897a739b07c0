//! Writing a demo benchmark: photographs, annotations and layouts.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use image::codecs::jpeg::JpegEncoder;
use rayon::prelude::*;

use super::objects::{CATEGORIES, Category};
use super::plan::{ChosenImage, Quota, choose};
use super::scene::{Drawing, Scene};
use super::{DemoError, DemoOptions, DemoProgress, Size, Split, Summary, like_spair, objects};
use crate::benchmark::LayoutSize;
use crate::benchmark::spair::annotation::{ImageAnnotation, NamedKeypoints};
use crate::benchmark::spair::{pairs, write_layout, write_pairs};

/// Says what a folder holds, so that it can be told from a folder of somebody else's files.
const MANIFEST: &str = "demo.json";

/// Quality of the photographs (1 to 100): artefacts are hardly seen, as in PASCAL VOC.
const JPEG_QUALITY: u8 = 92;

/// SPair-71k's small layouts list about a fifth of the pairs.
const SMALL_LAYOUT: usize = 5;

/// An image to be drawn.
struct Task {
    category: &'static Category,
    split: Split,
    name: String,
    choice: ChosenImage,
}

/// Makes a demo benchmark in `folder`, which is made if need be.
///
/// A folder that holds it already is left as it is; one where this was interrupted is completed.
/// `force` replaces another demo benchmark; files that are not a demo benchmark's are never touched.
///
/// # Errors
/// A folder with other files, a category that is not drawn, files that cannot be written.
pub fn generate(
    folder: &Path,
    options: &DemoOptions,
    force: bool,
    progress: &DemoProgress,
) -> Result<Summary, DemoError> {
    let wanted = wanted(options)?;
    let manifest = manifest(options);
    if let Some(summary) = present(folder, &manifest, force)? {
        return Ok(summary);
    }
    let tasks = plan(&wanted, options.seed, progress)?;
    remove_layouts(folder)?;
    // The manifest is first: an unfinished benchmark can be told from foreign files.
    write(&folder.join(MANIFEST), manifest.as_bytes())?;
    let annotations = draw(folder, &tasks, options.seed, progress)?;
    let mut summary = Summary { images: tasks.len(), pairs: [0; 3], unchanged: false };
    for (index, split) in Split::ALL.into_iter().enumerate() {
        let images: Vec<ImageAnnotation> = tasks
            .iter()
            .zip(&annotations)
            .filter(|(task, _)| task.split == split)
            .map(|(_, annotation)| annotation.clone())
            .collect();
        let pairs = pairs::build(&images, 0)?;
        summary.pairs[index] = pairs.len();
        let small = pairs.iter().step_by(SMALL_LAYOUT).map(|pair| pair.filename.as_str());
        write_layout(folder, LayoutSize::Small, split.name(), small)?;
        write_pairs(folder, split.name(), &pairs)?;
        progress("writing pairs", index + 1, Split::ALL.len());
    }
    Ok(summary)
}

/// Every category and split with the number of its images and pairs.
fn wanted(options: &DemoOptions) -> Result<Vec<(&'static Category, Split, Quota)>, DemoError> {
    let mut wanted = Vec::new();
    match &options.size {
        Size::LikeSpair => {
            for category in &CATEGORIES {
                for split in Split::ALL {
                    wanted.push((category, split, like_spair::quota(category.name, split)));
                }
            }
        }
        Size::Small { images, .. } if *images < 2 => {
            return Err(DemoError::TooFew { images: *images });
        }
        Size::Small { images, categories } => {
            let mut names: Vec<&str> = categories.iter().map(String::as_str).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                let category = objects::find(name)
                    .ok_or_else(|| DemoError::Category { name: name.to_owned() })?;
                for (split, divisor) in Split::ALL.into_iter().zip([2, 3, 1]) {
                    let images = (images / divisor).max(2);
                    wanted.push((category, split, Quota { images, pairs: None }));
                }
            }
        }
    }
    Ok(wanted)
}

/// What is written to the manifest: everything that decides the folder's content.
fn manifest(options: &DemoOptions) -> String {
    let size = match &options.size {
        Size::LikeSpair => serde_json::json!("like spair"),
        Size::Small { images, categories } => {
            serde_json::json!({ "images": images, "categories": categories })
        }
    };
    let manifest = serde_json::json!({
        "format": "hpflow-demo",
        "created_by": concat!("hpflow ", env!("CARGO_PKG_VERSION")),
        "seed": options.seed,
        "size": size,
    });
    format!("{manifest:#}\n")
}

/// Whether the folder has the benchmark already; an error if it has something else.
fn present(folder: &Path, manifest: &str, force: bool) -> Result<Option<Summary>, DemoError> {
    let path = || folder.to_owned();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries
            .flatten()
            .any(|entry| !crate::files::is_litter(&entry.file_name().to_string_lossy())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(source) => return Err(DemoError::Read { path: path(), source }),
    };
    if !entries {
        return Ok(None);
    }
    let Ok(found) = fs::read_to_string(folder.join(MANIFEST)) else {
        return Err(DemoError::Foreign { path: path() });
    };
    if !found.contains("\"hpflow-demo\"") {
        return Err(DemoError::Foreign { path: path() });
    }
    if force {
        return Ok(None);
    }
    if found != manifest {
        return Err(DemoError::Present { path: path() });
    }
    // Layouts are written last, test's last of all: where it is, the rest is. Where it is not, the
    // work was interrupted, and doing it again gives the same files.
    if !folder.join("Layout/large/test.txt").is_file() {
        return Ok(None);
    }
    let mut summary = Summary { images: 0, pairs: [0; 3], unchanged: true };
    for (index, split) in Split::ALL.into_iter().enumerate() {
        let path = layout_path(folder, "large", split);
        let text = fs::read_to_string(&path).map_err(|source| DemoError::Read { path, source })?;
        summary.pairs[index] = text.lines().count();
    }
    Ok(Some(summary))
}

/// Chooses all images and numbers them.
fn plan(
    wanted: &[(&'static Category, Split, Quota)],
    seed: u64,
    progress: &DemoProgress,
) -> Result<Vec<Task>, DemoError> {
    let done = AtomicUsize::new(0);
    let chosen: Vec<Vec<ChosenImage>> = wanted
        .par_iter()
        .map(|&(category, split, quota)| {
            let stream = format!("{}.{}", category.name, split.name());
            let chosen = choose(category, seed, &stream, quota);
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            progress("choosing images", done, wanted.len());
            chosen
        })
        .collect::<Result<_, _>>()?;
    let of_each = wanted.iter().zip(chosen).flat_map(|(&(category, split, _), chosen)| {
        chosen.into_iter().map(move |choice| (category, split, choice))
    });
    let tasks = of_each.enumerate().map(|(index, (category, split, choice))| Task {
        category,
        split,
        name: format!("demo_{:06}", index + 1),
        choice,
    });
    Ok(tasks.collect())
}

/// Draws and writes every photograph and its annotation.
fn draw(
    folder: &Path,
    tasks: &[Task],
    seed: u64,
    progress: &DemoProgress,
) -> Result<Vec<ImageAnnotation>, DemoError> {
    for task in tasks {
        for kind in ["JPEGImages", "ImageAnnotation"] {
            make_folder(&folder.join(kind).join(task.category.name))?;
        }
    }
    let done = AtomicUsize::new(0);
    tasks
        .par_iter()
        .map(|task| {
            let scene = Scene::new(task.category, seed, &task.choice.stream, task.choice.close);
            let [width, height] = scene.size;
            let azimuth_id = scene.azimuth_id;
            let drawing = scene.draw();
            let file = format!("{}.jpg", task.name);
            let path = folder.join("JPEGImages").join(task.category.name).join(&file);
            let mut bytes = Vec::new();
            JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY)
                .encode(&drawing.rgb, width, height, image::ExtendedColorType::Rgb8)
                .map_err(|source| DemoError::Encode { path: path.clone(), source })?;
            write(&path, &bytes)?;
            let annotation = annotate(task, file, [width, height], azimuth_id, &drawing);
            let json = format!("{}.json", task.name);
            let path = folder.join("ImageAnnotation").join(task.category.name).join(json);
            write_json(&path, annotation.to_json())?;
            progress("drawing", done.fetch_add(1, Ordering::Relaxed) + 1, tasks.len());
            Ok(annotation)
        })
        .collect()
}

fn annotate(
    task: &Task,
    filename: String,
    [image_width, image_height]: [u32; 2],
    azimuth_id: u8,
    drawing: &Drawing,
) -> ImageAnnotation {
    let pose = match (task.category.round, azimuth_id) {
        (true, _) => "Unspecified",
        (_, 0) => "Frontal",
        (_, 1..=3) => "Left",
        (_, 4) => "Rear",
        _ => "Right",
    };
    let keypoints = task.choice.keypoints.iter().enumerate();
    ImageAnnotation {
        filename,
        src_database: Some("hpflow demo".to_owned()),
        src_annotation: Some("hpflow demo".to_owned()),
        src_image: Some("drawn".to_owned()),
        image_width,
        image_height,
        image_depth: 3,
        category: task.category.name.to_owned(),
        pose: pose.to_owned(),
        truncated: u8::from(drawing.truncated),
        occluded: u8::from(drawing.occluded),
        difficult: 0,
        bndbox: drawing.bndbox.map(Into::into),
        kps: NamedKeypoints(
            keypoints.map(|(id, at)| (id.to_string(), at.map(|at| at.map(Into::into)))).collect(),
        ),
        azimuth_id,
    }
}

/// The layouts of an earlier benchmark go first: without them it is unfinished, not wrong.
fn remove_layouts(folder: &Path) -> Result<(), DemoError> {
    for split in Split::ALL {
        for layout in ["large", "small"] {
            let path = layout_path(folder, layout, split);
            match fs::remove_file(&path) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(DemoError::Write { path, source });
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn layout_path(folder: &Path, layout: &str, split: Split) -> PathBuf {
    folder.join("Layout").join(layout).join(format!("{}.txt", split.name()))
}

fn make_folder(path: &Path) -> Result<(), DemoError> {
    fs::create_dir_all(path).map_err(|source| DemoError::Write { path: path.to_owned(), source })
}

fn write_json(path: &Path, json: serde_json::Result<String>) -> Result<(), DemoError> {
    let json =
        json.map_err(|error| DemoError::Write { path: path.to_owned(), source: error.into() })?;
    write(path, json.as_bytes())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), DemoError> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    fs::write(path, bytes).map_err(|source| DemoError::Write { path: path.to_owned(), source })
}
