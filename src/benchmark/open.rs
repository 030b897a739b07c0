//! Opening a benchmark: which one, which split, which of its pairs.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rayon::prelude::*;

use super::faults::Faults;
use super::{Benchmark, BenchmarkError, Image, Unreadable};
use super::{caltech, pf_pascal, pf_willow, spair, spair_json, tss};

/// The benchmarks that hpflow reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// SPair-71k (Min et al., arXiv 1908.10543).
    Spair,
    /// PF-WILLOW (Ham et al., "Proposal Flow", CVPR 2016).
    PfWillow,
    /// PF-PASCAL (Ham et al., TPAMI 2018).
    PfPascal,
    /// Caltech-101 with masks to transfer (Fei-Fei et al., TPAMI 2006; pairs of HPF's line).
    Caltech101,
    /// TSS (Taniai et al., CVPR 2016).
    Tss,
    /// Any keypoint benchmark in SPair-71k's JSON, such as SPair-U or the pairs of AP-10K.
    SpairJson,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Spair, Self::PfWillow, Self::PfPascal, Self::Caltech101, Self::Tss, Self::SpairJson];

    /// The name in predictions files and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Spair => "spair",
            Self::PfWillow => "pf-willow",
            Self::PfPascal => "pf-pascal",
            Self::Caltech101 => "caltech-101",
            Self::Tss => "tss",
            Self::SpairJson => "spair-json",
        }
    }

    /// The benchmark's own folder: `root`, or the one in it under the name that it has in the
    /// distributed archive.
    ///
    /// # Errors
    /// There is no such folder, or neither is the benchmark's.
    pub fn folder(self, root: &Path) -> Result<PathBuf, BenchmarkError> {
        if !root.is_dir() {
            return Err(BenchmarkError::NoFolder { root: root.to_owned(), benchmark: self });
        }
        self.folder_of(root).map_err(|error| match error {
            BenchmarkError::Root { root, benchmark, expected, .. } => {
                // PF-WILLOW last: any folder with MATLAB files in folders may be it.
                let others = [
                    Self::Spair,
                    Self::PfPascal,
                    Self::Caltech101,
                    Self::Tss,
                    Self::PfWillow,
                    Self::SpairJson,
                ];
                let looks_like = others.into_iter().find(|kind| kind.folder_of(&root).is_ok());
                BenchmarkError::Root { root, benchmark, expected, looks_like }
            }
            error => error,
        })
    }

    fn folder_of(self, root: &Path) -> Result<PathBuf, BenchmarkError> {
        match self {
            Self::Spair => spair::folder(root),
            Self::PfWillow => pf_willow::folder(root),
            Self::PfPascal => pf_pascal::folder(root),
            Self::Caltech101 => caltech::folder(root),
            Self::Tss => tss::folder(root),
            Self::SpairJson => spair_json::folder(root),
        }
    }

    /// The splits that the benchmark in this folder has.
    ///
    /// # Errors
    /// The folder is not the benchmark's, or cannot be read.
    pub fn splits(self, root: &Path) -> Result<Vec<String>, BenchmarkError> {
        let root = self.folder(root)?;
        match self {
            Self::Spair => spair::splits(&root, LayoutSize::Large),
            Self::SpairJson => spair_json::splits(&root, LayoutSize::Large),
            Self::PfPascal => Ok(pf_pascal::splits(&root)),
            Self::PfWillow | Self::Caltech101 | Self::Tss => Ok(vec!["test".to_owned()]),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = BenchmarkError;

    fn from_str(name: &str) -> Result<Self, BenchmarkError> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            BenchmarkError::UnknownBenchmark {
                found: name.to_owned(),
                known: Self::ALL.map(Self::name).join(", "),
            }
        })
    }
}

/// Which of SPair-71k's lists of pairs: `Layout/large` or the subsets of `Layout/small`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LayoutSize {
    /// All pairs.
    #[default]
    Large,
    /// The distributed subset.
    Small,
}

impl LayoutSize {
    /// The folder's name in `Layout`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Large => "large",
            Self::Small => "small",
        }
    }
}

/// Which pairs of a benchmark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// `trn`, `val` or `test`; PF-WILLOW has `test` alone.
    pub split: String,
    /// Which list of pairs; other benchmarks than SPair-71k have one.
    pub layout: LayoutSize,
    /// Only pairs of these categories; all where empty.
    pub categories: Vec<String>,
    /// At most so many pairs, the first ones.
    pub limit: Option<usize>,
}

impl Default for Options {
    /// All pairs of the test split.
    fn default() -> Self {
        Self {
            split: "test".to_owned(),
            layout: LayoutSize::default(),
            categories: Vec::new(),
            limit: None,
        }
    }
}

