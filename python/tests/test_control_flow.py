"""Branches and loops: the same text, run by Python itself for one element after the other."""

from __future__ import annotations

import textwrap

import numpy as np
import pytest

import ndexpr

RNG = np.random.default_rng(11)
N = 300
X = RNG.standard_normal(N) * 2
VALUES = {
    "x": X,
    "y": RNG.standard_normal(N) * 2,
    "p": RNG.random(N) + 0.1,
    "f": RNG.standard_normal(N).astype(np.float32),
    "n": RNG.integers(1, 400, N),
    "m": RNG.integers(1, 60, N),
    "i": RNG.integers(-100, 100, N).astype(np.int32),
    "u": RNG.integers(0, 256, N).astype(np.uint8),
    "b": RNG.random(N) < 0.5,
    "w": np.where(np.arange(N) % 7 == 0, np.nan, X),
    "k": 3,
    "h": 0.25,
}

#: Texts whose results Python gives bit for bit.
EXACT = {
    "mandelbrot count": """
        zr = 0.0; zi = 0.0; count = 0
        while zr*zr + zi*zi <= 4 and count < 50:
            zr, zi = zr*zr - zi*zi + x, 2*zr*zi + y
            count += 1
        return count""",
    "mandelbrot last": """
        zr, zi = x, y
        for step in range(30):
            if zr*zr + zi*zi > 4:
                break
            zr, zi = zr*zr - zi*zi + x, 2*zr*zi + y
        return zr, zi""",
    "julia": """
        zr, zi, count = x, y, 0
        while count < 40:
            if zr*zr + zi*zi > 4: break
            zr, zi = zr*zr - zi*zi - 0.8, 2*zr*zi + 0.156
            count += 1
        return count""",
    "newton square root": """
        r = p
        for step in range(60):
            new = 0.5*(r + p/r)
            if new == r: break
            r = new
        return r""",
    "newton cube root": """
        r = 1.0
        while abs(r*r*r - p) > 1e-12*p:
            r = r - (r*r*r - p)/(3*r*r)
        return r""",
    "halley": """
        r = p + 1
        for step in range(8):
            r = r*(r*r*r + 2*p)/(2*r*r*r + p)
        return r""",
    "bisection": """
        low = -10.0; high = 10.0
        while high - low > 1e-9:
            middle = (low + high)/2
            if middle*middle*middle + middle < x:
                low = middle
            else:
                high = middle
        return low, high""",
    "collatz": """
        steps = 0
        while n != 1:
            if n % 2 == 0:
                n //= 2
            else:
                n = 3*n + 1
            steps += 1
        return steps""",
    "gcd": """
        a, c = n, m
        while c:
            a, c = c, a % c
        return a""",
    "lcm by a function": """
        def gcd(a, c):
            while c != 0:
                a, c = c, a % c
            return a
        return n*m // gcd(n, m)""",
    "integer square root": """
        r = n
        while r*r > n:
            r = (r + n//r)//2
        return r""",
    "population count": """
        bits = n; count = 0
        while bits:
            bits &= bits - 1
            count += 1
        return count""",
    "bit reversal": """
        r = 0; v = n
        for step in range(10):
            r = (r << 1) | (v & 1)
            v >>= 1
        return r""",
    "highest bit": """
        place = -1
        v = n
        while v > 0:
            v >>= 1
            place += 1
        return place""",
    "six branches": """
        if x < -2: r = -1.0
        elif x < -1: r = x + 1
        elif x < 0: r = x*x
        elif x < 1: r = x*x*x
        elif x < 2: r = 2 - x
        else: r = x/2
        return r""",
    "nested branches": """
        r = x
        if x > 0:
            if y > 0: r = x + y
            else:
                r = x - y
                if r > 2: r = 2.0
        elif y > 1: r = y
        return r""",
    "early returns": """
        def f(x, y):
            if x < 0: return -x
            if y < 0: return x - y
            return x*y
        return f(x, y)""",
    "return in a loop": """
        def first(n):
            d = 2
            while d*d <= n:
                if n % d == 0: return d
                d += 1
            return n
        return first(n)""",
    "return from two loops": """
        def find(n):
            for a in range(1, 20):
                for c in range(1, 20):
                    if a*a + c*c == n: return a*100 + c
            return -1
        return find(n)""",
    "else of a loop": """
        for d in range(2, n):
            if n % d == 0:
                r = d
                break
        else:
            r = 0
        return r""",
    "else of while": """
        v = n
        while v > 1:
            if v % 7 == 3: break
            v = v // 2
        else:
            v = -5
        return v""",
    "continue": """
        total = 0
        for j in range(n):
            if j % 3 == 0: continue
            if j % 5 == 4: continue
            total += j
        return total""",
    "break and continue": """
        total = 0; j = 0
        while True:
            j += 1
            if j > n: break
            if j % 2: continue
            total += j
            if total > 500: break
        return total, j""",
    "nested loops": """
        count = 0
        for a in range(1, m):
            c = 1
            while c < a:
                count += a % c == 0
                c *= 2
        return count""",
    "triangle of loops": """
        total = 0
        for a in range(6):
            for c in range(a, 6):
                if (a + c) % 4 == 3: break
                total += a*c + n
        return total""",
    "a loop that never starts": """
        r = x
        while r > 1000: r = r/2
        for j in range(5, 2): r = r + 1
        return r""",
    "range downwards": """
        total = 0
        for j in range(m, -3, -4): total = total*3 % 1000 + j
        return total""",
    "step of each element": """
        total = 0
        for j in range(0, 50, m): total += j
        return total""",
    "the last value of a range": """
        for j in range(100):
            if j*j > n: break
        return j""",
    "conditions with nan": """
        count = 0
        v = w
        while not v > 100:
            count += 1
            v = v*2 + 1 if v > 0 else 1 - v
            if count > 20: break
        return count""",
    "float32 stays": """
        r = 0
        for j in range(1, 40):
            r = r + f/j
        return r""",
    "float32 in a while": """
        r = f; count = 0
        while abs(r) > 0.01:
            r *= 0.5
            count += 1
        return count, r""",
    "bytes": """
        count = 0
        v = u
        while v > 3:
            v = v // 3
            count += 1
        return count, v""",
    "int32": """
        v = i
        while v*v > 50:
            v = -(v // 2)
        return v""",
    "flags": """
        found = False
        j = 0
        while not found and j < 30:
            found = (n + j) % 13 == 0
            j += 1
        return found, j""",
    "bools choose": """
        r = 0.0
        if b: r = x
        for j in range(m):
            if b and j > 10: break
            r += h
        return r""",
    "fibonacci": """
        a, c = 0, 1
        for j in range(m): a, c = c, a + c
        return a % 1000007""",
    "power by squaring": """
        r = 1; base = n; e = m
        while e > 0:
            if e & 1: r = r*base % 10007
            base = base*base % 10007
            e >>= 1
        return r""",
    "horner": """
        r = 0.0
        for j in range(12): r = r*x + j
        return r""",
    "clamped walk": """
        v = x
        for j in range(25):
            v = v*1.5 - y
            if v > 3: v = 3.0
            elif v < -3: v = -3.0
        return v""",
    "tuples": """
        state = (x, 0)
        while state[1] < m:
            state = (state[0]*0.5 + 1, state[1] + 1)
        return state""",
    "single values": """
        total = 0
        j = k
        while j < 1000: 
            total += j
            j = j*2 + 1
        return total + n""",
    "nothing changes": """
        v = x
        while False: v = v + 1
        if k > 100: v = v*2
        return v""",
    "names of one loop": """
        r = x
        for j in range(300):
            t = r*0.5
            r = t + 0.1
        return r + t""",
}

