//! Tracks that go out, as numpy columns.

use crate::engine::Engine as Core;
use crate::event::relative;
use numpy::ndarray::ArrayView2;
use numpy::{PyArray1, PyArray2};
use pyo3::prelude::*;

/// The tracks of one step, as columns.
///
/// Columns of one type lie one after another in one buffer: few buffers to make in a step, and a column that nobody
/// asks for never becomes an array. Every array that is given out is a copy of its own.
#[pyclass(frozen, module = "beffroi._core")]
pub(super) struct Tracks {
    len: usize,
    /// id, subject, `age_ms`.
    longs: Vec<i64>,
    /// xyxy (4 a row), `ground_xy` (2 a row), score, speed.
    floats: Vec<f32>,
    det: Vec<i32>,
    class_id: Vec<u16>,
}

impl Tracks {
    pub(super) fn of(core: &Core, at: i64) -> Self {
        let tracks = core.tracks();
        let n = tracks.len();
        let aspect = core.scene().aspect;
        let (mut longs, mut floats) = (Vec::with_capacity(3 * n), Vec::with_capacity(8 * n));
        longs.extend(tracks.iter().map(|t| t.id as i64));
        longs.resize(2 * n, 0);
        longs.extend(tracks.iter().map(|t| at - t.first.ms()));
        for track in tracks {
            floats.extend_from_slice(&relative(&track.bbox, aspect));
        }
        floats.resize(6 * n, f32::NAN);
        floats.extend(tracks.iter().map(|t| t.score));
        floats.resize(8 * n, f32::NAN);
        let subject = &mut longs[n..2 * n];
        let (ground_xy, speed) = floats[4 * n..].split_at_mut(2 * n);
        let speed = &mut speed[n..];
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
        let det = tracks.iter().map(|t| t.det.map_or(-1, |row| row as i32)).collect();
        let class_id = tracks.iter().map(|t| t.class_id).collect();
        Self { len: n, longs, floats, det, class_id }
    }

    fn long<'py>(&self, py: Python<'py>, column: usize) -> Bound<'py, PyArray1<i64>> {
        PyArray1::from_slice(py, &self.longs[column * self.len..(column + 1) * self.len])
    }

    /// The column of floats that begins `before` columns into their buffer.
    fn float<'py>(&self, py: Python<'py>, before: usize) -> Bound<'py, PyArray1<f32>> {
        PyArray1::from_slice(py, &self.floats[before * self.len..(before + 1) * self.len])
    }

    fn table<'py>(
        &self,
        py: Python<'py>,
        before: usize,
        width: usize,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let data = &self.floats[before * self.len..(before + width) * self.len];
        let view = ArrayView2::from_shape((self.len, width), data)
            .map_err(|e| super::BeffroiError::new_err(e.to_string()))?;
        Ok(PyArray2::from_array(py, &view))
    }
}

#[pymethods]
impl Tracks {
    #[getter]
    fn id<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        self.long(py, 0)
    }
    #[getter]
    fn subject<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        self.long(py, 1)
    }
    #[getter]
    fn xyxy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        self.table(py, 0, 4)
    }
    #[getter]
    fn class_id<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u16>> {
        PyArray1::from_slice(py, &self.class_id)
    }
    #[getter]
    fn score<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f32>> {
        self.float(py, 6)
    }
    #[getter]
    fn age_ms<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        self.long(py, 2)
    }
    #[getter]
    fn ground_xy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        self.table(py, 4, 2)
    }
    #[getter]
    fn speed<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f32>> {
        self.float(py, 7)
    }
    #[getter]
    fn det<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i32>> {
        PyArray1::from_slice(py, &self.det)
    }
    fn __len__(&self) -> usize {
        self.len
    }
    fn __repr__(&self) -> String {
        format!("<Tracks n={}>", self.len)
    }
}
