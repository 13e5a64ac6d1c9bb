//! Detections: what a detector found in one picture, validated once, as columns in view units.

use crate::error::{Error, Result};
use crate::geometry::BBox;

/// What can be confused with what: association never crosses groups, so a person and a car never swap identities.
///
/// Inside a group detectors change their mind from frame to frame (car, truck, bus), across groups hardly ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// A person on foot, or the rider of anything.
    Person,
    /// Bicycle, motorcycle.
    Cycle,
    /// Car, van, bus, truck, train.
    Vehicle,
    /// Any animal.
    Animal,
    /// What one can carry and put down: a rucksack is a handbag in the next picture. Not what those find who compare the
    /// picture with an earlier one, though it may be the same bag: their boxes are of another size, and a handbag that is
    /// carried past what lies still must not take its track along.
    Thing,
    /// Anything else: the class itself is the group.
    Object(u16),
}

impl Group {
    /// The group of a class label (COCO names and their usual synonyms); an unknown label is its own group.
    pub fn of(label: &str, class_id: u16) -> Self {
        match label.to_ascii_lowercase().as_str() {
            "person" | "pedestrian" | "people" | "human" | "rider" => Self::Person,
            "bicycle" | "bike" | "motorcycle" | "motorbike" | "scooter" | "cyclist" => Self::Cycle,
            "car" | "van" | "bus" | "truck" | "lorry" | "train" | "tram" | "vehicle" => Self::Vehicle,
            "bird" | "cat" | "dog" | "horse" | "sheep" | "cow" | "elephant" | "bear" | "zebra"
            | "giraffe" | "animal" => Self::Animal,
            "backpack" | "rucksack" | "handbag" | "suitcase" | "bag" | "luggage" | "parcel" => Self::Thing,
            _ => Self::Object(class_id),
        }
    }
}

/// Columns of equal length; boxes in view units (x times aspect), in the order they were given.
#[derive(Debug, Default)]
pub struct Detections {
    /// Width of the picture in view units; its height is 1.
    pub aspect: f64,
    /// Boxes in view units.
    pub boxes: Vec<BBox>,
    /// Scores, 0..1.
    pub score: Vec<f32>,
    /// Index into the scene's classes.
    pub class_id: Vec<u16>,
    /// Association group of each class.
    pub group: Vec<Group>,
}

/// Boxes that end this near to the picture's border (view units) touch it: detectors rarely place an edge better than a
/// hundredth.
pub(crate) const NEAR_BORDER: f64 = 0.01;

/// How far outside the picture a box may reach, in picture sizes. Detectors clip loosely; pixels would be far beyond.
const OUTSIDE: f32 = 1.0;

/// Most boxes of one picture. The largest scenes have some hundreds; a detector whose boxes were neither filtered by
/// score nor suppressed gives all of its tens of thousands.
const MOST: usize = 10_000;

impl Detections {
    /// Number of boxes.
    pub fn len(&self) -> usize {
        self.boxes.len()
    }

    /// Whether the picture had none.
    pub fn is_empty(&self) -> bool {
        self.boxes.is_empty()
    }

    /// Replaces the content by boxes relative to the picture, keeping the buffers.
    ///
    /// `xyxy` holds four numbers a box; `groups` is indexed by class.
    ///
    /// # Errors
    /// [`Error::Input`] names the row and the column; the previous content is then gone but nothing else has changed.
    pub fn fill(
        &mut self,
        aspect: f64,
        groups: &[Group],
        xyxy: &[f32],
        score: &[f32],
        class_id: &[u16],
    ) -> Result<()> {
        let n = score.len();
        if xyxy.len() != 4 * n || class_id.len() != n {
            return Err(unequal(xyxy.len() / 4, n, class_id.len()));
        }
        if n > MOST {
            return Err(Error::Input(format!(
                "{n} boxes in one picture, {MOST} are the limit: filter them by score and suppress duplicates first"
            )));
        }
        self.aspect = aspect;
        self.boxes.clear();
        self.score.clear();
        self.class_id.clear();
        self.group.clear();
        let rows = xyxy.chunks_exact(4).zip(score).zip(class_id);
        for (row, ((b, &score), &class)) in rows.enumerate() {
            if !acceptable(b) || !(0.0..=1.0).contains(&score) {
                return Err(complain(row, b, score));
            }
            let Some(&group) = groups.get(usize::from(class)) else {
                return Err(unknown(row, class, groups.len()));
            };
            let x = |v: f32| f64::from(v) * aspect;
            self.boxes.push(BBox { x1: x(b[0]), y1: f64::from(b[1]), x2: x(b[2]), y2: f64::from(b[3]) });
            self.group.push(group);
        }
        self.score.extend_from_slice(score);
        self.class_id.extend_from_slice(class_id);
        Ok(())
    }
}

fn acceptable(b: &[f32]) -> bool {
    // Written so that NaN fails every comparison.
    b[0] < b[2] && b[1] < b[3] && b.iter().all(|v| (-OUTSIDE..=1.0 + OUTSIDE).contains(v))
}

#[cold]
fn unequal(boxes: usize, scores: usize, classes: usize) -> Error {
    Error::Input(format!(
        "xyxy, score and class_id must have equally many rows: {boxes}, {scores} and {classes}"
    ))
}

#[cold]
fn unknown(row: usize, class: u16, classes: usize) -> Error {
    Error::Input(format!(
        "class_id[{row}] is {class}, but the scene has {classes} classes (0..{})",
        classes.saturating_sub(1)
    ))
}

#[cold]
fn complain(row: usize, b: &[f32], score: f32) -> Error {
    if acceptable(b) {
        return Error::Input(format!("score[{row}] is {score}; scores are numbers in 0..1"));
    }
    let place = format!("xyxy[{row}] is ({}, {}, {}, {})", b[0], b[1], b[2], b[3]);
    Error::Input(if b.iter().any(|v| !v.is_finite()) {
        format!("{place}: NaN or infinity; drop the box before the step")
    } else if b.iter().any(|v| !(-OUTSIDE..=1.0 + OUTSIDE).contains(v)) {
        format!("{place}: boxes are relative to the picture (0..1); divide pixels by its width and height")
    } else {
        format!("{place}: empty; x1 < x2 and y1 < y2 are needed")
    })
}
