use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::values::{or_default, value, Values};

/// Names an entity.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Ref {
    pub id: String,
    pub application: String,
    pub plan_id: String,
    pub name: String,
    #[serde(rename = "type")]
    pub type_name: String,
}

/// What a handler sees of the entity that it decides for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Entity {
    pub id: String,
    pub application: String,
    pub plan_id: String,
    pub name: String,
    #[serde(rename = "type")]
    pub type_name: String,
    /// Resolved; keys of the type under their full name.
    #[serde(deserialize_with = "or_default")]
    pub config: Values,
    /// Present values.
    #[serde(deserialize_with = "or_default")]
    pub sensors: Values,
}

/// Says where the entity is deployed to; kind is "docker" or "localhost".
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Location {
    pub name: String,
    pub kind: String,
}

/// The result of one step that ran.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Output {
    pub id: String,
    pub step: String,
    pub output: Value,
}

/// Asks what an effector or a step shall do, or how to go on after the steps
/// before: `token` and `outputs` are set then.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct EffectorCall {
    #[serde(rename = "type")]
    pub type_name: String,
    #[serde(deserialize_with = "or_default")]
    pub entity: Entity,
    pub effector: String,
    #[serde(deserialize_with = "or_default")]
    pub args: Values,
    pub location: Option<Location>,
    /// As the decision before returned it; see [`EffectorCall::state`].
    pub state: Value,
    pub token: String,
    #[serde(deserialize_with = "or_default")]
    pub outputs: Vec<Output>,
    /// Of a step: what its type reads of other entities.
    #[serde(deserialize_with = "or_default")]
    pub related: Vec<Related>,
    /// RFC 3339, UTC.
    pub now: String,
    pub seed: i64,
}

impl EffectorCall {
    /// The output of the step with the given id.
    pub fn output(&self, id: &str) -> Option<&Value> {
        self.outputs.iter().find(|o| o.id == id).map(|o| &o.output)
    }

    /// The state as a type of your own; its default when there is none yet.
    pub fn state<T: DeserializeOwned + Default>(&self) -> Result<T> {
        read_state(&self.state)
    }
}

fn read_state<T: DeserializeOwned + Default>(state: &Value) -> Result<T> {
    if state.is_null() {
        return Ok(T::default());
    }
    T::deserialize(state).map_err(|e| Error::invalid(format!("the state cannot be read: {e}")).at("state"))
}

/// Something that a policy or enricher listens to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Event {
    pub sensor: String,
    pub value: Value,
    /// The entity that published it, or that joined or left.
    pub source: Ref,
    /// "joined" or "left": then no sensor changed.
    pub change: String,
}

/// An entity that a policy or enricher reads besides its own.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Related {
    /// As the type's [`RelatedSpec`](crate::RelatedSpec) says.
    pub of: String,
    pub id: String,
    pub application: String,
    pub plan_id: String,
    pub name: String,
    #[serde(rename = "type")]
    pub type_name: String,
    #[serde(deserialize_with = "or_default")]
    pub config: Values,
    #[serde(deserialize_with = "or_default")]
    pub sensors: Values,
}

/// Gives a policy or enricher an event, or the timer that it asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PolicyCall {
    #[serde(rename = "type")]
    pub type_name: String,
    #[serde(deserialize_with = "or_default")]
    pub config: Values,
    #[serde(deserialize_with = "or_default")]
    pub entity: Entity,
    #[serde(deserialize_with = "or_default")]
    pub related: Vec<Related>,
    /// None when `timer` is true.
    pub event: Option<Event>,
    pub timer: bool,
    /// As the decision before returned it; see [`PolicyCall::state`].
    pub state: Value,
    /// RFC 3339, UTC.
    pub now: String,
    pub seed: i64,
}

impl PolicyCall {
    /// The state as a type of your own; its default when there is none yet.
    pub fn state<T: DeserializeOwned + Default>(&self) -> Result<T> {
        read_state(&self.state)
    }

    /// The value of the event; null for a timer.
    pub fn value(&self) -> &Value {
        self.event.as_ref().map_or(&Value::Null, |e| &e.value)
    }
}

/// One step of a workflow.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Step {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub step: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub input: BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub timeout: String,
    #[serde(rename = "continue", skip_serializing_if = "String::is_empty")]
    pub resume: String,
}

impl Step {
    /// A step of a type, or its shorthand.
    pub fn new(step: impl Into<String>) -> Step {
        Step { step: step.into(), ..Step::default() }
    }

    /// Names the step, so that its output can be found.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Step {
        self.id = id.into();
        self
    }

    /// Sets one of the step's own keys.
    #[must_use]
    pub fn input(mut self, key: impl Into<String>, v: impl Serialize) -> Step {
        self.input.insert(key.into(), value(v));
        self
    }

    /// How long it may take, a duration: "5m".
    #[must_use]
    pub fn timeout(mut self, duration: impl Into<String>) -> Step {
        self.timeout = duration.into();
        self
    }
}

/// A handler's answer: what to publish, what to do, what to remember.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sensors: BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub wake_after: String,
}

impl Decision {
    /// Decides nothing.
    pub fn new() -> Decision {
        Decision::default()
    }

    /// Publishes a sensor before the steps run; null clears it.
    #[must_use]
    pub fn publish(mut self, sensor: impl Into<String>, v: impl Serialize) -> Decision {
        self.sensors.insert(sensor.into(), value(v));
        self
    }

    /// Adds a step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Decision {
        self.steps.push(step);
        self
    }

    /// Asks to be called again, with the outputs of the steps before.
    #[must_use]
    pub fn resume(mut self, token: impl Into<String>) -> Decision {
        self.steps.push(Step { resume: token.into(), ..Step::default() });
        self
    }

    /// Is handed in at the next call.
    #[must_use]
    pub fn state(mut self, state: impl Serialize) -> Decision {
        self.state = Some(value(state));
        self
    }

    /// The effector's result, or the step's output.
    #[must_use]
    pub fn result(mut self, result: impl Serialize) -> Decision {
        self.result = Some(value(result));
        self
    }

    /// Asks for a call with `timer` after a duration: "30s". "" asks for none.
    #[must_use]
    pub fn wake_after(mut self, duration: impl Into<String>) -> Decision {
        self.wake_after = duration.into();
        self
    }
}
