//! The SPair-71k paper's own scores (Min et al., arXiv 1908.10543, tables 3 to 5): PCK in percent at
//! α = 0.1 on the test split.
//!
//! "original" are the authors' models (HPF's layers were chosen on SPair-71k's validation split),
//! "finetuned" those that the paper's authors fine-tuned on SPair-71k. Table 5 uses the original
//! models of NC-Net and HPF and the fine-tuned ones of CNNGeo, A2Net and, as its All shows,
//! WeakAlign.

use crate::benchmark::{Benchmark, BenchmarkKind, Image, TEST_PAIRS};

const TABLE_3: &str = include_str!("published/table3_pck_by_category.csv");
const TABLE_4: &str = include_str!("published/table4_pck_by_factor.csv");
const TABLE_5: &str = include_str!("published/table5_pck_by_controlled_factor.csv");

/// A row of a published table.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedRow {
    /// The method and its backbone, and how it was trained where a table has it twice.
    pub name: String,
    /// The table's first column: `original`, `finetuned`, or the approach in table 5; may be empty.
    pub group: String,
    /// The columns' names as the table has them, without All: `aero`, `viewpoint_easy`, ….
    pub columns: Vec<&'static str>,
    /// Percent, one for each column.
    pub values: Vec<f64>,
    /// Percent over all pairs.
    pub all: f64,
}

impl PublishedRow {
    /// The value of a column, by its name.
    #[must_use]
    pub fn get(&self, column: &str) -> Option<f64> {
        let place = self.columns.iter().position(|name| *name == column)?;
        self.values.get(place).copied()
    }
}

/// Table 3: PCK per category, columns by the paper's abbreviations.
#[must_use]
pub fn table_3() -> Vec<PublishedRow> {
    rows(TABLE_3)
}

/// Table 4: PCK per level of the variation factors, columns such as `viewpoint_easy`.
#[must_use]
pub fn table_4() -> Vec<PublishedRow> {
    rows(TABLE_4)
}

/// Table 5: likewise, the other three factors held at easy, easy, none, none.
#[must_use]
pub fn table_5() -> Vec<PublishedRow> {
    rows(TABLE_5)
}

fn rows(table: &'static str) -> Vec<PublishedRow> {
    let mut lines = fields(table);
    let header = lines.next().expect("a published table has a heading");
    let columns = &header[2..header.len() - 1];
    let value = |text: &&str| text.parse::<f64>().expect("published tables have percentages");
    let row = |row: Vec<&str>| {
        let how = if row[0] == "finetuned" { ", fine-tuned" } else { "" };
        let (all, values) = row[2..].split_last().expect("published rows end with All");
        PublishedRow {
            name: format!("{}{how}", row[1]),
            group: row[0].to_owned(),
            columns: columns.to_vec(),
            values: values.iter().map(value).collect(),
            all: value(all),
        }
    };
    lines.map(row).collect()
}

/// The lines' fields; these tables quote none.
fn fields(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table.lines().map(|line| line.split(',').collect())
}

/// Whether a benchmark is SPair-71k's test split, which the paper's rows speak of: as many pairs, of
/// photographs that are named as in PASCAL VOC (`2008_002719`). Others have its form and size.
#[must_use]
pub fn is_test_split(benchmark: &Benchmark) -> bool {
    let digits =
        |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_voc = |image: &Image| {
        let name = image.path.file_stem().and_then(|stem| stem.to_str());
        let parts = name.and_then(|name| name.split_once('_'));
        parts.is_some_and(|(year, rest)| digits(year, 4) && digits(rest, 6))
    };
    let Benchmark { kind, split, images, pairs, .. } = benchmark;
    *kind == BenchmarkKind::Spair
        && split == "test"
        && pairs.len() == TEST_PAIRS
        && images.iter().all(is_voc)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmark::{Factor, pairs_by_category};
    use crate::score::abbreviation;

    #[test]
    fn every_table_is_whole() {
        assert_eq!([table_3().len(), table_4().len(), table_5().len()], [10, 11, 6]);
        for (table, columns) in [(table_3(), 18), (table_4(), 14), (table_5(), 14)] {
            assert!(table.iter().all(|row| row.columns.len() == columns));
        }
        let hpf = &table_3()[5];
        assert_eq!((hpf.name.as_str(), hpf.all), ("HPF ResNet-101", 28.2));
        assert_eq!((hpf.get("aero"), hpf.get("tv")), (Some(25.2), Some(35.6)));
        assert_eq!(table_4()[0].get("viewpoint_easy"), Some(7.3));
    }

    #[test]
    fn columns_have_the_names_that_scores_have() {
        let categories = pairs_by_category("test");
        let short: Vec<&str> = categories.iter().map(|(name, _)| abbreviation(name)).collect();
        assert_eq!(table_3()[0].columns, short);
        let levels: Vec<String> = Factor::ALL
            .iter()
            .flat_map(|factor| {
                factor.levels().iter().map(|level| format!("{}_{level}", factor.name()))
            })
            .collect();
        assert_eq!(table_4()[0].columns, levels);
    }

    #[test]
    fn only_spair_71ks_own_test_split_is_what_the_paper_speaks_of() {
        let pair = crate::benchmark::Pair {
            id: String::new(),
            category: String::new(),
            source: 0,
            target: 0,
            source_keypoints: Vec::new(),
            target_keypoints: Vec::new(),
            keypoint_ids: Vec::new(),
            source_box: None,
            target_box: None,
            variation: None,
        };
        let benchmark = |photograph: &str, pairs: usize, split: &str| Benchmark {
            kind: BenchmarkKind::Spair,
            split: split.to_owned(),
            images: vec![Image::below("".as_ref(), photograph.into(), None)],
            pairs: vec![pair.clone(); pairs],
            visibility: crate::benchmark::Visibility::Unsaid,
        };
        assert!(is_test_split(&benchmark("cat/2008_002719.jpg", TEST_PAIRS, "test")));
        assert!(!is_test_split(&benchmark("cat/2008_002719.jpg", TEST_PAIRS, "val")));
        assert!(!is_test_split(&benchmark("cat/2008_002719.jpg", TEST_PAIRS - 1, "test")));
        for drawn in ["cat/demo_000074.png", "cat/2008_2719.jpg", "cat/2008-002719.jpg"] {
            assert!(!is_test_split(&benchmark(drawn, TEST_PAIRS, "test")), "{drawn}");
        }
    }

    #[test]
    fn the_first_level_of_every_factor_of_table_5_is_one_number() {
        for row in table_5() {
            let first = row.get("viewpoint_easy");
            for column in ["scale_easy", "truncation_none", "occlusion_none"] {
                assert_eq!(row.get(column), first, "{}", row.name);
            }
        }
    }
}
