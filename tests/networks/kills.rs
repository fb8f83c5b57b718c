//! The relay's program is killed again and again while many sessions run (F1): each goes on over the same connection, and the
//! record keeps every note that was acknowledged.

use crate::{
    ends::{Pair, roomy},
    waiting::{is_exact, number, shown, told, within},
};
use nearhand_host::{front::Show, inject::recorder::Injected};
use nearhand_proto::{
    close::Close,
    ids::SessionId,
    relay_string::RelayString,
    session::{
        geometry::{MonitorId, Point, Size},
        input::Usage,
    },
};
use nearhand_tests::{Record, Technician, World, weather::seed};
use nearhand_viewer::messages::{Command, Event};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::watch, task::JoinSet};

/// Small, so that fifty of them are quick to paint.
const TINY: Size = Size { width: 64, height: 48 };
const FIRST: MonitorId = MonitorId(0);
const CONTROL: Usage = Usage(0xe0);

/// How long the picture may take once the relay is back, and an end to notice that it is gone.
const RESUMED: Duration = Duration::from_secs(3);
const NOTICED: Duration = Duration::from_secs(10);

/// How long after a kill nothing is held any more: 2 s by F16, and more for a busy machine.
const RELEASED: Duration = Duration::from_millis(2_700);

/// The longest time that the relay stays away; and before each kill.
const DOWN: f64 = 4.0;
const UP: f64 = 2.0;

/// Nothing of a round takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a round stands.
#[derive(Clone, Copy, Debug)]
enum Phase {
    Up,
    Back { killed: Instant, back: Instant },
}

/// One session under way.
struct Busy {
    pair: Pair,
    session: SessionId,
    random: fastrand::Rng,
    /// Every note that was sent, in order.
    notes: Vec<String>,
}

/// What a round has seen of one session.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// From the relay's being back to an exact new picture.
    resumed: Duration,
    /// From the kill until both ends knew.
    noticed: Duration,
}

impl Busy {
    async fn begin(relay: RelayString, technician: Arc<Technician>, number: usize, seed: u64) -> Self {
        let pair = Pair::begin([relay.clone(), relay], &technician).await.unwrap();
        pair.host.screen.resize(&[TINY]);
        let random = fastrand::Rng::with_seed(seed);
        pair.consent(PATIENCE).await.unwrap();
        let session = pair.viewer.stats().session.unwrap_or_else(|| panic!("session {number} is paired"));
        Self { pair, session, random, notes: Vec::new() }
    }

    /// Fills the screen; returns the colour.
    fn paint(&mut self) -> [u8; 3] {
        let colour = [self.random.u8(..), self.random.u8(..), self.random.u8(..)];
        self.pair.host.screen.fill(FIRST, TINY.rect(), colour);
        colour
    }

    async fn note(&mut self) {
        let text = format!("note {}", self.notes.len());
        self.pair.viewer.send(Command::Note(text.clone())).await;
        self.notes.push(text);
    }

    /// True while a key is down on the host. A press that was under way when the relay was killed comes when it is back.
    fn is_held(&self) -> bool {
        let injected = self.pair.host.input.injected();
        let last = injected.iter().rfind(|one| matches!(one, Injected::KeyDown(_) | Injected::KeyUp(_)));
        last == Some(&Injected::KeyDown(CONTROL))
    }

    /// How often host and viewer have lost their relay.
    fn losses(&self) -> [usize; 2] {
        [
            shown(&self.pair.host, |show| *show == Show::RelayLost),
            told(&self.pair.viewer, |event| *event == Event::RelayLost),
        ]
    }

    /// Works until the relay is back after a kill, and says how it went.
    async fn round(mut self, mut phase: watch::Receiver<Phase>) -> (Self, Seen) {
        let before = self.losses();
        self.pair.host.input.take();
        if self.random.bool() {
            self.pair.viewer.key(CONTROL.0, true).await;
        }
        let mut lost: Option<Instant> = None;
        let (killed, back) = loop {
            self.note().await;
            self.paint();
            let pause = Duration::from_millis(self.random.u64(100..500));
            let _ = tokio::time::timeout(pause, phase.changed()).await;
            let knows = self.losses().iter().zip(before).all(|(now, before)| before < *now);
            lost = lost.or_else(|| knows.then(Instant::now));
            if let Phase::Back { killed, back } = *phase.borrow_and_update() {
                break (killed, back);
            }
        };
        let away = back - killed;
        // The host lets go after 1.5 s without a heartbeat.
        if RELEASED < away {
            assert!(!self.is_held(), "held for {away:?} while nothing was heard");
        }
        self.pair.viewer.key(CONTROL.0, false).await;
        let colour = Some(self.paint());
        let screen = &self.pair.viewer.screen;
        // One pixel first: fifty whole pictures compared all the time would keep the machine from anything else.
        let exact = || {
            let is_there = screen.pixel(Point { x: 9, y: 9 }) == colour;
            (is_there && is_exact(&self.pair.host, &self.pair.viewer)).then(Instant::now)
        };
        let resumed = within(PATIENCE, "an exact picture", exact).await.unwrap() - back;
        let both = || {
            let losses = self.losses();
            let knows = losses.iter().zip(before).all(|(now, before)| before < *now);
            lost = lost.or_else(|| knows.then(Instant::now));
            let is_back = shown(&self.pair.host, |show| *show == Show::RelayBack) == losses[0] + 1
                && told(&self.pair.viewer, |event| *event == Event::RelayBack) == losses[1];
            lost.filter(|_| is_back)
        };
        let lost = within(PATIENCE, "both ends at the relay", both).await.unwrap();
        self.pair.is_the_same().unwrap();
        assert_eq!(self.pair.viewer.stats().session, Some(self.session));
        assert_eq!(shown(&self.pair.host, |show| *show == Show::Suspended), 0);
        (self, Seen { resumed, noticed: lost.saturating_duration_since(killed) })
    }

