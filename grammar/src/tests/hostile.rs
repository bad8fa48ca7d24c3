//! Texts made to hurt: each must end quickly, on a small stack.

use std::thread;

use crate::{Ast, Error, ErrorKind, Feature, Limits, parse};

const MEGABYTE: usize = 1_000_000;

/// Parses, prints, dumps, draws and drops on a stack of 256 KiB.
fn run(text: String, limits: Limits) -> Result<Ast, Error> {
    thread::Builder::new()
        .stack_size(256 * 1024)
        .spawn(move || {
            let result = parse(&text, &limits);
            match &result {
                Ok(ast) => {
                    let printed = ast.to_text();
                    assert_eq!(parse(&printed, &limits).map(|ast| ast.to_text()), Ok(printed));
                    assert!(ast.dump().lines().count() >= ast.n_exprs());
                    drop(ast.clone());
                }
                Err(error) => {
                    let drawing = error.to_diagnostic().render(&text);
                    assert!(drawing.len() < 4_000, "{} bytes", drawing.len());
                }
            }
            result
        })
        .expect("a thread starts")
        .join()
        .expect("the thread does not panic")
}

fn kind(text: String) -> ErrorKind {
    run(text, Limits::default()).map(|ast| ast.n_exprs()).unwrap_err().kind().clone()
}

const UNLIMITED: Limits = Limits { max_text_bytes: usize::MAX, max_nesting: usize::MAX, max_nodes: usize::MAX };

#[test]
fn open_brackets() {
    assert_eq!(kind("(".repeat(MEGABYTE)), ErrorKind::TooDeep { limit: 256 });
    assert_eq!(kind("f(".repeat(MEGABYTE / 2)), ErrorKind::TooDeep { limit: 256 });
    assert_eq!(kind("(((\n".repeat(MEGABYTE / 4)), ErrorKind::TooDeep { limit: 256 });
    assert_eq!(kind("f(a=".repeat(MEGABYTE / 4)), ErrorKind::TooDeep { limit: 256 });
    assert_eq!(kind("f((a,".repeat(MEGABYTE / 5)), ErrorKind::TooDeep { limit: 256 });
    assert!(
        matches!(run("(".repeat(MEGABYTE), UNLIMITED), Err(error) if matches!(error.kind(), ErrorKind::UnclosedBracket { .. }))
    );
}

#[test]
fn prefix_operators() {
    assert_eq!(kind("-".repeat(MEGABYTE)), ErrorKind::TooDeep { limit: 256 });
    assert_eq!(kind("not ".repeat(MEGABYTE / 4)), ErrorKind::TooDeep { limit: 256 });
    assert_eq!(kind("~ + -\t".repeat(MEGABYTE / 6)), ErrorKind::TooDeep { limit: 256 });
}

#[test]
fn right_recursion() {
    assert_eq!(kind("2**".repeat(MEGABYTE / 3)), ErrorKind::TooDeep { limit: 256 });
    assert_eq!(kind("a if b else ".repeat(MEGABYTE / 12)), ErrorKind::TooDeep { limit: 256 });
    assert_eq!(kind("a**-".repeat(MEGABYTE / 4)), ErrorKind::TooDeep { limit: 256 });
}

#[test]
fn deep_trees_without_limits() {
    let n = 50_000;
    for text in [
        format!("{}a{}", "(".repeat(n), ")".repeat(n)),
        format!("{}a{}", "f(".repeat(n), ")".repeat(n)),
        format!("{}a", "-".repeat(n)),
        format!("{}a", "not ".repeat(n)),
        format!("{}2", "2**".repeat(n)),
        format!("{}c", "a if b else ".repeat(n)),
        format!("a{}", "+a".repeat(n)),
        format!("a{}", "<a".repeat(n)),
        format!("f({})", "a,".repeat(n)),
        format!("f(({}))", "a,".repeat(n)),
        format!("{}a{}", "f(a=".repeat(n), ")".repeat(n)),
        format!("{}a{}", "f((a,".repeat(n), "))".repeat(n)),
        format!("f({})", (0..=n).map(|idx| format!("k{idx}=(),")).collect::<String>()),
        format!("{}a{}", "(a+".repeat(n), ")".repeat(n)),
    ] {
        let ast = run(text, UNLIMITED).unwrap_or_else(|error| panic!("{error}"));
        assert!(ast.n_exprs() == 1 || ast.n_exprs() > n);
    }
}

/// `n` definitions inside each other, the innermost with a statement. Each is indented by one
/// column more, so the text is as long as the square of `n`.
fn nested(n: usize, statement: &str) -> String {
    let headers: String = (0..n).map(|depth| format!("{:depth$}def f(x=1):\n", "")).collect();
    format!("{headers}{:n$}{statement}\n", "")
}

