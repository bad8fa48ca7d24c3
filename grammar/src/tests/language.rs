//! What texts mean: precedence, grouping, literals, names, white space.

use expect_test::{Expect, expect};

use crate::{Ast, ExprId, ExprKind, IndexItem, Keyword, Limits, StmtId, StmtKind, UnaryOp, parse};

pub(super) fn ast(text: &str) -> Ast {
    parse(text, &Limits::default()).unwrap_or_else(|error| panic!("{}", error.to_diagnostic().render(text)))
}

/// The text with every bracket that is possible, except around leaves. Tuples are between `<` and
/// `>`, blocks between `{` and `}`.
pub(super) fn grouped(text: &str) -> String {
    let ast = ast(text);
    let mut done: Vec<String> = Vec::new();
    for (_, expr) in ast.exprs() {
        let list = |ids: &[ExprId]| ids.iter().map(|id| done[id.index()].clone()).collect::<Vec<_>>().join(", ");
        let call = |args: &[ExprId], keywords: &[Keyword]| {
            let named = |k: &Keyword| format!("{}={}", ast.name(k.name), done[k.value.index()]);
            let args = args.iter().map(|arg| done[arg.index()].clone()).chain(keywords.iter().map(named));
            args.collect::<Vec<_>>().join(", ")
        };
        done.push(match &expr.kind {
            ExprKind::Int(value) => value.to_string(),
            ExprKind::Float(value) => format!("{value:?}"),
            ExprKind::Imaginary(value) => format!("{value:?}j"),
            ExprKind::Bool(value) => format!("{value}"),
            ExprKind::Name(name) => ast.name(*name).to_owned(),
            ExprKind::Unary { op, arg } => {
                let space = if *op == UnaryOp::Not { " " } else { "" };
                format!("({}{space}{})", op.symbol(), done[arg.index()])
            }
            ExprKind::Binary { op, lhs, rhs } => {
                format!("({} {} {})", done[lhs.index()], op.symbol(), done[rhs.index()])
            }
            ExprKind::Compare { first, rest } => {
                let rest: String =
                    rest.iter().map(|(op, rhs)| format!(" {} {}", op.symbol(), done[rhs.index()])).collect();
                format!("({}{rest})", done[first.index()])
            }
            ExprKind::IfElse { condition, then, otherwise } => {
                let [condition, then, otherwise] = [condition, then, otherwise].map(|id| &done[id.index()]);
                format!("({then} if {condition} else {otherwise})")
            }
            ExprKind::Call { function, args, keywords, .. } => {
                format!("{}({})", ast.name(*function), call(args, keywords))
            }
            ExprKind::Tuple { items } => format!("<{}>", list(items)),
            ExprKind::Attribute { object, name, .. } => format!("({}.{})", done[object.index()], ast.name(*name)),
            ExprKind::Method { object, name, args, keywords, .. } => {
                format!("({}.{}({}))", done[object.index()], ast.name(*name), call(args, keywords))
            }
            ExprKind::Index { object, items } => {
                let part = |part: &Option<ExprId>| part.map_or_else(String::new, |id| done[id.index()].clone());
                let items = items.iter().map(|item| match item {
                    IndexItem::At(at) => done[at.index()].clone(),
                    IndexItem::Slice { start, stop, step } => {
                        format!("{}:{}:{}", part(start), part(stop), part(step))
                    }
                    IndexItem::Ellipsis => "...".to_owned(),
                });
                format!("({}[{}])", done[object.index()], items.collect::<Vec<_>>().join(", "))
            }
        });
    }
    block(&ast, ast.body(), &done)
}

