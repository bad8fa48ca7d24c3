"""The programs that make_programs.py asks NumPy about, by theme.

Programs are separated by empty lines. A line that opens with "@" has what must be known of the program after it: the
names of the arrays that it updates, and `n=...`, the extent of the arrays of one axis. It is no part of the text.
"""

STATEMENTS = """
t = a*b
return t + t*t

t = a*b; t + t

t = a*b
t

return a

t = a*b; t += 1; t *= b; return t

x, y = a, b
x, y = y, x
return x - y

x = y = a + 1
x = x*2
return x - y

x = a; w = x; x = x + 1; x*w

(x, (v, w)), u = (a, (b, 2)), 3; return x*v*w*u

t = (a, b)
x, v = t
return x - v

t = a, b, i
return t[0]*t[2] - t[-2]

pair = (a + b, (i, 2))
return pair[0]*pair[1][1] + pair[1][0]

n = 0
n += 1
return s + n

n = 2; scale = 0.5; f*n + scale

half = 1/2; f*half

n = 7
n //= 2
n **= 2
n -= 4
return c*n

n = 5
n %= 3
n <<= 4
n |= 1
n ^= 7
n &= 62
n >>= 1
return i + n

x = i*1; x += j; x -= 3; x *= 2; return x

x = a/4; x /= 2; x -= y; return x

x = i + 0; x //= 4; return x, x*4

x = i + 0; x %= 7; return x

x = s + 0; x <<= 2; x ^= 5; x |= 1; x &= 127; x >>= 1; return x

x = p + 0; x **= 2; return x - p

x = m & o; x |= o; x ^= m; return x

x = a - b; x **= 2; return x

x = (a +
     b)
return x

x = a + \\
    b*2
return x

x = np.where(a > 0,
             a,
             b)
return x;

    t = a*2
    u = t - b
    return u*t

# What comes first is a comment.
t = a*b          # its product
# another one
return t/2

pass
return a - 1

total: float = a + b
return total*2

t = ((((a + b))))
return (t)

unused = b*2 + 1
other = unused - a
return i

a = a + 1; return a*a

a = a*2
b = a + b
a = b - a
return a, b

k = k + 1
y = y*2
return f*k + y

u = v = w = i - j
u = u + 1
v = v*u
return u, v, w

x, w = i//3, i % 3
return x*3 + w == i

x, v, w = a, b, a*b
x, v, w = w, x, v
return x + 2*v + 3*w

one, two = 1, 2
one, two = two, one + two
one, two = two, one + two
return c + one, c*two

return a if k > 2 else b

big = k > 2 and y < 1
return i*(1 < k < 5) + big

negative = not k < 0
return s + negative

mask = a > b
mask = mask & (a < 5) | (b > 9)
return np.where(mask, a, -b)

x = -a; x = +x; x = abs(x); return x - a

x = ~i; x = -x; return x - i

x = a - b - a; x = x + b*2 - a*4/2; return x

x = a; x = x*y; x = x - y; x = x*x; return x

x = 0x10 + 1_000; v = 1e1; w = 0b11; return p*x + w, f*v

x = True; return c + x, a*x

x = a
x = x[1:]
x = x[:-1]
return x + 1

minus = -1; x = a*minus; minus = x*minus; return minus - a

t = s > 3; u = s < 9; v = t & u; return v, t | u, t ^ u, ~v

x = pi*2; return f*x > 0

t = a; a = b; b = t; return a - 2*b

i = i + 1; j = i*2; i = j - i; return i, j

t = 1, 2, 3
u, v, w = t
return c + u, c - v, c*w

t = a + b; u = t; v = u; return v*t + u
"""

FUNCTIONS = """
def square(x):
    return x*x
return square(a) + square(b)

def f(x): return x*2
f(a) + f(b)

def axpy(x, v, k=2):
    '''k x + v'''
    t = x*k
    return t + v
return axpy(a, b) - axpy(v=a, x=b, k=k)

def both(x):
    return x + 1, x - 1
p, q = both(a)
return p*q

def inner(x):
    return x + y
def outer(x):
    w = inner(x)
    return w*inner(w)
return outer(b)

def late(x):
    return x*factor
factor = b
return late(a)

factor = a
def late(x): return x + factor
factor = b
return late(a)

k = b
def early(x, k=k): return x*k
k = 3
return early(a)

def again(x): return x + 1
def again(x): return x + 2
return again(i)

def local(x):
    x = x + 1
    return x
x = b
return local(a)*x

def g(x): return x + 1
def h(x): return g(x)*g(2)
return h(a)

def typed(x: float, k: int = 2) -> float:
    w: float = x*k
    return w
return typed(a), typed(i, 5)

def two(): return 2
return two()*c

def documented(x):
    '''The double.'''
    pass
    return 2*x
return documented(s)

def f(x, v=1, w=2, u=3): return ((x*v) - w)*u
return f(i), f(i, 2), f(i, u=1), f(i, w=5, v=4), f(u=2, x=j)

def keyword(x, by=2): return x*by
return keyword(p), keyword(p, by=3), keyword(by=s, x=p)

def no_default(x, by): return x - by
return no_default(p, 7), no_default(by=2, x=s)

def swap(x, v): return v, x
x, v = swap(a, b)
x, v = swap(x, v)
return x - 2*v

def minmax(x): return np.min(x), np.max(x)
low, high = minmax(i)
return i - low, high - i, high - low

def total(x, axis=None):
    return np.sum(x, axis=axis)
return total(I, 1), total(I), total(I, axis=0)

def normal(x, low, high): return (x - low)*2 + (high - x)
return normal(i, i.min(), i.max())

def twice(v): return v*2
def compose(x): return twice(twice(x)) + 1
return compose(c)

def times(v, factor): return v*factor
def outer(x):
    factor = x + 1
    return times(x, factor) - times(2, factor)
return outer(i)

def lap(u):
    c = u[1:-1, 1:-1]
    return u[1:-1, 2:] + u[1:-1, :-2] + u[2:, 1:-1] + u[:-2, 1:-1] - 4*c
return lap(A)*lap(I)

def diff(x): return x[1:] - x[:-1]
return diff(diff(diff(i)))

def diff(x, step=1): return x[step:] - x[:-step]
return diff(a, 2), diff(a, step=3)

def poly(x, c0, c1, c2): return (c2*x + c1)*x + c0
return poly(a, 1, 2, 3), poly(i, c2=0, c1=1, c0=k)

def f1(x): return x + 1
def f2(x): return f1(f1(x))
def f3(x): return f2(f2(x))
def f4(x): return f3(f3(x))
return f4(s)

def pick(x): return x[2]
return pick(a)*b, pick(A)

def cast(x): return x.astype(np.float32)
return cast(i) + cast(s)

def mixed(x): return x > 0, x*2, x.sum(), x.astype(np.int8)
m1, m2, m3, m4 = mixed(s)
return m4, m3, m2, m1

def nothing(x): return x
return nothing(nothing(a)) + nothing(b)

def sum3(x, v, w): return x + v + w
return sum3(w=c, v=s, x=h)

def weighted(x, weight=2):
    '''The weighted mean of neighbours.'''
    total = x[:-2] + weight*x[1:-1] + x[2:]
    return total/(weight + 2)
return weighted(a), weighted(f, weight=0)

def f(x):
    t = x, x*2
    return t
return f(a)[1] - f(b)[0]

def f(x):
    u, v = x + 1, x - 1
    u, v = v, u
    return u, v
return f(i)

def mean(x): return np.sum(x)*2
return mean(i) + i

def where(x): return x + 5
return where(c)

def shadow(a, b): return a - b
return shadow(b, a)

def constant(x, c=np.pi): return (x > c) + 0
return constant(a), constant(a, 0)

def select(x, low, high): return np.where(x < low, low, np.where(x > high, high, x))
return select(i, -3, 5), select(a, -y, y)

def cross(x, v, w, u): return x*u - v*w
return cross(a[1:], a[:-1], b[1:], b[:-1])

def f(x, n):
    n = n + 1
    return x*n
n = 1
return f(a, n) + n

def row_sums(x): return x.sum(axis=1, keepdims=True)
return I - row_sums(I)

def fold(x): return x[:, ::2].sum(axis=1) - x[:, 1::2].sum(axis=1)
return fold(I), fold(S)

def first(x): return x[0]
def last(x): return x[-1]
def ends(x): return first(x), last(x)
p, q = ends(I)
return p - q

@ n=1
def f(x): return x*2, x.sum()
return f(a)

@ n=1000
def f(x, by=3): return x[by:] - x[:-by]
return f(i, 7), f(i).max()
"""

