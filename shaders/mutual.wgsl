// Soft mutual nearest neighbours (NC-Net, section 3.3). A correlation is stored as one plane a cell of
// A: B's cells with zeros between rows, as `consensus` takes it.

const WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<storage, read> mutuals: array<MutualParams>;
@group(0) @binding(1) var<storage, read> correlation: array<f32>;
@group(0) @binding(2) var<storage, read_write> over_b: array<f32>;
@group(0) @binding(3) var<storage, read_write> over_a: array<f32>;

// x: cells of A, z: pairs.
@compute @workgroup_size(WORKGROUP)
fn largest_over_b(@builtin(global_invocation_id) id: vec3<u32>) {
    let cells = mutuals[0].cells;
    if id.x >= cells {
        return;
    }
    let first = (id.z * cells + id.x) * mutuals[0].plane;
    var largest = correlation[first];
    for (var row = 0u; row < mutuals[0].b_rows; row++) {
        for (var column = 0u; column < mutuals[0].b_columns; column++) {
            largest = max(largest, correlation[first + row * mutuals[0].row_stride + column]);
        }
    }
    over_b[id.z * cells + id.x] = largest;
}

// x: positions of a plane, z: pairs.
@compute @workgroup_size(WORKGROUP)
fn largest_over_a(@builtin(global_invocation_id) id: vec3<u32>) {
    let plane = mutuals[0].plane;
    if id.x >= plane {
        return;
    }
    let first = id.z * mutuals[0].cells * plane + id.x;
    var largest = correlation[first];
    for (var cell = 1u; cell < mutuals[0].cells; cell++) {
        largest = max(largest, correlation[first + cell * plane]);
    }
    over_a[id.z * plane + id.x] = largest;
}

@group(0) @binding(4) var<storage, read> largest_b: array<f32>;
@group(0) @binding(5) var<storage, read_write> floors: array<f32>;

// The value below which everything counts as zero. z: pairs.
@compute @workgroup_size(WORKGROUP)
fn floor_of(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x > 0u {
        return;
    }
    let cells = mutuals[0].cells;
    var largest = largest_b[id.z * cells];
    for (var cell = 1u; cell < cells; cell++) {
        largest = max(largest, largest_b[id.z * cells + cell]);
    }
    floors[id.z] = mutuals[0].floor * largest;
}

@group(0) @binding(6) var<storage, read> largest_a: array<f32>;
@group(0) @binding(7) var<storage, read> floor_values: array<f32>;
@group(0) @binding(8) var<storage, read_write> matched: array<f32>;

// x: positions of a plane, y: cells of A, z: pairs.
@compute @workgroup_size(WORKGROUP)
fn mutual(@builtin(global_invocation_id) id: vec3<u32>) {
    let cells = mutuals[0].cells;
    let plane = mutuals[0].plane;
    if id.x >= plane {
        return;
    }
    let at = (id.z * cells + id.y) * plane + id.x;
    let value = correlation[at];
    let kept = select(value, 0.0, abs(value) < floor_values[id.z]);
    let ratio_b = kept / (largest_b[id.z * cells + id.y] + mutuals[0].epsilon);
    let ratio_a = kept / (largest_a[id.z * plane + id.x] + mutuals[0].epsilon);
    // Positions between rows of B are no matches, so what the division gave there is dropped.
    let inside = id.x % mutuals[0].row_stride < mutuals[0].b_columns
        && id.x / mutuals[0].row_stride < mutuals[0].b_rows;
    matched[at] = select(0.0, kept * (ratio_b * ratio_a), inside);
}

@group(0) @binding(9) var<storage, read> direct: array<f32>;
@group(0) @binding(10) var<storage, read> exchanged: array<f32>;
@group(0) @binding(11) var<storage, read_write> symmetric: array<f32>;

// The sum of both directions of the network. x: positions of a plane, y: cells of A, z: pairs.
@compute @workgroup_size(WORKGROUP)
fn add(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= mutuals[0].plane {
        return;
    }
    let at = (id.z * mutuals[0].cells + id.y) * mutuals[0].plane + id.x;
    symmetric[at] = direct[at] + exchanged[at];
}
