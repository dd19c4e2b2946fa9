use super::*;
use crate::rpc::xml::{Writer, fault, write_call};

fn call_with(params: &str) -> String {
    format!("<methodCall><methodName>a.b</methodName><params>{params}</params></methodCall>")
}

fn value(xml: &str) -> Result<Value, XmlError> {
    let call = read_call(call_with(&format!("<param>{xml}</param>")).as_bytes())?;
    let [value] = <[Value; 1]>::try_from(call.params).expect("one parameter was written");
    Ok(value)
}

fn check(xml: &str, expected: &Value) {
    assert_eq!(value(xml).as_ref(), Ok(expected), "{xml}");
}

fn check_refused(xml: &str, sentence: &str) {
    let error = read_call(xml.as_bytes()).expect_err(xml);
    assert_eq!(error.to_string(), sentence, "{xml}");
}

fn check_malformed(xml: &str) {
    assert!(
        matches!(read_call(xml.as_bytes()), Err(XmlError::Malformed(_))),
        "{xml}"
    );
}

#[test]
fn each_type_is_read_as_the_original_reads_it() {
    check("<value><int> -7 </int></value>", &Value::Int(-7));
    check("<value><i4>+1_000</i4></value>", &Value::Int(1000));
    check("<value><i8>4294967296</i8></value>", &Value::Int(1 << 32));
    check("<value><boolean>1</boolean></value>", &Value::Bool(true));
    check("<value><boolean>0</boolean></value>", &Value::Bool(false));
    check(
        "<value><boolean>true</boolean></value>",
        &Value::Bool(false),
    );
    check(
        "<value><double>-1.5e3</double></value>",
        &Value::Double(-1500.0),
    );
    check("<value><string>a</string></value>", &"a".into());
    check("<value><string/></value>", &"".into());
    check("<value>a</value>", &"a".into());
    check("<value/>", &"".into());
    check("<value><nil/></value>", &Value::Nil);
    check(
        "<value><base64>\nZm9v\n</base64></value>",
        &Value::Base64(b"foo".to_vec()),
    );
    check(
        "<value><dateTime.iso8601>20240229T23:59:59</dateTime.iso8601></value>",
        &Value::DateTime("20240229T23:59:59".to_owned()),
    );
    check(
        "<value> <array> <data> <value>1</value> <value><int>2</int></value> </data> </array> </value>",
        &Value::Array(vec!["1".into(), Value::Int(2)]),
    );
    check(
        "<value><struct><member><name>k</name><value>v</value></member></struct></value>",
        &Value::Struct(vec![("k".to_owned(), "v".into())]),
    );
}

#[test]
fn a_text_is_kept_exactly_but_for_its_line_ends() {
    check("<value> a\n b </value>", &" a\n b ".into());
    check(
        "<value><string>a\r\nb\rc&#13;\n</string></value>",
        &"a\nb\nc\r\n".into(),
    );
    check(
        "<value>&lt;&gt;&amp;&apos;&quot;&#65;&#x1F980;</value>",
        &"<>&'\"A\u{1F980}".into(),
    );
    check("<value>a<!-- b -->c<?d?>e</value>", &"ace".into());
    check("<value><![CDATA[<a>&amp;]]></value>", &"<a>&amp;".into());
}

#[test]
fn the_last_member_of_a_name_counts() {
    let value = value(
        "<value><struct><member><name>k</name><value>1</value></member>\
         <member><name>k</name><value>2</value></member></struct></value>",
    )
    .expect("a struct");
    assert_eq!(value.get("k").and_then(Value::as_str), Some("2"));
    assert_eq!(value.get("l"), None);
}

#[test]
fn what_does_not_matter_around_a_call_is_skipped() {
    for xml in [
        "<methodCall><methodName>a.b</methodName></methodCall>",
        "\u{FEFF}<?xml version='1.0' encoding='latin-1'?>\n<!-- x --><methodCall xmlns:ex='y'>\
         <params/><methodName>a.b</methodName></methodCall>\n<!-- z -->\n",
    ] {
        let call = read_call(xml.as_bytes()).expect(xml);
        assert_eq!(
            (call.method.as_str(), call.params.len()),
            ("a.b", 0),
            "{xml}"
        );
    }
}

