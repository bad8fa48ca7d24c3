//! Variables: their types, for compiling, and their values, for running.

use ndexpr_grammar::normal_name;
use ndexpr_runtime::dtype::{self, DType, Scalar};
use ndexpr_runtime::exec::{Element, Flat, FlatFold, FlatMany};
use ndexpr_runtime::view::{CallArrays, View};
use std::borrow::Cow;
use std::fmt;

/// What a compiled expression needs to know of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VarType {
    /// The type of its elements.
    pub dtype: DType,
    /// Whether it is one value, and not an array of any rank. What is made of such variables alone
    /// is computed once.
    pub is_scalar: bool,
    /// Whether it has no dtype of its own, like a literal: it takes the dtype of the operand that
    /// it meets.
    pub is_weak: bool,
}

impl VarType {
    /// An array of any rank.
    #[must_use]
    pub const fn array(dtype: DType) -> VarType {
        VarType { dtype, is_scalar: false, is_weak: false }
    }

    /// A single value.
    #[must_use]
    pub const fn scalar(dtype: DType) -> VarType {
        VarType { dtype, is_scalar: true, is_weak: false }
    }

    /// A single value that promotes as a literal does, such as a number of Python's: `float32`
    /// array times a weak `float64` is `float32`. `dtype` is the type that holds the number, and
    /// the dtype that the number has where nothing else gives it one. An integer must fit the dtype
    /// that it meets, which is checked at each call. What is computed from weak values alone has
    /// the value that it would have if they were written into the text.
    #[must_use]
    pub const fn weak(dtype: DType) -> VarType {
        VarType { dtype, is_scalar: true, is_weak: true }
    }
}

impl fmt::Display for VarType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weak = if self.is_weak { "weak " } else { "" };
        let brackets = if self.is_scalar { "" } else { "[..]" };
        write!(f, "{weak}{}{brackets}", self.dtype)
    }
}

/// The names and types of the variables that an expression may use.
///
/// ```
/// use ndexpr::{DType, Signature, VarType};
///
/// let signature = Signature::new()
///     .with("a", VarType::array(DType::Float64))
///     .with("k", VarType::scalar(DType::Float32));
/// assert_eq!(signature.to_string(), "a: float64[..], k: float32");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Signature {
    vars: Vec<(String, VarType)>,
}

impl Signature {
    /// No variables.
    #[must_use]
    pub fn new() -> Signature {
        Signature::default()
    }

    /// The signature with one more variable; a variable of the same name is replaced. Spellings
    /// that Python takes as one name are one name here too: a name is kept in its normal form
    /// (Unicode's NFKC).
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, ty: VarType) -> Signature {
        let mut name = name.into();
        if let Cow::Owned(normal) = normal_name(&name) {
            name = normal;
        }
        match self.vars.iter_mut().find(|(known, _)| *known == name) {
            Some((_, place)) => *place = ty,
            None => self.vars.push((name, ty)),
        }
        self
    }

    /// The type of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<VarType> {
        let name = &*normal_name(name);
        self.vars.iter().find(|(known, _)| known == name).map(|&(_, ty)| ty)
    }

    /// About how many bytes of memory it takes.
    pub(crate) fn n_bytes(&self) -> usize {
        self.vars.iter().map(|(name, _)| name.len() + size_of::<(String, VarType)>()).sum()
    }

    /// All variables, in the order in which they were added.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, VarType)> {
        self.vars.iter().map(|(name, ty)| (name.as_str(), *ty))
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, ty)) in self.vars.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{name}: {ty}")?;
        }
        Ok(())
    }
}

/// The value of a variable: an array somewhere else, one number, or the output as it was before the
/// call.
#[derive(Clone, Debug)]
pub struct Var<'a> {
    kind: VarKind<'a>,
}

#[derive(Clone, Debug)]
enum VarKind<'a> {
    View(View<'a>),
    Scalar { dtype: DType, bytes: [u8; 8], is_weak: bool },
    Output { dtype: DType },
}

