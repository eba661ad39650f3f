//! The service behind a kind that is checked: an ordinary REST service, derived from the manifest's `calls`, whose objects have the record's
//! fields. How it spells things is a guess in several ways, until a script says it. What it answers out of order is `host`'s.

use std::collections::BTreeMap;

use carto_plugin_api::manifest::{Call, Manifest, Record};
use carto_plugin_api::{AUTH_SERVICE, WireRequest, WireResponse};
use serde_json::{Map, Value, json};

use super::script::{Answer, Ids, Script, Shape};
use super::values::{field, spellings};
use super::{canary, now, values};

/// The keys under which a next page's address may stand.
const NEXT: [&str; 5] = ["next", "next_cursor", "nextCursor", "next_page_token", "nextPageToken"];

/// The service.
pub(super) struct Double {
    record: Record,
    /// What stands in a field that nobody gave.
    values: Map<String, Value>,
    plural: String,
    calls: Vec<Call>,
    shape: Shape,
    refusals: BTreeMap<u16, Value>,
    answers: Vec<Answer>,
    items: Vec<Item>,
    made: usize,
    /// How many items each page has; without it everything is on one.
    pub(super) pages: Vec<usize>,
    /// Whether a list is the whole answer: what is tried when the other guess isn't understood.
    pub(super) bare: bool,
    /// Ids that no answer of a script may know.
    pub(super) absent: Vec<String>,
}

/// An object of the service's.
struct Item {
    id: String,
    fields: Map<String, Value>,
    /// The collection that it was posted to; nothing if it is in all.
    home: Option<String>,
}

