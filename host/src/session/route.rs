//! The one place where a viewer's message is routed and its right is asked; and what changes rights: the user.

use super::{Session, Turn};
use crate::{
    front::{Press, Show},
    injection::{Act, Injection},
};
use nearhand_proto::{
    close::Close,
    record::Event,
    rights::Rights,
    session::{
        ToHost, ToViewer,
        clipboard::{Direction, Text},
        consent::{Answer, Outcome},
        control::{MAX_NOTE, RightsChange},
        geometry::Monitor,
        input::{Input, MAX_TEXT},
        screen::Epoch,
    },
};
use quinn::{RecvStream, VarInt};
use std::time::Instant;
use tokio::sync::mpsc::OwnedPermit;

impl Session {
    /// Routes a control message.
    pub(super) async fn route(&mut self, message: ToHost) -> Turn {
        if !self.has(message.needs()) {
            return Ok(());
        }
        match message {
            ToHost::Hello => return Err(Close::Protocol),
            ToHost::Ask(rights) => return self.ask(rights).await,
            ToHost::Watch(monitor) => {
                if let Some(picture) = &self.picture {
                    picture.watch(monitor);
                }
            }
            ToHost::Drawn { epoch, update } => {
                if let Some(picture) = &self.picture {
                    picture.drawn(epoch, update);
                }
            }
            ToHost::Note(text) if text.len() <= MAX_NOTE => {
                let technician = self.start.technician.id;
                self.facts.note(text, technician);
            }
            ToHost::Note(_) => return Err(Close::Protocol),
        }
        Ok(())
    }

    /// Routes mouse and keyboard.
    pub(super) async fn route_input(&mut self, input: Input, permit: Option<OwnedPermit<Act>>) -> Turn {
        if matches!(&input, Input::Text(text) if MAX_TEXT < text.len()) {
            return Err(Close::Protocol);
        }
        if let (Input::Mark(mark), None) = (&input, &permit) {
            // Nothing is injected, so everything before it was dropped.
            self.say(ToViewer::Acted(*mark));
            return Ok(());
        }
        if !self.has(Rights::CONTROL) {
            return Ok(());
        }
        // Without room the injection thread has ended; its log says why.
        let (Some(permit), Some(act)) = (permit, on_the_desktop(self.shown.as_ref(), input)) else {
            return Ok(());
        };
        // What is dropped for the user's own input takes nothing.
        let acts = !self.yielded && !matches!(act, Act::Input(Input::Mark(_)));
        if acts && !std::mem::replace(&mut self.control_used, true) {
            self.host_fact(Event::ControlTaken);
        }
        permit.send(act);
        Ok(())
    }

    /// Routes a text for the user's clipboard, of which nothing has been read yet.
    pub(super) fn route_clipboard(&mut self, mut stream: RecvStream) {
        let has = self.has(Direction::In.needs());
        match &mut self.clips {
            Some(clips) if has => clips.handle_stream(stream),
            // Fails only on a stream that is gone.
            _ => drop(stream.stop(VarInt::from_u32(Close::Declined.code().into()))),
        }
    }

    /// The same text, whole.
    pub(super) fn route_came(&mut self, text: Text) {
        if self.has(Direction::In.needs()) {
            self.put_text(text);
        }
    }

    /// Routes a text that the user has copied.
    pub(super) async fn route_copied(&mut self, text: Text) {
        if self.has(Direction::Out.needs()) {
            self.send_text(text).await;
        }
    }

    /// Asks whether these rights are in effect. If they aren't held, the viewer is told, of each right once until rights
    /// change; that the user has paused it knows.
    fn has(&mut self, rights: Rights) -> bool {
        let missing = rights - self.consent.held();
        if missing.is_empty() {
            return rights.is_empty() || !self.paused;
        }
        if !self.needs_told.contains(missing) {
            self.needs_told |= missing;
            self.say(ToViewer::NeedsRight(missing));
        }
        false
    }

