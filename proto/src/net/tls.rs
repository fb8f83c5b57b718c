//! Identities and pins. TLS 1.3 only, one crypto provider (aws-lc-rs) passed explicitly, no certificate authority
//! anywhere: every key is pinned by its SHA-256, learnt from the relay string, the pairing or the enrolment.

use crate::{
    control::{PublicKey, Role, proof_message},
    ids::Fingerprint,
};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use zeroize::Zeroizing;

/// The crypto provider of all connections.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

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

    fn private(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.pkcs8.to_vec()).into()
    }
}

/// True if `signature` proves that the holder of `key` registers on the connection of `exporter`.
pub fn verify_proof(key: &PublicKey, role: Role, exporter: &[u8; 32], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key.point())
        .verify(&proof_message(role, exporter), signature)
        .is_ok()
}

fn spki_of(certificate: &CertificateDer<'_>) -> Result<Vec<u8>, Error> {
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

/// Certificates (by SHA-256) that may open or answer a session connection now. Shared and changed while it is used.
#[derive(Clone, Debug, Default)]
pub struct Pins(Arc<Mutex<HashSet<Fingerprint>>>);

impl Pins {
    /// A set with one certificate.
    pub fn one(certificate: Fingerprint) -> Self {
        let pins = Self::default();
        pins.insert(certificate);
        pins
    }

    /// Lets this certificate in.
    pub fn insert(&self, certificate: Fingerprint) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(certificate);
    }

    /// Lets it in no longer.
    pub fn remove(&self, certificate: &Fingerprint) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(certificate);
    }

    /// True if nobody may connect.
    pub fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn contains(&self, certificate: &CertificateDer<'_>) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&Fingerprint::of(certificate))
    }
}

/// Whom a verifier trusts.
#[derive(Debug)]
enum Trust {
    /// A relay with exactly this key (SPKI); the flag is set when another one answered.
    Relay { key: Fingerprint, refused: Arc<AtomicBool> },
    /// Ends with these certificates.
    Pinned(Pins),
    /// Any key, as long as the peer proves to hold it: who it is, is looked up later.
    Anybody,
}

impl Trust {
    fn accepts(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        let good = match self {
            Self::Relay { key, refused } => {
                let good = Fingerprint::of(&spki_of(certificate)?) == *key;
                refused.fetch_or(!good, Ordering::Relaxed);
                good
            }
            Self::Pinned(pins) => pins.contains(certificate),
            Self::Anybody => true,
        };
        if good {
            Ok(())
        } else {
            Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }
}

/// Verifies the peer's certificate by [`Trust`] and its signature by the provider's algorithms.
#[derive(Debug)]
struct Verifier {
    trust: Trust,
    mandatory: bool,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }
}

/// TLS 1.2 is never offered, so its signatures never verify.
fn no_tls12() -> Result<HandshakeSignatureValid, Error> {
    Err(Error::General("TLS 1.2 is not offered".to_owned()))
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.trust.accepts(end_entity).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        no_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Verifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.trust.accepts(end_entity).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        no_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn client(trust: Trust, own: Option<&Identity>, alpn: &[u8]) -> Result<QuicClientConfig, Error> {
    let provider = provider();
    let verifier = Arc::new(Verifier { trust, mandatory: true, provider: provider.clone() });
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match own {
        Some(own) => builder.with_client_auth_cert(vec![own.certificate.clone()], own.private())?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    config.enable_sni = false;
    config.resumption = rustls::client::Resumption::disabled();
    QuicClientConfig::try_from(config).map_err(|error| Error::General(error.to_string()))
}

fn server(trust: Trust, mandatory: bool, own: &Identity, alpn: &[u8]) -> Result<QuicServerConfig, Error> {
    let provider = provider();
    let verifier = Arc::new(Verifier { trust, mandatory, provider: provider.clone() });
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![own.certificate.clone()], own.private())?;
    config.alpn_protocols = vec![alpn.to_vec()];
    // No resumption, so no 0-RTT: every connection proves its keys.
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    QuicServerConfig::try_from(config).map_err(|error| Error::General(error.to_string()))
}

/// TLS of a control connection, an end's side: the relay must hold `key`; `refused` is set if another key answered.
///
/// # Errors
/// What rustls says of our own key.
pub fn relay_client_tls(
    key: Fingerprint,
    refused: Arc<AtomicBool>,
    technician: Option<&Identity>,
) -> Result<QuicClientConfig, Error> {
    client(Trust::Relay { key, refused }, technician, crate::version::ALPN_CONTROL)
}

/// TLS of a control connection, the relay's side: clients may show a certificate, who it belongs to is looked up at
/// every claim.
///
/// # Errors
/// What rustls says of our own key.
pub fn relay_server_tls(own: &Identity) -> Result<QuicServerConfig, Error> {
    server(Trust::Anybody, false, own, crate::version::ALPN_CONTROL)
}

/// TLS of a session connection, the viewer's side.
pub(super) fn session_client_tls(own: &Identity, host: Fingerprint) -> Result<QuicClientConfig, Error> {
    client(Trust::Pinned(Pins::one(host)), Some(own), crate::version::ALPN_SESSION)
}

/// TLS of a session connection, the host's side.
pub(super) fn session_server_tls(own: &Identity, pins: Pins) -> Result<QuicServerConfig, Error> {
    server(Trust::Pinned(pins), true, own, crate::version::ALPN_SESSION)
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
