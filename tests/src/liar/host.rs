//! A host by hand: it pairs as an honest one does, lets its viewer in, and says then what the story wants.

use crate::{hear::hear, journal::in_time, viewer::Viewer};
use nearhand_proto::{
    code::{Locator, Secret, SessionCode},
    control::{Role, ToEnd, ToRelay},
    ids::{ClaimId, Fingerprint},
    net::{Identity, Link, LinkConfig, Moves, Pins, frame, random, session_server},
    pair::{Answering, Context, PairMessage},
    relay_string::RelayString,
    rights::Rights,
    session::ToViewer,
    text::Name,
    wire,
};
use quinn::{Connection, RecvStream, SendStream};
use std::{sync::Arc, time::Duration};

/// Patience with the relay, and with a viewer that is silent.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits under a code.
pub struct Waiting {
    /// The code.
    pub code: SessionCode,
    link: Link,
    own: Arc<Identity>,
    pins: Pins,
    relay: Fingerprint,
}

/// Has its viewer on the line, and has welcomed it.
pub struct LyingHost {
    /// The session connection.
    pub connection: Connection,
    /// The control stream.
    pub control: SendStream,
    /// What the viewer says on it, unread.
    pub heard: RecvStream,
    link: Link,
}

impl Waiting {
    /// Registers at this relay and waits.
    ///
    /// # Panics
    /// If the relay does not take it.
    pub async fn at(relay: RelayString) -> Self {
        let own = Arc::new(Identity::generate(1).expect("a key can be made"));
        let (pins, key) = (Pins::default(), relay.key);
        let server = session_server(&own, pins.clone(), PATIENCE).expect("our key serves");
        let session = own.clone();
        let (patience, moves) = (PATIENCE, Moves::default());
        let config = LinkConfig { relay, role: Role::Host, session, technician: None, patience, moves };
        let mut link = Link::dial(config, Some(server)).await.expect("the relay registers it");
        link.handle().send(ToRelay::Wait);
        let waiting = |message| if let ToEnd::Waiting(locator) = message { Some(locator) } else { None };
        let locator: Locator = hear(&mut link, "a locator", waiting).await;
        let secret = loop {
            if let Some(secret) = Secret::draw(random()) {
                break secret;
            }
        };
        Self { code: SessionCode { locator, secret }, link, own, pins, relay: key }
    }

    /// Pairs with whoever has entered the code, lets it in, and gives it viewing by its own word.
    ///
    /// # Panics
    /// If the viewer does not come.
    pub async fn lets_in(mut self, _viewer: &Viewer) -> LyingHost {
        let incoming = |message| match message {
            ToEnd::Incoming { claim, technician } => Some((claim, technician)),
            _ => None,
        };
        let (claim, technician) = hear(&mut self.link, "a claim", incoming).await;
        let context = Context { relay: self.relay, locator: self.code.locator, technician };
        let start = self.hears(claim).await;
        let certificate = self.own.certificate_fingerprint();
        let mut random = rand_core::OsRng;
        let (answering, answer) =
            Answering::answer(&self.code.secret, &context, certificate, start, &mut random)
                .expect("an honest start");
        self.says(claim, &answer);
        let (peer, proved) = answering.receive(self.hears(claim).await).expect("an honest proof");
        self.pins.insert(peer.certificate);
        self.says(claim, &proved);
        self.link.handle().send(ToRelay::Confirmed(claim));
        let incoming = in_time("the viewer", self.link.endpoint.accept()).await.expect("an open endpoint");
        let connecting = incoming.accept().expect("a viewer that is still there");
        let connection = in_time("the handshake", connecting).await.expect("the viewer's own key");
        let (mut control, heard) =
            in_time("the control stream", connection.accept_bi()).await.expect("an honest viewer");
        let welcome = ToViewer::Welcome { computer: Name::lossy("desk-13"), rights: Rights::VIEW };
        control.write_all(&frame(&welcome)).await.expect("the viewer reads");
        LyingHost { connection, control, heard, link: self.link }
    }

    async fn hears(&mut self, due: ClaimId) -> PairMessage {
        let said = |message| match message {
            ToEnd::Pair { claim, message } if claim == due => Some(message),
            _ => None,
        };
        let bytes = hear(&mut self.link, "the viewer's words", said).await;
        wire::decode(&bytes).expect("an honest viewer's messages decode")
    }

    fn says(&self, claim: ClaimId, message: &PairMessage) {
        self.link.handle().send(ToRelay::Pair { claim, message: wire::encode(message).into() });
    }
}

impl LyingHost {
    /// Opens a unidirectional stream with these first bytes.
    ///
    /// # Panics
    /// If the viewer takes no more.
    pub async fn opens(&self, bytes: &[u8]) -> SendStream {
        let mut stream = in_time("a stream", self.connection.open_uni()).await.expect("room for a stream");
        // A viewer that hangs up in the middle takes no more.
        let _ = stream.write_all(bytes).await;
        stream
    }

    /// Leaves in order.
    pub async fn leaves(self) {
        self.link.close().await;
    }
}