    /// The technician wants rights: what was given beforehand is given, the rest is put to the user.
    pub(super) async fn ask(&mut self, wanted: Rights) -> Turn {
        let given = self.consent.give(wanted & self.start.preset);
        if !given.is_empty() {
            self.host_fact(Event::ConsentPreset { rights: given });
            self.changed(RightsChange::Given).await?;
        }
        let question = self.consent.ask(wanted, Instant::now());
        if question.is_none() && self.consent.question().is_none() && !self.consent.held().contains(wanted) {
            // Refused a moment ago, or never given by this host: the user is left in peace.
            self.say(ToViewer::Rights { held: self.consent.held(), why: RightsChange::Declined });
        }
        self.put(question).await;
        Ok(())
    }

    async fn put(&mut self, question: Option<Rights>) {
        let Some(rights) = question else { return };
        let Some((_, until)) = self.consent.question() else { return };
        self.host_fact(Event::ConsentAsked { rights });
        let technician = self.start.technician.clone();
        self.show(Show::Ask { technician: technician.name, desk: technician.desk, rights, until }).await;
        self.say(ToViewer::Asking(rights));
    }

    /// The user pressed something that concerns the session.
    pub(super) async fn press(&mut self, press: Press) -> Turn {
        // A key that the technician holds may be what pressed it; the user's own hand has them let go first.
        let gives = matches!(press, Press::Allow(_) | Press::Give(_));
        if gives && !self.fingers.are_off(Instant::now()) {
            return Ok(());
        }
        let (rights, answer) = match press {
            Press::Allow(rights) => (rights, Answer::Allow),
            Press::Decline(rights) => (rights, Answer::Decline),
            Press::Revoke(rights) => return self.revoke(rights).await,
            Press::Give(rights) => return self.give(rights).await,
            Press::Pause(paused) => return self.pause(paused).await,
            Press::Key | Press::Relay(_) | Press::Trust => return Ok(()),
            Press::Stop | Press::Quit => return Err(Close::UserStopped),
            Press::Scam => return Err(Close::Reported),
        };
        match self.consent.answer(rights, answer, Instant::now()) {
            Some(outcome) => self.outcome(outcome).await,
            None => Ok(()),
        }
    }

    /// A question has ended: record it, tell both, ask the next one. Without viewing there is no session.
    pub(super) async fn outcome(&mut self, outcome: Outcome) -> Turn {
        self.show(Show::AskOver).await;
        let (event, why, refused) = match outcome {
            Outcome::Given(rights) => (Event::ConsentGiven { rights }, RightsChange::Given, None),
            Outcome::Declined(rights) => {
                (Event::ConsentDeclined { rights }, RightsChange::Declined, Some((rights, Close::Declined)))
            }
            Outcome::TimedOut(rights) => {
                (Event::ConsentTimedOut { rights }, RightsChange::TimedOut, Some((rights, Close::NoAnswer)))
            }
        };
        self.host_fact(event);
        self.changed(why).await?;
        if let Some((_, close)) = refused.filter(|(rights, _)| rights.contains(Rights::VIEW)) {
            return Err(close);
        }
        let next = self.consent.next(Instant::now());
        self.put(next).await;
        Ok(())
    }

    /// The user gives rights unasked.
    async fn give(&mut self, rights: Rights) -> Turn {
        let asked = self.consent.question().is_some();
        let given = self.consent.give(rights);
        if given.is_empty() {
            return Ok(());
        }
        self.host_fact(Event::ConsentGiven { rights: given });
        if asked && self.consent.question().is_none() {
            self.show(Show::AskOver).await;
        }
        self.changed(RightsChange::Given).await?;
        let next = self.consent.next(Instant::now());
        self.put(next).await;
        Ok(())
    }

    /// Everything stops at once; rights and questions stay as they are.
    async fn pause(&mut self, paused: bool) -> Turn {
        if self.paused == paused {
            return Ok(());
        }
        self.paused = paused;
        // Effect first, words after.
        self.apply_rights().await?;
        self.host_fact(if paused { Event::SessionPaused } else { Event::SessionContinued });
        self.say(ToViewer::Paused(paused));
        self.show(Show::Paused(paused)).await;
        Ok(())
    }

