//! The link's task: serves one control connection at a time, dials the next.

use super::{DialError, LinkConfig, LinkEvent, dial::FIRST_ATTEMPT};
use crate::{
    close::Close,
    control::{SessionState, ToEnd, ToRelay},
    net::{FrameError, FrameReceiver, FrameSender, PathSocket, close_reason},
    text::Name,
};
use quinn::{Connection, ConnectionError, Endpoint, VarInt};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    sync::{Notify, mpsc, watch},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

/// How often a paired end pings.
const PING: Duration = Duration::from_secs(1);
/// Shortest silence that counts as a loss.
const SILENCE: Duration = Duration::from_secs(2);
/// Shortest time that an attempt to dial again has.
const FIRST_AGAIN: Duration = Duration::from_secs(1);
/// While a session is paired, so many attempts are short ones, for a relay that restarts: they take about four seconds.
const SHORT_ATTEMPTS: usize = 3;
/// And none has longer than this: quinn says its first word again at ever longer distances, and when an outage ends a session
/// waits for the next one.
const PAIRED_ATTEMPT: Duration = Duration::from_secs(4);
/// Shortest and longest pause between attempts.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(2));
/// Longest datagram that is echoed: an address proof is 16 bytes.
const MAX_ECHO: usize = 32;

/// A registered control connection.
pub(super) struct Online {
    pub(super) connection: Connection,
    pub(super) sender: FrameSender<ToRelay>,
    pub(super) receiver: FrameReceiver<ToEnd>,
    pub(super) desk: Name,
    pub(super) sessions: Vec<SessionState>,
    pub(super) heard: Instant,
}

impl Online {
    fn silence_allowed(&self) -> Duration {
        SILENCE.max(self.connection.rtt() * 4)
    }

    fn close(&self, why: Close) {
        self.connection.close(VarInt::from_u32(why.code().into()), &[]);
    }
}

/// How one stretch of being online ended.
enum Fate {
    Stopped,
    Lost,
    Refused(Close),
}

pub(super) struct Actor {
    pub(super) config: LinkConfig,
    pub(super) endpoint: Endpoint,
    pub(super) socket: Arc<PathSocket>,
    pub(super) events: mpsc::Sender<LinkEvent>,
    pub(super) outgoing: mpsc::Receiver<ToRelay>,
    pub(super) probes: mpsc::Receiver<()>,
    /// Told when `outgoing` was full: the relay takes nothing.
    pub(super) overflow: Arc<Notify>,
    pub(super) paired: watch::Receiver<bool>,
    pub(super) stop: CancellationToken,
    pub(super) pings: u64,
    /// Failed attempts to connect, in a row.
    pub(super) attempts: usize,
    /// Where the relay was when it was reached last; before that, where to begin.
    pub(super) good: SocketAddr,
}

impl Actor {
    pub(super) async fn first_dial(&mut self) -> Result<Online, DialError> {
        let until = Instant::now() + self.config.patience;
        let mut pause = PAUSE.0;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let error = match self.attempt(FIRST_ATTEMPT.min(left)).await {
                Ok(online) => return Ok(online),
                Err(error) => error,
            };
            let over = until <= Instant::now() + pause;
            if !error.close().may_retry() || over {
                return Err(error);
            }
            tracing::debug!(%error, "relay not reached, trying again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    pub(super) async fn run(mut self, mut online: Online) {
        loop {
            let registered =
                LinkEvent::Registered { desk: online.desk.clone(), sessions: online.sessions.clone() };
            // This the owner must know, and it is waited for: a full channel is no reason to end.
            tokio::select! {
                biased;
                sent = self.events.send(registered) => if sent.is_err() {
                    return online.close(Close::Done);
                },
                () = self.stop.cancelled() => {} // served below: what is queued goes out first
            }
            let down = match self.serve(&mut online).await {
                Fate::Stopped => return online.close(Close::Done),
                Fate::Refused(close) => Some(close),
                Fate::Lost => None,
            };
            let next = match down {
                Some(close) => Err(close),
                None => self.redial(&mut online).await,
            };
            match next {
                Ok(new) => online = new,
                Err(close) => {
                    let _ = self.events.send(LinkEvent::Down(close)).await;
                    return;
                }
            }
        }
    }

    /// Serves one connection until it is lost. One turn, one arm, one call.
    async fn serve(&mut self, online: &mut Online) -> Fate {
        let mut tick = tokio::time::interval(PING);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let turn = tokio::select! {
                biased;
                () = self.stop.cancelled() => self.drain(online).await,
                () = self.overflow.notified() => Err(Fate::Lost),
                message = online.receiver.next() => self.received(online, message).await,
                Some(message) = self.outgoing.recv() => Self::send(online, &message).await,
                Ok(datagram) = online.connection.read_datagram() => echo(online, datagram),
                Some(()) = self.probes.recv() => self.ping(online).await,
                () = self.config.moves.told() => self.change_port(online).await,
                _ = tick.tick() => self.tick(online).await,
            };
            if let Err(fate) = turn {
                return fate;
            }
        }
    }

    async fn drain(&mut self, online: &mut Online) -> Result<(), Fate> {
        while let Ok(message) = self.outgoing.try_recv() {
            Self::send(online, &message).await?;
        }
        // The relay closes when it has read everything; then nothing of ours is lost.
        let _ = online.sender.stream().finish();
        let _ = timeout(SILENCE, online.connection.closed()).await;
        Err(Fate::Stopped)
    }

