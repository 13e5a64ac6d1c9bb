//! The seam: the entire FFI, and nothing but translation. Documented for its users in `python/beffroi/_core.pyi`.
//!
//! `step` takes tens of microseconds and keeps the GIL: releasing it around so short a call lets a busy thread delay it
//! by milliseconds. `replay` takes milliseconds and more, and releases it, on copied inputs.

#![allow(clippy::needless_pass_by_value, clippy::too_many_arguments)] // The signatures are PyO3's.

mod arguments;
mod arrays;
mod replay;
mod signals;
mod tracks;

use crate::engine::{Boxes, Engine as Core};
use crate::error::Error;
use crate::event::Event as CoreEvent;
use crate::facts::Probes;
use crate::rules::{CATALOGUE, rule_schema};
use crate::scene::{Scene, SceneText};
use crate::time::Timestamp;
use arguments::{Millis, Motion, Text, pauses_of};
use arrays::{column, rows, slice};
use numpy::PyUntypedArrayMethods;
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use replay::{Recording, replay_all};
use serde_json::{Value, json};
use signals::{owned, signals_of};
use tracks::Tracks;

create_exception!(
    beffroi._core,
    BeffroiError,
    PyException,
    "Base of every error that beffroi raises on purpose."
);
create_exception!(
    beffroi._core,
    ConfigError,
    BeffroiError,
    "A scene that cannot run; `path` names the place."
);
create_exception!(beffroi._core, InputError, BeffroiError, "Arrays or times that the engine refuses.");

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Input(_) => InputError::new_err(text),
            Error::Config { path, message } => Python::attach(|py| {
                let error = ConfigError::new_err(text);
                let value = error.value(py);
                match value.setattr("path", path).and_then(|()| value.setattr("message", message)) {
                    Ok(()) => error,
                    Err(other) => other,
                }
            }),
        }
    }
}

fn to_python(py: Python<'_>, value: &Value) -> PyResult<Py<PyAny>> {
    Ok(py.import("json")?.call_method1("loads", (value.to_string(),))?.unbind())
}

/// A change of one incident: it started, was updated, or ended.
#[pyclass(frozen, module = "beffroi._core")]
struct Event {
    inner: CoreEvent,
}

impl Event {
    /// Takes the events of the last step.
    fn list(py: Python<'_>, core: &mut Core) -> PyResult<Vec<Py<Self>>> {
        if core.events().is_empty() {
            return Ok(Vec::new());
        }
        core.take_events().map(|inner| Py::new(py, Self { inner })).collect()
    }
}

#[pymethods]
impl Event {
    #[getter]
    fn id(&self) -> &str {
        &self.inner.id
    }
    #[getter]
    fn rule(&self) -> &str {
        &self.inner.origin.rule
    }
    #[getter]
    fn r#type(&self) -> &str {
        self.inner.origin.kind
    }
    #[getter]
    fn change(&self) -> &str {
        self.inner.change.as_str()
    }
    #[getter]
    fn at_ms(&self) -> i64 {
        self.inner.at.ms()
    }
    #[getter]
    fn since_ms(&self) -> i64 {
        self.inner.since.ms()
    }
    #[getter]
    fn subjects<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.inner.subjects.iter().map(|s| s.id))
    }
    #[getter]
    fn zone(&self) -> Option<&str> {
        self.inner.origin.zone.as_deref()
    }
    #[getter]
    fn measured<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for m in &self.inner.measured {
            dict.set_item(&*m.name, m.value)?;
        }
        Ok(dict)
    }
    #[getter]
    fn threshold<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for m in &self.inner.measured {
            if let Some(threshold) = m.threshold {
                dict.set_item(&*m.name, threshold)?;
            }
        }
        Ok(dict)
    }
    #[getter]
    fn r#box(&self) -> Option<(f32, f32, f32, f32)> {
        self.inner.xyxy.map(|[x1, y1, x2, y2]| (x1, y1, x2, y2))
    }
    #[getter]
    fn reason(&self) -> Option<&str> {
        self.inner.reason.as_deref()
    }
    fn to_json(&self) -> String {
        self.inner.to_json()
    }
    fn __repr__(&self) -> String {
        let e = &self.inner;
        format!("<Event {} {} at {} ms>", e.origin.rule, e.change.as_str(), e.at.ms())
    }
}

/// What one call of `Engine.step` found.
#[pyclass(frozen, module = "beffroi._core")]
struct Step {
    tracks: Py<Tracks>,
    events: Vec<Py<Event>>,
    renamed: Vec<(i64, i64, i64)>,
    closed: Option<Value>,
}