SEVERAL_RESULTS = """
return a + b, a - b

return a,

a, b, a

t = a*b; t + 1, np.sum(t), np.max(t)

return np.sum(i), np.sum(i*i), np.min(i), np.max(j)

return A*2, row + 1, I//3, k, np.sum(row), np.mean(A, axis=0)

return A.T, A[1:], A[0]*row, A > B

return np.cumsum(row), row - 1, np.argmax(row), np.cumsum(A*2, axis=1)

return c + 1, s + 1, p + 1, i + 1, h + 1, r + 1, d + 1, z + 1, f + 1, a + 1, m + 1

return c, s, p, i, h, r, d, z, f, a, m

return m & o, m | o, ~m, m.sum(), m.any(), m.all()

return i.sum(), j.prod(), (i*j).sum(), i.argmin(), j.argmax()

return a > b, a >= b, a < b, a <= b, a == b, a != b

return i//5, i % 5, i/5

return h.sum(), h.astype(np.int64).sum(), (h + 1).sum(), h.max() - h.min()

x = a - b
return x, x*x, np.abs(x), np.sign(x), np.sum(x*x)

return I.sum(axis=0), I.sum(axis=1), I.sum(), I.sum(axis=(0, 1)), I

return T.sum(axis=0), T.sum(axis=1), T.sum(axis=2), T.sum(axis=(0, 2))

return T.max(axis=-1, keepdims=True), T.min(axis=(0, 1), keepdims=True), T.argmax(axis=1)

return V.any(axis=0), V.all(axis=(1, 2)), (V > 3).sum(axis=1), V.prod(axis=2)

return Q[0], Q[..., 0], Q[:, 1], Q[:, :, ::-1], Q.sum(axis=(1, 3))

return W.T, W.max(axis=3), W + 1

return True, 2, 2.5, k, y, a

return k + 1, k/2, k*y, -k, k > 2

return q1*f, q2 + s, q3 + h, q1 + a, q2*c

return q1 + q1, q2*q2, q3 + 1, q1 > 1

return e0 + 1, e0*a, i0 - 3, s*i0

return a[0], a[-1], a[0] + a[-1], A[1, 2], A[0]

return E + 1, E.sum(), E.prod(), E.any(), E.all()

return Z*2, Z.sum(axis=0), Z.sum(axis=1), Z.sum(), Z[:, 3]

return Y + 1, Y.sum(axis=1), Y.sum(axis=0), Y.T

return a[:0], a[:0].sum(), A[:0], A[:, :0].sum(axis=1)

return np.minimum(i, j), np.maximum(i, j), np.minimum(i, j).sum(), np.maximum(i, j).max()

low, high = i.min(), i.max()
return low, high, i - low, high - i, (i - low)*(high - i)

x = f*2
y1 = x + f
return x.sum(), y1.sum(), x, y1

return i + j, sum(i + j), sum(i), sum(j), sum(i) + sum(j) == sum(i + j)

t = A + B
return t.sum(axis=0), t.sum(axis=1), t.max(), t, t.T, t[::-1]

return a.astype(np.float32), a.astype(np.int32), a.astype(bool), i.astype(np.int8), m.astype(np.uint8)

return col + row, col*I, (col + row).sum(axis=0), col.sum()

return a.round(), a.clip(-1, 1), np.floor(a), np.ceil(a), np.trunc(a)

@ n=1
return a, a.sum(), a*2, a[0], i.max(), m.any()

@ n=7
return c*c, c.sum(), c > 0, c[::2]

@ n=9
return f*f, f.sum(), f > 0, f[1::2]

@ n=31
return s*s, s.sum(), s.min(), s[3:-3]

@ n=33
return h*h, h.sum(), h.min(), h[::-1]

@ n=1000
return i*i, i.sum(), i.min(), i.argmax(), (i > 3).sum()

@ n=1000
return f.sum(), f.max(), f.mean(), (f > 0).sum(), f.argmin()
"""

SLICES = """
return A[1:-1] + A[:-2]

return A[::2, ::-1] - I[::2]

return A[-1]*row + A[0, 1:2]

return A[:, None, :]*A[None, :, :]

return (A + B)[1:, ::-2]

return (A*y + B - 2)[2]

return A[..., 0] - A[..., -1] + A[2, ..., 3]

return A.T[1:] + I.T[:-1]

return (A*B).T - I.T

t = A[1:]
u = t[:, 1:-1]
return u[::-1] - u

i = 1
j = -2
return A[i:j] + A[i]*A[j]

return A[10:] + A[3:1]

return A[-100:100:3]*A[100:-100:-3]

return row[np.newaxis] + row[:, np.newaxis]

return I[1:3].sum(axis=1) + (I - S)[1:3].max()

return A[2, 3]*I + row[-1]

return S[::-1, 1:]//3

return (row[0] + A)[0]

return a[::-1]

return a[::-2] + a[::-2][::-1]

return a[-1:0:-1] - a[:0:-1]

return a[1:][1:][1:] - a[:-1][:-1][:-1]

return a[::2][::2][::-1]

return (a + b)[::2][1:]

return (a*2)[1:-1][::-1] + b[1:-1]

return i[5], i[-5], i[5]*i

return i[2:5], i[2:5:2], i[5:2:-1], i[-3:], i[:-3]

return i[:1000], i[1000:], i[-1000:3]

return T[1], T[:, 1], T[..., 1], T[1, ..., 1], T[1, 1], T[1, 1, 1]

return T[::-1, ::-1, ::-1], T[:, ::-2], T[..., ::-1]

return T[:, None], T[..., None], T[None, ..., None, 2], T[None]

return T.T, T.T[1], T.T[..., 1], T[1].T, T.T.T

return T.T + T.T[:, ::-1]

return V[0] + V[1] - V[-1], V[0:1] + V

return (V + V[:, ::-1])[1:, :, ::2]

return V[1:, 1:, 1:] - V[:-1, :-1, :-1]

return Q[0, 0], Q[0, ..., 0], Q[..., 0, 0], Q[:, 0, :, 0], Q[1, 2, 3, 2]

return Q.T, Q.T[0], Q[:, ::-1, 1:3], Q[..., None].T

return Q[0] - Q[1], Q[:, 0] + Q[:, -1], Q[..., ::-1] + Q

return W[::-1, ::2, 1:-1, ::-1]//2, W[0, 1:, ::-2]

return K + K.T, K - K.T, K*K.T[::-1]

return K[::-1, ::-1], K[::-1].T, K.T[::-1]

return K[1:, :-1] - K[:-1, 1:].T

return L[0] + L[:, 0], L[0, :, None]*L[None, :, 0]

return K[0] - K[1:][0][::-1]

return K[2:4, 2:4] + K[:2, :2] - K.T[4:, 4:]

def middle(x): return x[1:-1]
return middle(middle(i)) + middle(i[1:-1]), middle(A)

n = 2
return a[n:] - a[:-n], a[n], a[-n]

n = 4
half = 2
return a[half:n], a[n:half:-1], a[half]

lo, hi = 1, 5
part = a[lo:hi]
return part, part*part[::-1], part[lo]

t = a[:, None]
return t*b, t + b[None, :], (t*b)[1:3, 2]

t = i[None, :]
return t, t.T, t + t.T, (t + t.T)[2]

return a[1:2] + b, a[1:2]*A[:, :1], a[:1][None] + row

return E[::-1], E[:5], E[:, None] + row, Z[:, 0], Z.T, Z[::-1, 2:]

return A[2:2], A[2:2].sum(axis=0), A[:, 3:3].T

return A[None][0], A[:, None][:, 0], A[..., None][..., 0]

return A[0][1], A[0][1:][1], A[1:][0], A[1:][:, 2][1]

return (A > 1)[::2], (I == 3)[:, 1], ~M[::-1]

return F[:, ::3] + F[:, 1::3][:, ::-1][:, :1], F[::-1].T

return H[::2, 1::2] + H[1, 1::2], H.T[::3]

x = A[1:, 1:]
return x[:-1, :-1] + x[1:, 1:] - x.T[1:3, 1:3][0, 1]

x = A.T
x = x[1:-1]
x = x.T
return x - A[:, 1:-1]

return np.where(A > 0, A, 0)[1:-1, 1:-1], np.maximum(I, S)[::2]

return (A*k)[1, ::-1], (k*row)[None, 1:]

t = A*2
return t[0], t[-1], t[:, 0] + 1, t[1:, 1:], t.T[3]

t = A*2
u = t[1:]
v = u[:, 1:]
return v[0], v.T, u[0, 0] + v

return A[1, 2] + A[2, 1], A[1, 2]*B, i[0] + i[1] + i[2]

return (i*i)[3] + i, (i + 1)[::-1][0] + i

return abs(A)[::2].max(), abs(A[::2]).max(), A[::2].min(axis=0), A[:, ::-3].argmax(axis=1)

@ n=1
return a[0], a[::-1], a[:1], a[1:], a[-1]

@ n=9
return c[::3], c[1::3], c[2::3], c[::3] + c[1::3]*c[2::3]

@ n=1000
return a[::7] - a[::-7], a[500:], a[::-1][:5], s[1:] - s[:-1]
"""

