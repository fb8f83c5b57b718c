//! A world: one relay with its data folder, and the hosts, technicians and viewers that a story brings to it. Worlds
//! share nothing, so any number of them run in one process.

use crate::{
    host::Host,
    operator::Operator,
    server::Server,
    tap::Tap,
    viewer::{Technician, Viewer},
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
    is_program: bool,
}

impl World {
    /// A relay in this process, on a free port, with the product's own limits.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// The same with other settings.
    pub async fn start_with(tune: impl FnOnce(&mut Config)) -> Self {
        Self::new(tune, false).await
    }

    /// The relay's program in a process of its own.
    pub async fn start_program() -> Self {
        Self::new(|_| {}, true).await
    }

    async fn new(tune: impl FnOnce(&mut Config), is_program: bool) -> Self {
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
        let server = serve(&config, is_program).await;
        let string = server.string();
        // What is started again is found at the same place.
        config.listen.set_port(string.port);
        let operator = Operator::new(&data);
        Self { operator, folder, config, string, server: Some(server), is_program }
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
        let server = serve(&self.config, self.is_program).await;
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

    /// A path to the relay that keeps every byte and can be cut.
    pub async fn tap(&self) -> Tap {
        Tap::start(self.address()).await
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

async fn serve(config: &Config, is_program: bool) -> Server {
    match is_program {
        true => Server::program(config).await,
        false => Server::inside(config.clone()).await,
    }
}
