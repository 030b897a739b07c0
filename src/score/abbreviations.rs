//! The short names of categories in the paper's tables.

/// SPair-71k's categories as its annotations name them, and the paper's abbreviations, in the
/// paper's order.
const ABBREVIATIONS: [(&str, &str); 18] = [
    ("aeroplane", "aero"),
    ("bicycle", "bike"),
    ("bird", "bird"),
    ("boat", "boat"),
    ("bottle", "bottle"),
    ("bus", "bus"),
    ("car", "car"),
    ("cat", "cat"),
    ("chair", "chair"),
    ("cow", "cow"),
    ("dog", "dog"),
    ("horse", "horse"),
    ("motorbike", "moto"),
    ("person", "person"),
    ("pottedplant", "plant"),
    ("sheep", "sheep"),
    ("train", "train"),
    ("tvmonitor", "tv"),
];

/// The paper's abbreviation of a category, or the category itself where it has none.
#[must_use]
pub fn abbreviation(category: &str) -> &str {
    let found = ABBREVIATIONS.iter().find(|(name, _)| *name == category);
    found.map_or(category, |(_, short)| short)
}
