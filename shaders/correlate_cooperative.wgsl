// `correlate` in half precision on adapters whose subgroups multiply matrices together (tensor
// cores): products of halves, sums in f32, in the same parts of SPLIT channels. What it writes has
// the layout of `correlate`, and `sum` adds the parts.
//
// It has not run on hardware yet. Where an engine takes it, it is compared with `correlate` on a
// known product first, and left out if the two differ.

const WORKGROUP: u32 = 32u; // invocations of the largest subgroup
const SPLIT: u32 = 512u;
const SIDE: u32 = 16u; // cells and channels of a matrix
const TILE: u32 = 32u; // source and target cells of a workgroup: two by two matrices

@group(0) @binding(0) var<storage, read> layers: array<LayerParams>;
@group(0) @binding(1) var<storage, read> source_page: array<f16>;
@group(0) @binding(2) var<storage, read> target_page: array<f16>;
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;

// What sums start from.
var<workgroup> zeros: array<f32, 256>;

// x: tiles, y: parts of the channels, z: layers.
@compute @workgroup_size(WORKGROUP)
fn correlate(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    for (var cell = local.x; cell < SIDE * SIDE; cell += WORKGROUP) {
        zeros[cell] = 0.0;
    }
    workgroupBarrier();
    let source_cells = layers[id.z].source_quads * 4u;
    let target_cells = layers[id.z].target_quads * 4u;
    let source_tiles = source_cells / TILE;
    // Not `||`: the check of uniformity does not see through it.
    if (id.x >= source_tiles * (target_cells / TILE)) | (id.y >= layers[id.z].splits) {
        return;
    }
    let source_cell = (id.x % source_tiles) * TILE;
    let target_cell = (id.x / source_tiles) * TILE;
    let first = id.y * SPLIT;
    let last = min(first + SPLIT, layers[id.z].channels);
    // Rows of a sum are target cells, columns are source cells.
    var sum00 = coopLoadT<coop_mat16x16<f32, C>>(&zeros[0], SIDE);
    var sum01 = coopLoadT<coop_mat16x16<f32, C>>(&zeros[0], SIDE);
    var sum10 = coopLoadT<coop_mat16x16<f32, C>>(&zeros[0], SIDE);
    var sum11 = coopLoadT<coop_mat16x16<f32, C>>(&zeros[0], SIDE);
    var source_at = layers[id.z].source_maps * 4u + first * source_cells + source_cell;
    var target_at = layers[id.z].target_maps * 4u + first * target_cells + target_cell;
    for (var channel = first; channel < last; channel += SIDE) {
        let source_next = source_at + SIDE;
        let target_next = target_at + SIDE;
        let target0 = coopLoad<coop_mat16x16<f16, A>>(&target_page[target_at], target_cells);
        let target1 = coopLoad<coop_mat16x16<f16, A>>(&target_page[target_next], target_cells);
        let source0 = coopLoadT<coop_mat16x16<f16, B>>(&source_page[source_at], source_cells);
        let source1 = coopLoadT<coop_mat16x16<f16, B>>(&source_page[source_next], source_cells);
        sum00 = coopMultiplyAdd(target0, source0, sum00);
        sum01 = coopMultiplyAdd(target0, source1, sum01);
        sum10 = coopMultiplyAdd(target1, source0, sum10);
        sum11 = coopMultiplyAdd(target1, source1, sum11);
        source_at += SIDE * source_cells;
        target_at += SIDE * target_cells;
    }
    let at00 = layers[id.z].partial * 4u
        + (id.y * target_cells + target_cell) * source_cells
        + source_cell;
    let at01 = at00 + SIDE;
    let at10 = at00 + SIDE * source_cells;
    let at11 = at10 + SIDE;
    coopStoreT(sum00, &partial[at00], source_cells);
    coopStoreT(sum01, &partial[at01], source_cells);
    coopStoreT(sum10, &partial[at10], source_cells);
    coopStoreT(sum11, &partial[at11], source_cells);
}
