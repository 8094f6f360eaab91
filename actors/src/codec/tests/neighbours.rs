//! A bad record is set aside once; its neighbours survive, in order. Random bytes never panic.

use proptest::prelude::*;

use super::*;

fn columns() -> Schema {
    schema(&[
        ("id", "int64"),
        ("s", "string"),
        ("x", "float64?"),
        ("v", "float32[2]"),
        ("b", "bool?"),
        ("h", "bytes?"),
    ])
}

/// The float of a good record: every third is NULL, written as `null`.
fn float(id: usize, null: &str) -> String {
    match id % 3 {
        0 => null.to_owned(),
        _ => format!("{id}.5"),
    }
}

fn good(format: Format, id: usize) -> String {
    let (x, h) = (float(id, "null"), id % 10);
    let fields = format!("\"id\":{id},\"s\":\"s{id}\",\"x\":{x},\"v\":[{id},2]");
    match format {
        Format::Json => format!("{{{fields},\"b\":true,\"h\":\"0{h}\"}}"),
        Format::Ndjson => format!("{{{fields},\"b\":true,\"h\":\"0{h}\"}}\n"),
        Format::Csv => format!("{id},s{id},{},\"[{id},2]\",true,0{h}", float(id, "")),
        Format::Raw => unreachable!("has no bad records of this kind"),
    }
}

/// The row of a good record, as [`table`] has it.
fn row(id: usize) -> String {
    let (x, h) = (float(id, "null"), id % 10);
    format!("{id} | \"s{id}\" | {x} | [{id}.0,2.0] | true | 0{h}")
}

/// The good record spoilt so that no format takes it; late in the text, so that a row is half written.
fn spoilt(format: Format, id: usize, how: u8) -> Option<Bytes> {
    let text = good(format, id);
    let bytes = match how % 6 {
        0 => text
            .trim_end()
            .as_bytes()
            .split_last_chunk::<3>()
            .unwrap()
            .0
            .to_vec(),
        1 => text.replace("true", "maybe").into_bytes(),
        2 => [text.as_bytes(), b"\xff"].concat(),
        3 => Vec::new(),
        4 => text.replace(",2]", ",2,3]").into_bytes(),
        _ => return None,
    };
    Some(bytes.into())
}

fn check(format: Format, spoils: &[Option<u8>]) {
    let write = |(id, spoil): (usize, &Option<u8>)| match spoil {
        None => record(good(format, id)),
        Some(how) => LogRecord::new(None, spoilt(format, id, *how), 0),
    };
    let records: Vec<LogRecord> = spoils.iter().enumerate().map(write).collect();
    let (good, bad): (Vec<u32>, Vec<u32>) = (0..)
        .take(spoils.len())
        .partition(|id| spoils[*id as usize].is_none());
    let rows: Vec<String> = good.iter().map(|id| row(*id as usize)).collect();
    let mut decoder = decoder(format, &columns());
    // Twice: a batch leaves nothing behind for the next.
    for _ in 0..2 {
        let decoded = decoder.decode(&records);
        assert_eq!(table(&decoded.columns), rows);
        assert_eq!(decoded.origin, good);
        let set_aside: Vec<u32> = decoded.bad.iter().map(|b| b.index).collect();
        assert_eq!(set_aside, bad);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    #[test]
    fn one_percent_garbage_costs_only_itself(
        spoils in prop::collection::vec(prop::option::weighted(0.01, any::<u8>()), 0..400),
    ) {
        for format in [Format::Json, Format::Ndjson, Format::Csv] {
            check(format, &spoils);
        }
    }

    #[test]
    fn mostly_garbage_costs_only_itself(
        spoils in prop::collection::vec(prop::option::weighted(0.7, any::<u8>()), 0..30),
    ) {
        for format in [Format::Json, Format::Ndjson, Format::Csv] {
            check(format, &spoils);
        }
    }

}

proptest! {
    #[test]
    fn random_and_damaged_bytes_never_panic(
        random in prop::collection::vec(any::<u8>(), 0..64),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        for format in [Format::Json, Format::Ndjson, Format::Csv, Format::Raw] {
            let mut damaged = good(if format == Format::Raw { Format::Json } else { format }, 7).into_bytes();
            for (at, byte) in &damage {
                let at = at.index(damaged.len());
                damaged[at] = *byte;
            }
            let records = [record(random.clone()), record(damaged), record("")];
            let decoded = decoder(format, &columns()).decode(&records);
            prop_assert!(decoded.columns.num_rows() >= decoded.origin.len().min(1));
            let mut seen: Vec<u32> = decoded.bad.iter().map(|b| b.index).chain(decoded.origin).collect();
            seen.sort_unstable();
            seen.dedup();
            // A line of blanks is an NDJSON value of no rows only if it is refused: all are seen.
            prop_assert_eq!(seen, [0, 1, 2]);
        }
    }
}
