//! Pictures of predictions: right and wrong keypoints against the truth.

use std::io;
use std::path::{Path, PathBuf};

use super::files::{FilesError, PredictionsFiles};
use crate::benchmark::{Benchmark, Unreadable};
use crate::image::{ImageError, Photograph, read};
use crate::picture::{
    Drawn, PictureError, ThinPlate, TrueKeypoint, contact_sheet, matches_and_warp, warp_by_spline,
    write_png,
};
use crate::progress::{Progress, ProgressUnit};
use crate::score::{
    Alpha, Answers, Measure, Protocol, ScoreError, Verdict, default_for, judge, radius,
};

/// Pictures in a row of the sheet, and the sheet's width in pixels.
const SHEET: (usize, u32) = (2, 1600);

/// The most keypoints that are drawn of a pair; of more, as a flow has, every n-th.
const MOST_DRAWN: usize = 60;

/// Which pairs are drawn.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ShowOptions {
    /// How many, at least one.
    pub pairs: usize,
    /// Which come first.
    pub order: ShowOrder,
    /// The α of right and wrong; the first of the benchmark's own where `None`.
    pub alpha: Option<Alpha>,
    /// Whether the source is added, warped onto the target by the thin-plate spline through the
    /// predictions; not where they are fewer than three or all on a line.
    pub warp: bool,
    /// Told how many are drawn.
    pub progress: Progress,
}

impl Default for ShowOptions {
    /// Eight pairs, spread over the benchmark.
    fn default() -> Self {
        Self {
            pairs: 8,
            order: ShowOrder::Spread,
            alpha: None,
            warp: false,
            progress: Progress::default(),
        }
    }
}

/// The order of pairs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShowOrder {
    /// Evenly spread over the benchmark.
    #[default]
    Spread,
    /// Lowest PCK first.
    Worst,
    /// Highest PCK first.
    Best,
}

/// Pictures that were written.
#[derive(Debug)]
#[non_exhaustive]
pub struct Shown {
    /// The picture of all of them.
    pub sheet: PathBuf,
    /// The picture of each pair, with the pair's index in [`Benchmark::pairs`].
    pub pictures: Vec<(usize, PathBuf)>,
    /// Pairs of the benchmark that cannot be read, which are left out.
    pub unreadable: Vec<Unreadable>,
}

