//! The key of the embedded issuer, kept from run to run beside the config: servers under test fetch it once and remember
//! it for minutes, so with a new key every run the second one would be refused.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use crate::jose::base64url;
use crate::reference::Issuer;

/// The folder beside the config; it hides itself from git.
pub(super) const FOLDER: &str = ".dpop";
const FILE: &str = "issuer.key";

/// An issuer with the key of the last run, where there is one. Where none can be kept, it is as good for one run.
pub(super) fn kept(folder: &Path, new: impl Fn() -> Issuer) -> Issuer {
    let folder = folder.join(FOLDER);
    let file = folder.join(FILE);
    let known = std::fs::read_to_string(&file).ok().and_then(|text| base64url::decode(text.trim()));
    if let Some(issuer) = known.and_then(|key| new().with_signing_key(&key)) {
        return issuer;
    }
    let issuer = new();
    // A folder that can't be written to costs nothing but the comfort.
    let _ = keep(&folder, &file, &base64url::encode(issuer.signing_key_pkcs8()));
    issuer
}

/// Makes the folder, hidden from git.
pub(super) fn hidden_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join(".gitignore"), "*\n")
}

fn keep(folder: &Path, file: &Path, key: &str) -> std::io::Result<()> {
    hidden_folder(folder)?;
    // Written beside and renamed: two runs that begin at the same time both read a whole key.
    let draft = folder.join(format!("{FILE}.{}", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    writeln!(options.open(&draft)?, "{key}")?;
    std::fs::rename(draft, file)
}
