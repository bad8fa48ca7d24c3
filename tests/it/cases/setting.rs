//! The arrays of random programs that update arrays.

use super::arrays::{Layout, random_bits};
use super::case::{Value, Var};
use super::source::Source;
use ndexpr::DType;

/// A variable that has the memory of another one, so many bytes further.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shared {
    pub(crate) var: usize,
    pub(crate) of: usize,
    pub(crate) shift: isize,
}

/// The variables of a program: the first ones are updated.
pub(crate) struct Setting {
    pub(crate) vars: Vec<Var>,
    pub(crate) n_written: usize,
    pub(crate) shared: Vec<Shared>,
    pub(crate) shape: Vec<usize>,
}

const ARRAYS: [&str; 4] = ["u", "v", "a", "b"];
const NUMBERS: [&str; 2] = ["k", "q"];

impl Setting {
    pub(crate) fn draw(source: &mut Source<'_>) -> Setting {
        let shape = match source.below(10) {
            0..=5 => vec![source.between(4, 90)],
            6 if source.one_in(2) => vec![source.between(4, 30); 2],
            6 | 7 => vec![source.between(4, 20), source.between(4, 40)],
            8 => vec![source.between(4, 6), source.between(4, 9), source.between(4, 12)],
            _ if source.one_in(4) => vec![source.between(20_000, 40_000)],
            _ => vec![source.between(1000, 5000)],
        };
        let dtypes = [source.pick(&DType::ALL), source.pick(&DType::ALL), DType::Float64];
        let n_arrays = source.between(2, ARRAYS.len());
        let n_written = source.between(1, 2);
        let mut vars: Vec<Var> = Vec::new();
        for (place, name) in ARRAYS[..n_arrays].iter().enumerate() {
            let mut layout = Layout::random_apart(source, &shape);
            if place >= n_written {
                for step in &mut layout.steps {
                    *step = if source.one_in(12) { 0 } else { *step };
                }
            }
            let value = Value::Array { layout, seed: source.seed() };
            vars.push(Var { name: (*name).to_owned(), dtype: source.pick(&dtypes), value });
        }
        let mut shared = Vec::new();
        if source.one_in(6) {
            // One array is a part of the memory of an array that is updated.
            let var = source.between(1, n_arrays - 1);
            vars[var].dtype = vars[0].dtype;
            vars[var].value = vars[0].value.clone();
            let size = vars[0].dtype.size() as isize;
            // Parts of a NaN's bits would be seen, which are not promised.
            let odd = if vars[0].dtype.is_float() { 0 } else { 1 };
            shared.push(Shared { var, of: 0, shift: source.pick(&[0, size, -size, 2 * size, odd]) });
        }
        for name in &NUMBERS[..source.between(1, NUMBERS.len())] {
            let dtype = source.pick(&DType::ALL);
            let bits = random_bits(source, dtype);
            vars.push(Var { name: (*name).to_owned(), dtype, value: Value::Scalar(bits) });
        }
        Setting { vars, n_written, shared, shape }
    }
}
