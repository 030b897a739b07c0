//! Strips: some rows of a map side by side, so that a product with all of them has few columns of
//! padding.

use super::simd::{Aligned, LANES, Plain};
use super::tile::{Panel, copy, padded};
use crate::hyperpixel::geometry::Range;
use crate::hyperpixel::{Grid, Group};

/// The most rows of a strip: the products of a source row with them stay in the second-level cache.
const MOST_ROWS: usize = 8;

/// How the rows of a grid are put into strips.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Strips {
    /// Rows in all.
    rows: usize,
    /// Columns of a row.
    columns: usize,
    /// Rows of a strip.
    height: usize,
    /// Columns of a strip, padded to a multiple of [`LANES`].
    pub width: usize,
}

impl Strips {
    /// Strips of as many rows as leave the least padding a row.
    #[must_use]
    pub(super) fn new(rows: usize, columns: usize) -> Self {
        let width = |height: usize| padded(height * columns, LANES);
        let narrowest = |a: &usize, b: &usize| (width(*a) * b).cmp(&(width(*b) * a));
        let height = (1..=rows.clamp(1, MOST_ROWS)).min_by(narrowest).expect("at least one height");
        Self { rows, columns, height, width: width(height) }
    }

    /// Columns of one strip, padded: the last may have fewer rows.
    #[inline(always)]
    pub(super) fn used(&self, strip: usize) -> usize {
        let rows = self.height.min(self.rows - strip * self.height);
        padded(rows * self.columns, LANES)
    }

    /// The strip that a row is in, and the column that it begins at.
    #[inline(always)]
    pub(super) fn place(&self, row: usize) -> (usize, usize) {
        (row / self.height, row % self.height * self.columns)
    }
}

/// Base maps of a grid in strips: strips × channels × width of a strip, padded with zeros.
pub(super) struct Packed {
    /// How rows are put into strips.
    pub strips: Strips,
    channels: usize,
    values: Aligned,
}

impl Packed {
    /// Packs the cells of `grid` of a group's maps.
    #[must_use]
    pub(super) fn new(group: &Group, grid: &Grid) -> Self {
        let (rows, columns) = (grid.rows, grid.columns);
        let strips = Strips::new(rows.len, columns.len);
        let (count, channels) = (rows.len.div_ceil(strips.height), group.channels);
        let mut values = Aligned::zeros(count * channels * strips.width);
        let data = &mut values[..];
        for channel in 0..channels {
            for row in 0..rows.len {
                let (strip, column) = strips.place(row);
                let to = (strip * channels + channel) * strips.width + column;
                let from = (channel * group.rows + rows.start + row) * group.columns;
                let from = from + columns.start;
                let cells = group.data.view().part(from..from + columns.len);
                copy(Plain, cells, &mut data[to..][..columns.len]);
            }
        }
        Self { strips, channels, values }
    }

    /// Packs all cells of a group's maps.
    #[must_use]
    pub(super) fn whole(group: &Group, grid: &Grid) -> Self {
        let all = |len| Range { start: 0, len };
        Self::new(group, &Grid { rows: all(group.rows), columns: all(group.columns), ..*grid })
    }

    /// Some channels of a strip.
    #[inline(always)]
    pub(super) fn panel(&self, strip: usize, channels: std::ops::Range<usize>) -> Panel<'_> {
        let (width, first) = (self.strips.width, strip * self.channels);
        let data = &self.values[(first + channels.start) * width..(first + channels.end) * width];
        Panel { data, stride: width }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_have_little_padding() {
        for columns in 1..200 {
            let strips = Strips::new(50, columns);
            for height in 1..=MOST_ROWS {
                let width = padded(height * columns, LANES);
                assert!(strips.width * height <= width * strips.height, "{columns} {height}");
            }
            assert_eq!(strips.width % LANES, 0);
            assert!(strips.width >= strips.height * columns);
        }
        let strips = Strips::new(50, 69);
        assert_eq!(strips, Strips { rows: 50, columns: 69, height: 3, width: 208 });
        assert_eq!([0, 15, 16].map(|strip| strips.used(strip)), [208, 208, 144]);
        assert_eq!(Strips::new(50, 64).height, 1);
        assert_eq!(Strips::new(1, 69).width, 80);
        assert_eq!(Strips::new(50, 69).place(7), (2, 69));
    }
}
