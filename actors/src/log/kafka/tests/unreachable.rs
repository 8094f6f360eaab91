//! No broker: everything says so within its time, and says whom it asked.

use super::*;
use crate::log::Remedy;

#[test]
fn without_a_broker_calls_say_so_in_time() {
    // Port 9 of this machine takes no connections.
    let log = connect("127.0.0.1:9");
    let at = at(&unique(), 0);
    type Call<'a> = (&'a str, Box<dyn Fn() -> Result<(), LogError> + Sync + 'a>);
    let calls: Vec<Call<'_>> = vec![
        ("topics", Box::new(|| log.topics().map(drop))),
        ("topic", Box::new(|| log.topic(&at.topic).map(drop))),
        (
            "ensure",
            Box::new(|| log.ensure_topic(&spec(&at.topic, 1)).map(drop)),
        ),
        ("read", Box::new(|| log.read(&at, 0, 1, 1).map(drop))),
        (
            "settled",
            Box::new(|| log.settled(std::slice::from_ref(&at)).map(drop)),
        ),
        ("delete", Box::new(|| log.delete_before(&at, 1))),
    ];
    std::thread::scope(|scope| {
        for (name, call) in &calls {
            scope.spawn(move || {
                let began = std::time::Instant::now();
                let error = call().expect_err("no broker answers");
                assert!(
                    began.elapsed() < Duration::from_secs(15),
                    "{name} {:?}",
                    began.elapsed()
                );
                assert_eq!(error.remedy(), Remedy::Retry, "{name}: {error}");
                assert!(error.to_string().contains("127.0.0.1:9"), "{name}: {error}");
            });
        }
    });
}

#[test]
fn settings_that_the_client_does_not_take_are_refused_at_once() {
    let mut settings = KafkaSettings::of(vec!["127.0.0.1:9".into()]);
    settings.client = vec![("no.such.property".into(), config::Secret::new("hush"))];
    let node = NodeIdentity {
        id: "test".into(),
        static_membership: false,
    };
    let error = KafkaLog::connect(&settings, node).expect_err("no such property");
    let text = error.to_string();
    assert!(matches!(error, LogError::Refused(_)), "{text}");
    assert!(
        text.contains("no.such.property") && !text.contains("hush"),
        "{text}"
    );
}
