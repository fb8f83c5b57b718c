//! The viewer's way into a session: dial → claim → pair → session; and the two small errands, enrolment and reports.
//!
//! ```text
//! Dialling --Registered--> Claiming --Claimed--> Pairing (Start, Answer, Proof, Proved) --Paired--> Session
//!      \________________________\______________________\____ refused, withdrawn, End ____> Ended
//! ```

use crate::{
    messages::{Command, Ends, Event},
    session::{Figures, Peer, Session},
    slips::Slips,
};
use nearhand_proto::{
    close::Close,
    code::SessionCode,
    control::{Role, Technician, ToEnd, ToRelay, Token},
    ids::{ClaimId, SessionId},
    net::{DialError, Identity, Link, LinkConfig, LinkEvent, Moves, NUDGE, STEP},
    pair::{Claimant, Context, PairError, PairMessage, PinnedPeer},
    relay_string::RelayString,
    rights::Rights,
    route::Rid,
    wire,
};
use rand_core::OsRng;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};

/// Validity of the session certificate, in days.
const DAYS: i64 = 13;
/// Validity of a technician's certificate: the relay pins its key.
const TECHNICIAN_DAYS: i64 = 3_650;
/// A report about a code may take this long; nobody waits longer for it.
const REPORT: Duration = Duration::from_secs(2);

/// Resolved settings of one session.
pub struct ViewerConfig {
    /// The relay.
    pub relay: RelayString,
    /// The code.
    pub code: SessionCode,
    /// What to ask the user for.
    pub want: Rights,
    /// The technician's enrolled key.
    pub technician: Arc<Identity>,
    /// How often codes have failed here.
    pub slips: Slips,
    /// For how long the first dial is tried. 60 s.
    pub patience: Duration,
    /// Tells when the computer's network has changed.
    pub moves: Moves,
    /// For how long a lost host is dialled anew. 10 min.
    pub absence: Duration,
    /// The relay's answer to one request, and each step of a pairing, must come within this. [`STEP`] in the product.
    pub step: Duration,
}

/// A fresh key for a technician who is about to enrol.
///
/// # Errors
/// [`DialError::Identity`]
pub fn new_technician() -> Result<Identity, DialError> {
    Ok(Identity::generate(TECHNICIAN_DAYS)?)
}

/// Makes `technician`'s key an enrolled one.
///
/// # Errors
/// [`DialError`]: no relay, or a token that it does not take.
pub async fn enrol(
    relay: RelayString,
    technician: Arc<Identity>,
    token: Token,
    patience: Duration,
) -> Result<Technician, DialError> {
    let mut link = dial(relay, technician, patience).await?;
    link.handle().send(ToRelay::Enrol(token));
    let result = loop {
        match timeout(STEP, link.next()).await {
            Ok(LinkEvent::Message(ToEnd::Enrolled(technician))) => break Ok(technician),
            Ok(LinkEvent::Message(ToEnd::Refused(why)) | LinkEvent::Down(why)) => break Err(why),
            Ok(LinkEvent::Registered { .. } | LinkEvent::Message(_)) => {}
            Ok(LinkEvent::Lost) | Err(_) => break Err(Close::RelayUnreachable),
        }
    };
    link.close().await;
    result.map_err(DialError::Closed)
}

/// Tells the relay, for its record, that a code was mistyped here. Best effort, at most 2 s.
pub async fn report_mistyped(relay: RelayString, technician: Arc<Identity>) {
    report(relay, technician, ToRelay::Mistyped).await;
}

async fn report(relay: RelayString, technician: Arc<Identity>, message: ToRelay) {
    let reported = timeout(REPORT, async {
        let link = dial(relay, technician, REPORT).await?;
        link.handle().send(message);
        link.close().await;
        Ok::<_, DialError>(())
    });
    if !matches!(reported.await, Ok(Ok(()))) {
        tracing::debug!("the relay was not told");
    }
}

