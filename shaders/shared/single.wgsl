// How a kernel reads pages whose maps are in single precision; half.wgsl is for the others.

// Whether maps are in half precision. The host keeps only the block of every choice that applies.
const HALF: bool = false;

// What pages are read in: a vec4 of features, or a number.
alias PageElement = vec4<f32>;
alias PageWord = f32;

// Four features.
fn features(element: PageElement) -> vec4<f32> {
    return element;
}

// The feature that a word holds.
fn feature(word: PageWord, nth: u32) -> f32 {
    return word;
}

// A vec4 that holds no features and so is always in f32: a norm, a tap, a weight.
fn quad(first: PageElement, second: PageElement) -> vec4<f32> {
    return first;
}
