using System.Runtime.Intrinsics;

namespace Atelier.Models.Hmm.Inference;

/// <summary>
/// Runs of steps of the scaled forward or backward pass. Up to eight states are one register: the rows of the matrix
/// stay in eight others, and what scales a vector is worked out a step ahead of its use, so that nothing but the
/// product itself stands between one vector and the next.
/// </summary>
internal static unsafe class HmmSteps
{
    private const int Every = 4; // steps a scaling
    private const double LeastProduct = 1e-290;

    /// <summary>to[t] = (to[t − 1] · matrix) ∘ b[t], scaled by powers of two now and then.</summary>
    /// <param name="before">[width]: the vector before the first.</param>
    /// <param name="matrix">[states, width].</param>
    /// <param name="b">Likelihoods of the first time.</param>
    /// <param name="step">From one time's likelihoods to the next: the width, or minus it.</param>
    /// <param name="to">[count, width].</param>
    /// <param name="count">Steps.</param>
    /// <param name="states">States.</param>
    /// <param name="width">States with padding.</param>
    /// <returns>The exponents of the powers of two that were divided out.</returns>
    public static long Advance(double* before, double* matrix, double* b, int step, double* to, int count, int states,
        int width)
    {
        if (width == HmmKernels.Lanes)
            return AdvanceEight(before, matrix, b, step, to, count, states);
        long exponent = 0;
        for (int t = 0; t < count; t++, b += step, to += width)
        {
            double factor = 1;
            if (t % Every == 0)
            {
                factor = HmmKernels.NearOne(HmmKernels.Sum(before, width), out int up);
                exponent += up;
            }
            HmmKernels.Multiply(before, matrix, to, states, width);
            HmmKernels.Scale(to, b, factor, to, width);
            before = to;
        }
        return exponent;
    }

    /// <summary>
    /// Goes on into the half where the other end's vectors are there already. At each time next = before · matrix,
    /// scale = 1 / Σ next ∘ other, outs[t] = before · scale, posteriors[t] = next ∘ other · scale, and next ∘ b[t] is
    /// the vector before the next time.
    /// </summary>
    /// <param name="before">[width]: the vector before the first time; the one before the next on return.</param>
    /// <param name="matrix">[states, width].</param>
    /// <param name="block">Of the first time: likelihoods, what goes out, posteriors, each in time's order.</param>
    /// <param name="step">From one time to the next in the order of the work: the width, or minus it.</param>
    /// <param name="other">The other end's vector of the first time.</param>
    /// <param name="count">Steps.</param>
    /// <param name="states">States.</param>
    /// <param name="width">States with padding.</param>
    /// <returns>False if a time has probability zero in fp64.</returns>
    public static bool Meet(double* before, double* matrix, in PosteriorBlock block, int step, double* other, int count,
        int states, int width)
    {
        if (width == HmmKernels.Lanes)
            return MeetEight(before, matrix, block, step, other, count, states);
        double* b = block.Likelihoods, outs = block.Outs, posteriors = block.Posteriors;
        for (int t = 0; t < count; t++, b += step, outs += step, posteriors += step, other -= width)
        {
            HmmKernels.Multiply(before, matrix, posteriors, states, width);
            double product = HmmKernels.Dot(posteriors, other, width), scale = 1 / product;
            if (!(product > LeastProduct))
                return false;
            HmmKernels.Scale(before, scale, outs, width);
            double factor = t % Every == 0 ? HmmKernels.NearOne(HmmKernels.Sum(posteriors, width), out _) : 1;
            HmmKernels.Scale(posteriors, b, factor, before, width);
            HmmKernels.Scale(posteriors, other, scale, posteriors, width);
        }
        return true;
    }

    private static long AdvanceEight(double* before, double* matrix, double* b, int step, double* to, int count,
        int states)
    {
        var rows = new EightRows(matrix, states, padding: 0);
        long exponent = 0;
        Vector512<double> factor = Vector512<double>.One;
        for (int t = 0; t < count; t++, b += step, to += HmmKernels.Lanes)
        {
            // Of the vector before a step, for use in the step after: never waited for.
            Vector512<double> used = Vector512<double>.One;
            if (t % Every == 0 && t + 1 < count)
            {
                factor = Vector512.Create(HmmKernels.NearOne(Vector512.Sum(Vector512.Load(before)), out int up));
                exponent += up;
            }
            else if (t % Every == 1)
            {
                used = factor;
            }
            (rows.Multiply(before) * (Vector512.Load(b) * used)).Store(to);
            before = to;
        }
        return exponent;
    }

    private static bool MeetEight(double* before, double* matrix, in PosteriorBlock block, int step, double* other,
        int count, int states)
    {
        var rows = new EightRows(matrix, states, padding: 0);
        double* b = block.Likelihoods, outs = block.Outs, posteriors = block.Posteriors;
        Vector512<double> factor = Vector512<double>.One;
        for (int t = 0; t < count; t++, b += step, outs += step, posteriors += step, other -= HmmKernels.Lanes)
        {
            Vector512<double> here = Vector512.Load(before), used = Vector512<double>.One;
            if (t % Every == 0)
                factor = Vector512.Create(HmmKernels.NearOne(Vector512.Sum(here), out _));
            else if (t % Every == 1)
                used = factor;
            Vector512<double> next = rows.Multiply(before), both = next * Vector512.Load(other);
            (next * (Vector512.Load(b) * used)).Store(before);
            double product = Vector512.Sum(both);
            if (!(product > LeastProduct))
                return false;
            Vector512<double> scale = Vector512.Create(1 / product);
            (here * scale).Store(outs);
            (both * scale).Store(posteriors);
        }
        return true;
    }
}
