//! The relay as its ends meet it: stories of ends that say whatever the story wants. What honest hosts and viewers do
//! with it is told elsewhere, in the crate that sees all three.

mod pairing;
mod sessions;

use super::Relay;
use crate::{config::Config, limits::Limits};
use nearhand_proto::{
    close::Close,
    code::Locator,
    control::{EXPORTER_LABEL, Register, Role, SessionState, ToEnd, ToRelay},
    ids::{ActorId, ClaimId, SessionId},
    net::{
        FrameReceiver, FrameSender, Identity, close_reason, control_of_end, initial_for_relay,
        relay_client_tls,
    },
    record::{Entry, Event, Origin, Stamp},
    relay_string::RelayString,
    text::Name,
};
use quinn::{ClientConfig, Connection, Endpoint};
use serde_bytes::ByteBuf;
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};
use tempfile::TempDir;
use tokio::time::timeout;

/// How long anything may take. A good run never waits for it.
const DEADLINE: Duration = Duration::from_secs(20);

async fn in_time<R>(what: &str, future: impl Future<Output = R>) -> R {
    timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("not in time: {what}"))
}

/// A relay and its data folder.
struct Bench {
    folder: TempDir,
    config: Config,
    relay: Relay,
}

impl Bench {
    async fn start() -> Self {
        Self::start_with(Limits::default()).await
    }

    async fn start_with(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config {
            data: folder.path().to_owned(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            name: "127.0.0.1".to_owned(),
            desk: Name::lossy("Example Desk"),
            drain: Duration::from_secs(1),
            absence: Duration::from_secs(600),
            limits,
        };
        let relay = Relay::start(config.clone()).await.unwrap();
        config.listen.set_port(relay.string().port);
        Self { folder, config, relay }
    }

    /// Stops the relay, lets `meanwhile` happen, and starts it again.
    async fn restart(self, meanwhile: impl AsyncFnOnce(&TempDir)) -> Self {
        let Self { folder, config, relay } = self;
        relay.stop().await;
        meanwhile(&folder).await;
        let relay = Relay::start(config.clone()).await.unwrap();
        Self { folder, config, relay }
    }

    /// The key of an enrolled technician.
    async fn technician(&self, name: &str) -> Identity {
        let identity = Identity::generate(1).unwrap();
        let token = self.relay.recorder.add_technician(Name::lossy(name)).await.unwrap();
        self.relay.recorder.enrol(token, identity.public().fingerprint()).await.unwrap();
        identity
    }

    /// A new end that has registered.
    async fn end(&self, role: Role, technician: Option<&Identity>) -> Peer {
        let identity = Arc::new(Identity::generate(1).unwrap());
        let (peer, sessions) = self.back(role, &identity, technician).await;
        assert!(sessions.is_empty());
        peer
    }

    /// An end with this key registers; what it is told to go on.
    async fn back(
        &self,
        role: Role,
        identity: &Arc<Identity>,
        technician: Option<&Identity>,
    ) -> (Peer, Vec<SessionState>) {
        let mut peer = Peer::dial(self.relay.string(), role, identity, technician).await;
        let sessions = peer.register().await.unwrap();
        (peer, sessions)
    }

    /// A host that waits and a viewer that has claimed it.
    async fn claimed(&self, technician: &Identity) -> (Peer, Peer, ClaimId) {
        let mut host = self.end(Role::Host, None).await;
        let mut viewer = self.end(Role::Viewer, Some(technician)).await;
        let locator = host.waits().await;
        viewer.says(ToRelay::Claim(locator)).await;
        let claim = |message| if let ToEnd::Claimed { claim, .. } = message { Some(claim) } else { None };
        let claim = viewer.hears("the claim", claim).await;
        host.hears("the claim", |message| matches!(message, ToEnd::Incoming { .. }).then_some(())).await;
        (host, viewer, claim)
    }

    /// A host and a viewer in a session.
    async fn pair(&self, technician: &Identity) -> (Peer, Peer, SessionId) {
        let (mut host, mut viewer, claim) = self.claimed(technician).await;
        host.says(ToRelay::Confirmed(claim)).await;
        viewer.says(ToRelay::Confirmed(claim)).await;
        let paired = |message| if let ToEnd::Paired { session, .. } = message { Some(session) } else { None };
        let session = host.hears("the session", paired).await;
        assert_eq!(viewer.hears("the session", paired).await, session);
        (host, viewer, session)
    }

    /// What has been recorded, as (event, who witnessed it, session).
    async fn events(&self) -> Vec<(Event, Origin, SessionId)> {
        let rows = self.relay.recorder.entries(crate::record::Filter::default(), 999).await.unwrap();
        let event = |row: crate::record::EntryRow| {
            let origin = if row.seq.is_none() { Origin::Relay } else { Event::witness(row.code) };
            let session = SessionId(row.session.try_into().unwrap());
            (Event::decode(row.code, &row.body).unwrap(), origin, session)
        };
        rows.into_iter().map(event).collect()
    }

    async fn count(&self, is: impl Fn(&Event) -> bool) -> usize {
        self.events().await.iter().filter(|(event, ..)| is(event)).count()
    }

    /// Waits until an event is on record.
    async fn recorded(&self, what: &str, is: impl Fn(&Event) -> bool) {
        let look = async {
            while self.count(&is).await == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        in_time(what, look).await;
    }

    /// The codes of a session's entries and the reason of its end.
    async fn story(&self, session: SessionId) -> (Vec<u16>, Option<Close>) {
        let all = self.events().await;
        let own: Vec<_> = all.into_iter().filter(|(_, _, of)| *of == session).collect();
        let reason = own.iter().find_map(|(event, ..)| match event {
            Event::SessionEnd { reason, .. } => Some(*reason),
            _ => None,
        });
        (own.iter().map(|(event, ..)| event.code()).collect(), reason)
    }

    /// Somebody else's hand on the database.
    fn hand(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("record.db")).unwrap()
    }
}

/// One end's control connection, without any manners.
struct Peer {
    identity: Arc<Identity>,
    role: Role,
    connection: Connection,
    sender: FrameSender<ToRelay>,
    receiver: FrameReceiver<ToEnd>,
    _endpoint: Endpoint,
}

impl Peer {
    fn config(relay: &RelayString, technician: Option<&Identity>) -> ClientConfig {
        let tls = relay_client_tls(relay.key, Arc::new(AtomicBool::new(false)), technician).unwrap();
        let mut config = ClientConfig::new(Arc::new(tls));
        config.transport_config(control_of_end()).initial_dst_cid_provider(initial_for_relay());
        config
    }

