//! The file between predicting and scoring: JSON Lines, a header and a line a pair.
