//! What a target's `dpop.yaml` says of how it is set up: the sockets it speaks of, if any.

use std::fs;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use super::certificates::Names;

/// What is needed here of a config file; `dpop` itself checks all of it.
#[derive(Debug, PartialEq)]
pub(crate) struct Setup {
    /// None for a verifier behind a shim, which `dpop` starts itself: nothing listens.
    pub(crate) addresses: Option<Addresses>,
    /// Whether it refuses a `jti` that it has seen, where that is said.
    pub(crate) single_use_jti: Option<bool>,
}

/// Where the server listens, and where the issuer inside `dpop run` does, if there is one. Loopback only.
#[derive(Debug, PartialEq)]
pub(crate) struct Addresses {
    pub(crate) server: SocketAddr,
    pub(crate) issuer: Option<SocketAddr>,
    /// The certificate that the issuer wants.
    pub(crate) certificate: Option<Names>,
}

#[derive(Deserialize)]
struct Config {
    target: Target,
    #[serde(default)]
    capabilities: Capabilities,
    #[serde(default)]
    auth: Auth,
}

#[derive(Deserialize)]
struct Target {
    resource: Option<String>,
    shim: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Capabilities {
    single_use_jti: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Auth {
    listen: Option<SocketAddr>,
    issuer: Option<String>,
    certificate_file: Option<PathBuf>,
    private_key_file: Option<PathBuf>,
}

impl Setup {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let read = || Self::parse(&fs::read_to_string(path)?);
        read().with_context(|| format!("in {}", path.display()))
    }

    fn parse(yaml: &str) -> Result<Self> {
        let Config { target, capabilities, auth } = serde_yaml::from_str(yaml)?;
        let addresses = match (target.shim, target.resource) {
            (Some(_), _) => None,
            (None, Some(resource)) => Some(Addresses::of(&resource, auth)?),
            (None, None) => bail!("target has neither `resource` nor `shim`"),
        };
        Ok(Self { addresses, single_use_jti: capabilities.single_use_jti })
    }
}

impl Addresses {
    fn of(resource: &str, auth: Auth) -> Result<Self> {
        let server = server(resource)
            .with_context(|| format!("target.resource is not `METHOD http://IP:PORT/…`: {resource}"))?;
        for address in [Some(server), auth.listen].into_iter().flatten() {
            ensure!(address.ip().is_loopback(), "{address} is not a loopback address");
        }
        let certificate = match (auth.certificate_file, auth.private_key_file) {
            (Some(certificate), Some(key)) => {
                let url = auth.issuer.unwrap_or_default();
                let host = url.strip_prefix("https://").and_then(|rest| rest.split([':', '/']).next());
                let host = host.with_context(|| format!("auth.issuer is not under https: `{url}`"))?;
                Some(Names { certificate, key, host: host.to_owned() })
            }
            _ => None,
        };
        Ok(Self { server, issuer: auth.listen, certificate })
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
        let found = Setup::parse(yaml).map(|it| it.addresses.unwrap()).map_err(|error| error.to_string());
        let expected = expected
            .map(|(server, issuer)| Addresses {
                server: server.parse().unwrap(),
                issuer: issuer.map(|it| it.parse().unwrap()),
                certificate: None,
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
    fn the_certificate_is_for_the_host_of_the_issuer() {
        let yaml = "target: { resource: 'GET http://127.0.0.1:9411/r' }
auth: { issuer: 'https://localhost:9400', certificate-file: a.pem, private-key-file: b.pem }";
        let names = Setup::parse(yaml).unwrap().addresses.unwrap().certificate.unwrap();
        let expected = Names { certificate: "a.pem".into(), key: "b.pem".into(), host: "localhost".into() };
        assert_eq!(names, expected);
    }

    #[test]
    fn a_verifier_behind_a_shim_listens_nowhere() {
        let yaml = "target: { name: a, shim: ./a }\ncapabilities: { single-use-jti: false }";
        assert_eq!(Setup::parse(yaml).unwrap(), Setup { addresses: None, single_use_jti: Some(false) });
    }

    #[test]
    fn other_places_are_refused() {
        check("target: { name: a }", Err("target has neither `resource` nor `shim`"));
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
        let addresses = Addresses { server, issuer: None, certificate: None };
        assert!(addresses.check_free().unwrap_err().to_string().contains("is taken"));
        drop(listener);
        addresses.check_free().unwrap();
    }
}
