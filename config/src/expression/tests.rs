//! What expressions mean: types by the rules of SQL, and errors at their place.

mod refusals;

use std::fmt::Write;

use super::{BinaryOperator, Expression, ExpressionKind, Literal, UnaryOperator, parse_expression};
use crate::{Column, DataType, Schema, VectorElement};

fn schema() -> Schema {
    Schema::new(vec![
        Column::new("i", DataType::Int64, false),
        Column::new("f", DataType::Float64, false),
        Column::new("g", DataType::Float32, false),
        Column::new("s", DataType::String, false),
        Column::new("b", DataType::Bool, false),
        Column::new("t", DataType::Timestamp, false),
        Column::new("n", DataType::Float64, true),
        Column::new("total amount", DataType::Float64, false),
        Column::new(
            "v",
            DataType::Vector {
                element: VectorElement::Float32,
                length: 3,
            },
            false,
        ),
    ])
}

/// A tree as text: `(> f cast(i))`. An oracle that a reader can check, unlike `Debug`'s.
fn text(expression: &Expression) -> String {
    let all = |list: &[Expression]| {
        list.iter().fold(String::new(), |mut out, e| {
            let _ = write!(out, " {}", text(e));
            out
        })
    };
    match &expression.kind {
        ExpressionKind::Column(index) => schema().columns()[*index].name.to_string(),
        ExpressionKind::Literal(Literal::String(text)) => format!("'{text}'"),
        ExpressionKind::Literal(Literal::Int64(number)) => number.to_string(),
        ExpressionKind::Literal(Literal::Float64(number)) => format!("{number:?}"),
        ExpressionKind::Literal(Literal::Bool(truth)) => truth.to_string(),
        ExpressionKind::Literal(Literal::Timestamp(millis)) => format!("@{millis}"),
        ExpressionKind::Literal(Literal::Null) => "null".into(),
        ExpressionKind::Unary(UnaryOperator::Not, value) => format!("(not {})", text(value)),
        ExpressionKind::Unary(UnaryOperator::Negate, value) => format!("(- {})", text(value)),
        ExpressionKind::Binary(op, a, b) => format!("({} {} {})", sign(*op), text(a), text(b)),
        ExpressionKind::InList {
            value,
            list,
            negated,
        } => {
            format!(
                "({} {}{})",
                if *negated { "not-in" } else { "in" },
                text(value),
                all(list)
            )
        }
        ExpressionKind::Like {
            value,
            pattern,
            negated,
        } => {
            let word = if *negated { "not-like" } else { "like" };
            format!("({word} {} {})", text(value), text(pattern))
        }
        ExpressionKind::IsNull { value, negated } => {
            format!(
                "({} {})",
                if *negated { "is-not-null" } else { "is-null" },
                text(value)
            )
        }
        ExpressionKind::Case {
            branches,
            otherwise,
        } => {
            let mut out = String::from("(case");
            for branch in branches {
                let _ = write!(out, " {} {}", text(&branch.when), text(&branch.then));
            }
            if let Some(otherwise) = otherwise {
                let _ = write!(out, " else {}", text(otherwise));
            }
            out + ")"
        }
        ExpressionKind::Cast(value) => format!("{}({})", expression.data_type, text(value)),
        ExpressionKind::Call(function, list) => {
            format!("({}{})", format!("{function:?}").to_lowercase(), all(list))
        }
    }
}

fn sign(op: BinaryOperator) -> &'static str {
    match op {
        BinaryOperator::Add => "+",
        BinaryOperator::Subtract => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::Divide => "/",
        BinaryOperator::Modulo => "%",
        BinaryOperator::Equal => "=",
        BinaryOperator::NotEqual => "<>",
        BinaryOperator::Less => "<",
        BinaryOperator::LessOrEqual => "<=",
        BinaryOperator::Greater => ">",
        BinaryOperator::GreaterOrEqual => ">=",
        BinaryOperator::And => "and",
        BinaryOperator::Or => "or",
    }
}

fn check(cases: &[(&str, &str, &str)]) {
    for (sql, tree, data_type) in cases {
        let expression = parse_expression(sql, &schema());
        let expression = expression.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let null = if expression.nullable { "?" } else { "" };
        assert_eq!(
            (text(&expression), format!("{}{null}", expression.data_type)),
            ((*tree).into(), (*data_type).into()),
            "{sql}"
        );
    }
}

fn check_errors(cases: &[(&str, &str, &str, &str)]) {
    for (sql, code, message, place) in cases {
        let error = parse_expression(sql, &schema()).expect_err(sql);
        assert_eq!(
            (error.code, &sql[error.range.clone()]),
            (*code, *place),
            "{sql}: {error}"
        );
        assert!(error.message.contains(message), "{sql}: {error}");
    }
}

#[test]
fn precedence_is_that_of_sql() {
    check(&[
        ("i + i * i", "(+ i (* i i))", "int64?"),
        ("(i + i) * i", "(* (+ i i) i)", "int64?"),
        ("not b and b or b", "(or (and (not b) b) b)", "bool"),
        ("not i = 1", "(not (= i 1))", "bool"),
        ("-i + 1", "(+ (- i) 1)", "int64?"),
        ("i - i - i", "(- (- i i) i)", "int64?"),
        ("i % 2 = 0", "(= (% i 2) 0)", "bool?"),
        (
            "i between 1 and 3 and b",
            "(and (and (>= i 1) (<= i 3)) b)",
            "bool",
        ),
    ]);
}

