use serde::{Deserialize, Serialize};
use std::fmt;

/// What kind of failure an error is; it decides what users and callers see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Kind {
    Internal,
    Invalid,
    NotFound,
    Conflict,
    Unauthorized,
    Forbidden,
    Timeout,
    Cancelled,
    Unavailable,
    Limit,
    Capacity,
    OnFire,
    ReadOnly,
    Precondition,
}

/// The kinds in the order of their status numbers.
const KINDS: [Kind; 14] = [
    Kind::Internal,
    Kind::Invalid,
    Kind::NotFound,
    Kind::Conflict,
    Kind::Unauthorized,
    Kind::Forbidden,
    Kind::Timeout,
    Kind::Cancelled,
    Kind::Unavailable,
    Kind::Limit,
    Kind::Capacity,
    Kind::OnFire,
    Kind::ReadOnly,
    Kind::Precondition,
];

impl Kind {
    /// The kind of a host operation's status.
    pub(crate) fn of_status(status: i64) -> Kind {
        usize::try_from(status).ok().and_then(|k| KINDS.get(k).copied()).unwrap_or(Kind::Internal)
    }
}

/// An answer that refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    pub kind: Kind,
    pub message: String,
    /// Where in the document, if that can be said: `config.openPorts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// What handlers give.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), at: None }
    }

    /// What was given is wrong.
    pub fn invalid(message: impl Into<String>) -> Error {
        Error::new(Kind::Invalid, message)
    }

    /// What was asked for does not exist.
    pub fn not_found(message: impl Into<String>) -> Error {
        Error::new(Kind::NotFound, message)
    }

    /// Says where in the document.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Error {
        self.at = Some(place.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<serde_json::Error> for Error {
    fn from(e: serde_json::Error) -> Error {
        Error::invalid(e.to_string())
    }
}
