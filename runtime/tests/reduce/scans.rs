//! Scans against plain loops: cut in two, in place, and of whole rows at every CPU level.

use crate::support::{KINDS, Memory, elements, float, int, levels, of_float};
use ndexpr_runtime::dtype::{DType, Scalar};
use ndexpr_runtime::reduce::{SIDE_BY_SIDE, ScanOp, Scanner};

/// The running sums or products of a plain loop.
fn scanned(op: ScanOp, x: &[Scalar]) -> Vec<Scalar> {
    let dtype = x[0].dtype();
    let wide = Scanner::new(op, dtype).result_dtype();
    let (mut float_carry, mut int_carry) = if op == ScanOp::CumSum { (-0.0, 0_u64) } else { (1.0, 1) };
    let next = |&x: &Scalar| {
        if dtype.is_float() {
            float_carry = if op == ScanOp::CumSum { float_carry + float(x) } else { float_carry * float(x) };
            return of_float(dtype, float_carry);
        }
        let x = int(x) as u64;
        int_carry = if op == ScanOp::CumSum { int_carry.wrapping_add(x) } else { int_carry.wrapping_mul(x) };
        Scalar::from_bits(wide, int_carry)
    };
    x.iter().map(next).collect()
}

/// `n` elements of `dtype` in memory.
///
/// # Safety
///
/// They are there.
unsafe fn read(dtype: DType, n: usize, ptr: *const u8) -> Vec<Scalar> {
    // SAFETY: the caller's word.
    let bytes = unsafe { std::slice::from_raw_parts(ptr, n * dtype.size()) };
    let bits = |bytes: &[u8]| bytes.iter().rev().fold(0, |bits, &byte| bits << 8 | u64::from(byte));
    bytes.chunks(dtype.size()).map(|bytes| Scalar::from_bits(dtype, bits(bytes))).collect()
}

#[test]
fn scans_are_those_of_plain_loops() {
    for (op, dtype) in [ScanOp::CumSum, ScanOp::CumProd].into_iter().flat_map(|op| DType::ALL.map(|d| (op, d))) {
        for (kind, n) in KINDS.into_iter().flat_map(|kind| [1, 2, 33, 1000].map(|n| (kind, n))) {
            let x = elements(kind, dtype, n);
            let expected = scanned(op, &x);
            let scanner = Scanner::new(op, dtype);
            let result = scanner.result_dtype();
            let (memory, mut out) = (Memory::new(&x, 3), vec![0_u8; n * result.size() + 1]);
            let (mut carry, cut) = (scanner.start(), n / 3);
            // SAFETY: the first elements and then the rest, to room for their results.
            let actual = unsafe {
                let out = out.as_mut_ptr().add(1);
                scanner.scan(cut, memory.ptr(), out, &mut carry);
                let (src, rest) = (memory.ptr().add(cut * dtype.size()), out.add(cut * result.size()));
                scanner.scan(n - cut, src, rest, &mut carry);
                read(result, n, out)
            };
            assert_eq!(actual, expected, "{op:?} {dtype} {kind:?}");
            if result.size() == dtype.size() {
                let mut memory = Memory::new(&x, 0);
                let in_place = memory.0.as_mut_ptr().cast::<u8>();
                // SAFETY: elements and results are of the same size.
                let actual = unsafe {
                    scanner.scan(n, in_place, in_place, &mut scanner.start());
                    read(result, n, in_place)
                };
                assert_eq!(actual, expected, "{op:?} {dtype} {kind:?} in place");
            }
        }
    }
}

#[test]
fn scans_of_rows_are_scans_of_columns_at_every_level() {
    for (op, dtype) in [ScanOp::CumSum, ScanOp::CumProd].into_iter().flat_map(|op| DType::ALL.map(|d| (op, d))) {
        for ((kind, lanes), level) in KINDS
            .into_iter()
            .flat_map(|kind| [1, 5, 16, 37].map(|lanes| (kind, lanes)))
            .flat_map(|case| levels().map(move |level| (case, level)))
        {
            let rows = 9;
            let x = elements(kind, dtype, rows * lanes);
            let scanner = Scanner::at(op, dtype, level);
            let result = scanner.result_dtype();
            let (memory, mut out) = (Memory::new(&x, 1), vec![0_u8; rows * lanes * result.size()]);
            let mut carries = vec![scanner.start(); lanes];
            let (src_stride, out_stride) = (lanes * dtype.size(), lanes * result.size());
            // SAFETY: two rows and then the rest, to room for their results.
            let actual = unsafe {
                for (row, n) in [(0, 2), (2, rows - 2)] {
                    let (src, out) = (memory.ptr().add(row * src_stride), out.as_mut_ptr().add(row * out_stride));
                    scanner.scan_rows(n, src, src_stride as isize, out, out_stride as isize, &mut carries);
                }
                read(result, rows * lanes, out.as_ptr())
            };
            for lane in 0..lanes {
                let column = |x: &[Scalar]| (0..rows).map(|row| x[row * lanes + lane]).collect::<Vec<_>>();
                assert_eq!(column(&actual), scanned(op, &column(&x)), "{op:?} {dtype} {kind:?} {}", level.name());
            }
        }
    }
}

#[test]
fn rows_side_by_side_are_rows_one_by_one() {
    for (op, dtype) in [ScanOp::CumSum, ScanOp::CumProd].into_iter().flat_map(|op| DType::ALL.map(|d| (op, d))) {
        for (kind, n) in KINDS.into_iter().flat_map(|kind| [1, 2, 63, 512].map(|n| (kind, n))) {
            let x = elements(kind, dtype, n * SIDE_BY_SIDE);
            let scanner = Scanner::new(op, dtype);
            let result = scanner.result_dtype();
            // Elements follow one another, and there are 5 bytes between the rows of results.
            let (stride, out_stride) = (n * dtype.size(), n * result.size() + 5);
            let (memory, mut out) = (Memory::new(&x, 1), vec![0xa5_u8; out_stride * SIDE_BY_SIDE]);
            // In two parts, of which the first may be empty.
            let mut carries = [scanner.start(); SIDE_BY_SIDE];
            let (cut, out_ptr) = (n / 3, out.as_mut_ptr());
            // SAFETY: so many rows of elements are there, and room for as many of results.
            unsafe {
                let strides = (stride as isize, out_stride as isize);
                scanner.scan_side_by_side(cut, memory.ptr(), strides.0, out_ptr, strides.1, &mut carries);
                let (src, rest) = (memory.ptr().add(cut * dtype.size()), out_ptr.add(cut * result.size()));
                scanner.scan_side_by_side(n - cut, src, strides.0, rest, strides.1, &mut carries);
            }
            for (row, x) in x.chunks(n).enumerate() {
                let out = &out[row * out_stride..][..out_stride];
                // SAFETY: they were written above.
                let actual = unsafe { read(result, n, out.as_ptr()) };
                assert_eq!(actual, scanned(op, x), "{op:?} {dtype} {kind:?}, row {row} of {n}");
                assert_eq!(out[n * result.size()..], [0xa5; 5]);
            }
        }
    }
}
