using Atelier.Layers;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Tasks.Text;

/// <summary>What a model learns from a larger one: its probabilities of all tokens (Hinton et al. 2015).</summary>
/// <param name="teacher">The finished model, on the device of the model that learns; disposed with this.</param>
/// <param name="weight">The weight w of the teacher's probabilities in the loss, 0 to 1.</param>
/// <param name="temperature">The temperature T of both models' probabilities.</param>
internal sealed class Distillation(TextModel teacher, double weight, double temperature) : IDisposable
{
    /// <summary>
    /// (1 − w) · cross-entropy + w T² · KL(teacher ‖ model), both probabilities at temperature T (Hinton et al. 2015,
    /// section 2), the mean over all targets; a scalar in fp32.
    /// </summary>
    /// <param name="inputs">The token ids, [batch, time].</param>
    /// <param name="logits">The model's logits, [batch, time, vocabulary].</param>
    /// <param name="targets">The next tokens, [batch, time].</param>
    /// <param name="smoothing">The label smoothing of the cross-entropy.</param>
    public Tensor Loss(Tensor inputs, Tensor logits, Tensor targets, double smoothing)
    {
        Tensor own = F.log_softmax(logits.to(ScalarType.Float32).DividedBy(temperature), -1);
        Tensor divergence = F.kl_div(own.flatten(0, 1), LogProbabilities(inputs), reduction: nn.Reduction.Sum,
            log_target: true).DividedBy(targets.numel());
        return VocabularyHead.CrossEntropyOf(logits, targets, smoothing).Times(1 - weight)
            .Plus(divergence.Times(weight * temperature * temperature));
    }

    /// <inheritdoc/>
    public void Dispose() => teacher.Dispose();

    /// <summary>The logarithms of the teacher's probabilities, [batch · time, vocabulary].</summary>
    private Tensor LogProbabilities(Tensor inputs)
    {
        using var gradients = no_grad();
        if (teacher.Device.type != inputs.device.type)
            teacher.to(inputs.device);
        return F.log_softmax(teacher.Forward(inputs).to(ScalarType.Float32).DividedBy(temperature), -1).flatten(0, 1);
    }
}