/// What a path leads to.
enum Place<'a> {
    Collection,
    Item(&'a str),
    /// Something that is done with an item.
    Action(&'a str),
}

impl Double {
    pub(super) fn new(manifest: &Manifest, script: &Script) -> Double {
        let value = |name: &String| {
            let value = values::of_option(name, manifest.verbs.values(), now()).unwrap_or_else(|| field(name));
            (name.clone(), value)
        };
        Double {
            values: manifest.record.fields.iter().map(value).collect(),
            record: manifest.record.clone(),
            plural: manifest.plural.clone(),
            calls: manifest.verbs.values().flat_map(|spec| spec.calls.clone()).collect(),
            shape: script.service.clone(),
            refusals: script.refusals.clone(),
            answers: script.answers.clone(),
            items: Vec::new(),
            made: 0,
            pages: Vec::new(),
            bare: script.service.items.as_deref() == Some(""),
            absent: Vec::new(),
        }
    }

    /// Everything is gone, and every list has one page again.
    pub(super) fn clear(&mut self) {
        self.items.clear();
        self.pages.clear();
    }

    /// One more object, with its id or with one that is made up, and with a label or with one of its own.
    pub(super) fn seed(&mut self, id: Option<&str>, label: Option<&str>) -> String {
        let id = id.map_or_else(|| self.new_id(), str::to_owned);
        self.items.retain(|item| item.id != id);
        let mut body = Map::new();
        if let Some(name) = self.record.label.clone() {
            let label = label.map_or_else(|| format!("Check {}", self.made), str::to_owned);
            self.put(&mut body, &name, label.into());
        }
        let mut fields = self.object(&id, &body, &[]);
        self.forget_what_is_given_once(&mut fields);
        self.items.push(Item { id: id.clone(), fields, home: None });
        id
    }

    /// Takes an object's fields of these names away, or puts others there.
    pub(super) fn spoil(&mut self, id: &str, spoil: impl FnOnce(&mut Map<String, Value>)) {
        if let Some(item) = self.items.iter_mut().find(|item| item.id == id) {
            spoil(&mut item.fields);
        }
    }

    /// Whether ids are numbers.
    pub(super) fn has_numbers(&self) -> bool {
        matches!(self.shape.id, Some(Ids::From(_)))
    }

    /// Whether a script answers what this call asks, so that what is in here doesn't show.
    pub(super) fn is_scripted(&self, call: &Call) -> bool {
        self.answers.iter().any(|answer| {
            answer.call.service == call.service
                && answer.call.method == call.method
                && answer.call.path().len() == call.path().len()
                && answer.call.path().zip(call.path()).all(|(own, theirs)| theirs.is_none() || own == theirs)
        })
    }

    /// What a refusal looks like.
    pub(super) fn refusal(&self, status: u16, says: &str) -> WireResponse {
        let body = self
            .refusals
            .get(&status)
            .map_or_else(|| json!({ "error": says }), |body| filled(body, &canary::echoed(), ""));
        WireResponse::new(status, Some(body))
    }

    /// The answer where a credential is tried: a script's, or that it opens everything; of an authority a bearer, which nobody should see.
    pub(super) fn tried(&self, call: &Call, request: &WireRequest) -> WireResponse {
        let given = || json!({ "access_token": canary::of_record(0), "token_type": "Bearer", "expires_in": 86400 });
        let body = || if call.service == AUTH_SERVICE { given() } else { json!({}) };
        self.scripted(call, request).unwrap_or_else(|| answered(200, Some(body())))
    }

    /// The answer to a request that `call` permits.
    pub(super) fn answer(&mut self, call: &Call, request: &WireRequest) -> WireResponse {
        let path: Vec<&str> = request.path.iter().map(carto_plugin_api::Segment::text).collect();
        if path.iter().any(|segment| self.absent.iter().any(|absent| absent == segment)) {
            return self.refusal(404, "not found");
        }
        if let Some(answer) = self.scripted(call, request) {
            return answer;
        }
        let home = format!(
            "{} {}",
            call.service,
            call.path().map(|segment| segment.unwrap_or("{}")).collect::<Vec<_>>().join("/")
        );
        let body = request.body.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
        match (self.place(call, &path), request.method.as_str()) {
            (Place::Collection, "GET") => self.list(&home, &path, request),
            (Place::Collection, "POST" | "PUT") => {
                let id = self.new_id();
                let mut fields = self.object(&id, &body, call.query());
                let answer = self.around(Value::Object(fields.clone()));
                self.forget_what_is_given_once(&mut fields);
                self.items.push(Item { id, fields, home: Some(home) });
                answered(201, Some(answer))
            }
            (Place::Collection, _) => answered(204, None),
            (Place::Item(id) | Place::Action(id), method) => {
                let Some(at) = self.items.iter().position(|item| item.id == id) else {
                    return self.refusal(404, "not found");
                };
                if method == "DELETE" {
                    self.items.remove(at);
                    return answered(204, None);
                }
                if method != "GET" {
                    let mut fields = std::mem::take(&mut self.items[at].fields);
                    body.into_iter().for_each(|(key, value)| self.put(&mut fields, &key, value));
                    self.items[at].fields = fields;
                }
                answered(200, Some(self.around(Value::Object(self.items[at].fields.clone()))))
            }
        }
    }

    fn new_id(&mut self) -> String {
        self.made += 1;
        match &self.shape.id {
            Some(Ids::Text(form)) => form.replace("{n}", &self.made.to_string()),
            Some(Ids::From(first)) => (*first as usize + self.made - 1).to_string(),
            None => format!("chk_{:0>20}", self.made),
        }
    }

    /// Sets a field, and where it is one of the record's, in all its spellings.
    fn put(&self, object: &mut Map<String, Value>, key: &str, value: Value) {
        let own = self.record.fields.iter().map(|field| spellings(field));
        let names = own.into_iter().find(|names| names.iter().any(|name| name == key));
        for name in names.unwrap_or_else(|| vec![key.to_owned()]) {
            object.insert(name, value.clone());
        }
    }

    fn object(&self, id: &str, body: &Map<String, Value>, query: &[(String, String)]) -> Map<String, Value> {
        let mut object = Map::new();
        // What tells its kind from others on the same route.
        let shared = self.calls.iter().flat_map(|call| call.query()).chain(query);
        shared.for_each(|(key, value)| drop(object.insert(key.clone(), value.as_str().into())));
        for name in &self.record.fields {
            let secret = self.record.secrets.contains(name).then(|| canary::of_record(self.made).into());
            self.put(&mut object, name, secret.unwrap_or_else(|| self.values[name].clone()));
        }
        let values =
            self.shape.values.iter().map(|(key, value)| (key, filled(value, &canary::of_record(self.made), id)));
        for (key, value) in values.chain(body.iter().map(|(key, value)| (key, value.clone()))) {
            self.put(&mut object, key, value);
        }
        let number = id.parse().ok().filter(|_| self.has_numbers()).map(|number: u64| number.into());
        let id = number.unwrap_or_else(|| Value::from(id));
        for name in [&self.record.id].into_iter().chain(&self.record.wire_id) {
            spellings(name).into_iter().for_each(|name| drop(object.insert(name, id.clone())));
        }
        object
    }

    fn forget_what_is_given_once(&self, object: &mut Map<String, Value>) {
        for spelling in self.record.once.iter().flat_map(|secret| spellings(secret)) {
            object.remove(&spelling);
        }
    }

    fn around(&self, object: Value) -> Value {
        match &self.shape.object {
            Some(key) => json!({ key: object }),
            None => object,
        }
    }

    /// What the path of a request means, by the template that permitted it.
    fn place<'a>(&self, call: &Call, path: &[&'a str]) -> Place<'a> {
        let template: Vec<Option<&str>> = call.path().collect();
        let Some(last) = template.iter().rposition(Option::is_none) else { return Place::Collection };
        let id = path.get(last).copied().unwrap_or_default();
        if last + 1 == template.len() {
            return Place::Item(id);
        }
        let is_listed = call.method.as_str() == "GET"
            || self.calls.iter().any(|other| {
                let below: Vec<Option<&str>> = other.path().collect();
                below.len() == template.len() + 1
                    && below[..template.len()] == template[..]
                    && below[template.len()].is_none()
            });
        if is_listed { Place::Collection } else { Place::Action(id) }
    }

    fn list(&self, home: &str, path: &[&str], request: &WireRequest) -> WireResponse {
        let here: Vec<&Item> =
            self.items.iter().filter(|item| item.home.as_deref().is_none_or(|other| other == home)).collect();
        let here = if here.is_empty() { self.items.iter().collect() } else { here };
        // Which page is asked for: whatever the parameter is called, it has the address that was given out.
        let asked = (1..self.pages.len()).find(|page| request.query.iter().any(|(_, value)| *value == cursor(*page)));
        let page = asked.unwrap_or(0);
        let start: usize = self.pages.iter().take(page).sum();
        let length = self.pages.get(page).copied().unwrap_or(here.len());
        let items: Vec<Value> =
            here.iter().skip(start).take(length).map(|item| Value::Object(item.fields.clone())).collect();
        let next = (page + 1 < self.pages.len()).then(|| cursor(page + 1));
        answered(200, Some(self.listed(path, items, next)))
    }

    /// A page, in all the spellings that aren't settled.
    fn listed(&self, path: &[&str], items: Vec<Value>, next: Option<String>) -> Value {
        if self.bare {
            return items.into();
        }
        let mut page = Map::new();
        let keys: Vec<String> = match &self.shape.items {
            Some(key) => vec![key.clone()],
            None => {
                let last = path.last().copied().unwrap_or_default();
                let word = last.rsplit(['-', '_']).next().unwrap_or(last);
                let names = [self.plural.as_str(), last, word].into_iter().flat_map(spellings);
                names.chain(["items", "data", "results"].map(str::to_owned)).collect()
            }
        };
        keys.into_iter().for_each(|key| drop(page.insert(key, items.clone().into())));
        match &self.shape.next {
            Some(key) => drop(page.insert(key.clone(), next.into())),
            None => NEXT.iter().for_each(|key| drop(page.insert((*key).to_owned(), next.clone().into()))),
        }
        page.into()
    }

    /// The script's answer that says most about the request.
    fn scripted(&self, permitted: &Call, request: &WireRequest) -> Option<WireResponse> {
        let fits = self.answers.iter().filter(|answer| answer.call.permits(&permitted.service, request));
        let says = |answer: &Answer| (answer.call.path().flatten().count(), answer.call.query().len());
        // `max_by_key` would give the last of equals.
        let answer = fits.rev().max_by_key(|answer| says(answer))?;
        let id = permitted.path().zip(&request.path).filter(|(template, _)| template.is_none()).last();
        let mut body = answer
            .body
            .as_ref()
            .map(|body| filled(body, &canary::of_record(0), id.map_or("", |(_, segment)| segment.text())));
        if let (true, Some(Value::Object(said)), Some(asked)) =
            (answer.echo, body.as_mut(), request.body.as_ref().and_then(Value::as_object))
        {
            let said = match &self.shape.object {
                Some(key) => said.get_mut(key).and_then(Value::as_object_mut),
                None => Some(said),
            };
            if let Some(said) = said {
                said.extend(asked.clone());
            }
        }
        let mut response = answered(answer.status, body);
        response.headers.clone_from(&answer.headers);
        Some(response)
    }
}

/// The address of a page.
fn cursor(page: usize) -> String {
    format!("page-{}-of-the-check", page + 1)
}

fn answered(status: u16, body: Option<Value>) -> WireResponse {
    WireResponse::new(status, body)
}

/// A body of a script with what stands for something put in.
fn filled(body: &Value, secret: &str, id: &str) -> Value {
    match body {
        Value::String(text) => text.replace("{secret}", secret).replace("{id}", id).into(),
        Value::Array(items) => items.iter().map(|item| filled(item, secret, id)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(key, value)| (key.clone(), filled(value, secret, id))).collect())
        }
        other => other.clone(),
    }
}
