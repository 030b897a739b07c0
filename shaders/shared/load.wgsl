// How `correlate` and `vote` load the side of a tile that invocations may share, for the channels of
// a step. Each says by `quad_of_step` where a quad of it is.

// That side of the channels of a step.
var<private> cells: array<vec4<f32>, STEP_QUADS>;

fn load_step(at: u32, quads: u32, lane: u32) {
    if SHARED {
        var loaded: array<vec4<f32>, STEP_LOADS>;
        for (var r = 0u; r < STEP_LOADS; r++) {
            let n = min(r * WORKGROUP + lane, STEP_QUADS - 1u);
            loaded[r] = quad_of_step(at, quads, n);
        }
        for (var n = 0u; n < STEP_QUADS; n++) {
            cells[n] = subgroupBroadcast(loaded[n / WORKGROUP], n % WORKGROUP);
        }
    } else {
        for (var n = 0u; n < STEP_QUADS; n++) {
            cells[n] = quad_of_step(at, quads, n);
        }
    }
}
