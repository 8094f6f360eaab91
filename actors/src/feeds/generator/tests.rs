//! What the made worlds look like.

use std::time::Instant;

use config::{Format, Profile};

use crate::feeds::tests::{payments, values};

#[test]
#[ignore = "a measurement: run it with --release"]
fn speed() {
    let begun = Instant::now();
    let mut feed = super::generator(Profile::CardFraud, 7, None, &payments(Format::Json), 0);
    println!("open {:?}", begun.elapsed());
    let begun = Instant::now();
    let mut n = 0;
    while n < 3_000_000 {
        n += feed.next(1_000).expect("made").len();
    }
    println!("{} records a second", 3e6 / begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    let source = payments(Format::Json);
    let mut feed = super::generator(Profile::CardFraud, 7, None, &source, 10_000_000);
    let record = feed.next(3).expect("made");
    println!("resume {:?} {:?}", begun.elapsed(), values(&record));
}
