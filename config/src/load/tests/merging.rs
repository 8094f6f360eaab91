//! Overrides, included files, references: what is done to a file on the way.

use std::path::Path;

use super::SMALL;
use crate::fixtures::{load_file, load_str, load_with};
use crate::{LogSettings, Millis, Node, Secret, SinkTarget, TokenIssuer, TokenSource};

#[test]
fn overrides_reach_into_tables_and_nodes() {
    let topology = load_with(
        SMALL,
        &[
            ("epoch.interval", "1s"),
            ("epoch.records", "50"),
            ("source.orders.partitions", "8"),
            ("operator.valid.where", "amount > 5"),
            ("sink.out.headers", "{ a = \"b\" }"),
        ],
    )
    .expect("loads");
    assert_eq!(
        (topology.epoch.interval, topology.epoch.records),
        (Millis(1_000), 50)
    );
    let Node::Sink(sink) = &topology.nodes[2] else {
        panic!("{:?}", topology.nodes[2]);
    };
    assert_eq!((sink.partitions, sink.headers.len()), (8, 1));
    for (key, value, code, line) in [
        (
            "epoch.interval",
            "soon",
            "invalid-value",
            "epoch.interval=soon",
        ),
        (
            "source.ordres.partitions",
            "8",
            "override",
            "source.ordres.partitions=8",
        ),
        ("name.first", "8", "override", "name.first=8"),
        ("epoch..interval", "1s", "override", "epoch..interval=1s"),
        ("epohc.interval", "1s", "unknown-key", "epohc.interval=1s"),
    ] {
        let problems = load_with(SMALL, &[(key, value)]).expect_err(key);
        let [problem] = problems.0.as_slice() else {
            panic!("{problems}");
        };
        let place = problem.location.as_ref().expect("a place");
        assert_eq!((problem.code, place.text.as_str()), (code, line));
        assert_eq!((place.file.as_path(), place.line), (Path::new("--set"), 1));
    }
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    folder
}

#[test]
fn included_files_are_merged_and_keep_their_places() {
    let main = format!("include = [\"parts/common.toml\"]\n{SMALL}\n[epoch]\nrecords = 7\n");
    let common = "[epoch]\nrecords = 5\ninterval = \"2s\"\n\
                  [[sink]]\nid = \"file\"\ninput = \"orders\"\nfile = \"out.csv\"\nformat = \"csv\"\n";
    let dir = folder(&[("main.toml", main.as_str()), ("parts/common.toml", common)]);
    let topology = load_file(&dir.path().join("main.toml")).expect("loads");
    assert_eq!(
        (topology.epoch.records, topology.epoch.interval),
        (7, Millis(2_000))
    );
    let targets: Vec<&SinkTarget> = topology
        .nodes
        .iter()
        .filter_map(|node| match node {
            Node::Sink(sink) => Some(&sink.target),
            Node::Source(_) | Node::Operator(_) => None,
        })
        .collect();
    assert_eq!(
        *targets[0],
        SinkTarget::File(dir.path().join("parts/out.csv"))
    );

    std::fs::write(
        dir.path().join("parts/common.toml"),
        common.replace("2s", "2 s s"),
    )
    .expect("a file");
    let problems = load_file(&dir.path().join("main.toml")).expect_err("a wrong duration");
    let place = problems.0[0].location.as_ref().expect("a place");
    assert_eq!(
        (place.file.clone(), place.line),
        (dir.path().join("parts/common.toml"), 3)
    );
}

#[test]
fn files_that_include_each_other_are_told_so() {
    let dir = folder(&[
        ("a.toml", &format!("include = [\"b.toml\"]\n{SMALL}")),
        ("b.toml", "include = [\"a.toml\"]\n"),
    ]);
    let problems = load_file(&dir.path().join("a.toml")).expect_err("a circle");
    assert_eq!((problems.0.len(), problems.0[0].code), (1, "include"));
}

#[test]
fn a_file_that_is_not_there_is_one_problem() {
    let problems = load_file(Path::new("no/such.toml")).expect_err("no file");
    assert_eq!(
        (problems.0.len(), problems.0[0].code),
        (1, "unreadable-file")
    );
}

