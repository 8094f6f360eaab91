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
    let lacks = |what: String, feature: &str| {
        Some(format!(
            "{what}, which this build has not: build it with `--features {feature}`"
        ))
    };
    let protocol = property("security.protocol").unwrap_or_default();
    if protocol.contains("ssl") && !has("ssl") {
        return lacks(format!("protocol = \"{protocol}\" needs TLS"), "tls");
    }
    let mechanism = property("sasl.mechanisms").unwrap_or_default();
    let needed = match mechanism.as_str() {
        "scram-sha-256" | "scram-sha-512" => "sasl_scram",
        "oauthbearer" => "sasl_oauthbearer",
        _ => return None,
    };
    if !has(needed) {
        return lacks(format!("mechanism = \"{mechanism}\" needs OpenSSL"), "tls");
    }
    if property("sasl.oauthbearer.method").is_some() && !has("oidc") {
        return lacks("token-endpoint needs libcurl".to_owned(), "oidc");
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
        assert_eq!(has("oidc"), cfg!(feature = "oidc"), "{built}");
    }

    #[test]
    fn what_the_build_lacks_is_named_by_its_feature() {
        let plain = "gzip,snappy,sasl,regex,lz4,sasl_plain,plugins,zstd";
        let tls = format!("{plain},ssl,sasl_scram,sasl_oauthbearer");
        let oidc = format!("{tls},http,oidc");
        type Client = &'static [(&'static str, &'static str)];
        let cases: [(Client, Option<&str>, &str); 6] = [
            (&[], None, plain),
            (
                &[
                    ("security.protocol", "sasl_plaintext"),
                    ("sasl.mechanisms", "PLAIN"),
                ],
                None,
                plain,
            ),
            (
                &[
                    ("security.protocol", "sasl_ssl"),
                    ("sasl.mechanisms", "PLAIN"),
                ],
                Some("tls"),
                plain,
            ),
            (&[("sasl.mechanisms", "SCRAM-SHA-512")], Some("tls"), plain),
            (
                &[
                    ("sasl.mechanisms", "OAUTHBEARER"),
                    ("sasl.oauthbearer.method", "oidc"),
                ],
                Some("oidc"),
                &tls,
            ),
            (
                &[
                    ("sasl.mechanisms", "OAUTHBEARER"),
                    ("sasl.oauthbearer.method", "oidc"),
                ],
                None,
                &oidc,
            ),
        ];
        for (client, feature, built) in cases {
            let client = client.iter().map(|(k, v)| ((*k).into(), Secret::new(*v)));
            let settings = KafkaSettings {
                client: client.collect(),
                ..KafkaSettings::of(vec!["one:9092".into()])
            };
            let told = lacking(&settings, built);
            let named = told
                .as_deref()
                .and_then(|text| text.split("--features ").nth(1));
            assert_eq!(
                named,
                feature.map(|f| format!("{f}`")).as_deref(),
                "{told:?}"
            );
        }
    }
}
