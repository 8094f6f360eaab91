//! JSON decoding against a naive decoder over `serde_json::Value` and chrono.

use chrono::DateTime;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// The text of a cell of this type, as [`table`] has it, or `None` if the value is refused.
fn naive_cell(column: &Column, value: &Value) -> Option<String> {
    if value.is_null() {
        return column.nullable.then(|| "null".to_owned());
    }
    match &column.data_type {
        DataType::Bool => value.as_bool().map(|b| b.to_string()),
        DataType::Int64 => naive_integer(value).map(|i| i.to_string()),
        DataType::Float64 => value
            .as_f64()
            .map(|f| ryu::Buffer::new().format(f).to_owned()),
        #[expect(clippy::cast_possible_truncation, reason = "the nearest is meant")]
        DataType::Float32 => value.as_f64().and_then(|f| {
            let narrow = f as f32;
            narrow
                .is_finite()
                .then(|| ryu::Buffer::new().format(narrow).to_owned())
        }),
        DataType::String => value.as_str().map(|s| format!("{s:?}")),
        DataType::Timestamp => match value {
            Value::String(text) => DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis(),
            number => match number.as_i64() {
                Some(integer) => integer,
                None => format!("{:.0}", number.as_f64()?.round()).parse().ok()?,
            },
        }
        .pipe(DateTime::from_timestamp_millis)
        .map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
        .filter(|text| text.len() == 24),
        DataType::Vector { length, .. } => {
            let list = value.as_array().filter(|list| list.len() == *length)?;
            let cells: Option<Vec<String>> = list
                .iter()
                .map(|v| v.as_f64().map(|f| ryu::Buffer::new().format(f).to_owned()))
                .collect();
            Some(format!("[{}]", cells?.join(",")))
        }
        DataType::Bytes => unreachable!("not in these tests"),
    }
}

fn naive_integer(value: &Value) -> Option<i64> {
    if let Some(integer) = value.as_i64() {
        return Some(integer);
    }
    let float = value.as_f64()?;
    // Integral floats below 2^63 print as integers.
    (float.fract() == 0.0).then(|| format!("{float:.0}").parse().ok())?
}

trait Pipe: Sized {
    fn pipe<T>(self, f: impl FnOnce(Self) -> T) -> T {
        f(self)
    }
}

impl Pipe for i64 {}

fn naive_row(schema: &Schema, text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    value.as_object()?;
    let mut cells = Vec::new();
    for column in schema.columns() {
        let mut at = &value;
        for name in &column.path {
            match at {
                Value::Null => break,
                Value::Object(fields) => at = fields.get(name).unwrap_or(&Value::Null),
                _ => return None,
            }
        }
        cells.push(naive_cell(column, at)?);
    }
    Some(cells.join(" | "))
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-100i64..100).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-100i32..100).prop_map(|i| json!(f64::from(i))),
        any::<f64>().prop_map(|f| json!(f)),
        "\\PC{0,8}".prop_map(Value::from),
        "[\"\\\\\n\t\u{1}é𝄞/]{0,4}".prop_map(Value::from),
        (-100_000_000_000_000i64..300_000_000_000_000).prop_map(|ms| {
            let time = DateTime::from_timestamp_millis(ms).unwrap();
            json!(time.to_rfc3339())
        }),
        prop::collection::vec(-5i32..5, 0..4).prop_map(Value::from),
        prop::collection::vec(any::<f64>(), 2).prop_map(Value::from),
    ]
}

/// An object with some of the wanted fields, and others, in any order.
fn object() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["b", "i", "f", "g", "s", "t", "v", "x", "y"]);
    let inner = prop::collection::hash_map(name.clone(), value(), 0..4)
        .prop_map(|m| Value::Object(m.into_iter().map(|(k, v)| (k.into(), v)).collect()));
    let field = (name, prop_oneof![8 => value(), 1 => inner]);
    prop::collection::hash_map(
        prop::sample::select(vec!["b", "i", "f", "g", "s", "t", "v", "o", "z"]),
        field,
        0..9,
    )
    .prop_map(|fields| {
        let fields = fields
            .into_iter()
            .map(|(name, (_, v))| format!("{}:{v}", json!(name)));
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    })
}

/// A few wanted columns, nullable or not.
fn wanted() -> impl Strategy<Value = Schema> {
    let all = vec![
        ("b", "bool"),
        ("i", "int64"),
        ("f", "float64"),
        ("g", "float32"),
        ("s", "string"),
        ("t", "timestamp"),
        ("v", "float64[2]"),
        ("o.x", "int64"),
        ("o.y", "string"),
    ];
    (
        prop::sample::subsequence(all, 1..4),
        prop::collection::vec(prop::bool::weighted(0.8), 4),
    )
        .prop_map(|(columns, nullable)| {
            let typed: Vec<(&str, String)> = columns
                .into_iter()
                .zip(nullable)
                .map(|((name, t), n)| (name, if n { format!("{t}?") } else { t.to_owned() }))
                .collect();
            let columns: Vec<(&str, &str)> = typed.iter().map(|(n, t)| (*n, t.as_str())).collect();
            schema(&columns)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn objects_decode_as_a_naive_decoder_decodes_them(schema in wanted(), texts in prop::collection::vec(object(), 1..6)) {
        let values: Vec<&str> = texts.iter().map(String::as_str).collect();
        let decoded = decode(Format::Json, &schema, &values);
        let expect: Vec<Option<String>> = values.iter().map(|text| naive_row(&schema, text)).collect();
        let good: Vec<String> = expect.iter().flatten().cloned().collect();
        prop_assert_eq!(table(&decoded.columns), good, "{:?} {:?}", values, decoded.bad);
        let bad: Vec<u32> = decoded.bad.iter().map(|b| b.index).collect();
        let expect_bad: Vec<u32> = (0..).zip(&expect).filter(|(_, row)| row.is_none()).map(|(i, _)| i).collect();
        prop_assert_eq!(bad, expect_bad);
    }
}