DTYPES = """
return c + s, s + p, p + i, c + h, h + r, r + d, d + z

return z + i, z + c, d + p, f + s, f + p, f + i, f + c, f + a

return c/c, h/2, s/s, i/2, m/o, f/2, f/h

return c*2, s*2, h*2, f*2, f*2.5, m*2, m*2.5, c*2.5

return c//3, h//3, i//3, f//3, a//0.5, z//3

return c % 5, h % 5, i % -5, f % 3, a % 0.75

x = c + 100
return x, x + 100, x*2

x = h - 20
return x, x*20, ~x, -x

x = s*3000
return x, x*100, x//7, x % 1000, x >> 3

x = r*30000
return x, x + x, x >> 8, x & 255

x = p*2000000000
return x, x + p, x//3

x = d*4000000000
return x, x - d, x//3, x % 10007

x = i*9000000000000000000
return x, x*x, x//7

x = z*18000000000000000000
return x, x//7, x % 10, x >> 60

return i << 3, i >> 1, i & 6, i | 6, i ^ 6, ~i

return c << 1, h >> 1, s & 3, r | 8, d ^ 5, z << 2

return m + o, m*o, m & o, m | o, m ^ o, m == o, m < o

return m + c, m*h, m + f, m*a, m - i

t = m*1
return t, t.sum(), t + m

return a.astype(np.int8), a.astype(np.int16), a.astype(np.int32), a.astype(np.int64)

return f.astype(np.int8), f.astype(np.float64), f.astype(bool), f.astype(np.int64)

return i.astype(np.uint8), i.astype(np.uint16), i.astype(np.uint32), i.astype(np.uint64)

return s.astype(np.int8), (s*300).astype(np.int8), (s*300).astype(np.uint8), (s*300).astype(bool)

return np.float32(a), np.float64(f), np.int32(i), np.uint8(s), np.int64(m)

return float32(a) + float32(b), int32(i)*int32(j), uint8(s) + uint8(c), bool(i)

x = float32(a)/3
return x, float64(x), float64(x)*3 - a

x = (a*1000).astype(np.int16)
return x, x*2, x.astype(np.int8), x//10

return np.where(m, c, h), np.where(m, s, f), np.where(m, i, a), np.where(m, 1, 0), np.where(m, f, 2)

return np.where(c, a, b), np.where(f, c, 1), np.where(i > 0, m, o)

return np.minimum(c, s), np.maximum(h, c), np.minimum(f, i), np.maximum(m, c), np.maximum(z, h)

return np.abs(c), np.abs(h), np.abs(f), np.sign(c), np.sign(f), np.sign(h)

return np.sqrt(s*s), np.sqrt(a*a), np.sqrt(f*f), np.sqrt(i*i), np.sqrt(d)

return np.square(c), np.square(f), np.square(s) + 1, np.square(i), np.square(m*1)

return np.floor(f), np.ceil(a), np.trunc(f), np.rint(a), np.round(f), np.floor(i)

return np.isnan(f), np.isinf(a), np.isfinite(a/b), np.isnan(a/(b - b)), np.signbit(-f)

return f > a, c < h, i == a, m > 0, z > i, s != h

return c > 1, c > 1.5, h > -1, f > 0.1, a > 0.1, f == 0.1

return q1*c, q1*a, q2 + c, q2 + f, q3 + c, q3*h, q4 + c, q4*f

return k + c, k*f, y*f, y*c, k/c, y + m, flag + c

x = np.float32(k)
return x*c, x + a, x*f, x/3

x = np.int16(k)
return c + x, s + x, h + x, f*x

half = np.float32(0.5)
return f*half, a*half, i*half, half + half

return e0*f, e0 + c, i0*c, i0 + h, i0 + f

return (c + k).sum(), (h + h).sum(), (s*s).sum(), f.sum(), m.sum()

x = f + a
x -= f
return x, x == a, (x + f).astype(np.float32) - f

x = c*c
x += 100
x *= 2
return x

x = h + 250
x += 10
x >>= 1
return x

x = a > b
x &= m
x |= o
x ^= True
return x

return -c, -s, -i, -f, -a, -h, +c, ~m, ~h, ~c

return c**2, s**2, i**2, h**2, f**2, a**2, i**3, m**3

return f**0.5 > 1, np.abs(a)**0.5, a**1, a**0, a**-1

return 2**h, 2**m*1, k**2 + c, 2**k*c, 3**k + s

return np.copysign(a, b), np.copysign(f, -1), np.copysign(2, a)

return np.fmod(i, 5), np.fmod(a, 2.5), np.fmod(c, j), np.remainder(i, -5), np.floor_divide(i, 4)

return a + nan > 0, a*inf, np.maximum(a, nan), np.fmax(a, nan)

return np.logical_and(c, h), np.logical_or(f, m), np.logical_not(a), np.logical_xor(i, j)

return c.clip(-3, 3), f.clip(-1.5, 1.5), h.clip(2, 5), i.clip(-2, 100), a.clip(0, inf)

@ n=1
return c + s, h*h, f/3, m | o, i // 2

@ n=1000
return (c + 100)*2, h*h, f/3, s.astype(np.int8)

@ n=31
x = a.astype(np.float32)
w = x.astype(np.float64)
return w - a, x, (x*x).astype(np.float64) - a*a
"""

