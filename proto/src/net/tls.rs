//! TLS 1.3 only, one crypto provider (aws-lc-rs) passed explicitly, no certificate authority anywhere: every key is
//! pinned by its SHA-256, learnt from the relay string, the pairing or the enrolment.

use super::{Identity, identity::spki_of};
use crate::ids::Fingerprint;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::{
    CertificateError, CipherSuite, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// The crypto provider of connections that speak this.
fn provider(alpn: &[u8]) -> Arc<CryptoProvider> {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    if alpn == crate::version::ALPN_CONTROL {
        // Processors have instructions for its SHA-256, not for AES-256's SHA-384: a fifteenth of what a pairing costs
        // the relay.
        provider.cipher_suites.sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    }
    Arc::new(provider)
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
    let provider = provider(alpn);
    let verifier = Arc::new(Verifier { trust, mandatory: true, provider: provider.clone() });
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match own {
        Some(own) => builder.with_client_auth_cert(vec![own.certificate().clone()], own.private())?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    config.enable_sni = false;
    config.resumption = rustls::client::Resumption::disabled();
    QuicClientConfig::try_from(config).map_err(|error| Error::General(error.to_string()))
}

fn server(trust: Trust, mandatory: bool, own: &Identity, alpn: &[u8]) -> Result<QuicServerConfig, Error> {
    let provider = provider(alpn);
    let verifier = Arc::new(Verifier { trust, mandatory, provider: provider.clone() });
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![own.certificate().clone()], own.private())?;
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
