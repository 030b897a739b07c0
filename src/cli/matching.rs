//! `hpflow match`: keypoints of one photograph found in another.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args as ClapArgs, ValueEnum};

use super::console::Console;
use super::error::Usage;
use super::options::{MethodArgs, help_of_methods};
use super::output::{check_writable, failed};
use hpflow::low_level::benchmark::{BenchmarkKind, Image};
use hpflow::low_level::features::locate;
use hpflow::low_level::files::Destination;
use hpflow::low_level::image::{Photograph, read};
use hpflow::low_level::method::Query;
use hpflow::low_level::picture::{self, Drawn};
use hpflow::low_level::text::MaybePoint;
use hpflow::low_level::text::lines;
use hpflow::{Point, PredictedKeypoints};

/// Find keypoints of one photograph in another.
#[derive(Debug, ClapArgs)]
#[command(after_help = help_of_methods("Example:
  hpflow match horse.jpg zebra.jpg --keypoints \"120,80 240,96.5\" --backbone hog --picture match.png

Photographs are read as Pillow's convert('RGB') reads them, which is what published code sees: EXIF
orientation is ignored (keypoints are in pixels as stored), transparency is dropped, and 16-bit grey
is clipped at 255, so scale such a picture to 8 bits first."))]
pub struct Args {
    /// The photograph that the keypoints are in.
    source: PathBuf,
    /// The photograph to find them in.
    target: PathBuf,
    /// Keypoints in pixels of the source, as "x,y x,y…", or a file of them: one `x,y` a line, or a
    /// JSON list `[[x,y],…]`.
    #[arg(long, value_name = "\"x,y x,y…\"|FILE", allow_hyphen_values = true)]
    keypoints: Option<String>,
    #[command(flatten)]
    method: MethodArgs,
    /// A picture of both photographs with numbered lines between the keypoints.
    #[arg(long, value_name = "OUT.png")]
    picture: Option<PathBuf>,
    /// Add to the picture the source warped onto the target: by the thin-plate spline through the
    /// keypoints or, with fewer than three or all on a line, by the dense flow.
    #[arg(long, requires = "picture")]
    warp: bool,
    /// The dense flow on the source's grid of pixels (Middlebury .flo; 1e10 where unknown); without
    /// --keypoints, `-` is standard output.
    #[arg(long, value_name = "OUT.flo")]
    flow: Option<PathBuf>,
    /// How the points are printed: text with two decimals, or JSON with all.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

/// Runs the command.
///
/// # Errors
/// Wrong usage, a photograph that cannot be used, or a file that cannot be written.
pub fn run(args: &Args, console: Console) -> anyhow::Result<()> {
    if args.keypoints.is_none() && args.flow.is_none() {
        return Err(Usage(
            "nothing to find: give --keypoints \"x,y x,y…\" or --flow OUT.flo".into(),
        )
        .into());
    }
    args.method.check()?;
    args.method.hpf.network.set_threads()?;
    let flow_is_printed = check_outputs(args)?;
    let keypoints = args.keypoints.as_deref().map(parse_keypoints).transpose()?.unwrap_or_default();
    let [source, target] = [&args.source, &args.target].map(|path| read(path));
    let (source, target) = (source?, target?);
    check_inside(&keypoints, &source, &args.source)?;
    let photographs: Vec<Image> = match &args.method.features.features {
        Some(folder) => [&args.source, &args.target]
            .map(|photograph| locate(folder, photograph))
            .into_iter()
            .collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    // The settings published for SPair-71k: photographs of different objects, as here.
    let mut method = args.method.open((&photographs, false), BenchmarkKind::Spair, console)?;
    let (width, height) = (source.width, source.height);
    let query = Query {
        source: (&args.source).into(),
        target: (&args.target).into(),
        keypoints: &keypoints,
        flow: args.flow.as_ref().map(|_| [width, height]),
    };
    let matched = method.match_pair(&query)?;
    let predicted = &matched.keypoints;
    if let Some(path) = &args.picture {
        let pairs = keypoints.iter().zip(predicted);
        let drawn: Vec<Drawn> =
            pairs.map(|(&source, &prediction)| Drawn { source, prediction, truth: None }).collect();
        let found = |drawn: &Drawn| Some((drawn.source, drawn.prediction?));
        let warped = if args.warp {
            let pairs: Vec<_> = drawn.iter().filter_map(found).collect();
            Some(match picture::ThinPlate::through(&pairs) {
                Some(spline) => picture::warp_by_spline(&source, &target, &spline),
                None => {
                    console.note("warped by the dense flow: there are fewer than three predictions, or all are on a line");
                    let query = Query { flow: Some([width, height]), keypoints: &[], ..query };
                    let flow = match &matched.flow {
                        Some(flow) => Some(flow.clone()),
                        None => method.match_pair(&query)?.flow,
                    };
                    let flow = flow.context("this method has no dense flow to warp by")?;
                    picture::warp_by_flow(&source, &target, &flow)
                }
            })
        } else {
            None
        };
        let picture = picture::matches_and_warp(&source, &target, &drawn, warped.as_ref());
        picture::write_png(&picture, path)?;
        console.note(format!("picture: {}", path.display()));
    }
    if let (Some(path), Some(flow)) = (&args.flow, &matched.flow) {
        flow.write(path)?;
        console.note(format!("flow: {}", path.display()));
    }
    // Last: what cannot be printed must not cost the files.
    if flow_is_printed {
        return Ok(());
    }
    print_points(&keypoints, predicted, args.format)
}

/// Whether what was asked for can be written, before any work; whether the flow is all that goes to
/// standard output.
fn check_outputs(args: &Args) -> anyhow::Result<bool> {
    if let Some(path) = &args.picture
        && !path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png"))
    {
        return Err(Usage(format!(
            "--picture {}: pictures are written as PNG; give a name that ends in .png",
            path.display()
        ))
        .into());
    }
    let mut printed = false;
    for (option, path) in [("--picture", &args.picture), ("--flow", &args.flow)] {
        let Some(path) = path else { continue };
        let picture = args.picture.as_ref().filter(|_| option == "--flow");
        let mut others = [&args.source, &args.target].into_iter().chain(picture);
        if let Some(other) = others.find(|other| is_same_file(path, other)) {
            let (path, other) = (path.display(), other.display());
            return Err(Usage(format!(
                "{option} {path}: would be written over {other}; give another name"
            ))
            .into());
        }
        if check_writable(path)? != Destination::Standard {
            continue;
        }
        if args.keypoints.is_some() || option == "--picture" {
            let what = format!(
                "{option} {}: the points are printed to standard output; give a file",
                path.display()
            );
            return Err(Usage(what).into());
        }
        printed = true;
    }
    Ok(printed)
}

/// Whether two paths are of one file, through links too.
fn is_same_file(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real(one) == real(other)
}

/// The most bytes of keypoints that are read from a file.
const MAX_KEYPOINTS: u64 = 64 << 20;

const WANTED: &str = "expected keypoints, as x,y x,y or [[x,y],…]";

/// Keypoints given on the command line or in a file.
fn parse_keypoints(text: &str) -> anyhow::Result<Vec<Point>> {
    let path = Path::new(text);
    // Pipes too: a shell's `<(…)` is one, and /dev/stdin.
    let (what, text) = if path.exists() && !path.is_dir() {
        let unread = |why: &dyn std::fmt::Display| {
            failed(format_args!("{}: cannot be read as text", path.display()), why, WANTED)
        };
        let mut bytes = Vec::new();
        let read =
            File::open(path).and_then(|file| file.take(MAX_KEYPOINTS).read_to_end(&mut bytes));
        read.map_err(|error| unread(&error))?;
        if bytes.len() as u64 == MAX_KEYPOINTS {
            bail!("{}: it does not end within {MAX_KEYPOINTS} bytes; {WANTED}", path.display());
        }
        let bytes = hpflow::low_level::text::utf8(bytes);
        let bytes = bytes.map_err(|error| unread(&error))?;
        let text = String::from_utf8(bytes).map_err(|_| unread(&"it is not UTF-8"))?;
        (path.display().to_string(), text)
    } else {
        ("--keypoints".to_owned(), text.to_owned())
    };
    let points = match text.trim_start().starts_with('[') {
        true => parse_json(&what, &text)?,
        false => parse_pairs(&what, &text)?,
    };
    if points.is_empty() {
        return Err(Usage(format!("{what}: no keypoint; expected \"x,y x,y…\"")).into());
    }
    Ok(points)
}

fn parse_json(what: &str, text: &str) -> Result<Vec<Point>, Usage> {
    let expected = "expected a list [[x,y],…]";
    let points = match hpflow::low_level::text::from_slice::<Vec<MaybePoint<f32>>>(text.as_bytes())
    {
        Ok(points) => points,
        Err(error) => {
            // A number beyond f32 may be one of f64, which can be named.
            let wide = hpflow::low_level::text::from_slice::<Vec<MaybePoint<f64>>>(text.as_bytes());
            let wide = wide.unwrap_or_default().into_iter().filter_map(|point| point.0).flatten();
            let large = |side: &f64| (*side as f32).is_infinite();
            return Err(match wide.into_iter().find(large) {
                Some(large) => too_large(what, &format!("{large:e}")),
                None => Usage(format!(
                    "{what}: {}; {expected}",
                    hpflow::low_level::text::fault_at(&error)
                )),
            });
        }
    };
    let points = points.into_iter().enumerate();
    let point = |(at, point): (usize, MaybePoint<f32>)| {
        let number = at + 1;
        point.0.ok_or_else(|| {
            Usage(format!(
                "{what}: keypoint {number} is null or NaN, and cannot be found; {expected}"
            ))
        })
    };
    points.map(point).collect()
}

fn parse_pairs(what: &str, text: &str) -> Result<Vec<Point>, Usage> {
    let wrong = |found: &str| {
        Usage(format!(
            "{what}: '{found}' is not a keypoint; expected \"x,y x,y…\" in pixels, or a file that \
             exists"
        ))
    };
    let point = |point: &str| {
        let (x, y) = point.split_once(',').ok_or_else(|| wrong(point))?;
        let count = point.split(',').count();
        if count > 2 && point.split(',').all(|part| part.parse::<f32>().is_ok()) {
            return Err(Usage(format!(
                "{what}: '{point}' has {count} numbers where a keypoint has 2, x and y; expected \
                 \"x,y x,y…\" in pixels"
            )));
        }
        let side = |text: &str| match text.parse::<f32>() {
            Ok(side) if side.is_finite() => Ok(side),
            // Not the words inf and nan.
            Ok(_) if text.bytes().any(|byte| byte.is_ascii_digit()) => Err(too_large(what, text)),
            _ => Err(wrong(point)),
        };
        Ok([side(x)?, side(y)?])
    };
    lines(text)
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(str::split_whitespace)
        .map(point)
        .collect()
}

fn too_large(what: &str, found: &str) -> Usage {
    Usage(format!(
        "{what}: {found} is too large for a coordinate; give pixels of the photograph, counted from 0"
    ))
}

/// Every keypoint is a number inside the photograph.
fn check_inside(keypoints: &[Point], source: &Photograph, path: &Path) -> Result<(), Usage> {
    let (width, height) = (source.width, source.height);
    let inside = |point: &Point| {
        (0.0..width as f32).contains(&point[0]) && (0.0..height as f32).contains(&point[1])
    };
    match keypoints.iter().position(|point| !inside(point)) {
        None => Ok(()),
        Some(index) => {
            let [x, y] = keypoints[index];
            Err(Usage(format!(
                "keypoint {} ({x},{y}) is not inside {}, which has {width} × {height} pixels; give \
                 pixels of that photograph, counted from 0",
                index + 1,
                path.display()
            )))
        }
    }
}

fn print_points(
    keypoints: &[Point],
    predicted: &PredictedKeypoints,
    format: Format,
) -> anyhow::Result<()> {
    match format {
        Format::Json => {
            let points = serde_json::json!({ "source": keypoints, "target": predicted });
            print_line!("{}", serde_json::to_string(&points)?);
        }
        Format::Text => {
            for predicted in predicted {
                match predicted {
                    Some([x, y]) => print_line!("{x:.2},{y:.2}"),
                    None => print_line!("none"),
                }
            }
        }
    }
    Ok(())
}
