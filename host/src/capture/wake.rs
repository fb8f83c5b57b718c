//! Ends a wait from another thread: one eventfd (eventfd(2)), polled together with whatever the waiter waits for.

use super::CaptureError;
use rustix::{
    event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll},
    fd::{BorrowedFd, OwnedFd},
    io::Errno,
};
use std::{io, sync::Arc, time::Duration};

/// Wakes the one thread that waits on it. Clones wake the same thread; a wake before the wait ends the wait at once.
#[derive(Clone, Debug)]
pub struct Wake(Arc<OwnedFd>);

impl Wake {
    /// # Errors
    /// If the process has no file descriptor left.
    pub fn new() -> io::Result<Self> {
        let fd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self(Arc::new(fd)))
    }

    /// Ends the current or the next wait. Never blocks.
    pub fn wake(&self) {
        // The only failure is a full counter, and that means that the waiter is as good as awake.
        let _ = rustix::io::write(&*self.0, &1_u64.to_ne_bytes());
    }

    /// True if it was called since the last time; forgets it.
    pub(super) fn take(&self) -> bool {
        rustix::io::read(&*self.0, &mut [0_u8; 8]).is_ok()
    }

    /// The descriptor, readable while a wake stands.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        rustix::fd::AsFd::as_fd(&*self.0)
    }

    /// Sleeps until woken, until `other` is readable or until the time is up. May return early.
    pub(super) fn sleep(
        &self,
        other: Option<BorrowedFd<'_>>,
        time: Option<Duration>,
    ) -> Result<(), CaptureError> {
        let mut fds = vec![PollFd::from_borrowed_fd(self.fd(), PollFlags::IN)];
        fds.extend(other.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        // A time too long for the kernel is as good as for ever.
        let time = time.and_then(|time| Timespec::try_from(time).ok());
        match poll(&mut fds, time.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(CaptureError::Lost(error.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_is_kept_until_it_is_taken() {
        let wake = Wake::new().unwrap();
        assert!(!wake.take());
        wake.clone().wake();
        wake.wake();
        wake.sleep(None, None).unwrap();
        assert!(wake.take());
        assert!(!wake.take());
    }
}
