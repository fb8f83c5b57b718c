//! The running relay's end of the admin socket. Whoever may open the socket (mode 0600) is the operator.

use super::{
    MAX_LINE, SOCKET,
    execute::{Request, execute},
};
use crate::record::{Output, Recorder, Reply};
use socket2::{Domain, SockAddr, Socket, Type};
use std::{
    fs::{self, Permissions},
    io,
    os::{fd::OwnedFd, unix::fs::PermissionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, BufWriter},
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// Commands at once; further ones wait in the socket's queue.
const MAX_CLIENTS: usize = 8;

/// How long a command may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);

/// Pause after a connection that could not be accepted: most likely no file descriptor is free.
const BACK_OFF: Duration = Duration::from_millis(100);

/// The bound socket; removed from the folder when dropped.
#[derive(Debug)]
pub struct Listener {
    listener: UnixListener,
    path: PathBuf,
}

impl Listener {
    /// Makes `DIR/relay.sock`. The caller holds the folder's lock, so a socket that is there is a dead relay's.
    ///
    /// # Errors
    /// Whatever the system says; a path beyond 107 bytes is too long for a socket.
    pub fn bind(dir: &Path) -> io::Result<Self> {
        let path = dir.join(SOCKET);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.bind(&SockAddr::unix(&path)?)?;
        // Before `listen` nobody can connect, so nobody gets in before the mode is right.
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        socket.listen(16)?;
        socket.set_nonblocking(true)?;
        let listener = UnixListener::from_std(OwnedFd::from(socket).into())?;
        Ok(Self { listener, path })
    }

    /// Serves commands until `stop`.
    pub async fn serve(self, recorder: Recorder, stop: CancellationToken) {
        let mut clients = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = clients.join_next() => match ended {
                    Ok(()) => {}
                    Err(error) => tracing::error!(%error, "a command's task failed"),
                },
                accepted = self.listener.accept(), if clients.len() < MAX_CLIENTS => match accepted {
                    Ok((stream, _)) => drop(clients.spawn(client(stream, recorder.clone()))),
                    Err(error) => {
                        tracing::error!(%error, "a command could not be let in on the admin socket");
                        tokio::time::sleep(BACK_OFF).await;
                    }
                },
            }
        }
        clients.shutdown().await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // A socket left behind is removed by the next relay.
        drop(fs::remove_file(&self.path));
    }
}

async fn client(stream: UnixStream, recorder: Recorder) {
    let (input, output) = stream.into_split();
    let request = match timeout(PATIENCE, request(input)).await {
        Ok(Ok(request)) => request,
        Ok(Err(error)) => return tracing::debug!(%error, "no request on the admin socket"),
        Err(_) => return tracing::debug!("no request on the admin socket in time"),
    };
    let (replies, answer) = Output::new();
    let ((), sent) = tokio::join!(execute(&recorder, request, replies), forward(answer, output));
    if let Err(error) = sent {
        tracing::debug!(%error, "a command left before its answer was complete");
    }
}

async fn request(input: OwnedReadHalf) -> io::Result<Request> {
    let mut line = Vec::new();
    let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
    BufReader::new(input).take(limit).read_until(b'\n', &mut line).await?;
    Ok(serde_json::from_slice(&line)?)
}

async fn forward(mut answer: mpsc::Receiver<Reply>, output: OwnedWriteHalf) -> io::Result<()> {
    let mut output = BufWriter::new(output);
    while let Some(reply) = answer.recv().await {
        let mut line = serde_json::to_vec(&reply)?;
        line.push(b'\n');
        output.write_all(&line).await?;
        if answer.is_empty() {
            output.flush().await?;
        }
    }
    output.flush().await
}

#[cfg(test)]
mod tests {
    use super::{super::reach::answer, *};
    use nearhand_proto::ids::{ActorId, SessionId};

    async fn ask(dir: &Path, request: Request) -> (u8, Vec<Reply>) {
        let mut replies = Vec::new();
        let code = answer(dir, request, &mut |reply| {
            replies.push(reply.clone());
            Ok(())
        })
        .await;
        (code, replies)
    }

