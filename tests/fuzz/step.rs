//! Any calls of an engine whose scene has every rule kind: each is taken or refused, and what is promised holds after it.
#![no_main]

use arbitrary::Arbitrary;
use beffroi::engine::{Boxes, Engine};
use beffroi::error::Error;
use beffroi::event::{Change, Event};
use beffroi::time::Timestamp;
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeSet;

const SCENE: &str = include_str!("seeds/scene/every_rule.json");

#[derive(Arbitrary, Debug)]
enum Call {
    /// Boxes on a grid: most are valid, and the same ones come again.
    Usual {
        wait: u8,
        boxes: Vec<[u8; 5]>,
    },
    /// The boxes of the last usual call once more: things that stand, for a long time.
    Again {
        wait: u8,
        times: u8,
        dropped: u8,
    },
    /// Nobody.
    Empty {
        wait: u16,
    },
    /// Whatever the bits say.
    Wild {
        at: Time,
        xyxy: Vec<f32>,
        score: Vec<f32>,
        class_id: Vec<u16>,
        motion: Option<[f64; 6]>,
        signal: String,
    },
    /// A camera that moves.
    Turn {
        wait: u8,
        motion: [i8; 6],
    },
    Finish {
        at: Time,
    },
    /// The tracker loses somebody.
    Lose {
        which: u8,
    },
}

#[derive(Arbitrary, Debug)]
enum Time {
    Later(u16),
    MuchLater(u32),
    Any(i64),
}

impl Time {
    fn after(&self, last: i64) -> i64 {
        match *self {
            Self::Later(ms) => last.saturating_add(i64::from(ms)),
            Self::MuchLater(ms) => last.saturating_add(i64::from(ms) * 1000),
            Self::Any(ms) => ms,
        }
    }
}

#[derive(Default)]
struct Ids {
    now: BTreeSet<u64>,
    gone: BTreeSet<u64>,
}

impl Ids {
    fn take(&mut self, ids: impl Iterator<Item = u64>) {
        let (mut now, mut last) = (BTreeSet::new(), 0);
        for id in ids {
            assert!(id > last && !self.gone.contains(&id), "{id} after {last}, or given a second time");
            last = id;
            now.insert(id);
        }
        self.gone.extend(self.now.difference(&now));
        self.now = now;
    }
}

struct Watcher {
    engine: Engine,
    tracks: Ids,
    subjects: Ids,
    open: BTreeSet<String>,
    ever: BTreeSet<String>,
    /// Everything that was told, in bytes.
    told: Vec<String>,
}

impl Watcher {
    fn new() -> Self {
        Self {
            engine: Engine::new(SCENE).expect("the scene"),
            tracks: Ids::default(),
            subjects: Ids::default(),
            open: BTreeSet::new(),
            ever: BTreeSet::new(),
            told: Vec::new(),
        }
    }

    fn last(&self) -> i64 {
        self.engine.last_step().map_or(0, Timestamp::ms)
    }

    fn step(&mut self, at: i64, boxes: Boxes<'_>, signal: &str, motion: Option<[f64; 6]>) {
        let before = (self.engine.last_step(), self.engine.remembered());
        match self.engine.step(Timestamp::from_ms(at), boxes, [("light", signal)], motion) {
            Ok(()) => {
                assert!(before.0.is_none_or(|last| last.ms() < at));
                self.look(at, boxes);
                let events = self.engine.events().to_vec();
                self.hear(at, &events);
            }
            Err(Error::Input(text)) => {
                assert!(!text.is_empty());
                assert_eq!(
                    (self.engine.last_step(), self.engine.remembered()),
                    before,
                    "refused: nothing changed"
                );
            }
            Err(error) => panic!("a step is no scene: {error}"),
        }
    }

    fn finish(&mut self, at: i64) {
        let last = self.engine.last_step();
        match self.engine.finish(Timestamp::from_ms(at), "view_lost").map(<[Event]>::to_vec) {
            Ok(events) => {
                self.hear(at, &events);
                assert!(self.open.is_empty(), "finish ends what is active");
                assert_eq!(self.engine.remembered(), 0);
                self.tracks.take(std::iter::empty());
                self.subjects.take(std::iter::empty());
            }
            Err(_) => assert_eq!(self.engine.last_step(), last),
        }
    }

