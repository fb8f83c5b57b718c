//! Every question for consent, answered in every way, seen at both windows; and every way in which the user takes back
//! what they gave, or ends it.

use crate::{
    host::{User, user},
    technician::Technicians,
};
use nearhand_desktop::words::Words;
use nearhand_host::{
    host::HostConfig,
    window::{Scene, Window},
};
use nearhand_proto::rights::Rights;
use nearhand_tests::{Host, Technician, World};
use std::time::Duration;

const SEEN: Rights = Rights::VIEW.union(Rights::CONTROL);

const CLIPBOARD: Rights = Rights::CLIPBOARD_IN.union(Rights::CLIPBOARD_OUT);

/// One right: how the user is asked for it, says yes, and switches it; and what the technician calls it.
struct Right {
    right: Rights,
    question: &'static str,
    allow: &'static str,
    switch: &'static str,
    name: &'static str,
}

const VIEW: Right = Right {
    right: Rights::VIEW,
    question: "May Vera Example see your screen?",
    allow: "Allow viewing",
    switch: "See my screen",
    name: "View",
};

const CONTROL: Right = Right {
    right: Rights::CONTROL,
    question: "May Vera Example use your mouse and keyboard?",
    allow: "Allow control",
    switch: "Click and type",
    name: "Control",
};

const IN: Right = Right {
    right: Rights::CLIPBOARD_IN,
    question: "May Vera Example give you text to paste?",
    allow: "Allow",
    switch: "Give me text to paste",
    name: "Clipboard to user",
};

const OUT: Right = Right {
    right: Rights::CLIPBOARD_OUT,
    question: "May Vera Example get the text that you copy?",
    allow: "Allow",
    switch: "Get text that I copy",
    name: "Clipboard from user",
};

/// The two, and all that they need.
struct Two {
    user: User,
    technician: Technicians,
    words: Words,
    host: Host,
    world: World,
    _enrolled: Technician,
}

impl Two {
    /// The technician has entered the code and wants to view; these rights are given beforehand.
    async fn meet(preset: Rights, tune: impl FnOnce(&mut HostConfig)) -> Self {
        let world = World::start().await;
        let _enrolled = world.technician("Vera Example").await;
        let (host, front) = Host::start_behind(world.relay(), |config| {
            config.preset = preset;
            tune(config);
        });
        let mut user = user(front);
        let mut technician = Technicians::open(&world, &_enrolled, Rights::VIEW);
        let words = technician.words.clone();
        let code = user.code().await;
        technician.enters(&code.for_the_user()).await;
        Self { user, technician, words, host, world, _enrolled }
    }

    /// The technician asks for this; everything else that they want is given beforehand. The user sees the question.
    async fn asked(right: &Right, tune: impl FnOnce(&mut HostConfig)) -> Self {
        let preset = match right.right {
            Rights::VIEW => Rights::empty(),
            Rights::CONTROL => Rights::VIEW,
            _ => SEEN | (CLIPBOARD - right.right),
        };
        let mut two = Self::meet(preset, tune).await;
        let words = two.words.clone();
        if right.right != Rights::VIEW {
            two.technician.presses(words.v_ask_control()).await;
        }
        if CLIPBOARD.contains(right.right) {
            two.shares_clipboard().await;
        }
        two.user.sees(right.question).await;
        two
    }

    async fn shares_clipboard(&mut self) {
        self.technician.has_picture().await;
        self.technician.leaves_picture();
        let words = self.words.clone();
        self.technician.presses(words.v_ask_clipboard()).await;
    }

    /// A session with every right.
    async fn with_everything() -> Self {
        let mut two = Self::meet(SEEN | CLIPBOARD, |_| {}).await;
        let words = two.words.clone();
        two.technician.presses(words.v_ask_control()).await;
        two.shares_clipboard().await;
        two.technician.sees(words.v_clipboard_both()).await;
        two.user.sees_switch(OUT.switch, true).await;
        two
    }

    /// What the user's window says is held.
    fn held(&self) -> Rights {
        match &self.user.window().state().scene {
            Scene::Session(session) => session.held,
            _ => Rights::empty(),
        }
    }

    /// The question is gone, nothing has been given, and the technician is told so.
    async fn refused(&mut self, right: &Right, held: Rights, said: &str, at_the_end: [&str; 2]) {
        if right.right == Rights::VIEW {
            self.user.sees(at_the_end[0]).await;
            return self.technician.sees(at_the_end[1]).await;
        }
        self.technician.sees(said).await;
        self.user.finds("no question", no_question).await;
        self.user.sees_switch(right.switch, false).await;
        assert_eq!(self.held(), held, "{}", right.name);
    }
}

