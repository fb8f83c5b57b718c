//! A relay that is none of ours: it holds the key that the relay string names, so that ends trust it, speaks the control
//! protocol and forwards packets; and between that it drops, changes, repeats, invents and withholds what the story says.
//!
//! ```text
//!              Tongue: what it hears and says          Deal: what it does with packets
//! ToRelay --> [hears] --> Desk (honest) --> [says] --> ToEnd      packet --> [deal] --> packets
//! ```
//! Everything that ends say ([`Hostile::heard`]) and every packet ([`Hostile::kept`]) is in the story's hands.

mod control;
pub mod desk;
mod face;
pub mod packets;
mod socket;
pub mod unharmed;

pub use control::{Hears, Says, Tongue};
pub use face::Face;

use self::{
    control::{House, Word, lock},
    packets::{Deal, Packet},
    socket::Socket,
};
use crate::{
    host::Host,
    journal::{Journal, eventually},
    viewer::{Technician, Viewer},
};
use nearhand_host::host::HostConfig;
use nearhand_proto::{
    close::Close,
    code::SessionCode,
    control::{Role, ToEnd, ToRelay},
    ids::Fingerprint,
    net::{Identity, RelayCids, control_of_relay},
    relay_string::RelayString,
    route::Rid,
};
use quinn::{Endpoint, EndpointConfig, ServerConfig, TokioRuntime};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

/// Messages of ends that the story's journal has not taken; more wait.
const HEARD: usize = 64;

/// An end that has registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// What it is.
    pub role: Role,
    /// Where packets for it go.
    pub rid: Rid,
    /// The key of its technician's certificate, if it has shown one.
    pub technician: Option<Fingerprint>,
}

/// Something that an end has said.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Who.
    pub from: End,
    /// What.
    pub message: ToRelay,
}

/// A running hostile relay; it is gone when it is dropped.
pub struct Hostile {
    /// What ends have said, in order.
    pub heard: Journal<Heard>,
    /// A technician, whom it vouches for as it does for everybody.
    pub technician: Technician,
    string: RelayString,
    house: Arc<House>,
    _task: AbortOnDropHandle<()>,
}

impl std::fmt::Debug for Hostile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hostile({})", self.string)
    }
}

impl Hostile {
    /// One that behaves, until it is told otherwise.
    pub async fn start() -> Self {
        Self::start_as(Face::default()).await
    }

    /// One whose connections begin in another way.
    ///
    /// # Panics
    /// If it can't serve.
    pub async fn start_as(face: Face) -> Self {
        let identity = Identity::generate(1).expect("a key can be made");
        let socket = Arc::new(Socket::bind().await);
        let port = quinn::AsyncUdpSocket::local_addr(&*socket).expect("a bound socket has an address").port();
        let key = identity.public().fingerprint();
        let string = RelayString { host: "127.0.0.1".to_owned(), port, key };
        let mut server = ServerConfig::with_crypto(Arc::new(face::tls(&identity, &face)));
        server.transport_config(control_of_relay());
        let mut config = EndpointConfig::default();
        config.cid_generator(|| Box::new(RelayCids)).supported_versions(face.versions);
        let runtime = Arc::new(TokioRuntime);
        let endpoint = Endpoint::new_with_abstract_socket(config, Some(server), socket.clone(), runtime);
        let (to_journal, heard) = mpsc::channel(HEARD);
        let house = Arc::new(House::new(socket, to_journal));
        let task = tokio::spawn(control::serve(house.clone(), endpoint.expect("a runtime is there")));
        let heard = Journal::keep("the hostile relay", heard);
        let technician = Technician::stranger(desk::TECHNICIAN);
        Self { heard, technician, string, house, _task: AbortOnDropHandle::new(task) }
    }

    /// What hosts and viewers are told.
    pub fn string(&self) -> RelayString {
        self.string.clone()
    }

    /// Packets are dealt with in this way from now on.
    pub fn deal(&self, deal: Deal) {
        self.house.socket.deal(deal);
    }

    /// It hears and says things in this way from now on.
    pub fn speak(&self, tongue: Tongue) {
        *lock(&self.house.tongue) = tongue;
    }

    /// From now on answers are what `says` makes of the honest ones.
    pub fn says(&self, says: impl FnMut(&End, ToEnd) -> Vec<ToEnd> + Send + 'static) {
        self.speak(Tongue { says: Box::new(says), ..Tongue::default() });
    }

    /// From now on it answers only what `hears` is true for.
    pub fn hears(&self, hears: impl FnMut(&End, &ToRelay) -> bool + Send + 'static) {
        self.speak(Tongue { hears: Box::new(hears), ..Tongue::default() });
    }

    /// Says this to an end, asked or not; false if it isn't there, or takes too little.
    pub fn tell(&self, end: &End, message: ToEnd) -> bool {
        self.house.say(end.rid, Word::Message(Box::new(message)))
    }

    /// Puts these bytes on an end's control stream.
    pub fn babble(&self, end: &End, bytes: Vec<u8>) -> bool {
        self.house.say(end.rid, Word::Bytes(bytes))
    }

    /// Hangs up on an end, after everything that was said before.
    pub fn hang_up(&self, end: &End, why: Close) -> bool {
        self.house.say(end.rid, Word::Close(why))
    }

    /// Sends an end a QUIC datagram on its control connection.
    pub fn throw(&self, end: &End, datagram: Vec<u8>) {
        let ends = lock(&self.house.ends);
        if let Some(known) = ends.iter().find(|known| known.end.rid == end.rid) {
            // What finds no room is lost; that is what datagrams are.
            let _ = known.connection.send_datagram(datagram.into());
        }
    }

    /// Every packet that came to be forwarded.
    pub fn kept(&self) -> Vec<Packet> {
        self.house.socket.kept()
    }

    /// Sends an end a UDP datagram.
    pub fn inject(&self, packet: &Packet) {
        self.house.socket.inject(packet);
    }

    /// The `n`-th end of this role that has registered, from 0.
    pub async fn end(&self, role: Role, n: usize) -> End {
        let nth = || {
            let ends = lock(&self.house.ends);
            let mut all = ends.iter().map(|known| &known.end).filter(|end| end.role == role);
            all.nth(n).cloned()
        };
        eventually(&format!("{role:?} number {n} registers"), nth).await
    }

    /// The next message of an end's for which `pick` returns something; those before it are skipped for good.
    pub async fn hear<R>(&mut self, what: &str, mut pick: impl FnMut(&End, &ToRelay) -> Option<R>) -> R {
        self.heard.next(what, |heard| pick(&heard.from, &heard.message)).await
    }

    /// A host at this relay.
    pub fn host(&self, tune: impl FnOnce(&mut HostConfig)) -> Host {
        Host::start(self.string(), tune)
    }

    /// Its technician's viewer, with this code entered.
    pub fn viewer(&self, code: &SessionCode) -> Viewer {
        Viewer::start(self.technician.config(self.string(), code))
    }

    /// A host and a viewer with view and control, the picture exact.
    pub async fn pair(&self) -> (Host, Viewer) {
        self.pair_with(|_| {}).await
    }

    /// The same with other settings of the host.
    pub async fn pair_with(&self, tune: impl FnOnce(&mut HostConfig)) -> (Host, Viewer) {
        let mut host = self.host(tune);
        let code = host.code().await;
        let mut viewer = self.viewer(&code);
        crate::world::consent(&mut host, &mut viewer).await;
        (host, viewer)
    }
}