#[test]
fn nested_blocks() {
    assert!(run(nested(256, "pass"), Limits::default()).is_ok());
    assert_eq!(kind(nested(257, "pass")), ErrorKind::TooDeep { limit: 256 });
    assert_eq!(kind(nested(1_000, "pass")), ErrorKind::TooDeep { limit: 256 });
    assert_eq!(kind(nested(255, "- -x")), ErrorKind::TooDeep { limit: 256 });
    let ast = run(nested(1_500, "return x"), UNLIMITED).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(ast.n_exprs(), 1_500 + 1);
    // All of them end at once, where no block began.
    let text = format!("\n  {}", nested(200, "pass").replace('\n', "\n  ").trim_end());
    assert_eq!(kind(format!("{text}\n x")), ErrorKind::UnmatchedIndentation);
    assert!(run(format!("{text}\n  x"), Limits::default()).is_ok());
}

#[test]
fn nested_branches_and_loops() {
    for (header, end) in [
        ("if a:", "else: pass"),
        ("if a:", "elif b: pass"),
        ("while a:", "else: pass"),
        ("for i in range(2):", "else: pass"),
    ] {
        // In the block of the header, and in that of the `else`.
        let first = |n: usize| {
            let headers: String = (0..n).map(|depth| format!("{:depth$}{header}\n", "")).collect();
            let ends: String = (0..n).rev().map(|depth| format!("{:depth$}{end}\n", "")).collect();
            format!("{headers}{:n$}pass\n{ends}", "")
        };
        let second = |n: usize| {
            let headers = (0..n).map(|depth| format!("{0:depth$}{header} pass\n{0:depth$}else:\n", ""));
            format!("{}{:n$}pass\n", headers.collect::<String>(), "")
        };
        for nested in [&first as &dyn Fn(usize) -> String, &second] {
            run(nested(256), Limits::default()).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(kind(nested(257)), ErrorKind::TooDeep { limit: 256 }, "{header}");
            run(nested(600), UNLIMITED).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

#[test]
fn long_chains_of_elif_do_not_nest() {
    let chain = |n: usize| format!("if a: b\n{}else: d", "elif a: b\n".repeat(n));
    let limits = Limits { max_nesting: 1, ..Limits::default() };
    run(chain(8_000), limits).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(kind(chain(20_000)), ErrorKind::TooManyNodes { limit: 32768 });
    let indented = format!("if a:\n b\n{}else:\n d", "elif a:\n b\n".repeat(8_000));
    run(indented, limits).unwrap_or_else(|error| panic!("{error}"));
    let ast = run(chain(60_000), UNLIMITED).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(ast.body().len(), 1);
    drop(ast.moved(1));
}

/// At each line that begins with `if`, the layout looks ahead.
#[test]
fn lines_that_begin_with_if() {
    for line in [
        "if a\n",
        "a\nif b\n",
        "a\nif b if\n",
        "a\nif b +\n",
        "a\nif b\n- c\n",
        "a\nif (b\n",
        "a\nif b) else\n",
        "a\nif b\n(c)\n[1]\n.d\n",
        "if a: b\nelse c\n",
        "a if b\nelse:\n",
        "x = a\nif b: c else\n",
        "if a: if ",
        "for i in ",
        "for a in range(",
        "while a\n",
        "else: ",
        "break;",
    ] {
        assert!(run(line.repeat(MEGABYTE / line.len()), Limits::default()).is_err(), "{line}");
        assert!(run(line.repeat(MEGABYTE / line.len()), UNLIMITED).is_err(), "{line}");
    }
    for line in [
        "a\nif b\nelse c\n",
        "a\nif b else\nc\n",
        "a\nif b\n  + c\nelse d\n",
        "a\nif b\n* c\n* d else e\n",
        "a\nif b: c\n",
        "if a: b\nelif c: d\nelse: e\n",
        "while a: break\nelse: b\n",
        "for i in range(2): continue\n",
    ] {
        run(line.repeat(50_000), UNLIMITED).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
    // A value that goes on and on.
    run(format!("a{}", "\nif b\nelse c".repeat(20_000)), UNLIMITED).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn what_groups_to_the_left_does_not_nest() {
    let n = 10_000;
    let limits = Limits { max_nodes: usize::MAX, max_nesting: 2, ..Limits::default() };
    for text in [
        format!("{}a", "a=".repeat(n)),
        format!("{}a", "a=\n".repeat(n)),
        format!("a,{}=a", "a,".repeat(n)),
        format!("{}a", "a,=".repeat(n)),
        format!("{}a", "u[0]=".repeat(n)),
        format!("a{}", ".b".repeat(n)),
        format!("a{}", ".b()".repeat(n)),
        format!("a{}", "[0]".repeat(n)),
        format!("a[{}]", "::,".repeat(n)),
        format!("a[{}]", "...,".repeat(n)),
        "a;".repeat(n),
        "a\n".repeat(n),
        "pass\n".repeat(n),
        "''\n".repeat(n),
        "x:a=a\n".repeat(n),
        "def f():a\n".repeat(n),
        "if a:b\nelse:c\n".repeat(n),
        "while a:break\n".repeat(n),
        "for i in range(2):a;continue\n".repeat(n),
        format!("if a:{}", "b;".repeat(n)),
        format!("while a:\n{}else:\n{}", " continue\n".repeat(n), " b\n".repeat(n)),
        format!("def f():{}", "a;".repeat(n)),
        format!("def f():\n{}", " a\n".repeat(n)),
        format!("def f({}):a", (0..n).map(|idx| format!("x{idx},")).collect::<String>()),
        format!("def f({}):a", (0..n).map(|idx| format!("x{idx}:a=a,")).collect::<String>()),
        format!("({})", "a,".repeat(n)),
        "a,".repeat(n),
        format!("return {}", "a,".repeat(n)),
        format!("a{}", "\n*a".repeat(n)),
    ] {
        run(text, limits).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn what_nests() {
    for text in [
        "[".repeat(MEGABYTE),
        "x[".repeat(MEGABYTE / 2),
        "x[a,".repeat(MEGABYTE / 4),
        "x[:".repeat(MEGABYTE / 3),
        "x.f(".repeat(MEGABYTE / 4),
        "(a,".repeat(MEGABYTE / 3),
        "([".repeat(MEGABYTE / 2),
        format!("{}x{}", "x[".repeat(1_000), "]".repeat(1_000)),
        format!("{}x{}", "(".repeat(1_000), ",)".repeat(1_000)),
        format!("def f(x={}", "(".repeat(1_000)),
        format!("x: {}", "a[".repeat(1_000)),
    ] {
        let refused = kind(text);
        let is_list = refused == ErrorKind::Unsupported { feature: Feature::Lists };
        assert!(is_list || refused == ErrorKind::TooDeep { limit: 256 }, "{refused:?}");
    }
    let n = 20_000;
    for text in [
        format!("{}x{}", "x[".repeat(n), "]".repeat(n)),
        format!("{}x{}", "x[0,".repeat(n), ",]".repeat(n)),
        format!("{}x{}", "x[::".repeat(n), "]".repeat(n)),
        format!("{}x{}", "x.f(".repeat(n), ")".repeat(n)),
        format!("{}x{}", "(".repeat(n), ",)".repeat(n)),
        format!("{}x{}=x", "(".repeat(n), ",)".repeat(n)),
        format!("x:{}x{}", "x[".repeat(n), "]".repeat(n)),
    ] {
        run(text, UNLIMITED).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn many_lines() {
    for text in [
        ";".repeat(MEGABYTE),
        "a;;".repeat(MEGABYTE / 3),
        "\n ".repeat(MEGABYTE / 2),
        "\\\n".repeat(MEGABYTE / 2),
        "a\n b\n".repeat(MEGABYTE / 5),
        "a\n*".repeat(MEGABYTE / 3),
        "a\nif b:\n".repeat(MEGABYTE / 8),
        "a\n*(\n".repeat(MEGABYTE / 5),
        "def f():\n".repeat(MEGABYTE / 9),
        "def f(".repeat(MEGABYTE / 6),
        "def f(x=1):x=".repeat(MEGABYTE / 13),
        " \t".repeat(MEGABYTE / 2),
        format!("def f():\n{}a\n{}a", " \t".repeat(100_000), "\t ".repeat(100_000)),
        format!("\na\n{}b", "\t".repeat(MEGABYTE / 2)),
        "'''a\n".repeat(MEGABYTE / 5),
        "'a\\\n".repeat(MEGABYTE / 4),
        "\"\\".repeat(MEGABYTE / 2),
        "[x for ".repeat(MEGABYTE / 7),
        "{x for ".repeat(MEGABYTE / 7),
        "match x".repeat(MEGABYTE / 7),
        "x = [".repeat(MEGABYTE / 5),
        "*a,".repeat(MEGABYTE / 3),
        "a = *".repeat(MEGABYTE / 5),
        "x: ".repeat(MEGABYTE / 3),
        "f'".repeat(MEGABYTE / 2),
        "a.".repeat(MEGABYTE / 2),
        "a...".repeat(MEGABYTE / 4),
        "->".repeat(MEGABYTE / 2),
    ] {
        assert!(run(text.clone(), Limits::default()).is_err(), "{}", &text[..20]);
    }
    for text in [
        format!("a\n{}", " \n".repeat(MEGABYTE / 2)),
        format!("a{}", "\\\n".repeat(MEGABYTE / 2)),
        format!("'''{}'''", "\n".repeat(MEGABYTE)),
        format!("'{}'", "\\\n".repeat(MEGABYTE / 2)),
        format!("def f():\n{}pass", "\t".repeat(MEGABYTE / 2)),
        format!("(a{})", "\n \t".repeat(MEGABYTE / 3)),
        format!("{}pass", "#\n \t".repeat(MEGABYTE / 4)),
    ] {
        run(text, Limits::default()).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn many_nodes() {
    let too_many = ErrorKind::TooManyNodes { limit: 32768 };
    assert_eq!(kind(format!("a{}", "+a".repeat(100_000))), too_many);
    assert_eq!(kind(format!("a{}", "<a".repeat(100_000))), too_many);
    assert_eq!(kind(format!("f({}a)", "a,".repeat(100_000))), too_many);
    let names: String = (0..100_000).map(|idx| format!("x{idx}+")).collect();
    assert_eq!(kind(names), too_many);
    for text in ["a;", "pass\n", "a=", "a,", "x[0]=", "''\n", "x:a\n"] {
        assert_eq!(kind(format!("{}a", text.repeat(100_000))), too_many);
    }
}

#[test]
fn long_text() {
    assert_eq!(kind("a".repeat(1 << 21)), ErrorKind::TextTooLong { n_bytes: 1 << 21, limit: 1 << 20 });
    for text in [
        "a ".repeat(MEGABYTE / 2),
        "1 ".repeat(MEGABYTE / 2),
        ") ".repeat(MEGABYTE / 2),
        " ".repeat(MEGABYTE),
        "\n".repeat(MEGABYTE),
        "\r\n".repeat(MEGABYTE / 2),
        "#".repeat(MEGABYTE),
        "#\n".repeat(MEGABYTE / 2),
        "\0".repeat(MEGABYTE),
        "\"".repeat(MEGABYTE),
        "'a".repeat(MEGABYTE / 2),
        "9".repeat(MEGABYTE),
        "0x".to_owned() + &"f".repeat(MEGABYTE),
        "1_".repeat(MEGABYTE / 2),
        "1a".repeat(MEGABYTE / 2),
        "1e".to_owned() + &"9".repeat(MEGABYTE) + "x",
        "×".repeat(MEGABYTE / 2),
        "a\n".repeat(MEGABYTE / 2),
        "a=".repeat(MEGABYTE / 2),
        format!("f({}", "a=1,".repeat(MEGABYTE / 4)),
        format!("f({}", "(),".repeat(MEGABYTE / 3)),
        "a.".repeat(MEGABYTE / 2),
        format!("({}", " \n".repeat(MEGABYTE / 2)),
        format!("({}a", "\n".repeat(MEGABYTE - 100)),
    ] {
        assert!(run(text, Limits::default()).is_err());
    }
    for text in [
        "a".repeat(MEGABYTE),
        "数".repeat(MEGABYTE / 3),
        format!("1.{}", "9".repeat(MEGABYTE)),
        format!("1e{}", "9".repeat(MEGABYTE)),
        format!("{}a", "#\n".repeat(MEGABYTE / 2)),
        format!("a{}", " ".repeat(MEGABYTE)),
    ] {
        assert!(run(text, Limits::default()).is_ok());
    }
}

#[test]
fn long_numbers() {
    assert_eq!(kind("7".repeat(300)), ErrorKind::IntTooLarge);
    assert!(run(format!("{}.5", "7".repeat(300)), Limits::default()).is_ok());
    assert!(run(format!("{}e-300", "7".repeat(300)), Limits::default()).is_ok());
}

#[test]
fn limits_of_zero() {
    let none = Limits { max_text_bytes: 0, max_nesting: 0, max_nodes: 0 };
    assert_eq!(parse("", &none).unwrap_err().kind(), &ErrorKind::Empty);
    assert_eq!(parse("a", &none).unwrap_err().kind(), &ErrorKind::TextTooLong { n_bytes: 1, limit: 0 });
    let text = Limits { max_text_bytes: 10, ..none };
    assert_eq!(parse("a", &text).unwrap_err().kind(), &ErrorKind::TooManyNodes { limit: 0 });
}