    async fn revoke(&mut self, rights: Rights) -> Turn {
        let asked = self.consent.question().is_some();
        let gone = self.consent.revoke(rights);
        if gone.is_empty() {
            return Ok(());
        }
        // What was given beforehand and then taken back is asked like anything else.
        self.start.preset -= gone;
        // Effect first, words after.
        self.apply_rights().await?;
        if asked && self.consent.question().is_none() {
            self.show(Show::AskOver).await;
        }
        self.host_fact(Event::RightRevoked { rights: gone });
        self.changed(RightsChange::Revoked).await
    }

    /// Rights have changed: carry it out and tell both sides.
    async fn changed(&mut self, why: RightsChange) -> Turn {
        self.needs_told = Rights::empty();
        let held = self.consent.held();
        self.say(ToViewer::Rights { held, why });
        let technician = self.start.technician.clone();
        self.show(Show::Rights { technician: technician.name, desk: technician.desk, held }).await;
        self.apply_rights().await
    }

    /// Starts and stops what the held rights allow. Does nothing where nothing has changed.
    pub(super) async fn apply_rights(&mut self) -> Turn {
        let held = if self.paused { Rights::empty() } else { self.consent.held() };
        match (held.contains(Rights::VIEW), self.picture.is_some()) {
            (true, false) => self.start_picture().await?,
            (false, true) => self.drop_picture(),
            _ => {}
        }
        match (held.contains(Rights::CONTROL), self.injection.is_some()) {
            (true, false) => {
                self.control_used = false;
                // The last word of the thread before may come too late.
                self.yields(false).await;
                let (open, touched) = ((self.start.desktop.inject)(), self.user.touched.clone());
                let fingers = self.fingers.clone();
                let (injection, news) = Injection::start(open, touched, fingers).map_err(|error| {
                    tracing::error!(%error, "no thread for mouse and keyboard");
                    Close::Internal
                })?;
                (self.injection, self.injected) = (Some(injection), Some(news));
            }
            // Dropping it lets go of everything.
            (false, true) => self.injection = None,
            _ => {}
        }
        self.apply_clipboard(held);
        Ok(())
    }
}

/// Monitor pixels become desktop pixels. `None` for a pointer on a picture that is no longer shown.
fn on_the_desktop(shown: Option<&(Epoch, Monitor)>, input: Input) -> Option<Act> {
    let Input::Pointer { epoch, at } = input else { return Some(Act::Input(input)) };
    let (_, monitor) = shown.filter(|(current, _)| *current == epoch)?;
    let x = monitor.left.saturating_add(at.x.min(monitor.size.width.saturating_sub(1)).into());
    let y = monitor.top.saturating_add(at.y.min(monitor.size.height.saturating_sub(1)).into());
    Some(Act::Pointer { x, y })
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::{
        session::geometry::{MonitorId, Point, Size},
        text::Name,
    };

    #[test]
    fn pointers_stay_on_their_monitor_and_die_with_their_epoch() {
        let monitor = Monitor {
            id: MonitorId(1),
            name: Name::lossy("DP-1"),
            left: 1_920,
            top: -100,
            size: Size { width: 800, height: 600 },
            primary: false,
        };
        let shown = (Epoch(3), monitor);
        let pointer = |epoch, x, y| Input::Pointer { epoch: Epoch(epoch), at: Point { x, y } };
        let check = |input, expected| assert_eq!(on_the_desktop(Some(&shown), input), expected);
        check(pointer(3, 10, 20), Some(Act::Pointer { x: 1_930, y: -80 }));
        check(pointer(3, 5_000, 5_000), Some(Act::Pointer { x: 2_719, y: 499 }));
        check(pointer(2, 10, 20), None);
        check(Input::Heartbeat, Some(Act::Input(Input::Heartbeat)));
        assert_eq!(on_the_desktop(None, pointer(3, 0, 0)), None);
    }
}
