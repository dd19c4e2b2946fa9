//! What formats come to. Expected values are printed by Python 3 itself.

use super::*;

fn names() -> Names {
    [
        ("here", Arg::from("/h\u{e9}")),
        ("n", Arg::from(42)),
        ("m", Arg::from(-42)),
        ("big", Arg::from(1_234_567_890)),
        ("c", Arg::from("x")),
        ("a(b)", Arg::from("nested")),
    ]
    .map(|(name, arg)| (name.to_owned(), arg))
    .into()
}

fn filled(format: &str) -> Result<String, String> {
    let scope = Scope {
        local: &names(),
        global: &Names::new(),
    };
    expand(format, scope, "x").map(Cow::into_owned)
}

fn check(format: &str, expected: &str) {
    assert_eq!(filled(format).as_deref(), Ok(expected), "{format:?}");
}

fn check_refused(format: &str, why: &str) {
    let sentence = format!(
        "Format string {} for 'x' is badly formatted: {why}",
        repr(format)
    );
    assert_eq!(filled(format), Err(sentence), "{format:?}");
}

#[test]
fn texts_are_filled_in() {
    check("", "");
    check("no names", "no names");
    check("100%% of %%(here)s", "100% of %(here)s");
    check("%(here)s/x", "/h\u{e9}/x");
    check(
        "%(here)5s|%(here)-5s|%(here)05s|",
        "  /h\u{e9}|/h\u{e9}  |  /h\u{e9}|",
    );
    check("%(here).2s %(here).0s.", "/h .");
    check("%(n)s %(m)5s %(n).1s", "42   -42 4");
    check(
        "%(here)r %(here)a %(n)r %(m)a",
        "'/h\u{e9}' '/h\\xe9' 42 -42",
    );
    check("%(c)c%(n)c%(c)3c", "x*  x");
    check("%(a(b))s", "nested");
    check("%(n)+s", "42");
}

#[test]
fn whole_numbers_are_filled_in() {
    check(
        "%(n)d %(n)i %(n)u %(n)hd %(n)ld %(n)Ld",
        "42 42 42 42 42 42",
    );
    check(
        "%(n)02d %(n)03d %(n)5d|%(n)-5d|%(n)-05d|",
        "42 042    42|42   |42   |",
    );
    check("%(n)+d %(n) d %(n)+5d %(m)05d", "+42  42   +42 -0042");
    check("%(n)05.3d %(n).5d", "00042 00042");
    check("%(n)x %(n)X %(n)o %(m)x", "2a 2A 52 -2a");
    check(
        "%(n)#x %(n)#X %(n)#o %(n)#d %(m)#x",
        "0x2a 0X2A 0o52 42 -0x2a",
    );
    check(
        "%(n)#5x|%(n)#05x|%(n)-#8x|%(n)+#8x|%(m)#08.4x",
        " 0x2a|0x02a|0x2a    |   +0x2a|-0x0002a",
    );
}

#[test]
fn fractions_are_filled_in() {
    check(
        "%(n)f %(n).1F %(n)#.0f %(m)09.2f",
        "42.000000 42.0 42. -00042.00",
    );
    check(
        "%(n)e %(n)E %(n).0e %(n)#.0e",
        "4.200000e+01 4.200000E+01 4e+01 4.e+01",
    );
    check("%(n)g %(n)G %(n)#g %(n).g %(m)g", "42 42 42.0000 4e+01 -42");
    check(
        "%(big)g %(big).10g %(big)G %(big).3g",
        "1.23457e+09 1234567890 1.23457E+09 1.23e+09",
    );
}

#[test]
fn a_bad_format_is_refused_in_pythons_words() {
    check_refused("%", "incomplete format");
    check_refused("%(here)", "incomplete format");
    check_refused("%(here)5", "incomplete format");
    check_refused("%(n)0", "incomplete format");
    check_refused("%(n).", "incomplete format");
    check_refused("%(n)l", "incomplete format");
    check_refused("%(here", "incomplete format key");
    check_refused("%(here(s", "incomplete format key");
    check_refused("%(here)d", "%d format: a real number is required, not str");
    check_refused("%(here)x", "%x format: an integer is required, not str");
    check_refused("%(here)f", "must be real number, not str");
    check_refused("%(here)c", "%c requires int or char");
    check_refused("%(m)c", "%c arg not in range(0x110000)");
    check_refused("%(n)*d", "not enough arguments for format string");
    check_refused("%(n)*", "incomplete format");
    check_refused("%(n)s %Y", "not enough arguments for format string");
    check_refused("%(here)*d", "* wants int");
    check_refused(
        "date +%Y",
        "unsupported format character 'Y' (0x59) at index 7",
    );
    check_refused(
        "\u{e9}%(here)\u{e9}",
        "unsupported format character '?' (0xe9) at index 8",
    );
    check_refused("%5%", "unsupported format character '%' (0x25) at index 2");
    check_refused(
        "%(n)lld",
        "unsupported format character 'l' (0x6c) at index 5",
    );
    check_refused("%(n)99999999999999999999d", "width too big");
    check_refused("%(n).99999999999d", "precision too big");
}

#[test]
fn a_conversion_without_a_name_is_refused() {
    check_refused("date +%s", "not enough arguments for format string");
    check_refused("%(n)d %d", "not enough arguments for format string");
    check_refused("%*d", "* wants int");
    check_refused("%d", "%d format: a real number is required, not dict");
    check_refused("%5x", "%x format: an integer is required, not dict");
    check_refused("100%full", "must be real number, not dict");
    check_refused("50%chance", "%c requires int or char");
}

#[test]
fn a_name_that_is_not_known_is_refused_with_those_that_are() {
    let local = Names::from([("here".to_owned(), Arg::from("/"))]);
    let global = Names::from([("ENV_A".to_owned(), Arg::from("1"))]);
    let scope = Scope {
        local: &local,
        global: &global,
    };
    assert_eq!(
        expand("%(it's)s %(ENV_A)s", scope, "program:x.command"),
        Err(
            "Format string \"%(it's)s %(ENV_A)s\" for 'program:x.command' contains names \
             (\"it's\") which cannot be expanded. Available names: ENV_A, here"
                .to_owned()
        )
    );
}
