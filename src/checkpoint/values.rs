//! Numbers and texts beside the tensors, as JSON for the metadata.

use serde_json::{Value as Json, json};

use super::converted::ENTRY;
use super::error::CheckpointError;
use super::pickled::PickledCheckpoint;
use super::state::{StateDictionary, is_of_training, leads};
use crate::backbone::weights::meaning;
use crate::numpy::Array;
use crate::pickle::{Global, Tensor, Value, name_of};
use crate::text::shortened;

/// How deeply values that are written may be nested.
const MAX_DEPTH: usize = 16;

/// The most values of one entry, and of all.
const MAX_VALUES: [usize; 2] = [1 << 14, 1 << 17];

/// The most bytes of JSON that all entries may take.
const MAX_BYTES: usize = 1 << 20;

/// Metadata, and what was left out.
type Written = (Vec<(String, String)>, Vec<String>);

/// The entries at the top of a checkpoint that are numbers and texts, or made of them.
pub(super) fn entries(
    checkpoint: &PickledCheckpoint<'_>,
    found: &StateDictionary,
) -> Result<Written, CheckpointError> {
    let Value::Dict(entries) = checkpoint.values.root() else { return Ok(Default::default()) };
    let state = found.key.split('.').next().unwrap_or_default();
    let mut writer = Writer {
        checkpoint,
        written: Vec::new(),
        left_out: Vec::new(),
        bytes: 0,
        left: MAX_VALUES[1],
    };
    for &(name, value) in entries {
        let Value::Text(name) = checkpoint.values.get(name) else { continue };
        let value = checkpoint.values.get(value);
        match value {
            _ if name == state && !state.is_empty() => {}
            // The tensors are here, and `state` has said what became of them.
            Value::Tensor(_) if state.is_empty() => {}
            _ if is_of_training(name) => writer.leave_out(name, "used in training only"),
            Value::Dict(_) if leads(&checkpoint.values, value) => {
                let usual = meaning(name).map(|is| format!(", usually {is}")).unwrap_or_default();
                writer
                    .leave_out(name, &format!("other tensors{usual}: take them with option `key`"));
            }
            Value::Namespace(inside) | Value::Dict(inside) if !inside.is_empty() => {
                for &(key, value) in inside {
                    let Value::Text(key) = checkpoint.values.get(key) else { continue };
                    writer.add(&format!("{name}.{key}"), checkpoint.values.get(value))?;
                }
            }
            _ => writer.add(name, value)?,
        }
    }
    // The last of several entries of one name counts.
    let mut written: Vec<(String, String)> = Vec::with_capacity(writer.written.len());
    writer.written.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (name, value) in writer.written {
        match written.last_mut().filter(|(before, _)| *before == name) {
            Some(before) => before.1 = value,
            None => written.push((name, value)),
        }
    }
    Ok((written, writer.left_out))
}

struct Writer<'a> {
    checkpoint: &'a PickledCheckpoint<'a>,
    written: Vec<(String, String)>,
    left_out: Vec<String>,
    bytes: usize,
    /// How many more values may be written.
    left: usize,
}

impl Writer<'_> {
    fn add(&mut self, name: &str, value: &Value) -> Result<(), CheckpointError> {
        let most = MAX_VALUES[0].min(self.left);
        let mut left = most;
        let json = self.json(value, MAX_DEPTH, &mut left)?;
        self.left -= most - left;
        let Some(json) = json else {
            self.leave_out(name, "tensors, or more than metadata take");
            return Ok(());
        };
        let text = json.to_string();
        let bytes = self.bytes + ENTRY.len() + name.len() + text.len();
        if bytes > MAX_BYTES {
            self.leave_out(name, "more than metadata take");
        } else {
            self.bytes = bytes;
            self.written.push((format!("{ENTRY}{name}"), text));
        }
        Ok(())
    }

    fn leave_out(&mut self, name: &str, why: &str) {
        // Of thousands, the first say enough.
        if self.left_out.len() < 32 {
            self.left_out.push(format!("{} ({why})", shortened(name)));
        }
    }

    /// A value as JSON; `None` where JSON has nothing for it, or it is too deep or too large.
    fn json(
        &self,
        value: &Value,
        depth: usize,
        left: &mut usize,
    ) -> Result<Option<Json>, CheckpointError> {
        *left = left.saturating_sub(match value {
            Value::Text(text) => 1 + text.len() / 16,
            Value::Array(array) => 1 + array.values.len(),
            _ => 1,
        });
        if depth == 0 || *left == 0 {
            return Ok(None);
        }
        let values = &self.checkpoint.values;
        Ok(Some(match value {
            Value::None => Json::Null,
            Value::Bool(value) => json!(value),
            Value::Int(number) => json!(number),
            Value::Float(number) => float(*number),
            Value::Text(text) => json!(text),
            Value::Global(Global::Dtype(dtype)) => {
                json!(format!("torch.{}", name_of(*dtype)))
            }
            Value::Array(array) => nested(array),
            Value::Tensor(tensor) => return self.number(tensor),
            Value::List(items) | Value::Tuple(items) => {
                let mut list = Vec::new();
                for &item in items {
                    let Some(item) = self.json(values.get(item), depth - 1, left)? else {
                        return Ok(None);
                    };
                    list.push(item);
                }
                Json::Array(list)
            }
            Value::Dict(entries) | Value::Namespace(entries) => {
                let mut object = serde_json::Map::new();
                for &(key, value) in entries {
                    let key = match values.get(key) {
                        Value::Text(key) => key.clone(),
                        Value::Int(key) => key.to_string(),
                        _ => return Ok(None),
                    };
                    let Some(value) = self.json(values.get(value), depth - 1, left)? else {
                        return Ok(None);
                    };
                    object.insert(key, value);
                }
                Json::Object(object)
            }
            _ => return Ok(None),
        }))
    }

    /// A tensor of one number, such as a loss.
    fn number(&self, tensor: &Tensor) -> Result<Option<Json>, CheckpointError> {
        let number = self.checkpoint.blocks.number(&self.checkpoint.values, tensor);
        let number = number.map_err(|source| CheckpointError::Read {
            path: self.checkpoint.path.to_owned(),
            source,
        })?;
        Ok(number.and_then(|number| match number {
            Value::Float(number) => Some(float(number)),
            Value::Int(number) => Some(json!(number)),
            _ => None,
        }))
    }
}

/// A number as JSON; those that JSON does not have become texts.
fn float(number: f64) -> Json {
    if number.is_nan() {
        json!("NaN")
    } else if number.is_infinite() {
        json!(if number > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        json!(number)
    }
}

/// An array as lists of lists.
fn nested(array: &Array) -> Json {
    let mut parts: Vec<Json> = array.values.iter().map(|&value| float(value)).collect();
    for &side in array.shape.iter().skip(1).rev() {
        parts = parts.chunks(side.max(1)).map(|part| Json::Array(part.to_vec())).collect();
    }
    match array.shape[..] {
        [] => parts.remove(0),
        _ => Json::Array(parts),
    }
}
