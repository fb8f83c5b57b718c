//! Who an end is: a P-256 key with a self-signed certificate; and what a peer has proved to hold.

use crate::{
    control::{PublicKey, Role, proof_message},
    ids::Fingerprint,
};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
};
use rustls::{
    Error,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use zeroize::Zeroizing;

/// Why an identity can't be made or loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// rcgen refused.
    #[error("can't make a certificate")]
    Make(#[from] rcgen::Error),
    /// Stored bytes are no P-256 key and certificate that belong together.
    #[error("the stored key or certificate is damaged")]
    Damaged,
    /// rustls refused.
    #[error("key and certificate don't serve for TLS")]
    Tls(#[from] Error),
}

/// A P-256 key with its self-signed certificate.
pub struct Identity {
    certificate: CertificateDer<'static>,
    pkcs8: Zeroizing<Vec<u8>>,
    signer: EcdsaKeyPair,
    public: PublicKey,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({})", self.public.fingerprint())
    }
}

impl Identity {
    /// A fresh key, its certificate valid for `days` (browsers later want at most 14) and saying nothing personal.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn generate(days: i64) -> Result<Self, IdentityError> {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let mut params = rcgen::CertificateParams::new(vec!["nearhand".to_owned()])?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        let now = time::OffsetDateTime::now_utc();
        params.not_before = now - time::Duration::days(1);
        params.not_after = now + time::Duration::days(days);
        let certificate = params.self_signed(&key)?.der().clone();
        Self::load(certificate.to_vec(), Zeroizing::new(key.serialize_der()))
    }

    /// An identity from its stored parts: certificate (DER), private key (PKCS #8, DER).
    ///
    /// # Errors
    /// [`IdentityError::Damaged`].
    pub fn load(certificate: Vec<u8>, pkcs8: Zeroizing<Vec<u8>>) -> Result<Self, IdentityError> {
        let signer = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8)
            .map_err(|_| IdentityError::Damaged)?;
        let certificate = CertificateDer::from(certificate);
        let spki = spki_of(&certificate).map_err(|_| IdentityError::Damaged)?;
        let public = PublicKey::from_spki(&spki).map_err(|_| IdentityError::Damaged)?;
        let own: &[u8] = aws_lc_rs::signature::KeyPair::public_key(&signer).as_ref();
        if own != public.point() {
            return Err(IdentityError::Damaged);
        }
        Ok(Self { certificate, pkcs8, signer, public })
    }

    /// The certificate, DER.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// SHA-256 of the certificate: what the pairing binds and the session pins.
    pub fn certificate_fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.certificate)
    }

    /// The private key, PKCS #8 DER, for storing.
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The public key.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// Proof that this end holds its session key, for one connection.
    ///
    /// # Errors
    /// [`IdentityError::Damaged`] if the key can't sign.
    pub fn prove(&self, role: Role, exporter: &[u8; 32]) -> Result<Vec<u8>, IdentityError> {
        let random = aws_lc_rs::rand::SystemRandom::new();
        let signature =
            self.signer.sign(&random, &proof_message(role, exporter)).map_err(|_| IdentityError::Damaged)?;
        Ok(signature.as_ref().to_vec())
    }

    pub(super) fn private(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.pkcs8.to_vec()).into()
    }
}

/// True if `signature` proves that the holder of `key` registers on the connection of `exporter`.
pub fn verify_proof(key: &PublicKey, role: Role, exporter: &[u8; 32], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key.point())
        .verify(&proof_message(role, exporter), signature)
        .is_ok()
}

pub(super) fn spki_of(certificate: &CertificateDer<'_>) -> Result<Vec<u8>, Error> {
    let parsed = rustls::server::ParsedCertificate::try_from(certificate)?;
    Ok(parsed.subject_public_key_info().to_vec())
}

/// SHA-256 of the public key (SPKI) that the peer of `connection` proved to hold; `None` without a certificate.
pub fn key_of(connection: &quinn::Connection) -> Option<Fingerprint> {
    let spki = spki_of(&peer_certificate(connection)?).ok()?;
    Some(Fingerprint::of(&spki))
}

/// SHA-256 of the certificate of the peer of `connection`; `None` without one.
pub fn certificate_of(connection: &quinn::Connection) -> Option<Fingerprint> {
    Some(Fingerprint::of(&peer_certificate(connection)?))
}

fn peer_certificate(connection: &quinn::Connection) -> Option<CertificateDer<'static>> {
    let chain = connection.peer_identity()?.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    chain.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_survives_storage_and_proves_itself() {
        let one = Identity::generate(13).unwrap();
        let again = Identity::load(one.certificate().to_vec(), Zeroizing::new(one.pkcs8().to_vec())).unwrap();
        assert_eq!(one.public(), again.public());
        let signature = again.prove(Role::Host, &[1; 32]).unwrap();
        assert!(verify_proof(&one.public(), Role::Host, &[1; 32], &signature));
        assert!(!verify_proof(&one.public(), Role::Viewer, &[1; 32], &signature));
        assert!(!verify_proof(&one.public(), Role::Host, &[2; 32], &signature));
        let other = Identity::generate(13).unwrap();
        assert!(!verify_proof(&other.public(), Role::Host, &[1; 32], &signature));
        let mixed = Identity::load(one.certificate().to_vec(), Zeroizing::new(other.pkcs8().to_vec()));
        assert!(matches!(mixed, Err(IdentityError::Damaged)));
    }
}
