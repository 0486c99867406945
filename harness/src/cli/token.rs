use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::aim::Aim;
use super::{Context, Exit, Failure, key};
use crate::run::Redactor;
use crate::target::Limits;

/// Which token.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    aim: Aim,
    /// The private key that it is bound to, as `dpop key new` makes it.
    #[arg(long, value_name = "FILE", env = "DPOP_JWK")]
    jwk: PathBuf,
}

pub(super) fn run(arguments: &Arguments, context: &mut Context) -> Result<Exit, Failure> {
    let key = Arc::new(key::read(&arguments.jwk)?);
    let Some(config) = arguments.aim.config()? else {
        let why = "no dpop.yaml here and no --config: nothing says where tokens come from";
        return Err(Failure::Usage(why.to_owned()));
    };
    arguments.aim.warn(context);
    let credentials = super::runtime()?.block_on(async {
        let (_servers, setup) = arguments.aim.set_up(&config, Limits::default()).await?;
        let redactor = Redactor::default();
        redactor.hide_key(&key);
        let failed = |error: crate::target::tokens::TokenError| {
            Failure::Environment(redactor.clean(&format!("no access token: {error}")))
        };
        setup.source.obtain(key.clone()).await.map_err(failed)
    })?;
    if credentials.key.thumbprint() != key.thumbprint() {
        return Err(Failure::Usage("the tokens of this config are bound to keys of their own".to_owned()));
    }
    writeln!(context.out, "{}", credentials.token.expose())?;
    Ok(Exit::Conforms)
}
