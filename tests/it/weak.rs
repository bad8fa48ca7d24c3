//! Numbers that a call brings without a dtype are what they would be if they were written into the
//! text.

use ndarray::{Array1, array};
use ndexpr::{
    Backend, DType, DynArray, Engine, Error, ErrorKind, Scalar, Signature, Var, VarType, Vars, evaluate, vars,
};
use std::sync::Arc;

const U63: u64 = 1 << 63;

fn engine(backend: Backend) -> Engine {
    Engine::builder().threads(1).backend(backend).build().unwrap()
}

/// An integer as a variable without a dtype, as it comes from Python.
fn weak(value: i128) -> Var<'static> {
    match i64::try_from(value) {
        Ok(value) => Var::weak(value),
        Err(_) => Var::weak(u64::try_from(value).expect("64 bits hold it")),
    }
}

fn scalar(text: &str, vars: &Vars<'_>) -> Result<Scalar, ErrorKind> {
    let result: Result<DynArray, Error> = Engine::global().evaluate(text, vars);
    result.map(|value| value.to_scalar().expect("a single value")).map_err(|error| error.kind())
}

/// What Python says: `python3 -c "x = 2**63 + 7; print(x % 10, x + 1, ...)"`.
#[test]
fn arithmetic_is_pythons() {
    let x = i128::from(U63) + 7;
    for (text, x, expected) in [
        ("x % 10", x, Scalar::new(5_i64)),
        ("x + 1", x, Scalar::new(9_223_372_036_854_775_816_u64)),
        ("x // 2", x, Scalar::new(4_611_686_018_427_387_907_i64)),
        ("x & 255", x, Scalar::new(7_i64)),
        ("x - 2**63", x, Scalar::new(7_i64)),
        ("x*x // x", x, Scalar::new(9_223_372_036_854_775_815_u64)),
        ("(x << 3) >> 3 == x", x, Scalar::new(true)),
        ("x > 10", x, Scalar::new(true)),
        ("-x < 10", x, Scalar::new(true)),
        ("x**-2", 2, Scalar::new(0.25)),
        ("10**-x", 2, Scalar::new(0.01)),
        ("2**x", 62, Scalar::new(1_i64 << 62)),
        ("2**x", 63, Scalar::new(1_u64 << 63)),
        ("2**x", -2, Scalar::new(0.25)),
        ("x**2", 3_037_000_500, Scalar::new(9_223_372_037_000_250_000_u64)),
        ("x*4 // 4", i128::from(i64::MAX), Scalar::new(i64::MAX)),
        ("(x > 1) + (x > 2)", 2, Scalar::new(1_i64)),
        ("(x > 1) + (x > 2) >= 2", 3, Scalar::new(true)),
        ("abs(x)", i128::from(i64::MIN), Scalar::new(U63)),
        ("x if x > 3 else -x", 2, Scalar::new(-2_i64)),
        ("~x", 5, Scalar::new(-6_i64)),
    ] {
        assert_eq!(scalar(text, &vars! { x: weak(x) }), Ok(expected), "{text} where x is {x}");
    }
    for (text, x) in [("x*x", x), ("2**x", 200), ("2**x", 64), ("x + x", i128::from(U63))] {
        assert_eq!(scalar(text, &vars! { x: weak(x) }), Err(ErrorKind::LiteralRange), "{text} where x is {x}");
    }
}

/// Texts with a hole for a number, and arrays of several dtypes.
const TEXTS: &[&str] = &[
    "{k}",
    "-{k}",
    "{k} + 1",
    "i8 + {k}",
    "u8 + {k}",
    "i64 + {k}",
    "u64 + {k}",
    "f32 + {k}",
    "f64*{k}",
    "b + {k}",
    "i64 ** {k}",
    "u8 ** {k}",
    "b ** {k}",
    "{k} ** i8",
    "{k} ** 2",
    "3 ** {k}",
    "{k} ** -2",
    "2.5 * 2**{k}",
    "i8 + ({k} - 1)",
    "u8 + {k}//2",
    "u64 - {k}*3",
    "f32 * ({k} + 1)",
    "f32 + {k}*{k}",
    "f64 / ({k}*{k}*{k})",
    "i64 % ({k} + 7)",
    "i8 < {k}",
    "u8 >= {k}",
    "u64 < {k}",
    "i64 == {k}",
    "f32 > {k}",
    "b == {k}",
    "i8 < {k} + 1",
    "u64 > -{k}",
    "u64 > {k}*{k}",
    "i8 != {k}*{k}*2",
    "clip(u8, {k}, 300)",
    "clip(i8, -200, {k} + 1)",
    "clip(u64, {k} - 5, {k} + 5)",
    "clip(f32, {k}, {k} + 1)",
    "minimum(u8, {k})",
    "where(b, i8, {k})",
    "where(b, {k}, {k} + 1)",
    "where({k} > 3, i8, u8)",
    "where({k}, f32, 0)",
    "hypot({k}, b)",
    "hypot({k}, u8)",
    "arctan2(f32, {k} + 1)",
    "i8 & {k}",
    "u64 | {k}",
    "b ^ {k}",
    "i64 << {k}",
    "{k} << 2",
    "1 << {k}",
    "u8 >> {k}",
    "int8({k})",
    "uint8({k} * 3)",
    "float32({k})",
    "bool({k} - 1)",
    "sum(i8) + {k}",
    "sum(i8 + {k})",
    "f64 + sqrt({k}*{k})",
    "({k} > 2) + ({k} > 3)",
    "i8 + ({k} > 2)",
    "f32 * ({k} == 3)",
    "not {k}",
    "{k} and b",
    "2 < {k} < 5",
    "i8 < {k} < u8",
    "{k} / 2",
    "{k} / 3 * f32",
    "fmod({k}, 3)",
    "{k} % -3",
    "{k} // -3",
    "sign({k}) + i8",
    "reciprocal({k}) + u8",
    "round({k}) + u8",
    "maximum({k}, 3) + i8",
    "abs({k} - 4) * u8",
    "u8 * ({k} if {k} > 0 else -{k})",
];

