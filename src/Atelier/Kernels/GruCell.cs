using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Atelier.Tensors;

namespace Atelier.Kernels;

/// <summary>
/// What a gated recurrent unit does with its products, element by element (Cho et al. 2014, eq. 5 to 8, with the reset
/// gate after the product, as PyTorch has it): with a = W x + b of the input and u = U h of the state, each of the
/// gates r, z, n in turn, r = σ(a_r + u_r + c_r), z = σ(a_z + u_z + c_z), s = u_n + c_n, n = tanh(a_n + r s), h′ = n +
/// z (h − n).
/// </summary>
/// <param name="width">The state's width, a multiple of sixteen.</param>
internal readonly unsafe struct GruCell(int width)
{
    private const int Lanes = Bf16.Lanes;

    /// <summary>One step of so many sequences.</summary>
    /// <param name="input">a, [rows, 3 · width]; the gates r, z, n take its place.</param>
    /// <param name="state">u, likewise.</param>
    /// <param name="bias">c, [3 · width], fp32.</param>
    /// <param name="before">h, [rows, width].</param>
    /// <param name="after">Takes h′.</param>
    /// <param name="inner">Takes s, [rows, width].</param>
    /// <param name="rows">Sequences.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Forward(ushort* input, ushort* state, float* bias, ushort* before, ushort* after, ushort* inner,
        int rows)
    {
        for (int row = 0; row < rows; row++, input += 3 * width, state += 3 * width, before += width, after += width,
            inner += width)
        {
            for (int i = 0, z = width, n = 2 * width; i < width; i += Lanes, z += Lanes, n += Lanes)
            {
                Vector512<float> reset =
                    VectorMath.Sigmoid(Bf16.Load(input + i) + Bf16.Load(state + i) + Vector512.Load(bias + i));
                Vector512<float> update =
                    VectorMath.Sigmoid(Bf16.Load(input + z) + Bf16.Load(state + z) + Vector512.Load(bias + z));
                Vector512<float> sum = Bf16.Load(state + n) + Vector512.Load(bias + n);
                Vector512<float> fresh = VectorMath.Tanh(Vector512.FusedMultiplyAdd(reset, sum, Bf16.Load(input + n)));
                Bf16.Store(after + i, Vector512.FusedMultiplyAdd(update, Bf16.Load(before + i) - fresh, fresh));
                Bf16.Store(input + i, reset);
                Bf16.Store(input + z, update);
                Bf16.Store(input + n, fresh);
                Bf16.Store(inner + i, sum);
            }
        }
    }

    /// <summary>One step back.</summary>
    /// <param name="gates">r, z, n, [rows, 3 · width]; the gradient of a takes their place.</param>
    /// <param name="inner">s.</param>
    /// <param name="before">h.</param>
    /// <param name="dAfter">The gradient of h′ from above, [rows, width].</param>
    /// <param name="carried">The gradient of h′ from the next step, fp32; the part of h's that goes past the products
    /// takes its place.</param>
    /// <param name="dState">Takes the gradient of u, [rows, 3 · width].</param>
    /// <param name="rows">Sequences.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Backward(ushort* gates, ushort* inner, ushort* before, ushort* dAfter, float* carried, ushort* dState,
        int rows)
    {
        Vector512<float> one = Vector512<float>.One;
        for (int row = 0; row < rows; row++, gates += 3 * width, inner += width, before += width, dAfter += width,
            carried += width, dState += 3 * width)
        {
            for (int i = 0, z = width, n = 2 * width; i < width; i += Lanes, z += Lanes, n += Lanes)
            {
                Vector512<float> reset = Bf16.Load(gates + i), update = Bf16.Load(gates + z),
                    fresh = Bf16.Load(gates + n);
                Vector512<float> d = Bf16.Load(dAfter + i) + Vector512.Load(carried + i);
                Vector512<float> dFresh = d * (one - update) * (one - (fresh * fresh));
                Vector512<float> dUpdate = d * (Bf16.Load(before + i) - fresh) * update * (one - update);
                Vector512<float> dReset = dFresh * Bf16.Load(inner + i) * reset * (one - reset);
                (d * update).Store(carried + i);
                Bf16.Store(gates + i, dReset);
                Bf16.Store(gates + z, dUpdate);
                Bf16.Store(gates + n, dFresh);
                Bf16.Store(dState + i, dReset);
                Bf16.Store(dState + z, dUpdate);
                Bf16.Store(dState + n, dFresh * reset);
            }
        }
    }
}
