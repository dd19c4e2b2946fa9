//! Lines at a prompt.

use crate::ctl::testing::{Script, converse_in_shell, up};
use crate::rpc::client::ClientError;
use crate::rpc::xml::Value;

/// A daemon without processes, asked for its status, and then these calls.
fn script(calls: Vec<(String, Result<Value, ClientError>)>) -> Script {
    let mut script = Script::new([]);
    script.push(up());
    script.push(("getAllProcessInfo()".to_owned(), Ok(Value::Array(vec![]))));
    for call in calls {
        script.push(call);
    }
    script
}

#[test]
fn a_shell_shows_the_status_and_ends_with_its_input() {
    let said = converse_in_shell(&mut script(vec![]), &[]);
    assert_eq!(said.out, "pets> \n");
}

#[test]
fn a_shell_obeys_line_after_line_whatever_goes_wrong() {
    let version = ("getSupervisorVersion()".to_owned(), Ok("4.3.0".into()));
    let gone = ("getVersion()".to_owned(), Err(ClientError::NoSuchFile));
    let mut script = script(vec![up(), version, gone]);
    let said = converse_in_shell(
        &mut script,
        &["version", "", "nosuch", "version", "quit", "version"],
    );
    assert_eq!(
        said.out,
        "pets> 4.3.0\npets> pets> *** Unknown syntax: nosuch\n\
         pets> unix:///s.sock no such file\npets> \n"
    );
}
