//! Writing: answers straight into one buffer, calls from values.

use super::{Value, base64_encode, is_xml_char};
use crate::model::number;
use std::io::Write as _;

/// Writes one answer, value by value, into one buffer.
///
/// It does not count: that each array and struct that was begun is ended, that a struct holds
/// only members and that the answer is exactly one value is the caller's business.
///
/// ```
/// # use supervisord::rpc::xml::Writer;
/// let mut out = Writer::response();
/// out.begin_array();
/// out.string("cat").int(7);
/// out.end_array();
/// let xml: Vec<u8> = out.finish();
/// ```
#[derive(Debug)]
pub struct Writer {
    out: Vec<u8>,
}

/// A place in an answer that is being written, to go back to.
#[derive(Clone, Copy, Debug)]
pub struct Mark(usize);

impl Writer {
    /// Begins the answer to a call that succeeded.
    pub fn response() -> Self {
        Self::with_capacity(256)
    }

    /// The same, with room for an answer of about this many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        let mut out = Vec::with_capacity(bytes);
        out.extend_from_slice(b"<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n");
        Self { out }
    }

    /// Ends the answer and gives the whole document away.
    pub fn finish(mut self) -> Vec<u8> {
        self.raw(b"</param>\n</params>\n</methodResponse>\n");
        // It may wait long for a slow client; much room that it grew into and left empty need not.
        // For little it is not worth it: a big buffer that is cut is taken from the system anew,
        // page by page, for each answer, which costs as much as writing it.
        if self.out.len() < self.out.capacity() / 4 * 3 {
            self.out.shrink_to_fit();
        }
        self.out
    }

    /// How many bytes were written so far.
    #[expect(clippy::len_without_is_empty, reason = "an answer is never empty")]
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// The place where the next value will stand.
    pub fn mark(&self) -> Mark {
        Mark(self.out.len())
    }

    /// Takes back all that was written since the mark: in `system.multicall`, a call may turn
    /// out to be a fault when a part of its answer stands already.
    pub fn rewind(&mut self, mark: Mark) -> &mut Self {
        self.out.truncate(mark.0);
        self
    }

    /// Where so many bytes more may be written that are markup already.
    pub(crate) fn room(&mut self, bytes: usize) -> &mut Vec<u8> {
        self.out.reserve(bytes);
        &mut self.out
    }

    /// A whole number of any size. XML-RPC knows 32 bits; Python reads more.
    pub fn int(&mut self, number: i64) -> &mut Self {
        self.raw(b"<value><int>");
        decimal(number, &mut self.out);
        self.raw(b"</int></value>\n")
    }

    /// A whole number, the nearest that 32 bits can say: what the original does to times.
    pub fn capped_int(&mut self, number: i64) -> &mut Self {
        self.int(number.clamp(i64::from(i32::MIN), i64::from(i32::MAX)))
    }

    /// A truth value.
    pub fn boolean(&mut self, truth: bool) -> &mut Self {
        self.raw(if truth {
            b"<value><boolean>1</boolean></value>\n"
        } else {
            b"<value><boolean>0</boolean></value>\n"
        })
    }

    /// A text. What XML cannot carry is replaced by U+FFFD.
    pub fn string(&mut self, text: &str) -> &mut Self {
        self.raw(b"<value><string>");
        escape(text, &mut self.out);
        self.raw(b"</string></value>\n")
    }

    /// A text of bytes that should be UTF-8. What is not, and what XML cannot carry, is replaced
    /// by U+FFFD.
    pub fn text(&mut self, bytes: &[u8]) -> &mut Self {
        self.begin_text().piece(bytes).end_text()
    }

    /// Begins a text that is written piece by piece.
    pub fn begin_text(&mut self) -> &mut Self {
        self.raw(b"<value><string>")
    }

    /// The next piece of the text begun last. A character that is cut in two counts as not being
    /// UTF-8.
    pub fn piece(&mut self, bytes: &[u8]) -> &mut Self {
        for chunk in bytes.utf8_chunks() {
            escape(chunk.valid(), &mut self.out);
            if !chunk.invalid().is_empty() {
                self.raw(REPLACEMENT);
            }
        }
        self
    }

    /// Ends the text begun last.
    pub fn end_text(&mut self) -> &mut Self {
        self.raw(b"</string></value>\n")
    }

    /// Begins an array; its elements are the values written until its end.
    pub fn begin_array(&mut self) -> &mut Self {
        self.raw(b"<value><array><data>\n")
    }

    /// Ends the array begun last.
    pub fn end_array(&mut self) -> &mut Self {
        self.raw(b"</data></array></value>\n")
    }

    /// Begins a struct; what may follow until its end is [`Writer::member`].
    pub fn begin_struct(&mut self) -> &mut Self {
        self.raw(b"<value><struct>\n")
    }

    /// One member of the struct begun last: its name, and what writes its value.
    pub fn member(&mut self, name: &str, value: impl FnOnce(&mut Self)) -> &mut Self {
        self.raw(b"<member>\n<name>");
        escape(name, &mut self.out);
        self.raw(b"</name>\n");
        value(self);
        self.raw(b"</member>\n")
    }

    /// Ends the struct begun last.
    pub fn end_struct(&mut self) -> &mut Self {
        self.raw(b"</struct></value>\n")
    }

    /// A fault as a value, as it stands in the answer of `system.multicall`.
    pub fn fault_struct(&mut self, code: i32, text: &str) -> &mut Self {
        self.begin_struct();
        self.member("faultCode", |out| {
            out.int(code.into());
        });
        self.member("faultString", |out| {
            out.string(text);
        });
        self.end_struct()
    }

    /// A value that stands in memory.
    pub fn value(&mut self, value: &Value) -> &mut Self {
        match value {
            Value::Int(number) => self.int(*number),
            Value::Bool(truth) => self.boolean(*truth),
            Value::String(text) => self.string(text),
            Value::Double(number) => self.double(*number),
            Value::DateTime(text) => {
                self.raw(b"<value><dateTime.iso8601>");
                escape(text, &mut self.out);
                self.raw(b"</dateTime.iso8601></value>\n")
            }
            Value::Base64(bytes) => self.base64(bytes),
            Value::Array(values) => {
                self.begin_array();
                for value in values {
                    self.value(value);
                }
                self.end_array()
            }
            Value::Struct(members) => {
                self.begin_struct();
                for (name, value) in members {
                    self.member(name, |out| {
                        out.value(value);
                    });
                }
                self.end_struct()
            }
            Value::Nil => self.raw(b"<value><nil/></value>\n"),
        }
    }

    fn double(&mut self, number: f64) -> &mut Self {
        // `{:?}` is the shortest text that reads back as the same number, as Python's `repr`.
        writeln!(self.out, "<value><double>{number:?}</double></value>").expect(VEC_IS_SAFE);
        self
    }

    fn base64(&mut self, bytes: &[u8]) -> &mut Self {
        /// Bytes that fill one line of 76 digits.
        const LINE: usize = 57;
        self.raw(b"<value><base64>\n");
        for line in bytes.chunks(LINE) {
            self.raw(base64_encode(line).as_bytes());
            self.raw(b"\n");
        }
        self.raw(b"</base64></value>\n")
    }

    fn raw(&mut self, markup: &[u8]) -> &mut Self {
        self.out.extend_from_slice(markup);
        self
    }
}

