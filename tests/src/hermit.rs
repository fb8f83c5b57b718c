//! A viewer that pairs as honest ones do, and then reads only what the story wants read.

use crate::{hear::hear, journal::in_time};
use nearhand_proto::{
    close::Close,
    code::SessionCode,
    control::{Role, ToEnd, ToRelay},
    ids::{ClaimId, Fingerprint},
    net::{FrameSender, Identity, Link, LinkConfig, Moves, RELAY, session_client, session_transport},
    pair::{Claimant, Context, PairMessage},
    relay_string::RelayString,
    rights::Rights,
    route::Rid,
    session::{
        StreamKind, ToHost,
        input::{Input, Usage},
    },
    wire,
};
use quinn::{Connection, RecvStream, SendStream, TransportConfig, VarInt};
use std::{sync::Arc, time::Duration};

/// Patience of everything here.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes that the host may send on one stream before it has to wait for us to read.
const WINDOW: u32 = 4_096;

/// A viewer that has paired and not dialled its host yet.
pub struct Paired {
    /// To the relay; the session is dialled from its endpoint.
    pub link: Link,
    /// The session key.
    pub own: Arc<Identity>,
    /// The host's certificate.
    pub host: Fingerprint,
    /// Where the host is.
    pub route: Rid,
}

impl Paired {
    /// Pairs as an honest viewer does.
    ///
    /// # Panics
    /// If the relay or the host does not take it.
    pub async fn with(
        relay: RelayString,
        technician: Arc<Identity>,
        code: &SessionCode,
        want: Rights,
    ) -> Self {
        let own = Arc::new(Identity::generate(1).expect("a key can be made"));
        let (key, technician) = (relay.key, Some(technician));
        let config = LinkConfig {
            relay,
            role: Role::Viewer,
            session: own.clone(),
            technician,
            patience: PATIENCE,
            moves: Moves::default(),
        };
        let mut link = Link::dial(config, None).await.expect("the relay registers it");
        link.handle().send(ToRelay::Claim(code.locator));
        let claimed = |message| match message {
            ToEnd::Claimed { claim, technician } => Some((claim, technician)),
            _ => None,
        };
        let (claim, technician) = hear(&mut link, "the claim", claimed).await;
        let context = Context { relay: key, locator: code.locator, technician };
        let mut random = rand_core::OsRng;
        let (claimant, start) =
            Claimant::start(&code.secret, context, own.certificate_fingerprint(), want, &mut random);
        let answer = exchange(&mut link, claim, &start).await;
        let (confirming, proof) = claimant.receive(answer).expect("the host answers");
        let pinned =
            confirming.receive(exchange(&mut link, claim, &proof).await).expect("the host proves itself");
        link.handle().send(ToRelay::Confirmed(claim));
        let paired = |message| if let ToEnd::Paired { peer, .. } = message { Some(peer) } else { None };
        let route = hear(&mut link, "the pairing", paired).await;
        Self { link, own, host: pinned.certificate, route }
    }
}

/// A paired viewer of this kind.
pub struct Hermit {
    /// The session connection.
    pub connection: Connection,
    sender: FrameSender<ToHost>,
    input: FrameSender<Input>,
    _unread: RecvStream,
    link: Link,
}

impl Hermit {
    /// Pairs and connects, without ever reading what the host says on the control stream.
    ///
    /// # Panics
    /// If the relay or the host does not take it.
    pub async fn pair(
        relay: RelayString,
        technician: Arc<Identity>,
        code: &SessionCode,
        want: Rights,
    ) -> Self {
        let Paired { link, own, host, route } = Paired::with(relay, technician, code, want).await;
        let mut config = session_client(&own, host, route).expect("our key serves");
        config.transport_config(narrow());
        let connecting = link.endpoint.connect_with(config, RELAY, "nearhand").expect("it dials");
        let connection = in_time("the session", connecting).await.expect("the host lets it in");
        let (send, unread) = connection.open_bi().await.expect("a control stream");
        let mut sender = FrameSender::new(send);
        sender.send(&ToHost::Hello).await.expect("the host reads");
        let mut stream: SendStream = connection.open_uni().await.expect("an input stream");
        stream.write_all(&[StreamKind::Input as u8]).await.expect("the host reads");
        Self { connection, sender, input: FrameSender::new(stream), _unread: unread, link }
    }

    /// Says this to the host.
    ///
    /// # Panics
    /// If the host has gone.
    pub async fn says(&mut self, message: ToHost) {
        self.sender.send(&message).await.expect("the host reads");
    }

    /// Presses and releases a key.
    pub async fn types(&mut self, usage: u16) {
        for down in [true, false] {
            // A host that has hung up takes nothing: the story looks at what it took before.
            let _ = self.input.send(&Input::Key { usage: Usage(usage), down }).await;
        }
    }

    /// The host's next screen stream, unread.
    ///
    /// # Panics
    /// If none comes.
    pub async fn screen(&self) -> RecvStream {
        in_time("a screen stream", self.connection.accept_uni()).await.expect("the host shows something")
    }

    /// Leaves without a word, as if killed.
    pub async fn vanish(self) {
        self.connection.close(VarInt::from_u32(Close::TechnicianLeft.code().into()), &[]);
        self.link.close().await;
    }
}

/// The session's transport, with small windows.
fn narrow() -> Arc<TransportConfig> {
    let mut config = Arc::into_inner(session_transport(Duration::from_secs(30))).expect("ours alone");
    config.stream_receive_window(VarInt::from_u32(WINDOW));
    Arc::new(config)
}

async fn exchange(link: &mut Link, claim: ClaimId, message: &PairMessage) -> PairMessage {
    link.handle().send(ToRelay::Pair { claim, message: wire::encode(message).into() });
    let answer = |message| if let ToEnd::Pair { message, .. } = message { Some(message) } else { None };
    let bytes = hear(link, "the host's answer", answer).await;
    wire::decode(&bytes).expect("the host's messages decode")
}
