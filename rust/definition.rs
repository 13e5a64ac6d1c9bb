//! Plain-language definitions: a template filled with the numbers of the rule that runs, in French and in English.
//!
//! `{key}` is the value of a setting; `{key?text}` is `text` if the setting is there and not false; `{key!text}` is
//! `text` if it is not; `{key=value?text}` is `text` if it has that value. Texts may hold further braces.

use crate::time::Span;
use serde_json::{Map, Value};

/// The languages of the definitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// French.
    Fr,
    /// English.
    En,
}

/// A sentence in both languages.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// French.
    pub fr: &'static str,
    /// English.
    pub en: &'static str,
}

/// What holds for every kind, after the kind's own sentence.
const COMMON: Template = Template {
    fr: "{after=0s!{gap=0s! Une interruption de {gap} au plus ne remet pas le décompte à zéro.}}\
         {clear_after?{clear_after=0s! L'alerte prend fin quand la situation a cessé depuis {clear_after}.}}\
         {classes? Catégories observées : {classes}.}{anchor? Point retenu : {anchor}.}\
         {min_score? Indice de confiance atteint au moins une fois : {min_score}.}{min_size? Taille minimale : {min_size}.}\
         {schedule? Horaires : {schedule}.}{severity_during? Gravité particulière : {severity_during}.}\
         {cooldown=0s! Au plus une alerte par {cooldown}.}{max_per_hour? Au plus {max_per_hour} alertes par heure.}\
         {shadow? En observation : enregistrée et mesurée, montrée à personne comme alerte.}{enabled=false? Règle désactivée.}",
    en: "{after=0s!{gap=0s! An interruption of up to {gap} does not restart the clock.}}\
         {clear_after?{clear_after=0s! The alert ends when this has ceased for {clear_after}.}}\
         {classes? Watched: {classes}.}{anchor? Reference point: {anchor}.}\
         {min_score? Confidence reached at least once: {min_score}.}{min_size? Least size: {min_size}.}\
         {schedule? Hours: {schedule}.}{severity_during? Severity at certain hours: {severity_during}.}\
         {cooldown=0s! At most one alert per {cooldown}.}{max_per_hour? At most {max_per_hour} alerts an hour.}\
         {shadow? In the shadow: recorded and measured, shown to nobody as an alert.}{enabled=false? Rule switched off.}",
};

/// The definition of a rule with these settings.
pub fn render(template: Template, settings: &Map<String, Value>, language: Language) -> String {
    let (own, common) = match language {
        Language::Fr => (template.fr, COMMON.fr),
        Language::En => (template.en, COMMON.en),
    };
    let mut out = String::new();
    fill(own, settings, language, &mut out);
    fill(common, settings, language, &mut out);
    out
}

fn fill(template: &str, settings: &Map<String, Value>, language: Language, out: &mut String) {
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        let body = matching(&rest[open + 1..]);
        rest = &rest[(open + 2 + body.len()).min(rest.len())..];
        let end = body.find(['?', '!', '=', '{']).unwrap_or(body.len());
        let value = settings.get(&body[..end]).filter(|v| !v.is_null());
        let tail = &body[end..];
        if let Some(tail) = tail.strip_prefix('=') {
            let stop = tail.find(['?', '!']).unwrap_or(tail.len());
            let equal = value.is_some_and(|v| plain(v) == tail[..stop]);
            let wanted = tail[stop..].starts_with('?');
            if equal == wanted {
                fill(tail.get(stop + 1..).unwrap_or(""), settings, language, out);
            }
        } else if let Some(text) = tail.strip_prefix('?') {
            if value.is_some_and(|v| *v != Value::Bool(false)) {
                fill(text, settings, language, out);
            }
        } else if let Some(text) = tail.strip_prefix('!') {
            if value.is_none_or(|v| *v == Value::Bool(false)) {
                fill(text, settings, language, out);
            }
        } else if let Some(value) = value {
            out.push_str(&spoken(value, language));
        }
    }
    out.push_str(rest);
}

/// The text up to the brace that closes the one before it.
fn matching(text: &str) -> &str {
    let mut depth = 1;
    for (i, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[..i];
        }
    }
    text
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(s) => s.clone(),
        other => other.to_string(),
    }
}

