//! Somebody comes, leaves something behind and goes.
//!
//! # What holds
//! Something new lies still in the zone that was not there when the watch began, or a heap has grown by a third or more;
//! somebody was within reach of it when that happened or in the ten seconds before, on foot or in a vehicle that had just
//! driven up; and they are now further away than `distance`, out of the picture, or have not been seen for `lost_after`.
//! If several were within reach, all of them must have left: the driver and the van. Who stays beside it does not dump it,
//! and who takes it up again has not. The time counts from when they are gone and it lies there.
//!
//! # Settings
//! `after` (10 s): how long after they have left. `distance` (2 body sizes of who brought it; or metres). `lost_after`
//! (5 s): unseen for this long they have left, at the moment of the last sight. `min_size`: least height of what counts.
//!
//! # What it cannot see
//! What it is, and whether it may lie there. What is thrown from further away than a body size, or lies where a parked
//! vehicle hides it. A heap that grows while nobody is seen near is only a larger heap.

use super::things::{Asked, Things, explain};
use super::{Context, Defaults, Filter, Rule, RuleSpec, THINGS, Target, schema_of};
use crate::definition::Template;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::lifecycle::{Holds, Key};
use crate::quantity::Length;
use crate::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(super) const SPEC: RuleSpec = RuleSpec {
    kind: "dumping",
    source: include_str!("dumping.rs"),
    definition: Template {
        fr: "Objet laissé dans la zone « {zone} », ou tas devenu au moins {grown} fois plus grand, et resté en place pendant \
             {after} au moins après que la personne ou le véhicule venu le déposer s'en est éloigné de plus de {distance}, est \
             sorti de l'image ou n'a plus été vu pendant {lost_after}. Peut l'avoir déposé qui s'est trouvé à {reach} au plus \
             lors de son apparition ou dans les {before} précédentes ; tous doivent s'être éloignés. Ce qui était là dans un délai de {already} après la \
             mise en route n'est pas retenu.",
        en: "Something left in the zone \"{zone}\", or a heap that has become at least {grown} times as large, stays in place \
             for at least {after} after the person or vehicle that came with it has gone further away than {distance}, has \
             left the picture, or has not been seen for {lost_after}. Whoever was within {reach} of it when it appeared or in \
             the {before} before may have left it; all of them must have gone. What lay there in the first {already} of the \
             watch does not count.",
    },
    onvif_topic: None,
    target: Target::Zone,
    defaults: Defaults {
        after: Span::from_secs(10),
        gap: Span::from_secs(8),
        clear_after: Span::from_secs(20),
        classes: THINGS,
    },
    measurement: false,
    momentary: false,
    needs: &["background"],
    schema: schema_of::<Params>,
    build,
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// How far whoever brought it must have gone.
    #[serde(default = "distance")]
    distance: Length,
    /// Unseen for this long they have left.
    #[serde(default = "lost_after")]
    lost_after: Span,
}

/// Further than one walks to fetch the next bag from the boot.
fn distance() -> Length {
    Length::Body(2.0)
}
/// Somebody who bends behind a heap is hidden for a few seconds.
fn lost_after() -> Span {
    Span::from_secs(5)
}

#[derive(Debug)]
struct Dumping {
    filter: Filter,
    distance: Length,
    things: Things,
}

fn build(own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let params: Params = context.params(own)?;
    context.length("distance", params.distance)?;
    if context.timing.after == Span::ZERO {
        return Err(Error::config(
            "after",
            "everybody sets something down for a moment; say how long it must have been left",
        ));
    }
    explain(context);
    let probe = context.probes.zone(context.zone.unwrap_or_default(), context.anchor);
    let Params { distance, lost_after } = params;
    let things = Things::new(Asked { probe, distance, lost_after, grows: true });
    Ok(Box::new(Dumping { filter: context.take_filter(), distance, things }))
}

impl Rule for Dumping {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        self.things.step(facts, &self.filter);
        let name = if self.distance.unit() == "m" { "away_m" } else { "away_body" };
        for (thing, since, away) in self.things.left() {
            let measured = away.map(|away| (name, away, Some(self.distance.value())));
            holds.hold_together(Key::Group(thing.key), since, &[thing.subject], measured.as_slice());
        }
    }

    fn finish(&mut self, _: &mut Holds) {
        self.things.clear();
    }
}
