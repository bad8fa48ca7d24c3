//! [`OutputPool`]: results whose memory is used again.

use crate::array::DynArray;
use crate::bounded_lock::BoundedLock;
use crate::error::Error;
use crate::vars::Var;
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::memory::Output;
use ndexpr_runtime::view::{View, ViewMut};
use std::fmt;

/// Memory for results that is used again, for callers that evaluate the same expression again and
/// again.
///
/// A large result's memory is new to the process at every call: the system has to find and clear
/// its pages, which takes several times as long as most expressions do.
/// [`Program::evaluate_pooled`](crate::Program::evaluate_pooled) takes memory from here, and when
/// its [`Pooled`] result is dropped the memory comes back.
///
/// ```
/// use ndexpr::{DType, Engine, OutputPool, vars};
///
/// let engine = Engine::builder().threads(1).build()?;
/// let a = vec![0.5; 1000];
/// let program = engine.program("a*2 + 1", &vars! { a })?;
/// let pool = OutputPool::new(64 << 20);
/// for _ in 0..10 {
///     let result = program.evaluate_pooled(&vars! { a }, &pool)?;       // the same memory each time
///     let total: f64 = engine.evaluate("sum(x)", &vars! { x: result.view() })?;
///     assert_eq!((total, result.dtype(), result.shape()), (2000.0, DType::Float64, &[1000][..]));
/// }
/// # Ok::<(), ndexpr::Error>(())
/// ```
pub struct OutputPool {
    max_bytes: usize,
    /// Memory that is not in use; what has been unused for the longest time comes first.
    unused: BoundedLock<Vec<Output>>,
}

impl OutputPool {
    /// A pool that keeps at most so many bytes, not counting the memory that is in use.
    #[must_use]
    pub fn new(max_bytes: usize) -> OutputPool {
        OutputPool { max_bytes, unused: BoundedLock::new(Vec::new()) }
    }

    /// The bytes that wait to be used again.
    #[must_use]
    pub fn unused_bytes(&self) -> usize {
        self.unused.lock().map_or(0, |unused| unused.iter().map(n_bytes).sum())
    }

    /// An array whose elements may be anything. Its memory is that of an earlier array of as many
    /// elements of the same dtype, or new.
    pub(crate) fn take(&self, dtype: DType, shape: &[usize], order: &[usize]) -> Result<Pooled<'_>, Error> {
        let n_elems = shape.iter().try_fold(1_usize, |n, &extent| n.checked_mul(extent));
        let found = self.unused.lock().and_then(|mut unused| {
            let place = unused.iter().rposition(|output| output.dtype() == dtype && Some(output.n_elems()) == n_elems);
            place.map(|place| unused.remove(place))
        });
        let output = match found {
            Some(output) => output.reshaped(shape, order)?,
            None => Output::new(dtype, shape, order)?,
        };
        Ok(Pooled { output: Some(output), pool: self })
    }

    fn give_back(&self, output: Output) {
        if n_bytes(&output) > self.max_bytes {
            return;
        }
        let mut surplus = Vec::new();
        let Some(mut unused) = self.unused.lock() else {
            return;
        };
        unused.push(output);
        let mut bytes: usize = unused.iter().map(n_bytes).sum();
        while bytes > self.max_bytes {
            let oldest = unused.remove(0);
            bytes -= n_bytes(&oldest);
            surplus.push(oldest);
        }
        // Freed without the lock.
        drop(unused);
    }
}

impl fmt::Debug for OutputPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputPool")
            .field("max_bytes", &self.max_bytes)
            .field("unused_bytes", &self.unused_bytes())
            .finish()
    }
}

fn n_bytes(output: &Output) -> usize {
    output.n_elems() * output.dtype().size()
}

/// A result in memory of an [`OutputPool`], which takes it back when this is dropped.
pub struct Pooled<'p> {
    /// `Some` until this is dropped.
    output: Option<Output>,
    pool: &'p OutputPool,
}

impl Pooled<'_> {
    fn output(&self) -> &Output {
        self.output.as_ref().expect("the memory is there until it is given back")
    }

    /// The type of the elements.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.output().dtype()
    }

    /// The extents, outermost axis first; none for a single value.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.output().shape()
    }

    /// The result, for example as a variable of another expression.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        self.output().view()
    }

    /// The result, to be written to.
    #[must_use]
    pub fn view_mut(&mut self) -> ViewMut<'_> {
        self.output.as_mut().expect("the memory is there until it is given back").view_mut()
    }

    /// The result as an array of its own, without copying: the pool does not get its memory back.
    #[must_use]
    pub fn into_array(mut self) -> DynArray {
        DynArray::new(self.output.take().expect("the memory is there until it is given back"))
    }
}

impl Drop for Pooled<'_> {
    fn drop(&mut self) {
        if let Some(output) = self.output.take() {
            self.pool.give_back(output);
        }
    }
}

impl<'a> From<&'a Pooled<'_>> for Var<'a> {
    fn from(result: &'a Pooled<'_>) -> Self {
        result.view().into()
    }
}

impl fmt::Debug for Pooled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pooled({}{:?})", self.dtype(), self.shape())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Engine, vars};

    #[test]
    fn memory_comes_back_and_is_used_again() {
        let pool = OutputPool::new(1 << 20);
        let engine = Engine::builder().threads(1).build().unwrap();
        let (a, b) = (ndarray::Array2::<f64>::ones((30, 40)), ndarray::Array1::<f64>::ones(1200));
        let program = engine.program("a + 1", &vars! { a }).unwrap();
        let first = program.evaluate_pooled(&vars! { a }, &pool).unwrap();
        let second = program.evaluate_pooled(&vars! { a }, &pool).unwrap();
        let (ptr, other) = (first.view().as_ptr(), second.view().as_ptr());
        assert_ne!(ptr, other, "two results at once");
        drop(first);
        assert_eq!(pool.unused_bytes(), 9600);
        let third = program.evaluate_pooled(&vars! { a: &b }, &pool).unwrap();
        assert_eq!((third.view().as_ptr(), third.shape()), (ptr, &[1200][..]), "the same memory in another shape");
        assert!(third.view().scalars().all(|x| x.get() == Some(2.0)));
        let kept = third.into_array();
        drop(second);
        assert_eq!((kept.shape(), pool.unused_bytes()), (&[1200][..], 9600), "what is taken out stays out");
    }

    #[test]
    fn a_pool_keeps_no_more_than_it_may() {
        let pool = OutputPool::new(20_000);
        let take = |n| pool.take(DType::UInt8, &[n], &[0]).unwrap();
        drop(take(30_000));
        assert_eq!(pool.unused_bytes(), 0, "too large by itself");
        let all = [take(8000), take(9000), take(7000)];
        drop(all);
        assert_eq!(pool.unused_bytes(), 16_000, "the oldest had to go");
        let other = pool.take(DType::Int8, &[9000], &[0]).unwrap();
        assert_eq!((pool.unused_bytes(), other.dtype()), (16_000, DType::Int8), "of another dtype");
        assert!(pool.take(DType::Float64, &[usize::MAX, 2], &[0, 1]).is_err());
    }
}