REDUCTIONS = """
return a.sum() + i.sum()*b

z = A.sum(axis=0) + A.max()
return z*row

z = (A*B).max(axis=1, keepdims=True)
return A - z

low, high = I.min(), I.max()
return (I - low)*2 - (high - I)

return I.clip(-10, 10).cumsum(axis=1)

unused = row.sum()*2
return A

return (I - I.min(axis=0))*(I.max(axis=0) - I)

return sum(a*b), np.sum(a*b), (a*b).sum(), np.sum(a*b, axis=0)

return A.sum(0), A.sum(1), A.sum(-1), A.sum(axis=None), A.sum(axis=(1, 0))

return A.sum(axis=0, keepdims=True) - A, A.sum(keepdims=True)*A

s1 = a.sum(); s2 = (a*a).sum()
return s2 - s1, s1*a - s2

n = (a > 0).sum()
return n, n*i, n/2

return i.prod(), c.prod(), h.prod(), (f*0 + 2).prod(), m.prod()

return i.min() + i.max(), i.argmin() - i.argmax(), i.max() - i.min()

return np.ptp(i), np.ptp(A, axis=0), np.ptp(S, axis=1)

return np.count_nonzero(c) + i, np.sum(c != 0) + i

return i.cumsum(), f.cumsum(), c.cumsum(), m.cumsum(), h.cumsum()

return np.cumsum(I, axis=0), np.cumsum(I, axis=1), np.cumsum(S*2, axis=-1)

return np.cumprod(V[..., :3] - 2, axis=2), np.cumprod(c[:6])

return m.any(), m.all(), (a > 100).any(), (a < 100).all(), M.any(axis=0), M.all(axis=1)

any_big = (A > 9).any(axis=1)
return any_big, any_big*col[:, 0]

total = I.sum(axis=1, keepdims=True)
return I*2 - total, total, total + 1

t = A.sum(axis=0)
u = A.sum(axis=1)
return t + 1, u*2, t.sum(), u.sum()

def norm2(x): return np.sum(x*x)
return norm2(a) - norm2(b), norm2(i[1:])

def scale(x, axis): return x - x.max(axis=axis, keepdims=True)
return scale(I, 0), scale(I, 1), scale(T, (0, 2))

axes = (0, 1)
return sum(I, axis=axes), max(I, axis=axes), T.sum(axis=axes)

axis = -1; keep = True
return I.sum(axis=axis, keepdims=keep) + I

both = 0, 2
return V.sum(axis=both), V.min(axis=both, keepdims=True)

return np.argmax(I, axis=0), np.argmin(I, axis=1), np.argmax(I), I.argmin(axis=-1)

return np.max(np.sum(I, axis=1)), np.sum(np.max(I, axis=0)), np.min(I.sum(axis=0)*2)

return (a*b)[::2].sum(), (a*b)[1::2].sum(), a[1:].sum() - a[:-1].sum()

return A[1:].sum(axis=0) - A[:-1].sum(axis=0), A[:, ::-2].max(axis=1)

return A.T.sum(axis=0), A.T.max(axis=1), A.T.sum(), (A.T*2).argmax(axis=0)

return np.mean(I[:4, :4]), np.mean(i[:8]), np.mean(A[:4], axis=0), f[:4].mean()

return np.var(i[:4]*0 + 3), np.std(i[:4]*0 + 3), np.mean(m[:4])

x = np.where(a > 0, a, 0)
return x.sum(), (a - x).sum(), x.max()

return np.maximum(a, 0).sum() + np.minimum(a, 0).sum() == a.sum()

return (i == i.max()).sum(), (i >= i.min()).all(), np.where(i == i.max(), 1, 0)

lo = T.min(axis=(1, 2), keepdims=True)
hi = T.max(axis=(1, 2), keepdims=True)
return T - lo, hi - lo, (T > lo).sum(axis=(1, 2))

return Q.sum(), Q.sum(axis=0), Q.sum(axis=(0, 1, 2)), Q.max(axis=(1, 2), keepdims=True)

return W.sum(axis=1), W.prod(axis=3), W.astype(np.float32).sum(axis=2)

return e0.sum() + 1, i0.max(), i0.sum()*2

return E.sum() + 1, E.prod(), Z.sum(axis=0) + 1, Y.sum(axis=1), Y.all(axis=1), Z.any(axis=0)

r1 = np.sum(I*2)
r2 = np.sum(I*r1)
return r2, I*r1 - r2

return np.nansum(a/a*0 + a), np.nanmax(np.where(a > 0, a, nan)), np.nanmin(np.where(a > 0, a, nan))

@ n=1
return a.sum(), a.max(), a.argmax(), a.cumsum(), a.mean(), i.prod()

@ n=8
return a.sum(), a.mean(), f.mean(), i.mean(), (a - a.mean()).sum()

@ n=1000
return i.sum(), a.sum(), f.sum(), h.sum(), c.min(), s.argmax(), i.cumsum()

@ n=1000
t = i - i.min()
return t.max(), (t*t).sum(), (t > 5).sum(), t.argmin()
"""

METHODS_AND_MODULES = """
return a.sum() + a.min()*a.max()

return (A*2).sum(axis=1), (A*2).sum(1), (A + B).max(0, keepdims=True)

return np.sqrt(a*a) + numpy.abs(b), np.pi + c, math.e*f > 0

return a*math.pi > 3, math.inf*a, np.inf*b, numpy.nan + a

return a.clip(-1, 1).round(), np.clip(a, -1, 1), np.clip(i, -2, k), a.clip(0, 1)[1:]

return a.astype(np.float32) + i.astype(np.int8).sum()

return np.sum(A, axis=1) + np.float64(C).max()

return np.where(A > 0, np.maximum(A, y), np.pi)

return i.astype(np.float64)/2, m.astype(np.float32), (a > 0).astype(np.int8).sum()

return a.astype(float32), i.astype(uint8), (a*2).astype(int16)

return (a + b).astype(np.float32).astype(np.float64) - (a + b)

return i.min().astype(np.float32) + f, i.sum().astype(np.int8)

return abs(a), abs(i), abs(c).max(), abs(a - b).sum()

return a.round() + np.round(b) - np.rint(a), a.round().astype(np.int32)

return np.add(a, b), np.subtract(a, b), np.multiply(a, b), np.divide(a, 4), np.negative(a)

return np.equal(i, j), np.less(i, j), np.greater_equal(i, j), np.not_equal(i, 3)

return np.bitwise_and(i, j), np.bitwise_or(i, 3), np.bitwise_xor(i, j), np.invert(i)

return np.left_shift(i, 2), np.right_shift(i, 1), np.power(i, 2), np.mod(i, 5)

return np.minimum(np.maximum(a, -2), 2), np.fmin(i, j), np.fmax(i, j)

return a.sum().astype(np.float32)*f, np.float32(a.sum())*f

return A.T.astype(np.float32), A.T.clip(-1, 1), A.T.round().T

x = i.cumsum()
return x - x.max(), x.argmax(), x.clip(0, 20)

return np.sum(i) + numpy.sum(j) + sum(i), np.max(i) - max(j), min(i)

return np.amax(i), np.amin(i), np.amax(I, axis=0), np.amin(I, axis=1, keepdims=True)

return np.all(m), np.any(m), all(M, axis=0), any(M, axis=1)

return math.sqrt(4)*f, math.floor(2.0)*y*f, np.sqrt(f*f)

return a.prod() == np.prod(a), i[:5].prod(), np.prod(i[:5]*2)

return np.absolute(a), np.abs(-a), np.absolute(f)

return np.true_divide(i, 4), np.floor_divide(i, 4), np.remainder(i, 4)
"""

