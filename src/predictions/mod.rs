//! The file between predicting and scoring: JSON Lines, a header and a line a pair.
//!
//! ```text
//! {"format":"hpflow-predictions","version":1,"benchmark":"spair","split":"test","method":{…},"created_by":"hpflow 0.2.0","arithmetic":3}
//! {"pair":"000001-2008_002719-2008_004100:aeroplane","keypoints":[[36.5,148.25],null]}
//! ```
//!
//! Keypoints are original pixels of the target, one for each keypoint of the pair and in its order,
//! `null` where there is no prediction. Coordinates are the shortest decimals that give the same
//! `f32` when read, so the same predictions are the same bytes. Any tool may write such a file;
//! of the header it needs `format`, `version`, `benchmark` and `split`.

use std::io;
use std::path::PathBuf;

use serde_json::Value;

use crate::{Point, PredictedKeypoints};

mod header;
mod inputs;
mod partial;
mod reader;
mod stream;
mod writer;

pub use header::{Header, HeaderField, MethodHeader, ShardHeader};
pub use inputs::{InputsFile, Known, Made, inputs_path};
pub use partial::partial_path;
pub use reader::{MAX_LINE, Reader};
pub use stream::{AnyWriter, StreamWriter};
pub(crate) use writer::header_line;
pub use writer::{Done, Line, Writer, header_difference};

/// The header's `format`.
pub const FORMAT: &str = "hpflow-predictions";

/// The header's `version` that this hpflow reads and writes.
pub const VERSION: u64 = 1;

/// The predicted keypoints of one pair.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The pair's id.
    pub pair: String,
    /// Original pixels of the target, one for each keypoint of the pair; `None` where there is no
    /// prediction.
    pub keypoints: PredictedKeypoints,
}

impl Prediction {
    /// Whether one of the keypoints has a prediction, or there are no keypoints.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        let finite = |[x, y]: Point| x.is_finite() && y.is_finite();
        self.keypoints.is_empty() || self.keypoints.iter().flatten().any(|&point| finite(point))
    }

    /// The pair's line, without the line break. A coordinate that is not finite makes the keypoint
    /// `null`: no prediction.
    #[must_use]
    pub fn to_line(&self) -> String {
        let keypoints: Vec<String> = self
            .keypoints
            .iter()
            .map(|keypoint| match keypoint {
                Some([x, y]) if x.is_finite() && y.is_finite() => format!("[{x},{y}]"),
                _ => "null".to_owned(),
            })
            .collect();
        let pair = Value::from(self.pair.as_str());
        format!("{{\"pair\":{pair},\"keypoints\":[{}]}}", keypoints.join(","))
    }
}

/// Why a predictions file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PredictionsError {
    /// The file cannot be opened or read.
    #[error("cannot read {}: {source}{hint}", file.display())]
    Read {
        /// The predictions file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
        /// What may help, with a leading separator, or nothing.
        hint: String,
    },
    /// The first line is not a header that this hpflow understands.
    #[error("{}:1: {what}; expected a header like {{\"format\":\"{FORMAT}\",\"version\":{VERSION},\"benchmark\":\"spair\",\"split\":\"test\",\"method\":{{}}}}", file.display())]
    Header {
        /// The predictions file.
        file: PathBuf,
        /// What was found.
        what: String,
    },
    /// A line is not a prediction.
    #[error("{}:{line}: {what}; expected {{\"pair\":\"…\",\"keypoints\":[[x,y],null,…]}} with finite numbers", file.display())]
    Line {
        /// The predictions file.
        file: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// What was found.
        what: String,
    },
    /// The output cannot be created where it is wanted.
    #[error("cannot write {}: {what}", file.display())]
    Output {
        /// The file that is wanted.
        file: PathBuf,
        /// What is in the way, and what to do.
        what: String,
    },
    /// Writing stopped, most likely for want of space.
    #[error("cannot write to {}: {source}; its lines are kept: make room and continue with option `resume`", file.display())]
    Write {
        /// The file being written.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// An unfinished file was begun by an hpflow that computes otherwise.
    #[error(
        "{} cannot be continued: it was begun {}, and this hpflow's arithmetic is {}{}; finish it with \
         the hpflow that began it, or delete it to start again",
        file.display(),
        begun(by, *found),
        expected.map_or_else(|| "not said".to_owned(), |number| number.to_string()),
        changes(by, *found, *expected)
    )]
    OtherArithmetic {
        /// The unfinished file.
        file: PathBuf,
        /// The program that began it.
        by: String,
        /// Its arithmetic, where it says so.
        found: Option<u64>,
        /// This run's.
        expected: Option<u64>,
    },
    /// Standard output, a device or a pipe that takes no more.
    #[error("cannot write to {}: {source}; the predictions that follow are lost: predict into a file, which can be continued", file.display())]
    Stream {
        /// What was to be written through.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// An unfinished file is of another run.
    #[error("{} cannot be continued: its {field} is {found}, this run's is {expected}; run with the same settings, or delete the file to start again", file.display())]
    OtherRun {
        /// The unfinished file.
        file: PathBuf,
        /// The first field that differs, such as `method.layers`.
        field: String,
        /// What the file says.
        found: String,
        /// What this run says.
        expected: String,
    },
}

/// By which program and arithmetic a file was begun.
fn begun(by: &str, arithmetic: Option<u64>) -> String {
    match (arithmetic_of(by, arithmetic), by) {
        (Some(number), "") => format!("with arithmetic {number}"),
        (Some(number), by) => format!("by {by} with arithmetic {number}"),
        (None, "") => "by a program that does not give its arithmetic".to_owned(),
        (None, by) => format!("by {by}, which does not give its arithmetic"),
    }
}

/// The arithmetic of a file; those of hpflow 0.1.0 do not give theirs.
fn arithmetic_of(by: &str, arithmetic: Option<u64>) -> Option<u64> {
    arithmetic.or_else(|| by.starts_with("hpflow 0.1.").then_some(1))
}

/// What is computed otherwise since a file was begun.
fn changes(by: &str, since: Option<u64>, now: Option<u64>) -> String {
    let both = arithmetic_of(by, since).zip(now);
    both.map_or_else(String::new, |(since, now)| crate::arithmetic_changes(since, now))
}