#[test]
fn a_call_without_a_method_is_told_from_nonsense() {
    check_refused("<methodCall/>", "the call names no method");
    check_refused(
        "<methodCall><methodName></methodName></methodCall>",
        "the call names no method",
    );
}

#[test]
fn what_could_hurt_is_refused_by_name() {
    check_refused(
        "<!DOCTYPE a [<!ENTITY b 'c'>]><methodCall/>",
        "a document type declaration is not accepted",
    );
    check_refused(
        &call_with("<param><value>&lol;</value></param>"),
        "the entity 'lol' is not known",
    );
    check_refused(
        &call_with("<param><value>&#0;</value></param>"),
        "the character U+0000 is not allowed in XML",
    );
    check_refused(
        &call_with("<param><value>&#xD800;</value></param>"),
        "the character U+D800 is not allowed in XML",
    );
    check_refused(
        &call_with("<param><value>&#x110000;</value></param>"),
        "the character U+110000 is not allowed in XML",
    );
    check_refused(
        &call_with("<param><value>&#+65;</value></param>"),
        "the entity '#+65' is not known",
    );
    check_refused(
        "<methodCall>\u{1}</methodCall>",
        "the character U+0001 is not allowed in XML",
    );
    check_refused(
        "<methodCall>\u{FFFF}</methodCall>",
        "the character U+FFFF is not allowed in XML",
    );
    assert_eq!(
        read_call(b"<methodCall>\xFF</methodCall>"),
        Err(XmlError::NotUtf8)
    );
    assert_eq!(
        read_call(b"<methodCall>\xED\xA0\x80</methodCall>"),
        Err(XmlError::NotUtf8)
    );
}

#[test]
fn what_is_not_one_well_formed_call_is_refused() {
    for xml in [
        "",
        " ",
        "x",
        "<methodCall>",
        "<methodCall><methodName>a</methodCall></methodName>",
        "<methodCall><methodName>a</methodName></methodCall>x",
        "<methodCall><methodName>a</methodName></methodCall><methodCall/>",
        "<methodCall><methodName>a</methodName></methodCall></a>",
        "<?!a?><methodCall><methodName>a</methodName></methodCall>",
        "<?xml?><methodCall><methodName>a</methodName></methodCall>",
        "<?xml encoding='x'?><methodCall><methodName>a</methodName></methodCall>",
        "<?xml version='2.0'?><methodCall><methodName>a</methodName></methodCall>",
        "<?xml version='1.0?><methodCall><methodName>a</methodName></methodCall>",
        "<?xml version='1.0' x='y'?><methodCall><methodName>a</methodName></methodCall>",
        "<?xml version='1.0'?><?xml version='1.0'?><methodCall><methodName>a</methodName></methodCall>",
        " <?xml version='1.0'?><methodCall><methodName>a</methodName></methodCall>",
        "x<methodCall><methodName>a</methodName></methodCall>",
        "<methodResponse/>",
        "<methodCall><methodName>a</methodName><methodName>b</methodName></methodCall>",
        "<methodCall><methodName>a<b/></methodName></methodCall>",
        "<methodCall a=b><methodName>a</methodName></methodCall>",
        "<methodCall a='&x;'><methodName>a</methodName></methodCall>",
        "<methodCall><methodName>a & b</methodName></methodCall>",
        "<methodCall><methodName>a]]>b</methodName></methodCall>",
        "<methodCall><![CDATA[a</methodCall>",
        "<methodCall><!-- a",
        "<methodCall",
        "&amp;<methodCall/>",
    ] {
        check_malformed(xml);
    }
    for params in [
        "x",
        "<value/>",
        "<param/>",
        "<param><value/><value/></param>",
        "<param><value>a<int>1</int></value></param>",
        "<param><value><int>1</int>a</value></param>",
        "<param><value><int>1</int><int>2</int></value></param>",
        "<param><value><int>1.5</int></value></param>",
        "<param><value><int/></value></param>",
        "<param><value><int>99999999999999999999</int></value></param>",
        "<param><value><double>x</double></value></param>",
        "<param><value><base64>Z</base64></value></param>",
        "<param><value><dateTime.iso8601>now</dateTime.iso8601></value></param>",
        "<param><value><tuple/></value></param>",
        "<param><value><nil>a</nil></value></param>",
        "<param><value><array/></value></param>",
        "<param><value><array><data/><data/></array></value></param>",
        "<param><value><struct><member/></struct></value></param>",
        "<param><value><struct><member><value/><name/></member></struct></value></param>",
    ] {
        check_malformed(&call_with(params));
    }
}

