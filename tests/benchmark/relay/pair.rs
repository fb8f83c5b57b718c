//! A host and a viewer that find each other at a relay as the product's do: registration, locator, claim, SPAKE2, a
//! durable `session.start`, an open route; then their session connection, end to end through the relay.

use super::end::{Arrival, End};
use crate::process::Process;
use anyhow::Context as _;
use nearhand_proto::{
    close::Close,
    code::{Locator, Secret},
    control::{Leave, Role, ToEnd, ToRelay},
    ids::{ClaimId, SessionId},
    net::{Identity, random, session_client},
    pair::{Answering, Claimant, Context, PairMessage},
    relay_string::RelayString,
    rights::Rights,
    wire,
};
use nearhand_tests::operator::Operator;
use quinn::Connection;
use rand_core::OsRng;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

/// A relay, and a technician who has enrolled there. Pairs come from addresses of their own.
pub(super) struct Desk {
    /// The relay.
    pub(super) process: Process,
    /// Its operator.
    pub(super) operator: Operator,
    technician: Identity,
    next: AtomicU32,
}

impl Desk {
    /// Starts a relay and enrols.
    ///
    /// # Errors
    /// If that fails.
    pub(super) async fn open(program: &Path) -> anyhow::Result<Arc<Self>> {
        let process = Process::start(program).await?;
        let operator = Operator::new(&process.data());
        let technician = Identity::generate(1)?;
        let desk = Self { process, operator, technician, next: AtomicU32::new(1) };
        let token = desk.operator.add("Bench").await;
        let mut end = desk.end(Role::Viewer, desk.address()).await?;
        end.say(ToRelay::Enrol(token)).await?;
        end.hear(|message| matches!(message, ToEnd::Enrolled(_)).then_some(())).await?;
        end.leave().await;
        Ok(Arc::new(desk))
    }

    /// An address of 127.0.0.0/8 from which nobody has come yet.
    fn address(&self) -> IpAddr {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Ipv4Addr::from_bits(Ipv4Addr::new(127, 1, 0, 0).to_bits() + number).into()
    }

    async fn end(&self, role: Role, from: IpAddr) -> anyhow::Result<End> {
        let technician = (role == Role::Viewer).then_some(&self.technician);
        End::register(Arrival { relay: self.process.string(), role, technician, from }).await
    }

    /// Pairs a new host and a new viewer.
    ///
    /// # Errors
    /// If the relay does not let them.
    pub(super) async fn pair(&self) -> anyhow::Result<Pair> {
        let from = self.address();
        let mut host = self.end(Role::Host, from).await.context("the host's registration")?;
        let mut viewer = self.end(Role::Viewer, from).await.context("the viewer's registration")?;
        host.say(ToRelay::Wait).await?;
        let locator = host.hear(|message| if let ToEnd::Waiting(it) = message { Some(it) } else { None });
        let locator = locator.await.context("the host's locator")?;
        viewer.say(ToRelay::Claim(locator)).await?;
        Pairing { relay: self.process.string(), locator, host, viewer }.run().await
    }
}

/// Claimed, not yet paired.
struct Pairing<'a> {
    relay: &'a RelayString,
    locator: Locator,
    host: End,
    viewer: End,
}

impl Pairing<'_> {
    async fn run(mut self) -> anyhow::Result<Pair> {
        let secret = std::iter::repeat_with(|| Secret::draw(random())).flatten().next();
        let secret = secret.expect("a draw succeeds in the end");
        let context = |technician| Context { relay: self.relay.key, locator: self.locator, technician };
        let claimed = |message| match message {
            ToEnd::Claimed { claim, technician } | ToEnd::Incoming { claim, technician } => {
                Some((claim, technician))
            }
            _ => None,
        };
        let (claim, technician) = self.viewer.hear(claimed).await.context("the claim")?;
        let own = self.viewer.identity.certificate_fingerprint();
        let (claimant, start) = Claimant::start(&secret, context(technician), own, Rights::VIEW, &mut OsRng);
        let (_, technician) = self.host.hear(claimed).await.context("the host's caller")?;
        let own = self.host.identity.certificate_fingerprint();
        let context = context(technician);
        let start = self.carry(claim, &start, true).await?;
        let (answering, answer) = Answering::answer(&secret, &context, own, start, &mut OsRng)?;
        let answer = self.carry(claim, &answer, false).await?;
        let (confirming, proof) = claimant.receive(answer)?;
        let proof = self.carry(claim, &proof, true).await?;
        let (viewer, proved) = answering.receive(proof)?;
        let proved = self.carry(claim, &proved, false).await?;
        let host = confirming.receive(proved)?;
        self.host.say(ToRelay::Confirmed(claim)).await?;
        self.viewer.say(ToRelay::Confirmed(claim)).await?;
        let paired = |message| match message {
            ToEnd::Paired { session, peer, .. } => Some((session, peer)),
            _ => None,
        };
        let (session, _) = self.host.hear(paired).await.context("the host's session")?;
        let (_, route) = self.viewer.hear(paired).await.context("the viewer's session")?;
        self.host.pins.insert(viewer.certificate);
        let relay = SocketAddr::new(self.relay.host.parse()?, self.relay.port);
        let config = session_client(&self.viewer.identity, host.certificate, route)?;
        Ok(Pair { host: self.host, viewer: self.viewer, session, config, relay })
    }

    /// Carries a message to the other end; returns it as it arrived.
    async fn carry(
        &mut self,
        claim: ClaimId,
        message: &PairMessage,
        to_host: bool,
    ) -> anyhow::Result<PairMessage> {
        let (from, to) = match to_host {
            true => (&mut self.viewer, &mut self.host),
            false => (&mut self.host, &mut self.viewer),
        };
        from.say(ToRelay::Pair { claim, message: wire::encode(message).into() }).await?;
        let bytes =
            to.hear(|message| if let ToEnd::Pair { message, .. } = message { Some(message) } else { None });
        Ok(wire::decode(&bytes.await.context("the pairing's messages")?)?)
    }
}

/// Paired: on record, route open.
pub(super) struct Pair {
    /// The host.
    pub(super) host: End,
    /// The viewer.
    pub(super) viewer: End,
    session: SessionId,
    config: quinn::ClientConfig,
    relay: SocketAddr,
}

impl Pair {
    /// Opens the session connection: host's end, viewer's end.
    ///
    /// # Errors
    /// If it does not come to be.
    pub(super) async fn connect(&self) -> anyhow::Result<(Connection, Connection)> {
        let viewer = self.viewer.endpoint.connect_with(self.config.clone(), self.relay, "nearhand")?;
        let host = async {
            let incoming = self.host.endpoint.accept().await.context("the host's endpoint has closed")?;
            Ok(incoming.await?)
        };
        tokio::try_join!(host, async { Ok(viewer.await?) })
    }

    /// The host ends the session, then both leave in order.
    ///
    /// # Errors
    /// If the end is not confirmed.
    pub(super) async fn leave(mut self) -> anyhow::Result<()> {
        self.host.say(ToRelay::End { session: self.session, why: Close::UserStopped }).await?;
        let over = |message| matches!(message, ToEnd::Ended { .. }).then_some(());
        self.host.hear(over).await.context("the session's end at the host")?;
        self.viewer.hear(over).await.context("the session's end at the viewer")?;
        self.host.say(ToRelay::Leave(Leave::Closed)).await?;
        tokio::join!(self.host.leave(), self.viewer.leave());
        Ok(())
    }
}
