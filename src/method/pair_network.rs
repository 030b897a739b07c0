//! The driver of learned methods that look at a pair as two squares: each photograph is read and goes
//! through a trunk once however many pairs it is in, pairs go through the networks in batches, and
//! points are carried by what the networks found.

use std::time::Instant;

use super::frame::Frame;
use super::learned::flow_of;
use super::photo_cache::PhotoCache;
use super::{
    Matched, Method, MethodError, Outcome, Query, Sharing, Sink, TooLarge, Unanswered, Unusable,
    Work, WorkPair, WorkPhotograph,
};
use crate::Point;
use crate::predictions::{HeaderField, MethodHeader};

/// Which way a learned method is asked for the pair's keypoints. Such a network maps points of its
/// `target_image` into its `source_image`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Direction {
    /// The network's source_image is the pair's target: its mapping is the answer.
    #[default]
    Direct,
    /// The network's source_image is the pair's source: its mapping is inverted.
    Inverse,
}

/// A pair as a network takes it: photographs by their place in the work.
#[derive(Debug, Clone, Copy)]
pub struct NetworkPair {
    /// The network's source image, which points are mapped into.
    pub a: usize,
    /// The network's target image, which points are mapped from.
    pub b: usize,
}

/// Networks that find, for pairs of photographs, how points go from one to the other.
pub(super) trait PairNetwork: Send {
    /// What is found of a pair.
    type Found;
    /// How points of a pair go by it.
    type Mapping: Mapping;

    /// Everything that decides the numbers but for direction and coordinates; an engine's fields too.
    fn header(&self) -> MethodHeader;

    /// The side in pixels of the squares that photographs become.
    fn image_side(&self) -> usize;

    /// Looks at pairs whose photographs are usable and in the cache, and says what it found of each. That
    /// does not depend on the other pairs.
    ///
    /// # Errors
    /// A network or an engine that failed, or an engine that one of the pairs is beyond.
    fn look(
        &mut self,
        photographs: &mut PhotoCache,
        pairs: &[NetworkPair],
    ) -> Result<Vec<Self::Found>, MethodError>;

    /// How points go from a pair's source to its target by what was found.
    fn mapping(found: Self::Found, direction: Direction) -> Self::Mapping;

    /// Seconds that each stage was at work, between decoding photographs and transferring keypoints.
    fn stage_seconds(&self) -> Vec<(&'static str, f64)>;
}

/// How points of a pair's source go to its target.
pub(super) trait Mapping: Sync {
    /// A point, from -1 at the centre of the first pixel to 1 at that of the last on both axes; `None`
    /// where nothing is known of it.
    fn apply(&self, point: [f64; 2]) -> Option<[f64; 2]>;
}

/// A method made of networks.
pub(super) struct PairMethod<N> {
    network: N,
    direction: Direction,
    /// The coordinate of the first pixel's centre: that of the benchmark's annotations.
    first_pixel: u8,
    sharing: Sharing,
    decode_seconds: f64,
    transfer_seconds: f64,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Direct, Self::Inverse];

    /// The field of a header.
    pub const FIELD: HeaderField<String> = HeaderField::new("direction");

    /// The name in requests and in predictions files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Inverse => "inverse",
        }
    }

    /// The network's view of a pair.
    #[must_use]
    pub fn pair(self, source: usize, target: usize) -> NetworkPair {
        match self {
            Self::Direct => NetworkPair { a: target, b: source },
            Self::Inverse => NetworkPair { a: source, b: target },
        }
    }
}

/// A header's `first_pixel`.
pub(super) const FIRST_PIXEL: HeaderField<u8> = HeaderField::new("first_pixel");

/// Width and height in original pixels of a pair's source and target.
type Sizes = [[u32; 2]; 2];

impl<N: PairNetwork> PairMethod<N> {
    /// The method with these networks.
    pub(super) fn new(network: N, direction: Direction, first_pixel: u8, sharing: Sharing) -> Self {
        let (decode_seconds, transfer_seconds) = (0.0, 0.0);
        Self { network, direction, first_pixel, sharing, decode_seconds, transfer_seconds }
    }

    /// How points of the source go to the target, in original pixels.
    fn carry(&self, mapping: &N::Mapping, sizes: Sizes) -> impl Fn(Point) -> Option<Point> + Sync {
        let [source, target] = sizes.map(|size| Frame { size, first: self.first_pixel });
        move |point| target.to_pixels(mapping.apply(source.to_unit(point))?)
    }

