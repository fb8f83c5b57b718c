//! How the hostile relay's connections begin: what an end sees before the first message.

use nearhand_proto::{
    net::{Identity, relay_server_tls},
    version::ALPN_CONTROL,
};
use quinn::{
    crypto::rustls::QuicServerConfig,
    rustls::{self, pki_types::PrivatePkcs8KeyDer},
};
use std::sync::Arc;

/// How its connections begin.
#[derive(Clone, Debug)]
pub struct Face {
    /// The protocol that it speaks (RFC 7301).
    pub alpn: Vec<u8>,
    /// The QUIC versions that it speaks.
    pub versions: Vec<u32>,
}

impl Default for Face {
    /// As an honest relay's.
    fn default() -> Self {
        Self { alpn: ALPN_CONTROL.to_vec(), versions: vec![1] }
    }
}

/// The product's own settings, or, for another protocol, others that fit it.
pub(super) fn tls(identity: &Identity, face: &Face) -> QuicServerConfig {
    if face.alpn == ALPN_CONTROL {
        return relay_server_tls(identity).expect("our own key serves");
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivatePkcs8KeyDer::from(identity.pkcs8().to_vec());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3 is there")
        .with_no_client_auth()
        .with_single_cert(vec![identity.certificate().clone()], key.into())
        .expect("our own key serves");
    config.alpn_protocols = vec![face.alpn.clone()];
    QuicServerConfig::try_from(config).expect("TLS 1.3 serves QUIC")
}
