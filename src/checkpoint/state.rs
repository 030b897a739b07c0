//! The dictionary of tensors in a checkpoint, and the names that its tensors get.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use super::blocks::PlacedTensor;
use super::converted::ConvertOptions;
use super::error::CheckpointError;
use super::input::shown;
use super::pickled::PickledCheckpoint;
use crate::backbone::weights::with_meaning;
use crate::pickle::{Pickle, Tensor, Value};

/// Entries that a state dictionary is kept under.
const USUAL: [&str; 8] = [
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "network",
    "net",
    "weights",
    "params",
];

/// How many levels of entries are searched.
const MAX_DEPTH: usize = 4;

/// How many entries are searched where none has a usual name.
const MAX_CANDIDATES: usize = 64;

/// What `DataParallel` puts before every name.
const PARALLEL: &str = "module.";

/// What the first releases of CNNGeo and WeakAlign called the backbone, and what their loaders
/// make of it.
const OLD_BACKBONE: (&str, &str) = ("FeatureExtraction.vgg.", "FeatureExtraction.model.");

/// Counters of batch normalisation, which PyTorch stores since 0.4.1 and inference does not need.
const COUNTER: &str = "num_batches_tracked";

/// The tensors of a checkpoint.
pub(super) struct StateDictionary {
    /// The entry that they are in; empty at the top.
    pub(super) key: String,
    /// By their new names: types of large numbers first, then by name, as safetensors has them.
    pub(super) tensors: Vec<(String, PlacedTensor)>,
    pub(super) renamed: Vec<(String, usize)>,
    pub(super) left_out: Vec<String>,
}

type Entries = [(usize, usize)];

pub(super) fn find(
    checkpoint: &PickledCheckpoint<'_>,
    options: &ConvertOptions,
) -> Result<StateDictionary, CheckpointError> {
    let (key, entries) = state_dictionary(checkpoint, options.key.as_deref())?;
    // As in Python, the last of several entries of one name counts.
    let mut named: BTreeMap<&str, &Tensor> = BTreeMap::new();
    let mut others = 0;
    for &(name, value) in entries {
        match (checkpoint.values.get(name), checkpoint.values.get(value)) {
            (Value::Text(name), Value::Tensor(tensor)) => {
                named.insert(name, tensor);
            }
            _ => others += 1,
        }
    }
    let (names, named): (Vec<&str>, Vec<&Tensor>) = named.into_iter().unzip();
    let chosen = choose(checkpoint.path, &names, options.prefix.as_deref())?;
    let mut tensors = Vec::new();
    for (at, name) in chosen.taken {
        let placed = checkpoint.blocks.place(&checkpoint.values, named[at]);
        let placed = placed
            .map_err(|what| checkpoint.damaged(format!("tensor {} {what}", shown(names[at]))))?;
        tensors.push((name, placed));
    }
    in_order(&mut tensors);
    let mut left_out = chosen.left_out;
    if others > 0 && !key.is_empty() {
        left_out.push(format!("{others} entries of {key} that are not tensors"));
    }
    Ok(StateDictionary { key, tensors, renamed: chosen.renamed, left_out })
}

/// The order of tensors in a safetensors file: types of large numbers first, then by name.
pub(super) fn in_order(tensors: &mut [(String, PlacedTensor)]) {
    tensors.sort_by(|(one, a), (other, b)| b.dtype.cmp(&a.dtype).then_with(|| one.cmp(other)));
}

/// Some of a file's tensors, and the names that they get.
pub(super) struct Chosen {
    /// Their places among all, and their new names.
    pub(super) taken: Vec<(usize, String)>,
    pub(super) renamed: Vec<(String, usize)>,
    pub(super) left_out: Vec<String>,
}

