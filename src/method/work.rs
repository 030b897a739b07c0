//! What a method is given: photographs, and which keypoints of which of them to find in which other.
//! Nothing of the truth is in it.

use super::schedule;
use crate::Point;
use crate::benchmark::{Benchmark, Image};
use crate::image::Photo;

/// A photograph of some work.
#[derive(Debug, Clone, Copy)]
pub struct WorkPhotograph<'a> {
    /// Its file or its pixels.
    pub photo: Photo<'a>,
    /// What it is known by in its benchmark ([`Image::name`]), if it is of one: kept features are found
    /// by it.
    pub name: Option<&'a str>,
    /// Width and height in original pixels, as its annotation has them.
    pub size: Option<[u32; 2]>,
}

/// A pair of some work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WorkPair<'a> {
    /// The number that its outcome has, which whoever asks chooses: a benchmark's pair has its index in
    /// [`Benchmark::pairs`].
    pub number: usize,
    /// The photograph that the keypoints are in, by its place in the work.
    pub source: usize,
    /// The photograph to find them in, by its place in the work.
    pub target: usize,
    /// Keypoints in original pixels of the source.
    pub keypoints: &'a [Point],
}

/// Pairs of photographs, in the order in which they are best matched.
#[derive(Debug, Clone)]
pub struct Work<'a> {
    photographs: Vec<WorkPhotograph<'a>>,
    pairs: Vec<WorkPair<'a>>,
}

/// A pair of a photograph that the work does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("pair {pair} is of photograph {photograph}, and there are {photographs}; count from 0")]
pub struct NoSuchPhotograph {
    /// The pair's number.
    pub pair: usize,
    /// The photograph's place.
    pub photograph: usize,
    /// How many photographs there are.
    pub photographs: usize,
}

/// When each photograph of some work is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uses {
    /// The photographs that pairs are of, in the order of first use.
    pub photographs: Vec<usize>,
    /// For each photograph the position of its last pair; `None` where no pair is of it.
    pub last: Vec<Option<usize>>,
}

impl<'a> WorkPhotograph<'a> {
    /// A photograph of no benchmark.
    #[must_use]
    pub fn new(photo: Photo<'a>) -> Self {
        Self { photo, name: None, size: None }
    }

    /// A photograph of a benchmark.
    #[must_use]
    pub fn of(image: &'a Image) -> Self {
        Self { photo: Photo::File(&image.path), name: Some(&image.name), size: image.size }
    }
}

impl<'a> Work<'a> {
    /// Pairs of photographs. A photograph is kept from its first to its last pair, so pairs of the same
    /// photographs are best beside each other, and each beside its mirror.
    ///
    /// # Errors
    /// A pair of a photograph that there is not.
    pub fn new(
        photographs: Vec<WorkPhotograph<'a>>,
        pairs: Vec<WorkPair<'a>>,
    ) -> Result<Self, NoSuchPhotograph> {
        let count = photographs.len();
        for pair in &pairs {
            if let Some(photograph) = [pair.source, pair.target].into_iter().find(|&p| p >= count) {
                return Err(NoSuchPhotograph { pair: pair.number, photograph, photographs: count });
            }
        }
        Ok(Self { photographs, pairs })
    }

    /// Some pairs of a benchmark (indices in [`Benchmark::pairs`]), category by category, each followed
    /// by its mirror.
    #[must_use]
    pub fn of(benchmark: &'a Benchmark, pairs: &[usize]) -> Self {
        let pair = |number: usize| {
            let pair = &benchmark.pairs[number];
            let (source, target, keypoints) = (pair.source, pair.target, &*pair.source_keypoints);
            WorkPair { number, source, target, keypoints }
        };
        Self {
            photographs: benchmark.images.iter().map(WorkPhotograph::of).collect(),
            pairs: schedule::order(benchmark, pairs).into_iter().map(pair).collect(),
        }
    }

    /// The photographs.
    #[must_use]
    pub fn photographs(&self) -> &[WorkPhotograph<'a>] {
        &self.photographs
    }

