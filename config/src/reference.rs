//! `docs/topology.md` against the code: its tables of keys and problems are made of the types that
//! read the file. `UPDATE_DOCS=1 cargo test -p thalweg-config reference` writes them anew.

use std::fmt::Write;
use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::code::Code;
use crate::expression::FUNCTIONS;
use crate::fixtures::load_str;
use crate::raw::planned;
use crate::{defaults, json_schema};

fn path() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/topology.md"))
}

/// The page with what stands between `<!-- table: Name -->` and `<!-- end -->` made anew.
fn renewed(page: &str, schema: &Value) -> String {
    let mut out = String::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once("<!-- table: ") {
        let (name, after) = after.split_once(" -->").expect("a marker is closed");
        let (_, after) = after.split_once("<!-- end -->").expect("a table ends");
        let table = if name == "problems" {
            problems()
        } else {
            keys(name, schema)
        };
        let _ = write!(out, "{before}<!-- table: {name} -->\n{table}<!-- end -->");
        rest = after;
    }
    out + rest
}

fn problems() -> String {
    let mut out = String::from("| code | what is wrong |\n|---|---|\n");
    for (code, meaning) in Code::ALL {
        let _ = writeln!(out, "| `{}` | {} |", code.0, meaning.trim());
    }
    out
}

/// The keys of one table of the file.
fn keys(name: &str, schema: &Value) -> String {
    let definition = definition(name, schema);
    let properties = definition["properties"].as_object();
    let properties = properties.unwrap_or_else(|| panic!("no table {name}"));
    let required: Vec<&str> = strings(&definition["required"]);
    // The schema sorts by name; a reader wants what must be there first.
    let mut sorted: Vec<(&String, &Value)> = properties
        .iter()
        .filter(|(key, _)| *key != "kind")
        .collect();
    sorted.sort_by_key(|(key, _)| (!required.contains(&key.as_str()), *key));
    let mut out = String::from("| key | type | default | meaning |\n|---|---|---|---|\n");
    for (key, property) in sorted {
        let text = property["description"]
            .as_str()
            .expect("a description")
            .replace('\n', " ");
        let (meaning, default) = match text.split_once(" Default: ") {
            Some((meaning, default)) => (meaning, default.trim_end_matches('.')),
            None if required.contains(&key.as_str()) => (text.as_str(), "required"),
            None => (text.as_str(), ""),
        };
        let kind = type_of(property, schema);
        let _ = writeln!(
            out,
            "| `{key}` | {kind} | {default} | {} |",
            meaning.replace('|', "\\|")
        );
    }
    out
}

/// A type of `raw`, or `Enum/kind`: the variant of a tagged one.
fn definition<'s>(name: &str, schema: &'s Value) -> &'s Value {
    match name.split_once('/') {
        None if name == "Document" => schema,
        None => &schema["$defs"][name],
        Some((name, kind)) => {
            variants(&schema["$defs"][name])
                .find(|(tag, _)| *tag == kind)
                .unwrap_or_else(|| panic!("no {kind} of {name}"))
                .1
        }
    }
}

/// The variants of a tagged enum that have keys of their own, by their tags.
fn variants(definition: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let choices = definition["oneOf"].as_array().into_iter().flatten();
    choices.filter_map(|choice| {
        let tag = choice["properties"]["kind"]["const"].as_str()?;
        let keys = choice["properties"].as_object()?;
        (keys.len() > 1).then_some((tag, choice))
    })
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// What a value is, in a word or two.
fn type_of(property: &Value, schema: &Value) -> String {
    if let Some(reference) = property["$ref"].as_str() {
        let name = reference.trim_start_matches("#/$defs/");
        return match name {
            "Duration" | "Size" => name.to_lowercase(),
            name => type_of(&schema["$defs"][name], schema),
        };
    }
    for word in ["anyOf", "oneOf"] {
        if let Some(choices) = property[word].as_array() {
            let mut words: Vec<String> = choices
                .iter()
                .filter(|choice| choice["type"] != "null")
                .map(|choice| match choice["const"].as_str() {
                    Some(word) => format!("`{word}`"),
                    None => type_of(choice, schema),
                })
                .collect();
            words.dedup();
            return words.join(", ");
        }
    }
    let kinds = match &property["type"] {
        Value::String(kind) => vec![kind.as_str()],
        kinds => strings(kinds),
    };
    match kinds.first() {
        Some(&"object")
            if property["properties"].is_null() && property["additionalProperties"].is_object() =>
        {
            format!(
                "table of {}",
                type_of(&property["additionalProperties"], schema)
            )
        }
        Some(&"object") => "table".into(),
        Some(&"array") => format!("list of {}", type_of(&property["items"], schema)),
        Some(&"integer") => "whole number".into(),
        Some(&"boolean") => "true or false".into(),
        Some(word) => (*word).into(),
        None => panic!("no type: {property}"),
    }
}

#[test]
fn the_reference_says_what_the_types_say() {
    let schema = json_schema();
    let page = std::fs::read_to_string(path()).expect("docs/topology.md");
    let renewed = renewed(&page, &schema);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path(), &renewed).expect("docs/topology.md is written");
    } else {
        assert!(
            page == renewed,
            "docs/topology.md is old: UPDATE_DOCS=1 cargo test -p thalweg-config reference"
        );
    }
}