#: Texts whose results are within a bound, because they call functions of math.
CLOSE = {
    "kepler": """
        e = 0.3*h
        anomaly = x
        for step in range(50):
            change = (anomaly - e*sin(anomaly) - x)/(1 - e*cos(anomaly))
            anomaly = anomaly - change
            if abs(change) < 1e-13: break
        return anomaly""",
    "implied volatility": """
        low = 0.0; high = 5.0
        while high - low > 1e-10:
            s = (low + high)/2
            if p*tanh(s) + s*0.1 < 0.3*p: low = s
            else: high = s
        return low""",
    "damped": """
        r = x
        while abs(r) > 0.5: r = r*exp(-0.1*abs(r)) - 0.01
        return r""",
}


def by_python(text: str) -> list[np.ndarray]:
    """What Python gives for each element."""
    body = textwrap.indent(textwrap.dedent(text), "    ")
    names = ("abs", "sin", "cos", "exp", "tanh", "sqrt")
    scope = {name: getattr(np, name) for name in names}
    exec(f"def kernel({', '.join(VALUES)}):\n{body}", scope)
    rows = []
    with np.errstate(all="ignore"):
        for at in range(N):
            values = [value[at] if isinstance(value, np.ndarray) else value for value in VALUES.values()]
            result = scope["kernel"](*values)
            rows.append(result if isinstance(result, tuple) else (result,))
    return [np.array(column) for column in zip(*rows, strict=True)]


def by_us(text: str) -> list[np.ndarray]:
    found = ndexpr.evaluate(textwrap.dedent(text), VALUES)
    found = found if isinstance(found, tuple) else (found,)
    return [np.broadcast_to(array, N) for array in found]


@pytest.mark.parametrize("text", EXACT.values(), ids=EXACT.keys())
def test_exact(text: str) -> None:
    for found, wanted in zip(by_us(text), by_python(text), strict=True):
        np.testing.assert_array_equal(found, wanted)
        kinds = "biuf"
        assert kinds.index(found.dtype.kind) == kinds.index(wanted.dtype.kind)


@pytest.mark.parametrize("text", CLOSE.values(), ids=CLOSE.keys())
def test_close(text: str) -> None:
    for found, wanted in zip(by_us(text), by_python(text), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)


def test_an_endless_loop_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="has not ended"):
        ndexpr.evaluate("while True: x = x + 1\nreturn x", {"x": X[:3]})
