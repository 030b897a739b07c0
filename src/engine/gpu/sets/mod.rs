//! One pair under many layer sets on the device (docs/method.md, "Many layer sets"): each map is
//! uploaded once and correlated once a pair, and a set adds up the correlations of its layers.
//!
//! Sets are taken in blocks. The coarse layers of a block's pairs are correlated at their native
//! resolution in its first submission, and their correlations stay for the others; a submission takes
//! as many sets as the memory allows. Sets that have a coarse group in common share its sum, expanded.
//! Sets that have their base group in common share its product, which `vote` and `pick` compute once
//! for all that a submission has of them; the next submission multiplies it again, because kept it would
//! take the square of the number of hyperpixels. Base groups are lined up on the device, because the
//! cells that count differ between base layers. Each sum has the order that it has where a set is matched
//! alone, so the bits are the same.

mod job;
mod plan;
mod run;

pub(super) use run::match_sets;
