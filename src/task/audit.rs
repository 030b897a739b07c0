//! Whether a published table follows from its columns.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::records::Records;
use crate::score::audit::{Audit, AuditError, FactorCells, audit};

/// The longest table that is read, in bytes, and the longest row.
const MAX_TABLE: u64 = 16 << 20;
const MAX_ROW: usize = 1 << 20;

/// Why a table could not be audited.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditFileError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}; give a table as CSV", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is longer than any table.
    #[error(
        "{} has more than {MAX_TABLE} bytes, more than a table has; give the table",
        file.display()
    )]
    TooLong {
        /// The file.
        file: PathBuf,
    },
    /// A line that a table does not have.
    #[error("{}: {what}; expected a table as CSV", file.display())]
    NotATable {
        /// The file.
        file: PathBuf,
        /// What is wrong, and where.
        what: String,
    },
    /// A table that cannot be audited.
    #[error("{}: {source}", file.display())]
    Audit {
        /// The file.
        file: PathBuf,
        /// Why.
        source: AuditError,
    },
}

/// Audits a table in a CSV file with a heading. `cells` says of which pairs the cells of variation
/// factors are; as the table itself shows where `None`.
///
/// # Errors
/// See [`AuditFileError`]. A row that contradicts itself is a finding, not an error.
pub fn audit_file(file: &Path, cells: Option<FactorCells>) -> Result<Audit, AuditFileError> {
    let unread = |source| AuditFileError::Read { file: file.to_owned(), source };
    let mut bytes = Vec::new();
    let opened = File::open(file).map_err(unread)?;
    opened.take(MAX_TABLE + 1).read_to_end(&mut bytes).map_err(unread)?;
    if bytes.len() as u64 > MAX_TABLE {
        return Err(AuditFileError::TooLong { file: file.to_owned() });
    }
    let mut records = Records::new(bytes.as_slice(), MAX_ROW).map_err(unread)?;
    let mut next = || {
        records.next_record().map_err(|fault| AuditFileError::NotATable {
            file: file.to_owned(),
            what: fault.to_string(),
        })
    };
    let fields = |record: csv::StringRecord| record.iter().map(str::to_owned).collect();
    let heading: Vec<String> = next()?.map(|(_, heading)| fields(heading)).unwrap_or_default();
    let mut rows: Vec<(usize, Vec<String>)> = Vec::new();
    while let Some((line, record)) = next()? {
        rows.push((line, fields(record)));
    }
    audit(&heading, &rows, cells)
        .map_err(|source| AuditFileError::Audit { file: file.to_owned(), source })
}
