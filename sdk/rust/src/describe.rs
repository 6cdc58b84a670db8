use serde::Serialize;
use serde_json::Value;

use crate::columns::Hosts;
use crate::documents::{Decision, EffectorCall, PolicyCall};
use crate::error::Result;
use crate::plans::{Init, InitCall, LocationCall, MigrateCall, NetworkCall, ParseCall, Parsed};
use crate::ranking::Ranking;
use crate::values::value;

type Handler<C, A> = Option<fn(&C) -> Result<A>>;

/// Declares one type and has its handlers. A hook without a handler is answered
/// with an error.
#[derive(Default, Serialize)]
pub struct Type {
    pub(crate) name: String,
    kind: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) aliases: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) prefix: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    icon: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    config: Vec<ConfigKey>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sensors: Vec<Sensor>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    effectors: Vec<Effector>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    columns: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<EventSpec>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related: Vec<RelatedSpec>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    init: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    formats: Vec<String>,

    #[serde(skip)]
    pub(crate) on_init: Handler<InitCall, Init>,
    #[serde(skip)]
    pub(crate) on_effector: Handler<EffectorCall, Decision>,
    #[serde(skip)]
    pub(crate) on_continue: Handler<EffectorCall, Decision>,
    #[serde(skip)]
    pub(crate) on_policy_event: Handler<PolicyCall, Decision>,
    #[serde(skip)]
    pub(crate) on_enricher_event: Handler<PolicyCall, Decision>,
    #[serde(skip)]
    pub(crate) on_plan: Handler<EffectorCall, Decision>,
    #[serde(skip)]
    pub(crate) on_network: Handler<NetworkCall, Decision>,
    #[serde(skip)]
    pub(crate) on_location: Handler<LocationCall, Decision>,
    #[serde(skip)]
    pub(crate) on_parse: Handler<ParseCall, Parsed>,
    #[serde(skip)]
    pub(crate) on_migrate: Handler<MigrateCall, Value>,
    #[serde(skip)]
    pub(crate) on_rank: Option<fn(&Hosts<'_>, &mut Ranking)>,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $function:ident $kind:literal),*) => {
        $($(#[$doc])*
        pub fn $function(name: impl Into<String>) -> Type {
            Type { name: name.into(), kind: $kind, ..Type::default() }
        })*
    };
}

macro_rules! setters {
    ($($(#[$doc:meta])* $function:ident ($argument:ty) $this:ident, $given:ident => $set:expr;)*) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $function(mut self, $given: $argument) -> Self {
            let $this = &mut self;
            $set;
            self
        })*
    };
}

impl Type {
    kinds! {
        /// A type of entities: handlers `on_init`, `on_effector`, `on_continue`.
        entity "entity",
        /// A policy: handler `on_event`.
        policy "policy",
        /// An enricher: handler `on_event`.
        enricher "enricher",
        /// A placement strategy: handler `on_rank`.
        strategy "strategy",
        /// A step of workflows: handler `on_plan`.
        step "step",
        /// A network provider: handler `on_network`.
        network "network",
        /// A source of machines: handler `on_location`.
        location "location",
        /// A format of blueprints: handler `on_parse`.
        format "format"
    }

    setters! {
        /// Another name.
        alias(&str) t, name => t.aliases.push(name.into());
        /// Answers to every type name that starts so: "docker:".
        prefix(&str) t, prefix => t.prefix = prefix.into();
        /// In words for users.
        describe(&str) t, text => t.description = text.into();
        /// An address or a data: URL.
        icon(&str) t, icon => t.icon = icon.into();
        config(ConfigKey) t, key => t.config.push(key);
        sensor(Sensor) t, sensor => t.sensors.push(sensor);
        effector(Effector) t, effector => t.effectors.push(effector);
        /// Of a strategy: the columns that it reads.
        columns(&[&str]) t, names => t.columns.extend(names.iter().map(|n| n.to_string()));
        /// Of a policy or enricher: what it listens to.
        listens(EventSpec) t, event => t.events.push(event);
        /// Of a policy, enricher or step: what it reads of other entities.
        reads(RelatedSpec) t, related => t.related.push(related);
        /// Of a format: a media type or file extension that it reads.
        format_of(&str) t, name => t.formats.push(name.into());

        /// Says what an entity of the type starts from.
        on_init(fn(&InitCall) -> Result<Init>) t, f => { t.init = true; t.on_init = Some(f) };
        /// Decides what an effector does.
        on_effector(fn(&EffectorCall) -> Result<Decision>) t, f => t.on_effector = Some(f);
        /// Goes on after steps; without it the handler of effectors is asked.
        on_continue(fn(&EffectorCall) -> Result<Decision>) t, f => t.on_continue = Some(f);
        /// Reacts to an event or a timer.
        on_event(fn(&PolicyCall) -> Result<Decision>) t, f =>
            if t.kind == "enricher" { t.on_enricher_event = Some(f) } else { t.on_policy_event = Some(f) };
        /// Decides what a step does: `args` is its input.
        on_plan(fn(&EffectorCall) -> Result<Decision>) t, f => t.on_plan = Some(f);
        on_network(fn(&NetworkCall) -> Result<Decision>) t, f => t.on_network = Some(f);
        on_location(fn(&LocationCall) -> Result<Decision>) t, f => t.on_location = Some(f);
        on_parse(fn(&ParseCall) -> Result<Parsed>) t, f => t.on_parse = Some(f);
        /// Brings a state of another version to this one.
        on_migrate(fn(&MigrateCall) -> Result<Value>) t, f => t.on_migrate = Some(f);
        /// Scores or refuses hosts.
        on_rank(fn(&Hosts<'_>, &mut Ranking)) t, f => t.on_rank = Some(f);
    }
}

/// Declares one config key of a type.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ConfigKey {
    name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flags: Vec<String>,
    #[serde(rename = "type")]
    type_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<Value>,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    required: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    inherit: String,
}

impl ConfigKey {
    /// A key of a type: string, integer, port, list, map, duration, entity …
    pub fn new(name: &str, type_name: &str) -> ConfigKey {
        ConfigKey { name: name.into(), type_name: type_name.into(), ..ConfigKey::default() }
    }

