//! Arrays that are generated: `linspace(0, 1, 1e7)`, `random((1000, 1000), seed=3)`.

mod call;

pub(crate) use call::Call;

use ndexpr::{DType, Element, Scalar};

use super::parse::{parse_dtype, parse_shape};
use super::{did_you_mean, literal};
use crate::array::{Array, Bytes, Order, byte_count, element_count};
use crate::failure::Failure;

/// A generator's name and its parameters, in order.
struct Signature {
    name: &'static str,
    usage: &'static str,
    parameters: &'static [&'static str],
    n_required: usize,
}

const GENERATORS: [Signature; 6] = [
    Signature {
        name: "linspace",
        usage: "linspace(start, stop, n[, dtype])",
        parameters: &["start", "stop", "n", "dtype"],
        n_required: 3,
    },
    Signature {
        name: "arange",
        usage: "arange([start, ]stop[, step][, dtype])",
        parameters: &["start", "stop", "step", "dtype"],
        n_required: 1,
    },
    Signature {
        name: "random",
        usage: "random(shape[, seed][, dtype])",
        parameters: &["shape", "seed", "dtype"],
        n_required: 1,
    },
    Signature { name: "zeros", usage: "zeros(shape[, dtype])", parameters: &["shape", "dtype"], n_required: 1 },
    Signature { name: "ones", usage: "ones(shape[, dtype])", parameters: &["shape", "dtype"], n_required: 1 },
    Signature {
        name: "full",
        usage: "full(shape, value[, dtype])",
        parameters: &["shape", "value", "dtype"],
        n_required: 2,
    },
];

/// Every generator's parameters, in one line.
pub(crate) fn usages() -> String {
    GENERATORS.map(|signature| signature.usage).join(", ")
}

/// An array's extents and what each element is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Generator {
    text: String,
    shape: Vec<usize>,
    dtype: DType,
    rule: Rule,
}

/// What the elements are.
#[derive(Clone, Debug, PartialEq)]
enum Rule {
    /// Evenly spaced from the first number to the second, both included.
    Linspace(f64, f64),
    /// Start and step, in integers.
    IntRange(i128, i128),
    /// Start and step, in floats.
    FloatRange(f64, f64),
    /// Uniform in [0, 1), from this seed.
    Random(u64),
    /// The same everywhere.
    Fill(Scalar),
}

impl Generator {
    /// The generator that a call describes, for this variable.
    pub(crate) fn from_call(call: &Call<'_>, variable: &str) -> Result<Generator, String> {
        let Some(signature) = GENERATORS.iter().find(|signature| signature.name == call.name) else {
            let hint = did_you_mean(call.name, GENERATORS.iter().map(|signature| signature.name));
            return Err(format!("there is no generator `{}`{hint} (there are: {})", call.name, usages()));
        };
        let arguments = signature.bind(call)?;
        signature.build(call.text, &arguments, variable).map_err(|error| format!("{error} (in {})", signature.usage))
    }

    /// Makes the array.
    pub(crate) fn generate(&self) -> Result<Array, Failure> {
        let n_elements = element_count(&self.shape);
        match (&self.rule, self.dtype) {
            (Rule::Linspace(start, stop), DType::Float32) => {
                self.collect(n_elements, |idx| linspace_at(*start, *stop, n_elements, idx) as f32)
            }
            (Rule::Linspace(start, stop), _) => {
                self.collect(n_elements, |idx| linspace_at(*start, *stop, n_elements, idx))
            }
            (Rule::FloatRange(start, step), DType::Float32) => {
                self.collect(n_elements, |idx| (start + idx as f64 * step) as f32)
            }
            (Rule::FloatRange(start, step), _) => self.collect(n_elements, |idx| start + idx as f64 * step),
            (Rule::Random(seed), DType::Float32) => self
                .collect(n_elements, |idx| (split_mix(*seed, idx as u64) >> 40) as f32 * (1.0 / (1_u64 << 24) as f32)),
            (Rule::Random(seed), _) => self
                .collect(n_elements, |idx| (split_mix(*seed, idx as u64) >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)),
            // Every value of the range fits the dtype: checked when the range was made.
            (Rule::IntRange(start, step), dtype) => {
                let at = |idx: usize| start + idx as i128 * step;
                match dtype {
                    DType::Bool => self.collect(n_elements, |idx| at(idx) != 0),
                    DType::Int8 => self.collect(n_elements, |idx| at(idx) as i8),
                    DType::Int16 => self.collect(n_elements, |idx| at(idx) as i16),
                    DType::Int32 => self.collect(n_elements, |idx| at(idx) as i32),
                    DType::Int64 => self.collect(n_elements, |idx| at(idx) as i64),
                    DType::UInt8 => self.collect(n_elements, |idx| at(idx) as u8),
                    DType::UInt16 => self.collect(n_elements, |idx| at(idx) as u16),
                    DType::UInt32 => self.collect(n_elements, |idx| at(idx) as u32),
                    DType::UInt64 => self.collect(n_elements, |idx| at(idx) as u64),
                    DType::Float32 => self.collect(n_elements, |idx| at(idx) as f32),
                    DType::Float64 => self.collect(n_elements, |idx| at(idx) as f64),
                }
            }
            (Rule::Fill(value), _) => match self.dtype.size() {
                1 => self.collect(n_elements, |_| value.bits() as u8),
                2 => self.collect(n_elements, |_| value.bits() as u16),
                4 => self.collect(n_elements, |_| value.bits() as u32),
                _ => self.collect(n_elements, |_| value.bits()),
            },
        }
    }

