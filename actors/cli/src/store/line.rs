//! A record as one line of JSON.
//!
//! ```text
//! {"lsn":7,"kind":"event","tenant":0,"stream":"<16 hex>","id":"<32 hex>","time":<ns>,"parents":["<32 hex>"],"base64":"…"}
//! ```
//!
//! A payload that is JSON, byte for byte as it would be written again, is there as `json`; any other as `base64`.
//! Either way the line is the record exactly.

use super::base64;
use acequia::Timestamp;
use acequia::store::Lsn;
use acequia::store::journal::{Head, RecordId, RecordKind, RecordRef, StreamId, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A record as one line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub(super) lsn: u64,
    kind: String,
    tenant: u32,
    stream: String,
    id: String,
    time: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parents: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    json: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

/// A payload `null` is not a payload that is absent.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

impl From<&RecordRef<'_>> for Line {
    fn from(record: &RecordRef<'_>) -> Self {
        let json = serde_json::from_slice::<Value>(record.payload).ok();
        let json = json.filter(|value| value.to_string().as_bytes() == record.payload);
        let base64 = json.is_none().then(|| base64::encode(record.payload));
        Self {
            lsn: record.lsn.0,
            kind: record.kind.to_string(),
            tenant: record.tenant.0,
            stream: format!("{:016x}", record.stream.0),
            id: hex(record.id),
            time: record.time.as_nanos(),
            parents: record.parents.iter().map(hex).collect(),
            json,
            base64,
        }
    }
}

fn hex(id: RecordId) -> String {
    format!("{:032x}", id.0)
}

/// What a line says, in the journal's own terms.
pub(super) struct Parsed {
    pub(super) lsn: Lsn,
    kind: RecordKind,
    tenant: TenantId,
    stream: StreamId,
    id: RecordId,
    time: Timestamp,
    parents: Vec<RecordId>,
    pub(super) payload: Vec<u8>,
}

impl Parsed {
    pub(super) fn head(&self) -> Head<'_> {
        let Self { kind, tenant, stream, id, time, ref parents, .. } = *self;
        Head { kind, tenant, stream, id, time, parents }
    }
}

/// Read one line.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn parse(text: &str) -> Result<Parsed, String> {
    let line: Line = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let payload = match (&line.json, &line.base64) {
        (Some(json), None) => json.to_string().into_bytes(),
        (None, Some(text)) => base64::decode(text).ok_or("its base64 cannot be read")?,
        _ => return Err("it has not one payload, as `json` or `base64`".to_owned()),
    };
    let parents: Option<Vec<RecordId>> = line.parents.iter().map(|parent| id(parent)).collect();
    let stream = (line.stream.len() == 16).then(|| u64::from_str_radix(&line.stream, 16).ok()).flatten();
    Ok(Parsed {
        lsn: Lsn(line.lsn),
        kind: line.kind.parse().map_err(|error: acequia::store::journal::UnknownKind| error.to_string())?,
        tenant: TenantId(line.tenant),
        stream: StreamId(stream.ok_or("its stream is not 16 hexadecimal digits")?),
        id: id(&line.id).ok_or("its id is not 32 hexadecimal digits")?,
        time: Timestamp::from_nanos(line.time),
        parents: parents.ok_or("a parent is not 32 hexadecimal digits")?,
        payload,
    })
}

fn id(text: &str) -> Option<RecordId> {
    let digits = text.len() == 32 && !text.starts_with('+');
    digits.then(|| u128::from_str_radix(text, 16).ok().map(RecordId)).flatten()
}
