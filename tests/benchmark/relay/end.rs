//! One end (host or viewer): a session key, a UDP port, a registered control connection; from the same parts as the
//! product's `Link`, which can't choose its own address. Here each pair has one of its own, since a relay lets only so
//! many ends of one address register in a second.

use anyhow::{Context as _, bail};
use nearhand_proto::{
    close::Close,
    control::{EXPORTER_LABEL, Register, Role, ToEnd, ToRelay},
    net::{
        EndCids, FrameReceiver, FrameSender, IDLE, Identity, Pins, close_reason, control_of_end,
        initial_for_relay, relay_client_tls, session_server,
    },
    relay_string::RelayString,
};
use quinn::{ClientConfig, Connection, Endpoint, EndpointConfig, TokioRuntime, VarInt};
use socket2::{Domain, Socket, Type};
use std::{
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How long any answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Kernel buffers, in bytes, as the product's ends have them.
const BUFFER: usize = 4 << 20;

/// Validity of a session certificate, in days, as the product's ends make it.
const DAYS: i64 = 13;

/// How often a paired end pings, as the product's ends do.
const PING: Duration = Duration::from_secs(1);

/// A registered end.
pub(super) struct End {
    /// Its session key.
    pub(super) identity: Identity,
    /// For session connections as well.
    pub(super) endpoint: Endpoint,
    /// Who may open a session here.
    pub(super) pins: Pins,
    control: Connection,
    sender: FrameSender<ToRelay>,
    receiver: FrameReceiver<ToEnd>,
}

/// What an end comes with.
pub(super) struct Arrival<'a> {
    /// The relay.
    pub(super) relay: &'a RelayString,
    /// As what.
    pub(super) role: Role,
    /// The technician's key, for a viewer.
    pub(super) technician: Option<&'a Identity>,
    /// From which address.
    pub(super) from: IpAddr,
}

impl End {
    /// Makes a session key, connects and registers.
    ///
    /// # Errors
    /// If the relay does not take it.
    pub(super) async fn register(arrival: Arrival<'_>) -> anyhow::Result<Self> {
        let identity = Identity::generate(DAYS)?;
        let pins = Pins::default();
        let server = match arrival.role {
            Role::Host => Some(session_server(&identity, pins.clone(), IDLE)?),
            Role::Viewer => None,
        };
        let mut config = EndpointConfig::default();
        let rid = identity.public().rid();
        config.cid_generator(move || Box::new(EndCids(rid))).supported_versions(vec![1]);
        let endpoint = Endpoint::new(config, server, bind(arrival.from)?, Arc::new(TokioRuntime))?;
        let control = connect(&endpoint, &arrival).await?;
        let (send, receive) = control.open_bi().await?;
        let mut end = Self {
            sender: FrameSender::new(send),
            receiver: FrameReceiver::new(receive, PATIENCE),
            identity,
            endpoint,
            pins,
            control,
        };
        end.prove(arrival.role).await?;
        Ok(end)
    }

    async fn prove(&mut self, role: Role) -> anyhow::Result<()> {
        let mut exporter = [0; 32];
        let exported = self.control.export_keying_material(&mut exporter, EXPORTER_LABEL, &[]);
        exported.ok().context("no keying material")?;
        let signature = self.identity.prove(role, &exporter)?.into();
        self.say(ToRelay::Register(Register { role, key: self.identity.public(), signature })).await?;
        self.hear(|message| matches!(message, ToEnd::Registered { .. }).then_some(())).await
    }

    /// Says this to the relay.
    ///
    /// # Errors
    /// If the relay has hung up.
    pub(super) async fn say(&mut self, message: ToRelay) -> anyhow::Result<()> {
        Ok(self.sender.send(&message).await?)
    }

    /// The relay's next message for which `pick` returns something.
    ///
    /// # Errors
    /// If the relay refuses, withdraws, hangs up or is silent.
    pub(super) async fn hear<R>(&mut self, mut pick: impl FnMut(ToEnd) -> Option<R>) -> anyhow::Result<R> {
        loop {
            let next = timeout(PATIENCE, self.receiver.next()).await.context("the relay is silent")?;
            match next.map_err(|error| self.why(error.into()))?.context("the relay hung up")? {
                ToEnd::Refused(why) | ToEnd::Withdrawn { why, .. } => bail!("the relay refused: {why}"),
                message => {
                    if let Some(picked) = pick(message) {
                        return Ok(picked);
                    }
                }
            }
        }
    }

    fn why(&self, error: anyhow::Error) -> anyhow::Error {
        match self.control.close_reason().as_ref().and_then(close_reason) {
            Some(why) => anyhow::anyhow!("the relay hung up: {why}"),
            None => error,
        }
    }

    /// Pings each second as a paired end does, until the relay hangs up or this is dropped.
    ///
    /// # Errors
    /// Always: when the relay is lost.
    pub(super) async fn rest(&mut self) -> anyhow::Result<()> {
        let mut tick = interval(PING);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for number in 0.. {
            tick.tick().await;
            self.say(ToRelay::Ping(number)).await?;
            self.hear(|message| (message == ToEnd::Pong(number)).then_some(())).await?;
        }
        Ok(())
    }

    /// Leaves in order: the relay closes once it has read everything.
    pub(super) async fn leave(mut self) {
        let _ = self.sender.stream().finish();
        let _ = timeout(PATIENCE, self.control.closed()).await;
        self.endpoint.close(VarInt::from_u32(Close::Done.code().into()), &[]);
    }
}

/// A port of the kernel's choice.
fn bind(from: IpAddr) -> anyhow::Result<UdpSocket> {
    let address = SocketAddr::new(from, 0);
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)
        .context("can't open a UDP socket; many pairs need 'ulimit -n 8192'")?;
    // Smaller buffers only cost speed, so a refusal is no error.
    let _ = socket.set_recv_buffer_size(BUFFER);
    let _ = socket.set_send_buffer_size(BUFFER);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

async fn connect(endpoint: &Endpoint, arrival: &Arrival<'_>) -> anyhow::Result<Connection> {
    let relay = arrival.relay;
    let tls = relay_client_tls(relay.key, Arc::new(AtomicBool::new(false)), arrival.technician)?;
    let mut config = ClientConfig::new(Arc::new(tls));
    config.transport_config(control_of_end()).initial_dst_cid_provider(initial_for_relay());
    let address = SocketAddr::new(relay.host.parse()?, relay.port);
    Ok(endpoint.connect_with(config, address, "nearhand")?.await?)
}
