//! What statements consist of, what can be assigned to, and what follows operands.

use expect_test::expect;

use super::language::{ast, check};
use crate::{ExprKind, Limits, StmtKind, parse};

#[test]
fn expressions_and_tuples() {
    check(
        &[
            "a, b",
            "a,",
            "a, b,",
            "(a, b)",
            "()",
            "(a,), (b, (c,)), ()",
            "-a, b + c, not d",
            "a if b else c, d",
            "f(a, (b,)), x[0]",
        ],
        expect![[r#"
            a, b                         <a, b>
            a,                           <a>
            a, b,                        <a, b>
            (a, b)                       <a, b>
            ()                           <>
            (a,), (b, (c,)), ()          <<a>, <b, <c>>, <>>
            -a, b + c, not d             <(-a), (b + c), (not d)>
            a if b else c, d             <(a if b else c), d>
            f(a, (b,)), x[0]             <f(a, <b>), (x[0])>
        "#]],
    );
}

#[test]
fn assignments() {
    check(
        &[
            "x = a",
            "x = y = a",
            "x = a, b",
            "x = a,",
            "x, y = a, b",
            "x, = a",
            "(x, y) = a",
            "(x) = a",
            "x, (y, (z,)) = a",
            "() = a",
            "x, y = z = u, v = a",
            "u[1:-1] = a",
            "u[0], u[1] = a, b",
            "x.y = a",
            "f(a)[0] = b",
            "f(a).b = c",
            "(a, b)[0] = c",
            "x = a == b",
            "x = f(y=z)",
        ],
        expect![[r#"
            x = a                        x = a
            x = y = a                    x = y = a
            x = a, b                     x = <a, b>
            x = a,                       x = <a>
            x, y = a, b                  <x, y> = <a, b>
            x, = a                       <x> = a
            (x, y) = a                   <x, y> = a
            (x) = a                      x = a
            x, (y, (z,)) = a             <x, <y, <z>>> = a
            () = a                       <> = a
            x, y = z = u, v = a          <x, y> = z = <u, v> = a
            u[1:-1] = a                  (u[1:(-1):]) = a
            u[0], u[1] = a, b            <(u[0]), (u[1])> = <a, b>
            x.y = a                      (x.y) = a
            f(a)[0] = b                  (f(a)[0]) = b
            f(a).b = c                   (f(a).b) = c
            (a, b)[0] = c                (<a, b>[0]) = c
            x = a == b                   x = (a == b)
            x = f(y=z)                   x = f(y=z)
        "#]],
    );
}

#[test]
fn augmented_assignments() {
    check(
        &[
            "x += a",
            "x -= a",
            "x *= a",
            "x /= a",
            "x //= a",
            "x %= a",
            "x **= a",
            "x <<= a",
            "x >>= a",
            "x &= a",
            "x |= a",
            "x ^= a",
            "u[1:] += a, b",
            "(x) += -a",
            "x+=+a",
            "x-=-a",
        ],
        expect![[r#"
            x += a                       x += a
            x -= a                       x -= a
            x *= a                       x *= a
            x /= a                       x /= a
            x //= a                      x //= a
            x %= a                       x %= a
            x **= a                      x **= a
            x <<= a                      x <<= a
            x >>= a                      x >>= a
            x &= a                       x &= a
            x |= a                       x |= a
            x ^= a                       x ^= a
            u[1:] += a, b                (u[1::]) += <a, b>
            (x) += -a                    x += (-a)
            x+=+a                        x += (+a)
            x-=-a                        x -= (-a)
        "#]],
    );
}

#[test]
fn annotations() {
    check(
        &[
            "x: float",
            "x: float = a",
            "(x): float = a",
            "x: 'float' = a, b",
            "u[0]: float = a",
            "x.y: float = a",
            "x: Array[float, ...] | None = a",
            "x: np.ndarray; x",
            "def f(x: float, k: 'int' = 2) -> Array[float]: return x",
            "def f(x: float if a else b = 1) -> 'float': pass",
        ],
        expect![[r#"
            x: float                     pass
            x: float = a                 x = a
            (x): float = a               x = a
            x: \'float\' = a, b          x = <a, b>
            u[0]: float = a              (u[0]) = a
            x.y: float = a               (x.y) = a
            x: Array[float, ...] | None = a x = a
            x: np.ndarray; x             pass; x
            def f(x: float, k: \'int\' = 2) -> Array[float]: return x def f(x, k=2) {return x}
            def f(x: float if a else b = 1) -> \'float\': pass def f(x=1) {pass}
        "#]],
    );
    let ast = ast("x: float = a + float_\ny: double\ndef f(z: int) -> long: return z");
    assert_eq!(ast.names().collect::<Vec<_>>(), ["x", "a", "float_", "f", "z"]);
    assert_eq!(ast.n_exprs(), 5);
}

#[test]
fn returns_and_passes() {
    check(
        &[
            "return",
            "return a",
            "return a, b",
            "return (a, b)",
            "return a,",
            "return -a",
            "return(a)",
            "pass",
            "'doc'",
            "\"doc\"",
            "'''a\n  b'c\n'''",
            "\"\"\"a \\\"\"\" b\"\"\"\na",
            "r'\\d'; u'd'; b'd'; Rb'd'; bR'd'",
            "'a\\\nb'; c",
            "'a\\\r\nb'; c",
            "''; \"\"; ''''''",
            "'# no comment'",
            "'it\\'s'",
        ],
        expect![[r#"
            return                       return
            return a                     return a
            return a, b                  return <a, b>
            return (a, b)                return <a, b>
            return a,                    return <a>
            return -a                    return (-a)
            return(a)                    return a
            pass                         pass
            \'doc\'                      pass
            \"doc\"                      pass
            \'\'\'a\n  b\'c\n\'\'\'      pass
            \"\"\"a \\\"\"\" b\"\"\"\na  pass; a
            r\'\\d\'; u\'d\'; b\'d\'; Rb\'d\'; bR\'d\' pass; pass; pass; pass; pass
            \'a\\\nb\'; c                pass; c
            \'a\\\r\nb\'; c              pass; c
            \'\'; \"\"; \'\'\'\'\'\'     pass; pass; pass
            \'# no comment\'             pass
            \'it\\\'s\'                  pass
        "#]],
    );
}

#[test]
fn definitions() {
    check(
        &[
            "def f(): pass",
            "def f(x,): return x",
            "def f(x, y=1, z=(a, b)): return x",
            "def f(x, k=None): return x, k",
            "def f(x):\n    'doc'\n    y = x\n    y += 1\n    return y",
            "def f(x):\n    return",
            "def f(x): x",
        ],
        expect![[r#"
            def f(): pass                def f() {pass}
            def f(x,): return x          def f(x) {return x}
            def f(x, y=1, z=(a, b)): return x def f(x, y=1, z=<a, b>) {return x}
            def f(x, k=None): return x, k def f(x, k=None) {return <x, k>}
            def f(x):\n    \'doc\'\n    y = x\n    y += 1\n    return y def f(x) {pass; y = x; y += 1; return y}
            def f(x):\n    return        def f(x) {return}
            def f(x): x                  def f(x) {x}
        "#]],
    );
}

#[test]
fn what_follows_operands() {
    check(
        &[
            "a.T",
            "a.sum()",
            "a.sum(axis=0).T",
            "np.sin(x)",
            "np.linalg.norm(x, 2, axis=1,)",
            "a[0]",
            "a[0][1]",
            "a[0, 1]",
            "a[0,]",
            "a[(0, 1)]",
            "a[:]",
            "a[::]",
            "a[1:]",
            "a[:2]",
            "a[1:2]",
            "a[1::]",
            "a[::2]",
            "a[:2:]",
            "a[1:2:3]",
            "a[:, 1:, None, ..., ::-1]",
            "a[...]",
            "a[..., .5]",
            "a[b if c else d:e, (f, g):h]",
            "a[b[c[d]]]",
            "x[1:].T",
            "x[:-1, None] - y[None, 1:]",
            "f(x)[0].y",
            "f(x).g(y)",
            "(a + b).T",
            "(a, b)[0]",
            "(a).b",
            "a . b [ 0 ]",
            "1 .real",
            "1..real",
            "1.5.real",
            "1[0]",
            "True.real",
            "x.None",
            "a.f.g",
        ],
        expect![[r#"
            a.T                          (a.T)
            a.sum()                      (a.sum())
            a.sum(axis=0).T              ((a.sum(axis=0)).T)
            np.sin(x)                    (np.sin(x))
            np.linalg.norm(x, 2, axis=1,) ((np.linalg).norm(x, 2, axis=1))
            a[0]                         (a[0])
            a[0][1]                      ((a[0])[1])
            a[0, 1]                      (a[0, 1])
            a[0,]                        (a[0])
            a[(0, 1)]                    (a[<0, 1>])
            a[:]                         (a[::])
            a[::]                        (a[::])
            a[1:]                        (a[1::])
            a[:2]                        (a[:2:])
            a[1:2]                       (a[1:2:])
            a[1::]                       (a[1::])
            a[::2]                       (a[::2])
            a[:2:]                       (a[:2:])
            a[1:2:3]                     (a[1:2:3])
            a[:, 1:, None, ..., ::-1]    (a[::, 1::, None, ..., ::(-1)])
            a[...]                       (a[...])
            a[..., .5]                   (a[..., 0.5])
            a[b if c else d:e, (f, g):h] (a[(b if c else d):e:, <f, g>:h:])
            a[b[c[d]]]                   (a[(b[(c[d])])])
            x[1:].T                      ((x[1::]).T)
            x[:-1, None] - y[None, 1:]   ((x[:(-1):, None]) - (y[None, 1::]))
            f(x)[0].y                    ((f(x)[0]).y)
            f(x).g(y)                    (f(x).g(y))
            (a + b).T                    ((a + b).T)
            (a, b)[0]                    (<a, b>[0])
            (a).b                        (a.b)
            a . b [ 0 ]                  ((a.b)[0])
            1 .real                      (1.real)
            1..real                      (1.0.real)
            1.5.real                     (1.5.real)
            1[0]                         (1[0])
            True.real                    (true.real)
            x.None                       (x.None)
            a.f.g                        ((a.f).g)
        "#]],
    );
}

#[test]
fn what_follows_operands_binds_tightest() {
    check(
        &[
            "-a.T",
            "-a[0]",
            "a**b.c",
            "a.b**c",
            "a[0]**-b[1]",
            "2**x.sum()",
            "-x.sum()**2",
            "not a.b",
            "~a[0].b()",
            "a + b.T * c[0]",
            "a if b.any() else c[0]",
            "a[0] < b.c < d.e()",
        ],
        expect![[r#"
            -a.T                         (-(a.T))
            -a[0]                        (-(a[0]))
            a**b.c                       (a ** (b.c))
            a.b**c                       ((a.b) ** c)
            a[0]**-b[1]                  ((a[0]) ** (-(b[1])))
            2**x.sum()                   (2 ** (x.sum()))
            -x.sum()**2                  (-((x.sum()) ** 2))
            not a.b                      (not (a.b))
            ~a[0].b()                    (~((a[0]).b()))
            a + b.T * c[0]               (a + ((b.T) * (c[0])))
            a if b.any() else c[0]       (a if (b.any()) else (c[0]))
            a[0] < b.c < d.e()           ((a[0]) < (b.c) < (d.e()))
        "#]],
    );
}

#[test]
fn operators_are_no_methods() {
    for (text, same) in [("1.*a", "1.0 * a"), ("1./a", "1.0 / a"), ("x = .5", "x = 0.5"), ("a[.5]", "a[0.5]")] {
        assert_eq!(ast(text).to_text(), same);
    }
    for text in ["a.*b", "a./b", "a.^b", "f(a).*b", "a[0]./b"] {
        let error = parse(text, &Limits::default()).expect_err(text);
        assert!(matches!(error.kind(), crate::ErrorKind::ForeignOperator { .. }), "{text}");
    }
    let error = parse("1.sum()", &Limits::default()).expect_err("a number runs into a name");
    assert!(matches!(error.kind(), crate::ErrorKind::NumberRunsIntoName { .. }));
}

#[test]
fn printing() {
    let texts = [
        "a;b",
        "x=(a,b)",
        "x=(a,)",
        "x=()",
        "(x,y)=((a,b),c)",
        "x,=a",
        "(x),y=z=a",
        "x+=(a,b)",
        "x : float=a",
        "x : float",
        "return(a,(b,))",
        "return(a)",
        "return",
        "'doc'",
        "def f(x,y=(1,),):\n return x;pass",
        "def f():\n def g():\n  pass\n return g()\na",
        "a [ 1 : , : : 2 , ... , (b,c) , (d,) , : ]",
        "a[(1)]",
        "a[(1,2)]",
        "(a+b).T.f(x,k=(1,2))[0]",
        "(-a).T",
        "-(a.T)",
        "(a**b)[0]",
        "a**(b[0])",
        "1 .real",
        "(1.5).real",
        "(2j).real",
        "(not a)[0]",
        "(a if b else c).d",
        "(a,b)[0]",
        "a[b if c else d:not e]",
        "f((a,b),k=(c,))",
    ];
    let table: String = texts.iter().map(|text| format!("{text:<44?} {:?}\n", ast(text).to_text())).collect();
    expect![[r#"
        "a;b" "a\nb"
        "x=(a,b)" "x = a, b"
        "x=(a,)" "x = a,"
        "x=()" "x = ()"
        "(x,y)=((a,b),c)" "x, y = (a, b), c"
        "x,=a" "x, = a"
        "(x),y=z=a" "x, y = z = a"
        "x+=(a,b)" "x += a, b"
        "x : float=a" "x = a"
        "x : float" "pass"
        "return(a,(b,))" "return a, (b,)"
        "return(a)" "return a"
        "return" "return"
        "'doc'" "pass"
        "def f(x,y=(1,),):\n return x;pass" "def f(x, y=(1,)):\n    return x\n    pass"
        "def f():\n def g():\n  pass\n return g()\na" "def f():\n    def g():\n        pass\n    return g()\na"
        "a [ 1 : , : : 2 , ... , (b,c) , (d,) , : ]" "a[1:, ::2, ..., (b, c), (d,), :]"
        "a[(1)]" "a[1]"
        "a[(1,2)]" "a[(1, 2)]"
        "(a+b).T.f(x,k=(1,2))[0]" "(a + b).T.f(x, k=(1, 2))[0]"
        "(-a).T" "(-a).T"
        "-(a.T)" "-a.T"
        "(a**b)[0]" "(a**b)[0]"
        "a**(b[0])" "a**b[0]"
        "1 .real" "(1).real"
        "(1.5).real" "1.5.real"
        "(2j).real" "2.0j.real"
        "(not a)[0]" "(not a)[0]"
        "(a if b else c).d" "(a if b else c).d"
        "(a,b)[0]" "(a, b)[0]"
        "a[b if c else d:not e]" "a[b if c else d:not e]"
        "f((a,b),k=(c,))" "f((a, b), k=(c,))"
    "#]]
    .assert_eq(&table);
}

#[test]
fn dump() {
    let text = "'doc'\ndef f(x, k=2, m=()):\n    y, z[1:] = w = x[::k, ..., None, :1], -x\n    y **= m\n    return y.T.sum(axis=0)\nf(a)\nreturn";
    expect![[r#"
        pass @0..5
        def f(x, k, m) @6..110
          k=int 2 @17..18
          m=tuple @22..24
          assign @31..71
            tuple @31..39
              name y @31..32
              index [_:] @34..39
                name z @34..35
                int 1 @36..37
            name w @42..43
            tuple @46..71
              index [::_, ..., _, :_] @46..67
                name x @46..47
                name k @50..51
                name None @58..62
                int 1 @65..66
              neg @69..71
                name x @70..71
          aug_assign pow @76..83
            name y @76..77
            name m @82..83
          return @88..110
            method sum @95..110
              attribute T @95..98
                name y @95..96
              axis=int 0 @108..109
        expr @111..115
          call f @111..115
            name a @113..114
        return @116..122
    "#]]
    .assert_eq(&ast(text).dump());
}

#[test]
fn spans_of_statements() {
    let text = "\n  x = (a) ; (b)\n  def f(x): # why\n    pass;  return (x, 1)  ; # more\n  'doc' ; y: z\n";
    let ast = ast(text);
    let spans: Vec<_> = ast.body().iter().map(|&id| ast[id].span.text(text)).collect();
    assert_eq!(spans, ["x = (a)", "(b)", "def f(x): # why\n    pass;  return (x, 1)", "'doc'", "y: z"],);
    let exprs: Vec<_> = ast.body().iter().map(|&id| ast[id].exprs.clone()).collect();
    assert_eq!(exprs, [0..2, 2..3, 3..3, 6..6, 6..6]);
    let StmtKind::Def { body, name_span, params, .. } = &ast[ast.body()[2]].kind else { panic!("a definition") };
    assert_eq!((name_span.text(text), params[0].name_span.text(text)), ("f", "x"));
    let inner: Vec<_> = body.iter().map(|&id| (ast[id].span.text(text), ast[id].exprs.clone())).collect();
    assert_eq!(inner, [("pass", 3..3), ("return (x, 1)", 3..6)]);
}

#[test]
fn spans_of_expressions() {
    let text = "x, = (a + b) . f ( k = 1 ) [ 1 : ]\n(a , b) , c";
    let ast = ast(text);
    let spans: Vec<_> = ast.exprs().map(|(_, expr)| expr.span.text(text)).collect();
    assert_eq!(
        spans,
        [
            "x",
            "x,",
            "a",
            "b",
            "a + b",
            "1",
            "(a + b) . f ( k = 1 )",
            "1",
            "(a + b) . f ( k = 1 ) [ 1 : ]",
            "a",
            "b",
            "(a , b)",
            "c",
            "(a , b) , c",
        ],
    );
    let method = ast.exprs().find_map(|(_, expr)| match &expr.kind {
        ExprKind::Method { name_span, keywords, .. } => Some((name_span.text(text), keywords[0].name_span.text(text))),
        _ => None,
    });
    assert_eq!(method, Some(("f", "k")));
}

#[test]
fn a_lone_expression_is_one() {
    for text in ["a", "a;", "\n a # why\n", "(a)", "a, b", "()"] {
        assert!(ast(text).expression().is_some(), "{text}");
    }
    for text in ["x = a", "return a", "a\nb", "pass", "'doc'", "x: float", "def f(): a"] {
        assert!(ast(text).expression().is_none(), "{text}");
    }
}

#[test]
fn statements_count_as_nodes() {
    let limits = |max_nodes| Limits { max_nodes, ..Limits::default() };
    for (text, n_nodes) in [("pass", 1), ("a", 2), ("x = a", 3), ("a; b", 4), ("def f(x=1): return x", 4), ("x: a", 2)]
    {
        assert!(parse(text, &limits(n_nodes)).is_ok(), "{text}");
        let error = parse(text, &limits(n_nodes - 1)).expect_err(text);
        assert_eq!(error.kind(), &crate::ErrorKind::TooManyNodes { limit: n_nodes - 1 }, "{text}");
    }
}
