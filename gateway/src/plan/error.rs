//! Why a request can't be planned.

use std::borrow::Cow;

/// A refusal. Messages may reach the caller: they name fields and features, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The request is wrong.
    #[error("{message}")]
    Invalid {
        /// What is wrong.
        message: String,
        /// In which parameter; empty: in a record.
        parameter: &'static str,
        /// Byte offset in the parameter's text, where one is known.
        position: Option<usize>,
    },
    /// A row rule of the caller's role does not fit the table. That is for whoever wrote the role, not for the caller.
    #[error("{0}")]
    Rule(String),
    /// The table has nothing that identifies a row, and the request names nothing either.
    #[error("Identifying field(s) could not be determined.")]
    NoIdentifier,
    /// The store behind this service can't do it.
    #[error("{feature} is not supported by this service")]
    Unsupported {
        /// What was asked for.
        feature: Cow<'static, str>,
    },
    /// More than the store allows.
    #[error("{what} is limited to {limit} by this service")]
    TooMuch {
        /// What was counted.
        what: &'static str,
        /// The most allowed.
        limit: u32,
    },
}

impl Error {
    pub(super) fn invalid(parameter: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), parameter, position: None }
    }

    /// What is wrong with a record.
    pub(super) fn record(message: impl Into<String>) -> Self {
        Self::invalid("", message)
    }

    pub(super) fn at(self, at: usize) -> Self {
        match self {
            Self::Invalid { message, parameter, position } => {
                Self::Invalid { message, parameter, position: position.or(Some(at)) }
            }
            other => other,
        }
    }

    pub(super) fn unsupported(feature: impl Into<Cow<'static, str>>) -> Self {
        Self::Unsupported { feature: feature.into() }
    }
}