#[pymethods]
impl Step {
    #[getter]
    fn tracks(&self, py: Python<'_>) -> Py<Tracks> {
        self.tracks.clone_ref(py)
    }
    #[getter]
    fn events<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, &self.events)
    }
    #[getter]
    fn renamed(&self) -> Vec<(i64, i64, i64)> {
        self.renamed.clone()
    }
    #[getter]
    fn stats(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.closed.as_ref().map(|value| to_python(py, value)).transpose()
    }
    fn __repr__(&self) -> String {
        format!("<Step events={}>", self.events.len())
    }
}

/// All analytics of one view.
#[pyclass(module = "beffroi._core")]
struct Engine {
    core: Core,
}

#[pymethods]
impl Engine {
    #[new]
    fn new(scene_json: Text) -> PyResult<Self> {
        Ok(Self { core: Core::new(&scene_json.0)? })
    }

    #[pyo3(signature = (at_ms, xyxy, score, class_id, signals=None, motion=None))]
    fn step(
        &mut self,
        py: Python<'_>,
        at_ms: Millis,
        xyxy: &Bound<'_, PyAny>,
        score: &Bound<'_, PyAny>,
        class_id: &Bound<'_, PyAny>,
        signals: Option<&Bound<'_, PyAny>>,
        motion: Option<Motion>,
    ) -> PyResult<Step> {
        let xyxy = rows("xyxy", "float32 of shape (n, 4)", 4, xyxy)?;
        let score = column::<f32>("score", "float32 of shape (n,)", score)?;
        let class_id = column::<u16>("class_id", "uint16 of shape (n,)", class_id)?;
        let signals = signals_of(signals)?;
        let boxes =
            Boxes { xyxy: xyxy.as_slice().unwrap_or(&[]), score: slice(&score), class_id: slice(&class_id) };
        let states = signals.iter().map(|(name, state)| (&**name, &**state));
        self.core.step(Timestamp::from_ms(at_ms.0), boxes, states, motion.map(|m| m.0))?;
        let renamed = self.core.renamed().iter().map(|r| (r.subject as i64, r.old as i64, r.new as i64));
        Ok(Step {
            tracks: Py::new(py, Tracks::of(&self.core, at_ms.0))?,
            renamed: renamed.collect(),
            closed: self.core.closed().cloned(),
            events: Event::list(py, &mut self.core)?,
        })
    }

    #[pyo3(signature = (at_ms, reason=None), text_signature = "($self, at_ms, reason='end_of_stream')")]
    fn finish(&mut self, py: Python<'_>, at_ms: Millis, reason: Option<Text>) -> PyResult<Vec<Py<Event>>> {
        let reason = reason.map_or_else(|| "end_of_stream".to_owned(), |text| text.0);
        self.core.finish(Timestamp::from_ms(at_ms.0), &reason)?;
        Event::list(py, &mut self.core)
    }

