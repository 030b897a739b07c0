//! Which pairs of a benchmark each of N shards has: a pure function of the pairs and N, so that jobs on
//! machines that know nothing of each other agree on it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::benchmark::Benchmark;
use crate::predictions::ShardHeader;

/// The most shards that work is divided into.
pub const MOST_SHARDS: usize = 100_000;

/// One of N parts of some work, counted from 1: `3/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard {
    index: usize,
    of: usize,
}

/// Why something is no shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShardError {
    /// Not of the form.
    #[error("expected I/N, such as 3/16 for the third of 16 shards")]
    Form,
    /// Counted from 0.
    #[error(
        "shards count from 1, so 0/{of} is none; where a scheduler counts from 0, write \
         $((INDEX + 1))/{of}"
    )]
    Zero {
        /// How many shards there are.
        of: usize,
    },
    /// More than there are.
    #[error(
        "there are {of} shards, so {index}/{of} is none of them; give one of 1/{of} to {of}/{of}"
    )]
    Beyond {
        /// The shard asked for.
        index: usize,
        /// How many shards there are.
        of: usize,
    },
    /// A number of shards that there cannot be.
    #[error("expected from 1 to {MOST_SHARDS} shards, not {of}")]
    Number {
        /// How many shards were asked for.
        of: usize,
    },
}

impl Shard {
    /// Shard `index` of `of`, counted from 1.
    ///
    /// # Errors
    /// No such shard.
    pub fn new(index: usize, of: usize) -> Result<Self, ShardError> {
        match (index, of) {
            (_, of) if !(1..=MOST_SHARDS).contains(&of) => Err(ShardError::Number { of }),
            (0, of) => Err(ShardError::Zero { of }),
            (index, of) if index > of => Err(ShardError::Beyond { index, of }),
            (index, of) => Ok(Self { index, of }),
        }
    }

    /// Which one, from 1.
    #[must_use]
    pub fn index(self) -> usize {
        self.index
    }

    /// How many there are.
    #[must_use]
    pub fn of(self) -> usize {
        self.of
    }

    /// Its part of so many things in a row: all shards' parts are as long as each other, but for one.
    #[must_use]
    pub fn range(self, total: usize) -> Range<usize> {
        // As u128: a product of two usizes may be beyond one.
        let at = |index: usize| (index as u128 * total as u128 / self.of as u128) as usize;
        at(self.index - 1)..at(self.index)
    }

    /// The name of its files, such as `03-of-16`; names sort as shards do.
    #[must_use]
    pub fn name(self) -> String {
        let width = self.of.to_string().len().max(2);
        format!("{:0width$}-of-{:0width$}", self.index, self.of)
    }

    /// The shard of a file's name: what [`Self::name`] gives, and what follows it from the first dot
    /// on.
    #[must_use]
    pub fn of_name(name: &str) -> Option<(Self, &str)> {
        let (stem, rest) = name.split_at(name.find('.').unwrap_or(name.len()));
        let (index, of) = stem.split_once("-of-")?;
        let shard = Self::new(index.parse().ok()?, of.parse().ok()?).ok()?;
        (shard.name() == stem).then_some((shard, rest))
    }
}

/// The only shard of one.
impl Default for Shard {
    fn default() -> Self {
        Self { index: 1, of: 1 }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let (index, of) = text.split_once('/').ok_or(ShardError::Form)?;
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            if digits { text.parse().map_err(|_| ShardError::Form) } else { Err(ShardError::Form) }
        };
        Self::new(number(index)?, number(of)?)
    }
}

/// The pairs (indices in [`Benchmark::pairs`], ascending) of each of `of` shards.
///
/// While there are categories enough a shard has whole ones, so that each photograph is seen by one
/// shard alone: the largest first, each to the shard that has the fewest pairs. With more shards a
/// category's photographs are cut into groups, and the pairs between two groups, both ways, are dealt
/// in the same manner: a pair and its mirror are never parted. Shards may be empty.
#[must_use]
pub fn partition(benchmark: &Benchmark, of: usize) -> Vec<Vec<usize>> {
    let categories = categories(benchmark);
    let mut blocks = if of <= categories.len() {
        categories
    } else {
        let most = benchmark.pairs.len().div_ceil(of.max(1)).max(1);
        categories.iter().flat_map(|category| blocks(benchmark, category, most)).collect()
    };
    // The sort is stable: of equals the first comes first.
    blocks.sort_by_key(|block| Reverse(block.len()));
    let mut shards = vec![Vec::new(); of];
    let mut fewest: BinaryHeap<_> = (0..of).map(|shard| Reverse((0, shard))).collect();
    for block in blocks {
        let Some(Reverse((_, shard))) = fewest.pop() else { break };
        shards[shard].extend(block);
        fewest.push(Reverse((shards[shard].len(), shard)));
    }
    shards.iter_mut().for_each(|pairs| pairs.sort_unstable());
    shards
}