const VALUES: &[i128] = &[
    0,
    1,
    2,
    3,
    5,
    62,
    63,
    64,
    100,
    127,
    128,
    200,
    255,
    256,
    300,
    16_777_217,
    i64::MAX as i128,
    -1,
    -2,
    -3,
    -128,
    -129,
    i64::MIN as i128,
    1 << 63,
    (1 << 63) + 7,
    u64::MAX as i128,
];

#[test]
fn a_variable_is_what_it_is_in_the_text() {
    let i8s: Array1<i8> = array![0, 1, -1, 2, 127, -128];
    let u8s: Array1<u8> = array![0, 1, 2, 3, 255, 128];
    let i64s: Array1<i64> = array![0, 1, -1, 2, i64::MAX, i64::MIN];
    let u64s: Array1<u64> = array![0, 1, 2, 3, u64::MAX, U63];
    let f32s: Array1<f32> = array![0.0, 1.5, -1.0, 2.0, 3e38, -0.0];
    let f64s: Array1<f64> = array![0.0, 1.5, -1.0, 2.0, 1e300, -0.0];
    let bools: Array1<bool> = array![false, true, false, true, true, false];
    let arrays = vars! { i8: &i8s, u8: &u8s, i64: &i64s, u64: &u64s, f32: &f32s, f64: &f64s, b: &bools };
    let mut wrong = Vec::new();
    for backend in [Backend::Jit, Backend::Interp] {
        let engine = engine(backend);
        for text in TEXTS {
            let variable = text.replace("{k}", "k");
            for &value in VALUES {
                let written = if value < 0 { format!("({value})") } else { value.to_string() };
                let as_literal: Result<DynArray, Error> = engine.evaluate(&text.replace("{k}", &written), &arrays);
                let vars = arrays.clone().with("k", weak(value));
                let as_variable: Result<DynArray, Error> = engine.evaluate(&variable, &vars);
                // Alone, a variable has the dtype that it comes in.
                let is_same = match (&as_literal, &as_variable) {
                    (Ok(literal), Ok(variable)) => {
                        literal.dtype() == variable.dtype() && format!("{literal:?}") == format!("{variable:?}")
                    }
                    (Err(literal), Err(variable)) => literal.kind() == variable.kind(),
                    _ => false,
                };
                if !is_same {
                    wrong.push(format!("{text} with {value}: written {as_literal:?}, as a variable {as_variable:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
}

/// Another value of the same class needs no other program, and a class that came before is not
/// compiled again.
#[test]
fn values_of_a_class_share_a_program() {
    let engine = engine(Backend::Jit);
    let a = array![1_i64, 2, 3];
    let program = |text: &str, k: i128| engine.program(text, &vars! { a: &a, k: weak(k) });
    for text in ["a*(k + 1)", "a**k + k*k", "a + k", "2**k"] {
        let first = program(text, 1).unwrap();
        for k in [2, 5, 3, 4] {
            assert!(Arc::ptr_eq(&first, &program(text, k).unwrap()), "{text}");
        }
    }
    let (whole, fraction) = (program("2**k", 3).unwrap(), program("2**k", -3).unwrap());
    assert_eq!((whole.result_dtype(), fraction.result_dtype()), (DType::Int64, DType::Float64));
    assert!(Arc::ptr_eq(&fraction, &program("2**k", -30).unwrap()));
    assert!(Arc::ptr_eq(&whole, &program("2**k", 30).unwrap()));
    assert_eq!(program("a**k", -3).unwrap_err().kind(), ErrorKind::NegativePower);
}

/// A program that was compiled from types alone runs for values of every class.
#[test]
fn a_program_runs_for_all_values() {
    let engine = engine(Backend::Jit);
    let signature = Signature::new().with("a", VarType::array(DType::UInt8)).with("k", VarType::weak(DType::Int64));
    let a = array![1_u8, 2, 3];
    let program = engine.compile("a + (k - 200)", &signature).unwrap();
    assert_eq!(program.variables().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "k"]);
    let run = |k: i64| program.evaluate::<Array1<u8>>(&vars! { a: &a, k: Var::weak(k) });
    assert_eq!(run(210).unwrap(), array![11, 12, 13]);
    let error = run(100).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LiteralRange);
    assert!(error.render().contains("-100"), "{}", error.render());
    let mut out = [0_u8; 3];
    program.run_in_order(&[Var::from(&a), Var::weak(201_i64)], &mut out[..], None).unwrap();
    assert_eq!(out, [2, 3, 4]);
    let few = program.run_in_order(&[Var::from(&a)], &mut out[..], None).unwrap_err();
    assert_eq!(few.to_string(), "the expression has 2 variables, but 1 values were given");
    assert_eq!(program.evaluate::<Array1<u8>>(&vars! { a: &a }).unwrap_err().kind(), ErrorKind::MissingVariable);

    let power = engine.compile("10**-k", &Signature::new().with("k", VarType::weak(DType::Int64))).unwrap();
    assert_eq!(power.evaluate::<f64>(&vars! { k: Var::weak(2_i64) }).unwrap(), 0.01);
    assert_eq!(power.evaluate::<i64>(&vars! { k: Var::weak(-2_i64) }).unwrap(), 100);
}

/// As NumPy has it: `np.hypot(16777217, np.ones(3, bool)).dtype` and so on.
#[test]
fn functions_of_floats_are_typed_as_in_numpy() {
    let b = array![true, false, true];
    let (u16s, i8s, f32s) = (array![1_u16, 2, 3], array![1_i8, 2, 3], array![1.0_f32, 2.0, 3.0]);
    let dtype = |text: &str| {
        let vars = vars! { b: &b, u2: &u16s, i1: &i8s, f4: &f32s, k: Var::weak(3_i64) };
        Engine::global().evaluate::<DynArray>(text, &vars).unwrap().dtype()
    };
    for text in ["hypot(16777217, b)", "arctan2(3, b)", "copysign(b, 3)", "hypot(b, k)", "atan2(k, b)", "b/3"] {
        assert_eq!(dtype(text), DType::Float64, "{text}");
    }
    for text in ["hypot(3, u2)", "clip(u2, i1, f4)", "clip(f4, u2, i1)", "clip(i1, f4, u2)", "hypot(f4, 3)"] {
        assert_eq!(dtype(text), DType::Float32, "{text}");
    }
    assert_eq!(evaluate::<f64>("hypot(16777217, True)", vars! {}).unwrap(), 16_777_217.000_000_03);
}

/// Python's arithmetic counts bools.
#[test]
fn bools_of_the_text_are_counted() {
    for (text, expected) in [
        ("True + True", Scalar::new(2_i64)),
        ("(True) + (True) >= 2", Scalar::new(true)),
        ("-True", Scalar::new(-1_i64)),
        ("(1 < 2) + (3 < 4)*2", Scalar::new(3_i64)),
        ("True / 2", Scalar::new(0.5)),
        ("True << 3", Scalar::new(8_i64)),
        ("True & False", Scalar::new(false)),
        ("not True", Scalar::new(false)),
        ("True", Scalar::new(true)),
    ] {
        assert_eq!(scalar(text, &vars! {}), Ok(expected), "{text}");
    }
    // Beside an array they are bools, as in NumPy.
    let b = array![true, false];
    assert_eq!(evaluate::<Array1<bool>>("b + True", vars! { b: &b }).unwrap(), array![true, true]);
    assert_eq!(evaluate::<Array1<i64>>("b + (True + True)", vars! { b: &b }).unwrap(), array![3, 2]);
}

/// A number that is computed becomes each of the dtypes that it is read in.
#[test]
fn a_computed_number_may_be_read_in_several_dtypes() {
    let (f, a) = (array![0.5_f32, 2.0], array![1.0_f64, -3.0]);
    let (c, s) = (array![3_i8, -4], array![300_i16, 7]);
    for backend in [Backend::Jit, Backend::Interp] {
        let engine = engine(backend);
        let of_floats: Array1<f64> =
            engine.evaluate("x = -k; return f*x + a*x", &vars! { f, a, k: weak(3) }).expect("floats");
        assert_eq!(of_floats, array![-4.5, 3.0]);
        let of_ints: Array1<i16> =
            engine.evaluate("x = -k; return c*x + s*x", &vars! { c, s, k: weak(3) }).expect("integers");
        assert_eq!(of_ints, array![-909, -9]);
        let (scaled, number): (Array1<f32>, i64) =
            engine.evaluate("x = k + 1; return f*x, x", &vars! { f, k: weak(3) }).expect("an array and a number");
        assert_eq!((scaled, number), (array![2.0, 8.0], 4));
    }
}
