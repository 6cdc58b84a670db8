use serde::de::DeserializeOwned;
use serde::Serialize;
use serde_json::{json, Value};

use crate::describe::{Capability, Type};
use crate::documents::{EffectorCall, PolicyCall};
use crate::error::{Error, Result};
use crate::plans::{InitCall, LocationCall, MigrateCall, NetworkCall, ParseCall};
use crate::{ranking, ABI_VERSION};

/// What the engine may ask. The numbers are part of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
#[allow(missing_docs)]
pub enum Hook {
    Describe = 0,
    EntityInit = 1,
    EntityEffector = 2,
    EntityContinue = 3,
    PolicyEvent = 4,
    EnricherEvent = 5,
    PlacementRank = 6,
    NetworkPlan = 7,
    LocationPlan = 8,
    StepPlan = 9,
    BlueprintParse = 10,
    Migrate = 11,
}

/// Everything that a program offers.
pub struct Module {
    pub(crate) name: String,
    version: String,
    types: Vec<Type>,
    capabilities: Vec<Capability>,
}

/// A document that says which type it is for.
trait Call: DeserializeOwned {
    fn type_name(&self) -> &str;
}

macro_rules! calls {
    ($($call:ty),*) => { $(impl Call for $call { fn type_name(&self) -> &str { &self.type_name } })* };
}

calls!(InitCall, EffectorCall, PolicyCall, NetworkCall, LocationCall, ParseCall, MigrateCall);

impl Module {
    pub fn new(name: &str, version: &str) -> Module {
        Module { name: name.into(), version: version.into(), types: Vec::new(), capabilities: Vec::new() }
    }

    /// Adds a type.
    #[must_use]
    pub fn with(mut self, t: Type) -> Module {
        self.types.push(t);
        self
    }

    /// Asks for a right, with a reason for the operator who grants it.
    #[must_use]
    pub fn capability(mut self, kind: &str, value: &str, reason: &str) -> Module {
        self.capabilities.push(Capability { kind: kind.into(), value: value.into(), reason: reason.into() });
        self
    }

    /// Answers one hook as the engine would ask it, by its number: `Hook::Migrate as i32`.
    /// `document` is what the contract says for the hook. A failure is an error
    /// document.
    pub fn call(&self, hook: i32, document: &[u8]) -> Vec<u8> {
        let answer = if hook == Hook::PlacementRank as i32 { ranking::rank(self, document) } else { self.dispatch(hook, document) };
        answer.unwrap_or_else(|e| encode(&json!({ "error": e })).expect("an error is always JSON"))
    }

    fn dispatch(&self, hook: i32, document: &[u8]) -> Result<Vec<u8>> {
        match hook {
            0 => encode(&json!({
                "name": self.name, "version": self.version, "abi": [ABI_VERSION, ABI_VERSION],
                "types": self.types, "capabilities": self.capabilities,
            })),
            1 => self.ask(document, "entity.init", |t| t.on_init),
            2 => self.ask(document, "entity.effector", |t| t.on_effector),
            3 => self.ask(document, "entity.continue", |t| t.on_continue.or(t.on_effector)),
            4 => self.ask(document, "policy.event", |t| t.on_policy_event),
            5 => self.ask(document, "enricher.event", |t| t.on_enricher_event),
            7 => self.ask(document, "network.plan", |t| t.on_network),
            8 => self.ask(document, "location.plan", |t| t.on_location),
            9 => self.ask(document, "step.plan", |t| t.on_plan),
            10 => self.ask(document, "blueprint.parse", |t| t.on_parse),
            11 => self.migrate(document),
            _ => Err(Error::not_found(format!("module {} does not know hook {hook}", self.name))),
        }
    }

    /// Decodes a document, finds the handler of its type and calls that.
    fn answer<C: Call, A>(&self, document: &[u8], hook: &str, handler: impl Fn(&Type) -> Option<fn(&C) -> Result<A>>) -> Result<A> {
        let call: C = decode(document).map_err(|e| Error::invalid(format!("decode {hook}: {e}")))?;
        let t = self.find(call.type_name())?;
        let handle = handler(t).ok_or_else(|| Error::not_found(format!("type {} does not answer {hook}", t.name)))?;
        handle(&call)
    }

    fn ask<C: Call, A: Serialize>(&self, document: &[u8], hook: &str, handler: impl Fn(&Type) -> Option<fn(&C) -> Result<A>>) -> Result<Vec<u8>> {
        encode(&self.answer(document, hook, handler)?)
    }

    fn migrate(&self, document: &[u8]) -> Result<Vec<u8>> {
        let state: Value = self.answer(document, "migrate", |t| t.on_migrate)?;
        encode(&json!({ "state": state }))
    }

    /// Finds a type by name, alias, or the longest prefix that fits.
    pub(crate) fn find(&self, name: &str) -> Result<&Type> {
        let exact = self.types.iter().find(|t| t.name == name || t.aliases.iter().any(|a| a == name));
        let prefixed = || self.types.iter().filter(|t| !t.prefix.is_empty() && name.starts_with(&t.prefix)).max_by_key(|t| t.prefix.len());
        exact.or_else(prefixed).ok_or_else(|| Error::not_found(format!("module {} has no type {}", self.name, Value::from(name))))
    }
}

/// Decodes by way of a value: it makes modules smaller than decoding each
/// kind of document from text.
pub(crate) fn decode<T: DeserializeOwned>(document: &[u8]) -> serde_json::Result<T> {
    let value: Value = serde_json::from_slice(document)?;
    T::deserialize(&value)
}

fn encode(answer: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(answer).map_err(|e| Error::new(crate::Kind::Internal, format!("encode answer: {e}")))
}
