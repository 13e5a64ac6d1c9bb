//! Named states that are not boxes, as they come in.

use super::InputError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyDict;
use smallvec::SmallVec;

/// Names and states, borrowed from the Python strings.
pub(super) type Signals = SmallVec<[(PyBackedStr, PyBackedStr); 1]>;

pub(super) fn signals_of(mapping: Option<&Bound<'_, PyAny>>) -> PyResult<Signals> {
    let Some(mapping) = mapping else { return Ok(Signals::new()) };
    let wrong = |_| {
        InputError::new_err("signals must map names to states, both strings, such as {\"light-3\": \"red\"}")
    };
    if let Ok(dict) = mapping.cast_exact::<PyDict>() {
        return dict
            .iter()
            .map(|(name, state)| Ok((name.extract().map_err(wrong)?, state.extract().map_err(wrong)?)))
            .collect();
    }
    let items = mapping.call_method0("items").map_err(wrong)?;
    items.try_iter().map_err(wrong)?.map(|item| item?.extract().map_err(wrong)).collect()
}

/// The signals of one picture of a recording, copied: it is read without the GIL.
pub(super) fn owned(mapping: &Bound<'_, PyAny>) -> PyResult<Vec<(String, String)>> {
    let signals = signals_of(Some(mapping).filter(|m| !m.is_none()))?;
    Ok(signals.iter().map(|(name, state)| (name.to_string(), state.to_string())).collect())
}
