//! A thing that somebody brought lies there, and they have left.
//!
//! # What holds
//! A bag, or anything new that keeps its spot, was not in the zone when the watch began; a person was within reach of it
//! when it came or in the ten seconds before, or a vehicle that had just driven up; and whoever that was is now further
//! away than `owner_distance`, out of the picture, or has not been seen for `lost_after`. If several were within reach,
//! all of them must have left. The time counts from when both is so: the thing lies there, and they are away. Who comes
//! back stops it, and it starts anew when they leave again. Others who pass or stand beside it change nothing, nor does it
//! that they hide it for up to `gap`.
//!
//! A thing that was carried off, or out of sight for five seconds, may be another when it lies there again: it is then
//! theirs who brought it back, or who has come to stand beside it meanwhile; if nobody did, it is the same.
//!
//! A bag on somebody's back or shoulder is theirs, moving or not. What lay there within the first second of the watch, and
//! what came without anybody near, is never told. A still shape where a person was last seen may be that person, sitting:
//! it is not told unless they are seen elsewhere.
//!
//! # Settings
//! `after` (25 s). `owner_distance` (2 body sizes of the owner; or metres). `lost_after` (10 s): unseen for this long the
//! owner has left, at the moment of the last sight. `gap` (20 s): how long the thing may be hidden or missed.
//!
//! # What it cannot see
//! Who the owner is: only who stood where. An owner who has been out of sight for more than a few seconds and comes back is
//! somebody else, until the thing is taken up. Two who exchange a bag.
//!
//! # Sources
//! Spengler and Schiele, "Automatic detection and tracking of abandoned objects" (2003), for owner and distance; the
//! i-LIDS abandoned baggage scenario (Home Office, 2006), for the time that counts from the owner's leaving.

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
    kind: "abandoned_object",
    source: include_str!("abandoned_object.rs"),
    definition: Template {
        fr: "Objet apporté dans la zone « {zone} » et resté immobile pendant {after} au moins après que celui qui l'a apporté \
             s'en est éloigné de plus de {owner_distance}, est sorti de l'image ou n'a plus été vu pendant {lost_after} ; son \
             retour remet le décompte à zéro. Peut l'avoir apporté qui s'est trouvé à {reach} au plus de l'objet lors de son \
             apparition ou dans les {before} précédentes ; tous doivent s'être éloignés. Ce qui était là dans un délai de {already} après la \
             mise en route n'est pas retenu.",
        en: "A thing brought into the zone \"{zone}\" stays still for at least {after} after whoever brought it has gone \
             further away than {owner_distance}, has left the picture, or has not been seen for {lost_after}; their return \
             restarts the clock. Whoever was within {reach} of it when it appeared or in the {before} before may have brought \
             it; all of them must have left. What lay there in the first {already} of the watch does not count.",
    },
    onvif_topic: None,
    target: Target::Zone,
    defaults: Defaults {
        after: Span::from_secs(25),
        gap: Span::from_secs(20),
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
    /// How far the owner must have gone.
    #[serde(default = "owner_distance")]
    owner_distance: Length,
    /// Unseen for this long the owner has left.
    #[serde(default = "lost_after")]
    lost_after: Span,
}

/// Further than one steps aside to make room, nearer than anybody watches a bag from.
fn owner_distance() -> Length {
    Length::Body(2.0)
}
/// The detector misses who stands still for some seconds; longer delays nothing, for the last sight counts.
fn lost_after() -> Span {
    Span::from_secs(10)
}

#[derive(Debug)]
struct Abandoned {
    filter: Filter,
    distance: Length,
    things: Things,
}

fn build(own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let params: Params = context.params(own)?;
    context.length("owner_distance", params.owner_distance)?;
    if context.timing.after == Span::ZERO {
        return Err(Error::config(
            "after",
            "everybody lets go of a bag for a moment; say how long it must be left alone",
        ));
    }
    explain(context);
    let probe = context.probes.zone(context.zone.unwrap_or_default(), context.anchor);
    let Params { owner_distance: distance, lost_after } = params;
    let things = Things::new(Asked { probe, distance, lost_after, grows: false });
    Ok(Box::new(Abandoned { filter: context.take_filter(), distance, things }))
}

impl Rule for Abandoned {
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
