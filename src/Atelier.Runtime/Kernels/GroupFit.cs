namespace Atelier.Kernels;

/// <summary>
/// Finds the scale and the minimum of a group of weights by weighted least squares: of a grid of scales, each rounds
/// the weights to codes, for which the best scale and minimum are known; those with the smallest error are kept.
/// </summary>
internal static class GroupFit
{
    private const int Steps = 21; // of the grid

    /// <summary>Returns the scale and the minimum of a group.</summary>
    /// <param name="codes">The codes of the type.</param>
    /// <param name="x">The weights.</param>
    /// <param name="importance">What the square of each error counts.</param>
    public static (float Scale, float Minimum) Find(in GroupCodes codes, ReadOnlySpan<float> x,
        ReadOnlySpan<float> importance)
    {
        (float lowest, float highest, float extreme) = (codes.HasFreeMinimum ? x[0] : 0, x[0], 0);
        foreach (float value in x)
        {
            (lowest, highest) = (Math.Min(lowest, value), Math.Max(highest, value));
            extreme = Math.Abs(value) > Math.Abs(extreme) ? value : extreme;
        }
        (float Scale, float Minimum) best = (0, codes.HasMinimum ? -lowest : 0);
        double least = Error(codes, x, importance, best.Scale, best.Minimum);
        for (int step = 0; step < (codes.IsNonLinear ? 2 : 1) * Steps && least > 0; step++)
        {
            // The extreme weight has the code at the end of the range, or one more or less. Unequal steps are not the
            // same from the other end.
            float offset = codes.Step * ((2f * (step % Steps) / (Steps - 1)) - 1), scale = codes.HasMinimum
                ? (highest - lowest) / (codes.Highest + offset)
                : extreme / ((step < Steps ? codes.Lowest : codes.Highest) + offset);
            if (scale == 0 || !float.IsFinite(scale))
                continue;
            (float Scale, float Minimum) fitted = Fit(codes, x, importance, scale, codes.HasMinimum ? -lowest : 0);
            double error = Error(codes, x, importance, fitted.Scale, fitted.Minimum);
            if (error < least)
                (least, best) = (error, fitted);
        }
        return best;
    }

    /// <summary>Returns the weighted sum of squared errors of the nearest codes.</summary>
    public static double Error(in GroupCodes codes, ReadOnlySpan<float> x, ReadOnlySpan<float> importance, float scale,
        float minimum)
    {
        float inverse = scale == 0 ? 0 : 1 / scale;
        double sum = 0;
        for (int i = 0; i < x.Length; i++)
        {
            float error = x[i] - ((scale * codes.Value(codes.Nearest((x[i] + minimum) * inverse))) - minimum);
            sum += (double)importance[i] * error * error;
        }
        return sum;
    }

    /// <summary>Returns the best scale and minimum for the codes that others give.</summary>
    private static (float Scale, float Minimum) Fit(in GroupCodes codes, ReadOnlySpan<float> x,
        ReadOnlySpan<float> importance, float scale, float minimum)
    {
        float inverse = 1 / scale;
        (double w, double wx, double wq, double wqq, double wqx) = (0, 0, 0, 0, 0);
        for (int i = 0; i < x.Length; i++)
        {
            double weight = importance[i], q = codes.Value(codes.Nearest((x[i] + minimum) * inverse));
            w += weight;
            wx += weight * x[i];
            wq += weight * q;
            wqq += weight * q * q;
            wqx += weight * q * x[i];
        }
        if (codes.HasMinimum)
        {
            double determinant = (w * wqq) - (wq * wq), offset = ((wqq * wx) - (wq * wqx)) / determinant;
            if (determinant > 0 && (codes.HasFreeMinimum || offset <= 0))
                return ((float)(((w * wqx) - (wx * wq)) / determinant), (float)-offset);
        }
        return wqq > 0 ? ((float)(wqx / wqq), 0) : (scale, minimum);
    }
}
