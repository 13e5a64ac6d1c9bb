//! JSON Schemas of rules: the common keys and the kind's own, nothing else.

use super::{Common, RuleSpec, Target};
use schemars::JsonSchema;
use serde_json::Value;

/// JSON Schema of a settings type, whole: no references out of it.
pub fn schema_of<T: JsonSchema>() -> schemars::Schema {
    let settings = schemars::generate::SchemaSettings::draft2020_12().with(|s| s.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>()
}

/// JSON Schema of a rule of this kind: common keys and its own, nothing else.
pub fn rule_schema(spec: &RuleSpec) -> Value {
    let mut schema = schema_of::<Common>().to_value();
    let own = (spec.schema)().to_value();
    let Value::Object(root) = &mut schema else { return schema };
    root.shift_remove("$schema");
    root.insert("title".into(), spec.kind.into());
    root.insert("description".into(), spec.manual().lines().next().unwrap_or_default().into());
    if let Some(Value::Object(all)) = root.get_mut("properties") {
        all.insert("type".into(), serde_json::json!({"const": spec.kind}));
        let takes = spec.target.takes();
        for (key, kept) in [("zone", takes.zone), ("line", takes.line), ("route", takes.route)] {
            if !kept {
                all.shift_remove(key);
            }
        }
        if spec.momentary {
            all.shift_remove("after");
            all.shift_remove("gap");
        }
        for (key, default) in [("after", spec.defaults.after), ("clear_after", spec.defaults.clear_after)] {
            if let Some(Value::Object(property)) = all.get_mut(key) {
                property.insert("default".into(), default.to_string().into());
            }
        }
        if let Some(Value::Object(property)) = all.get_mut("classes") {
            property.insert("default".into(), Value::from(spec.defaults.classes.to_vec()));
        }
        if let Some(Value::Object(more)) = own.get("properties") {
            all.extend(more.clone());
        }
    }
    if let (Some(Value::Array(required)), Some(Value::Array(more))) =
        (root.get_mut("required"), own.get("required"))
    {
        required.extend(more.iter().cloned());
    }
    if let Some(Value::Array(required)) = root.get_mut("required") {
        match spec.target {
            Target::Zone => required.push("zone".into()),
            Target::Line | Target::LineInZone => required.push("line".into()),
            _ => {}
        }
    }
    schema
}