/// Chooses tensors by their names, which are each there once.
///
/// # Errors
/// No tensor, or two of one name.
pub(super) fn choose(
    path: &Path,
    names: &[&str],
    prefix: Option<&str>,
) -> Result<Chosen, CheckpointError> {
    let asks_for_it = prefix.is_some_and(|prefix| format!("{prefix}.").starts_with(PARALLEL));
    let parallel =
        !names.is_empty() && !asks_for_it && names.iter().all(|n| n.starts_with(PARALLEL));
    // A prefix is a name of a part, and names of parts are followed by a dot.
    let dotted = prefix.map(|prefix| format!("{}.", prefix.trim_end_matches('.')));
    let start = if parallel { PARALLEL.len() } else { 0 };
    let is_part = |dotted: &&String| names.iter().any(|name| name[start..].starts_with(*dotted));
    let prefix = dotted.as_ref().filter(is_part).map(String::as_str).or(prefix);
    let mut naming = Naming::default();
    let mut new = HashSet::new();
    let mut taken = Vec::new();
    for (at, old) in names.iter().enumerate() {
        let Some(name) = naming.renamed_to(old, parallel, prefix) else { continue };
        if !new.insert(name.clone()) || name == "__metadata__" {
            return Err(CheckpointError::Twice {
                path: path.to_owned(),
                name: shown(&name),
                remedy: "choose some of the tensors with option `prefix`".to_owned(),
            });
        }
        taken.push((at, name));
    }
    if taken.is_empty() {
        let what = match prefix {
            Some(prefix) => format!("no tensor's name begins with {}", shown(prefix)),
            None => "all of its tensors are counters of batches".to_owned(),
        };
        return Err(CheckpointError::NoTensors { path: path.to_owned(), what });
    }
    let mut renamed = naming.renamed(parallel.then_some(taken.len()));
    if let Some(prefix) = prefix {
        renamed.push((format!("{} before every name removed", shown(prefix)), taken.len()));
    }
    Ok(Chosen { taken, renamed, left_out: naming.left_out() })
}

#[derive(Default)]
struct Naming {
    counters: usize,
    /// Names without the prefix: how many, and the first.
    outside: (usize, String),
    old_backbone: usize,
}

impl Naming {
    /// A tensor's new name; `None` where it is left out.
    fn renamed_to(&mut self, old: &str, parallel: bool, prefix: Option<&str>) -> Option<String> {
        let name = if parallel { &old[PARALLEL.len()..] } else { old };
        if name.rsplit('.').next() == Some(COUNTER) {
            self.counters += 1;
            return None;
        }
        let (before, now) = OLD_BACKBONE;
        let mut name = name.to_owned();
        if let Some(rest) = name.strip_prefix(before) {
            self.old_backbone += 1;
            name = format!("{now}{rest}");
        }
        let Some(prefix) = prefix else { return Some(name) };
        let inside = name.strip_prefix(prefix).map(ToOwned::to_owned);
        if inside.is_none() {
            self.outside.0 += 1;
            if self.outside.0 == 1 {
                self.outside.1 = name;
            }
        }
        inside
    }

    fn left_out(&self) -> Vec<String> {
        let counted = |count: usize| match count {
            1 => "1 tensor".to_owned(),
            _ => format!("{count} tensors"),
        };
        let counters = format!("{COUNTER} ({})", counted(self.counters));
        let (outside, first) = &self.outside;
        let others = format!("names without the prefix ({}: {})", counted(*outside), shown(first));
        let others = if *outside > 1 { others.replace(": '", ", the first '") } else { others };
        let both = [(self.counters, counters), (*outside, others)];
        both.into_iter().filter(|(count, _)| *count > 0).map(|(_, what)| what).collect()
    }

    fn renamed(&self, parallel: Option<usize>) -> Vec<(String, usize)> {
        let (before, now) = OLD_BACKBONE;
        let mut renamed = Vec::new();
        if let Some(count) = parallel {
            renamed.push((format!("{PARALLEL} before every name removed"), count));
        }
        if self.old_backbone > 0 {
            renamed.push((format!("{before} to {now}"), self.old_backbone));
        }
        renamed
    }
}

