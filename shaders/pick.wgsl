// For each source hyperpixel asked for, the target hyperpixel of highest confidence: similarity
// times blurred votes (HPF, section 3.2; docs/method.md, "Only the rows asked for"). `gather` lines
// the rows up, `pick` finds the best target of each tile, `best` the best of all tiles, first on
// ties.

const WORKGROUP: u32 = 8u;
const SOURCE_QUADS: u32 = 4u; // vec4 of source hyperpixels an invocation
const TARGET_QUADS: u32 = 4u; // vec4 of target cells an invocation
// Whether similarities are kept, and nothing is picked.
const KEEP_SIMILARITIES: bool = false;
// Whether pairs are those back: from the second image of their couple to the first.
const BACKWARD: bool = false;
// Lines of a coarse group of a pair back: first row, second row and weight of the second, and the same
// of columns.
const TAP_LINES: u32 = 6u;
// Whether all picks bound are of the same rows of one pair of images, under layer sets of one base
// group: its product is then computed once for all of them.
const SETS: bool = false;

@group(0) @binding(0) var<storage, read> pairs: array<PairParams>;
@group(0) @binding(1) var<storage, read> groups: array<GroupParams>;
@group(0) @binding(2) var<storage, read> picks: array<PickParams>;

@group(0) @binding(3) var<storage, read> source_page: array<PageWord>;
@group(0) @binding(4) var<storage, read> expanded: array<f32>;
@group(0) @binding(5) var<storage, read> rows: array<u32>;
@group(0) @binding(6) var<storage, read_write> gathered: array<f32>;

// A feature of the page.
fn source_feature(at: u32) -> f32 {
    if HALF {
        return feature(source_page[at / 2u], at % 2u);
    } else {
        return feature(source_page[at], 0u);
    }
}

// A number of the page that is no feature.
fn source_number(at: u32) -> f32 {
    return bitcast<f32>(source_page[at]);
}

// Lines of the base channels, of the expanded correlations or, for a pair back, of what upsamples them,
// of the inverse norm, grid row and grid column of each row; x: rows, y: lines, z: picks.
@compute @workgroup_size(WORKGROUP)
fn gather(@builtin(global_invocation_id) id: vec3<u32>) {
    let width = picks[id.z].row_quads * 4u;
    let lines = picks[id.z].lines;
    if id.x >= width || id.y >= lines + 3u {
        return;
    }
    let out = picks[id.z].gathered * 4u + id.y * width + id.x;
    if id.x >= picks[id.z].row_count {
        gathered[out] = 0.0;
        return;
    }
    let pair = picks[id.z].pair;
    let index = rows[picks[id.z].first_row + id.x];
    let row = index / pairs[pair].source_columns;
    let column = index % pairs[pair].source_columns;
    let source_width = pairs[pair].source_quads * 4u;
    let channels = pairs[pair].channels;
    if id.y < channels {
        let line = row * channels + id.y;
        let first = (pairs[pair].source_base + row * SKEW) * 4u;
        gathered[out] = source_feature(first + line * source_width + column);
    } else if id.y < lines {
        let first_group = pairs[pair].first_group;
        if BACKWARD {
            // The second image of a couple is where the groups have their targets.
            let group = first_group + (id.y - channels) / TAP_LINES;
            let part = (id.y - channels) % TAP_LINES;
            let of_row = (groups[group].target_row_taps + row) * 4u + part;
            let of_column = (groups[group].target_column_taps + column) * 4u + part - 3u;
            gathered[out] = source_number(select(of_column, of_row, part < 3u));
        } else {
            for (var group = first_group; group < first_group + pairs[pair].group_count; group++) {
                let cells = groups[group].target_rows * groups[group].target_columns;
                let cell = id.y - groups[group].line;
                if id.y >= groups[group].line && cell < cells {
                    let line = row * cells + cell;
                    let first = (groups[group].expanded + row * SKEW) * 4u;
                    gathered[out] = expanded[first + line * source_width + column];
                }
            }
        }
    } else if id.y == lines {
        let at = pairs[pair].source_norms * 4u + row * source_width + column;
        gathered[out] = source_number(at);
    } else if id.y == lines + 1u {
        gathered[out] = f32(row);
    } else {
        gathered[out] = f32(column);
    }
}

@group(0) @binding(7) var<storage, read> lined_up: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read> target_page: array<PageElement>;
@group(0) @binding(9) var<storage, read> space: array<f32>;
// Target and the bits of its confidence.
@group(0) @binding(10) var<storage, read_write> candidates: array<vec2<u32>>;
@group(0) @binding(11) var<storage, read_write> similarities: array<vec4<f32>>;
@group(0) @binding(14) var<storage, read> expanded_quads: array<vec4<f32>>;

fn accumulate(a: array<vec4<f32>, SOURCE_QUADS>, b: array<vec4<f32>, TARGET_QUADS>) {
    for (var j = 0u; j < TARGET_QUADS; j++) {
        for (var i = 0u; i < SOURCE_QUADS; i++) {
            let block = product[j][i];
            product[j][i] = mat4x4(
                fma(a[i], b[j].xxxx, block[0]),
                fma(a[i], b[j].yyyy, block[1]),
                fma(a[i], b[j].zzzz, block[2]),
                fma(a[i], b[j].wwww, block[3]),
            );
        }
    }
}

