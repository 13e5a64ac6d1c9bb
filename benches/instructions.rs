//! Steps an engine through so many pictures of a crowd, and does nothing else: `benches/instructions.py` runs it
//! under valgrind and counts.
//!
//! Arguments: objects, pictures, and `rules` or `tracker`. The recording is the same for any number of pictures, so
//! that the difference of two runs is what the pictures in between took.

mod crowd;
mod reel;

use std::process::ExitCode;

use beffroi::engine::Engine;
use reel::Reel;

/// Short, as it is made anew in each run.
const REEL: usize = 60;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [objects, pictures, rules] = arguments.as_slice() else { return ExitCode::from(2) };
    let (Ok(objects), Ok(pictures)) = (objects.parse(), pictures.parse::<usize>()) else {
        return ExitCode::from(2);
    };
    let mut engine = Engine::new(&crowd::scene(rules == "rules")).expect("the scene of the bench");
    let mut reel = Reel::new(objects, REEL);
    for _ in 0..pictures {
        reel.advance(&mut engine);
    }
    ExitCode::SUCCESS
}
