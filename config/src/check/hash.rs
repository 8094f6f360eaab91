//! The hash of what state depends on: FNV-1a (64 bits; Fowler, Noll, Vo) of a text that lists the
//! keyed operators. The text is written out here and nowhere derived, so that neither a new compiler
//! nor a new field changes it by accident.

use std::fmt::Write;

use crate::{
    Aggregate, Detect, DetectMethod, Emit, Node, Operator, OperatorKind, Over, Schema, Topology,
    Window, WindowKind,
};

const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// The hash of a topology.
pub(crate) fn of(topology: &Topology) -> u64 {
    fnv_1a(text(topology).as_bytes())
}

fn fnv_1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(OFFSET_BASIS, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(PRIME)
    })
}

/// A line for each keyed operator and aggregate, by id: where it stands in the file does not matter.
fn text(topology: &Topology) -> String {
    let mut keyed: Vec<(&Operator, u32)> = Vec::new();
    for cut in &topology.sub_topologies {
        for at in &cut.nodes {
            if let Node::Operator(operator) = topology.node(*at)
                && operator.kind.is_keyed()
            {
                keyed.push((operator, cut.partitions));
            }
        }
    }
    keyed.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
    let mut out = String::from("thalweg state 1\n");
    for (operator, partitions) in keyed {
        operator_text(&mut out, operator, partitions);
    }
    out
}

fn operator_text(out: &mut String, operator: &Operator, partitions: u32) {
    let schema = &operator.input_schema;
    line(
        out,
        format_args!("operator {} partitions {partitions}", operator.id),
    );
    line(
        out,
        format_args!("key {}", column_text(schema, operator.key)),
    );
    for column in schema.columns() {
        let null = if column.nullable { "?" } else { "" };
        line(
            out,
            format_args!("input {} {}{null}", column.name, column.data_type),
        );
    }
    match &operator.kind {
        OperatorKind::Rolling(rolling) => {
            for column in &rolling.columns {
                let of = column_text(schema, column.of);
                let over = match column.over {
                    Over::Time(span) => format!("time {}", span.0),
                    Over::Count(rows) => format!("rows {rows}"),
                    Over::All => "all".into(),
                };
                let aggregate = aggregate_text(column.aggregate);
                let excluded = column.exclude_current;
                line(
                    out,
                    format_args!("rolling {} {aggregate} {of} {over} {excluded}", column.name),
                );
            }
        }
        OperatorKind::Window(window) => window_text(out, schema, window),
        OperatorKind::Detect(detect) => detect_text(out, schema, detect),
        OperatorKind::Label(label) => {
            let text = (column_text(schema, Some(label.label)), label.horizon.0);
            line(out, format_args!("label {} {}", text.0, text.1));
        }
        OperatorKind::Steward(steward) => {
            line(
                out,
                format_args!("steward {}", column_text(schema, Some(steward.score))),
            );
        }
        OperatorKind::Sketch(sketch) => {
            for (name, _) in &sketch.columns {
                line(out, format_args!("sketch {name}"));
            }
        }
        OperatorKind::Watch(watch) => {
            line(out, format_args!("watch {}", watch.features));
        }
        OperatorKind::Alert(_) => line(out, format_args!("alert")),
        OperatorKind::Filter { .. }
        | OperatorKind::Select { .. }
        | OperatorKind::KeyBy { .. }
        | OperatorKind::Infer(_)
        | OperatorKind::Route(_)
        | OperatorKind::Union => {}
    }
}

fn window_text(out: &mut String, schema: &Schema, window: &Window) {
    let kind = match window.kind {
        WindowKind::Tumbling { size } => format!("tumbling {}", size.0),
        WindowKind::Sliding { size, slide } => format!("sliding {} {}", size.0, slide.0),
        WindowKind::Gap { gap } => format!("gap {}", gap.0),
    };
    let emit = match window.emit {
        Emit::Final => "final",
        Emit::Updates => "updates",
    };
    line(
        out,
        format_args!("window {kind} {emit} {}", window.allowed_lateness.0),
    );
    for column in &window.columns {
        let aggregate = aggregate_text(column.aggregate);
        let of = column_text(schema, column.of);
        line(
            out,
            format_args!("aggregate {} {aggregate} {of}", column.name),
        );
    }
}

/// The threshold and the warm-up say what becomes of a score, not what is kept.
fn detect_text(out: &mut String, schema: &Schema, detect: &Detect) {
    for column in &detect.columns {
        let column = column_text(schema, Some(*column));
        line(out, format_args!("detect {column}"));
    }
    line(
        out,
        format_args!("memory {} quiet {}", detect.memory, detect.quiet),
    );
    for method in &detect.methods {
        let text = match *method {
            DetectMethod::Ewma { alpha } => format!("ewma {:016x}", alpha.to_bits()),
            DetectMethod::Knn {
                window,
                neighbours,
                history,
            } => format!("knn {window} {neighbours} {history}"),
            DetectMethod::HalfSpaceTrees {
                trees,
                depth,
                window,
            } => format!("half-space-trees {trees} {depth} {window}"),
            DetectMethod::Autoencoder {
                code,
                batch,
                learning_rate,
            } => format!(
                "autoencoder {code} {batch} {:016x}",
                learning_rate.to_bits()
            ),
        };
        line(out, format_args!("method {text}"));
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{text}");
}

fn column_text(schema: &Schema, index: Option<usize>) -> String {
    match index.and_then(|index| schema.columns().get(index)) {
        Some(column) => format!("{}:{}", column.name, column.data_type),
        None => "-".into(),
    }
}

/// The function with its parameter; floats by their bits.
fn aggregate_text(aggregate: Aggregate) -> String {
    match aggregate {
        Aggregate::Count => "count".into(),
        Aggregate::Sum => "sum".into(),
        Aggregate::Avg => "avg".into(),
        Aggregate::Min => "min".into(),
        Aggregate::Max => "max".into(),
        Aggregate::Variance => "variance".into(),
        Aggregate::StdDev => "stddev".into(),
        Aggregate::First => "first".into(),
        Aggregate::Last => "last".into(),
        Aggregate::CountDistinct => "count-distinct".into(),
        Aggregate::Quantile(q) => format!("quantile {:016x}", q.to_bits()),
        Aggregate::Slope => "slope".into(),
        Aggregate::Ewma(alpha) => format!("ewma {:016x}", alpha.to_bits()),
        Aggregate::Delta(lag) => format!("delta {lag}"),
        Aggregate::Lag(lag) => format!("lag {lag}"),
        Aggregate::ZScore => "zscore".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::fnv_1a;

    #[test]
    fn the_hash_is_that_of_the_published_vectors() {
        // Landon Curt Noll's FNV test vectors.
        assert_eq!(fnv_1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv_1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv_1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
