//! Points of a photograph as learned methods count them: from -1 at the centre of the first pixel to
//! 1 at that of the last, on both axes (the published code's `PointsToUnitCoords`).

use crate::Point;

/// A photograph's pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Width and height in original pixels.
    pub size: [u32; 2],
    /// The coordinate of the first pixel's centre: see [`BenchmarkInfo`](crate::benchmark::BenchmarkInfo).
    pub first: u8,
}

impl Frame {
    /// Original pixels to -1…1. A point outside the photograph is beyond. Along an axis of one pixel
    /// everything is 0.
    #[must_use]
    pub fn to_unit(self, point: Point) -> [f64; 2] {
        [0, 1].map(|axis| {
            let half = self.half(axis);
            let from_middle = f64::from(point[axis]) - f64::from(self.first) - half;
            if half > 0.0 { from_middle / half } else { 0.0 }
        })
    }

    /// -1…1 to original pixels; `None` where it is not a number that a file can hold.
    #[must_use]
    pub fn to_pixels(self, unit: [f64; 2]) -> Option<Point> {
        let pixels = [0, 1].map(|axis| {
            let half = self.half(axis);
            (unit[axis] * half + half + f64::from(self.first)) as f32
        });
        pixels.iter().all(|side| side.is_finite()).then_some(pixels)
    }

    /// Half of what is between the first and the last pixel.
    fn half(self, axis: usize) -> f64 {
        (f64::from(self.size[axis]) - 1.0) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_pixel_are_at_the_ends() {
        for first in [0, 1] {
            let frame = Frame { size: [91, 67], first };
            let at = |x: u8, y: u8| [f32::from(first + x), f32::from(first + y)];
            assert_eq!(frame.to_unit(at(0, 0)), [-1.0, -1.0]);
            assert_eq!(frame.to_unit(at(90, 66)), [1.0, 1.0]);
            assert_eq!(frame.to_pixels([0.0, 0.0]), Some(at(45, 33)));
        }
    }

    #[test]
    fn what_is_no_pixel_is_no_prediction() {
        let frame = Frame { size: [1, 9], first: 0 };
        assert_eq!(frame.to_unit([7.0, 8.0]), [0.0, 1.0]);
        assert_eq!(frame.to_pixels([f64::NAN, 0.0]), None);
        assert_eq!(frame.to_pixels([0.0, 1e300]), None);
    }
}
