//! Chromium and the driver that clicks in it, started for one test and ended with it.

use fantoccini::wd::PrintConfiguration;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// A browser window.
pub struct Browser {
    client: Client,
    base: String,
    shots: PathBuf,
    _driver: Driver,
}

/// The accessibility rules that every page must keep.
const AXE: &str = include_str!("vendor/axe.min.js");

/// Asks axe about the page shown: WCAG 2.2 AA and its best practices.
const RUN_AXE: &str = "
const done = arguments[0];
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
axe.run(document, {runOnly: {type: 'tag', values: tags}}).then(
  found => done(found.violations.map(one => ({
    rule: one.id, help: one.help, at: one.nodes.map(node => node.html.slice(0, 200)),
  }))),
  error => done([{rule: 'axe failed', help: String(error), at: []}]));";

/// Focuses everything that can have the focus, and names what is then outside the window or covered.
const WALK_FOCUS: &str = "
const all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex=\"0\"]')];
const shown = all.filter(one => !one.disabled && one.tabIndex >= 0 && one.type !== 'hidden' && one.checkVisibility());
const hidden = [];
for (const one of shown) {
  one.focus();
  if (document.activeElement !== one) continue;
  one.scrollIntoView({block: 'nearest'});
  const box = one.getBoundingClientRect();
  const x = Math.min(Math.max(box.left + box.width / 2, 0), innerWidth - 1);
  const y = Math.min(Math.max(box.top + Math.min(box.height / 2, 20), 0), innerHeight - 1);
  const top = document.elementFromPoint(x, y);
  const reachable = top && (one.contains(top) || top.contains(one) || (one.labels && [...one.labels].some(l => l.contains(top))));
  if (!reachable) hidden.push(one.outerHTML.slice(0, 120));
}
return hidden;";

impl Browser {
    /// Opens a window on the server at `base`. Its pictures go to a folder of this name.
    pub async fn open(base: &str, name: &str) -> Browser {
        Self::start(base, name, &[]).await
    }

    /// [`Browser::open`], for somebody who prefers dark pages.
    pub async fn open_dark(base: &str, name: &str) -> Browser {
        Self::start(base, name, &["--blink-settings=preferredColorScheme=0"]).await
    }

