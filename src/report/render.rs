//! A table in each of the formats.

use super::table::Table;
use super::{csv, latex, markdown, text};

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns for a terminal.
    Text,
    /// A Markdown pipe table.
    Markdown,
    /// A LaTeX table for the booktabs package.
    Latex,
    /// Comma-separated values (RFC 4180), percentages in full precision.
    Csv,
}

impl Table {
    /// The table as text that ends with a line break.
    #[must_use]
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Text => text::render(self),
            Format::Markdown => markdown::render(self),
            Format::Latex => latex::render(self),
            Format::Csv => csv::render(self),
        }
    }
}
