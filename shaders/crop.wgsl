// Lines maps at the base's resolution up as the base group of a layer set: the rows and columns that
// count, row by row, the channels of each layer after those of the layer before. Which rows and
// columns count depends on the base layer.

const WORKGROUP: u32 = 8u;

@group(0) @binding(0) var<storage, read> crops: array<CropParams>;
@group(0) @binding(1) var<storage, read> page: array<f32>;
@group(0) @binding(2) var<storage, read_write> views: array<vec4<f32>>;

// x: vec4 of a row and, slower, channels; y: rows; z: crops.
@compute @workgroup_size(WORKGROUP)
fn crop(@builtin(global_invocation_id) id: vec3<u32>) {
    let quads = crops[id.z].quads;
    let channel = id.x / quads;
    let quad = id.x % quads;
    if channel >= crops[id.z].channels || id.y >= crops[id.z].rows {
        return;
    }
    var cells = vec4(0.0);
    if channel < crops[id.z].map_channels {
        let first = (crops[id.z].map + channel * crops[id.z].map_quads) * 4u
            + (crops[id.z].first_row + id.y) * crops[id.z].map_columns
            + crops[id.z].first_column;
        for (var lane = 0u; lane < 4u; lane++) {
            let column = quad * 4u + lane;
            if column < crops[id.z].columns {
                cells[lane] = page[first + column];
            }
        }
    }
    let line = id.y * crops[id.z].base_channels + channel;
    views[crops[id.z].base + id.y * SKEW + line * quads + quad] = cells;
}