    fn look(&mut self, at: i64, boxes: Boxes<'_>) {
        let (tracks, subjects) = (self.engine.tracks(), self.engine.subjects());
        let mut rows = BTreeSet::new();
        for track in tracks {
            let b = track.bbox;
            assert!([b.x1, b.y1, b.x2, b.y2].iter().all(|v| v.abs() < 100.0), "{track:?}");
            assert!(b.x1 < b.x2 && b.y1 < b.y2 && track.velocity.is_finite(), "{track:?}");
            assert_eq!(track.det.is_some(), track.last_seen.ms() == at, "coasting is marked");
            if let Some(row) = track.det {
                assert!(rows.insert(row), "one track a detection");
                assert_eq!(track.score, boxes.score[row as usize]);
                let class = usize::from(boxes.class_id[row as usize]);
                assert_eq!(track.group, self.engine.scene().groups[class]);
            }
        }
        let mut taken = BTreeSet::new();
        for subject in subjects {
            assert_eq!(subject.seen, subject.last_seen.ms() == at);
            match subject.track {
                Some(k) => {
                    assert!(taken.insert(k), "one subject a track");
                    assert_eq!(
                        subject.seen,
                        tracks[k].det.is_some(),
                        "a coasting box is never counted as seen"
                    );
                }
                None => assert!(!subject.seen),
            }
        }
        self.tracks.take(tracks.iter().map(|t| t.id));
        self.subjects.take(subjects.iter().map(|s| s.id));
        if let Some(period) = self.engine.closed() {
            for zone in period["zones"].as_object().expect("zones").values() {
                assert!(zone["mean"].as_f64() <= zone["peak"].as_f64().map(|p| p + 1e-9), "{period}");
            }
        }
    }

    fn hear(&mut self, at: i64, events: &[Event]) {
        for event in events {
            let text = event.to_json();
            assert!(event.at.ms() == at && event.since <= event.at, "{text}");
            assert!(event.measured.iter().all(|m| m.value.is_finite()), "{text}");
            if event.origin.kind != "line_count" {
                match event.change {
                    Change::Started => {
                        assert!(self.ever.insert(event.id.clone()), "twice: {text}");
                        self.open.insert(event.id.clone());
                    }
                    Change::Updated => assert!(self.open.contains(&event.id), "not open: {text}"),
                    Change::Ended => assert!(self.open.remove(&event.id), "not open: {text}"),
                }
            }
            self.told.push(text);
        }
    }
}

fn play(calls: &[Call]) -> Vec<String> {
    let mut watcher = Watcher::new();
    let (mut xyxy, mut score, mut class_id) = (Vec::new(), Vec::new(), Vec::new());
    for call in calls {
        let last = watcher.last();
        match call {
            Call::Usual { wait, boxes } => {
                (xyxy, score, class_id) = (Vec::new(), Vec::new(), Vec::new());
                for &[x, y, size, sure, class] in boxes.iter().take(32) {
                    let part = |v: u8| f32::from(v) / 256.0;
                    let (w, h) = (part(size % 16 * 4 + 4), part(size / 16 * 8 + 8));
                    xyxy.extend([part(x), part(y), part(x) + w, part(y) + h]);
                    // Three in four are sure, and half are people: what stays a track long enough to be told of.
                    score.push(if sure < 64 {
                        f32::from(sure) / 128.0
                    } else {
                        0.5 + f32::from(sure) / 512.0
                    });
                    class_id.push([0, 0, 0, 0, 2, 2, 7, 1, 24][usize::from(class % 9)]);
                }
                let boxes = Boxes { xyxy: &xyxy, score: &score, class_id: &class_id };
                watcher.step(last.saturating_add(i64::from(*wait) * 4), boxes, "green", None);
            }
            Call::Again { wait, times, dropped } => {
                for k in 0..i64::from(times % 64) {
                    let n = if dropped >> (k % 8) & 1 == 1 && *dropped != 255 { 0 } else { score.len() };
                    let boxes = Boxes { xyxy: &xyxy[..4 * n], score: &score[..n], class_id: &class_id[..n] };
                    watcher.step(last.saturating_add((k + 1) * (i64::from(*wait) + 1)), boxes, "green", None);
                }
            }
            Call::Empty { wait } => {
                let none = Boxes { xyxy: &[], score: &[], class_id: &[] };
                watcher.step(last.saturating_add(i64::from(*wait)), none, "green", None);
            }
            Call::Wild { at, xyxy, score, class_id, motion, signal } => {
                watcher.step(at.after(last), Boxes { xyxy, score, class_id }, signal, *motion);
            }
            Call::Turn { wait, motion } => {
                let [a, b, tx, c, d, ty] = motion.map(f64::from);
                let motion = [1.0 + a / 128.0, b / 64.0, tx / 32.0, c / 64.0, 1.0 + d / 128.0, ty / 32.0];
                let boxes = Boxes { xyxy: &xyxy, score: &score, class_id: &class_id };
                watcher.step(last.saturating_add(i64::from(*wait) + 1), boxes, "red", Some(motion));
            }
            Call::Finish { at } => watcher.finish(at.after(last)),
            Call::Lose { which } => {
                let tracks = watcher.engine.tracks();
                if let Some(id) = tracks.get(usize::from(*which) % tracks.len().max(1)).map(|t| t.id) {
                    watcher.engine.lose_track(id);
                    watcher.tracks.take(watcher.engine.tracks().iter().map(|t| t.id));
                }
            }
        }
    }
    watcher.finish(watcher.last());
    watcher.told
}

fuzz_target!(|calls: Vec<Call>| {
    let told = play(&calls);
    // Reading the scene takes most of the time: one input in four is played twice.
    if calls.len() % 4 == 3 {
        assert_eq!(told, play(&calls), "the same input gives the same bytes");
    }
});
