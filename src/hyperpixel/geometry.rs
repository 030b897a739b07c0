//! The grid of a base layer: jump, receptive field, boxes, and which cells count
//! (HPF's published code, `model/base/geometry`; docs/method.md, "Geometry").

use crate::Point;

/// Jump, receptive field and offset of a base layer, in resized pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry {
    /// Pixels between neighbouring cells.
    pub jump: u32,
    /// Side of the receptive field in pixels.
    pub receptive_field: u32,
    /// Centre of the first cell along x and y, counted from the photograph's first pixel: 0 for the
    /// published layers, (patch - 1) / 2 for a network of patches; less where padding lies before the
    /// photograph.
    pub offset: [f32; 2],
}

impl Geometry {
    /// The geometry of a layer whose first cell is centred on the first pixel, as the published ones
    /// are.
    #[must_use]
    pub fn new(jump: u32, receptive_field: u32) -> Self {
        Self { jump, receptive_field, offset: [0.0; 2] }
    }

    /// The same grid for a photograph whose first pixel is not the network's, but lies at `first`
    /// (x and y in resized pixels) because of padding before it.
    #[must_use]
    pub fn from_pixel(self, first: [f32; 2]) -> Self {
        Self { offset: [0, 1].map(|axis| self.offset[axis] - first[axis]), ..self }
    }

    /// Half the receptive field, rounded down: a cell's box reaches this far from its centre.
    #[must_use]
    pub fn reach(self) -> i64 {
        i64::from(self.receptive_field / 2)
    }
}

/// A range of cells along one axis: those whose boxes count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first cell that counts.
    pub start: usize,
    /// How many cells count.
    pub len: usize,
}

/// The cells of a base map that count as hyperpixels: a rectangle of its grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    /// Jump and receptive field of the base layer.
    pub geometry: Geometry,
    /// Rows that count.
    pub rows: Range,
    /// Columns that count.
    pub columns: Range,
}

impl Grid {
    /// The cells of a `map_rows` × `map_columns` base map that count for a photograph of `width` ×
    /// `height` resized pixels: those whose box has xmin ≥ −jump, ymin ≥ −jump, xmax < width + jump
    /// and ymax < height + jump, and whose centre is inside the photograph. The last holds for every
    /// published layer by the others; Hough space has bins for no other centres.
    #[must_use]
    pub fn new(
        geometry: Geometry,
        map_rows: usize,
        map_columns: usize,
        width: u32,
        height: u32,
    ) -> Self {
        Self {
            geometry,
            rows: counted(geometry, 1, map_rows, height),
            columns: counted(geometry, 0, map_columns, width),
        }
    }

    /// Number of hyperpixels.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len * self.columns.len
    }

    /// Whether no cell counts: the photograph is smaller than the receptive field allows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Box of a hyperpixel (row-major index): xmin, ymin, xmax, ymax in resized pixels.
    #[must_use]
    pub fn cell_box(&self, index: usize) -> [f32; 4] {
        let [x, y] = self.corner(index);
        let side = 2.0 * self.geometry.reach() as f32;
        [x, y, x + side, y + side]
    }

    /// Top left corner of a hyperpixel's box in resized pixels.
    #[must_use]
    pub fn corner(&self, index: usize) -> Point {
        let column = self.columns.start + index % self.columns.len;
        let row = self.rows.start + index / self.columns.len;
        let at = |cell: usize, axis: usize| {
            (cell as i64 * i64::from(self.geometry.jump) - self.geometry.reach()) as f32
                + self.geometry.offset[axis]
        };
        [at(column, 0), at(row, 1)]
    }

    /// Centre of a hyperpixel's box in resized pixels.
    #[must_use]
    pub fn centre(&self, index: usize) -> Point {
        let [x, y] = self.corner(index);
        let reach = self.geometry.reach() as f32;
        [x + reach, y + reach]
    }

    /// Hyperpixels whose box contains `point` (resized pixels, borders included), ascending.
    /// Empty for a point that no box contains and for one that is not finite.
    #[must_use]
    pub fn neighbours(&self, point: Point) -> Vec<u32> {
        let columns = self.containing(0, point[0]);
        self.containing(1, point[1])
            .flat_map(|row| {
                columns.clone().map(move |column| (row * self.columns.len + column) as u32)
            })
            .collect()
    }

    /// Counted cells of one axis (0 for x, 1 for y) whose interval contains `at`, relative to the
    /// first counted one.
    fn containing(&self, axis: usize, at: f32) -> std::ops::Range<usize> {
        let offset = self.geometry.offset[axis];
        let axis = [self.columns, self.rows][axis];
        let jump = i64::from(self.geometry.jump);
        let reach = self.geometry.reach();
        let inside = |cell: usize| {
            let centre = (axis.start + cell) as i64 * jump;
            (centre - reach) as f32 + offset <= at && at <= (centre + reach) as f32 + offset
        };
        let Some(first) = (0..axis.len).find(|&cell| inside(cell)) else { return 0..0 };
        let past = (first..axis.len).find(|&cell| !inside(cell)).unwrap_or(axis.len);
        first..past
    }
}

