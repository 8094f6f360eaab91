//! The fixed parts of a record's value, worked out once: what stands before each column's text.

use bytes::BytesMut;

/// A value is, for each slot, the bytes before it and the text of its column; then the tail.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Layout {
    /// The columns in the order in which they are written.
    pub(super) slots: Vec<Slot>,
    /// What stands behind the last.
    pub(super) tail: Vec<u8>,
}

/// Place of a column in a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    /// What stands before the column's text.
    pub(super) before: Vec<u8>,
    /// The caller's number of the column.
    pub(super) column: usize,
}

/// A JSON object being built: members in the order in which they were named first.
enum Node {
    Column(usize),
    Object(Vec<(String, Self)>),
}

impl Layout {
    /// A JSON object with each column under its path, from the outside in.
    pub(super) fn json<'a>(columns: impl IntoIterator<Item = (&'a [String], usize)>) -> Self {
        let mut members = Vec::new();
        for (path, column) in columns {
            insert(&mut members, path, column);
        }
        let mut layout = Self::default();
        layout.push(&Node::Object(members));
        layout
    }

    /// A comma-separated line; `None` is an empty field.
    pub(super) fn csv(columns: impl IntoIterator<Item = Option<usize>>) -> Self {
        let mut layout = Self::default();
        for (i, column) in columns.into_iter().enumerate() {
            if i > 0 {
                layout.tail.push(b',');
            }
            if let Some(column) = column {
                layout.slot(column);
            }
        }
        layout
    }

    fn push(&mut self, node: &Node) {
        match node {
            Node::Column(column) => self.slot(*column),
            Node::Object(members) => {
                for (i, (name, node)) in members.iter().enumerate() {
                    self.tail.push(if i == 0 { b'{' } else { b',' });
                    let mut text = BytesMut::new();
                    put_json_string(&mut text, name.as_bytes());
                    self.tail.extend_from_slice(&text);
                    self.tail.push(b':');
                    self.push(node);
                }
                self.tail.push(b'}');
            }
        }
    }

    fn slot(&mut self, column: usize) {
        let before = std::mem::take(&mut self.tail);
        self.slots.push(Slot { before, column });
    }
}

fn insert(members: &mut Vec<(String, Node)>, path: &[String], column: usize) {
    let Some((name, rest)) = path.split_first() else {
        return;
    };
    let known = members
        .iter()
        .position(|(n, node)| n == name && matches!(node, Node::Object(_)));
    if rest.is_empty() {
        members.push((name.clone(), Node::Column(column)));
    } else if let Some((_, Node::Object(inner))) = known.map(|i| &mut members[i]) {
        insert(inner, rest, column);
    } else {
        let mut inner = Vec::new();
        insert(&mut inner, rest, column);
        members.push((name.clone(), Node::Object(inner)));
    }
}

/// Writes a JSON string. Bytes that are not UTF-8 stay as they are.
pub(super) fn put_json_string(out: &mut BytesMut, text: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(b"\"");
    let mut rest = text;
    while let Some(at) = rest
        .iter()
        .position(|b| matches!(b, b'"' | b'\\' | 0..0x20))
    {
        let byte = rest[at];
        out.extend_from_slice(&rest[..at]);
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            _ => {
                let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&digits);
            }
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.extend_from_slice(b"\"");
}

/// Writes a field of a comma-separated line, in quotes if it needs them.
pub(super) fn put_csv_field(out: &mut BytesMut, text: &[u8]) {
    if !text
        .iter()
        .any(|b| matches!(b, b'"' | b',' | b'\r' | b'\n'))
    {
        out.extend_from_slice(text);
        return;
    }
    out.extend_from_slice(b"\"");
    for piece in text.split_inclusive(|b| *b == b'"') {
        out.extend_from_slice(piece);
        if piece.last() == Some(&b'"') {
            out.extend_from_slice(b"\"");
        }
    }
    out.extend_from_slice(b"\"");
}
