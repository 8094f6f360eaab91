//! What this build's librdkafka can do, against what the settings ask for. Pure.

use config::KafkaSettings;

/// Why this build cannot reach a cluster with these settings; `built` is librdkafka's
/// `builtin.features`, with commas.
pub(super) fn lacking(settings: &KafkaSettings, built: &str) -> Option<String> {
    let has = |feature: &str| built.split(',').any(|built| built.trim() == feature);
    let property = |name: &str| {
        let mut client = settings.client.iter();
        client
            .find(|(given, _)| given == name)
            .map(|(_, v)| v.expose().to_ascii_lowercase())
    };
    let lacks = |what: String| {
        Some(format!(
            "{what}, which this build has not: build it with `cargo build --release --features tls`, \
             where OpenSSL's headers are installed (libssl-dev)"
        ))
    };
    let protocol = property("security.protocol").unwrap_or_default();
    if protocol.contains("ssl") && !has("ssl") {
        return lacks(format!("protocol = \"{protocol}\" needs TLS"));
    }
    let mechanism = property("sasl.mechanisms").unwrap_or_default();
    let needed = match mechanism.as_str() {
        "scram-sha-256" | "scram-sha-512" => "sasl_scram",
        "oauthbearer" => "sasl_oauthbearer",
        _ => return None,
    };
    if !has(needed) {
        return lacks(format!("mechanism = \"{mechanism}\" needs OpenSSL"));
    }
    None
}

#[cfg(test)]
mod tests {
    use config::Secret;

    use super::*;

    #[test]
    fn the_build_can_do_what_its_features_say() {
        let plain = rdkafka::ClientConfig::new().create_native_config();
        let built = plain.and_then(|config| config.get("builtin.features"));
        let built = built.expect("librdkafka tells");
        let has = |feature: &str| built.split(',').any(|built| built.trim() == feature);
        assert_eq!(has("ssl"), cfg!(feature = "tls"), "{built}");
    }

    #[test]
    fn what_the_build_lacks_is_named_by_its_feature() {
        let plain = "gzip,snappy,sasl,regex,lz4,sasl_plain,plugins,zstd";
        let tls = format!("{plain},ssl,sasl_scram,sasl_oauthbearer");
        type Client = &'static [(&'static str, &'static str)];
        let cases: [(Client, bool, &str); 6] = [
            (&[], false, plain),
            (
                &[
                    ("security.protocol", "sasl_plaintext"),
                    ("sasl.mechanisms", "PLAIN"),
                ],
                false,
                plain,
            ),
            (
                &[
                    ("security.protocol", "sasl_ssl"),
                    ("sasl.mechanisms", "PLAIN"),
                ],
                true,
                plain,
            ),
            (&[("sasl.mechanisms", "SCRAM-SHA-512")], true, plain),
            (&[("sasl.mechanisms", "OAUTHBEARER")], true, plain),
            (&[("sasl.mechanisms", "OAUTHBEARER")], false, &tls),
        ];
        for (client, lacks, built) in cases {
            let client = client.iter().map(|(k, v)| ((*k).into(), Secret::new(*v)));
            let settings = KafkaSettings {
                client: client.collect(),
                ..KafkaSettings::of(vec!["one:9092".into()])
            };
            let told = lacking(&settings, built);
            let named = told.as_deref().map(|text| text.contains("--features tls"));
            assert_eq!(named, lacks.then_some(true), "{told:?}");
        }
    }
}
