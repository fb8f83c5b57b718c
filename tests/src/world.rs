//! A world: one relay with its data folder, and the hosts, technicians and viewers that a story brings to it. Worlds
//! share nothing, so any number of them run in one process.

use crate::{
    host::Host,
    operator::Operator,
    server::{Run, Server},
    viewer::{Technician, Viewer},
    weather::{Link, Weather, seed},
};
use nearhand_host::{front::Show, host::HostConfig};
use nearhand_proto::{
    close::Close, code::SessionCode, relay_string::RelayString, rights::Rights,
    session::control::RightsChange, text::Name,
};
use nearhand_relay::{config::Config, limits::Limits, relay::Relay};
use std::{net::SocketAddr, path::PathBuf, time::Duration};
use tempfile::TempDir;

/// A relay, and all that belongs to it.
#[derive(Debug)]
pub struct World {
    /// Whoever runs it.
    pub operator: Operator,
    folder: TempDir,
    config: Config,
    string: RelayString,
    server: Option<Server>,
    /// How the program is run; `None` in this process.
    program: Option<Run>,
}

impl World {
    /// A relay in this process, on a free port, with the product's own limits.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// The same with other settings.
    pub async fn start_with(tune: impl FnOnce(&mut Config)) -> Self {
        Self::new(tune, None).await
    }

    /// The relay's program in a process of its own.
    pub async fn start_program() -> Self {
        Self::new(|_| {}, Some(Run { level: "trace", environment: Vec::new() })).await
    }

    /// The program with other limits, and a log that a flood of packets does not flood.
    pub async fn start_program_with(tune: impl FnOnce(&mut Limits)) -> Self {
        let run = Run { level: "info", environment: Vec::new() };
        Self::new(|config| tune(&mut config.limits), Some(run)).await
    }

    /// The program with these variables.
    pub async fn start_program_in(environment: Vec<(String, String)>) -> Self {
        Self::new(|_| {}, Some(Run { level: "info", environment })).await
    }

    async fn new(tune: impl FnOnce(&mut Config), program: Option<Run>) -> Self {
        let folder = tempfile::tempdir().expect("room for a folder");
        let data = folder.path().join("relay");
        let mut config = Config {
            data: data.clone(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            name: "127.0.0.1".to_owned(),
            desk: Name::lossy("Example Desk"),
            drain: Duration::from_secs(1),
            absence: Duration::from_secs(600),
            limits: Limits::default(),
        };
        tune(&mut config);
        let server = serve(&config, program.as_ref()).await;
        let string = server.string();
        // What is started again is found at the same place.
        config.listen.set_port(string.port);
        let operator = Operator::new(&data);
        Self { operator, folder, config, string, server: Some(server), program }
    }

    /// What hosts and viewers are told.
    pub fn relay(&self) -> RelayString {
        self.string.clone()
    }

    /// The relay's address.
    pub fn address(&self) -> SocketAddr {
        self.config.listen
    }

    /// The relay in this process.
    ///
    /// # Panics
    /// If it is a program, or doesn't run.
    pub fn inside(&self) -> &Relay {
        match &self.server {
            Some(Server::Inside(relay)) => relay,
            _ => panic!("this world's relay is not in this process now"),
        }
    }

    /// The process that the relay runs in.
    ///
    /// # Panics
    /// If it doesn't run.
    pub fn process(&self) -> u32 {
        self.server.as_ref().expect("the relay runs").process()
    }

    /// What the relay's program has logged so far.
    ///
    /// # Panics
    /// If it has no log: a relay in this process writes none.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.config.data.with_extension("log")).expect("the program has a log")
    }

    /// The relay's data folder.
    pub fn data(&self) -> PathBuf {
        self.config.data.clone()
    }

    /// A folder for the story's own files.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Ends the relay in order.
    ///
    /// # Panics
    /// If it does not run.
    pub async fn stop_relay(&mut self) {
        self.server.take().expect("the relay runs").stop().await;
    }

    /// Kills the relay's program.
    ///
    /// # Panics
    /// If no program runs.
    pub async fn kill_relay(&mut self) {
        self.server.take().expect("the relay runs").kill().await;
    }

    /// Starts the relay again: same folder, same port.
    ///
    /// # Panics
    /// If it is not the same relay.
    pub async fn start_relay(&mut self) {
        let server = serve(&self.config, self.program.as_ref()).await;
        assert_eq!(server.string(), self.string);
        self.server = Some(server);
    }

    /// A technician who has enrolled.
    pub async fn technician(&self, name: &str) -> Technician {
        Technician::enrolled(name, self.relay(), &self.operator).await
    }

    /// A host with nothing preset.
    pub fn host(&self) -> Host {
        self.host_with(|_| {})
    }

    /// A host with other settings.
    pub fn host_with(&self, tune: impl FnOnce(&mut HostConfig)) -> Host {
        Host::start(self.relay(), tune)
    }

    /// A viewer that enters this code and wants to see and control.
    pub fn viewer(&self, technician: &Technician, code: &SessionCode) -> Viewer {
        Viewer::start(technician.config(self.relay(), code))
    }

    /// A path to the relay in fair weather, which keeps every byte and can be cut.
    pub async fn tap(&self) -> Weather {
        Weather::start(self.address(), Link::default(), 0, true).await
    }

    /// A path to the relay with this network on it; its seed is printed.
    pub async fn weather(&self, link: Link) -> Weather {
        Weather::start(self.address(), link, seed("weather"), false).await
    }

    /// What hosts and viewers are told that are to take this path.
    pub fn through(&self, weather: &Weather) -> RelayString {
        RelayString { port: weather.port(), ..self.relay() }
    }

    /// Somebody enters this code and is refused; returns why.
    pub async fn refused(&self, technician: &Technician, code: &SessionCode) -> Close {
        self.viewer(technician, code).over().await
    }

    /// A new host and a new technician's viewer with view and control, the picture exact.
    pub async fn pair(&self) -> (Host, Viewer) {
        let technician = self.technician("Vera Example").await;
        let mut host = self.host();
        let code = host.code().await;
        let mut viewer = self.viewer(&technician, &code);
        consent(&mut host, &mut viewer).await;
        (host, viewer)
    }

    /// Checks the record and ends the relay in order. What a story leaves running is not its concern.
    ///
    /// # Panics
    /// If an entry is broken.
    pub async fn end(mut self) {
        let answer = self.operator.verify().await;
        assert!(answer.code == 0 && answer.out[0].starts_with("verified "), "{answer:?}");
        self.stop_relay().await;
    }
}

/// The user allows viewing and control, and the picture arrives.
pub async fn consent(host: &mut Host, viewer: &mut Viewer) {
    let both = Rights::VIEW | Rights::CONTROL;
    host.allow(Rights::VIEW).await;
    host.allow(Rights::CONTROL).await;
    viewer.holds(both, RightsChange::Given).await;
    let told = |show: &Show| matches!(show, Show::Rights { held, .. } if *held == both).then_some(());
    host.shows.next("who may do what", told).await;
    viewer.shows(host, crate::host::FIRST).await;
}

async fn serve(config: &Config, program: Option<&Run>) -> Server {
    match program {
        Some(run) => Server::program(config, run).await,
        None => Server::inside(config.clone()).await,
    }
}
