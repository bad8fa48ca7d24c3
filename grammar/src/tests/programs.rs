//! Texts of well-formed expressions and programs, drawn at random.

use proptest::num::f64;
use proptest::prelude::*;

/// A text of a well-formed expression, with brackets wherever they may be needed and sometimes
/// elsewhere.
pub(super) fn expression() -> impl Strategy<Value = String> + Clone {
    let leaf = prop_oneof![
        prop::sample::select(vec!["a", "b", "c_1", "é", "pi", "\u{b5}", "\u{1d43}", "True", "False", "1_0", "0xff"])
            .prop_map(str::to_owned),
        any::<u128>().prop_map(|value| value.to_string()),
        (f64::POSITIVE | f64::NORMAL | f64::SUBNORMAL | f64::ZERO).prop_map(|value| format!("{value:e}")),
        (0.0..1e30).prop_map(|value| format!("{value:?}j")),
    ];
    leaf.prop_recursive(8, 64, 4, |inner| {
        let operators = vec![
            "+", "-", "*", "/", "//", "%", "**", "<<", ">>", "&", "|", "^", "and", "or", "<", "<=", ">", ">=", "==",
            "!=",
        ];
        prop_oneof![
            4 => (inner.clone(), prop::sample::select(operators.clone()), inner.clone())
                .prop_map(|(lhs, op, rhs)| format!("({lhs}) {op} ({rhs})")),
            2 => (prop::sample::select(vec!["-", "+", "~", "not "]), inner.clone())
                .prop_map(|(op, arg)| format!("{op}({arg})")),
            1 => (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("({a}) if ({b}) else ({c})")),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a}) < ({b})\n!= ({c})")),
            1 => args(inner.clone()).prop_map(|args| format!("f({args})")),
            1 => (inner.clone(), args(inner.clone())).prop_map(|(object, args)| format!("({object}) . f({args})")),
            1 => inner.clone().prop_map(|object| format!("({object}).T")),
            1 => (inner.clone(), prop::collection::vec(item(inner), 1..4), any::<bool>())
                .prop_map(|(object, items, comma)| {
                    format!("({object})[{}{}]", items.join(","), if comma { " ," } else { "" })
                }),
        ]
    })
}

/// An operand, or a tuple of operands.
fn argument(operand: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        4 => operand.clone(),
        1 => prop::collection::vec(operand, 0..3).prop_map(|items| match &items[..] {
            [only] => format!("({only},)"),
            _ => format!("({})", items.join(", ")),
        }),
    ]
}

/// The arguments of a call.
fn args(operand: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = String> + Clone {
    (prop::collection::vec(argument(operand.clone()), 0..4), prop::collection::vec(argument(operand), 0..3)).prop_map(
        |(args, named)| {
            let named = named.into_iter().zip(["axis", "f"]).map(|(value, name)| format!("{name} = {value}"));
            args.into_iter().chain(named).collect::<Vec<_>>().join(", ")
        },
    )
}

/// An item of an index.
fn item(operand: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = String> + Clone {
    let part = prop_oneof![operand.clone(), Just(String::new())];
    prop_oneof![
        argument(operand),
        (part.clone(), part.clone()).prop_map(|(start, stop)| format!("{start}:{stop}")),
        (part.clone(), part.clone(), part).prop_map(|(start, stop, step)| format!("{start}: {stop} :{step}")),
        Just("...".to_owned()),
    ]
}

/// A value as a statement may have it: an expression, or a tuple with or without brackets.
fn value() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        3 => expression(),
        1 => argument(expression()),
        1 => prop::collection::vec(argument(expression()), 1..3).prop_map(|items| format!("{},", items.join(", "))),
    ]
}

/// Something that can be assigned to.
fn target() -> impl Strategy<Value = String> + Clone {
    let single = prop_oneof![
        4 => prop::sample::select(vec!["x", "y", "(z)", "é"]).prop_map(str::to_owned),
        1 => (prop::sample::select(vec!["u", "f(a)", "v.w"]), item(expression()))
            .prop_map(|(object, item)| format!("{object}[{item}]")),
        1 => Just("x.y".to_owned()),
    ];
    single.prop_recursive(2, 8, 3, |inner| {
        prop::collection::vec(inner, 1..4).prop_map(|items| format!("({},)", items.join(", ")))
    })
}

/// A statement without a block. If it is `break` or `continue`, it is left out outside of loops.
fn simple() -> impl Strategy<Value = String> + Clone {
    let change = prop::sample::select(vec!["+=", "-=", "*=", "/=", "//=", "%=", "**=", "<<=", ">>=", "&=", "|=", "^="]);
    prop_oneof![
        2 => value(),
        4 => (prop::collection::vec(target(), 1..3), value())
            .prop_map(|(targets, value)| format!("{} = {value}", targets.join(" = "))),
        1 => (prop::collection::vec(target(), 1..3), value())
            .prop_map(|(items, value)| format!("{}, = {value}", items.join(", "))),
        1 => (change, value()).prop_map(|(change, value)| format!("u[1:] {change} {value}")),
        1 => (annotation(), value()).prop_map(|(annotation, value)| format!("x: {annotation} = {value}")),
        1 => annotation().prop_map(|annotation| format!("x: {annotation}")),
        2 => value().prop_map(|value| format!("return {value}")),
        1 => prop::sample::select(vec!["break", "continue"]).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["return", "pass", "'doc'", "r\"\"\"of\n several lines\"\"\""])
            .prop_map(str::to_owned),
    ]
}

fn annotation() -> impl Strategy<Value = String> + Clone {
    prop_oneof![expression(), Just("'NDArray[float]'".to_owned())]
}

