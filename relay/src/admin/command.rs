//! What the operator types.

use super::{execute::Request, reach::reach};
use nearhand_proto::{ids::SessionId, text::Name};
use std::{path::PathBuf, process::ExitCode};

/// Commands of the relay's operator. They work beside a running relay and without one.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Who may claim session codes: add, list or remove technicians.
    #[command(subcommand)]
    Technician(TechnicianCommand),
    /// What happened: list sessions, show one, check the record, export it.
    #[command(subcommand)]
    Record(RecordCommand),
}

/// `technician …`
#[derive(Clone, Debug, clap::Subcommand)]
pub enum TechnicianCommand {
    /// Adds a technician and prints a one-time token.
    ///
    /// Give the token to the technician, who runs 'nearhand-viewer enrol --relay STRING TOKEN' within 24 hours. The
    /// last line of the output is 'token' and the token; it is shown this once.
    Add {
        /// The name that users will see when this technician calls: 1 to 64 bytes.
        name: Name,
        /// Where the relay keeps its data.
        #[command(flatten)]
        folder: DataFolder,
    },
    /// Lists technicians: name, state and key, separated by tabs.
    List {
        /// Where the relay keeps its data.
        #[command(flatten)]
        folder: DataFolder,
    },
    /// Removes a technician; sessions that are going on are cut at once.
    Remove {
        /// The name, as 'technician list' shows it.
        name: Name,
        /// Where the relay keeps its data.
        #[command(flatten)]
        folder: DataFolder,
    },
}

/// `record …`
#[derive(Clone, Debug, clap::Subcommand)]
pub enum RecordCommand {
    /// Lists sessions: id, start, technician, how it ended, number of events, separated by tabs.
    List {
        /// Where the relay keeps its data.
        #[command(flatten)]
        folder: DataFolder,
    },
    /// Shows what happened in one session, in order.
    Show {
        /// The session's id: 32 hexadecimal digits, as 'record list' shows it.
        session: SessionId,
        /// Where the relay keeps its data.
        #[command(flatten)]
        folder: DataFolder,
    },
    /// Checks every entry and names the first one that was changed.
    ///
    /// Exits with 0 and prints the number of entries and the tree's head, or with 1 and names the first broken entry.
    /// Keep the head somewhere else to notice a record that was rewritten or cut off as a whole.
    Verify {
        /// Where the relay keeps its data.
        #[command(flatten)]
        folder: DataFolder,
    },
    /// Prints every entry, with its hashes, for other programs.
    Export {
        /// One JSON object a line; the last one is the tree's head.
        #[arg(long, value_enum, default_value_t = ExportFormat::Jsonl)]
        format: ExportFormat,
        /// Where the relay keeps its data.
        #[command(flatten)]
        folder: DataFolder,
    },
}

/// How entries are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ExportFormat {
    /// JSON Lines.
    Jsonl,
}

/// Where the relay keeps its data.
#[derive(Clone, Debug, clap::Args)]
pub struct DataFolder {
    /// The relay's data folder, as given to 'serve --data'.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
}

impl Command {
    fn split(self) -> (PathBuf, Request) {
        let (folder, request) = match self {
            Self::Technician(TechnicianCommand::Add { name, folder }) => {
                (folder, Request::TechnicianAdd { name })
            }
            Self::Technician(TechnicianCommand::List { folder }) => (folder, Request::TechnicianList),
            Self::Technician(TechnicianCommand::Remove { name, folder }) => {
                (folder, Request::TechnicianRemove { name })
            }
            Self::Record(RecordCommand::List { folder }) => (folder, Request::RecordList),
            Self::Record(RecordCommand::Show { session, folder }) => {
                (folder, Request::RecordShow { session })
            }
            Self::Record(RecordCommand::Verify { folder }) => (folder, Request::RecordVerify),
            Self::Record(RecordCommand::Export { format: ExportFormat::Jsonl, folder }) => {
                (folder, Request::RecordExport)
            }
        };
        (folder.data, request)
    }
}

/// Carries out a command and prints its answer.
pub async fn run(command: Command) -> ExitCode {
    let (dir, request) = command.split();
    reach(&dir, request).await.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Args {
        #[command(subcommand)]
        command: Command,
    }

    fn check(line: &str, expected: Option<Request>) {
        let words = std::iter::once("nearhand-relay").chain(line.split(' '));
        let parsed = Args::try_parse_from(words).ok().map(|args| args.command.split());
        assert_eq!(parsed, expected.map(|request| ("d".into(), request)), "{line}");
    }

    #[test]
    fn what_is_typed_is_what_is_asked() {
        let name: Name = "Vera".parse().unwrap();
        let session = SessionId([0xab; 16]);
        check("technician add Vera --data d", Some(Request::TechnicianAdd { name: name.clone() }));
        check("technician list --data d", Some(Request::TechnicianList));
        check("technician remove --data d Vera", Some(Request::TechnicianRemove { name }));
        check("record list --data d", Some(Request::RecordList));
        check(&format!("record show {session} --data d"), Some(Request::RecordShow { session }));
        check("record verify --data d", Some(Request::RecordVerify));
        check("record export --format jsonl --data d", Some(Request::RecordExport));
        check("record export --data d", Some(Request::RecordExport));
        check("record show abc --data d", None);
        check("record list", None);
        check("technician add a\u{1b}b --data d", None);
    }
}
