#!/usr/bin/env python3
"""Writes accuracy.txt: arguments, and the exact results beyond the precision of an element. Needs mpmath.

    python3 make_accuracy.py

A section opens with `function dtype`. A line in it is `x [y] hi rest`: the arguments and `hi`, the element nearest to
the exact result, as bit patterns; `rest`, what `hi` lacks, as a signed decimal fraction of one ULP of the exact
result. A result computed as `z` is thus `(z - hi) / ULP - rest` off. Results that overflow are left out; those that
underflow are there.

The arguments: random over every range that a function treats differently, edges, and the worst known to us.
"""

import math
import pathlib
import random
import struct

import mpmath
from mpmath import mp, mpf

mp.prec = 200
random.seed(2026)
N_RANDOM = 180

BITS = {"float64": (53, -1074, 1024, "<d", "<Q", 16), "float32": (24, -149, 128, "<f", "<I", 8)}

FUNCTIONS = {
    "exp": mpmath.exp,
    "exp2": lambda x: mpf(2) ** x,
    "exp10": lambda x: mpf(10) ** x,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log2": lambda x: mpmath.log(x) / mpmath.log(2),
    "log10": lambda x: mpmath.log(x) / mpmath.log(10),
    "log1p": mpmath.log1p,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tan": mpmath.tan,
    "asin": mpmath.asin,
    "acos": mpmath.acos,
    "atan": mpmath.atan,
    "atan2": mpmath.atan2,
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "tanh": mpmath.tanh,
    "asinh": mpmath.asinh,
    "acosh": mpmath.acosh,
    "atanh": mpmath.atanh,
    "pow": lambda x, y: x**y,
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "hypot": mpmath.hypot,
    "erf": mpmath.erf,
    "erfc": mpmath.erfc,
    "cube": lambda x: x**3,
    "quart": lambda x: x**4,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "tgamma": mpmath.gamma,
    "lgamma": lambda x: mpmath.re(mpmath.loggamma(x)),
}

# Where FUNCTION_RANGES has (lo, hi): uniform there. Where it has ("log", lo, hi): uniform in the exponent of 2, both
# signs if the function takes them.
FUNCTION_RANGES = {
    "exp": [(-745, 710), (-2, 2), ("log", -60, 9)],
    "exp2": [(-1075, 1024), (-2, 2), ("log", -60, 10)],
    "exp10": [(-323, 308.3), (-2, 2), ("log", -60, 8)],
    "expm1": [(-40, 710), (-2, 2), ("log", -60, 9)],
    "log": [(0.5, 2), ("log", -1074, 1023), (0.99, 1.01)],
    "log2": [(0.5, 2), ("log", -1074, 1023), (0.99, 1.01)],
    "log10": [(0.5, 2), ("log", -1074, 1023), (0.99, 1.01)],
    "log1p": [(-0.99, 2), ("log", -60, 0), ("log", -1000, 1023)],
    "sin": [(-10, 10), (-1e5, 1e5), ("log", -30, 1023)],
    "cos": [(-10, 10), (-1e5, 1e5), ("log", -30, 1023)],
    "tan": [(-10, 10), (-1e5, 1e5), ("log", -30, 1023)],
    "asin": [(-1, 1), (0.4, 0.6), ("log", -40, 0)],
    "acos": [(-1, 1), (0.4, 0.6), ("log", -40, 0)],
    "atan": [(-3, 3), ("log", -40, 60), ("log", -3, 3)],
    "sinh": [(-710, 710), (-1, 1), ("log", -40, 9)],
    "cosh": [(-710, 710), (-1, 1), ("log", -40, 9)],
    "tanh": [(-20, 20), (-1, 1), ("log", -40, 4)],
    "asinh": [(-3, 3), ("log", -40, 1023), (-0.5, 0.5)],
    "acosh": [(1, 3), ("log", 0, 1023), (1, 1.01)],
    "atanh": [(-1, 1), (-0.3, 0.3), ("log", -40, 0)],
    "cbrt": [("log", -1074, 1023), (-10, 10), (-10, 10)],
    "erf": [(-6, 6), (-1, 1), ("log", -1000, 2)],
    "erfc": [(-6, 27.3), (-1, 3), (0.2, 0.6)],
    "tgamma": [(-184, 172), (-4, 4), ("log", -1020, 3)],
    "lgamma": [(0.5, 10), (-40, 100), ("log", -1000, 1000)],
    "cube": [("log", -358, 342), ("log", -358, -335), (-9, 9)],
    "quart": [("log", -269, 256), ("log", -269, -250), (-9, 9)],
    "sigmoid": [(-745, 40), (-4, 4), ("log", -60, 9)],
}

