//! A QUIC client whose packets hold the frames that a story wants in them. quinn does handshake, packet numbers and
//! congestion; between it and the real packet protection stands this, which rewrites payloads before they are sealed, and
//! blanks what quinn must not see after they are opened.
//!
//! Frames travel to the sealing in a DATAGRAM that begins with a mark: `16 mark | 2 length | frames | filling`.

use super::frames::{bare, content};
use bytes::BytesMut;
use quinn::{
    ConnectError, ConnectionId, Side,
    crypto::{
        ClientConfig, CryptoError, ExportKeyingMaterialError, KeyPair, Keys, PacketKey, Session,
        rustls::QuicClientConfig,
    },
};
use quinn_proto::{TransportError, transport_parameters::TransportParameters};
use std::{
    any::Any,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// What no other frame contains.
const MARK: [u8; 16] = *b"\xfe\xedhostile frames";

/// Bytes of a marked datagram: always the same, so that no packet holds two.
const MARKED: usize = 1_120;

/// Bytes of frames that one packet takes.
pub const ROOM: usize = MARKED - MARK.len() - 2;

/// What is done to the packets of one connection.
#[derive(Debug, Default)]
pub struct Script {
    /// Nothing of quinn's own is sent any more, acknowledgements among it: only forged frames, and padding.
    pub mute: AtomicBool,
    /// Nothing but acknowledgements and the peer's closing is heard any more.
    pub deaf: AtomicBool,
    /// Frames for the padding of the next Initial packet that has room.
    initial: Mutex<Vec<u8>>,
    /// Frames in the place of the next Handshake packet's.
    handshake: Mutex<Vec<u8>>,
    /// The largest packet number heard in 1-RTT packets.
    largest: AtomicU64,
    /// Forged packets that were sealed.
    forged: AtomicU64,
}

impl Script {
    /// Puts these frames behind the client's first words.
    pub fn with_initial(frames: Vec<u8>) -> Arc<Self> {
        Arc::new(Self { initial: Mutex::new(frames), ..Self::default() })
    }

    /// Sends these frames instead of the client's last words in the handshake.
    pub fn with_handshake(frames: Vec<u8>) -> Arc<Self> {
        Arc::new(Self { handshake: Mutex::new(frames), ..Self::default() })
    }

    /// The largest packet number that the peer has used.
    pub fn largest(&self) -> u64 {
        self.largest.load(Ordering::Relaxed)
    }

    /// Forged packets so far.
    pub fn forged(&self) -> u64 {
        self.forged.load(Ordering::Relaxed)
    }

    fn rewrite(&self, level: Level, payload: &mut [u8]) {
        let forged = match level {
            Level::Initial => append(&self.initial, payload),
            Level::Handshake => replace(&self.handshake, payload),
            Level::Data => self.rewrite_data(payload),
        };
        if forged {
            self.forged.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn rewrite_data(&self, payload: &mut [u8]) -> bool {
        if let Some(frames) = marked(payload) {
            fill(payload, &frames);
            return true;
        }
        if self.mute.load(Ordering::Relaxed) {
            payload.fill(0);
        }
        false
    }

    fn heard(&self, number: u64, payload: &mut [u8]) {
        self.largest.fetch_max(number, Ordering::Relaxed);
        if self.deaf.load(Ordering::Relaxed) {
            let kept = bare(payload);
            payload[kept..].fill(0);
        }
    }
}

/// The datagram that brings these frames, at most [`ROOM`] bytes, to the sealing.
pub fn marked_datagram(frames: &[u8]) -> Vec<u8> {
    let frames = &frames[..frames.len().min(ROOM)];
    let length = u16::try_from(frames.len()).unwrap_or(u16::MAX);
    let mut datagram = [&MARK[..], &length.to_be_bytes(), frames].concat();
    datagram.resize(MARKED, 0);
    datagram
}

fn marked(payload: &[u8]) -> Option<Vec<u8>> {
    let at = payload.windows(MARK.len()).position(|part| part == MARK)? + MARK.len();
    let length: [u8; 2] = payload.get(at..at + 2)?.try_into().ok()?;
    Some(payload.get(at + 2..)?.get(..usize::from(u16::from_be_bytes(length)))?.to_vec())
}

/// Puts the frames at the beginning, padding behind them.
fn fill(payload: &mut [u8], frames: &[u8]) {
    payload.fill(0);
    let length = frames.len().min(payload.len());
    payload[..length].copy_from_slice(&frames[..length]);
}

fn replace(script: &Mutex<Vec<u8>>, payload: &mut [u8]) -> bool {
    let frames = std::mem::take(&mut *script.lock().unwrap_or_else(PoisonError::into_inner));
    if !frames.is_empty() {
        fill(payload, &frames);
    }
    !frames.is_empty()
}

fn append(script: &Mutex<Vec<u8>>, payload: &mut [u8]) -> bool {
    let mut frames = script.lock().unwrap_or_else(PoisonError::into_inner);
    let used = content(payload);
    let fits = !frames.is_empty() && frames.len() <= payload.len().saturating_sub(used);
    if fits {
        payload[used..used + frames.len()].copy_from_slice(&frames);
        frames.clear();
    }
    fits
}

/// Which of the packet protections (RFC 9001 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Initial,
    Handshake,
    Data,
}

/// TLS as it is, packets by the script.
pub struct Forge {
    /// The real one.
    pub tls: Arc<QuicClientConfig>,
    /// What becomes of the packets.
    pub script: Arc<Script>,
}

impl ClientConfig for Forge {
    fn start_session(
        self: Arc<Self>,
        version: u32,
        server_name: &str,
        params: &TransportParameters,
    ) -> Result<Box<dyn Session>, ConnectError> {
        let inner = self.tls.clone().start_session(version, server_name, params)?;
        Ok(Box::new(Forged { inner, script: self.script.clone(), next: Level::Handshake }))
    }
}

struct Forged {
    inner: Box<dyn Session>,
    script: Arc<Script>,
    /// Of the next keys that TLS brings.
    next: Level,
}

impl Forged {
    fn forge(&self, keys: Keys, level: Level) -> Keys {
        Keys { header: keys.header, packet: self.forge_packets(keys.packet, level) }
    }

    fn forge_packets(&self, keys: KeyPair<Box<dyn PacketKey>>, level: Level) -> KeyPair<Box<dyn PacketKey>> {
        let forge = |inner| Box::new(ForgedKey { inner, script: self.script.clone(), level });
        KeyPair { local: forge(keys.local), remote: forge(keys.remote) }
    }
}

impl Session for Forged {
    fn initial_keys(&self, dst_cid: &ConnectionId, side: Side) -> Keys {
        self.forge(self.inner.initial_keys(dst_cid, side), Level::Initial)
    }

    fn handshake_data(&self) -> Option<Box<dyn Any>> {
        self.inner.handshake_data()
    }

    fn peer_identity(&self) -> Option<Box<dyn Any>> {
        self.inner.peer_identity()
    }

    fn early_crypto(&self) -> Option<(Box<dyn quinn::crypto::HeaderKey>, Box<dyn PacketKey>)> {
        self.inner.early_crypto()
    }

    fn early_data_accepted(&self) -> Option<bool> {
        self.inner.early_data_accepted()
    }

    fn is_handshaking(&self) -> bool {
        self.inner.is_handshaking()
    }

    fn read_handshake(&mut self, buf: &[u8]) -> Result<bool, TransportError> {
        self.inner.read_handshake(buf)
    }

    fn transport_parameters(&self) -> Result<Option<TransportParameters>, TransportError> {
        self.inner.transport_parameters()
    }

    fn write_handshake(&mut self, buf: &mut Vec<u8>) -> Option<Keys> {
        let keys = self.inner.write_handshake(buf)?;
        let level = std::mem::replace(&mut self.next, Level::Data);
        Some(self.forge(keys, level))
    }

    fn next_1rtt_keys(&mut self) -> Option<KeyPair<Box<dyn PacketKey>>> {
        let keys = self.inner.next_1rtt_keys()?;
        Some(self.forge_packets(keys, Level::Data))
    }

    fn is_valid_retry(&self, orig_dst_cid: &ConnectionId, header: &[u8], payload: &[u8]) -> bool {
        self.inner.is_valid_retry(orig_dst_cid, header, payload)
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: &[u8],
    ) -> Result<(), ExportKeyingMaterialError> {
        self.inner.export_keying_material(output, label, context)
    }
}

struct ForgedKey {
    inner: Box<dyn PacketKey>,
    script: Arc<Script>,
    level: Level,
}

impl PacketKey for ForgedKey {
    fn encrypt(&self, packet: u64, buf: &mut [u8], header_len: usize) {
        let end = buf.len() - self.inner.tag_len();
        self.script.rewrite(self.level, &mut buf[header_len..end]);
        self.inner.encrypt(packet, buf, header_len);
    }

    fn decrypt(&self, packet: u64, header: &[u8], payload: &mut BytesMut) -> Result<(), CryptoError> {
        self.inner.decrypt(packet, header, payload)?;
        if self.level == Level::Data {
            self.script.heard(packet, payload);
        }
        Ok(())
    }

    fn tag_len(&self) -> usize {
        self.inner.tag_len()
    }

    fn confidentiality_limit(&self) -> u64 {
        self.inner.confidentiality_limit()
    }

    fn integrity_limit(&self) -> u64 {
        self.inner.integrity_limit()
    }
}
