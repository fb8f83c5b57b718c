//! What must hold at the ends, whatever the relay does.

use crate::{
    host::{FIRST, Host},
    journal::eventually,
    viewer::Viewer,
};
use nearhand_host::{front::Show, inject::recorder::Injected};
use nearhand_proto::{
    code::{Secret, SessionCode},
    session::geometry::Rect,
};
use nearhand_viewer::messages::Event;

/// Where [`exact`] changes the picture: some packets full.
const CHANGED: Rect = Rect { x: 33, y: 55, width: 96, height: 32 };

/// Pixels that no codec shortens (BGRX8), others for each seed.
pub fn noise(area: Rect, seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..area.pixels() * 4).map(|_| random.u8(..)).collect()
}

/// Nobody was asked, nobody may do anything, nothing was injected.
///
/// # Panics
/// If it is otherwise.
pub fn untouched(host: &Host) {
    let shown = host.shows.all();
    let consent = |show: &Show| matches!(show, Show::Ask { .. } | Show::Rights { .. });
    assert!(!shown.iter().any(consent), "{shown:#?}");
    assert_eq!(host.input.injected(), []);
}

/// Nothing was shown here, and no right told.
///
/// # Panics
/// If it is otherwise.
pub fn blind(viewer: &Viewer) {
    let told = viewer.events.all();
    let seen =
        |event: &Event| matches!(event, Event::Started { .. } | Event::Rights { .. } | Event::Updated { .. });
    assert!(!told.iter().any(seen), "{told:#?}");
    assert!(!viewer.has_picture());
}

/// Rounds of picture one way and text the other: every picture arrives as it is, every text is typed once and in order.
///
/// # Panics
/// If not.
pub async fn exact(host: &Host, viewer: &Viewer, rounds: u64) {
    let mut expected = host.input.injected();
    for round in 0..rounds {
        let text = format!("text {round}");
        viewer.types(&text).await;
        expected.push(Injected::Text(text));
        host.screen.put(FIRST, CHANGED, &noise(CHANGED, round));
        viewer.shows(host, FIRST).await;
    }
    eventually("everything is typed", || (expected.len() <= host.input.injected().len()).then_some(())).await;
    assert_eq!(host.input.injected(), expected);
}

/// The same locator with another secret.
///
/// # Panics
/// Never: a number of six digits can be drawn.
pub fn mistaken(code: &SessionCode) -> SessionCode {
    let number = code.secret.as_bytes().iter().fold(0, |sum, digit| 10 * sum + u32::from(digit - b'0'));
    let secret = Secret::draw(((number + 1) % 1_000_000).to_be_bytes()).expect("six digits");
    SessionCode { locator: code.locator, secret }
}
