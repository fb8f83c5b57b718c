//! The relay's operator: says on the admin socket what `nearhand-relay technician …` and `record …` say there.

use crate::{
    journal::{DEADLINE, in_time},
    record::{Entry, Record},
};
use nearhand_proto::control::Token;
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixStream,
};

/// How often [`Operator::recorded`] looks into the record.
const LOOK: Duration = Duration::from_millis(20);

/// Whoever may use the data folder.
#[derive(Clone, Debug)]
pub struct Operator {
    data: PathBuf,
}

/// What a command answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Its exit code.
    pub code: u64,
    /// Lines for standard output.
    pub out: Vec<String>,
    /// Lines for standard error.
    pub errors: Vec<String>,
}

impl Operator {
    /// Of the relay with this data folder.
    pub fn new(data: &Path) -> Self {
        Self { data: data.to_owned() }
    }

    /// Has one request carried out by the running relay.
    ///
    /// # Panics
    /// If no relay answers to the end.
    pub async fn ask(&self, request: Value) -> Answer {
        in_time("the operator's answer", self.try_ask(request)).await.expect("a running relay answers")
    }

    async fn try_ask(&self, request: Value) -> anyhow::Result<Answer> {
        let mut stream = UnixStream::connect(self.data.join("relay.sock")).await?;
        stream.write_all(format!("{request}\n").as_bytes()).await?;
        let mut lines = BufReader::new(stream).lines();
        let mut answer = Answer::default();
        while let Some(line) = lines.next_line().await? {
            let reply: Value = serde_json::from_str(&line)?;
            let text = |kind: &str| reply[kind].as_str().map(str::to_owned);
            answer.out.extend(text("out"));
            answer.errors.extend(text("error"));
            if let Some(code) = reply["exit"].as_u64() {
                answer.code = code;
                return Ok(answer);
            }
        }
        anyhow::bail!("the relay hung up before the exit code")
    }

    /// `technician add NAME`: the token.
    ///
    /// # Panics
    /// If the relay refuses.
    pub async fn add(&self, name: &str) -> Token {
        let answer = self.ask(json!({"do": "technician-add", "name": name})).await;
        let token = answer.out.last().and_then(|line| line.strip_prefix("token "));
        Token(token.unwrap_or_else(|| panic!("no token: {answer:?}")).to_owned())
    }

    /// `technician remove NAME`.
    ///
    /// # Panics
    /// If the relay refuses.
    pub async fn remove(&self, name: &str) {
        let answer = self.ask(json!({"do": "technician-remove", "name": name})).await;
        assert_eq!(answer.code, 0, "{answer:?}");
    }

    /// `record verify`.
    pub async fn verify(&self) -> Answer {
        self.ask(json!({"do": "record-verify"})).await
    }

    /// `record export`, parsed.
    pub async fn record(&self) -> Record {
        let answer = self.ask(json!({"do": "record-export"})).await;
        assert_eq!(answer.code, 0, "{answer:?}");
        Record::parse(&answer.out)
    }

    /// Waits until the record holds an entry for which `is` is true; returns the first one.
    ///
    /// # Panics
    /// If there is none before [`DEADLINE`]; says what there is.
    pub async fn recorded(&self, what: &str, is: impl Fn(&Entry) -> bool) -> Entry {
        let until = Instant::now() + DEADLINE;
        loop {
            let record = self.record().await;
            if let Some(entry) = record.entries.iter().find(|entry| is(entry)) {
                return entry.clone();
            }
            assert!(Instant::now() < until, "{what} is not on record: {:#?}", record.lines());
            tokio::time::sleep(LOOK).await;
        }
    }
}
