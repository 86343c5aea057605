using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Atelier.Tensors;

namespace Atelier.Kernels;

/// <summary>
/// silu(a x̂ + b), with x̂ a picture's group of channels normalised (Wu and He 2018, eq. 7), a and b a number for each
/// channel, and silu(z) = z σ(z): a group is read while it lies in the nearest cache, and nothing between is written.
/// </summary>
internal static unsafe class GroupNormKernel
{
    /// <summary>Places that a channel has at the least, so that one register fits.</summary>
    public const int LeastPlaces = Bf16.Lanes;

    /// <summary>One group of one picture, forward.</summary>
    /// <param name="x">channels × places numbers.</param>
    /// <param name="y">Room for as many.</param>
    /// <param name="a">A number a channel.</param>
    /// <param name="b">The same.</param>
    /// <param name="group">The group's size.</param>
    public static void Forward<T>(T* x, T* y, float* a, float* b, in ChannelGroup group)
        where T : unmanaged
    {
        (float mean, float scale) = Moments(x, group);
        for (int channel = 0; channel < group.Channels; channel++)
        {
            // a (x − mean) scale + b in one multiplication and addition
            float slope = a[channel] * scale;
            Vector512<float> slopes = Vector512.Create(slope), offsets = Vector512.Create(b[channel] - (slope * mean));
            for (int at = 0; at < group.Places; at += Bf16.Lanes)
            {
                // the last register begins earlier, and writes some numbers again
                int i = Math.Min(at, group.Places - Bf16.Lanes);
                Vector512<float> z = Vector512.FusedMultiplyAdd(Read(x + i), slopes, offsets);
                Write(y + i, z * VectorMath.Sigmoid(z));
            }
            x += group.Places;
            y += group.Places;
        }
    }

    /// <summary>The gradients of one group of one picture.</summary>
    /// <param name="x">As it went in.</param>
    /// <param name="gradient">Of y.</param>
    /// <param name="a">As it went in.</param>
    /// <param name="b">As it went in.</param>
    /// <param name="group">The group's size.</param>
    /// <param name="dx">Takes the gradient of x.</param>
    /// <param name="da">The gradient of a is added.</param>
    /// <param name="db">The gradient of b is added.</param>
    /// <param name="scratch">Room for channels × places numbers.</param>
    public static void Backward<T>(T* x, T* gradient, float* a, float* b, in ChannelGroup group, T* dx, float* da,
        float* db, float* scratch)
        where T : unmanaged
    {
        (float mean, float scale) = Moments(x, group);
        float sum = 0, product = 0; // Σ a dz and Σ a dz x̂ over the group
        for (int channel = 0; channel < group.Channels; channel++)
        {
            float slope = a[channel] * scale;
            Vector512<float> slopes = Vector512.Create(slope), offsets = Vector512.Create(b[channel] - (slope * mean));
            Vector512<float> sums = Vector512<float>.Zero, products = Vector512<float>.Zero,
                means = Vector512.Create(mean);
            int from = channel * group.Places;
            for (int at = 0; at < group.Places; at += Bf16.Lanes)
            {
                int i = Math.Min(at, group.Places - Bf16.Lanes);
                Vector512<float> value = Read(x + from + i), z = Vector512.FusedMultiplyAdd(value, slopes, offsets),
                    s = VectorMath.Sigmoid(z);
                // silu'(z) = σ(z) (1 + z (1 − σ(z)))
                Vector512<float> dz = Read(gradient + from + i) * s * Vector512.FusedMultiplyAdd(z,
                    Vector512<float>.One - s, Vector512<float>.One);
                dz.Store(scratch + from + i);
                dz &= group.New(at - i);
                sums += dz;
                products = Vector512.FusedMultiplyAdd(dz, value - means, products);
            }
            float ofB = Vector512.Sum(sums), ofA = Vector512.Sum(products) * scale;
            da[channel] += ofA;
            db[channel] += ofB;
            sum += a[channel] * ofB;
            product += a[channel] * ofA;
        }
        // dx = scale (a dz − mean(a dz) − x̂ mean(a dz x̂))
        int count = group.Size;
        float back = scale * scale * product / count;
        Vector512<float> factors = Vector512.Create(-back),
            constants = Vector512.Create((back * mean) - (scale * sum / count));
        for (int channel = 0; channel < group.Channels; channel++)
        {
            Vector512<float> slopes = Vector512.Create(a[channel] * scale);
            int from = channel * group.Places;
            for (int at = 0; at < group.Places; at += Bf16.Lanes)
            {
                int i = from + Math.Min(at, group.Places - Bf16.Lanes);
                Write(dx + i,
                    Vector512.FusedMultiplyAdd(Vector512.Load(scratch + i), slopes,
                    Vector512.FusedMultiplyAdd(Read(x + i), factors, constants)));
            }
        }
    }

    /// <summary>Mean and 1 / √(variance + ε), the variance around the mean that was found first.</summary>
    private static (float Mean, float Scale) Moments<T>(T* x, in ChannelGroup group)
        where T : unmanaged
    {
        int count = group.Size, whole = count / Bf16.Lanes * Bf16.Lanes;
        Vector512<float> first = Vector512<float>.Zero, second = Vector512<float>.Zero,
            last = group.Last(count - whole);
        for (int i = 0; i < whole; i += Bf16.Lanes)
            first += Read(x + i);
        if (whole < count)
            first += Read(x + count - Bf16.Lanes) & last;
        float mean = Vector512.Sum(first) / count;
        Vector512<float> means = Vector512.Create(mean);
        for (int i = 0; i < whole; i += Bf16.Lanes)
        {
            Vector512<float> apart = Read(x + i) - means;
            second = Vector512.FusedMultiplyAdd(apart, apart, second);
        }
        if (whole < count)
        {
            Vector512<float> apart = (Read(x + count - Bf16.Lanes) - means) & last;
            second = Vector512.FusedMultiplyAdd(apart, apart, second);
        }
        return (mean, (float)(1 / Math.Sqrt((Vector512.Sum(second) / count) + group.Epsilon)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Read<T>(T* from)
        where T : unmanaged => typeof(T) == typeof(float) ? Vector512.Load((float*)from) : Bf16.Load((ushort*)from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write<T>(T* to, Vector512<float> value)
        where T : unmanaged
    {
        if (typeof(T) == typeof(float))
            value.Store((float*)to);
        else
            Bf16.Store((ushort*)to, value);
    }
}
