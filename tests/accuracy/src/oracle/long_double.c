/* The C library's functions of long double: an estimate of an error, to tell which results need a closer look.
 *
 * Only where long double is wider than double, which leaves the GNU C library on x86-64 (64 bits) and AArch64 (113). */

#define _GNU_SOURCE
#include <float.h>
#include <math.h>
#include <string.h>

#if defined(__GLIBC__) && (LDBL_MANT_DIG == 64 || LDBL_MANT_DIG == 113)

typedef long double (*function)(long double, long double);

#define UNARY(name, value) \
    static long double of_##name(long double x, long double y) { (void)y; return value; }
#define BINARY(name, value) \
    static long double of_##name(long double x, long double y) { return value; }

/* The sign is not ours to keep: lgamma is of the absolute value. */
static long double log_gamma(long double x) { int sign; return lgammal_r(x, &sign); }

UNARY(exp, expl(x))
UNARY(exp2, exp2l(x))
UNARY(exp10, exp10l(x))
UNARY(expm1, expm1l(x))
UNARY(log, logl(x))
UNARY(log2, log2l(x))
UNARY(log10, log10l(x))
UNARY(log1p, log1pl(x))
UNARY(sin, sinl(x))
UNARY(cos, cosl(x))
UNARY(tan, tanl(x))
UNARY(asin, asinl(x))
UNARY(acos, acosl(x))
UNARY(atan, atanl(x))
UNARY(sinh, sinhl(x))
UNARY(cosh, coshl(x))
UNARY(tanh, tanhl(x))
UNARY(asinh, asinhl(x))
UNARY(acosh, acoshl(x))
UNARY(atanh, atanhl(x))
UNARY(cbrt, cbrtl(x))
UNARY(erf, erfl(x))
UNARY(erfc, erfcl(x))
UNARY(cube, x * x * x)
UNARY(quart, (x * x) * (x * x))
UNARY(sigmoid, 1 / (1 + expl(-x)))
UNARY(tgamma, tgammal(x))
UNARY(lgamma, log_gamma(x))
BINARY(atan2, atan2l(x, y))
BINARY(hypot, hypotl(x, y))
BINARY(pow, powl(x, y))

#define ROW(name) { #name, of_##name }
static const struct { const char *name; function value; } FUNCTIONS[] = {
    ROW(exp), ROW(exp2), ROW(exp10), ROW(expm1), ROW(log), ROW(log2), ROW(log10), ROW(log1p), ROW(sin), ROW(cos),
    ROW(tan), ROW(asin), ROW(acos), ROW(atan), ROW(sinh), ROW(cosh), ROW(tanh), ROW(asinh), ROW(acosh), ROW(atanh),
    ROW(cbrt), ROW(erf), ROW(erfc), ROW(cube), ROW(quart), ROW(sigmoid), ROW(tgamma), ROW(lgamma), ROW(atan2),
    ROW(hypot), ROW(pow),
};
enum { N_FUNCTIONS = sizeof FUNCTIONS / sizeof FUNCTIONS[0] };

/* The function's number, or -1 if it has no estimate here. */
int ndexpr_long_double_index(const char *name) {
    for (int idx = 0; idx < N_FUNCTIONS; idx++) {
        if (strcmp(FUNCTIONS[idx].name, name) == 0) return idx;
    }
    return -1;
}

/* About how many units in the last place `found` is from the value: NaN where that takes thinking, as of infinities. */
double ndexpr_long_double_error(int idx, double x, double y, double found) {
    long double value = FUNCTIONS[idx].value(x, y);
    if (isnan(value) && isnan(found)) return 0;
    if (isnan(value) || isnan(found) || !signbit(found) != !signbit(value)) return NAN;
    if (value == found || (isinf(found) && fabsl(value) >= 0x1p1024L)) return 0;
    if (value == 0 || isinf(found) || fabsl(value) >= 0x1p1024L) return NAN;
    int exponent;
    /* What rounded to a power of two may be less, where the unit is half as large. */
    if (fabsl(frexpl(value, &exponent)) == 0.5L) exponent--;
    int ulp_exponent = exponent - DBL_MANT_DIG < -1074 ? -1074 : exponent - DBL_MANT_DIG;
    return (double)fabsl(ldexpl(found - value, -ulp_exponent));
}

#else

int ndexpr_long_double_index(const char *name) { (void)name; return -1; }
double ndexpr_long_double_error(int idx, double x, double y, double found) {
    (void)idx, (void)x, (void)y, (void)found;
    return NAN;
}

#endif
