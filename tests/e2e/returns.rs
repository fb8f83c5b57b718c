//! A viewer that was away and is back: the session goes on as the user has left it, which may be another way than the
//! viewer has left it.

use crate::session::injected;
use nearhand_host::{
    front::{Press, Show},
    inject::recorder::Injected,
};
use nearhand_proto::{
    close::Close, relay_string::RelayString, rights::Rights, session::control::RightsChange,
};
use nearhand_tests::{
    Host, Viewer, Weather, World, eventually,
    host::{FIRST, SIZE},
    world::consent,
};
use nearhand_viewer::messages::{Command, Event};
use std::time::Duration;

const SEEN: Rights = Rights::VIEW.union(Rights::CONTROL);

/// A session whose viewer reaches the relay through a tap.
struct Session {
    host: Host,
    viewer: Viewer,
    tap: Weather,
    world: World,
}

impl Session {
    async fn start() -> Self {
        let world = World::start().await;
        let tap = world.tap().await;
        let technician = world.technician("Vera Example").await;
        let mut host = world.host_with(|config| config.idle = Duration::from_millis(600));
        let code = host.code().await;
        let relay = RelayString { port: tap.port(), ..world.relay() };
        let mut viewer = Viewer::start(technician.config(relay, &code));
        consent(&mut host, &mut viewer).await;
        Self { host, viewer, tap, world }
    }

    /// The viewer is away, and both know.
    async fn cut(&mut self) {
        self.viewer.events.skip();
        self.tap.cut(true);
        self.host.sees(Show::Suspended).await;
        self.viewer.hears(Event::Suspended).await;
    }

    /// It is back, with these rights.
    async fn mended(&mut self, held: Rights) {
        self.tap.cut(false);
        self.host.sees(Show::Resumed).await;
        self.viewer.hears(Event::Resumed).await;
        self.viewer.holds(held, RightsChange::Given).await;
    }

    async fn gives(&mut self, rights: Rights, held: Rights) {
        self.host.press(Press::Give(rights)).await;
        self.viewer.holds(held, RightsChange::Given).await;
    }

    async fn types(&self, text: &str) {
        self.viewer.types(text).await;
        injected(&self.host, &[Injected::Text(text.into())]).await;
    }

    async fn end(self) {
        assert_eq!(self.viewer.end().await, Close::TechnicianLeft);
        self.world.end().await;
    }
}

/// No picture, and neither bytes nor news of one, while the screen changes twenty times.
async fn no_picture_comes(session: &mut Session) {
    let Session { host, viewer, .. } = session;
    viewer.events.skip();
    viewer.note("a round trip").await;
    let (before, told) = (viewer.stats().bytes_received, viewer.events.all().len());
    for round in 0..20_u32 {
        host.screen.put(FIRST, SIZE.rect(), &crate::hands::noise(round));
        viewer.types("dropped").await;
        viewer.note("another").await;
    }
    // Each picture alone would be some 90 kB.
    let received = viewer.stats().bytes_received - before;
    assert!(received < 20_000, "{received} bytes came during the pause");
    assert!(!viewer.has_picture());
    let pictures = |event: &Event| matches!(event, Event::Updated { .. });
    assert!(!viewer.events.all()[told..].iter().any(pictures));
    assert_eq!(host.input.injected(), []);
}

#[tokio::test]
async fn a_viewer_that_was_away_during_a_pause_is_told_of_it_again_and_gets_no_picture() {
    let mut session = Session::start().await;
    session.host.press(Press::Pause(true)).await;
    session.viewer.hears(Event::Paused(true)).await;
    session.cut().await;
    session.mended(SEEN).await;
    session.viewer.hears(Event::Paused(true)).await;
    no_picture_comes(&mut session).await;

    session.host.press(Press::Pause(false)).await;
    session.viewer.hears(Event::Paused(false)).await;
    session.viewer.shows(&session.host, FIRST).await;
    session.types("back").await;
    session.end().await;
}