#[test]
fn numbers_of_different_types_meet_as_float64() {
    check(&[
        ("i + f", "(+ float64(i) f)", "float64?"),
        ("g * 2", "(* float64(g) 2.0)", "float64?"),
        ("g + g", "(+ g g)", "float32?"),
        ("f > 0", "(> f 0.0)", "bool"),
        ("i / 2", "(/ i 2)", "int64?"),
        ("i in (1, 2.5)", "(in float64(i) 1.0 2.5)", "bool"),
        (
            "case when b then 1 else 0.5 end",
            "(case b 1.0 else 0.5)",
            "float64",
        ),
        (
            "greatest(i, f, 3)",
            "(greatest float64(i) f 3.0)",
            "float64",
        ),
        ("coalesce(n, 0)", "(coalesce n 0.0)", "float64"),
        ("nullif(i, 0)", "(nullif i 0)", "int64?"),
        ("-1.5", "-1.5", "float64"),
        ("1_000 + +i", "(+ 1000 i)", "int64?"),
    ]);
}

#[test]
fn a_string_literal_beside_a_timestamp_is_a_time() {
    check(&[
        ("t >= '1970-01-02'", "(>= t @86400000)", "bool"),
        (
            "t between '1970-01-01T00:00:01Z' and '1970-01-01T01:00:02+01:00'",
            "(and (>= t @1000) (<= t @2000))",
            "bool",
        ),
        (
            "t in ('1970-01-02', '1970-01-03')",
            "(in t @86400000 @172800000)",
            "bool",
        ),
        ("t - t", "(- t t)", "int64?"),
        ("hour(t)", "(hour t)", "int64"),
        ("date_trunc('hour', t)", "(datetrunc 'hour' t)", "timestamp"),
        ("epoch('1970-01-02')", "(epoch @86400000)", "float64"),
        ("s = '1970-01-02'", "(= s '1970-01-02')", "bool"),
    ]);
    check_errors(&[
        (
            "t > s",
            "expression-type",
            "\">\" of timestamp and string",
            "t > s",
        ),
        (
            "t > 'soon'",
            "expression-type",
            "of timestamp and string",
            "t > 'soon'",
        ),
        (
            "t + 1",
            "expression-type",
            "of timestamp and int64",
            "t + 1",
        ),
        (
            "t + t",
            "expression-type",
            "not defined for timestamp",
            "t + t",
        ),
        (
            "hour(s)",
            "expression-type",
            "\"hour\" needs timestamp, not string",
            "s",
        ),
        (
            "date_trunc('fortnight', t)",
            "expression-type",
            "unknown unit \"fortnight\"",
            "'fortnight'",
        ),
    ]);
}

#[test]
fn null_takes_the_type_it_meets_and_is_null() {
    check(&[
        ("f = null", "(= f null)", "bool?"),
        ("n > 1", "(> n 1.0)", "bool?"),
        ("n is null", "(is-null n)", "bool"),
        ("n is not null or b", "(or (is-not-null n) b)", "bool"),
        ("case when b then f end", "(case b f)", "float64?"),
        (
            "case when b then f else null end",
            "(case b f else null)",
            "float64?",
        ),
        ("cast(null as int64)", "int64(null)", "int64?"),
        ("coalesce(null, i)", "(coalesce null i)", "int64"),
        ("least(n, 1.0)", "(least n 1.0)", "float64"),
    ]);
    check_errors(&[("null", "expression-type", "NULL alone", "null")]);
}

#[test]
fn forms_of_sql_become_simpler_ones() {
    check(&[
        (
            "i not between 1 and 2",
            "(not (and (>= i 1) (<= i 2)))",
            "bool",
        ),
        (
            "case i when 1 then 'a' when 2 then 'b' else s end",
            "(case (= i 1) 'a' (= i 2) 'b' else s)",
            "string",
        ),
        ("s || 'x' || s", "(concat (concat s 'x') s)", "string"),
        ("s not like 'a%'", "(not-like s 'a%')", "bool"),
        ("s not in ('a', 'b')", "(not-in s 'a' 'b')", "bool"),
        ("i <> 1 and i != 2", "(and (<> i 1) (<> i 2))", "bool"),
        ("\"total amount\" > 1", "(> total amount 1.0)", "bool"),
        ("'it''s'", "'it's'", "string"),
    ]);
}

#[test]
fn functions_have_the_types_of_the_list() {
    check(&[
        ("abs(i)", "(abs i)", "int64?"),
        ("ln(1 + i)", "(ln float64((+ 1 i)))", "float64?"),
        ("round(f, 2)", "(round f 2)", "float64?"),
        (
            "floor(g) + ceil(g)",
            "(+ (floor float64(g)) (ceil float64(g)))",
            "float64?",
        ),
        ("power(i, 0.5)", "(power float64(i) 0.5)", "float64?"),
        ("trim(upper(s))", "(trim (upper s))", "string"),
        ("substr(s, 2, 3)", "(substr s 2 3)", "string"),
        ("substring(s, 2)", "(substr s 2)", "string"),
        ("length(s) > 3", "(> (length s) 3)", "bool"),
        (
            "starts_with(s, 'a') and regexp_like(s, '^a+$')",
            "(and (startswith s 'a') (regexplike s '^a+$'))",
            "bool",
        ),
        ("replace(s, 'a', 'b')", "(replace s 'a' 'b')", "string"),
        ("hash(s, i) % 10", "(% (hash s i) 10)", "int64?"),
        ("DAY_OF_WEEK(t) >= 6", "(>= (dayofweek t) 6)", "bool"),
        (
            "cast(i as double) / cast(s as float64)",
            "(/ float64(i) float64(s))",
            "float64?",
        ),
        ("cast(t as string)", "string(t)", "string"),
        ("cast(f as int64)", "int64(f)", "int64?"),
    ]);
}
