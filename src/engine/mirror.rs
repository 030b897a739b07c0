//! Mirror pairs: requests from one hyperimage to another and back, which share their similarities.
//!
//! The similarities of target to source are those of source to target, transposed, and the votes of
//! an offset are those of the opposite offset. Benchmarks list most pairs both ways (SPair-71k and
//! PF-WILLOW all of them), so the expensive part of matching is needed once for two pairs. Which way
//! it is computed depends on the hyperimages alone, never on what else is asked for: a pair has the
//! same bytes with and without its mirror.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::request::PairRequest;
use crate::hyperpixel::values;
use crate::hyperpixel::{Hyperimage, LayerStack};

/// Two hyperimages and what is asked of them, as positions in a list of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MirrorPair {
    /// The request from the first hyperimage to the second.
    pub forward: Option<usize>,
    /// The request from the second to the first.
    pub backward: Option<usize>,
}

impl MirrorPair {
    /// The first and the second hyperimage.
    pub(super) fn images<'a>(&self, requests: &'a [PairRequest]) -> [&'a Hyperimage; 2] {
        match (self.forward, self.backward) {
            (Some(at), _) => [&requests[at].source, &requests[at].target],
            (None, Some(at)) => [&requests[at].target, &requests[at].source],
            (None, None) => unreachable!("a mirror pair has a request"),
        }
    }
}

/// Puts every request into a mirror pair, with its mirror where there is one. They stand in the order
/// of their first request; a request that is there twice is in two of them.
pub(super) fn mirror_pairs(requests: &[PairRequest]) -> Vec<MirrorPair> {
    let mut pairs: Vec<MirrorPair> = Vec::new();
    // Of each two hyperimages those that lack a direction, the oldest first.
    let mut open: HashMap<[u64; 2], Vec<usize>> = HashMap::new();
    for (at, request) in requests.iter().enumerate() {
        let backward = is_backward(&request.source, &request.target);
        let mut key = [request.source.id, request.target.id];
        if backward {
            key.reverse();
        }
        let waiting = open.entry(key).or_default();
        let lacks = |pair: &MirrorPair| match backward {
            true => pair.backward.is_none(),
            false => pair.forward.is_none(),
        };
        match waiting.iter().position(|&index| lacks(&pairs[index])) {
            Some(position) => {
                let pair = &mut pairs[waiting.remove(position)];
                *(if backward { &mut pair.backward } else { &mut pair.forward }) = Some(at);
            }
            None => {
                waiting.push(pairs.len());
                pairs.push(MirrorPair {
                    forward: (!backward).then_some(at),
                    backward: backward.then_some(at),
                });
            }
        }
    }
    pairs
}

/// Whether a request from `source` to `target` is computed the other way around. Equal hyperimages
/// are not: for them both ways are one.
pub(super) fn is_backward(source: &Hyperimage, target: &Hyperimage) -> bool {
    order(source, target) == Ordering::Greater
}

/// An order of hyperimages by their content: sizes, then maps. The base layer's nearly always decide
/// at once, so layer sets of one base are computed the same way around.
fn order(a: &Hyperimage, b: &Hyperimage) -> Ordering {
    let maps = a.groups.iter().zip(&b.groups).map(|(a, b)| [a.data.view(), b.data.view()]);
    (a.width, a.height).cmp(&(b.width, b.height)).then_with(|| order_of_maps(maps))
}

/// [`is_backward`] for the hyperimages of a layer set, given its maps' positions group by group.
pub(super) fn is_backward_set(
    source: &LayerStack,
    target: &LayerStack,
    positions: impl Iterator<Item = usize>,
) -> bool {
    let maps = positions.map(|at| [&source.maps[at], &target.maps[at]].map(|map| map.data.view()));
    let sizes = (source.width, source.height).cmp(&(target.width, target.height));
    sizes.then_with(|| order_of_maps(maps)) == Ordering::Greater
}

fn order_of_maps<'a>(mut maps: impl Iterator<Item = [values::ValuesView<'a>; 2]>) -> Ordering {
    maps.find_map(|[a, b]| Some(order_of_bits(a, b)).filter(|order| order.is_ne()))
        .unwrap_or(Ordering::Equal)
}

/// Values of one precision by their bits; the requests of a mirror pair have one.
fn order_of_bits(a: values::ValuesView, b: values::ValuesView) -> Ordering {
    match (a, b) {
        (values::ValuesView::Half(a), values::ValuesView::Half(b)) => {
            a.iter().map(|value| value.to_bits()).cmp(b.iter().map(|value| value.to_bits()))
        }
        (a, b) => {
            let (a, b) = (a.single(), b.single());
            a.iter().map(|value| value.to_bits()).cmp(b.iter().map(|value| value.to_bits()))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::hyperpixel::{Geometry, synthetic};

    fn image(seed: u64) -> Arc<Hyperimage> {
        let layers = "0,9".parse().unwrap();
        Arc::new(synthetic::hyperimage("resnet50", &layers, Geometry::new(4, 11), [60, 45], seed))
    }

    fn request(source: &Arc<Hyperimage>, target: &Arc<Hyperimage>) -> PairRequest {
        PairRequest { source: Arc::clone(source), target: Arc::clone(target), rows: vec![0] }
    }

    #[test]
    fn mirrors_are_put_together_and_repetitions_are_not() {
        let (mut a, mut b, c) = (image(1), image(2), image(3));
        if is_backward(&a, &b) {
            std::mem::swap(&mut a, &mut b);
        }
        let requests =
            [request(&a, &b), request(&a, &b), request(&c, &c), request(&b, &a), request(&c, &c)];
        let pair = |forward, backward| MirrorPair { forward, backward };
        assert_eq!(
            mirror_pairs(&requests),
            [pair(Some(0), Some(3)), pair(Some(1), None), pair(Some(2), None), pair(Some(4), None)]
        );
        assert_eq!(mirror_pairs(&requests[3..4]), [pair(None, Some(0))]);
        assert_eq!(mirror_pairs(&requests[3..4])[0].images(&requests[3..4]), [&*a, &*b]);
    }

    #[test]
    fn the_way_depends_on_the_content_alone() {
        let (a, b) = (image(1), image(2));
        assert_ne!(is_backward(&a, &b), is_backward(&b, &a));
        // Made again, they have other numbers but the same content.
        assert_eq!(is_backward(&a, &b), is_backward(&image(1), &image(2)));
        assert!(!is_backward(&a, &image(1)) && !is_backward(&image(1), &a));
    }
}
