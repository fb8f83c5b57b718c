//! What can be typed, and what is refused.

use super::*;
use nearhand_proto::{
    code::{Locator, Secret},
    ids::Fingerprint,
};

fn code() -> SessionCode {
    let secret = Secret::draw(7_u32.to_be_bytes()).unwrap();
    SessionCode { locator: Locator::new(38_471, 5).unwrap(), secret }
}

/// What the program makes of `words` and, after them, of `more`.
fn typed(words: &str, more: &[&str]) -> Result<Config, Refusal> {
    Config::from_args(words.split(' ').chain(more.iter().copied()).map(OsString::from))
}

fn refused(words: &str, more: &[&str]) -> (u8, String) {
    let refusal = typed(words, more).err().unwrap();
    let text = match &refusal {
        Refusal::Usage(error) => error.to_string(),
        Refusal::Input(sentence) => sentence.clone(),
        Refusal::Mistyped(error, _) => error.to_string(),
        Refusal::State(error) => error.to_string(),
    };
    (refusal.exit_code(), text)
}

#[test]
fn a_run_takes_its_code_in_words_and_its_relay_from_the_enrolment() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(Some(folder.path().to_owned())).unwrap();
    let relay = RelayString { host: "relay.example.org".into(), port: 4433, key: Fingerprint::of(b"k") };
    let words = format!("nearhand-viewer run {} --state {}", code().for_the_user(), folder.path().display());
    let (exit, text) = refused(&words, &["--do", "end"]);
    assert!(exit == 2 && text.contains("no relay is known here"), "{exit} {text}");
    state.save_relay(&relay).unwrap();
    let Ok(Config::Run(run)) = typed(&words, &["--do", "type a b; end"]) else { panic!("not a run") };
    assert_eq!(run.relay, relay);
    assert!(run.code == code());
    assert_eq!(run.plan.want, Rights::VIEW | Rights::CONTROL);
    assert_eq!(run.patience, Duration::from_secs(60));
    let Ok(Config::Run(run)) = typed(&words, &["--stdio", "--dial-for", "3"]) else { panic!("not a run") };
    assert_eq!(run.patience, Duration::from_secs(3));
}

#[test]
fn without_a_subcommand_the_window_opens_whatever_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(Some(folder.path().to_owned())).unwrap();
    let check = |words: &str, typed_code: &str, relay: Option<&RelayString>| {
        let words = format!("nearhand-viewer{words}");
        let folder = folder.path().display().to_string();
        let Ok(Config::Window(window)) = typed(&words, &["--state", &folder]) else { panic!("{words}") };
        assert_eq!((window.typed.as_str(), window.relay.as_ref()), (typed_code, relay), "{words}");
        assert_eq!(window.want, Rights::VIEW | Rights::CONTROL);
    };
    check("", "", None);
    check(" 384 711", "384 711", None);
    let relay = RelayString { host: "relay.example.org".into(), port: 4433, key: Fingerprint::of(b"k") };
    state.save_relay(&relay).unwrap();
    check(" 384-711-904 --want view,control", "384-711-904", Some(&relay));
    let folder = folder.path().display().to_string();
    assert_eq!(refused("nearhand-viewer --want control", &["--state", &folder]).0, 2);
}

#[test]
fn a_token_may_begin_with_a_dash() {
    let folder = tempfile::tempdir().unwrap();
    let relay = RelayString { host: "::1".into(), port: 4433, key: Fingerprint::of(b"k") }.to_string();
    let words = format!("nearhand-viewer enrol --state {} --relay {relay}", folder.path().display());
    for token in [
        "abcdefghijklmnopqrstuv",
        "-abcdefghijklmnopqrstu",
        "--cdefghijklmnopqrstuv",
        "-hVdefghijklmnopqrstuv",
    ] {
        let Ok(Config::Enrol(enrol)) = typed(&words, &[token]) else { panic!("{token} is not taken") };
        assert_eq!(enrol.token.0, token);
    }
}

#[test]
fn what_is_wrong_is_said_with_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().display();
    let check = |words: String, more: &[&str], exit: u8, part: &str| {
        let found = refused(&words, more);
        assert!(found.0 == exit && found.1.contains(part), "{words}: {found:?} has no '{part}'");
    };
    let run = |code: &str| format!("nearhand-viewer run {code} --state {state}");
    let good = code().for_the_user();
    let slip = good.replacen('3', "4", 1);
    check(run(&slip), &["--do", "end"], 3, "typing slip");
    check(run("384 711"), &["--do", "end"], 3, "12 digits");
    check(run(&good), &[], 2, "--script");
    check(run(&good), &["--do", "end", "--stdio"], 2, "cannot be used with");
    check(run(&good), &["--do", "fly"], 2, "'fly' is no command");
    check(run(&good), &["--script", "/nonexistent"], 2, "can't read the script");
    check(run(&good), &["--do", "end", "--want", "fly"], 2, "'fly' is no right");
    check(run(&good), &["--do", "end", "--relay", "x"], 2, "no '#'");
    check("nearhand-viewer enrol".into(), &["token"], 2, "--relay");
    check("nearhand-viewer --version".into(), &[], 0, "nearhand-viewer");
}

#[test]
fn help_teaches_examples_and_every_exit_code() {
    let (exit, text) = refused("nearhand-viewer --help", &[]);
    assert_eq!(exit, 0);
    assert!(text.contains("Examples:"));
    for why in Close::ALL {
        assert!(text.contains(&format!("{:>3}  {}", why.exit_code(), why.sentence())), "{why:?}");
    }
}
