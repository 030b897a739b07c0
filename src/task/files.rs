//! Predictions files of one benchmark, opened with it.

use std::collections::HashSet;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use crate::PredictedKeypoints;
use crate::benchmark::{
    Benchmark, BenchmarkError, BenchmarkKind, BenchmarkOptions, Ids, LayoutSize, Unreadable,
};
use crate::predictions::{Header, MethodHeader, PredictionsError, Reader};
use crate::score::{Answers, ScoreError};

/// Why predictions files could not be opened with their benchmark.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FilesError {
    /// No file was given.
    #[error("no predictions file was given; give at least one")]
    None,
    /// A file that is given twice would be a rival of itself.
    #[error("{} is given twice; name each file once", file.display())]
    Twice {
        /// The file.
        file: PathBuf,
    },
    /// A file cannot be read.
    #[error(transparent)]
    Predictions(#[from] PredictionsError),
    /// Files of different benchmarks or splits.
    #[error(
        "{} is for {} {}, but {} is for {} {}; score them apart",
        file.display(), found[0], found[1], first.display(), expected[0], expected[1]
    )]
    Different {
        /// The file that differs.
        file: PathBuf,
        /// Its benchmark and split.
        found: Box<[String; 2]>,
        /// The first file.
        first: PathBuf,
        /// Its benchmark and split.
        expected: Box<[String; 2]>,
    },
    /// The header names no benchmark that hpflow reads.
    #[error("{}: {source}; mend \"benchmark\" in its first line", file.display())]
    Kind {
        /// The file.
        file: PathBuf,
        /// Why.
        source: Box<BenchmarkError>,
    },
    /// The benchmark cannot be opened.
    #[error(transparent)]
    Benchmark(#[from] BenchmarkError),
    /// The folder or split that the header asks for is not there.
    #[error("{what}")]
    Elsewhere {
        /// What the file is for, what is not there, and what to do.
        what: String,
    },
    /// A shard where all pairs are wanted.
    #[error(
        "{} is shard {index} of {of} and lacks the other pairs; `hpflow merge {}` makes one file of all",
        file.display(), whole_of(file).display()
    )]
    Shard {
        /// The file.
        file: PathBuf,
        /// Which shard it is, from 1.
        index: usize,
        /// How many there are.
        of: usize,
    },
    /// The header names no list of pairs that there is.
    #[error(
        "{}: its method.layout is {found}, and there are \"large\" and \"small\"; mend it in the first \
         line, or say which list of pairs it is of",
        file.display()
    )]
    Layout {
        /// The file.
        file: PathBuf,
        /// What it names.
        found: String,
    },
    /// A file does not fit its benchmark.
    #[error("{}: {source}", file.display())]
    Unfit {
        /// The file.
        file: PathBuf,
        /// Why.
        source: Box<ScoreError>,
    },
}

/// The file that a shard's file is a part of, by the folder that it is in.
fn whole_of(shard: &Path) -> PathBuf {
    let folder = shard.parent().filter(|folder| folder.extension().is_some_and(|e| e == "shards"));
    folder.map_or_else(|| "FILE".into(), |folder| folder.with_extension(""))
}

/// The headers of predictions files of one benchmark and split.
#[derive(Debug, Clone)]
pub struct PredictionsFiles {
    /// The files.
    pub files: Vec<PathBuf>,
    /// Their headers.
    pub headers: Vec<Header>,
    /// The benchmark that they are for.
    pub kind: BenchmarkKind,
}

/// Predictions files with the benchmark that they are for.
#[derive(Debug)]
pub struct Opened {
    /// The files, and what they say of themselves.
    pub of: PredictionsFiles,
    /// The benchmark, with the sizes of photographs that are there.
    pub benchmark: Benchmark,
    /// Pairs that cannot be read, which are left out; none unless parts will do.
    pub unreadable: Vec<Unreadable>,
    partial: bool,
}

impl PredictionsFiles {
    /// Reads the headers of files.
    ///
    /// # Errors
    /// No file, one twice, one that is no predictions file, or files of different benchmarks.
    pub fn open(files: &[PathBuf]) -> Result<Self, FilesError> {
        let mut seen = HashSet::new();
        let twice =
            files.iter().find(|file| !seen.insert(file.canonicalize().unwrap_or((*file).clone())));
        if let Some(file) = twice {
            return Err(FilesError::Twice { file: file.clone() });
        }
        let mut headers: Vec<Header> = Vec::with_capacity(files.len());
        let is_for = |header: &Header| [header.benchmark.clone(), header.split.clone()];
        for file in files {
            let header = Reader::open(file)?.header().clone();
            if let Some(first) = headers.first().filter(|first| is_for(first) != is_for(&header)) {
                return Err(FilesError::Different {
                    file: file.clone(),
                    found: is_for(&header).into(),
                    first: files[0].clone(),
                    expected: is_for(first).into(),
                });
            }
            headers.push(header);
        }
        let Some(first) = headers.first() else { return Err(FilesError::None) };
        let wrong = |error: BenchmarkError| FilesError::Kind {
            file: files[0].clone(),
            source: Box::new(error),
        };
        let kind = first.benchmark.parse().map_err(wrong)?;
        Ok(Self { files: files.to_vec(), headers, kind })
    }

