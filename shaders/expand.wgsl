// Upsamples the coarse correlations in the source dimension: from source cells of the group's map
// to the source's hyperpixels, bilinearly with aligned corners (docs/method.md, "A
// correlation is a sum over resolutions").

const WORKGROUP: u32 = 8u;
const CELLS: u32 = 64u; // target cells an invocation

@group(0) @binding(0) var<storage, read> groups: array<GroupParams>;
@group(0) @binding(1) var<storage, read> pairs: array<PairParams>;
@group(0) @binding(2) var<storage, read> source_page: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> correlation: array<f32>;
@group(0) @binding(4) var<storage, read_write> expanded: array<vec4<f32>>;

// x: vec4 of a grid row and, slower, parts of CELLS target cells; y: grid row; z: groups.
@compute @workgroup_size(WORKGROUP)
fn expand(@builtin(global_invocation_id) id: vec3<u32>) {
    let group = id.z;
    let pair = groups[group].pair;
    let quads = pairs[pair].source_quads;
    let columns = pairs[pair].source_columns;
    let cells = groups[group].target_rows * groups[group].target_columns;
    let quad = id.x % quads;
    let first_cell = (id.x / quads) * CELLS;
    if first_cell >= cells || id.y >= pairs[pair].source_rows {
        return;
    }
    let row_tap = source_page[groups[group].source_row_taps + id.y];
    let upper = u32(row_tap.x) * groups[group].source_columns;
    let lower = u32(row_tap.y) * groups[group].source_columns;
    var left = vec4(0u);
    var right = vec4(0u);
    var weight = vec4(0.0);
    var inside = vec4(0.0);
    for (var lane = 0u; lane < 4u; lane++) {
        let column = quad * 4u + lane;
        if column < columns {
            let tap = source_page[groups[group].source_column_taps + column];
            left[lane] = u32(tap.x);
            right[lane] = u32(tap.y);
            weight[lane] = tap.z;
            inside[lane] = 1.0;
        }
    }
    let stride = groups[group].source_quads * 4u;
    let first = groups[group].correlation * 4u;
    let out = groups[group].expanded + id.y * (cells * quads + SKEW) + quad;
    for (var cell = first_cell; cell < min(first_cell + CELLS, cells); cell++) {
        let above = mixed(first + cell * stride + upper, left, right, weight);
        let below = mixed(first + cell * stride + lower, left, right, weight);
        expanded[out + cell * quads] =
            inside * fma(below, vec4(row_tap.z), above * (1.0 - row_tap.z));
    }
}

// Four cells of a row of the map, mixed from their neighbours.
fn mixed(row: u32, left: vec4<u32>, right: vec4<u32>, weight: vec4<f32>) -> vec4<f32> {
    let a = vec4(
        correlation[row + left.x],
        correlation[row + left.y],
        correlation[row + left.z],
        correlation[row + left.w],
    );
    let b = vec4(
        correlation[row + right.x],
        correlation[row + right.y],
        correlation[row + right.z],
        correlation[row + right.w],
    );
    return fma(b, weight, a * (1.0 - weight));
}
