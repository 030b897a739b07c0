//! Random numbers and trigonometry that are the same on every machine.
//!
//! The demo benchmark must be the same bytes everywhere, so it uses nothing whose result a
//! platform may choose: additions, multiplications, divisions and square roots are exactly rounded
//! by IEEE 754, the mathematics library's sine is not.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4};

/// splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Debug, Clone)]
pub(super) struct Random {
    state: u64,
}

impl Random {
    /// A stream for `name` under `seed`; streams of different names do not depend on each other.
    #[must_use]
    pub(super) fn new(seed: u64, name: &str) -> Self {
        // FNV-1a over the name, so that an image's stream is the same whatever is drawn beside it.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let mut random = Self { state: hash ^ mix(seed) };
        random.bits();
        random
    }

    /// The next 64 random bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// A number in [0, 1).
    pub(super) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number in [low, high).
    pub(super) fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A whole number below `count`, which is at least 1.
    pub(super) fn below(&mut self, count: usize) -> usize {
        (self.unit() * count as f64) as usize
    }

    /// True with the given probability.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of `choices`, which is not empty.
    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// An index with probability in proportion to its weight; the weights are not all 0.
    pub(super) fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        for (index, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return index;
            }
        }
        weights.len() - 1
    }
}

/// The output function of splitmix64.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number in [0, 1) for a point of a lattice.
fn lattice(x: i64, y: i64, seed: u64) -> f32 {
    let key = (x as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ (y as u64).wrapping_mul(0xc2b2_ae3d_27d4_eb4f)
        ^ seed;
    (mix(key) >> 40) as f32 / (1_u32 << 24) as f32
}

/// Smooth noise in [0, 1): random values on the whole numbers, blended between them.
#[must_use]
pub(super) fn noise(x: f32, y: f32, seed: u64) -> f32 {
    let (left, top) = (x.floor(), y.floor());
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    let (across, down) = (ease(x - left), ease(y - top));
    let (i, j) = (left as i64, top as i64);
    let upper = blend(lattice(i, j, seed), lattice(i + 1, j, seed), across);
    let lower = blend(lattice(i, j + 1, seed), lattice(i + 1, j + 1, seed), across);
    blend(upper, lower, down)
}

fn blend(a: f32, b: f32, share: f32) -> f32 {
    a + (b - a) * share
}

/// Sine and cosine of an angle in radians, within 1e-12.
#[must_use]
pub(super) fn sine_cosine(angle: f64) -> (f64, f64) {
    let quarter = ((angle + FRAC_PI_4) / FRAC_PI_2).floor();
    let x = angle - quarter * FRAC_PI_2;
    let square = x * x;
    // Taylor series: |x| is at most π/4, where the next term is below 1e-13.
    let mut sine = 1.0;
    for k in (0..7).rev() {
        let n = f64::from(2 * k + 3);
        sine = 1.0 - square / (n * (n - 1.0)) * sine;
    }
    let mut cosine = 1.0;
    for k in (0..7).rev() {
        let n = f64::from(2 * k + 2);
        cosine = 1.0 - square / (n * (n - 1.0)) * cosine;
    }
    let sine = x * sine;
    match quarter.rem_euclid(4.0) as u8 {
        0 => (sine, cosine),
        1 => (cosine, -sine),
        2 => (-sine, -cosine),
        _ => (-cosine, sine),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_stream_is_fixed_by_its_seed_and_name() {
        let first = |seed, name| Random::new(seed, name).bits();
        assert_eq!(first(1, "a"), first(1, "a"));
        assert_ne!(first(1, "a"), first(2, "a"));
        assert_ne!(first(1, "a"), first(1, "b"));
    }

    proptest! {
        #[test]
        fn sine_and_cosine_are_close_to_the_systems(angle in -20.0..20.0f64) {
            let (sine, cosine) = sine_cosine(angle);
            prop_assert!((sine - angle.sin()).abs() < 1e-11, "sin {angle}: {sine}");
            prop_assert!((cosine - angle.cos()).abs() < 1e-11, "cos {angle}: {cosine}");
        }

        #[test]
        fn noise_stays_in_range_and_is_continuous(x in -50.0..50.0f32, y in -50.0..50.0f32) {
            let here = noise(x, y, 7);
            prop_assert!((0.0..=1.0).contains(&here));
            prop_assert!((noise(x + 1e-3, y, 7) - here).abs() < 0.01);
        }
    }
}
