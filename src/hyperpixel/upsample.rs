//! Bilinear upsampling with aligned corners, as a table of taps (PyTorch's
//! `upsample_bilinear2d(align_corners=True)` along one axis).

/// Where one fine cell reads a coarse axis: `(1 - weight) * coarse[first] + weight * coarse[second]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tap {
    /// The lower coarse cell.
    pub first: u32,
    /// The upper coarse cell; equal to `first` at the end of the axis.
    pub second: u32,
    /// Weight of `second`, in [0, 1).
    pub weight: f32,
}

/// Taps of the fine cells `start..start + len` of an axis of `fine` cells into one of `coarse`
/// cells. All arithmetic is f32, in PyTorch's order.
#[must_use]
pub fn taps(coarse: usize, fine: usize, start: usize, len: usize) -> Vec<Tap> {
    let scale = if fine > 1 { (coarse - 1) as f32 / (fine - 1) as f32 } else { 0.0 };
    (start..start + len)
        .map(|cell| {
            let at = scale * cell as f32;
            let first = (at as usize).min(coarse - 1);
            Tap {
                first: first as u32,
                second: (first + 1).min(coarse - 1) as u32,
                weight: at - first as f32,
            }
        })
        .collect()
}
