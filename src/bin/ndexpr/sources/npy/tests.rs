use super::header::MAGIC;
use super::*;
use crate::array::Order;
use ndexpr::DType;

fn file(version: u8, header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend([version, 0]);
    match version {
        1 => bytes.extend((header.len() as u16).to_le_bytes()),
        _ => bytes.extend((header.len() as u32).to_le_bytes()),
    }
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn dict(descr: &str, fortran: &str, shape: &str) -> String {
    format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n")
}

fn error(bytes: &[u8]) -> String {
    let error = read(bytes).unwrap_err().to_string();
    assert_eq!(Header::parse(bytes).err().map_or_else(|| error.clone(), |error| error.to_string()), error);
    error
}

#[test]
fn every_dtype_and_byte_order() {
    for (code, dtype) in [
        ("b1", DType::Bool),
        ("i1", DType::Int8),
        ("i2", DType::Int16),
        ("i4", DType::Int32),
        ("i8", DType::Int64),
        ("u1", DType::UInt8),
        ("u2", DType::UInt16),
        ("u4", DType::UInt32),
        ("u8", DType::UInt64),
        ("f4", DType::Float32),
        ("f8", DType::Float64),
    ] {
        for version in 1..=3 {
            for order in ["<", ">", "=", "|", ""] {
                let bytes = file(version, &dict(&format!("'{order}{code}'"), "False", "(2, 1)"), &[]);
                let header = Header::parse(&bytes).unwrap();
                assert_eq!((header.dtype, header.n_bytes), (dtype, 2 * dtype.size()));
                let foreign = if cfg!(target_endian = "little") { ">" } else { "<" };
                assert_eq!(header.swapped, order == foreign && dtype.size() > 1, "{order}{code}");
                assert_eq!(header.data_offset, bytes.len());
            }
        }
    }
}

#[test]
fn shapes_and_orders() {
    for (text, shape) in [
        ("()", &[][..]),
        ("(3,)", &[3]),
        ("(3L, 4L)", &[3, 4]),
        ("( 3 , 4 , )", &[3, 4]),
        ("(0, 18446744073709551615)", &[0, usize::MAX]),
    ] {
        let header = Header::parse(&file(1, &dict("'<f8'", "True", text), &[])).unwrap();
        assert_eq!((header.shape.as_slice(), header.order), (shape, Order::Fortran));
    }
}

#[test]
fn elements_are_swapped_when_they_must_be() {
    let array = read(&file(1, &dict("'>i2'", "False", "(2,)"), &[1, 2, 3, 4])[..]).unwrap();
    assert_eq!(array.data(), [0x0102_i16.to_ne_bytes(), 0x0304_i16.to_ne_bytes()].concat());
    let array = read(&file(3, &dict("'<i2'", "True", "(2, 1)"), &[1, 2, 3, 4, 5])[..]).unwrap();
    assert_eq!(array.data(), [0x0201_i16.to_ne_bytes(), 0x0403_i16.to_ne_bytes()].concat());
    assert_eq!((array.shape(), array.strides()), (&[2, 1][..], &[2, 4][..]));
}

#[test]
fn what_numpy_writes_is_what_we_write() {
    // numpy 2.4: np.save of np.zeros((3, 4), 'f4'), np.zeros(5, '?'), np.float64(0), np.zeros((2,
    // 30), 'u2', order='F')
    let cases: [(DType, &[usize], Order, &str); 4] = [
        (DType::Float32, &[3, 4], Order::C, "\x01\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }"),
        (DType::Bool, &[5], Order::C, "\x01\0v\0{'descr': '|b1', 'fortran_order': False, 'shape': (5,), }"),
        (DType::Float64, &[], Order::C, "\x01\0v\0{'descr': '<f8', 'fortran_order': False, 'shape': (), }"),
        (
            DType::UInt16,
            &[2, 30],
            Order::Fortran,
            "\x01\0v\0{'descr': '<u2', 'fortran_order': True, 'shape': (2, 30), }",
        ),
    ];
    for (dtype, shape, order, text) in cases {
        let bytes = header_bytes(dtype, shape, order);
        let mut expected = [MAGIC, text.as_bytes()].concat();
        expected.resize(127, b' ');
        expected.push(b'\n');
        if cfg!(target_endian = "little") {
            assert_eq!(bytes, expected);
        }
        let header = Header::parse(&bytes).unwrap();
        assert_eq!((header.dtype, header.shape.as_slice(), header.order), (dtype, shape, order));
        assert_eq!((header.swapped, header.data_offset), (false, 128));
    }
    let shape = [usize::MAX >> 40; 32];
    assert_eq!(header_bytes(DType::Int8, &shape, Order::C).len() % 64, 0);
}

#[test]
fn unsupported_dtypes_are_named() {
    for (descr, part) in [
        ("'<c16'", "`<c16` (complex)"),
        ("'<f2'", "`<f2` (half precision)"),
        ("'<f16'", "`<f16` (extended precision)"),
        ("'|O'", "`|O` (Python objects)"),
        ("'|S3'", "`|S3` (byte strings)"),
        ("'<U3'", "`<U3` (strings)"),
        ("'<M8[ns]'", "`<M8[ns]` (dates)"),
        ("'<m8[s]'", "`<m8[s]` (time differences)"),
        ("'|V4'", "`|V4` (raw bytes)"),
        ("'<i16'", "`<i16` (unknown)"),
        ("''", "`` (unknown)"),
        ("[('a)', '<f4', (2,)), (\"b\", [('c', '|S2')])]", "(structured)"),
    ] {
        let error = error(&file(1, &dict(descr, "False", "(3,)"), &[0; 64]));
        assert!(error.contains(part) && error.contains("possible are: bool, int8"), "{descr}: {error}");
    }
}

#[test]
fn broken_files() {
    let good = dict("'<f8'", "False", "(3,)");
    for (bytes, part) in [
        (Vec::new(), "it is empty"),
        (b"PK\x03\x04".to_vec(), "is it a .npz file?"),
        (b"\x93NUMP".to_vec(), "not a .npy file"),
        (b"\x93NUMPY".to_vec(), "ends within its header"),
        (b"\x93NUMPY\x01\0\x05".to_vec(), "ends within its header"),
        (b"\x93NUMPY\x02\0\x05\0\0".to_vec(), "ends within its header"),
        (b"\x93NUMPY\x01\0\x00\x00".to_vec(), "`{` expected at byte 0"),
        (b"\x93NUMPY\x07\x01\x05\0".to_vec(), "version 7.1"),
        (b"\x93NUMPY\x02\0\xff\xff\xff\xff".to_vec(), "4294967295 bytes"),
        (file(1, &good, &[])[..40].to_vec(), "ends within its header"),
        (file(1, "", &[]), "`{` expected"),
        (file(1, "{}", &[]), "no `descr`"),
        (file(1, "{'descr': '<f8'}", &[]), "no `fortran_order`"),
        (file(1, "{'descr': '<f8', 'fortran_order': False}", &[]), "no `shape`"),
        (file(1, "{'descr' '<f8'}", &[]), "`:` expected at byte 9"),
        (file(1, "{'descr': '<f8}", &[]), "a string that ends"),
        (file(1, "{'descr': [('a', '<f8')}", &[]), "a closing bracket"),
        (file(1, "{'descr': [(((((((", &[]), "a closing bracket"),
        (file(1, "{'color': 1}", &[]), "one of the keys"),
        (file(1, &dict("8", "False", "(3,)"), &[]), "a string expected"),
        (file(1, &dict("'<f8'", "0", "(3,)"), &[]), "True or False"),
        (file(1, &dict("'<f8'", "False", "3"), &[]), "a tuple"),
        (file(1, &dict("'<f8'", "False", "(-3,)"), &[]), "an extent"),
        (file(1, &dict("'<f8'", "False", "(99999999999999999999,)"), &[]), "an extent"),
        (file(1, &dict("'<f8'", "False", "(3]"), &[]), "`,` or `)`"),
        (file(1, &format!("{good} x"), &[]), "the end expected"),
        (file(1, &dict("'<f8'", "False", "(9999999999, 9999999999)"), &[]), "larger than memory"),
        (file(1, &dict("'<f8'", "False", &format!("({})", "1,".repeat(33))), &[]), "33 axes"),
    ] {
        let error = error(&bytes);
        assert!(error.contains(part), "{part:?} not in {error:?}");
    }
}

#[test]
fn truncated_data() {
    let bytes = file(1, &dict("'<f8'", "False", "(3,)"), &[0; 23]);
    assert_eq!(
        read(&bytes[..]).unwrap_err().to_string(),
        "the file is truncated: [3] float64 need 24 bytes, there are 23"
    );
    // 2^60 bytes are claimed; none are allocated.
    let bytes = file(1, &dict("'|u1'", "False", "(1152921504606846976,)"), &[0; 3]);
    assert!(matches!(read(&bytes[..]), Err(NpyError::Truncated { found: 3, .. })));
}

#[test]
fn files_are_mapped_unless_swapped() {
    let (native, foreign) = if cfg!(target_endian = "little") { ('<', '>') } else { ('>', '<') };
    for (order, is_mapped) in [(native, true), (foreign, false)] {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let bytes = file(1, &dict(&format!("'{order}i2'"), "False", "(1,)"), &0x0102_i16.to_be_bytes());
        std::fs::write(&path, bytes).unwrap();
        let array = load(&path).unwrap();
        assert_eq!((array.is_mapped(), array.data().len()), (is_mapped, 2));
    }
    let directory = load(Path::new(".")).unwrap_err();
    assert!(directory.to_string().contains("directory"), "{directory}");
}

#[test]
fn no_header_panics() {
    // Every prefix of a good file, and every single byte of it replaced.
    let good = file(1, &dict("'<i2'", "False", "(2, 3)"), &[7; 12]);
    for length in 0..good.len() {
        assert!(read(&good[..length]).is_err());
    }
    for at in 0..good.len() {
        for byte in [0, b'\'', b'(', b'[', b']', b'{', b'9', b',', 0x80, 0xff] {
            let mut bytes = good.clone();
            bytes[at] = byte;
            let _ = read(&bytes[..]);
        }
    }
}
