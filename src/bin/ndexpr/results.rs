//! The results of a text: the file or the memory that each is computed in, and how it is printed.
//!
//! In: what a program returns, and the files that were asked for. Out: files that appear together,
//! and the other results as text. A result of a tuple is labelled with the name that the text
//! returns, or else with its number.

use std::io::{self, Write};
use std::path::Path;

use ndexpr::{DType, OutputInfo, Program, Scalar, Vars, View, ViewMut};

use crate::array::{Order, type_and_shape};
use crate::destination::Destination;
use crate::elements::Elements;
use crate::failure::Failure;
use crate::names::normal_name;
use crate::output::{self, OutputFile};
use crate::print::write_array;
use crate::sources::did_you_mean;

/// The results of an evaluation, with memory for each.
pub(crate) struct Results {
    all: Vec<Computed>,
}

/// A result, and the memory that it is computed in.
struct Computed {
    label: Option<String>,
    memory: Memory,
}

enum Memory {
    Printed(Elements),
    File(OutputFile),
}

impl Results {
    /// Makes memory for the results of a call, and the files that results go to.
    pub(crate) fn new(program: &Program, vars: &Vars<'_>, destinations: &[Destination]) -> Result<Results, Failure> {
        let outputs: Vec<OutputInfo<'_>> = program.outputs().collect();
        let paths = assign(destinations, &outputs)?;
        let labels = labels(program.is_tuple(), &outputs);
        let (shapes, orders) = (program.result_shapes(vars)?, program.result_orders(vars)?);
        let mut all = Vec::with_capacity(outputs.len());
        for (number, label) in labels.into_iter().enumerate() {
            let (dtype, shape, axes) = (outputs[number].dtype, &shapes[number], &orders[number]);
            let memory = match paths[number] {
                Some(path) => Memory::File(OutputFile::create(path, dtype, shape, Order::of_axes(axes))?),
                None => Memory::Printed(Elements::in_memory(dtype, shape, axes)?),
            };
            all.push(Computed { label, memory });
        }
        Ok(Results { all })
    }

    /// Whether files appear at the end.
    pub(crate) fn has_files(&self) -> bool {
        self.all.iter().any(|result| matches!(result.memory, Memory::File(_)))
    }

    /// All results, to be computed.
    pub(crate) fn views_mut(&mut self) -> Result<Vec<ViewMut<'_>>, Failure> {
        self.all.iter_mut().map(|result| result.memory.elements_mut().view_mut()).collect()
    }

    /// Each result's type and shape, with its label.
    pub(crate) fn descriptions(&self) -> Vec<String> {
        let describe = |Computed { label, memory }: &Computed| {
            let elements = memory.elements();
            described(label.as_deref(), elements.dtype(), elements.shape())
        };
        self.all.iter().map(describe).collect()
    }

    /// The bytes of all results.
    pub(crate) fn n_bytes(&self) -> usize {
        self.all.iter().map(|result| result.memory.elements().n_bytes()).sum()
    }

    /// The elements of the largest result.
    pub(crate) fn most_elements(&self) -> usize {
        self.all.iter().map(|result| result.memory.elements().n_elems()).max().unwrap_or(0)
    }

    /// Makes the files appear, then prints what goes to no file.
    pub(crate) fn finish(self, out: &mut dyn Write) -> Result<(), Failure> {
        let (mut files, mut printed) = (Vec::new(), Vec::new());
        for Computed { label, memory } in self.all {
            match memory {
                Memory::File(file) => files.push(file),
                Memory::Printed(elements) => printed.push((label, elements)),
            }
        }
        output::commit(files)?;
        for (label, elements) in printed {
            print(out, label.as_deref(), &elements.view()?)?;
        }
        Ok(())
    }
}

impl Memory {
    fn elements(&self) -> &Elements {
        match self {
            Memory::Printed(elements) => elements,
            Memory::File(file) => file.elements(),
        }
    }

    fn elements_mut(&mut self) -> &mut Elements {
        match self {
            Memory::Printed(elements) => elements,
            Memory::File(file) => file.elements_mut(),
        }
    }
}

