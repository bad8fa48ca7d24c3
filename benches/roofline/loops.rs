//! The report's lines for loops written by hand: the limits, and loops of some expressions.

use crate::data::Data;
use crate::kernels;
use crate::line::{ByHand, Kind, Line, Mix, Traffic};
use crate::memory::{Memory, Number, typed_mut};
use crate::simd::{Level, Stores};
use crate::team::Chunked;
use ndexpr::{evaluate, vars};
use std::hint::black_box;
use std::ops::Range;
use std::sync::Mutex;

/// What the machine can do.
pub(crate) fn limits(data: &Data) -> Vec<Line<'_>> {
    let n = data.n;
    let limit = |mix: Mix, stores: Stores, chunks| {
        let traffic = Traffic { read: mix.arrays_read() * n * 8, written: mix.arrays_written() * n * 8 };
        Line::by_hand(mix.name(), Kind::Limit(mix, stores), n, traffic, ByHand { data, stores, chunks })
    };
    let mut lines = vec![limit(Mix::Read, Stores::Ordinary, |data, _, _| {
        read(data.n, |part| _ = black_box(kernels::sum(Level::detected(), &data.a[part])))
    })];
    for &stores in Stores::available() {
        lines.push(limit(Mix::Fill, stores, |data, stores, out| {
            write(out, data.n, move |_, out| kernels::fill(Level::detected(), out, stores))
        }));
        lines.push(limit(Mix::Copy, stores, |data, stores, out| {
            write(out, data.n, move |part, out| kernels::copy(Level::detected(), &data.a[part], out, stores))
        }));
        lines.push(limit(Mix::Triad, stores, |data, stores, out| {
            write(out, data.n, move |part, out| {
                kernels::triad(Level::detected(), &data.a[part.clone()], &data.b[part], out, stores)
            })
        }));
    }
    let arithmetic = |title, chunks| {
        let n_operations = kernels::CHAINS * kernels::CHAIN;
        let by_hand = ByHand { data, stores: Stores::Ordinary, chunks };
        Line::by_hand(title, Kind::Arithmetic, n_operations, Traffic::default(), by_hand)
    };
    lines.push(arithmetic("fused multiply-add", |_, _, _| alone(|| kernels::multiply_adds(Level::detected()))));
    lines.push(arithmetic("division", |_, _, _| alone(|| kernels::divisions(Level::detected()))));
    lines
}

/// Loops of expressions, under the expressions' titles.
pub(crate) fn by_hand(data: &Data) -> Vec<Line<'_>> {
    let dot = ByHand {
        data,
        stores: Stores::Ordinary,
        chunks: |data, _, _| {
            read(data.n, |part| _ = black_box(kernels::dot(Level::detected(), &data.a[part.clone()], &data.b[part])))
        },
    };
    let traffic = Traffic { read: 16 * data.n, written: 0 };
    let mut lines = vec![Line::by_hand("sum(a*b)", Kind::ByHand(Stores::Ordinary), data.n, traffic, dot)];
    for &stores in Stores::available() {
        let mut add = |title, read, written, chunks| {
            let traffic = Traffic { read: read * data.n, written: written * data.n };
            let by_hand = ByHand { data, stores, chunks };
            lines.push(Line::by_hand(title, Kind::ByHand(stores), data.n, traffic, by_hand));
        };
        add("a + b*2", 16, 8, |data, stores, out| {
            write(out, data.n, move |part, out| {
                kernels::triad(Level::detected(), &data.a[part.clone()], &data.b[part], out, stores)
            })
        });
        add("((.25*a + .75)*a - 1.5)*a - 2", 8, 8, |data, stores, out| {
            write(out, data.n, move |part, out| kernels::horner(Level::detected(), &data.a[part], out, stores))
        });
        add("where(a > 0.5, a*2, b + 1)", 16, 8, |data, stores, out| {
            write(out, data.n, move |part, out| {
                kernels::select(Level::detected(), &data.a[part.clone()], &data.b[part], out, stores)
            })
        });
        add("sqrt(a**2 + b**2)", 16, 8, |data, stores, out| {
            write(out, data.n, move |part, out| {
                kernels::hypotenuse(Level::detected(), &data.a[part.clone()], &data.b[part], out, stores)
            })
        });
        add("x*x + x", 4, 4, |data, stores, out| {
            write(out, data.n, move |part, out| kernels::square_plus_f32(Level::detected(), &data.f[part], out, stores))
        });
        add("x + y", 2, 1, |data, stores, out| {
            write(out, data.n, move |part, out| {
                kernels::add_u8(Level::detected(), &data.x[part.clone()], &data.y[part], out, stores)
            })
        });
    }
    lines
}

/// A loop in a single chunk, so it runs on one thread.
fn alone<'a>(run: fn()) -> Chunked<'a> {
    Chunked { n_chunks: 1, run: Box::new(move |_| run()) }
}

/// Bytes of a chunk, which also begins at a multiple of them. It is long enough for the processor
/// to predict its reads.
const CHUNK: usize = 512 << 10;

/// The loop on chunks of the output's first `n` numbers, each with its range.
fn write<'a, T: Number>(out: &'a mut [u8], n: usize, run: impl Fn(Range<usize>, &mut [T]) + Sync + 'a) -> Chunked<'a> {
    let len = CHUNK / size_of::<T>();
    // Each is locked by the one thread that takes it.
    let chunks: Vec<Mutex<&mut [T]>> = typed_mut(out)[..n].chunks_mut(len).map(Mutex::new).collect();
    let run = move |k: usize| {
        let mut out = chunks[k].lock().expect("no thread has panicked");
        run(k * len..k * len + out.len(), &mut out);
    };
    Chunked { n_chunks: n.div_ceil(len), run: Box::new(run) }
}

/// The loop on ranges of `n` numbers, which it only reads.
fn read<'a>(n: usize, run: impl Fn(Range<usize>) + Sync + 'a) -> Chunked<'a> {
    let len = CHUNK / size_of::<f64>();
    Chunked { n_chunks: n.div_ceil(len), run: Box::new(move |k| run(k * len..n.min((k + 1) * len))) }
}

/// Panics unless the loops by hand give the results of their expressions: to the bit, except for
/// the order of a sum.
pub(crate) fn check(lines: &[Line<'_>], data: &Data, output: &mut Memory) {
    let dot = kernels::dot(Level::detected(), &data.a, &data.b);
    let expected: f64 = evaluate("sum(a*b)", vars! { a: &data.a[..], b: &data.b[..] }).expect("it is an expression");
    assert!((dot - expected).abs() <= 1e-12 * expected.abs(), "sum(a*b) by hand: {dot}, not {expected}");
    for by_hand in lines.iter().filter(|line| matches!(line.kind, Kind::ByHand(_)) && line.traffic.written > 0) {
        let expression = lines.iter().find(|line| line.kind == Kind::Expression && line.title == by_hand.title);
        let results = [Some(by_hand), expression].map(|line| {
            output.bytes_mut().fill(0);
            line.expect("the loop is an expression's").run(output).expect("it ran before");
            output.bytes_mut().to_vec()
        });
        assert!(results[0] == results[1], "{} by hand, {:?}", by_hand.title, by_hand.kind);
    }
}