    /// The numbers of all notes, once all are durable.
    async fn acknowledged(&self) -> Vec<u64> {
        let numbers = || {
            self.pair.viewer.events.look(|events| {
                let noted = |event: &Event| if let Event::Noted { seq } = event { Some(*seq) } else { None };
                Some(events.iter().filter_map(noted).collect::<Vec<_>>())
            })
        };
        let all = || numbers().filter(|all| self.notes.len() <= all.len());
        within(PATIENCE, "every note is durable", all).await.unwrap()
    }
}

/// The session's own facts are there without gap, each once, and its notes as they were acknowledged.
fn is_whole(record: &Record, session: SessionId, notes: &[(u64, String)]) {
    let facts: Vec<_> =
        record.entries.iter().filter(|entry| entry.origin != "relay" && entry.of(session)).collect();
    for (number, fact) in (0..).zip(&facts) {
        assert_eq!(fact.seq, number, "of {session}");
    }
    let texts: Vec<_> = facts
        .iter()
        .filter(|fact| fact.event == "note")
        .map(|fact| (fact.seq, fact.fields["text"].as_str().unwrap_or_default().to_owned()))
        .collect();
    assert_eq!(texts, notes, "of {session}");
}

/// The record, once every session has ended in it: it is long, so it is not read often.
async fn whole_record(world: &World, sessions: usize) -> Record {
    let until = Instant::now() + PATIENCE;
    loop {
        let record = world.operator.record().await;
        if record.count("session.end") == sessions {
            return record;
        }
        assert!(Instant::now() < until, "{} of {sessions} ends are on record", record.count("session.end"));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// One kill: the relay is away for a while, every session works on.
async fn kill(world: &mut World, all: Vec<Busy>, [up, down]: [f64; 2]) -> (Vec<Busy>, Vec<Seen>) {
    let (phase, phases) = watch::channel(Phase::Up);
    let mut rounds = JoinSet::new();
    for busy in all {
        rounds.spawn(busy.round(phases.clone()));
    }
    // A random moment, and the outage that the story is about.
    tokio::time::sleep(Duration::from_secs_f64(up)).await;
    let killed = Instant::now();
    world.kill_relay().await;
    tokio::time::sleep(Duration::from_secs_f64(down)).await;
    world.start_relay().await;
    phase.send_replace(Phase::Back { killed, back: Instant::now() });
    let (mut all, mut seen) = (Vec::new(), Vec::new());
    while let Some(ended) = rounds.join_next().await {
        let (busy, one) = ended.unwrap();
        all.push(busy);
        seen.push(one);
    }
    (all, seen)
}

/// The given share of them took no longer; sorts them.
fn quantile(resumed: &mut [Duration], percent: usize) -> Duration {
    resumed.sort_unstable();
    resumed[(resumed.len() * percent / 100).min(resumed.len() - 1)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_session_outlives_every_kill_of_the_relay() {
    let (kills, sessions) = (number("NEARHAND_KILLS", 3, 100), number("NEARHAND_SESSIONS", 20, 50));
    let seed = seed("kills of the relay");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut world = World::start_program_with(roomy).await;
    let technician = Arc::new(world.technician("Vera Example").await);
    let mut begun = JoinSet::new();
    for number in 0..sessions {
        begun.spawn(Busy::begin(world.relay(), technician.clone(), number, random.u64(..)));
    }
    let mut all = begun.join_all().await;
    let mut resumed = Vec::new();
    for round in 1..=kills {
        let times = [random.f64() * UP, random.f64() * DOWN];
        let seen;
        (all, seen) = kill(&mut world, all, times).await;
        let noticed = seen.iter().map(|one| one.noticed).max().unwrap();
        let mut now: Vec<_> = seen.iter().map(|one| one.resumed).collect();
        let [median, worst] = [50, 100].map(|percent| quantile(&mut now, percent));
        let [up, down] = times;
        eprintln!(
            "kill {round}: after {up:.1} s, for {down:.1} s: resumed after {median:?}, the last {worst:?}"
        );
        assert!(noticed <= NOTICED && worst <= NOTICED, "{seen:?}");
        resumed.extend(now);
    }
    let [median, most, worst] = [50, 98, 100].map(|percent| quantile(&mut resumed, percent));
    let late = resumed.iter().filter(|one| RESUMED < **one).count();
    eprintln!(
        "resumed: median {median:?}, 98 of 100 {most:?}, worst {worst:?}; {late} of {} late",
        resumed.len()
    );
    // The rest is for a machine that does other things meanwhile.
    assert!(most <= RESUMED, "{most:?}");
    let mut told = Vec::new();
    for busy in all {
        let numbers = busy.acknowledged().await;
        told.push((busy.session, numbers.into_iter().zip(busy.notes).collect::<Vec<_>>()));
        assert_eq!(busy.pair.viewer.end().await, Close::TechnicianLeft);
    }
    let record = whole_record(&world, sessions).await;
    for (session, notes) in &told {
        is_whole(&record, *session, notes);
    }
    let notes: usize = told.iter().map(|(_, notes)| notes.len()).sum();
    assert_eq!((record.count("note"), record.count("relay.crashed")), (notes, kills));
    assert_eq!(record.count("session.lost"), 0);
    eprintln!("{kills} kills of {sessions} sessions: {notes} notes, each where it was acknowledged");
    world.end().await;
}