EDGES = {
    "exp": [709.782712893384, -745.1332191019411, -708.3964185322641, 1e-320, -661.5926609224967],
    "expm1": [709.782712893384, -37.42994775023705, 1e-320, 0.5481175886019258],
    "exp2": [-1022.4398501202288, 1023.9999999999999, -1074.5, 1e-320],
    "exp10": [308.2547155599167, -323.3, -1.82233783638824],
    "log": [5e-324, 1.7976931348623157e308, math.nextafter(1, 0), math.nextafter(1, 2), 1.4122248455661481],
    "log2": [5e-324, 1.7976931348623157e308, math.nextafter(1, 0), math.nextafter(1, 2), 1.3552896502940845],
    "log10": [5e-324, 1.7976931348623157e308, math.nextafter(1, 0), math.nextafter(1, 2), 1.3280538963895703],
    "log1p": [5e-324, -5e-324, 1.7976931348623157e308, math.nextafter(-1, 0), 0.27632377524775],
    "sin": [6381956970095103 * 2.0**797, math.pi, 2 * math.pi, 5e-324, 1e22, 0.8087447887046517],
    "cos": [6381956970095103 * 2.0**797, math.pi / 2, 5e-324, 1e22, -3.914764138969254],
    "tan": [6381956970095103 * 2.0**797, math.pi / 2, math.pi, 5e-324, 1e22, 67196.18932264461],
    "asin": [1.0, -1.0, math.nextafter(1, 0), 5e-324, 0.50710013522441],
    "acos": [-1.0, math.nextafter(1, 0), math.nextafter(-1, 0), 5e-324, -0.5055965303565659],
    "atan": [1.7976931348623157e308, 5e-324, 0.7007944021529336, 0.4375, 2.4375],
    "sinh": [710.4758600739439, 5e-324, 0.7023866994424961, 0.3, 0.35741668217371947],
    "cosh": [710.4758600739439, 5e-324, -2.501619173816952, 22.0],
    "tanh": [19.0615, 19.5, 20.0, 5e-324, 0.25185230169132966, -0.17554348982304738],
    "asinh": [1.7976931348623157e308, 5e-324, 2.0**28, 2.0**28 + 1, 0.37519961082405495],
    "acosh": [math.nextafter(1, 2), 1.7976931348623157e308, 2.0**28, 2.0**28 + 1, 1.0743810363805397],
    "atanh": [math.nextafter(1, 0), math.nextafter(-1, 0), 5e-324, 0.18428817049283852],
    "cbrt": [5e-324, -1.7976931348623157e308, 3.0268665871610134e207],
    "erf": [5e-324, 1e-308, 5.9, 0.84375, 1.25, -0.01180883942882982],
    "erfc": [0.4, math.nextafter(0.4, 0), 26.5, 27.2, 27.226017111108366, 0.32264692270312434, 17.583670600687523],
    "tgamma": [171.6243769563027, -184.5, -177.5, 1e-308, -1e-308, 6e-309, -5.000000001, 0.5, 1.4616321449683622],
    "lgamma": [1.4616321449683622, math.nextafter(1, 0), math.nextafter(2, 3), 2.55e305, 5e-324, -5e-324, 8.0, 1e300],
    "cube": [5.643803094122361e102, 1.7031839360032603e-108, -3.3934998715146355e-103],
    "quart": [1.157920892373162e77, 1.4916681462400413e-81, 1.4398103695828217e-77],
    "sigmoid": [-745.1332191019411, -708.3964185322641, 36.7368005696771, 37.429947750237, 5e-324, -708.0498446733114],
}

PAIR_EDGES = {
    "atan2": [
        (1.0, 1.0),
        (-1.0, -1.0),
        (5e-324, -1.0),
        (1e-320, 2e-320),
        (1e308, -1e308),
        (2.0**66, -1.0),
        (1.0, -(2.0**65)),
        (657105077852.6526, -3.6389716020942346e-08),
        (5e-324, 1e300),
    ],
    "hypot": [
        (3.0, 4.0),
        (1e308, 1e308),
        (5e-324, 5e-324),
        (1e-310, 1e-309),
        (1e200, 1e100),
        (-0.5395825823327808, 0.548079685478227),
    ],
    "pow": [
        (10.0, -1.0),
        (10.0, 22.0),
        (math.nextafter(1, 0), 1e18),
        (math.nextafter(1, 2), 1e18),
        (2.0, -1074.0),
        (-3.0, 3.0),
        (5e-324, 0.5),
        (1.7976931348623157e308, -1.0),
        (4.1133946262477022e152, -0.17252363263684437),
        (0.1, 323.0),
        (-2.0, -1073.0),
    ],
}


