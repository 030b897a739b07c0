// How `correlate` and `vote` load the side of a tile that invocations may share. Each says by
// `quad_of_four` where a quad of it is.

// That side of up to four steps of the product.
var<private> cells: array<vec4<f32>, FOUR_QUADS>;

fn load_four(at: u32, quads: u32, lane: u32) {
    if SHARED {
        var loaded: array<vec4<f32>, FOUR_LOADS>;
        for (var r = 0u; r < FOUR_LOADS; r++) {
            let n = min(r * WORKGROUP + lane, FOUR_QUADS - 1u);
            loaded[r] = quad_of_four(at, quads, n);
        }
        for (var n = 0u; n < FOUR_QUADS; n++) {
            cells[n] = subgroupBroadcast(loaded[n / WORKGROUP], n % WORKGROUP);
        }
    } else {
        for (var n = 0u; n < FOUR_QUADS; n++) {
            cells[n] = quad_of_four(at, quads, n);
        }
    }
}
