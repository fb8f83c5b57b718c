//! The input stream: what was typed and clicked, in order; and the heartbeat that says that what is held is held on
//! purpose.

use crate::messages::Act;
use nearhand_proto::{
    net::FrameSender,
    session::{
        StreamKind,
        input::{HEARTBEAT, Held, Input},
        screen::Epoch,
    },
};
use quinn::Connection;
use std::time::Instant;
use tokio::{sync::mpsc, time::MissedTickBehavior};

/// Priority of input over everything else (quinn: higher first).
const PRIORITY: i32 = 20;

/// An act as the host understands it. `None` for a pointer before the first picture.
pub(super) fn input_of(act: Act, epoch: Option<Epoch>) -> Option<Input> {
    Some(match act {
        Act::Pointer(at) => Input::Pointer { epoch: epoch?, at },
        Act::Button { button, down } => Input::Button { button, down },
        Act::Wheel { x, y } => Input::Wheel { x, y },
        Act::Key { usage, down } => Input::Key { usage, down },
        Act::Text(text) => Input::Text(text),
        Act::Mark(mark) => Input::Mark(mark),
        Act::Locks(locks) => Input::Locks(locks),
    })
}

/// Writes inputs until either side has gone.
pub(super) async fn write(connection: Connection, mut inputs: mpsc::Receiver<Input>) {
    let opened = async {
        let mut stream = connection.open_uni().await?;
        stream.write_all(&[StreamKind::Input as u8]).await?;
        let _ = stream.set_priority(PRIORITY); // fails only on a closed stream, which the next write tells
        Ok::<_, quinn::WriteError>(FrameSender::new(stream))
    };
    let mut sender = match opened.await {
        Ok(sender) => sender,
        Err(error) => {
            tracing::debug!(%error, "no input stream");
            return;
        }
    };
    let mut held = Held::default();
    let mut beats = tokio::time::interval(HEARTBEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let input = tokio::select! {
            biased;
            input = inputs.recv() => match input {
                Some(input) => input,
                None => return,
            },
            _ = beats.tick(), if held.deadline().is_some() => Input::Heartbeat,
        };
        held.handle(&input, Instant::now());
        if sender.send(&input).await.is_err() {
            // The session's loop learns it from the control stream.
            return;
        }
    }
}
