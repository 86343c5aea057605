using Atelier.Layers.Fused;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Layers;

/// <summary>The layer from the last hidden states to the logits of a vocabulary, and its loss.</summary>
/// <param name="Weight">W, [vocabulary, hidden]; that of the embedding if the head is tied to it.</param>
/// <param name="Bias">b, [vocabulary], or null.</param>
/// <param name="Precision">The precision of the product.</param>
public readonly record struct VocabularyHead(Tensor Weight, Tensor? Bias, Precision Precision)
{
    /// <summary>h Wᵀ + b.</summary>
    /// <param name="hidden">h, [..., hidden].</param>
    /// <returns>[..., vocabulary], bf16 if that is the precision.</returns>
    public Tensor Logits(Tensor hidden) => Linear.Product(hidden, Weight, Bias, Precision);

    /// <summary>The mean cross-entropy of the logits in nats per target, a scalar in fp32.</summary>
    /// <param name="hidden">h, [..., hidden].</param>
    /// <param name="targets">Ids, int64, one for each state; negative ids are ignored.</param>
    /// <param name="smoothing">The share of probability that is spread over all ids (Szegedy et al. 2016, section
    /// 7).</param>
    public Tensor CrossEntropy(Tensor hidden, Tensor targets, double smoothing)
    {
        if (CrossEntropyHead.Serves(hidden, Weight, Precision))
        {
            TimedOperation fused = TimedOperation.Begin("head and cross-entropy", ref hidden);
            return fused.End(CrossEntropyHead.Loss(hidden, Weight, Bias, targets, smoothing));
        }
        TimedOperation timed = TimedOperation.Begin("head", ref hidden);
        return CrossEntropyOf(timed.End(Logits(hidden)), targets, smoothing);
    }

    /// <summary>The mean cross-entropy of given logits in nats per target, a scalar in fp32.</summary>
    /// <param name="logits">[..., vocabulary].</param>
    /// <param name="targets">As in <see cref="CrossEntropy"/>.</param>
    /// <param name="smoothing">As in <see cref="CrossEntropy"/>.</param>
    public static Tensor CrossEntropyOf(Tensor logits, Tensor targets, double smoothing)
    {
        TimedOperation timed = TimedOperation.Begin("cross-entropy", ref logits);
        Tensor wide = logits.dtype == ScalarType.BFloat16 ? logits.to(ScalarType.Float32) : logits;
        return timed.End(F.cross_entropy(wide.view(-1, logits.shape[^1]), targets.to(logits.device).view(-1),
            label_smoothing: smoothing));
    }
}
