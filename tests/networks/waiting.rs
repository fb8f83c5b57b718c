//! Waiting longer than an ordinary story may, and how often or how long a story goes on.

use nearhand_host::{front::Show, inject::recorder::Injected};
use nearhand_proto::{code::SessionCode, rights::Rights};
use nearhand_tests::{Host, Viewer, host::FIRST, viewer::rgb};
use nearhand_viewer::messages::Event;
use std::time::{Duration, Instant};

/// How often something is looked for.
const LOOK: Duration = Duration::from_millis(10);

/// A number of this story: what the variable says, at most `full`; else `usual`.
pub(crate) fn number(variable: &str, usual: usize, full: usize) -> usize {
    nearhand_tests::number(variable, usual).min(full)
}

/// How long a story that takes its time goes on: `NEARHAND_SECONDS`, at most `full`; else `usual`.
pub(crate) fn seconds(usual: usize, full: usize) -> Duration {
    Duration::from_secs(u64::try_from(number("NEARHAND_SECONDS", usual, full)).unwrap())
}

/// What `look` returns in the end, or what was waited for in vain.
pub(crate) async fn within<R>(
    patience: Duration,
    what: &str,
    mut look: impl FnMut() -> Option<R>,
) -> Result<R, String> {
    let until = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if until <= Instant::now() {
            return Err(format!("not within {patience:?}: {what}"));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The code that is shown now.
pub(crate) fn code(host: &Host) -> Option<SessionCode> {
    let code = |show: &Show| if let Show::Code { code, .. } = show { Some(code.clone()) } else { None };
    host.shows.look(|shows| shows.iter().rev().find_map(code))
}

/// True if the user has been asked for these rights.
pub(crate) fn is_asked(host: &Host, wanted: Rights) -> bool {
    host.shows
        .look(|shows| shows.iter().any(|show| matches!(show, Show::Ask { rights, .. } if *rights == wanted)))
}

/// How often this was shown.
pub(crate) fn shown(host: &Host, is: impl Fn(&Show) -> bool) -> usize {
    host.shows.look(|shows| shows.iter().filter(|show| is(show)).count())
}

/// How often this was told.
pub(crate) fn told(viewer: &Viewer, is: impl Fn(&Event) -> bool) -> usize {
    viewer.events.look(|events| events.iter().filter(|event| is(event)).count())
}

/// True if the viewer's picture is the host's first monitor, pixel for pixel.
pub(crate) fn is_exact(host: &Host, viewer: &Viewer) -> bool {
    let wanted = rgb(&host.screen.pixels(FIRST));
    viewer.screen.snapshot().is_some_and(|shown| shown.rgb == wanted)
}

/// How often this text was typed; it may have come in pieces.
pub(crate) fn typed(host: &Host, text: &str) -> usize {
    let piece = |one: &Injected| if let Injected::Text(piece) = one { Some(piece.clone()) } else { None };
    host.input.injected().iter().filter_map(piece).collect::<String>().matches(text).count()
}
