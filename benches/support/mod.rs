//! The expressions of the benchmarks: as text, as op-by-op ndarray, and as a fused loop written by
//! hand.

use ndarray::{Array1, Zip};
use ndexpr::{DynArray, Engine, Function, Vars, View, ViewMut};

/// Arrays of one length, whose elements are the same in every run.
pub(crate) struct Data {
    pub(crate) a: Array1<f64>,
    pub(crate) b: Array1<f64>,
    pub(crate) f: Array1<f32>,
    pub(crate) u: Array1<u8>,
}

impl Data {
    pub(crate) fn new(n: usize) -> Data {
        // A Weyl sequence: evenly spread over [0, 1), and the same on every machine.
        let uniform = |i: usize, step: f64| (i as f64 * step).fract();
        Data {
            a: Array1::from_shape_fn(n, |i| uniform(i, 0.618_033_988_749_895)),
            b: Array1::from_shape_fn(n, |i| uniform(i, 0.754_877_666_246_693)),
            f: Array1::from_shape_fn(n, |i| uniform(i, 0.569_840_290_998_053) as f32),
            u: Array1::from_shape_fn(n, |i| (uniform(i, 0.324_717_957_244_746) * 256.0) as u8),
        }
    }

    pub(crate) fn vars(&self) -> Vars<'_> {
        Vars::new().with("a", &self.a).with("b", &self.b).with("f", &self.f).with("u", &self.u)
    }
}

/// An output of one of the dtypes that the cases have.
pub(crate) enum Out {
    F64(Array1<f64>),
    F32(Array1<f32>),
    Bool(Array1<bool>),
}

impl Out {
    pub(crate) fn view_mut(&mut self) -> ViewMut<'_> {
        match self {
            Out::F64(array) => array.into(),
            Out::F32(array) => array.into(),
            Out::Bool(array) => array.into(),
        }
    }

    pub(crate) fn view(&self) -> View<'_> {
        match self {
            Out::F64(array) => array.into(),
            Out::F32(array) => array.into(),
            Out::Bool(array) => array.into(),
        }
    }
}

/// The functions of Rust that cases call.
fn soft(x: f64) -> f64 {
    x / (1.0 + x.abs())
}

fn softplus(x: f64) -> f64 {
    x.exp().ln_1p()
}

/// An engine that has these functions.
pub(crate) fn engine() -> Engine {
    let of_tiles = Function::tiles("soft_tiles", |x: &[f64], out: &mut [f64]| {
        for (out, &x) in out.iter_mut().zip(x) {
            *out = soft(x);
        }
    });
    let builder =
        Engine::builder().function(Function::scalar("soft", soft).cost_ns(1.0)).function(of_tiles.cost_ns(1.0));
    builder.function(Function::scalar("softplus", softplus).cost_ns(10.0)).build().expect("an engine")
}

/// One expression, three ways.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
    /// Bytes read and written for an element.
    pub(crate) bytes: usize,
    /// One array operation after the other, each into a fresh array.
    pub(crate) naive: fn(&Data) -> Out,
    /// One loop into an existing output, over equal parts of the arrays.
    pub(crate) by_hand: fn(&Data, &mut Out, threads: usize),
}

/// Splits slices into as many parts as threads and runs the loop on each.
macro_rules! in_parts {
    ($threads:expr, $out:expr, [$($input:expr),*], |$o:ident, $($x:ident),*| $body:expr) => {{
        let len = $out.len().div_ceil($threads).max(1);
        let work = |out: &mut [_], start: usize| {
            $(let $x = &$input.as_slice().expect("contiguous")[start..start + out.len()];)*
            for i in 0..out.len() {
                $(let $x = $x[i];)*
                let $o = &mut out[i];
                $body;
            }
        };
        let out = $out.as_slice_mut().expect("contiguous");
        if $threads == 1 {
            work(out, 0);
        } else {
            rayon::scope(|scope| {
                for (k, part) in out.chunks_mut(len).enumerate() {
                    let work = &work;
                    scope.spawn(move |_| work(part, k * len));
                }
            });
        }
    }};
}