#[test]
fn bounds_hold() {
    let nested = |levels| {
        let array =
            "<value><array><data>".repeat(levels) + &"</data></array></value>".repeat(levels);
        call_with(&format!("<param>{array}</param>"))
    };
    assert!(read_call(nested(20).as_bytes()).is_ok());
    assert_eq!(read_call(nested(21).as_bytes()), Err(XmlError::TooDeep(64)));
    assert_eq!(
        read_call("<a>".repeat(1 << 20).as_bytes()).map(drop),
        Err(misplaced("a"))
    );

    let many = |count| {
        let values = "<value/>".repeat(count);
        call_with(&format!(
            "<param><value><array><data>{values}</data></array></value></param>"
        ))
    };
    // methodCall, methodName, params, param, value, array, data
    assert!(read_call(many(65_536 - 7).as_bytes()).is_ok());
    assert_eq!(
        read_call(many(65_536 - 6).as_bytes()),
        Err(XmlError::TooMany(65_536))
    );

    let long = |length| {
        call_with(&format!(
            "<param><value>{}</value></param>",
            "&lt;".repeat(length)
        ))
    };
    assert!(read_call(long(1 << 20).as_bytes()).is_ok());
    assert_eq!(
        read_call(long((1 << 20) + 1).as_bytes()),
        Err(XmlError::TooLong(1 << 20))
    );
}

#[test]
fn what_is_written_is_read_back() {
    let values = [
        Value::Int(i64::MIN),
        Value::Bool(true),
        Value::String(" \r\n\t<&>\u{1F980}".to_owned()),
        Value::Double(0.1),
        Value::DateTime("20240229T23:59:59".to_owned()),
        Value::Base64((0..=255).collect()),
        Value::Nil,
        Value::Struct(vec![
            ("a".to_owned(), Value::Array(vec![])),
            (String::new(), Value::Struct(vec![])),
        ]),
    ];
    let call = read_call(&write_call("x.y", &values)).expect("what we write is a call");
    assert_eq!(call.params, values);
    for value in &values {
        let mut out = Writer::response();
        out.value(value);
        assert_eq!(read_response(&out.finish()), Ok(Ok(value.clone())));
    }
    let failed = Fault {
        code: -3,
        text: "a & b".to_owned(),
    };
    assert_eq!(
        read_response(&fault(failed.code, &failed.text)),
        Ok(Err(failed))
    );
}

#[test]
fn an_answer_that_is_not_one_value_or_fault_is_refused() {
    for xml in [
        "<methodResponse/>",
        "<methodResponse><params/></methodResponse>",
        "<methodResponse><params><param><value/></param><param><value/></param></params></methodResponse>",
        "<methodResponse><fault><value/></fault></methodResponse>",
        "<methodResponse><params><param><value/></param></params><fault/></methodResponse>",
        "<html><body>Not here</body></html>",
    ] {
        assert!(
            matches!(read_response(xml.as_bytes()), Err(XmlError::Malformed(_))),
            "{xml}"
        );
    }
}
