//! Errors as they cross the boundary: a code that decides the exit status, a message, and what to do about it.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The result of a verb.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal, exit $status:literal;)*) => {
        /// Why something failed. The code decides the exit status of `carto` and is the `code` of its JSON errors.
        ///
        /// It crosses the boundary as a word. A word that a host doesn't know, because the kind is newer, counts as
        /// [`ErrorCode::Failed`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)*
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &[ErrorCode] = &[$(ErrorCode::$variant,)*];

            /// The word in JSON.
            pub const fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$variant => $word,)* }
            }

            /// The exit status of `carto`.
            pub const fn exit_status(self) -> u8 {
                match self { $(ErrorCode::$variant => $status,)* }
            }

            fn from_word(word: &str) -> ErrorCode {
                match word { $($word => ErrorCode::$variant,)* _ => ErrorCode::Failed }
            }
        }
    };
}

error_codes! {
    /// Nothing more precise fits.
    Failed = "failed", exit 1;
    /// The service refused what it was asked (400, 422), with its own words in the message.
    RefusedByService = "refused_by_service", exit 1;
    /// The service's answer was not in the expected shape, too large, or not an answer of that service.
    UnexpectedAnswer = "unexpected_answer", exit 1;
    /// The service granted more, or for longer, than it was asked.
    WiderThanAsked = "wider_than_asked", exit 1;
    /// The result could not be written to standard output or to a file.
    OutputFailed = "output_failed", exit 1;
    /// The command line doesn't make sense.
    Usage = "usage", exit 2;
    /// One argument doesn't make sense; `argument` names it.
    InvalidArgument = "invalid_argument", exit 2;
    /// No kind of that name is installed.
    UnknownKind = "unknown_kind", exit 2;
    /// The kind doesn't have that verb.
    UnknownVerb = "unknown_verb", exit 2;
    /// Several credentials answer to that id.
    Ambiguous = "ambiguous", exit 2;
    /// No credential answers to that id.
    NotFound = "not_found", exit 3;
    /// There is no bearer, or the service doesn't accept it.
    NotSignedIn = "not_signed_in", exit 4;
    /// The bearer is a credential of the wrong kind.
    WrongCredential = "wrong_credential", exit 4;
    /// The account may not do that.
    Forbidden = "forbidden", exit 4;
    /// The organisation's policy refuses it.
    RefusedByPolicy = "refused_by_policy", exit 4;
    /// Something else has that name, or changed in the meantime.
    Conflict = "conflict", exit 5;
    /// The service failed. Nothing was changed.
    Unavailable = "unavailable", exit 6;
    /// The service asks for fewer requests. Nothing was changed.
    RateLimited = "rate_limited", exit 6;
    /// The service could not be reached, or not in time. Nothing was changed.
    Unreachable = "unreachable", exit 6;
    /// A kind's library can't be loaded, broke, or broke the contract.
    PluginFault = "plugin_fault", exit 7;
    /// A write was sent and its outcome isn't known.
    OutcomeUnknown = "outcome_unknown", exit 8;
    /// The user interrupted the command.
    Interrupted = "interrupted", exit 130;
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ErrorCode, D::Error> {
        Ok(ErrorCode::from_word(&String::deserialize(deserializer)?))
    }
}

/// A failure, as the user will read it.
///
/// The message says what happened and why, in one line without a full stop, the user's own words in backticks. The hint says what to
/// do. Neither may hold a credential. On the wire: `{"code", "message", "argument"?, "hint"?}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Error {
    /// What decides the exit status.
    pub code: ErrorCode,
    /// What happened, and why.
    pub message: String,
    /// The manifest's name of the argument that is at fault, if one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argument: Option<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Error {
    /// An error without a hint; add one with [`Error::hint`].
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Error {
        Error { code, message: message.into(), argument: None, hint: None }
    }

    /// [`ErrorCode::InvalidArgument`] for the argument of that name in the manifest.
    pub fn argument(name: &str, message: impl Into<String>) -> Error {
        Error { argument: Some(name.to_owned()), ..Error::new(ErrorCode::InvalidArgument, message) }
    }

    /// The same error with a way out. A command in it must work when it is pasted.
    pub fn hint(self, hint: impl Into<String>) -> Error {
        Error { hint: Some(hint.into()), ..self }
    }

    /// The same error under another code.
    pub fn with_code(self, code: ErrorCode) -> Error {
        Error { code, ..self }
    }

    /// The same error in other words.
    pub fn with_message(self, message: impl Into<String>) -> Error {
        Error { message: message.into(), ..self }
    }

    /// [`ErrorCode::PluginFault`]: the kind broke the contract, or broke.
    pub fn fault(message: impl Into<String>) -> Error {
        Error::new(ErrorCode::PluginFault, message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_code_is_a_plain_failure() {
        let error: Error = serde_json::from_str(r#"{"code": "from_the_future", "message": "x"}"#).unwrap();
        assert_eq!(error.code, ErrorCode::Failed);
    }

    #[test]
    fn codes_survive_the_boundary() {
        for code in ErrorCode::ALL {
            let text = serde_json::to_string(code).unwrap();
            assert_eq!(serde_json::from_str::<ErrorCode>(&text).unwrap(), *code);
        }
    }
}
