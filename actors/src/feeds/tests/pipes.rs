//! Lines of a pipe.

use std::collections::VecDeque;
use std::io::Read;

use super::*;
use crate::feeds::lines::LINE_BYTES_MAX;

fn feed(text: impl Into<Vec<u8>>) -> LineFeed<std::io::Cursor<Vec<u8>>> {
    let input = std::io::Cursor::new(text.into());
    LineFeed::new(input, "<pipe>".into(), &readings(Format::Csv), 0)
}

#[test]
fn line_ends_byte_order_mark_and_empty_lines_are_no_part_of_records() {
    let mut feed = feed("\u{feff}a,1,2\r\n\r\n\nb,3,4\n\u{feff}c,5,6");
    let records = take(&mut feed, 10, 10);
    assert_eq!(values(&records), ["a,1,2", "b,3,4", "\u{feff}c,5,6"]);
}

#[test]
fn a_line_that_is_too_long_is_cut_and_its_neighbours_are_whole() {
    let long = "x".repeat(LINE_BYTES_MAX + 10);
    let full = "y".repeat(LINE_BYTES_MAX);
    let mut feed = feed(format!("a,1,2\n{long}\n{full}\nb,3,4"));
    let records = take(&mut feed, 10, 10);
    let lengths: Vec<_> = records
        .iter()
        .map(|r| r.record.value.as_ref().map_or(0, Bytes::len))
        .collect();
    assert_eq!(lengths, [5, 65_537, LINE_BYTES_MAX, 5]);
    let cut = records[1].record.value.clone().expect("a value");
    assert!(std::str::from_utf8(&cut).is_err(), "no decoder takes it");
}

/// Gives its pieces one read at a time; being asked again then is what a test fails on.
struct Pieces(VecDeque<&'static str>);

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let piece = self.0.pop_front().expect("the pipe would block here");
        buffer[..piece.len()].copy_from_slice(piece.as_bytes());
        Ok(piece.len())
    }
}

#[test]
fn a_pipe_gives_what_has_arrived_instead_of_waiting_for_more() {
    let pieces = Pieces(["a,1,2\nb,3,4\nc,", "5,6\n"].into());
    let mut feed = LineFeed::new(pieces, "<pipe>".into(), &readings(Format::Csv), 0);
    let first = feed.next(100).expect("readable");
    let second = feed.next(100).expect("readable");
    assert_eq!(values(&first), ["a,1,2", "b,3,4"]);
    assert_eq!(values(&second), ["c,5,6"]);
    assert!(!feed.ended());
}

#[test]
fn a_pipe_that_breaks_is_named() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("broken"))
        }
    }
    let mut feed = LineFeed::new(Broken, "<stdin>".into(), &readings(Format::Csv), 0);
    let error = feed.next(1).expect_err("broken").to_string();
    assert_eq!(error, "feed cannot read \"<stdin>\"");
}
