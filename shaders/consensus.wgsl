// The consensus network in frequencies along A's axes (src/engine/consensus/mod.rs): `transform` goes
// along one axis, in either direction, and `convolve` filters over B at every pair of harmonics.
//
// A plane holds B's cells with zeros between rows and after the last one, so that a kernel that
// reads beyond the end of a row, or of a plane, reads zeros.

const WORKGROUP: u32 = 8u;
const OUTPUT_QUADS: u32 = 4u; // vec4 of outputs of a transform an invocation
const POSITIONS: u32 = 4u;    // positions of a convolution an invocation
const SUMS: u32 = 4u * POSITIONS;

@group(0) @binding(0) var<storage, read> transforms: array<TransformParams>;
@group(0) @binding(1) var<storage, read> coefficients: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> biases: array<f32>;
@group(0) @binding(3) var<storage, read> values: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> transformed: array<vec4<f32>>;

// Blocks of four positions and four outputs: a column of a block is an output.
var<private> product: array<mat4x4<f32>, OUTPUT_QUADS>;

// Bias, ReLU, and zeros between rows of B.
fn rectified(value: vec4<f32>, bias: f32, quad: u32) -> vec4<f32> {
    let position = vec4((quad % transforms[0].plane_quads) * 4u) + vec4(0u, 1u, 2u, 3u);
    let row = position / transforms[0].row_stride;
    let column = position % transforms[0].row_stride;
    let inside = (row < vec4(transforms[0].b_rows)) & (column < vec4(transforms[0].b_columns));
    return select(vec4(0.0), max(value + bias, vec4(0.0)), inside);
}

// x: vec4 of a line, y: lines and, faster, groups of OUTPUT_QUADS, z: pairs.
@compute @workgroup_size(WORKGROUP)
fn transform(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= transforms[0].columns {
        return;
    }
    let groups = transforms[0].output_quads / OUTPUT_QUADS;
    let line = id.y / groups;
    let first = (id.y % groups) * OUTPUT_QUADS;
    for (var j = 0u; j < OUTPUT_QUADS; j++) {
        product[j] = mat4x4<f32>();
    }
    var read_at = transforms[0].values + id.z * transforms[0].values_pair
        + line * transforms[0].values_line + id.x;
    var at = first;
    for (var input = 0u; input < transforms[0].inputs; input++) {
        let value = values[read_at];
        for (var j = 0u; j < OUTPUT_QUADS; j++) {
            let factors = coefficients[at + j];
            let block = product[j];
            product[j] = mat4x4(
                fma(value, factors.xxxx, block[0]),
                fma(value, factors.yyyy, block[1]),
                fma(value, factors.zzzz, block[2]),
                fma(value, factors.wwww, block[3]),
            );
        }
        read_at += transforms[0].values_step;
        at += transforms[0].output_quads;
    }
    let to = transforms[0].out + id.z * transforms[0].out_pair + line * transforms[0].out_line + id.x;
    for (var j = 0u; j < OUTPUT_QUADS; j++) {
        for (var c = 0u; c < 4u; c++) {
            let output = (first + j) * 4u + c;
            if output < transforms[0].outputs {
                var value = product[j][c];
                if transforms[0].rectify == 1u {
                    value = rectified(value, biases[line], id.x);
                }
                transformed[to + output * transforms[0].out_step] = value;
            }
        }
    }
}

@group(0) @binding(5) var<storage, read> convolutions: array<ConvolveParams>;
@group(0) @binding(6) var<storage, read> responses: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read> spectrum: array<f32>;
@group(0) @binding(8) var<storage, read_write> convolved: array<f32>;

// For each position four outputs at two frequencies, real and imaginary.
var<private> sums: array<vec4<f32>, SUMS>;

// One tap of one channel for all positions: takes the four components apart into two frequencies.
fn accumulate(at: u32, tap: u32, plane: u32, line: u32) {
    let real = responses[tap];
    let imaginary = responses[tap + 1u];
    let real_2 = responses[tap + 2u];
    let imaginary_2 = responses[tap + 3u];
    for (var r = 0u; r < POSITIONS; r++) {
        let rr = spectrum[at + r * WORKGROUP];
        let ri = spectrum[at + r * WORKGROUP + plane];
        let ir = spectrum[at + r * WORKGROUP + line];
        let ii = spectrum[at + r * WORKGROUP + line + plane];
        let x = vec4(rr - ii);
        let y = vec4(ri + ir);
        let x_2 = vec4(rr + ii);
        let y_2 = vec4(ir - ri);
        sums[4u * r] = fma(real, x, fma(-imaginary, y, sums[4u * r]));
        sums[4u * r + 1u] = fma(real, y, fma(imaginary, x, sums[4u * r + 1u]));
        sums[4u * r + 2u] = fma(real_2, x_2, fma(-imaginary_2, y_2, sums[4u * r + 2u]));
        sums[4u * r + 3u] = fma(real_2, y_2, fma(imaginary_2, x_2, sums[4u * r + 3u]));
    }
}

// x: positions, y: pairs of harmonics and, faster, vec4 of outputs, z: pairs of photographs.
@compute @workgroup_size(WORKGROUP)
fn convolve(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let plane = convolutions[0].plane;
    let line = convolutions[0].columns * plane;
    let output_quad = workgroup.y % convolutions[0].output_quads;
    let pair = workgroup.y / convolutions[0].output_quads;
    let harmonics = convolutions[0].columns / 2u;
    let first = workgroup.x * WORKGROUP * POSITIONS + local.x;
    let component = 2u * (pair / harmonics) * line + 2u * (pair % harmonics) * plane;
    let channel = convolutions[0].rows * line;
    let kernel = convolutions[0].kernel;
    for (var n = 0u; n < SUMS; n++) {
        sums[n] = vec4(0.0);
    }
    // The values begin a margin after the first of the buffer, so `tap` is never before it.
    var read_at = convolutions[0].values + workgroup.z * convolutions[0].inputs * channel
        + component + first + convolutions[0].first_tap;
    var tap = workgroup.y * convolutions[0].inputs * kernel * kernel * 4u;
    for (var input = 0u; input < convolutions[0].inputs; input++) {
        for (var row = 0u; row < kernel; row++) {
            for (var column = 0u; column < kernel; column++) {
                accumulate(read_at + row * convolutions[0].row_stride + column, tap, plane, line);
                tap += 4u;
            }
        }
        read_at += channel;
    }
    let out = convolutions[0].out + workgroup.z * convolutions[0].outputs * channel + component;
    for (var r = 0u; r < POSITIONS; r++) {
        let position = first + r * WORKGROUP;
        if position < convolutions[0].positions {
            let real = sums[4u * r];
            let imaginary = sums[4u * r + 1u];
            let real_2 = sums[4u * r + 2u];
            let imaginary_2 = sums[4u * r + 3u];
            let rr = (real + real_2) * 0.5;
            let ri = (imaginary - imaginary_2) * 0.5;
            let ir = (imaginary + imaginary_2) * 0.5;
            let ii = (real_2 - real) * 0.5;
            for (var c = 0u; c < 4u; c++) {
                let output = output_quad * 4u + c;
                if output < convolutions[0].outputs {
                    let to = out + output * channel + position;
                    convolved[to] = rr[c];
                    convolved[to + plane] = ri[c];
                    convolved[to + line] = ir[c];
                    convolved[to + line + plane] = ii[c];
                }
            }
        }
    }
}
