//! What is kept of photographs, and which photograph it is of.
