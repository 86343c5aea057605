using System.Runtime.Intrinsics;

namespace Atelier.Models.Hmm.Inference;

/// <summary>
/// The steps of the scaled forward and backward passes. For up to eight states, a vector is one register and the rows
/// of the matrix stay in eight others. The scaling factor is computed one step before its use, so that each vector
/// depends on the previous one through the product alone.
/// </summary>
internal static unsafe class HmmSteps
{
    private const int Every = 4; // vectors are scaled once in so many steps
    private const double LeastProduct = 1e-290;

    /// <summary>
    /// Computes to[t] = (to[t − 1] · matrix) ∘ b[t] for a number of steps, scaled by a power of two at every fourth.
    /// </summary>
    /// <param name="before">[width]: the vector before the first step.</param>
    /// <param name="matrix">[states, width].</param>
    /// <param name="b">[width]: the likelihoods of the first step.</param>
    /// <param name="step">The offset from one step's likelihoods to the next: the width, or minus the width.</param>
    /// <param name="to">[count, width]: receives the vectors.</param>
    /// <param name="count">The number of steps.</param>
    /// <param name="states">The number of states.</param>
    /// <param name="width">The number of states including padding.</param>
    /// <returns>The sum of the exponents of the powers of two that were divided out.</returns>
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
    /// Continues a pass through the half whose vectors of the opposite direction exist already. At each step
    /// next = before · matrix, scale = 1 / Σ next ∘ other, outs[t] = before · scale,
    /// posteriors[t] = next ∘ other · scale, and next ∘ b[t] is the vector before the next step.
    /// </summary>
    /// <param name="before">[width]: the vector before the first step; on return, the vector after the last.</param>
    /// <param name="matrix">[states, width].</param>
    /// <param name="block">The likelihoods to read, and the outgoing vectors and posteriors to write, at the first
    /// step.</param>
    /// <param name="step">The offset in the block from one step to the next: the width, or minus the width.</param>
    /// <param name="other">[width]: the vector of the opposite direction at the first step; those of the next steps
    /// precede it.</param>
    /// <param name="count">The number of steps.</param>
    /// <param name="states">The number of states.</param>
    /// <param name="width">The number of states including padding.</param>
    /// <returns>False if a step has probability zero in fp64.</returns>
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
            // The factor comes from the vector before this step and is used in the next, so that no step waits for it.
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
