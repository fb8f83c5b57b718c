//! From a command to whoever carries it out: the running relay if its socket answers, else this process.

use super::{
    MAX_LINE, SOCKET,
    execute::{Request, execute},
};
use crate::record::{OpenError, Output, Recorder, Reply};
use std::{
    io::{self, Write as _},
    path::Path,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixStream,
};

/// Carries out `request` and prints the answer. Returns the exit code.
pub(super) async fn reach(dir: &Path, request: Request) -> u8 {
    let mut print = |reply: &Reply| match reply {
        Reply::Out(line) => writeln!(io::stdout().lock(), "{line}"),
        Reply::Error(line) => writeln!(io::stderr().lock(), "{line}"),
        Reply::Exit(_) => Ok(()),
    };
    answer(dir, request, &mut print).await
}

/// The record's file in a data folder.
const RECORD: &str = "record.db";

/// Where replies go; an error means that nobody reads them any more.
type Print<'a> = &'a mut dyn FnMut(&Reply) -> io::Result<()>;

/// As [`reach`], with another place for the answer.
pub(super) async fn answer(dir: &Path, request: Request, print: Print<'_>) -> u8 {
    match UnixStream::connect(dir.join(SOCKET)).await {
        Ok(stream) => match remote(stream, &request, print).await {
            Ok(code) => code,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => 1,
            // Our own standard output, or the relay.
            Err(error) => failed(&format!("the answer could not be passed on to its end: {error}"), print),
        },
        // No relay runs, or its socket is not ours; the folder's lock decides.
        Err(_) => match open(dir, &request, print) {
            Ok(recorder) => local(recorder, request, print).await,
            Err(error) => failed(&error.to_string(), print),
        },
    }
}

async fn remote(mut stream: UnixStream, request: &Request, print: Print<'_>) -> io::Result<u8> {
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    let mut stream = BufReader::new(stream);
    loop {
        line.clear();
        let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
        (&mut stream).take(limit).read_until(b'\n', &mut line).await?;
        if line.last() != Some(&b'\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let reply = serde_json::from_slice(&line)?;
        print(&reply)?;
        if let Reply::Exit(code) = reply {
            return Ok(code);
        }
    }
}

/// The record for a command of its own. Reading works on a copy that can't be written, and on a damaged one.
fn open(dir: &Path, request: &Request, print: Print<'_>) -> Result<Recorder, OpenError> {
    let create = matches!(request, Request::TechnicianAdd { .. });
    if create && !dir.join(RECORD).exists() {
        let made = format!(
            "{} had no record, so a new one is made there: is that the relay's --data folder?",
            dir.display()
        );
        drop(print(&Reply::Error(made)));
    }
    match Recorder::open_for_command(dir, create) {
        Err(error) if error.may_read() && request.reads().is_some() => {
            // Told on standard error; that nobody reads it changes nothing.
            drop(print(&Reply::Error(format!("only reading, which leaves no event: {error}"))));
            Recorder::open_read_only(dir)
        }
        other => other,
    }
}

async fn local(recorder: Recorder, request: Request, print: Print<'_>) -> u8 {
    let (output, mut replies) = Output::new();
    let listen = async move {
        let mut code = 1;
        while let Some(reply) = replies.recv().await {
            if let Reply::Exit(exit) = reply {
                code = exit;
            }
            if print(&reply).is_err() {
                break;
            }
        }
        code
    };
    let ((), code) = tokio::join!(execute(&recorder, request, output), listen);
    recorder.close().await;
    code
}

fn failed(why: &str, print: Print<'_>) -> u8 {
    // The exit code says it all the same.
    drop(print(&Reply::Error(why.to_owned())));
    1
}
