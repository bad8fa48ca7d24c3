//! The records of `tests/data/golden/every_axis.txt`.

use crate::golden_format::{
    digest_of, directory, dtype_name, made, parse_bits, parse_errors, parse_input_bits, parse_shape, stated_count,
};
use ndexpr::DType;
use std::collections::BTreeMap;
use std::sync::LazyLock;

pub(super) struct Input {
    pub(super) dtype: DType,
    pub(super) shape: Vec<usize>,
    pub(super) bits: Vec<u64>,
}

pub(super) struct Record {
    pub(super) line: usize,
    pub(super) text: String,
    pub(super) input: String,
    pub(super) dtype: DType,
    pub(super) shape: Vec<usize>,
    /// The shape with `keepdims=True`, if the function takes that.
    pub(super) kept: Option<Vec<usize>>,
    pub(super) expected: Expected,
}

#[derive(Clone)]
pub(super) enum Expected {
    /// Every `step`th element, and the error that each may have; results are exact if there are no
    /// errors.
    Elements { step: usize, bits: Vec<Option<u64>>, errors: Vec<f64> },
    /// The digest of all elements.
    Digest(u64),
}

pub(super) struct Golden {
    pub(super) inputs: BTreeMap<String, Input>,
    pub(super) records: Vec<Record>,
}

impl Golden {
    pub(super) fn get() -> &'static Golden {
        static GOLDEN: LazyLock<Golden> = LazyLock::new(Golden::read);
        &GOLDEN
    }

    fn read() -> Golden {
        let path = directory().join("every_axis.txt");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut golden = Golden { inputs: BTreeMap::new(), records: Vec::new() };
        for (idx, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
            golden.line(idx + 1, line).unwrap_or_else(|| panic!("line {}: {line}", idx + 1));
        }
        assert_eq!(Some(golden.records.len()), stated_count(&text), "the number of records is not the header's");
        golden
    }

    fn line(&mut self, line: usize, content: &str) -> Option<()> {
        let (kind, rest) = content.split_once(' ')?;
        let fields: Vec<&str> = rest.split(" ; ").collect();
        let hex = |digits| u64::from_str_radix(digits, 16).ok();
        let (&[text, input, dtype, shape, kept], expected) = (match (kind, &*fields) {
            ("input", &[name, dtype, shape, "C", values]) => {
                return self.input(name, dtype, shape, |_, _| parse_input_bits(values));
            }
            ("made", &[name, dtype, shape, kind, seed, digest]) => {
                let seed = seed.parse().ok()?;
                self.input(name, dtype, shape, |dtype, n| made(dtype, kind, n, seed))?;
                let input = &self.inputs[name];
                let found = digest_of(input.dtype, input.bits.iter().copied());
                assert_eq!(Some(found), hex(digest), "{name} is made otherwise than by make_golden.py");
                return Some(());
            }
            ("along", [first @ .., values, errors]) => {
                let first: &[&str; 5] = first.try_into().ok()?;
                let expected = match values.strip_prefix('=') {
                    Some(call) => {
                        let is_same = |record: &&Record| record.text == call && record.input == first[1];
                        self.records.iter().rev().find(is_same)?.expected.clone()
                    }
                    None => elements("1", values, errors)?,
                };
                Some((first, expected))
            }
            ("some", [first @ .., step, values, errors]) => {
                Some((first.try_into().ok()?, elements(step, values, errors)?))
            }
            ("all", [first @ .., digest]) => Some((first.try_into().ok()?, Expected::Digest(hex(digest)?))),
            _ => None,
        })?;
        let record = Record {
            line,
            text: text.to_owned(),
            input: input.to_owned(),
            dtype: DType::from_name(dtype_name(dtype)?)?,
            shape: parse_shape(shape)?,
            kept: if kept == "-" { None } else { Some(parse_shape(kept)?) },
            expected,
        };
        let n_elems: usize = record.shape.iter().product();
        let is_whole = match &record.expected {
            Expected::Elements { step, bits, errors } => {
                bits.len() == n_elems.div_ceil(*step) && (errors.is_empty() || errors.len() == bits.len())
            }
            Expected::Digest(_) => true,
        };
        (is_whole && self.inputs.contains_key(input)).then(|| self.records.push(record))
    }

    fn input(
        &mut self,
        name: &str,
        dtype: &str,
        shape: &str,
        bits: impl FnOnce(DType, usize) -> Option<Vec<u64>>,
    ) -> Option<()> {
        let (dtype, shape) = (DType::from_name(dtype_name(dtype)?)?, parse_shape(shape)?);
        let bits = bits(dtype, shape.iter().product())?;
        self.inputs.insert(name.to_owned(), Input { dtype, shape, bits }).is_none().then_some(())
    }

    /// The records about an input that fits, by text: each text is compiled once.
    pub(super) fn of(&self, is_wanted: impl Fn(&str, &Input) -> bool) -> BTreeMap<&str, Vec<&Record>> {
        let mut by_text: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
        for record in &self.records {
            if is_wanted(&record.input, &self.inputs[&record.input]) {
                by_text.entry(&record.text).or_default().push(record);
            }
        }
        by_text
    }
}

pub(super) fn elements(step: &str, values: &str, errors: &str) -> Option<Expected> {
    let errors = if errors == "-" { Vec::new() } else { parse_errors(errors)? };
    Some(Expected::Elements { step: step.parse().ok()?, bits: parse_bits(values)?, errors })
}
