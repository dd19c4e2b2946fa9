//! The api against a table without actors: look-ups, checks and what is read.

use super::fixture::api;
use super::table::METHODS;
use super::xml::{Call, Fault, Value, read_response};
use crate::actors::handle::in_system;
use crate::actors::table::Cause;
use crate::model::exit::Exit;
use crate::model::state::Mood;
use std::path::Path;
use std::sync::Arc;

async fn ask(mood: Mood, method: &str, params: Vec<Value>) -> Result<Value, Fault> {
    let call = Call {
        method: method.to_owned(),
        params,
    };
    let xml = api(mood, true, None).answer(call).await.into_bytes();
    read_response(&xml).expect("our own answers can be read")
}

async fn check(method: &str, params: Vec<Value>, expected: Result<Value, (i32, &str)>) {
    let expected = expected.map_err(|(code, text)| Fault {
        code,
        text: text.to_owned(),
    });
    assert_eq!(
        ask(Mood::Running, method, params).await,
        expected,
        "{method}"
    );
}

fn strings(texts: &[&str]) -> Value {
    Value::Array(texts.iter().map(|&text| text.into()).collect())
}

#[tokio::test(flavor = "current_thread")]
async fn what_is_in_no_table_is_an_unknown_method() {
    for name in [
        "x",
        "supervisor",
        "supervisor.x",
        "supervisor._update",
        "a.b.c",
        ".",
        "os.system",
    ] {
        check(name, vec![], Err((1, "UNKNOWN_METHOD"))).await;
    }
}

