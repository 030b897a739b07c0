//! PCK, protocols and breakdowns of a predictions file.
