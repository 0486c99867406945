use std::io::{self, Write};

use anstream::AutoStream;

/// Standard output. A reader who has seen enough (`dpop list | head`) does not stop the work, nor change its exit code.
pub(super) struct Output(AutoStream<io::Stdout>);

impl Output {
    pub(super) fn new(choice: anstream::ColorChoice) -> Self {
        Self(AutoStream::new(io::stdout(), choice))
    }
}

fn unread<T>(result: io::Result<T>, nothing: T) -> io::Result<T> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(nothing),
        other => other,
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        unread(self.0.write(bytes), bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        unread(self.0.flush(), ())
    }
}
