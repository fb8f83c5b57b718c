//! Ends a thread's wait for a display server from another thread: one eventfd (eventfd(2)), polled together with the
//! server's connection or whatever else the thread waits for.

use rustix::{
    event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll},
    fd::{AsFd, BorrowedFd, OwnedFd},
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

    /// True if it was woken since the last time; forgets it. Until then every wait ends at once.
    pub fn take(&self) -> bool {
        rustix::io::read(&*self.0, &mut [0_u8; 8]).is_ok()
    }

    /// Sleeps until woken, until `other` is readable or until the time is up (`None`: never). May return early.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn sleep(&self, other: Option<BorrowedFd<'_>>, time: Option<Duration>) -> io::Result<()> {
        let mut fds = vec![PollFd::from_borrowed_fd(self.as_fd(), PollFlags::IN)];
        fds.extend(other.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        // A time too long for the kernel is as good as for ever.
        let time = time.and_then(|time| Timespec::try_from(time).ok());
        match poll(&mut fds, time.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for Wake {
    /// Readable while a wake stands.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
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
