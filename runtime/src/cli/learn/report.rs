//! What `train` and `evaluate` print.

use std::collections::BTreeSet;

use comfy_table::{Table, presets};
use models::evaluate::Report;
use serde_json::{Map, Value, json};

/// Measures side by side: a column for each of the named reports.
pub(super) fn table(reports: &[(String, Report)]) -> String {
    let names: BTreeSet<&String> = reports
        .iter()
        .flat_map(|(_, report)| report.measures.keys())
        .collect();
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let header = std::iter::once(String::new()).chain(reports.iter().map(|(name, _)| name.clone()));
    table.set_header(header);
    let row = |name: &str, cell: &dyn Fn(&Report) -> String| {
        let cells = reports.iter().map(|(_, report)| cell(report));
        std::iter::once(name.to_owned())
            .chain(cells)
            .collect::<Vec<_>>()
    };
    table.add_row(row("rows", &|report| report.rows.to_string()));
    for name in names {
        table.add_row(row(name, &|report| {
            report
                .get(name)
                .map_or_else(String::new, |value| format!("{value:.4}"))
        }));
    }
    table.to_string()
}

/// The same, a row for each of the named reports: for many of them.
pub(super) fn tall(reports: &[(String, Report)]) -> String {
    let names: BTreeSet<&String> = reports
        .iter()
        .flat_map(|(_, report)| report.measures.keys())
        .collect();
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let header = ["", "rows"].into_iter().map(str::to_owned);
    table.set_header(header.chain(names.iter().map(|name| (*name).clone())));
    for (of, report) in reports {
        let cells = names.iter().map(|name| {
            report
                .get(name)
                .map_or_else(String::new, |value| format!("{value:.4}"))
        });
        let head = [of.clone(), report.rows.to_string()];
        table.add_row(head.into_iter().chain(cells));
    }
    table.to_string()
}

/// For programs.
pub(super) fn json_of(reports: &[(String, Report)]) -> Value {
    let entry = |(name, report): &(String, Report)| {
        let value = json!({ "rows": report.rows, "measures": report.measures });
        (name.clone(), value)
    };
    Value::Object(reports.iter().map(entry).collect::<Map<_, _>>())
}
