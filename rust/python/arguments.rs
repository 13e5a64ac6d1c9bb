//! Plain arguments that come in: what is not what was asked for is refused in beffroi's own words.

use super::InputError;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// Media time in milliseconds.
#[derive(Clone, Copy)]
pub(super) struct Millis(pub(super) i64);

impl FromPyObject<'_, '_> for Millis {
    type Error = PyErr;
    fn extract(given: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        given.extract().map(Self).map_err(|_| {
            let got = given.repr().map_or_else(|_| String::new(), |r| r.to_string());
            InputError::new_err(format!(
                "at_ms must be a whole number of milliseconds, of 64 bits at most; got {got}"
            ))
        })
    }
}

/// Camera motion: six numbers in any sequence or array.
pub(super) struct Motion(pub(super) [f64; 6]);

impl FromPyObject<'_, '_> for Motion {
    type Error = PyErr;
    fn extract(given: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let wrong = || InputError::new_err("motion needs six numbers (a, b, tx, c, d, ty)");
        let mut numbers = given.try_iter().map_err(|_| wrong())?;
        let mut affine = [0.0; 6];
        for to in &mut affine {
            let next = numbers.next().ok_or_else(wrong)?;
            *to = next.and_then(|number| number.extract()).map_err(|_| wrong())?;
        }
        if numbers.next().is_some() { Err(wrong()) } else { Ok(Self(affine)) }
    }
}

/// Text; Python's may hold halves of characters, which no other program can read.
pub(super) struct Text(pub(super) String);

impl FromPyObject<'_, '_> for Text {
    type Error = PyErr;
    fn extract(given: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        given.extract().map(Self).map_err(|error: PyErr| {
            if given.is_instance_of::<PyString>() {
                InputError::new_err("the text holds a lone surrogate, which is no character")
            } else {
                error
            }
        })
    }
}

/// Pauses of a recording: when, and why.
pub(super) fn pauses_of(given: &Bound<'_, PyAny>) -> PyResult<Vec<(i64, String)>> {
    let wrong = |_| InputError::new_err("pauses must be a list of pairs (at_ms, reason), in order of time");
    given
        .try_iter()
        .map_err(wrong)?
        .map(|pair| {
            let (at, reason): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair?.extract().map_err(wrong)?;
            let reason = reason.cast::<PyString>().map_err(|e| wrong(e.into()))?;
            Ok((at.extract::<Millis>()?.0, reason.extract::<Text>()?.0))
        })
        .collect()
}