#[tokio::test(flavor = "current_thread")]
async fn every_method_checks_the_number_of_its_arguments_first() {
    for method in &METHODS {
        let many = vec![Value::Int(0); method.params.len() + 1];
        let fault = ask(Mood::Shutdown, method.name, many).await;
        assert_eq!(fault.expect_err(method.name).text, "INCORRECT_PARAMETERS");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_daemon_that_leaves_answers_only_system_methods() {
    for method in METHODS.iter().filter(|method| method.is_supervisors()) {
        if method.name == "supervisor.sendRemoteCommEvent" {
            continue;
        }
        let params = vec![Value::Nil; method.params.len()];
        let fault = ask(Mood::Restarting, method.name, params).await;
        assert_eq!(fault.expect_err(method.name).text, "SHUTDOWN_STATE");
    }
    let listed = ask(Mood::Shutdown, "system.listMethods", vec![]).await;
    assert!(listed.is_ok());
}

#[tokio::test(flavor = "current_thread")]
async fn the_table_describes_itself() {
    let names: Vec<_> = METHODS.iter().map(|method| method.name).collect();
    check("system.listMethods", vec![], Ok(strings(&names))).await;
    check(
        "system.methodSignature",
        vec!["supervisor.startProcess".into()],
        Ok(strings(&["boolean", "string", "boolean"])),
    )
    .await;
    for method in ["system.methodSignature", "system.methodHelp"] {
        for unknown in ["x".into(), Value::Int(1), Value::Nil] {
            check(method, vec![unknown], Err((4, "SIGNATURE_UNSUPPORTED"))).await;
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn without_its_section_the_supervisor_namespace_is_unknown() {
    let api = api(Mood::Running, false, None);
    let call = |method: &str| Call {
        method: method.to_owned(),
        params: vec![],
    };
    let xml = api.answer(call("supervisor.getState")).await.into_bytes();
    let fault = read_response(&xml).expect("our own answers can be read");
    assert_eq!(fault.expect_err("it is unknown").code, 1);
    let xml = api.answer(call("system.listMethods")).await.into_bytes();
    let xml = String::from_utf8_lossy(&xml);
    assert!(!xml.contains("supervisor.") && !xml.contains("supervisord."));
}

#[tokio::test(flavor = "current_thread")]
async fn what_the_original_does_not_tell_is_told_in_a_namespace_of_its_own() {
    let api = api(Mood::Running, true, None);
    let row = api.row("pets:jerry").expect("it stands in the fixture");
    row.write(|live| {
        live.tries = 4;
        live.retries = 3;
        live.last_exit = Some(Exit::Code(127));
        live.cause = Some(Arc::new(Cause {
            step: "chdir",
            errno: Some("EACCES"),
            reason: "no entry".to_owned(),
        }));
    });
    let call = Call {
        method: "supervisord.getAllProcessDetails".to_owned(),
        params: vec![],
    };
    let xml = api.answer(call).await.into_bytes();
    let answer = read_response(&xml).expect("our own answers can be read");
    let answer = answer.expect("no fault");
    let jerry = &answer.as_array().expect("an array")[1];
    let member = |name: &str| jerry.get(name).cloned();
    assert_eq!(member("name"), Some("jerry".into()));
    assert_eq!(member("exit_code"), Some(Value::Int(127)));
    assert_eq!(member("exit_signal"), None);
    assert_eq!(member("step"), Some("chdir".into()));
    assert_eq!(member("errno"), Some("EACCES".into()));
    assert_eq!(member("reason"), Some("no entry".into()));
    assert_eq!(member("tries"), Some(Value::Int(4)));
    assert_eq!(member("startretries"), Some(Value::Int(3)));
    assert_eq!(member("next_try"), None);
}

#[tokio::test(flavor = "current_thread")]
async fn names_are_checked_as_the_original_checks_them() {
    for name in ["x", "pets:x", "pets:*", "pets", "x:*", ""] {
        let text = format!("BAD_NAME: {name}");
        check(
            "supervisor.getProcessInfo",
            vec![name.into()],
            Err((10, &text)),
        )
        .await;
    }
    let wrong = Err((2, "INCORRECT_PARAMETERS"));
    check(
        "supervisor.getProcessInfo",
        vec![Value::Int(5)],
        wrong.clone(),
    )
    .await;
    check("supervisor.startProcess", vec![Value::Nil], wrong.clone()).await;
    check(
        "supervisor.startProcess",
        vec!["x:*".into()],
        Err((10, "BAD_NAME: x:*")),
    )
    .await;
    check(
        "supervisor.stopProcess",
        vec!["pets".into()],
        Err((10, "BAD_NAME: pets")),
    )
    .await;
    check(
        "supervisor.clearProcessLog",
        vec!["x".into()],
        Err((10, "BAD_NAME: x")),
    )
    .await;
    check(
        "supervisor.readProcessLog",
        vec!["x".into(), "y".into(), "z".into()],
        Err((10, "BAD_NAME: x")),
    )
    .await;
    check(
        "supervisor.readProcessLog",
        vec!["cat".into(), 0.into(), 0.into()],
        Err((20, "NO_FILE")),
    )
    .await;
    check(
        "supervisor.tailProcessLog",
        vec!["cat".into(), 0.into(), 0.into()],
        Ok(Value::Array(vec!["".into(), 0.into(), false.into()])),
    )
    .await;
    check(
        "supervisor.sendProcessStdin",
        vec!["x".into(), 5.into()],
        Err((2, "INCORRECT_PARAMETERS: 5")),
    )
    .await;
    check(
        "supervisor.sendProcessStdin",
        vec!["x".into(), "y".into()],
        Err((10, "BAD_NAME: x")),
    )
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn signals_are_checked_after_names_and_for_each_of_a_group() {
    let signal = "supervisor.signalProcess";
    check(
        signal,
        vec!["x".into(), "NOPE".into()],
        Err((10, "BAD_NAME: x")),
    )
    .await;
    check(
        signal,
        vec!["cat".into(), "NOPE".into()],
        Err((11, "BAD_SIGNAL: NOPE")),
    )
    .await;
    check(
        signal,
        vec!["cat".into(), 999.into()],
        Err((11, "BAD_SIGNAL: 999")),
    )
    .await;
    let answer = ask(
        Mood::Running,
        "supervisor.signalAllProcesses",
        vec!["NOPE".into()],
    )
    .await;
    let Ok(Value::Array(results)) = answer else {
        panic!("a list is answered: {answer:?}");
    };
    assert_eq!(results.len(), 1);
    assert_eq!(
        results[0].get("description"),
        Some(&"BAD_SIGNAL: NOPE".into())
    );
}

#[tokio::test(flavor = "current_thread")]
async fn process_info_has_the_keys_of_the_original_in_their_order() {
    let info = ask(
        Mood::Running,
        "supervisor.getProcessInfo",
        vec!["pets:tom".into()],
    )
    .await;
    let Ok(Value::Struct(members)) = info else {
        panic!("a struct is answered: {info:?}");
    };
    let keys: Vec<_> = members.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(
        keys.join(" "),
        "name group start stop now state statename spawnerr exitstatus logfile stdout_logfile \
         stderr_logfile pid description"
    );
    let last = members.last().map(|(_, value)| value);
    assert_eq!(last, Some(&"Nov 20 05:20 AM".into()));
}

#[tokio::test(flavor = "current_thread")]
async fn all_processes_come_sorted_with_what_there_is_to_say() {
    let Ok(Value::Array(all)) = ask(Mood::Running, "supervisor.getAllProcessInfo", vec![]).await
    else {
        panic!("a list is answered");
    };
    let said = |key| {
        let text = |value: &Value| value.get(key).and_then(Value::as_str).map(str::to_owned);
        all.iter().filter_map(text).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(said("name"), "cat, jerry, tom");
    assert_eq!(
        said("description"),
        "pid 77, uptime 0:00:00, can't find command '<x>', Nov 20 05:20 AM"
    );
    // Times beyond 2038 are told as well as 32 bits can.
    assert_eq!(all[0].get("start"), Some(&i64::from(i32::MAX).into()));
}

#[tokio::test(flavor = "current_thread")]
async fn config_info_says_none_and_auto_for_what_has_no_value() {
    let Ok(Value::Array(all)) = ask(Mood::Running, "supervisor.getAllConfigInfo", vec![]).await
    else {
        panic!("a list is answered");
    };
    let Value::Struct(members) = &all[0] else {
        panic!("a list of structs is answered");
    };
    let keys: Vec<_> = members.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(
        keys.join(" "),
        "autostart directory uid command exitcodes group group_prio inuse killasgroup name \
         process_prio redirect_stderr startretries startsecs stdout_capture_maxbytes \
         stdout_events_enabled stdout_logfile stdout_logfile_backups stdout_logfile_maxbytes \
         stdout_syslog stopsignal stopwaitsecs stderr_capture_maxbytes stderr_events_enabled \
         stderr_logfile stderr_logfile_backups stderr_logfile_maxbytes stderr_syslog serverurl"
    );
    for (key, value) in [
        ("directory", "none"),
        ("uid", "none"),
        ("stdout_logfile", "auto"),
        ("stderr_logfile", "none"),
        ("serverurl", "none"),
        ("command", "/bin/cat <&>"),
    ] {
        assert_eq!(all[0].get(key), Some(&value.into()), "{key}");
    }
}

fn call(name: &str, params: Vec<Value>) -> Value {
    Value::Struct(vec![
        ("methodName".to_owned(), name.into()),
        ("params".to_owned(), Value::Array(params)),
    ])
}

#[tokio::test(flavor = "current_thread")]
async fn a_multicall_answers_each_of_its_calls() {
    let calls = Value::Array(vec![
        call("supervisor.getAPIVersion", vec![]),
        call("supervisor.nope", vec![]),
        call("system.multicall", vec![]),
        Value::Struct(vec![]),
        Value::Struct(vec![(
            "methodName".to_owned(),
            "supervisor.getVersion".into(),
        )]),
        Value::Struct(vec![("methodName".to_owned(), Value::Int(3))]),
        Value::Struct(vec![
            ("methodName".to_owned(), "supervisor.getVersion".into()),
            ("params".to_owned(), "x".into()),
        ]),
    ]);
    let fault = |code: i64, text: &str| {
        Value::Struct(vec![
            ("faultCode".to_owned(), code.into()),
            ("faultString".to_owned(), text.into()),
        ])
    };
    let expected = Value::Array(vec![
        "3.0".into(),
        fault(1, "UNKNOWN_METHOD"),
        fault(
            2,
            "INCORRECT_PARAMETERS: Recursive system.multicall forbidden",
        ),
        fault(2, "INCORRECT_PARAMETERS: No methodName"),
        "3.0".into(),
        fault(2, "INCORRECT_PARAMETERS"),
        fault(2, "INCORRECT_PARAMETERS"),
    ]);
    check("system.multicall", vec![calls], Ok(expected)).await;
    check(
        "system.multicall",
        vec![Value::Array(vec![])],
        Ok(Value::Array(vec![])),
    )
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_multicall_is_bounded_and_takes_only_structs() {
    let wrong = Err((2, "INCORRECT_PARAMETERS"));
    check("system.multicall", vec![Value::Int(1)], wrong.clone()).await;
    check("system.multicall", vec!["abc".into()], wrong.clone()).await;
    check(
        "system.multicall",
        vec![Value::Array(vec!["x".into()])],
        wrong,
    )
    .await;
    let many = Value::Array(vec![Value::Struct(vec![]); 5001]);
    let fault = Err((
        2,
        "INCORRECT_PARAMETERS: a multicall may hold at most 5000 calls",
    ));
    check("system.multicall", vec![many], fault).await;
}

#[test]
fn a_disk_that_hangs_holds_up_those_who_read_from_it_and_nobody_else() {
    in_system(async {
        tokio::time::pause();
        let log = std::env::temp_dir().join("x.log");
        let api = api(Mood::Running, true, Some(&log));
        let hung = api.supervisor().hang(&log);
        let ask = async |method: &str, params: Vec<Value>| {
            let call = Call {
                method: method.to_owned(),
                params,
            };
            read_response(&api.answer(call).await.into_bytes())
                .expect("our own answers can be read")
        };
        let number = Value::Int;
        let slow = Fault {
            code: 30,
            text: "FAILED: the log's file system does not answer in time".to_owned(),
        };
        let begun = tokio::time::Instant::now();
        let read = vec!["cat".into(), number(-100), number(0)];
        let tail = vec!["cat".into(), number(0), number(100)];
        let whole = vec!["cat".into(), number(0), number(0)];
        let (read, tail, whole, state) = tokio::join!(
            ask("supervisor.readProcessStdoutLog", read),
            ask("supervisor.tailProcessStdoutLog", tail),
            ask("supervisor.readProcessStdoutLog", whole),
            async {
                let state = ask("supervisor.getState", Vec::new()).await;
                (begun.elapsed(), state)
            },
        );
        for answer in [read, tail, whole] {
            assert_eq!(answer, Err(slow.clone()));
        }
        assert!(state.0.is_zero() && state.1.is_ok(), "{state:?}");
        assert_eq!(begun.elapsed().as_secs(), 60);
        drop(hung);
    });
}

#[test]
fn nobody_reads_much_while_too_much_waits_for_those_who_asked() {
    in_system(async {
        let api = api(Mood::Running, true, Some(Path::new("/proc/version")));
        api.unread().set(1 << 40);
        let check = async |method: &str, params: Vec<Value>, expected: Result<(), &str>| {
            let call = Call {
                method: method.to_owned(),
                params,
            };
            let answer =
                read_response(&api.answer(call).await.into_bytes()).expect("we can read ourselves");
            let answer = answer.map(drop).map_err(|fault| fault.text);
            assert_eq!(answer, expected.map_err(str::to_owned), "{method}");
        };
        let cat = |offset, length| vec!["cat".into(), Value::Int(offset), Value::Int(length)];
        let full = Err("FAILED: too many answers wait to be read");
        check("supervisor.readProcessStdoutLog", cat(0, 0), full).await;
        check("supervisor.readProcessStdoutLog", cat(0, 1 << 20), full).await;
        check("supervisor.tailProcessStdoutLog", cat(0, 1 << 20), full).await;
        check("supervisor.readProcessStdoutLog", cat(-1600, 0), Ok(())).await;
        check("supervisor.tailProcessStdoutLog", cat(0, 1600), Ok(())).await;
        check("supervisor.getAllProcessInfo", Vec::new(), Ok(())).await;
    });
}