    /// The array of `element(0), element(1), ...` in C order; `T` has the dtype's size.
    fn collect<T: Element>(&self, n_elements: usize, element: impl Fn(usize) -> T) -> Result<Array, Failure> {
        let size = self.dtype.size();
        let n_bytes = n_elements * size;
        let mut bytes = Vec::new();
        let too_big = || Failure::TooBig { name: self.text.clone(), bytes: n_bytes as u128 };
        bytes.try_reserve_exact(n_bytes).map_err(|_| too_big())?;
        bytes.resize(n_bytes, 0_u8);
        for (idx, place) in bytes.chunks_exact_mut(size).enumerate() {
            let wide = element(idx).to_bits().to_ne_bytes();
            let low = if cfg!(target_endian = "little") { &wide[..size] } else { &wide[8 - size..] };
            place.copy_from_slice(low);
        }
        Array::new(Bytes::Memory(bytes), 0, self.dtype, self.shape.clone(), Order::C).ok_or_else(too_big)
    }
}

impl Signature {
    /// Sorts a call's arguments by parameter.
    fn bind<'t>(&self, call: &Call<'t>) -> Result<Vec<Option<&'t str>>, String> {
        let mut values = vec![None; self.parameters.len()];
        if call.positional.len() > values.len() {
            return Err(format!("`{}` has too many arguments: {}", call.text, self.usage));
        }
        for (value, argument) in values.iter_mut().zip(&call.positional) {
            *value = Some(*argument);
        }
        for &(keyword, argument) in &call.keywords {
            let Some(idx) = self.parameters.iter().position(|parameter| *parameter == keyword) else {
                let hint = did_you_mean(keyword, self.parameters.iter().copied());
                return Err(format!("`{}` has no parameter `{keyword}`{hint} ({})", self.name, self.usage));
            };
            if values[idx].replace(argument).is_some() {
                return Err(format!("`{}` is given `{keyword}` twice ({})", self.name, self.usage));
            }
        }
        // `arange(n)`: a lone bound is the end.
        if self.name == "arange" && call.positional.len() == 1 && values[1].is_none() {
            values.swap(0, 1);
        }
        let required = if self.name == "arange" { 1..2 } else { 0..self.n_required };
        for idx in required {
            if values[idx].is_none() {
                return Err(format!("`{}` needs `{}` ({})", self.name, self.parameters[idx], self.usage));
            }
        }
        Ok(values)
    }

    /// Makes a generator from the arguments, which [`Signature::bind`] has sorted.
    fn build(&self, text: &str, arguments: &[Option<&str>], variable: &str) -> Result<Generator, String> {
        let dtype = arguments[arguments.len() - 1].map(parse_dtype).transpose()?;
        let argument = |idx: usize| arguments[idx].unwrap_or_default();
        let float_dtype = || match dtype {
            None => Ok(DType::Float64),
            Some(dtype) if dtype.is_float() => Ok(dtype),
            Some(dtype) => Err(format!("`{}` makes float64 or float32, not {dtype}", self.name)),
        };
        let (shape, dtype, rule) = match self.name {
            "linspace" => {
                let rule = Rule::Linspace(literal::float(argument(0))?, literal::float(argument(1))?);
                (vec![literal::count(argument(2))?], float_dtype()?, rule)
            }
            "arange" => {
                let (n, dtype, rule) =
                    range(arguments[0].unwrap_or("0"), argument(1), arguments[2].unwrap_or("1"), dtype)?;
                (vec![n], dtype, rule)
            }
            "random" => {
                let seed = match arguments[1] {
                    Some(seed) => {
                        let seed = literal::typed(seed, DType::UInt64);
                        seed.map_err(|_| format!("the seed `{}` is not a whole number", argument(1)))?.bits()
                    }
                    None => seed_of(variable),
                };
                (parse_shape(argument(0))?, float_dtype()?, Rule::Random(seed))
            }
            "zeros" | "ones" => {
                let dtype = dtype.unwrap_or(DType::Float64);
                let value = literal::typed(if self.name == "ones" { "1" } else { "0" }, dtype)?;
                (parse_shape(argument(0))?, dtype, Rule::Fill(value))
            }
            _ => {
                let value = match dtype {
                    Some(dtype) => literal::typed(argument(1), dtype)?,
                    None => literal::parse(argument(1))
                        .unwrap_or_else(|| Err(format!("`{}` is not a number", argument(1))))?,
                };
                (parse_shape(argument(0))?, value.dtype(), Rule::Fill(value))
            }
        };
        byte_count(&shape, dtype).ok_or("such an array is larger than memory can ever be")?;
        Ok(Generator { text: text.to_owned(), shape, dtype, rule })
    }
}