// The part of a tile's dot products that is due to the base group.
fn correlate_base(job: u32, pair: u32, row_quad: u32, target_row: u32, target_quad: u32) {
    clear();
    let channels = pairs[pair].channels;
    let row_quads = picks[job].row_quads;
    let target_quads = pairs[pair].target_quads;
    let lines = picks[job].gathered + row_quad;
    var target_at = pairs[pair].target_base
        + target_row * (channels * target_quads + SKEW) + target_quad;
    for (var channel = 0u; channel < channels; channel++) {
        var a: array<vec4<f32>, SOURCE_QUADS>;
        for (var i = 0u; i < SOURCE_QUADS; i++) {
            a[i] = lined_up[lines + channel * row_quads + i];
        }
        var b: array<vec4<f32>, TARGET_QUADS>;
        for (var j = 0u; j < TARGET_QUADS; j++) {
            b[j] = features(target_page[target_at + j]);
        }
        accumulate(a, b);
        target_at += target_quads;
    }
}

// The part that is due to the coarse groups. Rows were lined up with their correlations to the cells of
// the target's map, which are upsampled here; or, for a pair back, the first image's correlations are
// upsampled already, and each row mixes those of four cells of the second's map.
fn add_groups(job: u32, pair: u32, row_quad: u32, target_row: u32, target_quad: u32) {
    let row_quads = picks[job].row_quads;
    let target_quads = pairs[pair].target_quads;
    let lines = picks[job].gathered + row_quad;
    let first_group = pairs[pair].first_group;
    if BACKWARD {
        let taps = lines + pairs[pair].channels * row_quads;
        for (var group = first_group; group < first_group + pairs[pair].group_count; group++) {
            let columns = groups[group].target_columns;
            let cells = groups[group].target_rows * columns;
            let start = groups[group].expanded
                + target_row * (cells * target_quads + SKEW) + target_quad;
            let of_group = taps + (group - first_group) * TAP_LINES * row_quads;
            for (var i = 0u; i < SOURCE_QUADS; i++) {
                let upper = vec4<u32>(lined_up[of_group + i]) * columns;
                let lower = vec4<u32>(lined_up[of_group + row_quads + i]) * columns;
                let down = lined_up[of_group + 2u * row_quads + i];
                let left = vec4<u32>(lined_up[of_group + 3u * row_quads + i]);
                let right = vec4<u32>(lined_up[of_group + 4u * row_quads + i]);
                let across = lined_up[of_group + 5u * row_quads + i];
                for (var j = 0u; j < TARGET_QUADS; j++) {
                    // A column is a row asked for, so that the block is transposed.
                    var block: mat4x4<f32>;
                    for (var k = 0u; k < 4u; k++) {
                        let above = mixed(
                            expanded_quads[start + (upper[k] + left[k]) * target_quads + j],
                            expanded_quads[start + (upper[k] + right[k]) * target_quads + j],
                            across[k],
                        );
                        let below = mixed(
                            expanded_quads[start + (lower[k] + left[k]) * target_quads + j],
                            expanded_quads[start + (lower[k] + right[k]) * target_quads + j],
                            across[k],
                        );
                        block[k] = mixed(above, below, down[k]);
                    }
                    product[j][i] += transpose(block);
                }
            }
        }
    } else {
        let first_column = target_quad * 4u;
        let last_column = min(first_column + TARGET_QUADS * 4u, pairs[pair].target_columns) - 1u;
        for (var group = first_group; group < first_group + pairs[pair].group_count; group++) {
            let columns = groups[group].target_columns;
            let tap = target_quad_at(groups[group].target_row_taps + target_row);
            let first = u32(target_quad_at(groups[group].target_column_taps + first_column).x);
            let last = u32(target_quad_at(groups[group].target_column_taps + last_column).y);
            let upper = lines + (groups[group].line + u32(tap.x) * columns) * row_quads;
            let lower = lines + (groups[group].line + u32(tap.y) * columns) * row_quads;
            for (var column = first; column <= last; column++) {
                var a: array<vec4<f32>, SOURCE_QUADS>;
                for (var i = 0u; i < SOURCE_QUADS; i++) {
                    let at = column * row_quads + i;
                    a[i] = mixed(lined_up[upper + at], lined_up[lower + at], tap.z);
                }
                let weights = groups[group].target_weights + column * target_quads + target_quad;
                var b: array<vec4<f32>, TARGET_QUADS>;
                for (var j = 0u; j < TARGET_QUADS; j++) {
                    b[j] = target_quad_at(weights + j);
                }
                accumulate(a, b);
            }
        }
    }
}

// Tiles of a target row. Tiles that are all padding have no taps and no targets.
fn tiles_of_target_row(pair: u32) -> u32 {
    return (pairs[pair].target_columns + TARGET_QUADS * 4u - 1u) / (TARGET_QUADS * 4u);
}

