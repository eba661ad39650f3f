//! A JSON object of which a few members are changed and all others stay as they were written: their values byte for byte, their order too.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// An object as it was written. It has no `Debug`: its values can be credentials.
#[derive(Clone, Default)]
pub(super) struct Object(Vec<(String, Box<RawValue>)>);

impl Object {
    /// Reads an object.
    pub(super) fn parse(text: &str) -> serde_json::Result<Object> {
        serde_json::from_str(text)
    }

    /// The value of a member. Of several with one name the last counts, as everywhere in JSON.
    pub(super) fn get(&self, key: &str) -> Option<&RawValue> {
        self.0.iter().rev().find(|(own, _)| own == key).map(|(_, value)| value.as_ref())
    }

    /// The object that a member is; an empty one if it is no object or not there.
    pub(super) fn object(&self, key: &str) -> Object {
        self.get(key).and_then(|value| Object::parse(value.get()).ok()).unwrap_or_default()
    }

    /// Sets a member in its place, or behind the others if it is new.
    pub(super) fn set(&mut self, key: &str, value: Box<RawValue>) {
        match self.0.iter_mut().rev().find(|(own, _)| own == key) {
            Some((_, own)) => *own = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }

    /// Sets a member to a text, or takes it out.
    pub(super) fn set_text(&mut self, key: &str, text: Option<&str>) -> serde_json::Result<()> {
        match text {
            Some(text) => self.set(key, serde_json::value::to_raw_value(text)?),
            None => self.remove(key),
        }
        Ok(())
    }

    /// Takes a member out.
    pub(super) fn remove(&mut self, key: &str) {
        self.0.retain(|(own, _)| own != key);
    }

    /// The object over several lines, as it stands `depth` objects deep. Values that it was read with keep their own lines.
    pub(super) fn raw(&self, depth: usize) -> serde_json::Result<Box<RawValue>> {
        if self.0.is_empty() {
            return RawValue::from_string("{}".to_owned());
        }
        let inner = "  ".repeat(depth + 1);
        let members = self.0.iter().map(|(key, value)| {
            // A text is JSON already.
            let key = serde_json::Value::from(key.as_str());
            format!("{inner}{key}: {}", value.get())
        });
        let members = members.collect::<Vec<_>>().join(",\n");
        RawValue::from_string(format!("{{\n{members}\n{}}}", "  ".repeat(depth)))
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}
