//! Any bytes as a scene: it runs, or is refused with words. What runs is played for a while.
#![no_main]

use beffroi::engine::{Boxes, Engine};
use beffroi::error::Error;
use beffroi::time::Timestamp;
use libfuzzer_sys::{Corpus, fuzz_target};

/// A person and a car on their way through the middle, and one who stands.
fn play(engine: &mut Engine) {
    for k in 0..24u8 {
        let x = 0.02 * f32::from(k);
        let xyxy = [
            0.1 + x,
            0.3,
            0.2 + x,
            0.6,
            0.7 - x,
            0.5,
            0.9 - x,
            0.7,
            0.45,
            0.4,
            0.55,
            0.7,
            0.55,
            0.4,
            0.65,
            0.7,
        ];
        let class_id = [0, 1, 0, 2].map(|class: u16| class % engine.scene().labels.len() as u16);
        let n = if k % 7 == 5 { 0 } else { 4 };
        let boxes = Boxes { xyxy: &xyxy[..4 * n], score: &[0.9; 4][..n], class_id: &class_id[..n] };
        let at = Timestamp::from_ms(i64::from(k) * 500);
        engine.step(at, boxes, [("light", "red")], None).expect("valid input");
        for event in engine.events() {
            assert!(event.since <= event.at);
            assert!(event.measured.iter().all(|m| m.value.is_finite()), "{}", event.to_json());
        }
    }
    engine.finish(Timestamp::from_ms(60_000), "end_of_stream").expect("not backwards");
    assert_eq!(engine.remembered(), 0);
    assert!(engine.totals().is_object());
}

fuzz_target!(|data: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(data) else { return Corpus::Reject };
    match Engine::new(text) {
        Ok(mut engine) => play(&mut engine),
        Err(Error::Config { message, .. }) => assert!(!message.is_empty()),
        Err(Error::Input(text)) => panic!("a scene is no input: {text}"),
    }
    Corpus::Keep
});
