//! Gowanus modules in Rust: types of entities, policies, placement strategies
//! and more that the engine runs as WebAssembly.
//!
//! A module decides and the engine acts. A handler is a pure function: it is
//! given a document and answers with a [`Decision`], which holds sensors to
//! publish and steps of a workflow to run. Nothing may be kept in variables
//! between two calls, because the engine runs many instances of a module and
//! throws them away at will; what must last goes into [`Decision::state`].
//!
//! ```
//! use gowanus::*;
//!
//! fn module() -> Module {
//!     Module::new("greeter", "1.0.0").with(
//!         Type::entity("org.example.Greeter")
//!             .effector(Effector::new("greet"))
//!             .on_effector(greet),
//!     )
//! }
//!
//! fn greet(c: &EffectorCall) -> Result<Decision> {
//!     Ok(Decision::new().result(format!("hello {}", c.entity.name)))
//! }
//!
//! gowanus::export!(module());
//! ```
//!
//! It is built as a `cdylib` for `wasm32-unknown-unknown`. The same handlers run
//! in ordinary tests: [`Module::call`] takes a hook's document and gives its
//! answer without WebAssembly. The wire format is described in `sdk/ABI.md`.

#[doc(hidden)]
pub mod abi;
mod columns;
mod describe;
mod documents;
mod error;
mod host;
mod module;
mod plans;
mod ranking;
mod values;

pub use columns::{Bitmap, Hosts, RankRequest, Strings, NO_UINT32};
pub use describe::{Capability, ConfigKey, Effector, EventSpec, Parameter, RelatedSpec, Sensor, Type};
pub use documents::{Decision, EffectorCall, Entity, Event, Location, Output, PolicyCall, Ref, Related, Step};
pub use error::{Error, Kind, Result};
pub use host::{debug, error, host, host_config, host_file, host_sensor, info, log, warn, Level};
pub use module::{Hook, Module};
pub use plans::{Init, InitCall, InitEntity, LocationCall, MigrateCall, Network, NetworkCall, NetworkHost, ParseCall, Parsed, TextError};
pub use ranking::Ranking;
pub use values::{entity_id, entity_value, Values};

/// What JSON values are made of.
pub use serde_json::{json, Value};

/// The version of the contract that this crate speaks.
pub const ABI_VERSION: i32 = 1;

/// Makes the exports of a module. Its argument gives the [`Module`]; it is
/// evaluated once in each instance.
#[macro_export]
macro_rules! export {
    ($module:expr) => {
        #[cfg(target_arch = "wasm32")]
        mod gowanus_exports {
            use super::*;

            std::thread_local! {
                static MODULE: $crate::Module = $module;
            }

            #[no_mangle]
            pub extern "C" fn gw_abi() -> i32 {
                $crate::ABI_VERSION
            }

            #[no_mangle]
            pub extern "C" fn gw_alloc(size: i32) -> i32 {
                $crate::abi::alloc(size)
            }

            #[no_mangle]
            pub extern "C" fn gw_call(hook: i32, at: i32, length: i32) -> i64 {
                MODULE.with(|module| $crate::abi::call(module, hook, at, length))
            }
        }
    };
}
