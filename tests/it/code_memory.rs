//! Machine code: an engine's memory for it is bounded, comes back, and is never writable and executable.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use ndarray::{Array1, s};
use ndexpr::{Engine, Vars, raw};

/// The permissions of the process's mappings.
fn permissions() -> Vec<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("the process's mappings");
    maps.lines().filter_map(|line| line.split(' ').nth(1).map(str::to_owned)).collect()
}

#[test]
fn code_comes_back_when_programs_go() {
    let engine = Engine::builder().threads(1).cache_capacity(0).build().unwrap();
    let a = Array1::<f64>::ones(10);
    let vars = Vars::new().with("a", &a);
    assert_eq!(raw::code_bytes(&engine), 0);
    let programs: Vec<_> = (0..500).map(|k| engine.program(&format!("a*{k} + 1"), &vars).unwrap()).collect();
    for (k, program) in programs.iter().enumerate() {
        assert_eq!(program.evaluate::<Array1<f64>>(&vars).unwrap()[3], k as f64 + 1.0);
    }
    let full = raw::code_bytes(&engine);
    assert!((500 * 4096..500 * 4096 * 4).contains(&full), "{full}");
    // Programs that stay are not touched when their neighbours go.
    let odd: Vec<_> = programs.into_iter().enumerate().filter(|(k, _)| k % 2 == 1).collect();
    assert!(raw::code_bytes(&engine) <= full / 2 + 4096);
    let more: Vec<_> = (0..250).map(|k| engine.program(&format!("a - {k}"), &vars).unwrap()).collect();
    assert!(raw::code_bytes(&engine) <= full + 4096);
    for (k, program) in &odd {
        assert_eq!(program.evaluate::<Array1<f64>>(&vars).unwrap()[7], *k as f64 + 1.0);
    }
    for (k, program) in more.iter().enumerate() {
        assert_eq!(program.evaluate::<Array1<f64>>(&vars).unwrap()[7], 1.0 - k as f64);
    }
    assert!(permissions().iter().all(|permissions| !permissions.starts_with("rwx")));
    drop((odd, more));
    assert_eq!(raw::code_bytes(&engine), 0);
}

/// Three thousand layouts of one program: each operand contiguous, strided or the same for all.
#[test]
fn layouts_without_end_take_bounded_memory() {
    let engine = Engine::builder().threads(1).build().unwrap();
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let memory: Vec<Array1<f64>> = (0..8).map(|k| Array1::from_iter((0..40).map(|i| f64::from(i * (k + 1))))).collect();
    let text = names.join(" + ");
    let mut program = None;
    for layout in 0..3000_usize {
        let mut vars = Vars::new();
        let mut sum = 0.0;
        for (k, name) in names.iter().enumerate() {
            let step = layout / 3_usize.pow(k as u32) % 3;
            let view = match step {
                0 => memory[k].slice(s![..1]),
                1 => memory[k].slice(s![..20]),
                _ => memory[k].slice(s![..;2]),
            };
            sum += memory[k][5 * step];
            vars = vars.with(name, view);
        }
        let program = program.get_or_insert_with(|| engine.program(&text, &vars).unwrap());
        let result = program.evaluate::<Array1<f64>>(&vars).unwrap();
        let found = if result.len() == 1 { result[0] } else { result[5] };
        assert_eq!(found, sum, "layout {layout}");
    }
    let bytes = raw::code_bytes(&engine);
    assert!(bytes <= 66 * 3 * 4 * 4096, "{bytes}");
}
