// Correlates the coarse maps of two images at their native resolution: one small matrix product a
// layer (docs/method.md, "A correlation is a sum over resolutions"). The channels are summed in
// parts of SPLIT, because one long chain of f32 additions loses a digit; `sum` adds the parts of each
// layer in order, and then the layers of a group, so that the correlation of a layer set is the sum
// of its layers'.

const WORKGROUP: u32 = 8u;
const SOURCE_QUADS: u32 = 3u; // vec4 of source cells an invocation
const TARGET_QUADS: u32 = 3u; // vec4 of target cells an invocation
const SPLIT: u32 = 512u;
// Whether a workgroup is one subgroup with one tile of target cells, which its invocations load
// together: where loads are expensive, each invocation loads a part and broadcasts it.
const SHARED: bool = false;
const STEP: u32 = 4u;         // channels at a time: fewer need fewer registers
const STEP_LOADS: u32 = STEP * TARGET_QUADS; // of an invocation, for the channels of a step
const STEP_QUADS: u32 = STEP * TARGET_QUADS;

@group(0) @binding(0) var<storage, read> layers: array<LayerParams>;
@group(0) @binding(1) var<storage, read> source_page: array<PageElement>;
@group(0) @binding(2) var<storage, read> target_page: array<PageElement>;
@group(0) @binding(3) var<storage, read_write> partial: array<vec4<f32>>;

// Quad `n` of the tile's target side, counted through the channels of a step.
fn quad_of_step(target_at: u32, target_quads: u32, n: u32) -> vec4<f32> {
    return features(target_page[target_at + (n / TARGET_QUADS) * target_quads + n % TARGET_QUADS]);
}

// Several channels at a time: a driver that keeps the products in memory then fetches each once for
// all of them. They are added in order, as one by one.
fn accumulate_step(source_at: u32, source_quads: u32) {
    for (var i = 0u; i < SOURCE_QUADS; i++) {
        var a: array<vec4<f32>, STEP>;
        for (var s = 0u; s < STEP; s++) {
            a[s] = features(source_page[source_at + s * source_quads + i]);
        }
        for (var j = 0u; j < TARGET_QUADS; j++) {
            var block = product[j][i];
            for (var s = 0u; s < STEP; s++) {
                let b = cells[s * TARGET_QUADS + j];
                block = mat4x4(
                    fma(a[s], b.xxxx, block[0]),
                    fma(a[s], b.yyyy, block[1]),
                    fma(a[s], b.zzzz, block[2]),
                    fma(a[s], b.wwww, block[3]),
                );
            }
            product[j][i] = block;
        }
    }
}

// Which tile an invocation has, and which part of the channels. Beyond the last tile of a row
// `inside` is false: that invocation computes the last one again, because invocations that load
// together must take the same path.
struct Tile {
    source_quad: u32,
    target_quad: u32,
    part: u32,
    inside: bool,
}

fn tile_of(id: vec3<u32>, source_tiles: u32, target_tiles: u32) -> Tile {
    if SHARED {
        let source_tile = min(id.x, source_tiles - 1u);
        return Tile(
            source_tile * SOURCE_QUADS,
            (id.y % target_tiles) * TARGET_QUADS,
            id.y / target_tiles,
            id.x < source_tiles,
        );
    } else {
        return Tile(
            (id.x % source_tiles) * SOURCE_QUADS,
            (id.x / source_tiles) * TARGET_QUADS,
            id.y,
            id.x < source_tiles * target_tiles,
        );
    }
}

// z: layers. Shared: x: tiles of the source, y: tiles of the target and, slower, parts of the
// channels. Otherwise x: tiles, y: parts.
@compute @workgroup_size(WORKGROUP)
fn correlate(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let id = vec3(workgroup.x * WORKGROUP + local.x, workgroup.y, workgroup.z);
    let channels = layers[id.z].channels;
    let source_quads = layers[id.z].source_quads;
    let target_quads = layers[id.z].target_quads;
    let tile = tile_of(id, source_quads / SOURCE_QUADS, target_quads / TARGET_QUADS);
    if tile.part >= layers[id.z].splits {
        return;
    }
    if !SHARED {
        if !tile.inside {
            return;
        }
    }
    let first = tile.part * SPLIT;
    let last = min(first + SPLIT, channels);
    var source_at = layers[id.z].source_maps + first * source_quads + tile.source_quad;
    var target_at = layers[id.z].target_maps + first * target_quads + tile.target_quad;
    clear();
    for (var channel = first; channel < last; channel += STEP) {
        load_step(target_at, target_quads, local.x);
        accumulate_step(source_at, source_quads);
        source_at += STEP * source_quads;
        target_at += STEP * target_quads;
    }
    if !tile.inside {
        return;
    }
    let out = layers[id.z].partial
        + (tile.part * target_quads + tile.target_quad) * 4u * source_quads
        + tile.source_quad;
    for (var j = 0u; j < TARGET_QUADS; j++) {
        for (var i = 0u; i < SOURCE_QUADS; i++) {
            let block = product[j][i];
            let at = out + j * 4u * source_quads + i;
            partial[at] = block[0];
            partial[at + source_quads] = block[1];
            partial[at + 2u * source_quads] = block[2];
            partial[at + 3u * source_quads] = block[3];
        }
    }
}

@group(0) @binding(4) var<storage, read> groups: array<GroupParams>;
@group(0) @binding(5) var<storage, read> products: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> correlation: array<vec4<f32>>;

// x: vec4 of source cells, y: target cells, z: groups.
@compute @workgroup_size(WORKGROUP)
fn sum(@builtin(global_invocation_id) id: vec3<u32>) {
    let source_quads = groups[id.z].source_quads;
    let target_cells = groups[id.z].target_quads * 4u;
    if id.x >= source_quads || id.y >= target_cells {
        return;
    }
    let at = id.y * source_quads + id.x;
    let quads = target_cells * source_quads;
    let first_layer = groups[id.z].first_layer;
    var total = vec4(0.0);
    for (var layer = first_layer; layer < first_layer + groups[id.z].layer_count; layer++) {
        let first = layers[layer].partial + at;
        var of_layer = vec4(0.0);
        for (var part = 0u; part < layers[layer].splits; part++) {
            of_layer += products[first + part * quads];
        }
        total += of_layer;
    }
    correlation[groups[id.z].correlation + at] = total;
}
