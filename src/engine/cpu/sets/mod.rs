//! One pair under many layer sets (docs/method.md, "Many layer sets"): each map is correlated once
//! for two photographs, and a set adds up the correlations of its layers.
//!
//! Coarse maps are correlated at their native resolution before anything else. Maps at the base's
//! resolution are multiplied one source row and some target rows at a time, for all sets together,
//! because their products are too many to be kept; what coarse groups add to them is upsampled once
//! for all sets as well. Each sum has the order that it has where a set is matched alone, so the bits
//! are the same.

mod correlations;
mod diagonals;
mod run;
mod set;
mod vote;

pub(super) use run::match_sets;
