//! Whether the tensors of a file are those of a network.

use std::path::Path;

use super::error::{Names, WeightsError};
use crate::backbone::networks::{Parameter, Shapes};

/// Whether a file has every parameter of a network at its shape. The errors say of which network,
/// and whose names are expected.
pub(super) fn fits(
    path: &Path,
    shapes: &Shapes,
    parameters: Vec<Parameter>,
    network: &str,
    names: Names,
) -> Result<(), WeightsError> {
    let (path, backbone) = (path.to_owned(), network.to_owned());
    let mut missing = parameters.iter().filter(|each| !shapes.contains_key(&each.name));
    if let Some(Parameter { name, shape }) = missing.next() {
        return Err(WeightsError::Missing {
            path,
            backbone,
            name: name.clone(),
            shape: shape.clone(),
            missing: 1 + missing.count() as u32,
            needed: parameters.len() as u32,
            names,
        });
    }
    match parameters.into_iter().find(|each| shapes[&each.name] != each.shape) {
        None => Ok(()),
        Some(Parameter { name, shape }) => Err(WeightsError::Shape {
            path,
            backbone,
            found: shapes[&name].clone(),
            expected: shape,
            name,
        }),
    }
}
