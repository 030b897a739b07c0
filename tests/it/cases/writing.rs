//! Where results and messages go, and what happens where they cannot.
