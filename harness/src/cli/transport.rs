use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::{Context, Failure};
use crate::proof::{HttpChoice, HttpVersion};
use crate::target::{Authorities, ConnectTo, Reach};

/// How the target is reached: options that curl has, with curl's meaning.
#[derive(Debug, Args)]
pub(super) struct Transport {
    /// HTTP/1.1 only. Without it and --http2, all cases use HTTP/1.1, and some HTTP/2 where the target speaks it.
    #[arg(long = "http1.1", env = "DPOP_HTTP1_1", value_parser = BoolishValueParser::new())]
    http1: bool,
    /// HTTP/2 only: by ALPN for https, with prior knowledge for http. It does not fall back to HTTP/1.1.
    #[arg(long, env = "DPOP_HTTP2", value_parser = BoolishValueParser::new())]
    http2: bool,
    #[command(flatten)]
    trust: Trust,
}

/// Whom to connect to, and whom to trust.
#[derive(Debug, Args)]
pub(super) struct Trust {
    /// Trust the authorities in this PEM file, instead of those that the operating system trusts.
    #[arg(long, value_name = "FILE", env = "DPOP_CACERT")]
    cacert: Option<PathBuf>,
    /// Trust any certificate. Only for tests: whoever answers is sent the access tokens.
    #[arg(short = 'k', long, env = "DPOP_INSECURE", value_parser = BoolishValueParser::new())]
    insecure: bool,
    /// Connect to HOST2:PORT2 where the URL has HOST1:PORT1; an empty part is any, or no change. May be given several times.
    #[arg(
        long = "connect-to",
        value_name = "HOST1:PORT1:HOST2:PORT2",
        env = "DPOP_CONNECT_TO",
        value_delimiter = ','
    )]
    connect_to: Vec<ConnectTo>,
}

impl Transport {
    /// Which versions of HTTP are used.
    pub(super) fn http(&self) -> Result<HttpChoice, Failure> {
        match (self.http1, self.http2) {
            (true, true) => Err(Failure::Usage("--http1.1 and --http2 exclude each other".to_owned())),
            (true, false) => Ok(HttpChoice::Only(HttpVersion::Http1)),
            (false, true) => Ok(HttpChoice::Only(HttpVersion::Http2)),
            (false, false) => Ok(HttpChoice::Both),
        }
    }

    /// Where to connect to, and whom to trust.
    pub(super) fn reach(&self) -> Reach {
        self.trust.reach()
    }

    /// Says aloud what must not be overlooked.
    pub(super) fn warn(&self, context: &Context) {
        self.trust.warn(context);
    }

    /// What has to stand behind `dpop run ID` to reach the target in the same way.
    pub(super) fn repeat_with(&self) -> String {
        let Self { http1, http2, trust } = self;
        let flag = |given: bool, text: &str| if given { text.to_owned() } else { String::new() };
        let mut text = flag(*http1, " --http1.1") + &flag(*http2, " --http2");
        text.extend(trust.cacert.iter().map(|path| format!(" --cacert {}", path.display())));
        text.push_str(&flag(trust.insecure, " --insecure"));
        text.extend(trust.connect_to.iter().map(|rule| format!(" --connect-to {rule}")));
        text
    }
}

impl Trust {
    /// Where to connect to, and whom to trust.
    pub(super) fn reach(&self) -> Reach {
        let authorities = match &self.cacert {
            _ if self.insecure => Authorities::Anybody,
            Some(path) => Authorities::File(path.clone()),
            None => Authorities::System,
        };
        Reach { authorities, connect_to: self.connect_to.clone() }
    }

    /// Says aloud what must not be overlooked.
    pub(super) fn warn(&self, context: &Context) {
        if self.insecure {
            context.tell(
                "WARNING: --insecure: certificates are not checked, so whoever is in between reads the access tokens",
            );
        }
    }
}
