//! The one error type of the core.

/// What can go wrong, in words for the person who can mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A scene that cannot run: `path` names the place, such as `rules[2].after`.
    #[error("{}", at(path, message))]
    Config {
        /// Place in the scene; empty for the scene as a whole.
        path: String,
        /// What is wrong, and what would be right.
        message: String,
    },
    /// Arrays or times that the engine refuses.
    #[error("{0}")]
    Input(String),
}

/// Result with [`enum@Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A configuration error at `path`.
    pub fn config(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Config { path: path.into(), message: message.into() }
    }

    /// The same error with `prefix` in front of its path; other errors are unchanged.
    #[must_use]
    pub fn under(self, prefix: &str) -> Self {
        match self {
            Self::Config { path, message } if path.is_empty() => {
                Self::Config { path: prefix.into(), message }
            }
            Self::Config { path, message } if path.starts_with('[') => {
                Self::Config { path: format!("{prefix}{path}"), message }
            }
            Self::Config { path, message } => Self::Config { path: format!("{prefix}.{path}"), message },
            other @ Self::Input(_) => other,
        }
    }
}

fn at(path: &str, message: &str) -> String {
    if path.is_empty() { message.into() } else { format!("{path}: {message}") }
}