impl Benchmark {
    /// Reads the pairs of a split. Photographs are not opened, so a benchmark without them can be
    /// scored; see [`Benchmark::check_photographs`] and [`Benchmark::measure`].
    ///
    /// `root` is the folder that holds the benchmark's own ones (SPair-71k: `Layout`,
    /// `PairAnnotation`, `JPEGImages`; PF-WILLOW: the sub-classes), or the one above it under the
    /// name it has in the distributed archive.
    ///
    /// # Errors
    /// The folder is not the benchmark's; it has no such split or category; a file is missing,
    /// malformed or contradicts another. See [`BenchmarkError`].
    pub fn open(kind: Kind, root: &Path, options: &Options) -> Result<Self, BenchmarkError> {
        Self::read(kind, root, options, &mut Faults::default())
    }

    /// Reads the pairs of a split that can be read, as [`Benchmark::open`] does, and sets the others
    /// aside: a pair whose annotation is missing, malformed or contradicts another, and a row of a list
    /// of pairs that is malformed or lists a pair a second time. Where two give a
    /// photograph different sizes and the photograph is there with one of them, the other is wrong.
    ///
    /// # Errors
    /// Those of [`Benchmark::open`] that are of no single pair, and that of the first pair where none
    /// can be read.
    pub fn open_readable(
        kind: Kind,
        root: &Path,
        options: &Options,
    ) -> Result<(Self, Vec<Unreadable>), BenchmarkError> {
        let mut faults = Faults::set_aside();
        let mut benchmark = Self::read(kind, root, options, &mut faults)?;
        while let Some(mut again) = faults.again() {
            // What is to be said of the folder was said.
            let silent = tracing::subscriber::NoSubscriber::default();
            benchmark = tracing::subscriber::with_default(silent, || {
                Self::read(kind, root, options, &mut again)
            })?;
            faults = again;
        }
        let mut unreadable = faults.into_unreadable();
        if benchmark.pairs.is_empty() && !unreadable.is_empty() {
            return Err(unreadable.remove(0).error);
        }
        Ok((benchmark, unreadable))
    }

    fn read(
        kind: Kind,
        root: &Path,
        options: &Options,
        faults: &mut Faults,
    ) -> Result<Self, BenchmarkError> {
        kind.folder(root)?; // says what the folder is instead
        match kind {
            Kind::Spair => spair::open(root, options, faults),
            Kind::PfWillow => pf_willow::open(root, options, faults),
            Kind::PfPascal => pf_pascal::open(root, options, faults),
            Kind::Caltech101 => caltech::open(root, options, faults),
            Kind::Tss => tss::open(root, options, faults),
            Kind::SpairJson => spair_json::open(root, options, faults),
        }
    }

    /// Takes the sizes that no annotation gives from the photographs' headers. A photograph that is
    /// not there, or that has no readable header, stays without.
    pub fn measure(&mut self) {
        self.images.par_iter_mut().filter(|image| image.size.is_none()).for_each(|image| {
            image.size = crate::image::size(&image.path);
        });
    }

    /// Whether all photographs are there.
    ///
    /// # Errors
    /// The first one that is not, with a pair that needs it.
    pub fn check_photographs(&self) -> Result<(), BenchmarkError> {
        let Some(missing) = self.images.iter().position(|image| !image.path.is_file()) else {
            return Ok(());
        };
        let path = &self.images[missing].path;
        if path.exists() {
            let source = crate::files::open_input(path)
                .err()
                .unwrap_or_else(|| std::io::Error::other("it was no file a moment ago"));
            return Err(BenchmarkError::Read { file: path.clone(), source });
        }
        let pair = self.pairs.iter().find(|p| p.source == missing || p.target == missing);
        Err(BenchmarkError::Missing {
            file: path.clone(),
            wanted_by: pair.map_or_else(|| self.name.clone(), |pair| format!("pair {}", pair.id)),
        })
    }
}

/// The benchmark's folder: `root` itself, or the only one in it that has one of these names and is
/// the benchmark's.
pub(super) fn find_root(
    root: &Path,
    names: &[&str],
    holds: impl Fn(&Path) -> bool,
) -> Option<PathBuf> {
    if holds(root) {
        return Some(root.to_owned());
    }
    let mut below = names.iter().map(|name| root.join(name)).filter(|below| holds(below));
    let found = below.next()?;
    below.next().is_none().then_some(found)
}