async fn dial(relay: RelayString, technician: Arc<Identity>, patience: Duration) -> Result<Link, DialError> {
    let session = Arc::new(Identity::generate(DAYS)?);
    Link::dial(
        LinkConfig {
            relay,
            role: Role::Viewer,
            session,
            technician: Some(technician),
            patience,
            moves: Moves::default(),
        },
        None,
    )
    .await
}

/// Holds one session, from the code to the end. The reason is also told as [`Event::Ended`], always last.
pub async fn run(config: ViewerConfig, mut ends: Ends, figures: Arc<Figures>) -> Close {
    let events = ends.events.clone();
    let why = match attempt(config, &mut ends, figures).await {
        Ok(why) | Err(why) => why,
    };
    // A front that has gone needs no last word.
    let _ = events.send(Event::Ended(why)).await;
    why
}

async fn attempt(config: ViewerConfig, ends: &mut Ends, figures: Arc<Figures>) -> Result<Close, Close> {
    tell(&ends.events, Event::Connecting).await;
    refuse_what_failed_twice(&config).await?;
    let own = Arc::new(Identity::generate(DAYS).map_err(|error| internal(&error))?);
    let link_config = LinkConfig {
        relay: config.relay.clone(),
        role: Role::Viewer,
        session: own.clone(),
        technician: Some(config.technician.clone()),
        patience: config.patience,
        moves: config.moves.clone(),
    };
    let mut link = tokio::select! {
        biased;
        () = left(&mut ends.commands) => return Err(Close::TechnicianLeft),
        link = Link::dial(link_config, None) => link.map_err(|error| {
            tracing::warn!(%error, "no relay");
            error.close()
        })?,
    };
    let paired = tokio::select! {
        biased;
        () = left(&mut ends.commands) => Err(Close::TechnicianLeft),
        paired = Joining { config: &config, own: &own, link: &mut link, events: &ends.events }.join() => paired,
    };
    let why = match paired {
        Ok(peer) => {
            tell(&ends.events, Event::Paired { session: peer.session }).await;
            Session::new(peer, own, config.absence, figures, ends.screen.clone()).run(ends, &mut link).await
        }
        Err(why) => why,
    };
    link.close().await;
    Ok(why)
}

/// Design §5: the viewer proves first, so a relay posing as the host would get a guess with each entry.
async fn refuse_what_failed_twice(config: &ViewerConfig) -> Result<(), Close> {
    if !config.slips.is_refused(&config.code).map_err(|error| internal(&error))? {
        return Ok(());
    }
    report(config.relay.clone(), config.technician.clone(), ToRelay::RefusedTwice).await;
    Err(Close::RefusedTwice)
}

fn internal(error: &dyn std::error::Error) -> Close {
    tracing::error!(%error, "can't begin");
    Close::Internal
}

async fn tell(events: &mpsc::Sender<Event>, event: Event) {
    // A front that has gone ends the session through its commands.
    let _ = events.send(event).await;
}

/// The front wants no session any more. Other commands make no sense before there is one.
async fn left(commands: &mut mpsc::Receiver<Command>) {
    while let Some(command) = commands.recv().await {
        if command == Command::End {
            return;
        }
    }
}

/// From a registered link to a paired peer.
struct Joining<'a> {
    config: &'a ViewerConfig,
    own: &'a Identity,
    link: &'a mut Link,
    events: &'a mpsc::Sender<Event>,
}