/// The whole answer to a call that failed.
pub fn fault(code: i32, text: &str) -> Vec<u8> {
    let mut writer = Writer {
        out: b"<?xml version='1.0'?>\n<methodResponse>\n<fault>\n".to_vec(),
    };
    writer.fault_struct(code, text);
    writer.raw(b"</fault>\n</methodResponse>\n");
    writer.out
}

/// A whole call.
pub fn write_call(method: &str, params: &[Value]) -> Vec<u8> {
    let mut writer = Writer {
        out: b"<?xml version='1.0'?>\n<methodCall>\n<methodName>".to_vec(),
    };
    escape(method, &mut writer.out);
    writer.raw(b"</methodName>\n<params>\n");
    for param in params {
        writer.raw(b"<param>\n");
        writer.value(param);
        writer.raw(b"</param>\n");
    }
    writer.raw(b"</params>\n</methodCall>\n");
    writer.out
}

/// U+FFFD, what stands for that which cannot be said.
const REPLACEMENT: &[u8] = "\u{FFFD}".as_bytes();

const VEC_IS_SAFE: &str = "writing to a Vec never fails";

/// Writes a number as people do.
pub(crate) fn decimal(number: i64, out: &mut Vec<u8>) {
    number::decimal(number, |digits| out.extend_from_slice(digits));
}

/// Whether a byte may have to be written otherwise.
#[expect(
    clippy::needless_bitwise_bool,
    reason = "with branches, bytes are looked at one by one"
)]
const fn is_special(byte: u8) -> bool {
    let is_control = (byte < b' ') & (byte != b'\t') & (byte != b'\n');
    is_control | (byte == b'&') | (byte == b'<') | (byte == b'>') | (byte == 0xEF)
}

/// [`is_special`] by table: for a few bytes that is quicker.
const SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = u8::MAX;
    while byte > 0 {
        table[byte as usize] = is_special(byte);
        byte -= 1;
    }
    table[0] = is_special(0);
    table
};

/// Whether text can be written as it is. Stretches are looked through as wholes, which the processor
/// does for all their bytes at once; the last one begins where it must to end with the text.
fn is_plain(bytes: &[u8]) -> bool {
    const STRETCH: usize = 16;
    let is_in = |stretch: &[u8; STRETCH]| {
        let any = stretch
            .iter()
            .fold(0, |any, &byte| any | u8::from(is_special(byte)));
        any != 0
    };
    match bytes.last_chunk() {
        Some(last) => {
            let (stretches, _) = bytes.as_chunks();
            !stretches
                .iter()
                .fold(is_in(last), |any, it| any | is_in(it))
        }
        None => !bytes.iter().any(|&byte| SPECIAL[usize::from(byte)]),
    }
}