/// Tells the user where a folder above the benchmark's was given.
pub(super) fn say_where(given: &Path, found: &Path) {
    if given != found {
        tracing::warn!(
            "reading {}, as {} holds no benchmark itself",
            found.display(),
            given.display()
        );
    }
}

/// Which of the pairs listed under `categories` the options ask for, as indices in order.
pub(super) fn select(categories: &[&str], options: &Options) -> Result<Vec<usize>, BenchmarkError> {
    select_listed(categories.iter().map(|&category| Some(category)), options)
}

/// [`select`] where some rows cannot be read and have no category: they may be of any.
pub(super) fn select_listed<'a>(
    categories: impl Iterator<Item = Option<&'a str>>,
    options: &Options,
) -> Result<Vec<usize>, BenchmarkError> {
    let categories: Vec<Option<&str>> = categories.collect();
    let wanted = &options.categories;
    if let Some(unknown) = wanted.iter().find(|name| !categories.contains(&Some(name.as_str()))) {
        let mut known: Vec<&str> = categories.iter().copied().flatten().collect();
        known.sort_unstable();
        known.dedup();
        return Err(BenchmarkError::UnknownCategory {
            found: unknown.clone(),
            known: known.join(", "),
        });
    }
    let asked_for = |category: &Option<&str>| {
        let is = |category| wanted.is_empty() || wanted.iter().any(|wanted| wanted == category);
        category.is_none_or(is)
    };
    let indices = categories.iter().enumerate().filter(|(_, c)| asked_for(c)).map(|(i, _)| i);
    Ok(indices.take(options.limit.unwrap_or(usize::MAX)).collect())
}

/// Sizes of photographs that annotations contradict each other about, by the photographs' headers.
#[derive(Debug, Default, Clone)]
pub(super) struct Sizes {
    /// Whether a contradiction is settled by the header.
    go_by_headers: bool,
    /// Those known from a reading before.
    settled: HashMap<PathBuf, [u32; 2]>,
    /// Those found in this reading.
    found: HashMap<PathBuf, [u32; 2]>,
}

impl Sizes {
    /// What earlier readings settled, and whether this one settles more.
    pub(super) fn new(go_by_headers: bool, settled: HashMap<PathBuf, [u32; 2]>) -> Self {
        Self { go_by_headers, settled, found: HashMap::new() }
    }
}

/// Photographs in order of first use, each once.
pub(super) struct Images {
    /// The folder of all photographs.
    folder: PathBuf,
    images: Vec<Image>,
    indices: HashMap<PathBuf, usize>,
    sizes: Sizes,
}

impl Images {
    /// No photographs yet, of those in and below a folder.
    pub(super) fn of(folder: PathBuf) -> Self {
        Self::sized(folder, Sizes::default())
    }

    /// The same, with what is known of sizes that annotations contradict each other about.
    pub(super) fn sized(folder: PathBuf, sizes: Sizes) -> Self {
        Self { folder, images: Vec::new(), indices: HashMap::new(), sizes }
    }

    /// The photograph's index; an error says what size another annotation gives it, or its header.
    pub(super) fn index(&mut self, path: PathBuf, size: Option<[u32; 2]>) -> Result<usize, String> {
        if let (Some(&[width, height]), Some([w, h])) = (self.sizes.settled.get(&path), size)
            && [width, height] != [w, h]
        {
            return Err(format!(
                "{} is {w} × {h} pixels here and {width} × {height} in its file",
                path.display()
            ));
        }
        if let Some(&index) = self.indices.get(&path) {
            let known = self.images[index].size;
            if known == size {
                return Ok(index);
            }
            if self.sizes.go_by_headers
                && known.is_some()
                && !self.sizes.settled.contains_key(&path)
                && let Some(header) = size.filter(|_| crate::image::size(&path) == size)
            {
                // The pair that came first is wrong.
                self.sizes.found.insert(path.clone(), header);
            }
            let text = |size: Option<[u32; 2]>| match size {
                Some([width, height]) => format!("{width} × {height}"),
                None => "of unknown size".to_owned(),
            };
            let (here, there) = (text(size), text(known));
            return Err(format!(
                "{} is {here} pixels here and {there} in another pair",
                path.display()
            ));
        }
        self.indices.insert(path.clone(), self.images.len());
        self.images.push(Image::below(&self.folder, path, size));
        Ok(self.images.len() - 1)
    }

    pub(super) fn into_vec(self) -> Vec<Image> {
        self.images
    }

    /// The sizes that headers settled against a pair that was read before.
    pub(super) fn take_settled(&mut self) -> HashMap<PathBuf, [u32; 2]> {
        std::mem::take(&mut self.sizes.found)
    }
}
