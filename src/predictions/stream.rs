//! Predictions that go where they cannot be continued: to standard output, a device or a pipe.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::writer::header_line;
use super::{Header, Line, Prediction, PredictionsError, Writer};
use crate::files::Destination;

/// Predictions written through as they come.
pub struct StreamWriter {
    out: Box<dyn Write>,
    path: PathBuf,
}

impl StreamWriter {
    /// Writes the header, and the predictions that follow.
    ///
    /// # Errors
    /// The system cannot write, or whoever reads has gone.
    pub fn new(
        out: impl Write + 'static,
        path: &Path,
        header: &Header,
    ) -> Result<Self, PredictionsError> {
        let mut writer = Self { out: Box::new(out), path: path.to_owned() };
        writer.line(&header_line(header))?;
        Ok(writer)
    }

    fn line(&mut self, text: &str) -> Result<(), PredictionsError> {
        let written = self.out.write_all(format!("{text}\n").as_bytes());
        written
            .and_then(|()| self.out.flush())
            .map_err(|source| PredictionsError::Stream { file: self.path.clone(), source })
    }
}

/// A writer to wherever an output path leads.
#[expect(missing_debug_implementations, reason = "what is written through need not have one")]
pub enum AnyWriter {
    /// To a file that appears when it is whole.
    File(Writer),
    /// To something that takes lines as they come.
    Stream(StreamWriter),
}

impl AnyWriter {
    /// Begins predictions at `path`; `-` is standard output.
    ///
    /// # Errors
    /// Those of [`Writer::create`] for a file; for all else what the system says.
    pub fn create(path: &Path, header: &Header) -> Result<Self, PredictionsError> {
        match Destination::of(path) {
            Ok(destination @ (Destination::Standard | Destination::Stream(_))) => {
                let failed = |source| PredictionsError::Stream { file: path.to_owned(), source };
                let out = destination.open().map_err(failed)?;
                Ok(Self::Stream(StreamWriter::new(out, path, header)?))
            }
            // What is wrong with a path is said by the writer of files.
            Ok(Destination::File(_)) | Err(_) => Ok(Self::File(Writer::create(path, header)?)),
        }
    }

    /// Adds a pair.
    ///
    /// # Errors
    /// As [`Writer::write`]; [`PredictionsError::Stream`] where the output is no file.
    pub fn write(&mut self, prediction: &Prediction) -> Result<(), PredictionsError> {
        match self {
            Self::File(writer) => writer.write(prediction),
            Self::Stream(stream) => stream.line(&prediction.to_line()),
        }
    }

    /// As [`Writer::rewrite`]; of a stream nothing is there to be written anew.
    ///
    /// # Errors
    /// As [`Writer::rewrite`].
    pub fn rewrite(&mut self, lines: &[Line]) -> Result<(), PredictionsError> {
        match self {
            Self::File(writer) => writer.rewrite(lines),
            Self::Stream(_) => unreachable!("nothing that was written through is written anew"),
        }
    }

    /// Ends the predictions.
    ///
    /// # Errors
    /// As [`Writer::finish`].
    pub fn finish(self) -> Result<(), PredictionsError> {
        match self {
            Self::File(writer) => writer.finish(),
            Self::Stream(_) => Ok(()),
        }
    }
}

impl PredictionsError {
    /// Whether whoever read the predictions through a pipe has seen enough.
    #[must_use]
    pub fn is_reader_gone(&self) -> bool {
        matches!(self, Self::Stream { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }
}
