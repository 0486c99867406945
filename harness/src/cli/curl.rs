//! A failed case as a shell script, for curl: with it the failure can be seen, changed and shown without this program's reports.

use super::proof::spoiled;
use crate::entropy::SystemEntropy;
use crate::jose::{Alg, KeyKind};
use crate::plan::{Selected, Traits};
use crate::proof::{AccessToken, ProofKey};
use crate::scenario::Endpoint;
use crate::suite::{Outcome, Setup};
use crate::target::tokens::SecretPlace;
use crate::target::{Auth, Config, SecretHeader};

/// What scripts of a run have in common.
pub(super) struct Curl<'a> {
    pub(super) config: &'a Config,
    pub(super) setup: &'a Setup,
    /// Options of curl and of `dpop` alike: how the target is reached.
    pub(super) transport: String,
    /// Where more scenarios are, as an option.
    pub(super) scenarios: String,
}

impl Curl<'_> {
    /// The script for the failure of a case, to lie in `.dpop/bundles/NAME/` beside the config.
    pub(super) fn script(&self, case: Selected<'_>, outcome: &Outcome, traits: &Traits) -> String {
        let config = self.config_option();
        let seen = outcome.decisive_exchange().map(|exchange| exchange.told()).unwrap_or_default();
        let head = format!(
            "#!/bin/sh\n# {}: {}\n# Expected {}, saw {seen}.\nset -eu\ncd \"$(dirname \"$0\")/../../..\"\n",
            outcome.id,
            one_line(&outcome.title),
            one_line(&outcome.expected),
        );
        match self.alg(case, outcome, traits) {
            Some(alg) => head + &self.requests(&outcome.id, alg, &config),
            None => {
                let bundle = quoted(&format!(".dpop/bundles/{}/{}.json", self.setup.name, outcome.id));
                let (transport, scenarios) = (&self.transport, &self.scenarios);
                format!(
                    "{head}# There is more to it than the proof of one request, so curl can't send it.\n\
                     exec dpop replay {bundle}{config}{transport}{scenarios} -vv\n"
                )
            }
        }
    }

    /// The algorithm of the key that shows it; none where curl can't.
    fn alg(&self, Selected { case, .. }: Selected<'_>, outcome: &Outcome, traits: &Traits) -> Option<Alg> {
        let binds_any_key = match self.config.auth {
            Auth::Embedded { .. } | Auth::ClientCredentials { .. } => true,
            Auth::Command { .. } | Auth::Static { .. } | Auth::Shim => false,
        };
        let here = outcome.decisive_exchange().is_some_and(|exchange| exchange.at == Endpoint::Resource);
        let known = || if traits.algs.contains(Alg::Es256) { None } else { traits.algs.iter().next() };
        let alg = case.client_alg().or_else(known).unwrap_or(Alg::Es256);
        if !binds_any_key || !here || alg.key_kind() == KeyKind::Rsa {
            return None;
        }
        let (key, token) = (ProofKey::generate_for(alg, &SystemEntropy), AccessToken::new("token"));
        spoiled(case, &key, &token, &self.setup.call, None).ok().map(|_| alg)
    }

    fn requests(&self, id: &str, alg: Alg, config: &str) -> String {
        let call = &self.setup.call;
        let (transport, scenarios) = (&self.transport, &self.scenarios);
        let fields: String = call
            .fields
            .iter()
            .map(|field| format!(" -H {}", quoted(&format!("{}: {}", field.name, field.value))))
            .chain(self.config.secret_headers.iter().map(secret_field))
            .collect();
        let (method, url) = (quoted(&call.method), quoted(&call.uri.to_string()));
        let htu = quoted(&call.htu.to_string());
        let how = if call.method == "HEAD" { "--head".to_owned() } else { format!("--request {method}") };
        let alg = alg.name();
        let curl = format!(
            "curl -i -sS {how} {url}{transport}{fields} -H \"Authorization: DPoP $(cat \"$work/token\")\""
        );
        let proof = format!("dpop proof {method} {htu} --jwk \"$work/key\" --token-file \"$work/token\"");
        format!(
            r#"work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A key, and a token that is bound to it. The server has to know the keys of the issuer, which ran during this look at it.
dpop doctor -q{config}{transport} >"$work/doctor" 2>&1 || true
dpop key new "$work/key" --alg {alg} >"$work/thumbprint"
dpop token{config}{transport} --jwk "$work/key" >"$work/token"

echo "The correct request:"
correct() {{
  {curl} -H "DPoP: $({proof} "$@")" >"$work/answer"
  nonce=$(tr -d '\r' <"$work/answer" | grep -i '^dpop-nonce:' | tail -n 1 | sed 's/^[^:]*: *//')
}}
correct
if [ -n "$nonce" ]; then correct --nonce "$nonce"; fi
head -n 1 "$work/answer"

echo "The same, with what is wrong:"
{curl} -H "DPoP: $({proof} --case {id}{scenarios} ${{nonce:+--nonce "$nonce"}})"
"#
        )
    }

    /// The config, from its own folder.
    fn config_option(&self) -> String {
        let file = std::path::Path::new(&self.config.source.file).file_name().unwrap_or_default();
        format!(" --config {}", quoted(&file.to_string_lossy()))
    }
}

/// The option for a field whose value the script must not have: it is read when that runs, in the folder of the config.
fn secret_field(header: &SecretHeader) -> String {
    let value = match &header.place {
        SecretPlace::File(path) => format!("$(cat {})", quoted(&path.to_string_lossy())),
        SecretPlace::Variable(name) => format!("${{{name}:?}}"),
    };
    format!(" -H {}\"{value}\"", quoted(&format!("{}: ", header.name)))
}

/// As one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_one_word() {
        assert_eq!(quoted("https://a/?x=$(id)&y='"), r"'https://a/?x=$(id)&y='\'''");
        assert_eq!(one_line("a\nb  c"), "a b c");
    }
}