    async fn start(base: &str, name: &str, more: &[&str]) -> Browser {
        let mut driver = Driver::start().await;
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(more))
            .connect(&format!("http://127.0.0.1:{}", driver.port))
            .await
            .expect("Chromium starts");
        driver.session = client.session_id().await.expect("a session");
        let shots = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("browser/shots").join(name);
        std::fs::create_dir_all(&shots).expect("a folder for pictures");
        let browser = Browser { client, base: base.to_owned(), shots, _driver: driver };
        browser.resize(1280, 900).await;
        browser
    }

    /// Sets the size of the window, in CSS pixels.
    pub async fn resize(&self, width: u32, height: u32) {
        self.client.set_window_size(width, height).await.expect("a window with a size");
    }

    /// Goes to a page.
    pub async fn go(&self, path: &str) {
        self.client
            .goto(&format!("{}{path}", self.base))
            .await
            .unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Where the window is, without the server's address.
    pub async fn path(&self) -> String {
        let url = self.client.current_url().await.expect("an address");
        url.as_str().strip_prefix(&self.base).unwrap_or(url.as_str()).to_owned()
    }

    /// Clicks what this CSS selector finds.
    pub async fn click(&self, css: &str) {
        let element = self.find(Locator::Css(css)).await;
        element.click().await.unwrap_or_else(|error| panic!("click {css}: {error}"));
    }

    /// Clicks the button or link with this text.
    pub async fn press(&self, text: &str) {
        let path = format!(
            "//*[self::a or self::button or self::summary][not(@aria-hidden)][contains(normalize-space(.), \"{text}\")]"
        );
        let element = self.find(Locator::XPath(&path)).await;
        element.click().await.unwrap_or_else(|error| panic!("press \"{text}\": {error}"));
    }

    /// Replaces what a field says.
    pub async fn fill(&self, css: &str, text: &str) {
        let element = self.find(Locator::Css(css)).await;
        element.clear().await.ok();
        element.send_keys(text).await.unwrap_or_else(|error| panic!("fill {css}: {error}"));
    }

    /// Chooses a file for an upload.
    pub async fn attach(&self, css: &str, file: &std::path::Path) {
        let element = self.find(Locator::Css(css)).await;
        element
            .send_keys(&file.to_string_lossy())
            .await
            .unwrap_or_else(|error| panic!("attach {css}: {error}"));
    }

    /// Chooses an option of a list by its value.
    pub async fn choose(&self, css: &str, value: &str) {
        let element = self.find(Locator::Css(css)).await;
        element
            .select_by_value(value)
            .await
            .unwrap_or_else(|error| panic!("choose {value} in {css}: {error}"));
    }

    /// Waits until the page says this.
    pub async fn sees(&self, text: &str) {
        harness::wait::until(&format!("the page says \"{text}\""), async || self.says(text).await).await;
    }

    /// Whether the page says this now.
    pub async fn says(&self, text: &str) -> bool {
        let script = "return document.body ? document.body.innerText.includes(arguments[0]) : false";
        self.client.execute(script, vec![json!(text)]).await.is_ok_and(|found| found == json!(true))
    }

    /// Runs a script in the page and returns what it returns.
    pub async fn ask(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Keeps a picture of the page, and holds it to the rules that every page must keep.
    pub async fn looks_right(&self, name: &str) {
        self.picture(name).await;
        self.assert_accessible(name).await;
        self.assert_reflows(name).await;
    }

    /// The page as it prints, which is kept beside the pictures.
    pub async fn on_paper(&self, name: &str) -> Vec<u8> {
        let paper = self.client.print(PrintConfiguration::default()).await.expect("the page prints");
        std::fs::write(self.shots.join(format!("{name}.pdf")), &paper).expect("the paper is kept");
        paper
    }

    async fn picture(&self, name: &str) {
        let picture = self.client.screenshot().await.expect("a picture");
        std::fs::write(self.shots.join(format!("{name}.png")), picture).expect("the picture is kept");
    }

    async fn assert_accessible(&self, name: &str) {
        self.client.execute(AXE, Vec::new()).await.expect("axe loads");
        let violations = self.client.execute_async(RUN_AXE, Vec::new()).await.expect("axe answers");
        let violations = violations.as_array().cloned().unwrap_or_default();
        assert!(violations.is_empty(), "{name} breaks accessibility rules: {}", json!(violations));
    }

    /// Everything that can be reached by keyboard shows where it is: no focus is hidden or covered (WCAG 2.4.7, 2.4.11).
    pub async fn shows_every_focus(&self, name: &str) {
        let hidden = self.ask(WALK_FOCUS).await;
        let hidden = hidden.as_array().cloned().unwrap_or_default();
        assert!(hidden.is_empty(), "{name} hides the focus on: {}", json!(hidden));
    }

    /// At 320 CSS pixels nothing scrolls sideways but tables that are made for it (WCAG 1.4.10).
    async fn assert_reflows(&self, name: &str) {
        self.resize(320, 900).await;
        let widths = self.ask("return [document.documentElement.scrollWidth, window.innerWidth]").await;
        self.picture(&format!("{name}-narrow")).await;
        self.resize(1280, 900).await;
        let (content, window) = (widths[0].as_u64().unwrap_or(0), widths[1].as_u64().unwrap_or(0));
        assert!(content <= window, "{name} is {content} wide in a window of {window}");
    }

    async fn find(&self, locator: Locator<'_>) -> fantoccini::elements::Element {
        let found = self.client.wait().at_most(harness::wait::PATIENCE).for_element(locator).await;
        match found {
            Ok(element) => element,
            Err(error) => {
                panic!("{locator:?} is not on {}: {error}\n{}", self.path().await, self.source().await)
            }
        }
    }

    async fn source(&self) -> String {
        let source = self.client.source().await.unwrap_or_default();
        source.chars().take(6_000).collect()
    }
}

fn capabilities(more: &[&str]) -> serde_json::Map<String, Value> {
    let mut arguments = vec![
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--force-device-scale-factor=1",
        "--lang=en-GB",
    ];
    arguments.extend(more);
    let mut options = json!({"args": arguments});
    if let Some(browser) = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
        .into_iter()
        .find(|path| std::path::Path::new(path).is_file())
    {
        options["binary"] = json!(browser);
    }
    json!({"goog:chromeOptions": options}).as_object().cloned().expect("an object")
}

/// The driver's process. It leaves Chromium running when it is killed, so its session is ended first.
struct Driver {
    _process: Child,
    port: u16,
    session: Option<String>,
}

impl Driver {
    /// Now and then the driver finds the port that it chose taken; then it chooses another.
    async fn start() -> Driver {
        for _ in 0..3 {
            let mut process = Command::new("chromedriver")
                .arg("--port=0")
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .kill_on_drop(true)
                .spawn()
                .expect("chromedriver starts; `cargo xtask test` installs it or says how");
            if let Some(port) = listening_port(&mut process).await {
                return Driver { _process: process, port, session: None };
            }
        }
        panic!("chromedriver ended three times without listening");
    }
}

impl Drop for Driver {
    /// Also when a test fails, and without the runtime, which may be gone by then.
    fn drop(&mut self) {
        let Some(session) = self.session.take() else { return };
        let request =
            format!("DELETE /session/{session} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return };
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok();
        stream.write_all(request.as_bytes()).ok();
        stream.read_to_end(&mut Vec::new()).ok();
    }
}

async fn listening_port(driver: &mut Child) -> Option<u16> {
    let mut lines = BufReader::new(driver.stdout.take()?).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            let port = port.trim_end_matches('.').parse().ok();
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return port;
        }
    }
    None
}