fn block(ast: &Ast, body: &[StmtId], exprs: &[String]) -> String {
    let stmts = body.iter().map(|&id| match &ast[id].kind {
        StmtKind::Expr(value) => exprs[value.index()].clone(),
        StmtKind::Assign { targets, value } => {
            targets.iter().chain([value]).map(|id| exprs[id.index()].as_str()).collect::<Vec<_>>().join(" = ")
        }
        StmtKind::AugAssign { target, op, value } => {
            format!("{} {}= {}", exprs[target.index()], op.symbol(), exprs[value.index()])
        }
        StmtKind::Return(None) => "return".to_owned(),
        StmtKind::Return(Some(value)) => format!("return {}", exprs[value.index()]),
        StmtKind::Def { name, params, body, .. } => {
            let params = params.iter().map(|param| {
                let default = param.default.map_or_else(String::new, |id| format!("={}", exprs[id.index()]));
                format!("{}{default}", ast.name(param.name))
            });
            let params = params.collect::<Vec<_>>().join(", ");
            format!("def {}({params}) {{{}}}", ast.name(*name), block(ast, body, exprs))
        }
        StmtKind::Pass => "pass".to_owned(),
        StmtKind::If { condition, then, otherwise } => {
            format!("if {} {}", exprs[condition.index()], blocks(ast, then, otherwise, exprs))
        }
        StmtKind::While { condition, body, otherwise } => {
            format!("while {} {}", exprs[condition.index()], blocks(ast, body, otherwise, exprs))
        }
        StmtKind::For { name, range, body, otherwise, .. } => {
            let blocks = blocks(ast, body, otherwise, exprs);
            format!("for {} in {} {blocks}", ast.name(*name), exprs[range.index()])
        }
        StmtKind::Break => "break".to_owned(),
        StmtKind::Continue => "continue".to_owned(),
    });
    stmts.collect::<Vec<_>>().join("; ")
}

/// A block, and that of its `else` if there is one.
fn blocks(ast: &Ast, body: &[StmtId], otherwise: &[StmtId], exprs: &[String]) -> String {
    let body = block(ast, body, exprs);
    match otherwise {
        [] => format!("{{{body}}}"),
        _ => format!("{{{body}}} else {{{}}}", block(ast, otherwise, exprs)),
    }
}

pub(super) fn check(texts: &[&str], expected: Expect) {
    let table: String =
        texts.iter().map(|text| format!("{:<28} {}\n", text.escape_debug().to_string(), grouped(text))).collect();
    expected.assert_eq(&table);
}

