//! The networks that read a transformation off a correlation: one of CNNGeo and WeakAlign, one of
//! A2Net.

use crate::backbone::networks::{self, GeometricModel, Parameter};

pub mod a2net;
pub mod cnngeo;
mod layers;

pub use crate::method::learned::ParameterValues;
pub use layers::{CELLS, Regression};

/// Which network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegressionKind {
    /// CNNGeo's, which is WeakAlign's.
    CnnGeo,
    /// A2Net's.
    A2Net,
}

impl RegressionKind {
    /// Its parameters with their names after `FeatureRegression.`.
    #[must_use]
    pub fn parameters(self, geometry: GeometricModel) -> Vec<Parameter> {
        match self {
            Self::CnnGeo => networks::regression(geometry.parameters()),
            Self::A2Net => networks::attention(geometry.parameters()),
        }
    }

    /// The network of these parameters.
    #[must_use]
    pub fn build(self, values: &ParameterValues) -> Box<dyn Regression> {
        match self {
            Self::CnnGeo => Box::new(cnngeo::CnnGeo::new(values)),
            Self::A2Net => Box::new(a2net::A2Net::new(values)),
        }
    }
}