#[tokio::test]
async fn a_pause_that_begins_while_the_viewer_is_away_blanks_its_picture_once_it_is_back() {
    let mut session = Session::start().await;
    session.cut().await;
    session.host.press(Press::Pause(true)).await;
    session.host.sees(Show::Paused(true)).await;
    assert!(session.viewer.has_picture(), "the last one stays while nothing is known");
    session.mended(SEEN).await;
    session.viewer.hears(Event::Paused(true)).await;
    no_picture_comes(&mut session).await;

    // And one that ends while it is away has ended.
    session.cut().await;
    session.host.press(Press::Pause(false)).await;
    session.host.sees(Show::Paused(false)).await;
    session.mended(SEEN).await;
    session.viewer.hears(Event::Paused(false)).await;
    session.viewer.shows(&session.host, FIRST).await;
    session.types("back").await;
    session.end().await;
}

#[tokio::test]
async fn a_viewer_that_comes_back_has_the_rights_it_had_and_the_clipboard_the_same_way() {
    for (right, out) in [(Rights::CLIPBOARD_OUT, true), (Rights::CLIPBOARD_IN, false)] {
        let mut session = Session::start().await;
        session.gives(right, SEEN | right).await;
        session.cut().await;
        session.host.board.copy("while it was away");
        session.mended(SEEN | right).await;
        session.viewer.shows(&session.host, FIRST).await;
        session.types("back").await;
        let Session { host, viewer, .. } = &mut session;
        viewer.send(Command::Clipboard("from the desk".to_owned())).await;
        if out {
            viewer.hears(Event::NeedsRight(Rights::CLIPBOARD_IN)).await;
            eventually("the host listens", || host.board.is_listened_to().then_some(())).await;
            host.board.copy("from the user");
            viewer.hears(Event::Clipboard("from the user".to_owned())).await;
            assert_eq!(host.board.content(), "from the user");
        } else {
            viewer.hears(Event::Clipped { bytes: 13 }).await;
            assert_eq!(host.board.content(), "from the desk");
            assert!(!host.board.is_listened_to(), "putting is not reading");
        }
        let texts = |event: &&Event| matches!(event, Event::Clipboard(_));
        assert_eq!(viewer.events.all().iter().filter(texts).count(), usize::from(out));
        session.end().await;
    }
}

#[tokio::test]
async fn what_is_taken_back_while_the_viewer_is_away_is_gone_when_it_is_back() {
    let mut session = Session::start().await;
    session.cut().await;
    session.host.press(Press::Revoke(Rights::CONTROL)).await;
    session.mended(Rights::VIEW).await;
    session.viewer.shows(&session.host, FIRST).await;
    session.viewer.types("dropped").await;
    session.viewer.hears(Event::NeedsRight(Rights::CONTROL)).await;
    assert_eq!(session.host.input.injected(), []);

    session.cut().await;
    session.host.press(Press::Revoke(Rights::VIEW)).await;
    session.mended(Rights::empty()).await;
    assert!(!session.viewer.has_picture(), "the picture of before stays");
    session.gives(SEEN, SEEN).await;
    session.viewer.shows(&session.host, FIRST).await;
    session.types("back").await;
    session.end().await;
}

#[tokio::test]
async fn a_question_that_stands_outlasts_the_viewers_absence() {
    let mut session = Session::start().await;
    session.viewer.send(Command::Ask(Rights::CLIPBOARD_IN)).await;
    session.host.asked(Rights::CLIPBOARD_IN).await;
    session.viewer.hears(Event::Asking(Rights::CLIPBOARD_IN)).await;
    session.cut().await;
    session.mended(SEEN).await;
    session.host.press(Press::Allow(Rights::CLIPBOARD_IN)).await;
    session.viewer.holds(SEEN | Rights::CLIPBOARD_IN, RightsChange::Given).await;
    session.end().await;
}
