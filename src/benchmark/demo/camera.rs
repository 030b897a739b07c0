//! How an object is seen: azimuth, elevation, roll, scale and position, and which of its keypoints
//! are visible.

use super::random::sine_cosine;
use super::solid::{Keypoint, Solid, Triangle, Vector, add, dot, subtract, times};

/// A view of an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct CameraView {
    /// Image-right, image-up and towards the viewer, in object coordinates.
    axes: [Vector; 3],
    centre: Vector,
    distance: f64,
    /// Pixels a unit at the centre's distance.
    pub scale: f64,
    /// Where the centre appears, in pixels.
    pub offset: [f64; 2],
}

/// A projected point: x and y in pixels and the inverse of the distance to the viewer.
pub(super) type Projected = [f64; 3];

impl CameraView {
    /// Looks at `centre` from `azimuth` (0 the object's front, a quarter turn its left side, which
    /// turns its front to the image's left), raised by `elevation` and tilted by `roll`, in radians.
    pub(super) fn new(
        azimuth: f64,
        elevation: f64,
        roll: f64,
        centre: Vector,
        distance: f64,
    ) -> Self {
        let (sine, cosine) = sine_cosine(azimuth);
        let right = [-sine, 0.0, cosine];
        let towards = [cosine, 0.0, sine];
        let (rise, level) = sine_cosine(elevation);
        let up = add([0.0, level, 0.0], times(towards, -rise));
        let towards = add(times(towards, level), [0.0, rise, 0.0]);
        let (tilt, straight) = sine_cosine(roll);
        let axes = [
            add(times(right, straight), times(up, tilt)),
            add(times(up, straight), times(right, -tilt)),
            towards,
        ];
        Self { axes, centre, distance, scale: 1.0, offset: [0.0; 2] }
    }

    pub(super) fn project(&self, at: Vector) -> Projected {
        let from_centre = subtract(at, self.centre);
        let [x, y, z] = self.axes.map(|axis| dot(axis, from_centre));
        // Objects are smaller than the distance; the bound keeps a point beside the viewer finite.
        let inverse = 1.0 / (self.distance - z).max(0.1);
        let factor = self.scale * self.distance * inverse;
        [self.offset[0] + factor * x, self.offset[1] - factor * y, inverse]
    }

    /// A direction in view coordinates: right, up, towards the viewer.
    pub(super) fn turn(&self, direction: Vector) -> Vector {
        self.axes.map(|axis| dot(axis, direction))
    }

    /// The box around the whole object in pixels: left, top, right, bottom.
    pub(super) fn bounds(&self, solid: &Solid) -> [f64; 4] {
        let mut bounds = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
        for corner in solid.triangles.iter().flat_map(|triangle| &triangle.corners) {
            let [x, y, _] = self.project(corner.at);
            bounds = [bounds[0].min(x), bounds[1].min(y), bounds[2].max(x), bounds[3].max(y)];
        }
        bounds
    }

    /// Scales and moves the view so that the object's box has the given width or height, whichever
    /// is met first, and the given centre.
    pub(super) fn fit(&mut self, solid: &Solid, size: [f64; 2], centre: [f64; 2]) {
        (self.scale, self.offset) = (1.0, [0.0; 2]);
        let [left, top, right, bottom] = self.bounds(solid);
        self.scale = (size[0] / (right - left)).min(size[1] / (bottom - top));
        self.offset = [
            centre[0] - self.scale * (left + right) / 2.0,
            centre[1] - self.scale * (top + bottom) / 2.0,
        ];
    }

    /// Where a keypoint appears, or `None` where the object itself, projected as `outline`, hides it.
    pub(super) fn keypoint(
        &self,
        outline: &[[Projected; 3]],
        keypoint: &Keypoint,
    ) -> Option<[f64; 2]> {
        let [x, y, _] = self.project(keypoint.at);
        let clearance = match keypoint.facing {
            Some(facing) if dot(facing, self.axes[2]) < 0.12 => return None,
            Some(_) => 0.06,
            // Keypoints such as knees lie inside a limb; the limb itself does not hide them.
            None => 0.12,
        };
        let [_, _, nearest] = self.project(add(keypoint.at, times(self.axes[2], clearance)));
        (!covers(outline, [x, y], nearest)).then_some([x, y])
    }

    /// All triangles of an object, projected.
    pub(super) fn outline(&self, solid: &Solid) -> Vec<[Projected; 3]> {
        solid.triangles.iter().map(|triangle| self.corners(triangle)).collect()
    }

    pub(super) fn corners(&self, triangle: &Triangle) -> [Projected; 3] {
        triangle.corners.map(|corner| self.project(corner.at))
    }
}

/// Whether a triangle lies over the pixel, nearer than the inverse distance `than`.
pub(super) fn covers(outline: &[[Projected; 3]], at: [f64; 2], than: f64) -> bool {
    outline.iter().any(|&[a, b, c]| {
        let nearer = a[2].max(b[2]).max(c[2]) > than;
        nearer
            && barycentric(a, b, c, at)
                .is_some_and(|[u, v, w]| u * a[2] + v * b[2] + w * c[2] > than)
    })
}

/// Weights of the corners at a point, or `None` outside the triangle.
fn barycentric(a: Projected, b: Projected, c: Projected, at: [f64; 2]) -> Option<[f64; 3]> {
    let area = edge(a, b, [c[0], c[1]]);
    if area == 0.0 {
        return None;
    }
    let weights = [edge(b, c, at) / area, edge(c, a, at) / area, edge(a, b, at) / area];
    weights.iter().all(|&weight| weight >= 0.0).then_some(weights)
}

/// Twice the signed area of the triangle a, b, `at`.
pub(super) fn edge(a: Projected, b: Projected, at: [f64; 2]) -> f64 {
    (b[0] - a[0]) * (at[1] - a[1]) - (b[1] - a[1]) * (at[0] - a[0])
}
