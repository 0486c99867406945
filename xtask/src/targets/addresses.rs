//! The sockets a target's `dpop.yaml` speaks of.

use std::fs;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

/// Where the server listens, and where the issuer inside `dpop run` does, if there is one. Loopback only.
#[derive(Debug, PartialEq)]
pub(crate) struct Addresses {
    pub(crate) server: SocketAddr,
    pub(crate) issuer: Option<SocketAddr>,
}

/// The part of the config file that is needed here; `dpop` itself checks all of it.
#[derive(Deserialize)]
struct Config {
    target: Target,
    auth: Auth,
}

#[derive(Deserialize)]
struct Target {
    resource: String,
}

#[derive(Deserialize)]
struct Auth {
    listen: Option<SocketAddr>,
}

impl Addresses {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let read = || Self::parse(&fs::read_to_string(path)?);
        read().with_context(|| format!("in {}", path.display()))
    }

    fn parse(yaml: &str) -> Result<Self> {
        let Config { target, auth } = serde_yaml::from_str(yaml)?;
        let server = server(&target.resource).with_context(|| {
            format!("target.resource is not `METHOD http://IP:PORT/…`: {}", target.resource)
        })?;
        for address in [Some(server), auth.listen].into_iter().flatten() {
            ensure!(address.ip().is_loopback(), "{address} is not a loopback address");
        }
        Ok(Self { server, issuer: auth.listen })
    }

    /// An error if somebody listens there already: `dpop` would judge the wrong server.
    pub(crate) fn check_free(&self) -> Result<()> {
        for address in [Some(self.server), self.issuer].into_iter().flatten() {
            match TcpListener::bind(address) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::AddrInUse => {
                    bail!("{address} is taken: stop what listens there (a server of an earlier run?)")
                }
                Err(error) => return Err(error).with_context(|| format!("cannot listen on {address}")),
            }
        }
        Ok(())
    }
}

/// `GET http://127.0.0.1:9411/resource` -> `127.0.0.1:9411`
fn server(resource: &str) -> Option<SocketAddr> {
    let (_method, url) = resource.split_once(' ')?;
    url.strip_prefix("http://")?.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(yaml: &str, expected: Result<(&str, Option<&str>), &str>) {
        let found = Addresses::parse(yaml).map_err(|error| error.to_string());
        let expected = expected
            .map(|(server, issuer)| Addresses {
                server: server.parse().unwrap(),
                issuer: issuer.map(|it| it.parse().unwrap()),
            })
            .map_err(ToOwned::to_owned);
        assert_eq!(found, expected);
    }

    #[test]
    fn server_and_issuer_are_read() {
        check(
            "target: { name: a, resource: GET http://127.0.0.1:9411/r }\nauth: { kind: embedded, listen: '127.0.0.1:9400' }",
            Ok(("127.0.0.1:9411", Some("127.0.0.1:9400"))),
        );
        check(
            "target: { resource: 'GET http://[::1]:9412/me' }\nauth: { kind: command }",
            Ok(("[::1]:9412", None)),
        );
    }

    #[test]
    fn other_places_are_refused() {
        check(
            "target: { resource: GET https://api.example.test/ }\nauth: {}",
            Err("target.resource is not `METHOD http://IP:PORT/…`: GET https://api.example.test/"),
        );
        check(
            "target: { resource: 'GET http://0.0.0.0:9411/' }\nauth: {}",
            Err("0.0.0.0:9411 is not a loopback address"),
        );
    }

    #[test]
    fn a_taken_port_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap();
        let addresses = Addresses { server, issuer: None };
        assert!(addresses.check_free().unwrap_err().to_string().contains("is taken"));
        drop(listener);
        addresses.check_free().unwrap();
    }
}
