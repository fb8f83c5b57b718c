//! Whose hands are on mouse and keyboard: what follows from the injection thread's news.

use super::{Session, Turn};
use crate::{front::Show, injection::News};
use nearhand_proto::{record::Event, session::ToViewer};
use tokio::sync::mpsc;

/// The next news of the injection thread, if there is one.
///
/// # Cancel safety
/// Cancel safe.
pub(super) async fn next(news: &mut Option<mpsc::Receiver<News>>) -> News {
    if let Some(news) = news
        && let Some(news) = news.recv().await
    {
        return news;
    }
    // No thread, or one that has ended: nothing happens there.
    std::future::pending().await
}

impl Session {
    pub(super) async fn handle_injected(&mut self, news: News) -> Turn {
        match news {
            News::Reached(mark) => self.say(ToViewer::Acted(mark)),
            News::OwnWindow => self.say(ToViewer::OwnWindow),
            News::Yielded(on) => self.yields(on).await,
        }
        Ok(())
    }

    /// The user's own input stops the technician's, or that works again: both are told once.
    pub(super) async fn yields(&mut self, on: bool) {
        if std::mem::replace(&mut self.yielded, on) == on {
            return;
        }
        // Only what stopped somebody stands in the record.
        if on && std::mem::take(&mut self.control_used) {
            self.host_fact(Event::ControlYielded);
        }
        self.say(ToViewer::Yielded(on));
        self.show(Show::Yielded(on)).await;
    }
}
