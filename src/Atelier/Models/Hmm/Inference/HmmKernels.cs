using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Atelier.Models.Hmm.Inference;

/// <summary>
/// Vector operations over states in fp64, eight states at a time. Vectors and matrix rows are padded with zeros to a
/// multiple of eight (the width), so that no loop needs a remainder.
/// </summary>
internal static unsafe class HmmKernels
{
    /// <summary>The number of fp64 elements in a vector.</summary>
    public const int Lanes = 8;

    /// <summary>The number of states rounded up to a multiple of the vector length.</summary>
    public static int Width(int states) => (states + Lanes - 1) / Lanes * Lanes;

    /// <summary>
    /// Multiplies a vector by a matrix: result[j] = Σ_i vector[i] · matrix[i, j]. The result must not overlap the
    /// vector.
    /// </summary>
    public static void Multiply(double* vector, double* matrix, double* result, int states, int width)
    {
        if (width == Lanes)
        {
            Vector512<double> a = Vector512<double>.Zero, b = a, c = a, d = a;
            int i = 0;
            for (; i + 4 <= states; i += 4)
            {
                a = Vector512.FusedMultiplyAdd(Vector512.Create(vector[i]), Vector512.Load(matrix + (i * Lanes)), a);
                b = Vector512.FusedMultiplyAdd(Vector512.Create(vector[i + 1]),
                    Vector512.Load(matrix + ((i + 1) * Lanes)), b);
                c = Vector512.FusedMultiplyAdd(Vector512.Create(vector[i + 2]),
                    Vector512.Load(matrix + ((i + 2) * Lanes)), c);
                d = Vector512.FusedMultiplyAdd(Vector512.Create(vector[i + 3]),
                    Vector512.Load(matrix + ((i + 3) * Lanes)), d);
            }
            for (; i < states; i++)
                a = Vector512.FusedMultiplyAdd(Vector512.Create(vector[i]), Vector512.Load(matrix + (i * Lanes)), a);
            ((a + b) + (c + d)).Store(result);
            return;
        }
        int column = 0;
        for (; column + (4 * Lanes) <= width; column += 4 * Lanes)
            MultiplyFour(vector, matrix + column, result + column, states, width);
        for (; column < width; column += Lanes)
        {
            Vector512<double> a = Vector512<double>.Zero, b = a;
            double* row = matrix + column;
            int i = 0;
            for (; i + 2 <= states; i += 2, row += 2 * width)
            {
                a = Vector512.FusedMultiplyAdd(Vector512.Create(vector[i]), Vector512.Load(row), a);
                b = Vector512.FusedMultiplyAdd(Vector512.Create(vector[i + 1]), Vector512.Load(row + width), b);
            }
            if (i < states)
                a = Vector512.FusedMultiplyAdd(Vector512.Create(vector[i]), Vector512.Load(row), a);
            (a + b).Store(result + column);
        }
    }

    /// <summary>
    /// Adds the expected transitions of a block of time steps: sums[i, j] += Σ_t left[t, i] · right[t, j]. The offset
    /// from one right vector to the next is <paramref name="step"/>, which may be negative.
    /// </summary>
    public static void AddOuterProducts(double* left, double* right, int step, int times, double* sums, int states,
        int width)
    {
        for (int i = 0; i < states; i += 4)
        {
            int rows = Math.Min(4, states - i);
            for (int j = 0; j < width; j += Lanes)
            {
                Vector512<double> a = Vector512<double>.Zero, b = a, c = a, d = a;
                double* l = left + i;
                double* r = right + j;
                for (int t = 0; t < times; t++, l += width, r += step)
                {
                    Vector512<double> v = Vector512.Load(r);
                    a = Vector512.FusedMultiplyAdd(Vector512.Create(l[0]), v, a);
                    b = Vector512.FusedMultiplyAdd(Vector512.Create(l[1]), v, b); // padding is zero
                    c = Vector512.FusedMultiplyAdd(Vector512.Create(l[2]), v, c);
                    d = Vector512.FusedMultiplyAdd(Vector512.Create(l[3]), v, d);
                }
                double* s = sums + ((long)i * width) + j;
                (Vector512.Load(s) + a).Store(s);
                if (rows > 1)
                    (Vector512.Load(s + width) + b).Store(s + width);
                if (rows > 2)
                    (Vector512.Load(s + (2 * width)) + c).Store(s + (2 * width));
                if (rows > 3)
                    (Vector512.Load(s + (3 * width)) + d).Store(s + (3 * width));
            }
        }
    }

