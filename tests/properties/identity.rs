//! Who is who: one track a detection, ids that only grow, and nobody who goes on after nobody was looking.

use crate::world::{Frame, empty, engine, frames, step};
use beffroi::engine::Engine;
use beffroi::scenario::rehearse;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use std::collections::BTreeSet;

/// Ids of one kind: those of the last step, and those that have been there and are gone.
#[derive(Default)]
struct Ids {
    now: BTreeSet<u64>,
    gone: BTreeSet<u64>,
}

impl Ids {
    fn take(&mut self, ids: impl Iterator<Item = u64>) -> Result<(), TestCaseError> {
        let (mut now, mut last) = (BTreeSet::new(), 0);
        for id in ids {
            prop_assert!(id > last, "{} after {}: strictly rising from 1", id, last);
            prop_assert!(!self.gone.contains(&id), "{} was given a second time", id);
            last = id;
            now.insert(id);
        }
        self.gone.extend(self.now.difference(&now));
        self.now = now;
        Ok(())
    }
}

/// What has been published of tracks and subjects so far.
#[derive(Default)]
struct Census {
    tracks: Ids,
    subjects: Ids,
}

impl Census {
    /// Looks at the engine after a step with `frame`.
    fn take(&mut self, engine: &Engine, frame: &Frame) -> Result<(), TestCaseError> {
        let (tracks, subjects) = (engine.tracks(), engine.subjects());
        self.tracks.take(tracks.iter().map(|t| t.id))?;
        self.subjects.take(subjects.iter().map(|s| s.id))?;
        let mut rows = BTreeSet::new();
        for track in tracks {
            prop_assert!(track.bbox.x1 < track.bbox.x2 && track.bbox.y1 < track.bbox.y2, "{:?}", track);
            prop_assert!(track.first <= track.last_seen && track.last_seen.ms() <= frame.at);
            prop_assert_eq!(track.det.is_some(), track.last_seen.ms() == frame.at, "coasting is marked");
            let Some(row) = track.det else { continue };
            prop_assert!(rows.insert(row), "detection {} belongs to two tracks", row);
            let seen = frame.boxes[row as usize];
            prop_assert_eq!(engine.scene().groups[usize::from(seen.5)], track.group);
            let x = |v: f32| f64::from(v) * engine.scene().aspect;
            let bbox = (x(seen.0), f64::from(seen.1), x(seen.0 + seen.2), f64::from(seen.1 + seen.3));
            prop_assert_eq!((track.seen.x1, track.seen.y1, track.seen.x2, track.seen.y2), bbox);
            prop_assert_eq!(track.score, seen.4);
        }
        let mut taken = BTreeSet::new();
        for subject in subjects {
            prop_assert!(subject.first <= subject.last_seen && subject.last_seen.ms() <= frame.at);
            prop_assert_eq!(subject.seen, subject.last_seen.ms() == frame.at);
            let Some(k) = subject.track else {
                prop_assert!(!subject.seen, "seen without a track");
                continue;
            };
            prop_assert!(taken.insert(k), "track {} has two subjects", tracks[k].id);
            prop_assert_eq!(tracks[k].id, subject.track_id);
            prop_assert_eq!(tracks[k].det.is_some(), subject.seen, "a coasting box is never counted as seen");
        }
        for renamed in engine.renamed() {
            prop_assert!(renamed.old != renamed.new);
            let subject = subjects.iter().find(|s| s.id == renamed.subject);
            prop_assert_eq!(subject.map(|s| s.track_id), Some(renamed.new));
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn one_track_a_detection_and_ids_only_grow(frames in frames(60), stop in 0usize..60) {
        let (mut engine, mut census) = (engine(), Census::default());
        for (k, frame) in frames.iter().enumerate() {
            step(&mut engine, frame);
            census.take(&engine, frame)?;
            if k == stop {
                let at = beffroi::time::Timestamp::from_ms(frame.at);
                engine.finish(at, "view_lost").expect("not backwards");
                prop_assert!(engine.tracks().is_empty() && engine.subjects().is_empty());
                census.take(&engine, frame)?;
            }
        }
    }

    #[test]
    fn nobody_goes_on_after_a_gap_in_which_anything_may_have_happened(
        before in frames(30), after in frames(30), gap in 61_000i64..7_200_000
    ) {
        let mut engine = engine();
        for frame in &before {
            step(&mut engine, frame);
        }
        let (end, mut known) = (before[before.len() - 1].at, Ids::default());
        known.take(engine.subjects().iter().map(|s| s.id))?;
        let (mut seen, resumed) = (Ids::default(), end + gap - after[0].at);
        seen.take(engine.tracks().iter().map(|t| t.id))?;
        for frame in &after {
            let events = step(&mut engine, &Frame { at: frame.at + resumed, ..frame.clone() }).to_vec();
            prop_assert!(engine.tracks().iter().all(|t| !seen.now.contains(&t.id)));
            prop_assert!(engine.subjects().iter().all(|s| !known.now.contains(&s.id)));
            for event in events.iter().filter(|e| e.change.as_str() == "started") {
                let about = event.subjects.iter().any(|s| known.now.contains(&s.id));
                prop_assert!(!about, "{}", event.to_json());
            }
        }
    }
}

#[test]
fn an_hour_without_pictures_makes_nobody_loiter_or_cross() {
    // One leaves unseen while the camera is down, another stands elsewhere when it comes back.
    let cases = r#"
        [scene]
        zones.square = [[0, 0], [1, 0], [1, 1], [0, 1]]
        lines.middle = [[0.5, 0], [0.5, 1]]
        rules = [
          { name = "stay", type = "loitering", zone = "square", after = "60s" },
          { name = "cross", type = "line_crossing", line = "middle" },
        ]
        [[case]]
        name = "two people, an outage between them"
        person-1 = "0s 0.1,0.5 -> 10s 0.1,0.5"
        person-2 = "3600s 0.8,0.5 -> 3610s 0.8,0.5"
        drop = "10.1s -> 3599.9s"
        expect = []
    "#;
    let results = rehearse(cases, None).expect("a scenario");
    assert!(results[0].passed, "{}", results[0].message);
}

#[test]
fn pictures_a_second_apart_still_show_one_person() {
    let mut engine = engine();
    let mut ids = BTreeSet::new();
    for k in 0..30 {
        let boxes = vec![(0.3 + 0.01 * k as f32, 0.4, 0.05, 0.3, 0.9, 0)];
        step(&mut engine, &Frame { boxes, ..empty(1000 * k) });
        ids.extend(engine.subjects().iter().map(|s| s.id));
    }
    assert_eq!(ids.len(), 1);
}
