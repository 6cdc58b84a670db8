use serde::Deserialize;
use serde_json::{json, Value};

use crate::error::{Error, Kind, Result};

/// The levels of the engine's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
#[allow(missing_docs)]
pub enum Level {
    Debug = 0,
    Info = 1,
    Warn = 2,
    Error = 3,
}

/// Writes one line to the engine's log, with the module's name. The engine drops
/// lines above its limit for one call. In ordinary tests it does nothing.
pub fn log(level: Level, line: &str) {
    imports::log(level as i32, line.as_bytes());
}

/// Logs at level debug.
pub fn debug(line: &str) {
    log(Level::Debug, line);
}

/// Logs at level info.
pub fn info(line: &str) {
    log(Level::Info, line);
}

/// Logs at level warning.
pub fn warn(line: &str) {
    log(Level::Warn, line);
}

/// Logs at level error.
pub fn error(line: &str) {
    log(Level::Error, line);
}

/// Asks the engine for something that was not sent with the call. Operations
/// need capabilities; without one the error's kind is `Forbidden`. In ordinary
/// tests every operation is `Unavailable`.
pub fn host(op: i32, request: &Value) -> Result<Value> {
    let request = request.to_string();
    let mut out = vec![0; 4096];
    loop {
        match imports::host(op, request.as_bytes(), &mut out) {
            n if n < 0 => {
                let kind = Kind::of_status(-n - 1);
                return Err(Error::new(kind, format!("host operation {op}: {}", Value::String(kind_name(kind)).as_str().unwrap_or_default())));
            }
            n if n as usize <= out.len() => return serde_json::from_slice(&out[..n as usize]).map_err(|e| Error::new(Kind::Internal, format!("host operation {op}: {e}"))),
            n => out = vec![0; n as usize],
        }
    }
}

fn kind_name(kind: Kind) -> String {
    serde_json::to_value(kind).ok().and_then(|v| v.as_str().map(String::from)).unwrap_or_default()
}

/// Reads a sensor of an entity of the same application; null when it has no
/// value. It needs the capability sensor.
pub fn host_sensor(entity: &str, sensor: &str) -> Result<Value> {
    host(1, &json!({ "entity": entity, "sensor": sensor })).map(|mut v| v["value"].take())
}

/// Reads a config value of an entity of the same application; null when it has
/// none yet. It needs the capability config.
pub fn host_config(entity: &str, key: &str) -> Result<Value> {
    host(2, &json!({ "entity": entity, "key": key })).map(|mut v| v["value"].take())
}

/// Reads a text file of the bundle that the module came in. One that is no text
/// is an error; [`host`] with operation 3 gives it as base64.
pub fn host_file(name: &str) -> Result<String> {
    #[derive(Deserialize)]
    struct File {
        text: Option<String>,
    }
    let file = File::deserialize(host(3, &json!({ "name": name }))?)?;
    file.text.ok_or_else(|| Error::invalid(format!("file {name} is no text")))
}

#[cfg(target_arch = "wasm32")]
mod imports {
    mod gowanus {
        #[link(wasm_import_module = "gowanus")]
        extern "C" {
            pub fn log(level: i32, at: *const u8, length: usize);
            pub fn host(op: i32, at: *const u8, length: usize, out: *mut u8, room: usize) -> i64;
        }
    }

    pub fn log(level: i32, line: &[u8]) {
        // The engine reads length bytes, which are there.
        unsafe { gowanus::log(level, line.as_ptr(), line.len()) }
    }

    pub fn host(op: i32, request: &[u8], out: &mut [u8]) -> i64 {
        // The engine writes at most room bytes.
        unsafe { gowanus::host(op, request.as_ptr(), request.len(), out.as_mut_ptr(), out.len()) }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod imports {
    pub fn log(_: i32, _: &[u8]) {}

    pub fn host(_: i32, _: &[u8], _: &mut [u8]) -> i64 {
        -9 // unavailable
    }
}