/// The pairs of each category, in the order of its first pair.
pub(super) fn categories(benchmark: &Benchmark) -> Vec<Vec<usize>> {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut categories: Vec<Vec<usize>> = Vec::new();
    for (index, pair) in benchmark.pairs.iter().enumerate() {
        let number = *numbers.entry(&pair.category).or_insert(categories.len());
        if number == categories.len() {
            categories.push(Vec::new());
        }
        categories[number].push(index);
    }
    categories
}

/// A category's pairs in blocks of `most` at most, as far as mirrors that stay together let them: of
/// as few groups of photographs as do.
fn blocks(benchmark: &Benchmark, category: &[usize], most: usize) -> Vec<Vec<usize>> {
    let mut numbers: HashMap<usize, usize> = HashMap::new();
    for &index in category {
        let pair = &benchmark.pairs[index];
        for image in [pair.source, pair.target] {
            let next = numbers.len();
            numbers.entry(image).or_insert(next);
        }
    }
    let photographs = numbers.len();
    let mut groups = 1;
    loop {
        let group = |image: usize| numbers[&image] * groups / photographs;
        let mut blocks: BTreeMap<[usize; 2], Vec<usize>> = BTreeMap::new();
        for &index in category {
            let pair = &benchmark.pairs[index];
            let mut key = [group(pair.source), group(pair.target)];
            key.sort_unstable();
            blocks.entry(key).or_default().push(index);
        }
        if groups >= photographs || blocks.values().all(|block| block.len() <= most) {
            return blocks.into_values().collect();
        }
        // Large categories need not try every number.
        groups = (groups + 1 + groups / 8).min(photographs);
    }
}

/// What one shard has of a benchmark.
#[derive(Debug, Clone)]
pub struct Part {
    /// Which shard.
    pub shard: Shard,
    /// The benchmark with its pairs alone, and their photographs.
    pub benchmark: Benchmark,
    /// Where its pairs are in the whole benchmark, ascending.
    pub positions: Vec<usize>,
    /// How many pairs the whole benchmark has.
    pub total: usize,
}

impl Part {
    /// What a shard has of a benchmark.
    #[must_use]
    pub fn of(benchmark: &Benchmark, shard: Shard) -> Self {
        let positions = partition(benchmark, shard.of).swap_remove(shard.index - 1);
        let total = benchmark.pairs.len();
        Self { shard, benchmark: with_pairs(benchmark, &positions), positions, total }
    }

    /// What the header of its predictions file says of it.
    #[must_use]
    pub fn header(&self) -> ShardHeader {
        let (index, of) = (self.shard.index, self.shard.of);
        ShardHeader { index, of, pairs: runs(&self.positions), total: self.total }
    }

    /// The categories of its pairs, in their order.
    #[must_use]
    pub fn categories(&self) -> Vec<&str> {
        let mut categories: Vec<&str> = Vec::new();
        for pair in &self.benchmark.pairs {
            if !categories.contains(&&*pair.category) {
                categories.push(&pair.category);
            }
        }
        categories
    }
}

/// A benchmark with some of its pairs, and their photographs.
pub(super) fn with_pairs(benchmark: &Benchmark, positions: &[usize]) -> Benchmark {
    let mut numbers: HashMap<usize, usize> = HashMap::new();
    let mut images = Vec::new();
    let mut number = |image: usize| {
        *numbers.entry(image).or_insert_with(|| {
            images.push(benchmark.images[image].clone());
            images.len() - 1
        })
    };
    let mut pairs = Vec::with_capacity(positions.len());
    for &position in positions {
        let mut pair = benchmark.pairs[position].clone();
        pair.source = number(pair.source);
        pair.target = number(pair.target);
        pairs.push(pair);
    }
    Benchmark { images, pairs, ..benchmark.clone() }
}