#[test]
fn secrets_reach_the_client_and_no_output() {
    let dir = folder(&[("password", "s3cret-of-file\n")]);
    let text = format!(
        "{SMALL}\n[log]\nkind = \"kafka\"\nbrokers = [\"${{env:BROKERS}}\", \"${{env:NONE:-three:9092}}\"]\n\
         security = {{ protocol = \"sasl_ssl\", mechanism = \"scram-sha-512\", username = \"u\", password = \"${{env:SECRET}}\", ca = \"ca.pem\", key-password = \"${{file:{}/password}}\" }}\n\
         client = {{ \"fetch.min.bytes\" = 1, \"socket.keepalive.enable\" = true }}\n",
        dir.path().display()
    );
    let topology = load_str(&text).unwrap_or_else(|e| panic!("{e}"));
    let LogSettings::Kafka(kafka) = &topology.log else {
        panic!("{:?}", topology.log);
    };
    assert_eq!(kafka.brokers, ["one:9092", "two:9092", "three:9092"]);
    let client: Vec<(&str, &str)> = kafka
        .client
        .iter()
        .map(|(k, v)| (k.as_str(), v.expose()))
        .collect();
    assert_eq!(
        client,
        [
            ("security.protocol", "sasl_ssl"),
            ("sasl.mechanisms", "SCRAM-SHA-512"),
            ("sasl.username", "u"),
            ("sasl.password", "hunter2-hunter2"),
            ("ssl.ca.location", "dir/ca.pem"),
            ("ssl.key.password", "s3cret-of-file"),
            ("fetch.min.bytes", "1"),
            ("socket.keepalive.enable", "true"),
        ]
    );
    let printed = format!("{topology:?}");
    assert!(
        !printed.contains("hunter2") && !printed.contains("s3cret"),
        "{printed}"
    );

    let oauth = format!(
        "{SMALL}\n[log]\nkind = \"kafka\"\nbrokers = [\"one:9092\"]\n\
         security = {{ protocol = \"sasl_ssl\", mechanism = \"oauthbearer\", token-endpoint = \"https://id.example/token\", client-id = \"thalweg\", client-secret = \"${{env:SECRET}}\", scope = \"kafka\" }}\n"
    );
    let topology = load_str(&oauth).unwrap_or_else(|e| panic!("{e}"));
    let LogSettings::Kafka(kafka) = &topology.log else {
        panic!("{:?}", topology.log);
    };
    let issuer = TokenIssuer {
        endpoint: "https://id.example/token".into(),
        client_id: "thalweg".into(),
        client_secret: Secret::new("hunter2-hunter2"),
        scope: Some("kafka".into()),
    };
    assert_eq!(kafka.tokens, Some(TokenSource::Issuer(issuer)));
    assert!(!format!("{topology:?}").contains("hunter2"));

    let misplaced = text.replace("\"sasl_ssl\"", "\"${env:SECRET}\"");
    let problems = load_str(&misplaced).expect_err("no protocol").to_string();
    assert!(
        problems.contains("${env:SECRET}") && !problems.contains("hunter2"),
        "{problems}"
    );
}

#[test]
fn security_that_is_not_whole_is_told_before_a_broker_is_asked() {
    let cases = [
        (
            r#"protocol = "sasl_ssl", mechanism = "plain", username = "u""#,
            "missing key \"password\"",
        ),
        (
            r#"protocol = "ssl", certificate = "c.pem""#,
            "missing key \"key\"",
        ),
        (
            r#"protocol = "sasl_plaintext", mechanism = "plain", username = "u", password = "p", ca = "ca.pem""#,
            "\"ca\" without TLS",
        ),
        (
            r#"protocol = "sasl_ssl", mechanism = "oauthbearer""#,
            "oauthbearer without a token",
        ),
        (
            r#"protocol = "sasl_ssl", mechanism = "oauthbearer", token-endpoint = "https://i/t""#,
            "missing key \"client-id\"",
        ),
        (
            r#"protocol = "sasl_ssl", mechanism = "oauthbearer", token-file = "t", scope = "s""#,
            "both token-file and scope",
        ),
        (
            r#"protocol = "sasl_ssl", mechanism = "oauthbearer", token-endpoint = "http://i/t", client-id = "i", client-secret = "s""#,
            "the secret would travel",
        ),
        (
            r#"protocol = "sasl_ssl", mechanism = "plain", username = "u", password = "p", token-file = "t""#,
            "\"token-file\" without OAuth",
        ),
    ];
    for (security, told) in cases {
        let text = format!(
            "{SMALL}\n[log]\nkind = \"kafka\"\nbrokers = [\"one:9092\"]\nsecurity = {{ {security} }}\n"
        );
        let problems = load_str(&text).expect_err(security).to_string();
        assert!(problems.contains(told), "{security}: {problems}");
    }
}
