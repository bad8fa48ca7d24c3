//! The command line's grammar.

use std::num::NonZeroUsize;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Parser, Subcommand, ValueEnum};

use crate::destination::Destination;
use crate::failure::Failure;
use crate::sources::Binding;
use crate::typed_name::TypedName;

const SOURCES_HELP: &str = "\
SOURCES
  a=file.npy              an array file, memory-mapped, so it must not change meanwhile;
                          of bool, int8..int64, uint8..uint64, float32 or float64
  a=file.npz:key          one array of an archive; the key may be left out if there is only one
  a=2.5  a=3  a=true      a number: float64, int64, bool; with a type: 2.5f32, 7u8, float32(2.5)
  a='linspace(0, 1, 1e6)' a generated array:
       linspace(start, stop, n[, dtype])        arange([start, ]stop[, step][, dtype])
       random(shape[, seed][, dtype])           uniform in [0, 1); the seed defaults to one made from the name
       zeros(shape[, dtype])  ones(shape[, dtype])  full(shape, value[, dtype])
     a shape is 1e6, (1000, 1000) or 1000x1000
";

const EVAL_HELP: &str = "\
RESULTS
  A text that returns several results has each of them printed, with its name or its number. Given once,
  `-o FILE.npy` is the file of the first result; given again, of the next ones. `-o NAME=FILE.npy` is the
  file of the result that is returned by that name; write ./NAME=FILE.npy for a file of such a name.
  Results without a file are printed. The files appear when all results are there: if anything fails, or
  on Ctrl-C, existing files stay as they were.

EXAMPLES
  ndexpr eval 'a + b*2' a=a.npy b=data.npz:b -o c.npy
  ndexpr eval 'm = mean(x); return m, sqrt(mean((x - m)**2))' x=x.npy
  ndexpr eval 'lo = min(x, axis=0); hi = max(x, axis=0); return lo, hi' x=x.npy -o lo=lo.npy -o hi=hi.npy
";

const EXEC_HELP: &str = "\
UPDATES
  Arrays that the statements update come from .npy files, and are updated in these files: the dtype, the
  shape and the order stay. With `-o NAME=FILE.npy`, the array is copied to a new file and updated there;
  its source stays as it is, and may be any source.
  New files appear when everything is done: if anything fails, or on Ctrl-C, existing files stay as they
  were. A file that is updated in place has what was written until then: some of its elements may be new,
  and others as they were. `u=u.npy -o u=u.npy` updates u.npy as a whole or not at all.
  Results that the text returns are printed.

EXAMPLES
  ndexpr exec 'u[1:-1] += 0.1*(u[2:] - 2*u[1:-1] + u[:-2])' u=u.npy
  ndexpr exec 'm *= 0.9; m += 0.1*g; p -= lr*m' m=m.npy p=p.npy g=g.npy lr=1e-3
  ndexpr exec 'u[...] = maximum(u, 0); return sum(u)' u=raw.npy -o u=clean.npy
";

const TYPES_HELP: &str =
    "The variables' types: name=DTYPE for a scalar, name=DTYPE[SHAPE] for an array, such as a=f64[1000]";

/// Array expressions as text, compiled to fused, vectorised, multithreaded loops.
#[derive(Debug, Parser)]
#[command(name = "ndexpr", version, about, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Evaluate a text; print its results or write them to .npy files
    #[command(after_help = format!("{SOURCES_HELP}\n{EVAL_HELP}"))]
    Eval(EvalArgs),
    /// Run statements that update arrays in .npy files
    #[command(after_help = format!("{SOURCES_HELP}\n{EXEC_HELP}"))]
    Exec(ExecArgs),
    /// Show what a text is compiled to, stage by stage
    Explain(ExplainArgs),
    /// Time an expression against the memory's speed
    #[command(after_help = SOURCES_HELP)]
    Bench(BenchArgs),
    /// List the functions that expressions can call
    Functions(FunctionsArgs),
}

/// How to compile and run; shared by the commands that do.
#[derive(Debug, clap::Args)]
pub(crate) struct EngineArgs {
    /// Threads to use [default: the CPUs this process may use, or NDEXPR_NUM_THREADS]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// What computes: machine code, or the (slow) reference interpreter
    #[arg(long, value_enum)]
    pub(crate) backend: Option<BackendArg>,
    /// Allow fused multiply-adds, reciprocals and regrouped constants, which round differently
    #[arg(long)]
    pub(crate) fast: bool,
}

impl EngineArgs {
    /// The engine that was asked for.
    pub(crate) fn build(&self) -> Result<ndexpr::Engine, Failure> {
        // A variable that the expression does not use is likely a misspelling of one that it does.
        let mut builder = ndexpr::Engine::builder().unused(ndexpr::Unused::Deny);
        if self.fast {
            builder = builder.float_mode(ndexpr::FloatMode::Fast);
        }
        if let Some(threads) = self.threads {
            builder = builder.threads(threads.get());
        }
        if let Some(backend) = self.backend {
            builder = builder.backend(match backend {
                BackendArg::Jit => ndexpr::Backend::Jit,
                BackendArg::Interp => ndexpr::Backend::Interp,
            });
        }
        Ok(builder.build()?)
    }
}

