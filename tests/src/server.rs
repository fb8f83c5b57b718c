//! The relay of a world: in this process, or the real program in one of its own, which can be killed.

use crate::journal::{DEADLINE, in_time};
use nearhand_proto::relay_string::RelayString;
use nearhand_relay::{
    config::Config,
    limits::Limits,
    record::OpenError,
    relay::{Relay, StartError},
};
use std::{
    fs::File,
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

/// How often a folder's lock is tried.
const LOOK: Duration = Duration::from_millis(5);

/// A relay that serves.
#[derive(Debug)]
pub enum Server {
    /// In this process.
    Inside(Box<Relay>),
    /// The program.
    Program(Box<Program>),
}

/// The running program. It is killed when this is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    string: RelayString,
}

/// How the program is run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Level of its log.
    pub level: &'static str,
    /// Variables besides the test's own.
    pub environment: Vec<(String, String)>,
}

impl Server {
    /// Starts a relay in this process.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn inside(config: Config) -> Self {
        let until = Instant::now() + DEADLINE;
        loop {
            match Relay::start(config.clone()).await {
                Ok(relay) => return Self::Inside(Box::new(relay)),
                // A program that another story starts in this process shares every open file, the lock of a relay
                // that has just ended among them, between its fork and its exec.
                Err(StartError::Record(OpenError::Locked)) if Instant::now() < until => {
                    tokio::time::sleep(LOOK).await;
                }
                Err(error) => panic!("the relay does not start: {error}"),
            }
        }
    }

    /// Starts the program with the settings that it can be told; its log goes to `relay.log` beside the data folder.
    ///
    /// # Panics
    /// If it does not say `ready`.
    pub async fn program(config: &Config, run: &Run) -> Self {
        let settings = config.data.with_extension("toml");
        std::fs::write(&settings, limits(&config.limits)).expect("a settings file");
        let log = config.data.with_extension("log");
        let log = File::options().create(true).append(true).open(log).expect("a log file");
        let mut child = Command::new(program("nearhand-relay"))
            .arg("serve")
            .arg("--data")
            .arg(&config.data)
            .args(["--listen", &config.listen.to_string(), "--desk", config.desk.as_str()])
            .arg("--config")
            .arg(settings)
            .env("RUST_LOG", run.level)
            .envs(run.environment.iter().cloned())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("the relay's program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped above")).lines();
        let line = in_time("'ready' of the relay's program", lines.next_line()).await.expect("readable");
        let line = line.expect("the relay's program serves; its log says why not");
        let string = line.strip_prefix("ready ").and_then(|string| string.parse().ok());
        let string = string.unwrap_or_else(|| panic!("'{line}' is not 'ready' and a relay string"));
        Self::Program(Box::new(Program { child, string }))
    }

    /// Where it is and which key it has.
    pub fn string(&self) -> RelayString {
        match self {
            Self::Inside(relay) => relay.string().clone(),
            Self::Program(program) => program.string.clone(),
        }
    }

    /// The process that it runs in.
    pub fn process(&self) -> u32 {
        match self {
            Self::Inside(_) => std::process::id(),
            Self::Program(program) => program.child.id().expect("it runs"),
        }
    }

    /// Ends it in order.
    ///
    /// # Panics
    /// If the program does not end by itself with exit code 0.
    pub async fn stop(self) {
        match self {
            Self::Inside(relay) => relay.stop().await,
            Self::Program(mut program) => {
                let id = program.child.id().expect("it runs").to_string();
                let killed = Command::new("kill").args(["-TERM", &id]).status().await;
                assert!(killed.is_ok_and(|status| status.success()), "SIGTERM is delivered");
                let status = in_time("the end of the relay's program", program.child.wait()).await;
                assert!(status.expect("waited for").success(), "the relay ends in order");
            }
        }
    }

    /// `kill -9`.
    ///
    /// # Panics
    /// If it is no program.
    pub async fn kill(self) {
        let Self::Program(mut program) = self else { panic!("only a program can be killed") };
        program.child.kill().await.expect("SIGKILL is delivered");
    }
}

/// The brakes, as the program's settings file says them.
fn limits(limits: &Limits) -> String {
    let Limits {
        wrong_codes_per_hour,
        wrong_codes_per_day,
        wrong_codes_per_address,
        wrong_codes_in_all,
        connections_per_address,
        connections_per_technician,
        connections_in_all,
        handshakes,
    } = limits;
    format!(
        "[limits]\nwrong_codes_per_hour = {wrong_codes_per_hour}\nwrong_codes_per_day = {wrong_codes_per_day}\n\
         wrong_codes_per_address = {wrong_codes_per_address}\nwrong_codes_in_all = {wrong_codes_in_all}\n\
         connections_per_address = {connections_per_address}\n\
         connections_per_technician = {connections_per_technician}\n\
         connections_in_all = {connections_in_all}\nhandshakes = {handshakes}\n"
    )
}

/// The path of one of our programs: beside the test's own, where cargo puts both.
///
/// # Panics
/// If it isn't there.
pub fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a test knows its own path");
    let folder = own.parent().and_then(|deps| deps.parent()).expect("tests lie in target/PROFILE/deps");
    let path = folder.join(name);
    assert!(path.exists(), "{} is missing; build it with 'cargo build --workspace --bins'", path.display());
    path
}