    /// Connects and says nothing yet.
    async fn dial(
        relay: &RelayString,
        role: Role,
        identity: &Arc<Identity>,
        technician: Option<&Identity>,
    ) -> Self {
        let endpoint = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, relay.port));
        let config = Self::config(relay, technician);
        let connecting = endpoint.connect_with(config, address, "nearhand").unwrap();
        let connection = in_time("a connection", connecting).await.unwrap();
        let (send, receive) = connection.open_bi().await.unwrap();
        let (sender, receiver) = (FrameSender::new(send), FrameReceiver::new(receive, DEADLINE));
        Self { identity: identity.clone(), role, connection, sender, receiver, _endpoint: endpoint }
    }

    async fn register(&mut self) -> Result<Vec<SessionState>, Close> {
        let mut exporter = [0; 32];
        self.connection.export_keying_material(&mut exporter, EXPORTER_LABEL, &[]).unwrap();
        let signature = self.identity.prove(self.role, &exporter).unwrap().into();
        self.says(ToRelay::Register(Register { role: self.role, key: self.identity.public(), signature }))
            .await;
        match in_time("an answer to Register", self.receiver.next()).await {
            Ok(Some(ToEnd::Registered { sessions, .. })) => Ok(sessions),
            Ok(answer) => panic!("{answer:?} is no answer to Register"),
            Err(_) => Err(self.hung_up().await),
        }
    }

    async fn says(&mut self, message: ToRelay) {
        // What can't be said any more, the story learns from the answer that does not come.
        let _ = self.sender.send(&message).await;
    }

    async fn hears<R>(&mut self, what: &str, mut pick: impl FnMut(ToEnd) -> Option<R>) -> R {
        let heard = async {
            loop {
                let message = self.receiver.next().await.ok().flatten();
                let Some(message) = message else { panic!("hung up, not: {what}") };
                if let Some(picked) = pick(message) {
                    return picked;
                }
            }
        };
        in_time(what, heard).await
    }

    /// Asks for an echo; what was heard before it came.
    async fn pings(&mut self) -> Vec<ToEnd> {
        self.says(ToRelay::Ping(7)).await;
        let mut before = Vec::new();
        self.hears("an echo", |message| {
            let echo = message == ToEnd::Pong(7);
            before.push(message);
            echo.then_some(())
        })
        .await;
        before.pop();
        before
    }

    async fn waits(&mut self) -> Locator {
        self.says(ToRelay::Wait).await;
        let waiting = |message| if let ToEnd::Waiting(locator) = message { Some(locator) } else { None };
        self.hears("a locator", waiting).await
    }

    async fn hears_the_end(&mut self, session: SessionId) -> Close {
        let ended = |message| match message {
            ToEnd::Ended { session: of, why } if of == session => Some(why),
            _ => None,
        };
        self.hears("the session's end", ended).await
    }

    async fn withdrawn(&mut self) -> Close {
        let withdrawn = |message| if let ToEnd::Withdrawn { why, .. } = message { Some(why) } else { None };
        self.hears("the end of the claim", withdrawn).await
    }

    async fn hears_recorded(&mut self) -> u64 {
        let recorded = |message| if let ToEnd::Recorded { next, .. } = message { Some(next) } else { None };
        self.hears("an acknowledgement", recorded).await
    }

    async fn hung_up(&self) -> Close {
        let error = in_time("to be hung up", self.connection.closed()).await;
        close_reason(&error).unwrap_or_else(|| panic!("{error} is no reason"))
    }

    fn actor(&self) -> ActorId {
        self.identity.public().fingerprint().actor()
    }

    /// A fact of this host's session.
    fn fact(&self, session: SessionId, seq: u64, event: &Event) -> Entry {
        let (origin, actor) = (Origin::Host, self.actor());
        let stamp = Stamp { origin, session, seq, wall_ms: 1, monotonic_ns: 1, actor };
        Entry::new(event, stamp, [1; 32])
    }

    /// Sends facts with these numbers.
    async fn records(&mut self, session: SessionId, numbers: &[u64]) {
        let fact = |seq: &u64| self.fact(session, *seq, &Event::SessionSuspended);
        let entries = numbers.iter().map(fact).collect();
        self.says(ToRelay::Record { session, entries }).await;
    }

    async fn pair_message(&mut self, claim: ClaimId) {
        self.says(ToRelay::Pair { claim, message: ByteBuf::from(vec![1, 2, 3]) }).await;
    }
}
