using System.Runtime.InteropServices;
using Atelier.Kernels;
using Atelier.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Layers.Fused;

/// <summary>
/// The product of a head and the mean cross-entropy, fused: some rows at a time, the logits in bf16 are replaced by
/// their gradients, and the gradients of states and weights are computed at once (Hsu et al. 2024 do so on GPUs). The
/// logits of the whole batch are never in memory together.
/// </summary>
internal sealed unsafe class CrossEntropyHead : autograd.SingleTensorFunction<CrossEntropyHead>
{
    private const int SmallestVocabulary = 32; // smaller rows leave most of a register empty
    private const long LogitsAtOnce = 1 << 23; // 16 MiB in bf16, so that those of two replicas fit into the last cache
    private const string Kept = "kept";

    /// <inheritdoc/>
    public override string Name => nameof(CrossEntropyHead);

    /// <summary>Whether this is faster than a product and a cross-entropy.</summary>
    public static bool Serves(Tensor hidden, Tensor weight, Precision precision) =>
        precision == Precision.Bf16 && Bf16.IsSupported && hidden.device_type == DeviceType.CPU
        && is_grad_enabled() && weight.requires_grad && hidden.requires_grad && weight.shape[0] >= SmallestVocabulary;

    /// <summary>The mean cross-entropy over the targets that are not ignored, in nats, a scalar in fp32.</summary>
    /// <param name="hidden">[..., width].</param>
    /// <param name="weight">[vocabulary, width], fp32.</param>
    /// <param name="bias">[vocabulary], fp32, or null.</param>
    /// <param name="targets">Ids, int64, one for each state; negative ids are ignored.</param>
    /// <param name="smoothing">The share of probability spread over all ids.</param>
    /// <param name="rDrop">As in <see cref="VocabularyHead.CrossEntropy"/>.</param>
    public static Tensor Loss(Tensor hidden, Tensor weight, Tensor? bias, Tensor targets, double smoothing,
        double rDrop = 0) => apply(hidden, weight, bias!, targets, smoothing, rDrop);

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        (var hidden, var weight, var bias, var targets, double smoothing, double rDrop) = ((Tensor)vars[0],
            (Tensor)vars[1], (Tensor?)vars[2], (Tensor)vars[3], (double)vars[4], (double)vars[5]);
        using var scope = NewDisposeScope();
        int width = (int)weight.shape[1], vocabulary = (int)weight.shape[0];
        Tensor states = hidden.reshape(-1, width).to(ScalarType.BFloat16); // [rows, width]
        ReadOnlySpan<long> ids = MemoryMarshal.Cast<byte, long>(targets.bytes);
        int rows = ids.Length, counted = 0;
        foreach (long id in ids)
            counted += id >= 0 ? 1 : 0;
        Tensor stateGradient = empty_like(states), biasGradient = zeros(bias is null ? 1 : vocabulary);
        using IHeadProducts products = TileHeadProducts.Serve(width) ? new TileHeadProducts(weight, bias)
            : new LibraryHeadProducts(weight, bias);
        double loss = 0;
        int parts = (int)Math.Max(1, ((long)rows * vocabulary + LogitsAtOnce - 1) / LogitsAtOnce);
        int halves = rDrop > 0 ? 2 : 1, half = rows / halves; // rows of both halves are taken together
        for (int part = 0; part < parts; part++)
        {
            using var temporaries = NewDisposeScope();
            int from = (int)((long)half * part / parts), count = (int)((long)half * (part + 1) / parts) - from;
            Tensor Of(Tensor all, int copy) => all.narrow(0, from + ((long)copy * half), count);
            Tensor some = halves == 1 ? Of(states, 0) : cat([Of(states, 0), Of(states, 1)]);
            Tensor gradient = halves == 1 ? Of(stateGradient, 0) : empty_like(some);
            Tensor logits = products.Logits(some); // [halves · count, vocabulary or more]
            loss += Replace(logits, vocabulary, ids.Slice(from, count), smoothing, rDrop, counted,
                bias is null ? null : biasGradient);
            products.Back(logits, some, gradient);
            for (int copy = 0; copy < halves && halves > 1; copy++)
                Of(stateGradient, copy).copy_(gradient.narrow(0, (long)copy * count, count));
        }
        ctx.save_data(Kept, new Gradients(weight, StepContext.Current.LossWeight,
            stateGradient.view(hidden.shape).DetachFromDisposeScope(), products.WeightGradient.DetachFromDisposeScope(),
            bias is null ? null : biasGradient.DetachFromDisposeScope()));
        return tensor((float)(loss / counted)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var kept = (Gradients)ctx.get_data(Kept);
        using var scope = NewDisposeScope();
        bool isMeasured = (float)grad_output.Number() == (float)kept.Factor;
        Tensor? Due(Tensor? gradient)
        {
            if (gradient is null)
                return null;
            scope.Attach(gradient);
            if (!isMeasured)
                gradient.mul_(grad_output.DividedBy(kept.Factor));
            return gradient.MoveToOuterDisposeScope();
        }
        Tensor ofStates = Due(kept.OfStates)!, ofWeight = Due(kept.OfWeight)!, ofBias = Due(kept.OfBias)!;
        if (kept.Weight is not Parameter parameter)
            return [ofStates, ofWeight, ofBias, null!, null!, null!];
        LinearKernel.Add(parameter, ofWeight); // libtorch would copy it
        return [ofStates, null!, ofBias, null!, null!, null!];
    }

    /// <summary>Replaces logits by their gradients, and returns the sum of the losses.</summary>
    private static double Replace(Tensor logits, int vocabulary, ReadOnlySpan<long> targets, double smoothing,
        double rDrop, int counted, Tensor? biasGradient)
    {
        long next = logits.shape[1]; // with zeros after the vocabulary, which stay
        ushort* row = logits.Pointer<ushort>(), twin = rDrop > 0 ? row + (next * targets.Length) : null;
        float* sum = biasGradient is null ? null : biasGradient.Pointer<float>();
        float factor = (float)(StepContext.Current.LossWeight / counted);
        int room = twin is null ? vocabulary : RDropCrossEntropy.ScratchOf(vocabulary);
        using var scratch = new Scratch(room);
        float* numbers = scratch.Take(room);
        double loss = 0;
        foreach (long target in targets)
        {
            if (target < 0)
            {
                new Span<ushort>(row, (int)next).Clear();
                if (twin is not null)
                    new Span<ushort>(twin, (int)next).Clear();
            }
            else if (twin is null)
            {
                loss += SoftmaxCrossEntropy.Replace(row, vocabulary, target, smoothing, factor, numbers, sum);
            }
            else
            {
                loss += RDropCrossEntropy.Replace(row, twin, vocabulary, target, smoothing, rDrop / 2, factor, numbers);
                if (sum is not null)
                {
                    SoftmaxCrossEntropy.Add(row, vocabulary, sum);
                    SoftmaxCrossEntropy.Add(twin, vocabulary, sum);
                }
            }
            row += next;
            twin = twin is null ? null : twin + next;
        }
        return loss;
    }

    /// <summary>The gradients of a loss times a factor.</summary>
    private sealed record Gradients(Tensor Weight, double Factor, Tensor OfStates, Tensor OfWeight, Tensor? OfBias);
}
