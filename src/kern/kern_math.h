// kern/kern_math.h -- functions of one virtual vector; part of kern_body.h.
//
//   F1  NaN goes through: v_min and v_max give their second operand when either is NaN

// e^x within 2 ulp on [-86, 88], clamped outside; NaN stays NaN. Cephes' polynomial after
// x = n ln2 + r, |r| <= ln2 / 2.
INLINE vec exp_vec(vec x) {
    x = v_min(v_set(88.0F), v_max(v_set(-86.0F), x));
    vec shift = v_set(12582912.0F);  // 1.5 * 2^23: adding it rounds to an integer in the low bits
    vec t = v_fma(x, v_set(1.44269504088896341F), shift);
    vec n = v_sub(t, shift);
    vec r = v_fma(n, v_set(-0.693359375F), x);
    r = v_fma(n, v_set(2.12194440e-4F), r);
    vec p = v_set(1.9875691500e-4F);
    p = v_fma(p, r, v_set(1.3981999507e-3F));
    p = v_fma(p, r, v_set(8.3334519073e-3F));
    p = v_fma(p, r, v_set(4.1665795894e-2F));
    p = v_fma(p, r, v_set(1.6666665459e-1F));
    p = v_fma(p, r, v_set(5.0000001201e-1F));
    p = v_fma(v_mul(p, r), r, v_add(r, v_set(1.0F)));
    return v_pow2(p, t);
}

// For weights of a softmax: 0 below -86, so that -infinity takes part in nothing.
INLINE vec soft_exp_vec(vec x) {
    return v_zero_below(exp_vec(x), x, v_set(-86.0F));
}

// x/2 (1 + tanh u) is x / (1 + e^-2u), with u = sqrt(2/pi) (x + 0.044715 x^3).
INLINE vec gelu_vec(vec x) {
    vec cubic = v_fma(v_mul(v_mul(x, x), x), v_set(0.044715F), x);
    vec e = exp_vec(v_mul(cubic, v_set(-1.5957691216057308F)));
    return v_div(x, v_add(v_set(1.0F), e));
}

INLINE vec abs_vec(vec x) {
    return v_max(v_sub(v_set(0), x), x);
}

// 1 where x >= 0, else 0.
INLINE vec is_positive(vec x) {
    return v_zero_below(v_set(1), x, v_set(0));
}

// erfc(|x| / sqrt2) / 2, within 3 ulp. It is e^-x^2/2 times a smooth function of a = |x| / sqrt2,
// which is 1 / (1 + 2a) times a polynomial (Chebyshev's, relative error 3e-8) in (a - 2) / (a + 2).
// The square's rounding error is kept: it would be multiplied with the square.
INLINE vec tail_vec(vec x) {
    static const float p[] = {-0.000424122525F, -0.00126411952F, 0.00132779032F, 0.00866425503F,
                              -0.00806082506F,  -0.0542142652F,  0.164054915F,   -0.166030422F,
                              -0.0927639529F,   1.27697837F};
    vec c = v_min(v_set(13), abs_vec(x)), a = v_mul(c, v_set(0.70710678118654752F));
    vec two = v_set(2), q = v_div(v_sub(a, two), v_add(a, two)), y = v_set(p[0]);
    UNROLL for (int i = 1; i < 10; i++) y = v_fma(y, q, v_set(p[i]));
    vec square = v_mul(c, c), rest = v_fma(c, c, v_sub(v_set(0), square));
    vec e = exp_vec(v_mul(square, v_set(-0.5F)));
    e = v_fma(v_mul(rest, v_set(-0.5F)), e, e);
    return v_mul(e, v_div(y, v_fma(a, v_set(4), two)));
}

// x times what lies below x of a normal distribution.
INLINE vec gelu_erf_vec(vec x) {
    vec up = is_positive(x), sign = v_fma(up, v_set(-2), v_set(1));
    return v_mul(x, v_fma(tail_vec(x), sign, up));
}

// Cephes' polynomial below 0.625, else 1 - 2 / (1 + e^2|x|); within 2 ulp.
INLINE vec tanh_vec(vec x) {
    vec one = v_set(1), a = abs_vec(x), limit = v_set(0.625F), c = v_min(limit, a), z = v_mul(c, c);
    vec small = v_fma(v_set(-5.70498872745e-3F), z, v_set(2.06390887954e-2F));
    small = v_fma(small, z, v_set(-5.37397155531e-2F));
    small = v_fma(small, z, v_set(1.33314422036e-1F));
    small = v_fma(small, z, v_set(-3.33332819422e-1F));
    small = v_fma(v_mul(small, z), c, c);
    vec big = v_sub(one, v_div(v_set(2), v_add(one, exp_vec(v_add(a, a)))));
    vec is_big = v_zero_below(one, a, limit);
    vec y = v_fma(is_big, big, v_mul(v_sub(one, is_big), small));
    return v_mul(y, v_fma(is_positive(x), v_set(2), v_set(-1)));
}

INLINE vec cap_vec(vec x, vec c) {
    return v_mul(c, tanh_vec(v_div(x, c)));
}

// x sigmoid(steep x)
INLINE vec swish_vec(vec x, const float steep) {
    return v_div(x, v_add(v_set(1), exp_vec(v_mul(x, v_set(-steep)))));
}

INLINE vec gate_vec(vec gate, vec up, kern_store how) {
    if (how == KERN_SWIGLU) return v_mul(swish_vec(gate, 1), up);
    if (how == KERN_GEGLU) return v_mul(gelu_vec(gate), up);
    vec limit = v_set(7);
    up = v_max(v_set(-7), v_min(limit, up));
    return v_mul(v_add(up, v_set(1)), swish_vec(v_min(limit, gate), 1.702F));
}
