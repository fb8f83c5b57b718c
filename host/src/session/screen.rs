//! The picture's way from its thread onto the screen streams of the session connection.

use super::{Session, Turn};
use crate::{
    front::Show,
    picture::{News, Out, Picture},
};
use nearhand_proto::{
    close::Close,
    record::Event,
    session::{StreamKind, ToViewer, screen::Epoch},
};
use quinn::{Connection, SendStream, VarInt};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

/// Epochs of one picture thread: 2^16, so that a new thread's epochs are always newer.
const EPOCH_BITS: u32 = 16;

/// The next news of the picture thread, if there is one.
///
/// # Cancel safety
/// Cancel safe.
pub(super) async fn next(picture: &mut Option<Picture>) -> Option<News> {
    match picture {
        Some(picture) => match picture.news.recv().await {
            Some(news) => Some(news),
            // The thread has ended and said so; nothing more comes.
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

impl Session {
    /// Starts the picture thread and the task that writes its streams.
    pub(super) async fn start_picture(&mut self) -> Turn {
        let Some(line) = &self.line else { return Ok(()) };
        let connection = line.connection().clone();
        let open = (self.start.desktop.capture)();
        let first = Epoch(self.pictures << EPOCH_BITS);
        self.pictures = self.pictures.wrapping_add(1);
        let mut picture = Picture::start(open, first).map_err(|error| {
            tracing::error!(%error, "no thread for the picture");
            Close::Internal
        })?;
        if let Some(frames) = picture.frames.take() {
            self.writer = Some(AbortOnDropHandle::new(tokio::spawn(write(connection, frames))));
        }
        self.picture = Some(picture);
        Ok(())
    }

    /// What the picture thread has to tell.
    pub(super) async fn news(&mut self, news: News) -> Turn {
        match news {
            News::Monitors(monitors) => self.say(ToViewer::Monitors(monitors)),
            News::Shape(shape) => self.say(ToViewer::Shape(shape)),
            News::Position(position) => {
                if let Some(line) = &self.line {
                    line.point(&position);
                }
            }
            News::Epoch { epoch, monitor } => {
                let size = monitor.size;
                self.shown = Some((epoch, monitor.clone()));
                let (width, height) = (size.width.into(), size.height.into());
                self.host_fact(Event::MonitorWatched { name: monitor.name, width, height });
            }
            News::NoPicture(why) => {
                self.show(Show::NoPicture(why.clone())).await;
                self.say(ToViewer::NoPicture(why));
            }
            News::Over(why) => {
                tracing::error!(why, "no picture any more");
                self.show(Show::NoPicture(why.clone())).await;
                self.say(ToViewer::NoPicture(why));
                return Err(Close::NoScreen);
            }
        }
        Ok(())
    }

    /// No further byte of picture leaves the host.
    pub(super) fn drop_picture(&mut self) {
        self.writer = None;
        self.picture = None;
        self.shown = None;
    }
}

/// A screen stream that is reset when it is let go: what of it is still on its way is of no use, or no longer allowed.
/// (quinn *finishes* a stream that is dropped, and would send what it has buffered.)
struct Stream(SendStream);

impl Drop for Stream {
    fn drop(&mut self) {
        // Fails only if the connection or the stream is gone already.
        let _ = self.0.reset(VarInt::from_u32(Close::Done.code().into()));
    }
}

/// Writes epochs, one stream each, until the connection or the picture ends, or the task is aborted.
async fn write(connection: Connection, mut frames: mpsc::Receiver<Out>) {
    let mut stream: Option<Stream> = None;
    while let Some(out) = frames.recv().await {
        let written = match (out, &mut stream) {
            (Out::Open(bytes), _) => {
                // The older epoch's stream first, so that the viewer never has two.
                stream = None;
                open(&connection, &bytes).await.map(|opened| stream = Some(opened))
            }
            (Out::Message(bytes), Some(stream)) => {
                stream.0.write_all(&bytes).await.map_err(anyhow::Error::from)
            }
            (Out::Message(_), None) => Ok(()),
        };
        if let Err(error) = written {
            // The session's loop learns it from the control stream.
            tracing::debug!(%error, "screen stream ended");
            return;
        }
    }
}

async fn open(connection: &Connection, first: &[u8]) -> anyhow::Result<Stream> {
    let mut stream = Stream(connection.open_uni().await?);
    stream.0.write_all(&[StreamKind::Screen as u8]).await?;
    stream.0.write_all(first).await?;
    Ok(stream)
}