impl<'a> Var<'a> {
    /// The output of the call, as it was before: `a = a + b*2` without a second array. Its elements
    /// are of type `T`.
    ///
    /// ```
    /// use ndexpr::{Var, evaluate_into, vars};
    ///
    /// let mut a = [1.0, 2.0, 3.0];
    /// evaluate_into("a + b*2", vars! { a: Var::output::<f64>(), b: 10.0 }, &mut a[..])?;
    /// assert_eq!(a, [21.0, 22.0, 23.0]);
    /// # Ok::<(), ndexpr::Error>(())
    /// ```
    #[must_use]
    pub fn output<T: dtype::Element>() -> Var<'a> {
        Var { kind: VarKind::Output { dtype: T::DTYPE } }
    }

    /// A number that promotes as a literal does; see [`VarType::weak`].
    ///
    /// ```
    /// use ndexpr::{Var, evaluate, vars};
    ///
    /// let a = ndarray::array![1.0_f32, 2.0];
    /// let twice: ndarray::Array1<f32> = evaluate("a*k", vars! { a, k: Var::weak(2.0_f64) })?;
    /// assert_eq!(twice, ndarray::array![2.0, 4.0]);
    /// # Ok::<(), ndexpr::Error>(())
    /// ```
    #[must_use]
    pub fn weak<T: dtype::Element>(value: T) -> Var<'a> {
        Var::number(Scalar::new(value), true)
    }

    /// A number that may promote as a literal does.
    pub(crate) fn number(value: Scalar, is_weak: bool) -> Var<'static> {
        let mut var = Var::from(value);
        if let VarKind::Scalar { is_weak: place, .. } = &mut var.kind {
            *place = is_weak;
        }
        var
    }

    /// The type, as a signature has it.
    #[must_use]
    #[inline]
    pub fn ty(&self) -> VarType {
        match &self.kind {
            VarKind::View(view) => VarType::array(view.dtype()),
            VarKind::Output { dtype } => VarType::array(*dtype),
            VarKind::Scalar { dtype, is_weak: false, .. } => VarType::scalar(*dtype),
            VarKind::Scalar { dtype, is_weak: true, .. } => VarType::weak(*dtype),
        }
    }

    /// Makes it an input of a short call; false if it does not fit there.
    #[inline]
    pub(crate) fn push_to<'v>(&'v self, flat: &mut Flat<'v>) -> bool {
        match &self.kind {
            VarKind::View(view) => flat.push(view),
            VarKind::Scalar { dtype, bytes, .. } => flat.push_scalar(*dtype, bytes),
            VarKind::Output { dtype } => flat.push_output(*dtype),
        }
    }

    /// Makes it an input of a short call that reduces; false if it does not fit there.
    #[inline]
    pub(crate) fn push_to_fold<'v>(&'v self, fold: &mut FlatFold<'v>) -> bool {
        match &self.kind {
            VarKind::View(view) => fold.push(view),
            VarKind::Scalar { dtype, bytes, .. } => fold.push_scalar(*dtype, bytes),
            VarKind::Output { .. } => false,
        }
    }

    /// Makes it an input of a short call with several outputs; false if it does not fit there.
    pub(crate) fn push_to_many<'v>(&'v self, flat: &mut FlatMany<'v>) -> bool {
        match &self.kind {
            VarKind::View(view) => flat.push(view),
            VarKind::Scalar { dtype, bytes, .. } => {
                flat.push_scalar(*dtype, bytes);
                true
            }
            // With several outputs nobody knows which is meant.
            VarKind::Output { .. } => false,
        }
    }

    /// Makes it an array of a call; false if it stands for an output.
    pub(crate) fn push_to_call<'v>(&'v self, arrays: &mut CallArrays<'v>) -> bool {
        match &self.kind {
            VarKind::View(view) => arrays.push(view),
            VarKind::Scalar { dtype, bytes, .. } => arrays.push_number(*dtype, bytes),
            VarKind::Output { .. } => return false,
        }
        true
    }

    /// The only element, if it is a number or an array of rank 0.
    pub(crate) fn element(&self) -> Option<Element> {
        match &self.kind {
            VarKind::Scalar { dtype, bytes, .. } => Some((*dtype, *bytes)),
            VarKind::View(view) => match Var::from(view.read(&[])?).kind {
                VarKind::Scalar { dtype, bytes, .. } => Some((dtype, bytes)),
                VarKind::View(_) | VarKind::Output { .. } => None,
            },
            VarKind::Output { .. } => None,
        }
    }

    /// The array, if it is one.
    pub(crate) fn as_view(&self) -> Option<&View<'a>> {
        match &self.kind {
            VarKind::View(view) => Some(view),
            VarKind::Scalar { .. } | VarKind::Output { .. } => None,
        }
    }

    pub(crate) fn is_output(&self) -> bool {
        matches!(self.kind, VarKind::Output { .. })
    }

    /// The value as a view; a number is one of rank 0. None if it is the output.
    pub(crate) fn view(&self) -> Option<View<'_>> {
        match &self.kind {
            VarKind::View(view) => Some(view.clone()),
            VarKind::Scalar { dtype, bytes, .. } => {
                Some(View::from_bytes(bytes, *dtype, &[], &[], 0).expect("8 bytes hold any element"))
            }
            VarKind::Output { .. } => None,
        }
    }
}

