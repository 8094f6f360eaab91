//! A cluster on which users sign in and need rights: the right ones go through, the others are told
//! what is wrong and what to grant.

use tests::daemon::run;

use super::Till;
use crate::cli::{fails, ok};

/// Listeners with users alice, who may do everything, and bob, who may do nothing; says loudly that
/// there are none.
#[expect(clippy::print_stderr, reason = "a skipped test says so loudly")]
fn secured() -> Option<String> {
    match std::env::var("THALWEG_TEST_SASL_BROKERS") {
        Ok(brokers) if !brokers.is_empty() => Some(brokers),
        _ => {
            eprintln!(
                "SKIPPED: no Kafka with users: THALWEG_TEST_SASL_BROKERS names no cluster (see tests/run)"
            );
            None
        }
    }
}

fn till(brokers: &str, name: &str, user: &str, password: &str) -> Till {
    let security = format!(
        "security = {{ protocol = \"sasl_plaintext\", mechanism = \"plain\", \
         username = \"{user}\", password = \"{password}\" }}"
    );
    Till::on(brokers, name, &security)
}

#[test]
fn whoever_signs_in_and_may_do_so_runs() {
    let Some(brokers) = secured() else { return };
    let till = till(&brokers, "signed-in", "alice", "alice-secret");
    let data = till.data();
    let run = ["run", &till.file, "--data-dir", &data, "--listen", "none"];
    ok(&[&run[..], &["--until-caught-up"]].concat());
    let sound = ok(&["doctor", &till.file, "--data-dir", &data]);
    assert!(sound.contains("taken back"), "{sound}");
}

#[test]
fn a_wrong_password_is_told_as_such_and_never_shown() {
    let Some(brokers) = secured() else { return };
    let till = till(&brokers, "mistyped", "alice", "mistyped-secret");
    let (code, _, told) = run(&["topic", "list", "--topology", &till.file]);
    assert_eq!(code, 69, "{told}");
    for part in ["Authentication failed", "look at username, password"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    let (_, planned, warned) = run(&["plan", &till.file]);
    let (_, examined, _) = run(&["doctor", &till.file]);
    for text in [told, planned, warned, examined] {
        assert!(!text.contains("mistyped-secret"), "{text}");
    }
}

#[test]
fn missing_rights_are_named() {
    let Some(brokers) = secured() else { return };
    let till = till(&brokers, "denied", "bob", "bob-secret");
    let data = till.data();
    let denied = [
        "topic authorization failed",
        "grant READ, WRITE and DESCRIBE",
    ];
    fails(&["apply", &till.file], 69, &denied);
    let command = ["run", &till.file, "--data-dir", &data, "--listen", "none"];
    let (code, _, told) = run(&command);
    assert_eq!(code, 69, "it does not wait for what does not come: {told}");
    assert!(told.contains("grant READ"), "{told}");
    let (code, told, _) = run(&["doctor", &till.file, "--data-dir", &data]);
    assert_eq!(code, 69, "{told}");
    for part in ["grant READ", "grant DESCRIBE_CONFIGS"] {
        assert!(told.contains(part), "{part} in {told}");
    }
}