/// What each result is called where it is printed. The result of a text that returns no tuple needs
/// no label.
pub(crate) fn labels(is_tuple: bool, outputs: &[OutputInfo<'_>]) -> Vec<Option<String>> {
    let label = |(number, output): (usize, &OutputInfo<'_>)| {
        is_tuple.then(|| output.name.map_or_else(|| number.to_string(), str::to_owned))
    };
    outputs.iter().enumerate().map(label).collect()
}

/// `float64[3]`, or `y: float64[3]` with a label.
pub(crate) fn described(label: Option<&str>, dtype: DType, shape: &[usize]) -> String {
    let array = type_and_shape(dtype, shape);
    label.map_or_else(|| array.clone(), |label| format!("{label}: {array}"))
}

/// Prints a result, and what it is.
pub(crate) fn print(out: &mut dyn Write, label: Option<&str>, result: &View<'_>) -> io::Result<()> {
    // Every index that is asked for lies within the shape that is passed along.
    let mut element = |index: &[usize]| result.read(index).unwrap_or_else(|| Scalar::from_bits(result.dtype(), 0));
    write_array(out, result.dtype(), result.shape(), &mut element)?;
    writeln!(out, "{}", described(label, result.dtype(), result.shape()))
}

/// For each result, the file that it goes to. Files without names are those of the first results.
fn assign<'d>(destinations: &'d [Destination], outputs: &[OutputInfo<'_>]) -> Result<Vec<Option<&'d Path>>, Failure> {
    let names: Vec<Option<String>> = outputs.iter().map(|output| output.name.map(normal_name)).collect();
    let mut paths = vec![None; outputs.len()];
    for (idx, destination) in destinations.iter().enumerate() {
        let number = match &destination.name {
            Some(name) => number_of(name, &names)?,
            None if idx < outputs.len() => idx,
            None => {
                let results = if outputs.len() == 1 { "1 result" } else { &format!("{} results", outputs.len()) };
                return Err(Failure::Usage(format!(
                    "{} files are given for {results}; give `-o` once for each result, or leave out those to be printed",
                    destinations.len()
                )));
            }
        };
        paths[number] = Some(destination.path.as_path());
    }
    Ok(paths)
}

/// The number of the result that is returned by a name.
fn number_of(name: &str, names: &[Option<String>]) -> Result<usize, Failure> {
    let mut found = (0..names.len()).filter(|&number| names[number].as_deref() == Some(name));
    match (found.next(), found.next()) {
        (Some(number), None) => Ok(number),
        (Some(_), Some(_)) => Err(Failure::Usage(format!(
            "the text returns several results by the name `{name}`; give `-o FILE.npy` for each result, in their order"
        ))),
        (None, _) => {
            let known: Vec<&str> = names.iter().flatten().map(String::as_str).collect();
            let what = if known.is_empty() {
                "it returns nothing by a name; give `-o FILE.npy` for each result, in their order".to_owned()
            } else {
                format!("it returns by name: {}", known.join(", "))
            };
            let hint = did_you_mean(name, known);
            Err(Failure::Usage(format!("the text returns no result by the name `{name}`{hint}\n  = {what}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndexpr::{Engine, vars};

    #[test]
    fn files_are_assigned_by_name_or_in_order() {
        let engine = Engine::builder().threads(1).build().unwrap();
        let program = engine.program("y = a*2; z = a + 1; return y, a > 1, z", &vars! { a: &[1.0, 2.0] }).unwrap();
        let outputs: Vec<OutputInfo<'_>> = program.outputs().collect();
        assert_eq!(labels(true, &outputs), ["y", "1", "z"].map(|label| Some(label.to_owned())));
        let assign = |files: &[&str]| {
            let files: Vec<_> = files.iter().map(|file| Destination::parse(file.into()).unwrap()).collect();
            let paths = assign(&files, &outputs).map_err(|failure| failure.to_string())?;
            let text = |path: Option<&Path>| path.map(|path| path.display().to_string()).unwrap_or_default();
            Ok::<_, String>(paths.into_iter().map(text).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(assign(&["p.npy"]), Ok("p.npy  ".to_owned()));
        assert_eq!(assign(&["p.npy", "q.npy", "r.npy"]), Ok("p.npy q.npy r.npy".to_owned()));
        assert_eq!(assign(&["z=p.npy", "y=q.npy"]), Ok("q.npy  p.npy".to_owned()));
        let error = assign(&["p.npy"; 4]).unwrap_err();
        assert!(error.starts_with("4 files are given for 3 results"), "{error}");
        let error = assign(&["x=p.npy"]).unwrap_err();
        assert!(error.contains("`x`; did you mean `y`?") && error.contains("it returns by name: y, z"), "{error}");
    }

    #[test]
    fn a_lone_result_has_no_label() {
        let engine = Engine::builder().threads(1).build().unwrap();
        let program = engine.program("a", &vars! { a: &[1.0, 2.0] }).unwrap();
        let outputs: Vec<OutputInfo<'_>> = program.outputs().collect();
        assert_eq!(labels(program.is_tuple(), &outputs), [None]);
        assert_eq!(described(None, DType::Int8, &[3]), "int8[3]");
        assert_eq!(described(Some("y"), DType::Int8, &[3]), "y: int8[3]");
    }
}
