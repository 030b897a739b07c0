// From partial sums of similarities to blurred votes as a table over offsets (HPF, section 3.2):
// reduce the sums, bin them, blur the bins, look them back up. Every sum has a fixed order.

const WORKGROUP: u32 = 8u;
const SOURCE_QUADS: u32 = 4u; // vec4 of source cells an invocation
const TARGET_QUADS: u32 = 4u; // vec4 of target cells an invocation
const BLUR_SIDE: u32 = 7u;

const SOURCE_TILE: u32 = SOURCE_QUADS * 4u;
const TARGET_TILE: u32 = TARGET_QUADS * 4u;
const DIAGONALS: u32 = SOURCE_TILE + TARGET_TILE;

@group(0) @binding(0) var<storage, read> pairs: array<PairParams>;
@group(0) @binding(1) var<storage, read> votes: array<f32>;
// First row offset of each row of bins and one past the last, the same for columns, then the bin
// of each row offset and of each column offset.
@group(0) @binding(2) var<storage, read> tables: array<u32>;
@group(0) @binding(3) var<storage, read> gaussian: array<f32>;
// Row offsets x column offsets: sums, and after `look_back` the blurred votes of their bins; then
// the bins, and the blurred bins.
@group(0) @binding(4) var<storage, read_write> space: array<f32>;

fn offset_rows(pair: u32) -> u32 {
    return pairs[pair].source_rows + pairs[pair].target_rows - 1u;
}

fn offset_columns(pair: u32) -> u32 {
    return pairs[pair].source_columns + pairs[pair].target_columns - 1u;
}

fn first_bin(pair: u32) -> u32 {
    return pairs[pair].hough + offset_rows(pair) * offset_columns(pair);
}

// x: column offsets, y: row offsets, z: couples. The sums of the pair back are those of the opposite
// offsets.
@compute @workgroup_size(WORKGROUP)
fn reduce(@builtin(global_invocation_id) id: vec3<u32>) {
    let pair = id.z;
    if id.x >= offset_columns(pair) || id.y >= offset_rows(pair) {
        return;
    }
    let source_rows = pairs[pair].source_rows;
    let target_rows = pairs[pair].target_rows;
    let source_width = pairs[pair].source_quads * 4u;
    let source_tiles = source_width / SOURCE_TILE;
    let target_tiles = pairs[pair].target_quads * 4u / TARGET_TILE;
    let distances = target_tiles + (source_tiles - 1u) * (SOURCE_TILE / TARGET_TILE);
    // The diagonal counted from the last padded source cell and the first target cell. It is part
    // of every distance whose tiles reach it.
    let diagonal = id.x + source_width - pairs[pair].source_columns;
    let last_distance = min(diagonal / TARGET_TILE, distances - 1u);
    let reach = DIAGONALS - 2u;
    let first_distance = (max(diagonal, reach) - reach + TARGET_TILE - 1u) / TARGET_TILE;
    let first_row = max(source_rows - 1u, id.y) - id.y;
    let last_row = min(source_rows, target_rows + source_rows - 1u - id.y);
    var total = 0.0;
    for (var row = first_row; row < last_row; row++) {
        let target_row = id.y + row - (source_rows - 1u);
        let start = pairs[pair].votes * 4u
            + (row * target_rows + target_row) * distances * DIAGONALS;
        for (var distance = first_distance; distance <= last_distance; distance++) {
            total += votes[start + distance * DIAGONALS + diagonal - distance * TARGET_TILE];
        }
    }
    let columns = offset_columns(pair);
    if pairs[pair].hough != NOT_ASKED {
        space[pairs[pair].hough + id.y * columns + id.x] = total;
    }
    if pairs[pair].back != NOT_ASKED {
        let row = offset_rows(pair) - 1u - id.y;
        space[pairs[pair].back + row * columns + columns - 1u - id.x] = total;
    }
}

// x: bins along x, y: bins along y, z: pairs.
@compute @workgroup_size(WORKGROUP)
fn bin(@builtin(global_invocation_id) id: vec3<u32>) {
    let pair = id.z;
    let bins_x = pairs[pair].bins_x;
    let bins_y = pairs[pair].bins_y;
    if id.x >= bins_x || id.y >= bins_y {
        return;
    }
    let rows = pairs[pair].tables + id.y;
    let columns = pairs[pair].tables + bins_y + 1u + id.x;
    var total = 0.0;
    for (var row = tables[rows]; row < tables[rows + 1u]; row++) {
        let start = pairs[pair].hough + row * offset_columns(pair);
        for (var column = tables[columns]; column < tables[columns + 1u]; column++) {
            total += space[start + column];
        }
    }
    space[first_bin(pair) + id.y * bins_x + id.x] = total;
}

// x: bins along x, y: bins along y, z: pairs. Beyond the border there are no votes.
@compute @workgroup_size(WORKGROUP)
fn blur(@builtin(global_invocation_id) id: vec3<u32>) {
    let pair = id.z;
    let bins_x = pairs[pair].bins_x;
    let bins_y = pairs[pair].bins_y;
    if id.x >= bins_x || id.y >= bins_y {
        return;
    }
    let half_side = BLUR_SIDE / 2u;
    var total = 0.0;
    for (var y = 0u; y < BLUR_SIDE; y++) {
        for (var x = 0u; x < BLUR_SIDE; x++) {
            // A bin before the first wraps around to a large number and is beyond the last.
            let row = id.y + y - half_side;
            let column = id.x + x - half_side;
            if row < bins_y && column < bins_x {
                total += gaussian[y * BLUR_SIDE + x] * space[first_bin(pair) + row * bins_x + column];
            }
        }
    }
    space[first_bin(pair) + bins_x * bins_y + id.y * bins_x + id.x] = total;
}

// x: column offsets, y: row offsets, z: pairs.
@compute @workgroup_size(WORKGROUP)
fn look_back(@builtin(global_invocation_id) id: vec3<u32>) {
    let pair = id.z;
    if id.x >= offset_columns(pair) || id.y >= offset_rows(pair) {
        return;
    }
    let bins_x = pairs[pair].bins_x;
    let bins_y = pairs[pair].bins_y;
    let bin_of_row = pairs[pair].tables + bins_y + bins_x + 2u;
    let bin_of_column = bin_of_row + offset_rows(pair);
    let at = tables[bin_of_row + id.y] * bins_x + tables[bin_of_column + id.x];
    space[pairs[pair].hough + id.y * offset_columns(pair) + id.x] =
        space[first_bin(pair) + bins_x * bins_y + at];
}