impl Joining<'_> {
    async fn join(mut self) -> Result<Peer, Close> {
        let (claim, technician) = self.claim().await?;
        let event = Event::Claimed { technician: technician.name.clone(), desk: technician.desk.clone() };
        tell(self.events, event).await;
        let pinned = match self.pair(claim, technician).await {
            Ok(pinned) => pinned,
            Err(why) => {
                self.link.handle().send(ToRelay::Abandon { claim, why });
                return Err(why);
            }
        };
        self.link.handle().send(ToRelay::Confirmed(claim));
        let (session, route) = self.paired(claim).await?;
        Ok(Peer { session, route, certificate: pinned.certificate, want: pinned.want })
    }

    /// The relay's next message, or why there is none.
    async fn message(&mut self, until: Instant) -> Result<ToEnd, Close> {
        loop {
            let step = until.min(Instant::now() + NUDGE);
            match timeout_at(step, self.link.next()).await {
                Ok(LinkEvent::Message(ToEnd::Refused(why))) => return Err(why),
                Ok(LinkEvent::Message(message)) => return Ok(message),
                Ok(LinkEvent::Registered { .. }) => {}
                // What the relay knew of this claim is gone with the connection.
                Ok(LinkEvent::Lost) => return Err(Close::RelayUnreachable),
                Ok(LinkEvent::Down(why)) => return Err(why),
                Err(_) if until <= step => return Err(Close::TooSlow),
                Err(_) => self.link.handle().probe(),
            }
        }
    }

    async fn claim(&mut self) -> Result<(ClaimId, Technician), Close> {
        self.link.handle().send(ToRelay::Claim(self.config.code.locator));
        let until = Instant::now() + self.config.step;
        loop {
            if let ToEnd::Claimed { claim, technician } = self.message(until).await? {
                if technician.id != self.config.technician.public().fingerprint().actor() {
                    // The user would be told of somebody else.
                    tracing::error!("the relay takes us for another technician");
                    self.link.handle().send(ToRelay::Abandon { claim, why: Close::Protocol });
                    return Err(Close::Protocol);
                }
                return Ok((claim, technician));
            }
        }
    }

    async fn pair(&mut self, claim: ClaimId, technician: Technician) -> Result<PinnedPeer, Close> {
        let code = &self.config.code;
        let context = Context { relay: self.config.relay.key, locator: code.locator, technician };
        let certificate = self.own.certificate_fingerprint();
        let (claimant, start) =
            Claimant::start(&code.secret, context, certificate, self.config.want, &mut OsRng);
        let answer = self.exchange(claim, &start).await?;
        let (confirming, proof) = claimant.receive(answer).map_err(|error| failed(&error))?;
        // From here on whoever answers has had a guess at the code, however this ends: counted before the proof leaves,
        // so that neither a stalled answer nor the end of this program saves it; taken back if the host proves itself.
        let slips = &self.config.slips;
        slips.count(&self.config.code).map_err(|error| internal(&error))?;
        let answer = self.exchange(claim, &proof).await?;
        let pinned = confirming.receive(answer).map_err(|error| failed(&error))?;
        slips.forgive(&self.config.code).map_err(|error| internal(&error))?;
        Ok(pinned)
    }

    /// Sends a PAKE message and awaits the other side's.
    async fn exchange(&mut self, claim: ClaimId, message: &PairMessage) -> Result<PairMessage, Close> {
        let bytes = wire::encode(message).into();
        self.link.handle().send(ToRelay::Pair { claim, message: bytes });
        let until = Instant::now() + self.config.step;
        loop {
            match self.message(until).await? {
                ToEnd::Pair { claim: same, message } if same == claim => {
                    return wire::decode(&message).map_err(|error| {
                        tracing::warn!(%error, "the host sent a broken pairing message");
                        Close::Protocol
                    });
                }
                ToEnd::Withdrawn { claim: same, why } if same == claim => return Err(why),
                _ => {}
            }
        }
    }

    async fn paired(&mut self, claim: ClaimId) -> Result<(SessionId, Rid), Close> {
        let until = Instant::now() + self.config.step;
        loop {
            match self.message(until).await? {
                ToEnd::Paired { claim: same, session, peer } if same == claim => return Ok((session, peer)),
                ToEnd::Withdrawn { claim: same, why } if same == claim => return Err(why),
                _ => {}
            }
        }
    }
}

fn failed(error: &PairError) -> Close {
    tracing::warn!(%error, "pairing failed");
    error.close()
}