    setters! {
        /// A short name.
        flag(&str) k, name => k.flags.push(name.into());
        default_value(impl Serialize) k, v => k.default = Some(value(v));
        describe(&str) k, text => k.description = text.into();
        /// "never" for a key that children do not see.
        inherit(&str) k, how => k.inherit = how.into();
    }

    /// A value must be given.
    #[must_use]
    pub fn required(mut self) -> ConfigKey {
        self.required = true;
        self
    }
}

/// Declares one sensor of a type.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Sensor {
    name: String,
    #[serde(rename = "type")]
    type_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
}

impl Sensor {
    pub fn new(name: &str, type_name: &str) -> Sensor {
        Sensor { name: name.into(), type_name: type_name.into(), ..Sensor::default() }
    }

    setters! {
        describe(&str) s, text => s.description = text.into();
    }
}

/// Declares one effector of a type.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Effector {
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(rename = "returnType", skip_serializing_if = "String::is_empty")]
    return_type: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parameters: Vec<Parameter>,
}

impl Effector {
    pub fn new(name: &str) -> Effector {
        Effector { name: name.into(), ..Effector::default() }
    }

    setters! {
        describe(&str) e, text => e.description = text.into();
        returns(&str) e, type_name => e.return_type = type_name.into();
        parameter(Parameter) e, parameter => e.parameters.push(parameter);
    }
}

/// Declares one argument of an effector.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Parameter {
    name: String,
    #[serde(rename = "type")]
    type_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<Value>,
}

impl Parameter {
    pub fn new(name: &str, type_name: &str) -> Parameter {
        Parameter { name: name.into(), type_name: type_name.into(), ..Parameter::default() }
    }

    setters! {
        describe(&str) p, text => p.description = text.into();
        default_value(impl Serialize) p, v => p.default = Some(value(v));
    }
}

/// Names what a policy or enricher listens to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct EventSpec {
    #[serde(skip_serializing_if = "String::is_empty")]
    sensor: String,
    #[serde(rename = "sensorFrom", skip_serializing_if = "String::is_empty")]
    sensor_from: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    of: String,
}

impl EventSpec {
    /// A sensor of its own entity.
    pub fn sensor(name: &str) -> EventSpec {
        EventSpec { sensor: name.into(), ..EventSpec::default() }
    }

    /// The sensor that a config key names.
    pub fn sensor_from(key: &str) -> EventSpec {
        EventSpec { sensor_from: key.into(), ..EventSpec::default() }
    }

    /// Who joins and who leaves: of "members" or "children".
    pub fn changes(of: &str) -> EventSpec {
        EventSpec { of: of.into(), ..EventSpec::default() }
    }

    setters! {
        /// Of other entities: "members", "children", "config:KEY".
        of(&str) e, whom => e.of = whom.into();
    }
}

/// Names what a policy, enricher or step reads of other entities.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RelatedSpec {
    of: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sensors: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    config: Vec<String>,
}

impl RelatedSpec {
    /// Of "members", "children" or "config:KEY".
    pub fn of(whom: &str) -> RelatedSpec {
        RelatedSpec { of: whom.into(), ..RelatedSpec::default() }
    }

    setters! {
        /// A sensor's name, or "config:KEY" for the name that the key holds.
        sensor(&str) r, name => r.sensors.push(name.into());
        config(&str) r, key => r.config.push(key.into());
    }
}

/// A right that a module asks for. The kinds are step, http, image, config,
/// sensor and secret.
#[derive(Clone, Debug, Serialize)]
pub struct Capability {
    pub(crate) kind: String,
    pub(crate) value: String,
    pub(crate) reason: String,
}