    /// The pairs, in the order of matching.
    #[must_use]
    pub fn pairs(&self) -> &[WorkPair<'a>] {
        &self.pairs
    }

    /// When each photograph is needed.
    #[must_use]
    pub fn uses(&self) -> Uses {
        let mut last = vec![None; self.photographs.len()];
        let mut photographs = Vec::new();
        for (position, pair) in self.pairs.iter().enumerate() {
            for photograph in [pair.source, pair.target] {
                if last[photograph].replace(position).is_none() {
                    photographs.push(photograph);
                }
            }
        }
        Uses { photographs, last }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmark::{BenchmarkKind, Pair, Variation, Visibility};

    fn benchmark() -> Benchmark {
        let pair = |category: &str, source, target| Pair {
            id: format!("{category}:{source}-{target}"),
            category: category.to_owned(),
            source,
            target,
            source_keypoints: vec![[1.0, 2.0], [3.0, 4.0]],
            target_keypoints: vec![[5.0, 6.0], [7.0, 8.0]],
            keypoint_ids: vec!["0".to_owned(), "1".to_owned()],
            source_box: Some([0.0, 0.0, 9.0, 9.0]),
            target_box: Some([1.0, 1.0, 8.0, 8.0]),
            variation: Some(Variation { viewpoint: 0, scale: 1, truncation: 2, occlusion: 3 }),
        };
        let image = |name: &str| Image::below("".as_ref(), name.into(), Some([10, 10]));
        Benchmark {
            kind: BenchmarkKind::Spair,
            visibility: Visibility::Unsaid,
            split: "test".to_owned(),
            images: ["a", "b", "c", "d"].map(image).to_vec(),
            pairs: vec![pair("cat", 0, 1), pair("dog", 2, 3), pair("cat", 1, 0)],
        }
    }

    #[test]
    fn a_method_s_input_holds_nothing_of_the_truth() {
        let whole = benchmark();
        let mut without = benchmark();
        for (number, pair) in without.pairs.iter_mut().enumerate() {
            pair.id = number.to_string();
            pair.category = if pair.category == "cat" { "1" } else { "2" }.to_owned();
            pair.target_keypoints = vec![[f32::NAN; 2]];
            pair.keypoint_ids.clear();
            (pair.source_box, pair.target_box, pair.variation) = (None, None, None);
        }
        let [whole, without] = [&whole, &without].map(|b| Work::of(b, &[0, 1, 2]));
        assert_eq!(format!("{whole:?}"), format!("{without:?}"));
        // Whoever adds a field has to say here that it is no truth.
        let Work { photographs, pairs } = whole;
        let WorkPhotograph { photo: _, name: _, size: _ } = photographs[0];
        let WorkPair { number: _, source: _, target: _, keypoints: _ } = pairs[0];
    }

    #[test]
    fn photographs_are_needed_from_their_first_to_their_last_pair() {
        let benchmark = benchmark();
        let work = Work::of(&benchmark, &[0, 1, 2]);
        let numbers: Vec<usize> = work.pairs().iter().map(|pair| pair.number).collect();
        assert_eq!(numbers, [0, 2, 1]);
        let uses = work.uses();
        assert_eq!(uses.photographs, [0, 1, 2, 3]);
        assert_eq!(uses.last, [Some(1), Some(1), Some(2), Some(2)]);
    }

    #[test]
    fn a_pair_of_a_photograph_that_there_is_not_is_refused() {
        let benchmark = benchmark();
        let photographs: Vec<WorkPhotograph> =
            benchmark.images[..2].iter().map(WorkPhotograph::of).collect();
        let pair = |target| WorkPair { number: 7, source: 0, target, keypoints: &[] };
        assert!(Work::new(photographs.clone(), vec![pair(1)]).is_ok());
        let said = Work::new(photographs, vec![pair(1), pair(2)]).unwrap_err();
        assert_eq!(said, NoSuchPhotograph { pair: 7, photograph: 2, photographs: 2 });
    }
}
