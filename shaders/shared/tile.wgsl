// The tile of a product that an invocation of `correlate`, `vote` or `pick` keeps.

// Blocks of 4 x 4 cells: a column of a block is a target cell.
var<private> product: array<array<mat4x4<f32>, SOURCE_QUADS>, TARGET_QUADS>;

fn clear() {
    for (var j = 0u; j < TARGET_QUADS; j++) {
        for (var i = 0u; i < SOURCE_QUADS; i++) {
            product[j][i] = mat4x4<f32>();
        }
    }
}