impl<'a> From<View<'a>> for Var<'a> {
    fn from(view: View<'a>) -> Var<'a> {
        Var { kind: VarKind::View(view) }
    }
}

impl<'a> From<&View<'a>> for Var<'a> {
    fn from(view: &View<'a>) -> Var<'a> {
        view.clone().into()
    }
}

impl From<Scalar> for Var<'_> {
    fn from(scalar: Scalar) -> Self {
        let mut bytes = [0; 8];
        match scalar.dtype().size() {
            1 => bytes[..1].copy_from_slice(&(scalar.bits() as u8).to_ne_bytes()),
            2 => bytes[..2].copy_from_slice(&(scalar.bits() as u16).to_ne_bytes()),
            4 => bytes[..4].copy_from_slice(&(scalar.bits() as u32).to_ne_bytes()),
            _ => bytes.copy_from_slice(&scalar.bits().to_ne_bytes()),
        }
        Var { kind: VarKind::Scalar { dtype: scalar.dtype(), bytes, is_weak: false } }
    }
}

macro_rules! scalar_vars {
    ($($ty:ty)*) => {$(
        impl From<$ty> for Var<'_> {
            fn from(value: $ty) -> Self {
                Scalar::new(value).into()
            }
        }
        impl From<&$ty> for Var<'_> {
            fn from(value: &$ty) -> Self {
                Scalar::new(*value).into()
            }
        }
    )*};
}

scalar_vars!(bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64);

impl<'a, S, D> From<&'a ndarray::ArrayBase<S, D>> for Var<'a>
where
    S: ndarray::Data,
    S::Elem: dtype::Element,
    D: ndarray::Dimension,
{
    fn from(array: &'a ndarray::ArrayBase<S, D>) -> Var<'a> {
        View::from(array).into()
    }
}

impl<'a, T: dtype::Element, D: ndarray::Dimension> From<ndarray::ArrayView<'a, T, D>> for Var<'a> {
    fn from(array: ndarray::ArrayView<'a, T, D>) -> Var<'a> {
        View::from(array).into()
    }
}

impl<'a, T: dtype::Element> From<&'a [T]> for Var<'a> {
    fn from(slice: &'a [T]) -> Var<'a> {
        View::from_slice(slice).into()
    }
}

impl<'a, T: dtype::Element> From<&'a Vec<T>> for Var<'a> {
    fn from(vec: &'a Vec<T>) -> Var<'a> {
        View::from_slice(vec).into()
    }
}

impl<'a, T: dtype::Element, const N: usize> From<&'a [T; N]> for Var<'a> {
    fn from(array: &'a [T; N]) -> Var<'a> {
        View::from_slice(array).into()
    }
}

impl<'a, T: dtype::Element> From<&'a &[T]> for Var<'a> {
    fn from(slice: &'a &[T]) -> Var<'a> {
        View::from_slice(slice).into()
    }
}

/// Variables and their values, by name. Usually made by [`vars!`](crate::vars!).
#[derive(Clone, Debug, Default)]
pub struct Vars<'a> {
    vars: Vec<(&'a str, Var<'a>)>,
}

