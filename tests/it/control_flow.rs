//! Branches and loops that each element runs for itself.

use ndarray::{Array1, array};
use ndexpr::{Backend, DynArray, Engine, ErrorKind, Function, Progress, Vars, evaluate, targets, vars};
use std::time::Duration;

/// What a program gives: the same compiled and interpreted, with one thread and four.
fn run(text: &str, vars: &Vars<'_>) -> DynArray {
    let engines =
        [Engine::builder().backend(Backend::Interp), Engine::builder().threads(1), Engine::builder().threads(4)];
    let mut found: Option<DynArray> = None;
    for engine in engines {
        let engine = engine.build().expect("an engine");
        let program =
            engine.compile(text, &vars.signature()).unwrap_or_else(|error| panic!("{text}:\n{}", error.render()));
        let is_told = program.fallback_reason() == Some("the engine was told to");
        assert!(is_told || program.fallback_reason().is_none(), "{text}: {:?}", program.fallback_reason());
        let result: DynArray = program.evaluate(vars).unwrap_or_else(|error| panic!("{text}:\n{}", error.render()));
        if let Some(found) = &found {
            let bits = |array: &DynArray| array.scalars().map(|scalar| scalar.bits()).collect::<Vec<_>>();
            assert_eq!(bits(found), bits(&result), "{text}");
        }
        found = Some(result);
    }
    found.expect("there are engines")
}

/// Integers of each element as a program gives them.
fn ints(text: &str, vars: Vars<'_>) -> Vec<i64> {
    run(text, &vars).scalars().map(|scalar| scalar.get::<i64>().expect("an int64")).collect()
}

fn floats(text: &str, vars: Vars<'_>) -> Vec<f64> {
    run(text, &vars).scalars().map(|scalar| scalar.get::<f64>().expect("a float64")).collect()
}

#[test]
fn branches() {
    let x = array![-2.0, 0.0, 0.5, 3.0];
    let v = || vars! { x };
    let text = "
        if x < 0:
            y = -x
        elif x == 0:
            y = 100
        else:
            y = x*2
        return y";
    assert_eq!(floats(text, v()), [2.0, 100.0, 1.0, 6.0]);
    let text = "
        y = x
        if x > 0:
            y += 1
            if x > 1: y *= 10
        y";
    assert_eq!(floats(text, v()), [-2.0, 0.0, 1.5, 40.0]);
    let text = "
        def f(x):
            if x < 0: return -1
            if x == 0: return 0
            return 1
        return f(x)*2.0";
    assert_eq!(floats(text, v()), [-2.0, 0.0, 2.0, 2.0]);
    let text = "
        a, b = x, 1.0
        if x > 0: a, b = b, a
        return a - b";
    assert_eq!(floats(text, v()), [-3.0, -1.0, 0.5, -2.0]);
    assert_eq!(floats("if True: y = x\nelse: y = missing\nreturn y", v()), [-2.0, 0.0, 0.5, 3.0]);
}

fn collatz(mut n: i64) -> i64 {
    let mut steps = 0;
    while n != 1 {
        n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 };
        steps += 1;
    }
    steps
}