UPDATES = """
@ u
u += v

@ u v
u -= 2*v; v *= u

@ u
u[...] = v

@ u
u[:] = 0

@ u
u[1:-1] = (u[:-2] + u[2:])/2

@ u
u[1:] += u[:-1]

@ u
u[:-1] -= u[1:]

@ u
u[...] = u[::-1]

@ u
u[::2], u[1::2] = 1, 2

@ u
u[0] = 7; u[-1] = 8; u[1] += u[0]

@ u
t = u[1:]*2; u[0] = 5; u[1:] = t

@ u v
t = u[1:]
u[...] = 1
t += 2
v[1:] = t

@ u v
w = u
w *= 2
v += u

@ s
s += 3; s //= 2; s **= 2

@ s
s <<= 2; s ^= 5; s |= 1; s &= 127; s >>= 1; s %= 7

@ f
f += u

@ f
f[...] = u*1e3

@ s
s[...] = f*100

@ I
I[1:3] = A[1:3]*10

@ m
m |= u > 0; m &= v < 1

@ m
m[...] = u

@ u
u[...] = m

@ A
A[0] = row; A[:, 1] = 4; A[2, 3] = 5

@ A
A += row

@ A
A.T[1:3] *= 2

@ A
A[1:, ::2] = B[:-1, ::2] - 1

@ A
A[..., -1] = B[..., 0]

@ A B
A[...], B[...] = A + B, A - B

@ A B
x = A + B; A[...] = x; B[...] = x

@ I
I -= I.min(axis=0); I *= 2

@ I
I -= I.sum(axis=1, keepdims=True); I += I.max()

@ u
t = np.sum(u); u += 1; u *= t
return np.sum(u), u, t

@ u
u += 1
return np.max(u)

@ u
u *= k; u += y; u -= e0

@ u
def smooth(x):
    return (x[:-2] + x[1:-1] + x[2:])/3
u[1:-1] = smooth(u); u[1:-1] = smooth(u)

@ u v
def scaled(x, by=2):
    return x*by
u += scaled(v); v[...] = scaled(u, by=y)

@ u
def reset(x):
    x[...] = 0
    return x
return reset(u) + v

@ u v
def add(x, w): x += w
t = add(u, 1)
t = add(v, u)
add(x=u[1:], w=v[:-1])

@ u
def put(x, value): x[...] = value
t = put(u[::2], 1)
put(u[1::2], v[1::2])

@ u
def scale(x):
    part = x[1:-1]
    part *= 2
    return part[0]
return scale(u)

@ u
def f(x):
    w = x
    w -= 1
    return w.sum()
return f(u[::2]), u

@ K L
L[1:, :] = K[:-1, :]; K[...] = L.T[0, 0]

@ u
u[5:2] = 1; u[20:] = 2

@ u
u[:2] = v[-2:]

@ u
u[:] = row[0] + A[1, 2]

@ i
i += m[0]; i *= s[1]

@ i
i //= 7; i -= i.min()

@ u
u[np.newaxis] += v[np.newaxis]

@ u
t = u + 1; u[...] = t; x = u*2
return t, x

@ u
x = u*2
u[2:4] = 0
w = x + u
u[4:6] = 1
return x + w, w*u

@ u
n = 2
u[n:] = 3; u[:n] += n

@ u
t = np.cumsum(u); u[1:] = t[:-1]; u += t

@ u
u[::-1] += v

@ u
u[::-1][1:] = v[1:]

@ u
u[1:][1:] = v[2:]; u[1:][0] = 9

@ K
K[...] = K.T

@ K
K += K.T

@ K
K[1:] = K.T[1:]*2

@ K
K[...] = K[::-1, ::-1].T

@ K
K[0] = K[:, 0]; K[:, -1] = K[-1]

@ K
K -= K[0]; K *= K[:, :1]

@ K
K[:3, :3] = K[3:, 3:]; K[3:, :3] = K[:3, 3:].T

@ K
row0 = K[0]*1
K[:-1] = K[1:]
K[-1] = row0

@ u
first = u[0]*1
u[:-1] = u[1:]
u[-1] = first

@ u v
t = u*1
u[...] = v
v[...] = t

@ u v
old = u*1; u += v; v -= old; u[1:] -= old[:-1]

@ u
u[::2] = u[1::2][:1]; u[1::2] *= 2

@ n=8 u
u[:4], u[4:] = u[4:]*1, u[:4]*1

@ n=8 u
u[::2], u[1::2] = u[1::2], u[::2]

@ n=8 u
u[:4] += u[4:]; u[4:] -= u[:4]; u[:4] -= u[4:]

@ T
T[1] = T[0]; T[..., 0] += 1; T[:, 2] *= T[:, 1]

@ T
T[1:, 1:, 1:] += T[:-1, :-1, :-1]

@ T
T[:, ::-1] -= T*2

@ T
T[...] = T.sum(axis=2, keepdims=True)

@ T
T -= T.max(axis=(0, 1)); return T.sum(axis=0)

@ V
V[...] = T; V %= 5; V[0] = V[1]//2

@ Q
Q[0] = Q[1]; Q[:, :, 1:] += Q[:, :, :-1]; Q[..., -1] = 2

@ W
W[...] = W[::-1, ::-1, ::-1, ::-1]; W += W[0]

@ c
c += 100; c *= 2; c -= s[0].astype(np.int8)

@ h
h -= 20; h *= 20; h >>= 1; h |= 1

@ r
r[...] = s; r += h; r //= 2

@ d
d *= 4000000000; d += r; d ^= 255

@ z
z[...] = i; z >>= 60; z += h

@ p
p[...] = a*10; p -= p[::-1]; p[::2] = f[::2]

@ i
i[...] = a; i[1:] = a[:-1]*2; i += s

@ f
f[1:] = a[:-1]/3; f -= f[0]; f /= 3

@ a
a[...] = f/3; a += i; a /= 7; a -= c

@ c
c[...] = i; c[::2] = a[::2]; c += h.astype(np.int8)

@ h
h[...] = m; h += o; h[1:] = c[:-1]

@ m
m[...] = a > b; m[1:] ^= m[:-1]; m[::2] = True

@ m
m ^= o; m[...] = m[::-1]; m &= i > 0

@ a f i s m
a += 1; f += a; i += 2; s += 3; m ^= True; a[...] = f

@ u v w
u += v; v += w; w += u; u -= w

@ u v w
u[1:] = v[:-1]; v[1:] = w[:-1]; w[1:] = u[:-1]

@ u v w
u[...] = v; v[...] = w; w[...] = u

@ u v w
x = u + v
w[...] = x
x = x*w
u[...] = x
v[1:-1] = x[2:] - x[:-2]

@ u
u[...] = 5

@ u
u += u

@ u
u *= u; u -= u[0]*1

@ u
u[0] += u[1]; u[1] += u[2]; u[2] += u[0]

@ u
u[3] = u[2] = u[1] = 4

@ u v
u[0], v[0] = v[1]*1, u[1]*1; u[-1] = u[0] + v[0]

@ u
u[2:5] = u[1:4]; u[2:5] = u[3:6]

@ u
u[1:] = u[:-1]; u[1:] = u[:-1]; u[1:] = u[:-1]

@ u
u[:-1] = u[1:]; u[:-1] = u[1:]

@ u
u[1:-1] += u[2:] - 2*u[1:-1] + u[:-2]

@ u
u[2:] += u[:-2]; u[:-2] += u[2:]

@ u
u[::2] += u[1::2].sum(); u[1::2] -= u[::2].sum()

@ u
top = u.max(); u[...] = np.where(u == top, 0, u)
return top, u.max()

@ u
u[...] = np.where(u > 0, u, -u); u[...] = np.minimum(u, 3)

@ u
u[...] = u.cumsum(); u[...] = u[::-1]

@ u
before = u.sum()
u *= 2
after = u.sum()
return after - 2*before, u

@ i
i[0] = 5; i += i.max()

@ u
inner = u[1:-1]
inner[...] = 0
u[-1] = np.sum(u)

@ u
inner = u[1:-1]
edge = inner[::-1]
edge += v[1:-1]
inner *= 2

@ A
x = A[1:-1, 1:-1]
x += 1
x[0] = 7
A[:, 0] = A[:, -1]
x.T[0] = 3

@ A
x = A.T
x[0] += 1; x[:, 0] += 2
return x[1:3]

@ A
A[1] = A[0]; A[2] = A[1] + 1; A[3] += A[2]
return A[:, 0]

@ A
A[:, 1:] -= A[:, :-1]; A[1:] -= A[:-1]

@ A
A[::2] = A[1]; A[:, ::-2] = 0

@ A
A[...] = col; A += row; A[0, 0] = k

@ A
A[-1, ::-1] = A[0]; A[:, -1][...] = 1

@ A I
I += 1; A += I; I[...] = A; return I.sum(), A.max()

@ A
t = A[0]*A[1]
A[0] = t; A[1] = t*2; A[2] = t - A[0]

@ A
s1 = A.sum(axis=1)
A[...] = 1
A[:, 0] = s1

@ E
E += 1; E[...] = 2; E[1:] = E[:-1]

@ Z
Z += 1; Z[:, 0] = 3; Z[...] = row; return Z.sum(axis=0)

@ Y
Y *= 2; Y[0] = 1; return Y.sum(axis=1)

@ e0
e0[...] = k; return e0*2

@ e0
e0 += 1; e0 *= u[0]; return e0 + 1

@ i0
i0[...] = i0*2 - 1; i0 += s[0]

@ n=1 u
u += 1; u[0] *= 3; u[...] = u[::-1]; return u.sum()

@ n=1 u v
u[1:] = v[:-1]; u += v; v[0] = u[-1]

@ n=7 u v
u[...] = v*2 + u; v[1:] = u[:-1]; return u, v.sum()

@ n=9 i
i[1:] += i[:-1]; i[::3] = 0; return i.max()

@ n=31 f
f *= 2; f[1:] -= f[:-1]; f[...] = f[::-1]

@ n=33 c
c[1:] = c[:-1]; c[::-1] += c; return c.sum()

@ n=1000 u
u[1:-1] = 0.5*(u[2:] + u[:-2]); u[0] = u[-1] = 0

@ n=1000 s i
s += 1; i[...] = s; i[1:] += i[:-1]; s[...] = i; return i.sum(), s.max()

@ n=1000 h
h *= 3; h[500:] = h[:500]; h[:-1] ^= h[1:]

@ u
u += 1
u += 2
u += 3
return u

@ u
return u

@ u
x = u
u[0] = 3
return x

@ u
x = u + 0
u[0] = 3
return x, u

@ u v
if_positive = u > 0
u[...] = 0
v += if_positive

@ u
a1 = u*2
u += a1
a2 = u*2
u += a2
a3 = u*2
u += a3
return a1, a2, a3

@ u
pass; u += 1; pass

@ f a
f[...] = a; a[...] = f; f /= 3; a /= 3; return a - f

@ u
x, w = u[1:], u[:-1]
x[...] = 1; w += 1
"""

