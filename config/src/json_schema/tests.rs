//! The JSON Schema against files: what loads is accepted, what is misspelt is not.

use serde_json::{Map, Value, json};

use super::json_schema;
use crate::fixtures::{load_str, shared};

/// The part of JSON Schema that is used: a validator of forty lines, so that no crate is needed.
struct Validator {
    root: Value,
}

impl Validator {
    fn accepts(&self, schema: &Value, value: &Value) -> bool {
        match schema {
            Value::Bool(all) => *all,
            schema => self.evaluate(schema, value).is_some(),
        }
    }

    /// The keys that the schema names, if it accepts the value.
    fn evaluate(&self, schema: &Value, value: &Value) -> Option<Vec<String>> {
        let schema = schema.as_object().expect("a schema is an object");
        let properties = schema.get("properties").and_then(Value::as_object);
        let mut known: Vec<String> = properties
            .into_iter()
            .flat_map(Map::keys)
            .cloned()
            .collect();
        if !self.accepts_itself(schema, properties, value) {
            return None;
        }
        if let Some(path) = schema.get("$ref").and_then(Value::as_str) {
            let definition = self.root.pointer(path.trim_start_matches('#'));
            known.extend(self.evaluate(definition.expect("a definition"), value)?);
        }
        for (word, most) in [("anyOf", usize::MAX), ("oneOf", 1)] {
            let Some(choices) = schema.get(word).and_then(Value::as_array) else {
                continue;
            };
            let fits: Vec<_> = choices
                .iter()
                .filter_map(|choice| self.evaluate(choice, value))
                .collect();
            if fits.is_empty() || fits.len() > most {
                return None;
            }
            known.extend(fits.into_iter().flatten());
        }
        let is_closed = schema.get("unevaluatedProperties") == Some(&json!(false));
        (!is_closed || keys(value).all(|key| known.contains(key))).then_some(known)
    }

    /// All but what other schemas are asked for.
    fn accepts_itself(
        &self,
        schema: &Map<String, Value>,
        properties: Option<&Map<String, Value>>,
        value: &Value,
    ) -> bool {
        let all = |key: &str| {
            schema
                .get(key)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
        };
        let entries = || value.as_object().into_iter().flatten();
        let own = |key: &String| properties.and_then(|own| own.get(key));
        let rest = schema.get("additionalProperties");
        all("required").all(|key| value.get(key.as_str().expect("a key")).is_some())
            && schema.get("const").is_none_or(|wanted| wanted == value)
            && schema
                .get("enum")
                .is_none_or(|_| all("enum").any(|wanted| wanted == value))
            && schema
                .get("type")
                .is_none_or(|kind| is_of_type(kind, value))
            && entries().all(|(key, value)| {
                own(key)
                    .or(rest)
                    .is_none_or(|schema| self.accepts(schema, value))
            })
            && schema.get("items").is_none_or(|items| {
                value
                    .as_array()
                    .into_iter()
                    .flatten()
                    .all(|item| self.accepts(items, item))
            })
    }
}

fn keys(value: &Value) -> impl Iterator<Item = &String> {
    value.as_object().into_iter().flat_map(Map::keys)
}

fn is_of_type(kind: &Value, value: &Value) -> bool {
    let is = |kind: &Value| match kind.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        _ => panic!("a type: {kind}"),
    };
    match kind {
        Value::Array(kinds) => kinds.iter().any(is),
        kind => is(kind),
    }
}

fn accepts(text: &str) -> bool {
    let value: toml::Value = toml::from_str(text).expect("TOML");
    let value = serde_json::to_value(value).expect("JSON");
    let validator = Validator {
        root: json_schema(),
    };
    validator.accepts(&validator.root, &value)
}

const EXAMPLE: &str = include_str!("../../../examples/card-fraud/topology.toml");

#[test]
fn the_example_and_the_shared_topologies_are_accepted() {
    assert!(accepts(EXAMPLE));
    for path in shared() {
        assert!(
            accepts(&std::fs::read_to_string(&path).expect("a text")),
            "{}",
            path.display()
        );
    }
}

#[test]
fn what_the_loader_refuses_for_its_shape_the_schema_refuses_too() {
    for (from, to) in [
        ("version = 1", "version = \"1\""),
        ("name = \"card-fraud\"", ""),
        ("topic = \"transactions\"", "topics = \"transactions\""),
        ("format = \"json\"", "format = \"jsn\""),
        ("where = \"amount > 0\"", "were = \"amount > 0\""),
        ("kind = \"filter\"", "kind = \"fliter\""),
        ("seed = 7", "sead = 7"),
        (
            "fn = \"count\", over = \"1d\"",
            "fn = \"cuont\", over = \"1d\"",
        ),
        ("size = 256", "size = \"256\""),
        ("[[sink]]", "[[snik]]"),
    ] {
        let text = EXAMPLE.replacen(from, to, 1);
        assert!(load_str(&text).is_err(), "{to}");
        assert!(!accepts(&text), "{to}");
    }
}

#[test]
fn every_property_is_described() {
    let schema = json_schema();
    let definitions = schema["$defs"].as_object().expect("definitions");
    for (name, definition) in definitions
        .iter()
        .chain([(&"the file".to_owned(), &schema)])
    {
        for (key, property) in definition["properties"].as_object().into_iter().flatten() {
            let described = property.get("description").is_some();
            assert!(described || property.get("const").is_some(), "{name}.{key}");
        }
    }
}
