//! Resizing a photograph for a backbone, with PyTorch's arithmetic (`upsample_bilinear2d` with
//! `align_corners=False`, no antialiasing; docs/method.md, "Prepare").

use super::{Photograph, Prepared};

/// Scales a photograph so that its longest side is `longest_side` resized pixels (published:
/// 300), RGB in [0, 1]. A photograph whose longest side is not above `longest_side` stays as it is.
///
/// The ratio is f32(f32(1 / longest side) · `longest_side`), as PyTorch divides a number by a tensor,
/// and each new side is trunc(f32(side) · ratio), so the sides of the result can be one pixel short
/// of the exact ones. A side that this would make 0 becomes 1.
#[must_use]
pub fn prepare(photograph: &Photograph, longest_side: u32) -> Prepared {
    let (width, height) = (photograph.width, photograph.height);
    let ([new_width, new_height], ratio) = scaled_size([width, height], longest_side);
    Prepared {
        width: new_width,
        height: new_height,
        ratio,
        original: [width, height],
        rgb: resize(photograph, new_width as usize, new_height as usize),
    }
}

/// Width and height of a photograph prepared with that longest side, and their ratio to the
/// original ones; see [`prepare`].
#[must_use]
pub fn scaled_size([width, height]: [u32; 2], longest_side: u32) -> ([u32; 2], f32) {
    let longest = width.max(height);
    // Reciprocal times number: a plain division gives other bits for many sides.
    let ratio =
        if longest > longest_side { (1.0 / longest as f32) * longest_side as f32 } else { 1.0 };
    let resized = |side: u32| if ratio == 1.0 { side } else { scaled(side, ratio) };
    ([resized(width), resized(height)], ratio)
}

fn scaled(side: u32, ratio: f32) -> u32 {
    ((side as f32 * ratio) as u32).max(1)
}

/// Where one resized pixel reads an axis: `below * axis[first] + above * axis[second]`.
struct Tap {
    first: usize,
    second: usize,
    below: f32,
    above: f32,
}

/// Taps of an axis of `from` pixels resized to `to`: half-pixel centres, the edge repeated.
fn taps(from: usize, to: usize) -> Vec<Tap> {
    let scale = from as f32 / to as f32;
    (0..to)
        .map(|pixel| {
            let at = (scale * (pixel as f32 + 0.5) - 0.5).max(0.0);
            let first = (at as usize).min(from - 1);
            let above = (at - first as f32).clamp(0.0, 1.0);
            Tap { first, second: (first + 1).min(from - 1), below: 1.0 - above, above }
        })
        .collect()
}

/// Bilinear resize to planar RGB in [0, 1]. Pixels that no tap touches are never converted, so
/// the memory is that of the result.
fn resize(photograph: &Photograph, width: usize, height: usize) -> Vec<f32> {
    let from_width = photograph.width as usize;
    let unit: [f32; 256] = std::array::from_fn(|value| value as f32 / 255.0);
    let rows = taps(photograph.height as usize, height);
    let columns = taps(from_width, width);
    let mut resized = vec![0.0; 3 * width * height];
    for (channel, plane) in resized.chunks_exact_mut(width * height).enumerate() {
        for (row, line) in rows.iter().zip(plane.chunks_exact_mut(width)) {
            let upper = &photograph.rgb[3 * row.first * from_width..][..3 * from_width];
            let lower = &photograph.rgb[3 * row.second * from_width..][..3 * from_width];
            for (column, pixel) in columns.iter().zip(line) {
                let mix = |from: &[u8]| {
                    unit[usize::from(from[3 * column.first + channel])] * column.below
                        + unit[usize::from(from[3 * column.second + channel])] * column.above
                };
                *pixel = mix(upper) * row.below + mix(lower) * row.above;
            }
        }
    }
    resized
}
