//! Results that begin and end anywhere in memory: loops align their stores, and do not touch what
//! is around a result.

use ndexpr::{DType, Engine, Signature, VarType, Vars, View, ViewMut};

/// Bytes around a result.
const MARGIN: usize = 64;

/// The value of these bytes.
const UNTOUCHED: u8 = 0xa5;

/// `a*3 + b` of small integers, which every dtype holds exactly. The result has two rows with a gap
/// of one element between, and begins at every place in two registers of 256 bits.
fn check(dtype: DType, bytes_of: fn(u8) -> Vec<u8>) {
    let size = dtype.size();
    let signature = Signature::new().with("a", VarType::array(dtype)).with("b", VarType::array(dtype));
    let engine = Engine::builder().threads(1).build().unwrap();
    let program = engine.compile("a*3 + b", &signature).unwrap();
    // Less than one vector block, a few blocks, and lengths around that from which on stores are
    // aligned.
    for row_bytes in [1, 3, 31, 33, 127, 128, 500, 511, 512, 513, 1023, 1024, 1025, 4097_usize] {
        let n = row_bytes.div_ceil(size);
        let numbers = |period: usize| (0..2 * n).map(move |k| (k % period) as u8);
        let (a, b) = (numbers(61), numbers(64));
        let expected: Vec<u8> = a.clone().zip(b.clone()).flat_map(|(a, b)| bytes_of(a * 3 + b)).collect();
        let [a, b]: [Vec<u8>; 2] = [a.flat_map(bytes_of).collect(), b.flat_map(bytes_of).collect()];
        let strides = [(n * size) as isize, size as isize];
        let [a, b] = [&a, &b].map(|bytes| View::from_bytes(bytes, dtype, &[2, n], &strides, 0).unwrap());
        let inputs = Vars::new().with("a", a).with("b", b);
        let (row, rest) = (n * size, MARGIN + size);
        for offset in 0..MARGIN {
            let mut bytes = vec![UNTOUCHED; 2 * row + rest];
            let strides = [(row + size) as isize, size as isize];
            let out = ViewMut::from_bytes_mut(&mut bytes, dtype, &[2, n], &strides, offset).unwrap();
            program.run(&inputs, out).unwrap();
            let untouched = |n: usize| vec![UNTOUCHED; n];
            let parts = [untouched(offset), expected[..row].to_vec(), untouched(size), expected[row..].to_vec()];
            let wanted = [parts.concat(), untouched(MARGIN - offset)].concat();
            assert!(bytes == wanted, "{n} of {dtype} from byte {offset} on");
        }
    }
}

#[test]
fn results_at_every_place() {
    check(DType::UInt8, |k| vec![k]);
    check(DType::Int16, |k| i16::from(k).to_ne_bytes().to_vec());
    check(DType::Float32, |k| f32::from(k).to_ne_bytes().to_vec());
    check(DType::Float64, |k| f64::from(k).to_ne_bytes().to_vec());
    check(DType::Int64, |k| i64::from(k).to_ne_bytes().to_vec());
}