    fn out(replies: &[Reply]) -> Vec<&str> {
        replies
            .iter()
            .filter_map(|reply| if let Reply::Out(line) = reply { Some(line.as_str()) } else { None })
            .collect()
    }

    fn add() -> Request {
        Request::TechnicianAdd { name: "Vera".parse().unwrap() }
    }

    #[tokio::test]
    async fn commands_go_through_a_running_relay() {
        let dir = tempfile::tempdir().unwrap();
        let recorder = Recorder::open(dir.path(), ActorId([1; 16])).unwrap();
        let admin = Listener::bind(dir.path()).unwrap();
        let mode = fs::metadata(dir.path().join(SOCKET)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let stop = CancellationToken::new();
        let story = async {
            let (code, replies) = ask(dir.path(), add()).await;
            let token = out(&replies).last().unwrap().strip_prefix("token ").unwrap().to_owned();
            assert_eq!((code, token.len()), (0, 22));
            let (code, replies) = ask(dir.path(), add()).await;
            assert_eq!(code, 1);
            assert!(matches!(&replies[0], Reply::Error(text) if text.contains("already")), "{replies:?}");
            let (code, replies) = ask(dir.path(), Request::RecordVerify).await;
            assert_eq!(code, 0);
            assert!(out(&replies)[0].starts_with("verified 2 entries, tree head "), "{replies:?}");
            stop.cancel();
        };
        tokio::join!(admin.serve(recorder.clone(), stop.clone()), story);
        recorder.close().await;
        assert!(!dir.path().join(SOCKET).exists());
    }

    #[tokio::test]
    async fn commands_work_without_a_relay() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let (code, replies) = ask(&data, Request::RecordList).await;
        assert_eq!(code, 1);
        assert!(matches!(&replies[0], Reply::Error(text) if text.contains("no record in")), "{replies:?}");
        assert_eq!(ask(&data, add()).await.0, 0);
        let (code, replies) = ask(&data, Request::TechnicianList).await;
        assert_eq!((code, out(&replies)), (0, vec!["Vera\tinvited"]));
        let (code, replies) = ask(&data, Request::RecordShow { session: SessionId([7; 16]) }).await;
        assert_eq!(code, 1);
        assert!(matches!(&replies[0], Reply::Error(text) if text.contains("no session 0707")), "{replies:?}");
        let (code, replies) = ask(&data, Request::RecordExport).await;
        assert_eq!((code, out(&replies).len()), (0, 4), "added, read (show), read (export), head");
    }

    #[tokio::test]
    async fn two_writers_are_one_too_many() {
        let dir = tempfile::tempdir().unwrap();
        let recorder = Recorder::open(dir.path(), ActorId([1; 16])).unwrap();
        let (code, replies) = ask(dir.path(), add()).await;
        let expected = Reply::Error(
            "another relay or command uses this data folder; end it or wait, then try again".into(),
        );
        assert_eq!((code, replies), (1, vec![expected]));
        recorder.close().await;
        assert_eq!(ask(dir.path(), add()).await.0, 0);
    }

    #[tokio::test]
    async fn nonsense_on_the_socket_is_hung_up_on() {
        let dir = tempfile::tempdir().unwrap();
        let recorder = Recorder::open(dir.path(), ActorId([1; 16])).unwrap();
        let admin = Listener::bind(dir.path()).unwrap();
        let stop = CancellationToken::new();
        let story = async {
            for nonsense in [&b"{}\n"[..], b"\xff\n", &[b'x'; MAX_LINE]] {
                let mut stream = UnixStream::connect(dir.path().join(SOCKET)).await.unwrap();
                stream.write_all(nonsense).await.unwrap();
                let mut answer = Vec::new();
                // A reset is as good as an end.
                drop(stream.read_to_end(&mut answer).await);
                assert!(answer.is_empty());
            }
            stop.cancel();
        };
        tokio::join!(admin.serve(recorder.clone(), stop.clone()), story);
        recorder.close().await;
    }
}
