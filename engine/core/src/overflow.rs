//! What happens when a bounded edge is full.

/// Policy of a full edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Overflow {
    /// The sender waits. Towards a subscriber this stalls its siblings too, by choice.
    #[default]
    Block,
    /// The new item is dropped, counted as `dropped(overflow)`.
    DropNewest,
    /// The oldest item is dropped, counted as `dropped(overflow)`.
    DropOldest,
    /// The newest item replaces those that wait, which count as settled(superseded).
    Coalesce,
    /// The new item goes to the dead letters, counted as `dropped(overflow)`.
    DeadLetter,
}
