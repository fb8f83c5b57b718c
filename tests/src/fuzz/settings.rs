//! The relay's settings file.

use super::{Target, damage};
use nearhand_relay::config::{Config, ConfigError, ServeArgs};
use std::fs;

/// `config.toml`.
pub(super) const RELAY_CONFIG: Target = Target { name: "relay_config", run, decode: None, seeds };

/// A file is taken, or refused with a reason that can be shown.
fn run(data: &[u8]) {
    let folder = damage::folder();
    let path = folder.path().join("config.toml");
    fs::write(&path, data).expect("room for a file");
    let listen = Some("127.0.0.1:0".to_owned()); // never a name out of the file: that would be looked up
    match Config::resolve(ServeArgs { config: Some(path), listen, ..ServeArgs::default() }) {
        Ok(config) => assert!(!config.name.is_empty() && config.name.len() <= 253 && config.name.is_ascii()),
        Err(ConfigError::Read { .. }) => {
            assert!(std::str::from_utf8(data).is_err(), "text that can't be read")
        }
        Err(error) => {
            let drives = |c: char| c.is_control() && c != '\n';
            assert!(!error.to_string().contains(drives), "{error:?}");
        }
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let all = [
        "desk = 'Help'\ndrain_seconds = 5\n[limits]\nwrong_codes_per_hour = 3\n",
        "listen = '[::]:4433'\nname = \"relay.example.org\"\n",
        "[limits]\nhandshakes = 18446744073709551615\nconnections_in_all = -1\n",
        "name = \"\\u001b[31m\"\n",
        "a = [[[[[[[[]]]]]]]]\n",
    ];
    all.map(|text| text.as_bytes().to_vec()).into()
}
