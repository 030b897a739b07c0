// The parameters of every kernel. The host puts this file in front of each kernel; the
// same structures are in src/engine/gpu/layout.rs, and a test holds the two together.
//
// A page is a large buffer of resident images. Offsets into pages and into scratch buffers are
// counted in vec4 of f32 unless another unit is named; those of maps in four features, which take
// half of that in half precision. Rows of cells are padded to whole tiles with
// zeros, and padded cells have an inverse norm of 0, so no kernel tests bounds inside a tile.
// The host sets the constants of a kernel and unrolls the loops that run up to them.
//
// A structure is padded to 256 bytes: the alignment at which any list may be bound in part.

// vec4 between a row of base maps, or of an expanded correlation, and the next. Rows are often a
// large power of two apart, and invocations beside each other read the same place of several rows:
// without this all of those lie in the same lines of a cache.
const SKEW: u32 = 1u;

// A Hough space that nobody asked for.
const NOT_ASKED: u32 = 4294967295u;

// A pair of images of one batch: a couple, whose similarities serve both ways, or one of its two pairs,
// from the first image to the second or back. Which image is the first depends on their content.
struct PairParams {
    source_rows: u32,      // counted rows of the grid
    source_columns: u32,   // counted columns of the grid
    target_rows: u32,
    target_columns: u32,
    source_quads: u32,     // vec4 in a padded row of cells
    target_quads: u32,
    channels: u32,         // of the base group, padded with zeros to a multiple of four
    source_base: u32,      // base maps in the page: rows x (channels x quads + SKEW)
    target_base: u32,
    source_norms: u32,     // inverse norms in the page: rows x quads
    target_norms: u32,
    first_group: u32,      // coarse groups of the pair in the list of the batch
    group_count: u32,
    votes: u32,            // partial sums in the scratch buffer
    hough: u32,            // Hough space in the scratch buffer, in f32, or NOT_ASKED
    tables: u32,           // bin tables in their buffer, in u32
    bins_x: u32,
    bins_y: u32,
    @size(184) back: u32,  // of a couple: the Hough space of the pair back, or NOT_ASKED
}

// A layer of a coarse group of a pair: maps whose products are summed separately.
struct LayerParams {
    channels: u32,         // padded like those of the base
    splits: u32,           // parts that the channels are summed in
    source_maps: u32,      // maps in the page: channels x quads
    target_maps: u32,
    source_quads: u32,     // vec4 in a padded list of cells
    target_quads: u32,
    @size(232) partial: u32, // products of the parts: splits x target cells x source quads
}

// A coarse group of a couple: maps of one resolution.
struct GroupParams {
    pair: u32,             // couple in the list of the batch
    first_layer: u32,      // layers of the group in the list of the batch
    layer_count: u32,
    source_quads: u32,     // vec4 in a padded list of cells
    target_quads: u32,
    source_columns: u32,
    target_rows: u32,
    target_columns: u32,
    source_row_taps: u32,  // taps in the page: one vec4 (first, second, weight, 0) a grid row
    source_column_taps: u32,
    target_row_taps: u32,
    target_column_taps: u32,
    target_weights: u32,   // upsampling matrix in the page: target_columns x quads of the grid row
    correlation: u32,      // sum of the layers' products: target cells x source quads
    expanded: u32,         // grid rows x (target cells x quads of the source's grid row + SKEW)
    @size(196) line: u32,  // first line of the group among the gathered rows
}

// A map at the base's resolution that becomes part of a layer set's base group.
struct CropParams {
    map: u32,              // in the page: channels x quads of cells
    map_channels: u32,     // not padded
    map_quads: u32,
    map_columns: u32,
    first_row: u32,        // the first that counts
    first_column: u32,
    rows: u32,             // counted rows of the grid
    columns: u32,          // counted columns of the grid
    quads: u32,            // vec4 in a padded row of the grid
    channels: u32,         // with those that pad the base group, behind its last layer
    base_channels: u32,    // of the base group, padded
    @size(212) base: u32,  // first channel of the layer in the first row of the base group
}

// Source hyperpixels of a pair to be matched in one go.
struct PickParams {
    pair: u32,             // in the list of the batch
    first_row: u32,        // in the list of rows, and of matches
    row_count: u32,
    row_quads: u32,        // vec4 in the padded list of rows
    lines: u32,            // channels of the base group, and lines of all coarse groups
    gathered: u32,         // lines + 3 lines of rows
    candidates: u32,       // best target of each tile, in vec2: rows x tiles
    @size(228) similarities: u32, // padded targets x row quads; written only where they are kept
}

// A transform of the consensus network along one axis of A.
struct TransformParams {
    inputs: u32,           // values along the axis before
    outputs: u32,          // and after
    output_quads: u32,     // vec4 in a row of coefficients, a multiple of a kernel's
    columns: u32,          // vec4 of a line: what lies within the axis
    values: u32,           // where the values begin, and what lies between pairs, lines, steps
    values_pair: u32,
    values_line: u32,
    values_step: u32,
    out: u32,
    out_pair: u32,
    out_line: u32,
    out_step: u32,
    rectify: u32,          // 1 where bias, ReLU and zeros between rows of B follow
    plane_quads: u32,      // vec4 of a plane of B
    row_stride: u32,       // f32 from one row of B to the next
    b_rows: u32,
    @size(192) b_columns: u32,
}

// A layer of the consensus network; everything is counted in f32.
struct ConvolveParams {
    inputs: u32,           // channels in
    outputs: u32,          // channels out
    output_quads: u32,     // vec4 of those
    kernel: u32,           // taps along an axis
    rows: u32,             // components along A's rows
    columns: u32,          // and columns
    plane: u32,            // a plane of B
    row_stride: u32,       // from one row of B to the next
    positions: u32,        // to the end of B's last row
    values: u32,           // where the components begin, less the margin of the kernels
    first_tap: u32,        // from there to the first tap
    @size(212) out: u32,   // where the results begin
}

// Mutual matching of some pairs; everything is counted in f32.
struct MutualParams {
    cells: u32,            // of A
    plane: u32,            // a plane of B
    row_stride: u32,       // from one row of B to the next
    b_rows: u32,
    b_columns: u32,
    epsilon: f32,          // added to both maxima
    @size(232) floor: f32, // part of the largest value below which a value counts as zero
}