/// A statement.
#[derive(Clone, Debug)]
enum Tree {
    /// Some on one line.
    Simple(Vec<String>),
    /// A definition up to its colon, and its block.
    Def(String, Vec<Tree>),
    /// An `if` or a loop: each header up to its colon, and its block.
    Control(Vec<(String, Vec<Tree>)>),
}

/// A branch with any `elif`s, or a loop, each maybe with an `else`.
fn control(block: impl Strategy<Value = Vec<Tree>> + Clone) -> impl Strategy<Value = Tree> + Clone {
    let range = prop::collection::vec(expression(), 1..4).prop_map(|args| format!("range({})", args.join(", ")));
    let first = prop_oneof![
        4 => argument(expression()).prop_map(|condition| format!("if {condition}:")),
        1 => argument(expression()).prop_map(|condition| format!("while {condition}:")),
        1 => (prop::sample::select(vec!["x", "(é)", "π"]), range).prop_map(|(name, range)| format!("for {name} in {range}:")),
    ];
    let others = prop::collection::vec((argument(expression()), block.clone()), 0..3);
    (first, block.clone(), others, prop::option::of(block)).prop_map(|(first, body, others, otherwise)| {
        let is_if = first.starts_with("if");
        let others = others.into_iter().map(|(condition, body)| (format!("elif {condition}:"), body));
        let others = others.filter(|_| is_if);
        let otherwise = otherwise.into_iter().map(|body| ("else:".to_owned(), body));
        Tree::Control([(first, body)].into_iter().chain(others).chain(otherwise).collect())
    })
}

fn params() -> impl Strategy<Value = String> + Clone {
    let default = prop::option::of(argument(expression()));
    (0..4_usize, prop::collection::vec(default, 4), prop::option::of(annotation()), any::<bool>()).prop_map(
        |(n, defaults, annotation, comma)| {
            let mut has_default = false;
            let params: Vec<_> = ["x", "k", "π"]
                .into_iter()
                .take(n)
                .zip(defaults)
                .map(|(name, default)| {
                    has_default |= default.is_some();
                    let annotation =
                        annotation.as_ref().map_or_else(String::new, |annotation| format!(": {annotation}"));
                    match default {
                        Some(default) => format!("{name}{annotation} = {default}"),
                        None if has_default => format!("{name}=1"),
                        None => format!("{name}{annotation}"),
                    }
                })
                .collect();
            let comma = if comma && !params.is_empty() { "," } else { "" };
            format!("{}{comma}", params.join(", "))
        },
    )
}

/// The text of a well-formed program.
pub(super) fn program() -> impl Strategy<Value = String> + Clone {
    let line = prop::collection::vec(simple(), 1..3).prop_map(Tree::Simple);
    let tree = line.prop_recursive(3, 12, 3, |inner| {
        let name = prop::sample::select(vec!["f", "g", "h_1"]);
        let result = prop::option::of(annotation());
        let block = prop::collection::vec(inner, 1..4);
        let def = (name, params(), result, block.clone()).prop_map(|(name, params, result, body)| {
            let result = result.map_or_else(String::new, |result| format!(" -> {result}"));
            Tree::Def(format!("def {name}({params}){result}:"), body)
        });
        prop_oneof![1 => def, 2 => control(block)]
    });
    (prop::collection::vec(tree, 1..4), 0..5_usize, 1..5_usize, any::<bool>()).prop_map(
        |(trees, base, step, is_short)| {
            let mut text = String::from("\n");
            for tree in trees {
                write(&mut text, &tree, base, &Style { step, is_short, is_in_loop: false });
            }
            text
        },
    )
}

/// How a statement is written.
#[derive(Clone, Copy)]
struct Style {
    /// How much deeper a block is.
    step: usize,
    /// Whether a block that is one line follows the colon.
    is_short: bool,
    is_in_loop: bool,
}

/// Writes a statement.
fn write(text: &mut String, tree: &Tree, depth: usize, style: &Style) {
    let indentation = " ".repeat(depth);
    let deeper = format!("\n{indentation}     ");
    match tree {
        Tree::Simple(stmts) => {
            let is_left_out = |stmt: &&String| matches!(stmt.as_str(), "break" | "continue") && !style.is_in_loop;
            let mut stmts: Vec<_> = stmts.iter().filter(|stmt| !is_left_out(stmt)).map(String::as_str).collect();
            if stmts.is_empty() {
                stmts.push("pass");
            }
            text.push_str(&indentation);
            text.push_str(&stmts.join(";").replace('\n', &deeper));
            text.push_str(if style.is_short { " ;\n\n" } else { " # x\n" });
        }
        Tree::Def(header, body) => {
            write_block(text, header, body, depth, &Style { is_in_loop: false, ..*style });
        }
        Tree::Control(blocks) => {
            for (header, body) in blocks {
                let is_loop = header.starts_with(['w', 'f']);
                write_block(text, header, body, depth, &Style { is_in_loop: style.is_in_loop || is_loop, ..*style });
            }
        }
    }
}

fn write_block(text: &mut String, header: &str, body: &[Tree], depth: usize, style: &Style) {
    let indentation = " ".repeat(depth);
    text.push_str(&indentation);
    text.push_str(&header.replace('\n', &format!("\n{indentation}     ")));
    match body {
        [only @ Tree::Simple(_)] if style.is_short => write(text, only, depth, style),
        _ => {
            text.push_str("\n # x\n");
            body.iter().for_each(|tree| write(text, tree, depth + style.step, style));
        }
    }
}
