//! What evaluators' code decides while it predicts.

use crate::predictions::MethodHeader;
use crate::protocol::{Predicting, Protocol};

/// What separates predictions from what these protocols' code would have made, as far as their
/// header's `method` tells: a sentence for all that do the same, none where nothing is known to.
#[must_use]
pub fn warnings(protocols: &[&Protocol], method: &MethodHeader) -> Vec<String> {
    let mut alike: Vec<(Predicting, Vec<&str>)> = Vec::new();
    for protocol in protocols {
        let Some(predicting) = protocol.predicting else { continue };
        match alike.iter_mut().find(|(other, _)| *other == predicting) {
            Some((_, names)) => names.push(protocol.name),
            None => alike.push((predicting, vec![protocol.name])),
        }
    }
    alike.iter().filter_map(|(predicting, names)| predicting.warning(names, method)).collect()
}

impl Predicting {
    fn warning(self, protocols: &[&str], method: &MethodHeader) -> Option<String> {
        let Self { image_side, resizing, rounding } = self;
        let side = method.value(MethodHeader::IMAGE_SIDE);
        if rounding.is_none() && side.is_some_and(|side| *side == image_side) {
            return None;
        }
        let rounding = rounding.map_or_else(String::new, |how| format!(" and {how}"));
        let says = side.map_or_else(
            || "says nothing of image_side".to_owned(),
            |side| format!("says image_side {side}"),
        );
        let (s, whose) = if protocols.len() == 1 { ("", "its") } else { ("s", "their") };
        Some(format!(
            "protocol{s} {}: {whose} code also {resizing} images to a square of {image_side} px\
             {rounding} when predicting, which scoring cannot add; the header {says}",
            protocols.join(", ")
        ))
    }
}