/// Arguments of `ndexpr eval`.
#[derive(Debug, clap::Args)]
pub(crate) struct EvalArgs {
    /// The expression or program, such as 'a + b*2'
    #[arg(allow_hyphen_values = true, value_parser = parse_text)]
    pub(crate) text: String,
    /// The variables: name=SOURCE
    #[arg(value_name = "NAME=SOURCE", value_parser = Binding::parse)]
    pub(crate) bindings: Vec<Binding>,
    /// Write a result to this .npy file instead of printing it; for several results, give it again
    #[arg(short, long = "output", value_name = "[NAME=]FILE.npy",
        value_parser = OsStringValueParser::new().try_map(Destination::parse))]
    pub(crate) outputs: Vec<Destination>,
    /// Print sizes, times and bandwidth to stderr
    #[arg(long)]
    pub(crate) stats: bool,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

/// Arguments of `ndexpr exec`.
#[derive(Debug, clap::Args)]
pub(crate) struct ExecArgs {
    /// The statements, such as 'u[1:-1] += v'
    #[arg(value_name = "STATEMENTS", allow_hyphen_values = true, value_parser = parse_text)]
    pub(crate) text: String,
    /// The variables, those that are updated included: name=SOURCE
    #[arg(value_name = "NAME=SOURCE", value_parser = Binding::parse)]
    pub(crate) bindings: Vec<Binding>,
    /// Update this array in a new .npy file instead of its own; may be given for several arrays
    #[arg(short, long = "output", value_name = "NAME=FILE.npy",
        value_parser = OsStringValueParser::new().try_map(Destination::parse_named))]
    pub(crate) outputs: Vec<Destination>,
    /// Print sizes, times and bandwidth to stderr
    #[arg(long)]
    pub(crate) stats: bool,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

/// Arguments of `ndexpr explain`.
#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// The expression, program or statements that update arrays, such as 'a + b*2'
    #[arg(allow_hyphen_values = true, value_parser = parse_text)]
    pub(crate) text: String,
    /// The variables' types.
    #[arg(value_name = "NAME=TYPE", value_parser = TypedName::parse, help = TYPES_HELP)]
    pub(crate) types: Vec<TypedName>,
    /// Which stage's output to show
    #[arg(long, value_enum, default_value = "all")]
    pub(crate) stage: StageArg,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

/// Arguments of `ndexpr bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct BenchArgs {
    /// The expression, such as 'a + b*2'
    #[arg(allow_hyphen_values = true, value_parser = parse_text)]
    pub(crate) text: String,
    /// The variables: name=SOURCE
    #[arg(value_name = "NAME=SOURCE", value_parser = Binding::parse)]
    pub(crate) bindings: Vec<Binding>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

/// Arguments of `ndexpr functions`.
#[derive(Debug, clap::Args)]
pub(crate) struct FunctionsArgs {
    /// Show only functions whose name, alias or description contains this
    pub(crate) pattern: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `--backend`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BackendArg {
    /// Machine code
    Jit,
    /// The reference interpreter
    Interp,
}

/// `--stage`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StageArg {
    /// The parsed text
    Ast,
    /// The typed graph
    Hir,
    /// The graph after folding, sharing and exact algebra
    Opt,
    /// The loops
    Fuse,
    /// Each loop's straight-line code
    Tape,
    /// What is decided of a loop before instructions are chosen
    Outline,
    /// Cranelift's intermediate form
    Clif,
    /// Machine code
    Asm,
    /// Every stage in order
    All,
}

impl StageArg {
    /// The stages it stands for, in the compiler's order.
    pub(crate) fn stages(self) -> Vec<ndexpr::Stage> {
        use ndexpr::Stage;
        match self {
            StageArg::Ast => vec![Stage::Ast],
            StageArg::Hir => vec![Stage::Hir],
            StageArg::Opt => vec![Stage::Opt],
            StageArg::Fuse => vec![Stage::Fuse],
            StageArg::Tape => vec![Stage::Tape],
            StageArg::Outline => vec![Stage::Outline],
            StageArg::Clif => vec![Stage::Clif],
            StageArg::Asm => vec![Stage::Asm],
            StageArg::All => Stage::ALL.to_vec(),
        }
    }
}

/// `-a + 1` is an expression, but `--thread` is a misspelt option.
fn parse_text(text: &str) -> Result<String, String> {
    match text.strip_prefix("--") {
        Some(rest) if rest.starts_with(char::is_alphabetic) => Err(format!(
            "this reads as an unknown option; an expression that starts like this needs a space in front: ' {text}'"
        )),
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_is_consistent() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }

    #[test]
    fn expressions_may_start_with_a_minus() {
        let args = Args::try_parse_from(["ndexpr", "eval", "-a*2", "a=3"]).unwrap();
        let Command::Eval(args) = args.command else { panic!("not eval") };
        assert_eq!(args.text, "-a*2");
        let args = Args::try_parse_from(["ndexpr", "eval", "-o", "c.npy", "a", "a=3", "--threads", "2"]).unwrap();
        let Command::Eval(args) = args.command else { panic!("not eval") };
        assert_eq!((args.text.as_str(), args.outputs[0].path.as_os_str()), ("a", "c.npy".as_ref()));
        assert!(Args::try_parse_from(["ndexpr", "eval", "--thread", "a"]).is_err());
        assert!(Args::try_parse_from(["ndexpr", "eval", "a", "a=3", "--threads", "0"]).is_err());
    }
}
