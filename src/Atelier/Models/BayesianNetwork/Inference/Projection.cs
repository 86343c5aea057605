namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>
/// Computes the projection of a product of factors without storing the product. It loops over the kept variables, and
/// inside over the variables to be summed or maximised out. Immutable, so that threads may fill parts of the result
/// concurrently.
/// </summary>
internal sealed class Projection
{
    private readonly double[][] _values;
    private readonly int[] _sizes;
    private readonly int[] _goneSizes;
    private readonly int[][] _strides; // [factor][kept variable]
    private readonly int[][] _goneStrides; // [factor][eliminated variable], without the last one
    private readonly int[] _lastStrides; // [factor]: of the last eliminated variable
    private readonly int _last; // the number of states of the last eliminated variable
    private readonly bool _maximise;

    /// <summary>Prepares a projection.</summary>
    /// <param name="factors">The factors to multiply.</param>
    /// <param name="kept">The variables of the result, in the order of its dimensions.</param>
    /// <param name="gone">The variables to eliminate; the innermost loop runs over the last one.</param>
    /// <param name="statesOf">Returns the number of states of a variable.</param>
    /// <param name="maximise">Whether variables are maximised out instead of summed out.</param>
    public Projection(IReadOnlyList<Factor> factors, int[] kept, int[] gone, Func<int, int> statesOf, bool maximise)
    {
        _values = [.. factors.Select(f => f.Values)];
        _sizes = [.. kept.Select(statesOf)];
        int[] others = gone.Length == 0 ? [] : gone[..^1];
        _goneSizes = [.. others.Select(statesOf)];
        _last = gone.Length == 0 ? 1 : statesOf(gone[^1]);
        _strides = [.. factors.Select(f => StridesIn(f, kept))];
        _goneStrides = [.. factors.Select(f => StridesIn(f, others))];
        _lastStrides = [.. factors.Select(f => gone.Length == 0 ? 0 : StridesIn(f, gone[^1..])[0])];
        _maximise = maximise;
    }

    /// <summary>
    /// Advances to the next combination of states in row-major order, and updates the index into a table accordingly.
    /// </summary>
    public static void Advance(Span<int> digits, ReadOnlySpan<int> sizes, ReadOnlySpan<int> strides, ref int index)
    {
        for (int d = digits.Length - 1; d >= 0; d--)
        {
            index += strides[d];
            if (++digits[d] < sizes[d])
                return;
            index -= digits[d] * strides[d];
            digits[d] = 0;
        }
    }

    /// <summary>Computes a part of the result.</summary>
    /// <param name="part">Receives the values.</param>
    /// <param name="first">The index of the first cell of the part.</param>
    public void Fill(Span<double> part, int first)
    {
        Span<int> offsets = stackalloc int[_values.Length], digits = stackalloc int[_sizes.Length],
            goneDigits = stackalloc int[_goneSizes.Length];
        offsets.Clear();
        goneDigits.Clear();
        for (int d = _sizes.Length - 1, rest = first; d >= 0; d--)
        {
            (rest, digits[d]) = Math.DivRem(rest, _sizes[d]);
            for (int f = 0; f < offsets.Length; f++)
                offsets[f] += digits[d] * _strides[f][d];
        }
        for (int cell = 0; cell < part.Length; cell++)
        {
            double result = 0;
            do
                result = _maximise ? Math.Max(result, Greatest(offsets)) : result + Sum(offsets);
            while (Advance(goneDigits, _goneSizes, _goneStrides, offsets));
            part[cell] = result;
            Advance(digits, _sizes, _strides, offsets);
        }
    }

    private double Sum(ReadOnlySpan<int> offsets)
    {
        double sum = 0;
        if (_values.Length == 2)
        {
            (double[] a, double[] b, int i, int j, int di, int dj) = (_values[0], _values[1], offsets[0], offsets[1],
                _lastStrides[0], _lastStrides[1]);
            for (int state = 0; state < _last; state++, i += di, j += dj)
                sum += a[i] * b[j];
            return sum;
        }
        for (int state = 0; state < _last; state++)
            sum += Product(offsets, state);
        return sum;
    }

    private double Greatest(ReadOnlySpan<int> offsets)
    {
        double greatest = 0;
        for (int state = 0; state < _last; state++)
            greatest = Math.Max(greatest, Product(offsets, state));
        return greatest;
    }

    private double Product(ReadOnlySpan<int> offsets, int state)
    {
        double product = 1;
        for (int f = 0; f < _values.Length; f++)
            product *= _values[f][offsets[f] + (state * _lastStrides[f])];
        return product;
    }

    // Returns false after the last combination, when digits and offsets are back at the first.
    private static bool Advance(Span<int> digits, ReadOnlySpan<int> sizes, int[][] strides, Span<int> offsets)
    {
        for (int d = digits.Length - 1; d >= 0; d--)
        {
            bool more = ++digits[d] < sizes[d];
            int steps = more ? 1 : 1 - sizes[d];
            for (int f = 0; f < offsets.Length; f++)
                offsets[f] += steps * strides[f][d];
            if (more)
                return true;
            digits[d] = 0;
        }
        return false;
    }

    private static int[] StridesIn(Factor factor, int[] variables)
    {
        var strides = new int[variables.Length];
        for (int d = factor.Scope.Length - 1, stride = 1; d >= 0; stride *= factor.Sizes[d--])
        {
            if (Array.IndexOf(variables, factor.Scope[d]) is >= 0 and int place)
                strides[place] = stride;
        }
        return strides;
    }
}