ALIASING = """
@ u
u += v

@ u v
u[...] = v*2; v += 1

@ u v
u *= 2; v -= u; u += v

@ u v
t = v + 1; u[...] = 0; v[...] = t

@ u v
u[1:] = v[:-1]; v[1:] = u[:-1]

@ u v
v[0] = k; u[0] += v[0]
return u + v, np.sum(u)

@ u v
t = np.sum(v); u[...] = t; v *= 2

@ u
u[...] = v + v[::-1]

@ u
u[...] = u + v; u -= v

@ u
u[1:-1] = v[2:] - v[:-2]

@ u v
u += 1; v += 1; u += 1
return u - v

@ u v
u[...], v[...] = u + v, u - v

@ u v
x = u*1; u[...] = v*1; v[...] = x

@ u v
u[...] = u[::-1] + v; v[...] = v[::-1] - u

@ u v
def step(x, w): x += w
t = step(u, v); t = step(v, u); t = step(u, v)

@ u v
u[::2] += v[::2]; v[1::2] -= u[1::2]

@ u v
low = v.min(); u -= low; v -= v.min()
return low, u, v

@ u v
x = u + v
u += x
w = u + v
v += w
return x, w, u - v

@ u v
u[:-1] = v[1:]*2; v[:-1] = u[1:] + 1; return u.sum() + v.sum()

@ u
u[...] = v.cumsum()

@ u v
u[...] = np.where(v > 0, u, v); v[...] = np.maximum(u, 1)

@ u v
part = v[1:-1]
u[1:-1] += part
part *= 2
u[1:-1] -= part

@ u v whole
u += 1; whole *= 2; v -= 1; return whole.sum()

@ whole
whole[...] = 1; return u + v

@ u whole
whole[1:] += whole[:-1]; u[...] = u[::-1]; return v

@ u v
u[0] = v[-1]; v[0] = u[-1]; u[1] = v[1] + u[0]

@ u
u *= v; u += v*v

@ u v
u %= 5; v %= 3; u -= v; v += u
return np.max(u), np.min(v)

@ u v
u[2:5] = v[1:4] + 1; v[2:5] = u[3:6]*2; u[2:5] -= v[2:5]

@ v
v[...] = 0; v += u; v += u

@ u v
old = u - v; u[...] = 7; v += old; return old, u, v
"""

ALIASING_IN_TWO_AXES = """
@ u
u += v

@ u v
u[1:] = v[:-1]*2; v[:, 1:] = u[:, :-1] + 1

@ u v
u[...] = v.T*1 + u; v -= u.T

@ u v
u[1:-1, 1:-1] = v[2:, 1:-1] + v[:-2, 1:-1] - v[1:-1, 2:]

@ u v
t = u.sum(axis=0); v += t; u -= v.sum(axis=1, keepdims=True)

@ u v
u[0] = v[:, 0]; v[-1] = u[:, -1]; return u, v

@ u v
x = u*1; u[...] = v[::-1]*1; v[...] = x[:, ::-1]

@ u v whole
whole += 1; u *= 2; v[1:] -= whole[0, 0]; return whole.max()

@ u v
u[:, ::2] += v[:, ::2]; v[::2] -= u[::2]; return u - v, u.max()

@ u v
d1 = u[1:, 1:] - v[:-1, :-1]
v[1:, 1:] = d1
u[:-1, :-1] += d1
"""

LAP = "x[2:, 1:-1] + x[:-2, 1:-1] + x[1:-1, 2:] + x[1:-1, :-2] - 4*x[1:-1, 1:-1]"


def heat(to, u):
    c = f"{u}[1:-1, 1:-1, 1:-1]"
    return f"""{to}[1:-1, 1:-1, 1:-1] = (0.125*({u}[2:, 1:-1, 1:-1] - 2*{c} + {u}[:-2, 1:-1, 1:-1])
    + 0.125*({u}[1:-1, 2:, 1:-1] - 2*{c} + {u}[1:-1, :-2, 1:-1])
    + 0.125*({u}[1:-1, 1:-1, 2:] - 2*{c} + {u}[1:-1, 1:-1, :-2]) + {c})"""