/// Writes text with the characters of markup spelled out, long stretches at once.
pub(crate) fn escape(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    if is_plain(bytes) {
        return out.extend_from_slice(bytes);
    }
    let mut at = 0;
    let mut done = 0;
    while let Some(&byte) = bytes.get(at) {
        // The only characters beyond ASCII that XML forbids are U+FFFE and U+FFFF, which begin
        // with the byte EF; all else that matters is a single byte below 0x3F.
        let (length, written): (usize, &[u8]) = match byte {
            b'&' => (1, b"&amp;"),
            b'<' => (1, b"&lt;"),
            b'>' => (1, b"&gt;"),
            b'\r' => (1, b"&#13;"),
            b'\t' | b'\n' => (0, b""),
            0..b' ' => (1, REPLACEMENT),
            0xEF if !text[at..].starts_with(is_xml_char) => (3, REPLACEMENT),
            _ => (0, b""),
        };
        if length > 0 {
            out.extend_from_slice(&bytes[done..at]);
            out.extend_from_slice(written);
            done = at + length;
        }
        at += length.max(1);
    }
    out.extend_from_slice(&bytes[done..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value_of(write: impl FnOnce(&mut Writer)) -> String {
        let mut out = Writer::response();
        let mark = out.mark();
        write(&mut out);
        String::from_utf8(out.out.split_off(mark.0)).expect("a document is UTF-8")
    }

    fn check_text(bytes: &[u8], written: &str) {
        let expected = format!("<value><string>{written}</string></value>\n");
        assert_eq!(
            value_of(|out| {
                out.text(bytes);
            }),
            expected
        );
    }

    #[test]
    fn a_text_keeps_its_white_space_and_loses_only_what_xml_cannot_carry() {
        check_text(b"", "");
        check_text(b" a\tb\nc ", " a\tb\nc ");
        check_text(b"a\r\nb", "a&#13;\nb");
        check_text(
            b"<a href=\"x\">&'</a>",
            "&lt;a href=\"x\"&gt;&amp;'&lt;/a&gt;",
        );
        check_text(b"\0\x1b[31mred\x7f", "\u{FFFD}\u{FFFD}[31mred\x7f");
        check_text("ü\u{FFFD}\u{1F980}".as_bytes(), "ü\u{FFFD}\u{1F980}");
        check_text("a\u{FFFE}b\u{FFFF}".as_bytes(), "a\u{FFFD}b\u{FFFD}");
        for length in 0..40 {
            let plain = "x".repeat(length);
            check_text(plain.as_bytes(), &plain);
            check_text(
                format!("{plain}&y<").as_bytes(),
                &format!("{plain}&amp;y&lt;"),
            );
        }
        check_text(b"a\xFFb\xC3", "a\u{FFFD}b\u{FFFD}");
    }

    #[test]
    fn a_number_is_written_as_people_do() {
        for number in [0, 7, -1, 10, i64::MAX, i64::MIN] {
            let written = value_of(|out| {
                out.int(number);
            });
            assert_eq!(written, format!("<value><int>{number}</int></value>\n"));
        }
    }

    #[test]
    fn an_answer_looks_as_python_writes_it() {
        let mut out = Writer::response();
        out.begin_array();
        out.int(-1).capped_int(1 << 40).boolean(true).boolean(false);
        out.begin_struct();
        out.member("a&b", |out| {
            out.string("c");
        });
        out.end_struct();
        out.end_array();
        assert_eq!(
            String::from_utf8(out.finish()).expect("a document is UTF-8"),
            "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n\
             <value><array><data>\n\
             <value><int>-1</int></value>\n\
             <value><int>2147483647</int></value>\n\
             <value><boolean>1</boolean></value>\n\
             <value><boolean>0</boolean></value>\n\
             <value><struct>\n<member>\n<name>a&amp;b</name>\n\
             <value><string>c</string></value>\n</member>\n</struct></value>\n\
             </data></array></value>\n\
             </param>\n</params>\n</methodResponse>\n"
        );
    }

    #[test]
    fn a_fault_looks_as_python_writes_it() {
        assert_eq!(
            String::from_utf8(fault(10, "BAD_NAME: <x>")).expect("a document is UTF-8"),
            "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n\
             <value><struct>\n<member>\n<name>faultCode</name>\n\
             <value><int>10</int></value>\n</member>\n\
             <member>\n<name>faultString</name>\n\
             <value><string>BAD_NAME: &lt;x&gt;</string></value>\n</member>\n</struct></value>\n\
             </fault>\n</methodResponse>\n"
        );
    }

    #[test]
    fn a_call_looks_as_python_writes_it() {
        assert_eq!(
            String::from_utf8(write_call("a.b", &["x".into()])).expect("a document is UTF-8"),
            "<?xml version='1.0'?>\n<methodCall>\n<methodName>a.b</methodName>\n<params>\n\
             <param>\n<value><string>x</string></value>\n</param>\n</params>\n</methodCall>\n"
        );
    }

    #[test]
    fn a_rewound_writer_forgets_what_came_after_the_mark() {
        let written = value_of(|out| {
            let mark = out.mark();
            out.begin_array().int(1);
            out.rewind(mark).int(2);
        });
        assert_eq!(written, "<value><int>2</int></value>\n");
    }
}
