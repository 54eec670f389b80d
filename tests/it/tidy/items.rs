//! The items of a file: functions, types and modules, wherever they stand, macro bodies included.

use super::tokens::{Kind, Token};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Function,
    Module,
    Type,
}

#[derive(Debug)]
pub(super) struct Item {
    pub(super) what: What,
    pub(super) name: String,
    pub(super) line: usize,
    /// Where a function's body ends; the item's own line for all else.
    pub(super) end: usize,
    /// Whether it has a body in braces here.
    pub(super) has_body: bool,
    /// The modules around it in this file.
    pub(super) modules: Vec<String>,
    /// Whether a trait chose its name.
    pub(super) named_by_trait: bool,
    /// Its attributes, as `tokio::test(start_paused=true)`.
    pub(super) attributes: Vec<String>,
}

impl Item {
    /// Whether an attribute whose path ends in `test` stands before it.
    pub(super) fn is_test(&self) -> bool {
        let paths = self.attributes.iter().map(|a| a.split('(').next().unwrap_or_default());
        self.what == What::Function
            && paths.into_iter().any(|path| path == "test" || path.ends_with("::test"))
    }

    pub(super) fn is_ignored(&self) -> bool {
        let words =
            |a: &String| a.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "ignore");
        self.attributes.iter().any(|a| a.starts_with("ignore") || (a.starts_with("cfg_attr") && words(a)))
    }
}

enum Scope {
    Module(String),
    TraitImpl,
    Plain,
}

/// Finds the items of a file by their keywords.
pub(super) fn items(tokens: &[Token]) -> Vec<Item> {
    let mut found = Vec::new();
    let mut attributes: Vec<String> = Vec::new();
    // Scopes with the index of the token that ends each.
    let mut scopes: Vec<(usize, Scope)> = Vec::new();
    let mut coming: Option<(usize, Scope)> = None;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if let Some((text, after)) = attribute(tokens, at) {
            attributes.extend(text);
            at = after;
            continue;
        }
        if let Some(mut item) = item(tokens, at) {
            item.modules = scopes.iter().filter_map(|(_, scope)| scope.module()).collect();
            item.named_by_trait = matches!(scopes.last(), Some((_, Scope::TraitImpl)));
            item.attributes = std::mem::take(&mut attributes);
            if item.what == What::Module && item.has_body {
                coming = Some((at + 2, Scope::Module(item.name.clone())));
            }
            found.push(item);
        } else if token.is_word("impl") {
            coming = trait_impl(tokens, at).or(coming);
        } else if token.is(Kind::Open, "{") {
            let scope = coming.take_if(|(opens, _)| *opens == at).map_or(Scope::Plain, |(_, scope)| scope);
            scopes.push((token.close, scope));
        }
        if [";", ",", "{", "}"].contains(&token.text.as_str()) {
            attributes.clear();
        }
        scopes.pop_if(|(end, _)| *end == at);
        at += 1;
    }
    found
}

impl Scope {
    fn module(&self) -> Option<String> {
        if let Scope::Module(name) = self { Some(name.clone()) } else { None }
    }
}

/// The attribute that starts here and the index after it; no text for an inner one.
fn attribute(tokens: &[Token], at: usize) -> Option<(Option<String>, usize)> {
    if !tokens[at].is(Kind::Punct, "#") {
        return None;
    }
    let inner = tokens.get(at + 1)?.is(Kind::Punct, "!");
    let open = if inner { at + 2 } else { at + 1 };
    let bracket = tokens.get(open)?;
    if !bracket.is(Kind::Open, "[") {
        return None;
    }
    let text: String = tokens[open + 1..bracket.close].iter().map(|t| t.text.as_str()).collect();
    Some(((!inner).then_some(text), bracket.close + 1))
}

/// The item whose keyword stands here.
fn item(tokens: &[Token], at: usize) -> Option<Item> {
    let keyword = &tokens[at];
    let what = match (keyword.kind, keyword.text.as_str()) {
        (Kind::Word, "fn") => What::Function,
        (Kind::Word, "mod") => What::Module,
        (Kind::Word, "struct" | "enum" | "trait" | "type") => What::Type,
        _ => return None,
    };
    let name = tokens.get(at + 1).filter(|next| next.kind == Kind::Word)?;
    let body = body(tokens, at + 2).filter(|_| what != What::Type);
    Some(Item {
        what,
        name: name.text.clone(),
        line: keyword.line,
        end: body
            .filter(|_| what == What::Function)
            .map_or(keyword.line, |open| tokens[tokens[open].close].line),
        has_body: body.is_some(),
        modules: Vec::new(),
        named_by_trait: false,
        attributes: Vec::new(),
    })
}

/// The index of the brace that opens the body of the item at hand, if one comes before it ends.
fn body(tokens: &[Token], mut at: usize) -> Option<usize> {
    loop {
        let token = tokens.get(at)?;
        match (token.kind, token.text.as_str()) {
            (Kind::Open, "{") => return Some(at),
            (Kind::Close, _) | (Kind::Punct, ";") => return None,
            _ => at = token.close + 1,
        }
    }
}

/// The scope that an `impl Trait for Type` at this place is about to open.
fn trait_impl(tokens: &[Token], at: usize) -> Option<(usize, Scope)> {
    let open = body(tokens, at + 1)?;
    // `for<'a>` is a bound; any other `for` names the type that implements.
    let names_type = |i: usize| tokens[i].is_word("for") && !tokens[i + 1].is(Kind::Punct, "<");
    (at..open).any(names_type).then_some((open, Scope::TraitImpl))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tokens::tokens;

    fn found(text: &str) -> Vec<Item> {
        items(&tokens(text).unwrap())
    }

    #[test]
    fn items_know_their_modules_and_length() {
        let items = found("mod a {\n mod b {\n  fn f() {\n  }\n }\n fn g() {}\n}\nmod c;");
        let told: Vec<_> =
            items.iter().map(|i| (i.name.as_str(), i.modules.join("::"), i.end - i.line)).collect();
        let modules = [("a", "", 0), ("b", "a", 0), ("f", "a::b", 1), ("g", "a", 0), ("c", "", 0)];
        assert_eq!(told, modules.map(|(name, around, length)| (name, around.to_owned(), length)));
        assert!(items[0].has_body && !items[4].has_body);
    }

    #[test]
    fn tests_are_found_by_attribute_and_inside_macros() {
        let text = "#[tokio::test(start_paused = true)] async fn a() {} \
                    proptest! { #![x] #[test] fn b(n in 0..3u8) {} } \
                    #[test] #[ignore = \"no\"] fn c() {} #[cfg_attr(windows, ignore)] #[test] fn d() {} \
                    /// The test.\n fn e() {} #[test_case] fn f() {}";
        let tests: Vec<_> = found(text).into_iter().filter(Item::is_test).collect();
        let told: Vec<_> = tests.iter().map(|t| (t.name.as_str(), t.is_ignored())).collect();
        assert_eq!(told, [("a", false), ("b", false), ("c", true), ("d", true)]);
    }

    #[test]
    fn a_name_that_a_trait_chose_is_marked() {
        let text = "impl<T> A for B<T> where T: X { fn f() { fn inner() {} } } impl B { fn g(x: impl for<'a> Fn(&'a u8)) {} }";
        let told: Vec<_> = found(text).into_iter().map(|i| (i.name, i.named_by_trait)).collect();
        assert_eq!(told, [("f", true), ("inner", false), ("g", false)].map(|(n, t)| (n.to_owned(), t)));
    }
}