    #[pyo3(signature = (at_ms, offsets, xyxy, score, class_id, signals=None, motion=None, pauses=None))]
    fn replay(
        &mut self,
        py: Python<'_>,
        at_ms: &Bound<'_, PyAny>,
        offsets: &Bound<'_, PyAny>,
        xyxy: &Bound<'_, PyAny>,
        score: &Bound<'_, PyAny>,
        class_id: &Bound<'_, PyAny>,
        signals: Option<&Bound<'_, PyAny>>,
        motion: Option<&Bound<'_, PyAny>>,
        pauses: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Vec<Event>> {
        let at = slice(&column::<i64>("at_ms", "int64 of shape (f,)", at_ms)?).to_vec();
        let offsets = slice(&column::<i64>("offsets", "int64 of shape (f + 1,)", offsets)?).to_vec();
        let xyxy = rows::<f32>("xyxy", "float32 of shape (n, 4)", 4, xyxy)?;
        let xyxy = xyxy.as_slice().unwrap_or(&[]).to_vec();
        let score = slice(&column::<f32>("score", "float32 of shape (n,)", score)?).to_vec();
        let class_id = slice(&column::<u16>("class_id", "uint16 of shape (n,)", class_id)?).to_vec();
        let per_picture = |name: &str, found: usize| {
            let text = || format!("{name} has {found} entries for {} pictures", at.len());
            if found == at.len() { Ok(()) } else { Err(InputError::new_err(text())) }
        };
        let motion = match motion.filter(|m| !m.is_none()) {
            Some(m) => {
                let rows = rows::<f64>("motion", "float64 of shape (f, 6)", 6, m)?;
                per_picture("motion", rows.shape()[0])?;
                rows.as_slice().unwrap_or(&[]).to_vec()
            }
            None => Vec::new(),
        };
        let signals = match signals.filter(|s| !s.is_none()) {
            Some(list) => {
                let wrong =
                    |_| InputError::new_err("signals must be a list with one mapping (or None) per picture");
                let list = list.try_iter().map_err(wrong)?;
                let list = list.map(|m| owned(&m?)).collect::<PyResult<Vec<_>>>()?;
                per_picture("signals", list.len())?;
                list
            }
            None => Vec::new(),
        };
        let pauses = pauses.map(pauses_of).transpose()?.unwrap_or_default();
        let rising = offsets.windows(2).all(|w| w[0] <= w[1]);
        let whole = offsets.first() == Some(&0) && offsets.last() == Some(&(score.len() as i64));
        if offsets.len() != at.len() + 1
            || !rising
            || !whole
            || class_id.len() != score.len()
            || xyxy.len() != 4 * score.len()
        {
            return Err(InputError::new_err(format!(
                "offsets must rise from 0 to the number of boxes, one more than pictures: {} pictures, {} offsets, boxes {}, {} and {} rows",
                at.len(),
                offsets.len(),
                xyxy.len() / 4,
                score.len(),
                class_id.len()
            )));
        }
        let offsets = offsets.into_iter().map(|o| o as usize).collect();
        let recording = Recording { at, offsets, xyxy, score, class_id, signals, motion, pauses };
        let core = &mut self.core;
        let events = py.detach(|| replay_all(core, &recording)).map_err(PyErr::from)?;
        Ok(events.into_iter().map(|inner| Event { inner }).collect())
    }

    fn stats(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        to_python(py, &self.core.totals())
    }

    fn running(&self, py: Python<'_>, at_ms: Millis) -> PyResult<Option<Py<PyAny>>> {
        self.core.running(Timestamp::from_ms(at_ms.0)).map(|value| to_python(py, &value)).transpose()
    }

    /// Pending and active incidents: rule, subject (0 for a group or place), `since_ms`, active.
    fn timers(&self) -> Vec<(String, u64, i64, bool)> {
        let subject = |key| if let crate::lifecycle::Key::Subject(id) = key { id } else { 0 };
        self.core
            .timers()
            .map(|(rule, t)| (rule.to_owned(), subject(t.key), t.since.ms(), t.active))
            .collect()
    }

    #[getter]
    fn labels<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.core.scene().labels.iter().map(|l| &**l))
    }
}

/// Every rule kind.
#[pyfunction]
fn catalogue(py: Python<'_>) -> PyResult<Py<PyAny>> {
    let kinds = CATALOGUE.iter().map(|spec| {
        json!({
            "kind": spec.kind,
            "manual": spec.manual(),
            "schema": rule_schema(spec),
            "onvif_topic": spec.onvif_topic,
            "measurement": spec.measurement,
            "momentary": spec.momentary,
            "needs": spec.needs,
        })
    });
    to_python(py, &Value::Array(kinds.collect()))
}

/// Validates a scene without running it.
#[pyfunction]
fn check(py: Python<'_>, scene_json: Text) -> PyResult<Py<PyAny>> {
    let (scene, written) = Scene::read(&scene_json.0)?;
    let rules = crate::engine::build_all(&scene, &written, &mut Probes::default())?;
    let told = rules.iter().map(|r| {
        json!({
            "name": r.origin.rule,
            "type": r.origin.kind,
            "definition": {"fr": r.definition[0], "en": r.definition[1]},
            "definition_hash": r.origin.definition_hash,
            "warnings": r.warnings,
        })
    });
    to_python(py, &Value::Array(told.collect()))
}

/// JSON Schema of a scene.
#[pyfunction]
fn scene_schema(py: Python<'_>) -> PyResult<Py<PyAny>> {
    let mut schema = schemars::schema_for!(SceneText).to_value();
    let variants: Vec<Value> = CATALOGUE.iter().map(rule_schema).collect();
    if let Some(items) = schema.pointer_mut("/properties/rules/items") {
        *items = json!({"oneOf": variants});
    }
    to_python(py, &schema)
}

/// Runs literate scenarios.
#[pyfunction]
#[pyo3(signature = (cases_toml, scene_json=None))]
fn rehearse(py: Python<'_>, cases_toml: Text, scene_json: Option<Text>) -> PyResult<Py<PyAny>> {
    let scene_json = scene_json.map(|text| text.0);
    let results = crate::scenario::rehearse(&cases_toml.0, scene_json.as_deref())?;
    to_python(py, &json!(results))
}

/// beffroi's core, private: import from `beffroi`.
#[pymodule(gil_used = false)]
mod _core {
    use super::PyModuleMethods;
    #[pymodule_export]
    use super::{
        BeffroiError, ConfigError, Engine, Event, InputError, Step, Tracks, catalogue, check, rehearse,
        scene_schema,
    };
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        let config_error = module.getattr("ConfigError")?;
        config_error.setattr("path", "")?;
        config_error.setattr("message", "")
    }
}
