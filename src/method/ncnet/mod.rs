//! NC-Net: neighbourhood consensus networks (Rocco et al., NeurIPS 2018).

pub mod matches;
