//! The compiled binary as a child process: started, asked, killed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

/// How the binary is started. Nothing of the tests' own environment reaches it.
#[derive(Clone)]
pub struct Setup {
    variables: BTreeMap<String, String>,
    folder: PathBuf,
}

/// A process that serves.
pub struct Server {
    /// Where it listens, as `http://127.0.0.1:PORT`; empty for a worker.
    pub base: String,
    child: Child,
    /// What it says after its address; kept so that the pipe never fills.
    lines: mpsc::UnboundedReceiver<String>,
}

/// What a command that ended left behind.
#[derive(Debug)]
pub struct Finished {
    /// Its exit code; `None` when it was killed.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Setup {
    /// The binary in a folder of its own (where no `.env` lies), with a database.
    pub fn new(folder: &Path, database_url: &str) -> Setup {
        let setup = Setup { variables: BTreeMap::new(), folder: folder.to_owned() };
        setup.with("DAKIYA_DATABASE_URL", database_url).with("DAKIYA_LISTEN", "127.0.0.1:0")
    }

    /// With a variable set.
    pub fn with(mut self, variable: &str, value: impl Into<String>) -> Setup {
        self.variables.insert(variable.to_owned(), value.into());
        self
    }

    /// Runs a command to its end.
    pub async fn run(&self, arguments: &[&str]) -> Finished {
        Finished::of(&self.command(arguments).output().await.expect("the binary starts"))
    }

    /// Runs a command that must succeed, and returns what it printed.
    pub async fn must(&self, arguments: &[&str]) -> String {
        let finished = self.run(arguments).await;
        assert_eq!(finished.code, Some(0), "dakiya {}: {finished:#?}", arguments.join(" "));
        finished.stdout
    }

    /// [`Setup::must`], with something typed.
    pub async fn must_with_input(&self, arguments: &[&str], input: &str) -> String {
        let mut command = self.command(arguments);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("the binary starts");
        let mut typed = child.stdin.take().expect("piped");
        typed.write_all(input.as_bytes()).await.expect("it reads");
        drop(typed);
        let output = child.wait_with_output().await.expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "dakiya {}: {said}", arguments.join(" "));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs a command and reads a meter until it ends; the last reading counts.
    pub async fn measured<M, R>(
        &self,
        arguments: &[&str],
        meter: impl FnOnce(u32) -> M,
        read: impl Fn(&M) -> Option<R>,
    ) -> (Finished, R) {
        let mut command = self.command(arguments);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        let meter = meter(child.id().expect("it runs"));
        let mut last = read(&meter);
        let mut output = std::pin::pin!(child.wait_with_output());
        let output = loop {
            tokio::select! {
                output = &mut output => break output.expect("it ends"),
                () = tokio::time::sleep(Duration::from_millis(5)) => last = read(&meter).or(last),
            }
        };
        (Finished::of(&output), last.expect("it ran long enough to be measured"))
    }

    /// Starts a command that serves, and waits until it says where.
    pub async fn serve(&self, arguments: &[&str]) -> Server {
        self.start(arguments, address_in).await
    }

    /// Starts a process that sends and listens nowhere, and waits until it works.
    pub async fn work(&self) -> Server {
        let works = |line: &str| line.contains("worker is running").then(String::new);
        self.start(&["serve", "--role", "worker"], works).await
    }

    async fn start(&self, arguments: &[&str], ready: impl Fn(&str) -> Option<String>) -> Server {
        let mut command = self.command(arguments);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        let (said, mut lines) = mpsc::unbounded_channel();
        forward(child.stdout.take().expect("piped"), said.clone());
        forward(child.stderr.take().expect("piped"), said);
        let mut heard = Vec::new();
        while let Some(line) = lines.recv().await {
            if let Some(base) = ready(&line) {
                return Server { base, child, lines };
            }
            heard.push(line);
        }
        panic!("dakiya {} ended before it was ready:\n{}", arguments.join(" "), heard.join("\n"));
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(path());
        command.args(arguments).env_clear().envs(&self.variables).current_dir(&self.folder);
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }
}

impl Finished {
    fn of(output: &Output) -> Finished {
        Finished {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Server {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id().expect("the process is running")
    }

    /// `kill -9`: no chance to finish anything.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("the process was running");
    }

    /// Asks it to stop, as an operator would, and waits for its end.
    pub async fn stop(mut self) -> Option<i32> {
        let id = self.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().await.expect("kill exists");
        assert!(asked.success());
        self.child.wait().await.expect("it ends").code()
    }

    /// Whether it ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child of ours").is_some()
    }

    /// Everything it has said since it listened.
    pub fn said(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.lines.try_recv().ok()).collect()
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.base.rsplit(':').next().and_then(|port| port.parse().ok()).expect("an address with a port")
    }
}

fn forward(pipe: impl tokio::io::AsyncRead + Unpin + Send + 'static, to: mpsc::UnboundedSender<String>) {
    tokio::spawn(async move {
        let mut lines = BufReader::new(pipe).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            to.send(line).ok();
        }
    });
}

/// The first local address in a line.
fn address_in(line: &str) -> Option<String> {
    let start = line.find("http://127.0.0.1:")?;
    let end = line[start + "http://127.0.0.1:".len()..].find(|c: char| !c.is_ascii_digit());
    let end = end.map_or(line.len(), |offset| start + "http://127.0.0.1:".len() + offset);
    Some(line[start..end].to_owned())
}

/// The binary lies beside the tests' own folder: `target/<profile>/dakiya` and `target/<profile>/deps/<test>`.
fn path() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a file");
    let profile = test.parent().and_then(Path::parent).expect("tests lie in target/<profile>/deps");
    let binary = profile.join(format!("dakiya{}", std::env::consts::EXE_SUFFIX));
    assert!(
        binary.is_file(),
        "the dakiya binary is not built: run `cargo xtask test`, or `cargo build -p dakiya` first"
    );
    binary
}
