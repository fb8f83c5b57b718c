//! What others hold of a registered end: its mailbox, the way to hang it up, its place among the unpaired; and the
//! guard that takes all of it back when its actor ends, in whatever way.

use super::Hub;
use nearhand_proto::{
    close::Close,
    control::{PublicKey, ToEnd},
    ids::ActorId,
    route::Rid,
};
use std::{
    net::IpAddr,
    sync::{Arc, Mutex, OnceLock},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Messages waiting for one end; one that does not read is hung up.
pub(super) const MAILBOX: usize = 64;

/// How to end a connection from outside its actor.
#[derive(Clone, Debug, Default)]
pub(super) struct Hangup {
    pub(super) token: CancellationToken,
    why: Arc<OnceLock<Close>>,
}

impl Hangup {
    pub(super) fn now(&self, why: Close) {
        let _ = self.why.set(why); // the first reason stands
        self.token.cancel();
    }

    pub(super) fn why(&self) -> Close {
        self.why.get().copied().unwrap_or(Close::RelayStopping)
    }
}

/// The public face of one registered end.
#[derive(Clone, Debug)]
pub(super) struct Face {
    /// Boxed, as tokio keeps room for 32 messages however few there are.
    pub(super) mailbox: mpsc::Sender<Box<ToEnd>>,
    /// Its session key.
    pub(super) key: PublicKey,
    pub(super) hangup: Hangup,
    /// Which connection; a newer one of the same end replaces an older one.
    pub(super) connection: u64,
    /// The technician that its certificate names, if any.
    pub(super) technician: Option<ActorId>,
    /// Held while the end is in no session.
    pub(super) ticket: Arc<Mutex<Option<Ticket>>>,
}

/// One unpaired connection, counted until it is paired or gone.
#[derive(Debug)]
pub(super) struct Ticket {
    hub: Arc<Hub>,
    address: IpAddr,
    account: Option<ActorId>,
}

impl Ticket {
    /// Counts a connection from `address`, as the brakes count it; `None` if there are too many.
    pub(super) fn admit(hub: &Arc<Hub>, address: IpAddr) -> Option<Self> {
        let limits = hub.config.limits;
        let mut addresses = hub.addresses();
        let admitted = addresses.all() < limits.connections_in_all
            && addresses.enter(address, limits.connections_per_address);
        admitted.then(|| Self { hub: hub.clone(), address, account: None })
    }

    /// The connection is a technician's: counted there as well. False if they have too many.
    pub(super) fn admit_account(&mut self, account: ActorId) -> bool {
        let limit = self.hub.config.limits.connections_per_technician;
        let admitted = self.hub.accounts().enter(account, limit);
        self.account = admitted.then_some(account);
        admitted
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.hub.addresses().leave(&self.address);
        if let Some(account) = self.account {
            self.hub.accounts().leave(&account);
        }
    }
}

/// Held by the actor of a registered end. Dropped, also by a panic: the end is gone, unless a newer connection of it
/// is there.
#[derive(Debug)]
pub(super) struct Presence {
    pub(super) hub: Arc<Hub>,
    pub(super) rid: Rid,
    /// As the record names the end.
    pub(super) actor: ActorId,
    pub(super) connection: u64,
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.hub.depart(self);
    }
}
