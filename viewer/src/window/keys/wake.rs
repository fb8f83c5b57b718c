//! Ends the keyboard thread's wait from another thread: one eventfd (eventfd(2)), polled together with the X
//! connection.

use rustix::{
    event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll},
    fd::{AsFd, BorrowedFd, OwnedFd},
    io::Errno,
};
use std::{io, sync::Arc, time::Duration};

/// Wakes the one thread that waits on it; a wake before the wait ends the wait at once.
#[derive(Clone, Debug)]
pub(super) struct Wake(Arc<OwnedFd>);

impl Wake {
    /// # Errors
    /// If the process has no file descriptor left.
    pub(super) fn new() -> io::Result<Self> {
        let fd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self(Arc::new(fd)))
    }

    /// Ends the current or the next wait. Never blocks.
    pub(super) fn wake(&self) {
        // The only failure is a full counter, and that means that the waiter is as good as awake.
        let _ = rustix::io::write(&*self.0, &1_u64.to_ne_bytes());
    }

    /// Sleeps until woken, until `other` is readable or until the time is up (`None`: never). May return early.
    pub(super) fn sleep(&self, other: BorrowedFd<'_>, time: Option<Duration>) -> io::Result<()> {
        let both = [self.0.as_fd(), other];
        let mut fds = both.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        // A time too long for the kernel is as good as for ever.
        let time = time.and_then(|time| Timespec::try_from(time).ok());
        match poll(&mut fds, time.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {
                // Nothing to read is the usual case.
                let _ = rustix::io::read(&*self.0, &mut [0_u8; 8]);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}