/// A session in which nothing is asked.
fn no_question(window: &Window) -> Option<()> {
    match &window.state().scene {
        Scene::Session(session) if session.question.is_none() => Some(()),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_yes_gives_what_was_asked_and_nothing_else() {
    for right in [VIEW, CONTROL, IN, OUT] {
        let mut two = Two::asked(&right, |_| {}).await;
        let before = two.held();
        two.user.answers(right.allow).await;
        two.user.sees_switch(right.switch, true).await;
        two.user.finds("no question", no_question).await;
        assert_eq!(two.held(), before | right.right, "{}", right.name);
        match right.right {
            Rights::VIEW => two.technician.sees(two.words.v_view_only()).await,
            Rights::CONTROL => two.technician.has_picture().await,
            _ => two.technician.sees(two.words.v_clipboard_both()).await,
        }
        two.world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_no_gives_nothing_and_is_told() {
    for right in [VIEW, CONTROL, IN, OUT] {
        let mut two = Two::asked(&right, |_| {}).await;
        let (before, words) = (two.held(), two.words.clone());
        two.user.answers(words.decline()).await;
        let at_the_end = [words.why_declined(), words.v_why_declined()];
        two.refused(&right, before, &words.v_declined(right.name), at_the_end).await;
        two.world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_gives_nothing_and_is_told() {
    for right in [VIEW, CONTROL, IN, OUT] {
        let patience = |config: &mut HostConfig| config.answer = Duration::from_secs(2);
        let mut two = Two::asked(&right, patience).await;
        let (before, words) = (two.held(), two.words.clone());
        let at_the_end = [words.why_no_answer(), words.v_why_no_answer()];
        two.refused(&right, before, &words.v_timed_out(right.name), at_the_end).await;
        two.world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_switch_takes_its_right_back_and_gives_it_again() {
    for right in [VIEW, CONTROL, IN, OUT] {
        let mut two = Two::with_everything().await;
        let words = two.words.clone();
        two.user.presses(right.switch).await;
        two.user.sees_switch(right.switch, false).await;
        // Without viewing there is nothing else.
        let left =
            if right.right == Rights::VIEW { Rights::empty() } else { (SEEN | CLIPBOARD) - right.right };
        assert_eq!(two.held(), left, "{}", right.name);
        match right.right {
            Rights::VIEW => two.technician.sees(words.v_no_view()).await,
            Rights::CONTROL => two.technician.sees(words.v_view_only()).await,
            _ => two.technician.sees(&words.v_revoked(right.name)).await,
        }
        two.user.gives(right.switch).await;
        two.user.sees_switch(right.switch, true).await;
        assert_eq!(two.held(), left | right.right, "{}", right.name);
        two.technician.sees(&words.v_given(right.name)).await;
        two.world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_stops_everything_and_going_on_brings_it_all_back() {
    let mut two = Two::with_everything().await;
    let words = two.words.clone();
    two.user.presses(words.pause()).await;
    two.technician.sees(words.v_paused()).await;
    two.user.sees("Paused: Vera Example sees nothing and can do nothing.").await;
    assert!(two.technician.node(&words.v_picture("desk-7")).is_none(), "no picture is left");
    two.user.gives(words.go_on()).await;
    two.technician.has_picture().await;
    two.technician.sees(words.v_clipboard_both()).await;
    assert_eq!(two.held(), SEEN | CLIPBOARD);
    two.world.end().await;
}

/// How the user ends it.
#[derive(Clone, Copy, Debug)]
enum End {
    Button,
    Key,
    Scam,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_the_user_ends_it_both_windows_say_so() {
    for end in [End::Button, End::Key, End::Scam] {
        let mut two = Two::with_everything().await;
        let words = two.words.clone();
        match end {
            End::Button => two.user.presses(words.stop()).await,
            End::Key => two.host.hands.stop(),
            End::Scam => {
                two.user.presses(words.scam()).await;
                two.technician.sees(words.v_paused()).await;
                two.user.presses(words.scam_no()).await;
                two.technician.has_picture().await;
                two.user.presses(words.scam()).await;
                two.user.answers(words.scam_yes()).await;
            }
        }
        let (theirs, users) = match end {
            End::Scam => (words.v_why_reported(), words.bye_blocked_title()),
            _ => (words.v_why_user_stopped(), words.why_user_stopped()),
        };
        two.technician.sees(theirs).await;
        two.user.sees(users).await;
        assert!(two.technician.node(&words.v_picture("desk-7")).is_none(), "{end:?}");
        two.world.end().await;
    }
}
