fn main() {
    let a = ndarray::Array1::linspace(0.0, 1.0, 1000);
    let b = ndarray::Array1::from_elem(1000, 3.0);
    let e = ndexpr::Engine::global();
    let v = ndexpr::vars! {a, b};
    let p = e.compile(&std::env::args().nth(1).unwrap(), &v.signature()).unwrap();
    for s in ndexpr::Stage::ALL {
        println!("== {s}\n{}", p.explain(s));
    }
    println!("{:?} {:?}", p.backend(), p.fallback_reason());
    println!("{:?}", p.compile_times());
    let r: ndexpr::DynArray = p.evaluate(&v).unwrap();
    println!("{:?}", r.scalars().take(5).collect::<Vec<_>>());
}
