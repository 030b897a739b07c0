//! Integration tests: one binary, so that libtorch links once; a module an area.

mod architecture;
mod baselines;
mod benchmark;
mod browser;
mod cases;
mod checkpoint;
mod cli;
mod containers;
mod dataset;
mod demo;
mod docs;
mod download;
mod engines;
mod examples;
mod features;
#[cfg(feature = "torch")]
mod golden;
mod gpu;
mod gpu_faults;
mod hog;
mod hub_server; // a stand-in for the Hugging Face hub
mod image;
mod method;
mod ncnet;
mod oracle;
mod picture;
mod predictions;
mod report;
#[cfg(feature = "torch")]
mod resnet;
mod score;
mod search;
mod search_gpu;
mod shaders;
mod shards;
mod shared; // where the research data beside the checkout is, and how to say that it is absent
mod tasks;
mod warped;
mod weights;
#[cfg(feature = "torch")]
mod willow;
