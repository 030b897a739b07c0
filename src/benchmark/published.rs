//! Tables 1 and 2 of the SPair-71k paper (Min et al., arXiv 1908.10543): numbers of pairs.

const TABLE_1: &str = include_str!("published/table1_counts_by_factor.csv");
const TABLE_2: &str = include_str!("published/table2_counts_by_category.csv");

/// Pairs of SPair-71k's test split.
pub const TEST_PAIRS: usize = 12_234;

/// Table 1: the number of pairs of a split (`trn`, `val`, `test`) per level, such as `viewpoint_easy`, in
/// the order of [`Factor::ALL`]; nothing for a split that the paper does not have.
///
/// [`Factor::ALL`]: super::Factor::ALL
#[must_use]
pub fn pairs_by_level(split: &str) -> Vec<(&'static str, usize)> {
    let Some(split) = published_name(split) else { return Vec::new() };
    let mut lines = fields(TABLE_1);
    let heading = lines.next().expect("table 1 has a heading");
    let row = lines.find(|row| row[0] == split).expect("table 1 has a row for every split");
    heading.into_iter().zip(row).skip(1).map(|(name, number)| (name, count(number))).collect()
}

/// Table 2: the number of pairs of a split (`trn`, `val`, `test`) per category, as SPair-71k's
/// annotations name it, in the paper's order; nothing for a split that the paper does not have.
#[must_use]
pub fn pairs_by_category(split: &str) -> Vec<(String, usize)> {
    let Some(split) = published_name(split) else { return Vec::new() };
    let mut lines = fields(TABLE_2);
    let heading = lines.next().expect("table 2 has a heading");
    let column = heading.iter().position(|name| *name == split);
    let column = column.expect("table 2 has a column for every split");
    let rows = lines.filter(|row| row[0] != "total");
    // The paper's "tv/monitor" and "potted plant" are one word in annotations.
    rows.map(|row| (row[0].replace([' ', '/'], ""), count(row[column]))).collect()
}

/// What the paper's tables call a split.
fn published_name(split: &str) -> Option<&'static str> {
    [("trn", "train"), ("val", "val"), ("test", "test")]
        .into_iter()
        .find_map(|(name, published)| (name == split).then_some(published))
}

fn count(number: &str) -> usize {
    number.parse().expect("the paper's tables have whole numbers")
}

/// The lines' fields; these tables quote none.
fn fields(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table.lines().map(|line| line.split(',').collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmark::Factor;

    #[test]
    fn the_counts_add_up_to_the_splits() {
        for (split, pairs) in [("trn", 53_340), ("val", 5384), ("test", TEST_PAIRS)] {
            let categories = pairs_by_category(split);
            assert_eq!(categories.len(), 18);
            assert_eq!(categories.iter().map(|(_, pairs)| pairs).sum::<usize>(), pairs);
            for factor in Factor::ALL {
                let levels = pairs_by_level(split);
                let of = levels.iter().filter(|(name, _)| name.starts_with(factor.name()));
                assert_eq!(of.map(|(_, pairs)| pairs).sum::<usize>(), pairs);
            }
        }
        assert!(pairs_by_level("train").is_empty() && pairs_by_category("other").is_empty());
    }
}
