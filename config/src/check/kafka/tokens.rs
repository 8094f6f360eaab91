//! Keys of tokens in `[log.security]`: one source, complete, and with the mechanism that takes tokens.

use super::Context;
use crate::code::Code;
use crate::files::Finding;
use crate::raw::{Key, Mechanism, Security};
use crate::{Secret, TokenIssuer, TokenSource};

/// Where tokens come from. `by_client`: properties of the client may say so instead.
pub(super) fn check(security: &Security, by_client: bool, cx: &Context<'_>) -> Option<TokenSource> {
    let keys = [
        ("token-file", &security.token_file),
        ("token-endpoint", &security.token_endpoint),
        ("client-id", &security.client_id),
        ("client-secret", &security.client_secret),
        ("scope", &security.scope),
    ];
    let mut given = keys
        .iter()
        .filter_map(|(name, key)| Some((*name, key.as_ref()?.span)));
    let mechanism = security.mechanism.as_ref()?;
    let first = given.next();
    match (mechanism.get()?, first) {
        (Mechanism::Oauthbearer, Some(_)) => {}
        (Mechanism::Oauthbearer, None) => {
            if !by_client {
                let message = "mechanism oauthbearer without a token";
                cx.report(
                    Finding::at(mechanism.span, Code::MISSING_KEY, message).hint(
                        "write token-file, or token-endpoint with client-id and client-secret",
                    ),
                );
            }
            return None;
        }
        (_, None) => return None,
        (_, Some((name, span))) => {
            let message = format!("\"{name}\" without OAuth");
            cx.report(
                Finding::at(span, Code::CONFLICT, message)
                    .hint("write mechanism = \"oauthbearer\""),
            );
            return None;
        }
    }
    match (&security.token_file, given.next()) {
        (Some(file), None) => {
            let path = cx.resolve(file.get()?, file.span);
            Some(TokenSource::File(path))
        }
        (Some(_), Some((name, span))) => {
            let message = format!("both token-file and {name}");
            cx.report(Finding::at(span, Code::CONFLICT, message).hint("leave one out"));
            None
        }
        (None, _) => issuer(security, cx).map(TokenSource::Issuer),
    }
}

fn issuer(security: &Security, cx: &Context<'_>) -> Option<TokenIssuer> {
    let needed = [
        ("token-endpoint", &security.token_endpoint),
        ("client-id", &security.client_id),
        ("client-secret", &security.client_secret),
    ];
    let given = security
        .mechanism
        .as_ref()
        .map(|mechanism| mechanism.span)?;
    for (name, key) in needed {
        if key.is_none() {
            let message = format!("missing key \"{name}\"");
            cx.report(
                Finding::at(given, Code::MISSING_KEY, message)
                    .hint("a token is asked for with token-endpoint, client-id and client-secret"),
            );
        }
    }
    let text = |key: &Option<Key<String>>| key.as_ref()?.get().cloned();
    let endpoint = security.token_endpoint.as_ref()?;
    let address = endpoint.get()?;
    if !is_private(address) {
        let message = "the secret would travel to token-endpoint as it is";
        cx.report(
            Finding::at(endpoint.span, Code::INVALID_VALUE, message)
                .hint("write an address that begins with https://"),
        );
    }
    Some(TokenIssuer {
        endpoint: address.clone(),
        client_id: text(&security.client_id)?,
        client_secret: Secret::new(text(&security.client_secret)?),
        scope: text(&security.scope),
    })
}

/// Nobody on the way can read what goes to this address.
fn is_private(address: &str) -> bool {
    let host = |address: &str| {
        let end = address.find(['/', '?']).unwrap_or(address.len());
        let (host, _) = address[..end]
            .rsplit_once(':')
            .unwrap_or((&address[..end], ""));
        host.to_owned()
    };
    match address.strip_prefix("http://") {
        Some(rest) => {
            let here = matches!(host(rest).as_str(), "127.0.0.1" | "localhost" | "[::1]");
            // What stands before an @ is no host.
            here && !rest.contains('@')
        }
        None => address.starts_with("https://"),
    }
}

#[cfg(test)]
mod tests {
    use super::is_private;

    #[test]
    fn secrets_travel_encrypted_or_not_at_all() {
        for private in [
            "https://id.example/token",
            "http://127.0.0.1:80/token",
            "http://localhost",
            "http://[::1]:9/",
        ] {
            assert!(is_private(private), "{private}");
        }
        for open in [
            "http://id.example/token",
            "http://localhost.example/",
            "http://127.0.0.1@id.example/",
            "http://localhost:80@id.example/",
            "ftp://x",
            "",
        ] {
            assert!(!is_private(open), "{open}");
        }
    }
}
