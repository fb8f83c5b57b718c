//! An end's control connection, as an end built by hand listens to it.

use crate::journal::in_time;
use nearhand_proto::{
    control::ToEnd,
    net::{Link, LinkEvent},
};

/// The relay's next message that `pick` wants; what comes before it is passed over.
///
/// # Panics
/// If it does not come in time.
pub(crate) async fn hear<R>(link: &mut Link, what: &str, mut pick: impl FnMut(ToEnd) -> Option<R>) -> R {
    let heard = async {
        loop {
            if let LinkEvent::Message(message) = link.next().await
                && let Some(picked) = pick(message)
            {
                return picked;
            }
        }
    };
    in_time(what, heard).await
}
