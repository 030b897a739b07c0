//! The 4D correlation of two feature maps, before any engine filters it.

use crate::engine::consensus::Correlation4d;
use crate::engine::cpu::convolve::product;
use crate::engine::cpu::simd::InstructionSet;
use crate::hyperpixel::FeatureMap;

/// Correlates two feature maps of one number of channels: the inner product of every cell of `a` and
/// every cell of `b` (NC-Net, section 3.1; no ReLU and no normalisation here).
#[must_use]
pub fn correlate(a: &FeatureMap, b: &FeatureMap) -> Correlation4d {
    let data = product(InstructionSet::available()[0], &a.data, &b.data, a.channels);
    Correlation4d { a: [a.rows, a.columns], b: [b.rows, b.columns], data }
}
