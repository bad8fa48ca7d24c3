//! Texts that Python reads too, with the structure that it gives them.
//!
//! The structures were written by a script from the trees of Python's own parser (3.11): without
//! annotations, and with `pass` for what does nothing.

use super::language::grouped;

/// A text and its structure as [`grouped`] writes it.
const TEXTS: &[(&str, &str)] = &[
    ("a + b*c - d/e//f%g", "((a + (b * c)) - (((d / e) // f) % g))"),
    ("-a**-b**c", "(-(a ** (-(b ** c))))"),
    ("not a == b and c < d <= e or f", "(((not (a == b)) and (c < d <= e)) or f)"),
    ("a if b else c if d else e", "(a if b else (c if d else e))"),
    ("a & b | c ^ ~d << 2 >> 1", "((a & b) | (c ^ (((~d) << 2) >> 1)))"),
    ("a < b < c != d", "(a < b < c != d)"),
    ("f(a, (b, c), axis=(0, -1), keepdims=True)", "f(a, <b, c>, axis=<0, (-1)>, keepdims=true)"),
    ("np.sum(x[1:, None] * y[None, :-1], axis=0).T", "((np.sum(((x[1::, None]) * (y[None, :(-1):])), axis=0)).T)"),
    ("x[..., ::-1, 0][1:2:3].f(z)", "(((x[..., ::(-1), 0])[1:2:3]).f(z))"),
    ("x = y, (z,) = a, b", "x = <y, <z>> = <a, b>"),
    ("x, = y", "<x> = y"),
    ("x += 1; y -= x, ; z **= 2", "x += 1; y -= <x>; z **= 2"),
    (
        "u[1:-1, 1:-1] = (u[:-2, 1:-1] + u[2:, 1:-1]) / 4",
        "(u[1:(-1):, 1:(-1):]) = (((u[:(-2):, 1:(-1):]) + (u[2::, 1:(-1):])) / 4)",
    ),
    ("x: float = 1\ny: 'int'\nz: np.ndarray[float, 2] = x", "x = 1; pass; z = x"),
    ("'''doc\n  string'''\nx = 1", "pass; x = 1"),
    (
        "def f(x: float, k=2) -> float:\n    \"\"\"Doc.\"\"\"\n    y = x*k; z = y\n\n    # why\n    return y, z\n\nf(1)",
        "def f(x, k=2) {pass; y = (x * k); z = y; return <y, z>}; f(1)",
    ),
    (
        "def f():\n\tdef g(x):\n\t\treturn x\n\n\treturn g(1)\na = f()",
        "def f() {def g(x) {return x}; return g(1)}; a = f()",
    ),
    ("def f(x): y = x; return y\nf(2)", "def f(x) {y = x; return y}; f(2)"),
    ("x = (a\n  + b\n     # why\n  + c)\ny = x", "x = ((a + b) + c); y = x"),
    ("x = a + \\\n  b\nreturn_ = x", "x = (a + b); return_ = x"),
    ("a\n+b\n-c\n(d)\nnot e", "a; (+b); (-c); d; (not e)"),
    ("x = 1,\ny = 2", "x = <1>; y = 2"),
    ("(a), (b,), ()", "<a, <b>, <>>"),
    ("1.5.real + 1..real - (1).real + .5 + 2j", "(((((1.5.real) + (1.0.real)) - (1.real)) + 0.5) + 2.0j)"),
    ("x = y = z, = a == b", "x = y = <z> = (a == b)"),
    ("x.y[0].z = f(a)[1]", "(((x.y)[0]).z) = (f(a)[1])"),
    ("a[b:c, (d, e), f:][()]", "((a[b:c:, <d, e>, f::])[<>])"),
    ("def f(a, b=(1,), c=None,):\n  pass; return\n  a", "def f(a, b=<1>, c=None) {pass; return; a}"),
    ("if_ = else_ or in_", "if_ = (else_ or in_)"),
    ("x[\n  1 :\n  # why\n  2,\n]", "(x[1:2:])"),
    ("match = case = type = 1\nmatch - case", "match = case = type = 1; (match - case)"),
    (
        "def f(x):\n    def g(y): return y\n    def h(y):\n        return g(y)\n    return h(x)\nf(1); f(2);",
        "def f(x) {def g(y) {return y}; def h(y) {return g(y)}; return h(x)}; f(1); f(2)",
    ),
    ("a if(b)else-c", "(a if b else (-c))"),
    ("x=-1;y=+x;z=~y;w=not z", "x = (-1); y = (+x); z = (~y); w = (not z)"),
    ("a.b.c(d.e(f=g.h))[i.j]", "(((a.b).c((d.e(f=(g.h)))))[(i.j)])"),
    ("f(a)", "f(a)"),
    ("if a: b\nelif c: d; e\nelse:\n  f", "if a {b} else {if c {d; e} else {f}}"),
    ("if a:\n    if b: c\n    else: d\nelif e: f", "if a {if b {c} else {d}} else {if e {f}}"),
    ("if a:\n    if b:\n        c\nelse:\n    d", "if a {if b {c}} else {d}"),
    (
        "while a > 1:\n    a = a - 1 if b else c\n    if a == 3: break\n    elif not a: continue\nelse: x = a,\ny",
        "while (a > 1) {a = ((a - 1) if b else c); if (a == 3) {break} else {if (not a) {continue}}} else {x = <a>}; y",
    ),
    (
        "for i in range(3, n + 1):\n\tfor j in range(i):\n\t\tif i - j: break\n\telse:\n\t\tpass # why\nelse: x",
        "for i in range(3, (n + 1)) {for j in range(i) {if (i - j) {break}} else {pass}} else {x}",
    ),
    ("for (i) in (range(2)): x += i; continue", "for i in range(2) {x += i; continue}"),
    (
        "x = 1\nif x if a else b: c\nif(a\nif b\nelse c): d\nelse: e",
        "x = 1; if (x if a else b) {c}; if (a if b else c) {d} else {e}",
    ),
    (
        "def f(x):\n  while True:\n    if x: return 1\n    'doc'\n  else:\n    y: int\n  return 2",
        "def f(x) {while true {if x {return 1}; pass} else {pass}; return 2}",
    ),
    (
        "while 1:\n  while a: break\n  else: break\n  def g(x):\n    for i in range(x): continue\n  if a: x: float = b\n",
        "while 1 {while a {break} else {break}; def g(x) {for i in range(x) {continue}}; if a {x = b}}",
    ),
    ("if a: pass\n# why\n\n   # why not\nelse: \\\n  b", "if a {pass} else {b}"),
    ("if a \\\n  and b: c\nelse \\\n  : d", "if (a and b) {c} else {d}"),
    ("if a:\n  b\n-c\nif d:\n  (e)\n(f)", "if a {b}; (-c); if d {e}; f"),
];

#[test]
fn python_reads_the_same() {
    for &(text, structure) in TEXTS {
        assert_eq!(grouped(text), structure, "{text}");
    }
}
