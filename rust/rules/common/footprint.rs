//! Where a road user stands on the ground, from its box and the size that is usual for its class.

use crate::detection::Group;
use crate::facts::Fact;
use crate::geometry::Point;
use crate::scene::Scene;

/// Length and width of what is usually called so, metres.
pub(in crate::rules) fn size(label: &str, group: Group) -> (f64, f64) {
    match (label, group) {
        ("bus", _) => (12.0, 2.5),
        ("truck", _) => (8.0, 2.5),
        ("van", _) => (5.5, 2.0),
        ("motorcycle", _) => (2.1, 0.8),
        (_, Group::Vehicle) => (4.4, 1.8),
        (_, Group::Cycle) => (1.8, 0.6),
        _ => (0.5, 0.5),
    }
}

/// How far up the picture to look for the direction that leads away from the camera, in box heights.
const UP: f64 = 0.05;

/// The middle of a road user's footprint on the ground, metres; None on a view that is not calibrated.
///
/// The lower edge of the box is the near side, whatever the height: a quarter of the box up lies behind a tall vehicle.
/// From there it is half of the depth away from the camera. The wider the box is on the ground, the more of the length
/// lies across and the less is depth.
pub(in crate::rules) fn middle(fact: &Fact, scene: &Scene) -> Option<Point> {
    if !matches!(fact.group, Group::Vehicle | Group::Cycle) {
        return fact.ground;
    }
    let ground = scene.ground.as_ref()?;
    let b = &fact.bbox;
    let foot = Point::new(f64::midpoint(b.x1, b.x2), b.y2);
    let [near, left, right, beyond] =
        [foot, Point::new(b.x1, b.y2), Point::new(b.x2, b.y2), Point::new(foot.x, b.y2 - UP * (b.y2 - b.y1))]
            .map(|p| ground.to_metres(p));
    let (near, across) = (near?, left?.distance(right?));
    let away = beyond? - near;
    let (long, wide) = size(&scene.labels[usize::from(fact.class_id)], fact.group);
    let depth = (long + wide - across).clamp(wide, long);
    (away.norm() > 0.0).then(|| near + away * (0.5 * depth / away.norm()))
}

/// The same on the picture, view units.
pub(in crate::rules) fn middle_on_picture(fact: &Fact, scene: &Scene) -> Option<Point> {
    scene.ground.as_ref()?.to_image(middle(fact, scene)?)
}
