//! How urgent an alert is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How urgent an alert is for the operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// For the record.
    Info,
    /// Look when you can.
    #[default]
    Warning,
    /// Look now.
    Critical,
}

impl Severity {
    /// The word that is published.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}