#[test]
fn precedence() {
    check(
        &[
            "a + b*c",
            "a*b + c",
            "-a**2",
            "2**-1",
            "2**-a**b",
            "-a*b",
            "a*-b",
            "~a + -b",
            "a + b << c - d",
            "a << b & c",
            "a & b ^ c | d",
            "a | b ^ c & d",
            "a | b == c & d",
            "not a == b",
            "not a and b",
            "a and not b or c",
            "a or b and c",
            "a or b if c or d else e or f",
            "a < b | c",
            "f(a)**2",
            "-f(a)",
            "(a + b)*c",
            "(-a)**b",
            "(a < b) < c",
        ],
        expect![[r#"
            a + b*c                      (a + (b * c))
            a*b + c                      ((a * b) + c)
            -a**2                        (-(a ** 2))
            2**-1                        (2 ** (-1))
            2**-a**b                     (2 ** (-(a ** b)))
            -a*b                         ((-a) * b)
            a*-b                         (a * (-b))
            ~a + -b                      ((~a) + (-b))
            a + b << c - d               ((a + b) << (c - d))
            a << b & c                   ((a << b) & c)
            a & b ^ c | d                (((a & b) ^ c) | d)
            a | b ^ c & d                (a | (b ^ (c & d)))
            a | b == c & d               ((a | b) == (c & d))
            not a == b                   (not (a == b))
            not a and b                  ((not a) and b)
            a and not b or c             ((a and (not b)) or c)
            a or b and c                 (a or (b and c))
            a or b if c or d else e or f ((a or b) if (c or d) else (e or f))
            a < b | c                    (a < (b | c))
            f(a)**2                      (f(a) ** 2)
            -f(a)                        (-f(a))
            (a + b)*c                    ((a + b) * c)
            (-a)**b                      ((-a) ** b)
            (a < b) < c                  ((a < b) < c)
        "#]],
    );
}

#[test]
fn grouping() {
    check(
        &[
            "a - b - c",
            "a / b * c // d % e",
            "a ** b ** c",
            "a << b >> c",
            "a and b and c",
            "a or b or c",
            "- - a",
            "+-~a",
            "not not a",
            "a if b else c if d else e",
            "(a if b else c) if d else e",
            "a if (b if c else d) else e",
            "0 < a <= 1",
            "a < b > c == d != e >= f",
            "a - (b - c)",
            "(a ** b) ** c",
        ],
        expect![[r#"
            a - b - c                    ((a - b) - c)
            a / b * c // d % e           ((((a / b) * c) // d) % e)
            a ** b ** c                  (a ** (b ** c))
            a << b >> c                  ((a << b) >> c)
            a and b and c                ((a and b) and c)
            a or b or c                  ((a or b) or c)
            - - a                        (-(-a))
            +-~a                         (+(-(~a)))
            not not a                    (not (not a))
            a if b else c if d else e    (a if b else (c if d else e))
            (a if b else c) if d else e  ((a if b else c) if d else e)
            a if (b if c else d) else e  (a if (b if c else d) else e)
            0 < a <= 1                   (0 < a <= 1)
            a < b > c == d != e >= f     (a < b > c == d != e >= f)
            a - (b - c)                  (a - (b - c))
            (a ** b) ** c                ((a ** b) ** c)
        "#]],
    );
}

#[test]
fn calls() {
    check(
        &[
            "f()",
            "f(a)",
            "f(a,)",
            "f ( a , b , c )",
            "f(g(h(x)), y + z)",
            "f(a if b else c, not d)",
            "float32(x)",
            "f(x, axis=1)",
            "f(x = x == y, y = z,)",
            "f((), (a,), (a, b), (a, b,))",
            "f(a=(), b=(0, -1), c=(0))",
            "f((a)) + f((a, (b)))",
        ],
        expect![[r#"
            f()                          f()
            f(a)                         f(a)
            f(a,)                        f(a)
            f ( a , b , c )              f(a, b, c)
            f(g(h(x)), y + z)            f(g(h(x)), (y + z))
            f(a if b else c, not d)      f((a if b else c), (not d))
            float32(x)                   float32(x)
            f(x, axis=1)                 f(x, axis=1)
            f(x = x == y, y = z,)        f(x=(x == y), y=z)
            f((), (a,), (a, b), (a, b,)) f(<>, <a>, <a, b>, <a, b>)
            f(a=(), b=(0, -1), c=(0))    f(a=<>, b=<0, (-1)>, c=0)
            f((a)) + f((a, (b)))         (f(a) + f(<a, b>))
        "#]],
    );
}

#[test]
fn literals() {
    check(
        &[
            "0",
            "00",
            "1_000",
            "0xff",
            "0XFF_ff",
            "0o17",
            "0b1_01",
            "340282366920938463463374607431768211455",
            "1.",
            ".25",
            "1.5",
            "1_0.0_1",
            "1e-3",
            "1E+3",
            "1.e5",
            ".5e1_0",
            "1e400",
            "1e-400",
            "2.5j",
            "1J",
            "010.5",
            "09e1",
            "010j",
            "0.1",
            "9007199254740993.0",
            "True",
            "true",
            "False",
            "false",
            "0xe-3",
            "1e5-3",
            "1.+.5",
        ],
        expect![[r#"
            0                            0
            00                           0
            1_000                        1000
            0xff                         255
            0XFF_ff                      65535
            0o17                         15
            0b1_01                       5
            340282366920938463463374607431768211455 340282366920938463463374607431768211455
            1.                           1.0
            .25                          0.25
            1.5                          1.5
            1_0.0_1                      10.01
            1e-3                         0.001
            1E+3                         1000.0
            1.e5                         100000.0
            .5e1_0                       5000000000.0
            1e400                        inf
            1e-400                       0.0
            2.5j                         2.5j
            1J                           1.0j
            010.5                        10.5
            09e1                         90.0
            010j                         10.0j
            0.1                          0.1
            9007199254740993.0           9007199254740992.0
            True                         true
            true                         true
            False                        false
            false                        false
            0xe-3                        (14 - 3)
            1e5-3                        (100000.0 - 3)
            1.+.5                        (1.0 + 0.5)
        "#]],
    );
}

#[test]
fn names() {
    check(
        &[
            "e",
            "pi",
            "_",
            "_1",
            "x1_y2",
            "größe",
            "π*θ",
            "数据 + é",
            "notify",
            "iff",
            "android",
            "elsewhere",
            "Trueish",
            "andé",
            "éand",
            "lambdas*2",
            "island",
            "None",
            "match - case",
            "type(case)",
            "r + u*b - f",
        ],
        expect![[r#"
            e                            e
            pi                           pi
            _                            _
            _1                           _1
            x1_y2                        x1_y2
            größe                        größe
            π*θ                          (π * θ)
            数据 + é                       (数据 + é)
            notify                       notify
            iff                          iff
            android                      android
            elsewhere                    elsewhere
            Trueish                      Trueish
            andé                         andé
            éand                         éand
            lambdas*2                    (lambdas * 2)
            island                       island
            None                         None
            match - case                 (match - case)
            type(case)                   type(case)
            r + u*b - f                  ((r + (u * b)) - f)
        "#]],
    );
}

#[test]
fn white_space_and_comments() {
    check(
        &[
            "  a  ",
            "\ta\t+\tb",
            "a +\nb\n",
            "a\r\n*\r\nb\r\n",
            "# first\na # then\n + # more\n\n b # last",
            "a # comment up to a lone CR\r* b",
            "(a\n+\nb\n)",
            "f(\n  a,\n  b,\n)",
            "a+b#",
            "a\u{c}+b",
        ],
        expect![[r#"
              a                          a
            \ta\t+\tb                    (a + b)
            a +\nb\n                     (a + b)
            a\r\n*\r\nb\r\n              (a * b)
            # first\na # then\n + # more\n\n b # last (a + b)
            a # comment up to a lone CR\r* b (a * b)
            (a\n+\nb\n)                  (a + b)
            f(\n  a,\n  b,\n)            f(a, b)
            a+b#                         (a + b)
            a\u{c}+b                     (a + b)
        "#]],
    );
}

#[test]
fn names_are_listed_once_in_order() {
    let expression = ast("f(b, a) + b*f(c) - g(a, key=d, other=a)");
    assert_eq!(expression.names().collect::<Vec<_>>(), ["f", "b", "a", "c", "g", "key", "d", "other"]);
    let ast = ast("x = f(b).g(y=z)\ndef h(p, q=x, r=c):\n    s = p.t[b:]\n    return h(d)");
    let names = ["x", "f", "b", "g", "y", "z", "h", "p", "q", "r", "c", "s", "t", "d"];
    assert_eq!(ast.names().collect::<Vec<_>>(), names);
}

#[test]
fn printing() {
    let texts = [
        "a+b*2",
        "((a))",
        "(a+b)*c",
        "a+(b+c)",
        "(a+b)+c",
        "(a**b)**c",
        "a**(b**c)",
        "a**(-b)",
        "(-a)**b",
        "-(a**b)",
        "-(a*b)",
        "(a<b)<c",
        "a<b<c",
        "not(a and b)",
        "(not a)+b",
        "not(not a)",
        "- - +~a",
        "(a if b else c)if d else(e if f else g)",
        "f((a),(b if c else d),)",
        "f(a,axis=(0,),b=(c,(d)),e=())",
        "f(a=not b)",
        "(a or b)and c",
        "a&(b|c)^d",
        "1e400+1e-7+1_0+0x10+2.j+1e22",
        "true==False",
    ];
    let table: String = texts.iter().map(|text| format!("{text:<42} {}\n", ast(text).to_text())).collect();
    expect![[r#"
        a+b*2                                      a + b * 2
        ((a))                                      a
        (a+b)*c                                    (a + b) * c
        a+(b+c)                                    a + (b + c)
        (a+b)+c                                    a + b + c
        (a**b)**c                                  (a**b)**c
        a**(b**c)                                  a**b**c
        a**(-b)                                    a**-b
        (-a)**b                                    (-a)**b
        -(a**b)                                    -a**b
        -(a*b)                                     -(a * b)
        (a<b)<c                                    (a < b) < c
        a<b<c                                      a < b < c
        not(a and b)                               not (a and b)
        (not a)+b                                  (not a) + b
        not(not a)                                 not not a
        - - +~a                                    --+~a
        (a if b else c)if d else(e if f else g)    (a if b else c) if d else e if f else g
        f((a),(b if c else d),)                    f(a, b if c else d)
        f(a,axis=(0,),b=(c,(d)),e=())              f(a, axis=(0,), b=(c, d), e=())
        f(a=not b)                                 f(a=not b)
        (a or b)and c                              (a or b) and c
        a&(b|c)^d                                  a & (b | c) ^ d
        1e400+1e-7+1_0+0x10+2.j+1e22               1e999 + 1e-7 + 10 + 16 + 2.0j + 1e22
        true==False                                True == False
    "#]]
    .assert_eq(&table);
}

#[test]
fn dump() {
    expect![[r#"
        if_else @0..49
          call f @0..17
            compare lt le @2..12
              int 0 @2..3
              name a @6..7
              int 1 @11..12
            neg @14..16
              name b @15..16
          not @21..27
            name c @25..26
          sub @32..49
            mul @32..41
              imaginary 2.5 @32..36
              bool true @37..41
            float inf @44..49
    "#]]
    .assert_eq(&ast("f(0 < a <= 1, -b) if not(c)else 2.5j*True - 1e400").dump());
    expect![[r#"
        call f @0..37
          name a @2..3
          tuple @5..7
          axis=tuple @14..21
            int 0 @15..16
            neg @18..20
              int 1 @19..20
          keepdims=bool true @32..36
    "#]]
    .assert_eq(&ast("f(a, (), axis=(0, -1), keepdims=True)").dump());
}

#[test]
fn dump_of_a_deep_tree_stays_small() {
    let text = format!("a{}", "+a".repeat(5_000));
    let dump = ast(&text).dump();
    assert!(dump.len() < 2_000_000, "{} bytes", dump.len());
    assert!(dump.contains("5000: name a @0..1\n"));
}

#[test]
fn nesting_counts_what_is_open() {
    let limits = Limits { max_nesting: 3, ..Limits::default() };
    let accepted = [
        "(((a)))",
        "(a) + (b) + (c) + (d) + (e)",
        "---a + ---b * ---c",
        "not not not a and not not not b",
        "a**b**c**d * a**b**c**d",
        "a**-b**c",
        "a if b else c if d else e if f else g",
        "f(-a, -b, -c, -d, (-e), not a, a if b else c)",
        "(a**b) ** -c ** d",
        "a < -b < -c < -d < -e",
    ];
    for text in accepted {
        assert!(parse(text, &limits).is_ok(), "{text}");
    }
    let refused = [
        "((((a))))",
        "----a",
        "not not not not a",
        "a**b**c**d**e",
        "a**-b**-c",
        "a if b else c if d else e if f else g if h else i",
        "f(g(h(-a)))",
        "(not (not a))",
    ];
    for text in refused {
        let error = parse(text, &limits).map(|ast| ast.to_text()).unwrap_err();
        assert_eq!(error.kind(), &crate::ErrorKind::TooDeep { limit: 3 }, "{text}");
    }
}
