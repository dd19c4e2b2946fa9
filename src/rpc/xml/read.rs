//! Reading: a whole document into a call or an answer, or one sentence why not.

use super::{Call, Fault, Value, XmlError, base64_decode, is_xml_char};
use crate::model::number::python_int;
use quick_xml::Reader;
use quick_xml::errors::Error as MarkupError;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesDecl, BytesStart, Event};

/// How much of a document is read before it is refused. The size of the whole document is
/// bounded by whoever received it.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How deep elements may stand in each other.
    pub depth: usize,
    /// How many elements there may be.
    pub elements: usize,
    /// How many bytes one text may have.
    pub text: usize,
}

impl Limits {
    /// For calls, which strangers send. The deepest call of a real client is a multicall whose
    /// parameters hold an array, 15 elements deep; a multicall of a thousand calls has about
    /// 15000 elements; the longest text is what is typed into a child's stdin.
    pub const CALL: Self = Self {
        depth: 64,
        elements: 65_536,
        text: 1 << 20,
    };

    /// For answers, which come from a daemon that the user chose. One process is about 100
    /// elements in `getAllConfigInfo`, and `readLog` may answer a whole log.
    pub const RESPONSE: Self = Self {
        depth: 64,
        elements: 4 << 20,
        text: 256 << 20,
    };
}

/// Reads a call within [`Limits::CALL`].
///
/// Values are taken as the original takes them: a `value` without a type is a string, numbers
/// are read as Python reads them, `params` may be missing. Other than there, elements that do
/// not belong to XML-RPC and text between elements are refused.
pub fn read_call(xml: &[u8]) -> Result<Call, XmlError> {
    let mut source = Source::new(xml, Limits::CALL)?;
    source.open_root("methodCall")?;
    let mut method = None;
    let mut params = None;
    while let Some(name) = source.open_child()? {
        match name.as_str() {
            "methodName" if method.is_none() => method = Some(source.text_to_end()?),
            "params" if params.is_none() => params = Some(source.params()?),
            _ => return Err(misplaced(&name)),
        }
    }
    source.end_of_document()?;
    Ok(Call {
        method: method
            .filter(|name| !name.is_empty())
            .ok_or(XmlError::NoMethod)?,
        params: params.unwrap_or_default(),
    })
}

/// Reads an answer within [`Limits::RESPONSE`].
pub fn read_response(xml: &[u8]) -> Result<Result<Value, Fault>, XmlError> {
    let mut source = Source::new(xml, Limits::RESPONSE)?;
    source.open_root("methodResponse")?;
    let answer = match source.need_child()?.as_str() {
        "params" => {
            let [value] = <[Value; 1]>::try_from(source.params()?)
                .map_err(|_| XmlError::malformed("an answer is not exactly one value"))?;
            Ok(value)
        }
        "fault" => {
            source.open_expected("value")?;
            let value = source.value()?;
            source.close()?;
            Err(fault_of(&value)?)
        }
        name => return Err(misplaced(name)),
    };
    source.close()?;
    source.end_of_document()?;
    Ok(answer)
}

fn fault_of(value: &Value) -> Result<Fault, XmlError> {
    let code = value.get("faultCode").and_then(Value::as_int);
    let text = value.get("faultString").and_then(Value::as_str);
    match (code.and_then(|code| i32::try_from(code).ok()), text) {
        (Some(code), Some(text)) => Ok(Fault {
            code,
            text: text.to_owned(),
        }),
        _ => Err(XmlError::malformed("a fault has no code or no text")),
    }
}

fn misplaced(name: &str) -> XmlError {
    XmlError::malformed(format!("the element '{name}' does not belong here"))
}

/// A document that is being read, always at a place inside the element opened last.
struct Source<'a> {
    reader: Reader<&'a [u8]>,
    limits: Limits,
    depth: usize,
    elements: usize,
}