STENCILS = f"""
@ a b
b[1:-1, 1:-1] = 0.2*(a[1:-1, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:] + a[2:, 1:-1] + a[:-2, 1:-1])
a[1:-1, 1:-1] = 0.2*(b[1:-1, 1:-1] + b[1:-1, :-2] + b[1:-1, 2:] + b[2:, 1:-1] + b[:-2, 1:-1])

@ a
a[1:-1, 1:-1] = 0.25*(a[1:-1, :-2] + a[1:-1, 2:] + a[2:, 1:-1] + a[:-2, 1:-1])

@ a b
def jacobi(x): return 0.25*(x[1:-1, :-2] + x[1:-1, 2:] + x[2:, 1:-1] + x[:-2, 1:-1])
b[1:-1, 1:-1] = jacobi(a)
a[1:-1, 1:-1] = jacobi(b)
b[1:-1, 1:-1] = jacobi(a)
return np.max(np.abs(a - b))

@ a
def lap(x): return {LAP}
a[1:-1, 1:-1] += 0.1*lap(a)

@ a
def lap(x): return {LAP}
for_all = 0.1*lap(a)
a[1:-1, 1:-1] += for_all
a[0] = a[1]; a[-1] = a[-2]; a[:, 0] = a[:, 1]; a[:, -1] = a[:, -2]

@ a b
def lap(x): return {LAP}
b[...] = a
b[1:-1, 1:-1] += 0.1*lap(a)
a[...] = b
a[1:-1, 1:-1] += 0.1*lap(b)

@ t w
{heat("w", "t")}

@ t w
{heat("w", "t")}
{heat("t", "w")}

@ t
{heat("t", "t")}

@ ex ey hz
ey[0, :] = 0.5
ey[1:, :] -= 0.5*(hz[1:, :] - hz[:-1, :])
ex[:, 1:] -= 0.5*(hz[:, 1:] - hz[:, :-1])
hz[:-1, :-1] -= 0.7*(ex[:-1, 1:] - ex[:-1, :-1] + ey[1:, :-1] - ey[:-1, :-1])

@ ex ey hz
ey[0] = k
ey[1:] -= 0.5*(hz[1:] - hz[:-1])
ex[:, 1:] -= 0.5*(hz[:, 1:] - hz[:, :-1])
hz[:-1, :-1] -= 0.7*(ex[:-1, 1:] - ex[:-1, :-1] + ey[1:, :-1] - ey[:-1, :-1])
ey[0] = k + 1
ey[1:] -= 0.5*(hz[1:] - hz[:-1])
return hz[2, 3], ey.max()

@ u v
def laplacian(x): return {LAP}
uc = u[1:-1, 1:-1]*1
vc = v[1:-1, 1:-1]*1
r = uc*vc*vc
du = 0.16*laplacian(u) - r + 0.06*(1 - uc)
dv = 0.08*laplacian(v) + r - 0.122*vc
u[1:-1, 1:-1] += du
v[1:-1, 1:-1] += dv

@ u v
def laplacian(x): return {LAP}
uc, vc = u[1:-1, 1:-1], v[1:-1, 1:-1]
r = uc*vc*vc
du, dv = 0.16*laplacian(u) - r + 0.06*(1 - uc), 0.08*laplacian(v) + r - 0.122*vc
uc += du
vc += dv
return u.max(), v.min()

@ o
lap = 4*i[1:-1, 1:-1] - (i[2:, 1:-1] + i[:-2, 1:-1] + i[1:-1, 2:] + i[1:-1, :-2])
fx = lap[1:, 1:-1] - lap[:-1, 1:-1]
fx = np.where(fx*(i[2:-1, 2:-2] - i[1:-2, 2:-2]) > 0, 0, fx)
fy = lap[1:-1, 1:] - lap[1:-1, :-1]
fy = np.where(fy*(i[2:-2, 2:-1] - i[2:-2, 1:-2]) > 0, 0, fy)
o[...] = i[2:-2, 2:-2] - c*(fx[1:] - fx[:-1] + fy[:, 1:] - fy[:, :-1])

lap = 4*i[1:-1, 1:-1] - (i[2:, 1:-1] + i[:-2, 1:-1] + i[1:-1, 2:] + i[1:-1, :-2])
fx = lap[1:, 1:-1] - lap[:-1, 1:-1]
return lap, fx, fx > 0, fx.max()

@ u v
un = u*1
vn = v*1
px = p[1:-1, 2:] - p[1:-1, :-2]
py = p[2:, 1:-1] - p[:-2, 1:-1]
u[1:-1, 1:-1] = (un[1:-1, 1:-1] - un[1:-1, 1:-1]*0.04*(un[1:-1, 1:-1] - un[1:-1, :-2])
    - vn[1:-1, 1:-1]*0.04*(un[1:-1, 1:-1] - un[:-2, 1:-1]) - 0.02*px
    + 0.1*(un[1:-1, 2:] - 2*un[1:-1, 1:-1] + un[1:-1, :-2] + un[2:, 1:-1] - 2*un[1:-1, 1:-1] + un[:-2, 1:-1]))
v[1:-1, 1:-1] = (vn[1:-1, 1:-1] - un[1:-1, 1:-1]*0.04*(vn[1:-1, 1:-1] - vn[1:-1, :-2])
    - vn[1:-1, 1:-1]*0.04*(vn[1:-1, 1:-1] - vn[:-2, 1:-1]) - 0.02*py
    + 0.1*(vn[1:-1, 2:] - 2*vn[1:-1, 1:-1] + vn[1:-1, :-2] + vn[2:, 1:-1] - 2*vn[1:-1, 1:-1] + vn[:-2, 1:-1]))
u[0, :] = 0
u[:, 0] = 0
u[-1, :] = 1
v[0, :] = 0
v[:, 0] = 0

@ p
pn = p*1
p[1:-1, 1:-1] = ((pn[1:-1, 2:] + pn[1:-1, :-2])*0.3 + (pn[2:, 1:-1] + pn[:-2, 1:-1])*0.2 - u[1:-1, 1:-1])
p[:, -1] = p[:, -2]
p[0, :] = p[1, :]
p[:, 0] = p[:, 1]
p[-1, :] = 0

@ m1 m2 x1
m1 *= 0.9
m1 += 0.1*g1
m2 *= 0.999
m2 += 0.001*g1*g1
x1 -= 1e-3*(m1/0.19)/(np.sqrt(m2/0.002) + 1e-8)

@ m1 m2 x1
b1, b2 = 0.9, 0.999
m1[...] = b1*m1 + (1 - b1)*g1
m2[...] = b2*m2 + (1 - b2)*g1*g1
m_hat, v_hat = m1/0.271, m2/0.003
x1 -= y*m_hat/(np.sqrt(v_hat) + 1e-8)
return m_hat, v_hat

@ x1 m1
m1[...] = 0.9*m1 - 0.01*g1; x1 += m1

@ x1 m2
m2 += g1*g1; x1 -= 0.01*g1/(np.sqrt(m2) + 1e-10)

@ x1
x1 -= 0.01*(g1 + 0.0001*x1); x1[...] = np.where(np.abs(x1) < 0.001, 0, x1)

@ a
flux = 0.5*(a[1:] + a[:-1])
a[1:-1] -= 0.1*(flux[1:] - flux[:-1])

@ a b
a[1:] -= 0.3*(b[1:] - b[:-1])
b[:-1] -= 0.3*(a[1:] - a[:-1])
a[1:] -= 0.3*(b[1:] - b[:-1])

@ a
a[1:-1] += 0.1*(a[2:] - 2*a[1:-1] + a[:-2]); a[0], a[-1] = a[1]*1, a[-2]*1

@ a b
b[...] = 2*a - b
b[1:-1, 1:-1] += 0.2*(a[2:, 1:-1] + a[:-2, 1:-1] + a[1:-1, 2:] + a[1:-1, :-2] - 4*a[1:-1, 1:-1])
a[...], b[...] = b*1, a*1

@ a
a[2:-2] = (-a[4:] + 16*a[3:-1] - 30*a[2:-2] + 16*a[1:-3] - a[:-4])/12

@ t
t[1:-1] = (t[2:] + t[:-2])/2
t[:, 1:-1] = (t[:, 2:] + t[:, :-2])/2
t[..., 1:-1] = (t[..., 2:] + t[..., :-2])/2

@ a
red = a[1:-1:2, 1:-1:2]
red[...] = 0.25*(a[:-2:2, 1:-1:2] + a[2::2, 1:-1:2] + a[1:-1:2, :-2:2] + a[1:-1:2, 2::2])

gx = a[1:-1, 2:] - a[1:-1, :-2]
gy = a[2:, 1:-1] - a[:-2, 1:-1]
return np.sqrt(gx*gx + gy*gy), np.maximum(np.abs(gx), np.abs(gy))

return np.maximum(np.maximum(a[:-2], a[1:-1]), a[2:]), np.minimum(a[:, :-1], a[:, 1:])
"""

LIFE = """
@ L
n = (L[:-2, :-2] + L[:-2, 1:-1] + L[:-2, 2:] + L[1:-1, :-2] + L[1:-1, 2:] + L[2:, :-2] + L[2:, 1:-1] + L[2:, 2:])
L[1:-1, 1:-1] = (n == 3) | (L[1:-1, 1:-1] == 1) & (n == 2)
return L.sum(), n

@ L
L[1:] ^= L[:-1]; L[:, 1:] += L[:, :-1]; L %= 16; return L.max(axis=0)

@ L
L[1:-1, 1:-1] = (L[:-2, 1:-1] + L[2:, 1:-1] + L[1:-1, :-2] + L[1:-1, 2:])//4
L[0] = L[-2]; L[-1] = L[1]; L[:, 0] = L[:, -2]; L[:, -1] = L[:, 1]

def blur(x): return (x[:-2, 1:-1] + x[2:, 1:-1] + 2*x[1:-1, 1:-1]) >> 2
return blur(L), blur(blur(L)), L - L.T
"""

LARGE = """
u[1:, 1:] - u[:-1, :-1]

return u + v, u - v, u.sum(), (u > v).sum(), u.max()

t = u*v; return t[::2].sum(axis=0), t.max(axis=1), t[5]

return u.T + 1, u.sum(axis=0), u.sum(axis=1), u[:, ::-1] - v

@ u
u += v

@ u
u[1:] += u[:-1]

@ u
u[:-1] -= u[1:]

@ u
u[:, 1:] += u[:, :-1]; return u.max()

@ u
u[...] = u[::-1]

@ u
u[...] = u[:, ::-1]*2

@ u
u[1:-1, 1:-1] += 0.2*(u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4*u[1:-1, 1:-1])

@ u v
u[1:] += u[:-1]; v[:-1] -= u[1:]*v[1:]

@ u v
u[:, 1:] = u[:, :-1]*v[:, 1:]; v[3:, :] = v[:-3, :] + u[3:, :]

@ u
u[::-1][2:] = u[::-1][:-2]

@ u
u.T[1:] = u.T[:-1] + v.T[1:]

@ u
u[7:-7, 1:-1] = u[14:, 2:] - u[:-14, :-2] + v[7:-7, 1:-1]

@ u
u[200:] = u[:-200]*2 + v[1]

@ u
u[-50:] = u[:50]*2; u[:50] = 1

@ u
u[::2] = u[1::2] + u[::-2]

@ u
u[1:] = u[:-1] + u[0, 0]

@ u v
x = u + v
u[1:-1] = x[2:] - x[:-2]
v[...] = x*2
return x.sum()

@ u v
x = u*2
u[...] = v
v[1:] = x[:-1]
u[1:] -= x[1:]
return x.max(), u.sum()

@ u v
t = u.sum(axis=0); u -= t; v += u.max(axis=1, keepdims=True)

@ u v
u[...], v[...] = v*1, u*1; u[0] = v[-1]

@ u v
u[1:-1, 1:-1] = u[2:, 1:-1] + u[:-2, 1:-1] - v[1:-1, 2:]
v[1:-1, 1:-1] = u[1:-1, 1:-1]*v[1:-1, :-2]

@ u
u[:, :200] = u[:, 200:400]; u[:, 400:] = 0; return u[:, 399]

@ u
old = u*1
u[...] = 0
u[1:] += old[:-1]
u[:-1] += old[1:]
u[:, 1:] += old[:, :-1]
u[:, :-1] += old[:, 1:]
u -= 4*old

@ u
m = u > 0
u[...] = np.where(m, u, 0)
u[1:] += m[:-1]
return m.sum()
"""

