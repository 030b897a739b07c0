//! Tables and reports of scores.