/// The next thing in a document that matters.
enum Piece<'a> {
    Open(BytesStart<'a>),
    Close,
    Text(String),
    End,
}

impl<'a> Source<'a> {
    fn new(xml: &'a [u8], limits: Limits) -> Result<Self, XmlError> {
        let text = std::str::from_utf8(xml).map_err(|_| XmlError::NotUtf8)?;
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        if let Some(c) = text.chars().find(|&c| !is_xml_char(c)) {
            return Err(XmlError::Character(c.into()));
        }
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.check_comments = true;
        Ok(Self {
            reader,
            limits,
            depth: 0,
            elements: 0,
        })
    }

    fn next(&mut self) -> Result<Piece<'a>, XmlError> {
        loop {
            let at = self.reader.buffer_position();
            match self.reader.read_event().map_err(|error| markup(&error))? {
                Event::Start(tag) => {
                    self.enter(&tag)?;
                    return Ok(Piece::Open(tag));
                }
                Event::End(_) => {
                    self.depth -= 1;
                    return Ok(Piece::Close);
                }
                Event::Text(text) => {
                    let text = text.xml10_content();
                    if text.contains("]]>") {
                        return Err(XmlError::malformed("']]>' stands in a text"));
                    }
                    return Ok(Piece::Text(text.into_owned()));
                }
                Event::CData(text) => return Ok(Piece::Text(text.xml10_content().into_owned())),
                Event::GeneralRef(reference) => {
                    return Ok(Piece::Text(resolve(&reference.into_inner())?.to_string()));
                }
                Event::Eof if self.depth > 0 => {
                    return Err(XmlError::malformed(
                        "the document ends inside of an element",
                    ));
                }
                Event::Eof => return Ok(Piece::End),
                Event::DocType(_) => return Err(XmlError::Doctype),
                Event::Decl(_) if at > 0 => {
                    return Err(XmlError::malformed(
                        "an XML declaration stands elsewhere than at the start",
                    ));
                }
                Event::Decl(declaration) => check_declaration(&declaration)?,
                Event::PI(instruction) if !is_name(instruction.target()) => {
                    return Err(XmlError::malformed(
                        "a processing instruction is not well-formed",
                    ));
                }
                Event::Comment(_) | Event::PI(_) => {}
                Event::Empty(_) => unreachable!("empty elements are expanded by the reader"),
            }
        }
    }

    fn enter(&mut self, tag: &BytesStart<'_>) -> Result<(), XmlError> {
        self.depth += 1;
        self.elements += 1;
        if self.depth > self.limits.depth {
            return Err(XmlError::TooDeep(self.limits.depth));
        }
        if self.elements > self.limits.elements {
            return Err(XmlError::TooMany(self.limits.elements));
        }
        // XML-RPC has no attributes, but some clients declare namespaces.
        attributes(tag).map(drop)
    }

    /// Goes into the next element, over white space. None if the current one ends instead.
    fn open_child(&mut self) -> Result<Option<String>, XmlError> {
        loop {
            match self.next()? {
                Piece::Open(tag) => return Ok(Some(name_of(&tag))),
                Piece::Close => return Ok(None),
                Piece::Text(text) if is_blank(&text) => {}
                Piece::Text(_) => return Err(XmlError::malformed("text stands between elements")),
                Piece::End => return Err(XmlError::malformed("the document has no element")),
            }
        }
    }

    fn need_child(&mut self) -> Result<String, XmlError> {
        self.open_child()?
            .ok_or_else(|| XmlError::malformed("an element is empty that should not be"))
    }

    fn open_expected(&mut self, expected: &str) -> Result<(), XmlError> {
        let name = self.need_child()?;
        if name == expected {
            Ok(())
        } else {
            Err(misplaced(&name))
        }
    }

    fn open_root(&mut self, expected: &str) -> Result<(), XmlError> {
        self.open_expected(expected)
    }

    /// Leaves the current element, in which only white space may be left.
    fn close(&mut self) -> Result<(), XmlError> {
        match self.open_child()? {
            None => Ok(()),
            Some(name) => Err(misplaced(&name)),
        }
    }

    fn end_of_document(&mut self) -> Result<(), XmlError> {
        loop {
            match self.next()? {
                Piece::End => return Ok(()),
                Piece::Text(text) if is_blank(&text) => {}
                Piece::Text(_) | Piece::Open(_) | Piece::Close => {
                    return Err(XmlError::malformed("something stands behind the document"));
                }
            }
        }
    }

    /// The text of the current element to its end; elements in it are refused.
    fn text_to_end(&mut self) -> Result<String, XmlError> {
        let mut text = String::new();
        loop {
            match self.next()? {
                Piece::Text(more) => self.append(&mut text, &more)?,
                Piece::Close => return Ok(text),
                Piece::Open(tag) => return Err(misplaced(&name_of(&tag))),
                Piece::End => unreachable!("the end inside of an element is an error"),
            }
        }
    }

    fn append(&self, text: &mut String, more: &str) -> Result<(), XmlError> {
        if text.len() + more.len() > self.limits.text {
            return Err(XmlError::TooLong(self.limits.text));
        }
        text.push_str(more);
        Ok(())
    }

    /// Inside `params`, to its end.
    fn params(&mut self) -> Result<Vec<Value>, XmlError> {
        let mut params = Vec::new();
        while let Some(name) = self.open_child()? {
            if name != "param" {
                return Err(misplaced(&name));
            }
            self.open_expected("value")?;
            params.push(self.value()?);
            self.close()?;
        }
        Ok(params)
    }

    /// Inside `value`, to its end.
    fn value(&mut self) -> Result<Value, XmlError> {
        let mut text = String::new();
        loop {
            match self.next()? {
                Piece::Text(more) => self.append(&mut text, &more)?,
                Piece::Close => return Ok(Value::String(text)),
                Piece::Open(tag) if is_blank(&text) => {
                    let value = self.typed(&name_of(&tag))?;
                    self.close()?;
                    return Ok(value);
                }
                Piece::Open(_) => {
                    return Err(XmlError::malformed("text stands between elements"));
                }
                Piece::End => unreachable!("the end inside of an element is an error"),
            }
        }
    }

    /// Inside the element that names a value's type, to its end.
    fn typed(&mut self, kind: &str) -> Result<Value, XmlError> {
        match kind {
            "array" => self.array(),
            "struct" => self.members().map(Value::Struct),
            "nil" | "ex:nil" => self.close().map(|()| Value::Nil),
            _ => {
                let text = self.text_to_end()?;
                scalar(kind, text)
            }
        }
    }

    fn array(&mut self) -> Result<Value, XmlError> {
        self.open_expected("data")?;
        let mut values = Vec::new();
        while let Some(name) = self.open_child()? {
            if name != "value" {
                return Err(misplaced(&name));
            }
            values.push(self.value()?);
        }
        self.close()?;
        Ok(Value::Array(values))
    }

    fn members(&mut self) -> Result<Vec<(String, Value)>, XmlError> {
        let mut members = Vec::new();
        while let Some(name) = self.open_child()? {
            if name != "member" {
                return Err(misplaced(&name));
            }
            self.open_expected("name")?;
            let name = self.text_to_end()?;
            self.open_expected("value")?;
            members.push((name, self.value()?));
            self.close()?;
        }
        Ok(members)
    }
}