impl<'a> Vars<'a> {
    /// No variables.
    #[must_use]
    pub fn new() -> Vars<'a> {
        Vars::default()
    }

    /// The variables with one more: a reference to an ndarray of any kind, a slice, a `Vec`, a
    /// [`View`] or a number. A variable of the same name is replaced.
    #[must_use]
    pub fn with(mut self, name: &'a str, value: impl Into<Var<'a>>) -> Vars<'a> {
        let value = value.into();
        let is_it = |known: &str| known == name || (!name.is_ascii() && is_same_name(known, name));
        match self.vars.iter_mut().find(|(known, _)| is_it(known)) {
            Some((_, place)) => *place = value,
            None => self.vars.push((name, value)),
        }
        self
    }

    /// The value of a variable, whichever spelling of its name it was added by.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Var<'a>> {
        let found = self.vars.iter().find(|(known, _)| *known == name);
        let found = found.or_else(|| self.vars.iter().find(|(known, _)| is_same_name(known, name)));
        found.map(|(_, var)| var)
    }

    /// The value of a variable that was probably added as the `place`th.
    #[inline]
    pub(crate) fn get_near(&self, name: &str, place: usize) -> Option<&Var<'a>> {
        match self.vars.get(place) {
            // Names are short, so comparing byte by byte is faster than calling the function that
            // compares slices.
            Some((known, var)) if known.len() == name.len() && known.bytes().eq(name.bytes()) => Some(var),
            _ => self.get(name),
        }
    }

    /// All variables, in the order in which they were added.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'a str, &Var<'a>)> {
        self.vars.iter().map(|(name, var)| (*name, var))
    }

    /// The names and types.
    #[must_use]
    pub fn signature(&self) -> Signature {
        Signature { vars: self.vars.iter().map(|(name, var)| (normal_name(name).into_owned(), var.ty())).collect() }
    }
}

/// True if Python takes both spellings as one name.
pub(crate) fn is_same_name(a: &str, b: &str) -> bool {
    a == b || ((!a.is_ascii() || !b.is_ascii()) && normal_name(a) == normal_name(b))
}

/// Makes [`Vars`]: `vars! { a, b }` takes the variables of these names by reference, and `name:
/// value` anything that is [`Into<Var>`](crate::Var): references to arrays and slices, array views,
/// and numbers.
///
/// ```
/// use ndarray::{array, s};
///
/// let a = array![1.0, 2.0, 3.0, 4.0];
/// let k = 10.0;
/// let sum: ndarray::Array1<f64> =
///     ndexpr::evaluate("a*k + b", ndexpr::vars! { a, k, b: a.slice(s![..;-1]) })?;
/// assert_eq!(sum, array![14.0, 23.0, 32.0, 41.0]);
/// # Ok::<(), ndexpr::Error>(())
/// ```
#[macro_export]
macro_rules! vars {
    (@add $vars:expr,) => { $vars };
    (@add $vars:expr, $name:ident : $value:expr $(, $($rest:tt)*)?) => {
        $crate::vars!(@add $vars.with(stringify!($name), $value), $($($rest)*)?)
    };
    (@add $vars:expr, $name:ident $(, $($rest:tt)*)?) => {
        $crate::vars!(@add $vars.with(stringify!($name), &$name), $($($rest)*)?)
    };
    ($($vars:tt)*) => {
        $crate::vars!(@add $crate::Vars::new(), $($vars)*)
    };
}