/// The length, dtype and rule of `arange`: integers if all three are, as NumPy has it.
fn range(start: &str, stop: &str, step: &str, dtype: Option<DType>) -> Result<(usize, DType, Rule), String> {
    let parse = |text: &str| literal::parse(text).unwrap_or_else(|| Err(format!("`{text}` is not a number")));
    let bounds = [parse(start)?, parse(stop)?, parse(step)?];
    if bounds.iter().any(|bound| bound.dtype() == DType::Bool) {
        return Err("the bounds must be numbers".to_owned());
    }
    if bounds.iter().all(|bound| bound.dtype().is_int()) {
        let [start, stop, step] = bounds.map(int_value);
        if step == 0 {
            return Err("the step must not be 0".to_owned());
        }
        let n =
            if (stop > start) == (step > 0) { (stop - start).unsigned_abs().div_ceil(step.unsigned_abs()) } else { 0 };
        let n = usize::try_from(n).map_err(|_| "such a range is too long")?;
        let dtype = dtype.unwrap_or(DType::Int64);
        if n > 0 {
            for value in [start, start + (n as i128 - 1) * step] {
                literal::typed(&value.to_string(), dtype)?;
            }
        }
        return Ok((n, dtype, Rule::IntRange(start, step)));
    }
    let dtype = dtype.unwrap_or(DType::Float64);
    if !dtype.is_float() {
        return Err(format!("a range with fractional bounds cannot be {dtype}"));
    }
    let [start, stop, step] = [literal::float(start)?, literal::float(stop)?, literal::float(step)?];
    let n = ((stop - start) / step).ceil();
    if n.is_nan() || n > 9_007_199_254_740_992.0 {
        return Err("such a range has no length".to_owned());
    }
    Ok((n.max(0.0) as usize, dtype, Rule::FloatRange(start, step)))
}

fn int_value(scalar: Scalar) -> i128 {
    if scalar.dtype().is_unsigned_int() {
        return i128::from(scalar.bits());
    }
    let unused_bits = 64 - 8 * scalar.dtype().size() as u32;
    i128::from((scalar.bits() << unused_bits) as i64 >> unused_bits)
}

/// Element `idx` of NumPy's `linspace(start, stop, n)`: the last is exactly `stop`.
fn linspace_at(start: f64, stop: f64, n: usize, idx: usize) -> f64 {
    if idx > 0 && idx + 1 == n {
        return stop;
    }
    let n_steps = n.saturating_sub(1).max(1) as f64;
    let step = (stop - start) / n_steps;
    idx as f64 * step + start
}

