//! A host and a viewer, each behind a network of its own.

use crate::waiting::{code, is_asked, is_exact, shown, told, typed, within};
use nearhand_host::front::{Press, Show};
use nearhand_proto::{close::Close, relay_string::RelayString, rights::Rights};
use nearhand_relay::{config::Config, limits::Limits};
use nearhand_tests::{
    Host, Technician, Viewer, Weather, World,
    host::{FIRST, SIZE},
    weather::Link,
};
use nearhand_viewer::messages::Event;
use std::time::{Duration, Instant};

/// No pair of a story waits longer for any one step than F5 allows its handshakes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// All ends of a story come from one address and one technician; that is not what it is about.
pub(crate) fn roomy(limits: &mut Limits) {
    limits.connections_per_address = 1_000;
    limits.connections_per_technician = 1_000;
}

/// A relay for many ends.
pub(crate) async fn world() -> World {
    World::start_with(|config: &mut Config| roomy(&mut config.limits)).await
}

/// The networks of one pair.
#[derive(Debug)]
pub(crate) struct Ways {
    /// Between host and relay.
    pub(crate) host: Weather,
    /// Between viewer and relay.
    pub(crate) viewer: Weather,
}

impl Ways {
    /// With these links; both shapers follow from the seed.
    pub(crate) async fn start(world: &World, [host, viewer]: [Link; 2], seed: u64) -> Self {
        Self {
            host: Weather::start(world.address(), host, seed, false).await,
            viewer: Weather::start(world.address(), viewer, seed.wrapping_add(1_000), false).await,
        }
    }

    /// From now on both networks are like this.
    pub(crate) fn set(&self, link: &Link) {
        self.host.set(link.clone());
        self.viewer.set(link.clone());
    }
}

/// When the viewer of a pair had come how far, since it was started.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Steps {
    /// The host is told.
    pub(crate) claimed: Duration,
    /// The session is on record.
    pub(crate) paired: Duration,
    /// The user is asked.
    pub(crate) asked: Duration,
}

/// A host and a viewer that have paired.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) host: Host,
    pub(crate) viewer: Viewer,
    pub(crate) steps: Steps,
    /// Handshakes that it took: 1, unless the network was bad already.
    pub(crate) handshakes: u64,
}

impl Pair {
    /// A host waits, a viewer enters its code, the session connection stands and the user is asked. Each is tried once.
    pub(crate) async fn begin(relays: [RelayString; 2], technician: &Technician) -> Result<Self, String> {
        Self::dial(relays, technician, PATIENCE).await
    }

    /// The same; each end tries to reach its relay for this long.
    pub(crate) async fn dial(
        [host, viewer]: [RelayString; 2],
        technician: &Technician,
        patience: Duration,
    ) -> Result<Self, String> {
        let host = Host::start(host, |config| config.patience = patience);
        let code = within(PATIENCE, "a code", || code(&host)).await?;
        let mut config = technician.config(viewer, &code);
        config.patience = patience;
        let began = Instant::now();
        let mut pair = Self { host, viewer: Viewer::start(config), steps: Steps::default(), handshakes: 1 };
        pair.step("the claim", |event| matches!(event, Event::Claimed { .. })).await?;
        pair.steps.claimed = began.elapsed();
        pair.step("the pairing", |event| matches!(event, Event::Paired { .. })).await?;
        pair.steps.paired = began.elapsed();
        let Self { host, viewer, .. } = &pair;
        within(PATIENCE, "a question", || (is_asked(host, Rights::VIEW) || is_over(viewer)).then_some(()))
            .await?;
        pair.steps.asked = began.elapsed();
        pair.not_over("a question")?;
        pair.handshakes = pair.viewer.stats().quic_handshakes;
        Ok(pair)
    }

    async fn step(&self, what: &str, is: impl Fn(&Event) -> bool) -> Result<(), String> {
        let look = || (told(&self.viewer, &is) != 0 || is_over(&self.viewer)).then_some(());
        within(PATIENCE, what, look).await?;
        if told(&self.viewer, &is) == 0 { self.not_over(what) } else { Ok(()) }
    }

    fn not_over(&self, what: &str) -> Result<(), String> {
        if is_over(&self.viewer) {
            return Err(format!("over before {what}: {:?}", self.viewer.events.all()));
        }
        Ok(())
    }

    /// The user allows both; the first picture arrives.
    pub(crate) async fn consent(&self, patience: Duration) -> Result<(), String> {
        for right in [Rights::VIEW, Rights::CONTROL] {
            within(patience, "a question", || is_asked(&self.host, right).then_some(())).await?;
            self.host.press(Press::Allow(right)).await;
        }
        let both = Rights::VIEW | Rights::CONTROL;
        let holds = |event: &Event| matches!(event, Event::Rights { held, .. } if *held == both);
        within(patience, "both rights", || (told(&self.viewer, holds) != 0).then_some(())).await?;
        self.exact(patience).await
    }

    /// The picture is exact.
    pub(crate) async fn exact(&self, patience: Duration) -> Result<(), String> {
        within(patience, "an exact picture", || is_exact(&self.host, &self.viewer).then_some(())).await
    }

    /// The picture changes, and this text arrives once.
    pub(crate) async fn works(&self, text: &str, patience: Duration) -> Result<(), String> {
        let byte = text.bytes().fold(7_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
        self.host.screen.fill(FIRST, SIZE.rect(), [byte, 255 - byte, 128]);
        self.viewer.types(text).await;
        self.exact(patience).await?;
        let arrived =
            within(patience, "what was typed", || (typed(&self.host, text) != 0).then_some(())).await;
        arrived.map_err(|why| format!("{why}; injected: {:?}", self.host.input.injected()))?;
        let times = typed(&self.host, text);
        if times == 1 { Ok(()) } else { Err(format!("'{text}' arrived {times} times")) }
    }

    /// Still the same QUIC connection, the same code.
    pub(crate) fn is_the_same(&self) -> Result<(), String> {
        let handshakes = self.viewer.stats().quic_handshakes;
        let codes = shown(&self.host, |show| matches!(show, Show::Code { .. }));
        if (handshakes, codes) == (self.handshakes, 1) {
            Ok(())
        } else {
            Err(format!("{handshakes} handshakes, {codes} codes"))
        }
    }

    /// The technician leaves.
    pub(crate) async fn end(self) {
        assert_eq!(self.viewer.end().await, Close::TechnicianLeft);
    }
}

fn is_over(viewer: &Viewer) -> bool {
    told(viewer, |event| matches!(event, Event::Ended(_))) != 0
}
