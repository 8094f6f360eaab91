//! Tokens from files and from an issuer, which here is a few lines of HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use config::TokenIssuer;

use super::*;

/// `{"alg":"none"}.{"sub":"alice","exp":2000000000}.`, encoded by coreutils' `base64`.
const UNTIL_2033: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSIsImV4cCI6MjAwMDAwMDAwMH0.";
const EXPIRES: i64 = 2_000_000_000_000;

#[test]
fn a_files_token_lives_as_long_as_it_says() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("token");
    std::fs::write(&path, format!("{UNTIL_2033}\n")).expect("written");
    let source = TokenSource::File(path.clone());
    let token = take(&source, 0).expect("a token");
    assert_eq!((token.text.expose(), token.expires), (UNTIL_2033, EXPIRES));
    assert_eq!(renewal(&token, EXPIRES - 100_000), Duration::from_secs(80));
    assert_eq!(renewal(&token, EXPIRES - 10), Duration::from_secs(1));

    let told = |now| match take(&source, now) {
        Err(LogError::Unavailable(text)) => text,
        other => panic!("{other:?}"),
    };
    assert!(told(EXPIRES + 60_000).contains("expired 1min ago"));
    // What is no JWT does not say when it expires.
    std::fs::write(&path, "opaque").expect("written");
    let opaque = take(&source, 7).expect("a token");
    assert_eq!(opaque.expires, 7 + UNTOLD_LIFETIME_MS);
    for wrong in ["", "two words", "a\nb"] {
        std::fs::write(&path, wrong).expect("written");
        assert!(told(0).contains("and nothing else"), "{wrong:?}");
    }
    std::fs::remove_file(&path).expect("it was there");
    assert!(told(0).contains("cannot be read"));
}

/// Answers one request, and gives what was asked.
fn issuer(status: &'static str, body: &'static str) -> (TokenIssuer, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let serve = move || {
        let (stream, _) = listener.accept().expect("a client");
        let mut reader = BufReader::new(stream);
        let (mut asked, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a line");
            if line.trim().is_empty() {
                break;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a number");
            }
            asked.push_str(&line);
        }
        let mut form = vec![0; length];
        reader.read_exact(&mut form).expect("a body");
        asked.push_str(&String::from_utf8_lossy(&form));
        let length = body.len();
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
        reader.get_mut().write_all(answer.as_bytes()).expect("sent");
        asked
    };
    let issuer = TokenIssuer {
        endpoint: format!("http://{address}/token"),
        client_id: "thalweg".into(),
        client_secret: Secret::new("a:b c"),
        scope: Some("kafka read".into()),
    };
    (issuer, std::thread::spawn(serve))
}

#[test]
fn an_issuer_is_asked_with_client_credentials() {
    let body = r#"{"access_token":"abc","token_type":"Bearer","expires_in":300}"#;
    let (issuer, served) = issuer("200 OK", body);
    let token = issuer::ask(&issuer, 1_000).expect("a token");
    assert_eq!((token.text.expose(), token.expires), ("abc", 301_000));
    let asked = served.join().expect("served");
    // `thalweg:a%3Ab+c`, encoded by coreutils' `base64`.
    for part in [
        "POST /token HTTP/1.1",
        "authorization: Basic dGhhbHdlZzphJTNBYitj",
        "grant_type=client_credentials&scope=kafka",
    ] {
        assert!(asked.contains(part), "{part} in {asked}");
    }
}

#[test]
fn what_an_issuer_objects_to_is_told_with_its_cure_and_without_the_secret() {
    let denied = r#"{"error":"invalid_client","error_description":"no such client"}"#;
    let cases = [
        (
            "401 Unauthorized",
            denied,
            true,
            "invalid_client no such client; look at client-id",
        ),
        ("503 Service Unavailable", "later", false, "answers 503"),
        ("200 OK", "<html>", true, "is it the right address?"),
    ];
    for (status, body, refused, told) in cases {
        let (issuer, served) = issuer(status, body);
        let error = issuer::ask(&issuer, 0).expect_err(status);
        served.join().expect("served");
        assert_eq!(matches!(error, LogError::Refused(_)), refused, "{error}");
        let text = error.to_string();
        assert!(text.contains(told) && !text.contains("a:b"), "{text}");
    }
}

/// Keeps the tokens it is given.
#[derive(Default)]
struct Client(Mutex<Vec<String>>);

impl SignsIn for Client {
    fn sign_in(&self, token: &Token) -> Result<(), String> {
        self.0.lock().push(token.text.expose().to_owned());
        Ok(())
    }
}

#[test]
fn a_renewed_token_goes_to_all_clients_that_live_and_a_missing_one_is_asked_for_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("token");
    let reporter = Reporter::default();
    let tokens = Tokens::new(TokenSource::File(path.clone()), reporter.clone());
    let [one, two, gone] = [(); 3].map(|()| Arc::new(Client::default()));
    assert!(tokens.sign_in(&one).is_err(), "there is no file");
    std::fs::write(&path, "first").expect("written");
    for client in [&one, &two, &gone] {
        tokens.sign_in(client).expect("a token");
    }
    drop(gone);
    std::fs::write(&path, "second").expect("written");
    assert_eq!(tokens.renew().as_secs(), 240, "80 % of five minutes");
    for client in [&one, &two] {
        assert_eq!(*client.0.lock(), ["first", "second"]);
    }
    std::fs::remove_file(&path).expect("it was there");
    assert_eq!(tokens.renew(), AGAIN);
    let told = reporter.last_error().expect("the cause is kept");
    assert!(told.contains("cannot be read"), "{told}");
}
