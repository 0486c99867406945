//! An authority of our own, for servers that trust no issuer without TLS.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};

/// Where a config wants a certificate and its key, and for which host.
#[derive(Debug, PartialEq)]
pub(crate) struct Names {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) host: String,
}

/// Writes both into `folder`, and answers with the authority's own certificate.
pub(super) fn write(folder: &Path, names: &Names) -> Result<PathBuf> {
    let mut params = CertificateParams::new(vec![])?;
    // OpenSSL takes a certificate with the name of its issuer for a self-signed one.
    params.distinguished_name.push(DnType::CommonName, "the authority of cargo xtask targets");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec![names.host.clone()])?;
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(&key, &authority)?;
    fs::write(folder.join(&names.certificate), certificate.pem())?;
    fs::write(folder.join(&names.key), key.serialize_pem())?;
    let path = folder.join("authority.pem");
    fs::write(&path, authority.pem())?;
    Ok(path)
}