// The best target of each row of a tile.
fn best_of_tile(job: u32, pair: u32, row_quad: u32, target_row: u32, target_quad: u32) {
    let row_quads = picks[job].row_quads;
    let tiles_of_row = tiles_of_target_row(pair);
    let tiles = pairs[pair].target_rows * tiles_of_row;
    let tile = target_row * tiles_of_row + target_quad / TARGET_QUADS;
    let source_columns = pairs[pair].source_columns;
    let target_columns = pairs[pair].target_columns;
    let offset_columns = source_columns + target_columns - 1u;
    let extra = picks[job].gathered + picks[job].lines * row_quads + row_quad;
    let norms = pairs[pair].target_norms + target_row * pairs[pair].target_quads + target_quad;
    let first_column = target_quad * 4u;
    for (var i = 0u; i < SOURCE_QUADS; i++) {
        // Four rows at once.
        let norm = lined_up[extra + i];
        if KEEP_SIMILARITIES {
            for (var j = 0u; j < TARGET_QUADS; j++) {
                let scale = target_quad_at(norms + j);
                for (var k = 0u; k < 4u; k++) {
                    let cosine = max(product[j][i][k] * (norm * scale[k]), vec4(0.0));
                    let cell = target_row * pairs[pair].target_quads * 4u + first_column + j * 4u + k;
                    similarities[picks[job].similarities + cell * row_quads + row_quad + i] =
                        cosine * cosine * cosine;
                }
            }
        } else {
            let row = vec4<u32>(lined_up[extra + row_quads + i]);
            let column = vec4<u32>(lined_up[extra + 2u * row_quads + i]);
            let looked_up = pairs[pair].hough + source_columns - 1u - column + first_column
                + (target_row + pairs[pair].source_rows - 1u - row) * offset_columns;
            var chosen = vec4(0u);
            var highest = vec4(-1.0);
            for (var j = 0u; j < TARGET_QUADS; j++) {
                let block = product[j][i];
                let scale = target_quad_at(norms + j);
                for (var k = 0u; k < 4u; k++) {
                    let nth = j * 4u + k;
                    let cosine = max(block[k] * (norm * scale[k]), vec4(0.0));
                    let similarity = cosine * cosine * cosine;
                    let confidence = similarity * vec4(
                        space[looked_up.x + nth],
                        space[looked_up.y + nth],
                        space[looked_up.z + nth],
                        space[looked_up.w + nth],
                    );
                    // Beyond the last column there is no target.
                    let better = confidence > highest & vec4(first_column + nth < target_columns);
                    chosen = select(chosen, vec4(nth), better);
                    highest = select(highest, confidence, better);
                }
            }
            for (var lane = 0u; lane < 4u; lane++) {
                let at = (row_quad + i) * 4u + lane;
                if at < picks[job].row_count {
                    candidates[picks[job].candidates + at * tiles + tile] = vec2(
                        target_row * target_columns + first_column + chosen[lane],
                        bitcast<u32>(max(highest[lane], 0.0)),
                    );
                }
            }
        }
    }
}

// x: target tiles, y: row tiles, z: picks, or none with SETS.
@compute @workgroup_size(WORKGROUP)
fn pick(@builtin(global_invocation_id) id: vec3<u32>) {
    let pair = picks[id.z].pair;
    let tiles_of_row = tiles_of_target_row(pair);
    let row_tiles = picks[id.z].row_quads / SOURCE_QUADS;
    if id.x >= pairs[pair].target_rows * tiles_of_row || id.y >= row_tiles {
        return;
    }
    let target_row = id.x / tiles_of_row;
    let target_quad = (id.x % tiles_of_row) * TARGET_QUADS;
    let row_quad = id.y * SOURCE_QUADS;
    correlate_base(id.z, pair, row_quad, target_row, target_quad);
    if SETS {
        of_base = product;
        for (var job = 0u; job < arrayLength(&picks); job++) {
            product = of_base;
            add_groups(job, picks[job].pair, row_quad, target_row, target_quad);
            best_of_tile(job, picks[job].pair, row_quad, target_row, target_quad);
        }
    } else {
        add_groups(id.z, pair, row_quad, target_row, target_quad);
        best_of_tile(id.z, pair, row_quad, target_row, target_quad);
    }
}

@group(0) @binding(12) var<storage, read> finalists: array<vec2<u32>>;
@group(0) @binding(13) var<storage, read_write> matches: array<vec2<u32>>;

// x: rows, z: picks. Tiles stand in ascending order of their targets.
@compute @workgroup_size(WORKGROUP)
fn best(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= picks[id.z].row_count {
        return;
    }
    let pair = picks[id.z].pair;
    let tiles = pairs[pair].target_rows * tiles_of_target_row(pair);
    let first = picks[id.z].candidates + id.x * tiles;
    var chosen = finalists[first];
    for (var tile = 1u; tile < tiles; tile++) {
        let candidate = finalists[first + tile];
        if bitcast<f32>(candidate.y) > bitcast<f32>(chosen.y) {
            chosen = candidate;
        }
    }
    matches[picks[id.z].first_row + id.x] = chosen;
}
