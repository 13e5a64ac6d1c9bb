//! Any bytes as a scenario file: every case is played, or the file is refused with words.
#![no_main]

use beffroi::scenario::rehearse;
use libfuzzer_sys::{Corpus, fuzz_target};

/// Whether a number in it has more than three digits: hours of play come cheap in text, and a million pictures say no
/// more than a thousand.
fn plays_for_long(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() > 3)
}

fuzz_target!(|data: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(data) else { return Corpus::Reject };
    if plays_for_long(text) {
        return Corpus::Reject;
    }
    match rehearse(text, None) {
        Ok(results) => {
            for result in results {
                assert_eq!(result.passed, result.message.is_empty());
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    Corpus::Keep
});
