//! The scene: what one view looks at (zones, lines, routes, ground) and what is watched there (rules), read from JSON.
//!
//! Reading names the place of every mistake (`rules[2].after`, `zones.lawn[3]`) and refuses unknown keys.

use crate::detection::Group;
use crate::error::{Error, Result};
use crate::geometry::{Point, Polygon, Polyline};
use crate::ground::GroundPlane;
use crate::schedule::{Schedule, ScheduleText, Schedules};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The labels of COCO's 80 classes in their usual order: the default of `classes`.
pub const COCO: [&str; 80] = [
    "person",
    "bicycle",
    "car",
    "motorcycle",
    "airplane",
    "bus",
    "train",
    "truck",
    "boat",
    "traffic light",
    "fire hydrant",
    "stop sign",
    "parking meter",
    "bench",
    "bird",
    "cat",
    "dog",
    "horse",
    "sheep",
    "cow",
    "elephant",
    "bear",
    "zebra",
    "giraffe",
    "backpack",
    "umbrella",
    "handbag",
    "tie",
    "suitcase",
    "frisbee",
    "skis",
    "snowboard",
    "sports ball",
    "kite",
    "baseball bat",
    "baseball glove",
    "skateboard",
    "surfboard",
    "tennis racket",
    "bottle",
    "wine glass",
    "cup",
    "fork",
    "knife",
    "spoon",
    "bowl",
    "banana",
    "apple",
    "sandwich",
    "orange",
    "broccoli",
    "carrot",
    "hot dog",
    "pizza",
    "donut",
    "cake",
    "chair",
    "couch",
    "potted plant",
    "bed",
    "dining table",
    "toilet",
    "tv",
    "laptop",
    "mouse",
    "remote",
    "keyboard",
    "cell phone",
    "microwave",
    "oven",
    "toaster",
    "sink",
    "refrigerator",
    "book",
    "clock",
    "vase",
    "scissors",
    "teddy bear",
    "hair drier",
    "toothbrush",
];

/// A scene as it is written. Points are `[x, y]`, relative to the picture, 0..1, origin top left.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SceneText {
    /// Name of the view: part of every incident's id.
    #[serde(default)]
    pub view: String,
    /// Width of the picture divided by its height.
    #[serde(default = "wide")]
    pub aspect: f64,
    /// IANA name of the site's time zone (`Europe/Paris`); needed by rules that reset at an hour of the day.
    pub timezone: Option<String>,
    /// Where the site is, degrees: latitude (north is positive) and longitude (east is positive); needed by hours by the
    /// sun.
    pub position: Option<[f64; 2]>,
    /// Schedules by name: times of the week that rules name.
    #[serde(default)]
    pub schedules: BTreeMap<String, ScheduleText>,
    /// What a `class_id` means, in order; the 80 labels of COCO if left out.
    pub classes: Option<Vec<String>>,
    /// Ground calibration: at least four points of the picture and where they are on the ground.
    pub ground: Option<GroundText>,
    /// Zones by name: the corners of a polygon, in order.
    #[serde(default)]
    pub zones: BTreeMap<String, Vec<[f64; 2]>>,
    /// Lines by name: two or more points; left and right are those of somebody who looks from the first to the last.
    #[serde(default)]
    pub lines: BTreeMap<String, Vec<[f64; 2]>>,
    /// Routes by name: the permitted way along a road, two or more points.
    #[serde(default)]
    pub routes: BTreeMap<String, Vec<[f64; 2]>>,
    /// Rules, each with its `name` and `type`.
    #[serde(default)]
    pub rules: Vec<Map<String, Value>>,
}

/// Pairs of points: `image[i]` in the picture is `metres[i]` on the ground.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroundText {
    /// Points of the picture.
    pub image: Vec<[f64; 2]>,
    /// The same points on the ground, in metres from any origin.
    pub metres: Vec<[f64; 2]>,
}

