//! What is no expression here: the code, the words and the place of each error.

use super::{check_errors, schema};
use crate::parse_expression;

#[test]
fn functions_refuse_what_they_do_not_take() {
    check_errors(&[
        ("round(f, i)", "expression-type", "literal digits", "i"),
        (
            "regexp_like(s, 'a(b')",
            "expression-type",
            "not a regular expression: unclosed group",
            "'a(b'",
        ),
        (
            "regexp_like(s, s)",
            "expression-type",
            "literal string",
            "s",
        ),
        (
            "ln(s)",
            "expression-type",
            "\"ln\" needs float64, not string",
            "s",
        ),
        (
            "abs()",
            "expression-type",
            "does not take 0 arguments",
            "abs",
        ),
        (
            "concat(s, i)",
            "expression-type",
            "\"concat\" needs string, not int64",
            "i",
        ),
        (
            "cast(v as string)",
            "expression-type",
            "float32[3] cannot be cast to string",
            "v",
        ),
        (
            "cast(i as decimal)",
            "expression-type",
            "unknown type \"decimal\"",
            "i",
        ),
        (
            "squrt(f)",
            "unknown-function",
            "unknown function \"squrt\"",
            "squrt",
        ),
        (
            "median(f)",
            "unknown-function",
            "unknown function \"median\"",
            "median",
        ),
    ]);
}

#[test]
fn errors_are_placed_in_characters_of_any_width() {
    check_errors(&[
        (
            "'größe' = s and amunt > 1",
            "unknown-column",
            "unknown column \"amunt\"",
            "amunt",
        ),
        (
            "f > 1\n  and amunt > 1",
            "unknown-column",
            "unknown column \"amunt\"",
            "amunt",
        ),
        ("f > ", "expression-syntax", "found its end", ""),
        ("f > 1 )", "expression-syntax", "unexpected \")\"", ")"),
        (
            "f > 'a",
            "expression-syntax",
            "Unterminated string literal",
            "'",
        ),
        ("F > 1", "unknown-column", "unknown column \"F\"", "F"),
        (
            "b and f",
            "expression-type",
            "\"AND\" needs bool, not float64",
            "f",
        ),
        (
            "not f",
            "expression-type",
            "\"not\" needs bool, not float64",
            "f",
        ),
        (
            "-s",
            "expression-type",
            "\"-\" needs a number, not string",
            "s",
        ),
        ("v = v", "expression-type", "cannot be compared", "v = v"),
        ("a.b", "expression-syntax", "a name with dots", "a.b"),
        (
            "s ilike 'a'",
            "expression-syntax",
            "ilike is not part",
            "s ilike 'a'",
        ),
        ("i & 1", "expression-syntax", "operator \"&\"", "i & 1"),
        (
            "9223372036854775808",
            "expression-type",
            "does not fit in int64",
            "9223372036854775808",
        ),
        (
            "i in (select 1)",
            "expression-syntax",
            "this form",
            "i in (select 1",
        ),
        (
            "count(*)",
            "expression-syntax",
            "this kind of argument",
            "count",
        ),
    ]);
}

#[test]
fn what_nests_without_end_is_refused_and_no_stack_overflows() {
    for sql in [
        format!("{}i{}", "(".repeat(5_000), ")".repeat(5_000)),
        format!("i{}", " + i".repeat(4_000)),
        format!("{}b", "not ".repeat(4_000)),
        format!("{}i", "- ".repeat(8_000)),
        "i + ".repeat(5_000),
        format!("{}1{}", "abs(".repeat(3_000), ")".repeat(3_000)),
        format!("{}b{}", "(".repeat(40), " between b and b)".repeat(40)),
    ] {
        let error = parse_expression(&sql, &schema()).expect_err("too deep");
        assert_eq!(error.code, "expression-syntax");
    }
    let wide = format!("i{}", " + i".repeat(300));
    assert!(parse_expression(&wide, &schema()).is_ok());
    let list = format!("i in (1{})", ", 1".repeat(2_000));
    assert!(parse_expression(&list, &schema()).is_ok());
}
