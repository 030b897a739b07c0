// Correlates the coarse maps of two images at their native resolution: one small matrix product a
// group (DESIGN, section 5, point 1). The channels are summed in parts of SPLIT, because one long
// chain of f32 additions loses a digit; `sum` adds the parts in order.

const WORKGROUP: u32 = 8u;
const SOURCE_QUADS: u32 = 3u; // vec4 of source cells an invocation
const TARGET_QUADS: u32 = 3u; // vec4 of target cells an invocation
const SPLIT: u32 = 512u;


@group(0) @binding(0) var<storage, read> groups: array<GroupParams>;
@group(0) @binding(1) var<storage, read> source_page: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> target_page: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> partial: array<vec4<f32>>;

// x: tiles, y: parts of the channels, z: groups.
@compute @workgroup_size(WORKGROUP)
fn correlate(@builtin(global_invocation_id) id: vec3<u32>) {
    let channels = groups[id.z].channels;
    let source_quads = groups[id.z].source_quads;
    let target_quads = groups[id.z].target_quads;
    let source_tiles = source_quads / SOURCE_QUADS;
    let target_tiles = target_quads / TARGET_QUADS;
    if id.x >= source_tiles * target_tiles || id.y >= groups[id.z].splits {
        return;
    }
    let source_quad = (id.x % source_tiles) * SOURCE_QUADS;
    let target_quad = (id.x / source_tiles) * TARGET_QUADS;
    let first = id.y * SPLIT;
    let last = min(first + SPLIT, channels);
    var source_at = groups[id.z].source_maps + first * source_quads + source_quad;
    var target_at = groups[id.z].target_maps + first * target_quads + target_quad;

    // Blocks of 4 x 4 cells: a column of a block is a target cell.
    var product: array<array<mat4x4<f32>, SOURCE_QUADS>, TARGET_QUADS>;
    for (var channel = first; channel < last; channel++) {
        var a: array<vec4<f32>, SOURCE_QUADS>;
        for (var i = 0u; i < SOURCE_QUADS; i++) {
            a[i] = source_page[source_at + i];
        }
        for (var j = 0u; j < TARGET_QUADS; j++) {
            let b = target_page[target_at + j];
            for (var i = 0u; i < SOURCE_QUADS; i++) {
                let block = product[j][i];
                product[j][i] = mat4x4(
                    fma(a[i], b.xxxx, block[0]),
                    fma(a[i], b.yyyy, block[1]),
                    fma(a[i], b.zzzz, block[2]),
                    fma(a[i], b.wwww, block[3]),
                );
            }
        }
        source_at += source_quads;
        target_at += target_quads;
    }
    let out = groups[id.z].partial
        + (id.y * target_quads + target_quad) * 4u * source_quads + source_quad;
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

@group(0) @binding(4) var<storage, read> products: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> correlation: array<vec4<f32>>;

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
    let first = groups[id.z].partial + at;
    var total = vec4(0.0);
    for (var part = 0u; part < groups[id.z].splits; part++) {
        total += products[first + part * quads];
    }
    correlation[groups[id.z].correlation + at] = total;
}
