//! Tables of results, as text, Markdown, LaTeX and CSV.

mod csv;
pub mod explanation;
pub mod figures;
pub mod html;
mod latex;
mod markdown;
mod render;
pub mod scores;
pub mod search;
mod table;
#[cfg(test)]
mod tests;
mod text;

pub use render::Format;
pub use table::{ColumnGroup, Table, TableRow, percent};