/// Output number `idx` of SplitMix64 (Steele, Lea and Flood 2014; constants as in Vigna's
/// splitmix64.c). Any of its outputs can be computed without computing those before it.
fn split_mix(seed: u64, idx: u64) -> u64 {
    let mut z = seed.wrapping_add(idx.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The seed of a variable without an explicit one (FNV-1a): the same in every run, but different
/// for `a` and `b`.
fn seed_of(variable: &str) -> u64 {
    variable.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::scalar_from_bytes;

    fn generator(text: &str) -> Result<Generator, String> {
        Generator::from_call(&Call::parse(text).expect("a call")?, "a")
    }

    fn shown(text: &str) -> String {
        let array = match generator(text) {
            Ok(generator) => generator.generate().unwrap(),
            Err(error) => return format!("error: {error}"),
        };
        let size = array.dtype().size();
        let elements: Vec<String> =
            array.data().chunks(size).map(|bytes| scalar_from_bytes(array.dtype(), bytes).to_string()).collect();
        format!("{}{:?} {}", array.dtype().short_name(), array.shape(), elements.join(" "))
    }

    #[test]
    fn values() {
        for (text, expected) in [
            ("linspace(0, 1, 5)", "f64[5] 0.0 0.25 0.5 0.75 1.0"),
            ("linspace(0, 1, 3, f32)", "f32[3] 0.0 0.5 1.0"),
            ("linspace(2, 3, n=1, dtype=float32)", "f32[1] 2.0"),
            ("linspace(2, 3, 0)", "f64[0] "),
            ("arange(4)", "i64[4] 0 1 2 3"),
            ("arange(1, 10, 3)", "i64[3] 1 4 7"),
            ("arange(5, 0, -2)", "i64[3] 5 3 1"),
            ("arange(5, 0)", "i64[0] "),
            ("arange(3, dtype=u8)", "u8[3] 0 1 2"),
            ("arange(3, dtype=f32)", "f32[3] 0.0 1.0 2.0"),
            ("arange(2.0)", "f64[2] 0.0 1.0"),
            ("arange(0, 1, 0.25)", "f64[4] 0.0 0.25 0.5 0.75"),
            ("arange(stop=2)", "i64[2] 0 1"),
            ("arange(2, step=1, stop=4)", "i64[2] 2 3"),
            ("zeros((2, 1))", "f64[2, 1] 0.0 0.0"),
            ("ones(2x2, dtype=bool)", "bool[2, 2] true true true true"),
            ("full((), 7)", "i64[] 7"),
            ("full([2], 2.5)", "f64[2] 2.5 2.5"),
            ("full((3,), -1, dtype='int16')", "i16[3] -1 -1 -1"),
            ("full(1, nan, f32)", "f32[1] NaN"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn random_is_reproducible_and_in_range() {
        assert_eq!(
            generator("random(3, seed=3)"),
            generator("random(3, 3)").map(|mut g| {
                g.text = "random(3, seed=3)".to_owned();
                g
            })
        );
        assert_eq!(shown("random(5, seed=3)"), shown("random(5, 3, f64)"));
        assert_ne!(shown("random(5, seed=3)"), shown("random(5, seed=4)"));
        // The generator's published first outputs for seed 1234567.
        assert_eq!(split_mix(1_234_567, 0), 6_457_827_717_110_365_317);
        assert_eq!(split_mix(1_234_567, 1), 3_203_168_211_198_807_973);
        for dtype in ["f32", "f64"] {
            let array = generator(&format!("random((50, 20), dtype={dtype})")).unwrap().generate().unwrap();
            let values: Vec<f64> = array
                .data()
                .chunks(array.dtype().size())
                .map(|bytes| scalar_from_bytes(array.dtype(), bytes).to_string().parse().unwrap())
                .collect();
            assert!(values.iter().all(|value| (0.0..1.0).contains(value)));
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            assert!((mean - 0.5).abs() < 0.05, "{mean}");
        }
        let other = Generator::from_call(&Call::parse("random(5)").unwrap().unwrap(), "b").unwrap();
        assert_ne!(generator("random(5)").unwrap().rule, other.rule);
    }

    #[test]
    fn mistakes() {
        for (text, part) in [
            ("linspace(0, 1)", "needs `n`"),
            ("linspace(0, 1, 2, f32, 5)", "too many arguments"),
            ("linspace(0, 1, 2.5)", "not a number of elements"),
            ("linspace(0, x, 2)", "`x` is not a number"),
            ("linspace(0, 1, 3, i8)", "not int8"),
            ("random(3, sed=1)", "did you mean `seed`?"),
            ("random(3, seed=1, seed=2)", "twice"),
            ("random(3, seed=-1)", "not a whole number"),
            ("random(seed=1, 3)", "without a name"),
            ("zeros(3, flaot64)", "did you mean `float64`?"),
            ("zeros(3,, f64)", "empty argument"),
            ("zeros((3)", "do not match"),
            ("zeros(3, 4)", "there is no dtype `4`"),
            ("full(3, 300, u8)", "not a value of uint8"),
            ("full(3)", "needs `value`"),
            ("arange(300, dtype=u8)", "not a value of uint8"),
            ("arange(0, 1, 0)", "must not be 0"),
            ("arange(0, 1, 0.0)", "has no length"),
            ("arange(0.5, dtype=i8)", "cannot be int8"),
            ("arange()", "needs `stop`"),
            ("zeros((1e10, 1e10))", "larger than memory"),
            ("zeros((1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1))", "33 axes"),
        ] {
            let error = shown(text);
            assert!(error.starts_with("error: ") && error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn more_memory_than_there_is() {
        let failure = generator("zeros(1e15)").unwrap().generate().unwrap_err();
        assert_eq!(failure.to_string(), "`zeros(1e15)` would need 8.0 PB, which cannot be allocated");
    }

    #[test]
    fn empty_arrays_of_absurd_shape() {
        assert_eq!(shown("zeros((9e15, 9e15, 0))"), "f64[9000000000000000, 9000000000000000, 0] ");
    }
}