#: Branches and loops that run once for all, around whole arrays. Sums are exact, so that their order does not matter.
CONTROL = """
@ u
for step in range(7):
    u[1:-1] = 0.5*(u[:-2] + u[2:])

@ u
for step in range(20):
    u[1:-1] = 0.5*(u[:-2] + u[2:])
return step, u.max()

@ u
for step in range(k):
    u += a
    u *= 0.5

@ u v
for step in range(30):
    u[1:] += v[:-1]
    v[:-1] -= 0.5*u[1:]
    if v.max() > 100:
        break
return step

@ u
n = 0
while np.max(np.abs(u)) > 0.5:
    u *= 0.5
    n += 1
return n

@ u
while True:
    u /= 2
    if (np.abs(u) < 1).all():
        break

@ u
n = 0
while n < 40:
    n += 1
    if n % 2 == 0:
        continue
    u[0] += n
return n, u[0]

@ u
for n in range(40):
    if n % 4 == 1:
        continue
    elif n % 4 == 3:
        u[1] -= n
        continue
    u[0] += n
    u[2] = u[0] + u[1]

@ u
for n in range(50):
    u += 1
    if u.min() > 1000:
        break
else:
    u[...] = -u
    n = -1
return n

@ u
for n in range(50):
    u += 1
    if u.min() > 10:
        found = n
        break
else:
    found = -1
return found

@ u
if a.max() > 1:
    u[...] = a
else:
    u[...] = b
return u.min()

@ u v
if (a > 1e9).any():
    u[...] = a
elif k == 3:
    v[...] = a - b
    u[1:] = v[:-1]
else:
    u[...] = 0

@ u
if flag:
    t = a + 1
    u[0] = 7
else:
    t = b
return t

x = a
for n in range(30):
    x = x/2 + np.max(x)
    if np.max(np.abs(x)) > 1e6:
        break
return x, n

x = a + 1
n = 0
while np.max(x) > 0.01:
    x = x*0.5
    n += 1
x, n

x = i
for n in range(33):
    x = x + np.sum(x) % 7
return x, np.sum(x)

x, y1 = a, b
for n in range(33):
    x, y1 = y1, x + np.max(y1)*0.0078125
return x, y1

last = a*0
x = a
for n in range(40):
    last = x
    x = x*0.5 + np.min(x)*0.25
return last - x, last

def settle(x, tol):
    for n in range(100):
        if np.max(np.abs(x)) < tol:
            return x, n
        x = x*0.25
    return x, -1
x, n = settle(a, 0.01)
w, m1 = settle(b, 1e-300)
return x + w, n - m1

def settle(x):
    n = 0
    while np.any(x > 1):
        x = np.where(x > 1, x - 1, x)
        n += 1
    return x, n
settle(a)[0] + settle(b)[1]

@ u
def relax(x, n):
    for step in range(n):
        x[1:-1] = (x[:-2] + x[2:])*0.5
relax(u, 12)
relax(u[1:], 7)

@ u
for n in range(9):
    for m1 in range(n):
        u[m1 % 5] += n
    u[...] = u*0.5
return n

@ u
total = 0
for n in range(12):
    for m1 in range(40):
        if m1 > n:
            break
        u[0] += 1
        total += m1
    if total > 100:
        break
return n, m1, total

@ u
n = 0
while True:
    n += 1
    m1 = 0
    while m1 < 30:
        m1 += 1
        u *= 0.5
        if u.max() < 1e-3:
            return n, m1

@ u
for n in range(20, 0, -3):
    u[n % 3] -= n
return n

@ u
n = 0
for n in range(k, 30, k):
    u += n
return n

@ u
n = 5
for n in range(0, 0 - k):
    u += n
return n

@ u
n = 17
while n < k:
    u += n
    n += 1
return n

@ K
for n in range(25):
    K[1:-1, 1:-1] = 0.25*(K[2:, 1:-1] + K[:-2, 1:-1] + K[1:-1, 2:] + K[1:-1, :-2])
return K.max()

@ K
for n in range(25):
    old = K*1
    K[1:-1] = 0.5*(K[2:] + K[:-2])
    if np.max(np.abs(K - old)) < 0.25:
        break
return n, old

@ K
for n in range(9):
    r1 = K.max(axis=1)
    K[...] = K - 0.5*r1[:, None]
return r1

@ L
for n in range(30):
    L[...] = L.T + n
    if L.sum() % 5 == 3:
        L[0] = n
return L.sum(), n

@ L
x = L.sum(axis=0)
for n in range(30):
    L += x
    x = L.sum(axis=0) % 97
return x

@ u
n = 0
x = a
while n < 26:
    x = x + n
    if n % 3 == 0:
        u += x
    n += 1
return x

@ u
n = 0
for step in range(35):
    if u[0] > 3:
        u[0] -= 4
        n += 1
    else:
        u[0] += 1.5
return n, step

@ u
x = 0
for step in range(35):
    x = x + u.max()
    u *= 0.5
return x

@ u
x = 0
for step in range(35):
    x = f.max() + x*0.5
    u += x
return x

@ u
x = 1
for step in range(35):
    x = step*2 + x
    u += x % 5
return x

@ u
x = 1
y1 = 2
for step in range(33):
    x, y1 = y1, (x + y1) % 1000
    u[0] = x
return x, y1

@ u
pair = (a, 0)
for step in range(33):
    pair = (pair[0]*0.5, pair[1] + step)
    u -= pair[0]
return pair

@ u v
for step in range(33):
    t = u*1
    u[...] = v
    v[...] = t
return step

@ p
for step in range(40):
    p ^= p >> 1
    p += step
    if (p & 1).all():
        break
return step

@ h
n = 0
while h.max() > 3:
    h //= 2
    n = n + 1
return n

@ u
s1 = np.sqrt(np.abs(a)) + a*b
for step in range(40):
    u += s1
    u *= 0.5
return s1

@ u
s1 = u*2 + 1
for step in range(40):
    u[...] = u*0.5 + s1
return s1

@ u
total = u.sum()
for step in range(40):
    u[...] = u*0.5
    u[0] += total*0.0625
return total

@ u
for step in range(40):
    w1 = u[1:-1]
    w1 += 1
    w1[0] = step
return step

@ u
if k > 2:
    for step in range(40):
        u += step
        if u.min() > 80:
            u[0] = 0
            break
    u[1] = step

@ u
for step in range(40):
    x = a
    n = 0
    while n < 4:
        x = x*0.5 + 1
        n += 1
    u += x
return x

@ u
for step in range(40):
    x = np.where(a > step, a, b)
    if x.max() == b.max():
        break
    u[...] = x
return step, x

@ u n=1
while u > 0.125:
    u *= 0.5

@ u
u[0] = 4
while u[0] > 0.125:
    u *= 0.5

for n in range(40):
    if np.max(a) < n:
        break
return n

n = 0
while np.sum(i)*0 + n < 30:
    n += 1
return n

@ u
c1 = 0
for step in range(40):
    if np.max(u) > 5: u *= 0.25; c1 += 1; continue
    u += 1
return c1

@ u v
for step in range(40):
    if step % 2: u[::2] = v[::2] + step
    else: v[::-1] = u
return u - v
"""
