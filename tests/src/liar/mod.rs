//! Peers that don't play by the rules. [`Liar`] speaks the control protocol, but says what no honest end says; [`Raw`] has
//! shaken hands and said nothing yet; [`Forger`] puts frames of its own into its packets; [`datagrams`] are sent with no
//! connection at all.

pub mod datagrams;
pub mod forge;
mod forger;
pub mod frames;
pub mod host;
pub mod memory;
mod tls;

pub use forger::{Forger, HungUp, endpoint_at};

use crate::journal::in_time;
use nearhand_proto::{
    close::Close,
    control::{EXPORTER_LABEL, Register, Role, ToEnd, ToRelay},
    net::{
        EndCids, FrameReceiver, FrameSender, Identity, Link, LinkConfig, LinkEvent, Moves, PathSocket, RELAY,
        close_reason, control_of_end, initial_for_relay, relay_client_tls,
    },
    relay_string::RelayString,
};
use quinn::{Connection, Endpoint, EndpointConfig, TokioRuntime};
use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

/// Patience of everything here.
const PATIENCE: Duration = Duration::from_secs(5);

/// A registered end that says what the story wants.
#[derive(Debug)]
pub struct Liar {
    link: Link,
}

impl Liar {
    /// Registers with a key of its own.
    ///
    /// # Panics
    /// If the relay does not take it.
    pub async fn register(relay: RelayString, role: Role, technician: Option<Arc<Identity>>) -> Self {
        let session = Arc::new(Identity::generate(1).expect("a key can be made"));
        let config =
            LinkConfig { relay, role, session, technician, patience: PATIENCE, moves: Moves::default() };
        Self { link: Link::dial(config, None).await.expect("the relay registers it") }
    }

    /// Says this.
    pub async fn says(&self, message: ToRelay) {
        self.link.handle().send(message);
    }

    /// The relay's next message for which `pick` returns something.
    ///
    /// # Panics
    /// If none comes.
    pub async fn hears<R>(&mut self, what: &str, mut pick: impl FnMut(ToEnd) -> Option<R>) -> R {
        let heard = async {
            loop {
                match self.link.next().await {
                    LinkEvent::Message(message) => {
                        if let Some(picked) = pick(message) {
                            return Ok(picked);
                        }
                    }
                    LinkEvent::Down(why) => return Err(why),
                    LinkEvent::Registered { .. } | LinkEvent::Lost => {}
                }
            }
        };
        in_time(what, heard).await.unwrap_or_else(|why| panic!("the relay hung up ({why}), not: {what}"))
    }

    /// Waits until the relay has hung up for good; returns why.
    pub async fn is_hung_up(mut self) -> Close {
        let hung_up = async {
            loop {
                if let LinkEvent::Down(why) = self.link.next().await {
                    return why;
                }
            }
        };
        in_time("the relay hangs up", hung_up).await
    }

    /// Leaves in order.
    pub async fn leave(self) {
        self.link.close().await;
    }
}

/// A control connection on which nothing has been said yet.
#[derive(Debug)]
pub struct Raw {
    /// The connection.
    pub connection: Connection,
    _endpoint: Endpoint,
}

impl Raw {
    /// Dials.
    ///
    /// # Errors
    /// Whatever stands in the way of a connection.
    pub async fn dial(relay: &RelayString, identity: &Identity) -> anyhow::Result<Self> {
        let endpoint = endpoint(relay, identity)?;
        let tls = relay_client_tls(relay.key, Arc::new(AtomicBool::new(false)), None)?;
        let mut config = quinn::ClientConfig::new(Arc::new(tls));
        config.transport_config(control_of_end()).initial_dst_cid_provider(initial_for_relay());
        Self::dial_by(&endpoint, RELAY, config).await
    }

    /// Dials this address from this endpoint, with these settings.
    ///
    /// # Errors
    /// Whatever stands in the way of a connection.
    pub async fn dial_by(
        endpoint: &Endpoint,
        relay: SocketAddr,
        config: quinn::ClientConfig,
    ) -> anyhow::Result<Self> {
        let connection = endpoint.connect_with(config, relay, "nearhand")?.await?;
        Ok(Self { connection, _endpoint: endpoint.clone() })
    }

    /// An honest registration on this connection.
    ///
    /// # Errors
    /// If the key can't sign.
    pub fn registration(&self, role: Role, identity: &Identity) -> anyhow::Result<Register> {
        let mut exporter = [0; 32];
        let exported = self.connection.export_keying_material(&mut exporter, EXPORTER_LABEL, &[]);
        exported.map_err(|_| anyhow::anyhow!("no exporter"))?;
        let signature = identity.prove(role, &exporter)?.into();
        Ok(Register { role, key: identity.public(), signature })
    }

    /// Registers with these words: the relay's answer, or why it hung up.
    ///
    /// # Errors
    /// The close code.
    pub async fn register(&self, register: Register) -> Result<ToEnd, Option<Close>> {
        let why = || self.connection.close_reason().as_ref().and_then(close_reason);
        let said = async {
            let (send, receive) = self.connection.open_bi().await.map_err(|_| why())?;
            let mut sender = FrameSender::new(send);
            sender.send(&ToRelay::Register(register)).await.map_err(|_| why())?;
            let answer = FrameReceiver::new(receive, PATIENCE).next().await;
            answer.map_err(|_| why())?.ok_or_else(why)
        };
        in_time("the relay answers a registration", said).await
    }
}

/// Where a relay is that has an address for a name.
fn address(relay: &RelayString) -> anyhow::Result<SocketAddr> {
    Ok(SocketAddr::new(relay.host.parse()?, relay.port))
}

/// An end's endpoint, on a port of its own.
fn endpoint(relay: &RelayString, identity: &Identity) -> anyhow::Result<Endpoint> {
    let socket = Arc::new(PathSocket::bind(address(relay)?)?);
    Ok(Endpoint::new_with_abstract_socket(end_config(identity), None, socket, Arc::new(TokioRuntime))?)
}

/// Connection ids as an end has them.
fn end_config(identity: &Identity) -> EndpointConfig {
    let rid = identity.public().rid();
    let mut config = EndpointConfig::default();
    config.cid_generator(move || Box::new(EndCids(rid)));
    config
}
