//! Peers that don't play by the rules: they speak the control protocol, but say what no honest end says.

use crate::journal::in_time;
use nearhand_proto::{
    close::Close,
    control::{EXPORTER_LABEL, Register, Role, ToEnd, ToRelay},
    net::{
        EndCids, FrameReceiver, FrameSender, Identity, Link, LinkConfig, LinkEvent, PathSocket, close_reason,
        control_of_end, initial_for_relay, relay_client_tls,
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
        let config = LinkConfig { relay, role, session, technician, patience: PATIENCE };
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
    connection: Connection,
    _endpoint: Endpoint,
}

impl Raw {
    /// Dials.
    ///
    /// # Errors
    /// Whatever stands in the way of a connection.
    pub async fn dial(relay: &RelayString, identity: &Identity) -> anyhow::Result<Self> {
        let address = SocketAddr::new(relay.host.parse()?, relay.port);
        let rid = identity.public().rid();
        let mut endpoint_config = EndpointConfig::default();
        endpoint_config.cid_generator(move || Box::new(EndCids(rid)));
        let socket = Arc::new(PathSocket::bind(address)?);
        let runtime = Arc::new(TokioRuntime);
        let endpoint = Endpoint::new_with_abstract_socket(endpoint_config, None, socket, runtime)?;
        let tls = relay_client_tls(relay.key, Arc::new(AtomicBool::new(false)), None)?;
        let mut config = quinn::ClientConfig::new(Arc::new(tls));
        config.transport_config(control_of_end()).initial_dst_cid_provider(initial_for_relay());
        let connection = endpoint.connect_with(config, address, "nearhand")?.await?;
        Ok(Self { connection, _endpoint: endpoint })
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