/// The entries of the dictionary that holds the tensors, and where it is.
fn state_dictionary<'a>(
    checkpoint: &'a PickledCheckpoint<'_>,
    key: Option<&str>,
) -> Result<(String, &'a Entries), CheckpointError> {
    let values = &checkpoint.values;
    let (start, mut entries) = match key {
        None => (String::new(), values.root()),
        Some(key) => {
            let end = key.split('.').try_fold(values.root(), |value, name| match value {
                Value::Dict(entries) => values.entry(entries, name),
                _ => None,
            });
            let what = || format!("there is no entry {} in it", shown(key));
            (key.to_owned(), end.ok_or_else(|| no_tensors(checkpoint, what()))?)
        }
    };
    let mut path: Vec<String> = Some(start).filter(|start| !start.is_empty()).into_iter().collect();
    for _ in 0..MAX_DEPTH {
        let Value::Dict(inside) = entries else { break };
        match step(checkpoint, inside)? {
            Step::Here => return Ok((path.join("."), inside)),
            Step::Into(name, next) => {
                path.push(name);
                entries = next;
            }
        }
    }
    let what = match entries {
        Value::Dict(_) => "no dictionary of tensors is in it",
        Value::Tensor(_) => "it holds one tensor, and no dictionary of tensors",
        Value::List(_) | Value::Tuple(_) => "it holds a list, and no dictionary of tensors",
        _ => "it holds no dictionary of tensors",
    };
    let remedy = "save the network's state_dict() with torch.save";
    Err(no_tensors(checkpoint, format!("{what}; {remedy}")))
}

enum Step<'a> {
    Here,
    Into(String, &'a Value),
}

/// Whether the tensors are in this dictionary, or in which entry of it.
fn step<'a>(
    checkpoint: &'a PickledCheckpoint<'_>,
    entries: &'a Entries,
) -> Result<Step<'a>, CheckpointError> {
    let values = &checkpoint.values;
    for name in USUAL {
        if let Some(value) = values.entry(entries, name).filter(|value| leads(values, value)) {
            return Ok(Step::Into(name.to_owned(), value));
        }
    }
    if entries.iter().any(|(_, value)| matches!(values.get(*value), Value::Tensor(_))) {
        return Ok(Step::Here);
    }
    let named = entries.iter().take(MAX_CANDIDATES).filter_map(|&(key, value)| {
        let Value::Text(name) = values.get(key) else { return None };
        let value = Some(values.get(value)).filter(|value| leads(values, value))?;
        (!is_of_training(name)).then_some((name.as_str(), value))
    });
    match &named.collect::<Vec<_>>()[..] {
        [] => Err(no_tensors(
            checkpoint,
            "no dictionary of tensors is in it; save the network's state_dict() with torch.save"
                .to_owned(),
        )),
        [(name, value)] => Ok(Step::Into((*name).to_owned(), value)),
        several => {
            let names: Vec<String> = several.iter().map(|(name, _)| with_meaning(name)).collect();
            let names = names.join(", ");
            Err(no_tensors(checkpoint, format!("tensors are in {names}; choose with option `key`")))
        }
    }
}

/// Whether a value is a dictionary with tensors, or with one of the usual entries.
pub(super) fn leads(values: &Pickle, value: &Value) -> bool {
    let Value::Dict(entries) = value else { return false };
    entries.iter().any(|(_, value)| matches!(values.get(*value), Value::Tensor(_)))
        || USUAL.iter().any(|name| matches!(values.entry(entries, name), Some(Value::Dict(_))))
}

/// Whether an entry is used in training only.
pub(super) fn is_of_training(name: &str) -> bool {
    ["optim", "sched", "scaler"].iter().any(|part| name.to_ascii_lowercase().contains(part))
}

fn no_tensors(checkpoint: &PickledCheckpoint<'_>, what: String) -> CheckpointError {
    CheckpointError::NoTensors { path: checkpoint.path.to_owned(), what }
}
