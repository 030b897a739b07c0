//! SPair-71k's size, category by category.

use super::Split;
use super::plan::Quota;

/// Images and pairs of a category's training, validation and test split.
///
/// The pairs are those of the paper's Table 2 (arXiv 1908.10543). The images are the fewest that
/// make so many pairs; bus and car have two and four more, so that every category has 100 images
/// and the test split 481, as the paper says.
const COUNTS: [(&str, [(usize, usize); 3]); 18] = [
    ("aeroplane", [(55, 2924), (18, 304), (27, 690)]),
    ("bicycle", [(55, 2946), (19, 334), (26, 650)]),
    ("bird", [(56, 3080), (17, 272), (27, 702)]),
    ("boat", [(55, 2936), (18, 302), (27, 702)]),
    ("bottle", [(50, 2448), (20, 374), (30, 870)]),
    ("bus", [(55, 2708), (18, 250), (27, 644)]),
    ("car", [(57, 2960), (18, 274), (25, 564)]),
    ("cat", [(58, 3306), (17, 272), (25, 600)]),
    ("chair", [(56, 3060), (18, 306), (26, 646)]),
    ("cow", [(57, 3118), (17, 272), (26, 640)]),
    ("dog", [(57, 3192), (18, 306), (25, 600)]),
    ("horse", [(57, 3136), (18, 306), (25, 600)]),
    ("motorbike", [(57, 3180), (16, 238), (27, 702)]),
    ("person", [(56, 3066), (18, 306), (26, 650)]),
    ("pottedplant", [(50, 2446), (20, 380), (30, 862)]),
    ("sheep", [(57, 3140), (16, 240), (27, 664)]),
    ("train", [(53, 2752), (19, 342), (28, 756)]),
    ("tvmonitor", [(55, 2942), (18, 306), (27, 692)]),
];

/// The quota of a category and split; nothing for a category that SPair-71k does not have.
pub fn quota(category: &str, split: Split) -> Quota {
    let counts = COUNTS.iter().find(|(name, _)| *name == category);
    let (images, pairs) = counts.map_or((0, 0), |(_, counts)| counts[split as usize]);
    Quota { images, pairs: Some(pairs) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmark::demo::objects::CATEGORIES;

    #[test]
    fn the_totals_are_those_of_the_paper() {
        let total = |split| {
            CATEGORIES
                .iter()
                .map(|category| quota(category.name, split))
                .fold((0, 0), |sum, quota| (sum.0 + quota.images, sum.1 + quota.pairs.unwrap_or(0)))
        };
        let (train, validation, test) =
            (total(Split::Train), total(Split::Validation), total(Split::Test));
        assert_eq!(train.1, 53_340);
        assert_eq!(validation.1, 5_384);
        assert_eq!(test, (481, 12_234));
        assert_eq!(train.0 + validation.0 + test.0, 1_800);
    }
}
