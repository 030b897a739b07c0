//! Geometric transformations that learned alignments predict: affine, homography, thin-plate spline
//! (CNNGeo: Rocco et al., CVPR 2017, section 3.3; the published code).
//!
//! Points are (x, y) from -1 to 1 on both axes: -1 is the centre of the first pixel, 1 of the last.
//! A transformation maps points of the network's target image into its source image.

use std::sync::LazyLock;

use crate::backbone::networks::GeometricModel;

/// A point, from -1 to 1 on both axes.
pub type Unit = [f64; 2];

impl GeometricModel {
    /// The numbers of the transformation that leaves every point where it is.
    #[must_use]
    pub fn identity(self) -> Vec<f32> {
        match self {
            Self::Affine => vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            Self::Homography => [0, 1].map(|axis| CORNERS.map(|c| c[axis] as f32)).concat(),
            Self::Tps => [0, 1].map(|axis| control_points().map(|c| c[axis] as f32)).concat(),
        }
    }

    /// The transformation that these numbers describe.
    ///
    /// # Panics
    /// For more or fewer numbers than [`Self::parameters`].
    #[must_use]
    pub fn transformation(self, theta: &[f32]) -> Transformation {
        assert_eq!(theta.len(), self.parameters(), "the numbers of {}", self.name());
        let at = |index: usize| f64::from(theta[index]);
        match self {
            Self::Affine => Transformation::Affine(std::array::from_fn(at)),
            Self::Homography => homography(std::array::from_fn(at)),
            Self::Tps => Transformation::Tps(Box::new(Tps::new(std::array::from_fn(at), 0.0))),
        }
    }
}

/// A transformation of points.
#[derive(Debug, Clone, PartialEq)]
pub enum Transformation {
    /// Rows of a 2 × 3 matrix: p' = M p + t.
    Affine([f64; 6]),
    /// Rows of a 3 × 3 matrix.
    Homography([f64; 9]),
    /// A thin-plate spline.
    Tps(Box<Tps>),
}

/// A thin-plate spline of nine control points on a regular grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Tps {
    /// For x, then for y: nine weights, then the constant and the factors of x and y.
    coefficients: [[f64; 12]; 2],
}

/// The corners that a homography is given by, in the published order.
const CORNERS: [Unit; 4] = [[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]];

/// What a homography adds to its denominator, away from zero (published code).
const DENOMINATOR_MARGIN: f64 = 1e-5;

/// The control points of a spline: x is the slow index.
#[must_use]
pub fn control_points() -> [Unit; 9] {
    const AXIS: [f64; 3] = [-1.0, 0.0, 1.0];
    std::array::from_fn(|index| [AXIS[index / 3], AXIS[index % 3]])
}

/// U(s) = s ln s of the squared distance s; U(0) = 0.
fn radial(a: Unit, b: Unit) -> f64 {
    let squared = (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2);
    if squared == 0.0 { 0.0 } else { squared * squared.ln() }
}

/// The inverse of a spline's system: control points against each other, with `regularisation` on the
/// diagonal, beside (1, x, y).
#[must_use]
pub fn inverse_system(regularisation: f64) -> [[f64; 12]; 12] {
    let points = control_points();
    let mut system = [[0.0; 12]; 12];
    for (row, &from) in points.iter().enumerate() {
        for (column, &to) in points.iter().enumerate() {
            system[row][column] =
                radial(from, to) + if row == column { regularisation } else { 0.0 };
        }
        for (column, value) in [1.0, from[0], from[1]].into_iter().enumerate() {
            system[row][9 + column] = value;
            system[9 + column][row] = value;
        }
    }
    let unit = |at: usize| std::array::from_fn(|row| if row == at { 1.0 } else { 0.0 });
    let columns: [[f64; 12]; 12] = std::array::from_fn(|column| solve(system, unit(column)));
    std::array::from_fn(|row| columns.map(|column| column[row]))
}

/// The inverse system without regularisation, which evaluation uses.
static INVERSE: LazyLock<[[f64; 12]; 12]> = LazyLock::new(|| inverse_system(0.0));

