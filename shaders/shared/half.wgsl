// How a kernel reads pages whose maps are in half precision; single.wgsl is for the others.
// Features become f32 as they are read. No feature of the adapter is needed for that.

// Whether maps are in half precision. The host keeps only the block of every choice that applies.
const HALF: bool = true;

// What pages are read in: a vec4 of features, or a number.
alias PageElement = vec2<u32>;
alias PageWord = u32;

// Four features.
fn features(element: PageElement) -> vec4<f32> {
    return vec4(unpack2x16float(element.x), unpack2x16float(element.y));
}

// One of the two features that a word holds.
fn feature(word: PageWord, nth: u32) -> f32 {
    return unpack2x16float(word)[nth];
}

// A vec4 that holds no features and so is always in f32: a norm, a tap, a weight. It takes two
// elements.
fn quad(first: PageElement, second: PageElement) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4(first, second));
}
