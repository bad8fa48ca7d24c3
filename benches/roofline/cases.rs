//! The expressions.

use crate::data::{Data, matrix, vector};
use ndarray::{ArrayView1, Axis, s};
use ndexpr::View;

/// An expression and its inputs.
pub(crate) struct Case<'d> {
    /// The text, with what is special about the inputs.
    pub(crate) title: &'static str,
    pub(crate) text: &'static str,
    pub(crate) inputs: Vec<(&'static str, View<'d>)>,
    /// How often its inputs must be read from memory: more than once if a reduction of the whole
    /// comes first.
    pub(crate) passes: usize,
    /// The title of another one to compare with.
    pub(crate) beside: Option<&'static str>,
}

impl<'d> Case<'d> {
    fn new(text: &'static str, inputs: Vec<(&'static str, View<'d>)>) -> Case<'d> {
        Case { title: text, text, inputs, passes: 1, beside: None }
    }

    fn titled(self, title: &'static str) -> Case<'d> {
        Case { title, ..self }
    }

    fn passes(self, passes: usize) -> Case<'d> {
        Case { passes, ..self }
    }

    fn beside(self, other: &'static str) -> Case<'d> {
        Case { beside: Some(other), ..self }
    }

    /// The shape that all inputs broadcast to: of the elements that are computed, even if they are
    /// then reduced.
    pub(crate) fn shape(&self) -> Vec<usize> {
        let n_axes = self.inputs.iter().map(|(_, view)| view.n_axes()).max().unwrap_or(0);
        let mut shape = vec![1; n_axes];
        for (_, view) in &self.inputs {
            for (extent, of_view) in shape.iter_mut().rev().zip(view.shape().iter().rev()) {
                *extent = (*extent).max(*of_view);
            }
        }
        shape
    }

    /// The bytes from each input's first element to its last: memory is read in whole lines, so
    /// strides do not matter.
    pub(crate) fn bytes_read(&self) -> usize {
        let span = |view: &View<'_>| {
            let steps = view.shape().iter().zip(view.strides());
            steps.map(|(&extent, stride)| (extent - 1) * stride.unsigned_abs()).sum::<usize>() + view.dtype().size()
        };
        self.passes * self.inputs.iter().map(|(_, view)| span(view)).sum::<usize>()
    }
}

/// All of them: reductions, then maps.
pub(crate) fn all(data: &Data) -> Vec<Case<'_>> {
    let mut cases = reductions(data);
    cases.extend(maps(data));
    cases
}

fn reductions(data: &Data) -> Vec<Case<'_>> {
    let (a, b) = (|| ("a", View::from(&data.a[..])), || ("b", View::from(&data.b[..])));
    let square = || ("a", View::from(matrix(&data.a, data.square())));
    let shaped = |shape| vec![("a", View::from(matrix(&data.a, shape)))];
    let n = data.points();
    let points = vec![
        ("w", View::from(vector(&data.b[n..], n))),
        ("x", View::from(vector(&data.a, n).insert_axis(Axis(1)))),
        ("c", View::from(vector(&data.b, n))),
    ];
    vec![
        Case::new("sum(a)", vec![a()]),
        Case::new("sum(a*b)", vec![a(), b()]),
        Case::new("sum(a, axis=0)", vec![square()]),
        Case::new("sum(a, axis=1)", vec![square()]),
        Case::new("max(a)", vec![a()]),
        Case::new("mean(a)", vec![a()]),
        Case::new("var(a)", vec![a()]),
        Case::new("sum(i)", vec![("i", View::from(&data.i[..]))]).titled("sum(i), int8"),
        Case::new("sum(a, axis=1)", shaped((data.many(), 3))).titled("sum(a, axis=1), short rows"),
        Case::new("sum(a, axis=1)", shaped((3, data.many()))).titled("sum(a, axis=1), long rows"),
        Case::new("argmax(a)", vec![a()]),
        Case::new("any(a > 2)", vec![a()]),
        Case::new(
            "exp(a - max(a, axis=1, keepdims=True)) / sum(exp(a - max(a, axis=1, keepdims=True)), axis=1, keepdims=True)",
            vec![square()],
        )
        .titled("softmax of rows")
        .beside("exp(a), square"),
        Case::new("exp(a)", vec![square()]).titled("exp(a), square"),
        Case::new("sum(w * exp(-(x - c)**2), axis=1)", points).beside("exp(a), square"),
        Case::new("(a - mean(a, axis=0)) / std(a, axis=0)", vec![square()]).passes(2),
    ]
}

fn maps(data: &Data) -> Vec<Case<'_>> {
    let (a, b) = (|| ("a", View::from(&data.a[..])), || ("b", View::from(&data.b[..])));
    let (rows, columns) = data.square();
    let square = |name, elements| (name, View::from(matrix(elements, (rows, columns))));
    let transposed = |name, elements| (name, View::from(matrix(elements, (rows, columns)).reversed_axes()));
    let threes = || ("a", View::from(matrix(&data.a, (data.many(), 3))));
    vec![
        Case::new("a + b*2", vec![a(), b()]),
        Case::new("((.25*a + .75)*a - 1.5)*a - 2", vec![a()]),
        Case::new("where(a > 0.5, a*2, b + 1)", vec![a(), b()]),
        Case::new("sqrt(a**2 + b**2)", vec![a(), b()]),
        Case::new("x*x + x", vec![("x", View::from(&data.f[..]))]),
        Case::new("x + y", vec![("x", View::from(&data.x[..])), ("y", View::from(&data.y[..]))]),
        Case::new("exp(a)", vec![a()]),
        Case::new("log(b)", vec![b()]),
        Case::new("sin(a)**2 + cos(a)**2", vec![a()]),
        Case::new("a + b", vec![square("a", &data.a), square("b", &data.b)]),
        Case::new("a + b", vec![square("a", &data.a), transposed("b", &data.b)]).titled("a + b.T").beside("a + b"),
        Case::new("a + b", vec![transposed("a", &data.a), transposed("b", &data.b)])
            .titled("a.T + b.T")
            .beside("a + b"),
        Case::new(
            "a*row + col",
            vec![
                square("a", &data.a),
                ("row", View::from(vector(&data.b, columns))),
                ("col", View::from(vector(&data.b, rows).insert_axis(Axis(1)))),
            ],
        )
        .beside("a*2 + 1"),
        Case::new("a*2 + 1", vec![square("a", &data.a)]),
        Case::new("a*v", vec![threes(), ("v", View::from(vector(&data.b, 3)))]).beside("a*2"),
        Case::new("a*2", vec![threes()]),
        Case::new("a + 1", vec![("a", View::from(ArrayView1::from(&data.a[..]).slice_move(s![..;2])))])
            .titled("a[::2] + 1"),
    ]
}
