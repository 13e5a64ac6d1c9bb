//! Tracks that go out, as numpy columns.

use crate::engine::Engine as Core;
use crate::event::relative;
use numpy::{PyArray1, PyArray2, PyArrayMethods};
use pyo3::prelude::*;

/// The tracks of one step, as columns.
#[pyclass(frozen, module = "beffroi._core")]
pub(super) struct Tracks {
    id: Vec<i64>,
    subject: Vec<i64>,
    xyxy: Vec<f32>,
    class_id: Vec<u16>,
    score: Vec<f32>,
    age_ms: Vec<i64>,
    ground_xy: Vec<f32>,
    speed: Vec<f32>,
    det: Vec<i32>,
}

impl Tracks {
    pub(super) fn of(core: &Core, at: i64) -> Self {
        let tracks = core.tracks();
        let n = tracks.len();
        let mut subject = vec![0; n];
        let mut ground_xy = vec![f32::NAN; 2 * n];
        let mut speed = vec![f32::NAN; n];
        for (s, fact) in core.subjects().iter().zip(core.facts()) {
            let Some(i) = s.track else { continue };
            subject[i] = s.id as i64;
            if let Some(ground) = fact.ground {
                ground_xy[2 * i] = ground.x as f32;
                ground_xy[2 * i + 1] = ground.y as f32;
            }
            if let Some(v) = fact.speed() {
                speed[i] = v as f32;
            }
        }
        let aspect = core.scene().aspect;
        Self {
            id: tracks.iter().map(|t| t.id as i64).collect(),
            subject,
            xyxy: tracks.iter().flat_map(|t| relative(&t.bbox, aspect)).collect(),
            class_id: tracks.iter().map(|t| t.class_id).collect(),
            score: tracks.iter().map(|t| t.score).collect(),
            age_ms: tracks.iter().map(|t| at - t.first.ms()).collect(),
            ground_xy,
            speed,
            det: tracks.iter().map(|t| t.det.map_or(-1, |d| d as i32)).collect(),
        }
    }
}

fn table<'py>(py: Python<'py>, data: &[f32], width: usize) -> PyResult<Bound<'py, PyArray2<f32>>> {
    PyArray1::from_slice(py, data).reshape([data.len() / width, width])
}

#[pymethods]
impl Tracks {
    #[getter]
    fn id<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        PyArray1::from_slice(py, &self.id)
    }
    #[getter]
    fn subject<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        PyArray1::from_slice(py, &self.subject)
    }
    #[getter]
    fn xyxy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        table(py, &self.xyxy, 4)
    }
    #[getter]
    fn class_id<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u16>> {
        PyArray1::from_slice(py, &self.class_id)
    }
    #[getter]
    fn score<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f32>> {
        PyArray1::from_slice(py, &self.score)
    }
    #[getter]
    fn age_ms<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        PyArray1::from_slice(py, &self.age_ms)
    }
    #[getter]
    fn ground_xy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        table(py, &self.ground_xy, 2)
    }
    #[getter]
    fn speed<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f32>> {
        PyArray1::from_slice(py, &self.speed)
    }
    #[getter]
    fn det<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i32>> {
        PyArray1::from_slice(py, &self.det)
    }
    fn __len__(&self) -> usize {
        self.id.len()
    }
    fn __repr__(&self) -> String {
        format!("<Tracks n={}>", self.id.len())
    }
}