/// Ascending numbers as runs, each with its first and last.
fn runs(numbers: &[usize]) -> Vec<[usize; 2]> {
    let mut runs: Vec<[usize; 2]> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some([_, last]) if *last + 1 == number => *last = number,
            _ => runs.push([number; 2]),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::benchmark::{BenchmarkKind, Image, Pair, Visibility};

    /// A benchmark of pairs given as category, source and target.
    fn benchmark(pairs: &[(usize, usize, usize)]) -> Benchmark {
        let pair = |(at, &(category, source, target)): (usize, &(usize, usize, usize))| Pair {
            id: format!("{at}"),
            category: format!("category {category}"),
            source,
            target,
            source_keypoints: Vec::new(),
            target_keypoints: Vec::new(),
            keypoint_ids: Vec::new(),
            source_box: None,
            target_box: None,
            variation: None,
        };
        let images = pairs.iter().map(|pair| pair.1.max(pair.2)).max().map_or(0, |last| last + 1);
        let image = |at: usize| Image::below("".as_ref(), format!("{at}.jpg").into(), None);
        Benchmark {
            kind: BenchmarkKind::Spair,
            visibility: Visibility::Unsaid,
            split: "test".to_owned(),
            images: (0..images).map(image).collect(),
            pairs: pairs.iter().enumerate().map(pair).collect(),
        }
    }

    /// Every ordered pair of so many photographs, for each category.
    fn of_cliques(photographs: &[usize]) -> Benchmark {
        let mut pairs = Vec::new();
        let mut first = 0;
        for (category, &count) in photographs.iter().enumerate() {
            for source in first..first + count {
                let targets = (first..first + count).filter(|target| *target != source);
                pairs.extend(targets.map(|target| (category, source, target)));
            }
            first += count;
        }
        benchmark(&pairs)
    }

    #[test]
    fn shards_are_read_as_they_are_written_and_nothing_else_is() {
        for (index, of, name) in [(3, 16, "03-of-16"), (1, 1, "01-of-01"), (7, 100, "007-of-100")] {
            let shard = Shard::new(index, of).unwrap();
            assert_eq!(shard.to_string().parse(), Ok(shard));
            assert_eq!(shard.name(), name);
            assert_eq!(Shard::of_name(name), Some((shard, "")));
            assert_eq!(
                Shard::of_name(&format!("{name}.jsonl.inputs")),
                Some((shard, ".jsonl.inputs"))
            );
        }
        for wrong in ["", "3", "/", "3/", "/3", "-1/4", "+1/4", "1/4/4", "1 /4", "a/b", "1.5/4"] {
            assert_eq!(wrong.parse::<Shard>(), Err(ShardError::Form), "{wrong}");
        }
        let huge = "1/99999999999999999999999999";
        assert_eq!(huge.parse::<Shard>(), Err(ShardError::Form));
        assert_eq!("0/16".parse::<Shard>(), Err(ShardError::Zero { of: 16 }));
        assert_eq!("17/16".parse::<Shard>(), Err(ShardError::Beyond { index: 17, of: 16 }));
        assert_eq!("1/0".parse::<Shard>(), Err(ShardError::Number { of: 0 }));
        for name in ["3-of-16", "03-of-16x", "00-of-16", "17-of-16", "03-of-", "03", ".03-of-16"] {
            assert_eq!(Shard::of_name(name), None, "{name}");
        }
        let said = ShardError::Zero { of: 16 }.to_string();
        assert!(said.contains("$((INDEX + 1))/16"), "{said}");
    }

    #[test]
    fn while_they_suffice_categories_stay_whole_the_largest_first() {
        // 12, 2, 20 and 6 pairs.
        let benchmark = of_cliques(&[4, 2, 5, 3]);
        let sizes = |of| partition(&benchmark, of).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(1), [40]);
        assert_eq!(sizes(2), [20, 20]);
        assert_eq!(sizes(3), [20, 12, 8]);
        assert_eq!(sizes(4), [20, 12, 6, 2]);
        let third = &partition(&benchmark, 3)[2];
        assert_eq!(*third, [12, 13, 34, 35, 36, 37, 38, 39], "the second and the fourth category");
        assert_eq!(runs(third), [[12, 13], [34, 39]]);
    }

    /// SPair-71k's test split has 18 categories of about 27 photographs.
    #[test]
    fn with_more_shards_than_categories_none_has_much_more_than_its_share() {
        let benchmark = of_cliques(&[27; 18]);
        for of in [19, 36, 40, 100, 500] {
            let shards = partition(&benchmark, of);
            let largest = shards.iter().map(Vec::len).max().unwrap();
            let share = benchmark.pairs.len() as f64 / of as f64;
            assert!(largest as f64 <= 1.5 * share, "{of}: {largest} of a share of {share}");
        }
        // A photograph is seen by few shards.
        let shards = partition(&benchmark, 36);
        let seen = (0..36)
            .map(|at| Part::of(&benchmark, Shard::new(at + 1, 36).unwrap()).benchmark.images.len());
        assert!(seen.sum::<usize>() <= 3 * benchmark.images.len());
        assert_eq!(shards.iter().map(Vec::len).sum::<usize>(), benchmark.pairs.len());
    }

    /// Written down: a change of this is a change of what files of shards hold.
    #[test]
    fn the_parts_are_these() {
        let benchmark = of_cliques(&[4, 3]);
        let shards = partition(&benchmark, 5);
        let expected: [&[usize]; 5] =
            [&[1, 4, 6, 7], &[2, 5, 9, 10], &[13, 15, 16, 17], &[0, 3, 12, 14], &[8, 11]];
        assert_eq!(shards, expected);
    }

    #[test]
    fn a_part_is_the_benchmark_with_fewer_pairs() {
        let benchmark = of_cliques(&[3, 2]);
        let part = Part::of(&benchmark, Shard::new(2, 2).unwrap());
        assert_eq!((&*part.positions, part.total), (&[6, 7][..], 8));
        let names: Vec<&str> = part.benchmark.images.iter().map(|image| &*image.name).collect();
        assert_eq!(names, ["3.jpg", "4.jpg"]);
        let pairs: Vec<_> =
            part.benchmark.pairs.iter().map(|pair| (&*pair.id, pair.source, pair.target)).collect();
        assert_eq!(pairs, [("6", 0, 1), ("7", 1, 0)]);
        assert_eq!(part.categories(), ["category 1"]);
        let header = ShardHeader { index: 2, of: 2, pairs: vec![[6, 7]], total: 8 };
        assert_eq!(part.header(), header);
    }

    #[test]
    fn ranges_cover_all_things_once() {
        for (total, of) in [(0, 3), (2, 5), (7, 3), (12_234, 16)] {
            let ranges = (1..=of).map(|index| Shard::new(index, of).unwrap().range(total));
            let all: Vec<usize> = ranges.flatten().collect();
            assert_eq!(all, (0..total).collect::<Vec<_>>());
        }
    }

    proptest! {
        #[test]
        fn every_pair_is_in_one_shard_and_mirrors_are_together(
            pairs in prop::collection::vec((0usize..4, 0usize..9, 0usize..9), 0..120),
            of in 1usize..60,
        ) {
            let benchmark = benchmark(&pairs);
            let shards = partition(&benchmark, of);
            prop_assert_eq!(shards.len(), of);
            prop_assert_eq!(&shards, &partition(&benchmark, of));
            let mut shard_of = vec![None; pairs.len()];
            for (shard, members) in shards.iter().enumerate() {
                prop_assert!(members.is_sorted());
                for &pair in members {
                    prop_assert_eq!(shard_of[pair].replace(shard), None);
                }
            }
            prop_assert!(shard_of.iter().all(Option::is_some));
            let mut seen: HashMap<(usize, usize, usize), usize> = HashMap::new();
            for (at, &(category, source, target)) in pairs.iter().enumerate() {
                let key = (category, source.min(target), source.max(target));
                let shard = shard_of[at].unwrap();
                prop_assert_eq!(*seen.entry(key).or_insert(shard), shard);
            }
            let categories: HashSet<usize> = pairs.iter().map(|pair| pair.0).collect();
            if of <= categories.len() {
                let parts = (1..=of).map(|at| Part::of(&benchmark, Shard::new(at, of).unwrap()));
                let all: Vec<String> =
                    parts.flat_map(|part| part.categories().into_iter().map(str::to_owned).collect::<Vec<_>>()).collect();
                prop_assert_eq!(all.len(), categories.len(), "a category is in one shard");
            }
        }
    }
}
