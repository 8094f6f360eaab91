//! Filter, select, route and union keep columns and rows aligned.

use arrow_array::cast::AsArray as _;
use arrow_array::types::Float64Type;
use config::{Column, DataType, OperatorKind, Route, RouteBranch, Schema, parse_expression};

use super::stateless;
use crate::batch::Batch;
use crate::operators::fixture::{self, Input};

fn input() -> Batch {
    let row = |(time, float)| Input {
        time,
        watermark: 0,
        float,
        int: None,
        text: None,
    };
    let floats = [Some(1.0), None, Some(3.0), Some(4.0)];
    let rows: Vec<Input> = (0..).zip(floats).map(row).collect();
    fixture::batch(&rows)
}

fn condition(sql: &str) -> config::Expression {
    parse_expression(sql, &fixture::schema()).unwrap()
}

/// A row: its time and its float.
type Seen = (i64, Option<f64>);

/// Times of the rows on each port, with the floats of the columns beside them.
fn apply(kind: OperatorKind, ports: Vec<Schema>) -> Vec<(usize, Vec<Seen>)> {
    let operator = stateless(&fixture::operator(kind, ports)).unwrap();
    let ports = operator.apply(&input()).unwrap();
    let rows = |batch: &Batch| {
        let column = batch.columns.column_by_name("f").unwrap();
        let floats = column.as_primitive::<Float64Type>().iter();
        batch.rows.iter().map(|row| row.time).zip(floats).collect()
    };
    ports
        .iter()
        .map(|(port, batch)| (*port, rows(batch)))
        .collect()
}

#[test]
fn a_filter_keeps_rows_where_the_condition_is_true_not_null() {
    let filter = |sql| OperatorKind::Filter {
        condition: condition(sql),
    };
    let kept = apply(filter("f > 1"), vec![fixture::schema()]);
    assert_eq!(kept, [(0, vec![(2, Some(3.0)), (3, Some(4.0))])]);
    assert!(apply(filter("f > 9"), vec![fixture::schema()]).is_empty());
    assert_eq!(apply(filter("true"), vec![fixture::schema()])[0].1.len(), 4);
}

#[test]
fn a_select_computes_its_columns_under_their_names() {
    let columns = vec![("f".into(), condition("f * 2"))];
    let schema = Schema::new(vec![Column::new("f", DataType::Float64, true)]);
    let got = apply(OperatorKind::Select { columns }, vec![schema]);
    let doubled = vec![(0, Some(2.0)), (1, None), (2, Some(6.0)), (3, Some(8.0))];
    assert_eq!(got, [(0, doubled)]);
}

#[test]
fn a_select_of_another_schema_than_it_makes_is_an_error() {
    let columns = vec![("f".into(), condition("f"))];
    let schema = Schema::new(vec![Column::new("f", DataType::Float64, false)]);
    let operator = fixture::operator(OperatorKind::Select { columns }, vec![schema]);
    let error = stateless(&operator).unwrap().apply(&input()).unwrap_err();
    assert_eq!(error.operator, "under-test");
}

#[test]
fn a_route_sends_rows_to_the_first_branch_or_to_all_and_the_rest_beyond() {
    let route = |all_matches| {
        let branch = |sql: &str| RouteBranch {
            port: sql.into(),
            condition: condition(sql),
        };
        let branches = vec![branch("f >= 4"), branch("f >= 3")];
        OperatorKind::Route(Route {
            branches,
            all_matches,
        })
    };
    let (one, null) = ((0, Some(1.0)), (1, None));
    let (three, four) = ((2, Some(3.0)), (3, Some(4.0)));
    let ports = || vec![fixture::schema(); 3];
    assert_eq!(
        apply(route(false), ports()),
        [(0, vec![four]), (1, vec![three]), (2, vec![one, null])]
    );
    assert_eq!(
        apply(route(true), ports()),
        [
            (0, vec![four]),
            (1, vec![three, four]),
            (2, vec![one, null])
        ]
    );
}

#[test]
fn a_union_passes_rows_on_under_its_own_schema() {
    let columns = fixture::schema().columns().to_vec();
    let renamed = columns.into_iter().map(|mut column| {
        column.nullable = true;
        column
    });
    let schema = Schema::new(renamed.collect());
    let operator = fixture::operator(OperatorKind::Union, vec![schema.clone()]);
    let got = stateless(&operator).unwrap().apply(&input()).unwrap();
    assert_eq!(got[0].1.columns.schema(), schema.to_arrow());
    assert_eq!(got[0].1.len(), 4);
}
