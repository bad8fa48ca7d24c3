//! `docs/language.md`: each of its blocks gives what it says.

use ndarray::{ArrayD, IxDyn};
use ndexpr::{DynArray, Scalar, Targets, Vars, View, ViewMut, evaluate};

/// A block: what is said of it, its text, and the values that it gives.
struct Block {
    about: String,
    text: String,
    expected: Vec<Value>,
}

/// Numbers in nested brackets: the shape, and the elements in C order.
#[derive(Debug, PartialEq)]
struct Value {
    shape: Vec<usize>,
    elements: Vec<f64>,
}

impl Value {
    fn parse(text: &str) -> Value {
        let depth = text.chars().take_while(|&c| c == '[').count();
        let number = |word: &str| match word {
            "True" => 1.0,
            "False" => 0.0,
            _ => word.parse().unwrap_or_else(|_| panic!("`{word}` is no number, in {text}")),
        };
        let words = text.split(['[', ']', ',', ' ']).filter(|word| !word.is_empty());
        let elements: Vec<f64> = words.map(number).collect();
        let n_rows = text.matches("],").count() + 1;
        let shape = match depth {
            0 => vec![],
            1 => vec![elements.len()],
            2 => vec![n_rows, elements.len() / n_rows],
            _ => panic!("more axes than there are in the document"),
        };
        Value { shape, elements }
    }

    fn of(shape: &[usize], scalars: impl Iterator<Item = Scalar>) -> Value {
        let element = |scalar: Scalar| {
            let whole = scalar.get::<i64>().map(|value| value as f64);
            let narrow = scalar.get::<i32>().map(f64::from);
            let bool = scalar.get::<bool>().map(|value| f64::from(u8::from(value)));
            scalar.get::<f64>().or(whole).or(narrow).or(bool).expect("a dtype of the document")
        };
        Value { shape: shape.to_vec(), elements: scalars.map(element).collect() }
    }
}

fn blocks() -> Vec<Block> {
    let document = include_str!("../../docs/language.md");
    let mut blocks = Vec::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        let Some(about) = line.strip_prefix("```") else { continue };
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let (expected, text): (Vec<&str>, Vec<&str>) = body.into_iter().partition(|line| line.starts_with("#>"));
        let expected = expected.iter().map(|line| Value::parse(line.trim_start_matches("#>").trim())).collect();
        blocks.push(Block { about: about.to_owned(), text: text.join("\n"), expected });
    }
    blocks
}

#[test]
fn the_document_says_what_happens() {
    let blocks = blocks();
    let values: Vec<(&str, ArrayD<f64>)> = (blocks[0].text.lines())
        .map(|line| {
            let (name, value) = line.split_once(" = ").expect("a value");
            let Value { shape, elements } = Value::parse(value);
            (name, ArrayD::from_shape_vec(IxDyn(&shape), elements).expect("the shape"))
        })
        .collect();
    let whole = values.iter().find(|(name, _)| *name == "n").map(|(_, n)| n.mapv(|value| value as i64));
    let whole = whole.expect("the integers");
    let vars_without = |updated: &str| {
        let others = values.iter().filter(|(name, _)| *name != updated);
        others.fold(Vars::new(), |vars, (name, value)| match *name {
            "n" => vars.with("n", &whole),
            _ => vars.with(name, value),
        })
    };
    let mut n_blocks = 0;
    for Block { about, text, expected } in &blocks[1..] {
        n_blocks += 1;
        if let Some(name) = about.strip_prefix("ndexpr updates ") {
            let mut array = values.iter().find(|(known, _)| *known == name).expect("an array").1.clone();
            let targets = Targets::new().with(name, ViewMut::from(&mut array));
            ndexpr::execute(text, vars_without(name), targets).unwrap_or_else(|error| panic!("{}", error.render()));
            let view = View::from(&array);
            assert_eq!(&[Value::of(view.shape(), view.scalars())][..], expected, "{text}");
            continue;
        }
        let found: Vec<DynArray> =
            evaluate(text, vars_without("")).unwrap_or_else(|error| panic!("{}", error.render()));
        let found: Vec<Value> = found.iter().map(|one| Value::of(one.shape(), one.scalars())).collect();
        assert_eq!(&found, expected, "{text}");
    }
    assert!(n_blocks > 20, "{n_blocks} blocks");
}