    async fn received(
        &mut self,
        online: &mut Online,
        message: Result<Option<ToEnd>, FrameError>,
    ) -> Result<(), Fate> {
        online.heard = Instant::now();
        match message {
            Ok(Some(ToEnd::Pong(_))) => Ok(()),
            Ok(Some(message)) => self.tell(LinkEvent::Message(message)),
            Ok(None) => Err(fate_of(online.connection.close_reason().as_ref())),
            Err(FrameError::Read(_)) => Err(fate_of(online.connection.close_reason().as_ref())),
            Err(FrameError::PeerStalled) => {
                online.close(Close::TooSlow);
                Err(Fate::Lost)
            }
            Err(error) => {
                tracing::warn!(%error, "relay broke the protocol");
                online.close(Close::Protocol);
                Err(Fate::Refused(Close::Protocol))
            }
        }
    }

    /// Never waits: an owner that waits for us must not be waited for. A relay that sends more than its owner takes is
    /// hung up.
    fn tell(&self, event: LinkEvent) -> Result<(), Fate> {
        match self.events.try_send(event) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Fate::Stopped),
            Err(mpsc::error::TrySendError::Full(_)) => {
                tracing::warn!("the relay sends more than can be taken");
                Err(Fate::Lost)
            }
        }
    }

    async fn send(online: &mut Online, message: &ToRelay) -> Result<(), Fate> {
        let allowed = online.silence_allowed();
        match timeout(allowed, online.sender.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(fate_of(online.connection.close_reason().as_ref())),
            Err(_) => Err(Fate::Lost),
        }
    }

    async fn ping(&mut self, online: &mut Online) -> Result<(), Fate> {
        self.pings += 1;
        Self::send(online, &ToRelay::Ping(self.pings)).await
    }

    /// Takes a fresh port, and lets the relay know at once.
    async fn change_port(&mut self, online: &mut Online) -> Result<(), Fate> {
        if let Err(error) = self.socket.rebind(self.socket.relay()) {
            tracing::warn!(%error, "no fresh UDP port, staying on the old one");
        }
        self.ping(online).await
    }

    async fn tick(&mut self, online: &mut Online) -> Result<(), Fate> {
        if !*self.paired.borrow() {
            // quinn's own idle timeout and keep-alive suffice for an end that only waits.
            online.heard = Instant::now();
            return Ok(());
        }
        if online.silence_allowed() < online.heard.elapsed() {
            return Err(Fate::Lost);
        }
        if self.socket.has_moved() {
            return self.change_port(online).await;
        }
        self.ping(online).await
    }

    /// Dials until registered again; the old connection is closed only then. What is queued meanwhile is dropped: it
    /// is its owner's to repeat.
    async fn redial(&mut self, old: &mut Online) -> Result<Online, Close> {
        // The owner is not waited for, but it has to know.
        let mut owed = self.tell(LinkEvent::Lost).is_err();
        let mut patience = FIRST_AGAIN.max(old.connection.rtt() * 4);
        let mut pause = PAUSE.0;
        let stop = self.stop.clone();
        loop {
            let tried = tokio::select! {
                biased;
                () = stop.cancelled() => return Err(Close::Done),
                tried = self.attempt(patience) => tried,
            };
            while self.outgoing.try_recv().is_ok() {}
            owed = owed && self.tell(LinkEvent::Lost).is_err();
            match tried {
                Ok(new) => {
                    old.close(Close::Replaced);
                    return Ok(new);
                }
                Err(DialError::Refused(close)) if !close.may_retry() => return Err(close),
                // Whatever else was said was not said by the relay for sure: somebody on the path may want us to stop.
                Err(error) if *self.paired.borrow() || error.close().may_retry() => {
                    tracing::debug!(%error, "relay still away");
                }
                Err(error) => return Err(error.close()),
            }
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(Close::Done),
                () = tokio::time::sleep(pause) => {}
            }
            patience = longer(patience, self.attempts, *self.paired.borrow());
            pause = (pause * 2).min(if *self.paired.borrow() { PAUSE.0 * 2 } else { PAUSE.1 });
        }
    }
}

/// How long the next attempt has, after so many in a row that failed, the last of which had `patience`. A fresh one says its
/// first word at once, an old one waits for its probe timeouts: a session that waits for its relay makes many. But if the
/// round trip has become longer than what is known of it, only a longer attempt ever gets an answer.
fn longer(patience: Duration, failed: usize, paired: bool) -> Duration {
    let longer = if paired && failed < SHORT_ATTEMPTS { patience * 5 / 4 } else { patience * 2 };
    let longest = if paired { PAIRED_ATTEMPT } else { FIRST_ATTEMPT };
    longer.min(longest.max(patience))
}

/// Answers an address proof: the datagram goes back as it came, and only from where it arrived.
fn echo(online: &Online, datagram: bytes::Bytes) -> Result<(), Fate> {
    if datagram.len() <= MAX_ECHO {
        let _ = online.connection.send_datagram(datagram); // never retransmitted; the relay asks again
    }
    Ok(())
}

fn fate_of(error: Option<&ConnectionError>) -> Fate {
    match error.and_then(close_reason) {
        Some(close) if !close.may_retry() && close != Close::Done => Fate::Refused(close),
        _ => Fate::Lost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_three_failed_attempts_each_has_twice_as_long() {
        let check = |paired, expected: [u64; 7]| {
            let mut patience = FIRST_AGAIN;
            let next = |failed| {
                patience = longer(patience, failed, paired);
                u64::try_from(patience.as_millis()).unwrap()
            };
            assert_eq!(std::array::from_fn(|at| at + 1).map(next), expected, "{paired}");
        };
        check(true, [1_250, 1_562, 3_125, 4_000, 4_000, 4_000, 4_000]);
        check(false, [2_000, 4_000, 8_000, 10_000, 10_000, 10_000, 10_000]);
    }
}
