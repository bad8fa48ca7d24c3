//! The operations of the language and the dtypes that they are defined for, as found by asking the
//! compiler. So a new function is in every test without further work.

use ndexpr::{Backend, DType, Engine, FunctionInfo, Signature, VarType};
use std::sync::LazyLock;

/// Something to write: a function call or an operator.
#[derive(Clone, Debug)]
pub(crate) struct Op {
    /// Its name in reports.
    pub(crate) name: String,
    /// The text, with a `$` for each argument.
    pub(crate) template: String,
    pub(crate) arity: usize,
    /// The argument that is a condition: of any dtype, whatever the others are.
    pub(crate) condition: Option<usize>,
    /// True if an integer argument may meet any integer literal.
    pub(crate) is_comparison: bool,
    /// True if a negative literal may not be the second argument.
    pub(crate) is_power: bool,
    /// True if it runs along axes: the result has another shape, and it is an error if the axis
    /// does not exist.
    pub(crate) is_along_axes: bool,
}

impl Op {
    /// The operation applied to these texts.
    pub(crate) fn text(&self, args: &[String]) -> String {
        let mut args = args.iter();
        let mut text = String::new();
        for piece in self.template.split_inclusive('$') {
            match piece.strip_suffix('$') {
                Some(before) => {
                    text.push_str(before);
                    text.push_str(args.next().expect("as many as the template has places"));
                }
                None => text.push_str(piece),
            }
        }
        text
    }
}

/// An operation on arguments of one dtype.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Form {
    /// Index of the operation.
    pub(crate) op: usize,
    pub(crate) args: DType,
    pub(crate) result: DType,
}

pub(crate) struct Language {
    pub(crate) ops: Vec<Op>,
    /// All operations on all dtypes that they are defined for.
    pub(crate) forms: Vec<Form>,
    /// Indices of `forms`, by result dtype.
    by_result: Vec<Vec<usize>>,
    /// What two dtypes promote to.
    meets: Vec<Vec<DType>>,
}

const OPERATORS: &[(&str, &str)] = &[
    ("neg", "(-$)"),
    ("pos", "(+$)"),
    ("~", "(~$)"),
    ("not", "(not $)"),
    ("+", "($ + $)"),
    ("-", "($ - $)"),
    ("*", "($ * $)"),
    ("/", "($ / $)"),
    ("//", "($ // $)"),
    ("%", "($ % $)"),
    ("**", "($ ** $)"),
    ("<<", "($ << $)"),
    (">>", "($ >> $)"),
    ("&", "($ & $)"),
    ("^", "($ ^ $)"),
    ("|", "($ | $)"),
    ("and", "($ and $)"),
    ("or", "($ or $)"),
    ("<", "($ < $)"),
    ("<=", "($ <= $)"),
    (">", "($ > $)"),
    (">=", "($ >= $)"),
    ("==", "($ == $)"),
    ("!=", "($ != $)"),
    ("< <=", "($ < $ <= $)"),
    ("!= > >=", "($ != $ > $ >= $)"),
    ("if else", "($ if $ else $)"),
];

impl Language {
    /// The language, asked for once.
    pub(crate) fn get() -> &'static Language {
        static LANGUAGE: LazyLock<Language> = LazyLock::new(Language::ask);
        &LANGUAGE
    }

    fn ask() -> Language {
        let mut ops: Vec<Op> = Vec::new();
        for (name, template) in OPERATORS {
            ops.push(Op {
                name: (*name).to_owned(),
                template: (*template).to_owned(),
                arity: template.matches('$').count(),
                condition: (*name == "if else").then_some(1),
                is_comparison: name.contains(['<', '>', '=']) && !matches!(*name, "<<" | ">>"),
                is_power: *name == "**",
                is_along_axes: false,
            });
        }
        for function in ndexpr::functions() {
            if function.params.contains(&"axis=None") {
                ops.extend(along_axes(&function));
                continue;
            }
            let places = vec!["$"; function.params.len()].join(", ");
            ops.push(Op {
                name: function.name.to_owned(),
                template: format!("{}({places})", function.name),
                arity: function.params.len(),
                condition: function.params.iter().position(|param| *param == "condition"),
                is_comparison: false,
                is_power: function.name == "power",
                is_along_axes: false,
            });
        }
        let engine = engine();
        let mut forms = Vec::new();
        let mut by_result = vec![Vec::new(); DType::ALL.len()];
        for (i, op) in ops.iter().enumerate() {
            for dtype in DType::ALL {
                if let Some(result) = result_of(&engine, op, dtype) {
                    by_result[result as usize].push(forms.len());
                    forms.push(Form { op: i, args: dtype, result });
                }
            }
        }
        let meet = |a: DType, b: DType| {
            let signature = Signature::new().with("a", VarType::array(a)).with("b", VarType::array(b));
            engine.compile("where(True, a, b)", &signature).expect("any two dtypes meet").result_dtype()
        };
        let meets = DType::ALL.map(|a| DType::ALL.map(|b| meet(a, b)).to_vec()).to_vec();
        Language { ops, forms, by_result, meets }
    }

    /// The indices of the forms with this result.
    pub(crate) fn forms_of(&self, result: DType) -> &[usize] {
        &self.by_result[result as usize]
    }

    /// True if an operand of dtype `other` beside one of `dtype` does not change the dtype that is
    /// computed in.
    pub(crate) fn is_absorbed(&self, other: DType, dtype: DType) -> bool {
        self.meets[dtype as usize][other as usize] == dtype
    }

    /// The name of a form in reports.
    pub(crate) fn form_name(&self, form: Form) -> String {
        format!("{} of {}", self.ops[form.op].name, form.args)
    }
}

/// A function along axes with some options. Its result broadcasts to the shape of its argument.
fn along_axes(function: &FunctionInfo<'_>) -> impl Iterator<Item = Op> {
    let options: &[&str] = match function.params.contains(&"keepdims=False") {
        true => &["", ", axis=0", ", axis=-1, keepdims=True"],
        false => &[", axis=0", ", axis=-1"],
    };
    options.iter().map(|options| Op {
        name: format!("{}{options}", function.name),
        template: format!("{}(${options})", function.name),
        arity: 1,
        condition: None,
        is_comparison: false,
        is_power: false,
        is_along_axes: true,
    })
}

/// The result's dtype of an operation on arrays of one dtype; none if there is no such operation.
fn result_of(engine: &Engine, op: &Op, dtype: DType) -> Option<DType> {
    let names: Vec<String> = (0..op.arity).map(|i| format!("x{i}")).collect();
    let mut signature = Signature::new();
    for (i, name) in names.iter().enumerate() {
        let dtype = if op.condition == Some(i) { DType::Bool } else { dtype };
        signature = signature.with(name, VarType::array(dtype));
    }
    Some(engine.compile(&op.text(&names), &signature).ok()?.result_dtype())
}

/// An engine that compiles nothing to machine code, which finding a type does not need.
fn engine() -> Engine {
    Engine::builder().backend(Backend::Interp).threads(1).build().expect("an engine")
}