fn spoken(value: &Value, language: Language) -> String {
    let text = match value {
        Value::Array(items) if items.iter().all(Value::is_array) => {
            let point = |v: &Value| format!("({})", spoken(v, language));
            return items.iter().map(point).collect::<Vec<_>>().join(if language == Language::Fr {
                " à "
            } else {
                " to "
            });
        }
        Value::Array(items) => {
            return items.iter().map(|v| spoken(v, language)).collect::<Vec<_>>().join(", ");
        }
        other => plain(other),
    };
    if let Ok(span) = Span::parse(&text) {
        return duration(span, language);
    }
    let words: &[(&str, &str)] = match language {
        Language::Fr => FRENCH,
        Language::En => ENGLISH,
    };
    if let Some((_, word)) = words.iter().find(|(key, _)| *key == text) {
        return (*word).to_owned();
    }
    let unit = match language {
        Language::Fr => {
            let text = text.replace("body/s", "fois sa taille par seconde").replace("body", "fois sa taille");
            text.replace("/m2", "par m²")
        }
        Language::En if text.ends_with("body") => text.replace("body", "body sizes"),
        Language::En => text.replace("body/s", "body sizes a second").replace("/m2", "per m²"),
    };
    // A decimal comma in French, where the text is a number with or without a unit.
    if language == Language::Fr && unit.starts_with(|c: char| c.is_ascii_digit()) {
        unit.replace('.', ",")
    } else {
        unit
    }
}

fn duration(span: Span, language: Language) -> String {
    let (hours, minutes) = (span.ms() / 3_600_000, span.ms() / 60_000 % 60);
    let seconds = (span.ms() % 60_000) as f64 / 1000.0;
    let mut parts = Vec::new();
    if hours > 0 {
        parts.push(format!("{hours} h"));
    }
    if minutes > 0 {
        parts.push(format!("{minutes} min"));
    }
    if seconds > 0.0 || parts.is_empty() {
        let text = format!("{seconds} s");
        parts.push(if language == Language::Fr { text.replace('.', ",") } else { text });
    }
    parts.join(" ")
}

const FRENCH: &[(&str, &str)] = &[
    ("person", "personne"),
    ("bicycle", "vélo"),
    ("car", "voiture"),
    ("motorcycle", "deux-roues motorisé"),
    ("bus", "autobus"),
    ("truck", "camion"),
    ("train", "train"),
    ("boat", "bateau"),
    ("dog", "chien"),
    ("cat", "chat"),
    ("backpack", "sac à dos"),
    ("handbag", "sac à main"),
    ("suitcase", "valise"),
    ("still_object", "objet immobile"),
    ("missing_object", "objet manquant"),
    ("fire", "flammes"),
    ("smoke", "fumée"),
    ("feet", "les pieds"),
    ("ground_centre", "le centre au sol"),
    ("centre", "le centre"),
];
const ENGLISH: &[(&str, &str)] = &[
    ("still_object", "still object"),
    ("missing_object", "missing object"),
    ("fire", "flames"),
    ("feet", "the feet"),
    ("ground_centre", "the centre on the ground"),
    ("centre", "the centre"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn say(template: &'static str, settings: Value, language: Language) -> String {
        let Value::Object(settings) = settings else { panic!("an object") };
        let mut out = String::new();
        fill(template, &settings, language, &mut out);
        out
    }

    #[test]
    fn fills_values_and_clauses() {
        assert_eq!(say("{v}", json!({"v": "0.3 body/s"}), Language::En), "0.3 body sizes a second");
        assert_eq!(say("{v}", json!({"v": "0.3 body/s"}), Language::Fr), "0,3 fois sa taille par seconde");
        let settings = json!({"after": "90s", "still": true, "on": "enter", "within": "1.2 body"});
        assert_eq!(
            say("for {after}{still?, standing}", settings.clone(), Language::En),
            "for 1 min 30 s, standing"
        );
        assert_eq!(
            say("{on=enter?enters {after}}{on=leave?leaves}", settings.clone(), Language::En),
            "enters 1 min 30 s"
        );
        assert_eq!(
            say("{radius!anywhere}{radius?within {radius}}", settings.clone(), Language::En),
            "anywhere"
        );
        assert_eq!(say("{within}", settings, Language::Fr), "1,2 fois sa taille");
    }
}
