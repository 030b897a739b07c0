//! The layer sets of pairs as jobs, and blocks of them whose layers are correlated together.

use crate::engine::gpu::layout::QUAD;
use crate::engine::gpu::plan::{GroupShape, Shape, Way};
use crate::engine::gpu::preset::Preset;
use crate::engine::mirror::is_backward_set;
use crate::engine::request::{SetRequest, SetsRequest};
use crate::hyperpixel::{Grid, LayerStack, View};

/// One set of one pair.
pub(super) struct SetJob<'a> {
    /// Number of the pair among the requests.
    pub pair: usize,
    /// Number of the set among the pair's.
    pub set: usize,
    /// The first image and the second, and whether the pair asked for is the one back.
    pub stacks: [&'a LayerStack; 2],
    pub views: [&'a View; 2],
    pub backward: bool,
    pub rows: &'a [u32],
    /// Positions of its layers at the base's resolution.
    pub base: Vec<usize>,
    /// Positions of its layers at each coarser resolution.
    pub coarse: Vec<Vec<usize>>,
}

/// All sets of all pairs; those of a pair that share their base group are neighbours.
pub(super) fn jobs(requests: &[SetsRequest]) -> Vec<SetJob<'_>> {
    let mut all = Vec::new();
    for (pair, request) in requests.iter().enumerate() {
        let job = |(number, set)| SetJob::new(pair, request, number, set);
        let mut of_pair: Vec<SetJob> = request.sets.iter().enumerate().map(job).collect();
        of_pair.sort_by(|one, other| (one.backward, &one.base).cmp(&(other.backward, &other.base)));
        all.extend(of_pair);
    }
    all
}

impl<'a> SetJob<'a> {
    fn new(pair: usize, request: &'a SetsRequest, number: usize, set: &'a SetRequest) -> Self {
        let groups = request.source.by_group(&set.positions);
        let positions = groups.iter().flatten().copied();
        let backward = is_backward_set(&request.source, &request.target, positions);
        let mut groups = groups.into_iter();
        let mut stacks = [&*request.source, &*request.target];
        let mut views = [&*set.source, &*set.target];
        if backward {
            stacks.reverse();
            views.reverse();
        }
        Self {
            pair,
            set: number,
            stacks,
            views,
            backward,
            rows: &set.rows,
            base: groups.next().expect("a checked set has a layer"),
            coarse: groups.collect(),
        }
    }

    /// What decides how much scratch it takes.
    pub(super) fn shape(&self, preset: &'a Preset) -> Shape<'a> {
        let [first, second] = self.stacks;
        let channels =
            |layers: &[usize]| layers.iter().map(|&at| first.maps[at].channels).collect();
        let group = |layers: &Vec<usize>| GroupShape {
            layers: channels(layers),
            maps: [&first.maps[layers[0]], &second.maps[layers[0]]],
        };
        let channels: Vec<usize> = channels(&self.base);
        Shape {
            preset,
            sizes: self.stacks.map(|stack| [stack.width, stack.height]),
            grids: self.views.map(|view| view.grid),
            channels: channels.iter().sum(),
            groups: self.coarse.iter().map(group).collect(),
            ways: vec![Way { backward: self.backward, rows: self.rows }],
        }
    }

    /// The cells that count on both sides.
    pub(super) fn cells(&self) -> [Cells; 2] {
        self.views.map(|view| cells(&view.grid))
    }

    /// The pair, and which way around its images are.
    pub(super) fn couple(&self) -> Couple {
        (self.pair, self.backward)
    }

    /// Whether another set has the same base group of the same pair.
    pub(super) fn shares_base(&self, other: &Self) -> bool {
        (self.couple(), &self.base, self.cells()) == (other.couple(), &other.base, other.cells())
    }
}

/// Number of a pair among the requests, and which way around its images are.
pub(super) type Couple = (usize, bool);

/// First and number of the rows and columns that count.
pub(super) type Cells = [usize; 4];

fn cells(grid: &Grid) -> Cells {
    [grid.rows.start, grid.rows.len, grid.columns.start, grid.columns.len]
}

/// Sets whose maps are on the device and whose layers' correlations are kept together.
#[derive(Default)]
pub(super) struct SetBlock<'a> {
    /// Sets that are still to be planned.
    pub left: usize,
    /// Whether the layers have been correlated.
    pub correlated: bool,
    /// The coarse layers.
    pub layers: Vec<KeptLayer<'a>>,
}

/// A coarse layer whose correlation is kept.
pub(super) struct KeptLayer<'a> {
    /// The couple, and position of the layer.
    pub couple: Couple,
    pub position: usize,
    pub stacks: [&'a LayerStack; 2],
    /// Quads of its correlation, and of the products of its parts.
    pub quads: usize,
    pub partial: usize,
}

impl SetBlock<'_> {
    /// Bytes of the correlations, and of the products of their parts.
    pub(super) fn bytes(&self) -> [usize; 2] {
        let sum = |of: fn(&KeptLayer) -> usize| self.layers.iter().map(of).sum::<usize>() * QUAD;
        [sum(|kept| kept.quads), sum(|kept| kept.partial)]
    }
}
