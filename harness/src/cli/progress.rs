use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::suite::Event;

/// A progress bar on standard error; on a terminal only, and never where a machine reads along.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new(quiet: bool) -> Self {
        let visible = std::io::stderr().is_terminal() && !super::under_ci() && !quiet;
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// The same for what has no known end: a line that says how far it is.
    pub(super) fn without_end(quiet: bool) -> Self {
        let progress = Self::new(quiet);
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            progress.0.set_style(style);
        }
        progress
    }

    /// It is here.
    pub(super) fn told(&self, text: String) {
        self.0.set_message(text);
    }

    /// So many of so many are done, and the last was this.
    pub(super) fn reached(&self, done: usize, of: usize, name: &str) {
        self.0.set_length(u64::try_from(of).unwrap_or(u64::MAX));
        self.0.set_position(u64::try_from(done).unwrap_or(u64::MAX));
        self.0.set_message(name.to_owned());
    }

    pub(super) fn event(&self, event: &Event<'_>) {
        match event {
            Event::Started(cases) => self.0.set_length(u64::try_from(*cases).unwrap_or(u64::MAX)),
            Event::Finished(outcome) => {
                self.0.inc(1);
                self.0.set_message(outcome.id.clone());
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
