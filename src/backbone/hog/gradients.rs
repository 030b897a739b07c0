//! Image gradients by orientation. The only function of a mathematics library here is the
//! square root, which IEEE 754 defines to the last bit: the same bits on every machine.

use crate::image::Prepared;

/// Orientations in half a turn: a gradient and its opposite are the same (contrast-insensitive).
pub(super) const ORIENTATIONS: usize = 9;

/// Cosine and sine of k · 20°, k from 0 to 9.
const DIRECTIONS: [[f32; 2]; ORIENTATIONS + 1] = [
    [1.0, 0.0],
    [0.939_692_6, 0.342_020_15],
    [0.766_044_44, 0.642_787_6],
    [0.5, 0.866_025_4],
    [0.173_648_18, 0.984_807_7],
    [-0.173_648_18, 0.984_807_7],
    [-0.5, 0.866_025_4],
    [-0.766_044_44, 0.642_787_6],
    [-0.939_692_6, 0.342_020_15],
    [-1.0, 0.0],
];

/// The gradient of one pixel, shared between the two orientations beside it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gradient {
    /// The lower orientation.
    pub(super) orientation: usize,
    /// The magnitude's share of that orientation.
    pub(super) here: f32,
    /// The share of the next orientation (after the last comes the first).
    pub(super) next: f32,
}

/// The gradients of a photograph, row by row.
pub(super) struct Gradients {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pixels: Vec<Gradient>,
}

impl Gradients {
    /// Central differences, the border repeated, of the channel where they are strongest (the first
    /// where two are equally strong).
    pub(super) fn new(photograph: &Prepared) -> Self {
        let (width, height) = (photograph.width as usize, photograph.height as usize);
        let mut pixels = Vec::with_capacity(width * height);
        for y in 0..height {
            let (above, below) = (y.saturating_sub(1), (y + 1).min(height - 1));
            for x in 0..width {
                let (left, right) = (x.saturating_sub(1), (x + 1).min(width - 1));
                let mut strongest = ([0.0, 0.0], 0.0);
                for plane in photograph.rgb.chunks_exact(width * height) {
                    let along = plane[y * width + right] - plane[y * width + left];
                    let down = plane[below * width + x] - plane[above * width + x];
                    let square = along * along + down * down;
                    if square > strongest.1 {
                        strongest = ([along, down], square);
                    }
                }
                pixels.push(Gradient::new(strongest.0, strongest.1.sqrt()));
            }
        }
        Self { width, height, pixels }
    }
}

impl Gradient {
    fn new(direction: [f32; 2], magnitude: f32) -> Self {
        let opposite = direction[1] < 0.0 || (direction[1] == 0.0 && direction[0] < 0.0);
        let [x, y] = if opposite { direction.map(|side| -side) } else { direction };
        // How far the direction is turned from each of DIRECTIONS: |gradient| · sin(angle).
        let beyond = |k: usize| DIRECTIONS[k][0] * y - DIRECTIONS[k][1] * x;
        let orientation = (1..ORIENTATIONS).take_while(|&k| beyond(k) >= 0.0).count();
        // Sines of angles below 20° stand for the angles.
        let (from, to) = (beyond(orientation).max(0.0), (-beyond(orientation + 1)).max(0.0));
        let share = if from + to > 0.0 { from / (from + to) } else { 0.0 };
        Self { orientation, here: magnitude * (1.0 - share), next: magnitude * share }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_angle(degrees: f64, magnitude: f64) -> Gradient {
        let (sine, cosine) = degrees.to_radians().sin_cos();
        Gradient::new([(magnitude * cosine) as f32, (magnitude * sine) as f32], magnitude as f32)
    }

    #[test]
    fn a_gradient_is_shared_linearly_between_the_orientations_beside_it() {
        for tenth in 0..3600 {
            let degrees = f64::from(tenth) / 10.0;
            let exact = degrees % 180.0 / 20.0;
            let got = of_angle(degrees, 0.7);
            assert!((f64::from(got.here + got.next) - 0.7).abs() < 1e-6, "magnitude at {degrees}°");
            let turned = got.orientation as f64 + f64::from(got.next) / 0.7;
            let apart = (turned - exact).abs();
            // 0.02 of 20° is what a sine for an angle costs; 9 is 0 again.
            assert!(apart.min(9.0 - apart) < 0.02, "{turned} at {degrees}°, not {exact}");
        }
    }

    #[test]
    fn no_gradient_has_no_share_anywhere() {
        let none = Gradient::new([0.0, 0.0], 0.0);
        assert_eq!((none.here, none.next), (0.0, 0.0));
    }
}
