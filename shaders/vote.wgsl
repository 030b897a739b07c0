// Sums the similarities of all matches of one source row and one target row along their diagonals:
// matches on a diagonal have the same offset, so they vote for the same bin (docs/method.md,
// "Votes are sums along diagonals"). The similarities themselves are never stored.
//
// The coarse groups are extra steps of the same product: the expanded correlation of a target
// column of the group times the weight of that column in each target hyperpixel. Layer sets of one
// pair of images that share the base group differ only in these steps.

const WORKGROUP: u32 = 8u;
const SOURCE_ROWS: u32 = 1u;  // source rows a workgroup
const SOURCE_QUADS: u32 = 4u; // vec4 of source cells an invocation
const TARGET_QUADS: u32 = 4u; // vec4 of target cells an invocation
// Whether a workgroup is one subgroup with one source row, whose invocations load the source
// together: where loads are expensive, each invocation loads a part and broadcasts it.
const SHARED: bool = false;
// Whether all pairs bound are one pair of images under layer sets of one base group: its product is
// then computed once for all of them.
const SETS: bool = false;
const STEP: u32 = 4u;         // channels at a time: fewer need fewer registers
const STEP_LOADS: u32 = STEP * SOURCE_QUADS; // of an invocation, for the channels of a step
const STEP_QUADS: u32 = STEP * SOURCE_QUADS;

const TARGET_ROWS: u32 = WORKGROUP / SOURCE_ROWS;
const TILE_RATIO: u32 = SOURCE_QUADS / TARGET_QUADS; // a whole number
const DIAGONAL_QUADS: u32 = SOURCE_QUADS + TARGET_QUADS;

@group(0) @binding(0) var<storage, read> pairs: array<PairParams>;
@group(0) @binding(1) var<storage, read> groups: array<GroupParams>;
@group(0) @binding(2) var<storage, read> source_page: array<PageElement>;
@group(0) @binding(3) var<storage, read> target_page: array<PageElement>;
@group(0) @binding(4) var<storage, read> expanded: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> votes: array<vec4<f32>>;

// A vec4 of the source's page that holds no features.
fn source_quad_at(at: u32) -> vec4<f32> {
    if HALF {
        return quad(source_page[2u * at], source_page[2u * at + 1u]);
    } else {
        return features(source_page[at]);
    }
}

// Quad `n` of the tile's source side, counted through the channels of a step.
fn quad_of_step(source_at: u32, source_quads: u32, n: u32) -> vec4<f32> {
    return features(source_page[source_at + (n / SOURCE_QUADS) * source_quads + n % SOURCE_QUADS]);
}

// A column of an expanded correlation, mixed from two target rows: those are each invocation's own.
fn load_expanded(upper: u32, lower: u32, weight: f32) {
    for (var n = 0u; n < SOURCE_QUADS; n++) {
        cells[n] = mixed(expanded[upper + n], expanded[lower + n], weight);
    }
}

// Several channels at a time: a driver that keeps the products in memory then fetches each once for
// all of them. They are added in order, as one by one.
fn accumulate_step(target_at: u32, target_quads: u32) {
    for (var j = 0u; j < TARGET_QUADS; j++) {
        var b: array<vec4<f32>, STEP>;
        for (var s = 0u; s < STEP; s++) {
            b[s] = features(target_page[target_at + s * target_quads + j]);
        }
        for (var i = 0u; i < SOURCE_QUADS; i++) {
            var block = product[j][i];
            for (var s = 0u; s < STEP; s++) {
                let a = cells[s * SOURCE_QUADS + i];
                block = mat4x4(
                    fma(a, b[s].xxxx, block[0]),
                    fma(a, b[s].yyyy, block[1]),
                    fma(a, b[s].zzzz, block[2]),
                    fma(a, b[s].wwww, block[3]),
                );
            }
            product[j][i] = block;
        }
    }
}

fn accumulate(weights_at: u32) {
    for (var j = 0u; j < TARGET_QUADS; j++) {
        let b = target_quad_at(weights_at + j);
        for (var i = 0u; i < SOURCE_QUADS; i++) {
            let block = product[j][i];
            product[j][i] = mat4x4(
                fma(cells[i], b.xxxx, block[0]),
                fma(cells[i], b.yyyy, block[1]),
                fma(cells[i], b.zzzz, block[2]),
                fma(cells[i], b.wwww, block[3]),
            );
        }
    }
}

// The part of a tile's dot products that is due to the base group.
fn correlate_base(
    pair: u32,
    source_row: u32,
    target_row: u32,
    source_quad: u32,
    target_quad: u32,
    lane: u32,
) {
    clear();
    let channels = pairs[pair].channels;
    let source_quads = pairs[pair].source_quads;
    let target_quads = pairs[pair].target_quads;
    var source_at = pairs[pair].source_base
        + source_row * (channels * source_quads + SKEW) + source_quad;
    var target_at = pairs[pair].target_base
        + target_row * (channels * target_quads + SKEW) + target_quad;
    for (var channel = 0u; channel < channels; channel += STEP) {
        load_step(source_at, source_quads, lane);
        accumulate_step(target_at, target_quads);
        source_at += STEP * source_quads;
        target_at += STEP * target_quads;
    }
}

