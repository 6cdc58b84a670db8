use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

use crate::documents::{Entity, Output, Ref};
use crate::values::{or_default, value, Values};

/// Asks what an entity of a type starts from, while a blueprint is planned.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct InitCall {
    #[serde(rename = "type")]
    pub type_name: String,
    pub entity: InitEntity,
}

/// What is known of an entity that does not exist yet. Config values are as
/// written: `$brooklyn:` expressions are texts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InitEntity {
    pub plan_id: String,
    pub name: String,
    #[serde(rename = "type")]
    pub type_name: String,
    #[serde(deserialize_with = "or_default")]
    pub config: Values,
}

/// The answer, in the words of a blueprint. What the entity's own blueprint
/// says goes before.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Init {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub config: BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sensors: BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub enrichers: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Value>,
}

impl Init {
    /// Adds nothing to the blueprint.
    pub fn new() -> Init {
        Init::default()
    }

    /// Sets a config key.
    #[must_use]
    pub fn config(mut self, key: impl Into<String>, v: impl Serialize) -> Init {
        self.config.insert(key.into(), value(v));
        self
    }

    /// Gives a sensor its first value.
    #[must_use]
    pub fn sensor(mut self, name: impl Into<String>, v: impl Serialize) -> Init {
        self.sensors.insert(name.into(), value(v));
        self
    }

    /// Adds a child: an object as in a blueprint.
    #[must_use]
    pub fn child(mut self, spec: Value) -> Init {
        self.children.push(spec);
        self
    }

    /// Adds a policy.
    #[must_use]
    pub fn policy(mut self, spec: Value) -> Init {
        self.policies.push(spec);
        self
    }

    /// Adds an enricher.
    #[must_use]
    pub fn enricher(mut self, spec: Value) -> Init {
        self.enrichers.push(spec);
        self
    }
}

/// Asks a network provider what to do.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NetworkCall {
    #[serde(rename = "type")]
    pub type_name: String,
    /// create, delete, attach, detach, join-host, leave-host, policy.
    pub op: String,
    #[serde(deserialize_with = "or_default")]
    pub config: Values,
    pub network: Option<Network>,
    /// Of attach: the one that was allocated.
    pub address: String,
    /// Of attach and detach.
    pub entity: Option<Entity>,
    /// Id of the host concerned.
    pub host: String,
    #[serde(deserialize_with = "or_default")]
    pub hosts: Vec<NetworkHost>,
    pub state: Value,
    pub token: String,
    #[serde(deserialize_with = "or_default")]
    pub outputs: Vec<Output>,
    pub now: String,
    pub seed: i64,
}

/// A network as it was declared.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Network {
    pub id: String,
    pub name: String,
    pub cidr: String,
    pub gateway: String,
    #[serde(deserialize_with = "or_default")]
    pub options: Values,
}

/// A host that networks reach.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NetworkHost {
    pub id: String,
    pub address: String,
    #[serde(deserialize_with = "or_default")]
    pub labels: BTreeMap<String, String>,
}

/// Asks a location type for machines.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct LocationCall {
    #[serde(rename = "type")]
    pub type_name: String,
    /// obtain, release, list.
    pub op: String,
    /// Of the location.
    pub name: String,
    #[serde(deserialize_with = "or_default")]
    pub config: Values,
    /// Of obtain: what is asked of the machine.
    #[serde(deserialize_with = "or_default")]
    pub demand: Values,
    /// Of obtain and release: whom it is for.
    pub entity: Option<Ref>,
    /// Of release: as obtain described it.
    #[serde(deserialize_with = "or_default")]
    pub machine: Values,
    pub state: Value,
    pub token: String,
    #[serde(deserialize_with = "or_default")]
    pub outputs: Vec<Output>,
    pub now: String,
    pub seed: i64,
}

/// Asks a format for the blueprint that a text describes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ParseCall {
    #[serde(rename = "type")]
    pub type_name: String,
    pub file: String,
    pub text: String,
}

/// The answer: a blueprint in the words of YAML blueprints, or what is wrong
/// with the text.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Parsed {
    Blueprint(Value),
    Errors(Vec<TextError>),
}

/// A problem at a place of a text; lines and columns begin at 1, 0 is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct TextError {
    pub line: u32,
    pub column: u32,
    pub message: String,
}

/// Asks what a state of another version of the module is in this one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct MigrateCall {
    #[serde(rename = "type")]
    pub type_name: String,
    /// Versions of the module.
    pub from: String,
    pub to: String,
    pub state: Value,
}