#[test]
fn loops() {
    let n = Array1::from_iter(1..200_i64);
    let v = || vars! { n };
    let text = "
        steps = 0
        while n != 1:
            if n % 2 == 0:
                n //= 2
            else:
                n = 3*n + 1
            steps += 1
        return steps";
    let expected: Vec<i64> = n.iter().map(|&n| collatz(n)).collect();
    assert_eq!(ints(text, v()), expected);
    let text = "
        a = n; b = n*0 + 36
        while b:
            a, b = b, a % b
        return a";
    let gcd = |a: i64, b: i64| {
        let (mut a, mut b) = (a, b);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    assert_eq!(ints(text, v()), n.iter().map(|&n| gcd(n, 36)).collect::<Vec<_>>());
    let text = "
        total = 0
        for i in range(n):
            if i % 3 == 0: continue
            if i > 50: break
            total += i
        else:
            total = -total
        return total";
    let expected = n.iter().map(|&n| {
        let mut total = 0;
        for i in 0..n {
            if i % 3 == 0 {
                continue;
            }
            if i > 50 {
                return total;
            }
            total += i;
        }
        -total
    });
    assert_eq!(ints(text, v()), expected.collect::<Vec<_>>());
    let text = "
        def first_divisor(n):
            d = 2
            while d*d <= n:
                if n % d == 0: return d
                d += 1
            return n
        return first_divisor(n)";
    let expected = n.iter().map(|&n| (2..).take_while(|d| d * d <= n).find(|d| n % d == 0).unwrap_or(n));
    assert_eq!(ints(text, v()), expected.collect::<Vec<_>>());
    let text = "
        count = 0
        for i in range(1, n + 1):
            j = 1
            while j < i:
                count += i % j == 0
                j *= 2
        return count";
    let expected = n.iter().map(|&n| {
        let mut count = 0;
        for i in 1..=n {
            let mut j = 1;
            while j < i {
                count += i64::from(i % j == 0);
                j *= 2;
            }
        }
        count
    });
    assert_eq!(ints(text, v()), expected.collect::<Vec<_>>());
    assert_eq!(ints("p = 1\nfor i in range(3): p = p*n\nreturn p + i", v())[4], 125 + 2);
    assert_eq!(ints("s = 0\nfor i in range(1000): s += i*n\nreturn s + i", v())[1], 999 * 1000 + 999);
}

/// What a loop leaves is the same for all elements if all that it begins with is. Then it is
/// computed before the elements are, as functions of single values are.
#[test]
fn loops_of_single_values() {
    let x = array![7.0, 9.0];
    let v = || vars! { x, c: 3.0 };
    let text = "y = x - x\nwhile y < c + exp(c): y += c\nreturn y + x*exp(c)";
    let exp = 3.0_f64.exp();
    assert_eq!(floats(text, v()), [24.0 + 7.0 * exp, 24.0 + 9.0 * exp]);
    // The loop needs the function's value.
    let n = array![7_i64, 9];
    let text = "y = n - n\nfor k in range(int64(exp(c))): y += k\nreturn y + n";
    assert_eq!(ints(text, vars! { n, c: 3.0 }), [190 + 7, 190 + 9]);
    let text = "y = n - n\nfor k in range(int64(exp(c))): y += k\nreturn y + n*int64(exp(c))";
    assert_eq!(ints(text, vars! { n, c: 3.0 }), [190 + 7 * 20, 190 + 9 * 20]);
}

#[test]
fn counted_loops() {
    let x: Array1<f64> = (0..300).map(|k| f64::from(k * 37 % 101) / 50.0).collect();
    let x32 = x.mapv(|x| x as f32);
    let start: Array1<i64> = (0..300).map(|k| k % 7 - 3).collect();
    let sums = |limit: i64, by: i64, init: &dyn Fn(usize) -> i64| -> Vec<i64> {
        let of = |(k, x): (usize, &f64)| {
            let (mut z, mut n, mut total) = (0.0_f32, 0, init(k));
            while n < limit && z < 3.0 {
                z += *x as f32;
                n += 1;
                total += by;
            }
            total
        };
        x.iter().enumerate().map(of).collect()
    };
    for limit in [1, 2, 3, 7, 8, 13, 16, 31, 97, 199, 200, 1009] {
        let text = format!("z = x*0\nn = 0\nwhile n < {limit} and z < 3: z, n = z + x, n + 1\nn");
        assert_eq!(ints(&text, vars! { x: &x32 }), sums(limit, 1, &|_| 0), "{limit}");
        let text = format!("z = x*0\nn = {limit}\nwhile 0 < n and 3 > z: z, n = z + x, n - 1\n{limit} - n");
        assert_eq!(ints(&text, vars! { x: &x32 }), sums(limit, 1, &|_| 0), "{limit}");
        let text = format!(
            "z, t = x*0, start\nfor n in range(0, {}, 3):\n    if z >= 3: break\n    z += x\n    t -= 5\nt",
            3 * limit
        );
        assert_eq!(ints(&text, vars! { x: &x32, start }), sums(limit, -5, &|k| start[k]), "{limit}");
        // What looks at the counter keeps it.
        let text = format!("z = x*0\nn = 0\nwhile n != {limit} and z < n + 5: z, n = z + x*n, n + 1\nz + n");
        run(&text, &vars! { x });
        run(&text, &vars! { x: &x32 });
    }
    // A counter that wraps.
    let text = "n = x\nk = x - x\nwhile k < 20 and n < 125: n, k = n + 100, k + 1\nk - n";
    run(text, &vars! { x: &start.mapv(|x| x as i8) });
}

#[test]
fn branches_that_end_each_other() {
    let x: Array1<f64> = (0..200).map(|k| f64::from(k) / 30.0 - 3.3).chain([f64::NAN, -0.0]).collect();
    let text = "
        if x < -2: return 1.0
        elif x < -1: return x*x - 3.0
        elif x < 0:
            if x*10 % 2 < 1: return x
            elif k > 3: return x*k
            y = 5.0
        elif x < 1 and not k > 2: return ((x - 2)*x + 0.5)*x
        elif x < 2: y = x
        else: y = 7.0
        return y + k";
    let expected = |x: f64, k: f64| {
        let y = if x < -2.0 {
            return 1.0;
        } else if x < -1.0 {
            return x * x - 3.0;
        } else if x < 0.0 {
            if (x * 10.0).rem_euclid(2.0) < 1.0 {
                return x;
            } else if k > 3.0 {
                return x * k;
            }
            5.0
        } else if x < 1.0 && (k.is_nan() || k <= 2.0) {
            return ((x - 2.0) * x + 0.5) * x;
        } else if x < 2.0 {
            x
        } else {
            7.0
        };
        y + k
    };
    let k: Array1<f64> = (0..x.len()).map(|n| [0.0, 2.0, f64::NAN, 4.0, 3.0][n % 5]).collect();
    let found = floats(text, vars! { x, k });
    for (n, found) in found.iter().enumerate() {
        let expected = expected(x[n], k[n]);
        assert!(*found == expected || (found.is_nan() && expected.is_nan()), "{} {}: {found}", x[n], k[n]);
    }
    // The same with comparisons that have opposites.
    let text = "
        if n < 3: return 1
        if n == 5: return 2
        elif n > 7: return 3
        elif n != 4: return 4
        return 5";
    let n: Array1<i64> = (0..70).map(|k| k % 11).collect();
    let expected = |n: i64| match n {
        0..=2 => 1,
        5 => 2,
        8.. => 3,
        4 => 5,
        _ => 4,
    };
    assert_eq!(ints(text, vars! { n }), n.iter().map(|&n| expected(n)).collect::<Vec<_>>());
}

#[test]
fn dtypes_settle() {
    let x = array![1.0_f32, 2.0];
    let found: DynArray = evaluate("y = 0\nwhile y < 10: y += x\nreturn y", vars! { x }).unwrap();
    assert_eq!(found.dtype(), ndexpr::DType::Float32);
    let found: DynArray = evaluate("n = 0\nwhile x < 100:\n    x *= 2\n    n += 1\nreturn n", vars! { x }).unwrap();
    assert_eq!(found.dtype(), ndexpr::DType::Int64);
    let found: DynArray = evaluate("for i in range(1, 400): x = x + i/7\nreturn x", vars! { x }).unwrap();
    assert_eq!(found.dtype(), ndexpr::DType::Float32);
}

#[test]
fn mistakes() {
    let x = array![1.0, 2.0];
    let check = |text: &str, kind: ErrorKind| {
        let error = evaluate::<DynArray>(text, vars! { x }).expect_err(text);
        assert_eq!(error.kind(), kind, "{text}: {}", error.render());
    };
    check("if x > 1: y = 1\nreturn y", ErrorKind::Statement);
    check("while x > 1:\n    y = 1\n    x -= 1\nreturn y", ErrorKind::Statement);
    check("while x > 0: x = x + sum(x)\nreturn x", ErrorKind::Unsupported);
    check("for i in range(0, 10, 0): x += 1\nreturn x", ErrorKind::Statement);
    check("while True: x += 1\nreturn x", ErrorKind::Iterations);
}

#[test]
fn limits() {
    let x = array![1.0, 2.0];
    let nested = |depth: usize| {
        let mut text = String::new();
        for level in 0..depth {
            text += &format!("{}while x < 16:\n", " ".repeat(level));
        }
        text + &format!("{}x = x + 1\nreturn x", " ".repeat(depth))
    };
    let found = evaluate::<Array1<f64>>(&nested(16), vars! { x }).expect("16 loops in each other");
    assert!(found.iter().all(|&x| x == 16.0));
    let error = evaluate::<DynArray>(&nested(17), vars! { x }).expect_err("17 loops in each other");
    assert_eq!(error.kind(), ErrorKind::Limit, "{}", error.render());
    let error =
        evaluate::<DynArray>(&("while x < 9: x = x*2\n".repeat(501) + "x"), vars! { x }).expect_err("501 loops");
    assert_eq!(error.kind(), ErrorKind::Limit, "{}", error.render());
    // More values than a compiled loop may have are no error.
    let names: Vec<String> = (0..30).map(|k| format!("v{k}")).collect();
    let start: String = names.iter().enumerate().map(|(k, name)| format!("{name} = x + {k}\n")).collect();
    let step: String = names.iter().map(|name| format!("    {name} = {name}*2\n")).collect();
    let text = format!("{start}while v0 < 100:\n{step}return {}", names.join(" + "));
    let program = Engine::global().compile(&text, &vars! { x }.signature()).expect("a program");
    let reason = program.fallback_reason().expect("it is interpreted");
    assert!(reason.contains("can be compiled"), "{reason}");
    let sum = |x: f64| (0..30).map(|k| x + f64::from(k)).sum::<f64>();
    let rounds = |x: f64| (100.0 / x).log2().ceil().exp2();
    assert_eq!(program.evaluate::<Array1<f64>>(&vars! { x }).unwrap(), x.mapv(|x| sum(x) * rounds(x)));
}

#[test]
fn a_loop_is_cancelled_in_the_middle() {
    let x = Array1::from_elem(200_000, 1.0);
    let engine = Engine::builder().threads(2).max_iterations(u64::MAX).build().expect("an engine");
    let program = engine.compile("while True: x = x*1.0001\nreturn x", &vars! { x }.signature()).expect("a program");
    let start = std::time::Instant::now();
    let progress =
        Progress::default().asking(Duration::from_millis(1), move || start.elapsed() < Duration::from_millis(20));
    let mut out = Array1::from_elem(x.len(), 0.0);
    let error = program.run_with(&vars! { x }, &mut out, Some(&progress)).expect_err("it never ends by itself");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}

#[test]
fn flow_after_updates_sees_what_they_have_left() {
    let check = |text: &str, expected: [f64; 3]| {
        for backend in [Backend::Interp, Backend::Jit] {
            let engine = Engine::builder().backend(backend).build().expect("an engine");
            let (mut u, x) = (array![1.0, 5.0, 9.0], array![2.0, 3.0, 4.0]);
            engine
                .execute(text, &vars! { x }, &mut targets! { u })
                .unwrap_or_else(|error| panic!("{text}:\n{}", error.render()));
            assert_eq!(u.to_vec(), expected, "{text}");
        }
    };
    // The condition follows from the value that the update has given.
    check("u += 1\ny = x\nwhile u + y < 10: y = y*2\nu[...] = y", [8.0, 6.0, 4.0]);
    check(
        "u += 1\nbig = u > 5\nif big:\n    y = x\n    while y < 20: y = y*2\nelse: y = u\nu[...] = y",
        [2.0, 24.0, 32.0],
    );
    check("u += 1\nn = u\nt = 0\nfor i in range(3, n): t += i\nu[...] = t", [0.0, 12.0, 42.0]);
    check("t = u*2\nu[...] = x\nwhile t < 9: t += u\nu[:-1] = t[1:]", [10.0, 18.0, 4.0]);
}

#[test]
fn functions_of_rust_in_loops_see_values_of_elements_only() {
    // A closure that panics for anything but what the loop may give it.
    let table = |x: i64| -> i64 {
        assert!((1..=100).contains(&x), "{x}");
        x / 2
    };
    let engine = Engine::builder().function(Function::scalar("half", table)).build().expect("an engine");
    for n in [1_i64, 5, 63, 64, 100, 1000] {
        let x = Array1::from_iter((0..n).map(|k| 1 + k * 7 % 100));
        let text = "steps = 0\nwhile x > 1:\n    x = half(x)\n    steps += 1\nreturn steps";
        let found: Array1<i64> =
            engine.evaluate(text, &vars! { x }).unwrap_or_else(|error| panic!("{}", error.render()));
        assert_eq!(found, x.mapv(|x: i64| i64::from(x.ilog2())), "{n}");
    }
}

#[test]
fn a_question_that_panics_in_a_loop_reaches_the_caller() {
    let engine = Engine::builder().max_iterations(u64::MAX).build().expect("an engine");
    for n in [1, 1000] {
        let x = Array1::from_elem(n, 1.0);
        let program =
            engine.compile("while True: x = x*1.0001\nreturn x", &vars! { x }.signature()).expect("a program");
        // It goes on until the loop asks.
        let start = std::time::Instant::now();
        let ask = move || start.elapsed() < Duration::from_millis(20) || std::panic::resume_unwind(Box::new("no more"));
        let progress = Progress::default().asking(Duration::from_millis(1), ask);
        let mut out = Array1::from_elem(n, 0.0);
        let run = std::panic::AssertUnwindSafe(|| program.run_with(&vars! { x }, &mut out, Some(&progress)));
        let payload = std::panic::catch_unwind(run).expect_err("the question panics");
        assert_eq!(payload.downcast_ref(), Some(&"no more"));
    }
}
