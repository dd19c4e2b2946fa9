//! `supervisorctl`: a line of words becomes an action, an action a call, an answer a text.

#![forbid(unsafe_code)]
