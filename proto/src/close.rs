//! Why something ended or was refused: one list for connection close codes (RFC 9000 §20.2, application error
//! codes), refusals, the record and the exit codes of the programs; with the words for people.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! closes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, exit $exit:literal, retry $retry:literal, $words:literal;)*) => {
        /// Why something ended or was refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "u16", into = "u16")]
        #[non_exhaustive]
        pub enum Close {
            $($(#[$doc])* $variant,)*
        }

        impl Close {
            /// Every reason, in the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The code on the wire and in the record.
            pub fn code(self) -> u16 {
                match self { $(Self::$variant => $code,)* }
            }

            /// The exit code of a program that ends for this reason.
            pub fn exit_code(self) -> u8 {
                match self { $(Self::$variant => $exit,)* }
            }

            /// True if the same attempt may succeed by itself a little later.
            pub fn may_retry(self) -> bool {
                match self { $(Self::$variant => $retry,)* }
            }

            /// True if a session whose connection the peer closes for this reason is over for good: it is none that passes by
            /// itself, nor `Done`, which is what quinn says for whoever lets go of a connection without a word.
            pub fn is_final(self) -> bool {
                !self.may_retry() && self != Self::Done
            }

            /// One sentence for people: what happened, what to do next.
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $words,)* }
            }

            /// Its name in lists: `technician left`.
            pub fn name(self) -> String {
                let camel = match self { $(Self::$variant => stringify!($variant),)* };
                let mut name = String::with_capacity(camel.len() + 4);
                for (at, c) in camel.chars().enumerate() {
                    if c.is_ascii_uppercase() && at != 0 {
                        name.push(' ');
                    }
                    name.push(c.to_ascii_lowercase());
                }
                name
            }

            /// The variant with this code.
            pub fn from_code(code: u64) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

closes! {
    /// The end that one side wanted, or a program that has done its work.
    Done = 0, exit 0, retry false, "the session has ended";
    /// The user stopped the session.
    UserStopped = 1, exit 11, retry false, "the user ended the session";
    /// The technician left.
    TechnicianLeft = 2, exit 0, retry false, "the technician ended the session";
    /// The user said no.
    Declined = 3, exit 10, retry false, "the user declined; explain what you need and ask for a new code";
    /// The user said nothing for 60 s; silence declines.
    NoAnswer = 4, exit 10, retry false, "the user did not answer within 60 seconds, which declines; ask for a new code";
    /// The user called it a scam.
    Reported = 5, exit 11, retry false, "the user called this a scam and ended it; this relay is blocked on their computer";
    /// The relay is blocked here (local).
    Blocked = 6, exit 18, retry false, "this relay was called a scam on this computer and stays blocked";
    /// Unknown, expired and used locators, indistinguishable on purpose.
    NoSuchCode = 10, exit 4, retry false, "no computer waits under this code; ask for the new one";
    /// The secret half differs.
    WrongCode = 11, exit 5, retry false, "session code does not match; ask the user to read it out again";
    /// The second wrong start.
    CodeDead = 12, exit 5, retry false, "the code was entered wrongly twice and is dead; ask for the new one";
    /// Two viewers claimed one code.
    TwoClaimants = 13, exit 6, retry false, "two people entered this code at the same time, so both were refused; ask for the new one";
    /// The check digit does not fit (found in the viewer, costs no attempt).
    Mistyped = 14, exit 3, retry false, "that code has a typing slip (its check digit does not fit); compare it with the user, digit by digit";
    /// The viewer has seen this code fail twice.
    RefusedTwice = 15, exit 5, retry false, "this code has failed twice here, so it is refused: the relay may be guessing at it; ask for a new one";
    /// A certificate that no technician enrolled.
    UnknownTechnician = 20, exit 7, retry false, "this relay does not know you; ask its operator for a token and run 'nearhand-viewer enrol'";
    /// The technician was removed, maybe just now.
    TechnicianRemoved = 21, exit 7, retry false, "you were removed from this relay's technicians; ask its operator for a new token";
    /// A token that is wrong, used or older than 24 h.
    BadToken = 22, exit 7, retry false, "this token is wrong, used or older than 24 hours; ask the relay's operator for a new one";
    /// Wrong codes per hour or day.
    TooManyWrongCodes = 23, exit 13, retry false, "too many wrong codes from you; wait an hour (a day after twenty), then ask the user for a new code";
    /// A limit on connections or waiting hosts.
    Busy = 24, exit 13, retry true, "the relay takes no more connections from here now; close some or try again in a minute";
    /// No durable record, no session.
    RecordUnavailable = 30, exit 14, retry true, "the relay can't write its record, so it starts no session; its operator must look at its disk";
    /// SIGTERM at the relay.
    RelayStopping = 31, exit 8, retry true, "the relay is shutting down; try again in a minute";
    /// No answer within the dialler's 60 s (local).
    RelayUnreachable = 32, exit 8, retry true, "the relay does not answer; check the network, and with its operator that it runs and UDP reaches it";
    /// Another key than the relay string names (local).
    RelayKey = 33, exit 9, retry false, "the relay has another key than your relay string names: it isn't the relay you meant, or its key changed; ask its operator for the current string";
    /// No ALPN in common.
    Version = 34, exit 15, retry false, "the two sides speak different versions; update the older one";
    /// The peer broke the protocol.
    Protocol = 35, exit 16, retry false, "the other side broke the protocol; update both sides";
    /// A frame did not arrive in time.
    TooSlow = 36, exit 16, retry true, "the other side stalled in the middle of a message; try again";
    /// A newer connection of the same end took over.
    Replaced = 37, exit 0, retry false, "a newer connection of this program took over";
    /// The other end was gone for 10 min.
    Lost = 40, exit 12, retry false, "the connection was lost and did not come back; ask for a new code";
    /// The host left while a claim or session was open.
    HostGone = 41, exit 12, retry false, "the user's computer is no longer there; ask for a new code";
    /// Something of our own failed.
    Internal = 50, exit 1, retry false, "something failed on our side; the log on standard error says what";
    /// The desktop can't be captured or controlled.
    NoScreen = 51, exit 17, retry false, "the screen can't be captured; the host says why";
}

impl fmt::Display for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

impl std::error::Error for Close {}

impl TryFrom<u16> for Close {
    type Error = String;
    fn try_from(code: u16) -> Result<Self, String> {
        Self::from_code(code.into()).ok_or_else(|| format!("unknown close code {code}"))
    }
}

impl From<Close> for u16 {
    fn from(close: Close) -> Self {
        close.code()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_found_again() {
        for close in Close::ALL {
            assert_eq!(Close::from_code(close.code().into()), Some(*close));
        }
        assert_eq!(Close::from_code(9_999), None);
        assert_eq!(Close::TechnicianLeft.name(), "technician left");
    }

    #[test]
    fn neither_what_passes_nor_a_connection_let_go_ends_a_session() {
        assert!(Close::TechnicianLeft.is_final() && Close::UserStopped.is_final());
        assert!(!Close::TooSlow.is_final() && !Close::Done.is_final());
    }
}
