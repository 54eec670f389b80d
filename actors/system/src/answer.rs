//! Answering calls.

use ractor::RpcReplyPort;

/// Answer a call. A vanished caller is not our failure.
pub(crate) fn answer<T>(reply: RpcReplyPort<T>, value: T) {
    let _ = reply.send(value);
}