/// Why there are no pictures.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShowError {
    /// The file cannot be opened.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The predictions cannot be judged.
    #[error(transparent)]
    Score(#[from] ScoreError),
    /// A photograph cannot be read.
    #[error(transparent)]
    Photograph(#[from] ImageError),
    /// The folder cannot be made.
    #[error("{}: cannot make the folder: {source}; give a folder that can be written", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A picture cannot be written.
    #[error(transparent)]
    Picture(#[from] PictureError),
}

/// Draws pairs of a predictions file, whose benchmark's folder is `root`, with the truth, into the
/// folder `out`: green lines are right, red ones wrong. `sheet.png` shows all of them. Pairs that the
/// file lacks are left out.
///
/// # Errors
/// See [`ShowError`].
pub fn show_file(
    file: &Path,
    root: &Path,
    out: &Path,
    options: &ShowOptions,
) -> Result<Shown, ShowError> {
    let opened = PredictionsFiles::open(&[file.to_owned()])?.with_benchmark(root, None, true)?;
    let answers = opened.answers(0)?;
    let protocol = default_for(opened.of.kind);
    let (benchmark, unreadable) = (opened.benchmark, opened.unreadable);
    let alpha = options.alpha.unwrap_or(protocol.alphas[0]);
    let verdicts = chosen(judge(&benchmark, &answers, protocol, alpha)?, options);
    std::fs::create_dir_all(out)
        .map_err(|source| ShowError::Folder { folder: out.to_owned(), source })?;
    let (mut pictures, mut drawn) = (Vec::new(), Vec::new());
    for (at, verdict) in verdicts.iter().enumerate() {
        let (done, total) = (at as u64, verdicts.len() as u64);
        options.progress.tell("pairs", done, Some(total), ProgressUnit::Items);
        let id = &benchmark.pairs[verdict.judged].id;
        let (judged, warp) = (verdict.judged, options.warp);
        let picture = drawn_pair(&benchmark, &answers, judged, protocol, alpha, warp)?;
        let path = out.join(file_name(id));
        write_png(&picture, &path)?;
        pictures.push((verdict.judged, path));
        drawn.push((format!("{id}: {:.0} % right", 100.0 * verdict.share()), picture));
    }
    let sheet = out.join("sheet.png");
    write_png(&contact_sheet(&drawn, SHEET.0, SHEET.1), &sheet)?;
    Ok(Shown { sheet, pictures, unreadable })
}

/// The picture of one pair (index in [`Benchmark::pairs`]) with its predictions and, under a protocol of
/// keypoints, the truth and what α allows.
///
/// # Errors
/// A photograph that cannot be read, or a pair without what the protocol measures by.
pub fn picture_of(
    benchmark: &Benchmark,
    answers: &Answers,
    pair: usize,
    protocol: &Protocol,
    alpha: Alpha,
) -> Result<Photograph, ShowError> {
    drawn_pair(benchmark, answers, pair, protocol, alpha, false)
}

/// As [`picture_of`], with the warped source where it is wanted.
fn drawn_pair(
    benchmark: &Benchmark,
    answers: &Answers,
    pair: usize,
    protocol: &Protocol,
    alpha: Alpha,
    warp: bool,
) -> Result<Photograph, ShowError> {
    let predicted = answers.get(pair).map_or(&[][..], Vec::as_slice);
    let pair = &benchmark.pairs[pair];
    // Outlines have no truth for a single point.
    let radius = match protocol.measure {
        Measure::Keypoints => Some(radius(benchmark, pair, protocol, alpha)? as f32),
        _ => None,
    };
    let photograph = |image: usize| read(&benchmark.images[image].path);
    let drawn: Vec<Drawn> = pair
        .source_keypoints
        .iter()
        .zip(predicted)
        .enumerate()
        .step_by(pair.answers().div_ceil(MOST_DRAWN).max(1))
        .map(|(at, (&source, &prediction))| Drawn {
            source,
            prediction,
            truth: radius.map(|radius| TrueKeypoint { at: pair.target_keypoints[at], radius }),
        })
        .collect();
    let (source, target) = (photograph(pair.source)?, photograph(pair.target)?);
    let found = |drawn: &Drawn| Some((drawn.source, drawn.prediction?));
    let spline =
        warp.then(|| ThinPlate::through(&drawn.iter().filter_map(found).collect::<Vec<_>>()));
    let warped = spline.flatten().map(|spline| warp_by_spline(&source, &target, &spline));
    Ok(matches_and_warp(&source, &target, &drawn, warped.as_ref()))
}

/// The pairs to draw, in order.
fn chosen(mut verdicts: Vec<Verdict>, options: &ShowOptions) -> Vec<Verdict> {
    let by_share = |a: &Verdict, b: &Verdict| a.share().total_cmp(&b.share());
    let pairs = options.pairs.max(1);
    match options.order {
        ShowOrder::Spread => {
            let (count, total) = (pairs.clamp(1, verdicts.len().max(1)), verdicts.len());
            let places: Vec<usize> = (0..count).map(|at| at * total / count).collect();
            let mut at = 0..;
            verdicts.retain(|_| at.next().is_some_and(|at| places.binary_search(&at).is_ok()));
        }
        ShowOrder::Worst => verdicts.sort_by(by_share),
        ShowOrder::Best => verdicts.sort_by(|a, b| by_share(b, a)),
    }
    verdicts.truncate(pairs);
    verdicts
}

/// A pair's id as a file's name: no folder, no colon.
fn file_name(id: &str) -> PathBuf {
    let plain = |character: char| {
        if character.is_alphanumeric() || "-_.".contains(character) { character } else { '_' }
    };
    Path::new(&id.chars().map(plain).collect::<String>()).with_extension("png")
}
