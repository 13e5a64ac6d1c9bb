//! Who a rule looks at.

use crate::detection::Group;
use crate::facts::{Anchor, Fact, Facts, LineCrossing};
use crate::geometry::BBox;
use crate::quantity::Size;
use crate::scene::Scene;

/// Who a rule looks at.
#[derive(Debug, Default)]
pub struct Filter {
    pub(super) classes: Vec<bool>,
    pub(super) min_score: f32,
    pub(super) min_height: Option<Size>,
}

impl Filter {
    /// Whether the subject is of the right class, sure enough and large enough.
    pub fn admits(&self, fact: &Fact, scene: &Scene) -> bool {
        self.class(fact.class_id)
            && fact.best_score >= self.min_score
            && self.size(&fact.bbox, fact.group, scene)
    }

    /// Whether a box is large enough.
    pub fn size(&self, bbox: &BBox, group: Group, scene: &Scene) -> bool {
        self.min_height.is_none_or(|least| {
            let height = bbox.y2 - bbox.y1;
            match (least, &scene.ground) {
                (Size::Picture(share), _) => height >= share,
                (Size::Metres(m), Some(ground)) => {
                    let foot = Anchor::Feet.point(bbox, group);
                    ground.scale_at(foot).is_some_and(|scale| height * scale.mean >= m)
                }
                (Size::Metres(_), None) => false,
            }
        })
    }

    /// Whether who crossed a line is of the right class, sure enough and, if still there, large enough.
    pub fn admits_crossing(&self, crossing: &LineCrossing, facts: &Facts<'_>) -> bool {
        match facts.subject(crossing.subject) {
            Some(fact) => self.admits(fact, facts.scene),
            None => self.class(crossing.class_id) && self.score(crossing.best_score),
        }
    }

    /// Whether the class counts.
    pub fn class(&self, class_id: u16) -> bool {
        self.classes.get(usize::from(class_id)).copied().unwrap_or(false)
    }

    /// Whether the score is enough.
    pub fn score(&self, score: f32) -> bool {
        score >= self.min_score
    }
}