/// Solves a linear system by elimination with the largest pivot; not numbers where it is singular.
fn solve<const N: usize>(mut matrix: [[f64; N]; N], mut right: [f64; N]) -> [f64; N] {
    for step in 0..N {
        let largest = (step..N)
            .max_by(|&a, &b| matrix[a][step].abs().total_cmp(&matrix[b][step].abs()))
            .expect("there is a row from the step on");
        matrix.swap(step, largest);
        right.swap(step, largest);
        let pivot = matrix[step];
        for row in step + 1..N {
            let factor = matrix[row][step] / pivot[step];
            for (value, pivot) in matrix[row].iter_mut().zip(pivot).skip(step) {
                *value -= factor * pivot;
            }
            right[row] -= factor * right[step];
        }
    }
    for row in (0..N).rev() {
        let known: f64 = (row + 1..N).map(|column| matrix[row][column] * right[column]).sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    right
}

/// The homography that takes [`CORNERS`] to (x1…x4, y1…y4), with its last entry 1.
fn homography(theta: [f64; 8]) -> Transformation {
    let mut system = [[0.0; 8]; 8];
    for (corner, [x, y]) in CORNERS.into_iter().enumerate() {
        let (to_x, to_y) = (theta[corner], theta[4 + corner]);
        system[corner] = [x, y, 1.0, 0.0, 0.0, 0.0, -x * to_x, -y * to_x];
        system[4 + corner] = [0.0, 0.0, 0.0, x, y, 1.0, -x * to_y, -y * to_y];
    }
    let [a, b, c, d, e, f, g, h] = solve(system, theta);
    Transformation::Homography([a, b, c, d, e, f, g, h, 1.0])
}

impl Tps {
    /// The spline that takes the control points to these: nine x, then nine y. `regularisation` is 0
    /// at evaluation.
    #[must_use]
    pub fn new(theta: [f64; 18], regularisation: f64) -> Self {
        let inverse = if regularisation == 0.0 { *INVERSE } else { inverse_system(regularisation) };
        let coefficients = [&theta[..9], &theta[9..]].map(|to| {
            std::array::from_fn(|row| inverse[row].iter().zip(to).map(|(a, b)| a * b).sum())
        });
        Self { coefficients }
    }

    fn apply(&self, point: Unit) -> Unit {
        let basis = Self::basis(point);
        self.coefficients.map(|row| row.iter().zip(basis).map(|(a, b)| a * b).sum())
    }

    /// What the coefficients are multiplied by.
    fn basis(point: Unit) -> [f64; 12] {
        let points = control_points();
        std::array::from_fn(|index| match index {
            0..9 => radial(point, points[index]),
            9 => 1.0,
            index => point[index - 10],
        })
    }
}

/// Cells along each axis of the grid from which an inverse starts, which reaches beyond the picture.
const STARTS: usize = 25;

/// How far that grid reaches on either side.
const START_REACH: f64 = 1.5;

/// Steps of Newton's method.
const STEPS: usize = 50;

/// An inverse maps back to within this of the point, or there is none: 1e-9 of half a picture.
const INVERSE_TOLERANCE: f64 = 1e-9;

impl Transformation {
    /// Where a point of the network's target image is in its source image.
    #[must_use]
    pub fn apply(&self, point: Unit) -> Unit {
        let [x, y] = point;
        match self {
            Self::Affine([a, b, c, d, e, f]) => [a * x + b * y + c, d * x + e * y + f],
            Self::Homography(h) => {
                let row = |at: usize| h[at] * x + h[at + 1] * y + h[at + 2];
                let below = row(6);
                // PyTorch's sign is 0 at 0; there is no number then, here as there.
                let sign = if below == 0.0 { 0.0 } else { below.signum() };
                let below = below + sign * DENOMINATOR_MARGIN;
                [row(0) / below, row(3) / below]
            }
            Self::Tps(spline) => spline.apply(point),
        }
    }

    /// A composition: `second` is found after this one, so it maps first. Affine matrices are
    /// multiplied, and a spline's control points are moved by this one (published code: iterating a
    /// stage). `None` for other pairs.
    #[must_use]
    pub fn after(&self, geometry: GeometricModel, second: &[f32]) -> Option<Vec<f64>> {
        match (self, geometry) {
            (Self::Affine(first), GeometricModel::Affine) => {
                let at = |index: usize| f64::from(second[index]);
                let entry = |row: usize, column: usize| {
                    let sum = first[3 * row] * at(column) + first[3 * row + 1] * at(3 + column);
                    sum + if column == 2 { first[3 * row + 2] } else { 0.0 }
                };
                Some((0..6).map(|index| entry(index / 3, index % 3)).collect())
            }
            (Self::Tps(_), GeometricModel::Tps) => {
                let moved: Vec<Unit> = (0..9)
                    .map(|k| self.apply([f64::from(second[k]), f64::from(second[9 + k])]))
                    .collect();
                let axis = |axis: usize| moved.iter().map(move |point| point[axis]);
                Some(axis(0).chain(axis(1)).collect())
            }
            _ => None,
        }
    }
}

/// Where a point is after several transformations, the last of which maps first: a stage's
/// transformation is found on a picture that the stages before it have warped.
#[must_use]
pub fn apply_all(stages: &[Transformation], point: Unit) -> Unit {
    stages.iter().rev().fold(point, |point, stage| stage.apply(point))
}

/// The point that [`apply_all`] takes to `wanted`: Newton's method from the best point of a grid.
/// `None` where it finds none, as where a transformation folds the plane.
#[must_use]
pub fn invert_all(stages: &[Transformation], wanted: Unit) -> Option<Unit> {
    let miss = |point: Unit| {
        let [x, y] = apply_all(stages, point);
        [x - wanted[0], y - wanted[1]]
    };
    let length = |[x, y]: [f64; 2]| x.hypot(y);
    let side = |index: usize| START_REACH * crate::image::corners::grid(index, STARTS);
    let starts = (0..STARTS * STARTS).map(|at| [side(at % STARTS), side(at / STARTS)]);
    let mut point = starts.min_by(|&a, &b| length(miss(a)).total_cmp(&length(miss(b))))?;
    for _ in 0..STEPS {
        let here = miss(point);
        if length(here) < INVERSE_TOLERANCE {
            return Some(point);
        }
        let step = newton_step(&miss, point, here)?;
        // A step that makes it worse is halved until it does not.
        let shorter = std::iter::successors(Some(1.0), |factor: &f64| Some(factor / 2.0)).take(30);
        point = shorter
            .map(|factor| [point[0] - factor * step[0], point[1] - factor * step[1]])
            .find(|&next| length(miss(next)) < length(here))?;
    }
    None
}

/// The step of Newton's method, with central differences.
fn newton_step(miss: &impl Fn(Unit) -> Unit, point: Unit, here: Unit) -> Option<Unit> {
    const STEP: f64 = 1e-6;
    let slope = |axis: usize| {
        let moved = |by: f64| {
            let mut point = point;
            point[axis] += by;
            miss(point)
        };
        let (above, below) = (moved(STEP), moved(-STEP));
        [0, 1].map(|out| (above[out] - below[out]) / (2.0 * STEP))
    };
    let (along_x, along_y) = (slope(0), slope(1));
    let step = solve([[along_x[0], along_y[0]], [along_x[1], along_y[1]]], here);
    step.iter().all(|part| part.is_finite()).then_some(step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn identities_leave_points_where_they_are(x in -2.0_f64..2.0, y in -2.0_f64..2.0) {
            for geometry in GeometricModel::ALL {
                let identity = geometry.identity();
                prop_assert_eq!(identity.len(), geometry.parameters());
                let [to_x, to_y] = geometry.transformation(&identity).apply([x, y]);
                let margin = 3.0 * DENOMINATOR_MARGIN;
                prop_assert!((to_x - x).abs() < margin && (to_y - y).abs() < margin);
            }
        }

        #[test]
        fn a_spline_goes_through_its_control_points(theta in prop::array::uniform18(-2.0_f64..2.0)) {
            let spline = Transformation::Tps(Box::new(Tps::new(theta, 0.0)));
            for (index, point) in control_points().into_iter().enumerate() {
                let [x, y] = spline.apply(point);
                prop_assert!((x - theta[index]).abs() < 1e-9 && (y - theta[9 + index]).abs() < 1e-9);
            }
        }

        #[test]
        fn an_inverse_maps_back(
            affine in prop::array::uniform6(-0.3_f32..0.3),
            bend in prop::array::uniform18(-0.1_f32..0.1),
            point in prop::array::uniform2(-1.0_f64..1.0),
        ) {
            let bent = |geometry: GeometricModel, by: &[f32]| {
                let theta: Vec<f32> =
                    geometry.identity().iter().zip(by).map(|(a, b)| a + b).collect();
                geometry.transformation(&theta)
            };
            let stages = [bent(GeometricModel::Affine, &affine), bent(GeometricModel::Tps, &bend)];
            let wanted = apply_all(&stages, point);
            let found = invert_all(&stages, wanted).expect("a gentle bend has an inverse");
            let [x, y] = apply_all(&stages, found);
            prop_assert!((x - wanted[0]).hypot(y - wanted[1]) < 1e-8);
        }
    }

    #[test]
    fn what_flattens_the_plane_has_no_inverse() {
        let flat = GeometricModel::Affine.transformation(&[1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
        assert_eq!(invert_all(&[flat], [0.5, -0.5]), None);
        let nothing = GeometricModel::Tps.transformation(&[f32::NAN; 18]);
        assert_eq!(invert_all(&[nothing], [0.0, 0.0]), None);
    }
}