    /// Predicts pairs that go through the networks together, and gives an outcome for each.
    fn batch(
        &mut self,
        work: &Work,
        pairs: &[WorkPair],
        photographs: &mut PhotoCache,
    ) -> Result<Vec<Outcome>, MethodError> {
        let start = Instant::now();
        let needed = pairs.iter().flat_map(|pair| [pair.source, pair.target]);
        photographs.read(needed.map(|place| (place, work.photographs()[place])));
        self.decode_seconds += start.elapsed().as_secs_f64();
        let sizes = pairs.iter().map(|pair| photographs.sizes(pair.source, pair.target));
        let sizes: Vec<Result<Sizes, Unusable>> = sizes.collect();
        let usable = pairs
            .iter()
            .zip(&sizes)
            .filter_map(|(pair, sizes)| Some((pair, *sizes.as_ref().ok()?)));
        let usable: Vec<(&WorkPair, Sizes)> = usable.collect();
        let mut transferred = self.transfer(work, &usable, photographs)?.into_iter();
        let each = pairs.iter().zip(sizes).map(|(pair, sizes)| match sizes {
            Ok(_) => transferred.next().expect("every usable pair has an outcome"),
            Err(unusable) => outcome(pair, Err(unusable.into())),
        });
        Ok(each.collect())
    }

    /// Predicts pairs whose photographs are usable and in the cache.
    fn transfer(
        &mut self,
        work: &Work,
        pairs: &[(&WorkPair, Sizes)],
        photographs: &mut PhotoCache,
    ) -> Result<Vec<Outcome>, MethodError> {
        let of_network =
            |(pair, _): &(&WorkPair, Sizes)| self.direction.pair(pair.source, pair.target);
        let of_network: Vec<NetworkPair> = pairs.iter().map(of_network).collect();
        let found = match self.network.look(photographs, &of_network) {
            Ok(found) => found,
            Err(MethodError::Engine(error)) if error.is_too_large() => {
                if let [(pair, _)] = pairs {
                    let photo = |place: usize| &work.photographs()[place].photo;
                    let too_large = TooLarge::new([photo(pair.source), photo(pair.target)], error);
                    return Ok(vec![outcome(pair, Err(too_large.into()))]);
                }
                // Which of them it is; the others are not lost.
                let each = pairs.chunks(1).map(|one| self.transfer(work, one, photographs));
                return Ok(each.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect());
            }
            Err(error) => return Err(error),
        };
        assert_eq!(found.len(), pairs.len(), "a network finds something of each pair");
        let start = Instant::now();
        let transferred = pairs.iter().zip(found).map(|((pair, sizes), found)| {
            let mapping = N::mapping(found, self.direction);
            let carry = self.carry(&mapping, *sizes);
            outcome(pair, Ok(pair.keypoints.iter().map(|&point| carry(point)).collect()))
        });
        let transferred = transferred.collect();
        self.transfer_seconds += start.elapsed().as_secs_f64();
        Ok(transferred)
    }
}

fn outcome(pair: &WorkPair, keypoints: Result<crate::PredictedKeypoints, Unanswered>) -> Outcome {
    Outcome { pair: pair.number, keypoints }
}

impl<N: PairNetwork> Method for PairMethod<N> {
    fn header(&self) -> MethodHeader {
        self.network.header()
    }

    fn predict(&mut self, work: &Work, sink: &mut Sink) -> Result<(), MethodError> {
        let last = work.uses().last;
        let mut photographs = PhotoCache::new(self.network.image_side(), self.sharing);
        let mut done = 0;
        for batch in work.pairs().chunks(self.sharing.batch()) {
            for outcome in self.batch(work, batch, &mut photographs)? {
                sink(outcome).map_err(MethodError::Stopped)?;
            }
            done += batch.len();
            photographs.forget(|place| last[place].is_none_or(|last| last < done));
        }
        Ok(())
    }

    fn match_pair(&mut self, query: &Query) -> Result<Matched, MethodError> {
        let mut photographs = PhotoCache::new(self.network.image_side(), self.sharing);
        let both = [query.source, query.target].map(WorkPhotograph::new);
        photographs.read(both.into_iter().enumerate());
        let sizes = photographs.sizes(0, 1)?;
        let pair = self.direction.pair(0, 1);
        let found = self.network.look(&mut photographs, &[pair]);
        let found = found.map_err(|error| error.of(query))?.pop();
        let found = found.expect("a network finds something of each pair");
        let mapping = N::mapping(found, self.direction);
        let carry = self.carry(&mapping, sizes);
        let keypoints = query.keypoints.iter().map(|&point| carry(point)).collect();
        let flow = query.flow.map(|size| flow_of(size, self.first_pixel, carry));
        Ok(Matched { keypoints, flow })
    }

    fn stage_seconds(&self) -> Vec<(&'static str, f64)> {
        let mut all = vec![("decode", self.decode_seconds)];
        all.extend(self.network.stage_seconds());
        all.push(("transfer", self.transfer_seconds));
        all
    }
}
