//! `concertina view`

use std::io;
use std::process::{Command, Stdio};

use concertina_viewer::{Options, Viewer};

use crate::arguments::{Everywhere, View};
use crate::interrupt;
use crate::output::{Failure, print, say};

pub(crate) fn run(everywhere: &Everywhere, view: &View) -> Result<(), Failure> {
    check(everywhere, view)?;
    let mut options = Options::of(&everywhere.store);
    options.port = view.port;
    options.figures.clone_from(&view.figures);
    options.allow_training = view.allow_training;
    let viewer = Viewer::bind(options).map_err(Failure::Serving)?;
    let stop = interrupt::flag_that_says("the viewer stopped");
    let page = view.run.as_ref().map_or(String::new(), |key| format!("#/run/{key}"));
    let address = format!("{}{page}", viewer.address());
    print(format!("{address}\n").as_bytes())?;
    if !everywhere.quiet {
        if !everywhere.store.exists() {
            say(&format!(
                "there is no store in `{}` yet: runs appear when they are trained into it, and the playground works without",
                everywhere.store.display()
            ));
        }
        say("Ctrl-C stops the viewer");
        if std::env::var_os("SSH_CONNECTION").is_some() {
            let port = viewer.port();
            say(&format!(
                "on your own machine, `ssh -N -L {port}:127.0.0.1:{port} HOST` leads there; then open the address"
            ));
        }
    }
    let remote = std::env::var_os("SSH_CONNECTION").is_some();
    if !(view.no_open || remote) && open(&address).is_err() && !everywhere.quiet {
        say("no browser was found: open the address yourself");
    }
    viewer.serve(&stop).map_err(Failure::Serving)
}

/// Whether the store can be read, and has the run that is to be shown.
fn check(everywhere: &Everywhere, view: &View) -> Result<(), Failure> {
    if everywhere.store.exists() {
        let study = everywhere.builder().read_only()?;
        if let Some(key) = &view.run {
            study.key_of_run(key)?;
        }
    }
    Ok(())
}

/// Opens an address in the user's browser.
fn open(address: &str) -> io::Result<()> {
    let (program, arguments): (_, &[&str]) = match std::env::consts::OS {
        "macos" => ("open", &[]),
        "windows" => ("rundll32", &["url.dll,FileProtocolHandler"]),
        _ => ("xdg-open", &[]),
    };
    let mut command = Command::new(program);
    command.args(arguments).arg(address);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map(drop)
}
