//! Runs every literate scenario of `tests/rules`, and guards the catalogue.

use beffroi::rules::CATALOGUE;
use beffroi::scenario::rehearse;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, ending: &str) -> Vec<(String, String)> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == ending))
        .map(|path| {
            let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (stem, fs::read_to_string(&path).expect("text"))
        })
        .collect();
    found.sort();
    found
}

#[test]
fn every_scenario_holds() {
    let mut failures = Vec::new();
    let mut cases = 0;
    for (file, text) in files(&root().join("tests/rules"), "toml") {
        for result in rehearse(&text, None).unwrap_or_else(|e| panic!("{file}: {e}")) {
            cases += 1;
            if !result.passed {
                failures
                    .push(format!("{file}: {}: {}\n    got {:?}", result.name, result.message, result.got));
            }
        }
    }
    assert!(cases > 40, "only {cases} cases were found");
    assert!(failures.is_empty(), "{} of {cases} cases failed:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_rule_file_is_in_the_catalogue() {
    let known: Vec<&str> = CATALOGUE.iter().map(|s| s.kind).collect();
    for (stem, _) in files(&root().join("rust/rules"), "rs") {
        assert!(
            known.contains(&stem.as_str()) || ["mod", "common", "filter", "schema"].contains(&stem.as_str()),
            "{stem}.rs is in no catalogue"
        );
    }
    assert!(known.is_sorted(), "the catalogue reads by name");
}

#[test]
fn every_kind_has_scenarios_that_fire_that_do_not_and_that_are_disturbed() {
    let texts = files(&root().join("tests/rules"), "toml");
    for spec in CATALOGUE {
        let own: String = texts
            .iter()
            .filter(|(file, _)| file.starts_with(spec.kind))
            .map(|(_, text)| text.as_str())
            .collect();
        assert!(!own.is_empty(), "{} has no scenarios", spec.kind);
        let silent = own.contains("expect = []") || own.contains("total=0");
        assert!(own.contains(" started") || own.contains("total="), "{}: no case that must tell", spec.kind);
        assert!(silent, "{}: no case that must not tell", spec.kind);
        assert!(own.contains("drop =") && own.contains("switch."), "{}: no disturbed case", spec.kind);
    }
}

#[test]
fn every_manual_page_and_definition_is_written() {
    for spec in CATALOGUE {
        let manual = spec.manual();
        assert!(manual.contains("# What") && manual.contains("# Settings"), "{}: {manual}", spec.kind);
        let schema = beffroi::rules::rule_schema(spec);
        let own = (spec.schema)().to_value();
        for key in own["properties"].as_object().into_iter().flatten().map(|(key, _)| key) {
            assert!(manual.contains(&format!("`{key}`")), "{}: the manual leaves out `{key}`", spec.kind);
            for text in [spec.definition.fr, spec.definition.en] {
                assert!(text.contains(&format!("{{{key}")), "{}: a definition leaves out `{key}`", spec.kind);
            }
        }
        assert_eq!(schema["additionalProperties"], false, "{}", spec.kind);
    }
}
