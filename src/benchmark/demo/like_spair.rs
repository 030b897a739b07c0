//! SPair-71k's size, category by category.

use super::Split;
use super::plan::Quota;
use crate::benchmark::pairs_by_category;

/// Images of a category's training, validation and test split: the fewest that make as many pairs as
/// the paper's table 2 has (arXiv 1908.10543). Bus and car have two and four more, so that every
/// category has 100 images and the test split 481, as the paper says.
const IMAGES: [(&str, [usize; 3]); 18] = [
    ("aeroplane", [55, 18, 27]),
    ("bicycle", [55, 19, 26]),
    ("bird", [56, 17, 27]),
    ("boat", [55, 18, 27]),
    ("bottle", [50, 20, 30]),
    ("bus", [55, 18, 27]),
    ("car", [57, 18, 25]),
    ("cat", [58, 17, 25]),
    ("chair", [56, 18, 26]),
    ("cow", [57, 17, 26]),
    ("dog", [57, 18, 25]),
    ("horse", [57, 18, 25]),
    ("motorbike", [57, 16, 27]),
    ("person", [56, 18, 26]),
    ("pottedplant", [50, 20, 30]),
    ("sheep", [57, 16, 27]),
    ("train", [53, 19, 28]),
    ("tvmonitor", [55, 18, 27]),
];

/// The quota of one of SPair-71k's categories.
///
/// # Panics
/// SPair-71k does not have the category.
pub(super) fn quota(category: &str, split: Split) -> Quota {
    let images = IMAGES.iter().find(|(name, _)| *name == category);
    let (_, images) = images.expect("a category of SPair-71k");
    let mut published = pairs_by_category(split.name()).into_iter();
    let pairs = published.find(|(name, _)| name == category);
    let (_, pairs) = pairs.expect("table 2 has every category");
    Quota { images: images[split as usize], pairs: Some(pairs) }
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