def nearest(value, dtype):
    """The nearest element, ties to even; and the ULP of the exact value."""
    precision, emin, emax, *_ = BITS[dtype]
    _, exponent = mpmath.frexp(value)
    ulp = mpf(2) ** max(int(exponent) - precision, emin)
    return mp.nint(value / ulp) * ulp, ulp


def pattern(value, dtype):
    *_, pack, unpack, width = BITS[dtype]
    return format(struct.unpack(unpack, struct.pack(pack, value))[0], f"0{width}x")


def to_dtype(x, dtype):
    if dtype == "float64":
        return x
    return float("nan") if abs(x) >= 3.4028235677973366e38 else struct.unpack("<f", struct.pack("<f", x))[0]


def draw(interval):
    if interval[0] != "log":
        return random.uniform(*interval)
    _, lo, hi = interval
    return random.choice([-1, 1]) * random.uniform(1, 2) * 2.0 ** random.randrange(lo, hi)


def arguments(name, dtype):
    if name in FUNCTION_RANGES:
        points = [(x,) for x in EDGES[name]]
        ranges = FUNCTION_RANGES[name]
        while len(points) < N_RANDOM + len(EDGES[name]):
            interval = ranges[len(points) % len(ranges)]
            if dtype == "float32":
                # As many of these fit float32 as can.
                limit = 90 if name in ("exp", "expm1", "sinh", "cosh", "sigmoid") else 128 if name == "exp2" else 38.5
                if interval[0] == "log":
                    interval = ("log", max(interval[1], -148), min(interval[2], 127))
                elif name in ("exp", "expm1", "sinh", "cosh", "exp2", "exp10", "sigmoid"):
                    interval = (max(interval[0], -limit * 1.1), min(interval[1], limit))
                elif name == "erfc":
                    interval = (interval[0], min(interval[1], 10.1))
                if name == "cube" and interval[0] == "log":
                    interval = ("log", -49, -40) if interval[2] < 0 else ("log", -49, 42)
                if name == "quart" and interval[0] == "log":
                    interval = ("log", -37, -30) if interval[2] < 0 else ("log", -37, 32)
            points.append((draw(interval),))
    else:
        points = list(PAIR_EDGES[name])
        top = 1000 if dtype == "float64" else 120
        while len(points) < N_RANDOM + len(PAIR_EDGES[name]):
            if name == "pow":
                x = abs(draw([("log", -top, top), (0.5, 2), (0.99, 1.01)][len(points) % 3]))
                y = random.uniform(-1.04, 1.02) * top / abs(math.log2(x))
                y = round(y) if len(points) % 4 == 0 else y
                points.append((x, float(y)))
            else:
                shift = 2.0 ** (random.randrange(-top, top) if len(points) % 4 == 0 else 0)
                span = [2, 10, 64][len(points) % 3]
                points.append((shift * draw(("log", -span, span)), shift * draw(("log", -span, span))))
    for point in points:
        point = tuple(to_dtype(x, dtype) for x in point)
        if all(math.isfinite(x) and x != 0 for x in point):
            yield point


def lines():
    for name, function in FUNCTIONS.items():
        for dtype in BITS:
            yield f"{name} {dtype}"
            for point in arguments(name, dtype):
                x = mpf(point[0])
                if name.startswith("log") and x <= (-1 if name == "log1p" else 0):
                    continue
                if name in ("asin", "acos", "atanh") and abs(x) >= 1 or name == "acosh" and x <= 1:
                    continue
                if name in ("tgamma", "lgamma") and x <= 0 and x == mp.nint(x):
                    continue
                # Enough bits for the reduction of large arguments and for results close to a whole number.
                with mp.workprec(2400):
                    exact = function(*map(mpf, point))
                    if exact == 0 or abs(exact) >= mpf(2) ** BITS[dtype][2] * (1 - mpf(2) ** -BITS[dtype][0] / 2):
                        continue
                    if name == "lgamma" and x < -2 and abs(exact) < 1:
                        continue  # Close to a zero, where the error is bounded but not in ULP.
                    hi, ulp = nearest(exact, dtype)
                    rest = (exact - hi) / ulp
                fields = [pattern(float(v), dtype) for v in (*point, hi)]
                yield f"{' '.join(fields)} {mpmath.nstr(rest, 4)}"


path = pathlib.Path(__file__).with_name("accuracy.txt")
path.write_text(f"# mpmath {mpmath.__version__}, by make_accuracy.py\n" + "\n".join(lines()) + "\n")