#[test]
fn the_reference_names_every_table_word_function_and_plan() {
    let schema = json_schema();
    let page = std::fs::read_to_string(path()).expect("docs/topology.md");
    for (name, definition) in schema["$defs"].as_object().expect("definitions") {
        let has_keys = definition["properties"]
            .as_object()
            .is_some_and(|keys: &Map<_, _>| !keys.is_empty());
        if has_keys {
            assert!(
                page.contains(&format!("<!-- table: {name} -->")),
                "no table of {name}"
            );
        }
        for (tag, _) in variants(definition) {
            assert!(
                page.contains(&format!("<!-- table: {name}/{tag} -->")),
                "no table of {name}/{tag}"
            );
        }
        for choice in definition["oneOf"].as_array().into_iter().flatten() {
            let tag = &choice["properties"]["kind"]["const"];
            for word in [&choice["const"], tag]
                .into_iter()
                .filter_map(Value::as_str)
            {
                assert!(page.contains(&format!("`{word}`")), "no `{word}` of {name}");
            }
        }
    }
    for function in FUNCTIONS {
        assert!(
            page.contains(&format!("`{}`", function.usage)),
            "no {}",
            function.usage
        );
    }
    for word in planned::WORDS.iter().chain(&planned::KEYS) {
        assert!(page.contains(&format!("`{word}`")), "no {word}");
    }
}

#[test]
fn the_defaults_are_those_that_hold() {
    let page = std::fs::read_to_string(path()).expect("docs/topology.md");
    let idle = defaults::WATERMARK.idle.expect("a default");
    let (embedded, on_kafka) = (defaults::EPOCH.records, defaults::EPOCH_RECORDS_ON_KAFKA);
    for (key, default) in [
        ("interval", defaults::EPOCH.interval.to_string()),
        ("records", format!("{embedded}, on Kafka {on_kafka}")),
        ("bytes", defaults::EPOCH.bytes.to_string()),
        ("memory", defaults::STATE.memory.to_string()),
        ("idle", defaults::STATE.idle.to_string()),
        ("idle", idle.to_string()),
        ("partitions", defaults::PARTITIONS.to_string()),
        ("size", defaults::BATCHING.size.to_string()),
        ("delay", defaults::BATCHING.delay.to_string()),
        ("alpha", defaults::EWMA_ALPHA.to_string()),
    ] {
        let row = |line: &str| {
            line.starts_with(&format!("| `{key}` |")) && line.contains(&format!(" | {default} | "))
        };
        assert!(page.lines().any(row), "{key} = {default}");
    }
}

#[test]
fn the_examples_of_the_reference_are_right() {
    let page = std::fs::read_to_string(path()).expect("docs/topology.md");
    let mut blocks = page
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let whole = blocks.next().expect("the first example");
    assert!(load_str(whole).is_ok(), "{whole}");
    // The others are parts: what they name is not there, but nothing else is wrong with them.
    let of_parts = [
        "nothing-to-do",
        "unknown-input",
        "unknown-model",
        "unreadable-model",
        "substitution",
    ];
    for part in blocks {
        let text = format!("version = 1\nname = \"part\"\n{part}");
        for problem in load_str(&text)
            .err()
            .map(|problems| problems.0)
            .unwrap_or_default()
        {
            assert!(of_parts.contains(&problem.code), "{problem}");
        }
    }
}