// The part that is due to the coarse groups.
fn add_groups(
    pair: u32,
    source_row: u32,
    target_row: u32,
    source_quad: u32,
    target_quad: u32,
) {
    let source_quads = pairs[pair].source_quads;
    let target_quads = pairs[pair].target_quads;
    let first_column = target_quad * 4u;
    let last_column = min(first_column + TARGET_QUADS * 4u, pairs[pair].target_columns) - 1u;
    let first_group = pairs[pair].first_group;
    for (var group = first_group; group < first_group + pairs[pair].group_count; group++) {
        let columns = groups[group].target_columns;
        let tap = target_quad_at(groups[group].target_row_taps + target_row);
        let first = u32(target_quad_at(groups[group].target_column_taps + first_column).x);
        let last = u32(target_quad_at(groups[group].target_column_taps + last_column).y);
        let start = groups[group].expanded
            + source_row * (groups[group].target_rows * columns * source_quads + SKEW) + source_quad;
        let upper = start + u32(tap.x) * columns * source_quads;
        let lower = start + u32(tap.y) * columns * source_quads;
        for (var column = first; column <= last; column++) {
            let at = column * source_quads;
            load_expanded(upper + at, lower + at, tap.z);
            accumulate(groups[group].target_weights + column * target_quads + target_quad);
        }
    }
}

fn similarity(cosine: vec4<f32>) -> vec4<f32> {
    let positive = max(cosine, vec4(0.0));
    return positive * positive * positive;
}

// Adds the similarities of a tile, whose base group is correlated, to the sums along their diagonals.
fn vote_of_tile(
    sums: ptr<function, array<vec4<f32>, DIAGONAL_QUADS>>,
    pair: u32,
    source_row: u32,
    target_row: u32,
    source_quad: u32,
    target_quad: u32,
) {
    add_groups(pair, source_row, target_row, source_quad, target_quad);
    let source_norms = pairs[pair].source_norms
        + source_row * pairs[pair].source_quads + source_quad;
    let target_norms = pairs[pair].target_norms
        + target_row * pairs[pair].target_quads + target_quad;
    for (var j = 0u; j < TARGET_QUADS; j++) {
        for (var i = 0u; i < SOURCE_QUADS; i++) {
            let norms = source_quad_at(source_norms + i);
            let scale = target_quad_at(target_norms + j);
            let block = product[j][i];
            let a = similarity(block[0] * (norms * scale.x));
            let b = similarity(block[1] * (norms * scale.y));
            let c = similarity(block[2] * (norms * scale.z));
            let d = similarity(block[3] * (norms * scale.w));
            let diagonal = j + SOURCE_QUADS - 1u - i;
            (*sums)[diagonal] += vec4(a.w, a.z + b.w, a.y + b.z + c.w, a.x + b.y + c.z + d.w);
            (*sums)[diagonal + 1u] += vec4(b.x + c.y + d.z, c.x + d.y, d.x, 0.0);
        }
    }
}

// x: target rows and, slower, distances between tiles; y: source rows; z: pairs, or none with SETS.
// The invocations of a workgroup share rows, so that what one loads is in the cache for another.
@compute @workgroup_size(WORKGROUP)
fn vote(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let pair = workgroup.z;
    let target_rows = pairs[pair].target_rows;
    let row_groups = (target_rows + TARGET_ROWS - 1u) / TARGET_ROWS;
    let distance = workgroup.x / row_groups;
    // Rows beyond the last are computed but not written: invocations that load together must take
    // the same path.
    let wanted_row = (workgroup.x % row_groups) * TARGET_ROWS + local.x % TARGET_ROWS;
    let target_row = min(wanted_row, target_rows - 1u);
    let source_row = workgroup.y * SOURCE_ROWS + local.x / TARGET_ROWS;
    let source_tiles = pairs[pair].source_quads / SOURCE_QUADS;
    let target_tiles = pairs[pair].target_quads / TARGET_QUADS;
    let distances = target_tiles + (source_tiles - 1u) * TILE_RATIO;
    if source_row >= pairs[pair].source_rows || distance >= distances {
        return;
    }
    // Tiles that are all padding have no taps and add nothing.
    let tile_columns = TARGET_QUADS * 4u;
    let filled_tiles = (pairs[pair].target_columns + tile_columns - 1u) / tile_columns;
    var sums: array<vec4<f32>, DIAGONAL_QUADS>;
    let line = ((source_row * target_rows + target_row) * distances + distance) * DIAGONAL_QUADS;
    let inside = wanted_row < target_rows;
    if SETS {
        for (var sharer = 0u; sharer < arrayLength(&pairs); sharer++) {
            let out = pairs[sharer].votes + line;
            for (var i = 0u; i < DIAGONAL_QUADS; i++) {
                if inside {
                    votes[out + i] = vec4(0.0);
                }
            }
        }
    } else {
    }
    for (var tile = 0u; tile < source_tiles; tile++) {
        let shifted = distance + tile * TILE_RATIO;
        let smallest = (source_tiles - 1u) * TILE_RATIO;
        if shifted < smallest || shifted >= smallest + filled_tiles {
            continue;
        }
        let source_quad = tile * SOURCE_QUADS;
        let target_quad = (shifted - smallest) * TARGET_QUADS;
        correlate_base(pair, source_row, target_row, source_quad, target_quad, local.x);
        if SETS {
            of_base = product;
            for (var sharer = 0u; sharer < arrayLength(&pairs); sharer++) {
                let out = pairs[sharer].votes + line;
                for (var i = 0u; i < DIAGONAL_QUADS; i++) {
                    sums[i] = votes[out + i];
                }
                product = of_base;
                vote_of_tile(&sums, sharer, source_row, target_row, source_quad, target_quad);
                for (var i = 0u; i < DIAGONAL_QUADS; i++) {
                    if inside {
                        votes[out + i] = sums[i];
                    }
                }
            }
        } else {
            vote_of_tile(&sums, pair, source_row, target_row, source_quad, target_quad);
        }
    }
    if SETS || !inside {
        return;
    }
    let out = pairs[pair].votes + line;
    for (var i = 0u; i < DIAGONAL_QUADS; i++) {
        votes[out + i] = sums[i];
    }
}
