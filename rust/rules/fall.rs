//! A person falls and stays down.
//!
//! # What holds
//! Somebody seen upright for at least half a second is seen low no more than 2.5 s later, on the same spot: the upper edge
//! of the box has sunk by at least 0.35 of their own height, the lower edge is about where the feet were. Low is a box of
//! at most half their height that is broad (who lies along the line of sight), at most 0.6 of it and wider than high by
//! 1.3 (who lies across it), or at most 0.75 of it and as wide as that and 1.25 times as wide as high (who lies aslant, seen
//! from above). From then on the box stays low on average for `still_for`, in the zone or fallen out of it.
//! Detectors are poor at people who lie: time without a detection counts on, up to four fifths of `still_for`, weak
//! detections count, and another track that begins low on the spot is the same person. Whoever gets up or sits up, to 0.65
//! of their height, has not fallen; whoever is not seen for four fifths of `still_for` (2.5 s at least) begins anew.
//!
//! # Settings
//! `still_for`: how long they must stay down (5 s). It takes the place of `after`, which this kind does not have.
//!
//! # What it cannot see
//! Falls of people who were never seen upright, whole and in the zone: hidden to the hips all the time, cut by the
//! picture's lower border, or sitting. From a high mast (more than about 30° downwards), whoever falls exactly along the
//! line of sight is as high on the picture as before. If the detector finds nothing of somebody who lies, there is no
//! fall. Lying down quickly on purpose, and working on hands and knees, look like a fall. Posture is told from boxes alone;
//! no one's health is judged.
//!
//! # Sources
//! Height, aspect and centre of the box against time: Noury et al., "Fall detection - principles and methods", 2007;
//! Charfi et al., "Definition and performance evaluation of a robust SVM based fall detection solution", 2012.

mod posture;

use super::{Context, Defaults, Filter, PEOPLE, Rule, RuleSpec, Target, schema_of};
use crate::definition::Template;
use crate::error::{Error, Result};
use crate::facts::{Fact, Facts};
use crate::lifecycle::Holds;
use crate::time::Span;
use posture::{FALLS, Posture, SINKS};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(super) const SPEC: RuleSpec = RuleSpec {
    kind: "fall",
    source: include_str!("fall.rs"),
    definition: Template {
        fr: "Personne vue debout puis, en 2,5 s au plus et au même endroit, à moitié de sa hauteur ou moins \
             (0,6 fois si la silhouette est plus large que haute, 0,75 fois si elle est large de 0,75 fois sa hauteur debout), et qui reste au sol {still_for} au moins, zone « {zone} ». \
             Une interruption des détections de moins des quatre cinquièmes de cette durée ne remet pas le décompte à zéro.",
        en: "A person seen upright and then, within 2.5 s and on the same spot, at half of their height or less \
             (0.6 of it if the outline is wider than high, 0.75 if it is as wide as 0.75 of it), who stays down for at least {still_for}, zone \"{zone}\". \
             Interruptions of the detections of less than four fifths of that time do not restart the clock.",
    },
    onvif_topic: None,
    target: Target::Zone,
    defaults: Defaults {
        // `still_for` says it.
        after: Span::ZERO,
        gap: Span::ZERO,
        clear_after: Span::from_secs(10),
        classes: PEOPLE,
    },
    measurement: false,
    momentary: false,
    needs: &[],
    schema: schema_of::<Params>,
    build,
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// How long the person must stay down.
    #[serde(default = "still_for")]
    still_for: Span,
}

fn still_for() -> Span {
    Span::from_secs(5)
}

/// A person with their posture.
#[derive(Debug)]
struct Person {
    subject: u64,
    posture: Posture,
    /// Was in the zone when last seen upright, or has been since.
    inside: bool,
    /// Has been seen clearly enough, under this identity or the one before.
    sure: bool,
    /// Seen in this step.
    seen: bool,
}

#[derive(Debug)]
struct Fall {
    probe: usize,
    filter: Filter,
    /// Unseen for longer than this, nobody knows whether somebody still lies.
    memory: Span,
    people: Vec<Person>,
}

fn build(own: Map<String, Value>, context: &mut Context<'_>) -> Result<Box<dyn Rule>> {
    let params: Params = context.params(own)?;
    if context.timing.after > Span::ZERO {
        return Err(Error::config("after", "how long a fallen person must stay down is said by `still_for`"));
    }
    if params.still_for == Span::ZERO {
        return Err(Error::config("still_for", "who stumbles is down for a moment; say how long counts"));
    }
    context.timing.after = params.still_for;
    context.timing.gap = Span::from_ms(params.still_for.ms() * 4 / 5);
    let probe = context.probes.zone(context.zone.unwrap_or_default(), context.anchor);
    let memory = context.timing.gap.max(FALLS);
    Ok(Box::new(Fall { probe, filter: context.take_filter(), memory, people: Vec::new() }))
}

impl Fall {
    /// Takes in a sight of somebody; gives their place.
    fn follow(&mut self, fact: &Fact, facts: &Facts<'_>) -> usize {
        let inside = fact.zones[self.probe].inside;
        let sure = self.filter.admits(fact, facts.scene);
        let place = self.people.binary_search_by_key(&fact.id, |p| p.subject).unwrap_or_else(|i| {
            let posture = Posture::default();
            self.people.insert(i, Person { subject: fact.id, posture, inside: false, sure, seen: true });
            i
        });
        // A track that begins low may be the second one of somebody who is falling.
        if !self.people[place].posture.is_open(facts.at, self.memory) && facts.at - fact.first <= FALLS {
            self.inherit(place, fact, facts);
        }
        let person = &mut self.people[place];
        person.posture.see(facts.at, fact.onset(facts.at), &fact.bbox, self.memory);
        person.inside = if person.posture.down().is_some() { person.inside || inside } else { inside };
        person.sure |= sure;
        place
    }

    /// Goes on where somebody else was lost.
    fn inherit(&mut self, place: usize, fact: &Fact, facts: &Facts<'_>) {
        let lost = |p: &&Person| {
            !p.seen
                && p.posture.is_open(facts.at, self.memory)
                && p.posture.continues(&fact.bbox)
                && facts.subject(p.subject).is_some_and(|f| f.last_seen <= fact.first)
        };
        if let Some(Person { posture, inside, sure, .. }) = self.people.iter().find(lost) {
            let (posture, inside, sure) = (*posture, *inside, *sure);
            let person = &mut self.people[place];
            (person.posture, person.inside, person.sure) = (posture, inside, person.sure || sure);
        }
    }
}

impl Rule for Fall {
    fn observe(&mut self, facts: &Facts<'_>, holds: &mut Holds) {
        if !facts.gone.is_empty() {
            self.people.retain(|p| facts.gone.binary_search(&p.subject).is_err());
        }
        for person in &mut self.people {
            person.seen = facts.subject(person.subject).is_some_and(|f| f.seen);
        }
        for fact in facts.subjects.iter().filter(|f| f.seen) {
            if !self.filter.class(fact.class_id) {
                continue;
            }
            let place = self.follow(fact, facts);
            let person = &self.people[place];
            let Some(down) = person.posture.down().filter(|down| down.is_low()) else { continue };
            if person.inside && person.sure {
                let low = ("height_share", down.mean[0], Some(down.limit()));
                let sank = ("sank_share", down.sank, Some(SINKS));
                let fell = ("fell_s", down.fell.seconds(), Some(FALLS.seconds()));
                holds.hold(fact.id, down.since, &[low, sank, fell]);
            }
        }
    }

    fn finish(&mut self, _: &mut Holds) {
        self.people.clear();
    }
}
