//! Congestion control of the session connection: bounded by delay, patient with stray loss.
//!
//! Cubic and NewReno take every loss for a full queue, so that 1 % of stray loss stops a picture on a long path, and they
//! fill whatever queue there is. This controller looks at the queue itself: once per round trip it compares the round's
//! shortest trip with the shortest of late ([`Base`]). Below a target of waiting the window grows, above it the window
//! shrinks in proportion, as in LEDBAT (RFC 6817) and Swift (SIGCOMM 2020). Loss counts where it can't be stray: a share
//! of 1.5 % while a queue stands, or while growing brings nothing ([`Gain`]: BBRv2 bounds what is in flight at 2 %), and
//! else of 20 %, which is reordering too (BBRv1 looks for a policer from there on); persistent congestion and ECN marks
//! always (RFC 9002 §7, RFC 8511). In a queue that somebody else fills it competes, but does not make it longer
//! ([`Crowd`]). When the shortest trip hasn't been seen for long, the window rests for two rounds, so that the queue drains
//! and a path that has become longer is known as such (BBR's ProbeRTT).
//!
//! quinn paces what it sends at 5/4 of a window per round trip. Figures, and what else was tried:
//! `docs/decisions/0013-congestion-control.md`.

mod base;
mod calm;
mod crowd;
mod gain;
mod losses;
mod round;

use self::calm::Calm;
use quinn_proto::{
    RttEstimator,
    congestion::{Controller, ControllerFactory},
};
use std::{
    any::Any,
    sync::Arc,
    time::{Duration, Instant},
};

/// How much waiting in the path's queue is sought, at most: for a picture, and for what must not delay one.
const PICTURE: Duration = Duration::from_millis(50);
const BULK: Duration = Duration::from_millis(20);

/// Makes a controller for each connection and path.
#[derive(Clone, Copy, Debug)]
pub struct Congestion {
    target: Duration,
}

impl Congestion {
    /// For a session connection.
    pub fn picture() -> Self {
        Self { target: PICTURE }
    }

    /// For a second connection of the same pair, which makes way for the first.
    pub fn bulk() -> Self {
        Self { target: BULK }
    }
}

impl ControllerFactory for Congestion {
    fn build(self: Arc<Self>, now: Instant, current_mtu: u16) -> Box<dyn Controller> {
        Box::new(Calm::new(self.target, now, current_mtu.into()))
    }
}

impl Controller for Calm {
    fn on_ack(&mut self, now: Instant, sent: Instant, bytes: u64, _: bool, _: &RttEstimator) {
        self.handle_ack(now, sent, bytes);
    }

    fn on_end_acks(&mut self, now: Instant, in_flight: u64, _: bool, _: Option<u64>) {
        self.handle_batch(now, in_flight);
    }

    fn on_congestion_event(&mut self, now: Instant, sent: Instant, is_persistent: bool, lost: u64) {
        self.handle_congestion(now, sent, is_persistent, lost);
    }

    fn on_mtu_update(&mut self, new_mtu: u16) {
        self.handle_mtu(new_mtu.into());
    }

    fn window(&self) -> u64 {
        Self::window(self)
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }

    fn initial_window(&self) -> u64 {
        self.first()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}
