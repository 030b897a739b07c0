//! Which of a benchmark's pairs are read, and from where.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::error::BenchmarkError;
use super::pair::Image;

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
pub struct BenchmarkOptions {
    /// `trn`, `val` or `test`; PF-WILLOW has `test` alone.
    pub split: String,
    /// Which list of pairs; other benchmarks than SPair-71k have one.
    pub layout: LayoutSize,
    /// Only pairs of these categories; all where empty.
    pub categories: Vec<String>,
    /// At most so many pairs, the first ones.
    pub limit: Option<usize>,
}

impl Default for BenchmarkOptions {
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
pub(super) fn select(
    categories: &[&str],
    options: &BenchmarkOptions,
) -> Result<Vec<usize>, BenchmarkError> {
    select_listed(categories.iter().map(|&category| Some(category)), options)
}

/// [`select`] where some rows cannot be read and have no category: they may be of any.
pub(super) fn select_listed<'a>(
    categories: impl Iterator<Item = Option<&'a str>>,
    options: &BenchmarkOptions,
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

/// SettledSizes of photographs that annotations contradict each other about, by the photographs' headers.
#[derive(Debug, Default, Clone)]
pub(super) struct SettledSizes {
    /// Whether a contradiction is settled by the header.
    go_by_headers: bool,
    /// Those known from a reading before.
    settled: HashMap<PathBuf, [u32; 2]>,
    /// Those found in this reading.
    found: HashMap<PathBuf, [u32; 2]>,
}

impl SettledSizes {
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
    sizes: SettledSizes,
}

impl Images {
    /// No photographs yet, of those in and below a folder.
    pub(super) fn of(folder: PathBuf) -> Self {
        Self::sized(folder, SettledSizes::default())
    }

    /// The same, with what is known of sizes that annotations contradict each other about.
    pub(super) fn sized(folder: PathBuf, sizes: SettledSizes) -> Self {
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

/// The splits of a benchmark that has one.
pub(super) fn only_split(_: &Path) -> Result<Vec<String>, BenchmarkError> {
    Ok(vec![ONLY_SPLIT.to_owned()])
}

/// The name of the split of a benchmark that has one.
const ONLY_SPLIT: &str = "test";

/// That a split is the one that there is.
pub(super) fn check_only_split(root: &Path, split: &str) -> Result<(), BenchmarkError> {
    if split == ONLY_SPLIT {
        return Ok(());
    }
    Err(BenchmarkError::UnknownSplit {
        root: root.to_owned(),
        found: split.to_owned(),
        known: ONLY_SPLIT.to_owned(),
    })
}
