// What `vote` and `pick` have in common: how they read the target's page, and the product that layer
// sets share.

// A vec4 of the target's page that holds no features.
fn target_quad_at(at: u32) -> vec4<f32> {
    if HALF {
        return quad(target_page[2u * at], target_page[2u * at + 1u]);
    } else {
        return features(target_page[at]);
    }
}

// A mixture of two vec4, in one rounding each: written out as a sum of products, one pipeline might
// round it otherwise than another, and layer sets would no longer match as they do alone.
fn mixed(a: vec4<f32>, b: vec4<f32>, weight: f32) -> vec4<f32> {
    return fma(b, vec4(weight), a * (1.0 - weight));
}

// The product of the base group, kept for the next set.
var<private> of_base: array<array<mat4x4<f32>, SOURCE_QUADS>, TARGET_QUADS>;