/// The names and values of a tag's attributes, none of which may need anything resolved.
fn attributes(tag: &BytesStart<'_>) -> Result<Vec<(String, String)>, XmlError> {
    let broken = || XmlError::malformed("an attribute is not well-formed");
    let read = |attribute: Result<Attribute<'_>, _>| {
        let attribute = attribute.map_err(|_| broken())?;
        if attribute.value.contains(['<', '&']) {
            return Err(broken());
        }
        let name = attribute.key.as_ref().to_owned();
        Ok((name, attribute.value.into_owned()))
    };
    tag.attributes().map(read).collect()
}

/// Refuses an XML declaration that is none. Its encoding does not matter: as in the original,
/// the bytes were taken for UTF-8 before it was read.
fn check_declaration(declaration: &BytesDecl<'_>) -> Result<(), XmlError> {
    const NAMES: [&str; 3] = ["version", "encoding", "standalone"];
    let tag = BytesStart::from_content(&**declaration, "xml".len());
    let attributes = attributes(&tag)?;
    let mut names = NAMES.iter();
    let in_order = attributes
        .iter()
        .all(|(name, _)| names.any(|known| known == name));
    match attributes.first() {
        Some((name, version)) if name == "version" && in_order && is_version(version) => Ok(()),
        _ => Err(XmlError::malformed(
            "the XML declaration is not well-formed",
        )),
    }
}

