//! `mutual`: soft mutual nearest neighbours (namesake of `shaders/mutual.wgsl`; NC-Net, section 3.3).

use rayon::prelude::*;

use crate::engine::consensus::{Correlation4d, MUTUAL_EPSILON};

/// c · (c / (max over B + ε) · c / (max over A + ε)), the maxima those of the value's own cell of A
/// and of B. Values nearer to zero than `floor` times the largest count as zero.
pub fn mutual(correlation: &mut Correlation4d, floor: f32) {
    let columns = correlation.cells_b();
    let rows = correlation.data.par_chunks_exact(columns);
    let over_b: Vec<f32> = rows.map(largest).collect();
    let mut over_a = vec![f32::NEG_INFINITY; columns];
    for row in correlation.data.chunks_exact(columns) {
        for (largest, &value) in over_a.iter_mut().zip(row) {
            *largest = if value > *largest { value } else { *largest };
        }
    }
    let floor = floor * largest(&over_b);
    correlation.data.par_chunks_exact_mut(columns).zip(&over_b).for_each(|(row, over_b)| {
        for (value, over_a) in row.iter_mut().zip(&over_a) {
            let kept = if value.abs() < floor { 0.0 } else { *value };
            let ratios = (kept / (over_b + MUTUAL_EPSILON)) * (kept / (over_a + MUTUAL_EPSILON));
            *value = kept * ratios;
        }
    });
}

fn largest(values: &[f32]) -> f32 {
    values.iter().fold(f32::NEG_INFINITY, |largest, &value| largest.max(value))
}