/// The cells of an axis (0 for x, 1 for y) that count.
fn counted(geometry: Geometry, axis: usize, cells: usize, side: u32) -> Range {
    let jump = f64::from(geometry.jump);
    let reach = geometry.reach() as f64;
    let counts = |cell: &usize| {
        let centre = *cell as f64 * jump + f64::from(geometry.offset[axis]);
        let counts = centre - reach >= -jump && centre + reach < f64::from(side) + jump;
        counts && (0.0..f64::from(side)).contains(&centre)
    };
    match (0..cells).find(counts) {
        Some(start) => Range { start, len: (start..cells).take_while(counts).count() },
        None => Range { start: 0, len: 0 },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Wherever the photograph is in what the network saw: the cells that count are those that the
        /// definition says, one by one.
        #[test]
        fn cells_count_by_the_definition_whatever_the_padding(
            jump in 1..40u32,
            receptive_field in 1..90u32,
            first in [-60.0..60.0f32, -60.0..60.0f32],
            size in [1..300u32, 1..300u32],
            map in [1..40usize, 1..40usize],
        ) {
            let geometry = Geometry::new(jump, receptive_field).from_pixel(first);
            let grid = Grid::new(geometry, map[1], map[0], size[0], size[1]);
            let reach = f64::from(receptive_field / 2);
            for axis in [0, 1] {
                let (jump, side) = (f64::from(jump), f64::from(size[axis]));
                let counts: Vec<usize> = (0..map[axis]).filter(|&cell| {
                    let centre = cell as f64 * jump - f64::from(first[axis]);
                    (0.0..side).contains(&centre)
                        && centre - reach >= -jump
                        && centre + reach < side + jump
                }).collect();
                let range = [grid.columns, grid.rows][axis];
                prop_assert_eq!(counts, (range.start..range.start + range.len).collect::<Vec<_>>());
            }
        }

        /// A point has the same neighbours whether pixels are counted from the photograph's first or
        /// from the network's.
        #[test]
        fn padding_moves_no_neighbours(
            jump in 1..20u32,
            overlap in 1..20u32,
            cells in [0..9i32, 0..9i32],
            point in [0.0..200.0f32, 0.0..200.0f32],
        ) {
            let geometry = Geometry::new(jump, 2 * jump + overlap);
            let padding = [0, 1].map(|axis| cells[axis] as f32 * jump as f32);
            let plain = Grid::new(geometry, 40, 40, 200, 200);
            let shifted = Grid::new(
                geometry.from_pixel(padding), 40 + cells[1] as usize, 40 + cells[0] as usize, 200, 200,
            );
            let centres = |grid: &Grid| -> Vec<Point> {
                grid.neighbours(point).iter().map(|&cell| grid.centre(cell as usize)).collect()
            };
            prop_assert_eq!(centres(&plain), centres(&shifted));
        }
    }
}