/// Whether a text is a version of XML 1, as `1.0`.
fn is_version(text: &str) -> bool {
    text.strip_prefix("1.")
        .is_some_and(|minor| !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a text may be the target of a processing instruction. Those with characters beyond
/// ASCII, which XML allows, are not worth a table.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == ':')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_:-.".contains(&byte))
}

fn name_of(tag: &BytesStart<'_>) -> String {
    tag.name().as_ref().to_owned()
}

/// A value whose element holds text only.
fn scalar(kind: &str, text: String) -> Result<Value, XmlError> {
    // The text itself is not quoted: it is a stranger's and may be long.
    let unreadable = || XmlError::malformed(format!("a value is not of its type, {kind}"));
    match kind {
        "string" => Ok(Value::String(text)),
        "int" | "i4" | "i8" | "ex:i8" => python_int(&text).map(Value::Int).ok_or_else(unreadable),
        "boolean" => Ok(Value::Bool(text == "1")),
        "double" => text
            .trim()
            .parse()
            .map(Value::Double)
            .map_err(|_| unreadable()),
        "dateTime.iso8601" if is_date_time(&text) => Ok(Value::DateTime(text)),
        "dateTime.iso8601" => Err(unreadable()),
        "base64" => base64_decode(&text)
            .map(Value::Base64)
            .ok_or_else(unreadable),
        _ => Err(misplaced(kind)),
    }
}

/// Whether a text has the form `YYYYMMDDTHH:MM:SS`. Whether there is such a day is not asked:
/// no method takes one.
fn is_date_time(text: &str) -> bool {
    const FORM: &[u8] = b"00000000T00:00:00";
    text.len() == FORM.len()
        && text.bytes().zip(FORM).all(|(byte, &form)| {
            if form == b'0' {
                byte.is_ascii_digit()
            } else {
                byte == form
            }
        })
}

fn is_blank(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

/// The character that a reference names, `amp` or `#13` or `#x1F980`.
fn resolve(reference: &str) -> Result<char, XmlError> {
    let Some(number) = reference.strip_prefix('#') else {
        return match reference {
            "amp" => Ok('&'),
            "lt" => Ok('<'),
            "gt" => Ok('>'),
            "apos" => Ok('\''),
            "quot" => Ok('"'),
            _ => Err(XmlError::Entity(reference.to_owned())),
        };
    };
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    // `from_str_radix` would take a sign.
    let code = Some(digits)
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .and_then(|digits| u32::from_str_radix(digits, radix).ok())
        .ok_or_else(|| XmlError::Entity(reference.to_owned()))?;
    char::from_u32(code)
        .filter(|&c| is_xml_char(c))
        .ok_or(XmlError::Character(code))
}

fn markup(error: &MarkupError) -> XmlError {
    XmlError::malformed(format!("the XML is not well-formed: {error}"))
}

#[cfg(test)]
mod tests;