    /// <summary>Multiplies elementwise: result = left ∘ right · factor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scale(double* left, double* right, double factor, double* result, int width)
    {
        Vector512<double> f = Vector512.Create(factor);
        for (int j = 0; j < width; j += Lanes)
            (Vector512.Load(left + j) * (Vector512.Load(right + j) * f)).Store(result + j);
    }

    /// <summary>Σ_j left[j] · right[j].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Dot(double* left, double* right, int width)
    {
        Vector512<double> sum = Vector512<double>.Zero;
        for (int j = 0; j < width; j += Lanes)
            sum = Vector512.FusedMultiplyAdd(Vector512.Load(left + j), Vector512.Load(right + j), sum);
        return Vector512.Sum(sum);
    }

    /// <summary>result = vector · factor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scale(double* vector, double factor, double* result, int width)
    {
        Vector512<double> f = Vector512.Create(factor);
        for (int j = 0; j < width; j += Lanes)
            (Vector512.Load(vector + j) * f).Store(result + j);
    }

    /// <summary>sums += vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(double* vector, double* sums, int width)
    {
        for (int j = 0; j < width; j += Lanes)
            (Vector512.Load(sums + j) + Vector512.Load(vector + j)).Store(sums + j);
    }

    /// <summary>Σ_j vector[j].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Sum(double* vector, int width)
    {
        Vector512<double> sum = Vector512<double>.Zero;
        for (int j = 0; j < width; j += Lanes)
            sum += Vector512.Load(vector + j);
        return Vector512.Sum(sum);
    }

    /// <summary>
    /// Returns the power of two that scales a positive number to between 1 and 2, and the exponent that it removes.
    /// Scaling by a power of two is exact. Exponents beyond ±1000 are clamped.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double NearOne(double sum, out int exponent)
    {
        exponent = (int)((BitConverter.DoubleToUInt64Bits(sum) >> 52) & 0x7FF) - 1023;
        exponent = Math.Clamp(exponent, -1000, 1000);
        return BitConverter.UInt64BitsToDouble((ulong)(1023 - exponent) << 52);
    }

    private static void MultiplyFour(double* vector, double* matrix, double* result, int states, int width)
    {
        Vector512<double> a = Vector512<double>.Zero, b = a, c = a, d = a, e = a, f = a, g = a, h = a;
        double* row = matrix;
        int i = 0;
        for (; i + 2 <= states; i += 2, row += 2 * width)
        {
            Vector512<double> x = Vector512.Create(vector[i]), y = Vector512.Create(vector[i + 1]);
            a = Vector512.FusedMultiplyAdd(x, Vector512.Load(row), a);
            b = Vector512.FusedMultiplyAdd(x, Vector512.Load(row + Lanes), b);
            c = Vector512.FusedMultiplyAdd(x, Vector512.Load(row + (2 * Lanes)), c);
            d = Vector512.FusedMultiplyAdd(x, Vector512.Load(row + (3 * Lanes)), d);
            e = Vector512.FusedMultiplyAdd(y, Vector512.Load(row + width), e);
            f = Vector512.FusedMultiplyAdd(y, Vector512.Load(row + width + Lanes), f);
            g = Vector512.FusedMultiplyAdd(y, Vector512.Load(row + width + (2 * Lanes)), g);
            h = Vector512.FusedMultiplyAdd(y, Vector512.Load(row + width + (3 * Lanes)), h);
        }
        if (i < states)
        {
            Vector512<double> x = Vector512.Create(vector[i]);
            a = Vector512.FusedMultiplyAdd(x, Vector512.Load(row), a);
            b = Vector512.FusedMultiplyAdd(x, Vector512.Load(row + Lanes), b);
            c = Vector512.FusedMultiplyAdd(x, Vector512.Load(row + (2 * Lanes)), c);
            d = Vector512.FusedMultiplyAdd(x, Vector512.Load(row + (3 * Lanes)), d);
        }
        (a + e).Store(result);
        (b + f).Store(result + Lanes);
        (c + g).Store(result + (2 * Lanes));
        (d + h).Store(result + (3 * Lanes));
    }
}
