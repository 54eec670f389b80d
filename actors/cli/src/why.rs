//! `why`: what something comes from, and what came of it.

use crate::answer::Answer;
use crate::args::Why;
use crate::error::CommandError;
use crate::exit::Exit;
use acequia::lineage::{Branch, Lineage, Node, Reach};
use acequia::store::Lsn;
use serde_json::{Value, json};

pub(crate) fn run(why: &Why) -> Result<Answer, CommandError> {
    let lineage = Lineage::of(&why.journal)?;
    let subject = match id(&why.id) {
        Some(id) => lineage.find(id),
        None => why.id.parse().ok().and_then(|lsn| lineage.at(Lsn(lsn))),
    };
    let Some(subject) = subject else {
        let text = format!("the journal has no event, firing or turn {}", why.id);
        let json = json!({ "ok": false, "exit": Exit::NotFound.code(), "error": text });
        return Ok(Answer { text, json, exit: Exit::NotFound });
    };
    let reach = Reach { depth: why.depth, breadth: why.breadth };
    let (causes, effects) = (lineage.causes(subject, reach), lineage.effects(subject, reach));
    let mut text = causes.node.to_string();
    for (title, branch) in [("comes from", &causes), ("led to", &effects)] {
        text.push_str(&format!("\n\n{title}"));
        if branch.children.is_empty() {
            text.push_str("\n└─ nothing that the journal tells of");
        }
        draw(branch, "", &mut text);
    }
    let json = json!({
        "ok": true,
        "subject": node(&causes.node),
        "causes": children(&causes),
        "effects": children(&effects),
    });
    Ok(Answer { text, json, exit: Exit::Done })
}

fn id(text: &str) -> Option<u128> {
    (text.len() == 32).then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

fn draw(branch: &Branch, margin: &str, text: &mut String) {
    let n = branch.children.len() + usize::from(branch.n_more > 0);
    for (at, child) in branch.children.iter().enumerate() {
        let (fork, below) = if at + 1 == n { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        text.push_str(&format!("\n{margin}{fork}{}", child.node));
        draw(child, &format!("{margin}{below}"), text);
    }
    if branch.n_more > 0 {
        text.push_str(&format!("\n{margin}└─ and {} more", branch.n_more));
    }
}

fn children(branch: &Branch) -> Value {
    let shown = branch.children.iter().map(|child| {
        let mut value = node(&child.node);
        value["branches"] = children(child);
        value
    });
    json!({ "shown": shown.collect::<Vec<_>>(), "more": branch.n_more })
}

fn node(node: &Node) -> Value {
    match node {
        Node::Event { id, lsn, accumulator } => {
            json!({ "event": format!("{id:032x}"), "lsn": lsn.0, "accumulator": accumulator })
        }
        Node::Turn { id, lsn, reactor, firings } => json!({
            "turn": format!("{id:032x}"), "lsn": lsn.0, "reactor": reactor,
            "firings": { "from": firings.start, "to": firings.end },
        }),
        Node::Firing { id, turn, reactor, number } => json!({
            "firing": format!("{id:032x}"), "lsn": turn.0, "reactor": reactor, "number": number,
        }),
    }
}