/// Most zones, lines, routes and rules of a view, each: every subject is tested against all of them.
const MOST: usize = 1000;
/// Most points of a shape: every step pays for each of them, and the check that no two edges cross for every pair.
const MOST_POINTS: usize = 1000;
/// Most pairs of a calibration: the search for four that span an area may look at every four.
const MOST_PAIRS: usize = 100;
/// Furthest from the origin that a place on the ground can be, in metres: beyond every national grid.
const FURTHEST: f64 = 1e8;

fn wide() -> f64 {
    16.0 / 9.0
}

/// A scene without its rules, checked, in view units.
#[derive(Debug)]
pub struct Scene {
    /// Name of the view.
    pub view: String,
    /// Width of the picture divided by its height.
    pub aspect: f64,
    /// The site's time zone.
    pub timezone: Option<TimeZone>,
    /// Schedules by name.
    pub schedules: Schedules,
    /// Class labels.
    pub labels: Vec<Arc<str>>,
    /// Association group of each class.
    pub groups: Vec<Group>,
    /// Calibration.
    pub ground: Option<GroundPlane>,
    /// Zones, by name.
    pub zones: Vec<(String, Polygon)>,
    /// Lines, by name.
    pub lines: Vec<(String, Polyline)>,
    /// Routes, by name.
    pub routes: Vec<(String, Polyline)>,
}

impl Scene {
    /// Reads a scene; gives back the rules as they are written, for the catalogue to build.
    ///
    /// # Errors
    /// [`Error::Config`] with the place.
    pub fn read(json: &str) -> Result<(Self, Vec<Map<String, Value>>)> {
        let mut reader = serde_json::Deserializer::from_str(json);
        let text: SceneText = serde_path_to_error::deserialize(&mut reader).map_err(|e| {
            let inner = e.inner();
            let message = if inner.is_syntax() || inner.is_eof() {
                format!("not JSON: {inner}")
            } else {
                strip_place(&inner.to_string())
            };
            Error::config(place(e.path()), message)
        })?;
        reader.end().map_err(|e| Error::config("", format!("not JSON: {e}")))?;
        Self::check(text)
    }

    fn check(text: SceneText) -> Result<(Self, Vec<Map<String, Value>>)> {
        let aspect = text.aspect;
        if !(0.1..=10.0).contains(&aspect) {
            return Err(Error::config(
                "aspect",
                format!("{aspect} is not a picture's width divided by its height"),
            ));
        }
        let labels = text.classes.unwrap_or_else(|| COCO.iter().map(|&label| label.to_owned()).collect());
        if labels.is_empty() || labels.len() > usize::from(u16::MAX) {
            return Err(Error::config("classes", "between 1 and 65535 class labels are needed"));
        }
        let mut known = BTreeSet::new();
        if let Some(i) = (0..labels.len()).find(|&i| !known.insert(labels[i].as_str())) {
            return Err(Error::config(format!("classes[{i}]"), format!("`{}` stands twice", labels[i])));
        }
        if text.rules.len() > MOST {
            return Err(Error::config("rules", format!("{} rules; {MOST} are the limit", text.rules.len())));
        }
        let timezone = text.timezone.map(|name| {
            TimeZone::get(&name).map_err(|_| {
                Error::config("timezone", format!("`{name}` is not an IANA time zone such as Europe/Paris"))
            })
        });
        let timezone = timezone.transpose()?;
        let schedules = schedules(&text.schedules, timezone.as_ref(), text.position)?;
        let groups = labels.iter().enumerate().map(|(i, label)| Group::of(label, i as u16)).collect();
        let zones = shapes("zones", text.zones, aspect, |p| Polygon::new(p).map_err(|e| e.to_string()))?;
        let lines = shapes("lines", text.lines, aspect, |p| Polyline::new(p).map_err(|e| e.to_string()))?;
        let routes = shapes("routes", text.routes, aspect, |p| Polyline::new(p).map_err(|e| e.to_string()))?;
        let ground = text.ground.map(|g| calibrate(&g, aspect)).transpose()?;
        let scene = Self {
            view: text.view,
            aspect,
            timezone,
            schedules,
            labels: labels.into_iter().map(Arc::from).collect(),
            groups,
            ground,
            zones,
            lines,
            routes,
        };
        Ok((scene, text.rules))
    }