    /// Opens the benchmark in a folder, under the layout given or that of the first header. Where parts
    /// will do, pairs that cannot be read are left out.
    ///
    /// # Errors
    /// A folder that is not the benchmark's, or a split that it lacks, which is the file's fault; a
    /// benchmark that cannot be read.
    pub fn with_benchmark(
        self,
        root: &Path,
        layout: Option<LayoutSize>,
        partial: bool,
    ) -> Result<Opened, FilesError> {
        let shards = self.files.iter().zip(&self.headers);
        let shard = shards.filter(|_| !partial).find_map(|(file, header)| {
            header.shard.as_ref().map(|shard| (file.clone(), shard.index, shard.of))
        });
        if let Some((file, index, of)) = shard {
            return Err(FilesError::Shard { file, index, of });
        }
        let header = &self.headers[0];
        let layout = match layout {
            Some(layout) => layout,
            None => self.layout(header)?,
        };
        let options =
            BenchmarkOptions { split: header.split.clone(), layout, ..BenchmarkOptions::default() };
        let wrong = |error| self.of_the_file(error);
        let (mut benchmark, unreadable) = if partial {
            Benchmark::open_readable(self.kind, root, &options).map_err(wrong)?
        } else {
            (Benchmark::open(self.kind, root, &options).map_err(wrong)?, Vec::new())
        };
        benchmark.measure();
        Ok(Opened { of: self, benchmark, unreadable, partial })
    }

    /// Which list of pairs a header says it is of.
    fn layout(&self, header: &Header) -> Result<LayoutSize, FilesError> {
        let Some(said) = header.method.value(MethodHeader::LAYOUT) else {
            return Ok(LayoutSize::Large);
        };
        let known = [LayoutSize::Large, LayoutSize::Small];
        known.into_iter().find(|size| said == size.name()).ok_or_else(|| FilesError::Layout {
            file: self.files[0].clone(),
            found: said.to_string(),
        })
    }

    /// What the header names and is not there is the file's fault.
    fn of_the_file(&self, error: BenchmarkError) -> FilesError {
        let (name, wanted) = (self.files[0].display(), &self.headers[0].benchmark);
        let what = match error {
            BenchmarkError::UnknownSplit { .. } => format!(
                "{name}: {error}; mend \"split\" in its first line, or give another folder of the benchmark"
            ),
            BenchmarkError::NoFolder { root, .. } => format!(
                "{name} is for {wanted}, and there is no folder {}; give the benchmark's",
                root.display()
            ),
            BenchmarkError::Root { root, benchmark, expected, looks_like } => format!(
                "{name} is for {wanted}, and {} is not the folder of {benchmark}{}: expected {expected} in it; \
                 give the folder that holds them",
                root.display(),
                looks_like.map_or_else(String::new, |kind| format!(" (it looks like {kind})"))
            ),
            error => return error.into(),
        };
        FilesError::Elsewhere { what }
    }
}

impl Opened {
    /// The predictions of a file, by its place among the files, in the order of the benchmark's pairs.
    ///
    /// # Errors
    /// A file that cannot be read, lacks pairs where parts will not do, or does not fit the benchmark.
    pub fn answers(&self, at: usize) -> Result<Answers, FilesError> {
        let file = &self.of.files[at];
        let left_out: HashSet<&str> = self.unreadable.iter().map(|one| one.pair.as_str()).collect();
        // Rows that cannot be read may be of any pair that is not there.
        let mut without_id = self.unreadable.iter().filter(|one| one.pair.is_empty()).count();
        let ids = (without_id > 0).then(|| Ids::of(&self.benchmark));
        let is_there = |id: &str| {
            ids.as_ref().is_none_or(|ids| !ids.exact(id).is_empty() || !ids.alike(id).is_empty())
        };
        let mut reader = Reader::open(file)?;
        let lines = std::iter::from_fn(|| next(&mut reader));
        let mut known = |line: &Result<Line, Fault>| match line {
            Ok((_, pair, _)) if left_out.contains(pair.as_str()) => false,
            Ok((_, pair, _)) if without_id > 0 && !is_there(pair) => {
                without_id -= 1;
                false
            }
            Ok(_) | Err(_) => true,
        };
        let answers =
            Answers::collect(&self.benchmark, lines.filter(&mut known)).and_then(|answers| {
                if !self.partial {
                    answers.complete(&self.benchmark)?;
                }
                Ok(answers)
            });
        answers.map_err(|fault| match fault {
            // The reader's own errors name the file already.
            Fault::Read(error) => error.into(),
            Fault::Unfit(source) => {
                FilesError::Unfit { file: file.clone(), source: Box::new(source) }
            }
        })
    }
}

type Line = (usize, String, PredictedKeypoints);

/// What may be wrong with a line.
enum Fault {
    Read(PredictionsError),
    Unfit(ScoreError),
}

impl From<ScoreError> for Fault {
    fn from(error: ScoreError) -> Self {
        Self::Unfit(error)
    }
}

fn next<R: BufRead>(reader: &mut Reader<R>) -> Option<Result<Line, Fault>> {
    let prediction = reader.next()?;
    let line = reader.line_number();
    Some(prediction.map(|one| (line, one.pair, one.keypoints)).map_err(Fault::Read))
}
