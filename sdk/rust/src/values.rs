use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::ops::{Deref, DerefMut};

use crate::error::{Error, Result};

/// A JSON object with readers that give the zero of their type for a key that
/// is absent or of another type. It is a [`Map`] otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Values(pub Map<String, Value>);

impl Deref for Values {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Values {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl Values {
    /// Says whether the key is present and not null.
    pub fn has(&self, key: &str) -> bool {
        self.get(key).map_or(false, |v| !v.is_null())
    }

    /// A text, or "".
    pub fn text(&self, key: &str) -> &str {
        self.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// A number, or 0.
    pub fn float(&self, key: &str) -> f64 {
        self.get(key).and_then(Value::as_f64).unwrap_or_default()
    }

    /// A number without its fraction, or 0.
    pub fn int(&self, key: &str) -> i64 {
        self.get(key).and_then(|v| v.as_i64().or_else(|| v.as_f64().map(|f| f as i64))).unwrap_or_default()
    }

    /// A truth value, or false.
    pub fn bool(&self, key: &str) -> bool {
        self.get(key).and_then(Value::as_bool).unwrap_or_default()
    }

    /// A list, or an empty one.
    pub fn list(&self, key: &str) -> &[Value] {
        self.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The id of the entity that a value refers to.
    pub fn entity(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(entity_id)
    }

    /// A value as a type of your own; None when it is absent or null.
    pub fn read<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        match self.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(v) => T::deserialize(v).map(Some).map_err(|e| Error::invalid(format!("{key}: {e}")).at(key)),
        }
    }
}

/// The id of the entity that a value stands for, `{"$entity": ID, …}`.
pub fn entity_id(value: &Value) -> Option<&str> {
    value.get("$entity").and_then(Value::as_str)
}

/// Makes the value that stands for an entity in a step's input.
pub fn entity_value(id: &str) -> Value {
    serde_json::json!({ "$entity": id })
}

/// Reads null as the default.
pub(crate) fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(d: D) -> std::result::Result<T, D::Error> {
    Ok(Option::<T>::deserialize(d)?.unwrap_or_default())
}

/// Turns what a handler gives into a value. A value that JSON cannot hold is a
/// defect of the module.
pub(crate) fn value(v: impl Serialize) -> Value {
    serde_json::to_value(v).expect("the value cannot be written as JSON")
}
