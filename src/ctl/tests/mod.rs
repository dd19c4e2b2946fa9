//! Every action, line by line. What is expected was printed by the original.

mod daemon;
mod groups;
mod json;
mod logs;
mod processes;
mod shell;
mod words;

use super::testing::process;
use crate::rpc::client::ClientError;
use crate::rpc::xml::Value;

#[allow(clippy::unnecessary_wraps, reason = "it is an answer in a script")]
fn pets() -> Result<Value, ClientError> {
    Ok(Value::Array(vec![
        process("cat", "cat", 20, 7),
        process("pets", "dog", 0, 0),
        process("pets", "eel", 20, 9),
    ]))
}

#[allow(clippy::unnecessary_wraps, reason = "it is an answer in a script")]
fn running() -> Result<Value, ClientError> {
    Ok(process("cat", "cat", 20, 7))
}

#[allow(clippy::unnecessary_wraps, reason = "it is an answer in a script")]
fn changes(added: &[&str], changed: &[&str], removed: &[&str]) -> Result<Value, ClientError> {
    let names = |names: &[&str]| Value::Array(names.iter().map(|&name| name.into()).collect());
    Ok(Value::Array(vec![Value::Array(vec![
        names(added),
        names(changed),
        names(removed),
    ])]))
}