    /// A point relative to the picture, in view units.
    pub fn view_point(&self, [x, y]: [f64; 2]) -> Point {
        Point { x: x * self.aspect, y }
    }
}

/// Reads a value with the path of the mistake, relative to the value.
///
/// # Errors
/// [`Error::Config`].
pub fn read_value<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_path_to_error::deserialize(value)
        .map_err(|e| Error::config(place(e.path()), strip_place(&e.inner().to_string())))
}

fn place(path: &serde_path_to_error::Path) -> String {
    let text = path.to_string();
    if text == "." { String::new() } else { text.trim_end_matches(".?").to_owned() }
}

/// `serde_json` ends its messages with a place in the JSON text, which nobody wrote by hand.
fn strip_place(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}

type Named<T> = Vec<(String, T)>;

fn shapes<T>(
    family: &str,
    drawn: BTreeMap<String, Vec<[f64; 2]>>,
    aspect: f64,
    make: impl Fn(Vec<Point>) -> std::result::Result<T, String>,
) -> Result<Named<T>> {
    if drawn.len() > MOST {
        return Err(Error::config(family, format!("{} {family}; {MOST} are the limit", drawn.len())));
    }
    drawn
        .into_iter()
        .map(|(name, corners)| {
            let path = format!("{family}.{name}");
            if corners.len() > MOST_POINTS {
                let message = format!("{} points; {MOST_POINTS} are the limit: simplify it", corners.len());
                return Err(Error::config(path, message));
            }
            let points = within_picture(&path, &corners, aspect)?;
            let shape = make(points).map_err(|message| Error::config(path, message))?;
            Ok((name, shape))
        })
        .collect()
}

fn schedules(
    written: &BTreeMap<String, ScheduleText>,
    zone: Option<&TimeZone>,
    position: Option<[f64; 2]>,
) -> Result<Schedules> {
    if let Some([latitude, longitude]) = position
        && !(latitude.abs() <= 90.0 && longitude.abs() <= 180.0)
    {
        let message =
            format!("[{latitude}, {longitude}] is no place on earth; give [latitude, longitude] in degrees");
        return Err(Error::config("position", message));
    }
    let read = |(name, text): (&String, &ScheduleText)| {
        let schedule =
            Schedule::read(text, zone, position).map_err(|e| e.under(&format!("schedules.{name}")))?;
        Ok((name.clone(), Arc::new(schedule)))
    };
    written.iter().map(read).collect()
}

fn within_picture(path: &str, corners: &[[f64; 2]], aspect: f64) -> Result<Vec<Point>> {
    corners
        .iter()
        .enumerate()
        .map(|(i, &[x, y])| {
            if (0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y) {
                return Ok(Point { x: x * aspect, y });
            }
            let hint = if x.abs() > 2.0 || y.abs() > 2.0 {
                "; divide pixels by the picture's width and height"
            } else {
                ""
            };
            Err(Error::config(
                format!("{path}[{i}]"),
                format!("({x}, {y}) lies outside the picture: coordinates are relative, 0..1{hint}"),
            ))
        })
        .collect()
}

fn calibrate(text: &GroundText, aspect: f64) -> Result<GroundPlane> {
    if text.image.len() != text.metres.len() {
        return Err(Error::config(
            "ground",
            format!(
                "image has {} points and metres has {}: they are pairs",
                text.image.len(),
                text.metres.len()
            ),
        ));
    }
    if text.image.len() > MOST_PAIRS {
        return Err(Error::config(
            "ground",
            format!("{} pairs of points; {MOST_PAIRS} are the limit", text.image.len()),
        ));
    }
    if let Some(i) = text.metres.iter().position(|p| p.iter().any(|v| v.abs() > FURTHEST)) {
        return Err(Error::config(
            format!("ground.metres[{i}]"),
            "this is further away than the earth is large",
        ));
    }
    let image = within_picture("ground.image", &text.image, aspect)?;
    let metres: Vec<Point> = text.metres.iter().map(|&[x, y]| Point { x, y }).collect();
    GroundPlane::fit(&image, &metres).map_err(|e| Error::config("ground", e.to_string()))
}
