//! Lists, annotations, tables and weights as other programs write them.
