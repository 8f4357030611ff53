//! Who may ask: the token in the path, the name of the host, and where a page came from.

use std::fmt;
use std::io;

use hyper::HeaderMap;
use hyper::header::{HOST, HeaderName, ORIGIN};

use crate::answer::Refusal;

/// 128 random bits in hexadecimal digits.
pub(crate) struct Token(String);

impl Token {
    pub(crate) fn random() -> io::Result<Self> {
        let mut bytes = [0_u8; 16];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// Compares in a time that does not depend on where the texts differ.
    fn is(&self, other: &str) -> bool {
        let same =
            self.0.bytes().zip(other.bytes()).fold(0, |differ, (ours, theirs)| differ | (ours ^ theirs));
        self.0.len() == other.len() && same == 0
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// The path after the token, if the request may be answered.
///
/// A page of another site cannot read the token, but could reach this server under a name of its own that it
/// points to this machine (DNS rebinding), hence the check of the host. Any port is accepted: a tunnel may
/// end at another one.
pub(crate) fn admit<'a>(token: &Token, headers: &HeaderMap, path: &'a str) -> Result<&'a str, Refusal> {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = text(&HOST).unwrap_or_default();
    if headers.get_all(HOST).iter().count() != 1 || !is_this_machine(host) {
        return Err(Refusal::forbidden(
            "this server answers only to 127.0.0.1 and localhost: open the address that `concertina view` printed",
        ));
    }
    if text(&ORIGIN).is_some_and(|origin| origin.strip_prefix("http://") != Some(host)) {
        return Err(Refusal::forbidden("the request comes from a page of another site"));
    }
    let (found, rest) = path.strip_prefix('/').and_then(|path| path.split_once('/')).unwrap_or_default();
    if !token.is(found) {
        return Err(Refusal::forbidden(
            "the token in the address is missing or wrong: open the address that `concertina view` printed",
        ));
    }
    Ok(rest)
}

fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) => return false,
        None => host,
    };
    name == "127.0.0.1" || name.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn asked(host: &'static str, origin: Option<&'static str>, path: &'static str) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static(host));
        if let Some(origin) = origin {
            headers.insert(ORIGIN, HeaderValue::from_static(origin));
        }
        admit(&Token("0a1b".to_owned()), &headers, path).ok()
    }

    #[test]
    fn only_this_machine_with_the_token_and_from_its_own_pages_is_admitted() {
        for host in ["127.0.0.1:8080", "localhost:9", "LOCALHOST", "127.0.0.1"] {
            assert_eq!(asked(host, None, "/0a1b/api/info"), Some("api/info"), "{host}");
        }
        for host in
            ["evil.example:8080", "127.0.0.1.evil.example", "127.0.0.1:80:80", "localhost:", "", "x:1"]
        {
            assert_eq!(asked(host, None, "/0a1b/"), None, "{host}");
        }
        assert_eq!(asked("127.0.0.1:8080", Some("http://127.0.0.1:8080"), "/0a1b/"), Some(""));
        for origin in ["http://evil.example", "null", "http://127.0.0.1:8081", "https://127.0.0.1:8080"] {
            assert_eq!(asked("127.0.0.1:8080", Some(origin), "/0a1b/"), None, "{origin}");
        }
        for path in ["/", "/0a1b", "/0a1c/", "/0a1/", "/0a1bb/", "//0a1b/", "/x/0a1b/"] {
            assert_eq!(asked("127.0.0.1:8080", None, path), None, "{path}");
        }
    }

    #[test]
    fn two_tokens_differ_and_are_not_shown_by_debug() {
        let (one, two) = (Token::random().expect("random"), Token::random().expect("random"));
        assert_ne!(one.to_string(), two.to_string());
        assert_eq!(one.to_string().len(), 32);
        assert_eq!(format!("{one:?}"), "Token");
    }
}
