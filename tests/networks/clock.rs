//! The wall clock steps (F14).