macro_rules! typed {
    ($out:expr, $variant:ident) => {
        match $out {
            Out::$variant(array) => array,
            _ => unreachable!("the case makes its own output"),
        }
    };
}

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "a + b*2",
        text: "a + b*2",
        bytes: 24,
        naive: |d| {
            let twice = &d.b * 2.0;
            Out::F64(&d.a + &twice)
        },
        by_hand: |d, out, threads| in_parts!(threads, typed!(out, F64), [d.a, d.b], |o, a, b| *o = a + b * 2.0),
    },
    Case {
        name: "poly3",
        text: ".25*a**3 + .75*a**2 - 1.5*a - 2",
        bytes: 16,
        naive: |d| {
            let cube = d.a.mapv(|x| x * x * x);
            let first = &cube * 0.25;
            let square = d.a.mapv(|x| x * x);
            let second = &square * 0.75;
            let third = &d.a * 1.5;
            let sum = &first + &second;
            let difference = &sum - &third;
            Out::F64(&difference - 2.0)
        },
        by_hand: |d, out, threads| {
            in_parts!(threads, typed!(out, F64), [d.a], |o, a| *o = 0.25 * (a * a * a) + 0.75 * (a * a) - 1.5 * a - 2.0)
        },
    },
    Case {
        name: "where",
        text: "where(a > 0.5, a*2, b + 1)",
        bytes: 24,
        naive: |d| {
            let condition = d.a.mapv(|x| x > 0.5);
            let x = &d.a * 2.0;
            let y = &d.b + 1.0;
            Out::F64(Zip::from(&condition).and(&x).and(&y).map_collect(|&c, &x, &y| if c { x } else { y }))
        },
        by_hand: |d, out, threads| {
            in_parts!(threads, typed!(out, F64), [d.a, d.b], |o, a, b| *o = if a > 0.5 { a * 2.0 } else { b + 1.0 })
        },
    },
    Case {
        name: "hypotenuse",
        text: "sqrt(a**2 + b**2)",
        bytes: 24,
        naive: |d| {
            let x = d.a.mapv(|x| x * x);
            let y = d.b.mapv(|x| x * x);
            let sum = &x + &y;
            Out::F64(sum.mapv(f64::sqrt))
        },
        by_hand: |d, out, threads| {
            in_parts!(threads, typed!(out, F64), [d.a, d.b], |o, a, b| *o = (a * a + b * b).sqrt())
        },
    },
    Case {
        name: "mixed u8/f32",
        text: "u * f + 1",
        bytes: 9,
        naive: |d| {
            let wide = d.u.mapv(f32::from);
            let product = &wide * &d.f;
            Out::F32(&product + 1.0)
        },
        by_hand: |d, out, threads| {
            in_parts!(threads, typed!(out, F32), [d.u, d.f], |o, u, f| *o = f32::from(u) * f + 1.0)
        },
    },
    Case {
        name: "query",
        text: "(a > 0.25) & (b < 0.75) | (u == 7)",
        bytes: 18,
        naive: |d| {
            let x = d.a.mapv(|x| x > 0.25);
            let y = d.b.mapv(|x| x < 0.75);
            let both = &x & &y;
            let seven = d.u.mapv(|x| x == 7);
            Out::Bool(&both | &seven)
        },
        by_hand: |d, out, threads| {
            in_parts!(threads, typed!(out, Bool), [d.a, d.b, d.u], |o, a, b, u| *o = (a > 0.25) & (b < 0.75) | (u == 7))
        },
    },
    // Functions of Rust, against loops that call the same.
    Case {
        name: "closure",
        text: "soft(a)",
        bytes: 16,
        naive: |d| Out::F64(d.a.mapv(soft)),
        by_hand: |d, out, threads| in_parts!(threads, typed!(out, F64), [d.a], |o, a| *o = soft(a)),
    },
    Case {
        name: "closure of tiles",
        text: "soft_tiles(a)",
        bytes: 16,
        naive: |d| Out::F64(d.a.mapv(soft)),
        by_hand: |d, out, threads| in_parts!(threads, typed!(out, F64), [d.a], |o, a| *o = soft(a)),
    },
    Case {
        name: "closure in an expression",
        text: "2*soft(a - b) + b",
        bytes: 24,
        naive: |d| {
            let difference = &d.a - &d.b;
            let twice = difference.mapv(soft) * 2.0;
            Out::F64(&twice + &d.b)
        },
        by_hand: |d, out, threads| {
            in_parts!(threads, typed!(out, F64), [d.a, d.b], |o, a, b| *o = 2.0 * soft(a - b) + b)
        },
    },
    Case {
        name: "costly closure",
        text: "softplus(a)",
        bytes: 16,
        naive: |d| Out::F64(d.a.mapv(softplus)),
        by_hand: |d, out, threads| in_parts!(threads, typed!(out, F64), [d.a], |o, a| *o = softplus(a)),
    },
];

/// Panics unless op by op and by hand give equal results, and ndexpr does too. float64 may differ
/// by 1e-15, because ndexpr rounds a cube only once.
pub(crate) fn check(case: &Case, data: &Data) {
    let ours: DynArray = engine().evaluate(case.text, &data.vars()).expect("the case is an expression");
    let naive = (case.naive)(data);
    let mut by_hand = (case.naive)(data);
    (case.by_hand)(data, &mut by_hand, 2);
    let close = |x: ndexpr::Scalar, y: ndexpr::Scalar| match (x.get::<f64>(), y.get::<f64>()) {
        (Some(x), Some(y)) => (x - y).abs() <= 1e-15 * x.abs().max(1.0),
        _ => x == y,
    };
    assert_eq!(ours.shape(), naive.view().shape(), "{}", case.name);
    for ((x, y), z) in ours.scalars().zip(naive.view().scalars()).zip(by_hand.view().scalars()) {
        assert!(close(x, y), "{}: {x} by ndexpr, {y} op by op", case.name);
        assert_eq!(y, z, "{}: op by op and by hand", case.name);
    }
}
