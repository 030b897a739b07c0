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

// The product of the base group, kept for the next set.
var<private> of_base: array<array<mat4x4<f32>, SOURCE_QUADS>, TARGET_QUADS>;
