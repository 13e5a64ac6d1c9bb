//! numpy arrays that come in: type, shape and layout checked, never cast.

use super::InputError;
use numpy::{Element, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;

/// A contiguous column of the right type, or an error that says what came instead.
pub(super) fn column<'py, T: Element>(
    name: &str,
    wanted: &str,
    array: &Bound<'py, PyAny>,
) -> PyResult<PyReadonlyArray1<'py, T>> {
    let found = array.extract::<PyReadonlyArray1<'py, T>>().map_err(|_| unlike(name, wanted, array))?;
    if found.is_contiguous() && found.is_aligned() { Ok(found) } else { Err(unlike(name, wanted, array)) }
}

pub(super) fn rows<'py, T: Element>(
    name: &str,
    wanted: &str,
    width: usize,
    array: &Bound<'py, PyAny>,
) -> PyResult<PyReadonlyArray2<'py, T>> {
    let found = array.extract::<PyReadonlyArray2<'py, T>>().map_err(|_| unlike(name, wanted, array))?;
    // An empty array is contiguous in every order.
    let fits =
        found.shape()[1] == width && (found.is_c_contiguous() && found.is_aligned() || found.is_empty());
    if fits { Ok(found) } else { Err(unlike(name, wanted, array)) }
}

#[cold]
fn unlike(name: &str, wanted: &str, array: &Bound<'_, PyAny>) -> PyErr {
    let of = |attribute: &str| array.getattr(attribute).map_or_else(|_| String::new(), |v| v.to_string());
    let got = match (of("dtype"), of("shape")) {
        (dtype, _) if dtype.is_empty() => array.get_type().to_string(),
        (dtype, shape) => format!("{dtype} of shape {shape}"),
    };
    let flag =
        |name: &str| array.getattr("flags").and_then(|f| f.get_item(name)?.is_truthy()).unwrap_or(true);
    // A view into a packed record: its numbers start between two addresses.
    let how = if flag("ALIGNED") { "" } else { ", not aligned (copy it first)" };
    InputError::new_err(format!("{name} must be a C-contiguous numpy array, {wanted}; got {got}{how}"))
}

pub(super) fn slice<'a, T: Element>(array: &'a PyReadonlyArray1<'_, T>) -> &'a [T] {
    // Contiguity and alignment were checked; an empty array has no slice.
    array.as_slice().unwrap_or(&[])
}
