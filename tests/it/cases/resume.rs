//! Unfinished work, and what it is continued with.
